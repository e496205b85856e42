//! Yoshida's composition of three leapfrogs (Yoshida 1990, Phys. Lett. A 150, 262): fourth order, symplectic, time-reversible.
//!
//! The middle leapfrog goes backwards, so that the errors of third order in the step cancel: with w the length of the outer ones
//! and 1 - 2 w that of the middle one, 2 w^3 + (1 - 2 w)^3 = 0. Adjoining kicks are not merged; they cost nothing beside the three
//! evaluations.

use super::leapfrog::{SharedSubsteps, expect_no_state, kick_drift_kick};
use super::{StepCounts, TimeIntegrator};
use crate::comm::Communicator;
use crate::error::Result;
use crate::nbody::force::Forces;
use crate::nbody::problem::Substeps;
use crate::particles::Particles;

/// 1 / (2 - 2^(1/3)).
const OUTER: f64 = 1.351_207_191_959_657_8;

/// Lengths of the three leapfrogs over that of the step.
const PARTS: [f64; 3] = [OUTER, 1.0 - 2.0 * OUTER, OUTER];

/// The fourth-order composition with one step for all bodies.
#[derive(Clone, Debug)]
pub struct Yoshida {
    substeps: SharedSubsteps,
    counts: StepCounts,
}

impl Yoshida {
    /// With this cutting of steps and this softening length.
    pub fn new(substeps: Substeps, eps: f64) -> Yoshida {
        Yoshida { substeps: SharedSubsteps::new(substeps, eps), counts: StepCounts::default() }
    }
}

impl TimeIntegrator for Yoshida {
    fn advance(
        &mut self,
        bodies: &mut Particles,
        forces: &mut dyn Forces,
        dt: f64,
        comm: &dyn Communicator,
    ) -> Result<()> {
        self.substeps.run(bodies, dt, comm, &mut self.counts, |bodies, step, counts| {
            PARTS.iter().try_for_each(|part| kick_drift_kick(bodies, forces, part * step, comm, counts))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_third_order_cancel() {
        // Three cubes of numbers below 2 in magnitude, each rounded once or twice.
        assert!(PARTS.iter().map(|w| w * w * w).sum::<f64>().abs() < 20.0 * f64::EPSILON);
        assert!((PARTS.iter().sum::<f64>() - 1.0).abs() <= f64::EPSILON);
    }
}
