//! Signals that ask a run to stop: SIGINT, SIGTERM, SIGUSR1.
//!
//! The first one sets a flag ([`crate::interrupt`]), which the ranks compare between steps; the run then writes a checkpoint and leaves with
//! 75. The second one ends the job at once, with 128 and its number; the last good checkpoint stays. A thread of its own waits for them,
//! so what is done then need not be safe inside a signal handler.
//!
//! SIGABRT (the C library, the memory allocator, a full stack) would end the rank that calls it without a word, and its launcher would
//! speak for it. So the thread that aborts is held in its handler while the watching thread prints the one line and ends the job; if
//! that cannot be done (the allocator itself may be broken), the handler returns, and the process is aborted as it would have been.
//!
//! SIGXFSZ is caught and dropped: a write beyond the file size limit (`ulimit -f`) is then an error of that write, as on a full disk,
//! and not the end of the process.

use super::ending::{end_job, end_job_with};
use super::launcher::speaks_for_the_job;
use crate::console;
use crate::error::{Error, Result};
use crate::interrupt;
use crate::output::live::restore_terminal;
use signal_hook::flag;
use signal_hook::iterator::Signals;
use signal_hook::low_level;
use std::sync::Arc;
use std::time::Duration;

/// Variable with the process that has started this one and wants it to end with itself; or [`HOLDER`].
pub const PARENT: &str = "PARHELION_PARENT";
/// The process that holds the other end of standard input. Launchers pass that on to rank 0, so it is known to ranks that they have started,
/// whose parent is the launcher.
pub const HOLDER: &str = "stdin";

/// How long a thread that aborts is held back.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Starts to watch for signals. Once, by `parhelion run`.
///
/// # Errors
/// Exit code 1 if the system does not allow it.
pub fn watch() -> Result<()> {
    let refused = |cause: std::io::Error| Error::Defect(format!("cannot watch for signals: {cause}"));
    flag::register(libc::SIGXFSZ, Arc::default()).map_err(refused)?;
    let mut signals = Signals::new([libc::SIGINT, libc::SIGTERM, libc::SIGUSR1, libc::SIGABRT]).map_err(refused)?;
    hold_back_an_abort().map_err(refused)?;
    let watcher = std::thread::Builder::new().name("signals".to_owned());
    stop_with_parent();
    let thread = watcher.spawn(move || {
        for signal in signals.forever() {
            if signal == libc::SIGABRT {
                tell_of_an_abort();
            }
            if !interrupt::request(signal) {
                stop_at_once(signal);
            }
        }
    });
    thread.map(|_| ()).map_err(refused)
}

/// Whoever runs for another process stops as on SIGTERM when that has gone, however it ended: nobody would collect the result.
fn stop_with_parent() {
    let Ok(parent) = std::env::var(PARENT) else { return };
    if parent == HOLDER {
        stop_with_holder();
    } else if let Ok(parent) = parent.parse() {
        stop_with_process(parent);
    }
}

/// Waits for the end of standard input, which nobody writes to: the kernel closes the other end when its holder has gone. The ranks but the
/// first have no standard input, or a copy; they hear of it between steps. No number of a process is compared, which another may have by then.
fn stop_with_holder() {
    if !speaks_for_the_job() {
        return;
    }
    let wait = || {
        // An end that cannot be read is no end.
        if std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).is_ok() {
            interrupt::request(libc::SIGTERM);
        }
    };
    // Without a thread the run goes on to its end, as it would without a holder.
    let _ = std::thread::Builder::new().name("holder".to_owned()).spawn(wait);
}

/// Linux can tell a process of the end of its parent.
fn stop_with_process(parent: i32) {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM));
    if rustix::process::getppid().is_none_or(|found| found.as_raw_nonzero().get() != parent) {
        interrupt::request(libc::SIGTERM);
    }
}

/// Must come after the registration of the watching thread, which is woken first then.
fn hold_back_an_abort() -> std::io::Result<()> {
    // SAFETY: a sleep is one system call, which is allowed in a handler: nothing is allocated, no lock is taken, nothing panics.
    let registered = unsafe { low_level::register(libc::SIGABRT, || std::thread::sleep(LAST_WORDS)) };
    registered.map(|_| ())
}

fn tell_of_an_abort() -> ! {
    restore_terminal();
    end_job_with(&Error::Defect("internal: the process was aborted (SIGABRT)".to_owned()))
}

fn stop_at_once(signal: i32) -> ! {
    restore_terminal();
    console::message(&format!("stopped at once by a second signal ({})", interrupt::name(signal)));
    end_job(u8::try_from(128 + signal).unwrap_or(255))
}
