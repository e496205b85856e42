//! `parhelion run`: from a deck to a run directory.

use super::deck;
use super::plan::Plan;
use crate::cli::RunArgs;
use crate::comm::{Communicator, ReduceOp, agree};
use crate::cpu::CpuPath;
use crate::digest::digest;
use crate::error::{Error, Result};
use crate::heat::problem::Initial;
use crate::heat::{HeatModel, HeatOptions};
use crate::output::atomic::write_file;
use crate::output::outputs::{Finished, Outputs};
use crate::output::progress::Progress;
use crate::output::run_directory::RunDirectory;
use crate::report::{self, Figures};
use crate::run_config::{HeatRun, RunConfig};
use crate::runtime::RankSetup;
use crate::schedule::Clock;
use crate::simulation::{LoopStatistics, simulate};
use crate::timing::Phase;
use crate::{console, host, input};
use std::path::PathBuf;
use std::time::Instant;

/// Copies of the state that are timed for the bandwidth; the median counts.
const COPIES: usize = 5;

/// Runs a deck on this rank. Collective. `started` is when the process was.
///
/// # Errors
/// As the exit codes say, the same on all ranks.
pub fn run(comm: &dyn Communicator, setup: &RankSetup, arguments: &RunArgs, started: Instant) -> Result<u8> {
    match deck::read(comm, &arguments.deck.deck, &arguments.deck.overrides)? {
        RunConfig::Heat(config) => run_heat(comm, setup, arguments, started, config),
        RunConfig::NBody(_) => unreachable!(),
    }
}

fn run_heat(
    comm: &dyn Communicator,
    setup: &RankSetup,
    arguments: &RunArgs,
    started: Instant,
    config: HeatRun,
) -> Result<u8> {
    let plan = Plan::new(&config, comm.size())?;
    agree(comm, plan.check_memory(&ranks_here(comm.rank(), setup)))?;
    if !arguments.quiet {
        warn(comm, setup, &config);
    }
    let options = options(comm, &config);
    let mut model = HeatModel::new(config.problem.clone(), comm, &options)?;
    read_initial(comm, &mut model)?;
    let clock = Clock::new(&config.time, model.spectral().max_stable_dt())?;
    let directory = RunDirectory::open(comm, &output_path(arguments, &config), &config.resolved, arguments.overwrite)?;
    let job =
        Job { comm, setup, config: &config, clock, options, started, directory: &directory, quiet: arguments.quiet };
    let outcome = job.run(&mut model, arguments.live);
    if let Err(error) = &outcome {
        job.report_failure(error);
    }
    outcome
}

/// Ranks on the host of `rank`.
fn ranks_here(rank: usize, setup: &RankSetup) -> Vec<usize> {
    let host = |r: usize| setup.placements.get(r).map(|p| p.host.as_str());
    (0..setup.placements.len()).filter(|&r| host(r) == host(rank)).collect()
}

fn warn(comm: &dyn Communicator, setup: &RankSetup, config: &HeatRun) {
    if comm.rank() == 0 {
        for warning in setup.warnings.iter().chain(&config.warnings) {
            console::message(&format!("warning: {warning}"));
        }
    }
}

/// Choices of speed for this machine; all ranks take the widest CPU path that all have.
fn options(comm: &dyn Communicator, config: &HeatRun) -> HeatOptions {
    let bytes = |level: u8| host::cache(level).map(|c| c.bytes as usize);
    let mut widest = [CpuPath::best() as u8 as f64];
    comm.all_reduce(ReduceOp::Min, &mut widest);
    let common = CpuPath::available().into_iter().find(|&p| p as u8 as f64 == widest[0]);
    let basis = HeatOptions::default();
    HeatOptions {
        dims: config.decomposition.dims,
        halo_width: config.decomposition.halo_width,
        path: common.unwrap_or(CpuPath::Portable),
        cache: bytes(2).unwrap_or(basis.cache),
        last_level: bytes(3).or(bytes(2)).unwrap_or(basis.last_level),
        tile: None,
    }
}

fn read_initial(comm: &dyn Communicator, model: &mut HeatModel<'_>) -> Result<()> {
    let Initial::File(path) = model.problem().initial.clone() else { return Ok(()) };
    let (grid, decomposition) = (model.problem().grid.clone(), model.decomposition().clone());
    input::npy::read_part(&path, &grid, &decomposition, comm, model.temperature_mut())
}

fn output_path(arguments: &RunArgs, config: &HeatRun) -> PathBuf {
    arguments.output.clone().unwrap_or_else(|| PathBuf::from("outputs").join(&config.case))
}

/// A run that owns its directory.
struct Job<'a> {
    comm: &'a dyn Communicator,
    setup: &'a RankSetup,
    config: &'a HeatRun,
    clock: Clock,
    options: HeatOptions,
    started: Instant,
    directory: &'a RunDirectory,
    quiet: bool,
}

impl Job<'_> {
    fn run(&self, model: &mut HeatModel<'_>, live: bool) -> Result<u8> {
        let (comm, config, directory) = (self.comm, self.config, self.directory.path());
        let visible = comm.rank() == 0 && !self.quiet && !live;
        let progress = Progress::new(self.clock.steps, config.problem.grid.cell_count() as f64, visible);
        let mut outputs = Outputs::new(comm, &config.title, &config.output, directory, progress, live)?;
        let statistics = simulate(model, &self.clock, &mut outputs)?;
        self.conclude(model, statistics, outputs.finish()?)
    }

    /// Leaves a report of a run that failed, as far as that can still be written.
    fn report_failure(&self, error: &Error) {
        if self.comm.rank() == 0 {
            let text = report::failure(self.config, error);
            let path = self.directory.path().join("report.json");
            // The error itself is what the user must see; a full disk may be its very cause.
            let _ = write_file(&path, |file| file.write_all(text.as_bytes()));
        }
    }

    /// Digest, bandwidth, report, summary.
    fn conclude(&self, model: &mut HeatModel<'_>, statistics: LoopStatistics, finished: Finished) -> Result<u8> {
        let begin = Instant::now();
        let grid = &self.config.problem.grid;
        let digest = digest(grid, model.decomposition(), model.temperature(), self.comm);
        model.timers.add(Phase::Digest, begin.elapsed().as_secs_f64());
        let copy_s = self.copy_seconds(model);
        let mut slowest = [statistics.loop_s];
        self.comm.all_reduce(ReduceOp::Max, &mut slowest);
        let (phases, ranks) = report::gather(self.comm, model);
        let last = finished.last.ok_or_else(|| Error::Defect("a run without final diagnostics".into()))?;
        let first_step = finished.first_step.unwrap_or(self.started);
        let figures = Figures {
            config: self.config,
            setup: self.setup,
            cpu_path: self.options.path.name(),
            process_grid: model.decomposition().dims,
            clock: self.clock,
            max_stable_dt: model.spectral().max_stable_dt(),
            constant_coefficients: model.constant_coefficients(),
            error_bound: model.exact().map(|exact| exact.error_bound(grid, self.clock.end, self.clock.dt)),
            last,
            digest,
            wall_s: self.started.elapsed().as_secs_f64(),
            setup_s: (first_step - self.started).as_secs_f64(),
            loop_s: slowest[0],
            copy_s,
            output: (model.timers.seconds(Phase::Output) + finished.seconds, finished.bytes),
            phases,
            ranks,
        };
        self.publish(&figures)
    }

    /// Seconds of a copy of the state with the stores of a sweep: the median of some, of the slowest rank.
    fn copy_seconds(&self, model: &mut HeatModel<'_>) -> f64 {
        let mut seconds: Vec<f64> = (0..COPIES)
            .map(|_| {
                self.comm.barrier();
                model.time_copy()
            })
            .collect();
        seconds.sort_by(f64::total_cmp);
        let mut median = [seconds[COPIES / 2]];
        self.comm.all_reduce(ReduceOp::Max, &mut median);
        median[0]
    }

    fn publish(&self, figures: &Figures<'_>) -> Result<u8> {
        let path = self.directory.path().join("report.json");
        let written = if self.comm.rank() == 0 {
            let text = report::json(figures);
            write_file(&path, |file| file.write_all(text.as_bytes())).map(|_| ())
        } else {
            Ok(())
        };
        agree(self.comm, written)?;
        if self.comm.rank() == 0 {
            let directory = self.directory.path().display().to_string();
            let summary = report::summary(figures, &directory);
            let text = summary.trim_end();
            let digest = text.lines().next_back().unwrap_or_default();
            console::print(if self.quiet { digest } else { text });
        }
        Ok(0)
    }
}
