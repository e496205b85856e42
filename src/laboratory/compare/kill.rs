//! What happens when a worker is killed or a host is cut off: the job ends, and goes on from its checkpoint.
//!
//! The run keeps a checkpoint every quarter of its steps. Half a quarter after the first lies on the disk it is struck. SIGKILL goes to one
//! worker: to the process itself where workers are threads, which cannot be killed one by one, else to the last rank among the launcher's
//! descendants. Nobody else's process is looked at. A host is cut off by a command of the user's, for no program can pull a plug; the job
//! then goes on on the hosts that are left.
//!
//! Open MPI waits for minutes before it believes that a host is gone: its daemons are told to ask each other as `run_cluster.sh` tells
//! them. MPICH never asks, so there the watchdog of the run ends it.

use super::hosts;
use super::model::Model;
use super::trial::{Measured, Trials, has_checkpoint};
use crate::host;
use crate::interrupt;
use crate::laboratory::scaling::child;
use crate::laboratory::scaling::experiment::{QUIET, finished, read_report};
use crate::laboratory::scaling::plan::Shape;
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A checkpoint is kept after each part of the steps.
const PARTS: u64 = 4;
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// How long a run may take to its first checkpoint, a job to its end after a worker has gone, and the rest of a run.
const PATIENCE: Duration = Duration::from_secs(120);
const ENDING: Duration = Duration::from_secs(30);
/// How long a job may take to see that a host has gone, and a command to cut it off.
const SEEING: Duration = Duration::from_secs(90);
const CUTTING: Duration = Duration::from_secs(30);
/// What is said of a run that was too short.
const OVER: &str = "the run was over before it was struck: give it more steps";
/// Exit code of a run whose directory is in use.
const IN_USE: i32 = 6;
/// How long ranks on a host that was cut off may hold the directory, and the time between two tries.
const HOLDING: Duration = Duration::from_secs(60);
const RETRY_EVERY: Duration = Duration::from_millis(500);
/// Seconds without progress after which the watchdog ends a run whose launcher does not ask for its hosts.
const WATCHDOG: &str = "10";
/// What makes daemons of Open MPI see a silent host after 9 s, as in `run_cluster.sh`.
const KEEPALIVE: [(&str, &str); 3] = [("time", "5"), ("intvl", "1"), ("probes", "4")];
/// Times that the processes are looked through for children of children.
const GENERATIONS: usize = 3;

/// How a job took a blow.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Struck {
    /// Seconds from the blow to the end of the whole job.
    pub ended_after_s: f64,
    /// Seconds of work since the checkpoint that were lost.
    pub lost_s: f64,
    /// The step that the run went on from.
    pub from_step: u64,
    /// Seconds from starting it again to its first step.
    pub recovered_after_s: f64,
    /// The final state is that of a run that was left alone.
    pub same_digest: bool,
}

/// A host that was cut off.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cut {
    /// Its name.
    pub host: String,
    /// Where the job went on.
    pub rest: Vec<String>,
    /// How the job took it; its time counts from the start of the command that cut the host off.
    pub struck: Struck,
}

/// Kills a worker of a run of this model and goes on. `alone` is a run that was left alone.
///
/// # Errors
/// In words, why that could not be done.
pub fn kill(trials: &Trials<'_>, model: Model, shape: Shape, alone: &Measured) -> Result<Struck, String> {
    let run = Run { trials, model, shape, directory: fresh(trials, &format!("killed_{}", model.letter())), alone };
    let blow = |job: &Job| {
        let victim = job.worker(shape.ranks > 1)?;
        kill_process(victim, Signal::KILL).map_err(|cause| format!("the worker had ended: {cause}"))
    };
    run.strike(trials, ENDING, &[], blow)
}

/// Cuts a host of processes over TCP off by `command`, to which its name is added, and goes on on the others.
///
/// # Errors
/// In words, why that could not be done.
pub fn cut(trials: &Trials<'_>, shape: Shape, alone: &Measured, command: &str) -> Result<Cut, String> {
    let host = hosts::to_cut(&trials.hosts, &host::name()).ok_or("all hosts are this machine")?;
    let rest: Vec<String> = trials.hosts.iter().filter(|name| *name != host).cloned().collect();
    let run = Run { trials, model: Model::Tcp, shape, directory: fresh(trials, "cut_C"), alone };
    let blow = |_: &Job| {
        let ended = child::run(Command::new("sh").args(["-c", &format!("{command} {host}")]), CUTTING)
            .map_err(|error| error.to_string())?;
        let why = || format!("{command} {host} ended with {:?}: {}", ended.code, ended.message);
        (ended.code == Some(0)).then_some(()).ok_or_else(why)
    };
    let watchdog = ["--watchdog".to_owned(), WATCHDOG.to_owned()];
    let more = if trials.starter.asks_for_its_hosts() { &[][..] } else { &watchdog[..] };
    let struck = run.strike(&trials.on(rest.clone()), SEEING, more, blow)?;
    Ok(Cut { host: host.clone(), rest, struck })
}

/// A run directory that does not exist: checkpoints of an earlier comparison would be taken for those of this run.
fn fresh(trials: &Trials<'_>, name: &str) -> PathBuf {
    let paths = (1..).map(|n: u32| trials.directory(&format!("{name}_{n}")));
    paths.into_iter().find(|path| !path.exists()).unwrap_or_default()
}

/// A run that is struck.
struct Run<'a> {
    trials: &'a Trials<'a>,
    model: Model,
    shape: Shape,
    directory: PathBuf,
    alone: &'a Measured,
}

impl Run<'_> {
    /// Starts the run with `more` arguments, strikes it after its first checkpoint, and goes on as `then` starts it.
    fn strike(
        &self,
        then: &Trials<'_>,
        ending: Duration,
        more: &[String],
        blow: impl FnOnce(&Job) -> Result<(), String>,
    ) -> Result<Struck, String> {
        let arguments = self.arguments(more);
        let first = [self.trials.words(self.model, self.shape, &arguments)?, vec!["--overwrite".to_owned()]].concat();
        let begun = Instant::now();
        let mut job = self.begin(&first)?;
        job.await_that(PATIENCE, || has_checkpoint(&self.directory))?;
        let kept = Instant::now();
        // Where the machine was busy before and is not now, this run is much faster than the one that was left alone.
        let quarter = Duration::from_secs_f64(self.alone.loop_s / PARTS as f64).min(kept - begun);
        std::thread::sleep(quarter / 2);
        if job.has_ended() {
            return Err(OVER.to_owned());
        }
        let (lost_s, struck) = (kept.elapsed().as_secs_f64(), Instant::now());
        blow(&job)?;
        job.end(ending)?;
        let ended_after_s = struck.elapsed().as_secs_f64();
        if is_done(&self.directory) {
            return Err(OVER.to_owned());
        }
        self.go_on(then, &then.words(self.model, self.shape, &arguments)?, [ended_after_s, lost_s])
    }

    fn arguments(&self, more: &[String]) -> Vec<String> {
        let every = (self.alone.steps as u64 / PARTS).max(1);
        let mut arguments: Vec<String> = QUIET.map(str::to_owned).to_vec();
        arguments.extend(["--set".to_owned(), format!("checkpoint.every={every}")]);
        arguments.extend(["--output".to_owned(), self.directory.display().to_string()]);
        arguments.extend_from_slice(more);
        arguments
    }

    fn begin(&self, words: &[String]) -> Result<Job, String> {
        let mut command = self.trials.starter.command(words);
        let is_set = |name: &str| std::env::var_os(format!("{name}_MCA_oob_tcp_keepalive_time")).is_some();
        // Whoever has set one of them knows the network.
        if !["OMPI", "PRTE"].into_iter().any(is_set) {
            for (name, value) in KEEPALIVE {
                ["OMPI", "PRTE"].iter().for_each(|of| {
                    command.env(format!("{of}_MCA_oob_tcp_keepalive_{name}"), value);
                });
            }
        }
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        spawned.map(Job).map_err(|cause| cause.to_string())
    }

    /// Starts it again, to its end.
    fn go_on(&self, then: &Trials<'_>, words: &[String], [ended_after_s, lost_s]: [f64; 2]) -> Result<Struck, String> {
        let start = Instant::now();
        let ended = loop {
            let ended = child::run(&mut then.starter.command(words), PATIENCE).map_err(|error| error.to_string())?;
            // A rank 0 that was cut off with its host, or is just dying, holds the directory until it has ended too.
            if ended.code != Some(IN_USE) || start.elapsed() >= HOLDING {
                break ended;
            }
            std::thread::sleep(RETRY_EVERY);
        };
        let process_s = start.elapsed().as_secs_f64();
        let report = finished(&self.directory, &ended)?;
        let number = |key: &str| report[key].as_f64().unwrap_or(0.0);
        Ok(Struck {
            ended_after_s,
            lost_s,
            from_step: report["restart"]["step"]
                .as_u64()
                .ok_or("the run began anew: it was over before it was struck")?,
            recovered_after_s: number("setup_s") + (process_s - number("wall_s")).max(0.0),
            same_digest: report["digest"] == self.alone.digest,
        })
    }
}

fn is_done(directory: &Path) -> bool {
    read_report(directory).is_some_and(|report| report["status"] == "done")
}

/// A child that is never left behind.
struct Job(Child);

impl Job {
    fn await_that(&mut self, limit: Duration, done: impl Fn() -> bool) -> Result<(), String> {
        let start = Instant::now();
        while !done() {
            match self.0.try_wait() {
                Ok(None) if interrupt::requested().is_some() => return Err("it was asked to stop".to_owned()),
                Ok(None) if start.elapsed() < limit => std::thread::sleep(LOOK_EVERY),
                Ok(None) => return Err("no checkpoint came in two minutes".to_owned()),
                _ => return Err(OVER.to_owned()),
            }
        }
        Ok(())
    }

    fn end(&mut self, limit: Duration) -> Result<(), String> {
        let start = Instant::now();
        while start.elapsed() < limit {
            if self.has_ended() {
                return Ok(());
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Err(format!("the job had not ended {} s after it was struck", limit.as_secs()))
    }

    fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }

    /// The process itself, or its last descendant that is this program.
    fn worker(&self, under_launcher: bool) -> Result<Pid, String> {
        let own = self.0.id();
        let id = if under_launcher { descendants(own).into_iter().rfind(|&id| is_this_program(id)) } else { Some(own) };
        id.and_then(|id| Pid::from_raw(id as i32))
            .ok_or_else(|| "the launcher's processes are not on this machine".into())
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            // A launcher ends its ranks when it is asked to; one that does not is killed.
            if let Some(id) = Pid::from_raw(self.0.id() as i32) {
                let _ = kill_process(id, Signal::TERM);
            }
            if self.end(Duration::from_secs(5)).is_err() {
                let _ = self.0.kill();
            }
            let _ = self.0.wait();
        }
    }
}

/// Processes below this one, the youngest generation last.
fn descendants(ancestor: u32) -> Vec<u32> {
    let all: Vec<(u32, u32)> = std::fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(parent).collect();
    let mut found = vec![ancestor];
    for _ in 0..GENERATIONS {
        let new: Vec<u32> =
            all.iter().filter(|(id, of)| found.contains(of) && !found.contains(id)).map(|(id, _)| *id).collect();
        found.extend(new);
    }
    found.split_off(1)
}

/// A process and its parent.
fn parent(entry: std::fs::DirEntry) -> Option<(u32, u32)> {
    let id = entry.file_name().to_str()?.parse().ok()?;
    let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    Some((id, rest.split_whitespace().nth(1)?.parse().ok()?))
}

fn is_this_program(id: u32) -> bool {
    let program = std::fs::read_link(format!("/proc/{id}/exe")).ok();
    program.is_some() && program == std::env::current_exe().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descendants_are_found_and_strangers_are_not() {
        let mut child = std::process::Command::new("sleep").arg("30").spawn().unwrap();
        let found = descendants(std::process::id());
        let _ = child.kill();
        let _ = child.wait();
        assert!(
            found.contains(&child.id()) && !found.contains(&1) && !found.contains(&std::process::id()),
            "{found:?}"
        );
    }
}
