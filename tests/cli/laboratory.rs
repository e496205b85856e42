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

/// Seconds of `name` on all threads of a rank, and on its first thread alone.
fn traced(events: &[Value], rank: u64, name: &str) -> [f64; 2] {
    let of = |event: &&Value| event["ph"] == "X" && event["name"] == name && event["pid"].as_u64() == Some(rank);
    let seconds = |first: bool| {
        let some = events.iter().filter(of).filter(|event| !first || event["tid"] == 0);
        some.map(|event| event["dur"].as_f64().unwrap() * 1e-6).sum::<f64>()
    };
    [seconds(false), seconds(true)]
}

/// Spans of one thread lie in each other or beside each other; a nanosecond is what the file rounds to.
fn assert_nested(events: &[Value], rank: u64, thread: u64) {
    let own = events
        .iter()
        .filter(|e| e["ph"] == "X" && e["pid"].as_u64() == Some(rank) && e["tid"].as_u64() == Some(thread));
    let mut open: Vec<(f64, String)> = Vec::new();
    for event in own {
        let (begin, length) = (event["ts"].as_f64().unwrap(), event["dur"].as_f64().unwrap());
        while open.last().is_some_and(|(end, _)| *end <= begin + 0.002) {
            open.pop();
        }
        if let Some((end, parent)) = open.last() {
            assert!(begin + length <= end + 0.002, "{event} reaches out of {parent}");
        }
        open.push((begin + length, event.to_string()));
    }
}

#[test]
fn a_timeline_nests_and_adds_up_to_the_report_without_changing_a_bit() {
    let workshop = Workshop::new();
    let bodies = format!("{}/inputs/nbody/plummer_100k.toml", env!("CARGO_MANIFEST_DIR"));
    let small = ["--set", "bodies.count=3000", "--set", "time.steps=3", "--set", "output.frames_every=0"];
    let direct = ["--set", "gravity.method=\"direct\""];
    let fmm = [&[bodies.as_str()], small.as_slice()].concat();
    let pairs = [fmm.as_slice(), &direct].concat();
    let cases: [(&str, &[&str], &[&str]); 3] = [
        ("solid", &["solid.toml"], &["setup", "interior", "halo", "rim", "diagnostics", "output", "digest"]),
        ("tree", &fmm, &["setup", "build", "upward", "exchange", "digest"]),
        ("pairs", &pairs, &["setup", "exchange", "digest"]),
    ];
    for (name, deck, phases) in cases {
        for domains in ["1", "2"] {
            let output = format!("{name}-{domains}");
            let shape = ["--domains", domains, "--threads", "2", "--output", &output, "--trace"];
            let digest = workshop.start(&[&["run"], deck, &shape].concat()).digest();
            let plain = [&["run"], deck, &["--output", "plain", "--overwrite", "--threads", "1"]].concat();
            assert_eq!(digest, workshop.start(&plain).digest());
            assert!(!workshop.path("plain/trace.json").exists());
            let read = |file: &str| -> Value {
                serde_json::from_str(&fs::read_to_string(workshop.path(&output).join(file)).unwrap()).unwrap()
            };
            let (trace, report) = (read("trace.json"), read("report.json"));
            let events = trace["traceEvents"].as_array().unwrap();
            assert_eq!(trace["otherData"]["dropped_spans"], 0);
            let ranks: u64 = domains.parse().unwrap();
            for (rank, thread) in (0..ranks).flat_map(|rank| [(rank, 0), (rank, 1)]) {
                assert_nested(events, rank, thread);
            }
            let check = |phase: &str, sums: Vec<f64>| {
                let (mean, largest) =
                    (sums.iter().sum::<f64>() / sums.len() as f64, sums.iter().copied().fold(0.0, f64::max));
                for (key, value) in [("mean", mean), ("max", largest)] {
                    let told =
                        report["phases"][phase][key].as_f64().unwrap_or_else(|| panic!("no {phase}: {report:#}"));
                    assert!(
                        (told - value).abs() <= 1e-3 * told + 2e-5,
                        "{name}, {domains}: {phase} {key} {told} {value}"
                    );
                }
            };
            for phase in phases {
                check(phase, (0..ranks).map(|rank| traced(events, rank, phase)[1]).collect());
            }
            if name == "tree" {
                // Far and near are means over the threads of a rank.
                for phase in ["far", "near"] {
                    check(phase, (0..ranks).map(|rank| traced(events, rank, phase)[0] / 2.0).collect());
                }
            }
            let steps = events.iter().filter(|event| event["name"] == "step" && event["pid"] == 0).count() as u64;
            assert_eq!(Some(steps), report["steps"].as_u64());
            assert!(traced(events, 0, "step")[0] >= report["loop_s"].as_f64().unwrap() * 0.9 / ranks as f64);
        }
    }
}

#[test]
fn a_timeline_goes_where_it_is_told_and_bad_places_are_refused_first() {
    let workshop = Workshop::new();
    workshop.start(&["run", "plate.toml", "--trace=t.json", "--threads", "1"]).digest();
    assert!(workshop.path("t.json").exists() && !workshop.path("outputs/plate/trace.json").exists());
    let again = workshop.start(&["run", "plate.toml", "--trace", "--threads", "1", "--overwrite"]);
    again.digest();
    let picture = fs::read_to_string(workshop.path("outputs/plate/trace.svg")).unwrap();
    assert!(picture.contains("</svg>") && picture.contains("interior") && workshop.path("t.svg").exists(), "{picture}");
    workshop.start(&["run", "plate.toml", "--threads", "1", "--overwrite"]).digest();
    let left = |name: &str| workshop.path("outputs/plate").join(name).exists();
    assert!(!left("trace.json") && !left("trace.svg"), "a new run takes the old timeline away");
    workshop.refuses(&["solid.toml", "--trace=missing/t.json"], 3, &["missing/t.json"]);
    workshop.refuses(&["solid.toml", "--trace=outputs"], 3, &["outputs", "not a regular file"]);
}
