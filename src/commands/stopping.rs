//! How commands that start other processes stop on a signal: the same for `scaling`, `sweep` and `compare`.
//!
//! They watch for signals ([`crate::runtime::signals`]), which set a flag ([`crate::interrupt`]). What waits for a child sees it, asks the child
//! to end and waits until it has (`laboratory::scaling::child`, the processes of a sweep). What the command says then, and the code that it
//! leaves with, is here.

use crate::console;
use crate::interrupt;

/// Exit code if nothing that was finished is lost: the same command goes on.
pub(super) const STOPPED: u8 = 75;

/// The signal by which this process was asked to stop, if it was.
pub(super) fn cause() -> Option<String> {
    interrupt::requested().map(interrupt::name)
}

/// Says what is there, and that the same command goes on from it. The exit code.
pub(super) fn goes_on(cause: &str, after: &str) -> u8 {
    console::message(&format!("stopped by {cause} after {after}; the same command goes on from there"));
    STOPPED
}

/// Says that it was stopped, and the same command begins anew; nothing if it was not. The exit code.
pub(super) fn for_good() -> Option<u8> {
    let signal = interrupt::requested()?;
    console::message(&format!("stopped by {}", interrupt::name(signal)));
    Some(u8::try_from(128 + signal).unwrap_or(1))
}
