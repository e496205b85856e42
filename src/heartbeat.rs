//! Signs of life of this process, and what it is doing: written by the ranks of the process, read by the watchdog
//! ([`crate::runtime::watchdog`]).
//!
//! A beat is a load and a store of one number, a change of activity one store more. Nothing is locked and nothing measured, so a step
//! of a microsecond does not notice. Ranks that are threads share one pulse: the process hangs when all of them do.
//!
//! Refused: a beat by an atomic addition. It locks a cache line, and a beat that is lost because two came at once is no loss.

use crate::fault;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed};

static BEATS: AtomicU64 = AtomicU64::new(0);
static ACTIVITY: AtomicU8 = AtomicU8::new(0);
static STEP: AtomicU64 = AtomicU64::new(0);
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// What a run is busy with, from its start to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Activity {
    /// Starting MPI and the threads.
    Start,
    /// Reading the deck.
    Deck,
    /// Reading inputs or a checkpoint, building the model, first forces.
    Setup,
    /// A step.
    Step,
    /// Writing a checkpoint.
    Checkpoint,
    /// Diagnostics, snapshots and pictures.
    Output,
    /// The digest of the final state.
    Digest,
    /// The report.
    Report,
    /// Waiting for the verdicts of all ranks.
    End,
}

impl Activity {
    /// All of them, in their order.
    pub const ALL: [Activity; 9] = [
        Activity::Start,
        Activity::Deck,
        Activity::Setup,
        Activity::Step,
        Activity::Checkpoint,
        Activity::Output,
        Activity::Digest,
        Activity::Report,
        Activity::End,
    ];

    /// In one word.
    pub fn key(self) -> &'static str {
        match self {
            Activity::Start => "start",
            Activity::Deck => "deck",
            Activity::Setup => "setup",
            Activity::Step => "step",
            Activity::Checkpoint => "checkpoint",
            Activity::Output => "output",
            Activity::Digest => "digest",
            Activity::Report => "report",
            Activity::End => "end",
        }
    }

    /// In words, `step` being the last one that was begun.
    pub fn words(self, step: u64) -> String {
        match self {
            Activity::Start => "the start of the ranks".to_owned(),
            Activity::Deck => "the reading of the deck".to_owned(),
            Activity::Setup => "the setup (inputs, model, first forces)".to_owned(),
            Activity::Step => format!("step {step}"),
            Activity::Checkpoint => format!("the checkpoint after step {step}"),
            Activity::Output => format!("the outputs after step {step}"),
            Activity::Digest => "the digest".to_owned(),
            Activity::Report => "the report".to_owned(),
            Activity::End => "the end of the run".to_owned(),
        }
    }
}

/// Something has been done.
pub fn beat() {
    BEATS.store(BEATS.load(Relaxed).wrapping_add(1), Relaxed);
}

/// The rank of this thread begins something else. In test builds a fault may strike here ([`crate::fault`]).
pub fn enter(activity: Activity) {
    ACTIVITY.store(activity as u8, Relaxed);
    beat();
    fault::enter(activity, None);
}

/// The rank of this thread begins a step. As [`enter`].
pub fn enter_step(step: u64) {
    STEP.store(step, Relaxed);
    ACTIVITY.store(Activity::Step as u8, Relaxed);
    beat();
    fault::enter(Activity::Step, Some(step));
}

/// Waiting for other ranks, until it is dropped.
#[derive(Debug)]
pub struct Waiting(());

/// The rank of this thread begins to wait for others.
pub fn wait() -> Waiting {
    WAITING.fetch_add(1, Relaxed);
    Waiting(())
}

impl Drop for Waiting {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Relaxed);
        beat();
    }
}

/// What can be seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// Differs from an earlier one if something has been done since.
    pub beats: u64,
    /// What the process is busy with.
    pub activity: Activity,
    /// The last step that was begun.
    pub step: u64,
    /// Ranks of the process that wait for others.
    pub waiting: usize,
}

/// The pulse of this process.
pub fn pulse() -> Pulse {
    Pulse {
        beats: BEATS.load(Relaxed),
        activity: Activity::ALL[usize::from(ACTIVITY.load(Relaxed))],
        step: STEP.load(Relaxed),
        waiting: WAITING.load(Relaxed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activities_are_numbered_in_their_order() {
        for (number, activity) in Activity::ALL.into_iter().enumerate() {
            assert_eq!(activity as usize, number);
        }
    }

    #[test]
    fn whoever_stops_waiting_beats() {
        let before = pulse().beats;
        let waiting = wait();
        assert!(pulse().waiting >= 1);
        drop(waiting);
        assert_ne!(pulse().beats, before);
    }
}
