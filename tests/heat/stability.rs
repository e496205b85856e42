//! The stability limit is the true one: just below it the state stays bounded, just above it the state explodes.

use crate::problems::{BRICK, convection, fixed, insulated, plain};
use parhelion::comm::solo::Solo;
use parhelion::heat::problem::{FaceCondition, HeatProblem, Initial};
use parhelion::heat::{HeatModel, HeatOptions};
use parhelion::region::Region;
use std::sync::Arc;

/// Largest |T| after `steps` steps at `fraction` of the limit, from a chess board of +-1 with some disorder.
fn growth(problem: &HeatProblem, fraction: f64, steps: u64) -> f64 {
    let mut problem = problem.clone();
    let [nx, ny, nz] = problem.grid.cells;
    problem.initial = Initial::Array(Arc::new(ndarray::Array3::from_shape_fn((nz, ny, nx), |(k, j, i)| {
        let disorder = 1.0 + 0.1 * ((i * 7 + j * 3 + k * 5) % 11) as f64;
        if (i + j + k) % 2 == 0 { disorder } else { -disorder }
    })));
    let mut model = HeatModel::new(problem, &Solo, &HeatOptions::default()).expect("valid");
    let dt = fraction * model.spectral().max_stable_dt();
    for n in 0..steps {
        model.advance(n as f64 * dt, dt);
    }
    model.temperature().view().iter().fold(0.0f64, |m, t| m.max(t.abs()))
}

/// `slack`: by how much the limit may be too careful (the gap at which the power iteration stops).
fn check(name: &str, problem: &HeatProblem, slack: f64) {
    let below = growth(problem, 0.9999, 3000);
    assert!(below < 3.0, "{name}: {below} below the limit");
    let above = growth(problem, 1.0 + slack, 3000);
    assert!(above > 1e3, "{name}: {above} above the limit");
}

#[test]
fn fixed_walls_anisotropic_cells() {
    let mut problem = plain(&[8, 6, 4], &[0.8, 0.3, 0.9], crate::problems::uniform(0.0));
    problem.faces = std::array::from_fn(|_| [fixed(0.0), fixed(0.0)]);
    check("fixed", &problem, 0.005);
}

#[test]
fn few_cells_between_insulated_walls() {
    let problem = plain(&[4, 3], &[0.8, 0.3], crate::problems::uniform(0.0));
    check("insulated", &problem, 0.02);
}

#[test]
fn periodic_even() {
    let mut problem = plain(&[6, 4], &[0.8, 0.3], crate::problems::uniform(0.0));
    problem.faces[0] = [FaceCondition::Periodic, FaceCondition::Periodic];
    problem.faces[1] = [FaceCondition::Periodic, FaceCondition::Periodic];
    check("periodic", &problem, 0.005);
}

#[test]
fn strong_convection() {
    let mut problem = plain(&[5, 4], &[0.8, 0.3], crate::problems::uniform(0.0));
    problem.faces[0] = [convection(1e5, 0.0), convection(10.0, 0.0)];
    problem.faces[1] = [insulated(), fixed(0.0)];
    check("convection", &problem, 0.02);
}

#[test]
fn several_materials() {
    let mut problem = plain(&[12, 10, 4], &[0.8, 0.3, 0.4], crate::problems::uniform(0.0));
    problem.background = BRICK;
    problem.regions = vec![(Region::Box { lower: [0.3, 0.1, 0.0], upper: [0.5, 0.2, 1.0] }, crate::problems::COPPER)];
    problem.faces[1] = [fixed(0.0), convection(20.0, 0.0)];
    check("materials", &problem, 0.02);
}
