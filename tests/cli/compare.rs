//! `compare` on the real program: the folder of the mechanisms, a deck as threads, and refusals.

use super::workshop::Workshop;
use serde_json::Value;
use std::collections::BTreeMap;
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
    workshop.start(&["compare", "none.toml"]).assert_refused(2, &["none.toml"]);
    workshop.start(&["compare", "plate.toml", "--set", "grid.cell=[2,2]"]).assert_refused(2, &["cells"]);
    workshop
        .start(&["compare", "plate.toml", "--hosts", "none"])
        .assert_refused(2, &["--hosts none", "cannot be read"]);
    let alone = workshop.start(&["compare", "plate.toml", "--cut-host", "true"]);
    assert!(alone.code == Some(2) && alone.stderr.contains("--hosts"), "{alone:#?}");
    let both = workshop.start(&["compare", "plate.toml", "--mechanisms"]);
    assert_eq!(both.code, Some(2), "{both:#?}");
    workshop.start(&["compare", "--mechanisms", "--output", "plate.toml"]).assert_refused(3, &["plate.toml"]);
}

/// Threads need no MPI: they are run, killed and resumed in every build; a build without MPI says what the others need.
#[test]
fn threads_are_compared_in_every_build() {
    let workshop = Workshop::new();
    let mut words = vec!["compare", "plate.toml", "--workers", "2", "--repeats", "1", "--output", "out"];
    words.extend(["--set", "grid.cells=[240,180]", "--set", "time.steps=3000"]);
    let done = workshop.start(&words);
    assert_eq!(done.code, Some(0), "{done:#?}");
    let read = |name: &str| fs::read_to_string(workshop.path("out").join(name)).unwrap();
    let mut table = csv::Reader::from_path(workshop.path("out").join("compare.csv")).unwrap();
    let rows: Vec<BTreeMap<String, String>> = table.deserialize().map(|row| row.unwrap()).collect();
    assert_eq!((rows[0]["model"].as_str(), rows[1]["model"].as_str()), ("one worker", "A"));
    assert!(rows.iter().all(|row| row["digest"] == rows[0]["digest"] && row["digest"].len() == 64), "{rows:?}");
    assert!(rows[1]["private_bytes"].parse::<f64>().unwrap() > 1e6 && rows[1]["messages"] == "0", "{rows:?}");
    // A machine that is busy with other things may let the run end before the signal comes.
    let text = done.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let from_step = rows[1]["from_step"].parse::<u64>();
    assert!(from_step.map_or(text.contains("the run was over"), |step| step > 0 && step % 750 == 0), "{done:#?}");
    // By its row: a directory's random name, which the text ends with, may hold any letters.
    let same = done.stdout.lines().find_map(|line| line.trim_start().strip_prefix("same digest"));
    assert!(same.is_some_and(|cells| !cells.contains("NO")), "{done:#?}");
    if !cfg!(feature = "mpi") {
        assert_eq!(done.stdout.matches("not run: ").count(), 3, "{done:#?}");
        assert!(text.contains("built without MPI"), "{done:#?}");
    }
    assert!(done.stdout.lines().all(|line| line.chars().count() <= 80 || line.contains("report.html")), "{done:#?}");
    let page = read("report.html");
    assert!(page.contains("fault tolerance") && page.contains("<svg") && !page.contains("<script"));
    for name in ["time", "memory", "latency", "bandwidth"] {
        assert!(fs::read(workshop.path("out").join(format!("{name}.png"))).unwrap().starts_with(b"\x89PNG"), "{name}");
        assert!(read(&format!("{name}.svg")).starts_with("<svg"), "{name}");
    }
    assert!(read("compare.md").contains("scalability") && read("compare.tex").contains("\\begin{tabular}"));
}
