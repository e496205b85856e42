//! Moments of bodies and of cells.
//!
//! The moment of exponents m about a centre c is the sum over bodies of mass (c - x)^m / m! (product over the axes): sign and
//! factorial are those with which the interaction needs it. Moments are stored by degree ([`super::expansion`]). Bodies fill the
//! lanes of vectors. Cells are shifted one axis after the other, three times 495 operations at order 8 instead of 3003.

use super::expansion::{CUBE, Cube, EXPONENTS, MAX_ORDER, PLACES, SIDE, count, pack_add, place, unpack};
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
            for axis in 0..3 {
                self.offset[axis].0[lane] = if exists { center[axis] - bodies.position[axis][body] } else { 0.0 };
            }
        }
    }

    /// Adds the moments of a child to those of its parent, whose centre is `shift` away (parent minus child).
    pub fn add_child(&mut self, order: usize, child: &[f64], shift: [f64; 3], parent: &mut [f64]) {
        unpack(order, child, &mut self.cube);
        for (axis, distance) in shift.into_iter().enumerate() {
            shift_moments(&mut self.cube, order, axis, distance);
        }
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
        let [x, y, z] = [0, 1, 2].map(|axis| powers::<V>(&room.offset[axis], order, part));
        let mass = V::load(&room.mass, part);
        for i in 0..=order {
            let weight_x = mass.mul(x[i]);
            for j in 0..=order - i {
                let weight = weight_x.mul(y[j]);
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
fn powers<V: Lanes>(x: &Line, order: usize, part: usize) -> [V; SIDE] {
    let x = V::load(x, part);
    let mut all = [V::splat(1.0); SIDE];
    for n in 1..=order {
        all[n] = all[n - 1].mul(x).mul(V::splat(1.0 / n as f64));
    }
    all
}

/// Steps between neighbours along an axis of a cube.
const STEPS: [usize; 3] = [SIDE * SIDE, SIDE, 1];

fn shift_moments(cube: &mut Cube, order: usize, axis: usize, distance: f64) {
    let mut powers = [1.0; SIDE];
    for n in 1..=order {
        powers[n] = powers[n - 1] * distance / n as f64;
    }
    let (one, other) = ((axis + 1) % 3, (axis + 2) % 3);
    for a in 0..=order {
        for b in 0..=order - a {
            let start = a * STEPS[one] + b * STEPS[other];
            // From above, since a moment takes from those below it.
            for n in (1..=order - a - b).rev() {
                let sum = (0..n)
                    .fold(cube[start + n * STEPS[axis]], |sum, m| sum + cube[start + m * STEPS[axis]] * powers[n - m]);
                cube[start + n * STEPS[axis]] = sum;
            }
        }
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
    let mut tensor = [0.0; CUBE];
    let first = if degree == 0 { 0 } else { count(degree - 1) };
    for n in first..count(degree) {
        let [i, j, k] = EXPONENTS[n].map(usize::from);
        tensor[PLACES[n] as usize] = moments[n] * FACTORIALS[i] * FACTORIALS[j] * FACTORIALS[k];
    }
    let whole = squared_norm(&tensor, degree);
    let mut traceless = whole;
    let mut weight = 1.0;
    for j in 1..=degree / 2 {
        contract(&mut tensor, degree - 2 * j);
        let left = degree - 2 * j;
        weight *= -(((left + 1) * (left + 2)) as f64) / ((2 * j) as f64 * (2 * (degree - j) + 1) as f64);
        traceless += weight * squared_norm(&tensor, left);
    }
    let seen = traceless.max(0.0) + blur * (whole - traceless).max(0.0);
    (seen * DOUBLE_FACTORIALS[degree] / FACTORIALS[degree]).sqrt()
}

const FACTORIALS: [f64; SIDE] = [1.0, 1.0, 2.0, 6.0, 24.0, 120.0, 720.0, 5040.0, 40320.0];
/// (2 k - 1)!!
const DOUBLE_FACTORIALS: [f64; SIDE] = [1.0, 1.0, 3.0, 15.0, 105.0, 945.0, 10395.0, 135_135.0, 2_027_025.0];

/// Sum of the squares of all components of a symmetric tensor, each as often as it occurs.
fn squared_norm(tensor: &Cube, degree: usize) -> f64 {
    let mut sum = 0.0;
    for i in 0..=degree {
        for j in 0..=degree - i {
            let k = degree - i - j;
            let times = FACTORIALS[degree] / (FACTORIALS[i] * FACTORIALS[j] * FACTORIALS[k]);
            sum += times * tensor[place(i, j, k)] * tensor[place(i, j, k)];
        }
    }
    sum
}

/// Contracts two indices of a symmetric tensor of degree `left + 2`.
fn contract(tensor: &mut Cube, left: usize) {
    assert!(left + 2 <= MAX_ORDER);
    for i in 0..=left {
        for j in 0..=left - i {
            let k = left - i - j;
            tensor[place(i, j, k)] =
                tensor[place(i + 2, j, k)] + tensor[place(i, j + 2, k)] + tensor[place(i, j, k + 2)];
        }
    }
}

#[cfg(test)]
#[path = "multipole_tests.rs"]
mod tests;
