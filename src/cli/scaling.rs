//! Flags of `scaling`.

use super::switches::SwitchArgs;
use super::values::{imbalance, limit, workers};
use clap::builder::RangedU64ValueParser;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

const SCALING_EXAMPLES: &str = "\
Examples:
  parhelion scaling inputs/heat/bench_512.toml --threads 1,2,4
  parhelion scaling inputs/heat/bench_512.toml --set time.steps=50 --ranks 1,2 --threads 1,2 --mode both
  parhelion scaling inputs/nbody/plummer_100k.toml --set time.steps=5 --threads 1,2 --repeats 5
  parhelion scaling inputs/heat/bench_512.toml --ranks 1,2,4 --threads 1 --decomposition 1d --blocking
  parhelion scaling inputs/heat/bench_512.toml --ranks 1,2,4,8 --threads 4 --submit
  parhelion scaling --collect outputs/bench_512_scaling

Exit codes: 1 if a shape gave another result than the others or failed; 6 if the folder holds another experiment; 75 if it was stopped
by a signal: the same command goes on.";

/// Flags of `scaling`.
#[derive(Clone, Debug, Args)]
#[command(after_help = SCALING_EXAMPLES)]
pub struct ScalingArgs {
    /// Deck: a TOML file, see inputs/heat and inputs/nbody
    #[arg(required_unless_present = "collect")]
    pub deck: Option<PathBuf>,
    /// Override a key of the deck: --set time.steps=50 (repeatable)
    #[arg(long = "set", value_name = "KEY.PATH=VALUE")]
    pub overrides: Vec<String>,
    /// Numbers of ranks [default: 1]
    #[arg(long, value_name = "N,...", value_delimiter = ',', value_parser = workers())]
    pub ranks: Vec<usize>,
    /// Numbers of threads of each rank [default: 1, 2, 4, ... and the cores of this machine]
    #[arg(long, value_name = "N,...", value_delimiter = ',', value_parser = workers())]
    pub threads: Vec<usize>,
    /// The same problem on all shapes, or one that grows with the workers, or both
    #[arg(long, value_enum, default_value = "strong")]
    pub mode: ModeArg,
    /// Most timed runs of each shape; fewer if its median is known to 2 % before
    #[arg(long, value_name = "N", default_value = "10", value_parser = RangedU64ValueParser::<usize>::new().range(1..=1000))]
    pub repeats: usize,
    /// What starts several ranks; with none they are threads of one process
    #[arg(long, value_enum, default_value = "auto")]
    pub launcher: LauncherArg,
    /// Folder of the experiment [default: outputs/NAME_scaling for NAME.toml]
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Begin anew, replacing another experiment in the folder
    #[arg(long)]
    pub overwrite: bool,
    /// Print the plan and stop
    #[arg(long)]
    pub dry_run: bool,
    /// Write a Slurm array for the same plan, and submit it if sbatch is there
    #[arg(long)]
    pub submit: bool,
    /// Put together what the tasks of a submitted experiment have measured, and report
    #[arg(long, value_name = "DIR", conflicts_with_all = ["deck", "submit", "dry_run", "output", "overwrite"])]
    pub collect: Option<PathBuf>,
    /// Run one task of a submitted experiment; its batch script says so
    #[arg(long, value_name = "N", requires = "collect", hide = true)]
    pub task: Option<usize>,
    /// Seconds that one run may take
    #[arg(long, value_name = "SECONDS", default_value = "600", value_parser = limit)]
    pub time_limit: f64,
    /// Machine for the prediction, from parhelion machine --output FILE [default: measured before the runs]
    #[arg(long, value_name = "FILE", conflicts_with = "collect")]
    pub machine: Option<PathBuf>,
    /// Of the order of runs and of the intervals
    #[arg(long, value_name = "N", default_value = "1")]
    pub seed: u64,
    /// Slow one rank down in every shape that has it, as in run
    #[arg(long, value_name = "RANK,EXTRA", value_parser = imbalance)]
    pub imbalance: Option<(usize, f64)>,
    /// Switches for teaching, as in run.
    #[command(flatten)]
    pub switches: SwitchArgs,
}

/// How the problem follows the workers, on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ModeArg {
    /// The same problem
    Strong,
    /// The same work for every worker
    Weak,
    /// One after the other
    Both,
}

/// What starts ranks, on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LauncherArg {
    /// srun in a Slurm allocation, else mpirun, else none
    Auto,
    /// mpirun of Open MPI or MPICH
    Mpirun,
    /// srun
    Srun,
    /// Threads of one process
    None,
}
