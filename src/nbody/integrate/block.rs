//! Leapfrog with a step of its own for every body: hierarchical kick-drift-kick (Springel 2005, section 4.1).
//!
//! The step of a body is that of the run divided by 2^level. All bodies drift together, by the shortest step in use; a body is
//! kicked only where a step of its own begins or ends, and forces are evaluated only for those whose step ends. Time inside the
//! run's step is counted in integer ticks, so steps meet exactly, and at its end all do.
//!
//! # Choice of levels
//! At the beginning of the run's step every body takes the level that its acceleration asks for; since all steps meet there,
//! nothing restricts the choice, and nothing need be kept from before. Later a body may go deeper whenever a step of its own
//! ends, but higher by one level only where a step of the larger size may begin. The level lives in [`Particles::level`], because
//! a force evaluation may move bodies. Refused: a choice that is symmetric in time, which needs iterations over evaluations.

use super::criterion::{FallCriterion, TICKS, agreed_deepest, next_level, smallest_level_at, ticks};
use super::leapfrog::expect_no_state;
use super::motion::{drift, fraction, kick_levels};
use super::{StepCounts, TimeIntegrator};
use crate::comm::Communicator;
use crate::error::Result;
use crate::nbody::force::Forces;
use crate::particles::Particles;

/// Kick-drift-kick with individual steps.
#[derive(Clone, Debug)]
pub struct BlockLeapfrog {
    criterion: FallCriterion,
    counts: StepCounts,
    /// Steps of single bodies on this rank that are not yet in the counts.
    own_body_steps: i64,
}

impl BlockLeapfrog {
    /// With steps of at most eta sqrt(eps / |a|).
    pub fn new(eta: f64, eps: f64) -> BlockLeapfrog {
        BlockLeapfrog { criterion: FallCriterion { eta, eps }, counts: StepCounts::default(), own_body_steps: 0 }
    }

    fn choose_levels(&self, bodies: &mut Particles, dt: f64) {
        for body in 0..bodies.len() {
            bodies.level[body] = self.criterion.level(bodies, body, dt);
        }
    }

    fn change_levels(&self, bodies: &mut Particles, tick: u64, dt: f64) {
        let active = smallest_level_at(tick);
        for body in 0..bodies.len() {
            let level = bodies.level[body];
            if level >= active {
                bodies.level[body] = next_level(level, self.criterion.level(bodies, body, dt), tick);
            }
        }
    }

    /// Moves all to the next tick at which a step ends, and kicks the bodies of which it does.
    fn step(
        &mut self,
        bodies: &mut Particles,
        forces: &mut dyn Forces,
        at: &Moment,
        comm: &dyn Communicator,
    ) -> Result<()> {
        drift(bodies, fraction(at.dt, at.deepest));
        let active = smallest_level_at(at.tick + ticks(at.deepest));
        forces.evaluate(bodies, active, comm)?;
        kick_levels(bodies, active, 0.5 * at.dt);
        self.counts.evaluations += 1;
        self.counts.substeps += 1;
        self.own_body_steps += bodies.level.iter().filter(|&&level| level >= active).count() as i64;
        Ok(())
    }
}

/// Where in the run's step the bodies are.
struct Moment {
    /// The run's step.
    dt: f64,
    tick: u64,
    deepest: u8,
}

impl TimeIntegrator for BlockLeapfrog {
    fn advance(
        &mut self,
        bodies: &mut Particles,
        forces: &mut dyn Forces,
        dt: f64,
        comm: &dyn Communicator,
    ) -> Result<()> {
        self.choose_levels(bodies, dt);
        let mut at = Moment { dt, tick: 0, deepest: 0 };
        while at.tick < TICKS {
            at.deepest = agreed_deepest(bodies, bodies.level.iter().copied(), dt, comm)?;
            self.counts.deepest_level = self.counts.deepest_level.max(at.deepest);
            kick_levels(bodies, smallest_level_at(at.tick), 0.5 * dt);
            self.step(bodies, forces, &at, comm)?;
            at.tick += ticks(at.deepest);
            if at.tick < TICKS {
                self.change_levels(bodies, at.tick, dt);
            }
        }
        let mut body_steps = [std::mem::take(&mut self.own_body_steps)];
        comm.all_sum(&mut body_steps);
        self.counts.body_steps += body_steps[0] as u64;
        Ok(())
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
