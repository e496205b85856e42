//! Signals that ask a run to stop: SIGINT, SIGTERM, SIGUSR1.
//!
//! The first one sets a flag ([`crate::interrupt`]), which the ranks compare between steps; the run then writes a checkpoint and leaves with
//! 75. The second one ends the job at once, with 128 and its number; the last good checkpoint stays. A thread of its own waits for them,
//! so what is done then need not be safe inside a signal handler.
//!
//! SIGXFSZ is caught and dropped: a write beyond the file size limit (`ulimit -f`) is then an error of that write, as on a full disk,
//! and not the end of the process.

use super::ending::end_job;
use crate::console;
use crate::error::{Error, Result};
use crate::interrupt;
use crate::output::live::restore_terminal;
use signal_hook::flag;
use signal_hook::iterator::Signals;
use std::sync::Arc;

/// Starts to watch for signals. Once, by `parhelion run`.
///
/// # Errors
/// Exit code 1 if the system does not allow it.
pub fn watch() -> Result<()> {
    let refused = |cause: std::io::Error| Error::Defect(format!("cannot watch for signals: {cause}"));
    flag::register(libc::SIGXFSZ, Arc::default()).map_err(refused)?;
    let mut signals = Signals::new([libc::SIGINT, libc::SIGTERM, libc::SIGUSR1]).map_err(refused)?;
    let watcher = std::thread::Builder::new().name("signals".to_owned());
    let thread = watcher.spawn(move || {
        for signal in signals.forever() {
            if !interrupt::request(signal) {
                stop_at_once(signal);
            }
        }
    });
    thread.map(|_| ()).map_err(refused)
}

fn stop_at_once(signal: i32) -> ! {
    restore_terminal();
    console::message(&format!("stopped at once by a second signal ({})", interrupt::name(signal)));
    end_job(u8::try_from(128 + signal).unwrap_or(255))
}
