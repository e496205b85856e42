//! Turning and moving bodies, and putting their centre of mass at the origin.

use super::orbit::sine_and_cosine;
use crate::comm::sum::all_sum_exact;
use crate::comm::{Communicator, ReduceOp};
use crate::nbody::groups::{Body, Placement};
use crate::particles::Particles;
use crate::reproducible::{ExactSum, Scale};
use std::ops::Range;

/// A placement as a matrix.
pub struct Turned {
    placement: Placement,
    matrix: Option<[[f64; 3]; 3]>,
}

impl Turned {
    /// R_z(node) R_x(inclination) R_z(argument).
    pub fn new(placement: &Placement) -> Turned {
        let turns = placement.rotation.iter().any(|&angle| angle != 0.0);
        let [node, inclination, argument] = placement.rotation.map(sine_and_cosine);
        let about_z = |[sin, cos]: [f64; 2]| [[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]];
        let [sin, cos] = inclination;
        let about_x = [[1.0, 0.0, 0.0], [0.0, cos, -sin], [0.0, sin, cos]];
        let matrix = product(&about_z(node), &product(&about_x, &about_z(argument)));
        Turned { placement: *placement, matrix: turns.then_some(matrix) }
    }

    /// A body turned and moved.
    pub fn body(&self, body: Body) -> Body {
        let position = self.vector(body.position, self.placement.position);
        Body { mass: body.mass, position, velocity: self.vector(body.velocity, self.placement.velocity) }
    }

    fn vector(&self, vector: [f64; 3], shift: [f64; 3]) -> [f64; 3] {
        let turned = match &self.matrix {
            Some(matrix) => matrix.map(|row| row[0] * vector[0] + row[1] * vector[1] + row[2] * vector[2]),
            None => vector,
        };
        std::array::from_fn(|axis| turned[axis] + shift[axis])
    }

    /// Turns and moves all bodies from `start` on.
    pub fn all(&self, bodies: &mut Particles, start: usize) {
        if self.matrix.is_none() && self.placement == Placement::default() {
            return;
        }
        for n in start..bodies.len() {
            let position = self.vector(bodies.position_of(n), self.placement.position);
            let velocity = self.vector(bodies.velocity_of(n), self.placement.velocity);
            for axis in 0..3 {
                bodies.position[axis][n] = position[axis];
                bodies.velocity[axis][n] = velocity[axis];
            }
        }
    }
}

fn product(a: &[[f64; 3]; 3], b: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let element = |row: usize, column: usize| (0..3).map(|k| a[row][k] * b[k][column]).sum();
    std::array::from_fn(|row| std::array::from_fn(|column| element(row, column)))
}

/// Moves these bodies of all ranks so that their centre of mass is at rest at the origin. `total` is the mass of those of all ranks; nothing
/// is done if it is 0. Collective.
pub fn centre(bodies: &mut Particles, own: Range<usize>, total: f64, comm: &dyn Communicator) {
    if total <= 0.0 {
        return;
    }
    // Once is not enough: the mean is rounded at the size of the farthest body.
    for _ in 0..2 {
        let mass = &bodies.mass[own.clone()];
        let components = bodies.position.iter_mut().chain(&mut bodies.velocity);
        let mut components: Vec<&mut [f64]> = components.map(|values| &mut values[own.clone()]).collect();
        let mut largest: Vec<f64> = components.iter().map(|values| largest_moment(mass, values)).collect();
        comm.all_reduce(ReduceOp::Max, &mut largest);
        let mut sums: Vec<ExactSum> = largest.iter().map(|&most| ExactSum::new(Scale::covering(most))).collect();
        for (sum, values) in sums.iter_mut().zip(&components) {
            sum.add_all(moments(mass, values));
        }
        all_sum_exact(comm, &mut sums);
        for (sum, values) in sums.iter().zip(&mut components) {
            let mean = sum.value() / total;
            values.iter_mut().for_each(|value| *value -= mean);
        }
    }
}

fn largest_moment(mass: &[f64], values: &[f64]) -> f64 {
    moments(mass, values).fold(0.0, |most: f64, moment| most.max(moment.abs()))
}

fn moments<'a>(mass: &'a [f64], values: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    mass.iter().zip(values).map(|(mass, value)| mass * value)
}
