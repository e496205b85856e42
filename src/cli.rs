//! The command line: raw flags only.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// parhelion
#[derive(Debug, Parser)]
#[command(name = "parhelion", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the simulation of a deck.
    Run(RunArguments),
    /// Check a deck and print its plan.
    Check(CheckArguments),
}

/// Arguments of `run`.
#[derive(Args, Clone, Debug)]
pub struct RunArguments {
    /// Deck.
    pub deck: PathBuf,
    /// Override.
    #[arg(long)]
    pub set: Vec<String>,
    /// Output directory.
    #[arg(long)]
    pub output: Option<PathBuf>,
    /// Threads.
    #[arg(long)]
    pub threads: Option<usize>,
    /// Domains.
    #[arg(long)]
    pub domains: Option<usize>,
    /// Overwrite.
    #[arg(long)]
    pub overwrite: bool,
    /// Quiet.
    #[arg(long)]
    pub quiet: bool,
    /// Live.
    #[arg(long)]
    pub live: bool,
}

/// Arguments of `check`.
#[derive(Args, Clone, Debug)]
pub struct CheckArguments {
    /// Deck.
    pub deck: PathBuf,
    /// Override.
    #[arg(long)]
    pub set: Vec<String>,
    /// Ranks.
    #[arg(long, default_value_t = 1)]
    pub ranks: usize,
    /// Threads.
    #[arg(long)]
    pub threads: Option<usize>,
}
