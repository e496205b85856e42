//! Faults of one domain: whatever it does, the process ends with one `error:` line and the right code. Under `mpirun`:
//! `tests/mpi/faults.sh`.

use super::workshop::{NO_OUTPUTS, Outcome, Workshop, outcome};

/// Starts the plate on some domains of two threads, with a fault.
fn strike(fault: &str, domains: &str, more: &[&str]) -> Outcome {
    let workshop = Workshop::new();
    let usual = ["run", "plate.toml", "--output", "run", "--threads", "2", "--domains", domains];
    let mut command = workshop.command(&[&usual as &[&str], more].concat());
    command.env("PARHELION_FAULT", fault);
    outcome(command)
}

#[test]
fn every_fault_of_a_domain_ends_the_run_with_one_line() {
    for (domains, rank) in [("1", 0), ("3", 2), ("3", 0)] {
        for (fault, code, text) in [
            ("panic,phase=step,step=7", 1, "error: internal: an injected fault at "),
            ("panic,phase=end", 1, "error: internal: an injected fault at "),
            ("worker,phase=step,step=7", 1, "error: internal: an injected fault in a worker at "),
            ("abort,phase=setup", 1, "error: internal: the process was aborted (SIGABRT)"),
            ("error,phase=step,step=7", 3, "error: step 7 failed: "),
            ("error,phase=output", 3, "error: cannot write "),
            ("nan,phase=step,step=7", 4, "error: "),
        ] {
            let fault = format!("{fault},rank={rank}");
            let ended = strike(&fault, domains, &[]);
            let errors: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("error:")).collect();
            assert_eq!(ended.code, Some(code), "{fault} on {domains} domains: {ended:#?}");
            assert!(errors.len() == 1 && errors[0].starts_with(text), "{fault} on {domains} domains: {ended:#?}");
            assert!(ended.stderr.contains("fault: "), "{fault} on {domains} domains did not strike: {ended:#?}");
        }
    }
}

#[test]
fn the_watchdog_ends_a_run_that_hangs_and_names_the_phase() {
    for (fault, place) in [
        ("sleep,phase=step,rank=1,step=7", "hangs in step 7;"),
        ("sleep,phase=checkpoint,rank=0", "hangs in the checkpoint after step 5;"),
    ] {
        let ended = strike(fault, "2", &["--watchdog", "1", "--set", "checkpoint.every=5"]);
        assert_eq!(ended.code, Some(3), "{ended:#?}");
        assert_eq!(ended.stderr.matches("error: no progress for ").count(), 1, "{ended:#?}");
        assert!(ended.stderr.contains(place), "{ended:#?}");
    }
}

#[test]
fn a_run_that_moves_is_left_alone() {
    let workshop = Workshop::new();
    let arguments = ["run", "plate.toml", "--output", "run", "--domains", "2", "--threads", "1", "--watchdog", "5"];
    let long = ["--set", "time.steps=20000"];
    outcome(workshop.command(&[&arguments as &[&str], &NO_OUTPUTS, &long].concat())).digest();
    let mut in_batch = workshop.command(&["run", "plate.toml", "--output", "batch"]);
    in_batch.env("PBS_JOBID", "17");
    outcome(in_batch).digest();
}

#[test]
fn a_plan_of_faults_that_cannot_be_read_is_refused() {
    let refused = strike("boom,phase=step,rank=0", "1", &[]);
    assert_eq!(refused.code, Some(2), "{refused:#?}");
    assert!(refused.stderr.starts_with("error: PARHELION_FAULT is \"boom"), "{refused:#?}");
}
