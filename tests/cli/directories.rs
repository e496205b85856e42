//! The output directory: where it cannot be, whose it is, and a disk that is full.

use super::workshop::{Workshop, outcome};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

#[test]
fn directories_that_cannot_be_made() {
    let workshop = Workshop::new();
    workshop.write("file", "text");
    for output in ["file", "file/below", "file/far/below", "/proc/parhelion/run", "/dev/null"] {
        workshop.refuses(&["plate.toml", "--output", output], 2, &[output, "output directory", "--output"]);
    }
}

#[test]
fn a_directory_with_files_of_others() {
    let workshop = Workshop::new();
    fs::create_dir(workshop.path("home")).unwrap();
    workshop.write("home/thesis.txt", "years of work");
    workshop.write("home/deck.toml", "title = \"mine\"");
    for overwrite in [&[] as &[&str], &["--overwrite"]] {
        workshop.refuses(&[&["plate.toml", "--output", "home"], overwrite].concat(), 6, &["home", "--output"]);
    }
}

#[test]
fn a_directory_that_holds_another_run() {
    let workshop = Workshop::new();
    let plate = workshop.start(&["run", "plate.toml", "--output", "run"]).digest();
    workshop.write("run/notes.txt", "mine");
    workshop.refuses(&["solid.toml", "--output", "run"], 6, &["holds another run", "done", "--overwrite"]);
    workshop.refuses(&["plate.toml", "--output", "run"], 6, &["--overwrite"]);
    let overwritten = workshop.start(&["run", "solid.toml", "--output", "run", "--overwrite"]).digest();
    assert_ne!(overwritten, plate);
    assert_eq!(fs::read_to_string(workshop.path("run/notes.txt")).unwrap(), "mine");
    assert!(!workshop.path("run/snapshots/00000020").exists(), "a snapshot of the earlier run is left");
}

#[test]
fn a_bad_deck_does_not_harm_an_earlier_run() {
    let workshop = Workshop::new();
    workshop.start(&["run", "plate.toml"]).digest();
    workshop.refuses(&["plate.toml", "--overwrite", "--set", "time.dt=1e6"], 2, &["time.dt"]);
    workshop.refuses(
        &["plate.toml", "--overwrite", "--set", "initial={ kind = \"file\", file = \"no.npy\" }"],
        2,
        &["no.npy"],
    );
}

/// A run that goes on until it is dropped.
pub(super) struct Endless(Child);

impl Endless {
    /// With these variables in its environment.
    pub(super) fn start(workshop: &Workshop, output: &str, variables: &[(&str, &str)]) -> Endless {
        let endless = ["--set", "time.steps=1000000000", "--set", "output.diagnostics_every=0"];
        let silent = ["--set", "output.snapshot_every=0", "--set", "output.frames_every=0"];
        let arguments = [&["run", "plate.toml", "--output", output, "--quiet"], endless.as_slice(), &silent].concat();
        let mut command = workshop.command(&arguments);
        command.envs(variables.iter().copied());
        let run = Endless(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts"));
        let deck = workshop.path(output).join("deck.toml");
        for _ in 0..3000 {
            if deck.exists() {
                return run;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the run has not begun");
    }

    /// The process of the run, which `timeout` has started.
    fn process(&self) -> String {
        let found = Command::new("pgrep").args(["-P", &self.0.id().to_string()]).output().unwrap();
        String::from_utf8(found.stdout).unwrap().trim().to_owned()
    }

    fn kill(mut self) {
        Command::new("kill").args(["-KILL", &self.process()]).status().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        // `timeout` passes the signal on to the run.
        let _ = Command::new("timeout").args(["10", "kill", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

#[test]
fn a_directory_in_use() {
    let workshop = Workshop::new();
    let live = Endless::start(&workshop, "live", &[("SLURM_JOB_ID", "4711")]);
    let owner = format!("host {}, process {}, job 4711", parhelion::output::run_lock::host(), live.process());
    for overwrite in [&["--quiet"] as &[&str], &["--overwrite"]] {
        for shape in ["1", "3"] {
            let arguments = ["run", "plate.toml", "--output", "live", "--domains", shape];
            let outcome = workshop.start(&[&arguments, overwrite].concat());
            outcome.assert_refused(6, &["live", "in use", &owner, "--output"]);
        }
    }
    drop(live);
    // A run that ended in order leaves no lock, and there is nothing to tell.
    let next = workshop.start(&["run", "plate.toml", "--output", "live", "--overwrite"]);
    next.digest();
    assert!(!next.stderr.contains("taking over"), "{next:#?}");
}

#[test]
fn the_lock_of_a_dead_run_is_taken_over_with_a_note() {
    let workshop = Workshop::new();
    for shape in ["1", "3"] {
        let dead = Endless::start(&workshop, "dead", &[("SLURM_JOB_ID", "4711")]);
        let owner = format!("process {}, job 4711", dead.process());
        dead.kill();
        assert!(workshop.path("dead/run.lock").exists());
        let next = workshop.start(&["run", "plate.toml", "--output", "dead", "--overwrite", "--domains", shape]);
        next.digest();
        let notes: Vec<&str> = next.stderr.lines().filter(|line| line.starts_with("taking over dead ")).collect();
        assert!(notes.len() == 1 && notes[0].contains(&owner), "{next:#?}");
        std::fs::remove_dir_all(workshop.path("dead")).unwrap();
    }
}

/// `unshare` with a file system of its own, if this machine allows it.
fn private_mounts() -> Option<Vec<&'static str>> {
    let candidates = [vec!["unshare", "--mount"], vec!["unshare", "--mount", "--user", "--map-root-user"]];
    candidates.into_iter().find(|words| {
        let mut probe = Command::new("timeout");
        probe.arg("20").args(words).args(["sh", "-c", "mount -t tmpfs -o size=64k none /mnt"]);
        probe.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    })
}

#[test]
fn a_full_disk() {
    let Some(unshare) = private_mounts() else {
        eprintln!("SKIPPED a_full_disk: this machine lets nobody mount a tmpfs in a namespace (unshare)");
        return;
    };
    let workshop = Workshop::new();
    fs::create_dir(workshop.path("small")).unwrap();
    // The array takes 400 * 300 * 8 bytes: more than the disk has.
    let script =
        "mount -t tmpfs -o size=300k none small && \"$@\"; code=$?; ls -A small/run small/run/* >&2; exit $code";
    for domains in ["1", "3"] {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=5", "60"]).args(&unshare).args(["sh", "-c", script, "sh"]);
        command.arg(env!("CARGO_BIN_EXE_parhelion")).args(["run", "plate.toml", "--output", "small/run"]);
        command.args([
            "--domains",
            domains,
            "--set",
            "grid.cells=[400,300]",
            "--set",
            "output.snapshot_formats=[\"npy\"]",
        ]);
        let outcome = outcome(command_in(command, &workshop));
        outcome.assert_refused(3, &["small/run", "No space left", "960128 bytes", "needed", "available", "--output"]);
        assert!(!outcome.stderr.contains(".npy.tmp\n"), "half a file is left: {outcome:#?}");
    }
}

fn command_in(mut command: Command, workshop: &Workshop) -> Command {
    command.current_dir(workshop.path("")).stdin(Stdio::null());
    command
}
