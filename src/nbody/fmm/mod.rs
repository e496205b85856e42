//! The fast multipole method on one global octree, with the error of every pair of cells under control.
//!
//! An evaluation:
//! 1. [`domain`]: bodies are sorted along a space-filling curve ([`key`]) and move to the ranks that own their branches. The upper tree
//!    ([`crown`]) and the borders between ranks follow from counts of all ranks.
//! 2. [`plant`]: each rank divides its branches into cells ([`octree`], [`cell`]) and takes moments from the leaves up ([`multipole`]); the
//!    roots of branches go to everyone.
//! 3. [`field`]: what errors are compared with: the accelerations of the last evaluation, or a coarse estimate before the first.
//! 4. [`evaluation`]: branches are walked ([`traversal`]); pairs of cells that [`acceptance`] finds good enough interact ([`interaction`])
//!    at the smallest sufficient order; the rest acts body by body. A leaf is a target about a [`ball`] of its own, and one to which too much
//!    is left is walked in [`parts`]. What a walk would miss ([`survey`]) comes from its owner ([`exchange`]) while other branches are computed.
//!
//! Nothing that depends on ranks, threads or time enters a force. Cells are those of one global tree; their moments are combined from
//! children in order of keys, below a branch and above it by the same code; whether a pair is accepted depends on that pair;
//! lists of a target are in a fixed order. Only which rank owns a branch follows from measured times.
//!
//! Refused: borders between bodies instead of branches (cells on two ranks, whose moments would be sums of sums); an opening angle
//! that the user has to choose; a tree that is kept and repaired from step to step (building one costs less than a tenth of a walk).

pub mod acceptance;
pub mod ball;
pub mod cell;
pub mod crown;
pub mod domain;
pub mod evaluation;
pub mod exchange;
pub mod expansion;
pub mod field;
pub mod interaction;
pub mod key;
pub mod lanes;
#[cfg(target_arch = "x86_64")]
pub mod lanes_x86;
mod leaf;
pub mod lists;
pub mod local;
pub mod multipole;
pub mod near;
pub mod octree;
pub mod parts;
pub mod plant;
pub mod record;
pub mod single_lanes;
#[cfg(target_arch = "x86_64")]
pub mod single_lanes_x86;
pub mod store;
pub mod survey;
pub mod traversal;
pub mod tuning;

use crate::comm::{Communicator, ReduceOp, agree};
use crate::cpu::CpuPath;
use crate::error::{Error, Result};
use crate::nbody::force::{ForceCosts, Forces};
use crate::nbody::gravity::{PairKernel, Sources};
use crate::nbody::problem::Gravity;
use crate::parallel::Sharing;
use crate::particles::Particles;
use crate::timing::Phase;
use crate::timing::trace::{self, Kind};
use acceptance::{Acceptance, Limit};
use domain::Domain;
use evaluation::{Task, Terms};
use exchange::{Owners, Traffic};
use field::Fields;
use lanes::Instructions;
use near::NearLaw;
use octree::Measure;
use plant::{Branch, Planted};
use std::time::Instant;
use store::Store;
use traversal::{Effort, Output};
use tuning::Tuning;

/// Forces by the fast multipole method.
///
/// Memory per body: [`Particles`], 12 bytes for keys and work, and the cells: 320 bytes and the moments (84 numbers at order 6,
/// 165 at order 8) for every dozen bodies or more.
#[derive(Debug)]
pub struct Fmm {
    gravity: Gravity,
    kernel: PairKernel,
    near: Option<NearLaw>,
    instructions: Instructions,
    tuning: Tuning,
    work: Vec<f32>,
    costs: ForceCosts,
    sharing: Sharing,
}

impl Fmm {
    /// Forces of this law to its accuracy, with the instructions of this path, which must be available.
    pub fn new(gravity: &Gravity, path: CpuPath) -> Fmm {
        Fmm::with_tuning(gravity, path, Tuning::of(gravity.accuracy))
    }

    /// As [`Fmm::new`], with given limits instead of those that follow from the accuracy.
    pub fn with_tuning(gravity: &Gravity, path: CpuPath, tuning: Tuning) -> Fmm {
        let instructions = Instructions::of(path, gravity.portable_bits);
        Fmm {
            gravity: *gravity,
            kernel: PairKernel::new(gravity, path),
            near: NearLaw::of(gravity, instructions),
            instructions,
            tuning,
            work: Vec::new(),
            costs: ForceCosts::default(),
            sharing: Sharing::default(),
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

impl Forces for Fmm {
    fn evaluate(&mut self, bodies: &mut Particles, from_level: u8, comm: &dyn Communicator) -> Result<()> {
        self.costs.evaluations += 1;
        let start = Instant::now();
        let Some(domain) = domain::distribute(bodies, &self.work, self.tuning.leaf_capacity, comm)? else {
            return Ok(());
        };
        let sorted = Instant::now();
        self.costs.build_s += (sorted - start).as_secs_f64();
        trace::record(Kind::Phase(Phase::Build), start, sorted, 0);
        let [lowest, highest] = self.tuning.orders;
        let acceptance = Acceptance::new(&self.gravity, self.tuning.limit, lowest, highest);
        let mut planted = plant::plant(&domain, bodies, from_level, self.measure(&acceptance), comm);
        let owners = owners(&domain);
        drop(domain);
        self.costs.build_s += planted.build_s;
        self.costs.upward_s += planted.upward_s;
        self.costs.exchange_s += planted.exchange_s;
        self.find_fields(bodies, from_level, &mut planted, &owners, comm);
        self.find_forces(bodies, from_level, &mut planted, acceptance, &owners, comm);
        agree(comm, check_forces(bodies))
    }

    fn costs(&self) -> ForceCosts {
        self.costs
    }

    fn set_sharing(&mut self, sharing: Sharing) {
        self.sharing = sharing;
    }
}

impl Fmm {
    /// Sets the fields that errors are compared with, estimated where there was no evaluation before.
    fn find_fields(
        &mut self,
        bodies: &Particles,
        from_level: u8,
        planted: &mut Planted,
        owners: Owners<'_>,
        comm: &dyn Communicator,
    ) {
        let Planted { store, branches, .. } = planted;
        let mut largest = largest_field(store, branches, comm);
        if largest == 0.0 {
            let coarse = Acceptance::new(
                &self.gravity,
                Limit::Opening(field::OPENING),
                1,
                field::ORDER.min(self.tuning.orders[1]),
            );
            let terms = self.terms(sources(&bodies.position, &bodies.mass), &bodies.level, from_level, coarse, false);
            let mut tasks: Vec<Task<Fields>> =
                branches.iter().map(|branch| Task::new(branch, Fields::default())).collect();
            let traffic = evaluation::run(&terms, store, &mut tasks, owners, comm);
            let found: Vec<(Fields, Effort)> = tasks.into_iter().map(|task| (task.leaves, task.effort)).collect();
            for (fields, effort) in found {
                fields.0.iter().for_each(|&(leaf, field)| store.cells[leaf as usize].field = field);
                self.add_effort(effort);
            }
            self.add_traffic(traffic);
            largest = largest_field(store, branches, comm);
        }
        spread_fields(store, branches, field::floor(largest), owners, comm);
    }

    fn find_forces(
        &mut self,
        bodies: &mut Particles,
        from_level: u8,
        planted: &mut Planted,
        acceptance: Acceptance,
        owners: Owners<'_>,
        comm: &dyn Communicator,
    ) {
        let Planted { store, branches, .. } = planted;
        let Particles { position, acceleration, potential, mass, level, .. } = bodies;
        let terms = self.terms(sources(position, mass), level, from_level, acceptance, true);
        let outputs = outputs(branches, acceleration, potential);
        let mut tasks: Vec<Task<Output>> =
            branches.iter().zip(outputs).map(|(branch, leaves)| Task::new(branch, leaves)).collect();
        let traffic = evaluation::run(&terms, store, &mut tasks, owners, comm);
        self.work.clear();
        for task in &tasks {
            let count = task.branch.bodies.len();
            let seconds = task.effort.near_s + task.effort.far_s;
            self.work.extend(std::iter::repeat_n((1e9 * seconds / count as f64) as f32, count));
        }
        let efforts: Vec<Effort> = tasks.iter().map(|task| task.effort).collect();
        efforts.into_iter().for_each(|effort| self.add_effort(effort));
        self.add_traffic(traffic);
    }

    fn terms<'a>(
        &self,
        bodies: Sources<'a>,
        level: &'a [u8],
        from_level: u8,
        acceptance: Acceptance,
        needs_bodies: bool,
    ) -> Terms<'a> {
        Terms {
            bodies,
            level,
            from_level,
            acceptance,
            kernel: self.kernel,
            near: self.near,
            instructions: self.instructions,
            constant: self.gravity.constant,
            needs_bodies,
            most_left: self.tuning.most_left,
            sharing: self.sharing,
        }
    }

    fn add_effort(&mut self, effort: Effort) {
        let threads = rayon::current_num_threads() as f64;
        self.costs.pairs += effort.pairs;
        self.costs.cell_pairs += effort.cell_pairs;
        self.costs.far_s += effort.far_s / threads;
        self.costs.near_s += effort.near_s / threads;
    }

    fn add_traffic(&mut self, traffic: Traffic) {
        self.costs.exchange_s += traffic.seconds;
        self.costs.messages += traffic.messages;
        self.costs.bytes += traffic.bytes;
    }
}

fn sources<'a>(position: &'a [Vec<f64>; 3], mass: &'a [f64]) -> Sources<'a> {
    Sources { position: [0, 1, 2].map(|axis| position[axis].as_slice()), mass }
}

/// The roots of the branches of every rank.
fn owners(domain: &Domain) -> Vec<Vec<u32>> {
    let of = |pair: &[usize]| domain.crown.branches[pair[0]..pair[1]].iter().map(|&node| node as u32).collect();
    domain.borders.windows(2).map(of).collect()
}

/// The largest field of a leaf of any rank. Collective.
fn largest_field(store: &Store, branches: &[Branch], comm: &dyn Communicator) -> f64 {
    let leaves = own_cells(branches).map(|place| &store.cells[place]).filter(|cell| cell.is_leaf());
    let mut largest = [leaves.map(|cell| cell.field).filter(|field| field.is_finite()).fold(0.0, f64::max)];
    comm.all_reduce(ReduceOp::Max, &mut largest);
    largest[0]
}

/// Cells of this rank, children before parents.
fn own_cells(branches: &[Branch]) -> impl Iterator<Item = usize> + '_ {
    branches.iter().flat_map(|branch| branch.cells.clone().rev().chain([branch.root()]))
}

/// Gives every cell of this rank and of the crown the smallest field of its leaves, but at least `floor`. Collective.
fn spread_fields(store: &mut Store, branches: &[Branch], floor: f64, owners: Owners<'_>, comm: &dyn Communicator) {
    store.spread_fields(own_cells(branches), floor);
    let roots: Vec<usize> = owners.iter().flatten().map(|&node| node as usize).collect();
    let mut fields = vec![f64::INFINITY; roots.len()];
    for (root, field) in roots.iter().zip(&mut fields).filter(|(root, _)| store.is_complete(**root as u32)) {
        *field = store.cells[*root].field;
    }
    comm.all_reduce(ReduceOp::Min, &mut fields);
    roots.iter().zip(fields).for_each(|(&root, field)| store.cells[root].field = field);
    let mut is_root = vec![false; store.own.start];
    roots.iter().for_each(|&root| is_root[root] = true);
    store.spread_fields((0..is_root.len()).rev().filter(|&node| !is_root[node]), floor);
}

/// The arrays cut at the borders of branches.
fn outputs<'a>(branches: &[Branch], acceleration: &'a mut [Vec<f64>; 3], potential: &'a mut [f64]) -> Vec<Output<'a>> {
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

#[cfg(test)]
#[path = "samples_tests.rs"]
mod samples;

#[cfg(test)]
#[path = "accuracy_tests.rs"]
mod accuracy;

#[cfg(test)]
#[path = "shapes_tests.rs"]
mod shapes;
