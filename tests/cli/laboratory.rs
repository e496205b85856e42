//! The commands of the laboratory: figures that can be read back, files that are whole, refusals.

use super::workshop::{Outcome, Workshop};
use serde_json::Value;
use std::fs;

fn succeeded(outcome: Outcome) -> String {
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{outcome:#?}");
    outcome.stdout
}

fn positive(value: &Value, path: &str) -> f64 {
    let number =
        value.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("no number at {path}: {value:#}"));
    assert!(number.is_finite() && number > 0.0, "{path} is {number}");
    number
}

#[test]
fn machine_measures_everything_and_leaves_only_the_file() {
    let workshop = Workshop::new();
    let before = workshop.tree().len();
    let printed: Value =
        serde_json::from_str(&succeeded(workshop.start(&["machine", "--json", "--output", "m.json"]))).unwrap();
    let written: Value = serde_json::from_str(&fs::read_to_string(workshop.path("m.json")).unwrap()).unwrap();
    assert_eq!(printed, written);
    assert_eq!(workshop.tree().len(), before + 1, "one file more: {:?}", workshop.tree());
    assert_eq!(printed["version"], 1);
    for key in ["cores", "logical_cpus", "numa_nodes", "memory_bytes", "file_system/write_bytes_per_s", "seconds"] {
        positive(&printed, &format!("/{key}"));
    }
    for key in ["copy_bytes_per_s", "triad_bytes_per_s", "nontemporal_copy_bytes_per_s", "threads"] {
        positive(&printed, &format!("/bandwidth/0/{key}"));
    }
    let paths = printed["cpu_paths"].as_array().unwrap();
    assert!(paths.iter().all(|path| printed["flops"].as_array().unwrap().iter().any(|f| f["path"] == *path)));
    positive(&printed, "/flops/0/f64_per_s");
    for (n, name) in ["shared_memory", "tcp"].iter().enumerate() {
        assert_eq!(printed["links"][n]["name"], *name);
        positive(&printed, &format!("/links/{n}/alpha_s"));
        positive(&printed, &format!("/links/{n}/beta_s_per_byte"));
    }
    assert_eq!(printed["bindings"][0]["rank"], 0);
    assert!(!printed["bindings"][0]["threads"].as_array().unwrap().is_empty());
}

#[test]
fn machine_prints_a_page() {
    let workshop = Workshop::new();
    let page = succeeded(workshop.start(&["machine"]));
    for word in ["bandwidth", "arithmetic", "messages", "fsync", "rank 0 on", "method", "streaming copy"] {
        assert!(page.contains(word), "no {word} in {page}");
    }
}

#[test]
fn machine_refuses_what_it_cannot_write_before_it_measures() {
    let workshop = Workshop::new();
    fs::create_dir(workshop.path("directory")).unwrap();
    workshop.refuses_command(&["machine", "--output", "missing/m.json"], 3, &["missing"]);
    workshop.refuses_command(&["machine", "--output", "directory"], 3, &["directory", "not a regular file"]);
    workshop.refuses_command(&["machine", "deck.toml"], 2, &["deck.toml"]);
}

/// A machine of this host costs a second; one is enough for several predictions.
fn machine_file(workshop: &Workshop) {
    succeeded(workshop.start(&["machine", "--output", "m.json"]));
}

#[test]
fn predict_fills_a_table_for_both_physics() {
    let workshop = Workshop::new();
    machine_file(&workshop);
    let bodies = format!("{}/inputs/nbody/plummer_100k.toml", env!("CARGO_MANIFEST_DIR"));
    let decks: [&[&str]; 3] = [
        &["solid.toml"],
        &[&bodies, "--set", "bodies.count=3000"],
        &[&bodies, "--set", "bodies.count=2000", "--set", "gravity.method=\"direct\""],
    ];
    for deck in decks {
        let asked = ["--json", "--machine", "m.json", "--ranks", "1,2,16", "--network", "1e-6,1e-10"];
        let before = workshop.tree();
        let table: Value =
            serde_json::from_str(&succeeded(workshop.start(&[&["predict"], deck, &asked].concat()))).unwrap();
        assert_eq!(workshop.tree(), before, "predict wrote something");
        let rows = table["predictions"].as_array().unwrap();
        assert_eq!(rows.iter().map(|row| row["ranks"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 16]);
        assert_eq!((rows[0]["speedup"].as_f64(), rows[0]["efficiency"].as_f64()), (Some(1.0), Some(1.0)));
        for row in rows {
            for key in ["step_s", "total_s", "speedup", "efficiency", "memory_per_rank", "parts/compute_s"] {
                positive(row, &format!("/{key}"));
            }
            let [low, high] = [0, 1].map(|n| row["step_s_range"][n].as_f64().unwrap());
            assert!(low <= row["step_s"].as_f64().unwrap() && row["step_s"].as_f64().unwrap() <= high, "{row:#}");
        }
        assert_eq!(table["remote"]["alpha_s"], 1e-6);
        positive(&table, "/fastest_ranks");
    }
}

#[test]
fn predict_prints_a_page_that_says_what_is_extrapolated() {
    let workshop = Workshop::new();
    machine_file(&workshop);
    let page = succeeded(workshop.start(&["predict", "plate.toml", "--machine", "m.json", "--ranks", "1,4096"]));
    for word in ["s/step", "speed-up", "G cell updates/s", "base          1 ranks", "fastest", "m.json", "stand-in"] {
        assert!(page.contains(word), "no {word} in {page}");
    }
    assert!(page.contains("4096 ") && page.contains("does not fit") || page.contains("use at most"), "{page}");
}

#[test]
fn predict_refuses_machines_and_decks_that_it_cannot_use() {
    let workshop = Workshop::new();
    workshop.write("bad.json", "{\"version\": 1}");
    workshop.refuses_command(&["predict", "plate.toml", "--machine", "none.json"], 3, &["none.json"]);
    workshop.refuses_command(
        &["predict", "plate.toml", "--machine", "bad.json"],
        2,
        &["bad.json", "parhelion machine"],
    );
    workshop.refuses_command(&["predict", "missing.toml"], 2, &["missing.toml"]);
    workshop.refuses_command(&["predict", "plate.toml", "--ranks", "1,,2"], 2, &["--ranks"]);
    workshop.refuses_command(&["predict", "plate.toml", "--set", "time.dt=-1"], 2, &["time.dt"]);
}
