//! Decks and values that cannot be run: exit code 2, one line that names key, file and way out, and nothing written.

use super::workshop::{PLATE, Workshop};

#[test]
fn deck_files_that_are_none() {
    let workshop = Workshop::new();
    workshop.write("empty.toml", "");
    workshop.write("binary.toml", [0x7f, 0x45, 0x4c, 0x46, 0, 0xff, 0xfe, 0, 0x9f]);
    workshop.write("long.toml", [PLATE.as_bytes(), &[b'#'; 100], &[0; 1000]].concat());
    workshop.sparse("huge.toml", 1 << 30);
    std::fs::create_dir(workshop.path("folder.toml")).unwrap();
    for (deck, words) in [
        ("missing.toml", &["missing.toml", "No such file"] as &[&str]),
        ("folder.toml", &["folder.toml", "directory"]),
        ("empty.toml", &["empty.toml", "empty"]),
        ("binary.toml", &["binary.toml", "text"]),
        ("long.toml", &["long.toml"]),
        ("huge.toml", &["huge.toml"]),
        ("/dev/zero", &["/dev/zero"]),
        ("", &[]),
    ] {
        workshop.refuses(&[deck], 2, words);
        workshop.refuses_command(&["check", deck], 2, words);
    }
}

#[test]
fn keys_and_types() {
    let workshop = Workshop::new();
    for (from, to, place, words) in [
        ("steps = 20", "stepps = 20", ":15:", &["stepps", "did you mean steps?"] as &[&str]),
        ("[initial]", "[inital]", ":10:", &["inital", "initial"]),
        ("steps = 20", "steps = \"twenty\"", ":15:", &["time.steps"]),
        ("steps = 20", "steps = 2.5", ":15:", &["time.steps"]),
        ("value = 100.0", "value = true", ":12:", &["initial.value"]),
        ("cells = [24, 18]", "cells = 24", ":4:", &["grid.cells"]),
        ("physics = \"heat\"", "physics = \"light\"", ":2:", &["light", "heat"]),
        ("steps = 20", "steps = 20 20", ":15:", &[]),
    ] {
        assert!(PLATE.contains(from));
        workshop.write("wrong.toml", PLATE.replacen(from, to, 1));
        let place = format!("wrong.toml{place}");
        let words = [&[place.as_str()], words].concat();
        workshop.refuses(&["wrong.toml"], 2, &words);
        workshop.refuses_command(&["check", "wrong.toml"], 2, &words);
    }
}

#[test]
fn values_out_of_range() {
    let workshop = Workshop::new();
    for key in [
        "time.dt=nan",
        "time.dt=inf",
        "time.dt=-1.0",
        "time.dt=0.0",
        "time.steps=-1",
        "time.safety=0",
        "time.safety=1.5",
        "grid.size=[0.24,nan]",
        "grid.size=[0.24,-0.18]",
        "grid.size=[0.0,0.18]",
        "grid.size=[inf,0.18]",
        "initial.value=nan",
        "initial.value=-inf",
        "grid.cells=[0,18]",
        "grid.cells=[-4,18]",
        "grid.cells=[24]",
        "grid.cells=[4194304,4194304,4194304]",
        "material.conductivity=0.0",
        "material.density=-1.0",
        "material.specific_heat=inf",
        "decomposition.halo_width=0",
        "boundary.all={ kind = \"fixed\", value = nan }",
        "boundary.all={ kind = \"convection\", coefficient = -2.0, ambient = 1.0 }",
    ] {
        let name = key.split('=').next().unwrap();
        let size = "grid.size=[0.24,0.18,0.1]";
        let solid = if key.contains("4194304") { vec!["--set", size] } else { vec![] };
        workshop.refuses(&[&["plate.toml", "--set", key], solid.as_slice()].concat(), 2, &[name]);
    }
}

#[test]
fn more_memory_than_the_machine_has() {
    let workshop = Workshop::new();
    let arguments = ["plate.toml", "--set", "grid.cells=[2000000,1000000]"];
    workshop.refuses(&arguments, 2, &["grid.cells", "memory", "use fewer cells"]);
    workshop.refuses_command(&[&["check"], arguments.as_slice()].concat(), 2, &["grid.cells", "memory"]);
}

#[test]
fn a_time_step_above_the_limit() {
    let workshop = Workshop::new();
    for deck in ["plate.toml", "solid.toml"] {
        let step = ["--set", "time.dt=1e6"];
        let words = ["time.dt", "1e6", "stability limit", "use at most", "dt = \"auto\"", "allow_unstable = true"];
        workshop.refuses(&[&[deck], step.as_slice()].concat(), 2, &words);
        if deck == "plate.toml" {
            // With several materials the limit takes the run's own arrays to find.
            workshop.refuses_command(&[&["check", deck], step.as_slice()].concat(), 2, &words);
        }
        let allowed = ["--set", "time.allow_unstable=true", "--set", "time.steps=2"];
        workshop.start(&[&["run", deck], step.as_slice(), &allowed].concat()).digest();
    }
}

#[test]
fn the_limit_that_is_named_is_the_one_that_is_kept() {
    let workshop = Workshop::new();
    let refused = workshop.start(&["run", "plate.toml", "--set", "time.dt=1.0"]);
    let limit = refused.stderr.split("stability limit ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    let limit: f64 = limit.parse().unwrap();
    workshop.refuses(&["plate.toml", "--set", &format!("time.dt={:e}", 1.001 * limit)], 2, &["time.dt"]);
    workshop.start(&["run", "plate.toml", "--set", &format!("time.dt={:e}", 0.999 * limit)]).digest();
}

#[test]
fn a_state_that_becomes_infinite() {
    let workshop = Workshop::new();
    for (deck, shape) in [("plate.toml", "1"), ("plate.toml", "3"), ("solid.toml", "1"), ("solid.toml", "3")] {
        let unstable = ["--set", "time.dt=1e6", "--set", "time.allow_unstable=true", "--set", "time.steps=400"];
        let run = workshop.start(&[&["run", deck, "--overwrite", "--domains", shape], unstable.as_slice()].concat());
        run.assert_refused(4, &["step", "cell"]);
        let case = deck.strip_suffix(".toml").unwrap();
        let report = std::fs::read_to_string(workshop.path(&format!("outputs/{case}/report.json"))).expect("a report");
        assert!(report.contains("\"status\": \"failed\"") && report.contains("\"exit_code\": 4"), "{report}");
    }
}

#[test]
fn more_ranks_than_cells() {
    let workshop = Workshop::new();
    let few = ["run", "plate.toml", "--threads", "1", "--set", "grid.cells=[3,2]", "--domains"];
    workshop.refuses_command(&[&few, ["7"].as_slice()].concat(), 2, &["7 ranks", "use at most 6"]);
    let dims = ["--set", "decomposition.dims=[4,1]"];
    workshop.refuses_command(&[&few, ["4"].as_slice(), &dims].concat(), 2, &["decomposition.dims[0]", "from 1 to 3"]);
    let dims = ["--set", "decomposition.dims=[1,2]"];
    workshop.refuses_command(&[&few, ["3"].as_slice(), &dims].concat(), 2, &["decomposition.dims", "needs 2 ranks"]);
    let wide = ["--set", "decomposition.halo_width=2"];
    workshop.refuses_command(
        &[&few, ["3"].as_slice(), &wide].concat(),
        2,
        &["decomposition.halo_width", "use at most 1"],
    );
    workshop.start(&[&few, ["6"].as_slice()].concat()).digest();
}

/// What shows only when the deck has been read: on the machine at hand, with the ranks at hand.
#[test]
fn flaws_that_show_late_name_file_and_line() {
    let workshop = Workshop::new();
    let cut = "[decomposition]\nhalo_width = 20\n[output]";
    for (from, to, domains, place, words) in [
        ("dt = \"auto\"", "dt = 50.0", "1", "late.toml:14:6: time.dt:", "use at most")
            as (&str, &str, &str, &str, &str),
        ("[24, 18]", "[2000000, 1000000]", "1", "late.toml:4:9: grid.cells:", "memory"),
        ("[24, 18]", "[2, 2]", "5", "late.toml:4:9: grid.cells:", "use at most 4"),
        ("[output]", cut, "3", "late.toml:17:14: decomposition.halo_width:", "use at most"),
        ("[output]", "[decomposition]\ndims = [1, 2]\n[output]", "3", "late.toml:17:8: decomposition.dims:", "2 ranks"),
        (
            "kind = \"uniform\"\nvalue = 100.0",
            "kind = \"file\"\nfile = \"no.npy\"",
            "1",
            "late.toml:12:8: initial.file:",
            "no.npy",
        ),
    ] {
        assert!(PLATE.contains(from));
        workshop.write("late.toml", PLATE.replacen(from, to, 1));
        workshop.refuses_command(&["run", "late.toml", "--threads", "1", "--domains", domains], 2, &[place, words]);
        workshop.refuses_command(&["check", "late.toml", "--ranks", domains], 2, &[place, words]);
    }
    // An override is to blame, not the deck.
    let words = ["plate.toml: --set time.dt=50.0: time.dt:", "use at most"];
    workshop.refuses(&["plate.toml", "--set", "time.dt=50.0"], 2, &words);
}

#[test]
fn command_lines() {
    let workshop = Workshop::new();
    for arguments in [
        &["run"] as &[&str],
        &["rnu", "plate.toml"],
        &["run", "plate.toml", "--domains", "0"],
        &["run", "plate.toml", "--threads", "x"],
        &["run", "plate.toml", "--set", "steps"],
        &["run", "plate.toml", "--set", "time.stepps=3"],
        &["run", "plate.toml", "--set", "="],
        &["render", "nowhere"],
    ] {
        workshop.refuses_command(arguments, 2, &[]);
    }
}

#[cfg(not(feature = "mpi"))]
#[test]
fn several_tasks_without_mpi() {
    let workshop = Workshop::new();
    for rank in ["0", "3"] {
        let mut command = workshop.command(&["run", "plate.toml"]);
        command.env("OMPI_COMM_WORLD_SIZE", "4").env("OMPI_COMM_WORLD_RANK", rank);
        let outcome = super::workshop::outcome(command);
        assert_eq!(outcome.code, Some(2), "{outcome:#?}");
        match rank {
            "0" => outcome.assert_refused(2, &["4 tasks", "--features mpi", "./run_cluster.sh"]),
            _ => assert_eq!(outcome.stderr, "", "one task speaks for all"),
        }
    }
    assert!(!workshop.path("outputs").exists());
}
