//! Conservation, maximum principle and symmetries.

use crate::problems::{fixed, flux, insulated, plain, rich, run, run_shape, uniform};
use parhelion::comm::solo::Solo;
use parhelion::heat::HeatOptions;
use parhelion::heat::problem::{FaceCondition, HeatProblem, Initial, Source, Strength};
use parhelion::region::Region;
use proptest::prelude::*;
use std::sync::Arc;

fn bits(values: &[u64]) -> Vec<f64> {
    values.iter().map(|&b| f64::from_bits(b)).collect()
}

/// The balance of heat closes to rounding: 1e-12 of the content, whatever the walls, sources and materials.
#[test]
fn heat_balance_closes() {
    for (problem, dt) in [(rich(&[23, 14, 9]), 0.01), (rich(&[37, 29]), 0.002)] {
        let (_, figures) = run_shape(3, 1, &problem, &HeatOptions::default(), 1000, dt);
        assert!(figures.balance.abs() < 1e-12, "{}", figures.balance);
        assert!(figures.face_heat[0][1] > 0.0 && figures.source_heat > 0.0);
    }
}

#[test]
fn heat_in_insulated_walls_stays() {
    let center = [0.1, 0.2, 0.3];
    let problem = plain(
        &[12, 9, 7],
        &[0.5, 0.4, 0.6],
        Initial::Gaussian { background: 20.0, amplitude: 50.0, center, width: 0.1 },
    );
    let (_, figures) = run(&Solo, &problem, &HeatOptions::default(), 500, 0.5);
    assert!(figures.balance.abs() < 1e-13, "{}", figures.balance);
    assert_eq!(figures.face_heat, [[0.0; 2]; 3]);
}

/// 300 W for 0.49 s through a source, 2e4 W/m2 through 0.07 m x 1 m: known joules.
#[test]
fn known_joules() {
    let mut problem = plain(&[10, 8], &[0.11, 0.07], uniform(20.0));
    problem.faces[0][1] = flux(2e4);
    problem.sources =
        vec![Source { region: Region::Everywhere, strength: Strength::Total(300.0), active: [0.01, 0.5] }];
    let (_, figures) = run(&Solo, &problem, &HeatOptions::default(), 200, 0.005);
    // Sums of 200 and 1600 rounded terms.
    assert!((figures.source_heat - 147.0).abs() < 1e-10, "{}", figures.source_heat);
    assert!((figures.face_heat[0][1] - 1400.0).abs() < 1e-7, "{}", figures.face_heat[0][1]);
    let capacity = problem.background.heat_capacity() * 0.11 * 0.07;
    assert!((figures.mean - (20.0 + 1547.0 / capacity)).abs() < 1e-9);
}

#[test]
fn steady_plane_between_fixed_walls_does_not_move() {
    let mut problem = plain(
        &[16, 3],
        &[1.0, 0.5],
        Initial::Eigenmode { base: 10.0, gradient: [32.0, 0.0, 0.0], amplitude: 0.0, mode: [1, 1, 1] },
    );
    problem.faces[0] = [fixed(10.0), fixed(42.0)];
    let (_, figures) = run(&Solo, &problem, &HeatOptions::default(), 1000, 1.0);
    // The plane is 10 + 32 (i + 1/2) / 16: whole numbers, so the stencil is exact.
    assert_eq!(figures.error.unwrap().max, 0.0);
    let through = 401.0 * 32.0 * 0.5 * 1000.0;
    assert!((figures.face_heat[0][1] / through - 1.0).abs() < 1e-12);
    assert!((figures.face_heat[0][0] / through + 1.0).abs() < 1e-12);
}

fn symmetric(values: ndarray::Array3<f64>) -> HeatProblem {
    let (nz, ny, nx) = values.dim();
    let mut problem =
        plain(&[nx, ny, nz], &[0.1 * nx as f64, 0.1 * ny as f64, 0.1 * nz as f64], Initial::Array(Arc::new(values)));
    problem.faces = std::array::from_fn(|_| [fixed(3.0), fixed(3.0)]);
    problem
}

fn sample() -> ndarray::Array3<f64> {
    ndarray::Array3::from_shape_fn((4, 5, 6), |(k, j, i)| ((i * 31 + j * 17 + k * 7) % 23) as f64 / 7.0)
}

fn final_state(values: ndarray::Array3<f64>) -> ndarray::Array3<f64> {
    let shape = values.dim();
    let (state, _) = run(&Solo, &symmetric(values), &HeatOptions::default(), 20, 5.0);
    ndarray::Array3::from_shape_vec(shape, bits(&state)).unwrap()
}

/// Mirror images stay mirror images to the bit.
#[test]
fn mirror() {
    let plain = final_state(sample());
    for axis in 0..3 {
        let mut image = sample();
        image.invert_axis(ndarray::Axis(axis));
        let mut result = final_state(image.as_standard_layout().to_owned());
        result.invert_axis(ndarray::Axis(axis));
        assert_eq!(result, plain, "axis {axis}");
    }
}

/// Exchanged axes exchange the result; only the order of the sum over axes differs, so to rounding.
#[test]
fn axis_permutation() {
    let plain = final_state(sample());
    let turned = final_state(sample().permuted_axes([1, 2, 0]).as_standard_layout().to_owned());
    let difference = (&turned.permuted_axes([2, 0, 1]) - &plain).mapv(f64::abs);
    // 20 steps, each adding a few rounding errors of values below 4.
    assert!(difference.iter().all(|d| *d < 20.0 * 4.0 * 4.0 * f64::EPSILON));
}

/// Temperatures times a power of two, and lengths times two with times times four, give the same digits.
#[test]
fn power_of_two_rescaling() {
    let (plain, _) = run(&Solo, &symmetric(sample()), &HeatOptions::default(), 20, 5.0);
    let mut scaled = symmetric(sample() * 1024.0);
    scaled.faces = std::array::from_fn(|_| [fixed(3072.0), fixed(3072.0)]);
    scaled.grid.spacing = scaled.grid.spacing.map(|h| 2.0 * h);
    let (other, _) = run(&Solo, &scaled, &HeatOptions::default(), 20, 20.0);
    assert_eq!(bits(&other), bits(&plain).iter().map(|t| t * 1024.0).collect::<Vec<_>>());
}

/// On a periodic grid a shifted start gives a shifted result, to the bit.
#[test]
fn translation() {
    let periodic = |values| {
        let mut problem = symmetric(values);
        problem.faces = std::array::from_fn(|_| [FaceCondition::Periodic, FaceCondition::Periodic]);
        bits(&run(&Solo, &problem, &HeatOptions::default(), 20, 5.0).0)
    };
    let shifted =
        ndarray::Array3::from_shape_fn((4, 5, 6), |(k, j, i)| sample()[[(k + 1) % 4, (j + 2) % 5, (i + 3) % 6]]);
    let (a, b) = (periodic(sample()), periodic(shifted));
    for (n, value) in b.iter().enumerate() {
        let [i, j, k] = [n % 6, n / 6 % 5, n / 30];
        assert_eq!(*value, a[(i + 3) % 6 + 6 * ((j + 2) % 5 + 5 * ((k + 1) % 4))]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Below half the stability limit no cell leaves the range of the start and the walls.
    #[test]
    fn maximum_principle(values in prop::collection::vec(-10f64..10.0, 60), wall in -10f64..10.0) {
        let start = ndarray::Array3::from_shape_vec((3, 4, 5), values).unwrap();
        let mut problem = symmetric(start);
        problem.faces[0] = [fixed(wall), insulated()];
        problem.faces[1] = [insulated(), insulated()];
        problem.faces[2] = [fixed(wall), fixed(wall)];
        let limit = parhelion::heat::stability::uniform_bound(&problem).max_stable_dt();
        let (_, figures) = run(&Solo, &problem, &HeatOptions::default(), 30, 0.5 * limit);
        prop_assert!(figures.max <= 10.0 && figures.min >= -10.0);
    }
}
