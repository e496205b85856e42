//! Messages between ranks: one small trait and three backends of it.
//!
//! | backend | a rank is | used by |
//! |---|---|---|
//! | [`solo::Solo`] | the whole program | `parhelion run` without options |
//! | [`threads::ThreadRank`] | a thread of this process | `--domains N`, and the tests |
//! | `mpi::MpiRank` (feature `mpi`) | a process | `mpirun`, `srun` |
//!
//! The trait is what the simulations need and no more. Two things are left out on purpose: a floating-point *sum* over
//! ranks (its bits would depend on the number of ranks; see [`crate::reproducible`]), and begin/end pairs for non-blocking
//! messages (overlap is the `work` argument of [`Communicator::exchange`], so a buffer cannot be touched while it flies).

pub mod impaired;
pub mod journal;
pub mod meter;
#[cfg(feature = "mpi")]
pub mod mpi;
pub mod route;
pub mod solo;
pub mod sum;
pub mod threads;

use crate::error::{Error, Result};

/// How values of all ranks are combined. Both are exact, so the order of ranks cannot show in the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReduceOp {
    /// Smallest value.
    Min,
    /// Largest value.
    Max,
}

impl ReduceOp {
    /// The two values combined.
    pub fn of(self, a: f64, b: f64) -> f64 {
        match self {
            ReduceOp::Min => a.min(b),
            ReduceOp::Max => a.max(b),
        }
    }
}

/// A message to another rank (or to oneself).
#[derive(Debug)]
pub struct Outgoing<'a> {
    /// Receiving rank.
    pub to: usize,
    /// Distinguishes messages between the same pair of ranks, `0..=32767`; within one exchange every tag is used once per pair.
    pub tag: u16,
    /// Payload.
    pub data: &'a [u8],
}

/// Room for a message from another rank (or from oneself). The lengths of both sides must be equal.
#[derive(Debug)]
pub struct Incoming<'a> {
    /// Sending rank.
    pub from: usize,
    /// As in [`Outgoing::tag`].
    pub tag: u16,
    /// Filled when [`Communicator::exchange`] returns.
    pub data: &'a mut [u8],
}

/// A group of ranks that compute together. Every method is collective unless it says otherwise: all ranks call it, in the same
/// order. Not `Sync`, so that a rayon closure cannot capture it: MPI from a worker thread does not compile.
pub trait Communicator {
    /// Number of this rank, `0..size`. Local.
    fn rank(&self) -> usize;
    /// Number of ranks. Local.
    fn size(&self) -> usize;
    /// Returns when all ranks have entered it.
    fn barrier(&self);
    /// Element-wise minimum or maximum over all ranks, in place on all of them; -0 becomes 0. No value may be NaN.
    fn all_reduce(&self, op: ReduceOp, values: &mut [f64]);
    /// Element-wise exact sum over all ranks, in place on all of them. Overflow is the caller's to exclude.
    fn all_sum(&self, values: &mut [i64]);
    /// Bytes of `root` to everyone; the others' vectors are resized.
    fn broadcast(&self, root: usize, bytes: &mut Vec<u8>);
    /// Bytes of every rank (lengths may differ), on `root` in rank order; empty elsewhere.
    fn gather(&self, root: usize, bytes: &[u8]) -> Vec<Vec<u8>>;
    /// Starts all receives and sends, runs `work` while they fly, and returns when all are complete. Collective only among
    /// the ranks that exchange messages. Allocates nothing after the first call with a given pattern.
    fn exchange(&self, outgoing: &[Outgoing<'_>], incoming: &mut [Incoming<'_>], work: &mut dyn FnMut());
    /// Takes a message with this tag that has come from any rank, if one has: its sender. Local, and does not wait: a rank that hands out
    /// work cannot know who is the next to ask. Lengths as in [`Incoming`].
    fn poll(&self, tag: u16, data: &mut [u8]) -> Option<usize>;
    /// Ends the whole job at once with this exit code, from any one rank.
    fn abort(&self, exit_code: u8) -> !;
}

/// Turns -0 into 0. Which of the two a minimum returns depends on the order of the ranks otherwise.
fn drop_negative_zeros(values: &mut [f64]) {
    for value in values {
        *value += 0.0;
    }
}

/// Defect check: no two messages of an exchange could be taken for each other.
fn assert_distinct(outgoing: &[Outgoing<'_>], incoming: &[Incoming<'_>]) {
    let sent_twice = |i: usize| outgoing[..i].iter().any(|m| (m.to, m.tag) == (outgoing[i].to, outgoing[i].tag));
    let awaited_twice = |i: usize| incoming[..i].iter().any(|m| (m.from, m.tag) == (incoming[i].from, incoming[i].tag));
    assert!(!(0..outgoing.len()).any(sent_twice), "a tag is sent twice to one rank in one exchange");
    assert!(!(0..incoming.len()).any(awaited_twice), "a tag is awaited twice from one rank in one exchange");
}

/// Turns a result per rank into one verdict for all: the error of the lowest failing rank, everywhere.
///
/// Call at the end of every phase in which a rank can fail alone; a rank that left early would leave the others waiting.
///
/// # Errors
/// If any rank's `result` is an error: that error on its own rank and as [`Error::Remote`] elsewhere.
pub fn agree<T>(comm: &dyn Communicator, result: Result<T>) -> Result<T> {
    let rank = comm.rank() as f64;
    let mut first_failed = [if result.is_err() { rank } else { f64::INFINITY }];
    comm.all_reduce(ReduceOp::Min, &mut first_failed);
    if first_failed[0].is_infinite() {
        return result;
    }
    let root = first_failed[0] as usize;
    let mut bytes = match &result {
        Err(error) if comm.rank() == root => encode(error),
        _ => Vec::new(),
    };
    comm.broadcast(root, &mut bytes);
    match result {
        Err(error) if comm.rank() == root => Err(error),
        _ => Err(decode(&bytes)),
    }
}

fn encode(error: &Error) -> Vec<u8> {
    let mut bytes = vec![error.exit_code()];
    bytes.extend_from_slice(error.to_string().as_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Error {
    let (exit_code, message) = bytes.split_first().unwrap_or((&1, &[]));
    Error::Remote { exit_code: *exit_code, message: String::from_utf8_lossy(message).into_owned() }
}
