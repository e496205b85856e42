//! Jobs of two ranks that time their messages, started from a process that is no rank.

use super::partner;
use super::paths::Path as MessagePath;
use crate::laboratory::scaling::child;
use crate::laboratory::scaling::plan::{Ranks, Shape};
use crate::laboratory::scaling::starter::{Starter, Wish};
use crate::output::plain_file;
use std::path::Path;
use std::time::Duration;

/// How long a job of two ranks may take to time its messages.
const LIMIT: Duration = Duration::from_secs(60);

/// What carries the messages of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
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
///
/// # Errors
/// In words.
pub fn between_ranks(folder: &Path, transport: Transport) -> std::result::Result<MessagePath, String> {
    between(folder, transport, &[])
}

/// The same on the first two of these hosts, over TCP; on this machine if there are none.
///
/// # Errors
/// In words.
pub fn between(folder: &Path, transport: Transport, hosts: &[String]) -> std::result::Result<MessagePath, String> {
    let why = |cause: &dyn std::fmt::Display| format!("{}: {cause}", transport.name());
    let starter = Starter::new(Wish::By(Ranks::Mpirun), true).map_err(|_| {
        why(&if cfg!(feature = "mpi") { "mpirun does not answer here" } else { "this program was built without MPI" })
    })?;
    let file = folder.join(format!("messages.{}", std::process::id()));
    let tcp = transport == Transport::Tcp;
    let here = || {
        let words = starter.launch_program(Shape { ranks: 2, threads: 1 }, tcp);
        words.ok_or_else(|| why(&"the launcher is not that of Open MPI, whose flags choose TCP"))
    };
    let mut words = if hosts.is_empty() { here()? } else { starter.launch_on_hosts(2, &hosts[..hosts.len().min(2)]) };
    words.extend([partner::COMMAND.to_owned(), "messages".into(), "--file".into(), file.display().to_string()]);
    let ended = child::run(&mut starter.command(&words), LIMIT).map_err(|error| why(&error));
    let text = plain_file::read_text(&file, 1 << 20);
    let _ = std::fs::remove_file(&file);
    let ended = ended?;
    if ended.code != Some(0) {
        let said = if ended.message.is_empty() { String::new() } else { format!(": {}", ended.message) };
        return Err(why(&format!("{} {}{said}", words[0], ended.how())));
    }
    let mut path: MessagePath =
        text.map_err(|cause| why(&cause)).and_then(|text| serde_json::from_str(&text).map_err(|cause| why(&cause)))?;
    path.name = match hosts {
        [] if tcp => "mpi over tcp".to_owned(),
        [] => "mpi".to_owned(),
        _ => "mpi between hosts".to_owned(),
    };
    Ok(path)
}
