//! Flags of `sweep`.

use super::{DeckArgs, seconds, workers};
use clap::Args;
use std::path::PathBuf;

const SWEEP_EXAMPLES: &str = "\
Examples:
  parhelion sweep inputs/heat/hot_plate.toml --vary material.name=copper,aluminium,\"stainless steel\"
  parhelion sweep inputs/heat/heat_sink.toml --vary sources.0.power=50:150:5 --workers processes:4 --plot max
  parhelion sweep inputs/nbody/plummer_100k.toml --vary gravity.accuracy=1e-5:1e-2:4:log --workers threads:2
  parhelion sweep inputs/heat/hot_plate.toml --vary \"grid.cells=[64,64],[128,128]\" --vary \"time.dt=0.1,0.2;time.steps=200,100\"
  mpirun -n 5 parhelion sweep inputs/heat/hot_plate.toml --vary initial.value=0:100:40 --workers mpi

Values:
  a,b,c            as --set takes them
  FROM:TO:POINTS   evenly spaced, both ends included; FROM:TO:POINTS:log for equal ratios
  x=1,2;y=8,9      pairs; several --vary make every combination

Exit codes: 0 if all members are done; 7 if some did not end well, the others being done; 75 if it was stopped: the same command goes
on; 6 if the folder holds another sweep.";

/// Flags of `sweep`.
#[derive(Clone, Debug, Args)]
#[command(after_help = SWEEP_EXAMPLES)]
pub struct SweepArgs {
    /// The deck.
    #[command(flatten)]
    pub deck: DeckArgs,
    /// A key of the deck and its values (repeatable)
    #[arg(long, value_name = "KEY.PATH=VALUE,...", required = true)]
    pub vary: Vec<String>,
    /// What runs the members: a process for each, threads of this process, or the ranks of this MPI job, of which rank 0 hands out. N is how
    /// many run at once [default: processes, as many as there are cores]
    #[arg(long, value_name = "processes[:N]|threads[:N]|mpi", default_value = "processes", hide_default_value = true, value_parser = pool)]
    pub workers: PoolArg,
    /// Threads of each member [default: cores / workers]
    #[arg(long, value_name = "N", value_parser = workers())]
    pub threads: Option<usize>,
    /// Folder of the sweep [default: outputs/NAME_sweep for NAME.toml]
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Begin anew, replacing another sweep in the folder
    #[arg(long)]
    pub overwrite: bool,
    /// Run members again that were invalid or became non-finite; those that crashed, were killed or failed otherwise run again without it
    #[arg(long)]
    pub retry: bool,
    /// Print the plan and stop
    #[arg(long)]
    pub dry_run: bool,
    /// Draw a column of the results, named in full or by a part (repeatable)
    #[arg(long, value_name = "COLUMN")]
    pub plot: Vec<String>,
    /// Draw it against this varied key [default: the first]
    #[arg(long, value_name = "KEY.PATH", requires = "plot")]
    pub against: Option<String>,
    /// Stop after so many seconds of wall time, members with a checkpoint, and exit code 75
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub max_time: Option<f64>,
    /// No progress, and of the summary nothing
    #[arg(long)]
    pub quiet: bool,
}

/// What runs members, on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolArg {
    /// A process for each, so many at once.
    Processes(Option<usize>),
    /// Threads of this process.
    Threads(Option<usize>),
    /// The ranks of the job.
    Mpi,
}

fn pool(text: &str) -> Result<PoolArg, String> {
    let (name, count) = text.split_once(':').map_or((text, None), |(name, count)| (name, Some(count)));
    let count = match count.map(str::parse::<usize>) {
        None => None,
        Some(Ok(count @ 1..=4096)) => Some(count),
        Some(_) => return Err("write a number of workers from 1 to 4096, for example processes:4".to_owned()),
    };
    match (name, count) {
        ("processes", count) => Ok(PoolArg::Processes(count)),
        ("threads", count) => Ok(PoolArg::Threads(count)),
        ("mpi", None) => Ok(PoolArg::Mpi),
        ("mpi", Some(_)) => Err("mpi takes as many workers as the job has ranks beside rank 0: write mpi".to_owned()),
        _ => Err("write processes:N, threads:N or mpi".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_are_words_with_numbers() {
        assert_eq!(pool("processes"), Ok(PoolArg::Processes(None)));
        assert_eq!(pool("threads:3"), Ok(PoolArg::Threads(Some(3))));
        assert_eq!(pool("mpi"), Ok(PoolArg::Mpi));
        for text in ["", "threads:0", "threads:", "mpi:4", "process:2", "processes:-1", "processes:99999"] {
            assert!(pool(text).is_err(), "{text}");
        }
    }
}
