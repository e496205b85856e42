//! Panics that end one task and not the job.
//!
//! The hook of [`super::ending`] ends a job at the first panic, wherever it comes from. A pool of members in one process wants another
//! thing: the member that panics is over, the others go on. The threads of a member stand behind its fence; a panic on one of
//! them is noted there and unwinds, through rayon to the thread that runs the member.
//!
//! What no fence holds: `abort()`, a full stack, memory that is not there, a signal. They end the process, and all members in it.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

thread_local! {
    static FENCE: RefCell<Option<Fence>> = const { RefCell::new(None) };
}

/// Where the first panic of a task is noted.
#[derive(Clone, Debug, Default)]
pub struct Fence(Arc<Mutex<Option<String>>>);

impl Fence {
    /// A fence around this thread and the workers of its rayon pool, for as long as they live.
    pub fn around_this_pool() -> Fence {
        let fence = Fence::default();
        rayon::broadcast(|_| FENCE.set(Some(fence.clone())));
        FENCE.set(Some(fence.clone()));
        fence
    }

    /// Runs a task on a thread behind this fence.
    ///
    /// # Errors
    /// The line of the panic that has ended it.
    pub fn contain<T>(&self, task: impl FnOnce() -> T) -> Result<T, String> {
        let outcome = catch_unwind(AssertUnwindSafe(task));
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        outcome.map_err(|_| noted.unwrap_or_else(|| "internal: a panic without words".to_owned()))
    }
}

/// Notes a panic of this thread, if it stands behind a fence: then the job goes on.
pub(super) fn holds(line: &str) -> bool {
    FENCE.with_borrow(|fence| {
        let Some(Fence(noted)) = fence else { return false };
        noted.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| line.to_owned());
        true
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::ending::install_panic_hook;
    use rayon::prelude::*;

    #[test]
    fn a_task_that_panics_on_any_thread_is_over_and_the_next_one_runs() {
        install_panic_hook();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        pool.install(|| {
            let fence = Fence::around_this_pool();
            for _ in 0..3 {
                let lines = fence.contain(|| (0..64).into_par_iter().for_each(|n| assert!(n != 40, "forty")));
                let line = lines.unwrap_err();
                assert!(line.contains("internal: forty at ") && line.contains("fence.rs"), "{line}");
                assert_eq!(fence.contain(|| (0..64).into_par_iter().sum::<i32>()), Ok(2016));
            }
        });
    }
}
