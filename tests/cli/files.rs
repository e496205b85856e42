//! Masks and initial states that cannot be read: the file is named with what was found and what to do.

use super::workshop::{PLATE, Workshop};
use ndarray::{Array2, Array3};
use ndarray_npy::write_npy;
use std::fs;
use std::path::Path;

fn with_mask(workshop: &Workshop, file: &str) {
    let region = format!("[[regions]]\nshape = \"mask\"\nfile = \"{file}\"\nmaterial = \"steel\"\n[boundary]\n");
    workshop.write("masked.toml", PLATE.replace("[boundary]\n", &region));
}

fn with_state(workshop: &Workshop, file: &str) {
    workshop.write(
        "state.toml",
        PLATE.replace("kind = \"uniform\"\nvalue = 100.0", &format!("kind = \"file\"\nfile = \"{file}\"")),
    );
}

fn png(path: &Path, width: u32, height: u32) {
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), width, height);
    encoder.set_color(png::ColorType::Grayscale);
    let pixels: Vec<u8> = (0..width * height).map(|n| (n * 37 % 256) as u8).collect();
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
}

fn cut(workshop: &Workshop, from: &str, to: &str, keep: impl Fn(usize) -> usize) {
    let bytes = fs::read(workshop.path(from)).unwrap();
    workshop.write(to, &bytes[..keep(bytes.len())]);
}

#[test]
fn masks() {
    let workshop = Workshop::new();
    png(&workshop.path("good.png"), 24, 18);
    png(&workshop.path("turned.png"), 18, 24);
    write_npy(workshop.path("good.npy"), &Array2::<bool>::default((18, 24))).unwrap();
    write_npy(workshop.path("wide.npy"), &Array2::<bool>::default((18, 25))).unwrap();
    write_npy(workshop.path("real.npy"), &Array2::<f64>::default((18, 24))).unwrap();
    cut(&workshop, "good.png", "half.png", |n| n / 2);
    cut(&workshop, "good.png", "head.png", |_| 20);
    cut(&workshop, "good.npy", "half.npy", |n| n - 9);
    workshop.write("text.png", "no picture");
    workshop.write("empty.png", "");
    workshop.sparse("huge.png", 1 << 30);
    fs::create_dir(workshop.path("folder.png")).unwrap();
    for (file, word) in [
        ("missing.png", "No such file"),
        ("half.png", "not a complete PNG"),
        ("head.png", "not a complete PNG"),
        ("text.png", "not a complete PNG"),
        ("empty.png", "not a complete PNG"),
        ("huge.png", "not a complete PNG"),
        ("folder.png", "not a regular file"),
        ("turned.png", "24 x 18"),
        ("half.npy", "truncated"),
        ("wide.npy", "(18, 24)"),
        ("real.npy", "|b1"),
        ("missing.npy", "No such file"),
        ("good.gif", "neither a .png nor a .npy file"),
    ] {
        with_mask(&workshop, file);
        workshop.refuses(&["masked.toml"], 2, &[file, word]);
        workshop.refuses_command(&["check", "masked.toml"], 2, &[file, word]);
    }
    for file in ["good.png", "good.npy"] {
        with_mask(&workshop, file);
        workshop.start(&["run", "masked.toml", "--overwrite", "--domains", "3"]).digest();
    }
}

/// Every single broken byte and every length of a small image ends in a run or in a refusal.
#[test]
fn hostile_images() {
    let workshop = Workshop::new();
    png(&workshop.path("good.png"), 24, 18);
    with_mask(&workshop, "bad.png");
    let good = fs::read(workshop.path("good.png")).unwrap();
    // Headers that promise gigabytes, a zero size, another depth; then bytes all over the file.
    let claims = [(16, 0x7f), (20, 0x7f), (19, 0), (24, 16), (24, 3), (25, 9), (26, 1), (27, 1), (28, 7)];
    let places = (0..good.len()).step_by(good.len() / 12).map(|at| (at, !good[at]));
    for (at, byte) in claims.into_iter().chain(places) {
        let mut bad = good.clone();
        bad[at] = byte;
        workshop.write("bad.png", &bad);
        let outcome = workshop.start(&["check", "masked.toml"]);
        match outcome.code {
            Some(0) => {}
            _ => outcome.assert_refused(2, &["bad.png"]),
        }
    }
}

#[test]
fn initial_states() {
    let workshop = Workshop::new();
    let state = Array2::from_shape_fn((18, 24), |(j, i)| 20.0 + (i * j) as f64);
    write_npy(workshop.path("good.npy"), &state).unwrap();
    write_npy(workshop.path("turned.npy"), &state.t().as_standard_layout().to_owned()).unwrap();
    write_npy(workshop.path("solid.npy"), &Array3::<f64>::zeros((1, 2, 3))).unwrap();
    write_npy(workshop.path("whole.npy"), &Array2::<i64>::zeros((18, 24))).unwrap();
    for (name, value) in [("nan.npy", f64::NAN), ("infinite.npy", f64::INFINITY)] {
        let mut bad = state.clone();
        bad[[16, 5]] = value;
        write_npy(workshop.path(name), &bad).unwrap();
    }
    cut(&workshop, "good.npy", "half.npy", |n| n / 2);
    cut(&workshop, "good.npy", "head.npy", |_| 40);
    workshop.write("text.npy", "1 2 3");
    workshop.sparse("huge.npy", 1 << 30);
    for (file, words) in [
        ("missing.npy", &["No such file"] as &[&str]),
        ("half.npy", &["truncated"]),
        ("head.npy", &["truncated"]),
        ("text.npy", &["numpy.save"]),
        ("huge.npy", &["numpy.save"]),
        ("turned.npy", &["(24, 18)", "(18, 24)", "array.T"]),
        ("solid.npy", &["(1, 2, 3)"]),
        ("whole.npy", &["<i8", "astype"]),
        ("nan.npy", &["x = 5, y = 16", "NaN", "finite"]),
        ("infinite.npy", &["x = 5, y = 16", "inf", "finite"]),
    ] {
        with_state(&workshop, file);
        workshop.refuses(&["state.toml"], 2, &[&[file], words].concat());
        // The values themselves are read by a run only.
        if !words.contains(&"finite") {
            workshop.refuses_command(&["check", "state.toml"], 2, &[&[file], words].concat());
        }
    }
    with_state(&workshop, "good.npy");
    let alone = workshop.start(&["run", "state.toml"]).digest();
    assert_eq!(workshop.start(&["run", "state.toml", "--overwrite", "--domains", "3"]).digest(), alone);
}
