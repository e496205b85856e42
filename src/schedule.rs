//! When things happen: counted steps and simulated time.
//!
//! Both count from the start (`step * dt`, `step % every`) and never add up, so that a run of a million steps neither drifts
//! nor fires an output twice, and a restart needs no memory of the past.

use crate::error::{Error, Result};
use crate::run_config::{TimePlan, TimeStep, Until};

/// Fires at every multiple of `every` steps; never if 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Steps between two firings.
    pub every: u64,
}

impl Schedule {
    /// Whether it fires after `step` steps (0: before the first).
    pub fn due(&self, step: u64) -> bool {
        self.every != 0 && step.is_multiple_of(self.every)
    }
}

/// The time axis of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clock {
    /// Seconds of a step; the last one may be shorter.
    pub dt: f64,
    /// Steps of the run.
    pub steps: u64,
    /// Simulated time at the end of the last step, in seconds.
    pub end: f64,
}

impl Clock {
    /// The time axis for a plan and the largest stable step of the discretisation (seconds).
    ///
    /// An automatic step that has an end to meet is shortened so that all steps are equal; a given one is kept, and the last
    /// step shortened.
    ///
    /// # Errors
    /// If the given step is above the limit and the plan does not allow it.
    pub fn new(plan: &TimePlan, max_stable_dt: f64) -> Result<Clock> {
        match (plan.dt, plan.until) {
            (TimeStep::Auto { safety }, Until::Steps(steps)) => Ok(Clock::of_steps(safety * max_stable_dt, steps)),
            (TimeStep::Auto { safety }, Until::End(end)) => {
                let steps = (end / (safety * max_stable_dt)).ceil().max(1.0);
                Ok(Clock { dt: end / steps, steps: steps as u64, end })
            }
            (TimeStep::Fixed(dt), _) if dt > max_stable_dt && !plan.allow_unstable => Err(too_large(dt, max_stable_dt)),
            (TimeStep::Fixed(dt), Until::Steps(steps)) => Ok(Clock::of_steps(dt, steps)),
            (TimeStep::Fixed(dt), Until::End(end)) => {
                // A quotient that is a whole number but for rounding is that number.
                let steps = (end / dt * (1.0 - 1e-12)).ceil().max(1.0);
                Ok(Clock { dt, steps: steps as u64, end })
            }
        }
    }

    fn of_steps(dt: f64, steps: u64) -> Clock {
        Clock { dt, steps, end: dt * steps as f64 }
    }

    /// Simulated seconds after `step` steps.
    pub fn time(&self, step: u64) -> f64 {
        if step >= self.steps { self.end } else { step as f64 * self.dt }
    }

    /// Seconds of the step that starts after `step` steps.
    pub fn dt_of(&self, step: u64) -> f64 {
        let regular = step + 1 < self.steps || self.dt * self.steps as f64 == self.end;
        if regular { self.dt } else { self.end - self.time(step) }
    }
}

fn too_large(dt: f64, limit: f64) -> Error {
    Error::key(
        "time.dt",
        format!("{dt:e} s is above the stability limit {limit:.6e} s of forward Euler on this grid"),
        format!("use at most {:.3e}, or dt = \"auto\" (allow_unstable = true goes on all the same)", 0.99 * limit),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(dt: TimeStep, until: Until) -> TimePlan {
        TimePlan { dt, until, allow_unstable: false }
    }

    #[test]
    fn automatic_steps_are_equal_and_meet_the_end() {
        let clock = Clock::new(&plan(TimeStep::Auto { safety: 0.9 }, Until::End(1.0)), 0.35).unwrap();
        assert_eq!((clock.steps, clock.dt, clock.end), (4, 0.25, 1.0));
        assert_eq!(clock.dt_of(3), 0.25);
    }

    #[test]
    fn a_given_step_is_kept_and_the_last_one_shortened() {
        let clock = Clock::new(&plan(TimeStep::Fixed(0.3), Until::End(1.0)), 0.35).unwrap();
        assert_eq!((clock.steps, clock.dt_of(0)), (4, 0.3));
        assert!((clock.dt_of(3) - 0.1).abs() < 1e-15);
        assert_eq!(clock.time(4), 1.0);
    }

    #[test]
    fn a_whole_number_of_steps_is_not_one_too_many() {
        let clock = Clock::new(&plan(TimeStep::Fixed(0.1), Until::End(0.3)), 1.0).unwrap();
        assert_eq!(clock.steps, 3);
    }

    #[test]
    fn a_step_above_the_limit_is_refused_unless_allowed() {
        let mut plan = plan(TimeStep::Fixed(0.4), Until::Steps(3));
        let error = Clock::new(&plan, 0.35).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("3.5"), "{error}");
        plan.allow_unstable = true;
        assert!(Clock::new(&plan, 0.35).is_ok());
    }

    #[test]
    fn schedule_counts_steps() {
        let every = Schedule { every: 5 };
        assert_eq!((0..12).filter(|&s| every.due(s)).collect::<Vec<_>>(), [0, 5, 10]);
        assert!(!Schedule { every: 0 }.due(0));
    }
}
