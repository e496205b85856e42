//! The Hermite scheme of fourth order with individual power-of-two steps (Makino & Aarseth 1992): predict, evaluate, correct.
//!
//! All bodies are on every rank. Each block of bodies that are due at a tick is predicted with all others, its accelerations and
//! jerks are summed (shared between ranks where that pays), and it is corrected; the others wait where they are. A body's step is
//! that of the run divided by 2^level, chosen by Aarseth's criterion from the third derivative of the acceleration that the
//! correction yields. With global substeps all take the deepest level that any asks for; without substeps, the run's step.
//!
//! # Between the steps of the run
//! Accelerations and jerks are computed anew, at the corrected places, at the beginning of each step of the run. They are functions
//! of positions and velocities alone, so a restart finds the same bits and a checkpoint need not hold them; and being evaluated
//! after the correction they are better than those at the predicted places. Only the levels are kept as state, one byte for a
//! body: the criterion needs derivatives of which there are none before a step is done.
//!
//! # The first levels
//! The usual rule |a| / |jerk| fails for bodies at rest, whose jerk is 0. Instead a trial step is evaluated and thrown away, to
//! have all derivatives at its beginning; while they ask for a shorter step than the trial's, a shorter trial follows, by a few
//! levels at a time, since what a trial asks for that is far too long means little.

use super::criterion::{DEEPEST, TICKS, level_for, next_level, ticks, too_deep};
use super::hermite_body::{HigherDerivatives, Motion, corrected, predicted};
use super::leapfrog::expect_no_state;
use super::motion::fraction;
use super::replica::{Replica, shared_pulls};
use super::{StepCounts, TimeIntegrator};
use crate::comm::Communicator;
use crate::cpu::CpuPath;
use crate::error::{Error, Result};
use crate::nbody::force::Forces;
use crate::nbody::jerk::{JerkKernel, Pull};
use crate::nbody::problem::{Gravity, Substeps};
use crate::parallel::Sharing;
use crate::particles::Particles;
use rayon::prelude::*;

/// Bodies below which threads are not worth waking for a prediction, and in a chunk.
const CHUNK: usize = 1 << 10;

/// Levels by which a trial step is shortened at a time.
const TRIAL_LEVELS: u8 = 3;

/// Predictor and corrector with steps in powers of two.
#[derive(Clone, Debug)]
pub struct Hermite {
    kernel: JerkKernel,
    substeps: Substeps,
    kept: KeptLevels,
    counts: StepCounts,
}

/// Levels at the end of the last step of the run, in index order; none before the first.
#[derive(Clone, Debug, Default)]
struct KeptLevels {
    dt: f64,
    levels: Vec<u8>,
}

impl Hermite {
    /// With this cutting of steps and this law of force.
    pub fn new(substeps: Substeps, gravity: &Gravity, path: CpuPath) -> Hermite {
        let kernel = JerkKernel::new(gravity, path);
        Hermite { kernel, substeps, kept: KeptLevels::default(), counts: StepCounts::default() }
    }

    /// Moves the set to the end of the run's step.
    fn run(&mut self, set: &mut Set, comm: &dyn Communicator) -> Result<()> {
        let all: Vec<u32> = (0..set.bodies.len() as u32).collect();
        set.pulls = self.evaluate(&set.bodies, &all, comm)?;
        set.levels = self.levels_to_begin(set, &all, comm)?;
        loop {
            self.note_deepest(&set.levels);
            let (tick, due) = set.next_block();
            if due.is_empty() {
                return Ok(());
            }
            set.predict(tick);
            let pulls = self.evaluate(&set.predicted, &due, comm)?;
            self.correct(set, tick, &due, &pulls)?;
            self.counts.substeps += 1;
            self.counts.body_steps += due.len() as u64;
        }
    }

    fn note_deepest(&mut self, levels: &[u8]) {
        let deepest = levels.iter().copied().max().unwrap_or(0);
        self.counts.deepest_level = self.counts.deepest_level.max(deepest);
    }

    fn evaluate(&mut self, bodies: &Replica, targets: &[u32], comm: &dyn Communicator) -> Result<Vec<Pull>> {
        let pulls = shared_pulls(bodies.len(), targets, comm, |targets, pulls| {
            self.kernel.accelerations_and_jerks(bodies.sources(), targets, pulls);
        });
        self.counts.evaluations += 1;
        self.counts.pairs += (targets.len() * bodies.len()) as u64;
        match pulls.iter().position(|pull| !pull.iter().all(|value| value.is_finite())) {
            Some(failed) => Err(bodies.not_finite(targets[failed] as usize)),
            None => Ok(pulls),
        }
    }

    fn levels_to_begin(&mut self, set: &mut Set, all: &[u32], comm: &dyn Communicator) -> Result<Vec<u8>> {
        let count = set.bodies.len();
        let Some(eta) = self.eta() else { return Ok(vec![0; count]) };
        let is_kept = self.kept.dt == set.dt && !self.kept.levels.is_empty();
        if is_kept && self.kept.levels.len() != count {
            let kept = self.kept.levels.len();
            return Err(Error::Input(format!(
                "the checkpoint holds time steps of {kept} bodies, but there are {count}"
            )));
        }
        let mut levels = if is_kept { self.kept.levels.clone() } else { self.first_levels(set, all, eta, comm)? };
        self.share(&mut levels);
        Ok(levels)
    }

    /// Levels from derivatives at the beginning of a trial step.
    fn first_levels(&mut self, set: &mut Set, all: &[u32], eta: f64, comm: &dyn Communicator) -> Result<Vec<u8>> {
        let mut trial = 0;
        loop {
            let h = fraction(set.dt, trial);
            set.predict(ticks(trial));
            let after = self.evaluate(&set.predicted, all, comm)?;
            let wanted = set.pulls.iter().zip(&after).map(|(before, after)| {
                level_for(set.dt, HigherDerivatives::between(before, after, h).wanted_step(before, eta))
            });
            let levels: Vec<u8> = wanted.collect();
            let deepest = levels.iter().copied().max().unwrap_or(0);
            if deepest <= trial {
                return Ok(levels);
            }
            if trial == DEEPEST {
                set.refuse_too_deep(&levels)?;
            }
            trial = deepest.min(trial + TRIAL_LEVELS).min(DEEPEST);
        }
    }

    fn correct(&self, set: &mut Set, tick: u64, due: &[u32], pulls: &[Pull]) -> Result<()> {
        for (&body, after) in due.iter().zip(pulls) {
            let body = body as usize;
            let h = set.elapsed(body, tick);
            let before = set.pulls[body];
            set.place(body, corrected(set.motion(body), &before, after, h));
            if let Some(eta) = self.eta() {
                let higher = HigherDerivatives::between(&before, after, h).later(h);
                let wanted = level_for(set.dt, higher.wanted_step(after, eta));
                set.levels[body] = next_level(set.levels[body], wanted, tick);
            }
            set.pulls[body] = *after;
            set.at[body] = tick;
        }
        set.refuse_too_deep(&set.levels)?;
        self.share(&mut set.levels);
        Ok(())
    }

    /// Under global substeps the deepest level is that of all.
    fn share(&self, levels: &mut [u8]) {
        if let Substeps::Global { .. } = self.substeps {
            let deepest = levels.iter().copied().max().unwrap_or(0);
            levels.fill(deepest);
        }
    }

    fn eta(&self) -> Option<f64> {
        match self.substeps {
            Substeps::None => None,
            Substeps::Global { eta } | Substeps::Block { eta } => Some(eta),
        }
    }
}

impl TimeIntegrator for Hermite {
    fn advance(
        &mut self,
        bodies: &mut Particles,
        forces: &mut dyn Forces,
        dt: f64,
        comm: &dyn Communicator,
    ) -> Result<()> {
        let mut set = Set::new(Replica::gather(bodies, comm)?, dt);
        self.run(&mut set, comm)?;
        set.bodies.put_back(bodies);
        for body in 0..bodies.len() {
            bodies.level[body] = set.levels[bodies.index[body] as usize];
        }
        if self.eta().is_some() {
            self.kept = KeptLevels { dt, levels: set.levels };
        }
        self.counts.evaluations += 1;
        forces.evaluate(bodies, 0, comm)
    }

    fn state(&self) -> Vec<u8> {
        if self.kept.levels.is_empty() {
            return Vec::new();
        }
        let mut bytes = self.kept.dt.to_le_bytes().to_vec();
        bytes.extend_from_slice(&self.kept.levels);
        bytes
    }

    fn restore(&mut self, state: &[u8]) -> Result<()> {
        self.kept = KeptLevels::default();
        let Some((dt, levels)) = state.split_first_chunk::<8>() else { return expect_no_state(state) };
        if self.eta().is_none() || levels.iter().any(|&level| level > DEEPEST) {
            return expect_no_state(state);
        }
        self.kept = KeptLevels { dt: f64::from_le_bytes(*dt), levels: levels.to_vec() };
        Ok(())
    }

    fn set_sharing(&mut self, sharing: Sharing) {
        self.kernel = self.kernel.shared(sharing);
    }

    fn counts(&self) -> StepCounts {
        self.counts
    }
}

/// All bodies inside a step of the run, each at a time of its own.
struct Set {
    /// The run's step.
    dt: f64,
    /// At their own times.
    bodies: Replica,
    /// At the time of the block that is due.
    predicted: Replica,
    /// Tick of each body.
    at: Vec<u64>,
    /// Acceleration and jerk of each body at its own time.
    pulls: Vec<Pull>,
    levels: Vec<u8>,
}

impl Set {
    fn new(bodies: Replica, dt: f64) -> Set {
        let count = bodies.len();
        Set { dt, predicted: bodies.clone(), bodies, at: vec![0; count], pulls: Vec::new(), levels: Vec::new() }
    }

    /// The next tick at which steps end, and the bodies of which they do; none at the end of the run's step.
    fn next_block(&self) -> (u64, Vec<u32>) {
        let ends = |body: usize| self.at[body] + ticks(self.levels[body]);
        let count = self.bodies.len();
        let tick = (0..count).map(ends).min().unwrap_or(TICKS + 1);
        if tick > TICKS {
            return (TICKS, Vec::new());
        }
        (tick, (0..count).filter(|&body| ends(body) == tick).map(|body| body as u32).collect())
    }

    fn elapsed(&self, body: usize, tick: u64) -> f64 {
        (tick - self.at[body]) as f64 * (self.dt / TICKS as f64)
    }

    fn motion(&self, body: usize) -> Motion {
        Motion {
            position: [0, 1, 2].map(|axis| self.bodies.position[axis][body]),
            velocity: [0, 1, 2].map(|axis| self.bodies.velocity[axis][body]),
        }
    }

    fn place(&mut self, body: usize, motion: Motion) {
        for axis in 0..3 {
            self.bodies.position[axis][body] = motion.position[axis];
            self.bodies.velocity[axis][body] = motion.velocity[axis];
        }
    }

    /// Predicts all bodies to a tick.
    fn predict(&mut self, tick: u64) {
        let mut places = std::mem::take(&mut self.predicted);
        let ([x, y, z], [u, v, w]) = (&mut places.position, &mut places.velocity);
        let chunk = |(number, out): (usize, [&mut [f64]; 6])| self.predict_chunk(tick, number * CHUNK, out);
        let chunks = (x.par_chunks_mut(CHUNK), y.par_chunks_mut(CHUNK), z.par_chunks_mut(CHUNK));
        let speeds = (u.par_chunks_mut(CHUNK), v.par_chunks_mut(CHUNK), w.par_chunks_mut(CHUNK));
        let pairs = chunks.into_par_iter().zip(speeds.into_par_iter()).enumerate();
        pairs.for_each(|(number, ((x, y, z), (u, v, w)))| chunk((number, [x, y, z, u, v, w])));
        self.predicted = places;
    }

    fn predict_chunk(&self, tick: u64, start: usize, out: [&mut [f64]; 6]) {
        for n in 0..out[0].len() {
            let body = start + n;
            let motion = predicted(self.motion(body), &self.pulls[body], self.elapsed(body, tick));
            for axis in 0..3 {
                out[axis][n] = motion.position[axis];
                out[3 + axis][n] = motion.velocity[axis];
            }
        }
    }

    fn refuse_too_deep(&self, levels: &[u8]) -> Result<()> {
        match levels.iter().position(|&level| level > DEEPEST) {
            Some(body) => Err(too_deep(self.bodies.id[body], self.dt)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::solo::Solo;
    use crate::nbody::integrate::fixtures_tests::{gravity, pythagorean};
    use crate::nbody::problem::Softening;

    #[test]
    fn first_steps_do_not_depend_on_the_step_of_the_run() {
        let law = gravity(1.0, Softening::None);
        let bodies = Replica::gather(&pythagorean(), &Solo).unwrap();
        let steps = |dt: f64| {
            let mut scheme = Hermite::new(Substeps::Block { eta: 0.01 }, &law, CpuPath::best());
            let mut set = Set::new(bodies.clone(), dt);
            set.pulls = scheme.evaluate(&set.bodies, &[0, 1, 2], &Solo).unwrap();
            let levels = scheme.first_levels(&mut set, &[0, 1, 2], 0.01, &Solo).unwrap();
            levels.into_iter().map(|level| fraction(dt, level)).collect::<Vec<f64>>()
        };
        // Steps of the run that are much too long, and powers of two of each other; the estimates differ by terms of higher order.
        let expected = steps(0.125);
        for dt in [0.5, 2.0, 16.0, 1024.0] {
            for (step, expected) in steps(dt).into_iter().zip(&expected) {
                assert!((0.5..=2.0).contains(&(step / expected)), "{dt} {step} {expected}");
            }
        }
    }
}
