//! How many checkpoints are kept, and what happens when one cannot be written.

use super::workshop::{Outcome, Workshop, outcome};
use super::{checkpoint, kept, report, run};
use std::fs;
use std::process::{Command, Stdio};

#[test]
fn the_newest_are_kept() {
    let workshop = Workshop::new();
    let every = ["--set", "checkpoint.every=4"];
    run(&workshop, "plate.toml", "run", &every).digest();
    assert_eq!(kept(&workshop, "run"), [12, 16]);
    let figures = &report(&workshop, "run")["checkpoints"];
    assert_eq!((figures["written"].as_u64(), figures["newest_step"].as_u64()), (Some(4), Some(16)));
    assert!(figures["bytes"].as_u64() > Some(4 * 24 * 18 * 8) && figures["bytes_per_s"].as_f64() > Some(0.0));
    run(&workshop, "plate.toml", "one", &[&every as &[&str], &["--set", "checkpoint.keep=1"]].concat()).digest();
    assert_eq!(kept(&workshop, "one"), [16]);
    run(&workshop, "plate.toml", "run", &["--overwrite"]).digest();
    assert!(!workshop.path("run/checkpoints").exists(), "--overwrite has left checkpoints of another run");
}

/// Runs the plate, refined to 300 KiB of state, under a limit of 128 KiB for every file.
fn run_limited(workshop: &Workshop, more: &[&str]) -> Outcome {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", "60", "bash", "-c", "ulimit -f 128 && exec \"$@\"", "bash"]);
    command.arg(env!("CARGO_BIN_EXE_parhelion")).args(["run", "plate.toml", "--output", "run"]).args(FINE).args(more);
    command.current_dir(workshop.path("")).stdin(Stdio::null());
    outcome(command)
}

const FINE: [&str; 8] = [
    "--set",
    "grid.cells=[240,180]",
    "--set",
    "output.snapshot_formats=[]",
    "--set",
    "output.frames_every=0",
    "--set",
    "checkpoint.every=6",
];

#[test]
fn what_cannot_be_written_leaves_the_older_ones_and_is_told() {
    let workshop = Workshop::new();
    let whole = workshop.start(&[&["run", "plate.toml", "--output", "whole"] as &[&str], &FINE].concat()).digest();
    let first =
        workshop.start(&[&["run", "plate.toml", "--output", "run", "--max-time", "0"] as &[&str], &FINE].concat());
    assert_eq!(first.code, Some(75), "{first:#?}");
    let older = fs::read(checkpoint(&workshop, "run", 1)).unwrap();
    for shape in ["1", "3"] {
        let stop = run_limited(&workshop, &["--set", "checkpoint.on_failure=\"stop\"", "--domains", shape]);
        stop.assert_refused(3, &["00000006.checkpoint", "File too large"]);
        assert_eq!(kept(&workshop, "run"), [1]);
        assert_eq!(fs::read_dir(workshop.path("run/checkpoints")).unwrap().count(), 1, "half a file is left");
    }
    assert!(fs::read(checkpoint(&workshop, "run", 1)).unwrap() == older);
    let on = run_limited(&workshop, &["--domains", "2"]);
    assert_eq!(on.digest(), whole, "{on:#?}");
    assert_eq!(on.stderr.matches("warning: no checkpoint at step").count(), 3, "{on:#?}");
    assert_eq!(kept(&workshop, "run"), [1]);
    assert_eq!(report(&workshop, "run")["checkpoints"]["failed"].as_u64(), Some(3));
}

#[test]
fn a_stop_without_a_checkpoint_is_no_75() {
    let workshop = Workshop::new();
    run_limited(&workshop, &["--max-time", "0"]).assert_refused(3, &["00000001.checkpoint", "File too large"]);
}

#[test]
fn a_state_that_is_not_finite_is_never_kept() {
    let workshop = Workshop::new();
    // Diverges within the run; the log would notice it only at the end.
    let keys = ["--set", "time.dt=1e3", "--set", "time.allow_unstable=true", "--set", "time.steps=400"];
    let more =
        ["--set", "output.diagnostics_every=0", "--set", "output.snapshot_every=0", "--set", "output.frames_every=0"];
    let every = ["--set", "checkpoint.every=10", "--set", "checkpoint.keep=100"];
    let outcome = run(&workshop, "plate.toml", "run", &[keys.as_slice(), &more, &every].concat());
    outcome.assert_refused(4, &["not finite at step"]);
    let steps = kept(&workshop, "run");
    assert!(!steps.is_empty() && steps.last() < Some(&400), "{steps:?}");
}
