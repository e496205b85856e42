//! Files and directories of a run under their own names: a link, a pipe or a device in their place is never followed, opened or waited for.
//!
//! Whoever can write into a run directory could lay a link at a name that parhelion writes, and so have a file elsewhere overwritten by
//! the user who starts the run. Names that a run reads back (`report.json`, `deck.toml`, checkpoints) are opened without waiting, since a
//! pipe would keep it for ever, and with a limit on their length.
//!
//! The run directory itself and those above it may be links: users put their outputs on another disk that way.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// No link at the end of the path, and no waiting for the other end of a pipe.
const FLAGS: i32 = libc::O_NOFOLLOW | libc::O_NONBLOCK;

/// Opens a file, with these options, if it is a regular one.
///
/// # Errors
/// What the system reports, or that something else is in its place.
pub fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    refuse_others(path)?;
    let file = options.custom_flags(FLAGS).open(path)?;
    // Again on what has been opened: it may have been changed in between.
    if file.metadata()?.is_file() { Ok(file) } else { Err(in_the_way(path)) }
}

/// The bytes of a regular file of at most `longest` bytes.
///
/// # Errors
/// As [`open`], or that it is longer.
pub fn read(path: &Path, longest: u64) -> io::Result<Vec<u8>> {
    let file = open(path, OpenOptions::new().read(true))?;
    let too_long = || io::Error::new(ErrorKind::InvalidData, format!("it has more than {longest} bytes"));
    if file.metadata()?.len() > longest {
        return Err(too_long());
    }
    let mut bytes = Vec::new();
    file.take(longest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > longest { Err(too_long()) } else { Ok(bytes) }
}

/// As [`read`], as text; bytes that are none become replacement characters.
///
/// # Errors
/// As [`read`].
pub fn read_text(path: &Path, longest: u64) -> io::Result<String> {
    read(path, longest).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Passes if there is a regular file or nothing at all.
///
/// # Errors
/// What is in the way, and that it must be removed.
pub fn refuse_others(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => Ok(()),
        Ok(_) => Err(in_the_way(path)),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(cause),
    }
}

/// Makes a directory in one that is there; it may be there already, but not as a link.
///
/// # Errors
/// What the system reports, or what is in the way.
pub fn make_directory(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => match fs::symlink_metadata(path)?.is_dir() {
            true => Ok(()),
            false => Err(io::Error::other(format!("{} is in the way and not a directory: remove it", path.display()))),
        },
        other => other,
    }
}

fn in_the_way(path: &Path) -> io::Error {
    io::Error::other(format!("{} is in the way and not a regular file: remove it", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_regular_files_of_bounded_length_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name);
        fs::write(place("file"), "12345").unwrap();
        symlink(place("file"), place("link")).unwrap();
        let pipe = std::process::Command::new("mkfifo").arg(place("pipe")).status().unwrap();
        assert!(pipe.success());
        assert_eq!(read_text(&place("file"), 5).unwrap(), "12345");
        assert!(read(&place("file"), 4).unwrap_err().to_string().contains("more than 4 bytes"));
        for name in ["link", "pipe", "."] {
            let refused = read(&place(name), 5).unwrap_err().to_string();
            assert!(refused.contains("in the way and not a regular file"), "{name}: {refused}");
        }
        assert_eq!(read(&place("missing"), 5).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_link_is_no_directory() {
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name);
        for _ in 0..2 {
            make_directory(&place("own")).unwrap();
        }
        symlink(place("own"), place("link")).unwrap();
        symlink(place("nowhere"), place("loose")).unwrap();
        fs::write(place("file"), "").unwrap();
        for name in ["link", "loose", "file"] {
            assert!(make_directory(&place(name)).unwrap_err().to_string().contains("not a directory"), "{name}");
        }
        assert!(!place("nowhere").exists());
    }
}
