//! How a member ended, alike for every pool, and what a pool tells while it works.

use crate::error::Error;
use serde::{Deserialize, Serialize};

/// Exit code of a run that was stopped after a checkpoint.
pub const STOPPED: i32 = 75;

/// How a member ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Well.
    Done,
    /// Its deck cannot be run: exit code 2.
    Invalid,
    /// Its state became non-finite: exit code 4.
    NonFinite,
    /// A panic or an abort: exit code 1.
    Crashed,
    /// A signal has ended its process.
    Killed,
    /// Anything else, such as a full disk.
    Failed,
    /// It was asked to stop, and goes on with the next command.
    Stopped,
}

impl Status {
    /// As in the table of results.
    pub fn name(self) -> &'static str {
        match self {
            Status::Done => "done",
            Status::Invalid => "invalid",
            Status::NonFinite => "non_finite",
            Status::Crashed => "crashed",
            Status::Killed => "killed",
            Status::Failed => "failed",
            Status::Stopped => "stopped",
        }
    }

    /// All of them, in the order in which they are counted.
    pub const ALL: [Status; 7] = [
        Status::Done,
        Status::Invalid,
        Status::NonFinite,
        Status::Crashed,
        Status::Killed,
        Status::Failed,
        Status::Stopped,
    ];

    /// Whether another attempt could only say the same: the values themselves decide.
    pub fn is_final(self) -> bool {
        matches!(self, Status::Done | Status::Invalid | Status::NonFinite)
    }
}

/// What a worker found out about a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Exit code of `run`; none if a signal has ended the process.
    pub exit_code: Option<i32>,
    /// That signal.
    pub signal: Option<i32>,
    /// The error in one line; empty if there is none.
    pub message: String,
    /// The worker had been told to stop before.
    pub stopping: bool,
}

impl Outcome {
    /// Of a run in this process.
    pub fn of(result: Result<crate::error::Result<u8>, String>) -> Outcome {
        let (exit_code, message) = match result {
            Ok(Ok(code)) => (code, String::new()),
            Ok(Err(error)) => (error.exit_code(), one_line(&error)),
            Err(panic) => (1, panic),
        };
        Outcome { exit_code: Some(exit_code.into()), signal: None, message, stopping: false }
    }

    /// Its status.
    pub fn status(&self) -> Status {
        match (self.exit_code, self.signal) {
            (Some(0), _) => Status::Done,
            (Some(STOPPED), _) => Status::Stopped,
            // A signal that came before the process could watch for it.
            (None, Some(_)) if self.stopping => Status::Stopped,
            (None, Some(_)) => Status::Killed,
            (Some(1), _) => Status::Crashed,
            (Some(2), _) => Status::Invalid,
            (Some(4), _) => Status::NonFinite,
            _ => Status::Failed,
        }
    }
}

fn one_line(error: &Error) -> String {
    crate::console::one_line(&error.to_string()).into_owned()
}

/// What a pool tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A worker has begun with a member.
    Began {
        /// Number of the worker, from 0.
        worker: usize,
        /// Number of the member, from 0.
        member: usize,
    },
    /// And has ended it.
    Ended {
        /// Number of the worker, from 0.
        worker: usize,
        /// Number of the member, from 0.
        member: usize,
        /// When it was handed out and when its result was there, in seconds since the start of the pool.
        seconds: [f64; 2],
        /// How it ended.
        outcome: Outcome,
    },
}

/// What a pool is told: of an event, or at times of none. It hands out no more members once this is false or an error.
pub type Attend<'a> = &'a mut dyn FnMut(Option<Event>) -> crate::error::Result<bool>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_and_signals_become_words() {
        let of = |exit_code, signal, stopping| {
            Outcome { exit_code, signal, message: String::new(), stopping }.status().name()
        };
        let words = [0, 1, 2, 3, 4, 5, 6, 75].map(|code| of(Some(code), None, false));
        assert_eq!(words, ["done", "crashed", "invalid", "failed", "non_finite", "failed", "failed", "stopped"]);
        assert_eq!([of(None, Some(9), false), of(None, Some(15), true)], ["killed", "stopped"]);
        assert_eq!(Outcome::of(Ok(Err(Error::Numerical("a\nb".into())))).message, "a\\nb");
        assert_eq!(Outcome::of(Err("internal: x".into())).status(), Status::Crashed);
    }
}
