//! Leapfrog: half a kick, a drift, half a kick. Second order, symplectic and time-reversible at a constant step.
//!
//! The acceleration at the end of a step is that at the beginning of the next, so a step costs one evaluation. Steps may be cut:
//! all bodies then take the run's step divided by the power of two that the most strongly accelerated body asks for. The power is
//! chosen at the beginning of each step of the run and kept to its end; changes of step make the scheme neither symplectic nor
//! exactly reversible, which is the price of the choice. Nothing but the bodies is kept from one step to the next.

use super::criterion::FallCriterion;
use super::motion::{drift, fraction, kick};
use super::{StepCounts, TimeIntegrator};
use crate::comm::Communicator;
use crate::error::{Error, Result};
use crate::nbody::force::Forces;
use crate::nbody::problem::Substeps;
use crate::particles::Particles;

/// Kick-drift-kick with one step for all bodies.
#[derive(Clone, Debug)]
pub struct Leapfrog {
    substeps: SharedSubsteps,
    counts: StepCounts,
}

impl Leapfrog {
    /// With this cutting of steps and this softening length.
    pub fn new(substeps: Substeps, eps: f64) -> Leapfrog {
        Leapfrog { substeps: SharedSubsteps::new(substeps, eps), counts: StepCounts::default() }
    }
}

impl TimeIntegrator for Leapfrog {
    fn advance(
        &mut self,
        bodies: &mut Particles,
        forces: &mut dyn Forces,
        dt: f64,
        comm: &dyn Communicator,
    ) -> Result<()> {
        self.substeps.run(bodies, dt, comm, &mut self.counts, |bodies, step, counts| {
            kick_drift_kick(bodies, forces, step, comm, counts)
        })
    }

    fn state(&self) -> Vec<u8> {
        Vec::new()
    }

    fn restore(&mut self, state: &[u8]) -> Result<()> {
        expect_no_state(state)
    }

    fn counts(&self) -> StepCounts {
        self.counts
    }
}

/// One step of all bodies. Collective.
///
/// # Errors
/// Those of the forces.
pub fn kick_drift_kick(
    bodies: &mut Particles,
    forces: &mut dyn Forces,
    step: f64,
    comm: &dyn Communicator,
    counts: &mut StepCounts,
) -> Result<()> {
    kick(bodies, 0.5 * step);
    drift(bodies, step);
    forces.evaluate(bodies, 0, comm)?;
    counts.evaluations += 1;
    kick(bodies, 0.5 * step);
    Ok(())
}

/// The run's step as it is, or cut in equal parts.
#[derive(Clone, Copy, Debug)]
pub struct SharedSubsteps {
    criterion: Option<FallCriterion>,
}

impl SharedSubsteps {
    /// With this cutting of steps and this softening length.
    pub fn new(substeps: Substeps, eps: f64) -> SharedSubsteps {
        let criterion = match substeps {
            Substeps::None => None,
            Substeps::Global { eta } | Substeps::Block { eta } => Some(FallCriterion { eta, eps }),
        };
        SharedSubsteps { criterion }
    }

    /// Calls `step` for each part of `dt`. Collective.
    ///
    /// # Errors
    /// Those of `step`; exit code 4 if the parts would be too short.
    pub fn run(
        &self,
        bodies: &mut Particles,
        dt: f64,
        comm: &dyn Communicator,
        counts: &mut StepCounts,
        mut step: impl FnMut(&mut Particles, f64, &mut StepCounts) -> Result<()>,
    ) -> Result<()> {
        let level = match self.criterion {
            None => 0,
            Some(criterion) => criterion.deepest(bodies, dt, comm)?,
        };
        bodies.level.fill(level);
        counts.deepest_level = counts.deepest_level.max(level);
        for _ in 0..1u64 << level {
            step(bodies, fraction(dt, level), counts)?;
            counts.substeps += 1;
        }
        Ok(())
    }
}

/// For schemes that keep nothing.
///
/// # Errors
/// Exit code 2 if there is a state all the same.
pub fn expect_no_state(state: &[u8]) -> Result<()> {
    if state.is_empty() {
        return Ok(());
    }
    Err(Error::Input(
        "the checkpoint was written by another time integrator: choose the one it was written with".into(),
    ))
}
