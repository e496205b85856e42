//! Expansions of the far field about the centre of a target cell.
//!
//! The potential at c + y is the sum over n of L_n y^n; here L_n includes the 1 / n! of a Taylor series, so that moving the centre
//! is a shift of polynomials by Horner's rule along one axis after the other, without binomials.

use super::expansion::{CUBE, Cube, EXPONENTS, FACTORIALS, MAX_ORDER, MOST, PLACES, SIDE, count, place};
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
    pub fn inherit(&mut self, instructions: Instructions, parent: &Local, shift: [f64; 3]) {
        self.clear();
        self.order = parent.order;
        if let Some(order) = parent.order {
            shift_lanes(instructions, &parent.cube, &mut self.cube, order, shift);
        }
    }

    /// Makes it 0.
    pub fn clear(&mut self) {
        if let Some(order) = self.order.take() {
            for_rows(order, |start, length| self.cube[start..start + length].fill(0.0));
        }
    }

    /// Adds derivatives of the potential (without the factorials) up to `order`, in the order of storage.
    pub fn add_derivatives(&mut self, order: usize, derivatives: &[f64; MOST]) {
        self.order = self.order.max(Some(order));
        for n in 0..count(order) {
            self.cube[usize::from(PLACES[n])] += derivatives[n] * INVERSE_FACTORIALS[n];
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

/// 1 / (i! j! k!) of every coefficient.
const INVERSE_FACTORIALS: [f64; MOST] = inverse_factorials();

const fn inverse_factorials() -> [f64; MOST] {
    let mut all = [0.0; MOST];
    let mut n = 0;
    while n < MOST {
        let [i, j, k] = EXPONENTS[n];
        all[n] = 1.0 / (FACTORIALS[i as usize] * FACTORIALS[j as usize] * FACTORIALS[k as usize]);
        n += 1;
    }
    all
}

/// Start and length of every row of powers of z up to a degree.
#[inline(always)]
fn for_rows(order: usize, mut visit: impl FnMut(usize, usize)) {
    for i in 0..=order {
        for j in 0..=order - i {
            visit(place(i, j, 0), order - i - j + 1);
        }
    }
}

dispatched! {
    /// The polynomial `parent` about a centre that is `shift` away. Plain operations, which the compiler puts into vectors.
    shift_lanes = shift_polynomial(parent: &Cube, child: &mut Cube, order: usize, shift: [f64; 3])
}

#[inline(always)]
#[allow(clippy::extra_unused_type_parameters)]
fn shift_polynomial<V: Lanes>(parent: &Cube, child: &mut Cube, order: usize, shift: [f64; 3]) {
    for_rows(order, |start, length| child[start..start + length].copy_from_slice(&parent[start..start + length]));
    for lowest in 0..order {
        for i in (lowest..order).rev() {
            for j in 0..order - i {
                add_row(child, place(i, j, 0), place(i + 1, j, 0), order - i - 1 - j, shift[0]);
            }
        }
    }
    for i in 0..=order {
        for lowest in 0..order - i {
            for j in (lowest..order - i).rev() {
                add_row(child, place(i, j, 0), place(i, j + 1, 0), order - i - 1 - j, shift[1]);
            }
        }
    }
    for_rows(order, |start, length| {
        let row = &mut child[start..start + length];
        for lowest in 0..length - 1 {
            for k in (lowest..length - 1).rev() {
                row[k] += shift[2] * row[k + 1];
            }
        }
    });
}

/// Adds `factor` times the row from `from` to the one at `to`, which stands before it, up to power `last` of z.
#[inline(always)]
fn add_row(cube: &mut Cube, to: usize, from: usize, last: usize, factor: f64) {
    let (low, high) = cube.split_at_mut(from);
    for (value, source) in low[to..=to + last].iter_mut().zip(&high[..=last]) {
        *value += factor * source;
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
        let [x, y, z] = V::load_three(places, part);
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
