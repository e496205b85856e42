//! The lock of a live run on its directory.
//!
//! An advisory lock on `run.lock`, which says host, process and job. It goes with the process, so a dead run never blocks.

use super::plain_file;
use crate::console;
use crate::error::{Error, Result};
use crate::host::batch_job;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Name of the locked file.
pub const LOCK: &str = "run.lock";

/// Most bytes of a lock that are read; one has a line.
const LONGEST: u64 = 1024;

/// The advisory lock of a live run.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Locks a directory.
    ///
    /// # Errors
    /// Exit code 6 if a live run holds it, 2 if the file cannot be made.
    pub fn acquire(directory: &Path) -> Result<Lock> {
        let path = directory.join(LOCK);
        loop {
            let file = open_lock(&path).map_err(|cause| unusable(directory, &cause))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(busy(directory, &path)),
                // A file system without locks: two runs in one directory are then the user's to avoid.
                Err(TryLockError::Error(_)) => {}
            }
            // The run that just ended may have removed the file between our opening and locking it.
            if is_same_file(&file, &path) {
                let lock = Lock { file, path };
                lock.tell_of_the_dead(directory);
                lock.sign().map_err(|cause| unusable(directory, &cause))?;
                return Ok(lock);
            }
        }
    }

    /// Asks whether a live run holds the directory. Makes no file.
    ///
    /// # Errors
    /// Exit code 6 if it does.
    pub fn refuse_live(directory: &Path) -> Result<()> {
        let path = directory.join(LOCK);
        match plain_file::open(&path, OpenOptions::new().read(true)).map(|file| file.try_lock_shared()) {
            Ok(Err(TryLockError::WouldBlock)) => Err(busy(directory, &path)),
            _ => Ok(()),
        }
    }

    /// A run that ended in order has removed its lock, so one that still names its owner was killed.
    fn tell_of_the_dead(&self, directory: &Path) {
        let owner = owner(&self.path);
        if !owner.is_empty() {
            console::message(&format!("taking over {} from a run that is dead ({owner})", directory.display()));
        }
    }

    fn sign(&self) -> io::Result<()> {
        self.file.set_len(0)?;
        (&self.file).write_all(format!("host {}, process {}{}\n", host(), std::process::id(), job()).as_bytes())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if is_same_file(&self.file, &self.path) {
            // A file that stays behind does no harm: its lock ends here.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn open_lock(path: &Path) -> io::Result<File> {
    plain_file::open(path, OpenOptions::new().read(true).write(true).create(true).truncate(false))
}

fn is_same_file(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(own), Ok(found)) => (own.dev(), own.ino()) == (found.dev(), found.ino()),
        _ => false,
    }
}

fn busy(directory: &Path, lock: &Path) -> Error {
    let owner = match owner(lock) {
        owner if owner.is_empty() => "a run that is just starting".to_owned(),
        owner => owner,
    };
    Error::Busy(format!(
        "{} is in use by a live run ({owner}): wait for it, stop it, or choose another --output",
        directory.display()
    ))
}

/// What a lock says of its owner; nothing if it cannot be read.
fn owner(lock: &Path) -> String {
    plain_file::read_text(lock, LONGEST).map_or_else(|_| String::new(), |text| text.trim().to_owned())
}

/// Name of this host.
pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn job() -> String {
    batch_job()
        .map_or(String::new(), |id| format!(", job {}", console::one_line(&id.chars().take(100).collect::<String>())))
}

/// The error for a directory that cannot be used.
pub fn unusable(path: &Path, cause: &io::Error) -> Error {
    Error::Input(format!("cannot use {} as output directory: {cause}; choose another --output", path.display()))
}
