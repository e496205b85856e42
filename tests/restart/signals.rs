//! Signals: the first one keeps the state and leaves with 75, the second one ends at once; kills at any time lose no run.

use super::workshop::{Workshop, outcome};
use super::{assert_same_results, checkpoint, kept, report, run};
use parhelion::checkpoint::verify::{self, Refusal};
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A run of some seconds that can go on for minutes if the machine is slow.
const LONG: [&str; 10] = [
    "--set",
    "grid.cells=[96,80]",
    "--set",
    "time.steps=60000",
    "--set",
    "output.diagnostics_every=6000",
    "--set",
    "output.snapshot_every=0",
    "--set",
    "output.frames_every=20000",
];

/// Starts the long run and waits until it is in its loop.
fn start(workshop: &Workshop, output: &str, more: &[&str]) -> Child {
    let log = workshop.path(output).join("diagnostics.csv");
    let before = std::fs::metadata(&log).and_then(|data| data.modified()).ok();
    let arguments = [&["run", "plate.toml", "--output", output] as &[&str], &super::ARRAYS, &LONG, more].concat();
    let mut command = Command::new(env!("CARGO_BIN_EXE_parhelion"));
    command.args(arguments).current_dir(workshop.path("")).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    for _ in 0..3000 {
        if std::fs::metadata(&log).is_ok_and(|data| data.modified().ok() != before && data.len() > 0) {
            return child;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    panic!("the run has not begun: {:?}", child.wait_with_output());
}

fn send(child: &Child, signal: &str) {
    Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
}

/// Exit code and standard error; a run that does not end within a minute is killed.
fn wait(mut child: Child) -> (Option<i32>, String) {
    for _ in 0..6000 {
        if child.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_signal_keeps_the_state_and_the_same_command_goes_on() {
    let workshop = Workshop::new();
    let expected = run(&workshop, "plate.toml", "whole", &LONG).digest();
    for (number, signal) in ["INT", "TERM", "USR1"].into_iter().enumerate() {
        let child = start(&workshop, "run", &["--domains", ["1", "3", "2"][number], "--threads", "1"]);
        send(&child, signal);
        let (code, text) = wait(child);
        assert_eq!(code, Some(75), "{signal}: {text}");
        assert!(text.contains(&format!("stopped by SIG{signal} after step")), "{text}");
        assert!(!text.contains("error:"), "{text}");
        assert!(!kept(&workshop, "run").is_empty());
        assert_eq!(report(&workshop, "run")["cause"].as_str(), Some(format!("SIG{signal}").as_str()));
    }
    let outcome = run(&workshop, "plate.toml", "run", &LONG);
    assert_eq!(outcome.digest(), expected);
    assert_same_results(&workshop, "run", "whole", "stopped three times");
}

#[test]
fn a_time_limit_keeps_the_state() {
    let workshop = Workshop::new();
    let outcome = run(&workshop, "plate.toml", "run", &[&LONG as &[&str], &["--max-time", "0.3"]].concat());
    assert_eq!(outcome.code, Some(75), "{outcome:#?}");
    assert!(outcome.stderr.contains("stopped by the time limit after step"), "{outcome:#?}");
}

#[test]
fn a_run_stops_before_its_slurm_job_ends() {
    let workshop = Workshop::new();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let arguments =
        [&["run", "plate.toml", "--output", "run"] as &[&str], &LONG, &["--set", "time.steps=100000000"]].concat();
    for end in [now + 31, now + 10] {
        let mut command = workshop.command(&arguments);
        command.env("SLURM_JOB_END_TIME", end.to_string());
        let stopped = outcome(command);
        assert_eq!(stopped.code, Some(75), "{stopped:#?}");
        assert!(stopped.stderr.contains("stopped by the time limit"), "{stopped:#?}");
    }
    // The end of a job that is over says nothing about this one.
    let mut command = workshop.command(&["run", "plate.toml", "--output", "other"]);
    command.env("SLURM_JOB_END_TIME", (now - 5).to_string());
    outcome(command).digest();
}

#[test]
fn the_second_signal_ends_at_once() {
    let workshop = Workshop::new();
    // Steps so long that the first signal has to wait.
    let keys = ["grid.cells=[6000,6000]", "time.steps=1000000", "output.diagnostics_every=0", "output.frames_every=0"];
    let sets: Vec<&str> = keys.iter().flat_map(|key| ["--set", *key]).collect();
    let mut child = start(
        &workshop,
        "run",
        &[&sets as &[&str], &["--threads", "1", "--set", "output.snapshot_formats=[]"]].concat(),
    );
    // One signal a moment until it has gone: whatever the first one still waits for, the second one ends.
    for _ in 0..200 {
        send(&child, "TERM");
        std::thread::sleep(Duration::from_millis(30));
        if child.try_wait().unwrap().is_some() {
            break;
        }
    }
    let (code, text) = wait(child);
    assert_eq!(code, Some(128 + 15), "{text}");
    assert!(text.contains("second signal (SIGTERM)"), "{text}");
    // What the first signal asked for may have come in time; then it is whole.
    for step in kept(&workshop, "run") {
        assert_eq!(whole(&checkpoint(&workshop, "run", step)), Ok(()), "a part of a checkpoint has got a name");
    }
}

fn whole(path: &Path) -> Result<(), Refusal> {
    let file = File::open(path).unwrap();
    verify::structure(&file)?.check_data(&file, 0, 1)
}

#[test]
fn kills_at_random_times_lose_nothing() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/soak/kill.sh");
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", "300", "bash"]).arg(script).arg("12");
    command.env("PARHELION", env!("CARGO_BIN_EXE_parhelion")).stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("12 kills, 0 runs without a usable checkpoint, 0 other digests"), "{text}");
}
