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
        ("figure_eight", -1.287_141_991_766_325_6),
        ("pythagorean", -769.0 / 60.0),
        ("solar_system", -3.2177482855458024e-8),
        ("lagrange_triangle", -1.5),
    ] {
        let problem = named(name).problem;
        let bodies = initial::bodies(&problem, &Files, &Solo).unwrap();
        let found = energy(&problem, &bodies);
        // Rounding of the few terms; figure_eight's velocities cancel none.
        assert!((found / expected - 1.0).abs() < 1e-14, "{name}: {found} and not {expected}");
    }
}

#[test]
fn galaxies_meet_on_their_parabola() {
    let run = named("galaxy_collision");
    let bodies = initial::bodies(&run.problem, &Files, &Solo).unwrap();
    assert_eq!(bodies.len(), 60_000);
    let mean = |values: &[f64], half: usize| {
        let part = 30_000 * half..30_000 * (half + 1);
        let mass: f64 = bodies.mass[part.clone()].iter().sum();
        values[part.clone()].iter().zip(&bodies.mass[part]).map(|(value, mass)| value * mass).sum::<f64>() / mass
    };
    let apart: [f64; 3] = std::array::from_fn(|a| mean(&bodies.position[a], 1) - mean(&bodies.position[a], 0));
    let speed: [f64; 3] = std::array::from_fn(|a| mean(&bodies.velocity[a], 1) - mean(&bodies.velocity[a], 0));
    let length = |vector: [f64; 3]| vector.iter().map(|x| x * x).sum::<f64>().sqrt();
    assert!((length(apart) - 50.0).abs() < 1e-9, "{apart:?}");
    // v^2 = 2 G M / r, M = 48, and h^2 = 2 G M q.
    let parameter = run.problem.gravity.constant * 48.0;
    let squared = parameter * 2.0 / 50.0;
    assert!((length(speed).powi(2) / squared - 1.0).abs() < 1e-9, "{speed:?}");
    let spin = apart[0] * speed[1] - apart[1] * speed[0];
    assert!((spin * spin / (parameter * 2.0 * 8.0) - 1.0).abs() < 1e-9, "{spin}");
}

#[test]
fn plain_deck_becomes_the_run_it_describes() {
    let run = sample(DECK, &[]).unwrap();
    assert_eq!(run.problem.gravity.method, Method::Fmm);
    assert_eq!(run.problem.gravity.softening, Softening::Plummer(0.1));
    assert_eq!(run.problem.substeps, Substeps::Block { eta: 0.1 });
    assert_eq!((run.time.dt, run.time.until), (TimeStep::Auto { safety: 0.1 }, Until::Steps(100)));
    assert!(run.time.allow_unstable, "there is no stability limit");
    assert_eq!(run.output.frames.range, Some([1.0, 1e4]));
    let counts: Vec<_> = run.problem.groups.iter().map(BodyGroup::count).collect();
    assert_eq!(counts, [Some(150), Some(100)]);
    let BodyGroup::Generated(disc) = &run.problem.groups[0] else { panic!("a disc") };
    let Model::Disc(galaxy) = &disc.model else { panic!("a disc") };
    // Equal up to the last bit of a decimal fraction.
    assert!((galaxy.scale_height - 0.3).abs() < 1e-15 && galaxy.truncation == 24.0 && galaxy.halo.truncation == 200.0);
    assert!(run.resolved.contains("accuracy = 0.001") && run.resolved.contains("toomre_q = 1.5"), "{}", run.resolved);
}

#[test]
fn automatic_choices_are_settled_where_only_one_is_possible() {
    let auto = FEW.replace("method = \"direct\"", "method = \"auto\"");
    let run = sample(&auto, &[]).unwrap();
    assert!(!run.problem.auto_method && run.problem.gravity.method == Method::Direct, "gauss_radau15 sums directly");
    assert_eq!(run.problem.integrator, Integrator::GaussRadau15);
    let run = sample(&auto, &["time.integrator=leapfrog"]).unwrap();
    assert!(!run.problem.auto_method && run.problem.gravity.method == Method::Direct, "no softening, no tree");
    let softened = ["time.integrator=leapfrog", "gravity.softening={ kind = \"spline\", length = 0.1 }"];
    assert!(sample(&auto, &softened).unwrap().problem.auto_method);
    let hermite = ["time.integrator=hermite4", "time.substeps=block"];
    assert_eq!(sample(FEW, &hermite).unwrap().problem.substeps, Substeps::Block { eta: 0.02 });
}

#[test]
fn bodies_of_a_file_are_named_from_the_deck() {
    let deck = FEW.replace(ORBIT, "kind = \"file\"\nfile = \"a.NPY\"");
    let run = sample(&deck, &[]).unwrap();
    let BodyGroup::File(file) = &run.problem.groups[1] else { panic!("a file") };
    assert_eq!(file.path, Path::new("/decks/a.NPY"));
    assert_eq!(run.problem.groups[1].count(), None);
    let error = initial::bodies(&run.problem, &Files, &Solo).unwrap_err();
    assert!(error.exit_code() == 2 && error.to_string().contains("/decks/a.NPY"), "{error}");
}

/// Deck, what is replaced in it, by what, and what the message must contain: line, key, fix.
type Case = (&'static str, &'static str, &'static str, usize, &'static str, &'static str);

/// The second group of the deck of few bodies.
const ORBIT: &str = "kind = \"orbit\"\nmasses = [1, 2]\nsemi_major_axis = 1\neccentricity = 0.5";
const SOFT: &str = "softening = { kind = \"plummer\", length = 0.1 }";
/// Two keys that only together are wrong.
const ACCURATE: &str = "accuracy = 1e-3\nsoftening = { kind = \"plummer\", length = 0.1 }\nprecision = \"double\"";
const FAINT: &str = "accuracy = 1e-6\nsoftening = { kind = \"plummer\", length = 0.1 }\nprecision = \"single\"";
const BAD: &[Case] = &[
    // Names and types.
    (DECK, "accuracy", "acuracy", 6, "gravity.acuracy", "did you mean accuracy?"),
    (DECK, "title = \"Sample\"", "softening = 5", 1, "softening", "did you mean gravity.softening?"),
    (DECK, "\"galactic\"", "\"galaxy\"", 3, "units", "did you mean \"galactic\"?"),
    (DECK, "\"fmm\"", "\"tree\"", 5, "gravity.method", "use \"auto\", \"direct\", \"fmm\""),
    (DECK, "kind = \"disc\"", "kind = \"disk\"", 10, "bodies[0].kind", "did you mean \"disc\"?"),
    (DECK, "[time]", "[grid]\ncells = [1]\n[time]", 24, "grid", "unknown key"),
    (DECK, "count = 50", "count = 5.5", 14, "bodies[0].halo.count", "whole number"),
    (DECK, "count = 50, ", "", 14, "bodies[0].halo.count", "add count"),
    // Title, gravity.
    (DECK, "\"Sample\"", "\"\"", 1, "title", "1 to 200"),
    (DECK, "accuracy = 1e-3", "accuracy = 1e-12", 6, "gravity.accuracy", "from 1e-8 to 0.1"),
    (DECK, "accuracy = 1e-3", "accuracy = nan", 6, "gravity.accuracy", "from 1e-8 to 0.1"),
    (DECK, "accuracy = 1e-3", "constant = -1", 6, "gravity.constant", "greater than 0"),
    (DECK, "accuracy = 1e-3", "constant = 1e300", 6, "gravity.constant", "1e-40 to 1e50"),
    (DECK, ", length = 0.1", "", 7, "gravity.softening.length", "add length"),
    (DECK, "length = 0.1", "length = -0.1", 7, "gravity.softening.length", "greater than 0"),
    (DECK, "\"plummer\", length", "\"none\", length", 7, "gravity.softening.length", "remove it"),
    // Bodies.
    (DECK, "count = 100\nmass = 4", "mass = 4", 9, "bodies[0].count", "add count"),
    (DECK, "count = 100\nmass = 4", "count = 0\nmass = 4", 11, "bodies[0].count", "from 1"),
    (DECK, "mass = 4", "mass = 0", 12, "bodies[0].mass", "greater than 0"),
    (DECK, "mass = 4", "mass = inf", 12, "bodies[0].mass", "finite"),
    (DECK, "scale_radius = 3.0", "scale_radius = -3", 13, "bodies[0].scale_radius", "greater than 0"),
    (DECK, "scale_radius = 3.0", "scale_radius = 3\nradius = 1", 14, "bodies[0].radius", "remove it"),
    (DECK, "scale_radius = 3.0", "scale_radius = 3\ntruncation = 0.1", 14, "bodies[0].truncation", "or more"),
    (DECK, "scale_radius = 3.0", "scale_radius = 3\ntoomre_q = 0", 14, "bodies[0].toomre_q", "greater than 0"),
    (DECK, "scale_radius = 3.0", "scale_radius = 3\nscale_height = 0", 14, "bodies[0].scale_height", "greater than 0"),
    (DECK, "mass = 50", "mass = -50", 14, "bodies[0].halo.mass", "greater than 0"),
    (DECK, "halo = {", "bulge = {", 9, "bodies[0].halo", "add halo"),
    (DECK, "position = [0, 1, 2]", "position = [0, 1]", 20, "bodies[1].position", "three numbers"),
    (DECK, "position = [0, 1, 2]", "velocity = [0, nan, 2]", 20, "bodies[1].velocity[1]", "finite"),
    (
        DECK,
        "kind = \"plummer\"\ncount = 100",
        "kind = \"plummer\"\ncount = 9000000000000",
        17,
        "bodies[1].count",
        "from 1 to",
    ),
    (FEW, "mass = 1,", "mass = -1,", 6, "bodies[0].list[0].mass", "0 or a greater"),
    (FEW, "position = [0, 0, 0]", "position = [0, 0]", 6, "bodies[0].list[0].position", "three numbers"),
    (FEW, "velocity = [0, 0, 0]", "velocity = [inf, 0, 0]", 6, "bodies[0].list[0].velocity[0]", "finite"),
    (FEW, "list = [{ mass = 1, position = [0, 0, 0], velocity = [0, 0, 0] }]", "", 4, "bodies[0].list", "add list"),
    (FEW, "kind = \"listed\"", "kind = \"listed\"\nseed = 2", 6, "bodies[0].seed", "remove it"),
    (FEW, "masses = [1, 2]", "masses = [1]", 9, "bodies[1].masses", "two masses"),
    (FEW, "masses = [1, 2]", "masses = [0, 0]", 9, "bodies[1].masses", "positive mass"),
    (FEW, "masses = [1, 2]", "masses = [1, -2]", 9, "bodies[1].masses[1]", "0 or a greater"),
    (FEW, "eccentricity = 0.5", "eccentricity = 1.0", 10, "bodies[1].semi_major_axis", "pericentre"),
    (FEW, "eccentricity = 0.5", "eccentricity = -0.5", 11, "bodies[1].eccentricity", "0 or a greater"),
    (FEW, "eccentricity = 0.5", "pericentre = 0.5", 11, "bodies[1].pericentre", "remove one"),
    (FEW, "semi_major_axis = 1\n", "", 7, "bodies[1].semi_major_axis", "add semi_major_axis"),
    (
        FEW,
        "semi_major_axis = 1\neccentricity = 0.5",
        "pericentre = 1\neccentricity = 2\ntrue_anomaly = 150",
        12,
        "bodies[1].true_anomaly",
        "nearer",
    ),
    (FEW, ORBIT, "kind = \"file\"\nfile = \"a.xls\"", 9, "bodies[1].file", "name a .csv"),
    (FEW, ORBIT, "kind = \"polygon\"\ncount = 1\nmass = 1\nradius = 1", 9, "bodies[1].count", "from 2"),
    (
        FEW,
        ORBIT,
        "kind = \"uniform_sphere\"\ncount = 1\nmass = 1\nradius = 1\nvirial_ratio = -1",
        12,
        "bodies[1].virial_ratio",
        "0 or a greater",
    ),
    // Encounter.
    (DECK, "[encounter]", "[encounter]\ngroups = [0]", 22, "encounter.groups", "two numbers"),
    (DECK, "[encounter]", "[encounter]\ngroups = [0, 2]", 22, "encounter.groups", "from 0"),
    (DECK, "[encounter]", "[encounter]\ngroups = [1, 1]", 22, "encounter.groups", "from 0"),
    (DECK, "separation = 60", "separation = 4", 23, "encounter.separation", "write 5 to inf"),
    (DECK, "separation = 60", "separation = 60\neccentricity = 0.5", 23, "encounter.separation", "write 5 to 15"),
    (DECK, "separation = 60", "separation = 60\neccentricity = 0", 24, "encounter.eccentricity", "greater than 0"),
    (DECK, "pericentre = 5", "pericentre = -5", 22, "encounter.pericentre", "greater than 0"),
    (FEW, "[time]", "[encounter]\npericentre = 1\nseparation = 2\n[time]", 12, "encounter.groups", "made from a model"),
    // Time.
    (DECK, "dt = \"auto\"", "dt = \"fast\"", 26, "time.dt", "write \"auto\" or a number"),
    (DECK, "dt = \"auto\"", "dt = 0", 26, "time.dt", "greater than 0"),
    (DECK, "eta = 0.1", "eta = 2", 27, "time.eta", "(0, 1]"),
    (DECK, "eta = 0.1", "eta = 0", 27, "time.eta", "greater than 0"),
    (FEW, "dt = 0.1", "dt = 0.1\neta = 0.1", 15, "time.eta", "remove it"),
    (FEW, "end = 5", "end = -5", 15, "time.end", "greater than 0"),
    (FEW, "end = 5", "", 12, "time", "add steps = ... or end"),
    (FEW, "end = 5", "end = 5\nsteps = 5", 15, "time.end", "remove one"),
    (FEW, "dt = 0.1", "dt = 1e-30", 14, "time.dt", "longer time step"),
    // Combinations.
    (FEW, "dt = 0.1", "dt = \"auto\"", 14, "time.dt", "give gravity.softening"),
    (FEW, "\"gauss_radau15\"", "\"leapfrog\"\nsubsteps = \"global\"", 14, "time.substeps", "give gravity.softening"),
    (FEW, "\"gauss_radau15\"", "\"gauss_radau15\"\nsubsteps = \"global\"", 14, "time.substeps", "own error control"),
    (FEW, "\"gauss_radau15\"", "\"gauss_radau15\"\nsubsteps = \"block\"", 14, "time.substeps", "own error control"),
    (DECK, "\"leapfrog\"", "\"yoshida4\"", 28, "time.substeps", "\"global\""),
    (DECK, "\"leapfrog\"", "\"hermite4\"", 5, "gravity.method", "destroy"),
    (
        FEW,
        "\"direct\"",
        "\"fmm\"\nsoftening = { kind = \"plummer\", length = 1 }",
        3,
        "gravity.method",
        "write \"direct\"",
    ),
    (DECK, SOFT, "", 26, "time.dt", "give gravity.softening"),
    (
        FEW,
        "method = \"direct\"",
        "precision = \"single\"",
        3,
        "gravity.precision",
        "far above the errors of gauss_radau15",
    ),
    (
        FEW,
        "method = \"direct\"",
        "softening = { kind = \"spline\", length = 1 }",
        3,
        "gravity.softening.kind",
        "write \"plummer\"",
    ),
    (DECK, ACCURATE, FAINT, 8, "gravity.precision", "1e-5 or more"),
    // Output.
    (DECK, "range = [1, 1e4]", "range = [1e4, 1]", 33, "output.frames.range", "smaller number first"),
    (DECK, "range = [1, 1e4]", "range = [0, 1]", 33, "output.frames.range[0]", "logarithmic"),
    (DECK, "range = [1, 1e4]", "range = [1]", 33, "output.frames.range", "two surface densities"),
    (DECK, "range = [1, 1e4]", "bodies = [[3, 1]]", 33, "output.frames.bodies[0]", "the first and the last body"),
    (DECK, "range = [1, 1e4]", "half_width = 0", 33, "output.frames.half_width", "greater than 0"),
    (DECK, "range = [1, 1e4]", "centre = [0, 0]", 33, "output.frames.centre", "three numbers"),
    (DECK, "range = [1, 1e4]", "pixels = 8", 33, "output.frames.pixels", "from 16 to 8192"),
    (DECK, "frames_every = 10", "snapshot_formats = [\"npy\", \"npy\"]", 31, "output.snapshot_formats[1]", "once"),
    (DECK, "frames_every = 10", "snapshot_formats = [\"vti\"]", 31, "output.snapshot_formats[0]", "\"vtp\""),
];

#[test]
fn bad_decks_are_refused_with_file_line_key_and_fix() {
    for (deck, from, to, line, key, fix) in BAD {
        assert!(deck.contains(from), "{from} is not in the sample");
        let error = sample(&deck.replacen(from, to, 1), &[]).expect_err(to);
        let message = error.to_string();
        assert_eq!(error.exit_code(), 2, "{message}");
        assert!(message.starts_with(&format!("inputs/sample.toml:{line}:")), "{message}\n is not of line {line}");
        assert!(message.contains(key), "{message}\n does not name the key {key}");
        assert!(message.contains(fix), "{message}\n does not name the fix {fix}");
        assert!(!message.contains(char::is_control), "{message:?}");
    }
}

#[test]
fn large_runs_are_refused_where_they_make_no_sense() {
    let refused = |text: &str, sets: &[&str], word: &str| {
        let message = sample(text, sets).expect_err(word).to_string();
        assert!(message.contains(word), "{message} does not say {word}");
    };
    let polygon = "bodies.1={ kind = \"polygon\", count = 5000, mass = 1, radius = 1 }";
    refused(FEW, &[polygon], "5001 bodies are too many for gauss_radau15");
    let large = polygon.replace("5000", "30000");
    refused(FEW, &[&large, "time.integrator=leapfrog", "gravity.method=auto"], "30001 bodies without softening");
    refused(FEW, &["bodies=[]"], "there are no bodies");
    let plain = DECK.replace("eta = 0.1\n", "");
    refused(
        &plain,
        &["time.substeps=none", "time.dt=0.1", "gravity.softening={ kind = \"none\" }"],
        "unsoftened pairs",
    );
    let most = format!("count={}", 1u64 << 40);
    let sets = [format!("bodies.0.{most}"), format!("bodies.1.{most}")];
    refused(DECK, &[&sets[0], &sets[1]], "more than any machine holds");
}

#[test]
fn what_is_probably_not_meant_is_warned_of() {
    let warned = |text: &str, sets: &[&str], word: &str| {
        let warnings = sample(text, sets).unwrap().warnings;
        assert!(warnings.len() == 1 && warnings[0].contains(word), "{warnings:?} do not say {word}");
    };
    assert_eq!(sample(DECK, &[]).unwrap().warnings.len() + sample(FEW, &[]).unwrap().warnings.len(), 0);
    warned(FEW, &["gravity.accuracy=1e-4"], "does not count");
    warned(DECK, &["gravity.softening.length=2.5"], "above the scale of bodies[1]");
    warned(DECK, &["bodies.0.toomre_q=0.7"], "the disc breaks up");
    let polygon = "bodies.1={ kind = \"polygon\", count = 30000, mass = 1, radius = 1 }";
    warned(FEW, &[polygon, "time.integrator=leapfrog"], "close pairs");
    let many = polygon.replace("30000", "3000000");
    let soft = "gravity.softening={ kind = \"plummer\", length = 0.1 }";
    warned(FEW, &[&many, soft, "time.integrator=leapfrog"], "pairs every step");
}

#[test]
fn bad_overrides_are_blamed_instead_of_a_line() {
    let message = sample(DECK, &["bodies.0.halo.mass=-1"]).unwrap_err().to_string();
    assert!(message.contains("--set bodies.0.halo.mass=-1") && message.contains("greater than 0"), "{message}");
    let message = sample(DECK, &["gravity.acuracy=1e-4"]).unwrap_err().to_string();
    assert!(message.contains("did you mean accuracy?"), "{message}");
}
