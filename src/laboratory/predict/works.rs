//! From a deck to its [`Work`](super::Work): kernels measured on this machine for the shapes that are asked for.

use super::calibrate;
use super::heat::HeatWork;
use super::nbody::NBodyWork;
use crate::commands::plan::Plan;
use crate::commands::plan_nbody::{NBodyPlan, whole_steps};
use crate::error::Result;
use crate::host;
use crate::input::bodies::Files;
use crate::laboratory::machine::{self, Machine};
use crate::nbody::initial;
use crate::run_config::{HeatRun, NBodyRun};
use crate::schedule::Clock;
use std::path::Path;

/// A heat deck, measured with each of these numbers of threads.
///
/// # Errors
/// If the deck's model cannot be built.
pub fn heat(config: &HeatRun, busy: &[usize], home: &Machine) -> Result<HeatWork> {
    let plan = Plan::new(config, 1)?;
    let (rates, how) = calibrate::heat(config, busy)?;
    let steps = Clock::new(&config.time, plan.max_stable_dt).ok().map(|clock| clock.steps);
    Ok(HeatWork { config: config.clone(), rates, home: home.clone(), steps, how })
}

/// A deck of bodies, measured with so many threads, or as many as there are cores. What multipoles send is counted for up to so many `ranks` on
/// several hosts; none if it is 1.
///
/// # Errors
/// If the bodies cannot be made or their forces are not finite.
pub fn bodies(config: &NBodyRun, threads: usize, ranks: usize, home: &Machine) -> Result<NBodyWork> {
    let count = initial::open(&config.problem, &Files)?.count();
    let plan = NBodyPlan::new(config, count, 1)?;
    let size = (count, whole_steps(&config.time));
    calibrate::bodies(config, &plan.problem, size, [threads.min(host::parallelism()), ranks], home.clone())
}

/// Whether a machine is the one that this program runs on.
pub fn is_here(machine: &Machine) -> bool {
    machine.host == host::name() && machine.cpu_model == host::cpu_model()
}

/// This machine; measured in full even beside one that was told, since rates are carried from here to there. `directory` is where files
/// are tried.
pub fn home(told: Option<&Machine>, directory: &Path) -> Machine {
    match told.filter(|machine| is_here(machine)) {
        Some(machine) => machine.clone(),
        None => machine::measure_here(directory),
    }
}

/// The largest of these numbers of ranks, if that fills more than one host; else 1.
pub fn most_apart(ranks: &[usize], threads: usize, machine: &Machine) -> usize {
    let per_host = (machine.cores / threads).max(1);
    ranks.iter().copied().filter(|&ranks| ranks > per_host).max().unwrap_or(1)
}

/// The numbers of busy threads of a host, as far as this machine has cores for them: ascending, each once.
pub fn busy_threads(counts: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut counts: Vec<usize> = counts.map(|count| count.min(host::parallelism())).collect();
    counts.sort_unstable();
    counts.dedup();
    counts
}
