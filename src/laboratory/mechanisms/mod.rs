//! `parhelion compare --mechanisms`: what the system takes for what threads, processes and ranks do to each other.
//!
//! | file | measures |
//! |---|---|
//! | [`creation`] | making a thread and a process, and waiting for its end |
//! | [`switching`] | a change from one thread to another, and from one process to another, on one core |
//! | [`paths`], [`ranks`] | messages by size: pipe, Unix socket, TCP, shared memory; MPI |
//! | [`counter`] | a number that threads share: updates lost and the price of not losing any |
//! | [`ledger`] | a number in a file that processes share, with and without an advisory lock |
//! | [`jobs`] | jobs of two ranks, started from here |
//! | [`partner`] | the other process: this very binary with a hidden command |
//! | [`tables`], [`plots`] | the figures as text and as pictures |
//!
//! All of it is safe Rust, which is why shared memory is measured between threads and not between processes: mapping the same pages into two
//! processes needs `unsafe`, and MPI does it for us. Two threads that race on an atomic number by a load and a store lose updates as
//! those of a data race do, without its undefined behaviour.
//!
//! Refused: `fork` without a new program (unsafe beside threads); a benchmark framework (its loops would have to reach into children).

pub mod counter;
pub mod creation;
pub mod jobs;
pub mod ledger;
pub mod partner;
pub mod paths;
pub mod plots;
pub mod ranks;
pub mod switching;
pub mod tables;

use crate::error::{Error, Result};
use crate::host;
use serde::Serialize;
use std::io;
use std::path::Path;

/// Threads that race on a number and processes that race on a file: enough to race, on every machine.
const RACERS: usize = 2;

/// Everything that was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mechanisms {
    /// Network name.
    pub host: String,
    /// The processor in its maker's words.
    pub cpu_model: String,
    /// CPUs that could be used.
    pub cpus: usize,
    /// Thread and process.
    pub creation: Vec<creation::Created>,
    /// Between threads and between processes.
    pub switching: Vec<switching::Switched>,
    /// By path and size.
    pub paths: Vec<paths::Path>,
    /// By how the number is guarded.
    pub counter: Vec<counter::Counted>,
    /// By how the file is guarded.
    pub ledger: Vec<ledger::Updated>,
    /// What could not be measured, and why.
    pub missing: Vec<String>,
}

/// Measures all but MPI; files are made in `folder` and removed.
///
/// # Errors
/// Exit code 3 if a process, a socket or a file cannot be made.
pub fn measure(folder: &Path) -> Result<Mechanisms> {
    let measured = || -> io::Result<Mechanisms> {
        Ok(Mechanisms {
            host: host::name(),
            cpu_model: host::cpu_model(),
            cpus: host::parallelism(),
            creation: creation::measure()?,
            switching: switching::measure()?,
            paths: paths::measure()?,
            counter: counter::measure(RACERS),
            ledger: ledger::measure(folder, RACERS)?,
            missing: Vec::new(),
        })
    };
    measured().map_err(|cause| Error::Io(format!("cannot measure the mechanisms of this system: {cause}")))
}
