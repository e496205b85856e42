//! The directory `checkpoints/` of a run: names, which one to go on from, and which ones to remove.

use super::reader::Source;
use crate::comm::{Communicator, agree};
use crate::error::{Error, Result};
use crate::output::snapshot::create_directory;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Name of the directory within that of a run.
pub const DIRECTORY: &str = "checkpoints";
const ENDING: &str = ".checkpoint";

/// The checkpoints of a run directory.
#[derive(Clone, Debug)]
pub struct Shelf {
    directory: PathBuf,
}

/// A checkpoint to go on from, and what was passed over.
#[derive(Debug)]
pub struct Found {
    /// The newest usable one.
    pub source: Source,
    /// Why newer ones are not usable, newest first.
    pub skipped: Vec<String>,
}

impl Shelf {
    /// Of this run directory.
    pub fn of(run_directory: &Path) -> Shelf {
        Shelf { directory: run_directory.join(DIRECTORY) }
    }

    /// Where the checkpoint of a step is.
    pub fn path(&self, step: u64) -> PathBuf {
        self.directory.join(format!("{step:08}{ENDING}"))
    }

    /// Makes the directory. Collective.
    ///
    /// # Errors
    /// Exit code 3, the same on all ranks.
    pub fn create(&self, comm: &dyn Communicator) -> Result<()> {
        create_directory(comm, &self.directory)
    }

    /// Steps of which there are files, newest first. By one rank.
    ///
    /// # Errors
    /// Exit code 3 if the directory cannot be read.
    pub fn steps(&self) -> Result<Vec<u64>> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(Error::io("read", &self.directory, cause)),
        };
        let mut steps: Vec<u64> = entries.flatten().filter_map(|entry| step_of(entry.file_name().to_str()?)).collect();
        steps.sort_unstable_by(|a, b| b.cmp(a));
        Ok(steps)
    }

    /// The newest usable checkpoint; `None` if there are no files at all. `usable` may refuse one that is whole. Collective.
    ///
    /// # Errors
    /// The same on all ranks: exit code 5 if none of the files can be used, 2 if one was written by a newer program, 3 if the
    /// directory cannot be read.
    pub fn newest(&self, comm: &dyn Communicator) -> Result<Option<Found>> {
        let mut skipped = Vec::new();
        for step in self.agreed_steps(comm)? {
            match Source::open(comm, &self.path(step)) {
                Ok(source) => return Ok(Some(Found { source, skipped })),
                Err(error) if error.exit_code() == 5 => skipped.push(error.to_string()),
                Err(error) => return Err(error),
            }
        }
        match skipped.len() {
            0 => Ok(None),
            count => Err(Error::Checkpoint(format!(
                "none of the {count} checkpoints in {} can be used ({}): put a good copy there, or start anew with --overwrite",
                self.directory.display(),
                skipped.join("; ")
            ))),
        }
    }

    /// [`Shelf::steps`] of rank 0, everywhere.
    fn agreed_steps(&self, comm: &dyn Communicator) -> Result<Vec<u64>> {
        let steps = agree(comm, if comm.rank() == 0 { self.steps() } else { Ok(Vec::new()) })?;
        let mut bytes: Vec<u8> = steps.iter().flat_map(|step| step.to_le_bytes()).collect();
        comm.broadcast(0, &mut bytes);
        Ok(bytes.as_chunks().0.iter().map(|step| u64::from_le_bytes(*step)).collect())
    }

    /// After the checkpoint of step `newest` has become valid: keeps the last `keep` ones up to it, and removes the others, among them
    /// files of later steps, which are torn or of a future that this run has left. By one rank.
    ///
    /// # Errors
    /// Exit code 3, for the first file that cannot be removed; the others are gone.
    pub fn prune(&self, newest: u64, keep: usize) -> Result<()> {
        let steps = self.steps()?;
        let (later, earlier): (Vec<u64>, Vec<u64>) = steps.iter().partition(|step| **step > newest);
        let unwanted = later.into_iter().chain(earlier.into_iter().skip(keep));
        let results: Vec<Result<()>> = unwanted.map(|step| remove(&self.path(step))).collect();
        results.into_iter().collect()
    }
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => Err(Error::io("remove", path, cause)),
        _ => Ok(()),
    }
}

/// The step of a checkpoint's name.
pub fn step_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(ENDING)?;
    let is_number = digits.len() >= 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|step| is_number && format!("{step:08}") == digits)
}

/// Whether it is the temporary name of a checkpoint.
pub fn is_half_written(name: &str) -> bool {
    let bare = name.strip_prefix('.').and_then(|name| name.strip_suffix(".tmp"));
    bare.is_some_and(|bare| step_of(bare).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_names_are_checkpoints() {
        assert_eq!(step_of("00000120.checkpoint"), Some(120));
        assert_eq!(step_of("123456789.checkpoint"), Some(123_456_789));
        assert!(is_half_written(".00000120.checkpoint.tmp") && !is_half_written("00000120.checkpoint"));
        assert!(!is_half_written(".notes.tmp"));
        for name in
            ["120.checkpoint", ".00000120.checkpoint.tmp", "00000120.check", "000000120.checkpoint", "a.checkpoint"]
        {
            assert_eq!(step_of(name), None, "{name}");
        }
    }

    #[test]
    fn the_last_ones_are_kept_and_later_ones_go() {
        let directory = tempfile::tempdir().unwrap();
        let shelf = Shelf::of(directory.path());
        assert!(shelf.steps().unwrap().is_empty());
        fs::create_dir(directory.path().join(DIRECTORY)).unwrap();
        for step in [10, 20, 30, 40] {
            fs::write(shelf.path(step), "x").unwrap();
        }
        fs::write(directory.path().join("checkpoints/notes"), "mine").unwrap();
        shelf.prune(30, 2).unwrap();
        assert_eq!(shelf.steps().unwrap(), [30, 20]);
        assert!(directory.path().join("checkpoints/notes").exists());
    }
}
