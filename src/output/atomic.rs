//! Files that appear whole or not at all.
//!
//! A file is written under the temporary name `.NAME.tmp` in its own directory, every result is checked, its bytes are forced to
//! the disk, it is renamed over its final name (which POSIX does in one piece), and the directory is forced to the disk as well.
//! A reader therefore never sees half a file, and a run that dies leaves the older file as it was. The room is reserved
//! before the first byte where the length is known and the file system can do it, so a full disk shows at once.
//!
//! The temporary is created anew (`O_EXCL`): an old one of a dead run is removed first; anything there or at the final name that is not a
//! regular file, such as a symbolic link laid by someone else, is refused ([`super::plain_file`]).
//!
//! # Refused
//! A random temporary name (crate `tempfile`): dead runs would pile them up, and other ranks could not know it.
//! `O_TMPFILE`: not on network file systems. Skipping the disk: [`Durability::Quick`] does for pictures, which can be made again.

use super::{disk, plain_file};
use crate::comm::{Communicator, agree};
use crate::error::{Error, Result};
use crate::fault;
use crate::heartbeat;
use rustix::fs::{FallocateFlags, fallocate};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How safe a file is when its function returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It is on the disk: a power failure does not harm it.
    Synced,
    /// It is whole for every reader, but a power failure may lose it. For files that can be made again.
    Quick,
}

/// Writes a file of unknown length by one rank, on the disk when this returns. Returns its length in bytes.
///
/// # Errors
/// Exit code 3, naming the path, and for a full disk the bytes needed and available. The temporary is removed.
pub fn write_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<u64> {
    write_sized(path, 0, Durability::Synced, write)
}

/// As [`write_file`], with a length in bytes that is reserved beforehand (0: unknown) and the durability wanted.
///
/// # Errors
/// As [`write_file`].
pub fn write_sized(
    path: &Path,
    length: u64,
    durability: Durability,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<u64> {
    let mut written = 0;
    let outcome = (|| {
        let temporary = Temporary::create(path)?;
        reserve(&temporary.file, length)?;
        fill(&temporary.file, &mut written, write)?;
        temporary.file.set_len(written)?;
        temporary.publish(durability)
    })();
    outcome.map(|()| written).map_err(|cause| failure(path, length.max(written), &cause))
}

/// Writes one file by all ranks: rank 0 creates it with its full length, `write` of every rank puts its parts at their offsets, and
/// rank 0 renames it when all parts are on the disk. Collective.
///
/// The file is opened for writing only: a network file system then sends just the bytes that a rank wrote, never a whole page with
/// stale bytes of a neighbour.
///
/// # Errors
/// As [`write_file`], the same on all ranks.
pub fn write_shared(
    comm: &dyn Communicator,
    path: &Path,
    length: u64,
    write: impl FnOnce(&File) -> io::Result<()>,
) -> Result<()> {
    let explain = |cause: io::Error| failure(path, length, &cause);
    let created = if comm.rank() == 0 { create_reserved(path, length).map(Some) } else { Ok(None) };
    let temporary = agree(comm, created.map_err(explain))?;
    let own = match &temporary {
        Some(temporary) => temporary.file.try_clone(),
        None => open_existing(&temporary_name(path)),
    };
    // Also a rank that could not open the file must call `write`: it may exchange messages.
    let parts = match own {
        Ok(file) => write(&file).and_then(|()| fault::failure()).and_then(|()| file.sync_all()),
        Err(cause) => write_nowhere(write).and(Err(cause)),
    };
    agree(comm, parts.map_err(explain))?;
    let published = temporary.map_or(Ok(()), |temporary| temporary.publish(Durability::Synced));
    agree(comm, published.map_err(explain))
}

/// Writes a file per rank, with `write` of every rank called whether or not its file could be made: it may exchange messages, and must
/// exchange all of them even if writing fails. Files get their names when all of them are on the disk. Collective.
///
/// # Errors
/// As [`write_file`], the same on all ranks.
pub fn write_each(
    comm: &dyn Communicator,
    path: &Path,
    length: u64,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let explain = |cause: io::Error| failure(path, length, &cause);
    let temporary = agree(comm, create_reserved(path, length).map_err(explain))?;
    let mut writer = BufWriter::with_capacity(1 << 16, &temporary.file);
    let parts = write(&mut writer).and_then(|()| writer.flush()).and_then(|()| fault::failure());
    let parts = parts.and_then(|()| temporary.file.sync_all());
    drop(writer);
    agree(comm, parts.map_err(explain))?;
    agree(comm, temporary.publish(Durability::Synced).map_err(explain))
}

/// Writes a file per rank by functions that open it themselves, under the temporary name that they are given; otherwise as
/// [`write_each`]. Returns the length of this rank's file. Collective.
///
/// # Errors
/// What `write` reports, or exit code 3; the same on all ranks.
pub fn write_by_name(
    comm: &dyn Communicator,
    path: &Path,
    length: u64,
    write: impl FnOnce(&Path) -> Result<()>,
) -> Result<u64> {
    let explain = |cause: io::Error| failure(path, length, &cause);
    let temporary = agree(comm, Temporary::create(path).map_err(explain))?;
    agree(comm, write(&temporary.name))?;
    let written = temporary.file.metadata().map(|data| data.len());
    let published = temporary.publish(Durability::Synced).and(written);
    agree(comm, published.map_err(explain))
}

fn write_nowhere(write: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    write(&OpenOptions::new().write(true).open("/dev/null")?)
}

fn create_reserved(path: &Path, length: u64) -> io::Result<Temporary> {
    let temporary = Temporary::create(path)?;
    reserve(&temporary.file, length)?;
    temporary.file.set_len(length)?;
    Ok(temporary)
}

/// Opens the temporary that rank 0 has made. On a network file system a new name may take a moment to be seen.
fn open_existing(path: &Path) -> io::Result<File> {
    let give_up = Instant::now() + Duration::from_secs(3);
    loop {
        match OpenOptions::new().write(true).custom_flags(libc::O_NOFOLLOW).open(path) {
            Err(cause) if cause.kind() == ErrorKind::NotFound && Instant::now() < give_up => {
                std::thread::sleep(Duration::from_millis(20));
            }
            other => return other,
        }
    }
}

/// Reserves room on the disk; file systems that cannot are let off.
fn reserve(file: &File, length: u64) -> io::Result<()> {
    if length == 0 {
        return Ok(());
    }
    match fallocate(file, FallocateFlags::KEEP_SIZE, 0, length) {
        Err(full @ (rustix::io::Errno::NOSPC | rustix::io::Errno::DQUOT | rustix::io::Errno::FBIG)) => Err(full.into()),
        _ => Ok(()),
    }
}

fn fill(file: &File, written: &mut u64, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut writer = BufWriter::with_capacity(1 << 16, Counted { file, written });
    write(&mut writer)?;
    fault::failure()?;
    writer.flush()
}

/// Counts what was to be written, also if it failed: the message about a full disk needs it.
struct Counted<'a> {
    file: &'a File,
    written: &'a mut u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let outcome = self.file.write(bytes);
        heartbeat::beat();
        *self.written += *outcome.as_ref().unwrap_or(&bytes.len()) as u64;
        outcome
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file under its temporary name; removed when dropped, unless published.
struct Temporary {
    file: File,
    name: PathBuf,
    target: PathBuf,
    published: bool,
}

impl Temporary {
    fn create(target: &Path) -> io::Result<Temporary> {
        let name = temporary_name(target);
        plain_file::refuse_others(target)?;
        remove_stale(&name)?;
        let file = OpenOptions::new().write(true).create_new(true).open(&name)?;
        Ok(Temporary { file, name, target: target.to_owned(), published: false })
    }

    fn publish(mut self, durability: Durability) -> io::Result<()> {
        if durability == Durability::Synced {
            self.file.sync_all()?;
        }
        plain_file::refuse_others(&self.target)?;
        fs::rename(&self.name, &self.target)?;
        self.published = true;
        match (durability, self.target.parent()) {
            (Durability::Synced, Some(parent)) => sync_directory(parent),
            _ => Ok(()),
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.published {
            // Nothing can be done about a failure here, and the next run replaces the file.
            let _ = fs::remove_file(&self.name);
        }
    }
}

fn remove_stale(name: &Path) -> io::Result<()> {
    plain_file::refuse_others(name)?;
    match fs::remove_file(name) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    match File::open(directory)?.sync_all() {
        // Some network file systems cannot, and need not.
        Err(cause) if cause.kind() == ErrorKind::InvalidInput => Ok(()),
        other => other,
    }
}

/// `.NAME.tmp` beside the file.
pub fn temporary_name(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".tmp");
    path.with_file_name(name)
}

/// The error for a failed write, with the numbers that a full disk calls for.
pub fn failure(path: &Path, needed: u64, cause: &io::Error) -> Error {
    match cause.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            let available = disk::available(path).map_or("an unknown amount".into(), disk::in_words);
            let needed_words = disk::in_words(needed);
            let advice = "free some space or choose another --output";
            let room = format!("{needed_words} ({needed} bytes) needed, {available} available");
            Error::io("write", path, format_args!("{cause}: {room}; {advice}"))
        }
        _ => Error::io("write", path, cause),
    }
}

#[cfg(test)]
#[path = "atomic_tests.rs"]
mod tests;
