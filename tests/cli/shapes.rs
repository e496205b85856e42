//! One digest, whatever the shape of the run: domains, threads, halo width, outputs on or off.

use super::workshop::{NO_OUTPUTS, Workshop};

#[derive(Clone, Copy, Debug)]
struct Shape {
    domains: usize,
    threads: usize,
    width: usize,
    outputs: bool,
}

fn shapes() -> Vec<Shape> {
    let mut shapes = Vec::new();
    for domains in 1..=4 {
        for threads in [1, 2] {
            for width in [1, 2, 3] {
                shapes.extend([true, false].map(|outputs| Shape { domains, threads, width, outputs }));
            }
        }
    }
    shapes
}

fn digest(workshop: &Workshop, deck: &str, shape: Shape) -> String {
    let [domains, threads] = [shape.domains, shape.threads].map(|n| n.to_string());
    let width = format!("decomposition.halo_width={}", shape.width);
    let base = ["run", deck, "--overwrite", "--domains", &domains, "--threads", &threads, "--set", &width];
    let silent: &[&str] = if shape.outputs { &[] } else { &NO_OUTPUTS };
    workshop.start(&[&base, silent].concat()).digest()
}

fn assert_one_digest(deck: &str) {
    let workshop = Workshop::new();
    let alone = workshop.start(&["run", deck, "--output", "alone"]).digest();
    for shape in shapes() {
        assert_eq!(digest(&workshop, deck, shape), alone, "{deck} {shape:?}");
    }
}

#[test]
fn a_plate_with_constant_coefficients() {
    assert_one_digest("plate.toml");
}

#[test]
fn a_solid_with_materials_and_sources() {
    assert_one_digest("solid.toml");
}

#[test]
fn another_problem_has_another_digest() {
    let workshop = Workshop::new();
    let run = |key: &str| workshop.start(&["run", "solid.toml", "--overwrite", "--set", key]).digest();
    let base = run("time.steps=23");
    for key in ["time.steps=22", "initial.amplitude=50.000000000001", "material=\"concrete\"", "grid.cells=[17,14,12]"]
    {
        assert_ne!(run(key), base, "{key}");
    }
}

#[test]
fn cuts_along_chosen_axes() {
    let workshop = Workshop::new();
    let alone = workshop.start(&["run", "solid.toml"]).digest();
    for (ranks, dims) in [("4", "[4,1,1]"), ("4", "[1,4,1]"), ("4", "[1,1,4]"), ("12", "[3,2,2]"), ("17", "[17,1,1]")] {
        let dims = format!("decomposition.dims={dims}");
        let run =
            workshop.start(&["run", "solid.toml", "--overwrite", "--domains", ranks, "--threads", "1", "--set", &dims]);
        assert_eq!(run.digest(), alone, "{dims}");
    }
}
