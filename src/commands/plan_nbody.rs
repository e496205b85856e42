//! What an N-body deck will need and do on a given shape, before anything is allocated.

use crate::decomposition::block_range;
use crate::error::{Error, Result};
use crate::host;
use crate::nbody::method::choose;
use crate::nbody::model::memory_bytes;
use crate::nbody::problem::{Method, NBodyProblem};
use crate::output::disk::in_words;
use crate::run_config::{NBodyRun, TimePlan, TimeStep, Until};
use std::fmt::Write;

/// The plan of a run.
#[derive(Clone, Debug)]
pub struct NBodyPlan {
    /// The problem with its method chosen.
    pub problem: NBodyProblem,
    /// Why the method was chosen, if the deck left it open.
    pub reason: Option<String>,
    /// Bodies of all ranks.
    pub count: u64,
    /// Bytes of arrays of each rank.
    pub memory: Vec<u64>,
}

impl NBodyPlan {
    /// The plan for so many bodies and ranks.
    pub fn new(config: &NBodyRun, count: u64, ranks: usize) -> NBodyPlan {
        let mut problem = config.problem.clone();
        let mut reason = None;
        if problem.auto_method {
            let (method, why) = choose(&problem, count);
            problem.gravity.method = method;
            reason = Some(why);
        }
        let bodies_of = |rank: usize| block_range(count as usize, ranks, rank).1 as u64;
        let memory = (0..ranks).map(|rank| memory_bytes(&problem, bodies_of(rank), count)).collect();
        NBodyPlan { problem, reason, count, memory }
    }

    /// Refuses a plan that needs more memory than the ranks of one host may use.
    ///
    /// # Errors
    /// Exit code 2, with both figures and who sets the limit.
    pub fn check_memory(&self, ranks_here: &[usize]) -> Result<()> {
        let needed: u64 = ranks_here.iter().map(|&rank| self.memory[rank]).sum();
        match host::memory_limit() {
            Some(limit) if needed > limit.bytes => Err(Error::Input(format!(
                "bodies: {} of them need {} of memory on {} but {} allows {}: use fewer bodies or more hosts",
                self.count,
                in_words(needed),
                host::name(),
                limit.set_by,
                in_words(limit.bytes)
            ))),
            _ => Ok(()),
        }
    }

    fn method(&self) -> &'static str {
        match self.problem.gravity.method {
            Method::Direct => "direct sum",
            Method::Fmm => "multipoles",
        }
    }
}

/// The plan as a page for `parhelion check`.
pub fn page(config: &NBodyRun, plan: &NBodyPlan, threads: Option<usize>) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| writeln!(text, "{name:<14}{value}").expect("writing to a string");
    let (ranks, unit) = (plan.memory.len(), config.problem.units.time());
    let threads = threads.unwrap_or_else(host::parallelism);
    line("title", config.title.clone());
    line("bodies", format!("{} in {} group(s)", plan.count, config.problem.groups.len()));
    let reason = plan.reason.as_ref().map_or(String::new(), |reason| format!(" ({reason})"));
    line("forces", format!("{}{reason}", plan.method()));
    line("shape", format!("{ranks} rank(s), {threads} thread(s) each"));
    let (largest, all) = (plan.memory.iter().max().copied().unwrap_or(0), plan.memory.iter().sum());
    line("memory", format!("{} per rank at most, {} in all", in_words(largest), in_words(all)));
    line("time step", time_step(&config.time, unit));
    line("steps", steps(&config.time, unit));
    text
}

/// The plan for programs.
pub fn json(config: &NBodyRun, plan: &NBodyPlan) -> String {
    let value = serde_json::json!({
        "title": config.title,
        "bodies": plan.count,
        "unknowns": 6 * plan.count,
        "method": match plan.problem.gravity.method { Method::Direct => "direct", Method::Fmm => "fmm" },
        "method_reason": plan.reason,
        "ranks": plan.memory.len(),
        "memory_bytes_per_rank": plan.memory,
        "dt": match config.time.dt { TimeStep::Fixed(dt) => Some(dt), TimeStep::Auto { .. } => None },
        "steps": whole_steps(&config.time),
    });
    format!("{value:#}")
}

fn time_step(time: &TimePlan, unit: &str) -> String {
    match time.dt {
        TimeStep::Auto { safety } => format!("{safety} sqrt(eps / |a|) of the first forces"),
        TimeStep::Fixed(dt) => format!("{dt:.4e} {unit}").trim_end().to_owned(),
    }
}

/// The number of steps, if it is known without forces.
fn whole_steps(time: &TimePlan) -> Option<u64> {
    match (time.until, time.dt) {
        (Until::Steps(steps), _) => Some(steps),
        (Until::End(end), TimeStep::Fixed(dt)) => Some((end / dt * (1.0 - 1e-12)).ceil().max(1.0) as u64),
        (Until::End(_), TimeStep::Auto { .. }) => None,
    }
}

fn steps(time: &TimePlan, unit: &str) -> String {
    let count = whole_steps(time).map_or("known when the first forces are".to_owned(), |steps| steps.to_string());
    match time.until {
        Until::End(end) => format!("{count} to {end:.4e} {unit}").trim_end().to_owned(),
        Until::Steps(_) => count,
    }
}
