//! Signs of life of this process, and what it is doing: written by the ranks of the process, read by the watchdog
//! ([`crate::runtime::watchdog`]).
//!
//! To begin something is one store of one number, so a step of some microseconds does not notice: nothing is locked, measured or
//! read back. Ranks that are threads share the pulse of their process; it stands still when all of them do.
//!
//! Refused: beats of messages between threads. Their ranks would take the cache line of the pulse from each other several times a
//! step (a fifth of a step of seven microseconds); messages between processes beat. A beat by an atomic addition: it locks
//! the line, and one that is lost because two came at once is no loss.

use crate::fault;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Step and activity of the rank that was the last to begin something.
static PLACE: AtomicU64 = AtomicU64::new(0);
static BEATS: AtomicU64 = AtomicU64::new(0);
static WAITING: AtomicBool = AtomicBool::new(false);

/// Bits of an activity in [`PLACE`].
const BITS: u32 = 4;

thread_local! {
    /// The step that the rank of this thread has begun.
    static STEP: Cell<u64> = const { Cell::new(0) };
}

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

/// A part of something long has been done.
pub fn beat() {
    BEATS.store(BEATS.load(Relaxed).wrapping_add(1), Relaxed);
}

/// The rank of this thread begins something else. In test builds a fault may strike here ([`crate::fault`]).
pub fn enter(activity: Activity) {
    PLACE.store(STEP.get() << BITS | activity as u64, Relaxed);
    fault::enter(activity, None);
}

/// The rank of this thread begins a step. As [`enter`].
pub fn enter_step(step: u64) {
    STEP.set(step);
    PLACE.store(step << BITS | Activity::Step as u64, Relaxed);
    fault::enter(Activity::Step, Some(step));
}

/// Waiting for other processes, until it is dropped.
#[derive(Debug)]
pub struct Waiting(());

/// This process begins to wait for others; its end is a beat.
pub fn wait() -> Waiting {
    WAITING.store(true, Relaxed);
    Waiting(())
}

impl Drop for Waiting {
    fn drop(&mut self) {
        WAITING.store(false, Relaxed);
        beat();
    }
}

/// What can be seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// Parts of something long so far.
    pub beats: u64,
    /// What the process is busy with.
    pub activity: Activity,
    /// The last step that was begun.
    pub step: u64,
    /// The process waits for others.
    pub waiting: bool,
}

impl Pulse {
    /// Nothing has been done between these two.
    pub fn stands_still(self, since: Pulse) -> bool {
        Pulse { waiting: false, ..self } == Pulse { waiting: false, ..since }
    }
}

/// The pulse of this process.
pub fn pulse() -> Pulse {
    let place = PLACE.load(Relaxed);
    Pulse {
        beats: BEATS.load(Relaxed),
        activity: Activity::ALL[(place & ((1 << BITS) - 1)) as usize],
        step: place >> BITS,
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
            assert!(number < 1 << BITS);
        }
    }

    #[test]
    fn whoever_stops_waiting_beats() {
        let before = pulse();
        drop(wait());
        assert!(!pulse().stands_still(before));
    }
}
