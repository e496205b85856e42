//! How fast a file is written and forced to the disk, in the directory where results would go.
//!
//! The file loses its name as soon as it is open: whatever ends the process, nothing stays behind. Each piece is as long as the
//! first one shows that the time allows; the median speed of three counts.

use crate::error::{Error, Result};
use crate::laboratory::statistics::median;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Instant;

/// Bytes of the first piece.
const FIRST: usize = 4 << 20;
/// Bytes of the longest piece.
const MOST: usize = 64 << 20;
/// Seconds that a piece may take.
const SECONDS: f64 = 0.4;
/// Pieces that count.
const PIECES: usize = 3;

/// Speed of a file system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileSystem {
    /// A directory on it.
    pub path: String,
    /// Bytes a second, `fsync` included.
    pub write_bytes_per_s: f64,
}

/// Measures in a directory.
///
/// # Errors
/// Exit code 3 if no file can be written there.
pub fn measure(directory: &Path) -> Result<FileSystem> {
    let speed = nameless(directory).and_then(|mut file| speed(&mut file));
    let explain = |cause: io::Error| Error::io("measure writing in", directory, cause);
    Ok(FileSystem { path: directory.display().to_string(), write_bytes_per_s: speed.map_err(explain)? })
}

/// Passes if a file can be made in a directory.
///
/// # Errors
/// Exit code 3, naming `file`, which is to be written there.
pub fn can_write(directory: &Path, file: &Path) -> Result<()> {
    nameless(directory).map(|_| ()).map_err(|cause| Error::io("write", file, cause))
}

/// A new file without a name.
fn nameless(directory: &Path) -> io::Result<File> {
    let name = directory.join(format!(".parhelion-machine-{}.tmp", std::process::id()));
    let file = OpenOptions::new().write(true).create_new(true).custom_flags(libc::O_NOFOLLOW).open(&name)?;
    fs::remove_file(&name)?;
    Ok(file)
}

fn speed(file: &mut File) -> io::Result<f64> {
    let first = piece(file, FIRST)?;
    let length = ((SECONDS * first) as usize / FIRST * FIRST).clamp(FIRST, MOST);
    let speeds = (0..PIECES).map(|_| piece(file, length)).collect::<io::Result<Vec<f64>>>()?;
    Ok(median(&speeds))
}

/// Writes so many bytes from the beginning, and returns bytes a second.
fn piece(file: &mut File, length: usize) -> io::Result<f64> {
    let block = vec![0x5au8; 1 << 20];
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    let start = Instant::now();
    for _ in 0..length / block.len() {
        file.write_all(&block)?;
    }
    file.sync_all()?;
    Ok(length as f64 / start.elapsed().as_secs_f64().max(1e-9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stays_behind_and_a_missing_directory_is_named() {
        let directory = tempfile::tempdir().unwrap();
        assert!(measure(directory.path()).unwrap().write_bytes_per_s > 1e3);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        let error = measure(&directory.path().join("missing")).unwrap_err();
        assert!(error.exit_code() == 3 && error.to_string().contains("missing"), "{error}");
    }
}
