//! Every single flipped bit and every cut of a checkpoint of either physics: it is seen, the older one is taken, and the digest is that of
//! a whole run. All of them are tried on the library's search for the newest usable checkpoint, a sample on the whole program.

use super::workshop::Workshop;
use super::{assert_same_results, checkpoint, kept, kill_after, report, run};
use parhelion::checkpoint::shelf::Shelf;
use parhelion::comm::solo::Solo;
use std::fs;
use std::path::Path;

const PLATE: &str = r#"physics = "heat"
[grid]
cells = [3, 2]
size = [0.3, 0.2]
[material]
name = "copper"
[boundary]
x_lower = { kind = "fixed", value = 20.0 }
[initial]
kind = "uniform"
value = 100.0
[time]
dt = "auto"
steps = 9
[output]
diagnostics_every = 1
"#;

const PAIR: &str = r#"physics = "nbody"
[gravity]
method = "direct"
[[bodies]]
kind = "listed"
list = [
    { mass = 1.0, position = [0.5, 0.0, 0.0], velocity = [0.0, 0.4, 0.0] },
    { mass = 1.0, position = [-0.5, 0.0, 0.0], velocity = [0.0, -0.4, 0.1] },
]
[time]
integrator = "hermite4"
dt = 0.01
steps = 9
[output]
diagnostics_every = 1
"#;

const KEYS: [&str; 4] = ["--set", "checkpoint.every=3", "--set", "checkpoint.keep=2"];

/// A run in `run` as it is when it was killed after its checkpoint of step 6; the one of step 3 is there too. The digest of `whole`.
fn killed(deck: &str) -> (Workshop, String) {
    let workshop = Workshop::new();
    workshop.write("deck.toml", deck);
    let expected = run(&workshop, "deck.toml", "whole", &KEYS).digest();
    run(&workshop, "deck.toml", "run", &KEYS).digest();
    assert_eq!(kept(&workshop, "run"), [3, 6]);
    kill_after(&workshop, "run", 6);
    (workshop, expected)
}

/// The step of the checkpoint that a run would go on from, and how many are passed over.
fn found(shelf: &Shelf) -> (u64, usize) {
    let found = shelf.newest(&Solo).unwrap().unwrap();
    (found.source.header().step, found.skipped.len())
}

fn all_damage_is_seen(deck: &str) {
    let (workshop, _) = killed(deck);
    let shelf = Shelf::of(&workshop.path("run"));
    let newest = checkpoint(&workshop, "run", 6);
    let whole = fs::read(&newest).unwrap();
    assert!(whole.len() < 20_000, "{} bytes: too many bits for a test", whole.len());
    assert_eq!(found(&shelf), (6, 0));
    for bit in 0..8 * whole.len() {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&newest, bytes).unwrap();
        assert_eq!(found(&shelf), (3, 1), "bit {bit}");
    }
    for length in 0..whole.len() {
        fs::write(&newest, &whole[..length]).unwrap();
        assert_eq!(found(&shelf), (3, 1), "cut to {length} bytes");
    }
    fs::write(&newest, whole).unwrap();
    assert_eq!(found(&shelf), (6, 0));
}

/// Puts damaged bytes in the place of the newest checkpoint and starts the same command again.
fn goes_on_from_the_older_one(workshop: &Workshop, expected: &str, damaged: &[u8], what: &str, domains: &str) {
    fs::write(checkpoint(workshop, "run", 6), damaged).unwrap();
    let outcome = run(workshop, "deck.toml", "run", &[&KEYS, &["--domains", domains] as &[&str]].concat());
    assert_eq!(outcome.digest(), expected, "{what}: {outcome:#?}");
    assert!(outcome.stderr.contains("00000006.checkpoint cannot be used: "), "{what}: {outcome:#?}");
    assert_same_results(workshop, "run", "whole", what);
    assert_eq!(report(workshop, "run")["restart"]["step"].as_u64(), Some(3), "{what}");
    kill_after(workshop, "run", 6);
}

fn a_sample_ends_with_the_same_digest(deck: &str) {
    let (workshop, expected) = killed(deck);
    let whole = fs::read(checkpoint(&workshop, "run", 6)).unwrap();
    let stride = 8 * whole.len() / 12;
    for (number, bit) in (0..8 * whole.len()).step_by(stride).enumerate() {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (number % 8);
        let domains = ["1", "2"][number % 2];
        goes_on_from_the_older_one(&workshop, &expected, &bytes, &format!("bit {number} of byte {}", bit / 8), domains);
    }
    for length in [0, 63, whole.len() / 2, whole.len() - 1] {
        goes_on_from_the_older_one(&workshop, &expected, &whole[..length], &format!("cut to {length}"), "1");
    }
}

#[test]
fn every_flipped_bit_and_every_cut_of_a_checkpoint_of_heat() {
    all_damage_is_seen(PLATE);
}

#[test]
fn every_flipped_bit_and_every_cut_of_a_checkpoint_of_bodies() {
    all_damage_is_seen(PAIR);
}

#[test]
fn damaged_checkpoints_of_heat_end_with_the_same_digest() {
    a_sample_ends_with_the_same_digest(PLATE);
}

#[test]
fn damaged_checkpoints_of_bodies_end_with_the_same_digest() {
    a_sample_ends_with_the_same_digest(PAIR);
}

/// Calls that fail, writes that are cut short, a full disk, kills before single calls: `tests/disk/faults.sh` has all of them, this a few.
#[test]
fn disks_that_fail_lose_nothing() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/disk/faults.sh");
    let mut command = std::process::Command::new("timeout");
    command.args(["--kill-after=5", "300", "bash"]).arg(script).arg("3");
    command.env("PARHELION", env!("CARGO_BIN_EXE_parhelion")).stdin(std::process::Stdio::null());
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(77) => eprintln!("SKIPPED: {text}"),
        code => assert!(code == Some(0) && text.contains("every fault was survived"), "{text}"),
    }
}
