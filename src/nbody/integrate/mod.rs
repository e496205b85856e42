//! Schemes that advance bodies in time.
//!
//! | scheme | module | order | forces from | steps |
//! |---|---|---|---|---|
//! | kick-drift-kick | [`leapfrog`] | 2 | [`Forces`] | the run's, or a power of two of it for all |
//! | composition of three | [`yoshida`] | 4 | [`Forces`] | likewise |
//! | hierarchical kick-drift-kick | [`block`] | 2 | [`Forces`] | a power of two for every body |
//! | Hermite | [`hermite`] | 4 | [`super::jerk`] | likewise |
//! | Gauss-Radau | [`gauss_radau`] | 15 | [`super::jerk`] | adaptive, one for all |
//!
//! The first three work on the bodies of a rank where they lie, and know nothing of how forces are found. The last two need the
//! jerk, or many accelerations of few bodies, and hold all bodies on every rank ([`replica`]).
//!
//! All of them take the run's step as a whole ([`TimeIntegrator::advance`]): at its end all bodies are at one time, so outputs and
//! checkpoints need not know what happens inside. No sum over bodies is taken here, and what is agreed between ranks are exact
//! maxima, so no shape of ranks and threads can show.

pub mod block;
pub mod criterion;
pub mod gauss_radau;
pub mod hermite;
pub mod leapfrog;
pub mod motion;
pub mod replica;
pub mod yoshida;

mod compensated;
mod hermite_body;
mod radau_memory;
mod radau_series;

#[cfg(test)]
mod fixtures_tests;
#[cfg(test)]
mod problems_tests;
#[cfg(test)]
mod schemes_tests;
#[cfg(test)]
mod shapes_tests;

use super::force::Forces;
use super::problem::{Gravity, Integrator, Substeps};
use crate::comm::Communicator;
use crate::cpu::CpuPath;
use crate::error::Result;
use crate::parallel::Sharing;
use crate::particles::Particles;

/// A scheme that advances all bodies.
pub trait TimeIntegrator {
    /// Advances all bodies by `dt > 0`, the step of the run. Accelerations in `bodies` are valid (evaluated at the current
    /// positions) on entry and on exit. Collective.
    ///
    /// # Errors
    /// Exit code 4 if a force is not finite, or if a body needs a step too short to be taken, naming its id; the same on all
    /// ranks.
    fn advance(
        &mut self,
        bodies: &mut Particles,
        forces: &mut dyn Forces,
        dt: f64,
        comm: &dyn Communicator,
    ) -> Result<()>;

    /// What a checkpoint must keep besides the bodies, so that a restart gives the same bits; empty if nothing. The same bytes
    /// on every rank, whatever their number.
    fn state(&self) -> Vec<u8>;

    /// Takes up a [`TimeIntegrator::state`].
    ///
    /// # Errors
    /// Exit code 2 if the bytes are not a state of this scheme. That they belong to the bodies is checked by the next step.
    fn restore(&mut self, state: &[u8]) -> Result<()>;

    /// What the steps so far have taken, equal on all ranks.
    fn counts(&self) -> StepCounts;

    /// Who does which piece of the work that the scheme itself has, from here on; most leave all of it to [`Forces`].
    fn set_sharing(&mut self, _sharing: Sharing) {}
}

/// What steps have taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepCounts {
    /// Steps inside the steps of the run: of the whole set under shared steps, events at which some bodies are advanced under
    /// individual ones.
    pub substeps: u64,
    /// Single bodies advanced by one step, under individual steps.
    pub body_steps: u64,
    /// Evaluations of accelerations of some or all bodies, whether by [`Forces`] or by the scheme itself.
    pub evaluations: u64,
    /// Pairs in the evaluations of the scheme itself, over all ranks; those of [`Forces`] are in its own costs.
    pub pairs: u64,
    /// Largest level that any body has had: its step was that of the run divided by 2^level.
    pub deepest_level: u8,
    /// Adaptive steps that were taken back.
    pub rejected: u64,
}

/// The scheme for a problem.
///
/// Combinations that no scheme can serve are refused where decks are validated; here Yoshida's composition takes block steps as
/// global ones, and the Gauss-Radau scheme, which chooses its own steps, ignores `substeps`.
pub fn integrator(kind: Integrator, substeps: Substeps, gravity: &Gravity, path: CpuPath) -> Box<dyn TimeIntegrator> {
    let eps = gravity.softening.length();
    match (kind, substeps) {
        (Integrator::Leapfrog, Substeps::Block { eta }) => Box::new(block::BlockLeapfrog::new(eta, eps)),
        (Integrator::Leapfrog, _) => Box::new(leapfrog::Leapfrog::new(substeps, eps)),
        (Integrator::Yoshida4, _) => Box::new(yoshida::Yoshida::new(substeps, eps)),
        (Integrator::Hermite4, _) => Box::new(hermite::Hermite::new(substeps, gravity, path)),
        (Integrator::GaussRadau15, _) => Box::new(gauss_radau::GaussRadau::new(gravity, path)),
    }
}
