//! Flags of `compare`, and of the hidden command that its child processes run.

use super::values::workers;
use clap::builder::RangedU64ValueParser;
use clap::{Args, Subcommand};
use std::path::PathBuf;

const COMPARE_EXAMPLES: &str = "\
Examples:
  parhelion compare inputs/heat/bench_512.toml --set grid.cells=[256,256,256] --workers 2
  parhelion compare inputs/nbody/plummer_100k.toml --set time.steps=5
  parhelion compare inputs/heat/bench_512.toml --set grid.cells=[256,256,256] --switches --repeats 10
  parhelion compare inputs/heat/bench_512.toml --set grid.cells=[256,256,256] --workers 4 --hosts hosts
  parhelion compare --mechanisms
  parhelion compare --mechanisms --output outputs/mechanisms
  mpirun -n 2 --bind-to none parhelion compare --mechanisms";

/// Flags of `compare`.
#[derive(Clone, Debug, Args)]
#[command(after_help = COMPARE_EXAMPLES)]
pub struct CompareArgs {
    /// Deck that is run as threads, as processes over shared memory and over TCP, and as ranks of threads
    #[arg(conflicts_with = "mechanisms")]
    pub deck: Option<PathBuf>,
    /// Override a key of the deck: --set time.steps=50 (repeatable)
    #[arg(long = "set", value_name = "KEY.PATH=VALUE", conflicts_with = "mechanisms")]
    pub overrides: Vec<String>,
    /// Workers of each model [default: the cores of this machine]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(2..=1024))]
    pub workers: Option<usize>,
    /// Host file: processes over TCP run on its hosts, in turn, instead of on this machine alone. They need the program, the deck and the
    /// folder under the same paths
    #[arg(long, value_name = "FILE", requires = "deck", conflicts_with_all = ["mechanisms", "switches"])]
    pub hosts: Option<PathBuf>,
    /// Command that cuts a host of --hosts off from the network; its name is added. With it compare measures how long the processes over TCP
    /// take to notice, and goes on on the other hosts. Nothing mends the link afterwards
    #[arg(long, value_name = "COMMAND", requires = "hosts")]
    pub cut_host: Option<String>,
    /// Runs of each model or switch; the median counts
    #[arg(long, value_name = "N", default_value = "3", value_parser = RangedU64ValueParser::<usize>::new().range(1..=100))]
    pub repeats: usize,
    /// Measure what each lab switch of run costs on the deck, instead of the models; its ratio to a run without, with interval
    #[arg(long, requires = "deck", conflicts_with = "mechanisms")]
    pub switches: bool,
    /// Measure what the system takes: threads against processes, switches, messages by size, numbers and files that are shared
    #[arg(long)]
    pub mechanisms: bool,
    /// Folder of the results [default: outputs/NAME_compare for NAME.toml, NAME_switches; outputs/mechanisms]
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
