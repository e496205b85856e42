//! Observed order of accuracy against exact solutions: 2 in space for every kind of wall, 1 in time.

use crate::problems::{convection, fixed, flux, insulated, plain};
use parhelion::comm::solo::Solo;
use parhelion::heat::problem::{FaceCondition, HeatProblem, Initial, Material};
use parhelion::heat::{HeatModel, HeatOptions};

/// k = 2 W/(m K), rho c = 1: numbers of order one.
const MATTER: Material = Material { conductivity: 2.0, density: 0.5, specific_heat: 2.0 };

fn mode(base: f64, gradient: [f64; 3], mode: [usize; 3]) -> Initial {
    Initial::Eigenmode { base, gradient, amplitude: 3.0, mode }
}

/// Error at time `end` with `cells` cells after `steps` steps. The caller takes four times the steps for twice the cells, so
/// that the error in time, of first order in dt, shrinks with the square of the spacing.
fn error(base: &HeatProblem, cells: [usize; 3], end: f64, steps: u64) -> f64 {
    let d = base.grid.dimensions;
    let size: Vec<f64> = (0..d).map(|a| base.grid.length(a)).collect();
    let mut problem = base.clone();
    problem.grid = parhelion::grid::UniformGrid::new(&cells[..d], &size);
    let mut model = HeatModel::new(problem, &Solo, &HeatOptions::default()).expect("valid");
    assert!(model.exact().is_some(), "the walls fit the exact solution");
    let dt = end / steps as f64;
    assert!(dt <= model.spectral().max_stable_dt());
    for n in 0..steps {
        model.advance(n as f64 * dt, dt);
    }
    model.diagnostics(steps, end).expect("finite").error.expect("exact solution").l2
}

/// Both the order on the finest pair and the size of the error there.
fn check(name: &str, problem: &HeatProblem, coarse: [usize; 3], end: f64, largest: f64) {
    let double = |cells: [usize; 3]| cells.map(|n| if n == 1 { 1 } else { 2 * n });
    let (middle, fine) = (double(coarse), double(double(coarse)));
    let steps = 16 * (end / 0.004 * 60.0) as u64;
    let (a, b) = (error(problem, middle, end, steps), error(problem, fine, end, 4 * steps));
    let order = (a / b).log2();
    println!("{name}: errors {a:.3e} {b:.3e}, order {order:.4}");
    assert!((order - 2.0).abs() <= 0.05, "{name}: order {order} from {a:e} and {b:e}");
    assert!(b <= largest, "{name}: error {b:e}");
}

fn two_d(faces: [[FaceCondition; 2]; 2], initial: Initial) -> HeatProblem {
    let mut problem = plain(&[8, 8], &[1.0, 0.7], initial);
    problem.background = MATTER;
    let [x, y] = faces;
    problem.faces = [x, y, [insulated(), insulated()]];
    problem
}

fn three_d(faces: [[FaceCondition; 2]; 3], initial: Initial) -> HeatProblem {
    let mut problem = plain(&[8, 8, 8], &[1.0, 0.7, 0.5], initial);
    problem.background = MATTER;
    problem.faces = faces;
    problem
}

fn periodic() -> [FaceCondition; 2] {
    [FaceCondition::Periodic, FaceCondition::Periodic]
}

const G0: [f64; 3] = [0.0; 3];

#[test]
fn fixed_walls_2d() {
    check(
        "fixed 2-D",
        &two_d([[fixed(1.0), fixed(1.0)], [fixed(1.0), fixed(1.0)]], mode(1.0, G0, [1, 2, 1])),
        [10, 16, 1],
        0.01,
        2e-3,
    );
}

#[test]
fn insulated_walls_2d() {
    let walls = || [insulated(), insulated()];
    check("insulated 2-D", &two_d([walls(), walls()], mode(1.0, G0, [3, 2, 1])), [12, 10, 1], 0.01, 2e-3);
}

#[test]
fn convective_walls_2d() {
    let walls = || [convection(3.0, 1.0), convection(5.0, 1.0)];
    check("convection 2-D", &two_d([walls(), walls()], mode(1.0, G0, [2, 1, 1])), [12, 10, 1], 0.02, 2e-3);
}

#[test]
fn periodic_axes_2d() {
    check("periodic 2-D", &two_d([periodic(), periodic()], mode(1.0, G0, [1, 2, 0])), [10, 14, 1], 0.003, 2e-3);
}

#[test]
fn heat_flux_2d() {
    // A plane of 10 K/m along x: 20 W/m2 leave at x = 0 and enter at x = L.
    let faces = [[flux(-20.0), flux(20.0)], [fixed(0.0), insulated()]];
    let mut problem = two_d(faces, mode(4.0, [10.0, 0.0, 0.0], [2, 1, 1]));
    problem.faces[1] = [insulated(), insulated()];
    check("flux 2-D", &problem, [12, 10, 1], 0.02, 2e-3);
}

#[test]
fn flux_in_fixed_out_2d() {
    let faces = [[flux(-20.0), fixed(14.0)], [insulated(), insulated()]];
    check("flux and fixed 2-D", &two_d(faces, mode(4.0, [10.0, 0.0, 0.0], [2, 2, 1])), [12, 10, 1], 0.02, 2e-3);
}

#[test]
fn different_walls_on_every_face_3d() {
    let faces = [[fixed(0.5), insulated()], [convection(4.0, 0.5), fixed(0.5)], [insulated(), convection(2.0, 0.5)]];
    check("mixed 3-D", &three_d(faces, mode(0.5, G0, [1, 2, 1])), [8, 12, 10], 0.01, 2e-3);
}

#[test]
fn fixed_walls_3d() {
    let walls = || [fixed(-1.0), fixed(-1.0)];
    check("fixed 3-D", &three_d([walls(), walls(), walls()], mode(-1.0, G0, [1, 1, 2])), [8, 7, 12], 0.005, 3e-3);
}

#[test]
fn insulated_and_flux_3d() {
    let faces = [[insulated(), insulated()], [flux(-20.0), flux(20.0)], [insulated(), insulated()]];
    check("flux 3-D", &three_d(faces, mode(2.0, [0.0, 10.0, 0.0], [2, 2, 2])), [10, 8, 7], 0.005, 3e-3);
}

#[test]
fn periodic_axes_3d() {
    let problem = three_d([periodic(), periodic(), periodic()], mode(1.0, G0, [1, 1, 1]));
    check("periodic 3-D", &problem, [10, 8, 7], 0.001, 5e-3);
}

#[test]
fn periodic_gaussian_3d() {
    let initial = Initial::Gaussian { background: 1.0, amplitude: 3.0, center: [0.3, 0.3, 0.2], width: 0.12 };
    let problem = three_d([periodic(), periodic(), periodic()], initial);
    check("Gaussian 3-D", &problem, [16, 12, 10], 0.002, 5e-3);
}

#[test]
fn convective_walls_3d() {
    let walls = || [convection(3.0, 1.0), convection(5.0, 1.0)];
    check("convection 3-D", &three_d([walls(), walls(), walls()], mode(1.0, G0, [2, 1, 1])), [10, 8, 7], 0.01, 3e-3);
}

/// With the grid fixed, the semi-discrete solution decays with the eigenvalue of the discrete operator: the rest is the error
/// in time, of order 1 in dt.
#[test]
fn forward_euler_is_of_first_order_in_time() {
    let (n, length, end) = (20usize, 1.0, 0.02);
    let error = |steps: u64| {
        let problem = two_d([[fixed(0.0), fixed(0.0)], [insulated(), insulated()]], mode(0.0, G0, [1, 1, 1]));
        let mut problem = problem;
        problem.grid = parhelion::grid::UniformGrid::new(&[n, 3], &[length, 0.7]);
        let mut model = HeatModel::new(problem, &Solo, &HeatOptions::default()).expect("valid");
        let dt = end / steps as f64;
        for s in 0..steps {
            model.advance(s as f64 * dt, dt);
        }
        let h = length / n as f64;
        let eigenvalue = MATTER.diffusivity() * (2.0 / h * (std::f64::consts::FRAC_PI_2 / n as f64).sin()).powi(2);
        let exact = 3.0 * (std::f64::consts::PI * 0.5 * h / length).sin() * (-eigenvalue * end).exp();
        (model.temperature().at([0, 1, 0]) - exact).abs()
    };
    let order = (error(400) / error(800)).log2();
    assert!((order - 1.0).abs() < 0.01, "order {order}");
}
