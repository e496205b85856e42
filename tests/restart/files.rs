//! Checkpoints that are damaged, of another run, of a newer program, or not there.

use super::workshop::Workshop;
use super::{assert_same_results, checkpoint, kept, kill_after, report, run};
use std::fs;

const EVERY_FIVE: [&str; 4] = ["--set", "checkpoint.every=5", "--set", "checkpoint.keep=10"];

/// A plate of 20 steps with checkpoints after 5, 10 and 15, whole in `whole`, and as killed after the last of them in `run`.
fn killed() -> (Workshop, String) {
    let workshop = Workshop::new();
    let expected = run(&workshop, "plate.toml", "whole", &EVERY_FIVE).digest();
    assert_eq!(run(&workshop, "plate.toml", "run", &EVERY_FIVE).digest(), expected);
    assert_eq!(kept(&workshop, "run"), [5, 10, 15]);
    kill_after(&workshop, "run", 15);
    (workshop, expected)
}

#[test]
fn a_damaged_checkpoint_is_named_and_an_older_one_is_taken() {
    let (workshop, expected) = killed();
    let newest = checkpoint(&workshop, "run", 15);
    let good = fs::read(&newest).unwrap();
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 4;
        bytes
    };
    let cases = [
        (flipped(0), "does not begin"),
        (flipped(20), "first bytes"),
        (flipped(200), "header or its table"),
        (flipped(good.len() - 2000), "is damaged in the"),
        (flipped(good.len() - 70), "header or its table"),
        (flipped(good.len() - 1), "end is missing"),
        (good[..good.len() - 1].to_vec(), "end is missing"),
        (good[..1000].to_vec(), "end is missing"),
        (good[..30].to_vec(), "only 30 bytes"),
        (Vec::new(), "only 0 bytes"),
    ];
    for (number, (bytes, reason)) in cases.into_iter().enumerate() {
        fs::write(&newest, bytes).unwrap();
        let domains = ["1", "3"][number % 2];
        let outcome = run(&workshop, "plate.toml", "run", &[&EVERY_FIVE, &["--domains", domains] as &[&str]].concat());
        assert_eq!(outcome.digest(), expected, "{outcome:#?}");
        assert!(outcome.stderr.contains("00000015.checkpoint cannot be used: "), "{outcome:#?}");
        assert!(outcome.stderr.contains(reason) && outcome.stderr.contains("step 10"), "{reason}: {outcome:#?}");
        assert_same_results(&workshop, "run", "whole", reason);
        let restart = &report(&workshop, "run")["restart"];
        assert_eq!((restart["step"].as_u64(), restart["skipped"].as_array().map(Vec::len)), (Some(10), Some(1)));
        kill_after(&workshop, "run", 15);
    }
}

#[test]
fn a_link_in_place_of_a_checkpoint_is_not_followed() {
    let (workshop, expected) = killed();
    let newest = checkpoint(&workshop, "run", 15);
    fs::rename(&newest, workshop.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(workshop.path("elsewhere"), &newest).unwrap();
    let outcome = run(&workshop, "plate.toml", "run", &EVERY_FIVE);
    assert_eq!(outcome.digest(), expected);
    assert!(outcome.stderr.contains("cannot be opened"), "{outcome:#?}");
    assert!(workshop.path("elsewhere").exists());
}

#[test]
fn without_a_usable_checkpoint_nothing_starts() {
    let (workshop, _) = killed();
    for step in [5, 10, 15] {
        fs::write(checkpoint(&workshop, "run", step), "rubbish").unwrap();
    }
    for flags in [&[] as &[&str], &["--resume"], &["--domains", "3"]] {
        let outcome = run(&workshop, "plate.toml", "run", &[&EVERY_FIVE, flags].concat());
        outcome.assert_refused(5, &["none of the 3 checkpoints", "--overwrite", "only 7 bytes"]);
        assert_eq!(kept(&workshop, "run"), [5, 10, 15]);
    }
    run(&workshop, "plate.toml", "run", &[&EVERY_FIVE, &["--overwrite"] as &[&str]].concat()).digest();
}

#[test]
fn a_run_killed_before_its_first_checkpoint_begins_again_and_says_so() {
    let workshop = Workshop::new();
    let expected = run(&workshop, "plate.toml", "run", &[]).digest();
    assert!(!workshop.path("run/checkpoints").exists(), "a run of less than a second has written checkpoints");
    kill_after(&workshop, "run", 0);
    run(&workshop, "plate.toml", "run", &["--resume"]).assert_refused(5, &["nothing to resume", "--resume"]);
    let outcome = run(&workshop, "plate.toml", "run", &[]);
    assert_eq!(outcome.digest(), expected);
    assert!(outcome.stderr.contains("before its first checkpoint"), "{outcome:#?}");
}

#[test]
fn there_is_nothing_to_resume_in_an_empty_directory() {
    let workshop = Workshop::new();
    workshop.refuses(&["plate.toml", "--output", "new", "--resume"], 5, &["nothing to resume", "new"]);
}

#[test]
fn checkpoints_of_another_run_are_refused_by_the_key_that_differs() {
    let (workshop, _) = killed();
    let refuse = |change: &str, key: &str| {
        let set = [&["--set", change] as &[&str], &EVERY_FIVE].concat();
        run(&workshop, "plate.toml", "run", &[&set, &["--resume"] as &[&str]].concat())
            .assert_refused(2, &[&format!("another run: {key}"), "--overwrite"]);
        // Without --resume it is just another run.
        run(&workshop, "plate.toml", "run", &set).assert_refused(6, &["holds another run"]);
    };
    refuse("grid.cells=[24,19]", "grid.cells");
    refuse("material.name=\"steel\"", "material");
    refuse("boundary.all.value=21.0", "boundary");
    refuse("time.safety=0.5", "time.safety");
    refuse("time.steps=12", "time.steps");
    workshop.write("bodies.toml", "physics = \"nbody\"\n[[bodies]]\nkind = \"listed\"\nlist = [{ mass = 1.0, position = [0.0, 0.0, 0.0], velocity = [0.0, 0.0, 0.0] }]\n[time]\ndt = 1.0\nsteps = 3\n");
    run(&workshop, "bodies.toml", "run", &["--resume"])
        .assert_refused(2, &["physics is \"heat\" there and \"nbody\" here"]);
}

#[test]
fn a_checkpoint_of_a_newer_program_is_refused() {
    let (workshop, _) = killed();
    let newest = checkpoint(&workshop, "run", 15);
    let mut bytes = fs::read(&newest).unwrap();
    bytes[8] = 2;
    let hash = blake3::hash(&bytes[..32]);
    bytes[32..64].copy_from_slice(hash.as_bytes());
    fs::write(&newest, bytes).unwrap();
    let outcome = run(&workshop, "plate.toml", "run", &EVERY_FIVE);
    outcome.assert_refused(2, &["format version 2", "up to 1", "newer program"]);
}

#[test]
fn other_outputs_go_on_only_when_asked() {
    let (workshop, expected) = killed();
    let change = [&EVERY_FIVE as &[&str], &["--set", "output.diagnostics_every=1", "--set", "title=Other"]].concat();
    run(&workshop, "plate.toml", "run", &change).assert_refused(6, &["holds another run"]);
    let outcome = run(&workshop, "plate.toml", "run", &[&change, &["--resume"] as &[&str]].concat());
    assert_eq!(outcome.digest(), expected);
    let log = fs::read_to_string(workshop.path("run/diagnostics.csv")).unwrap();
    let steps: Vec<&str> = log.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(steps, ["0", "5", "10", "15", "16", "17", "18", "19", "20"]);
}

#[test]
fn a_finished_run_is_extended_and_otherwise_left_alone() {
    let workshop = Workshop::new();
    let at_end = ["--set", "checkpoint.at_end=true", "--set", "checkpoint.every=\"never\""];
    run(&workshop, "plate.toml", "run", &at_end).digest();
    assert_eq!(kept(&workshop, "run"), [20]);
    run(&workshop, "plate.toml", "run", &at_end).assert_refused(6, &["holds another run", "done"]);
    let resume = [&at_end as &[&str], &["--resume"]].concat();
    run(&workshop, "plate.toml", "run", &resume).assert_refused(6, &["is complete", "time.steps"]);
    let longer = ["--set", "time.steps=33"];
    let expected = run(&workshop, "plate.toml", "whole", &longer).digest();
    assert_eq!(run(&workshop, "plate.toml", "run", &[&resume, &longer as &[&str]].concat()).digest(), expected);
    assert_same_results(&workshop, "run", "whole", "extended");
}

#[test]
fn a_log_that_was_cut_is_not_gone_on_with() {
    let (workshop, _) = killed();
    fs::write(workshop.path("run/diagnostics.csv"), "step").unwrap();
    run(&workshop, "plate.toml", "run", &EVERY_FIVE).assert_refused(3, &["diagnostics.csv", "4 bytes", "--overwrite"]);
}
