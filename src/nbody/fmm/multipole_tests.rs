//! Tests.

use super::*;
use crate::nbody::fmm::cell::away;
use crate::nbody::fmm::samples::{Random, uniform};

const ORDER: usize = MAX_ORDER;

fn moments(position: &[Vec<f64>; 3], mass: &[f64], center: [f64; 3]) -> Vec<f64> {
    let mut moments = vec![0.0; MOST];
    let sources = Sources { position: [0, 1, 2].map(|axis| position[axis].as_slice()), mass };
    MomentRoom::default().of_bodies(Instructions::Portable, ORDER, sources, center, &mut moments);
    moments
}

#[test]
fn moments_are_sums_of_powers() {
    let bodies = uniform(13);
    let center = [0.1, -0.2, 0.3];
    let found = moments(&bodies.position, &bodies.mass, center);
    for (n, exponents) in EXPONENTS.iter().enumerate() {
        let term = |body: usize| {
            (0..3).fold(bodies.mass[body], |product, axis| {
                let power = i32::from(exponents[axis]);
                product * (center[axis] - bodies.position[axis][body]).powi(power)
                    / FACTORIALS[usize::from(exponents[axis])]
            })
        };
        let expected: f64 = (0..13).map(term).sum();
        // Thirteen terms of at most 1 / 13 each.
        assert!((found[n] - expected).abs() < 1e-15, "{exponents:?}");
    }
}

#[test]
fn shifted_moments_are_those_about_the_new_centre() {
    let bodies = uniform(20);
    let (old, new) = ([0.1, -0.2, 0.3], [-0.4, 0.5, 0.2]);
    let expected = moments(&bodies.position, &bodies.mass, new);
    let mut found = vec![0.0; MOST];
    let child = moments(&bodies.position, &bodies.mass, old);
    MomentRoom::default().add_child(Instructions::Portable, ORDER, &child, away(new, old), &mut found);
    // Round-off of sums of terms of at most 1.
    assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-14));
}

#[test]
fn the_power_of_one_body_is_its_distance_to_the_degree() {
    let mut random = Random(5);
    let x = [random.next(), random.next(), random.next()];
    let distance = x.iter().map(|x| x * x).sum::<f64>().sqrt();
    let moments = moments(&x.map(|x| vec![x]), &[2.0], [0.0; 3]);
    for (degree, power) in powers_of(ORDER, &moments, 0.0).iter().enumerate() {
        let expected = 2.0 * distance.powi(degree as i32);
        // Traces cancel to an eighth digit of what they are.
        assert!((power / expected - 1.0).abs() < 1e-8, "degree {degree}: {power} for {expected}");
    }
}

#[test]
fn traces_count_only_for_softened_kernels() {
    // Equal bodies along all axes: the second moment is a multiple of the unit tensor.
    let axes =
        [vec![1.0, -1.0, 0.0, 0.0, 0.0, 0.0], vec![0.0, 0.0, 1.0, -1.0, 0.0, 0.0], vec![0.0, 0.0, 0.0, 0.0, 1.0, -1.0]];
    let moments = moments(&axes, &[1.0; 6], [0.0; 3]);
    assert!(powers_of(2, &moments, 0.0)[2] < 1e-7);
    // |2 I|^2 = 12, times 3!! / 2!.
    assert!((powers_of(2, &moments, 1.0)[2] - 18f64.sqrt()).abs() < 1e-12);
}
