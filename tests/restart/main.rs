//! Runs that are interrupted and gone on with: the same bits and the same files on every shape, damaged checkpoints, signals, limits,
//! and faults of one domain.

#[cfg(debug_assertions)]
mod faults;
mod files;
mod hostile;
mod matrix;
mod policy;
mod signals;
#[allow(dead_code)]
#[path = "../cli/workshop.rs"]
mod workshop;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use workshop::{Outcome, Workshop};

/// Formats that do not depend on the number of ranks.
const ARRAYS: [&str; 2] = ["--set", "output.snapshot_formats=[\"npy\"]"];

/// Runs a deck into a directory.
fn run(workshop: &Workshop, deck: &str, output: &str, more: &[&str]) -> Outcome {
    workshop.start(&[&["run", deck, "--output", output], &ARRAYS as &[&str], more].concat())
}

/// All results of a run by their names: what an interruption must not change.
fn results(workshop: &Workshop, output: &str) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    collect(&workshop.path(output), "", &mut found);
    found.retain(|name, _| !["report.json", "deck.toml"].contains(&name.as_str()) && !name.starts_with("checkpoints"));
    assert!(found.contains_key("diagnostics.csv"), "{:?}", found.keys());
    found
}

fn collect(directory: &Path, prefix: &str, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap()) {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{name}/"), found);
        } else {
            found.insert(name, fs::read(entry.path()).unwrap());
        }
    }
}

/// Fails if the results of two runs differ, naming the file.
fn assert_same_results(workshop: &Workshop, output: &str, whole: &str, what: &str) {
    let (found, expected) = (results(workshop, output), results(workshop, whole));
    assert!(found.keys().eq(expected.keys()), "{what}: {:?}\n{:?}", found.keys(), expected.keys());
    for (name, bytes) in &expected {
        assert!(found[name] == *bytes, "{what}: {name} is another one");
    }
}

/// Steps of the checkpoints in a run directory, oldest first.
fn kept(workshop: &Workshop, output: &str) -> Vec<u64> {
    let Ok(entries) = fs::read_dir(workshop.path(output).join("checkpoints")) else { return Vec::new() };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut steps: Vec<u64> =
        names.filter_map(|name| name.strip_suffix(".checkpoint").and_then(|step| step.parse().ok())).collect();
    steps.sort_unstable();
    steps
}

fn checkpoint(workshop: &Workshop, output: &str, step: u64) -> std::path::PathBuf {
    workshop.path(output).join(format!("checkpoints/{step:08}.checkpoint"))
}

/// Takes a finished run back to where it would be if it had been killed after the checkpoint of `step`.
fn kill_after(workshop: &Workshop, output: &str, step: u64) {
    fs::remove_file(workshop.path(output).join("report.json")).unwrap();
    for later in kept(workshop, output).into_iter().filter(|kept| *kept > step) {
        fs::remove_file(checkpoint(workshop, output, later)).unwrap();
    }
}

fn report(workshop: &Workshop, output: &str) -> serde_json::Value {
    serde_json::from_slice(&fs::read(workshop.path(output).join("report.json")).unwrap()).unwrap()
}
