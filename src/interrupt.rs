//! Whether this process has been asked to stop. Signal handling sets it, the time loop looks at it between steps.

use std::sync::atomic::{AtomicI32, Ordering};

/// The first signal that asked; 0 for none.
static SIGNAL: AtomicI32 = AtomicI32::new(0);

/// Notes that a signal asks the run to stop. Returns whether it is the first one.
pub fn request(signal: i32) -> bool {
    SIGNAL.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst).is_ok()
}

/// The signal that has asked the run to stop.
pub fn requested() -> Option<i32> {
    Some(SIGNAL.load(Ordering::SeqCst)).filter(|signal| *signal != 0)
}

/// Its name: `SIGTERM`.
pub fn name(signal: i32) -> String {
    let known =
        [(libc::SIGINT, "SIGINT"), (libc::SIGTERM, "SIGTERM"), (libc::SIGUSR1, "SIGUSR1"), (libc::SIGKILL, "SIGKILL")];
    let name = known.iter().find(|(number, _)| *number == signal);
    name.map_or_else(|| format!("signal {signal}"), |(_, name)| (*name).to_owned())
}
