//! The same digest and the same files for a run in parts on different shapes, for both physics and every integrator.

use super::workshop::{PLATE, Workshop};
use super::{assert_same_results, kept, kill_after, report, run};

/// A small cluster with a close pair, so that steps and levels differ from body to body.
const CLUSTER: &str = r#"physics = "nbody"
[gravity]
method = "direct"
softening = { kind = "plummer", length = 0.02 }
[[bodies]]
kind = "plummer"
count = 150
mass = 1.0
scale_radius = 1.0
seed = 7
[[bodies]]
kind = "listed"
list = [
    { mass = 0.01, position = [0.5, 0.0, 0.0], velocity = [0.0, 0.3, 0.0] },
    { mass = 0.01, position = [0.51, 0.0, 0.0], velocity = [0.0, -0.3, 0.1] },
]
[time]
dt = "auto"
steps = 7
[output]
diagnostics_every = 2
snapshot_every = 3
frames_every = 1
[output.frames]
pixels = 64
"#;

/// Parts of one step each; the rest of the run is the last one.
const SHAPES: [&[&str]; 5] = [
    &["--domains", "8", "--threads", "1"],
    &["--threads", "1"],
    &["--domains", "3", "--threads", "1"],
    &["--domains", "2", "--threads", "2"],
    &["--threads", "2"],
];

/// Runs a deck whole and in parts, each of which takes one step.
fn assert_parts_make_a_whole(deck: &str, keys: &[&str]) {
    let workshop = Workshop::new();
    workshop.write("deck.toml", deck);
    let sets: Vec<&str> = keys.iter().flat_map(|key| ["--set", *key]).collect();
    let expected = run(&workshop, "deck.toml", "whole", &sets).digest();
    let (last, parts) = SHAPES.split_last().unwrap();
    for (number, shape) in parts.iter().enumerate() {
        let outcome = run(&workshop, "deck.toml", "parts", &[&sets, *shape, &["--max-time", "0"]].concat());
        assert_eq!(outcome.code, Some(75), "{keys:?} {outcome:#?}");
        assert_eq!(kept(&workshop, "parts").last(), Some(&(1 + number as u64)), "{outcome:#?}");
        let report = report(&workshop, "parts");
        assert_eq!((report["status"].as_str(), report["exit_code"].as_u64()), (Some("stopped"), Some(75)));
    }
    let outcome = run(&workshop, "deck.toml", "parts", &[&sets, *last].concat());
    assert_eq!(outcome.digest(), expected, "{keys:?} {outcome:#?}");
    assert!(outcome.stderr.contains("continuing from "), "{outcome:#?}");
    assert_same_results(&workshop, "parts", "whole", &format!("{keys:?}"));
    assert_eq!(report(&workshop, "parts")["restart"]["step"].as_u64(), Some(4));
}

#[test]
fn plates_and_solids_in_parts() {
    assert_parts_make_a_whole(PLATE, &["output.diagnostics_every=1"]);
    assert_parts_make_a_whole(super::workshop::SOLID, &["decomposition.halo_width=3"]);
    assert_parts_make_a_whole(PLATE, &["output.frames_every=1", "output.frames.range=[20,100]"]);
}

#[test]
fn a_process_grid_in_the_deck_may_change() {
    let workshop = Workshop::new();
    let expected = run(&workshop, "plate.toml", "whole", &[]).digest();
    for (domains, dims) in [("8", "[4,2]"), ("1", "[1,1]"), ("3", "[3,1]"), ("3", "[1,3]"), ("2", "[2,1]")] {
        let dims = format!("decomposition.dims={dims}");
        let shape = ["--domains", domains, "--threads", "1", "--max-time", "0", "--set", &dims];
        assert_eq!(run(&workshop, "plate.toml", "parts", &shape).code, Some(75));
    }
    assert_eq!(run(&workshop, "plate.toml", "parts", &["--domains", "2"]).digest(), expected);
    assert_same_results(&workshop, "parts", "whole", "dims");
}

#[test]
fn leapfrog_in_parts() {
    for substeps in ["none", "global", "block"] {
        for method in ["direct", "fmm"] {
            let (substeps, method) = (format!("time.substeps={substeps}"), format!("gravity.method={method}"));
            assert_parts_make_a_whole(CLUSTER, &[&substeps, &method, "time.dt=0.02"]);
        }
    }
}

#[test]
fn schemes_of_higher_order_in_parts() {
    assert_parts_make_a_whole(CLUSTER, &["time.integrator=yoshida4", "gravity.method=fmm"]);
    assert_parts_make_a_whole(CLUSTER, &["time.integrator=yoshida4", "gravity.precision=single"]);
    assert_parts_make_a_whole(CLUSTER, &["time.integrator=hermite4", "time.dt=0.005"]);
    for substeps in ["global", "block"] {
        let substeps = format!("time.substeps={substeps}");
        assert_parts_make_a_whole(CLUSTER, &["time.integrator=hermite4", &substeps, "time.dt=0.02"]);
    }
    assert_parts_make_a_whole(
        CLUSTER,
        &["time.integrator=gauss_radau15", "time.dt=0.01", "gravity.portable_bits=true"],
    );
}

/// Sums over walls are settled every 512 steps, and the sum of a source that stays on is rounded at every one.
#[test]
fn long_heat_runs_go_on_from_any_checkpoint() {
    let workshop = Workshop::new();
    let keys = ["--set", "time.steps=1300", "--set", "checkpoint.every=250", "--set", "checkpoint.keep=100"];
    let more = ["--set", "output.frames_every=130", "--set", "output.diagnostics_every=77"];
    let keys =
        [keys.as_slice(), &more, &["--set", "decomposition.halo_width=2", "--set", "sources.0.off=1e9"]].concat();
    let expected = run(&workshop, "solid.toml", "whole", &keys).digest();
    for (step, shape) in [(1000, "2"), (750, "1"), (250, "3"), (500, "4")] {
        assert_eq!(
            run(&workshop, "solid.toml", "parts", &[&keys, &["--overwrite"] as &[&str]].concat()).digest(),
            expected
        );
        assert_eq!(kept(&workshop, "parts"), [250, 500, 750, 1000, 1250]);
        kill_after(&workshop, "parts", step);
        let outcome = run(&workshop, "solid.toml", "parts", &[&keys, &["--domains", shape] as &[&str]].concat());
        assert_eq!(outcome.digest(), expected, "from {step}");
        assert_same_results(&workshop, "parts", "whole", &format!("from {step}"));
    }
}
