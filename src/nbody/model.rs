//! An N-body problem on one rank: the bodies, what computes their forces and what moves them.
//!
//! [`NBodyModel::advance`] is the algorithm: the time integrator moves the bodies and asks for forces. The hot loop is
//! [`super::gravity`], reached through [`super::direct`] or [`super::fmm`].

use super::direct::DirectSum;
use super::fmm::Fmm;
use super::force::{ForceCosts, Forces};
use super::integrate::{StepCounts, TimeIntegrator, integrator};
use super::problem::{Gravity, Integrator, Method, NBodyProblem};
use super::relay::Relay;
use super::sampled_error::{SampledError, sampled_error};
use crate::comm::{Communicator, ReduceOp};
use crate::cpu::CpuPath;
use crate::error::Result;
use crate::parallel::Sharing;
use crate::particles::Particles;
use crate::timing::trace::{self, Kind};
use crate::timing::{Phase, Timers};
use std::time::Instant;

/// Bodies whose forces are compared with the direct sum.
const SAMPLES: usize = 1000;

/// Bytes that a rank takes for each of its bodies: the body, its place in the order of the tree, keys, work space.
const OWN_BYTES: u64 = 250;
/// Bytes that a rank takes for each body of the job where a scheme copies all bodies to every rank.
const COPY_BYTES: u64 = 600;

/// Bytes of a body as the direct sum passes it on: place and mass.
pub const SOURCE_BYTES: u64 = 32;

/// Bytes that one of so many ranks, with `own` of `all` bodies, will take.
pub fn memory_bytes(problem: &NBodyProblem, own: u64, all: u64, ranks: usize) -> u64 {
    let copied = matches!(problem.integrator, Integrator::Hermite4 | Integrator::GaussRadau15);
    let others = match problem.gravity.method {
        _ if copied => COPY_BYTES * all,
        Method::Direct if ranks > 1 => SOURCE_BYTES * all.div_ceil(ranks as u64) * Relay::new(ranks, 0).depth() as u64,
        _ => 0,
    };
    OWN_BYTES * own + others
}

/// A state of bodies, and what advances it.
pub struct NBodyModel<'c> {
    comm: &'c dyn Communicator,
    gravity: Gravity,
    bodies: Particles,
    /// Bodies of all ranks.
    total: u64,
    forces: Box<dyn Forces>,
    integrator: Box<dyn TimeIntegrator>,
    /// Seconds of phases other than forces.
    pub timers: Timers,
}

impl<'c> NBodyModel<'c> {
    /// Computes the first forces. `bodies` are this rank's block of the order of ids. Collective.
    ///
    /// # Errors
    /// Exit code 4 if a force is not finite.
    pub fn new(
        problem: &NBodyProblem,
        bodies: Particles,
        comm: &'c dyn Communicator,
        path: CpuPath,
    ) -> Result<NBodyModel<'c>> {
        let mut model = NBodyModel::without_forces(problem, bodies, comm, path);
        model.forces.evaluate(&mut model.bodies, 0, comm)?;
        Ok(model)
    }

    /// Goes on from a state: bodies with their accelerations and potentials, this rank's block of the order of ids, and the
    /// memory of the time integrator, equal on all ranks. Accelerations are part of the state: the multipole method holds errors
    /// against those of the last evaluation.
    ///
    /// # Errors
    /// Exit code 2 if the memory is not one of this integrator.
    pub fn restored(
        problem: &NBodyProblem,
        bodies: Particles,
        memory: &[u8],
        comm: &'c dyn Communicator,
        path: CpuPath,
    ) -> Result<NBodyModel<'c>> {
        let mut model = NBodyModel::without_forces(problem, bodies, comm, path);
        model.integrator.restore(memory)?;
        Ok(model)
    }

    fn without_forces(
        problem: &NBodyProblem,
        bodies: Particles,
        comm: &'c dyn Communicator,
        path: CpuPath,
    ) -> NBodyModel<'c> {
        let gravity = problem.gravity;
        let forces: Box<dyn Forces> = match gravity.method {
            Method::Direct => Box::new(DirectSum::new(&gravity, path)),
            Method::Fmm => Box::new(Fmm::new(&gravity, path)),
        };
        let integrator = integrator(problem.integrator, problem.substeps, &gravity, path);
        let mut total = [bodies.len() as i64];
        comm.all_sum(&mut total);
        let total = total[0] as u64;
        NBodyModel { comm, gravity, bodies, total, forces, integrator, timers: Timers::default() }
    }

    /// What the time integrator remembers besides the bodies, equal on all ranks.
    pub fn integrator_memory(&self) -> Vec<u8> {
        self.integrator.state()
    }

    /// Bodies of all ranks.
    pub fn total_bodies(&self) -> u64 {
        self.total
    }

    /// The ranks.
    pub fn comm(&self) -> &'c dyn Communicator {
        self.comm
    }

    /// Who does which piece of the work, from here on. No bit depends on it.
    pub fn set_sharing(&mut self, sharing: Sharing) {
        self.forces.set_sharing(sharing);
        self.integrator.set_sharing(sharing);
    }

    /// Advances all bodies by `dt`. Collective.
    ///
    /// # Errors
    /// Exit code 4 if a force is not finite or a step cannot be made small enough.
    pub fn advance(&mut self, dt: f64) -> Result<()> {
        let (start, before) = (Instant::now(), self.forces.costs().seconds());
        self.integrator.advance(&mut self.bodies, &mut *self.forces, dt, self.comm)?;
        let forces = self.forces.costs().seconds() - before;
        self.timers.count(Phase::Integration, (start.elapsed().as_secs_f64() - forces).max(0.0));
        // The whole of it: what forces take lies in it.
        trace::record_since(Kind::Phase(Phase::Integration), start, 0);
        Ok(())
    }

    /// Makes a coordinate of one body of this rank not a number, for tests of what happens then.
    #[cfg(debug_assertions)]
    pub fn spoil(&mut self) {
        if let Some(x) = self.bodies.position[0].first_mut() {
            *x = f64::NAN;
        }
    }

    /// Flips a bit of a coordinate, likewise.
    #[cfg(debug_assertions)]
    pub fn flip(&mut self) {
        if let Some(x) = self.bodies.position[0].first_mut() {
            *x = f64::from_bits(x.to_bits() ^ (1 << 30));
        }
    }

    /// The bodies of this rank, in no particular order.
    pub fn bodies(&self) -> &Particles {
        &self.bodies
    }

    /// Seconds per phase so far, those of forces included.
    pub fn all_timers(&self) -> Timers {
        let (mut timers, costs) = (self.timers.clone(), self.forces.costs());
        timers.count(Phase::Build, costs.build_s);
        timers.count(Phase::Upward, costs.upward_s);
        timers.count(Phase::Exchange, costs.exchange_s);
        timers.count(Phase::Far, costs.far_s);
        timers.count(Phase::Near, costs.near_s);
        timers
    }

    /// Pairs of bodies and pairs of cells so far, of all ranks. Collective.
    pub fn work(&self) -> [u64; 2] {
        let costs = self.forces.costs();
        let mut sums = [costs.pairs as i64, costs.cell_pairs as i64];
        self.comm.all_sum(&mut sums);
        [sums[0] as u64 + self.integrator.counts().pairs, sums[1] as u64]
    }

    /// What forces have cost so far on this rank.
    pub fn costs(&self) -> ForceCosts {
        self.forces.costs()
    }

    /// What the time integrator has done so far.
    pub fn steps(&self) -> StepCounts {
        self.integrator.counts()
    }

    /// Smallest sqrt(eps / |a|) of all bodies: the time in which a body is accelerated over the softening length. Infinite without
    /// softening or without forces. Collective.
    pub fn shortest_free_fall(&self) -> f64 {
        let eps = self.gravity.softening.length();
        let squared = |n: usize| self.bodies.acceleration_of(n).iter().map(|a| a * a).sum::<f64>();
        let fastest = (0..self.bodies.len()).map(squared).fold(0.0, f64::max).sqrt();
        let mut shortest = [if eps > 0.0 { (eps / fastest).sqrt() } else { f64::INFINITY }];
        self.comm.all_reduce(ReduceOp::Min, &mut shortest);
        shortest[0]
    }

    /// Error of the last forces against the direct sum, for a sample of bodies; `None` if they are the direct sum. Collective.
    pub fn sampled_error(&self) -> Option<SampledError> {
        let approximate = self.gravity.method == Method::Fmm;
        approximate.then(|| sampled_error(&self.bodies, &self.gravity, SAMPLES, self.comm))
    }
}
