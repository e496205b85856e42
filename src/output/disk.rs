//! How much room a file system has, in words for messages. Asked only before large writes and after a failure.

use std::path::Path;

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
