//! Decks: those in `inputs/` load, the resolved deck means the same run, every key can be set, and bad input is refused with
//! exit code 2 and a message that names file, place, key and fix.

use parhelion::config::{self, MaskReader, deck_directory, read_deck_text};
use parhelion::error::{Error, Result};
use parhelion::heat::problem::{FaceCondition, Initial};
use parhelion::region::{Mask, Region};
use parhelion::run_config::{HeatRun, RunConfig, Until};
use parhelion::signal::Signal;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// A valid deck that uses most kinds of tables.
const DECK: &str = r#"title = "Sample"
physics = "heat"
[grid]
cells = [64, 48]
size = [0.2, 0.15]
[material]
name = "copper"
density = 8000
[[regions]]
shape = "circle"
center = [0.1, 0.1]
radius = 0.02
material = "steel"
[boundary]
all = { kind = "fixed", value = 20 }
x_lower = { kind = "convection", coefficient = 10, ambient = { mean = 10.0, amplitude = 3, period = 86400 } }
y_upper = { kind = "flux", value = { times = [0, 5.0], values = [1.0, 2.0] } }
[[sources]]
shape = "box"
lower = [0.0, 0.0]
upper = [0.05, 0.05]
power = 100
[initial]
kind = "uniform"
value = 20
[time]
dt = "auto"
steps = 100
[decomposition]
dims = [2, 1]
[output]
frames_every = 10
[output.frames]
range = [10, 30]
"#;

/// Reads a PNG of the size of the grid; bright pixels are inside, the first row is the top.
fn read_png(path: &Path, cells: [usize; 3]) -> Result<Mask> {
    let refuse = |cause: String| Error::Input(format!("{}: {cause}", path.display()));
    let file = File::open(path).map_err(|error| refuse(error.to_string()))?;
    let mut reader = png::Decoder::new(BufReader::new(file)).read_info().map_err(|error| refuse(error.to_string()))?;
    let mut pixels = vec![0; reader.output_buffer_size().unwrap_or(0)];
    reader.next_frame(&mut pixels).map_err(|error| refuse(error.to_string()))?;
    if pixels.len() != cells[0] * cells[1] {
        return Err(refuse(format!("{} pixels for {} cells", pixels.len(), cells[0] * cells[1])));
    }
    let rows_upwards = pixels.chunks(cells[0]).rev().flatten();
    Ok(Mask { cells: [cells[0], cells[1], 1], inside: rows_upwards.map(|&grey| grey >= 128).collect() })
}

fn no_mask(_: &Path, _: [usize; 3]) -> Result<Mask> {
    Err(Error::Input("mask.png: no such file".to_owned()))
}

fn sample(text: &str, overrides: &[&str], read_mask: MaskReader<'_>) -> Result<HeatRun> {
    let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
    parse("inputs/sample.toml", text, &overrides, Path::new("/decks"), read_mask)
}

fn parse(name: &str, text: &str, overrides: &[String], directory: &Path, read_mask: MaskReader<'_>) -> Result<HeatRun> {
    config::parse(name, text, overrides, directory, read_mask).map(heat)
}

fn load(path: &Path, overrides: &[String], read_mask: MaskReader<'_>) -> Result<HeatRun> {
    config::load(path, overrides, read_mask).map(heat)
}

fn heat(run: RunConfig) -> HeatRun {
    match run {
        RunConfig::Heat(run) => *run,
        RunConfig::NBody(_) => panic!("a heat deck"),
    }
}

fn decks() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("inputs/heat");
    let entries = std::fs::read_dir(directory).expect("inputs/heat exists");
    let mut decks: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    decks.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    decks.sort();
    decks
}

#[test]
fn all_decks_load_without_warnings() {
    assert!(decks().len() >= 8);
    for deck in decks() {
        let run = load(&deck, &[], &read_png).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(run.warnings, Vec::<String>::new(), "{}", deck.display());
        assert_eq!(run.case, deck.file_stem().unwrap().to_str().unwrap());
    }
}

#[test]
fn the_bottle_holds_its_cola() {
    let deck = decks().into_iter().find(|path| path.ends_with("soda_bottle.toml")).expect("there is a bottle");
    let problem = load(&deck, &[], &read_png).unwrap().problem;
    let material = |i, j| {
        let cell = [i, j, 0];
        let inside = problem.regions.iter().rev().find(|(region, _)| region.contains(cell, problem.grid.center(cell)));
        inside.map_or(problem.background, |(_, material)| *material)
    };
    let [glass, cola] = [problem.regions[0].1, problem.regions[1].1];
    assert_eq!(
        [material(48, 60), material(48, 12), material(48, 193), material(5, 60)],
        [cola, glass, glass, problem.background]
    );
    assert_eq!(material(48, 180), problem.background);
}

#[test]
fn every_key_of_a_deck_is_explained_beside_it() {
    for deck in decks() {
        for line in std::fs::read_to_string(&deck).unwrap().lines() {
            let says_it_itself = ["physics", "shape", "kind", "name =", "lower =", "upper =", "material =", "end"];
            let is_key = line.contains(" = ") && !line.starts_with('#');
            let named = says_it_itself.iter().any(|key| line.starts_with(key)) || line.contains("kind = ");
            assert!(!is_key || named || line.contains(" # "), "{}: no comment: {line}", deck.display());
        }
    }
}

#[test]
fn resolved_deck_is_the_same_run() {
    for deck in decks() {
        let run = load(&deck, &[], &read_png).unwrap();
        let name = deck.display().to_string();
        let again = parse(&name, &run.resolved, &[], Path::new("/elsewhere"), &read_png);
        assert_eq!(again.unwrap_or_else(|error| panic!("{error}\n{}", run.resolved)), run);
    }
    let run = sample(DECK, &[], &no_mask).unwrap();
    assert_eq!(sample(&run.resolved, &[], &no_mask).unwrap(), run);
}

/// Paths and values of all scalars in a table.
fn leaves(value: &toml::Value, path: &str, found: &mut Vec<(String, String)>) {
    let join = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        toml::Value::Table(table) => table.iter().for_each(|(name, inner)| leaves(inner, &join(name), found)),
        toml::Value::Array(array) => {
            array.iter().enumerate().for_each(|(n, inner)| leaves(inner, &join(&n.to_string()), found));
        }
        scalar => found.push((path.to_owned(), scalar.to_string())),
    }
}

#[test]
fn every_key_can_be_set_by_its_path() {
    let mut tried = 0;
    for deck in decks() {
        let (name, directory) = (deck.display().to_string(), deck_directory(&deck));
        let run = load(&deck, &[], &read_png).unwrap();
        let mut found = Vec::new();
        leaves(&toml::Value::Table(run.resolved.parse().unwrap()), "", &mut found);
        let all: Vec<String> = found.iter().map(|(path, value)| format!("{path}={value}")).collect();
        for change in &all {
            let again = parse(&name, &run.resolved, std::slice::from_ref(change), &directory, &read_png);
            assert_eq!(again.unwrap_or_else(|error| panic!("--set {change}: {error}")), run, "--set {change}");
            tried += 1;
        }
        assert_eq!(parse(&name, &run.resolved, &all, &directory, &read_png).unwrap(), run);
    }
    assert!(tried > 300, "only {tried} keys were set");
}

#[test]
fn set_changes_what_it_names() {
    let changes =
        ["time.end=2.5", "regions.0.radius=0.03", "grid.cells=[32,24]", "title=Two words", "sources[0].power=7"];
    let run = sample(DECK, &changes, &no_mask).unwrap();
    assert_eq!(run.time.until, Until::End(2.5));
    assert_eq!(run.title, "Two words");
    assert_eq!(run.problem.grid.cells, [32, 24, 1]);
    let Region::Sphere { radius, .. } = run.problem.regions[0].0 else { panic!("not a circle") };
    assert_eq!(radius, 0.03);
}

#[test]
fn plain_deck_becomes_the_problem_it_describes() {
    let problem = sample(DECK, &[], &no_mask).unwrap().problem;
    assert_eq!(problem.background.density, 8000.0);
    assert_eq!(problem.background.conductivity, 401.0);
    assert_eq!(problem.faces[0][1], FaceCondition::Fixed(Signal::Constant(20.0)));
    assert_eq!(problem.faces[2][0], FaceCondition::Flux(Signal::Constant(0.0)));
    assert_eq!(
        problem.faces[1][1],
        FaceCondition::Flux(Signal::Table { times: vec![0.0, 5.0], values: vec![1.0, 2.0] })
    );
    let Initial::Regions { background, patches } = problem.initial else { panic!("not uniform") };
    assert!(background == 20.0 && patches.is_empty());
}

#[test]
fn three_dimensional_shapes_load() {
    let text = DECK
        .replace("[64, 48]", "[16, 12, 8]")
        .replace("[0.2, 0.15]", "[0.2, 0.15, 0.1]")
        .replace("[0.0, 0.0]", "[0.0, 0.0, 0.0]")
        .replace("[0.05, 0.05]", "[0.05, 0.05, 0.05]")
        .replace("dims = [2, 1]", "dims = [2, 1, 1]")
        .replace("shape = \"circle\"", "shape = \"cylinder\"\naxis = \"y\"\nrange = [0.02, 0.1]")
        .replace("[0.1, 0.1]", "[0.1, 0.0, 0.05]");
    let run = sample(&text, &[], &no_mask).unwrap();
    let rod = Region::Cylinder { axis: 1, center: [0.1, 0.0, 0.05], radius: 0.02, range: [0.02, 0.1] };
    assert_eq!(run.problem.regions[0].0, rod);
    assert_eq!(sample(&run.resolved, &[], &no_mask).unwrap(), run);
}

#[test]
fn regions_without_cells_are_warned_of() {
    let run = sample(DECK, &["regions.0.center=[9, 9]"], &no_mask).unwrap();
    assert!(run.warnings.len() == 1 && run.warnings[0].contains("regions[0]"), "{:?}", run.warnings);
}

/// What is replaced in the sample deck, by what, and what the message must contain: line (0 if none), key, fix.
type Case = (&'static str, &'static str, usize, &'static str, &'static str);

const BAD: &[Case] = &[
    // Syntax.
    ("cells = [64, 48]", "cells = [64, ", 5, "size", "correct the TOML"),
    ("name = \"copper\"", "name = copper", 7, "name", "correct the TOML"),
    ("power = 100", "power = 5\npower = 7", 23, "power", "correct the TOML"),
    ("[time]", "[time", 26, "time", "correct the TOML"),
    // Names.
    ("cells = ", "cels = ", 4, "grid.cels", "did you mean cells?"),
    ("[output]", "[outputs]", 31, "outputs", "did you mean output?"),
    ("mean = 10.0", "men = 10.0", 16, "boundary.x_lower.ambient.men", "did you mean mean?"),
    ("title = \"Sample\"", "halo_width = 2", 1, "halo_width", "did you mean decomposition.halo_width?"),
    ("shape = \"circle\"", "shape = \"cirle\"", 10, "regions[0].shape", "did you mean \"circle\"?"),
    ("physics = \"heat\"", "physics = \"heet\"", 2, "physics", "did you mean \"heat\"?"),
    ("physics = \"heat\"", "physics = \"fluid\"", 2, "physics", "use \"heat\", \"nbody\""),
    ("physics = \"heat\"", "physics = 1", 2, "physics", "write physics = \"heat\" or physics = \"nbody\""),
    ("physics = \"heat\"\n", "", 1, "physics", "add physics = \"heat\" or physics = \"nbody\""),
    ("physics = \"heat\"", "physics = \"nbody\"", 14, "boundary", "use title, physics, units"),
    ("name = \"copper\"", "name = \"coper\"", 7, "material.name", "did you mean \"copper\"?"),
    ("material = \"steel\"", "material = \"kryptonite\"", 13, "regions[0].material.name", "docs/decks.md"),
    // Missing.
    ("cells = [64, 48]\n", "", 3, "grid.cells", "add cells = ... to [grid]"),
    ("material = \"steel\"\n", "", 9, "regions[0].material", "add material"),
    ("radius = 0.02\n", "", 9, "regions[0].radius", "add radius"),
    ("steps = 100\n", "", 26, "time", "add steps = ... or end = ..."),
    ("steps = 100\n", "steps = 100\nend = 5\n", 29, "time.end", "remove one"),
    ("power = 100\n", "", 18, "sources[0]", "add power_density"),
    ("kind = \"uniform\"\n", "", 23, "initial.kind", "add kind"),
    ("[initial]\nkind = \"uniform\"\nvalue = 20\n", "", 1, "initial", "add the table [initial]"),
    // Types.
    ("radius = 0.02", "radius = \"big\"", 12, "regions[0].radius", "write a number"),
    ("steps = 100", "steps = 100.5", 28, "time.steps", "write a whole number"),
    ("steps = 100", "steps = -100", 28, "time.steps", "write a whole number"),
    ("cells = [64, 48]", "cells = 64", 4, "grid.cells", "write an array"),
    ("cells = [64, 48]", "cells = [64, \"48\"]", 4, "grid.cells[1]", "write a whole number"),
    ("dt = \"auto\"", "dt = \"fast\"", 27, "time.dt", "write \"auto\" or a number"),
    ("range = [10, 30]", "range = [10, 30, 40]", 34, "output.frames.range", "write"),
    ("name = \"copper\"", "name = 5", 7, "material.name", "write a string"),
    // Values.
    ("cells = [64, 48]", "cells = [64, 0]", 4, "grid.cells[1]", "write 1 or more"),
    ("cells = [64, 48]", "cells = [64]", 4, "grid.cells", "two numbers"),
    ("size = [0.2, 0.15]", "size = [0.2, 0.15, 1]", 5, "grid.size", "write 2 numbers"),
    ("size = [0.2, 0.15]", "size = [0.2, nan]", 5, "grid.size[1]", "finite"),
    ("size = [0.2, 0.15]", "size = [inf, 1]", 5, "grid.size[0]", "finite"),
    ("size = [0.2, 0.15]", "size = [-1, 1]", 5, "grid.size[0]", "greater than 0"),
    ("size = [0.2, 0.15]", "size = [0, 1]", 5, "grid.size[0]", "greater than 0"),
    ("size = [0.2, 0.15]", "size = [1e300, 1]", 5, "grid.size[0]", "write"),
    ("density = 8000", "density = 0", 8, "material.density", "greater than 0"),
    ("density = 8000", "density = -inf", 8, "material.density", "finite"),
    ("radius = 0.02", "radius = -0.02", 12, "regions[0].radius", "greater than 0"),
    ("center = [0.1, 0.1]", "center = [0.1, nan]", 11, "regions[0].center[1]", "finite"),
    ("mean = 10.0", "mean = nan", 16, "boundary.x_lower.ambient.mean", "finite"),
    ("period = 86400", "period = 0", 16, "boundary.x_lower.ambient.period", "greater than 0"),
    ("coefficient = 10", "coefficient = -10", 16, "boundary.x_lower.coefficient", "greater than 0"),
    ("times = [0, 5.0]", "times = [5, 5.0]", 17, "boundary.y_upper.value.times[1]", "increasing"),
    ("times = [0, 5.0]", "times = [5]", 17, "boundary.y_upper.value.values", "one value per time"),
    ("times = [0, 5.0]", "times = []", 17, "boundary.y_upper.value.values", "one value per time"),
    ("value = 20 }", "value = nan }", 15, "boundary.all.value", "finite"),
    ("kind = \"fixed\", value = 20", "kind = \"insulated\", value = 20", 15, "boundary.all.value", "remove it"),
    ("kind = \"flux\", ", "kind = \"periodic\", ", 17, "boundary.y_upper.value", "remove it"),
    ("upper = [0.05, 0.05]", "upper = [0.05, -0.05]", 21, "sources[0].upper[1]", "greater coordinate"),
    ("upper = [0.05, 0.05]", "upper = [0.0001, 0.0001]", 22, "sources[0].power", "enlarge the shape"),
    ("power = 100", "power = inf", 22, "sources[0].power", "finite"),
    ("power = 100", "power = 100\non = 5\noff = 5", 24, "sources[0].off", "after on"),
    ("power = 100", "power = 100\non = -5", 23, "sources[0].on", "0 or a greater"),
    ("power = 100", "power = 100\nradius = 1", 23, "sources[0].radius", "remove it"),
    ("value = 20\n", "value = 20\nwidth = 1\n", 26, "initial.width", "remove it"),
    ("dt = \"auto\"", "dt = -1", 27, "time.dt", "greater than 0"),
    ("dt = \"auto\"", "dt = nan", 27, "time.dt", "finite"),
    ("steps = 100", "steps = 0", 28, "time.steps", "from 1"),
    ("steps = 100", "end = -5.0", 28, "time.end", "greater than 0"),
    ("dt = \"auto\"\nsteps = 100", "dt = 1e-25\nend = 5", 27, "time.dt", "longer time step"),
    ("steps = 100", "steps = 100\nsafety = 1.5", 29, "time.safety", "(0, 1]"),
    ("dims = [2, 1]", "dims = [2, 1, 1]", 30, "decomposition.dims", "write 2 numbers"),
    ("dims = [2, 1]", "dims = [65, 1]", 30, "decomposition.dims[0]", "from 1 to 64"),
    ("dims = [2, 1]", "dims = [0, 1]", 30, "decomposition.dims[0]", "from 1 to 64"),
    ("dims = [2, 1]", "halo_width = 0", 30, "decomposition.halo_width", "from 1"),
    ("range = [10, 30]", "range = [30, 10]", 34, "output.frames.range", "smaller number first"),
    ("range = [10, 30]", "axis = \"x\"", 34, "output.frames.axis", "write \"z\""),
    ("range = [10, 30]", "position = 7", 34, "output.frames.position", "write 0 to 1 m"),
    ("range = [10, 30]", "pixels = 100000", 34, "output.frames.pixels", "from 16 to 8192"),
    ("range = [10, 30]", "colormap = \"jet\"", 34, "output.frames.colormap", "use \"inferno\""),
    ("frames_every = 10", "snapshot_formats = [\"npy\", \"npy\"]", 32, "output.snapshot_formats[1]", "once"),
    ("title = \"Sample\"", "title = \"a\\u001b[2Jb\"", 1, "title", "plain text"),
    ("title = \"Sample\"", "title = \"\"", 1, "title", "1 to 200"),
    ("y_upper", "z_upper", 17, "boundary.z_upper", "remove it"),
    ("shape = \"circle\"", "shape = \"mask\"\nfile = \"mask.bmp\"", 12, "regions[0].center", "remove it"),
];

fn assert_bad(error: &Error, place: &str, key: &str, fix: &str) {
    let message = error.to_string();
    assert_eq!(error.exit_code(), 2, "{message}");
    assert!(message.starts_with(place), "{message}\n does not start with {place}");
    assert!(message.contains(key), "{message}\n does not name the key {key}");
    assert!(message.contains(fix), "{message}\n does not name the fix {fix}");
    assert!(!message.contains(char::is_control), "{message:?}");
}

#[test]
fn bad_decks_are_refused_with_file_line_key_and_fix() {
    for (from, to, line, key, fix) in BAD {
        assert!(DECK.contains(from), "{from} is not in the sample");
        let error = sample(&DECK.replacen(from, to, 1), &[], &no_mask).expect_err(to);
        assert_bad(&error, &format!("inputs/sample.toml:{line}:"), key, fix);
        let Error::Deck { snippet, .. } = &error else { panic!("no snippet: {error}") };
        assert!(snippet.contains('^') && !snippet.contains("error:"), "{snippet}");
    }
}

#[test]
fn the_marker_points_at_the_value() {
    let text = DECK.replace("mean = 10.0", "mean = nan");
    let error = sample(&text, &[], &no_mask).unwrap_err();
    let Error::Deck { message, snippet } = error else { panic!("no snippet") };
    let column = DECK.lines().nth(15).unwrap().find("10.0").unwrap() + 1;
    assert!(message.starts_with(&format!("inputs/sample.toml:16:{column}: ")), "{message}");
    assert!(snippet.contains("^^^ NaN is not a finite number"), "{snippet}");
}

#[test]
fn bad_overrides_are_blamed_instead_of_a_line() {
    for (change, key, fix) in [
        ("time.dt=-1", "time.dt", "greater than 0"),
        ("grid.cels=[4,4]", "grid.cels", "did you mean cells?"),
        ("gird.cells=[4,4]", "gird", "did you mean grid?"),
        ("pixels=99", "pixels", "did you mean output.frames.pixels?"),
        ("regions.0.radius=nan", "regions[0].radius", "finite"),
        ("regions.1.radius=1", "regions[1].radius", "regions.0"),
        ("regions.x.radius=1", "regions", "regions.0"),
        ("grid.cells.0=0", "grid.cells[0]", "1 or more"),
        ("grid.cells=64,64", "grid.cells", "write an array"),
        ("material.name.x=1", "material.name", "as a whole"),
        ("boundary.x_upper.kind=periodic", "boundary.x_upper", "x_lower = { kind = \"periodic\" }"),
        ("output.frames={ axis = \"x\" }", "output.frames.axis", "write \"z\""),
        ("grid.cells=[4,", "grid.cells", "close quotes"),
        ("grid.cells", "grid.cells", "--set key.path=value"),
        ("time.steps=99999999999999999999", "time.steps", "write"),
    ] {
        let error = sample(DECK, &[change], &no_mask).expect_err(change);
        assert_bad(&error, "", key, fix);
        assert!(error.to_string().contains(&format!("--set {change}")), "{error}");
    }
    let error = sample(DECK, &["time.end=5", "time.steps=5"], &no_mask).unwrap_err();
    assert_bad(&error, "inputs/sample.toml: --set time.end=5", "time.end", "remove one");
}

#[test]
fn overrides_leave_the_line_numbers_of_other_flaws_alone() {
    let text = DECK.replace("steps = 100", "steps = 0");
    let error = sample(&text, &["grid.cells=[8,8]", "title=x"], &no_mask).unwrap_err();
    assert_bad(&error, "inputs/sample.toml:28:9: ", "time.steps", "from 1");
}

#[test]
fn grids_beyond_all_memory_say_how_large_they_are() {
    let solid = DECK.replace("[0.2, 0.15]", "[1, 1, 1]");
    let huge = solid.replace("[64, 48]", "[4194304, 4194304, 4194304]");
    let error = sample(&huge, &[], &no_mask).unwrap_err();
    assert_bad(
        &error,
        "inputs/sample.toml:4:9: ",
        "grid.cells: 4194304 x 4194304 x 4194304 = 7.379e19 cells",
        "fewer cells",
    );
    assert!(error.to_string().contains("1.181e21 bytes"), "{error}");
    let largest = solid.replace("[64, 48]", "[9223372036854775807, 9223372036854775807, 9223372036854775807]");
    assert_bad(&sample(&largest, &[], &no_mask).unwrap_err(), "inputs/sample.toml:4:9: ", "grid.cells", "fewer cells");
}

#[test]
fn periodic_faces_come_in_pairs() {
    let text = DECK.replace(
        "y_upper = { kind = \"flux\", value = { times = [0, 5.0], values = [1.0, 2.0] } }",
        "y_upper = { kind = \"periodic\" }",
    );
    let error = sample(&text, &[], &no_mask).unwrap_err();
    assert_bad(&error, "inputs/sample.toml:17:", "boundary.y_upper", "write y_lower = { kind = \"periodic\" } too");
}

#[test]
fn initial_states_are_checked() {
    let initial = |body: &str| DECK.replace("kind = \"uniform\"\nvalue = 20", body);
    for (body, key, fix) in [
        ("kind = \"eigenmode\"\namplitude = 1\nmode = [0, 1]", "initial.mode[0]", "write 1 to 64"),
        ("kind = \"eigenmode\"\namplitude = 1\nmode = [1, 1, 1]", "initial.mode", "write 2 numbers"),
        ("kind = \"eigenmode\"\namplitude = nan\nmode = [1, 1]", "initial.amplitude", "finite"),
        ("kind = \"gaussian\"\nbackground = 0\namplitude = 1\nwidth = 0", "initial.width", "greater than 0"),
        ("kind = \"gaussian\"\namplitude = 1\nwidth = 1", "initial.background", "add background"),
        ("kind = \"file\"\nfile = \"start.csv\"", "initial.file", "array of numpy"),
        ("kind = \"regions\"\nbackground = 0", "initial.patches", "add patches"),
        (
            "kind = \"regions\"\nbackground = 0\n[[initial.patches]]\nshape = \"box\"\nvalue = 1",
            "initial.patches[0].lower",
            "add lower",
        ),
    ] {
        assert_bad(&sample(&initial(body), &[], &no_mask).expect_err(body), "inputs/sample.toml:", key, fix);
    }
    let run = sample(&initial("kind = \"file\"\nfile = \"start.npy\""), &[], &no_mask).unwrap();
    let Initial::File(path) = run.problem.initial else { panic!("not a file") };
    assert_eq!(path, Path::new("/decks/start.npy"));
}

#[test]
fn masks_that_cannot_be_read_are_flaws_of_the_deck() {
    let circle = "shape = \"circle\"\ncenter = [0.1, 0.1]\nradius = 0.02";
    let text = |file: &str| DECK.replace(circle, &format!("shape = \"mask\"\nfile = \"{file}\""));
    let error = sample(&text("mask.png"), &[], &no_mask).unwrap_err();
    assert_bad(&error, "inputs/sample.toml:11:8: ", "regions[0].file", "64 x 48 cells");
    assert!(error.to_string().contains("no such file"), "{error}");
    let error = sample(&text("mask.bmp"), &[], &no_mask).unwrap_err();
    assert_bad(&error, "inputs/sample.toml:11:8: ", "regions[0].file", "name a mask");
    let elsewhere = |_: &Path, _| Err(Error::Remote { exit_code: 2, message: "complete already".to_owned() });
    assert_eq!(sample(&text("mask.png"), &[], &elsewhere).unwrap_err().to_string(), "complete already");
}

#[test]
fn odd_files_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    std::fs::write(path("empty.toml"), " \n\t\r\n").unwrap();
    std::fs::write(path("binary.toml"), b"a = 1\n\0\x01\x02").unwrap();
    std::fs::write(path("latin.toml"), b"title = \"M\xfcnchen\"").unwrap();
    File::create(path("huge.toml")).unwrap().set_len(1 << 30).unwrap();
    for (name, problem) in [
        ("missing.toml", "cannot read"),
        ("", "is a directory"),
        ("empty.toml", "is empty"),
        ("binary.toml", "binary"),
        ("latin.toml", "not text in UTF-8 (byte 10)"),
        ("huge.toml", "1073741824 bytes"),
    ] {
        let error = read_deck_text(&path(name)).expect_err(name);
        assert_bad(&error, &path(name).display().to_string(), problem, "; ");
    }
    assert_bad(&read_deck_text(&path("emty.toml")).unwrap_err(), "", "cannot read", "empty.toml?");
    assert!(read_deck_text(Path::new("/dev/zero")).is_err());
}

#[test]
fn a_byte_order_mark_and_windows_lines_are_accepted() {
    let text = format!("\u{feff}{}", DECK.replace('\n', "\r\n"));
    assert_eq!(sample(&text, &[], &no_mask).unwrap().title, "Sample");
    let error = sample(&text.replace("steps = 100", "steps = 0"), &[], &no_mask).unwrap_err();
    assert_bad(&error, "inputs/sample.toml:28:9: ", "time.steps", "from 1");
}

#[test]
fn long_or_hostile_values_make_short_clean_messages() {
    let long = "x".repeat(500_000);
    for text in [
        DECK.replace("\"copper\"", &format!("\"{long}\"")),
        DECK.replace("cells = ", &format!("{long} = ")),
        DECK.replace("\"circle\"", "\"\\u001b]0;owned\\u0007\""),
    ] {
        let Error::Deck { message, snippet } = sample(&text, &[], &no_mask).unwrap_err() else { panic!("no snippet") };
        assert!(message.len() < 2000 && snippet.len() < 4000, "{} {}", message.len(), snippet.len());
        assert!(!message.contains('\u{1b}') && !snippet.contains('\u{1b}'), "{message}");
    }
}

mod no_input_panics {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn any_value_at_any_key(index in 0usize..60, value in "[-0-9a-z\\[\\]{}\"=.,]{0,12}|nan|-inf|1e400|[0-9]{1,25}") {
            let mut found = Vec::new();
            leaves(&toml::Value::Table(DECK.parse().unwrap()), "", &mut found);
            let key = &found[index % found.len()].0;
            if let Err(error) = sample(DECK, &[&format!("{key}={value}")], &no_mask) {
                prop_assert_eq!(error.exit_code(), 2);
                prop_assert!(error.to_string().contains("; "), "{}", error);
            }
        }

        #[test]
        fn any_damage_to_the_text(at in 0usize..900, length in 0usize..20, insert in "\\PC{0,4}") {
            let mut text: Vec<char> = DECK.chars().collect();
            let start = at.min(text.len());
            let end = (start + length).min(text.len());
            text.splice(start..end, insert.chars());
            if let Err(error) = sample(&text.iter().collect::<String>(), &[], &no_mask) {
                prop_assert_eq!(error.exit_code(), 2);
                prop_assert!(error.to_string().starts_with("inputs/sample.toml:"), "{}", error);
            }
        }
    }
}
