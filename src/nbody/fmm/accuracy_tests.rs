//! Tests of whole evaluations: errors.

use super::expansion::MAX_ORDER;
use super::samples::*;
use super::*;
use crate::comm::solo::Solo;
use crate::nbody::problem::Softening;

const EPS: f64 = 0.01;

fn with(bodies: &mut Particles, tuning: Tuning) {
    let mut forces = Fmm::with_tuning(&gravity(1e-3, Softening::Plummer(EPS)), CpuPath::best(), tuning);
    forces.evaluate(bodies, 0, &Solo).unwrap();
}

fn to_accuracy(mut bodies: Particles, accuracy: f64, softening: Softening) -> [Particles; 2] {
    let mut forces = Fmm::new(&gravity(accuracy, softening), CpuPath::best());
    forces.evaluate(&mut bodies, 0, &Solo).unwrap();
    let first = bodies.clone();
    forces.evaluate(&mut bodies, 0, &Solo).unwrap();
    [first, bodies]
}

#[test]
fn every_order_is_closer_to_the_direct_sum() {
    let mut last = f64::INFINITY;
    for order in 1..=MAX_ORDER {
        let mut bodies = two(4000);
        let orders = [order, order];
        with(&mut bodies, Tuning { limit: Limit::Opening(0.6), orders, leaf_capacity: 8, most_left: 1 << 15 });
        let rms = rms(&errors(&bodies, EPS, 1.5, 300));
        // The radii add up to 0.6 of the distance, so an order gains at least a factor 1 / 0.6.
        assert!(rms < 0.6 * last, "order {order}: {rms:e} after {last:e}");
        last = rms;
    }
}

#[test]
fn without_expansions_it_is_the_direct_sum() {
    // The 1,000-body force test of the references, without softening.
    let mut bodies = Particles::default();
    for n in 0..1000 {
        let alpha = [0.819_172_513_396_164_4, 0.671_043_606_703_789, 0.549_700_477_901_97];
        let x = alpha.map(|alpha: f64| (0.5 + (n + 1) as f64 * alpha).fract());
        bodies.push(n, n, 1e-3, x, [0.0; 3]);
    }
    let law = Gravity { constant: 1.0, ..gravity(1e-3, Softening::None) };
    let tuning = Tuning { limit: Limit::Opening(0.0), orders: [1, 1], leaf_capacity: 16, most_left: 1 << 15 };
    Fmm::with_tuning(&law, CpuPath::best(), tuning).evaluate(&mut bodies, 0, &Solo).unwrap();
    let first = bodies.id.iter().position(|&id| id == 0).unwrap();
    let expected = [0.458_254_621_533_167_6, 0.947_895_704_888_381_6, 1.797_165_440_221_380_2];
    let found = bodies.acceleration_of(first);
    assert!(found.iter().zip(expected).all(|(a, b)| (a / b - 1.0).abs() < 1e-12), "{found:?}");
    let energy: f64 = (0..1000).map(|n| 0.5 * bodies.mass[n] * bodies.potential[n]).sum();
    assert!((energy / -0.928_765_861_475_279_3 - 1.0).abs() < 1e-13, "{energy}");
}

/// The promise, on the first evaluation (with estimated fields) and on the next one.
fn check_promise(name: &str, bodies: Particles, accuracy: f64) {
    for (n, bodies) in to_accuracy(bodies, accuracy, Softening::Plummer(EPS)).iter().enumerate() {
        let errors = errors(bodies, EPS, 1.5, 400);
        assert!(p99(&errors) <= accuracy, "{name}, {accuracy:e}, evaluation {n}: {:e}", p99(&errors));
    }
}

#[test]
fn errors_of_a_thousand_bodies_keep_the_promise() {
    for accuracy in [1e-2, 1e-3, 1e-5, 1e-7] {
        check_promise("Plummer", plummer(1000), accuracy);
        check_promise("two", two(1000), accuracy);
        check_promise("uniform", uniform(1000), accuracy);
        check_promise("clustered", clustered(1000), accuracy);
    }
}

#[test]
fn the_unit_of_the_constant_does_not_matter() {
    let with_constant = |constant: f64| {
        let law = Gravity { constant, ..gravity(1e-3, Softening::Plummer(EPS)) };
        let mut forces = Fmm::new(&law, CpuPath::best());
        let mut bodies = plummer(3000);
        forces.evaluate(&mut bodies, 0, &Solo).unwrap();
        forces.evaluate(&mut bodies, 0, &Solo).unwrap();
        (bodies, forces.costs().cell_pairs)
    };
    // A power of two, so that nothing is rounded differently.
    let (one, large) = (with_constant(1.0), with_constant(65536.0));
    assert_eq!(one.1, large.1);
    assert!(one.0.acceleration[0].iter().zip(&large.0.acceleration[0]).all(|(a, b)| 65536.0 * a == *b));
}

#[test]
fn errors_of_more_bodies_keep_the_promise() {
    for accuracy in [1e-2, 1e-4] {
        check_promise("Plummer", plummer(8000), accuracy);
        check_promise("clustered", clustered(8000), accuracy);
    }
}

#[test]
fn the_tail_of_errors_is_short() {
    let [_, bodies] = to_accuracy(uniform(10_000), 1e-3, Softening::Plummer(EPS));
    let errors = errors(&bodies, EPS, 1.5, 1000);
    assert!(p99(&errors) <= 3.5 * rms(&errors), "{:e} {:e}", p99(&errors), rms(&errors));
    // And the promise is not kept by doing too much: within a factor of ten.
    assert!(p99(&errors) >= 1e-4, "{:e}", p99(&errors));
}

/// Most errors are far smaller in dense clusters, where much is summed exactly, than between them.
#[test]
fn the_tail_of_errors_is_short_where_density_varies_most() {
    // Fewer samples do not tell the 99th percentile to a few percent.
    for accuracy in [1e-2, 1e-4, 1e-6] {
        let [_, bodies] = to_accuracy(clustered(100_000), accuracy, Softening::Plummer(EPS));
        let errors = errors(&bodies, EPS, 1.5, 10_000);
        assert!(p99(&errors) <= accuracy, "{accuracy:e}: {:e}", p99(&errors));
        assert!(p99(&errors) <= 3.5 * rms(&errors), "{accuracy:e}: {:e} {:e}", p99(&errors), rms(&errors));
    }
}

/// Where all sources of a leaf lie within the softening, what expansions leave out adds up while forces cancel.
#[test]
fn clusters_smaller_than_the_softening_keep_the_promise() {
    let mut bodies = plummer(20_000);
    (0..3).for_each(|axis| bodies.position[axis].iter_mut().for_each(|x| *x *= 0.1 * EPS));
    for accuracy in [1e-2, 3e-3, 1e-3] {
        check_promise("small", bodies.clone(), accuracy);
    }
}

#[test]
fn no_body_far_outside_is_lost() {
    // Few bodies share the outer leaves, and all that is inside pulls them in one direction.
    let [_, bodies] = to_accuracy(plummer(20_000), 1e-2, Softening::Plummer(EPS));
    let errors = errors(&bodies, EPS, 1.5, 2000);
    // Measured: 2.2 times the accuracy; without limits on leaves and targets 30 times.
    assert!(errors[errors.len() - 1] <= 5e-2, "{:e}", errors[errors.len() - 1]);
}

#[test]
fn expansions_are_those_of_the_softened_kernel() {
    // Softened by more than the cells are large: an expansion of 1/r would be off by a tenth.
    let mut bodies = uniform(2000);
    let mut forces = Fmm::new(&gravity(1e-5, Softening::Plummer(0.3)), CpuPath::best());
    forces.evaluate(&mut bodies, 0, &Solo).unwrap();
    assert!(forces.costs().cell_pairs > 1000);
    let errors = errors(&bodies, 0.3, 1.5, 300);
    assert!(p99(&errors) <= 1e-5, "{:e}", p99(&errors));
}

#[test]
fn potentials_are_as_good_as_forces() {
    let [_, bodies] = to_accuracy(two(3000), 1e-4, Softening::Plummer(EPS));
    for body in (0..bodies.len()).step_by(10) {
        let (_, potential) = direct(&bodies, EPS, 1.5, body);
        assert!((bodies.potential[body] / potential - 1.0).abs() < 1e-4);
    }
}

#[test]
fn momentum_is_conserved_to_the_accuracy() {
    let [_, bodies] = to_accuracy(two(3000), 1e-5, Softening::Plummer(EPS));
    for axis in 0..3 {
        let force = |n: usize| bodies.mass[n] * bodies.acceleration[axis][n];
        let sum: f64 = (0..bodies.len()).map(force).sum();
        let size: f64 = (0..bodies.len()).map(|n| force(n).abs()).sum();
        // Errors of single bodies are 1e-5 and partly cancel.
        assert!(sum.abs() < 1e-5 * size, "{sum:e} of {size:e}");
    }
}

#[test]
fn a_spline_is_newtonian_in_the_far_field() {
    // Support 0.14: all pairs of cells nearer than that must act body by body.
    let eps = 0.05;
    let [_, split] = to_accuracy(uniform(1500), 1e-6, Softening::Spline(eps));
    let mut whole = uniform(1500);
    let tuning = Tuning { limit: Limit::Opening(0.0), orders: [1, 1], leaf_capacity: 64, most_left: 1 << 15 };
    let mut forces = Fmm::with_tuning(&gravity(1e-6, Softening::Spline(eps)), CpuPath::best(), tuning);
    forces.evaluate(&mut whole, 0, &Solo).unwrap();
    assert_eq!(split.id, whole.id);
    let mut errors: Vec<f64> = (0..split.len())
        .map(|n| {
            let [a, b] = [split.acceleration_of(n), whole.acceleration_of(n)];
            let length = |x: [f64; 3]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
            length(cell::away(a, b)) / length(b)
        })
        .collect();
    errors.sort_by(f64::total_cmp);
    assert!(p99(&errors) <= 1e-6, "{:e}", p99(&errors));
}
