//! One run of one model, as a child process, and what its report says.

use super::endings;
use super::model::Model;
use crate::error::{Error, Result};
use crate::laboratory::efficiencies::Pop;
use crate::laboratory::scaling::analysis::tree;
use crate::laboratory::scaling::child;
use crate::laboratory::scaling::experiment::{QUIET, forget_report};
use crate::laboratory::scaling::plan::Shape;
use crate::laboratory::scaling::starter::Starter;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a run may take.
const LIMIT: Duration = Duration::from_secs(600);

/// What a run of a model took.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Measured {
    /// Ranks and threads of each.
    pub shape: [usize; 2],
    /// Machines that it ran on.
    pub hosts: Vec<String>,
    /// Of the final state.
    pub digest: String,
    /// `heat` or `nbody`.
    pub physics: String,
    /// Steps.
    pub steps: f64,
    /// Seconds in steps.
    pub loop_s: f64,
    /// Seconds from the start of the command to the first step: with the launcher's.
    pub start_s: f64,
    /// Processor seconds of all workers in the loop.
    pub processor_s: f64,
    /// Seconds of all ranks in messages and waiting for them.
    pub messages_s: f64,
    /// Messages of all ranks.
    pub messages: f64,
    /// Bytes in them.
    pub bytes: f64,
    /// Memory of all processes, shared pages in parts.
    pub proportional_bytes: f64,
    /// Memory of all processes that no other maps.
    pub private_bytes: f64,
    /// Page faults of all processes.
    pub page_faults: f64,
    /// Switches in the loop because of waiting.
    pub voluntary: f64,
    /// Switches in the loop because another was put on the core.
    pub involuntary: f64,
    /// Where its workers' time went.
    #[serde(skip)]
    pub pop: Option<Pop>,
}

impl Measured {
    /// Ranks times threads.
    pub fn workers(&self) -> f64 {
        (self.shape[0] * self.shape[1]) as f64
    }
}

/// Starts runs of one deck.
pub struct Trials<'a> {
    /// How ranks are started.
    pub starter: &'a Starter,
    /// The deck.
    pub deck: PathBuf,
    /// Where run directories are made.
    pub folder: PathBuf,
    /// Where processes over TCP run; on this machine if there are none.
    pub hosts: Vec<String>,
}

impl Trials<'_> {
    /// The same on these hosts.
    pub fn on(&self, hosts: Vec<String>) -> Trials<'_> {
        Trials { starter: self.starter, deck: self.deck.clone(), folder: self.folder.clone(), hosts }
    }

    /// The words that run the deck on a shape with these arguments.
    ///
    /// # Errors
    /// In words, if the launcher cannot do it.
    pub fn words(&self, model: Model, shape: Shape, arguments: &[String]) -> std::result::Result<Vec<String>, String> {
        let over_tcp = model == Model::Tcp;
        let mut words = if over_tcp && !self.hosts.is_empty() {
            self.starter.launch_on_hosts(shape.ranks, &self.hosts)
        } else {
            let launch = self.starter.launch_program(shape, over_tcp);
            launch.ok_or("the launcher is not that of Open MPI, whose flags choose TCP; --hosts does not need them")?
        };
        words.extend(["run".to_owned(), self.deck.display().to_string()]);
        words.extend(["--threads".to_owned(), shape.threads.to_string()]);
        words.extend_from_slice(arguments);
        Ok(words)
    }

    /// Runs a model and reads its report.
    ///
    /// # Errors
    /// Exit code 3 if it cannot be started or its launcher is lost, that of the run if it fails.
    pub fn run(&self, model: Model, shape: Shape, name: &str) -> Result<Measured> {
        let directory = self.folder.join(name);
        let mut arguments: Vec<String> = QUIET.map(str::to_owned).to_vec();
        arguments.extend(["--overwrite".into(), "--output".into(), directory.display().to_string()]);
        let words = self.words(model, shape, &arguments).map_err(Error::Input)?;
        forget_report(&directory);
        let start = Instant::now();
        let ended = child::run(&mut self.starter.command(&words), LIMIT)?;
        let process_s = start.elapsed().as_secs_f64();
        let report = endings::report(&directory, model.words(), &words[0], &ended)?;
        Ok(measured(&report, shape, process_s))
    }

    /// A run directory.
    pub fn directory(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// What a report says. `process_s` is how long the command took.
fn measured(report: &Value, shape: Shape, process_s: f64) -> Measured {
    let number = |value: &Value| value.as_f64().unwrap_or(0.0);
    let sum = |value: &Value| value.as_array().map_or(0.0, |all| all.iter().map(number).sum());
    let all = &report["loop"];
    let busy = all["busy_s_per_thread"].as_array().map_or(0.0, |ranks| ranks.iter().map(sum).sum());
    // Ranks that are threads of one process tell of the same process.
    let usages: BTreeMap<u64, &Value> = all["usage_per_rank"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|usage| (usage["process"].as_u64().unwrap_or(0), usage))
        .collect();
    let used = |key: &str| usages.values().map(|usage| number(&usage[key])).sum();
    let outside = (process_s - number(&report["wall_s"])).max(0.0);
    Measured {
        shape: [shape.ranks, shape.threads],
        hosts: hosts(report),
        digest: report["digest"].as_str().unwrap_or_default().to_owned(),
        physics: report["physics"].as_str().unwrap_or_default().to_owned(),
        steps: number(&report["steps"]),
        loop_s: number(&report["loop_s"]),
        start_s: number(&report["setup_s"]) + outside,
        processor_s: busy,
        messages_s: sum(&all["communication_s_per_rank"]),
        messages: sum(&report["messages"]["count_per_rank"]),
        bytes: sum(&report["messages"]["bytes_per_rank"]),
        proportional_bytes: used("proportional_bytes"),
        private_bytes: used("private_bytes"),
        page_faults: used("page_faults"),
        voluntary: used("voluntary_switches"),
        involuntary: used("involuntary_switches"),
        pop: tree(report),
    }
}

fn hosts(report: &Value) -> Vec<String> {
    let names = report["hosts"].as_array().into_iter().flatten();
    names.filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

/// The run whose loop is the median of all, the lower one of two.
pub fn median(mut runs: Vec<Measured>) -> Option<Measured> {
    runs.sort_by(|a, b| a.loop_s.total_cmp(&b.loop_s));
    let middle = runs.len().saturating_sub(1) / 2;
    (!runs.is_empty()).then(|| runs.swap_remove(middle))
}

/// Whether a run directory holds a checkpoint.
pub fn has_checkpoint(directory: &Path) -> bool {
    let is_whole = |entry: std::fs::DirEntry| entry.path().extension().is_some_and(|ending| ending != "tmp");
    std::fs::read_dir(directory.join("checkpoints")).is_ok_and(|entries| entries.flatten().any(is_whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn processes_count_once_and_their_ranks_add_up() {
        let usage = |process: u32| json!({ "process": process, "private_bytes": 10, "voluntary_switches": 2 });
        let report = json!({
            "digest": "ab", "physics": "heat", "steps": 4, "loop_s": 2.0, "setup_s": 0.5, "wall_s": 3.0,
            "messages": { "count_per_rank": [3, 4], "bytes_per_rank": [30, 40] },
            "loop": { "communication_s_per_rank": [0.25, 0.5], "busy_s_per_thread": [[1.0, 0.5], [2.0]],
                      "usage_per_rank": [usage(7), usage(7), usage(8)] },
        });
        let found = measured(&report, Shape { ranks: 2, threads: 1 }, 4.0);
        assert_eq!((found.private_bytes, found.voluntary, found.messages, found.bytes), (20.0, 4.0, 7.0, 70.0));
        assert_eq!((found.start_s, found.processor_s, found.messages_s), (1.5, 3.5, 0.75));
    }

    #[test]
    fn the_median_run_is_a_run() {
        let of = |loop_s: f64| Measured { loop_s, ..Measured::default() };
        assert_eq!(median(vec![of(3.0), of(1.0), of(2.0)]).unwrap().loop_s, 2.0);
        assert_eq!(median(vec![of(3.0), of(1.0)]).unwrap().loop_s, 1.0);
        assert_eq!(median(Vec::new()), None);
    }
}
