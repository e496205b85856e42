//! Lines to standard output and standard error that survive a closed pipe.
//!
//! `println!` panics when the reader has gone (`parhelion run ... | head -1`); a simulation of hours must not end for that.
//! Here a line that nobody can read is dropped, and the run goes on.

use std::io::Write;

/// A result, to standard output, with a newline.
pub fn print(text: &str) {
    let mut stdout = std::io::stdout().lock();
    // A closed pipe or a full disk behind a redirection: nobody can be told, and the files of the run are complete without.
    let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
}

/// Progress, a warning or an error, to standard error, with a newline, in one write so that ranks do not interleave.
pub fn message(text: &str) {
    let _ = std::io::stderr().lock().write_all(format!("{text}\n").as_bytes());
}
