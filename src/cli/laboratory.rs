//! Flags of the laboratory's commands.

use super::{DeckArgs, workers};
use clap::Args;
use std::path::PathBuf;

const MACHINE_EXAMPLES: &str = "\
Examples:
  parhelion machine
  parhelion machine --json
  parhelion machine --output machine.json
  mpirun -n 2 parhelion machine --output machine.json
  mpirun -n 2 --mca pml ob1 --mca btl tcp,self parhelion machine";

/// Flags of `machine`.
#[derive(Clone, Debug, Args)]
#[command(after_help = MACHINE_EXAMPLES)]
pub struct MachineArgs {
    /// Print the figures as JSON
    #[arg(long)]
    pub json: bool,
    /// Write the figures as JSON to this file too; the speed of files is measured in its directory
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

const PREDICT_EXAMPLES: &str = "\
Examples:
  parhelion predict inputs/heat/bench_512.toml --ranks 1,2,16,256
  parhelion predict inputs/heat/bench_512.toml --ranks 16,4096 --threads 8 --machine node.json --network 1.5e-6,8e-11
  parhelion predict inputs/nbody/plummer_100k.toml --ranks 1,2,4,8 --json";

/// Flags of `predict`.
#[derive(Clone, Debug, Args)]
#[command(after_help = PREDICT_EXAMPLES)]
pub struct PredictArgs {
    /// The deck.
    #[command(flatten)]
    pub deck: DeckArgs,
    /// Predict for these numbers of ranks; the first is the base of speed-ups
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "1,2,4,8,16", value_parser = workers())]
    pub ranks: Vec<usize>,
    /// Threads of each rank [default: 1]
    #[arg(long, value_name = "N", value_parser = workers())]
    pub threads: Option<usize>,
    /// A host of the job, as `parhelion machine --output FILE` has measured it [default: this machine, measured now]
    #[arg(long, value_name = "FILE")]
    pub machine: Option<PathBuf>,
    /// Messages between hosts: seconds of an empty one, and seconds that each byte adds
    #[arg(long, value_name = "ALPHA,BETA", value_parser = network)]
    pub network: Option<[f64; 2]>,
    /// Print the table as JSON
    #[arg(long)]
    pub json: bool,
}

fn network(text: &str) -> Result<[f64; 2], String> {
    let form = "write two numbers of seconds, 0 or more, with a comma between them: 1.5e-6,8e-11";
    let (alpha, beta) = text.split_once(',').ok_or(form)?;
    let link = [super::finite(alpha)?, super::finite(beta)?];
    // A message of a second, or a byte of a second, is a unit mistaken.
    if link.iter().all(|cost| (0.0..1.0).contains(cost)) { Ok(link) } else { Err(form.to_owned()) }
}
