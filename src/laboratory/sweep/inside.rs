//! A member in this very process: no start of a program, no second copy of its pages, the threads of the worker are there already.
//!
//! # What members share, and what is done about it
//! | shared | here |
//! |---|---|
//! | standard output and error | messages of the member's thread are kept back and go to its log; its results are in its report |
//! | the panic hook, which ends the job | a fence around the threads of each worker: the member is over, the others go on |
//! | rayon's global pool | a pool of its own for each worker, made once and used for all of its members |
//! | the flag of signals | wanted: all members stop, each with its checkpoint |
//! | the heartbeat of the watchdog | a member that hangs is noticed only when all of them stand still |
//! | the peak of memory | reports say that of the process |
//! | the address space | an abort, a full stack or memory that is not there ends all members at once: that is the price of threads |

use super::crew::Worker;
use super::outcome::Outcome;
use super::plan::Job;
use crate::comm::solo::Solo;
use crate::commands;
use crate::console;
use crate::error::{Error, Result};
use crate::fault;
use crate::host;
use crate::output::plain_file;
use crate::runtime::RankSetup;
use crate::runtime::ending::error_lines;
use crate::runtime::fence::Fence;
use crate::runtime::placement::Placement;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// Runs members on the thread that has made it.
pub struct Inside<'a> {
    job: &'a Job,
    /// Seconds until all members must stop, from `started`.
    limit: Option<f64>,
    started: Instant,
    setup: RankSetup,
    fence: Fence,
    /// Lives as long as the worker; none where the pool is rayon's global one.
    _pool: Option<ThreadPool>,
}

impl<'a> Inside<'a> {
    /// A worker of a pool of threads: this thread and new ones beside it compute.
    ///
    /// # Errors
    /// Exit code 2 if the system refuses so many threads.
    pub fn with_own_threads(number: usize, job: &'a Job, limit: Option<f64>, started: Instant) -> Result<Inside<'a>> {
        let builder = ThreadPoolBuilder::new()
            .num_threads(job.threads)
            .use_current_thread()
            .thread_name(move |index| format!("member-{number}-{index}"));
        let pool = builder.build().map_err(|cause| {
            Error::Input(format!("cannot start {} threads for a worker ({cause}); use fewer --threads", job.threads))
        })?;
        fault::on_rank(number);
        Ok(Inside { _pool: Some(pool), ..Inside::with_these_threads(job, limit, started) })
    }

    /// A worker that computes with the rayon pool of this thread.
    pub fn with_these_threads(job: &'a Job, limit: Option<f64>, started: Instant) -> Inside<'a> {
        Inside { job, limit, started, setup: setup(job.threads), fence: Fence::around_this_pool(), _pool: None }
    }
}

impl Worker for Inside<'_> {
    fn run(&mut self, member: usize) -> Outcome {
        let now = Instant::now();
        let left = self.limit.map(|limit| (limit - self.started.elapsed().as_secs_f64()).max(0.0));
        let arguments = self.job.run_arguments(member, left);
        let (result, words) = console::kept_back(|| {
            let result = self.fence.contain(|| commands::run::run(&Solo, &self.setup, &arguments, now));
            match &result {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => console::lines(&error_lines(error)),
                Err(panic) => console::message(&format!("error: {panic}")),
            }
            result
        });
        keep(&self.job.log(member), &words);
        Outcome::of(result)
    }
}

/// A rank that is alone, as its report describes it.
fn setup(threads: usize) -> RankSetup {
    let (host, cores) = (host::name(), host::bound_cores());
    let place = Placement { host: host.clone(), cores: cores.clone(), parallelism: host::parallelism(), threads };
    RankSetup {
        threads,
        bound_cores: cores,
        hosts: vec![host],
        placements: vec![place],
        warnings: Vec::new(),
        backend: "solo",
        mpi_library: None,
    }
}

/// Keeps what a member has said, if it has said anything. What it did is in its outcome, so a log that cannot be written is left out.
fn keep(path: &Path, words: &str) {
    if words.is_empty() {
        let _ = plain_file::refuse_others(path).and_then(|()| std::fs::remove_file(path));
        return;
    }
    let opened = plain_file::open(path, OpenOptions::new().write(true).create(true).truncate(false));
    let _ = opened.and_then(|mut file| file.set_len(0).and_then(|()| file.write_all(words.as_bytes())));
}
