//! `parhelion compare`: the models of parallelism side by side, and what the system takes for each.

use crate::cli::{CompareArgs, Mechanism};
use crate::comm::agree;
use crate::console;
use crate::error::{Error, Result};
use crate::laboratory::mechanisms::paths::Path as MessagePath;
use crate::laboratory::mechanisms::{self, Mechanisms, ledger, partner, plots, ranks, tables};
use crate::laboratory::scaling::child;
use crate::laboratory::scaling::folder::write_text;
use crate::laboratory::scaling::plan::{Ranks, Shape};
use crate::laboratory::scaling::raster::Raster;
use crate::laboratory::scaling::starter::{Starter, Wish};
use crate::output::atomic::write_file;
use crate::output::plain_file;
use crate::runtime::launcher::{Launcher, speaks_for_the_job};
use crate::runtime::{Launch, launch};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Seconds that a job of two ranks may take to time its messages.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs the command.
///
/// # Errors
/// As the exit codes say.
pub fn compare(arguments: &CompareArgs) -> Result<u8> {
    if !arguments.mechanisms {
        return Err(Error::Input("compare needs --mechanisms; see parhelion compare --help".to_owned()));
    }
    let folder = arguments.output.clone().unwrap_or_else(|| PathBuf::from("outputs/mechanisms"));
    match Launcher::of_environment().filter(|launcher| launcher.tasks > 1) {
        Some(_) => in_a_job(&folder),
        None => alone(&folder),
    }
}

/// One process: it starts jobs of two ranks itself, where it can.
fn alone(folder: &Path) -> Result<u8> {
    plain_file::make_directory(folder).map_err(|cause| Error::io("make", folder, cause))?;
    let mut found = mechanisms::measure(folder)?;
    for transport in [Transport::Default, Transport::Tcp] {
        match between_ranks(folder, transport) {
            Ok(path) => found.paths.push(path),
            Err(why) => found.missing.push(why),
        }
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

/// What carries the messages of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    /// Whatever MPI takes on one machine.
    Default,
    /// TCP.
    Tcp,
}

impl Transport {
    fn name(self) -> &'static str {
        match self {
            Transport::Default => "MPI on this machine",
            Transport::Tcp => "MPI over TCP",
        }
    }
}

/// Messages of a job of two ranks, or why there are none.
fn between_ranks(folder: &Path, transport: Transport) -> std::result::Result<MessagePath, String> {
    let why = |cause: &dyn std::fmt::Display| format!("{}: {cause}", transport.name());
    let starter = Starter::new(Wish::By(Ranks::Mpirun), true).map_err(|_| {
        why(&if cfg!(feature = "mpi") { "mpirun does not answer here" } else { "this program was built without MPI" })
    })?;
    let file = folder.join(format!("messages.{}", std::process::id()));
    let tcp = transport == Transport::Tcp;
    let words = starter
        .launch_program(Shape { ranks: 2, threads: 1 }, tcp)
        .ok_or_else(|| why(&"the launcher is not that of Open MPI, whose flags choose TCP"))?;
    let mut words: Vec<String> = words;
    words.extend([partner::COMMAND.to_owned(), "messages".into(), "--file".into(), file.display().to_string()]);
    let ended = child::run(&mut starter.command(&words), LIMIT).map_err(|error| why(&error));
    let text = plain_file::read_text(&file, 1 << 20);
    let _ = std::fs::remove_file(&file);
    let ended = ended?;
    if ended.code != Some(0) {
        return Err(why(&ended.message));
    }
    let mut path: MessagePath =
        text.map_err(|cause| why(&cause)).and_then(|text| serde_json::from_str(&text).map_err(|cause| why(&cause)))?;
    path.name = if tcp { "mpi over tcp".to_owned() } else { "mpi".to_owned() };
    Ok(path)
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
