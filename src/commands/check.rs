//! `parhelion check`: the plan of a run, without running it and without MPI.

use super::deck;
use super::plan::{self, Plan, page};
use super::plan_nbody::{self, NBodyPlan};
use crate::cli::CheckArgs;
use crate::comm::solo::Solo;
use crate::console;
use crate::error::Result;
use crate::heat::problem::Initial;
use crate::input::bodies::Files;
use crate::input::npy;
use crate::nbody::initial;
use crate::run_config::{HeatRun, NBodyRun, RunConfig};
use crate::schedule::Clock;

/// Reads the deck and prints the plan for the asked number of ranks.
///
/// # Errors
/// Whatever would keep the run from its first step, as far as it can be told without allocating its memory.
pub fn check(arguments: &CheckArgs) -> Result<u8> {
    let (config, source) = deck::read(&Solo, &arguments.deck.deck, &arguments.deck.overrides)?;
    let outcome = match config {
        RunConfig::Heat(config) => check_heat(arguments, &config),
        RunConfig::NBody(config) => check_nbody(arguments, &config),
    };
    outcome.map_err(|error| source.place(error))
}

fn check_heat(arguments: &CheckArgs, config: &HeatRun) -> Result<u8> {
    let plan = Plan::new(config, arguments.ranks)?;
    warn(&config.warnings);
    // Only one rank's arrays must fit here: the job may have a host for each.
    plan.check_memory(&[0])?;
    if plan.exact_limit {
        Clock::new(&config.time, plan.max_stable_dt)?;
    }
    if let Initial::File(path) = &config.problem.initial {
        npy::check(path, &config.problem.grid, &Solo).map_err(deck::initial_file)?;
    }
    if arguments.json {
        console::print(&plan::json(config, &plan));
    } else {
        console::print(page(config, &plan, arguments.threads).trim_end());
    }
    Ok(0)
}

fn check_nbody(arguments: &CheckArgs, config: &NBodyRun) -> Result<u8> {
    let count = initial::open(&config.problem, &Files)?.count();
    let plan = NBodyPlan::new(config, count, arguments.ranks)?;
    warn(&config.warnings);
    plan.check_memory(&[0])?;
    if arguments.json {
        console::print(&plan_nbody::json(config, &plan));
    } else {
        console::print(plan_nbody::page(config, &plan, arguments.threads).trim_end());
    }
    Ok(0)
}

fn warn(warnings: &[String]) {
    for warning in warnings {
        console::message(&format!("warning: {warning}"));
    }
}
