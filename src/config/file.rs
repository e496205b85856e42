//! The deck as a file: reading it with all checks, its directory, and the name of its case.

use super::diagnose::{did_you_mean, printable};
use crate::error::{Error, Result};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Largest deck in bytes. Decks have some hundred lines; a gigabyte is another file by mistake.
const LARGEST_DECK: u64 = 1 << 20;

/// The text of a deck file.
///
/// # Errors
/// Exit code 2 if it is missing, no regular file, empty, not text, larger than 1 MiB (found out without reading it) or
/// unreadable.
pub fn read_deck_text(path: &Path) -> Result<String> {
    let name = printable(&path.display().to_string());
    let refuse = |problem: &str, fix: &str| Err(Error::Input(format!("{name}: {problem}; {fix}")));
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if metadata.is_dir() {
        return refuse("the deck is a directory", "name a .toml file in it");
    }
    if !metadata.is_file() {
        return refuse("the deck is not a regular file", "name a .toml file");
    }
    if metadata.len() > LARGEST_DECK {
        return refuse(&format!("the deck has {} bytes, more than 1 MiB", metadata.len()), "name a deck (.toml)");
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    file.take(LARGEST_DECK + 1).read_to_end(&mut bytes).map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > LARGEST_DECK {
        return refuse("the deck is larger than 1 MiB", "name a deck (.toml)");
    }
    if bytes.contains(&0) {
        return refuse("the deck is a binary file", "name a text file in TOML");
    }
    match String::from_utf8(bytes) {
        Ok(text) if text.trim_matches(['\u{feff}', ' ', '\t', '\r', '\n']).is_empty() => {
            refuse("the deck is empty", "start from one of inputs/heat or inputs/nbody, for example hot_plate.toml")
        }
        Ok(text) => Ok(text),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            refuse(&format!("the deck is not text in UTF-8 (byte {at})"), "save it as UTF-8, or name another file")
        }
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    let name = printable(&path.display().to_string());
    let fix = match (error.kind(), sibling(path)) {
        (std::io::ErrorKind::NotFound, Some(close)) => format!("did you mean {}?", printable(&close)),
        (std::io::ErrorKind::NotFound, None) => {
            "check the path; decks are .toml files, see inputs/heat and inputs/nbody".to_owned()
        }
        (std::io::ErrorKind::PermissionDenied, _) => "allow reading it (chmod +r)".to_owned(),
        _ => "check the path".to_owned(),
    };
    Error::Input(format!("{name}: cannot read the deck: {error}; {fix}"))
}

/// A deck in the same directory whose name is close to the one that does not exist.
fn sibling(path: &Path) -> Option<String> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    names.sort();
    let close = did_you_mean(path.file_name()?.to_str()?, names.iter().map(String::as_str))?;
    Some(path.with_file_name(close).display().to_string())
}

/// The absolute directory of a deck; relative paths in the deck start there.
pub fn deck_directory(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute.parent().map_or(absolute.clone(), Path::to_owned)
}

/// The case: the deck's file stem, which names the output directory and so must be one plain path component.
pub(super) fn case_name(name: &str) -> Result<String> {
    let stem = Path::new(name).file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
    let plain = |c: char| c.is_alphanumeric() || "-_.+=,@ ()".contains(c);
    let safe = !stem.is_empty() && !stem.starts_with(['.', '-', ' ']) && stem.len() <= 200 && stem.chars().all(plain);
    if !safe {
        return Err(Error::Input(format!(
            "{}: the deck's name cannot name an output directory; rename it with letters, digits, _ and -",
            printable(name)
        )));
    }
    Ok(stem.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_the_plain_file_stem() {
        assert_eq!(case_name("inputs/heat/hot_plate.toml").unwrap(), "hot_plate");
        for name in ["", "..", "a/..", ".hidden", "-rf.toml", "a\nb.toml", "a\u{1b}[2J.toml", "a\u{202e}b.toml"] {
            let error = case_name(name).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(!error.to_string().contains(['\n', '\u{1b}', '\u{202e}']), "{error}");
        }
    }
}
