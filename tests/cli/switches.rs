//! Lab switches: whatever they make slower, no bit of a result depends on them, and the report names them.

use super::scaling::{rows, scaling};
use super::workshop::{NO_OUTPUTS, Workshop};
use serde_json::{Value, json};
use std::fs;

/// Seconds that messages take longer; short, for there are many.
const DELAY: &str = "50us";
const ALL: [&str; 5] = ["--blocking", "--net-delay", DELAY, "--schedule", "static"];
const SHAPES: [(&str, &str); 5] = [("1", "3"), ("2", "1"), ("2", "2"), ("3", "1"), ("4", "2")];

fn bodies(method: &str, integrator: &str) -> String {
    format!(
        "title = \"Bodies\"\nphysics = \"nbody\"\n[gravity]\nmethod = \"{method}\"\nsoftening = 0.05\n[bodies]\ngenerator = \"plummer\"\n\
         count = 300\nmass = 1.0\nscale_radius = 1.0\n[time]\nintegrator = \"{integrator}\"\ndt = 0.01\nsteps = 2\n"
    )
}

fn report(workshop: &Workshop, directory: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(workshop.path(directory).join("report.json")).unwrap()).unwrap()
}

/// All of them on every shape, and each alone on one.
fn assert_one_digest(workshop: &Workshop, deck: &str, quiet: &[&str]) {
    let run = [&["run", deck, "--overwrite", "--quiet"], quiet].concat();
    let alone = workshop.start(&[&run[..], &["--threads", "1"]].concat()).digest();
    let each = [&ALL[..1], &ALL[1..3], &ALL[3..]].map(|switch| (("3", "2"), switch));
    for ((domains, threads), switches) in SHAPES.map(|shape| (shape, &ALL[..])).into_iter().chain(each) {
        let shape = ["--domains", domains, "--threads", threads];
        let done = workshop.start(&[&run[..], &shape, switches].concat());
        assert_eq!(done.digest(), alone, "{deck} {shape:?} {switches:?}");
    }
}

#[test]
fn no_bit_of_heat_depends_on_them() {
    let workshop = Workshop::new();
    assert_one_digest(&workshop, "solid.toml", &NO_OUTPUTS);
}

#[test]
fn no_bit_of_bodies_depends_on_them() {
    let workshop = Workshop::new();
    for (method, integrator) in [("direct", "leapfrog"), ("fmm", "leapfrog"), ("direct", "hermite4")] {
        workshop.write("bodies.toml", bodies(method, integrator));
        assert_one_digest(&workshop, "bodies.toml", &[]);
    }
}

#[test]
fn as_many_axes_are_cut_as_are_asked_for() {
    let workshop = Workshop::new();
    let run = [&["run", "solid.toml", "--overwrite", "--quiet", "--output", "out"][..], &NO_OUTPUTS].concat();
    let alone = workshop.start(&run).digest();
    for (domains, axes, grid) in
        [("8", "1d", [1, 1, 8]), ("4", "2d", [2, 2, 1]), ("8", "3d", [2, 2, 2]), ("1", "3d", [1, 1, 1])]
    {
        let done =
            workshop.start(&[&run[..], &["--domains", domains, "--threads", "1", "--decomposition", axes]].concat());
        assert_eq!(done.digest(), alone, "{axes}");
        let report = report(&workshop, "out");
        let found: Vec<u64> = report["process_grid"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
        let cut = |grid: &[u64]| grid.iter().filter(|&&parts| parts > 1).count();
        assert_eq!((found.iter().product::<u64>(), cut(&found)), (grid.iter().product(), cut(&grid)), "{found:?}");
        assert_eq!(report["loop"]["switches"]["decomposition"], axes);
    }
}

#[test]
fn what_cannot_be_cut_is_refused_with_the_reason() {
    let workshop = Workshop::new();
    workshop.write("bodies.toml", bodies("direct", "leapfrog"));
    for (arguments, words) in [
        (&["plate.toml", "--domains", "8", "--decomposition", "3d"][..], &["2 dimensions", "at most 2d"][..]),
        (&["bodies.toml", "--domains", "2", "--decomposition", "1d"], &["bodies have none"]),
        (
            &["solid.toml", "--domains", "2", "--decomposition", "1d", "--set", "decomposition.dims=[2,1,1]"],
            &["decomposition.dims itself"],
        ),
        (&["solid.toml", "--domains", "4", "--decomposition", "3d"], &["4 ranks", "exactly 3 axes", "such as 8"]),
    ] {
        workshop.refuses_command(&[&["run"], arguments].concat(), 2, words);
    }
}

/// A message of each step arrives no earlier than the delay after the message of the step before: what the system adds only makes it longer.
#[test]
fn every_step_waits_for_its_messages() {
    let workshop = Workshop::new();
    let shape = ["--domains", "2", "--threads", "1", "--output", "out"];
    let run = [&["run", "plate.toml", "--quiet", "--overwrite"][..], &shape, &NO_OUTPUTS].concat();
    let alone = workshop.start(&run).digest();
    assert_eq!(report(&workshop, "out")["loop"]["switches"], Value::Null);
    let traffic = report(&workshop, "out")["loop"]["sent"].clone();
    let done = workshop.start(&[&run[..], &["--net-delay", "3ms", "--blocking"]].concat());
    assert_eq!(done.digest(), alone);
    let report = report(&workshop, "out");
    assert!(report["loop_s"].as_f64().unwrap() >= 19.0 * 0.003, "{}", report["loop_s"]);
    assert_eq!(report["loop"]["sent"], traffic, "the switches send nothing that is counted");
    let expected = json!({ "blocking": true, "decomposition": null, "schedule": "steal", "net_delay_s": 0.003 });
    assert_eq!(report["loop"]["switches"], expected);
}

#[test]
fn an_experiment_runs_under_them_and_says_so() {
    let workshop = Workshop::new();
    let shapes = ["solid.toml", "--ranks", "1,2", "--threads", "1", "--repeats", "1", "--output", "out"];
    let switches = ["--blocking", "--decomposition", "1d", "--schedule", "static", "--net-delay", "100us"];
    let done = scaling(&workshop, &[&shapes[..], &switches].concat());
    assert_eq!(done.code, Some(0), "{done:#?}");
    let words = "--blocking --decomposition 1d --schedule static --net-delay 0.0001";
    let folder = workshop.path("out");
    let runs = rows(&folder.join("runs.csv"));
    assert!(runs.len() == 4 && runs.iter().all(|row| row["switches"] == words), "{runs:#?}");
    let ran = report(&workshop, &format!("out/{}", runs[3]["directory"]));
    assert_eq!(ran["loop"]["switches"]["net_delay_s"], 0.0001);
    assert!(fs::read_to_string(folder.join("REPRODUCE.sh")).unwrap().contains(words));
    for remark in ["while messages fly (--blocking)", "arrive 100 us later"] {
        assert!(done.stdout.contains(remark) && done.stderr.contains(remark), "{done:#?}");
        assert!(fs::read_to_string(folder.join("report.html")).unwrap().contains(remark), "{remark}");
    }
    scaling(&workshop, &[&shapes[..], &switches[1..3]].concat()).assert_refused(6, &["the lab switches differ"]);
    let refused = ["solid.toml", "--ranks", "1,2", "--threads", "1", "--decomposition", "2d", "--output", "none"];
    scaling(&workshop, &refused).assert_refused(2, &["strong 2 x 1", "exactly 2 axes"]);
    assert!(!workshop.path("none").exists());
}

#[test]
fn each_has_a_cost_with_an_interval() {
    let workshop = Workshop::new();
    workshop.write("bodies.toml", bodies("fmm", "leapfrog"));
    for (deck, left_out, count) in [("solid.toml", "exactly 2 axes", 7), ("bodies.toml", "bodies have none", 6)] {
        let done = workshop.start(&[
            "compare",
            deck,
            "--switches",
            "--workers",
            "2",
            "--repeats",
            "2",
            "--output",
            deck.trim_end_matches(".toml"),
        ]);
        assert_eq!(done.code, Some(0), "{done:#?}");
        assert!(done.stdout.contains(left_out) && done.stdout.contains("--schedule static"), "{}", done.stdout);
        let folder = workshop.path(deck.trim_end_matches(".toml"));
        let costs = rows(&folder.join("switches.csv"));
        assert_eq!(costs.len(), count, "{costs:#?}");
        let number = |row: &super::scaling::Row, name: &str| row[name].parse::<f64>().unwrap();
        for row in &costs {
            let [low, ratio, high] = ["ratio_low", "ratio", "ratio_high"].map(|name| number(row, name));
            assert!(0.0 < low && low <= ratio && ratio <= high, "{row:?}");
        }
        assert!(folder.join("report.html").exists() && folder.join("switches.md").exists());
    }
}
