//! `parhelion run` of an N-body deck.

use super::known;
use super::plan_nbody::NBodyPlan;
use super::resume::{self, Begin};
use super::run::{Deck, Job};
use crate::checkpoint;
use crate::checkpoint::keeper::{Identity, Keeper};
use crate::comm::agree;
use crate::cpu::CpuPath;
use crate::digest_bodies::digest_bodies;
use crate::error::{Error, Result};
use crate::heartbeat::{self, Activity};
use crate::host;
use crate::input::bodies::Files;
use crate::nbody::diagnostics::NBodyDiagnostics;
use crate::nbody::initial;
use crate::nbody::model::NBodyModel;
use crate::nbody::problem::{NBodyProblem, UnitSystem};
use crate::nbody::sampled_error::SampledError;
use crate::output::bodies::columns::columns;
use crate::output::bodies::outputs::{NBodyFinished, NBodyOutputs};
use crate::output::bodies::units::Units;
use crate::output::progress::Progress;
use crate::report::loops::Loops;
use crate::report::nbody::{FirstForces, LOOP_PHASES, NBodyChapter, PHASES};
use crate::report::{self, Figures, Kept, Stopped};
use crate::run_config::{NBodyRun, TimePlan};
use crate::schedule::Clock;
use crate::simulation::{LoopStatistics, simulate};
use crate::timing::Phase;
use serde_json::{Map, Value};
use std::path::Path;
use std::time::Instant;

/// Runs the deck. Collective.
///
/// # Errors
/// As the exit codes say, the same on all ranks.
pub(super) fn run(job: &Job<'_>, config: &NBodyRun) -> Result<u8> {
    host::keep_freed_memory();
    let deck = Deck {
        physics: "nbody",
        title: &config.title,
        case: &config.case,
        resolved: &config.resolved,
        warnings: &config.warnings,
    };
    let start = Instant::now();
    let begin = resume::begin(job, &deck)?;
    let origin = agree(job.comm, Origin::open(&config.problem, &begin))?;
    let plan = NBodyPlan::new(config, origin.count(), job.comm.size())?;
    agree(job.comm, plan.check_memory(&job.ranks_here()))?;
    job.warn(&deck);
    let path = job.cpu_path();
    let (mut model, limit) = match origin {
        Origin::Checkpoint { source, .. } => {
            let model = checkpoint::nbody::restore(&plan.problem, source, job.comm, path)?;
            (model, f64::from_bits(source.header().limit))
        }
        Origin::Groups(groups) => first_forces(job, &plan, groups, path, start)?,
    };
    model.set_sharing(job.sharing());
    let clock = clock(&config.time, limit)?;
    begin.check_clock(&clock)?;
    job.in_directory(&deck, begin.entry(), |directory| {
        NBodyJob { job, config, begin: &begin, plan: &plan, clock, limit, path, directory }.run(&mut model)
    })
}

/// Where the bodies come from.
enum Origin<'a> {
    /// Models and files of the deck.
    Groups(initial::Source<'a>),
    /// An earlier part of the run.
    Checkpoint { source: &'a checkpoint::reader::Source, count: u64 },
}

impl<'a> Origin<'a> {
    fn open(problem: &'a NBodyProblem, begin: &'a Begin) -> Result<Origin<'a>> {
        match begin.source() {
            Some(source) => Ok(Origin::Checkpoint { source, count: checkpoint::nbody::count(source)? }),
            None => initial::open(problem, &Files).map(Origin::Groups),
        }
    }

    fn count(&self) -> u64 {
        match self {
            Origin::Groups(groups) => groups.count(),
            Origin::Checkpoint { count, .. } => *count,
        }
    }
}

/// The model at the start, and the shortest time in which a body falls.
fn first_forces<'c>(
    job: &Job<'c>,
    plan: &NBodyPlan,
    groups: initial::Source<'_>,
    path: CpuPath,
    start: Instant,
) -> Result<(NBodyModel<'c>, f64)> {
    let bodies = groups.bodies(job.comm)?;
    drop(groups);
    let made = Instant::now();
    let mut model = NBodyModel::new(&plan.problem, bodies, job.comm, path)?;
    model.timers.add_span(Phase::Setup, start, made);
    let limit = model.shortest_free_fall();
    Ok((model, limit))
}

/// The time axis. A given step is nobody's but the user's: symplectic schemes have no limit that could be told in advance.
fn clock(time: &TimePlan, shortest_free_fall: f64) -> Result<Clock> {
    let clock = Clock::new(&TimePlan { allow_unstable: true, ..time.clone() }, shortest_free_fall)?;
    if clock.dt.is_finite() && clock.dt > 0.0 {
        return Ok(clock);
    }
    Err(Error::Input(
        "time.dt: \"auto\" finds no step, as no body is accelerated; write a number in time units".to_owned(),
    ))
}

/// An N-body run that owns its directory.
struct NBodyJob<'a> {
    job: &'a Job<'a>,
    config: &'a NBodyRun,
    begin: &'a Begin,
    plan: &'a NBodyPlan,
    clock: Clock,
    limit: f64,
    path: CpuPath,
    directory: &'a Path,
}

impl NBodyJob<'_> {
    fn run(&self, model: &mut NBodyModel<'_>) -> Result<u8> {
        let (comm, arguments) = (self.job.comm, self.job.arguments);
        let visible = comm.rank() == 0 && !arguments.quiet && !arguments.live;
        let progress = Progress::after(self.begin.step(), self.clock.steps, (self.plan.count as f64, "body"), visible);
        let earlier = self.begin.memory(self.job)?;
        let mut outputs = NBodyOutputs::after(comm, self.config, self.directory, progress, earlier.as_ref())?;
        if arguments.live {
            outputs = outputs.with_live_view();
        }
        let sampled = model.sampled_error();
        let first = FirstForces { seconds: self.job.slowest(model.costs().seconds()), work: model.work() };
        let mut keeper = self.keeper();
        let before = model.all_timers();
        let statistics = simulate(model, &self.clock, self.begin.step(), &mut outputs, &mut keeper, self.job.probe())?;
        let loops = self.job.loops(&statistics, &model.all_timers().since(&before), &LOOP_PHASES);
        let kept = Kept { restart: self.begin.restart(), record: keeper.into_record() };
        if statistics.stopped {
            drop(outputs);
            self.job.write_trace(self.directory, &self.config.title);
            let step = self.begin.step() + statistics.steps;
            let title = &self.config.title;
            return self.job.stop(self.directory, &Stopped::new("nbody", title, step, &self.clock, &kept));
        }
        self.conclude(model, (statistics, kept, loops), outputs.finish()?, sampled, first)
    }

    fn keeper(&self) -> Keeper<'_> {
        let identity = Identity {
            physics: "nbody",
            size: vec![self.plan.count],
            deck: self.config.resolved.clone(),
            cpu_path: self.path.name(),
            clock: self.clock,
            limit: self.limit,
        };
        let from = self.begin.source().map(|source| source.header().step);
        Keeper::new(self.job.comm, self.directory, &self.config.checkpoint, identity, self.job.limit(), from)
    }

    /// Digest, report, summary.
    fn conclude(
        &self,
        model: &mut NBodyModel<'_>,
        (statistics, kept, loops): (LoopStatistics, Kept, Loops),
        finished: NBodyFinished,
        sampled: Option<SampledError>,
        first: FirstForces,
    ) -> Result<u8> {
        let job = self.job;
        heartbeat::enter(Activity::Digest);
        let begin = Instant::now();
        let [pairs, cell_pairs] = model.work();
        let digest = digest_bodies(model.bodies(), job.comm);
        model.timers.add(Phase::Digest, begin.elapsed().as_secs_f64());
        job.write_trace(self.directory, &self.config.title);
        let loop_s = job.slowest(statistics.loop_s);
        let costs = model.costs();
        let (phases, ranks) = report::gather(job.comm, &model.all_timers(), &PHASES, (costs.messages, costs.bytes));
        let states = finished.first.zip(finished.last);
        let (start, last) = states.ok_or_else(|| Error::Defect("a run without diagnostics".into()))?;
        let (problem, bodies) = (&self.plan.problem, model.bodies());
        let places = known::places(problem, &self.clock, bodies, job.comm)?;
        let momentum = known::momentum(problem, &start, &last, bodies, job.comm);
        let first_step = finished.first_step.unwrap_or(job.started);
        let figures = Figures {
            title: &self.config.title,
            setup: job.setup,
            cpu_path: self.path.name(),
            clock: self.clock,
            diagnostics: diagnostics(&last, self.config.problem.units),
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
        let chapter = NBodyChapter {
            config: self.config,
            gravity: self.plan.problem.gravity,
            reason: self.plan.reason.clone(),
            count: self.plan.count,
            pairs: pairs - first.work[0],
            cell_pairs: cell_pairs - first.work[1],
            first,
            steps: model.steps(),
            sampled,
            known: momentum.into_iter().chain(places).collect(),
            last,
        };
        job.publish(self.directory, &figures, &chapter)
    }
}

/// The columns of the log as JSON; what is not defined is null.
fn diagnostics(last: &NBodyDiagnostics, units: UnitSystem) -> Map<String, Value> {
    let columns = columns(last, &Units::of(units)).into_iter();
    columns.map(|(name, text)| (name, serde_json::from_str(&text).unwrap_or(Value::Null))).collect()
}
