//! Flags of `run`.

use super::switches::SwitchArgs;
use super::{DeckArgs, imbalance, seconds, workers};
use clap::Args;
use std::path::PathBuf;

const RUN_EXAMPLES: &str = "\
Examples:
  parhelion run inputs/heat/hot_plate.toml
  parhelion run inputs/heat/hot_plate.toml --live
  parhelion run inputs/nbody/galaxy_collision.toml --live
  parhelion run inputs/heat/soda_bottle.toml --set time.end=3600 --set output.frames_every=600
  parhelion run inputs/heat/heat_sink.toml --set sources.0.power=95 --output outputs/95_watts
  parhelion run inputs/heat/eigenmode_3d.toml --domains 4 --threads 1
  parhelion run inputs/heat/soda_bottle.toml --max-time 3000 --set checkpoint.every=\"10min\"
  parhelion run inputs/nbody/plummer_100k.toml --set gravity.accuracy=1e-5
  parhelion run inputs/heat/eigenmode_3d.toml --domains 2 --threads 1 --net-delay 1ms --blocking
  mpirun -n 2 parhelion run inputs/heat/bench_512.toml --threads 1";

/// Flags of `run`.
#[derive(Clone, Debug, Args)]
#[command(after_help = RUN_EXAMPLES)]
pub struct RunArgs {
    /// The deck.
    #[command(flatten)]
    pub deck: DeckArgs,
    /// Directory of the results [default: outputs/NAME for NAME.toml]
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Threads of each rank [default: the cores that the rank may use]
    #[arg(long, value_name = "N", value_parser = workers())]
    pub threads: Option<usize>,
    /// Run this many domains, as ranks that are threads of one process
    #[arg(long, value_name = "N", value_parser = workers())]
    pub domains: Option<usize>,
    /// Begin anew, replacing the results in the output directory
    #[arg(long)]
    pub overwrite: bool,
    /// Go on from the newest usable checkpoint in the output directory, or leave with 5. Without it an unfinished run of the same deck
    /// goes on too
    #[arg(long, conflicts_with = "overwrite")]
    pub resume: bool,
    /// Stop after so many seconds of wall time, with a checkpoint and exit code 75
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub max_time: Option<f64>,
    /// End the job with 3 if nothing moves for so many seconds; 0 never does [default: only in a batch job, after 10 minutes or 20 times the
    /// longest silence before]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub watchdog: Option<f64>,
    /// Slow one rank down, to see load imbalance in figures: 1,0.5 makes rank 1 take half as long again for its own work in every step. The
    /// results stay the same
    #[arg(long, value_name = "RANK,EXTRA", value_parser = imbalance)]
    pub imbalance: Option<(usize, f64)>,
    /// Switches for teaching.
    #[command(flatten)]
    pub switches: SwitchArgs,
    /// No progress, no warnings but those about checkpoints, and of the summary only the digest
    #[arg(long)]
    pub quiet: bool,
    /// Note what every rank computes between its messages: report.json then has loop.ideal_s, the time of the loop if messages took none. 12
    /// bytes of memory for each exchange; `parhelion scaling` asks for it
    #[arg(long)]
    pub journal: bool,
    /// Write when each thread did what, for Perfetto, and beside it a picture of a few steps (SVG) [default: trace.json in the run directory]
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    pub trace: Option<Option<PathBuf>>,
    /// Draw the temperature, or the surface density of bodies, in the terminal while the run goes on
    #[arg(long, conflicts_with = "quiet")]
    pub live: bool,
}
