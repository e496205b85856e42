//! Every deck of the project runs, checks itself, and reports what the contract promises.

use super::workshop::Workshop;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What shortens the decks that take more than a few seconds.
const SHORTER: [(&str, &str); 5] = [
    ("bench_512", "grid.cells=[48,40,36]"),
    ("heat_sink", "time.end=2.0"),
    ("hot_plate", "time.end=5.0"),
    ("house_wall", "time.end=3600.0"),
    ("soda_bottle", "time.end=300.0"),
];

/// What every report has, whatever the physics.
const KEYS: [&str; 23] = [
    "status",
    "exit_code",
    "physics",
    "title",
    "version",
    "build.features",
    "build.cpu_path",
    "hosts",
    "ranks",
    "threads_per_rank",
    "process_grid",
    "steps",
    "time",
    "dt",
    "unknowns",
    "digest",
    "wall_s",
    "loop_s",
    "updates_per_s",
    "phases",
    "memory",
    "messages",
    "validation",
];

fn decks() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("inputs/heat");
    let entries = std::fs::read_dir(directory).expect("inputs/heat is there").map(|entry| entry.unwrap().path());
    let mut decks: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
    decks.sort();
    decks
}

pub fn report(workshop: &Workshop, run: &str) -> Value {
    let text = std::fs::read_to_string(workshop.path(run).join("report.json")).expect("a report");
    serde_json::from_str(&text).expect("the report is JSON")
}

fn at<'a>(report: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(report, |value, key| &value[key])
}

#[test]
fn every_deck_runs_and_passes_its_own_checks() {
    let workshop = Workshop::new();
    assert!(decks().len() >= 8);
    for deck in decks() {
        let case = deck.file_stem().unwrap().to_str().unwrap();
        let shorter = SHORTER.iter().find(|(name, _)| *name == case).map_or(vec![], |(_, key)| vec!["--set", key]);
        let outcome = workshop.start(&[&["run", deck.to_str().unwrap()], shorter.as_slice()].concat());
        let digest = outcome.digest();
        assert!(outcome.stdout.lines().count() <= 24, "more than a screen: {}", outcome.stdout);
        assert!(!outcome.stderr.contains("error:") && !outcome.stderr.contains("warning: deck"), "{}", outcome.stderr);
        check_report(&report(&workshop, &format!("outputs/{case}")), case, &digest);
    }
}

/// The report has the keys of all reports, and those of its physics.
pub fn assert_keys(report: &Value, case: &str, others: &[&str]) {
    for key in KEYS.iter().chain(others) {
        assert!(!at(report, key).is_null(), "{case}: no {key} in the report");
    }
}

fn check_report(report: &Value, case: &str, digest: &str) {
    assert_keys(report, case, &["max_stable_dt"]);
    assert_eq!(
        (&report["status"], &report["exit_code"], &report["digest"]),
        (&"done".into(), &0.into(), &digest.into())
    );
    let positive = ["steps", "time", "dt", "unknowns", "loop_s", "wall_s", "updates_per_s"];
    assert!(positive.iter().all(|key| report[key].as_f64().is_some_and(|n| n > 0.0)), "{case}: {report:#}");
    let verdicts = report["validation"].as_array().expect("a list");
    assert!(!verdicts.is_empty(), "{case} checks nothing");
    assert!(verdicts.iter().all(|v| v["result"] == "PASS"), "{case}: {verdicts:#?}");
    let is_known = ["eigenmode_2d", "eigenmode_3d", "periodic_gaussian"].contains(&case);
    assert_eq!(verdicts.iter().any(|v| v["what"] == "temperature"), is_known, "{case}: {verdicts:#?}");
}

#[test]
fn a_resolved_deck_is_the_same_run() {
    let workshop = Workshop::new();
    for case in ["plate", "solid"] {
        let first = workshop.start(&["run", &format!("{case}.toml"), "--set", "time.safety=0.7"]);
        let resolved = format!("outputs/{case}/deck.toml");
        let again = workshop.start(&["run", &resolved, "--output", &format!("again_{case}"), "--domains", "2"]);
        assert_eq!(first.digest(), again.digest());
    }
}

#[test]
fn a_resolved_deck_finds_its_mask_again() {
    let workshop = Workshop::new();
    let bottle = decks().into_iter().find(|path| path.ends_with("soda_bottle.toml")).unwrap();
    let first = workshop.start(&["run", bottle.to_str().unwrap(), "--set", "time.end=30.0"]);
    let again = workshop.start(&["run", "outputs/soda_bottle/deck.toml", "--output", "again"]);
    assert_eq!(first.digest(), again.digest());
}
