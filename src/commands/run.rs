//! `parhelion run`: from a deck to a run directory. What both physics share; the rest is in `run_heat` and
//! `run_nbody`.

use super::stopping::STOPPED;
use super::{deck, run_heat, run_nbody};
use crate::checkpoint::keeper::Limit;
use crate::cli::RunArgs;
use crate::comm::impaired::{Impaired, Impairment};
use crate::comm::meter::Meter;
use crate::comm::{Communicator, ReduceOp, agree};
use crate::console;
use crate::cpu::CpuPath;
use crate::error::{Error, Result};
use crate::heartbeat::{self, Activity};
use crate::host::usage::{self, Switches, Usage};
use crate::laboratory::gantt::gantt;
use crate::laboratory::timeline;
use crate::output::atomic::write_file;
use crate::output::plain_file;
use crate::output::run_directory::{Entry, RunDirectory, TRACE};
use crate::parallel::Sharing;
use crate::report::loops::{self, Loops, RankLoop};
use crate::report::replay;
use crate::report::{self, Chapter, Figures, Stopped};
use crate::run_config::RunConfig;
use crate::runtime::RankSetup;
use crate::simulation::{LoopStatistics, Probe};
use crate::timing::{Phase, Timers};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Seconds before the end of a Slurm job at which a run should have stopped: hosts' clocks differ, and the job script may go on.
const SLURM_MARGIN: f64 = 30.0;
/// Steps in the picture of a timeline: enough to see whether they are alike, few enough to see their parts.
const STEPS_DRAWN: usize = 3;
/// Seconds that are as good as no limit.
const LONGEST: f64 = 1e15;

/// Seconds from the start of this process to the end of its Slurm job, less a margin; none if that has passed: the variable is then one
/// of another job.
fn slurm_limit(started: Instant) -> Option<f64> {
    let end: f64 = std::env::var("SLURM_JOB_END_TIME").ok()?.parse().ok()?;
    let left = end - SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs_f64();
    let allowed = started.elapsed().as_secs_f64() + (left - SLURM_MARGIN).max(0.0);
    (left > 0.0 && allowed < LONGEST).then_some(allowed)
}

/// Runs a deck on this rank. Collective. `started` is when the process was.
///
/// # Errors
/// As the exit codes say, the same on all ranks.
pub fn run(comm: &dyn Communicator, setup: &RankSetup, arguments: &RunArgs, started: Instant) -> Result<u8> {
    let switches = arguments.switches.chosen();
    let impaired = Impaired::new(comm, switches.impairment());
    let is_impaired = switches.impairment() != Impairment::default();
    let comm: &dyn Communicator = if is_impaired { &impaired } else { comm };
    let meter = if arguments.journal { Meter::with_journal(comm) } else { Meter::new(comm) };
    let job = Job {
        comm: &meter,
        meter: &meter,
        setup,
        arguments,
        started,
        clock_offset: Cell::new(0),
        switches: Cell::default(),
    };
    job.check_imbalance()?;
    heartbeat::enter(Activity::Deck);
    let (config, source) = deck::read(comm, &arguments.deck.deck, &arguments.deck.overrides)?;
    heartbeat::enter(Activity::Setup);
    job.start_trace()?;
    let outcome = match switches.cut(config, comm.size())? {
        RunConfig::Heat(config) => run_heat::run(&job, &config),
        RunConfig::NBody(config) => run_nbody::run(&job, &config),
    };
    outcome.map_err(|error| source.place(error))
}

/// Passes if there is a directory for the file and nothing else in its place.
fn can_be_written(file: &Path) -> Result<()> {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let found = plain_file::refuse_others(file).and_then(|()| std::fs::metadata(parent)).map(|found| found.is_dir());
    match found {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::Io(format!("cannot write {}: {} is no directory", file.display(), parent.display()))),
        Err(cause) => Err(Error::io("write", file, cause)),
    }
}

/// A run of whatever physics.
pub(super) struct Job<'a> {
    pub(super) comm: &'a dyn Communicator,
    pub(super) meter: &'a Meter<'a>,
    pub(super) setup: &'a RankSetup,
    pub(super) arguments: &'a RunArgs,
    pub(super) started: Instant,
    /// What the timeline is shifted by, once it has begun.
    clock_offset: Cell<i64>,
    /// Of this process before the loop.
    switches: Cell<Switches>,
}

/// What every deck has.
#[derive(Clone, Copy)]
pub(super) struct Deck<'a> {
    pub(super) physics: &'static str,
    pub(super) title: &'a str,
    pub(super) case: &'a str,
    pub(super) resolved: &'a str,
    pub(super) warnings: &'a [String],
}

impl Job<'_> {
    /// Refuses to slow down a rank that is not there.
    fn check_imbalance(&self) -> Result<()> {
        match self.arguments.imbalance {
            Some((rank, _)) if rank >= self.comm.size() => Err(Error::Input(format!(
                "--imbalance names rank {rank}, but the ranks of this run are 0 to {}; name one of them",
                self.comm.size() - 1
            ))),
            _ => Ok(()),
        }
    }

    /// What is measured of the steps of this rank, and done to them.
    pub(super) fn probe(&self) -> Probe<'_> {
        self.switches.set(usage::process_switches().unwrap_or_default());
        let slowed = self.arguments.imbalance.filter(|(rank, _)| *rank == self.comm.rank());
        Probe { meter: self.meter, slowdown: slowed.map_or(0.0, |(_, extra)| extra) }
    }

    /// Who does which piece of the work of a rank.
    pub(super) fn sharing(&self) -> Sharing {
        self.arguments.switches.chosen().sharing()
    }

    /// Ranks on the host of this one.
    pub(super) fn ranks_here(&self) -> Vec<usize> {
        let placements = &self.setup.placements;
        let host = |r: usize| placements.get(r).map(|p| p.host.as_str());
        (0..placements.len()).filter(|&r| host(r) == host(self.comm.rank())).collect()
    }

    /// The widest CPU path that all ranks have.
    pub(super) fn cpu_path(&self) -> CpuPath {
        let mut widest = [CpuPath::best() as u8 as f64];
        self.comm.all_reduce(ReduceOp::Min, &mut widest);
        let common = CpuPath::available().into_iter().find(|&path| path as u8 as f64 == widest[0]);
        common.unwrap_or(CpuPath::Portable)
    }

    /// What every rank did in its loop. Collective.
    pub(super) fn loops(&self, statistics: &LoopStatistics, phases: &Timers, names: &[Phase]) -> Loops {
        let own = RankLoop {
            loop_s: statistics.loop_s,
            communication_s: self.meter.seconds(),
            threads_s: statistics.threads_s.clone(),
            phases_s: names.iter().map(|&phase| phases.seconds(phase)).collect(),
            sent: loops::sent(self.meter),
            usage: Usage::now().since(self.switches.get()),
        };
        let ideal_s = replay::ideal_s(self.comm, self.meter);
        let loops = Loops::gather(self.comm, &own, names, self.arguments.imbalance, ideal_s);
        loops.under(self.arguments.switches.chosen().json())
    }

    /// Prints warnings about the placement and the deck, once.
    pub(super) fn warn(&self, deck: &Deck<'_>) {
        if self.comm.rank() == 0 && !self.arguments.quiet {
            for warning in self.setup.warnings.iter().chain(deck.warnings) {
                console::message(&format!("warning: {warning}"));
            }
        }
    }

    /// Where the run of a deck writes.
    pub(super) fn directory(&self, deck: &Deck<'_>) -> PathBuf {
        self.arguments.output.clone().unwrap_or_else(|| PathBuf::from("outputs").join(deck.case))
    }

    /// Prints a line to standard error, once.
    pub(super) fn tell(&self, text: &str) {
        if self.comm.rank() == 0 {
            console::message(text);
        }
    }

    /// When the run must end: as the user or the batch system says, whichever is earlier.
    pub(super) fn limit(&self) -> Limit {
        let limits = self.arguments.max_time.into_iter().chain(slurm_limit(self.started));
        Limit { started: self.started, most: limits.min_by(f64::total_cmp).map(Duration::from_secs_f64) }
    }

    /// Runs `body` in the run directory of the deck; if it fails, a report of the failure stays there.
    pub(super) fn in_directory(
        &self,
        deck: &Deck<'_>,
        entry: Entry,
        body: impl FnOnce(&Path) -> Result<u8>,
    ) -> Result<u8> {
        let directory = RunDirectory::open(self.comm, &self.directory(deck), deck.resolved, entry)?;
        let outcome = body(directory.path());
        if let Err(error) = &outcome {
            self.report_failure(deck, directory.path(), error);
        }
        outcome
    }

    /// Leaves a report of a run that failed, as far as that can still be written.
    fn report_failure(&self, deck: &Deck<'_>, directory: &Path, error: &Error) {
        if self.comm.rank() == 0 {
            let text = report::failure(deck.physics, deck.title, error);
            // The error itself is what the user must see; a full disk may be its very cause.
            let _ = write_file(&directory.join("report.json"), |file| file.write_all(text.as_bytes()));
        }
    }

    /// The largest value of all ranks.
    pub(super) fn slowest(&self, seconds: f64) -> f64 {
        let mut slowest = [seconds];
        self.comm.all_reduce(ReduceOp::Max, &mut slowest);
        slowest[0]
    }

    /// Leaves the report of a run that was stopped, tells how to go on, and gives its exit code. Collective.
    ///
    /// # Errors
    /// Exit code 3 if the report cannot be written, the same on all ranks.
    pub(super) fn stop(&self, directory: &Path, stopped: &Stopped<'_>) -> Result<u8> {
        let text = report::stopped(stopped);
        let path = directory.join("report.json");
        let is_writer = self.comm.rank() == 0;
        let written = if is_writer { write_file(&path, |file| file.write_all(text.as_bytes())) } else { Ok(0) };
        agree(self.comm, written)?;
        if !self.arguments.quiet {
            let (cause, step, steps) = (stopped.cause(), stopped.step, stopped.steps);
            self.tell(&format!(
                "stopped by {cause} after step {step} of {steps} and a checkpoint; the same command goes on from there"
            ));
        }
        Ok(STOPPED)
    }

    /// Begins to record when each thread does what, if that is asked for. Collective.
    ///
    /// # Errors
    /// Exit code 3 if the file could not be written when the run is over, the same on all ranks.
    fn start_trace(&self) -> Result<()> {
        let Some(file) = &self.arguments.trace else { return Ok(()) };
        let named = file.as_deref().filter(|_| self.comm.rank() == 0);
        agree(self.comm, named.map_or(Ok(()), can_be_written))?;
        self.clock_offset.set(timeline::start(self.comm, self.started));
        Ok(())
    }

    /// Writes what has been recorded, if that was asked for; a run that is over does not fail for it. Collective.
    pub(super) fn write_trace(&self, directory: &Path, title: &str) {
        let Some(file) = &self.arguments.trace else { return };
        let path = file.clone().unwrap_or_else(|| directory.join(TRACE));
        let timeline = timeline::gather(self.comm, self.clock_offset.get());
        if self.comm.rank() != 0 {
            return;
        }
        let picture = gantt(&timeline, STEPS_DRAWN, title).svg(true);
        for (path, text) in [(path.with_extension("svg"), picture), (path, timeline.chrome(title))] {
            if let Err(cause) = write_file(&path, |file| file.write_all(text.as_bytes())) {
                console::message(&format!("warning: no timeline: {cause}"));
            }
        }
    }

    /// Writes the report and prints the summary.
    pub(super) fn publish(&self, directory: &Path, figures: &Figures<'_>, chapter: &dyn Chapter) -> Result<u8> {
        heartbeat::enter(Activity::Report);
        let written = if self.comm.rank() == 0 {
            let text = report::json(figures, chapter);
            write_file(&directory.join("report.json"), |file| file.write_all(text.as_bytes())).map(|_| ())
        } else {
            Ok(())
        };
        agree(self.comm, written)?;
        if self.comm.rank() == 0 {
            let summary = report::summary(figures, chapter, &directory.display().to_string());
            let text = summary.trim_end();
            let digest = text.lines().next_back().unwrap_or_default();
            console::print(if self.arguments.quiet { digest } else { text });
        }
        Ok(0)
    }
}
