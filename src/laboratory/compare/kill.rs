//! What happens when a worker is killed: the job ends, and the same command goes on from its checkpoint.
//!
//! The run keeps a checkpoint every quarter of its steps. Half a quarter after the first lies on the disk, SIGKILL goes to one worker: to the
//! process itself where workers are threads, which cannot be killed one by one, else to the last rank among the launcher's
//! descendants. Nobody else's process is looked at.

use super::model::Model;
use super::trial::{Measured, Trials, has_checkpoint};
use crate::interrupt;
use crate::laboratory::scaling::child;
use crate::laboratory::scaling::experiment::{QUIET, finished};
use crate::laboratory::scaling::plan::Shape;
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// A checkpoint is kept after each part of the steps.
const PARTS: u64 = 4;
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// How long a run may take to its first checkpoint, a job to its end after a worker has gone, and the rest of a run.
const PATIENCE: Duration = Duration::from_secs(120);
const ENDING: Duration = Duration::from_secs(30);
/// Times that the processes are looked through for children of children.
const GENERATIONS: usize = 3;

/// How a job took the death of a worker.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Killed {
    /// Seconds from the signal to the end of the whole job.
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

/// Kills a worker of a run of this model and goes on. `alone` is a run that was left alone.
///
/// # Errors
/// In words, why that could not be done.
pub fn kill(trials: &Trials<'_>, model: Model, shape: Shape, alone: &Measured) -> Result<Killed, String> {
    // Checkpoints of an earlier comparison would be taken for those of this run.
    let names = (1..).map(|n: u32| format!("killed_{}_{n}", model.letter()));
    let directory = names.map(|name| trials.directory(&name)).find(|path| !path.exists()).unwrap_or_default();
    let mut arguments: Vec<String> = QUIET.map(str::to_owned).to_vec();
    arguments.extend(["--set".to_owned(), format!("checkpoint.every={}", (alone.steps as u64 / PARTS).max(1))]);
    arguments.extend(["--output".to_owned(), directory.display().to_string()]);
    let again = trials.words(model, shape, &arguments)?;
    let first = [again.as_slice(), &["--overwrite".to_owned()]].concat();
    let mut command = trials.starter.command(&first);
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut job = Job(spawned.map_err(|cause| cause.to_string())?);
    job.await_that(PATIENCE, || has_checkpoint(&directory))?;
    let kept = Instant::now();
    std::thread::sleep(Duration::from_secs_f64(0.5 * alone.loop_s / PARTS as f64));
    let victim = job.worker(shape.ranks > 1)?;
    kill_process(victim, Signal::KILL).map_err(|cause| format!("the worker had ended: {cause}"))?;
    let (lost_s, struck) = (kept.elapsed().as_secs_f64(), Instant::now());
    job.end(ENDING)?;
    let ended_after_s = struck.elapsed().as_secs_f64();
    let start = Instant::now();
    let ended = child::run(&mut trials.starter.command(&again), PATIENCE).map_err(|error| error.to_string())?;
    let process_s = start.elapsed().as_secs_f64();
    let report = finished(&directory, &ended)?;
    let number = |key: &str| report[key].as_f64().unwrap_or(0.0);
    Ok(Killed {
        ended_after_s,
        lost_s,
        from_step: report["restart"]["step"].as_u64().ok_or("the run began anew: it was over before it was killed")?,
        recovered_after_s: number("setup_s") + (process_s - number("wall_s")).max(0.0),
        same_digest: report["digest"] == alone.digest,
    })
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
                _ => return Err("the run was over before it could be killed: give it more steps".to_owned()),
            }
        }
        Ok(())
    }

    fn end(&mut self, limit: Duration) -> Result<(), String> {
        let start = Instant::now();
        while start.elapsed() < limit {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return Ok(());
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Err(format!("the job had not ended {} s after its worker was killed", limit.as_secs()))
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
