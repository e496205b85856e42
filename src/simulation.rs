//! The only time loop: advance the model, let a guard look after it, offer the state to the outputs.

use crate::comm::meter::Meter;
use crate::error::{Error, Result};
use crate::fault;
use crate::heartbeat::{self, Activity};
use crate::heat::HeatModel;
use crate::host;
use crate::nbody::model::NBodyModel;
use crate::schedule::Clock;
use crate::timing::trace::{self, Kind};
use serde_json::Value;
use std::time::Instant;

/// A state that advances in time.
pub trait Model {
    /// Advances the state from `time` by `dt`. Collective.
    ///
    /// # Errors
    /// Ends the run, the same on all ranks.
    fn advance(&mut self, time: f64, dt: f64) -> Result<()>;

    /// Makes a value of this rank not a number, for tests of what happens then.
    #[cfg(debug_assertions)]
    fn spoil(&mut self);

    /// Flips a bit of a value of this rank, likewise.
    #[cfg(debug_assertions)]
    fn flip(&mut self);
}

impl Model for HeatModel<'_> {
    fn advance(&mut self, time: f64, dt: f64) -> Result<()> {
        HeatModel::advance(self, time, dt);
        Ok(())
    }

    #[cfg(debug_assertions)]
    fn spoil(&mut self) {
        let field = self.temperature_mut();
        let cell = field.layout().index([0; 3]);
        field.values_mut()[cell] = f64::NAN;
    }

    #[cfg(debug_assertions)]
    fn flip(&mut self) {
        let field = self.temperature_mut();
        let cell = field.layout().index([0; 3]);
        let value = &mut field.values_mut()[cell];
        // The last bits would be lost in the rounding of the next steps.
        *value = f64::from_bits(value.to_bits() ^ (1 << 30));
    }
}

impl Model for NBodyModel<'_> {
    fn advance(&mut self, _: f64, dt: f64) -> Result<()> {
        NBodyModel::advance(self, dt)
    }

    #[cfg(debug_assertions)]
    fn spoil(&mut self) {
        NBodyModel::spoil(self);
    }

    #[cfg(debug_assertions)]
    fn flip(&mut self) {
        NBodyModel::flip(self);
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

/// What outputs must remember to go on after a restart as if nothing had happened. It counts on rank 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// Numbers and texts; floats as their bits.
    pub notes: Value,
    /// Pictures that wait for the end of the run.
    pub frames: Vec<u8>,
}

/// What looks at the state on its way.
pub trait Observer<M> {
    /// Called with the first state of the loop and after every step. Collective.
    ///
    /// # Errors
    /// Ends the run, the same on all ranks.
    fn observe(&mut self, moment: &mut Moment<'_, M>) -> Result<()>;

    /// What must be remembered of the moments so far; what has been logged is on the disk when this returns. Collective.
    ///
    /// # Errors
    /// Exit code 3, the same on all ranks.
    fn memory(&mut self) -> Result<Memory> {
        Ok(Memory::default())
    }
}

/// What looks after the run between its steps.
pub trait Guard<M> {
    /// Called with every state, before the observer sees it; true ends the run there. Collective, and the same on all ranks.
    ///
    /// # Errors
    /// Ends the run, the same on all ranks.
    fn attend(&mut self, moment: &mut Moment<'_, M>, observer: &mut dyn Observer<M>) -> Result<bool>;
}

/// What the loop cost.
#[derive(Clone, Debug, Default)]
pub struct LoopStatistics {
    /// Seconds in steps, without outputs.
    pub loop_s: f64,
    /// Processor seconds of each thread of this rank from the first step to the end of the loop, outputs among them.
    pub threads_s: Vec<f64>,
    /// Steps done in this loop.
    pub steps: u64,
    /// The guard has ended the run before its last step.
    pub stopped: bool,
}

/// What is measured of the steps, and done to them.
#[derive(Clone, Copy)]
pub struct Probe<'a> {
    /// Counts the communication of steps.
    pub meter: &'a Meter<'a>,
    /// This rank takes so much longer for its own work in each step: 0.5 is half as long again. For teaching and tests.
    pub slowdown: f64,
}

impl Probe<'_> {
    /// Runs a step and returns its seconds.
    fn step(&self, step: impl FnOnce() -> Result<()>) -> Result<f64> {
        let (start, before) = (Instant::now(), self.meter.seconds());
        self.meter.start();
        let outcome = step();
        if self.slowdown > 0.0 {
            let own = start.elapsed().as_secs_f64() - (self.meter.seconds() - before);
            keep_busy(start.elapsed().as_secs_f64() + self.slowdown * own, start);
        }
        self.meter.stop();
        outcome.map(|()| start.elapsed().as_secs_f64())
    }
}

/// Keeps all threads of this rank busy until so many seconds after `start`.
fn keep_busy(seconds: f64, start: Instant) {
    rayon::broadcast(|_| {
        while start.elapsed().as_secs_f64() < seconds {
            std::hint::spin_loop();
        }
    });
}

/// Processor seconds of each thread of this rank so far.
fn thread_seconds() -> Vec<f64> {
    rayon::broadcast(|_| host::thread_seconds())
}

/// Runs a model from its state after `first` steps to the end of the clock, or to where the guard ends it.
///
/// # Errors
/// The first error of the model, the guard or the observer.
pub fn simulate<M: Model>(
    model: &mut M,
    clock: &Clock,
    first: u64,
    observer: &mut dyn Observer<M>,
    guard: &mut dyn Guard<M>,
    probe: Probe<'_>,
) -> Result<LoopStatistics> {
    let mut statistics = LoopStatistics { threads_s: thread_seconds(), ..LoopStatistics::default() };
    for step in first..=clock.steps {
        if step > first {
            heartbeat::enter_step(step);
            statistics.loop_s += probe.step(|| advance(model, clock, step))?;
            statistics.steps += 1;
        }
        let mut moment = Moment { model, step, time: clock.time(step), last: step == clock.steps };
        if guard.attend(&mut moment, observer)? {
            return Ok(LoopStatistics { stopped: true, ..statistics });
        }
        heartbeat::enter(Activity::Output);
        observer.observe(&mut moment)?;
    }
    statistics.threads_s.iter_mut().zip(thread_seconds()).for_each(|(spent, now)| *spent = now - *spent);
    Ok(statistics)
}

fn advance<M: Model>(model: &mut M, clock: &Clock, step: u64) -> Result<()> {
    let begin = Instant::now();
    model.advance(clock.time(step - 1), clock.dt_of(step - 1))?;
    trace::record_since(Kind::Step, begin, step);
    #[cfg(debug_assertions)]
    if fault::spoils() {
        model.spoil();
    }
    #[cfg(debug_assertions)]
    if fault::flips() {
        model.flip();
    }
    fault::failure().map_err(|cause| Error::Io(format!("step {step} failed: {cause}")))
}
