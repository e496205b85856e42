//! N-body runs: every deck, one digest for every shape, method and scheme, and what is refused.

use super::decks::{assert_keys, report};
use super::workshop::{NO_OUTPUTS, Workshop};
use std::path::Path;

/// A cluster with a close pair in it and a straggler far away, so that trees are deep and steps differ.
pub const CLUSTER: &str = concat!(
    include_str!("../../src/commands/verify/cluster.toml"),
    r#"[time]
dt = 0.01
steps = 3
[output]
diagnostics_every = 1
snapshot_every = 2
frames_every = 2
[output.frames]
pixels = 64
"#
);

/// Ranks and threads: 22 shapes, among them more ranks than a small system has bodies.
fn shapes() -> Vec<[usize; 2]> {
    let mut shapes: Vec<[usize; 2]> = (1..=5).flat_map(|ranks| (1..=4).map(move |threads| [ranks, threads])).collect();
    shapes.extend([[7, 1], [8, 1]]);
    shapes
}

fn digest(workshop: &Workshop, shape: [usize; 2], keys: &[&str], silent: bool) -> String {
    let [domains, threads] = shape.map(|n| n.to_string());
    let mut arguments = vec!["run", "cluster.toml", "--overwrite", "--domains", &domains, "--threads", &threads];
    for key in keys {
        arguments.extend(["--set", key]);
    }
    if silent {
        arguments.extend(NO_OUTPUTS);
    }
    workshop.start(&arguments).digest()
}

fn assert_one_digest(keys: &[&str], shapes: &[[usize; 2]]) {
    let workshop = Workshop::new();
    workshop.write("cluster.toml", CLUSTER);
    let alone = digest(&workshop, [1, 1], keys, false);
    for (number, &shape) in shapes.iter().enumerate() {
        assert_eq!(digest(&workshop, shape, keys, number % 2 == 0), alone, "{keys:?} on {shape:?}");
    }
}

#[test]
fn direct_sum_has_one_digest() {
    assert_one_digest(&[], &shapes());
}

#[test]
fn multipoles_have_one_digest() {
    assert_one_digest(&["gravity.method=\"fmm\""], &shapes());
}

#[test]
fn every_scheme_has_one_digest() {
    let few = [[1, 2], [2, 1], [3, 2], [4, 1], [8, 1]];
    for keys in [
        &["time.integrator=\"yoshida4\""][..],
        &["time.integrator=\"yoshida4\"", "gravity.method=\"fmm\""],
        &["time.integrator=\"hermite4\""],
        &["time.integrator=\"hermite4\"", "time.substeps=\"block\""],
        &["time.integrator=\"gauss_radau15\"", "bodies.0.count=20"],
        &["time.substeps=\"global\"", "time.dt=0.1"],
        &["time.substeps=\"block\"", "time.dt=0.1"],
        &["time.substeps=\"block\"", "time.dt=0.1", "gravity.method=\"fmm\""],
        &["gravity.softening={ kind = \"spline\", length = 0.02 }", "gravity.method=\"fmm\"", "gravity.accuracy=1e-5"],
        &["gravity.precision=\"single\""],
        &["gravity.portable_bits=true", "gravity.method=\"fmm\""],
    ] {
        assert_one_digest(keys, &few);
    }
}

#[test]
fn every_deck_runs_and_reports() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("inputs/nbody");
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .expect("inputs/nbody is there")
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
        .collect();
    names.sort();
    assert!(names.len() >= 9, "{names:?}");
    let workshop = Workshop::new();
    for name in names {
        let deck = format!("{}/inputs/nbody/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        let mut arguments = vec!["run", &deck];
        for (_, key) in SHORTER.iter().filter(|(short, _)| *short == name) {
            arguments.extend(["--set", key]);
        }
        let digest = workshop.start(&arguments).digest();
        let report = report(&workshop, &format!("outputs/{name}"));
        assert_eq!((report["status"].as_str(), report["digest"].as_str()), (Some("done"), Some(&*digest)), "{name}");
        let others = ["bodies", "method", "integrator", "energy_drift", "diagnostics", "first_forces.seconds"];
        assert_keys(&report, &name, &[others.as_slice(), &["first_forces.pairs", "body_updates_per_s"]].concat());
        assert_eq!(report["unknowns"], report["bodies"], "{name}");
        assert_eq!(report["updates_per_s"], report["pairs_per_s"], "{name}");
        let verdicts = report["validation"].as_array().expect("a list");
        for verdict in verdicts {
            assert_eq!(verdict["result"], "PASS", "{name}: {verdict}");
        }
        let is_known = KNOWN.contains(&&*name);
        assert_eq!(verdicts.iter().any(|v| v["what"] == "places"), is_known, "{name}: {verdicts:#?}");
    }
}

/// Decks at whose end the places of the bodies are known.
const KNOWN: [&str; 5] = ["figure_eight", "kepler", "lagrange_triangle", "pythagorean", "solar_system"];

/// What shortens the decks that take more than a few seconds.
const SHORTER: [(&str, &str); 6] = [
    ("bench_1m", "bodies.0.count=20000"),
    ("bench_direct_64k", "bodies.0.count=4096"),
    ("cold_collapse", "bodies.0.count=2000"),
    ("galaxy_collision", "time.steps=3"),
    ("plummer_100k", "bodies.0.count=3000"),
    ("plummer_100k", "time.steps=4"),
];
