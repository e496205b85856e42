//! `parhelion predict`: what a deck would cost on shapes that are not there yet.

use super::deck;
use crate::cli::laboratory::PredictArgs;
use crate::comm::solo::Solo;
use crate::console;
use crate::error::Result;
use crate::laboratory::machine::Machine;
use crate::laboratory::predict::page::{self, Heading};
use crate::laboratory::predict::{Links, Work, best, table, works};
use crate::run_config::{HeatRun, NBodyRun, RunConfig};
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
    let home = works::home(told.as_ref(), Path::new("."));
    let machine = told.as_ref().unwrap_or(&home);
    let threads = arguments.threads.unwrap_or(1);
    let per_host = (machine.cores / threads).max(1);
    let counts = arguments.ranks.iter().map(|&ranks| ranks.min(per_host) * threads).chain([threads]);
    let work = works::heat(config, &works::busy_threads(counts), &home)?;
    print(arguments, &config.title, &work, told.as_ref(), &home);
    Ok(0)
}

fn bodies(arguments: &PredictArgs, config: &NBodyRun, told: Option<Machine>) -> Result<u8> {
    let home = works::home(told.as_ref(), Path::new("."));
    let threads = arguments.threads.unwrap_or(1);
    let machine = told.as_ref().unwrap_or(&home);
    let ranks = works::most_apart(&arguments.ranks, threads, machine);
    let work = works::bodies(config, threads, ranks, &home)?;
    print(arguments, &config.title, &work, told.as_ref(), &home);
    Ok(0)
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
