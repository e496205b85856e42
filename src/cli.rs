//! The command line: raw flags only. What they mean is decided where they are used.
//!
//! Usage errors are clap's: one `error:` line, a hint, exit code 2.

mod compare;
pub mod laboratory;
mod render;
mod run;
mod scaling;
mod sweep;
mod switches;
mod values;

pub use compare::{CompareArgs, Mechanism, MechanismArgs};
pub use render::{AxisArg, ColormapArg, RenderArgs};
pub use run::RunArgs;
pub use scaling::{LauncherArg, ModeArg, ScalingArgs};
pub use sweep::{PoolArg, SweepArgs};
pub use switches::{CutArg, ScheduleArg, SwitchArgs};

use clap::{Args, CommandFactory, Parser, Subcommand};
use laboratory::{MachineArgs, PredictArgs};
use std::io::{Result as IoResult, Write};
use std::path::PathBuf;
use values::{finite, imbalance, range, seconds, workers};

const EXAMPLES: &str = "\
Examples:
  parhelion run inputs/heat/hot_plate.toml
  parhelion run inputs/nbody/galaxy_collision.toml
  parhelion run inputs/heat/heat_sink.toml --set time.end=60 --threads 2
  parhelion check inputs/heat/bench_512.toml --ranks 4
  mpirun -n 4 parhelion run inputs/heat/bench_512.toml

Exit codes:
  0 done  1 a defect of parhelion  2 usage or input  3 reading or writing failed
  4 the state became non-finite    5 no usable checkpoint
  6 output directory in use or holding another run
  7 some members of a sweep did not end well
  75 stopped after a checkpoint: the same command goes on";

const CHECK_EXAMPLES: &str = "\
Examples:
  parhelion check inputs/heat/heat_sink.toml
  parhelion check inputs/heat/bench_512.toml --ranks 8 --threads 4
  parhelion check inputs/nbody/galaxy_collision.toml
  parhelion check inputs/heat/bench_512.toml --set grid.cells=[1024,1024,1024] --json";

const VERIFY_EXAMPLES: &str = "\
Examples:
  parhelion verify
  parhelion verify --quick --json";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  parhelion completions bash > ~/.local/share/bash-completion/completions/parhelion
  parhelion completions zsh > ~/.zfunc/_parhelion";

const MAN_EXAMPLES: &str = "\
Examples:
  parhelion man | man -l -
  parhelion man > ~/.local/share/man/man1/parhelion.1";

const SCHEMA_EXAMPLES: &str = "\
Examples:
  parhelion schema > deck.schema.json";

/// Heat diffusion and gravity over threads, processes and machines, with the same bits in every shape.
#[derive(Clone, Debug, Parser)]
#[command(name = "parhelion", version, about, after_help = EXAMPLES, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Run the simulation of a deck
    Run(RunArgs),
    /// Check a deck and print the plan of its run, without running
    Check(CheckArgs),
    /// Verify this program: exact solutions, observed orders, conservation
    Verify(VerifyArgs),
    /// Measure speed-up and efficiency over ranks and threads, check that all give the same result, and write a report
    Scaling(ScalingArgs),
    /// Run a deck for many values of its keys, in a pool of processes, threads or ranks, into one table
    Sweep(SweepArgs),
    /// Compare threads, processes and ranks: the same deck in each, or what the system takes for each
    Compare(CompareArgs),
    /// What child processes of measurements do
    #[command(hide = true)]
    Mechanism(MechanismArgs),
    /// Draw pictures and an animation from a finished run
    Render(RenderArgs),
    /// Measure this machine: memory, arithmetic, messages, files, cores
    Machine(MachineArgs),
    /// Predict what a deck would cost on other shapes
    Predict(PredictArgs),
    /// Print a completion script for a shell
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// Shell to complete in
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff)
    #[command(after_help = MAN_EXAMPLES)]
    Man,
    /// Print the JSON schema of the decks
    #[command(after_help = SCHEMA_EXAMPLES)]
    Schema,
}

/// A deck and its overrides.
#[derive(Clone, Debug, Args)]
pub struct DeckArgs {
    /// Deck: a TOML file, see inputs/heat and inputs/nbody
    pub deck: PathBuf,
    /// Override a key of the deck: --set time.end=5.0 (repeatable)
    #[arg(long = "set", value_name = "KEY.PATH=VALUE")]
    pub overrides: Vec<String>,
}

/// Flags of `check`.
#[derive(Clone, Debug, Args)]
#[command(after_help = CHECK_EXAMPLES)]
pub struct CheckArgs {
    /// The deck.
    #[command(flatten)]
    pub deck: DeckArgs,
    /// Plan for this many ranks
    #[arg(long, value_name = "N", default_value = "1", value_parser = workers())]
    pub ranks: usize,
    /// Plan for this many threads of each rank [default: the cores of this machine]
    #[arg(long, value_name = "N", value_parser = workers())]
    pub threads: Option<usize>,
    /// Print the plan as JSON
    #[arg(long)]
    pub json: bool,
}

/// Flags of `verify`.
#[derive(Clone, Debug, Args)]
#[command(after_help = VERIFY_EXAMPLES)]
pub struct VerifyArgs {
    /// Coarser grids and fewer bodies: seconds instead of a minute
    #[arg(long)]
    pub quick: bool,
    /// Print the results as JSON
    #[arg(long)]
    pub json: bool,
}

/// Writes the completion script for a shell.
///
/// # Errors
/// If writing fails.
pub fn write_completions(shell: clap_complete::Shell, out: &mut dyn Write) -> IoResult<()> {
    // The generator panics where it cannot write, so it writes to memory.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "parhelion", &mut script);
    out.write_all(&script)
}

/// Writes the manual page: the program, then every command as a section of its own.
///
/// # Errors
/// If writing fails.
pub fn write_man(out: &mut dyn Write) -> IoResult<()> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    clap_mangen::Man::new(command.clone()).render(out)?;
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        let man = clap_mangen::Man::new(subcommand.clone());
        let mut page = Vec::new();
        man.render_synopsis_section(&mut page)?;
        man.render_description_section(&mut page)?;
        man.render_options_section(&mut page)?;
        man.render_extra_section(&mut page)?;
        let page = String::from_utf8_lossy(&page).replace(".SH ", ".SS ");
        writeln!(out, ".SH \"COMMAND {}\"\n{page}", subcommand.get_name().to_uppercase())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' '))
    }

    #[test]
    fn definitions_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn run_takes_repeated_overrides() {
        let cli = parsed("parhelion run a.toml --set time.end=5 --threads 2 --set grid.cells=[4,4]").unwrap();
        let Command::Run(run) = cli.command else { panic!("not a run") };
        assert_eq!(run.deck.overrides, ["time.end=5", "grid.cells=[4,4]"]);
        assert_eq!((run.threads, run.domains, run.overwrite), (Some(2), None, false));
    }

    #[test]
    fn ranges_may_be_negative() {
        let cli = parsed("parhelion render outputs/a --range -5,5 --position 0.1 --axis y").unwrap();
        let Command::Render(render) = cli.command else { panic!("not a render") };
        assert_eq!(render.range, Some([-5.0, 5.0]));
        assert_eq!(render.axis.map(AxisArg::number), Some(1));
    }

    #[test]
    fn delays_have_units() {
        let delay = |text: &str| match parsed(&format!("parhelion run a.toml --net-delay {text}")).unwrap().command {
            Command::Run(run) => run.switches.chosen().net_delay_s,
            _ => panic!("not a run"),
        };
        assert_eq!(["200us", "1ms", "0.5s", "0.002", "0"].map(delay), [0.0002, 0.001, 0.5, 0.002, 0.0]);
    }

    #[test]
    fn usage_errors_leave_with_2_and_one_error_line() {
        for line in [
            "parhelion",
            "parhelion rnu a.toml",
            "parhelion run",
            "parhelion run a.toml --threads 0",
            "parhelion run a.toml --threads -3",
            "parhelion run a.toml --domains 99999999999999999999",
            "parhelion run a.toml --nonsense",
            "parhelion run a.toml --quiet --live",
            "parhelion run a.toml --resume --overwrite",
            "parhelion run a.toml --max-time -1",
            "parhelion run a.toml --max-time nan",
            "parhelion run a.toml --watchdog -1",
            "parhelion run a.toml --imbalance 1",
            "parhelion run a.toml --imbalance 1,-2",
            "parhelion run a.toml --decomposition 4d",
            "parhelion run a.toml --schedule guided",
            "parhelion run a.toml --net-delay -1",
            "parhelion run a.toml --net-delay 1h",
            "parhelion run a.toml --net-delay 11",
            "parhelion check a.toml --ranks x",
            "parhelion scaling",
            "parhelion scaling a.toml --ranks 0",
            "parhelion scaling a.toml --threads 1,,2",
            "parhelion scaling a.toml --mode sideways",
            "parhelion scaling a.toml --repeats 0",
            "parhelion scaling a.toml --time-limit 0",
            "parhelion scaling a.toml --collect b",
            "parhelion sweep a.toml",
            "parhelion sweep a.toml --vary a=1 --workers forks:2",
            "parhelion sweep a.toml --vary a=1 --against a",
            "parhelion render a --range 5,1",
            "parhelion render a --range nan,1",
            "parhelion render a --position inf",
            "parhelion render a --pixels 1",
            "parhelion completions tcsh",
            "parhelion machine --nonsense",
            "parhelion machine deck.toml",
            "parhelion predict a.toml --ranks 1,0",
            "parhelion predict a.toml --network 1e-6",
            "parhelion predict a.toml --network 2,1e-9",
        ] {
            let error = parsed(line).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
            assert!(error.to_string().matches("error:").count() <= 1, "{error}");
        }
    }

    #[test]
    fn every_help_shows_examples() {
        for command in [
            "run",
            "check",
            "verify",
            "scaling",
            "sweep",
            "compare",
            "render",
            "machine",
            "predict",
            "completions",
            "man",
            "schema",
        ] {
            let help = parsed(&format!("parhelion {command} --help")).unwrap_err();
            assert_eq!(help.exit_code(), 0);
            assert!(help.to_string().contains(&format!("parhelion {command}")), "{help}");
            assert!(help.to_string().contains("Examples:"), "{help}");
        }
    }

    #[test]
    fn man_page_and_completions_name_all_flags() {
        let (mut man, mut script) = (Vec::new(), Vec::new());
        write_man(&mut man).unwrap();
        write_completions(clap_complete::Shell::Bash, &mut script).unwrap();
        let (man, script) = (String::from_utf8(man).unwrap(), String::from_utf8(script).unwrap());
        for flag in [
            "set",
            "output",
            "threads",
            "domains",
            "overwrite",
            "resume",
            "max-time",
            "watchdog",
            "imbalance",
            "blocking",
            "decomposition",
            "schedule",
            "net-delay",
            "quiet",
            "live",
            "ranks",
            "quick",
            "colormap",
        ] {
            assert!(man.contains(&format!("\\-\\-{}", flag.replace('-', "\\-"))), "{flag}");
            assert!(script.contains(&format!("--{flag}")), "{flag}");
        }
    }
}
