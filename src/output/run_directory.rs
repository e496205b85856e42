//! The directory of a run, `outputs/<case>/`: who may use it, and what may be removed from it.
//!
//! * A live run holds an advisory lock ([`super::run_lock`]); `run.lock` is removed at the end.
//! * A directory that holds a run is left alone, unless it is to be overwritten or gone on with; then only names that parhelion
//!   writes are removed, one by one.
//! * A directory that holds anything else is never touched, nor is one with a link or a pipe in place of what a run writes. Ours are
//!   known by the first line of `deck.toml`.
//!
//! Rank 0 does all of this and the others learn the verdict; each then makes sure that it sees the directory, because ranks write
//! their own parts.
//!
//! # Refused
//! A process id in a file as the lock: ids are reused, and are another machine's business. `remove_dir_all`: it would remove what a
//! user has put beside our files.

use super::bodies::npy;
use super::run_lock::{LOCK, Lock, host, unusable};
use super::{atomic, disk, plain_file};
use crate::checkpoint::shelf;
use crate::comm::{Communicator, agree};
use crate::error::{Error, Result};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const DECK: &str = "deck.toml";
/// First line of every `deck.toml` in a run directory.
const MARK: &str = "# parhelion run: the deck with every default written out";

/// Figures of a run, and how it ended.
pub const REPORT: &str = "report.json";
/// Timeline of a run with `--trace`.
pub const TRACE: &str = "trace.json";
/// Picture of some of its steps.
pub const TRACE_PICTURE: &str = "trace.svg";
/// Directories of outputs.
const DIRECTORIES: [&str; 3] = ["snapshots", "frames", shelf::DIRECTORY];
/// Most bytes of a deck or a report that are read. Both grow with the lists and the ranks of a run.
const LONGEST: u64 = 64 << 20;

/// How a run enters a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// It must hold no other run.
    New,
    /// What another run has left is removed.
    Replace,
    /// It holds this run up to a checkpoint: outputs of its step and later ones are removed, for they are made again.
    GoOn {
        /// Step of the checkpoint.
        step: u64,
    },
}

/// What a directory holds before a run enters it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// No run.
    Nothing,
    /// A run.
    Run {
        /// Its deck with every default written out.
        deck: String,
        /// It has reached its end.
        done: bool,
    },
}

/// What a directory holds. Changes nothing. By one rank.
///
/// # Errors
/// Exit code 6 if a live run holds it or it has files that are not parhelion's; 2 if it cannot be used.
pub fn earlier(path: &Path) -> Result<Earlier> {
    refuse_file(path)?;
    let contents = inspect(path)?;
    Lock::refuse_live(path)?;
    if contents == Contents::Run {
        let text = plain_file::read_text(&path.join(DECK), LONGEST).map_err(|cause| unusable(path, &cause))?;
        let deck = text.strip_prefix(MARK).map_or("", |deck| deck.trim_start_matches('\n')).to_owned();
        return Ok(Earlier::Run { deck, done: reported(path).as_deref() == Some("done") });
    }
    refuse_contents(path, contents, true).map(|()| Earlier::Nothing)
}

/// Removes a run, and its directory if nothing else is in it. By one rank.
///
/// # Errors
/// Exit code 6 if a live run holds it or it has files that are not parhelion's; 3 if something cannot be removed.
pub fn remove_run(path: &Path) -> Result<()> {
    let lock = claim(path, true)?;
    clear(path).map_err(|cause| Error::io("remove the earlier run in", path, cause))?;
    drop(lock);
    remove_if_empty(path).map_err(|cause| Error::io("remove", path, cause))
}

/// A run directory that this run owns until it is dropped.
#[derive(Debug)]
pub struct RunDirectory {
    path: PathBuf,
    /// Held until dropped, on rank 0.
    _lock: Option<Lock>,
}

impl RunDirectory {
    /// Takes possession of a directory, creates what is missing (`snapshots/`, `frames/`) and writes `deck.toml`. Collective.
    ///
    /// # Errors
    /// The same on all ranks: exit code 6 if a live run holds it, if it holds another run and the entry is [`Entry::New`], or if it holds
    /// files that are not parhelion's; 2 if it cannot be created or written, or not all ranks see it; 3 if writing the deck failed.
    pub fn open(comm: &dyn Communicator, path: &Path, resolved_deck: &str, entry: Entry) -> Result<RunDirectory> {
        let claimed = if comm.rank() == 0 { claim(path, entry != Entry::New).map(Some) } else { Ok(None) };
        let lock = agree(comm, claimed)?;
        let directory = RunDirectory { path: path.to_owned(), _lock: lock };
        agree(comm, wait_until_seen(path))?;
        let prepared = if comm.rank() == 0 { prepare(path, resolved_deck, entry) } else { Ok(()) };
        agree(comm, prepared)?;
        Ok(directory)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A warning if `bytes` of outputs will not fit on its file system.
    pub fn space_warning(&self, bytes: u64) -> Option<String> {
        disk::shortage(&self.path, bytes)
    }
}

/// What is found at the path of a run directory.
#[derive(Debug, PartialEq)]
enum Contents {
    Nothing,
    Run,
    Foreign(String),
}

/// Checks the directory, creates it and locks it. Removes nothing.
fn claim(path: &Path, overwrite: bool) -> Result<Lock> {
    refuse_file(path)?;
    refuse_contents(path, inspect(path)?, true)?;
    fs::create_dir_all(path).map_err(|cause| unusable(path, &cause))?;
    let lock = Lock::acquire(path)?;
    // Again under the lock: another run may have begun and ended in between.
    refuse_contents(path, inspect(path)?, overwrite)?;
    Ok(lock)
}

fn refuse_file(path: &Path) -> Result<()> {
    let in_the_way = path.ancestors().find(|p| p.exists()).filter(|p| !p.is_dir());
    match in_the_way {
        Some(file) => Err(Error::Input(format!(
            "cannot use {} as output directory: {} is a file; choose another --output",
            path.display(),
            file.display()
        ))),
        None => Ok(()),
    }
}

fn refuse_contents(path: &Path, contents: Contents, overwrite: bool) -> Result<()> {
    let name = path.display();
    match contents {
        Contents::Foreign(file) => Err(Error::Busy(format!(
            "{name} holds files that are not parhelion's (such as {file}), so nothing in it is touched: choose an empty or new --output"
        ))),
        Contents::Run if !overwrite => Err(Error::Busy(format!(
            "{name} holds another run ({}): choose another --output, or give --overwrite to replace it",
            status(path)
        ))),
        _ => Ok(()),
    }
}

fn inspect(path: &Path) -> Result<Contents> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Contents::Nothing),
        Err(cause) => return Err(unusable(path, &cause)),
    };
    let is_leftover = |name: &str| name == LOCK || name == ".deck.toml.tmp";
    let names: Vec<String> = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    if let Some(planted) = names.iter().find(|name| is_planted(path, name)) {
        return Ok(Contents::Foreign(format!("{planted}, which is a link or of another kind")));
    }
    match names.into_iter().find(|name| !is_leftover(name)) {
        None => Ok(Contents::Nothing),
        Some(_) if is_ours(path) => Ok(Contents::Run),
        Some(name) => Ok(Contents::Foreign(name)),
    }
}

fn is_ours(path: &Path) -> bool {
    plain_file::read(&path.join(DECK), LONGEST).is_ok_and(|deck| deck.starts_with(MARK.as_bytes()))
}

/// Whether what bears a name of ours is something that no run makes: a link, a pipe, a directory in place of a file.
fn is_planted(path: &Path, name: &str) -> bool {
    let bare = name.strip_prefix('.').and_then(|rest| rest.strip_suffix(".tmp")).unwrap_or(name);
    let Ok(found) = fs::symlink_metadata(path.join(name)) else { return false };
    match bare {
        DECK | REPORT | TRACE | TRACE_PICTURE | "diagnostics.csv" | LOCK => !found.is_file(),
        _ => DIRECTORIES.contains(&bare) && !found.is_dir(),
    }
}

/// What the earlier run says about itself.
fn status(path: &Path) -> String {
    match reported(path) {
        Some(status) => format!("status: {status}"),
        None => "it has no report, so it did not finish".into(),
    }
}

fn reported(path: &Path) -> Option<String> {
    let report = plain_file::read(&path.join(REPORT), LONGEST).ok()?;
    let report: serde_json::Value = serde_json::from_slice(&report).ok()?;
    report.get("status")?.as_str().map(str::to_owned)
}

/// Every rank must see the directory. On a network file system a new name may take a moment.
fn wait_until_seen(path: &Path) -> Result<()> {
    let give_up = Instant::now() + Duration::from_secs(3);
    while !path.is_dir() {
        if Instant::now() > give_up {
            return Err(Error::Input(format!(
                "{} is not visible on host {}: all hosts must share the file system of the output directory (--output)",
                path.display(),
                host()
            )));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn prepare(path: &Path, resolved_deck: &str, entry: Entry) -> Result<()> {
    let removed = match entry {
        Entry::New => Ok(()),
        Entry::Replace => clear(path),
        Entry::GoOn { step } => turn_back(path, step),
    };
    removed.map_err(|cause| Error::io("remove the earlier run in", path, cause))?;
    let deck = format!("{MARK}\n{resolved_deck}");
    atomic::write_file(&path.join(DECK), |writer| writer.write_all(deck.as_bytes()))?;
    for name in ["snapshots", "frames"] {
        let directory = path.join(name);
        plain_file::make_directory(&directory).map_err(|cause| Error::io("create", &directory, cause))?;
    }
    Ok(())
}

/// Removes what parhelion writes, and directories that are empty then. `deck.toml` goes last: it marks the directory as ours.
fn clear(path: &Path) -> io::Result<()> {
    remove_known(&path.join("snapshots"), &|name| ["temperature.pvd", "bodies.pvd", "times.csv"].contains(&name))?;
    for entry in list(&path.join("snapshots"))? {
        if is_step(&entry) {
            let directory = path.join("snapshots").join(entry);
            remove_known(&directory, &is_snapshot)?;
        }
    }
    remove_if_empty(&path.join("snapshots"))?;
    remove_known(&path.join(shelf::DIRECTORY), &|name| shelf::step_of(name).is_some())?;
    remove_known(&path.join("frames"), &|name| name == "animation.png" || is_numbered(name, "frame", &[".png"]))?;
    remove_known(path, &|name| [REPORT, TRACE, TRACE_PICTURE, "diagnostics.csv"].contains(&name))?;
    ignore_missing(fs::remove_file(path.join(DECK)))
}

/// Removes the report, snapshots and frames of `step` and later, and checkpoints after it. The report goes first: with it the run would count as finished
/// or stopped.
fn turn_back(path: &Path, step: u64) -> io::Result<()> {
    ignore_missing(fs::remove_file(path.join(REPORT)))?;
    // What killed runs have left half written would pile up. Later checkpoints could not be used now; if they could again, the log
    // would be shorter than they say.
    let checkpoints = path.join(shelf::DIRECTORY);
    let is_over = |name: &str| shelf::is_half_written(name) || shelf::step_of(name).is_some_and(|later| later > step);
    for name in list(&checkpoints)?.into_iter().filter(|name| is_over(name)) {
        fs::remove_file(checkpoints.join(name))?;
    }
    let is_later = |digits: &str| digits.parse::<u64>().is_ok_and(|number| number >= step);
    let snapshots = path.join("snapshots");
    for entry in list(&snapshots)?.into_iter().filter(|entry| is_step(entry) && is_later(entry)) {
        remove_known(&snapshots.join(entry), &is_snapshot)?;
    }
    let is_frame = |name: &str| {
        let digits = name.strip_prefix("frame_").and_then(|rest| rest.strip_suffix(".png"));
        digits.is_some_and(|digits| is_step(digits) && is_later(digits))
    };
    remove_known(&path.join("frames"), &is_frame)
}

fn is_step(name: &str) -> bool {
    name.len() >= 8 && name.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a snapshot of either physics has a file of this name.
fn is_snapshot(name: &str) -> bool {
    is_numbered(name, "temperature", &[".npy", ".pvti", ".vti"])
        || is_numbered(name, "bodies", &[".pvtp", ".vtp"])
        || npy::ARRAYS.iter().any(|array| name.strip_suffix(".npy") == Some(array))
        || is_gadget(name)
}

/// `snapshot_<digits>.<digits>.hdf5`
fn is_gadget(name: &str) -> bool {
    let numbers = name.strip_prefix("snapshot_").and_then(|rest| rest.strip_suffix(".hdf5")?.split_once('.'));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    numbers.is_some_and(|(step, rank)| is_number(step) && is_number(rank))
}

/// `STEM.ending` or `STEM_<digits>.ending`.
fn is_numbered(name: &str, stem: &str, endings: &[&str]) -> bool {
    let middle = name.strip_prefix(stem).and_then(|rest| endings.iter().find_map(|e| rest.strip_suffix(e)));
    middle.is_some_and(|m| {
        m.is_empty() || m.strip_prefix('_').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    })
}

/// Removes the known regular files of a directory with their temporaries, and the directory if nothing else is left.
fn remove_known(directory: &Path, known: &dyn Fn(&str) -> bool) -> io::Result<()> {
    for name in list(directory)? {
        let bare = name.strip_prefix('.').and_then(|n| n.strip_suffix(".tmp")).unwrap_or(&name);
        let path = directory.join(&name);
        if known(bare) && fs::symlink_metadata(&path)?.is_file() {
            fs::remove_file(path)?;
        }
    }
    remove_if_empty(directory)
}

/// Names in a directory; none if it is missing or not a directory itself (a link leads to what is not ours).
fn list(directory: &Path) -> io::Result<Vec<String>> {
    if !fs::symlink_metadata(directory).is_ok_and(|found| found.is_dir()) {
        return Ok(Vec::new());
    }
    fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

fn remove_if_empty(directory: &Path) -> io::Result<()> {
    match fs::remove_dir(directory) {
        Err(cause) if matches!(cause.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::NotADirectory) => Ok(()),
        other => ignore_missing(other),
    }
}

fn ignore_missing(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
#[path = "run_directory_tests.rs"]
mod tests;
