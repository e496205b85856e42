//! Expansions of the far field about the centre of a target cell.
//!
//! The potential at c + y is the sum over n of L_n y^n; here L_n includes the 1 / n! of a Taylor series, so that moving the centre
//! is a shift of polynomials by Horner's rule along one axis after the other, without binomials.

use super::expansion::{CUBE, Cube, MAX_ORDER, SIDE, place};
use super::lanes::{Instructions, Lanes, Line, WIDTH, dispatched};

/// Expansion of a target cell.
#[derive(Clone, Debug)]
pub struct Local {
    /// Largest degree of a coefficient that is not 0; `None` if all are.
    pub order: Option<usize>,
    /// Coefficients.
    pub cube: Box<Cube>,
}

impl Default for Local {
    fn default() -> Local {
        Local { order: None, cube: vec![0.0; CUBE].into_boxed_slice().try_into().expect("the length of a cube") }
    }
}

/// Potential and its gradient at eight places.
#[derive(Clone, Copy, Debug, Default)]
pub struct FarField {
    /// d/dx, d/dy, d/dz.
    pub gradient: [Line; 3],
    /// The potential with positive sign.
    pub potential: Line,
}

impl Local {
    /// Takes the expansion of the parent, whose centre is `shift` away (child minus parent).
    pub fn inherit(&mut self, parent: &Local, shift: [f64; 3]) {
        self.order = parent.order;
        let Some(order) = parent.order else {
            return self.cube.fill(0.0);
        };
        self.cube.copy_from_slice(&parent.cube[..]);
        for (axis, distance) in shift.into_iter().enumerate() {
            shift_polynomial(&mut self.cube, order, axis, distance);
        }
    }

    /// Adds derivatives of the potential (without the factorials) up to `order`.
    pub fn add_derivatives(&mut self, order: usize, derivatives: &Cube) {
        self.order = self.order.max(Some(order));
        for i in 0..=order {
            for j in 0..=order - i {
                for k in 0..=order - i - j {
                    let inverse = INVERSE_FACTORIALS[i] * INVERSE_FACTORIALS[j] * INVERSE_FACTORIALS[k];
                    self.cube[place(i, j, k)] += derivatives[place(i, j, k)] * inverse;
                }
            }
        }
    }

    /// Potential and gradient at eight places relative to the centre.
    pub fn at(&self, instructions: Instructions, places: &[Line; 3]) -> FarField {
        let mut field = FarField::default();
        if let Some(order) = self.order {
            evaluate_lanes(instructions, &self.cube, order, places, &mut field);
        }
        field
    }
}

const INVERSE_FACTORIALS: [f64; SIDE] =
    [1.0, 1.0, 1.0 / 2.0, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0, 1.0 / 5040.0, 1.0 / 40320.0];

const STEPS: [usize; 3] = [SIDE * SIDE, SIDE, 1];

fn shift_polynomial(cube: &mut Cube, order: usize, axis: usize, distance: f64) {
    let (one, other, step) = (STEPS[(axis + 1) % 3], STEPS[(axis + 2) % 3], STEPS[axis]);
    for a in 0..=order {
        for b in 0..=order - a {
            let start = a * one + b * other;
            let degree = order - a - b;
            for lowest in 0..degree {
                for n in (lowest..degree).rev() {
                    cube[start + n * step] += distance * cube[start + (n + 1) * step];
                }
            }
        }
    }
}

dispatched! {
    /// [`Local::at`].
    evaluate_lanes = evaluate(cube: &Cube, order: usize, places: &[Line; 3], field: &mut FarField)
}

#[inline(always)]
fn evaluate<V: Lanes>(cube: &Cube, order: usize, places: &[Line; 3], field: &mut FarField) {
    assert!(order <= MAX_ORDER);
    for part in 0..V::PARTS {
        let [x, y, z] = [0, 1, 2].map(|axis| V::load(&places[axis], part));
        // Horner's rule in x over Horner's rule in y over Horner's rule in z, each with its derivative.
        let mut sum = [V::splat(0.0); 4];
        for i in (0..=order).rev() {
            let plane = plane::<V>(&cube[place(i, 0, 0)..], order - i, y, z);
            sum[1] = sum[1].multiply_add(x, sum[0]);
            sum[0] = sum[0].multiply_add(x, plane[0]);
            sum[2] = sum[2].multiply_add(x, plane[1]);
            sum[3] = sum[3].multiply_add(x, plane[2]);
        }
        sum[0].store(&mut field.potential, part);
        for axis in 0..3 {
            sum[1 + axis].store(&mut field.gradient[axis], part);
        }
    }
}

/// Value, d/dy and d/dz of the polynomial of one power of x.
#[inline(always)]
fn plane<V: Lanes>(cube: &[f64], degree: usize, y: V, z: V) -> [V; 3] {
    let mut sum = [V::splat(0.0); 3];
    for j in (0..=degree).rev() {
        let [value, slope] = row(&cube[j * SIDE..][..=degree - j], z);
        sum[1] = sum[1].multiply_add(y, sum[0]);
        sum[0] = sum[0].multiply_add(y, value);
        sum[2] = sum[2].multiply_add(y, slope);
    }
    sum
}

/// Value and derivative of a polynomial.
#[inline(always)]
fn row<V: Lanes>(coefficients: &[f64], z: V) -> [V; 2] {
    let mut sum = [V::splat(0.0); 2];
    for coefficient in coefficients.iter().rev() {
        sum[1] = sum[1].multiply_add(z, sum[0]);
        sum[0] = sum[0].multiply_add(z, V::splat(*coefficient));
    }
    sum
}

/// Offsets of up to eight bodies from a centre; lanes without a body stand at the centre.
pub fn offsets(position: [&[f64]; 3], center: [f64; 3]) -> [Line; 3] {
    std::array::from_fn(|axis| {
        let mut line = Line::default();
        for (lane, x) in position[axis].iter().take(WIDTH).enumerate() {
            line.0[lane] = x - center[axis];
        }
        line
    })
}

#[cfg(test)]
#[path = "local_tests.rs"]
mod tests;
