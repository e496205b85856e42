//! Memory bandwidth as STREAM counts it (McCalpin 1995): bytes that a loop names, whatever else the caches move.
//!
//! Copies are those that a run times as its bound ([`crate::heat::stencil::copy_row`]), with normal stores and with streaming ones; the
//! triad `a = b + s c` is a plain loop. Every thread owns its arrays and touches them first, so pages lie where they are used.
//! The best of some passes counts, the first one not: what disturbs a pass only ever makes it slower.

use crate::cpu::CpuPath;
use crate::field::{Field, Layout};
use crate::heat::lanes::fence_streams;
use crate::heat::stencil::{Mode, copy_row};
use crate::host::{self, topology};
use serde::{Deserialize, Serialize};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Passes over all loops; the first one warms up.
const PASSES: usize = 12;
/// After this time no further pass is begun, once there are three.
const BUDGET: Duration = Duration::from_millis(600);
/// Bytes of an array, all threads together, if cache and memory agree.
const ARRAY: [u64; 2] = [64 << 20, 256 << 20];

/// Bytes a second of so many threads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bandwidth {
    /// Threads.
    pub threads: usize,
    /// `a = b`, 16 bytes a value.
    pub copy_bytes_per_s: f64,
    /// `a = b + s c`, 24 bytes a value.
    pub triad_bytes_per_s: f64,
    /// `a = b` with stores past the caches, 16 bytes a value.
    pub nontemporal_copy_bytes_per_s: f64,
}

/// Bytes a value that the loops move: copy, triad, streaming copy.
const BYTES: [f64; 3] = [16.0, 24.0, 16.0];

/// Bytes of each of the three arrays: well beyond the last cache, and together at most a quarter of the memory that can be had.
pub fn array_bytes() -> u64 {
    let last_level = [3, 2].into_iter().find_map(host::cache).map_or(0, |cache| cache.bytes);
    let limits = [host::memory_limit().map(|limit| limit.bytes), topology::available_memory()];
    size_for(last_level, limits.into_iter().flatten().min())
}

fn size_for(last_level: u64, memory: Option<u64>) -> u64 {
    let wanted = (4 * last_level).clamp(ARRAY[0], ARRAY[1].max(2 * last_level));
    wanted.min(memory.map_or(ARRAY[0], |bytes| bytes / 12)).max(1 << 20)
}

/// 1, 2, 4, ... and `most`.
pub fn thread_counts(most: usize) -> Vec<usize> {
    let powers = std::iter::successors(Some(1), |n| Some(2 * n)).take_while(|&n| n < most);
    powers.chain([most.max(1)]).collect()
}

/// Measures with so many threads and arrays of so many bytes.
pub fn measure(threads: usize, array_bytes: u64) -> Bandwidth {
    let values = (array_bytes / 8 / threads as u64).max(4096) as usize;
    let (meeting, stop, begin) = (Barrier::new(threads), AtomicBool::new(false), Instant::now());
    let worker = |number: usize| {
        topology::bind_thread(number);
        Worker::new(values).run(&meeting, &stop, begin)
    };
    let worker = &worker;
    let passes: Vec<Vec<Pass>> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|number| scope.spawn(move || worker(number))).collect();
        started.into_iter().map(|thread| thread.join().expect("a loop over arrays cannot fail")).collect()
    });
    let rate = |kernel: usize| (values * threads) as f64 * BYTES[kernel] / best(&passes, kernel);
    Bandwidth { threads, copy_bytes_per_s: rate(0), triad_bytes_per_s: rate(1), nontemporal_copy_bytes_per_s: rate(2) }
}

/// Begin and end of the three loops.
type Pass = [(Instant, Instant); 3];

/// Seconds of the shortest pass but the first, each from the first thread's begin to the last one's end.
fn best(passes: &[Vec<Pass>], kernel: usize) -> f64 {
    let seconds = |pass: usize| {
        let times = || passes.iter().map(|thread| thread[pass][kernel]);
        let (begin, end) = (times().map(|t| t.0).min(), times().map(|t| t.1).max());
        begin.zip(end).map_or(f64::INFINITY, |(begin, end)| (end - begin).as_secs_f64())
    };
    let count = passes.first().map_or(0, Vec::len);
    (1..count).map(seconds).fold(f64::INFINITY, f64::min).max(1e-9)
}

/// The arrays of one thread.
struct Worker {
    to: Field,
    from: [Field; 2],
    values: isize,
}

impl Worker {
    fn new(values: usize) -> Worker {
        let layout = Layout::new([values, 1, 1], [[0; 2]; 3]);
        let mut worker = Worker {
            to: Field::zeros_staggered(layout),
            from: [Field::zeros(layout), Field::zeros(layout)],
            values: values as isize,
        };
        worker.from.iter_mut().for_each(|field| field.values_mut().fill(1.0));
        worker.to.values_mut().fill(0.0);
        worker
    }

    fn run(mut self, meeting: &Barrier, stop: &AtomicBool, begin: Instant) -> Vec<Pass> {
        let mut passes = Vec::with_capacity(PASSES);
        for pass in 0..PASSES {
            passes.push([0, 1, 2].map(|kernel| {
                meeting.wait();
                let start = Instant::now();
                self.loop_over(kernel);
                (start, Instant::now())
            }));
            if meeting.wait().is_leader() {
                stop.store(pass >= 2 && begin.elapsed() > BUDGET, Ordering::Relaxed);
            }
            meeting.wait();
            if stop.load(Ordering::Relaxed) {
                break;
            }
        }
        passes
    }

    fn loop_over(&mut self, kernel: usize) {
        let [b, c] = &self.from;
        let (b, c) = (b.row(0, 0, 0, self.values), c.row(0, 0, 0, self.values));
        let to = &mut self.to.values_mut()[..self.values as usize];
        if kernel == 1 {
            to.iter_mut().zip(b).zip(c).for_each(|((a, b), c)| *a = b + 3.0 * c);
        } else {
            copy_row(Mode { path: CpuPath::best(), stream: kernel == 2, three_d: false }, b, to);
            fence_streams();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_do_what_they_are_counted_for() {
        let mut worker = Worker::new(5000);
        for (kernel, value) in [(0, 1.0), (1, 4.0), (2, 1.0)] {
            worker.to.values_mut().fill(9.0);
            worker.loop_over(kernel);
            assert!(worker.to.row(0, 0, 0, 5000).iter().all(|&a| a == value), "loop {kernel}");
        }
    }

    #[test]
    fn arrays_are_beyond_the_cache_and_within_the_memory() {
        let mib = 1 << 20;
        assert_eq!(size_for(32 * mib, Some(1 << 40)), 128 * mib);
        assert_eq!(size_for(0, Some(1 << 40)), 64 * mib);
        assert_eq!(size_for(512 * mib, Some(1 << 40)), 1024 * mib);
        assert_eq!(size_for(32 * mib, Some(120 * mib)), 10 * mib, "three arrays are a quarter of the memory");
    }

    #[test]
    fn counts_are_powers_of_two_and_the_most() {
        assert_eq!(thread_counts(1), [1]);
        assert_eq!(thread_counts(6), [1, 2, 4, 6]);
        assert_eq!(thread_counts(8), [1, 2, 4, 8]);
    }

    #[test]
    fn time_is_from_the_first_begin_to_the_last_end() {
        let at = Instant::now();
        let span = |from: u64, to: u64| (at + Duration::from_millis(from), at + Duration::from_millis(to));
        let of = |spans: [(u64, u64); 2]| spans.map(|(a, b)| [span(a, b); 3]).to_vec();
        let found = best(&[of([(0, 1), (10, 15)]), of([(0, 1), (12, 18)])], 0);
        assert!((found - 0.008).abs() < 1e-12, "the first pass does not count: {found}");
    }
}
