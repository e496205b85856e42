//! N-body decks: those in `inputs/nbody/` load and mean the reference problems, the resolved deck means the same run, every key can be set,
//! and bad input is refused with exit code 2 and a message that names file, place, key and fix.

use parhelion::comm::solo::Solo;
use parhelion::config::{self, deck_directory, read_deck_text};
use parhelion::error::{Error, Result};
use parhelion::input::bodies::Files;
use parhelion::nbody::groups::{BodyGroup, Model};
use parhelion::nbody::initial;
use parhelion::nbody::problem::{Integrator, Method, NBodyProblem, Softening, Substeps};
use parhelion::particles::Particles;
use parhelion::region::Mask;
use parhelion::run_config::{NBodyRun, RunConfig, TimeStep, Until};
use std::path::{Path, PathBuf};

/// A valid deck that uses most tables.
const DECK: &str = r#"title = "Sample"
physics = "nbody"
units = "galactic"
[gravity]
method = "fmm"
accuracy = 1e-3
softening = { kind = "plummer", length = 0.1 }
precision = "double"
[[bodies]]
kind = "disc"
count = 100
mass = 4
scale_radius = 3.0
halo = { count = 50, mass = 50, scale_radius = 20 }
[[bodies]]
kind = "plummer"
count = 100
mass = 1.0
scale_radius = 2
position = [0, 1, 2]
[encounter]
pericentre = 5
separation = 60
[time]
integrator = "leapfrog"
dt = "auto"
eta = 0.1
substeps = "block"
steps = 100
[output]
frames_every = 10
[output.frames]
range = [1, 1e4]
"#;

/// A valid deck of few bodies.
const FEW: &str = r#"physics = "nbody"
[gravity]
method = "direct"
[[bodies]]
kind = "listed"
list = [{ mass = 1, position = [0, 0, 0], velocity = [0, 0, 0] }]
[[bodies]]
kind = "orbit"
masses = [1, 2]
semi_major_axis = 1
eccentricity = 0.5
[time]
integrator = "gauss_radau15"
dt = 0.1
end = 5
"#;

fn no_mask(_: &Path, _: [usize; 3]) -> Result<Mask> {
    Err(Error::Input("no deck here has masks".to_owned()))
}

fn parse(name: &str, text: &str, overrides: &[&str]) -> Result<NBodyRun> {
    let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
    match config::parse(name, text, &overrides, Path::new("/decks"), &no_mask)? {
        RunConfig::NBody(run) => Ok(*run),
        RunConfig::Heat(_) => panic!("{name} is no N-body deck"),
    }
}

fn sample(text: &str, overrides: &[&str]) -> Result<NBodyRun> {
    parse("inputs/sample.toml", text, overrides)
}

fn decks() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("inputs/nbody");
    let entries = std::fs::read_dir(directory).expect("inputs/nbody is there");
    let mut decks: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    decks.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    decks.sort();
    decks
}

fn load(path: &Path) -> NBodyRun {
    let text = read_deck_text(path).unwrap();
    match config::parse(&path.display().to_string(), &text, &[], &deck_directory(path), &no_mask) {
        Ok(RunConfig::NBody(run)) => *run,
        other => panic!("{}: {other:?}", path.display()),
    }
}

fn named(name: &str) -> NBodyRun {
    load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("inputs/nbody").join(format!("{name}.toml")))
}

#[test]
fn all_decks_load_without_warnings() {
    assert!(decks().len() >= 10);
    for deck in decks() {
        let run = load(&deck);
        assert_eq!(run.warnings, Vec::<String>::new(), "{}", deck.display());
        assert_eq!(run.case, deck.file_stem().unwrap().to_str().unwrap());
    }
}

#[test]
fn every_key_of_a_deck_is_explained_beside_it() {
    for deck in decks() {
        for line in std::fs::read_to_string(&deck).unwrap().lines() {
            let says_it_itself = ["physics", "kind"].iter().any(|key| line.starts_with(key));
            let is_key = line.contains(" = ") && !line.starts_with('#');
            assert!(!is_key || says_it_itself || line.contains(" # "), "{}: no comment: {line}", deck.display());
        }
    }
}

#[test]
fn resolved_deck_is_the_same_run() {
    let decks = decks().into_iter().map(|deck| load(&deck)).chain([DECK, FEW].map(|text| sample(text, &[]).unwrap()));
    for run in decks {
        let again = config::parse(&format!("{}.toml", run.case), &run.resolved, &[], Path::new("/elsewhere"), &no_mask);
        let again = again.unwrap_or_else(|error| panic!("{error}\n{}", run.resolved));
        assert_eq!(again, RunConfig::NBody(Box::new(run)));
    }
}

fn energy(problem: &NBodyProblem, bodies: &Particles) -> f64 {
    let square = |vector: [f64; 3]| vector.iter().map(|x| x * x).sum::<f64>();
    let mut energy = 0.0;
    for n in 0..bodies.len() {
        energy += 0.5 * bodies.mass[n] * square(bodies.velocity_of(n));
        for m in 0..n {
            let away = std::array::from_fn(|axis| bodies.position[axis][n] - bodies.position[axis][m]);
            energy -= problem.gravity.constant * bodies.mass[n] * bodies.mass[m] / square(away).sqrt();
        }
    }
    energy
}

#[test]
fn reference_problems_have_their_energies() {
    for (name, expected) in [
        ("kepler", -0.5e-3),
