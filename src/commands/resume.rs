//! Whether a run begins anew or goes on from a checkpoint.
//!
//! | the directory holds | plain | `--resume` | `--overwrite` |
//! |---|---|---|---|
//! | nothing | begins | 5 | begins |
//! | an unfinished run of this deck, decomposition and checkpoints aside | goes on; begins again, saying so, if no checkpoint was ever written | goes on, or 5 | begins anew |
//! | a finished run of this deck | 6 | 6 | begins anew |
//! | a run of another deck | 6 | goes on if only outputs, decomposition or a later end differ, or 2 naming the key | begins anew |
//!
//! Checkpoints of which none can be used are exit code 5, never a silent start from step 0.

use super::run::{Deck, Job};
use crate::checkpoint::keeper::FRAMES;
use crate::checkpoint::reader::Source;
use crate::checkpoint::same_run;
use crate::checkpoint::shelf::{Found, Shelf};
use crate::comm::agree;
use crate::error::{Error, Result};
use crate::output::run_directory::{Earlier, Entry, earlier};
use crate::report::Restart;
use crate::schedule::Clock;
use crate::simulation::Memory;
use std::path::Path;

/// How a run begins.
pub(super) enum Begin {
    /// At step 0.
    Anew(Entry),
    /// From a checkpoint.
    GoOn(Box<Found>),
}

/// What is to be done with a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Choice {
    Begin,
    Replace,
    /// From the newest checkpoint, or again from the start if there never was one.
    GoOnIfKept,
    GoOn,
}

const CHOICES: [Choice; 4] = [Choice::Begin, Choice::Replace, Choice::GoOnIfKept, Choice::GoOn];

/// How this run begins. Verifies a checkpoint, but writes and removes nothing. Collective.
///
/// # Errors
/// As the table in the head says, the same on all ranks.
pub(super) fn begin(job: &Job<'_>, deck: &Deck<'_>) -> Result<Begin> {
    let directory = job.directory(deck);
    match agreed_choice(job, deck, &directory)? {
        Choice::Begin => Ok(Begin::Anew(Entry::New)),
        Choice::Replace => Ok(Begin::Anew(Entry::Replace)),
        choice => match Shelf::of(&directory).newest(job.comm)? {
            Some(found) => go_on(job, deck, found),
            None if choice == Choice::GoOn => Err(nothing_to_resume(&directory)),
            None => {
                job.tell(&format!(
                    "{} holds a run that ended before its first checkpoint: it begins again",
                    directory.display()
                ));
                Ok(Begin::Anew(Entry::Replace))
            }
        },
    }
}

fn agreed_choice(job: &Job<'_>, deck: &Deck<'_>, directory: &Path) -> Result<Choice> {
    let own = if job.comm.rank() == 0 { choose(job, deck, directory) } else { Ok(Choice::Begin) };
    let mut bytes = vec![agree(job.comm, own)? as u8];
    job.comm.broadcast(0, &mut bytes);
    Ok(CHOICES[usize::from(bytes[0])])
}

fn choose(job: &Job<'_>, deck: &Deck<'_>, directory: &Path) -> Result<Choice> {
    if job.arguments.overwrite {
        return Ok(Choice::Replace);
    }
    match (earlier(directory)?, job.arguments.resume) {
        (Earlier::Nothing, false) => Ok(Choice::Begin),
        (Earlier::Nothing, true) => Err(nothing_to_resume(directory)),
        (Earlier::Run { deck: old, done: true }, true) if same_run::is_same_deck(&old, deck.resolved) => {
            Err(Error::Busy(format!(
                "the run in {} is complete: give a later time.end or more time.steps to extend it, or --overwrite to begin anew",
                directory.display()
            )))
        }
        (Earlier::Run { .. }, true) => Ok(Choice::GoOn),
        (Earlier::Run { deck: old, done: false }, false) if same_run::is_same_deck(&old, deck.resolved) => {
            Ok(Choice::GoOnIfKept)
        }
        // Refused when the directory is opened, with what it holds.
        (Earlier::Run { .. }, false) => Ok(Choice::Begin),
    }
}

fn nothing_to_resume(directory: &Path) -> Error {
    Error::Checkpoint(format!(
        "nothing to resume: {} holds no checkpoint; leave out --resume to begin at the start",
        directory.display()
    ))
}

fn go_on(job: &Job<'_>, deck: &Deck<'_>, found: Found) -> Result<Begin> {
    let (header, path) = (found.source.header(), found.source.path());
    same_run::check_deck(header, path, deck.physics, deck.resolved)?;
    for reason in &found.skipped {
        job.tell(&format!("warning: {reason}; an older checkpoint is taken"));
    }
    let path_name = job.cpu_path().name();
    if deck.physics == "nbody" && header.cpu_path != path_name {
        let (there, portable) = (&header.cpu_path, "gravity.portable_bits = true");
        job.tell(&format!(
            "warning: {} was computed on {there}, this is {path_name}: the last bits may differ without {portable}",
            path.display()
        ));
    }
    if !job.arguments.quiet {
        job.tell(&format!("continuing from {}, step {}", path.display(), header.step));
    }
    Ok(Begin::GoOn(Box::new(found)))
}

impl Begin {
    /// The checkpoint to go on from.
    pub(super) fn source(&self) -> Option<&Source> {
        match self {
            Begin::Anew(_) => None,
            Begin::GoOn(found) => Some(&found.source),
        }
    }

    /// How the directory is entered.
    pub(super) fn entry(&self) -> Entry {
        match self {
            Begin::Anew(entry) => *entry,
            Begin::GoOn(found) => Entry::GoOn { step: found.source.header().step },
        }
    }

    /// Steps that are done.
    pub(super) fn step(&self) -> u64 {
        self.source().map_or(0, |source| source.header().step)
    }

    /// That the checkpoint lies on this time axis.
    ///
    /// # Errors
    /// Exit code 2, naming the key that differs.
    pub(super) fn check_clock(&self, clock: &Clock) -> Result<()> {
        self.source().map_or(Ok(()), |source| same_run::check_clock(source.header(), source.path(), clock))
    }

    /// What outputs remember. Collective.
    ///
    /// # Errors
    /// Exit code 3 if the checkpoint cannot be read any more, the same on all ranks.
    pub(super) fn memory(&self, job: &Job<'_>) -> Result<Option<Memory>> {
        let Some(source) = self.source() else { return Ok(None) };
        let frames = if job.comm.rank() == 0 { source.read_all(FRAMES) } else { Ok(Vec::new()) };
        let frames = agree(job.comm, frames)?;
        Ok(Some(Memory { notes: source.header().outputs.clone(), frames }))
    }

    /// For the report.
    pub(super) fn restart(&self) -> Option<Restart> {
        match self {
            Begin::Anew(_) => None,
            Begin::GoOn(found) => Some(Restart {
                from: found.source.path().display().to_string(),
                step: found.source.header().step,
                skipped: found.skipped.clone(),
            }),
        }
    }
}
