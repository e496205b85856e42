//! Flags of `compare`, and of the hidden command that its child processes run.

use super::values::workers;
use clap::{Args, Subcommand};
use std::path::PathBuf;

const COMPARE_EXAMPLES: &str = "\
Examples:
  parhelion compare --mechanisms
  parhelion compare --mechanisms --output outputs/mechanisms
  mpirun -n 2 --bind-to none parhelion compare --mechanisms";

/// Flags of `compare`.
#[derive(Clone, Debug, Args)]
#[command(after_help = COMPARE_EXAMPLES)]
pub struct CompareArgs {
    /// Measure what the system takes: threads against processes, switches, messages by size, numbers and files that are shared
    #[arg(long)]
    pub mechanisms: bool,
    /// Folder of the results [default: outputs/mechanisms]
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

/// What a child process of a measurement does.
#[derive(Clone, Debug, Subcommand)]
pub enum Mechanism {
    /// End at once
    Nothing,
    /// Send back what comes in
    Echo {
        /// Core to stay on
        #[arg(long)]
        core: Option<usize>,
    },
    /// Update a number in a file
    Count {
        /// The file
        #[arg(long)]
        file: PathBuf,
        /// Updates
        #[arg(long, value_parser = workers())]
        times: usize,
        /// Lock the file for each
        #[arg(long)]
        lock: bool,
        /// Core to stay on
        #[arg(long)]
        core: Option<usize>,
    },
    /// Time messages between ranks and write the figures as JSON
    Messages {
        /// The file
        #[arg(long)]
        file: PathBuf,
    },
}

/// The hidden command.
#[derive(Clone, Debug, Args)]
pub struct MechanismArgs {
    /// What to do.
    #[command(subcommand)]
    pub what: Mechanism,
}
