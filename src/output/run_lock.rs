//! The lock of a live run on its directory.
//!
//! An advisory lock on `run.lock`, which says host, process and job. It goes with the process, so a dead run never blocks.

use crate::error::{Error, Result};
use crate::host::batch_job;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Name of the locked file.
pub const LOCK: &str = "run.lock";

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
        match File::open(&path).map(|file| file.try_lock_shared()) {
            Ok(Err(TryLockError::WouldBlock)) => Err(busy(directory, &path)),
            _ => Ok(()),
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
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).custom_flags(libc::O_NOFOLLOW);
    options.open(path)
}

fn is_same_file(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(own), Ok(found)) => (own.dev(), own.ino()) == (found.dev(), found.ino()),
        _ => false,
    }
}

fn busy(directory: &Path, lock: &Path) -> Error {
    let owner = fs::read_to_string(lock).unwrap_or_default();
    let owner = if owner.trim().is_empty() { "a run that is just starting" } else { owner.trim() };
    Error::Busy(format!(
        "{} is in use by a live run ({owner}): wait for it, stop it, or choose another --output",
        directory.display()
    ))
}

/// Name of this host.
pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn job() -> String {
    batch_job().map_or(String::new(), |id| format!(", job {id}"))
}

/// The error for a directory that cannot be used.
pub fn unusable(path: &Path, cause: &io::Error) -> Error {
    Error::Input(format!("cannot use {} as output directory: {cause}; choose another --output", path.display()))
}
