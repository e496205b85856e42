//! A number in a file that processes share: each reads it, adds one and writes it back, with and without an advisory lock.
//!
//! The lock is that of a run on its directory ([`crate::output::run_lock`]): it holds back those who ask for it and nobody else.

use super::partner::Partner;
use crate::host::topology;
use serde::Serialize;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

/// Updates of each process.
const UPDATES: u64 = 5_000;

/// What became of the updates.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Updated {
    /// `no lock` or `advisory lock`.
    pub how: &'static str,
    /// Processes.
    pub processes: usize,
    /// Updates of all.
    pub updates: u64,
    /// Of these, those that the file does not show.
    pub lost: u64,
    /// From the start of the first process to the end of the last, by all updates.
    pub seconds_each: f64,
}

/// Without and with a lock, in files of `folder` that are removed.
///
/// # Errors
/// If a file or a process cannot be made, or one fails.
pub fn measure(folder: &Path, processes: usize) -> io::Result<Vec<Updated>> {
    let file = folder.join(format!("ledger.{}", std::process::id()));
    let measured = [false, true].map(|locked| shared(&file, processes, locked));
    let _ = fs::remove_file(&file);
    measured.into_iter().collect()
}

fn shared(file: &Path, processes: usize, locked: bool) -> io::Result<Updated> {
    fs::write(file, 0u64.to_le_bytes())?;
    let times = UPDATES.to_string();
    let mut partners = Vec::new();
    for number in 0..processes {
        let core = number.to_string();
        let mut words = ["count", "--times", &times, "--core", &core, "--file"].map(OsStr::new).to_vec();
        words.push(file.as_os_str());
        words.extend(locked.then_some(OsStr::new("--lock")));
        partners.push(Partner::start(&words, Stdio::piped(), Stdio::piped())?);
    }
    for partner in &mut partners {
        partner.await_ready()?;
    }
    let start = Instant::now();
    // The end of its input is the signal to begin.
    partners.iter_mut().for_each(|partner| drop(partner.input()));
    partners.into_iter().try_for_each(Partner::end)?;
    let seconds = start.elapsed().as_secs_f64();
    let updates = UPDATES * processes as u64;
    let found = read(&File::open(file)?)?;
    Ok(Updated {
        how: if locked { "advisory lock" } else { "no lock" },
        processes,
        updates,
        lost: updates.saturating_sub(found),
        seconds_each: seconds / updates as f64,
    })
}

/// The part of one process: says that it is ready, waits for the end of its input, then updates the file so many times.
///
/// # Errors
/// Those of the file.
pub fn count(file: &Path, times: u64, locked: bool, core: Option<usize>) -> io::Result<()> {
    if let Some(core) = core {
        topology::bind_thread(core);
    }
    let file = OpenOptions::new().read(true).write(true).open(file)?;
    io::stdout().write_all(b"!")?;
    io::stdout().flush()?;
    io::stdin().read_to_end(&mut Vec::new())?;
    for _ in 0..times {
        if locked {
            file.lock()?;
        }
        let old = read(&file)?;
        file.write_all_at(&(old + 1).to_le_bytes(), 0)?;
        if locked {
            file.unlock()?;
        }
    }
    Ok(())
}

fn read(file: &File) -> io::Result<u64> {
    let mut bytes = [0; 8];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(u64::from_le_bytes(bytes))
}
