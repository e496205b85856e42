//! `compare` on the real program: the folder of the mechanisms, and refusals.

use super::workshop::Workshop;
use serde_json::Value;
use std::fs;

#[test]
fn mechanisms_from_measuring_to_files() {
    let workshop = Workshop::new();
    let done = workshop.start(&["compare", "--mechanisms", "--output", "out"]);
    assert_eq!(done.code, Some(0), "{done:#?}");
    let folder = workshop.path("out");
    let mut files: Vec<String> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    let expected = [
        "bandwidth.png",
        "bandwidth.svg",
        "latency.png",
        "latency.svg",
        "mechanisms.csv",
        "mechanisms.json",
        "mechanisms.md",
    ];
    assert_eq!(files, expected, "and nothing is left behind");
    let found: Value = serde_json::from_str(&fs::read_to_string(folder.join("mechanisms.json")).unwrap()).unwrap();
    check_guards(&found);
    let paths: Vec<&str> = found["paths"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(paths[..4], ["shared memory", "pipe", "unix socket", "tcp"]);
    let csv = fs::read_to_string(folder.join("mechanisms.csv")).unwrap();
    assert!(csv.lines().all(|line| line.matches(',').count() == 5), "{csv}");
    assert!(done.stdout.lines().all(|line| line.chars().count() <= 80), "{}", done.stdout);
}

/// What is guarded loses nothing, whether threads or processes share it.
fn check_guards(found: &Value) {
    for way in found["counter"].as_array().unwrap().iter().filter(|way| way["how"] != "racy") {
        assert_eq!(way["lost"], 0, "{way}");
    }
    let files = found["ledger"].as_array().unwrap();
    assert_eq!((files.len(), &files[1]["how"], &files[1]["lost"]), (2, &"advisory lock".into(), &0.into()));
    assert!(found["creation"].as_array().unwrap().iter().all(|made| made["seconds"].as_f64().unwrap() > 0.0));
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let workshop = Workshop::new();
    workshop.start(&["compare"]).assert_refused(2, &["--mechanisms"]);
    workshop.start(&["compare", "--mechanisms", "--output", "plate.toml"]).assert_refused(3, &["plate.toml"]);
}
