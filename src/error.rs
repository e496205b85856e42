//! What can go wrong, in words for the user, and the exit code that goes with it.
//!
//! Every message is one line that names the file, key or value and the way out. An error travels between ranks as
//! `(exit code, message)` (see [`crate::comm::agree`]), so that all ranks leave with the same code and one line is printed.

use std::path::Path;

/// Result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// A failure with its exit code. The codes are a contract (see `docs/outputs.md`).
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// A defect of parhelion itself. Exit code 1.
    #[error("{0} (this is a defect of parhelion: please report it)")]
    Defect(String),
    /// Wrong command line, deck or input file; nothing has been written. Exit code 2.
    #[error("{0}")]
    Input(String),
    /// As [`Error::Input`], with the piece of the deck drawn below the message. Exit code 2.
    #[error("{message}")]
    Deck {
        /// One line: file, line, column, key and fix.
        message: String,
        /// The offending lines with a marker, drawn as a compiler does.
        snippet: String,
    },
    /// As [`Error::Input`], about a key of a deck whose text is not at hand where the flaw shows: what has the text adds file
    /// and line (`config::place`). Exit code 2.
    #[error("{key}: {problem}; {fix}")]
    Key {
        /// Path of the key, with dots: `time.dt`.
        key: String,
        /// What is wrong.
        problem: String,
        /// The way out, as an instruction.
        fix: String,
    },
    /// Reading or writing failed. Exit code 3.
    #[error("{0}")]
    Io(String),
    /// The state became non-finite. Exit code 4.
    #[error("{0}")]
    Numerical(String),
    /// There is no usable checkpoint to go on from. Exit code 5.
    #[error("{0}")]
    Checkpoint(String),
    /// The output directory is in use or holds another run. Exit code 6.
    #[error("{0}")]
    Busy(String),
    /// What another rank reported, with its exit code.
    #[error("{message}")]
    Remote {
        /// Exit code of the rank that failed.
        exit_code: u8,
        /// Its message.
        message: String,
    },
}

impl Error {
    /// The process exit code of this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Defect(_) => 1,
            Error::Input(_) | Error::Deck { .. } | Error::Key { .. } => 2,
            Error::Io(_) => 3,
            Error::Numerical(_) => 4,
            Error::Checkpoint(_) => 5,
            Error::Busy(_) => 6,
            Error::Remote { exit_code, .. } => *exit_code,
        }
    }

    /// A key of the deck whose value cannot be used.
    pub fn key(key: impl Into<String>, problem: impl Into<String>, fix: impl Into<String>) -> Error {
        Error::Key { key: key.into(), problem: problem.into(), fix: fix.into() }
    }

    /// A failed file operation: `cannot write outputs/a/report.json: No space left on device (os error 28)`.
    pub fn io(action: &str, path: &Path, cause: impl std::fmt::Display) -> Error {
        Error::Io(format!("cannot {action} {}: {cause}", path.display()))
    }
}
