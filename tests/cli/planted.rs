//! Links laid at names that a run writes: refused in one line, and what they lead to stays as it is.

use super::workshop::{PLATE, Workshop};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

const BODIES: &str = r#"physics = "nbody"
[[bodies]]
kind = "plummer"
count = 40
mass = 1.0
scale_radius = 1.0
seed = 7
[time]
dt = 0.01
steps = 4
[gravity]
softening = 0.1
[output]
diagnostics_every = 1
snapshot_every = 2
snapshot_formats = ["npy", "vtp"]
frames_every = 2
[checkpoint]
every = 2
on_failure = "stop"
"#;

/// What every case starts from: a finished run in `base`, and something precious outside.
fn finished(deck: &str) -> Workshop {
    let workshop = Workshop::new();
    workshop.write("deck.toml", deck);
    workshop.start(&["run", "deck.toml", "--output", "base"]).digest();
    fs::create_dir(workshop.path("outside")).unwrap();
    workshop.write("outside/precious", "precious");
    workshop
}

fn copy(workshop: &Workshop) {
    let _ = fs::remove_dir_all(workshop.path("run"));
    let copied = Command::new("cp").args(["-r", "base", "run"]).current_dir(workshop.path("")).status().unwrap();
    assert!(copied.success());
}

/// Puts a link in the place of `name`, to the directory outside or to the file in it.
fn plant(workshop: &Workshop, name: &str, is_directory: bool) {
    let place = workshop.path("run").join(name);
    if place.is_dir() {
        fs::remove_dir_all(&place).unwrap();
    } else if place.exists() {
        fs::remove_file(&place).unwrap();
    }
    symlink(workshop.path(if is_directory { "outside" } else { "outside/precious" }), place).unwrap();
}

fn assert_untouched(workshop: &Workshop, name: &str) {
    let outside: Vec<_> = fs::read_dir(workshop.path("outside")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(outside, [workshop.path("outside/precious")], "{name}");
    assert_eq!(fs::read(&outside[0]).unwrap(), b"precious", "{name}");
    assert!(fs::symlink_metadata(workshop.path("run").join(name)).is_ok_and(|found| found.is_symlink()), "{name}");
}

/// Starts a run over the old one with a link at `name`.
fn assert_refused(workshop: &Workshop, name: &str, is_directory: bool, code: i32) {
    for shape in ["1", "3"] {
        copy(workshop);
        plant(workshop, name, is_directory);
        let outcome = workshop.start(&["run", "deck.toml", "--output", "run", "--overwrite", "--domains", shape]);
        let word = Path::new(name).file_name().unwrap().to_str().unwrap();
        outcome.assert_refused(code, &[word]);
        assert_untouched(workshop, name);
    }
}

fn plate() -> String {
    PLATE.to_owned() + "[checkpoint]\nevery = 10\non_failure = \"stop\"\n"
}

#[test]
fn links_at_names_in_the_run_directory() {
    let workshop = finished(&plate());
    for name in ["deck.toml", "report.json", "diagnostics.csv", ".deck.toml.tmp", ".report.json.tmp", "run.lock"] {
        assert_refused(&workshop, name, false, 6);
    }
    for name in ["snapshots", "frames", "checkpoints"] {
        assert_refused(&workshop, name, true, 6);
    }
    // Also where nothing but the lock is there, and where a run would go on.
    fs::remove_dir_all(workshop.path("run")).unwrap();
    fs::create_dir(workshop.path("run")).unwrap();
    plant(&workshop, "run.lock", false);
    workshop.start(&["run", "deck.toml", "--output", "run"]).assert_refused(6, &["run.lock", "link"]);
    assert_untouched(&workshop, "run.lock");
    for name in ["diagnostics.csv", "report.json"] {
        copy(&workshop);
        let _ = fs::remove_file(workshop.path("run/report.json"));
        plant(&workshop, name, false);
        workshop.start(&["run", "deck.toml", "--output", "run"]).assert_refused(6, &[name, "link"]);
        assert_untouched(&workshop, name);
    }
}

#[test]
fn links_at_names_of_outputs_of_heat() {
    let workshop = finished(&plate());
    assert_refused(&workshop, "snapshots/00000010", true, 3);
    for name in [
        "snapshots/times.csv",
        "snapshots/.times.csv.tmp",
        "snapshots/temperature.pvd",
        "snapshots/00000010/temperature.npy",
        "snapshots/00000010/.temperature.npy.tmp",
        "snapshots/00000010/temperature.pvti",
        "snapshots/00000010/temperature_0.vti",
        "snapshots/00000010/.temperature_0.vti.tmp",
        "frames/frame_00000010.png",
        "frames/.frame_00000010.png.tmp",
        "frames/animation.png",
        "frames/.animation.png.tmp",
        "checkpoints/00000010.checkpoint",
        "checkpoints/.00000010.checkpoint.tmp",
    ] {
        assert_refused(&workshop, name, false, 3);
    }
}

#[test]
fn links_at_names_of_outputs_of_bodies() {
    let workshop = finished(BODIES);
    assert_refused(&workshop, "snapshots/00000002", true, 3);
    for name in [
        "snapshots/times.csv",
        "snapshots/bodies.pvd",
        "snapshots/00000002/positions.npy",
        "snapshots/00000002/.ids.npy.tmp",
        "snapshots/00000002/bodies_0.vtp",
        "frames/.frame_00000002.png.tmp",
        "checkpoints/00000002.checkpoint",
    ] {
        assert_refused(&workshop, name, false, 3);
    }
}

/// A pipe would keep whoever opens it waiting.
#[test]
fn pipes_hold_nobody_up() {
    let workshop = finished(&plate());
    for name in ["deck.toml", "report.json", "run.lock", "diagnostics.csv", "checkpoints/00000010.checkpoint"] {
        copy(&workshop);
        fs::remove_file(workshop.path("run/report.json")).unwrap();
        let place = workshop.path("run").join(name);
        let _ = fs::remove_file(&place);
        assert!(Command::new("mkfifo").arg(&place).status().unwrap().success());
        let outcome = workshop.start(&["run", "deck.toml", "--output", "run"]);
        let wanted = if name.starts_with("checkpoints") { 5 } else { 6 };
        outcome.assert_refused(wanted, &[name]);
    }
}
