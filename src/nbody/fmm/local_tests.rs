//! Tests.

use super::*;
use crate::nbody::fmm::samples::Random;

fn some() -> Local {
    let mut random = Random(6);
    let derivatives = std::array::from_fn(|_| random.next() - 0.5);
    let mut local = Local::default();
    local.add_derivatives(MAX_ORDER, &derivatives);
    local
}

fn value(local: &Local, at: [f64; 3]) -> [f64; 4] {
    let lines = at.map(|x| Line([x; WIDTH]));
    let field = local.at(Instructions::Portable, &lines);
    [field.potential.0[3], field.gradient[0].0[3], field.gradient[1].0[3], field.gradient[2].0[3]]
}

#[test]
fn the_gradient_is_that_of_the_potential() {
    let (local, step) = (some(), 1e-5);
    let at = [0.3, -0.4, 0.5];
    for axis in 0..3 {
        let shifted = |by: f64| std::array::from_fn(|n| at[n] + if n == axis { by } else { 0.0 });
        let slope = (value(&local, shifted(step))[0] - value(&local, shifted(-step))[0]) / (2.0 * step);
        // Third derivatives of order 1 times the square of the step, and round-off over the step.
        assert!((value(&local, at)[1 + axis] - slope).abs() < 1e-9);
    }
}

#[test]
fn a_shifted_expansion_is_the_same_function() {
    let parent = some();
    let mut child = some();
    let shift = [0.2, 0.1, -0.3];
    child.inherit(Instructions::Portable, &parent, shift);
    for at in [[0.0; 3], [0.1, 0.2, 0.3], [-0.5, 0.4, 0.0]] {
        let there = value(&parent, std::array::from_fn(|axis| at[axis] + shift[axis]));
        // Round-off of polynomials of order 1.
        assert!(value(&child, at).iter().zip(there).all(|(a, b)| (a - b).abs() < 1e-13));
    }
}

#[test]
fn an_empty_expansion_is_inherited_as_such() {
    let mut child = some();
    child.inherit(Instructions::Portable, &Local::default(), [f64::MAX; 3]);
    assert_eq!((child.order, value(&child, [1.0; 3])), (None, [0.0; 4]));
    assert!(child.cube.iter().all(|x| *x == 0.0));
}
