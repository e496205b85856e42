//! Faults on demand, for tests of how a job ends: one rank panics, fails, hangs or goes wrong at a given place.
//!
//! Only builds with debug assertions have them (the tests and what they start; no release build): there the environment variable
//! `PARHELION_FAULT` says what happens, as in `panic,phase=step,rank=1,step=5`.
//!
//! | kind | what the rank does |
//! |---|---|
//! | `panic` | its main thread panics |
//! | `worker` | one of its workers panics while its main thread is busy |
//! | `error` | opening an input, writing a file, or a step fails, as from a broken disk |
//! | `nan` | a value of its state is not a number after the step |
//! | `flip` | a bit of a value of its state is another one after the step: a wrong result that nothing else shows |
//! | `abort` | `abort()`, as the C library or the memory allocator would |
//! | `kill` | SIGKILL to itself |
//! | `sleep` | its main thread hangs |
//! | `stop` | SIGSTOP to itself: the whole process hangs |
//!
//! `phase` is the key of an [`Activity`](crate::heartbeat::Activity). It strikes once, where the rank enters that phase: the first time,
//! or with `step` at this step or later. `error` strikes at the first operation in the phase that can fail.

#[cfg(debug_assertions)]
mod armed;
#[cfg(debug_assertions)]
pub use armed::{check, enter, failure, flips, on_rank, spoils};

#[cfg(not(debug_assertions))]
mod idle {
    use crate::heartbeat::Activity;

    /// The plan of faults can be understood: there is none.
    ///
    /// # Errors
    /// None.
    pub fn check() -> crate::error::Result<()> {
        Ok(())
    }
    /// This thread is a rank.
    #[inline]
    pub fn on_rank(_rank: usize) {}
    /// A phase begins.
    #[inline]
    pub fn enter(_activity: Activity, _step: Option<u64>) {}
    /// No file operation fails by itself.
    ///
    /// # Errors
    /// None.
    #[inline]
    pub fn failure() -> std::io::Result<()> {
        Ok(())
    }
    /// No bit flips.
    #[inline]
    pub fn flips() -> bool {
        false
    }
    /// No state is spoilt.
    #[inline]
    pub fn spoils() -> bool {
        false
    }
}
#[cfg(not(debug_assertions))]
pub use idle::{check, enter, failure, flips, on_rank, spoils};
