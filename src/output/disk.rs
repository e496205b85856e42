//! How much room a file system has, in words for messages, and when the disk begins to write.

use std::fs::File;
use std::path::Path;

/// Bytes from which a part of a file is written by itself.
const WORTH_BEGINNING: u64 = 1 << 20;

/// Bytes that this user may still write on the file system of `path` (or of its nearest existing parent); `None` if the system
/// does not tell.
pub fn available(path: &Path) -> Option<u64> {
    let existing = path.ancestors().map(nonempty).find(|p| p.exists())?;
    let statistics = rustix::fs::statvfs(existing).ok()?;
    Some(statistics.f_bavail.saturating_mul(statistics.f_frsize))
}

/// A warning if `needed` bytes do not fit on the file system of `path`. Only a warning: others may free space during the run,
/// and what a run writes is estimated.
pub fn shortage(path: &Path, needed: u64) -> Option<String> {
    let available = available(path)?;
    (needed > available).then(|| {
        format!(
            "the outputs of this run need about {} but {} has only {}: write less often, or choose another --output",
            in_words(needed),
            path.display(),
            in_words(available)
        )
    })
}

/// Has the disk begin to write what has been written to this part of the file, so that it does not wait for the fsync: by itself the
/// system waits until a tenth of the memory is to be written. Only a hint; nothing is sure before the fsync. Small parts are left to the
/// system, which writes neighbours together.
pub fn begin_to_write(file: &File, start: u64, length: u64) {
    if length < WORTH_BEGINNING {
        return;
    }
    // On Linux this advice writes out what is dirty; pages that are on the disk already are given up, which spares the memory.
    #[cfg(target_os = "linux")]
    {
        let length = std::num::NonZeroU64::new(length);
        let _ = rustix::fs::fadvise(file, start, length, rustix::fs::Advice::DontNeed);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (file, start, length);
}

/// A number of bytes for people: `1.5 GiB`.
pub fn in_words(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    let power = (bytes.ilog2() / 10).min(5);
    let value = bytes as f64 / (1u64 << (10 * power)) as f64;
    format!("{value:.1} {}", UNITS[power as usize - 1])
}

/// The parent of a bare file name is the empty path: the current directory.
fn nonempty(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Seek, Write};

    #[test]
    fn what_the_disk_begins_to_write_is_still_in_the_file() {
        let mut file = tempfile::tempfile().unwrap();
        let bytes = vec![7; 1 + WORTH_BEGINNING as usize];
        file.write_all(&bytes).unwrap();
        begin_to_write(&file, 0, bytes.len() as u64);
        begin_to_write(&file, bytes.len() as u64, 0);
        let mut read = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut read).unwrap();
        assert_eq!(read, bytes);
    }

    #[test]
    fn sizes_in_words() {
        assert_eq!(in_words(1023), "1023 bytes");
        assert_eq!(in_words(1536), "1.5 KiB");
        assert_eq!(in_words(3 << 30), "3.0 GiB");
    }

    #[test]
    fn shortage_is_told_for_a_directory_that_does_not_exist_yet() {
        let missing = std::env::temp_dir().join("parhelion-no-such/deeper");
        assert_eq!(shortage(&missing, 1), None);
        assert!(shortage(&missing, u64::MAX).unwrap().contains("16384.0 PiB"));
        assert!(available(Path::new("bare-name")).is_some());
    }
}
