//! Particle files and decks of bodies that cannot be run: the file is named with the row and what to do, and nothing is written.

use super::workshop::Workshop;
use ndarray::Array2;
use ndarray_npy::write_npy;
use std::fs;

/// Bodies of a file, and nothing that costs time.
const DECK: &str = r#"physics = "nbody"
[gravity]
method = "direct"
[[bodies]]
kind = "file"
file = "FILE"
[time]
dt = 0.01
steps = 2
[output]
snapshot_formats = ["npy"]
"#;

const COLUMNS: &str = "id,mass,x,y,z,vx,vy,vz\n";

fn with_file(workshop: &Workshop, file: &str) {
    workshop.write("bodies.toml", DECK.replace("FILE", file));
}

/// Refused by `run` in two shapes and by `check`.
fn refused_by_all(workshop: &Workshop, file: &str, words: &[&str]) {
    with_file(workshop, file);
    let words = [&[file], words].concat();
    workshop.refuses(&["bodies.toml"], 2, &words);
    workshop.refuses_command(&["check", "bodies.toml"], 2, &words);
}

/// Four bodies at the corners of a square, with one value of one row changed.
fn square(row: usize, column: usize, value: f64) -> Array2<f64> {
    let mut table =
        Array2::from_shape_fn((4, 7), |(n, c)| [1.0, (n % 2) as f64, (n / 2) as f64, 0.0, 0.0, 0.0, 0.0][c]);
    table[(row, column)] = value;
    table
}

/// The array of `good.npy` under a header that claims another shape.
fn claiming(workshop: &Workshop, name: &str, shape: &str) {
    let good = fs::read(workshop.path("good.npy")).unwrap();
    let (head, values) = good.split_at(good.len() - 4 * 7 * 8);
    let text = String::from_utf8_lossy(&head[10..]).replace("(4, 7)", shape);
    let length = (text.len() as u16).to_le_bytes();
    workshop.write(name, [&head[..8], &length, text.as_bytes(), values].concat());
}

#[test]
fn arrays() {
    let workshop = Workshop::new();
    write_npy(workshop.path("good.npy"), &square(0, 0, 1.0)).unwrap();
    write_npy(workshop.path("narrow.npy"), &Array2::<f64>::zeros((4, 6))).unwrap();
    write_npy(workshop.path("turned.npy"), &Array2::<f64>::zeros((7, 4))).unwrap();
    write_npy(workshop.path("whole.npy"), &Array2::<i64>::zeros((4, 7))).unwrap();
    write_npy(workshop.path("none.npy"), &Array2::<f64>::zeros((0, 7))).unwrap();
    let good = fs::read(workshop.path("good.npy")).unwrap();
    workshop.write("half.npy", &good[..good.len() - 100]);
    workshop.write("head.npy", &good[..50]);
    workshop.write("long.npy", [good.as_slice(), &[0; 8]].concat());
    for (name, shape) in [
        ("claims60.npy", "(1152921504606846976, 7)"),
        ("claims64.npy", "(18446744073709551615, 7)"),
        ("claims80.npy", "(1208925819614629174706176, 7)"),
    ] {
        claiming(&workshop, name, shape);
    }
    workshop.sparse("zeros.npy", 1 << 30);
    fs::create_dir(workshop.path("folder.npy")).unwrap();
    for (file, words) in [
        ("missing.npy", &["No such file"] as &[&str]),
        ("folder.npy", &["not a regular file"]),
        ("zeros.npy", &["numpy.save"]),
        ("narrow.npy", &["(4, 6)", "(N, 7)", "m x y z vx vy vz"]),
        ("turned.npy", &["(7, 4)", "array.T"]),
        ("whole.npy", &["<i8", "astype"]),
        ("none.npy", &["no bodies"]),
        ("half.npy", &["truncated", "352 bytes", "252", "save it again"]),
        ("head.npy", &["truncated"]),
        ("long.npy", &["damaged"]),
        ("claims60.npy", &["truncated", "64563604257983430"]),
        ("claims64.npy", &["truncated"]),
        ("claims80.npy", &["header"]),
    ] {
        refused_by_all(&workshop, file, words);
    }
}

/// The values of arrays are read by a run only.
#[test]
fn values_of_arrays() {
    let workshop = Workshop::new();
    for (value, column, words) in [
        (f64::NAN, 1, &["row 2", "x is NaN", "finite"] as &[&str]),
        (f64::NEG_INFINITY, 6, &["row 2", "vz is -inf", "finite"]),
        (-1.0, 0, &["row 2", "mass is -1", "0 or a greater"]),
    ] {
        write_npy(workshop.path("bad.npy"), &square(2, column, value)).unwrap();
        with_file(&workshop, "bad.npy");
        workshop.refuses(&["bodies.toml"], 2, &[&["bad.npy"], words].concat());
    }
    // Without mass, and the same on three ranks as on one.
    write_npy(workshop.path("good.npy"), &square(2, 0, 0.0)).unwrap();
    with_file(&workshop, "good.npy");
    let alone = workshop.start(&["run", "bodies.toml"]).digest();
    assert_eq!(workshop.start(&["run", "bodies.toml", "--overwrite", "--domains", "3"]).digest(), alone);
}

#[test]
fn texts() {
    let workshop = Workshop::new();
    fs::create_dir(workshop.path("folder.csv")).unwrap();
    workshop.sparse("zeros.csv", 1 << 34);
    workshop.write("bytes.csv", [0xff, 0xfe, 0, 0x9f]);
    for (file, words) in [
        ("missing.csv", &["No such file"] as &[&str]),
        ("missing.txt", &["No such file"]),
        ("folder.csv", &["not a regular file"]),
        ("zeros.csv", &[":1:", "64 KiB"]),
        ("bytes.csv", &[":1:", "no text"]),
        ("bodies.xls", &["no known format", ".csv"]),
    ] {
        refused_by_all(&workshop, file, words);
    }
    for (rows, words) in [
        ("", &["no bodies", "one row for each"] as &[&str]),
        (COLUMNS, &["no bodies"]),
        ("id,mass,x,y,z,vx,vy\n1,1,0,0,0,0,0\n", &[":1:", "vz"]),
        ("1,1,0,0\n", &[":2:", "4 values, not 8"]),
        ("1,1,0,0,0,0,0,0,0\n", &[":2:", "9 values, not 8"]),
        ("1,1,0,0,0,0,0,0\n1,1,1,0,0,0,0,0\n", &[":3:", "id 1", "line 2"]),
        ("1,1,0,0,0,0,0,0\n2,1,nan,0,0,0,0,0\n", &[":3:", "x is NaN", "finite"]),
        ("1,1,0,0,0,0,0,0\n2,-1,1,0,0,0,0,0\n", &[":3:", "mass is -1", "0 or a greater"]),
        ("1,1,0,0,0,0,0,0\n-2,1,1,0,0,0,0,0\n", &[":3:", "id is \"-2\"", "whole number"]),
        ("1,1,0,0,0,0,0,0\n2,1,1,0,fast,0,0,0\n", &[":3:", "z is \"fast\""]),
    ] {
        let head = if rows.starts_with("id") || rows.is_empty() { "" } else { COLUMNS };
        workshop.write("rows.csv", [head, rows].concat());
        refused_by_all(&workshop, "rows.csv", words);
    }
    workshop.write("rows.txt", "1 0 0 0 0 0 0\n1 1 0 0 0 0\n");
    refused_by_all(&workshop, "rows.txt", &[":2:", "6 values, not 7", "m x y z vx vy vz"]);
}

/// The final state of a run is the first of another, with its ids.
#[test]
fn arrays_of_a_snapshot_begin_another_run() {
    let workshop = Workshop::new();
    workshop.write("three.csv", format!("{COLUMNS}30,1,0,0,0,0,1,0\n10,2,1,0,0,0,0,0\n20,3,5,5,5,0,0,-1\n"));
    with_file(&workshop, "three.csv");
    let first = workshop.start(&["run", "bodies.toml", "--output", "first", "--domains", "2"]).digest();
    with_file(&workshop, "first/snapshots/00000002/positions.npy");
    for domains in ["1", "2", "5"] {
        let again = ["run", "bodies.toml", "--overwrite", "--set", "time.steps=0", "--domains", domains];
        assert_eq!(workshop.start(&again).digest(), first, "{domains} domains");
    }
    fs::remove_file(workshop.path("first/snapshots/00000002/velocities.npy")).unwrap();
    let words = ["first/snapshots/00000002/positions.npy", "no velocities.npy beside it", "(N, 7)"];
    workshop.refuses_command(&["check", "bodies.toml"], 2, &words);
}

#[cfg(not(feature = "hdf5"))]
#[test]
fn files_of_gadget_in_a_build_without_hdf5() {
    let workshop = Workshop::new();
    workshop.write("snapshot.hdf5", "whatever it is");
    refused_by_all(&workshop, "snapshot.hdf5", &["--features hdf5", ".npy"]);
}

#[cfg(feature = "hdf5")]
#[test]
fn files_of_gadget_that_are_none() {
    let workshop = Workshop::new();
    workshop.write("snapshot.hdf5", "whatever it is");
    refused_by_all(&workshop, "snapshot.hdf5", &[]);
    refused_by_all(&workshop, "missing.hdf5", &[]);
}

/// Found by the first forces, before there is a run directory.
#[test]
fn coincident_bodies_without_softening() {
    let workshop = Workshop::new();
    workshop.write("pairs.csv", format!("{COLUMNS}5,1,0,0,0,0,0,0\n9,1,1,0,0,0,0,0\n7,1,0,0,0,0,0,0\n"));
    with_file(&workshop, "pairs.csv");
    let words = ["body 5", "body 7", "(0.0, 0.0, 0.0)", "softening"];
    workshop.refuses(&["bodies.toml"], 4, &words);
    for scheme in ["hermite4", "gauss_radau15"] {
        let integrator = format!("time.integrator={scheme}");
        workshop.refuses(&["bodies.toml", "--set", &integrator], 4, &["body 5", "softening"]);
    }
    let softened = "gravity.softening={ kind = \"plummer\", length = 0.1 }";
    for method in ["direct", "fmm"] {
        let method = format!("gravity.method={method}");
        let arguments = ["run", "bodies.toml", "--overwrite", "--set", softened, "--set", &method];
        let alone = workshop.start(&arguments).digest();
        assert_eq!(workshop.start(&[&arguments, ["--domains", "3"].as_slice()].concat()).digest(), alone, "{method}");
    }
}

/// Two bodies that fall into each other: the run has begun, so its directory tells what became of it.
#[test]
fn bodies_that_meet_on_the_way() {
    let workshop = Workshop::new();
    workshop.write("meeting.csv", format!("{COLUMNS}3,1,-0.5,0,0,1,0,0\n4,1,0.5,0,0,-1,0,0\n"));
    with_file(&workshop, "meeting.csv");
    for domains in ["1", "3"] {
        // So light that they move straight, and meet after one step of a half.
        let light = ["--set", "gravity.constant=1e-40", "--set", "time.dt=0.5"];
        let arguments = [&["run", "bodies.toml", "--overwrite", "--domains", domains], light.as_slice()].concat();
        workshop.start(&arguments).assert_refused(4, &["body 3", "body 4", "same place", "softening"]);
        let report = fs::read_to_string(workshop.path("outputs/bodies/report.json")).expect("a report");
        assert!(report.contains("\"status\": \"failed\"") && report.contains("\"exit_code\": 4"), "{report}");
    }
}

const SOFT: &str = "gravity.softening={ kind = \"plummer\", length = 0.1 }";

#[test]
fn combinations_that_would_be_silently_wrong() {
    let workshop = Workshop::new();
    workshop.write("two.csv", format!("{COLUMNS}1,1,0,0,0,0,0,0\n2,1,1,0,0,0,0,0\n"));
    with_file(&workshop, "two.csv");
    for (keys, words) in [
        (&["gravity.method=fmm"][..], &["gravity.softening", "unsoftened pairs", "\"direct\""] as &[&str]),
        (&["gravity.method=fmm", SOFT, "time.integrator=gauss_radau15"], &["gravity.method", "destroy", "\"direct\""]),
        (&["gravity.method=fmm", SOFT, "time.integrator=hermite4"], &["gravity.method", "destroy", "\"direct\""]),
        (&["time.integrator=gauss_radau15", "time.substeps=block"], &["time.substeps", "own error control"]),
        (&["time.integrator=yoshida4", "time.substeps=block", SOFT], &["time.substeps", "fourth order", "\"global\""]),
        (&["time.substeps=block"], &["time.substeps", "needs a softening length"]),
        (&["time.dt=auto"], &["time.dt", "gravity.softening"]),
        (&["gravity.precision=single", "time.integrator=hermite4"], &["gravity.precision", "\"double\""]),
        (
            &["gravity.precision=single", "gravity.method=fmm", "gravity.accuracy=1e-7", SOFT],
            &["gravity.precision", "32 bits"],
        ),
        (
            &["time.integrator=hermite4", "gravity.softening={ kind = \"spline\", length = 0.1 }"],
            &["gravity.softening.kind", "\"plummer\""],
        ),
        (&["gravity.methd=fmm"], &["gravity.methd", "did you mean method?"]),
        (&["gravity.method=tree"], &["gravity.method", "\"fmm\""]),
        (&["softening=0.1"], &["softening", "did you mean gravity.softening?"]),
        (&["grid.cells=[4,4]"], &["grid", "unknown key"]),
        (&["time.steps=-1"], &["time.steps"]),
        (&["time.dt=nan"], &["time.dt", "finite"]),
        (&["units=imperial"], &["units", "\"galactic\""]),
    ] {
        let sets: Vec<&str> = keys.iter().flat_map(|key| ["--set", key]).collect();
        workshop.refuses(&[&["bodies.toml"], sets.as_slice()].concat(), 2, words);
        workshop.refuses_command(&[&["check", "bodies.toml"], sets.as_slice()].concat(), 2, words);
    }
}

#[test]
fn more_bodies_than_the_machine_holds() {
    let workshop = Workshop::new();
    let sphere = "bodies=[{ kind = \"plummer\", count = 100000000000, mass = 1.0, scale_radius = 1.0 }]";
    with_file(&workshop, "none.csv");
    let words = ["bodies", "100000000000", "memory", "use fewer bodies"];
    workshop.refuses(&["bodies.toml", "--set", sphere], 2, &words);
    workshop.refuses_command(&["check", "bodies.toml", "--set", sphere], 2, &words);
    let few = sphere.replace("100000000000", "5000");
    let radau = ["bodies.toml", "--set", &few, "--set", "time.integrator=gauss_radau15"];
    workshop.refuses(&radau, 2, &["time.integrator", "5000 bodies", "4096"]);
}

#[cfg(not(feature = "hdf5"))]
#[test]
fn snapshots_of_gadget_in_a_build_without_hdf5() {
    let workshop = Workshop::new();
    workshop.write("two.csv", format!("{COLUMNS}1,1,0,0,0,0,0,0\n2,1,1,0,0,0,0,0\n"));
    with_file(&workshop, "two.csv");
    let gadget = ["bodies.toml", "--set", "output.snapshot_formats=[\"npy\",\"hdf5\"]"];
    let words = ["output.snapshot_formats", "\"hdf5\"", "--features hdf5", "\"npy\" or \"vtp\""];
    workshop.refuses(&gadget, 2, &words);
    workshop.refuses_command(&[&["check"], gadget.as_slice()].concat(), 2, &words);
}
