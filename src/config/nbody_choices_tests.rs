//! Both ways of writing mean the same run, are found by overrides, and are read back; flaws point at the key that stands in the deck.

use crate::config::{parse, schema};
use crate::error::{Error, Result as RunResult};
use crate::nbody::groups::BodyGroup;
use crate::nbody::problem::Softening;
use crate::run_config::{BodyFormat, NBodyRun, RunConfig};
use std::path::Path;

/// A deck of one table of bodies; what stands for `BODIES` and `SOFTENING` differs.
const FRAME: &str = "physics = \"nbody\"\n[gravity]\nsoftening = SOFTENING\n[time]\ndt = 0.1\nsteps = 1\n[output]\nsnapshot_formats = []\n";
const PLUMMER: &str = "generator = \"plummer\"\ncount = 100\nmass = 1.0\nscale_radius = 1.0\nseed = 1\n";

fn run(deck: &str, overrides: &[&str]) -> RunResult<NBodyRun> {
    let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
    let no_mask = |_: &Path, _: [usize; 3]| Err(Error::Input("no masks".into()));
    match parse("forms.toml", deck, &overrides, Path::new("/decks"), &no_mask)? {
        RunConfig::NBody(run) => Ok(*run),
        RunConfig::Heat(_) => panic!("no N-body deck"),
    }
}

fn deck(header: &str, group: &str) -> String {
    format!("{}{header}\n{group}", FRAME.replace("SOFTENING", "0.01"))
}

fn softened(softening: &str) -> RunResult<NBodyRun> {
    run(&format!("{}[bodies]\n{PLUMMER}", FRAME.replace("SOFTENING", softening)), &[])
}

fn message(deck: &str, overrides: &[&str]) -> String {
    let error = run(deck, overrides).unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
    error.to_string()
}

#[test]
fn a_number_is_the_length_of_plummers_softening() {
    let with = |softening: &str| softened(softening).unwrap().problem.gravity.softening;
    for (text, expected) in [
        ("0.01", Softening::Plummer(0.01)),
        ("1", Softening::Plummer(1.0)),
        ("0", Softening::None),
        ("0.0", Softening::None),
        ("{ kind = \"plummer\", length = 0.01 }", Softening::Plummer(0.01)),
        ("{ kind = \"spline\", length = 0.01 }", Softening::Spline(0.01)),
    ] {
        assert_eq!(with(text), expected, "{text}");
    }
    for (text, word) in
        [("-0.01", "greater than 0"), ("nan", "finite"), ("\"soft\"", "{ kind, length }"), ("[1]", "a length")]
    {
        let found = softened(text).unwrap_err().to_string();
        assert!(found.starts_with("forms.toml:3:13: gravity.softening: ") && found.contains(word), "{found}");
    }
}

#[test]
fn one_table_is_a_list_of_one() {
    let problem = |text: &str| run(text, &[]).unwrap().problem;
    let expected = problem(&deck("[[bodies]]", PLUMMER));
    assert_eq!(expected.groups[0].count(), Some(100));
    assert_eq!(problem(&deck("[bodies]", PLUMMER)), expected);
    let kind = PLUMMER.replace("generator", "kind");
    assert_eq!(problem(&deck("[bodies]", &kind)), expected);
    assert_eq!(problem(&deck("[[bodies]]", &kind)), expected);
}

#[test]
fn files_and_lists_need_no_generator() {
    const LIST: &str = "list = [{ mass = 1, position = [0, 0, 0], velocity = [0, 0, 0] }]\n";
    for header in ["[bodies]", "[[bodies]]"] {
        for generator in ["", "generator = \"file\"\n", "kind = \"file\"\n"] {
            let run = run(&deck(header, &format!("{generator}file = \"bodies.csv\"\n")), &[]).unwrap();
            let BodyGroup::File(file) = &run.problem.groups[0] else { panic!("a file") };
            assert_eq!(file.path, Path::new("/decks/bodies.csv"));
        }
        for generator in ["", "generator = \"listed\"\n", "kind = \"listed\"\n"] {
            let run = run(&deck(header, &format!("{generator}{LIST}")), &[]).unwrap();
            assert_eq!(run.problem.groups[0].count(), Some(1));
        }
    }
}

#[test]
fn every_way_of_writing_is_read_back() {
    for (header, group) in
        [("[bodies]", PLUMMER), ("[[bodies]]", PLUMMER), ("[bodies]", "file = \"/a/positions.npy\"\n")]
    {
        let first = run(&deck(header, group), &[]).unwrap();
        let again = run(&first.resolved, &[]).unwrap_or_else(|error| panic!("{error}\n{}", first.resolved));
        assert_eq!(again, first);
    }
}

#[test]
fn the_only_group_is_overridden_with_its_number_and_without() {
    for header in ["[bodies]", "[[bodies]]"] {
        for key in ["bodies.count=7", "bodies.0.count=7", "bodies[0].count=7"] {
            let run = run(&deck(header, PLUMMER), &[key]).unwrap();
            assert_eq!(run.problem.groups[0].count(), Some(7), "{header} {key}");
        }
        let text = deck(header, PLUMMER);
        for (key, name) in [("bodies.generator=hernquist", "hernquist"), ("bodies.0.kind=nfw", "nfw")] {
            assert!(run(&text, &[key]).unwrap().resolved.contains(&format!("generator = \"{name}\"")), "{key}");
        }
        for key in ["bodies.mass=-1", "bodies.0.mass=-1"] {
            let found = message(&text, &[key]);
            assert!(found.starts_with(&format!("forms.toml: --set {key}: bodies")), "{found}");
        }
    }
    let several = [deck("[[bodies]]", PLUMMER), format!("[[bodies]]\n{PLUMMER}")].concat();
    assert_eq!(run(&several, &["bodies.1.count=7"]).unwrap().problem.groups[1].count(), Some(7));
    assert!(message(&several, &["bodies.count=7"]).contains("use bodies.0 to bodies.1"));
    let found = message(&deck("[bodies]", PLUMMER), &["bodies.1.count=7"]);
    assert!(found.contains("bodies.1.count=7") && found.contains("unknown key"), "{found}");
}

#[test]
fn flaws_point_at_the_key_that_stands_in_the_deck() {
    let edited = |header: &str, from: &str, to: &str| deck(header, &PLUMMER.replace(from, to));
    for (header, from, to, expected) in [
        ("[bodies]", "count = 100", "count = 0", "forms.toml:11:9: bodies.count: 0 is out of range"),
        ("[[bodies]]", "count = 100", "count = 0", "forms.toml:11:9: bodies[0].count: 0 is out of range"),
        (
            "[bodies]",
            "\"plummer\"",
            "\"plumer\"",
            "forms.toml:10:13: bodies.generator: \"plumer\" is not known here; did you",
        ),
        ("[bodies]", "mass", "mas", "forms.toml:12:1: bodies.mas: unknown key in bodies; did you mean mass?"),
        (
            "[bodies]",
            "mass = 1.0\n",
            "",
            "forms.toml:9:1: bodies.mass: missing; generator = \"plummer\" needs it; add mass",
        ),
        ("[bodies]", "seed", "radius", "forms.toml:14:1: bodies.radius: not used with generator = \"plummer\""),
        ("[bodies]", "generator = \"plummer\"\n", "", "forms.toml:9:1: bodies.generator: missing; add generator = "),
        (
            "[[bodies]]",
            "generator = \"plummer\"\n",
            "",
            "forms.toml:9:1: bodies[0].generator: missing; add generator = ",
        ),
        (
            "[bodies]",
            "seed = 1",
            "file = \"a.csv\"",
            "forms.toml:14:1: bodies.file: not used with generator = \"plummer\"",
        ),
        (
            "[bodies]",
            "generator = \"plummer\"",
            "file = \"a.csv\"",
            "forms.toml:11:1: bodies.count: not used with file = ...; remove it (file = ... uses file, position, velocity, rotation)",
        ),
        (
            "[bodies]",
            "seed",
            "kind = \"disc\"\nseed",
            "forms.toml:9:1: bodies: generator is given under two names; write it once",
        ),
    ] {
        let found = message(&edited(header, from, to), &[]);
        assert!(found.starts_with(expected), "{found}\nis not\n{expected}");
    }
    let found = message(&FRAME.replace("SOFTENING", "0.01").replace("[gravity]", "bodies = 5\n[gravity]"), &[]);
    assert!(found.starts_with("forms.toml:2:10: bodies: the value 5 does not fit; write a table [bodies]"), "{found}");
    assert!(message(&FRAME.replace("SOFTENING", "0.01"), &[]).contains("add a table [bodies]"));
}

#[test]
fn hdf5_has_another_name() {
    let formats =
        |list: &str| run(&deck("[bodies]", PLUMMER).replace("_formats = []", &format!("_formats = {list}")), &[]);
    for name in ["hdf5", "gadget"] {
        let run = formats(&format!("[\"{name}\"]")).unwrap();
        assert_eq!(run.output.snapshot_formats, [BodyFormat::Gadget]);
        assert!(run.resolved.contains("snapshot_formats = [\"hdf5\"]"), "{}", run.resolved);
    }
    assert!(formats("[\"hdf5\", \"gadget\"]").unwrap_err().to_string().contains("once"));
}

#[test]
fn the_schema_knows_both_ways_and_all_names() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    let keys = &schema["$defs"]["Bodies"]["properties"];
    assert_eq!(keys["kind"]["$ref"], keys["generator"]["$ref"]);
    let deck = &schema["$defs"]["NBodyDeck"]["properties"];
    assert_eq!(deck["bodies"]["anyOf"][0], deck["bodies"]["anyOf"][1]["items"], "{}", deck["bodies"]);
    let softening = &schema["$defs"]["Gravity"]["properties"]["softening"]["anyOf"];
    assert!(softening[0]["type"] == "number" && softening[1]["$ref"] == "#/$defs/Softening", "{softening}");
    let formats = schema["$defs"]["BodyFormatName"]["oneOf"].as_array().unwrap();
    assert!(["hdf5", "gadget"].iter().all(|name| formats.iter().any(|format| format["const"] == *name)), "{formats:?}");
}
