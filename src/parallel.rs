//! How the threads of a rank share the chunks of a loop.
//!
//! Every thread owns a contiguous slab of the chunks and works through it first; when it is done it takes chunks from the
//! others' slabs. Owning keeps a page of memory with the thread that touched it first (NUMA), taking keeps threads busy on a
//! noisy machine. A plain `par_iter` splits without memory of the last time; fixed slabs alone wait for the slowest core, which
//! [`Sharing::Static`] shows for teaching.
//! Which thread does a chunk never changes a bit of the result, since chunks write disjoint cells.

use crate::decomposition::block_range;
use crate::timing::trace::{self, Kind};
use rayon::prelude::*;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Who does which chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// Threads that are done take chunks from the others.
    #[default]
    Steal,
    /// Every thread does one part, as long as the others, fixed in advance.
    Static,
}

impl Sharing {
    /// Calls `work(index of the first item, items)` for pieces of `piece` items, on all threads of the pool.
    ///
    /// # Panics
    /// If `piece` is 0.
    pub fn for_each_piece<T: Send>(self, items: &mut [T], piece: usize, work: impl Fn(usize, &mut [T]) + Sync) {
        let whole = |first: usize, items: &mut [T]| {
            items.chunks_mut(piece).enumerate().for_each(|(n, items)| work(first + n * piece, items));
        };
        match self {
            Sharing::Steal => items.par_chunks_mut(piece).enumerate().for_each(|(n, items)| work(n * piece, items)),
            Sharing::Static => {
                let part = items.len().div_ceil(rayon::current_num_threads()).max(1);
                let parts: Vec<Mutex<&mut [T]>> = items.chunks_mut(part).map(Mutex::new).collect();
                on_every_thread(|thread| {
                    if let Some(items) = parts.get(thread) {
                        whole(thread * part, &mut items.lock().unwrap_or_else(PoisonError::into_inner));
                    }
                });
            }
        }
    }
}

/// Calls `work(number of the thread)` once on each thread of the pool.
fn on_every_thread(work: impl Fn(usize) + Sync) {
    rayon::broadcast(|thread| work(thread.index()));
}

/// A counter alone on its cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Counter(AtomicUsize);

/// The work queues of a rank's threads, made once and used every step.
#[derive(Debug)]
pub struct Slabs {
    taken: Vec<Counter>,
    sharing: Sharing,
}

impl Slabs {
    /// Queues for the threads of the current rayon pool.
    pub fn new(sharing: Sharing) -> Slabs {
        Slabs { taken: (0..rayon::current_num_threads()).map(|_| Counter::default()).collect(), sharing }
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
        match self.sharing {
            Sharing::Steal => (0..threads).into_par_iter().with_max_len(1).for_each(|job| {
                self.visit(rayon::current_thread_index().unwrap_or(job), threads, chunks, &work);
            }),
            Sharing::Static => on_every_thread(|own| self.visit(own, 1, chunks, &work)),
        }
    }

    /// Works through so many slabs, from the own one on.
    fn visit(&self, own: usize, slabs: usize, chunks: usize, work: &(impl Fn(usize) + Sync)) {
        let begin = trace::is_on().then(Instant::now);
        for distance in 0..slabs {
            self.drain((own + distance) % self.taken.len(), chunks, work);
        }
        if let Some(begin) = begin {
            trace::record_since(Kind::Tiles, begin, 0);
        }
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
        Slabs::new(Sharing::default())
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
            for slabs in [Sharing::Steal, Sharing::Static].map(Slabs::new) {
                for chunks in [0, 1, 3, 5, 64, 1001] {
                    let done: Vec<AtomicUsize> = (0..chunks).map(|_| AtomicUsize::new(0)).collect();
                    slabs.for_each(chunks, |chunk| {
                        done[chunk].fetch_add(1, Ordering::Relaxed);
                    });
                    assert!(done.iter().all(|d| d.load(Ordering::Relaxed) == 1));
                }
            }
        });
    }

    #[test]
    fn a_static_slab_is_done_by_its_thread_alone() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        pool.install(|| {
            let slabs = Slabs::new(Sharing::Static);
            let done: Vec<AtomicUsize> = (0..10).map(|_| AtomicUsize::new(9)).collect();
            slabs.for_each(10, |chunk| {
                // The first thread is slow; it keeps what is its own.
                let thread = rayon::current_thread_index().unwrap();
                std::thread::sleep(std::time::Duration::from_millis(if thread == 0 { 5 } else { 0 }));
                done[chunk].store(thread, Ordering::Relaxed);
            });
            assert_eq!(
                done.iter().map(|d| d.load(Ordering::Relaxed)).collect::<Vec<_>>(),
                [0, 0, 0, 0, 1, 1, 1, 2, 2, 2]
            );
        });
    }

    #[test]
    fn every_item_is_in_one_piece_that_knows_its_place() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        pool.install(|| {
            for sharing in [Sharing::Steal, Sharing::Static] {
                for (count, piece) in [(0, 1), (1, 4), (7, 2), (100, 3), (9, 9)] {
                    let mut items = vec![0; count];
                    sharing.for_each_piece(&mut items, piece, |first, items| {
                        assert!(items.len() <= piece);
                        items.iter_mut().enumerate().for_each(|(n, item)| *item += first + n + 1);
                    });
                    assert_eq!(items, (1..=count).collect::<Vec<_>>(), "{sharing:?}, {count} by {piece}");
                }
            }
        });
    }
}
