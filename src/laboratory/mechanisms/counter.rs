//! A number that threads share and increment: what is lost, and what each way not to lose anything takes.
//!
//! | way | an increment is |
//! |---|---|
//! | racy | a load, an addition and a store: another thread's store may come between |
//! | mutex | the same in a critical section |
//! | atomic | one instruction of the processor |
//! | message | sent to the one thread that owns the number |
//! | own | of a number of its own; all are added at the end, as this program's sums over threads are |

use crate::host::topology;
use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, Mutex, PoisonError, mpsc};
use std::time::Instant;

/// Increments of each thread, and of each where one is a message.
const INCREMENTS: u64 = 1_000_000;
const MESSAGES: u64 = 200_000;

/// What became of the increments.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Counted {
    /// How the number is guarded.
    pub how: &'static str,
    /// Threads.
    pub threads: usize,
    /// Increments of all.
    pub increments: u64,
    /// Of these, those that the number does not show.
    pub lost: u64,
    /// From the start of the first thread to the end of the last, by all increments.
    pub seconds_each: f64,
}

/// Every way, with so many threads.
pub fn measure(threads: usize) -> Vec<Counted> {
    vec![racy(threads), mutex(threads), atomic(threads), message(threads), own(threads)]
}

/// Runs `work` in every thread at once and returns the seconds from the first start to the last end. The threads take the times
/// themselves: the one that waits for them may get no core in between.
fn race(threads: usize, work: impl Fn() + Sync) -> f64 {
    let (ready, work) = (&Barrier::new(threads), &work);
    let times: Vec<(Instant, Instant)> = std::thread::scope(|scope| {
        let run = |number: usize| {
            scope.spawn(move || {
                topology::bind_thread(number);
                ready.wait();
                let start = Instant::now();
                work();
                (start, Instant::now())
            })
        };
        let all: Vec<_> = (0..threads).map(run).collect();
        all.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let (start, end) = (times.iter().map(|time| time.0).min(), times.iter().map(|time| time.1).max());
    start.zip(end).map_or(0.0, |(start, end)| (end - start).as_secs_f64())
}

fn counted(how: &'static str, threads: usize, each: u64, found: u64, seconds: f64) -> Counted {
    let increments = each * threads as u64;
    Counted { how, threads, increments, lost: increments - found, seconds_each: seconds / increments as f64 }
}

fn racy(threads: usize) -> Counted {
    let number = AtomicU64::new(0);
    let seconds = race(threads, || {
        for _ in 0..INCREMENTS {
            // Hidden from the compiler, which may make one load and one store of the whole loop.
            let old = std::hint::black_box(number.load(Ordering::Relaxed));
            number.store(old + 1, Ordering::Relaxed);
        }
    });
    counted("racy", threads, INCREMENTS, number.into_inner(), seconds)
}

fn mutex(threads: usize) -> Counted {
    let number = Mutex::new(0);
    let seconds = race(threads, || {
        for _ in 0..INCREMENTS {
            *number.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        }
    });
    counted("mutex", threads, INCREMENTS, number.into_inner().unwrap_or_else(PoisonError::into_inner), seconds)
}

fn atomic(threads: usize) -> Counted {
    let number = AtomicU64::new(0);
    let seconds = race(threads, || {
        for _ in 0..INCREMENTS {
            number.fetch_add(1, Ordering::Relaxed);
        }
    });
    counted("atomic", threads, INCREMENTS, number.into_inner(), seconds)
}

fn message(threads: usize) -> Counted {
    let (sender, receiver) = mpsc::channel::<u64>();
    let start = Instant::now();
    let found = std::thread::scope(|scope| {
        let owner = scope.spawn(move || receiver.iter().sum::<u64>());
        for number in 0..threads {
            let sender = sender.clone();
            scope.spawn(move || {
                topology::bind_thread(number);
                // A receiver that has gone shows in the sum.
                for _ in 0..MESSAGES {
                    let _ = sender.send(1);
                }
            });
        }
        drop(sender);
        owner.join().unwrap_or(0)
    });
    counted("message", threads, MESSAGES, found, start.elapsed().as_secs_f64())
}

fn own(threads: usize) -> Counted {
    let all = Mutex::new(0);
    let seconds = race(threads, || {
        let mut own = 0;
        for _ in 0..INCREMENTS {
            // Without this the loop would be one addition.
            own = std::hint::black_box(own) + 1;
        }
        *all.lock().unwrap_or_else(PoisonError::into_inner) += own;
    });
    counted("own", threads, INCREMENTS, all.into_inner().unwrap_or_else(PoisonError::into_inner), seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_racy_way_may_lose() {
        let found = measure(2);
        assert_eq!(found.iter().map(|way| way.how).collect::<Vec<_>>(), ["racy", "mutex", "atomic", "message", "own"]);
        assert!(found[1..].iter().all(|way| way.lost == 0), "{found:?}");
        assert!(found[0].lost < found[0].increments && found.iter().all(|way| way.seconds_each > 0.0), "{found:?}");
    }
}
