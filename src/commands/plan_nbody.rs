//! What an N-body deck will need and do on a given shape, before anything is allocated.

use super::plan_outputs::PlannedOutputs;
use super::problem_words as words;
use crate::decomposition::block_range;
use crate::error::{Error, Result};
use crate::host;
use crate::nbody::method::choose;
use crate::nbody::model::memory_bytes;
use crate::nbody::problem::{Integrator, Method, NBodyProblem, Substeps};
use crate::output::bodies::gadget::check_formats;
use crate::output::bodies::snapshot::estimated_bytes;
use crate::output::disk::in_words;
use crate::run_config::{NBodyRun, TimePlan, TimeStep, Until};
use crate::words::{counted, grouped};
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
    ///
    /// # Errors
    /// Exit code 2 if this build cannot write a format that the deck asks for.
    pub fn new(config: &NBodyRun, count: u64, ranks: usize) -> Result<NBodyPlan> {
        check_formats(&config.output.snapshot_formats)?;
        let mut problem = config.problem.clone();
        let mut reason = None;
        if problem.auto_method {
            let (method, why) = choose(&problem, count);
            problem.gravity.method = method;
            reason = Some(why);
        }
        let bodies_of = |rank: usize| block_range(count as usize, ranks, rank).1 as u64;
        let memory = (0..ranks).map(|rank| memory_bytes(&problem, bodies_of(rank), count, ranks)).collect();
        Ok(NBodyPlan { problem, reason, count, memory })
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

    /// What the run will write.
    pub fn outputs(&self, config: &NBodyRun) -> PlannedOutputs {
        let bytes = estimated_bytes(self.count, &config.output.snapshot_formats);
        PlannedOutputs::of_bodies(&config.output, whole_steps(&config.time), bytes)
    }

    /// Pairs of bodies in all force evaluations, if that can be told: under the direct sum, without a choice of steps on the way.
    fn pairs(&self, steps: Option<u64>) -> Option<f64> {
        let each_step = match (self.problem.gravity.method, self.problem.integrator, self.problem.substeps) {
            (Method::Direct, Integrator::Leapfrog | Integrator::Hermite4, Substeps::None) => 1.0,
            (Method::Direct, Integrator::Yoshida4, Substeps::None) => 3.0,
            _ => return None,
        };
        let count = self.count as f64;
        steps.map(|steps| count * (count - 1.0) * (1.0 + each_step * steps as f64))
    }
}

/// The plan as a page for `parhelion check`.
pub fn page(config: &NBodyRun, plan: &NBodyPlan, threads: Option<usize>) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| writeln!(text, "{name:<14}{value}").expect("writing to a string");
    let threads = threads.unwrap_or_else(host::parallelism) as u64;
    line("title", config.title.clone());
    line("bodies", words::bodies(&plan.problem, plan.count));
    line("units", words::units(&plan.problem));
    line("forces", words::forces(&plan.problem, plan.reason.as_deref()));
    line("integrator", words::integrator(&plan.problem).to_owned());
    let ranks = plan.memory.len() as u64;
    line("shape", format!("{}, {} each", counted(ranks, "rank"), counted(threads, "thread")));
    let (largest, all) = (plan.memory.iter().max().copied().unwrap_or(0), plan.memory.iter().sum());
    line("memory", format!("{} per rank at most, {} in all", in_words(largest), in_words(all)));
    line("time step", time_step(config));
    line("steps", steps(config, plan));
    line("output", plan.outputs(config).words());
    text
}

/// The plan for programs.
pub fn json(config: &NBodyRun, plan: &NBodyPlan) -> String {
    let value = serde_json::json!({
        "title": config.title,
        "bodies": plan.count,
        "unknowns": plan.count,
        "method": plan.problem.gravity.method.name(),
        "method_reason": plan.reason,
        "ranks": plan.memory.len(),
        "memory_bytes_per_rank": plan.memory,
        "dt": match config.time.dt { TimeStep::Fixed(dt) => Some(dt), TimeStep::Auto { .. } => None },
        "steps": whole_steps(&config.time),
        "pairs": plan.pairs(whole_steps(&config.time)),
        "snapshots": plan.outputs(config).snapshots(),
        "snapshot_bytes": plan.outputs(config).snapshot_bytes,
    });
    format!("{value:#}")
}

fn time_step(config: &NBodyRun) -> String {
    let (unit, schemes) = (config.problem.units.time(), &config.problem);
    let step = match config.time.dt {
        TimeStep::Auto { safety } => format!("{safety} of sqrt(eps / |a|) under the first forces"),
        TimeStep::Fixed(dt) => format!("{dt:.4e} {unit}").trim_end().to_owned(),
    };
    format!("{step}{}", words::cutting(schemes))
}

/// The number of steps, if it is known without forces.
pub fn whole_steps(time: &TimePlan) -> Option<u64> {
    match (time.until, time.dt) {
        (Until::Steps(steps), _) => Some(steps),
        (Until::End(end), TimeStep::Fixed(dt)) => Some((end / dt * (1.0 - 1e-12)).ceil().max(1.0) as u64),
        (Until::End(_), TimeStep::Auto { .. }) => None,
    }
}

fn steps(config: &NBodyRun, plan: &NBodyPlan) -> String {
    let (time, unit) = (&config.time, config.problem.units.time());
    let known = whole_steps(time);
    let end = match (time.until, time.dt, known) {
        (_, _, Some(0)) => ", only the first forces".to_owned(),
        (Until::End(end), _, _) => format!(" to {end:.4e} {unit}").trim_end().to_owned(),
        (Until::Steps(steps), TimeStep::Fixed(dt), _) => {
            format!(" to {:.4e} {unit}", steps as f64 * dt).trim_end().to_owned()
        }
        (Until::Steps(_), TimeStep::Auto { .. }, _) => String::new(),
    };
    let count = known.map_or("as many as it takes".to_owned(), grouped);
    let pairs = plan.pairs(known).map_or(String::new(), |pairs| format!(": {pairs:.3e} pairs of bodies"));
    format!("{count}{end}{pairs}")
}
