//! `parhelion run` of a heat deck.

use super::deck;
use super::plan::Plan;
use super::resume::{self, Begin};
use super::run::{Deck, Job};
use crate::checkpoint;
use crate::checkpoint::keeper::{Identity, Keeper};
use crate::comm::agree;
use crate::digest::digest;
use crate::error::{Error, Result};
use crate::heartbeat::{self, Activity};
use crate::heat::problem::Initial;
use crate::heat::{HeatModel, HeatOptions};
use crate::host;
use crate::input;
use crate::output::outputs::{Finished, Outputs};
use crate::output::progress::Progress;
use crate::report::heat::{HeatChapter, LOOP_PHASES, PHASES};
use crate::report::loops::Loops;
use crate::report::{self, Figures, Kept, Stopped};
use crate::run_config::HeatRun;
use crate::schedule::Clock;
use crate::simulation::{LoopStatistics, simulate};
use crate::timing::Phase;
use std::path::Path;
use std::time::Instant;

/// Copies of the state that are timed for the bandwidth; the median counts.
const COPIES: usize = 5;

/// Runs the deck. Collective.
///
/// # Errors
/// As the exit codes say, the same on all ranks.
pub(super) fn run(job: &Job<'_>, config: &HeatRun) -> Result<u8> {
    let plan = Plan::new(config, job.comm.size())?;
    agree(job.comm, plan.check_memory(&job.ranks_here()))?;
    let deck = Deck {
        physics: "heat",
        title: &config.title,
        case: &config.case,
        resolved: &config.resolved,
        warnings: &config.warnings,
    };
    job.warn(&deck);
    let options = options(job, config);
    let begin = resume::begin(job, &deck)?;
    let mut model = HeatModel::new(config.problem.clone(), job.comm, &options)?;
    match begin.source() {
        Some(source) => checkpoint::heat::restore(&mut model, source, job.comm)?,
        None => read_initial(job, &mut model)?,
    }
    let clock = Clock::new(&config.time, model.spectral().max_stable_dt())?;
    begin.check_clock(&clock)?;
    job.in_directory(&deck, begin.entry(), |directory| {
        HeatJob { job, config, begin: &begin, clock, options, directory }.run(&mut model)
    })
}

/// Choices of speed for this machine.
fn options(job: &Job<'_>, config: &HeatRun) -> HeatOptions {
    let bytes = |level: u8| host::cache(level).map(|c| c.bytes as usize);
    let basis = HeatOptions::default();
    HeatOptions {
        dims: config.decomposition.dims,
        halo_width: config.decomposition.halo_width,
        path: job.cpu_path(),
        cache: bytes(2).unwrap_or(basis.cache),
        last_level: bytes(3).or(bytes(2)).unwrap_or(basis.last_level),
        tile: None,
        sharing: job.sharing(),
    }
}

fn read_initial(job: &Job<'_>, model: &mut HeatModel<'_>) -> Result<()> {
    let Initial::File(path) = model.problem().initial.clone() else { return Ok(()) };
    let (grid, decomposition) = (model.problem().grid.clone(), model.decomposition().clone());
    let read = input::npy::read_part(&path, &grid, &decomposition, job.comm, model.temperature_mut());
    read.map_err(deck::initial_file)
}

/// A heat run that owns its directory.
struct HeatJob<'a> {
    job: &'a Job<'a>,
    config: &'a HeatRun,
    begin: &'a Begin,
    clock: Clock,
    options: HeatOptions,
    directory: &'a Path,
}

impl HeatJob<'_> {
    fn run(&self, model: &mut HeatModel<'_>) -> Result<u8> {
        let (comm, config, arguments) = (self.job.comm, self.config, self.job.arguments);
        let visible = comm.rank() == 0 && !arguments.quiet && !arguments.live;
        let progress = Progress::after(
            self.begin.step(),
            self.clock.steps,
            (config.problem.grid.cell_count() as f64, "cell"),
            visible,
        );
        let (title, plan, live) = (&config.title, &config.output, arguments.live);
        let earlier = self.begin.memory(self.job)?;
        let mut outputs = Outputs::after(comm, title, plan, self.directory, progress, live, earlier.as_ref())?;
        let mut keeper = self.keeper(model);
        let before = model.timers.clone();
        let statistics = simulate(model, &self.clock, self.begin.step(), &mut outputs, &mut keeper, self.job.probe())?;
        let loops = self.job.loops(&statistics, &model.timers.since(&before), &LOOP_PHASES);
        let kept = Kept { restart: self.begin.restart(), record: keeper.into_record() };
        if statistics.stopped {
            drop(outputs);
            self.job.write_trace(self.directory, &self.config.title);
            let step = self.begin.step() + statistics.steps;
            return self.job.stop(self.directory, &Stopped::new("heat", title, step, &self.clock, &kept));
        }
        self.conclude(model, statistics, outputs.finish()?, kept, loops)
    }

    fn keeper(&self, model: &HeatModel<'_>) -> Keeper<'_> {
        let identity = Identity {
            physics: "heat",
            size: self.config.problem.grid.cells.map(|n| n as u64).to_vec(),
            deck: self.config.resolved.clone(),
            cpu_path: self.options.path.name(),
            clock: self.clock,
            limit: model.spectral().max_stable_dt(),
        };
        let from = self.begin.source().map(|source| source.header().step);
        Keeper::new(self.job.comm, self.directory, &self.config.checkpoint, identity, self.job.limit(), from)
    }

    /// Digest, bandwidth, report, summary.
    fn conclude(
        &self,
        model: &mut HeatModel<'_>,
        statistics: LoopStatistics,
        finished: Finished,
        kept: Kept,
        loops: Loops,
    ) -> Result<u8> {
        let (job, grid) = (self.job, &self.config.problem.grid);
        heartbeat::enter(Activity::Digest);
        let begin = Instant::now();
        let digest = digest(grid, model.decomposition(), model.temperature(), job.comm);
        model.timers.add(Phase::Digest, begin.elapsed().as_secs_f64());
        let copy_s = self.copy_seconds(model);
        job.write_trace(self.directory, &self.config.title);
        let loop_s = job.slowest(statistics.loop_s);
        let (phases, ranks) = report::gather(job.comm, &model.timers, &PHASES, model.traffic());
        let last = finished.last.ok_or_else(|| Error::Defect("a run without final diagnostics".into()))?;
        let first_step = finished.first_step.unwrap_or(job.started);
        let figures = Figures {
            title: &self.config.title,
            setup: job.setup,
            cpu_path: self.options.path.name(),
            clock: self.clock,
            diagnostics: last.columns().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect(),
            digest,
            wall_s: job.started.elapsed().as_secs_f64(),
            setup_s: (first_step - job.started).as_secs_f64(),
            loop_s,
            steps_done: statistics.steps,
            kept,
            output: (model.timers.seconds(Phase::Output) + finished.seconds, finished.bytes),
            phases,
            ranks,
            loops,
        };
        let chapter = HeatChapter {
            config: self.config,
            process_grid: model.decomposition().dims,
            max_stable_dt: model.spectral().max_stable_dt(),
            constant_coefficients: model.constant_coefficients(),
            error_bound: model.exact().map(|exact| exact.error_bound(grid, self.clock.end, self.clock.dt)),
            last,
            copy_s,
        };
        job.publish(self.directory, &figures, &chapter)
    }

    /// Seconds of a copy of the state with the stores of a sweep: the median of some, of the slowest rank.
    fn copy_seconds(&self, model: &mut HeatModel<'_>) -> f64 {
        let mut seconds: Vec<f64> = (0..COPIES)
            .map(|_| {
                self.job.comm.barrier();
                model.time_copy()
            })
            .collect();
        seconds.sort_by(f64::total_cmp);
        self.job.slowest(seconds[COPIES / 2])
    }
}
