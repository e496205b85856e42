//! A fixed set of threads: each takes the next member from a list that they share, and hands the result back through a queue. The thread
//! that owns the pool reads the queue.
//!
//! What a worker does with a member is not decided here. A worker that runs it itself makes a pool of threads
//! ([`super::inside`]); one that starts a process and waits for it makes a pool of processes ([`super::processes`]).
//!
//! Refused: rayon's pool for members. A worker of rayon that waits in one member takes up work of another, and a member would then be timed
//! with its neighbour's work in it. A queue of results that has a limit: there are at most as many results as members.

use super::outcome::{Attend, Event, Outcome};
use crate::error::{Error, Result};
use std::collections::VecDeque;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Time between two looks at what else there is: signals, progress.
const TICK: Duration = Duration::from_millis(50);

/// Runs a member, on the thread that has made the worker.
pub trait Worker {
    /// Runs it to its end, whatever that is.
    fn run(&mut self, member: usize) -> Outcome;
}

/// Makes the worker of a number on its own thread.
pub type Hire<'a> = &'a (dyn Fn(usize) -> Result<Box<dyn Worker + 'a>> + Sync);

/// What the threads share.
struct Shared<'a> {
    todo: Mutex<VecDeque<usize>>,
    started: Instant,
    hire: Hire<'a>,
}

/// Runs the members of a list on so many workers. Returns when all workers have ended.
///
/// # Errors
/// The first of a worker that cannot be made, or of `attend`. What goes wrong in a member is its outcome.
pub fn run(workers: usize, todo: &[usize], started: Instant, hire: Hire<'_>, attend: Attend<'_>) -> Result<()> {
    let shared = Shared { todo: Mutex::new(todo.iter().copied().collect()), started, hire };
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        let mut outcome = Ok(());
        for number in 0..workers {
            let (sender, shared) = (sender.clone(), &shared);
            let named = thread::Builder::new().name(format!("member-{number}"));
            let spawned = named.spawn_scoped(scope, move || shared.work(number, &sender));
            if let Err(cause) = spawned {
                shared.stop();
                outcome = Err(Error::Input(format!("cannot start {workers} workers ({cause}); use fewer")));
                break;
            }
        }
        drop(sender);
        loop {
            let event = match receiver.recv_timeout(TICK) {
                Ok(Ok(event)) => Some(event),
                Ok(Err(error)) => {
                    shared.stop();
                    outcome = outcome.and(Err(error));
                    continue;
                }
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return outcome,
            };
            match attend(event) {
                Ok(true) => {}
                Ok(false) => shared.stop(),
                Err(error) => {
                    shared.stop();
                    outcome = outcome.and(Err(error));
                }
            }
        }
    })
}

impl Shared<'_> {
    /// No more members are handed out.
    fn stop(&self) {
        self.todo.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn next(&self) -> Option<usize> {
        self.todo.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// The life of a worker. The owner is still there: it waits for this thread.
    fn work(&self, number: usize, results: &Sender<Result<Event>>) {
        let mut worker = match (self.hire)(number) {
            Ok(worker) => worker,
            Err(error) => {
                let _ = results.send(Err(error));
                return;
            }
        };
        while let Some(member) = self.next() {
            let begin = self.started.elapsed().as_secs_f64();
            let _ = results.send(Ok(Event::Began { worker: number, member }));
            let outcome = worker.run(member);
            let seconds = [begin, self.started.elapsed().as_secs_f64()];
            let _ = results.send(Ok(Event::Ended { worker: number, member, seconds, outcome }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    struct Counter<'a>(&'a AtomicUsize);

    impl Worker for Counter<'_> {
        fn run(&mut self, member: usize) -> Outcome {
            self.0.fetch_add(1, Ordering::SeqCst);
            Outcome { exit_code: Some(member as i32), signal: None, message: String::new(), stopping: false }
        }
    }

    #[test]
    fn every_member_runs_once_and_comes_back() {
        let count = AtomicUsize::new(0);
        let mut ended = Vec::new();
        let todo: Vec<usize> = (0..40).collect();
        run(3, &todo, Instant::now(), &|_| Ok(Box::new(Counter(&count))), &mut |event| {
            if let Some(Event::Ended { member, outcome, seconds, .. }) = event {
                assert!(outcome.exit_code == Some(member as i32) && seconds[0] <= seconds[1]);
                ended.push(member);
            }
            Ok(true)
        })
        .unwrap();
        ended.sort_unstable();
        assert_eq!((ended, count.into_inner()), (todo, 40));
    }

    #[test]
    fn an_error_of_the_owner_or_of_a_worker_ends_the_pool() {
        let (count, todo) = (AtomicUsize::new(0), [7; 1000]);
        let full = || Err(Error::Io("the disk is full".into()));
        let error = run(2, &todo, Instant::now(), &|_| Ok(Box::new(Counter(&count))), &mut |_| full()).unwrap_err();
        assert_eq!(error.exit_code(), 3);
        let refused = |_: usize| Err(Error::Input("no threads".into()));
        assert_eq!(run(2, &todo, Instant::now(), &refused, &mut |_| Ok(true)).unwrap_err().exit_code(), 2);
    }
}
