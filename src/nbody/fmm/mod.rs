//! The fast multipole method with error control.

pub mod acceptance;
pub mod cell;
pub mod crown;
pub mod domain;
pub mod expansion;
pub mod interaction;
pub mod key;
pub mod lanes;
pub mod local;
pub mod multipole;
pub mod octree;
pub mod plant;
pub mod record;
pub mod store;
pub mod traversal;

use crate::comm::{Communicator, agree};
use crate::cpu::CpuPath;
use crate::error::{Error, Result};
use crate::nbody::force::{ForceCosts, Forces};
use crate::nbody::gravity::{PairKernel, Sources};
use crate::nbody::problem::Gravity;
use crate::particles::Particles;
use acceptance::{Acceptance, Limit};
use lanes::Instructions;
use octree::{LeafCapacity, Measure};
use plant::{Branch, Planted};
use rayon::prelude::*;
use std::time::Instant;
use traversal::{Effort, Output, Room, Walk};

/// What the method works with; follows from the accuracy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuning {
    /// How errors are limited.
    pub limit: Limit,
    /// Lowest and highest order.
    pub orders: [usize; 2],
    /// Bodies of a leaf.
    pub leaf_capacity: u64,
}

/// Forces by the fast multipole method.
#[derive(Debug)]
pub struct Fmm {
    gravity: Gravity,
    kernel: PairKernel,
    instructions: Instructions,
    tuning: Tuning,
    work: Vec<f32>,
    costs: ForceCosts,
}

impl Fmm {
    /// Forces of this law to its accuracy, with the instructions of this path, which must be available.
    pub fn new(gravity: &Gravity, path: CpuPath) -> Fmm {
        Fmm::with_tuning(gravity, path, Tuning::of(gravity.accuracy))
    }

    /// As [`Fmm::new`], with given limits instead of those that follow from the accuracy.
    pub fn with_tuning(gravity: &Gravity, path: CpuPath, tuning: Tuning) -> Fmm {
        Fmm {
            gravity: *gravity,
            kernel: PairKernel::new(gravity, path),
            instructions: Instructions::of(path, gravity.portable_bits),
            tuning,
            work: Vec::new(),
            costs: ForceCosts::default(),
        }
    }

    fn measure(&self, acceptance: &Acceptance) -> Measure {
        Measure {
            order: acceptance.highest(),
            softening_squared: acceptance.softening_squared(),
            instructions: self.instructions,
        }
    }
}

impl Tuning {
    /// For this 99th percentile of the relative error.
    pub fn of(accuracy: f64) -> Tuning {
        Tuning { limit: Limit::Error(accuracy), orders: [1, 8], leaf_capacity: 32 }
    }
}

impl Forces for Fmm {
    fn evaluate(&mut self, bodies: &mut Particles, from_level: u8, comm: &dyn Communicator) -> Result<()> {
        self.costs.evaluations += 1;
        let start = Instant::now();
        let capacity = LeafCapacity(self.tuning.leaf_capacity);
        let Some(domain) = domain::distribute(bodies, &self.work, capacity, comm)? else { return Ok(()) };
        self.costs.build_s += start.elapsed().as_secs_f64();
        let [lowest, highest] = self.tuning.orders;
        let acceptance = Acceptance::new(&self.gravity, self.tuning.limit, lowest, highest);
        let planted = plant::plant(&domain, bodies, from_level, self.measure(&acceptance), capacity, comm);
        drop(domain);
        self.costs.build_s += planted.build_s;
        self.costs.upward_s += planted.upward_s;
        let effort = self.walk(bodies, &planted, acceptance, from_level);
        self.costs.pairs += effort.pairs;
        self.costs.cell_pairs += effort.cell_pairs;
        let threads = rayon::current_num_threads() as f64;
        self.costs.far_s += effort.far_s / threads;
        self.costs.near_s += effort.near_s / threads;
        agree(comm, check_forces(bodies))
    }

    fn costs(&self) -> ForceCosts {
        self.costs
    }
}

impl Fmm {
    fn walk(&self, bodies: &mut Particles, planted: &Planted, acceptance: Acceptance, from_level: u8) -> Effort {
        let Particles { position, acceleration, potential, mass, level, .. } = bodies;
        let walk = Walk {
            store: &planted.store,
            bodies: Sources { position: [0, 1, 2].map(|axis| position[axis].as_slice()), mass },
            level,
            from_level,
            acceptance,
            kernel: self.kernel,
            instructions: self.instructions,
            constant: self.gravity.constant,
        };
        let outputs = outputs(&planted.branches, acceleration, potential);
        let tasks: Vec<(&Branch, Output)> = planted.branches.iter().zip(outputs).collect();
        let efforts: Vec<Effort> = tasks
            .into_par_iter()
            .with_max_len(1)
            .map_init(Room::default, |room, (branch, mut output)| walk.run(room, &branch.path, &mut output))
            .collect();
        let mut total = Effort::default();
        efforts.into_iter().for_each(|effort| total += effort);
        total
    }
}

/// The arrays cut at the borders of branches.
fn outputs<'a>(
    branches: &[Branch],
    acceleration: &'a mut [Vec<f64>; 3],
    potential: &'a mut [f64],
) -> Vec<Output<'a>> {
    let [x, y, z] = acceleration;
    let mut rest = [x.as_mut_slice(), y.as_mut_slice(), z.as_mut_slice(), potential];
    let mut cut = |branch: &Branch| {
        let [x, y, z, potential] = rest.each_mut().map(|slice| {
            let (head, tail) = std::mem::take(slice).split_at_mut(branch.bodies.len());
            *slice = tail;
            head
        });
        Output { first: branch.bodies.start, acceleration: [x, y, z], potential }
    };
    branches.iter().map(&mut cut).collect()
}

fn check_forces(bodies: &Particles) -> Result<()> {
    let is_finite = |body: usize| (0..3).all(|axis| bodies.acceleration[axis][body].is_finite());
    let is_lost = |body: &usize| !(is_finite(*body) && bodies.potential[*body].is_finite());
    match (0..bodies.len()).filter(is_lost).min_by_key(|&body| bodies.id[body]) {
        Some(body) => Err(Error::Numerical(format!("the force on body {} is not finite", bodies.id[body]))),
        None => Ok(()),
    }
}
