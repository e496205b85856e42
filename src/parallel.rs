//! How the threads of a rank share the chunks of a loop.
//!
//! Every thread owns a contiguous slab of the chunks and works through it first; when it is done it takes chunks from the
//! others' slabs. Owning keeps a page of memory with the thread that touched it first (NUMA), taking keeps threads busy on a
//! noisy machine. A plain `par_iter` splits without memory of the last time; fixed slabs alone wait for the slowest core.
//! Which thread does a chunk never changes a bit of the result, since chunks write disjoint cells.

use crate::decomposition::block_range;
use crate::timing::trace::{self, Kind};
use rayon::prelude::*;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// A counter alone on its cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Counter(AtomicUsize);

/// The work queues of a rank's threads, made once and used every step.
#[derive(Debug)]
pub struct Slabs {
    taken: Vec<Counter>,
}

impl Slabs {
    /// Queues for the threads of the current rayon pool.
    pub fn new() -> Slabs {
        Slabs { taken: (0..rayon::current_num_threads()).map(|_| Counter::default()).collect() }
    }

    /// Calls `work(chunk)` once for every chunk in `0..chunks`, on all threads of the pool.
    pub fn for_each(&self, chunks: usize, work: impl Fn(usize) + Sync) {
        let threads = self.taken.len();
        if threads == 1 || chunks <= 1 {
            return (0..chunks).for_each(work);
        }
        for counter in &self.taken {
            counter.0.store(0, Ordering::Relaxed);
        }
        (0..threads).into_par_iter().with_max_len(1).for_each(|job| {
            let own = rayon::current_thread_index().unwrap_or(job);
            let begin = trace::is_on().then(Instant::now);
            for distance in 0..threads {
                self.drain((own + distance) % threads, chunks, &work);
            }
            if let Some(begin) = begin {
                trace::record_since(Kind::Tiles, begin, 0);
            }
        });
    }

    fn drain(&self, slab: usize, chunks: usize, work: &(impl Fn(usize) + Sync)) {
        let (start, length) = block_range(chunks, self.taken.len(), slab);
        loop {
            let next = self.taken[slab].0.fetch_add(1, Ordering::Relaxed);
            if next >= length {
                return;
            }
            work(start + next);
        }
    }
}

impl Default for Slabs {
    fn default() -> Slabs {
        Slabs::new()
    }
}

/// A slice that several threads write at once, each its own part.
#[derive(Clone, Copy, Debug)]
pub struct Shared<'a> {
    start: *mut f64,
    len: usize,
    borrow: PhantomData<&'a mut [f64]>,
}

// SAFETY: the only way to the memory is `slice_mut`, whose callers promise disjoint parts.
unsafe impl Send for Shared<'_> {}
// SAFETY: as above.
unsafe impl Sync for Shared<'_> {}

impl<'a> Shared<'a> {
    /// Borrows the slice for as long as the parts are in use.
    pub fn new(values: &'a mut [f64]) -> Shared<'a> {
        Shared { start: values.as_mut_ptr(), len: values.len(), borrow: PhantomData }
    }

    /// The part `range`.
    ///
    /// # Safety
    /// While the returned slice lives, no other part that overlaps it may be alive.
    ///
    /// # Panics
    /// If the range does not lie inside the slice.
    #[inline]
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn slice_mut(&self, range: Range<usize>) -> &'a mut [f64] {
        assert!(range.start <= range.end && range.end <= self.len, "part lies inside the slice");
        // SAFETY: inside the borrowed slice by the assertion; not aliased by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.end - range.start) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chunk_is_done_once() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(5).build().unwrap();
        pool.install(|| {
            let slabs = Slabs::new();
            for chunks in [0, 1, 3, 5, 64, 1001] {
                let done: Vec<AtomicUsize> = (0..chunks).map(|_| AtomicUsize::new(0)).collect();
                slabs.for_each(chunks, |chunk| {
                    done[chunk].fetch_add(1, Ordering::Relaxed);
                });
                assert!(done.iter().all(|d| d.load(Ordering::Relaxed) == 1));
            }
        });
    }
}
