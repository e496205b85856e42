//! The report of a run: `report.json` for programs, a page of words for the terminal, from the same figures.
//!
//! What every run has stands in [`Figures`]; what only one physics has comes from a [`Chapter`] of it ([`heat`], [`nbody`]).

pub mod heat;
mod json;
pub mod loops;
pub mod nbody;
pub mod replay;
mod summary;

pub use json::{failure, json, stopped};
pub use summary::summary;

use crate::checkpoint::keeper::{Cause, Record};
use crate::comm::Communicator;
use crate::host;
use crate::interrupt;
use crate::runtime::RankSetup;
use crate::schedule::Clock;
use crate::timing::{Phase, Timers};
use serde_json::{Map, Value};

/// A figure that differs from rank to rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Over ranks.
    pub min: f64,
    /// Over ranks.
    pub mean: f64,
    /// Over ranks.
    pub max: f64,
}

/// What the report of every run says, on rank 0.
#[derive(Clone, Debug)]
pub struct Figures<'a> {
    /// Title of the deck.
    pub title: &'a str,
    /// The job.
    pub setup: &'a RankSetup,
    /// Name of the CPU path.
    pub cpu_path: &'static str,
    /// The time axis.
    pub clock: Clock,
    /// Columns of the diagnostics of the final state.
    pub diagnostics: Map<String, Value>,
    /// Of the final state.
    pub digest: String,
    /// Seconds from the start of the process to the report.
    pub wall_s: f64,
    /// Seconds from the start of the process to the first step.
    pub setup_s: f64,
    /// Seconds in steps, the slowest rank.
    pub loop_s: f64,
    /// Steps of this part of the run: all of them, unless it has gone on from a checkpoint.
    pub steps_done: u64,
    /// Checkpoints.
    pub kept: Kept,
    /// Seconds and bytes of all outputs.
    pub output: (f64, u64),
    /// Seconds of each phase of the physics.
    pub phases: Vec<(Phase, Spread)>,
    /// What each rank has used and sent.
    pub ranks: Vec<RankFigures>,
    /// What each rank did in the loop.
    pub loops: loops::Loops,
}

/// What the run has gone on from, and what it has kept.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The checkpoint that it has gone on from.
    pub restart: Option<Restart>,
    /// The checkpoints that it has written.
    pub record: Record,
}

/// The checkpoint that a run has gone on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restart {
    /// Its path.
    pub from: String,
    /// Its step.
    pub step: u64,
    /// Newer ones that could not be used, with the reasons.
    pub skipped: Vec<String>,
}

/// A run that was ended before its last step.
#[derive(Clone, Debug)]
pub struct Stopped<'a> {
    /// Name of the physics.
    pub physics: &'static str,
    /// Title of the deck.
    pub title: &'a str,
    /// Steps done.
    pub step: u64,
    /// Steps of the whole run.
    pub steps: u64,
    /// Simulated time.
    pub time: f64,
    /// Checkpoints.
    pub kept: &'a Kept,
}

impl<'a> Stopped<'a> {
    /// A run on this clock, ended after `step` steps.
    pub fn new(physics: &'static str, title: &'a str, step: u64, clock: &Clock, kept: &'a Kept) -> Stopped<'a> {
        Stopped { physics, title, step, steps: clock.steps, time: clock.time(step), kept }
    }

    /// Why, in words.
    pub fn cause(&self) -> String {
        match self.kept.record.cause {
            Some(Cause::Signal(signal)) => interrupt::name(signal),
            Some(Cause::TimeLimit) | None => "the time limit".to_owned(),
        }
    }
}

/// What only one physics has to say.
pub trait Chapter {
    /// Name of the physics.
    fn physics(&self) -> &'static str;
    /// Keys of `report.json` besides those of [`Figures`]; `unknowns`, `dt` and `updates_per_s` are among them.
    fn keys(&self, figures: &Figures<'_>) -> Map<String, Value>;
    /// Name of the kernel or method, for `build.kernel`.
    fn kernel(&self) -> String;
    /// First lines of the summary: size and steps.
    fn size(&self, figures: &Figures<'_>) -> Vec<String>;
    /// Lines of the summary about the final state.
    fn state(&self, figures: &Figures<'_>) -> Vec<String>;
    /// Lines of the summary about speed.
    fn speed(&self, figures: &Figures<'_>) -> Vec<String>;
    /// What this run has checked about itself.
    fn verdicts(&self) -> Vec<Verdict>;
}

/// What one rank has used and sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RankFigures {
    /// Peak resident bytes of its process.
    pub peak_bytes: u64,
    /// Messages sent during steps: halos, or cells and bodies.
    pub messages: u64,
    /// Bytes in them.
    pub bytes: u64,
}

/// Seconds of these phases and what all ranks have used, on rank 0; `traffic` is messages and bytes sent. Collective.
pub fn gather(
    comm: &dyn Communicator,
    timers: &Timers,
    phases: &[Phase],
    traffic: (u64, u64),
) -> (Vec<(Phase, Spread)>, Vec<RankFigures>) {
    let counts = [host::peak_resident_bytes(), traffic.0, traffic.1];
    let seconds = phases.iter().flat_map(|&phase| timers.seconds(phase).to_le_bytes());
    let own: Vec<u8> = counts.into_iter().flat_map(u64::to_le_bytes).chain(seconds).collect();
    let all = comm.gather(0, &own);
    let word = |bytes: &[u8], n: usize| <[u8; 8]>::try_from(&bytes[8 * n..8 * n + 8]).expect("eight bytes");
    let count = |bytes: &[u8], n: usize| u64::from_le_bytes(word(bytes, n));
    let ranks = all.iter().map(|b| RankFigures { peak_bytes: count(b, 0), messages: count(b, 1), bytes: count(b, 2) });
    let spread_of = |p: usize| spread(all.iter().map(|b| f64::from_le_bytes(word(b, counts.len() + p))));
    (phases.iter().enumerate().map(|(p, &phase)| (phase, spread_of(p))).collect(), ranks.collect())
}

fn spread(values: impl Iterator<Item = f64> + Clone) -> Spread {
    let count = values.clone().count().max(1) as f64;
    Spread {
        min: values.clone().fold(f64::INFINITY, f64::min),
        mean: values.clone().sum::<f64>() / count,
        max: values.fold(0.0, f64::max),
    }
}

/// One line of the `validation` part.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What was compared.
    pub what: &'static str,
    /// With what.
    pub against: &'static str,
    /// Magnitude of the difference.
    pub error: f64,
    /// Largest magnitude that passes.
    pub tolerance: f64,
}

impl Verdict {
    /// Whether it passes.
    pub fn pass(&self) -> bool {
        self.error <= self.tolerance
    }

    /// `PASS` or `FAIL`.
    pub fn word(&self) -> &'static str {
        if self.pass() { "PASS" } else { "FAIL" }
    }
}
