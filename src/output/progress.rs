//! Progress on standard error: a bar on a terminal, a plain line every few seconds elsewhere. Rank 0 only.

use crate::console;
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Seconds between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Between two redraws of the bar.
const BAR_EVERY: Duration = Duration::from_millis(100);

/// Shows how far a run is.
pub struct Progress {
    shown: Shown,
    started: Instant,
    last: Instant,
    /// Steps that were done before.
    first: u64,
    steps: u64,
    updates_per_step: f64,
    /// What is updated.
    noun: &'static str,
}

enum Shown {
    Bar(ProgressBar),
    Lines,
    Nothing,
}

impl Progress {
    /// For a run of so many steps and updates per step of a `noun`. `visible`: this is rank 0 and nobody asked for quiet.
    pub fn new(steps: u64, updates: (f64, &'static str), visible: bool) -> Progress {
        Progress::after(0, steps, updates, visible)
    }

    /// As [`Progress::new`], for a run that goes on after `first` steps.
    pub fn after(first: u64, steps: u64, (updates_per_step, noun): (f64, &'static str), visible: bool) -> Progress {
        let shown = match (visible, std::io::stderr().is_terminal()) {
            (false, _) => Shown::Nothing,
            (true, false) => Shown::Lines,
            (true, true) => Shown::Bar(bar(steps)),
        };
        Progress { shown, started: Instant::now(), last: Instant::now(), first, steps, updates_per_step, noun }
    }

    /// Called after every step; draws only when it is time.
    pub fn update(&mut self, step: u64) {
        let now = Instant::now();
        match &self.shown {
            Shown::Bar(bar) if now - self.last >= BAR_EVERY => {
                bar.set_position(step);
                bar.set_message(self.rates(step, now));
                self.last = now;
            }
            Shown::Lines if now - self.last >= LINE_EVERY => {
                console::message(&format!(
                    "step {step} of {}: {}, {} left",
                    self.steps,
                    self.rates(step, now),
                    self.left(step, now)
                ));
                self.last = now;
            }
            _ => {}
        }
    }

    fn rates(&self, step: u64, now: Instant) -> String {
        let per_second = (step - self.first) as f64 / (now - self.started).as_secs_f64().max(1e-9);
        let millions = per_second * self.updates_per_step / 1e6;
        format!("{per_second:.1} steps/s, {millions:.1} M {} updates/s", self.noun)
    }

    fn left(&self, step: u64, now: Instant) -> HumanDuration {
        let per_step = (now - self.started).as_secs_f64() / (step - self.first).max(1) as f64;
        HumanDuration(Duration::from_secs_f64(per_step * self.steps.saturating_sub(step) as f64))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

fn bar(steps: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:32} {pos}/{len} steps  {msg}  {eta} left");
    ProgressBar::new(steps).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
