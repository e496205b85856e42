//! `parhelion sweep`: prepares a study, runs its members in a pool, and tells what came of it.

use super::stopping;
use crate::cli::{PoolArg, SweepArgs};
use crate::comm::{Communicator, agree};
use crate::console;
use crate::error::{Error, Result};
use crate::fault;
use crate::host;
use crate::interrupt;
use crate::laboratory::sweep::board::Board;
use crate::laboratory::sweep::crew;
use crate::laboratory::sweep::inside::Inside;
use crate::laboratory::sweep::outcome::{Event, Status};
use crate::laboratory::sweep::plan::Job;
use crate::laboratory::sweep::processes::{Processes, Supervisor};
use crate::laboratory::sweep::ranks;
use crate::laboratory::sweep::study::{Session, Study};
use crate::runtime::launcher::Launcher;
use crate::runtime::{Launch, RankSetup, launch, signals, watchdog};
use std::time::Instant;

/// Exit code of a sweep of which some members did not end well.
const SOME_FAILED: u8 = 7;

/// Runs the command. `started` is when the process was.
///
/// # Errors
/// As the exit codes say. What goes wrong in a member is in its row.
pub fn sweep(arguments: &SweepArgs, started: Instant) -> Result<u8> {
    fault::check()?;
    signals::watch()?;
    match arguments.workers {
        PoolArg::Mpi => {
            watchdog::watch(None)?;
            let request = Launch { domains: None, threads: arguments.threads };
            launch(&request, |comm, setup| over_ranks(comm, setup, arguments, started))
        }
        PoolArg::Processes(count) => here(arguments, "processes", count, started),
        PoolArg::Threads(count) => {
            watchdog::watch(None)?;
            here(arguments, "threads", count, started)
        }
    }
}

/// A pool of this process.
fn here(arguments: &SweepArgs, pool: &'static str, count: Option<usize>, started: Instant) -> Result<u8> {
    if let Some(launcher) = Launcher::of_environment().filter(|launcher| launcher.tasks > 1) {
        return Err(Error::Input(format!(
            "started by {} with {} tasks, each of which would run the whole sweep; use --workers mpi, or start it once",
            launcher.name, launcher.tasks
        )));
    }
    let study = Study::plan(arguments)?;
    let workers = count.unwrap_or_else(host::parallelism).min(study.plan.members.len());
    let threads = arguments.threads.unwrap_or_else(|| (host::parallelism() / workers).max(1));
    study.inspection.check_memory(workers)?;
    if !arguments.quiet || arguments.dry_run {
        console::print(&study.announcement(pool, workers, threads));
    }
    if arguments.dry_run {
        return Ok(0);
    }
    warn_of_crowds(workers * threads);
    let (_lock, table) = study.enter(arguments.overwrite)?;
    let job = Job { plan: study.plan.clone(), folder: study.folder.clone(), threads };
    let mut session = Session::new(&study, table, pool, arguments.retry)?;
    let board = Board::new(workers, study.plan.members.len(), session.ended(), arguments.quiet);
    let begin = Instant::now();
    let todo = session.todo();
    let mut desk = Desk { session: &mut session, board, arguments, started };
    if pool == "processes" {
        let processes = Processes::new(&job, arguments.max_time, started)?;
        let hire = |_: usize| Ok(Box::new(Supervisor(&processes)) as Box<dyn crew::Worker>);
        crew::run(workers, &todo, begin, &hire, &mut |event| desk.attend(event, &|| processes.stop()))?;
    } else {
        let hire = |number: usize| {
            let worker = Inside::with_own_threads(number, &job, arguments.max_time, started)?;
            Ok(Box::new(worker) as Box<dyn crew::Worker>)
        };
        crew::run(workers, &todo, begin, &hire, &mut |event| desk.attend(event, &|| ()))?;
    }
    drop(desk);
    conclude(&study, &session, arguments, (workers, threads))
}

/// The pool of ranks. Collective.
fn over_ranks(comm: &dyn Communicator, setup: &RankSetup, arguments: &SweepArgs, started: Instant) -> Result<u8> {
    if comm.size() < 2 {
        return Err(Error::Input(
            "--workers mpi needs two ranks or more, as rank 0 hands out members and runs none; start it with mpirun -n 3, or \
             use --workers processes:N"
                .to_owned(),
        ));
    }
    let (rank, workers) = (comm.rank(), comm.size() - 1);
    let prepared = agree(comm, if rank == 0 { prepare(arguments, setup, workers).map(Some) } else { Ok(None) })?;
    let mut text = match &prepared {
        Some((study, _, _)) if !arguments.dry_run => serde_json::to_vec(&(&study.plan, &study.folder)),
        _ => Ok(Vec::new()),
    }
    .map_err(|cause| Error::Defect(format!("a plan has no text: {cause}")))?;
    comm.broadcast(0, &mut text);
    if text.is_empty() {
        return Ok(0);
    }
    let mut code = Ok(0);
    if let Some((study, lock, mut session)) = prepared {
        code = hand_out(comm, &study, &mut session, arguments, (setup.threads, started));
        drop(lock);
    } else {
        let (plan, folder) =
            serde_json::from_slice(&text).map_err(|cause| Error::Defect(format!("a plan is lost: {cause}")))?;
        let job = Job { plan, folder, threads: setup.threads };
        let mut worker = Inside::with_these_threads(&job, arguments.max_time, started);
        ranks::serve(comm, &mut |member| crew::Worker::run(&mut worker, member));
    }
    let mut byte = vec![agree(comm, code)?];
    comm.broadcast(0, &mut byte);
    Ok(byte[0])
}

type Prepared = (Study, Option<crate::output::run_lock::Lock>, Session);

/// Everything before the first member. By rank 0.
fn prepare(arguments: &SweepArgs, setup: &RankSetup, workers: usize) -> Result<Prepared> {
    let study = Study::plan(arguments)?;
    let here = |host: &String| setup.placements.iter().skip(1).filter(|place| place.host == *host).count();
    study.inspection.check_memory(setup.hosts.iter().map(here).max().unwrap_or(workers))?;
    if !arguments.quiet || arguments.dry_run {
        console::print(&study.announcement("mpi", workers, setup.threads));
    }
    let (lock, table) = if arguments.dry_run {
        (None, Default::default())
    } else {
        let (lock, table) = study.enter(arguments.overwrite)?;
        (Some(lock), table)
    };
    let session = Session::new(&study, table, "mpi", arguments.retry)?;
    Ok((study, lock, session))
}

fn hand_out(
    comm: &dyn Communicator,
    study: &Study,
    session: &mut Session,
    arguments: &SweepArgs,
    (threads, started): (usize, Instant),
) -> Result<u8> {
    let workers = comm.size() - 1;
    let board = Board::new(workers, study.plan.members.len(), session.ended(), arguments.quiet);
    let todo = session.todo();
    let mut desk = Desk { session, board, arguments, started };
    let outcome = ranks::hand_out(comm, &todo, Instant::now(), &mut |event| desk.attend(event, &|| ()));
    drop(desk);
    outcome.and_then(|()| conclude(study, session, arguments, (workers, threads)))
}

fn warn_of_crowds(threads: usize) {
    let cores = host::parallelism();
    if threads > cores {
        console::message(&format!(
            "warning: {threads} threads on {cores} cores: members slow each other down; use fewer --workers or --threads"
        ));
    }
}

/// Where results come in.
struct Desk<'a> {
    session: &'a mut Session,
    board: Board,
    arguments: &'a SweepArgs,
    started: Instant,
}

impl Desk<'_> {
    /// Takes an event; false when no more members shall be handed out.
    fn attend(&mut self, event: Option<Event>, stop: &dyn Fn()) -> Result<bool> {
        match event {
            None => self.board.tick(),
            Some(Event::Began { worker, member }) => self.board.began(worker, member, self.session.plan()),
            Some(Event::Ended { worker, member, seconds, outcome }) => {
                let (status, message) = self.session.record(worker, member, seconds, &outcome)?;
                self.board.ended(worker, member, status, &message);
            }
        }
        let is_over = self.arguments.max_time.is_some_and(|most| self.started.elapsed().as_secs_f64() >= most);
        if interrupt::requested().is_some() || is_over {
            stop();
        }
        let goes_on = interrupt::requested().is_none() && !is_over && self.session.count(Status::Stopped) == 0;
        Ok(goes_on)
    }
}

/// Pictures, summary, exit code.
fn conclude(study: &Study, session: &Session, arguments: &SweepArgs, (workers, threads): (usize, usize)) -> Result<u8> {
    session.put_in_order()?;
    let drawn = session.draw(study, &arguments.plot, arguments.against.as_deref())?;
    if !arguments.quiet {
        console::print(&session.summary(study, workers, threads, &drawn));
    }
    let all = study.plan.members.len();
    if session.ended() < all {
        let cause = stopping::cause().unwrap_or_else(|| "the time limit".to_owned());
        return Ok(stopping::goes_on(&cause, &format!("{} of {all} members", session.ended())));
    }
    Ok(if session.count(Status::Done) == all { 0 } else { SOME_FAILED })
}
