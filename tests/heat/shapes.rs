//! One set of bits for every ranks x threads x tile x halo width x CPU path.

use crate::problems::{plain, rich, run_shape, uniform};
use parhelion::cpu::CpuPath;
use parhelion::heat::HeatOptions;
use parhelion::heat::problem::{FaceCondition, HeatProblem, Initial};

const STEPS: u64 = 13;

fn check(problem: &HeatProblem, dt: f64, shapes: &[(usize, usize, HeatOptions)]) {
    let (bits, figures) = run_shape(1, 1, problem, &HeatOptions::default(), STEPS, dt);
    assert!(bits.iter().any(|b| *b != bits[0]), "the state has structure");
    for (ranks, threads, options) in shapes {
        let (other, other_figures) = run_shape(*ranks, *threads, problem, options, STEPS, dt);
        assert!(other == bits, "bits differ on {ranks} ranks x {threads} threads, {options:?}");
        assert_eq!(other_figures, figures, "{ranks} ranks x {threads} threads, {options:?}");
    }
}

fn options(halo_width: usize, dims: Option<[usize; 3]>, tile: Option<[usize; 3]>, stream: bool) -> HeatOptions {
    let last_level = if stream { 0 } else { usize::MAX };
    HeatOptions { halo_width, dims, tile, last_level, ..HeatOptions::default() }
}

fn three_d_shapes() -> Vec<(usize, usize, HeatOptions)> {
    let mut shapes = vec![
        (1, 2, options(1, None, None, true)),
        (1, 3, options(2, None, Some([8, 3, 2]), false)),
        (1, 2, options(3, None, Some([5, 1, 1]), true)),
        (2, 1, options(1, None, None, false)),
        (2, 2, options(2, None, None, true)),
        (3, 1, options(1, None, Some([7, 5, 3]), true)),
        (3, 2, options(3, Some([3, 1, 1]), None, true)),
        (4, 1, options(1, Some([4, 1, 1]), None, true)),
        (4, 1, options(2, Some([1, 4, 1]), None, false)),
        (4, 2, options(2, Some([2, 2, 1]), Some([4, 4, 4]), true)),
        (5, 1, options(1, None, None, true)),
        (6, 1, options(2, Some([3, 2, 1]), None, true)),
        (7, 1, options(1, None, None, false)),
        (8, 1, options(2, Some([2, 2, 2]), None, true)),
        (8, 2, options(4, Some([2, 2, 2]), Some([3, 2, 1]), false)),
        (12, 1, options(1, Some([3, 2, 2]), None, true)),
    ];
    for path in CpuPath::available() {
        shapes.push((2, 1, HeatOptions { path, ..options(1, None, None, true) }));
    }
    shapes
}

#[test]
fn rich_problem_in_three_dimensions() {
    check(&rich(&[23, 14, 9]), 0.01, &three_d_shapes());
}

#[test]
fn uniform_material_in_three_dimensions() {
    let mut problem = rich(&[23, 14, 9]);
    problem.regions.clear();
    check(&problem, 0.01, &three_d_shapes());
}

#[test]
fn periodic_in_all_axes() {
    let center = [0.3, 0.2, 0.1];
    let mut problem =
        plain(&[13, 8, 9], &[0.5, 0.4, 0.3], Initial::Gaussian { background: 1.0, amplitude: 9.0, center, width: 0.1 });
    problem.faces = std::array::from_fn(|_| [FaceCondition::Periodic, FaceCondition::Periodic]);
    check(&problem, 0.1, &three_d_shapes());
}

#[test]
fn two_dimensions() {
    let shapes = [
        (1, 3, options(1, None, Some([8, 2, 1]), true)),
        (2, 1, options(5, None, None, true)),
        (3, 2, options(4, None, None, false)),
        (4, 1, options(3, Some([2, 2, 1]), Some([9, 1, 1]), true)),
        (5, 1, options(1, Some([5, 1, 1]), None, true)),
        (6, 1, options(2, Some([2, 3, 1]), None, true)),
        (9, 1, options(6, Some([3, 3, 1]), None, false)),
    ];
    check(&rich(&[37, 29]), 0.002, &shapes);
}

#[test]
fn subdomains_one_cell_thick() {
    let mut problem = rich(&[5, 4, 3]);
    problem.sources.truncate(1);
    let shapes = [
        (60, 1, options(1, Some([5, 4, 3]), None, true)),
        (5, 1, options(1, Some([5, 1, 1]), None, true)),
        (3, 1, options(1, Some([1, 1, 3]), None, true)),
        (1, 1, options(3, None, None, true)),
    ];
    check(&problem, 0.05, &shapes);
}

#[test]
fn a_grid_of_one_cell() {
    let mut problem = plain(&[1, 1, 1], &[0.1, 0.2, 0.3], uniform(5.0));
    problem.faces[0][0] = crate::problems::fixed(9.0);
    let (bits, _) = run_shape(1, 1, &problem, &HeatOptions::default(), 1, 1.0);
    // One cell, one cold wall half a cell away: dT = dt * 2 k / (rho c h^2) * (9 - 5).
    let expected = 5.0 + 401.0 / (8933.0 * 385.0) * 2.0 / 0.01 * 4.0;
    assert!((f64::from_bits(bits[0]) - expected).abs() < 1e-14);
}
