//! A change of what runs on a core: one byte goes to and fro over pipes between two that share the core.
//!
//! A byte that is sent wakes the other, and waiting for the answer gives it the core: each half of a round trip has one change. What
//! the two calls themselves take is measured by one thread that writes to itself, and taken off.

use super::partner::{Partner, announce, answer};
use crate::host::{topology, usage};
use crate::laboratory::statistics::median;
use serde::Serialize;
use std::ffi::OsStr;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::time::Instant;

/// Round trips in a sample, and samples.
const TRIPS: usize = 200;
const SAMPLES: usize = 21;
/// The core that is shared.
const CORE: usize = 0;

/// What a change takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Switched {
    /// `threads` or `processes`.
    pub between: &'static str,
    /// Half a round trip.
    pub half_trip_s: f64,
    /// Writing a byte and reading it, without a change.
    pub calls_s: f64,
    /// The change: half a round trip less the calls.
    pub seconds: f64,
    /// Times that the asking side left the core in a round trip, as the system counts them: 1 if the method works. It leaves when it
    /// waits, or already when it has woken the other.
    pub counted_per_trip: Option<f64>,
}

/// Between threads, then between processes.
///
/// # Errors
/// If pipes or processes cannot be made.
pub fn measure() -> io::Result<Vec<Switched>> {
    Ok(vec![between_threads()?, between_processes()?])
}

fn between_threads() -> io::Result<Switched> {
    let (mut from_asker, to_partner) = io::pipe()?;
    let (from_partner, mut to_asker) = io::pipe()?;
    std::thread::scope(|scope| {
        let partner = scope.spawn(move || {
            topology::bind_thread(CORE);
            answer(&mut from_asker, &mut to_asker)
        });
        let asker = scope.spawn(move || ask("threads", from_partner, to_partner));
        let measured = joined(asker.join())?;
        joined(partner.join()).map(|()| measured)
    })
}

fn between_processes() -> io::Result<Switched> {
    let (from_asker, to_partner) = io::pipe()?;
    let (from_partner, to_asker) = io::pipe()?;
    let core = CORE.to_string();
    let words = ["echo", "--core", &core].map(OsStr::new);
    let partner = Partner::start(&words, from_asker.into(), to_asker.into())?;
    let asker = std::thread::spawn(move || ask("processes", from_partner, to_partner));
    let measured = joined(asker.join())?;
    partner.end().map(|()| measured)
}

fn joined<T>(result: std::thread::Result<io::Result<T>>) -> io::Result<T> {
    result.unwrap_or_else(|_| Err(io::Error::other("a measuring thread failed")))
}

fn ask(between: &'static str, mut input: PipeReader, mut output: PipeWriter) -> io::Result<Switched> {
    topology::bind_thread(CORE);
    let calls_s = calls()?;
    let mut halves = Vec::with_capacity(SAMPLES);
    // The first sample warms up: the partner may still be starting.
    trips(&mut input, &mut output)?;
    let before = usage::thread_switches();
    for _ in 0..SAMPLES {
        halves.push(trips(&mut input, &mut output)? / 2.0);
    }
    let counted = usage::thread_switches().zip(before);
    let half_trip_s = median(&halves);
    Ok(Switched {
        between,
        half_trip_s,
        calls_s,
        seconds: (half_trip_s - calls_s).max(0.0),
        counted_per_trip: counted.map(|(after, before)| (after.all() - before.all()) as f64 / (SAMPLES * TRIPS) as f64),
    })
}

/// Seconds of a round trip.
fn trips(input: &mut PipeReader, output: &mut PipeWriter) -> io::Result<f64> {
    announce(output, 1, TRIPS)?;
    let mut byte = [0u8];
    let start = Instant::now();
    for _ in 0..TRIPS {
        output.write_all(&byte)?;
        input.read_exact(&mut byte)?;
    }
    Ok(start.elapsed().as_secs_f64() / TRIPS as f64)
}

/// Seconds of a write and a read of a byte by one thread.
fn calls() -> io::Result<f64> {
    let (mut input, mut output) = io::pipe()?;
    let mut byte = [0u8];
    let mut samples = Vec::with_capacity(SAMPLES);
    for _ in 0..SAMPLES {
        let start = Instant::now();
        for _ in 0..TRIPS {
            output.write_all(&byte)?;
            input.read_exact(&mut byte)?;
        }
        samples.push(start.elapsed().as_secs_f64() / TRIPS as f64);
    }
    Ok(median(&samples))
}
