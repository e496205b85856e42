//! Control characters in whatever a user or another program hands to a run are shown as escapes: they neither reach the terminal nor begin
//! a line of their own.

use super::workshop::{Outcome, PLATE, Workshop};
use std::fs;

/// Would clear a screen, and look like an error and a digest of ours.
const HOSTILE: &str = "a\u{1b}[2J\nerror: forged\ndigest: \u{9b}0m\u{7}";

fn assert_plain(outcome: &Outcome, code: i32) {
    outcome.assert_refused(code, &[]);
    for text in [&outcome.stdout, &outcome.stderr] {
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{outcome:#?}");
        assert!(
            !text.lines().any(|line| line.starts_with("digest:") || line.starts_with("error: forged")),
            "{outcome:#?}"
        );
    }
    assert!(outcome.stderr.contains("\\u001b") || outcome.stderr.contains("\\u{1b}"), "{outcome:#?}");
}

#[test]
fn names_of_decks_keys_and_values() {
    let workshop = Workshop::new();
    let (missing, named) = (format!("{HOSTILE}.toml"), format!("{HOSTILE}-deck.toml"));
    workshop.write(&named, PLATE);
    workshop.write("bad.toml", PLATE.replace("\"copper\"", "\"\\u001b[2J\\nerror: forged\""));
    workshop.write("key.toml", PLATE.replace("title = \"Plate\"", "\"\\u001b[2J\\nerror: forged\" = 1"));
    let set = format!("title={HOSTILE}");
    for arguments in [
        &["run", missing.as_str()] as &[&str],
        &["run", named.as_str()],
        &["run", "bad.toml"],
        &["run", "key.toml"],
        &["run", "plate.toml", "--set", set.as_str()],
        &["run", "plate.toml", "--output", "\u{1b}[2J", "--resume", "--set", "x=\u{1b}"],
        &["run", "plate.toml", "--threads", HOSTILE],
        &["run", "plate.toml", "--max-time=\u{1b}[2J\nerror: forged"],
        &["run", "plate.toml", HOSTILE],
    ] {
        assert_plain(&workshop.start(arguments), 2);
        assert_plain(&workshop.start(&[arguments, &["--domains", "2"]].concat()), 2);
    }
    assert_plain(&workshop.start(&["render", HOSTILE]), 2);
    assert_plain(&workshop.start(&["run", "plate.toml", "--resume", "--output", HOSTILE]), 5);
}

#[test]
fn files_that_a_deck_names() {
    let workshop = Workshop::new();
    let escaped = "\\u001b[2J\\nerror: forged";
    let region = format!("[[regions]]\nshape = \"mask\"\nfile = \"{escaped}.png\"\nmaterial = \"steel\"\n[boundary]\n");
    workshop.write("mask.toml", PLATE.replace("[boundary]\n", &region));
    let state = format!("kind = \"file\"\nfile = \"{escaped}.npy\"");
    workshop.write("state.toml", PLATE.replace("kind = \"uniform\"\nvalue = 100.0", &state));
    let bodies = |file: &str| {
        format!(
            "physics = \"nbody\"\n[gravity]\nsoftening = 0.1\n[bodies]\nfile = \"{file}\"\n[time]\ndt = 0.1\nsteps = 1\n"
        )
    };
    workshop.write("missing.toml", bodies(&format!("{escaped}.csv")));
    workshop.write("cell.toml", bodies("cell.csv"));
    workshop.write("cell.csv", format!("mass,x,y,z,vx,vy,vz\n1,{},0,0,0,0,0\n", HOSTILE.replace('\n', "\r")));
    for deck in ["mask.toml", "state.toml", "missing.toml", "cell.toml"] {
        assert_plain(&workshop.start(&["run", deck]), 2);
    }
}

#[test]
fn directories_and_what_lies_in_them() {
    let workshop = Workshop::new();
    workshop.start(&["run", "plate.toml", "--output", "run"]).digest();
    let report = serde_json::json!({ "status": HOSTILE }).to_string();
    workshop.write("run/report.json", report);
    assert_plain(&workshop.start(&["run", "solid.toml", "--output", "run"]), 6);
    fs::create_dir(workshop.path("foreign")).unwrap();
    workshop.write(&format!("foreign/{}", HOSTILE.replace('/', "")), "");
    assert_plain(&workshop.start(&["run", "plate.toml", "--output", "foreign"]), 6);
    let index = fs::read_to_string(workshop.path("run/snapshots/00000010/temperature.pvti")).unwrap();
    fs::remove_file(workshop.path("run/snapshots/00000010/temperature.npy")).unwrap();
    workshop.write("run/snapshots/00000010/temperature.pvti", index.replace("temperature_0.vti", "\u{1b}[2J"));
    assert_plain(&workshop.start(&["render", "run"]), 2);
}

#[test]
fn the_environment_and_a_lock() {
    use super::directories::Endless;
    let workshop = Workshop::new();
    let job = HOSTILE.to_owned() + &"x".repeat(10_000);
    let live = Endless::start(&workshop, "live", &[("SLURM_JOB_ID", &job)]);
    let refused = workshop.start(&["run", "plate.toml", "--output", "live"]);
    assert_plain(&refused, 6);
    assert!(refused.stderr.contains(", job a\\u001b[2J\\nerror: forged"), "{refused:#?}");
    drop(live);
    // Another program may have written the lock that a dead run left.
    workshop.write("live/run.lock", format!("host {HOSTILE}, process 1"));
    let taken = workshop.start(&["run", "plate.toml", "--output", "live", "--overwrite"]);
    taken.digest();
    assert!(taken.stderr.contains("taking over live from a run that is dead (host a\\u001b[2J\\nerror"), "{taken:#?}");
}
