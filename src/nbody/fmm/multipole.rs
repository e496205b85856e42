//! Moments of bodies and of cells.
//!
//! The moment of exponents m about a centre c is the sum over bodies of mass (c - x)^m / m! (product over the axes): sign and
//! factorial are those with which the interaction needs it. Moments are stored by degree ([`super::expansion`]). Bodies fill the
//! lanes of vectors. Cells are shifted one axis after the other, three times 495 operations at order 8 instead of 3003.

use super::expansion::{
    CUBE, Cube, EXPONENTS, FACTORIALS, MAX_ORDER, MOST, PLACES, SIDE, count, pack_add, place, unpack,
};
use super::interaction::{Lines, zero_lines};
use super::lanes::{Instructions, Lanes, Line, WIDTH, dispatched};
use crate::nbody::gravity::Sources;

/// Room to collect moments, kept per thread.
#[derive(Debug)]
pub struct MomentRoom {
    sums: Box<Lines>,
    offset: [Line; 3],
    mass: Line,
    cube: Box<Cube>,
}

impl Default for MomentRoom {
    fn default() -> MomentRoom {
        MomentRoom {
            sums: zero_lines(),
            offset: Default::default(),
            mass: Line::default(),
            cube: vec![0.0; CUBE].into_boxed_slice().try_into().expect("the length of a cube"),
        }
    }
}

impl MomentRoom {
    /// Moments up to `order` of bodies about `center`, into `moments`.
    pub fn of_bodies(
        &mut self,
        instructions: Instructions,
        order: usize,
        bodies: Sources<'_>,
        center: [f64; 3],
        moments: &mut [f64],
    ) {
        for place in &PLACES[..count(order)] {
            self.sums[*place as usize] = Line::default();
        }
        for first in (0..bodies.mass.len()).step_by(WIDTH) {
            self.load(bodies, first, center);
            add_lanes(instructions, self, order);
        }
        for (moment, place) in moments[..count(order)].iter_mut().zip(PLACES) {
            let [a, b, c, d, e, f, g, h] = self.sums[place as usize].0;
            *moment = ((a + b) + (c + d)) + ((e + f) + (g + h));
        }
    }

    fn load(&mut self, bodies: Sources<'_>, first: usize, center: [f64; 3]) {
        for lane in 0..WIDTH {
            let body = first + lane;
            let exists = body < bodies.mass.len();
            self.mass.0[lane] = if exists { bodies.mass[body] } else { 0.0 };
            for (axis, line) in self.offset.iter_mut().enumerate() {
                line.0[lane] = if exists { center[axis] - bodies.position[axis][body] } else { 0.0 };
            }
        }
    }

    /// Adds the moments of a child to those of its parent, whose centre is `shift` away (parent minus child).
    pub fn add_child(
        &mut self,
        instructions: Instructions,
        order: usize,
        child: &[f64],
        shift: [f64; 3],
        parent: &mut [f64],
    ) {
        unpack(order, child, &mut self.cube);
        shift_lanes(instructions, &mut self.cube, order, shift);
        pack_add(order, &self.cube, parent);
    }
}

dispatched! {
    /// Adds the eight loaded bodies to the sums.
    add_lanes = add(room: &mut MomentRoom, order: usize)
}

#[inline(always)]
fn add<V: Lanes>(room: &mut MomentRoom, order: usize) {
    for part in 0..V::PARTS {
        let [x, y, z] = V::load_three(&room.offset, part);
        let (x, y, z) = (powers(x, order), powers(y, order), powers(z, order));
        let mass = V::load(&room.mass, part);
        for (i, x) in x.iter().enumerate().take(order + 1) {
            let weight_x = mass.mul(*x);
            for (j, y) in y.iter().enumerate().take(order + 1 - i) {
                let weight = weight_x.mul(*y);
                let row = &mut room.sums[place(i, j, 0)..][..=order - i - j];
                for (line, power) in row.iter_mut().zip(&z) {
                    weight.multiply_add(*power, V::load(line, part)).store(line, part);
                }
            }
        }
    }
}

/// x^n / n! for n = 0 to `order`.
#[inline(always)]
fn powers<V: Lanes>(x: V, order: usize) -> [V; SIDE] {
    let mut all = [V::splat(1.0); SIDE];
    for n in 1..=order {
        all[n] = all[n - 1].mul(x).mul(V::splat(1.0 / n as f64));
    }
    all
}

dispatched! {
    /// Moves the centre of moments along the axes, one after the other. Plain operations, which the compiler puts into vectors.
    shift_lanes = shift_moments(cube: &mut Cube, order: usize, shift: [f64; 3])
}

#[inline(always)]
#[allow(clippy::extra_unused_type_parameters)]
fn shift_moments<V: Lanes>(cube: &mut Cube, order: usize, shift: [f64; 3]) {
    let [x, y, z] = shift.map(|distance| {
        let mut powers = [1.0; SIDE];
        (1..=order).for_each(|n| powers[n] = powers[n - 1] * distance / n as f64);
        powers
    });
    // From above, since a moment takes from those below it.
    for i in (0..=order).rev() {
        for j in 0..=order - i {
            for below in 0..i {
                add_row(cube, place(i, j, 0), place(below, j, 0), order - i - j, x[i - below]);
            }
        }
    }
    for i in 0..=order {
        for j in (0..=order - i).rev() {
            for below in 0..j {
                add_row(cube, place(i, j, 0), place(i, below, 0), order - i - j, y[j - below]);
            }
            let row = &mut cube[place(i, j, 0)..][..=order - i - j];
            for k in (1..row.len()).rev() {
                row[k] += (0..k).fold(0.0, |sum, below| sum + row[below] * z[k - below]);
            }
        }
    }
}

/// Adds `factor` times the row from `from` to the one at `to`, up to power `last` of z.
#[inline(always)]
fn add_row(cube: &mut Cube, to: usize, from: usize, last: usize, factor: f64) {
    let (low, high) = cube.split_at_mut(to);
    for (value, source) in high[..=last].iter_mut().zip(&low[from..]) {
        *value += factor * source;
    }
}

/// For every degree k the largest potential at unit distance that the moments of this degree can have: for one body of mass m at
/// distance r from the centre it is m r^k. (Dehnen 2014 calls it the multipole power.)
///
/// Only what a harmonic kernel sees counts, that is the tensor without its traces; a kernel softened with `blur` = eps^2 / R^2 sees
/// that share of the traces too. With T^(j) the tensor contracted j times, the square of the traceless part is
/// sum over j of (-1)^j k! (2k-2j-1)!! / (2^j j! (k-2j)! (2k-1)!!) |T^(j)|^2.
pub fn powers_of(order: usize, moments: &[f64], blur: f64) -> [f64; SIDE] {
    let mut all = [0.0; SIDE];
    for (degree, power) in all.iter_mut().enumerate().take(order + 1) {
        *power = power_of(degree, moments, blur);
    }
    all
}

fn power_of(degree: usize, moments: &[f64], blur: f64) -> f64 {
    // Components (i, j, degree - i - j) one after the other, as they are stored.
    let mut tensor = [0.0; PLANE];
    let first = if degree == 0 { 0 } else { count(degree - 1) };
    for (n, component) in tensor.iter_mut().enumerate().take(plane(degree)) {
        let [i, j, k] = EXPONENTS[first + n].map(usize::from);
        *component = moments[first + n] * (FACTORIALS[i] * FACTORIALS[j] * FACTORIALS[k]);
    }
    let whole = squared_norm(&tensor, degree);
    let mut traceless = whole;
    let mut weight = 1.0;
    for j in 1..=degree / 2 {
        let left = degree - 2 * j;
        contract(&mut tensor, left);
        weight *= -(((left + 1) * (left + 2)) as f64) / ((2 * j) as f64 * (2 * (degree - j) + 1) as f64);
        traceless += weight * squared_norm(&tensor, left);
    }
    let seen = traceless.max(0.0) + blur * (whole - traceless).max(0.0);
    (seen * DOUBLE_FACTORIALS[degree] / FACTORIALS[degree]).sqrt()
}

/// Components of a symmetric tensor.
const fn plane(degree: usize) -> usize {
    (degree + 1) * (degree + 2) / 2
}

/// Components at [`MAX_ORDER`].
const PLANE: usize = plane(MAX_ORDER);

/// (2 k - 1)!!
const DOUBLE_FACTORIALS: [f64; SIDE] =
    [1.0, 1.0, 3.0, 15.0, 105.0, 945.0, 10395.0, 135_135.0, 2_027_025.0, 34_459_425.0, 654_729_075.0];

/// How often each component of a tensor occurs, by degree.
const OCCURRENCES: [[f64; PLANE]; SIDE] = occurrences();

const fn occurrences() -> [[f64; PLANE]; SIDE] {
    let mut all = [[0.0; PLANE]; SIDE];
    let mut n = 0;
    while n < MOST {
        let [i, j, k] = EXPONENTS[n];
        let degree = (i + j + k) as usize;
        let first = if degree == 0 { 0 } else { count(degree - 1) };
        let each = FACTORIALS[i as usize] * FACTORIALS[j as usize] * FACTORIALS[k as usize];
        all[degree][n - first] = FACTORIALS[degree] / each;
        n += 1;
    }
    all
}

/// Sum of the squares of all components of a symmetric tensor, each as often as it occurs.
fn squared_norm(tensor: &[f64; PLANE], degree: usize) -> f64 {
    tensor[..plane(degree)].iter().zip(&OCCURRENCES[degree]).map(|(x, times)| times * x * x).sum()
}

/// Contracts two indices of a symmetric tensor of degree `left + 2`.
fn contract(tensor: &mut [f64; PLANE], left: usize) {
    // Place of (i, j) among the components of a degree: rows of i, each shorter by one.
    let at = |degree: usize, i: usize, j: usize| i * (2 * degree + 3 - i) / 2 + j;
    let mut next = 0;
    for i in 0..=left {
        for j in 0..=left - i {
            let upper = left + 2;
            tensor[next] = tensor[at(upper, i + 2, j)] + tensor[at(upper, i, j + 2)] + tensor[at(upper, i, j)];
            next += 1;
        }
    }
}

#[cfg(test)]
#[path = "multipole_tests.rs"]
mod tests;
