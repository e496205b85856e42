//! The only time loop: advance the model, offer the state to the outputs.

use crate::error::Result;
use crate::heat::HeatModel;
use crate::nbody::model::NBodyModel;
use crate::schedule::Clock;
use std::time::Instant;

/// A state that advances in time.
pub trait Model {
    /// Advances the state from `time` by `dt`. Collective.
    ///
    /// # Errors
    /// Ends the run, the same on all ranks.
    fn advance(&mut self, time: f64, dt: f64) -> Result<()>;
}

impl Model for HeatModel<'_> {
    fn advance(&mut self, time: f64, dt: f64) -> Result<()> {
        HeatModel::advance(self, time, dt);
        Ok(())
    }
}

impl Model for NBodyModel<'_> {
    fn advance(&mut self, _: f64, dt: f64) -> Result<()> {
        NBodyModel::advance(self, dt)
    }
}

/// The state after a step, as outputs see it.
pub struct Moment<'a, M> {
    /// The model; outputs may measure but not change it.
    pub model: &'a mut M,
    /// Steps done.
    pub step: u64,
    /// Simulated time.
    pub time: f64,
    /// The final state.
    pub last: bool,
}

/// What looks at the state on its way.
pub trait Observer<M> {
    /// Called with the initial state and after every step. Collective.
    ///
    /// # Errors
    /// Ends the run, the same on all ranks.
    fn observe(&mut self, moment: &mut Moment<'_, M>) -> Result<()>;
}

/// What the loop cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoopStatistics {
    /// Seconds in steps, without outputs.
    pub loop_s: f64,
    /// Steps done.
    pub steps: u64,
}

/// Runs a model from its initial state to the end of the clock.
///
/// # Errors
/// The first error of the model or the observer.
pub fn simulate<M: Model>(model: &mut M, clock: &Clock, observer: &mut dyn Observer<M>) -> Result<LoopStatistics> {
    let mut statistics = LoopStatistics::default();
    observer.observe(&mut Moment { model, step: 0, time: 0.0, last: clock.steps == 0 })?;
    for step in 0..clock.steps {
        let start = Instant::now();
        model.advance(clock.time(step), clock.dt_of(step))?;
        statistics.loop_s += start.elapsed().as_secs_f64();
        statistics.steps += 1;
        let done = step + 1;
        observer.observe(&mut Moment { model, step: done, time: clock.time(done), last: done == clock.steps })?;
    }
    Ok(statistics)
}
