//! The commands beside `run`, and readers that leave early.

use super::decks::report;
use super::workshop::Workshop;
use serde_json::Value;
use std::fs;
use std::process::Stdio;

fn printed(workshop: &Workshop, arguments: &[&str]) -> String {
    let outcome = workshop.start(arguments);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{outcome:#?}");
    outcome.stdout
}

#[test]
fn check_tells_what_run_does() {
    let workshop = Workshop::new();
    for deck in ["plate", "solid"] {
        let file = format!("{deck}.toml");
        let before = workshop.tree();
        let plan: Value =
            serde_json::from_str(&printed(&workshop, &["check", &file, "--json", "--ranks", "2"])).unwrap();
        assert_eq!(workshop.tree(), before, "check wrote something");
        workshop.start(&["run", &file, "--domains", "2", "--threads", "1"]).digest();
        let report = report(&workshop, &format!("outputs/{deck}"));
        for key in ["title", "cells", "unknowns", "ranks", "process_grid", "halo_width", "steps"] {
            assert_eq!(plan[key], report[key], "{deck}: {key}");
        }
        let [planned, real] = [&plan, &report].map(|value| value["max_stable_dt"].as_f64().unwrap());
        let exact = plan["max_stable_dt_is_exact"] == true;
        assert_eq!(exact, deck == "plate");
        assert!(if exact { planned == real } else { planned <= real }, "{deck}: {planned} {real}");
        let messages = report["messages"]["bytes_per_rank"][0].as_u64().unwrap();
        assert_eq!(plan["halo_bytes_per_exchange"].as_u64().unwrap() * report["steps"].as_u64().unwrap(), messages);
    }
}

#[test]
fn check_prints_a_page() {
    let workshop = Workshop::new();
    let page = printed(&workshop, &["check", "solid.toml", "--ranks", "4"]);
    for word in [
        "17 x 14 x 13",
        "4 ranks as",
        "thread",
        "diagnostics every 4 steps",
        "snapshots (vti, npy)",
        "pictures",
        "memory",
        "halo",
        "time step",
        "23",
    ] {
        assert!(page.contains(word), "no {word} in {page}");
    }
}

/// The part of the ladder that takes seconds; the rest takes a minute.
#[test]
fn verify_climbs_its_ladder() {
    let workshop = Workshop::new();
    let ladder: Value = serde_json::from_str(&printed(&workshop, &["verify", "--quick", "--json"])).unwrap();
    let rungs = ladder["rungs"].as_array().unwrap();
    assert!(rungs.len() > 40, "{ladder:#}");
    for rung in rungs {
        assert_eq!(rung["pass"], true, "{rung:#}");
        assert!(rung["name"].as_str().unwrap().len() <= 58, "too long for the table: {rung:#}");
    }
    for part in ["heat", "nbody, forces", "nbody, orbits", "nbody, clusters", "nbody, shapes"] {
        assert!(rungs.iter().any(|rung| rung["part"] == part), "no {part}");
    }
}

/// What users ask before they start: how many, how summed, how long, how much.
#[test]
fn check_prints_a_page_for_bodies() {
    let workshop = Workshop::new();
    let deck = |name: &str| format!("{}/inputs/nbody/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let galaxies = printed(&workshop, &["check", &deck("galaxy_collision"), "--threads", "1"]);
    for word in [
        "60,000 (disc 30,000, disc 30,000)",
        "kpc, 1e10 Msun",
        "multipoles (fmm), 99 % of the errors below 1e-2, Plummer softening 0.3 kpc",
        "leapfrog, order 2",
        "1 rank, 1 thread each",
        "360 to 9.0000e-1 kpc/(km/s)",
        "the final snapshot (vtp, npy)",
        "91 pictures",
    ] {
        assert!(galaxies.contains(word), "no {word} in {galaxies}");
    }
    let collapse = ["check", &deck("cold_collapse"), "--ranks", "3"];
    let few = printed(&workshop, &[collapse.as_slice(), &["--set", "bodies.count=3000"]].concat());
    for word in ["3,000 (uniform_sphere)", "direct sum (3000 bodies are less", "3 ranks", "pairs"] {
        assert!(few.contains(word), "no {word} in {few}");
    }
    let collapse = printed(&workshop, &collapse);
    for word in ["10,000 (uniform_sphere)", "multipoles (fmm), 99 %", "(10000 bodies are at least the 6000", "3 ranks"]
    {
        assert!(collapse.contains(word), "no {word} in {collapse}");
    }
    let bench = printed(&workshop, &["check", &deck("bench_1m")]);
    assert!(bench.contains("0, only the first forces") && bench.contains("no snapshots"), "{bench}");
}

/// The plan is kept: steps, bodies, method, and the snapshots that are written.
#[test]
fn check_tells_what_a_run_of_bodies_does() {
    let workshop = Workshop::new();
    let deck = format!("{}/inputs/nbody/kepler.toml", env!("CARGO_MANIFEST_DIR"));
    let every = ["--set", "time.steps=23", "--set", "output.snapshot_every=5"];
    let plan = printed(&workshop, &[&["check", &deck, "--json"], every.as_slice()].concat());
    let plan: Value = serde_json::from_str(&plan).unwrap();
    workshop.start(&[&["run", &deck], every.as_slice()].concat()).digest();
    let report = report(&workshop, "outputs/kepler");
    for key in ["title", "bodies", "unknowns", "method", "ranks", "steps", "dt"] {
        assert_eq!(plan[key], report[key], "{key}");
    }
    // The first forces are in the plan but not in the loop.
    assert_eq!(plan["pairs"].as_f64().unwrap(), 2.0 + report["pairs"].as_f64().unwrap());
    let snapshots = fs::read_dir(workshop.path("outputs/kepler/snapshots")).unwrap();
    let states = snapshots.filter(|entry| entry.as_ref().unwrap().path().is_dir()).count();
    assert_eq!(plan["snapshots"].as_u64(), Some(states as u64));
}

#[test]
fn generated_texts() {
    let workshop = Workshop::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(printed(&workshop, &["completions", shell]).contains("domains"), "{shell}");
    }
    let man = printed(&workshop, &["man"]);
    assert!(man.contains(".TH parhelion 1") && man.contains("\\-\\-overwrite"));
    let schema: Value = serde_json::from_str(&printed(&workshop, &["schema"])).unwrap();
    for (deck, key) in [("Deck", "grid"), ("NBodyDeck", "bodies")] {
        assert!(schema["$defs"][deck]["properties"][key].is_object(), "{deck}: {key}");
    }
    assert!(printed(&workshop, &["--version"]).contains(env!("CARGO_PKG_VERSION")));
    for command in ["run", "check", "verify", "render", "completions", "man", "schema"] {
        assert!(printed(&workshop, &[command, "--help"]).contains("Examples:"), "{command}");
    }
}

#[test]
fn render_draws_a_finished_run() {
    let workshop = Workshop::new();
    workshop.start(&["run", "solid.toml", "--set", "output.frames_every=0"]).digest();
    let shown =
        printed(&workshop, &["render", "outputs/solid", "--axis", "x", "--pixels", "100", "--output", "pictures"]);
    // Steps 0, 9, 18 and 23, and the animation.
    assert_eq!(shown.lines().count(), 5, "{shown}");
    for line in shown.lines() {
        let bytes = fs::read(workshop.path(line)).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        assert!(pixels.iter().any(|p| *p != pixels[0]), "{line} is blank");
    }
    assert_eq!(fs::read_dir(workshop.path("pictures")).unwrap().count(), 5);
}

#[test]
fn a_reader_that_leaves_early() {
    let workshop = Workshop::new();
    for arguments in [
        &["run", "plate.toml", "--overwrite"] as &[&str],
        &["run", "plate.toml", "--overwrite", "--domains", "3"],
        &["check", "plate.toml"],
        &["completions", "bash"],
        &["man"],
        &["schema"],
    ] {
        let mut command = workshop.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {text}");
        assert!(!text.contains("panicked") && !text.contains("error"), "{arguments:?}: {text}");
    }
}

#[test]
fn quiet_prints_the_digest_and_nothing_else() {
    let workshop = Workshop::new();
    let outcome = workshop.start(&["run", "plate.toml", "--quiet", "--threads", "1"]);
    outcome.digest();
    assert_eq!((outcome.stdout.lines().count(), outcome.stderr.as_str()), (1, ""), "{outcome:#?}");
}
