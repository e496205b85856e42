//! `parhelion predict`: what a deck would cost on shapes that are not there yet.

use super::deck;
use super::plan::Plan;
use super::plan_nbody::{NBodyPlan, whole_steps};
use crate::cli::laboratory::PredictArgs;
use crate::comm::solo::Solo;
use crate::console;
use crate::error::Result;
use crate::host;
use crate::input::bodies::Files;
use crate::laboratory::machine::{self, Machine};
use crate::laboratory::predict::heat::HeatWork;
use crate::laboratory::predict::page::{self, Heading};
use crate::laboratory::predict::{Links, Work, best, calibrate, table};
use crate::nbody::initial;
use crate::run_config::{HeatRun, NBodyRun, RunConfig};
use crate::schedule::Clock;
use std::path::Path;

/// Measures what must be measured, and prints the table.
///
/// # Errors
/// Exit code 2 for a deck or machine that cannot be used, 3 if a file cannot be read.
pub fn predict(arguments: &PredictArgs) -> Result<u8> {
    let (config, source) = deck::read(&Solo, &arguments.deck.deck, &arguments.deck.overrides)?;
    let told = arguments.machine.as_deref().map(Machine::read).transpose()?;
    let outcome = match config {
        RunConfig::Heat(config) => heat(arguments, &config, told),
        RunConfig::NBody(config) => bodies(arguments, &config, told),
    };
    outcome.map_err(|error| source.place(error))
}

fn heat(arguments: &PredictArgs, config: &HeatRun, told: Option<Machine>) -> Result<u8> {
    let plan = Plan::new(config, 1)?;
    let home = home(told.as_ref());
    let machine = told.as_ref().unwrap_or(&home);
    let threads = arguments.threads.unwrap_or(1);
    let (rates, how) = calibrate::heat(config, &busy_threads(machine, &arguments.ranks, threads))?;
    let steps = Clock::new(&config.time, plan.max_stable_dt).ok().map(|clock| clock.steps);
    let work = HeatWork { config: config.clone(), rates, home: home.clone(), steps, how };
    print(arguments, &config.title, &work, told.as_ref(), &home);
    Ok(0)
}

fn bodies(arguments: &PredictArgs, config: &NBodyRun, told: Option<Machine>) -> Result<u8> {
    let count = initial::open(&config.problem, &Files)?.count();
    let plan = NBodyPlan::new(config, count, 1)?;
    let home = home(told.as_ref());
    let threads = arguments.threads.unwrap_or(1).min(host::parallelism());
    let size = (count, whole_steps(&config.time));
    let work = calibrate::bodies(config, &plan.problem, size, threads, home.clone())?;
    print(arguments, &config.title, &work, told.as_ref(), &home);
    Ok(0)
}

/// This machine; measured in full even beside one that was told, since rates are carried from here to there.
fn home(told: Option<&Machine>) -> Machine {
    let is_here = |machine: &&Machine| machine.host == host::name() && machine.cpu_model == host::cpu_model();
    match told.filter(is_here) {
        Some(machine) => machine.clone(),
        None => machine::measure_here(Path::new(".")),
    }
}

/// Numbers of threads that are busy at once on a host of these shapes, as far as this machine has cores for them.
fn busy_threads(machine: &Machine, ranks: &[usize], threads: usize) -> Vec<usize> {
    let per_host = (machine.cores / threads).max(1);
    let busy = ranks.iter().map(|&ranks| (ranks.min(per_host) * threads).min(host::parallelism()));
    let mut counts: Vec<usize> = busy.chain([threads.min(host::parallelism())]).collect();
    counts.sort_unstable();
    counts.dedup();
    counts
}

fn print(arguments: &PredictArgs, title: &str, work: &dyn Work, told: Option<&Machine>, home: &Machine) {
    let machine = told.unwrap_or(home);
    let network = arguments.network;
    let (links, threads) = (Links::new(machine, network), arguments.threads.unwrap_or(1));
    let rows = table(work, machine, &links, &arguments.ranks, threads);
    let best = best(work, machine, &links, &arguments.ranks, threads);
    let origin = arguments.machine.as_ref().map_or("measured now".to_owned(), |path| path.display().to_string());
    let words = format!("{} with {} cores, {} ({origin})", machine.host, machine.cores, machine.cpu_model);
    let heading = Heading { title, machine: words, links: &links, measured: work.words() };
    let text = if arguments.json {
        page::json(&heading, &rows, best.as_ref())
    } else {
        page::page(&heading, &rows, best.as_ref())
    };
    console::print(text.trim_end());
}
