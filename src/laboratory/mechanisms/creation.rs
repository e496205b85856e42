//! What it takes to make a thread and a process: from the call to the end of one that does nothing.
//!
//! A process is this binary anew: the system makes an address space, maps the program and its libraries into it and, as each page is
//! touched for the first time, takes a page fault. A thread gets a stack in the address space that is there.

use super::partner::Partner;
use crate::host::usage;
use crate::laboratory::statistics::median;
use serde::Serialize;
use std::ffi::OsStr;
use std::io;
use std::process::Stdio;
use std::time::Instant;

const THREADS: usize = 400;
const PROCESSES: usize = 40;

/// What making one took.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Created {
    /// `thread` or `process`.
    pub what: &'static str,
    /// How many were made.
    pub count: usize,
    /// Median from the call to its end.
    pub seconds: f64,
    /// Page faults of each that needed no disk; absent where the system does not tell.
    pub page_faults: Option<f64>,
}

/// Threads, then processes.
///
/// # Errors
/// If one cannot be made.
pub fn measure() -> io::Result<Vec<Created>> {
    let thread = || std::thread::Builder::new().spawn(|| ())?.join().map_err(|_| io::Error::other("a thread failed"));
    let process = || Partner::start(&[OsStr::new("nothing")], Stdio::null(), Stdio::null())?.end();
    Ok(vec![timed("thread", THREADS, thread)?, timed("process", PROCESSES, process)?])
}

fn timed(what: &'static str, count: usize, mut make: impl FnMut() -> io::Result<()>) -> io::Result<Created> {
    make()?;
    let before = usage::page_faults();
    let mut seconds = Vec::with_capacity(count);
    for _ in 0..count {
        let start = Instant::now();
        make()?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    let faults = usage::page_faults().zip(before).map(|(after, before)| (after - before) as f64 / count as f64);
    Ok(Created { what, count, seconds: median(&seconds), page_faults: faults })
}
