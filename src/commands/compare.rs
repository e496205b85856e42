//! `parhelion compare`: the models of parallelism side by side, and what the system takes for each.

use super::stopping;
use crate::cli::{CompareArgs, Mechanism};
use crate::comm::agree;
use crate::console;
use crate::error::{Error, Result};
use crate::host;
use crate::laboratory::compare::{self, Request, switches};
use crate::laboratory::mechanisms::jobs::{Transport, between_ranks};
use crate::laboratory::mechanisms::{self, Mechanisms, ledger, partner, plots, ranks, tables};
use crate::laboratory::scaling::folder::write_text;
use crate::laboratory::scaling::raster::Raster;
use crate::output::atomic::write_file;
use crate::output::plain_file;
use crate::runtime::launcher::{Launcher, speaks_for_the_job};
use crate::runtime::{Launch, launch, signals};
use std::io;
use std::path::{Path, PathBuf};

/// Fewest workers that differ from one.
const FEWEST: usize = 2;

/// Runs the command.
///
/// # Errors
/// As the exit codes say.
pub fn compare(arguments: &CompareArgs) -> Result<u8> {
    match &arguments.deck {
        Some(deck) => return models(arguments, deck),
        None if !arguments.mechanisms => {
            return Err(Error::Input("compare needs a deck or --mechanisms; see parhelion compare --help".to_owned()));
        }
        None => {}
    }
    let folder = arguments.output.clone().unwrap_or_else(|| PathBuf::from("outputs/mechanisms"));
    match Launcher::of_environment().filter(|launcher| launcher.tasks > 1) {
        Some(_) => in_a_job(&folder),
        None => alone(&folder),
    }
}

/// The models side by side, on one deck.
fn models(arguments: &CompareArgs, deck: &Path) -> Result<u8> {
    let name = deck.file_stem().unwrap_or_default().to_string_lossy();
    let what = if arguments.switches { "switches" } else { "compare" };
    let folder = arguments.output.clone().unwrap_or_else(|| PathBuf::from(format!("outputs/{name}_{what}")));
    let request = Request {
        deck: deck.to_owned(),
        overrides: arguments.overrides.clone(),
        workers: arguments.workers.unwrap_or_else(host::parallelism).max(FEWEST),
        repeats: arguments.repeats,
        hosts: arguments.hosts.clone(),
        cut_host: arguments.cut_host.clone(),
        folder: std::path::absolute(&folder).map_err(|cause| Error::io("find", &folder, cause))?,
    };
    signals::watch()?;
    let done = if arguments.switches { switches::compare(&request) } else { compare::compare(&request) };
    if let Some(code) = stopping::for_good() {
        return Ok(code);
    }
    let text = done?;
    console::print(text.trim_end());
    console::print(&format!("\n{}", request.folder.join("report.html").display()));
    Ok(0)
}

/// One process: it starts jobs of two ranks itself, where it can.
fn alone(folder: &Path) -> Result<u8> {
    plain_file::make_directory(folder).map_err(|cause| Error::io("make", folder, cause))?;
    let mut found = mechanisms::measure(folder)?;
    // Only from here on: what is measured before does not look at the flag, and dies of a signal as anything does.
    signals::watch()?;
    for transport in [Transport::Default, Transport::Tcp] {
        match between_ranks(folder, transport) {
            Ok(path) => found.paths.push(path),
            Err(why) => found.missing.push(why),
        }
    }
    if let Some(code) = stopping::for_good() {
        return Ok(code);
    }
    publish(&found, folder)
}

/// A rank of a job: the first measures what needs no ranks before it starts MPI, since ranks that wait in MPI keep their cores busy.
fn in_a_job(folder: &Path) -> Result<u8> {
    let measures = cfg!(feature = "mpi") && speaks_for_the_job();
    let alone = || {
        plain_file::make_directory(folder).map_err(|cause| Error::io("make", folder, cause))?;
        mechanisms::measure(folder)
    };
    let found = measures.then(alone).transpose();
    launch(&Launch { domains: None, threads: Some(1) }, |comm, setup| {
        let found = agree(comm, found.clone())?;
        let path = ranks::measure(comm, &setup.placements, "");
        let published = match found {
            Some(mut found) => {
                found.paths.extend(path);
                publish(&found, folder).map(|_| ())
            }
            None => Ok(()),
        };
        agree(comm, published).map(|()| 0)
    })
}

/// Writes everything into the folder and prints the tables.
fn publish(found: &Mechanisms, folder: &Path) -> Result<u8> {
    let json = serde_json::to_string_pretty(found)
        .map_err(|cause| Error::Defect(format!("mechanisms have no text: {cause}")))?;
    write_text(&folder.join("mechanisms.json"), &(json + "\n"))?;
    write_text(&folder.join("mechanisms.csv"), &tables::csv(found))?;
    write_text(&folder.join("mechanisms.md"), &tables::markdown(found))?;
    for (name, _, drawing) in plots::figures(&found.paths) {
        write_text(&folder.join(format!("{name}.svg")), &drawing.svg(true))?;
        write_file(&folder.join(format!("{name}.png")), |file| Raster::of(&drawing).write(file))?;
    }
    console::print(tables::terminal(found).trim_end());
    console::print(&format!("\n{}", folder.join("mechanisms.md").display()));
    Ok(0)
}

/// What a child process of a measurement does.
///
/// # Errors
/// Exit code 3 if its partner or its file fails.
pub fn mechanism(what: &Mechanism) -> Result<u8> {
    let done = |result: io::Result<()>| {
        result.map(|()| 0).map_err(|cause| Error::Io(format!("a child process of a measurement: {cause}")))
    };
    match what {
        Mechanism::Nothing => Ok(0),
        Mechanism::Echo { core } => done(partner::echo(*core)),
        Mechanism::Count { file, times, lock, core } => done(ledger::count(file, *times as u64, *lock, *core)),
        Mechanism::Messages { file } => messages(file),
    }
}

/// Times messages between ranks; rank 0 writes the figures.
fn messages(file: &Path) -> Result<u8> {
    launch(&Launch { domains: None, threads: Some(1) }, |comm, setup| {
        let path = ranks::measure(comm, &setup.placements, "");
        let written = match path.filter(|_| comm.rank() == 0) {
            Some(path) => serde_json::to_string(&path)
                .map_err(|cause| Error::Defect(format!("a path has no text: {cause}")))
                .and_then(|text| write_text(file, &text)),
            None => Ok(()),
        };
        agree(comm, written).map(|()| 0)
    })
}
