//! Bodies in the order of their indices, whatever rank holds them: the one way in which bodies leave the ranks for a file or a hash.
//!
//! Indices 0 to N - 1 are cut in one contiguous block per rank, whose ends are multiples of [`LEAF`]. A rank visits its block from
//! the lower end upwards in batches of at most [`BATCH`] bodies; what other ranks hold of a batch is sent to it. So a rank writes its
//! block of a file in large pieces, a hash sees whole leaves, and what is copied at a time is bounded.
//!
//! # Refused
//! A gather on one rank: it needs the memory of all bodies there. Sorting the bodies themselves: outputs must not change the model.

use crate::bytes::F64;
use crate::comm::Communicator;
use crate::comm::route::all_to_all;
use crate::decomposition::block_range;
use crate::particles::Particles;
use rayon::prelude::*;
use std::ops::Range;

/// Bodies that always lie in one block.
pub const LEAF: usize = 1024;
/// Most bodies of a batch.
pub const BATCH: usize = 256 * LEAF;

/// The bodies of all ranks in index order.
pub struct IndexOrder<'a> {
    bodies: &'a Particles,
    comm: &'a dyn Communicator,
    total: u64,
    /// Local bodies by index.
    order: Vec<u32>,
}

impl<'a> IndexOrder<'a> {
    /// Orders the bodies. Collective. Indices must be 0 to N - 1 over all ranks, each once.
    pub fn new(bodies: &'a Particles, comm: &'a dyn Communicator) -> IndexOrder<'a> {
        let mut total = [bodies.len() as i64];
        comm.all_sum(&mut total);
        let mut order: Vec<u32> = (0..bodies.len() as u32).collect();
        order.par_sort_unstable_by_key(|&body| bodies.index[body as usize]);
        IndexOrder { bodies, comm, total: total[0] as u64, order }
    }

    /// The bodies of this rank, in whatever order they lie.
    pub fn bodies(&self) -> &'a Particles {
        self.bodies
    }

    /// The ranks.
    pub fn comm(&self) -> &'a dyn Communicator {
        self.comm
    }

    /// Bodies of all ranks.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The indices that this rank visits.
    pub fn own(&self) -> Range<u64> {
        self.block(self.comm.rank())
    }

    fn block(&self, rank: usize) -> Range<u64> {
        let leaves = (self.total as usize).div_ceil(LEAF);
        let (start, count) = block_range(leaves, self.comm.size(), rank);
        let end = |leaf: usize| ((leaf * LEAF) as u64).min(self.total);
        end(start)..end(start + count)
    }

    fn batch(&self, rank: usize, number: usize) -> Range<u64> {
        let Range { start, end } = self.block(rank);
        let at = |number: usize| (start + (number * BATCH) as u64).min(end);
        at(number)..at(number + 1)
    }

    /// Visits the block of this rank: `visit(first index, bytes)` with the `W` words of every body, little-endian, in index order.
    /// `words` gives those of one of the local bodies. Collective; a visitor that fails must remember it and let the rest pass.
    pub fn for_each_batch<const W: usize>(
        &self,
        words: impl Fn(&Particles, usize) -> [u64; W] + Sync,
        visit: &mut dyn FnMut(u64, &[u8]),
    ) {
        // The first block is the longest, so all ranks count alike.
        let longest = self.block(0);
        for number in 0..((longest.end - longest.start) as usize).div_ceil(BATCH) {
            let wanted = self.batch(self.comm.rank(), number);
            let bytes = self.collect(number, &words);
            if !wanted.is_empty() {
                visit(wanted.start, &bytes);
            }
        }
    }

    /// The words of this rank's batch `number`, complete.
    fn collect<const W: usize>(
        &self,
        number: usize,
        words: &(impl Fn(&Particles, usize) -> [u64; W] + Sync),
    ) -> Vec<u8> {
        let rank = self.comm.rank();
        let wanted = self.batch(rank, number);
        let own = self.local(&wanted);
        let width = W * F64;
        let mut whole = vec![0; (wanted.end - wanted.start) as usize * width];
        let place = |index: u64| (index - wanted.start) as usize * width;
        if own.len() * width == whole.len() {
            self.pack(own, words, &mut whole);
        } else {
            let mut packed = vec![0; own.len() * width];
            self.pack(own, words, &mut packed);
            for (&body, row) in own.iter().zip(packed.chunks_exact(width)) {
                let at = place(self.bodies.index[body as usize]);
                whole[at..at + width].copy_from_slice(row);
            }
        }
        for part in self.exchange(number, words) {
            for row in part.chunks_exact(F64 + width) {
                let (index, row) = row.split_at(F64);
                let at = place(u64::from_le_bytes(index.try_into().expect("a word has eight bytes")));
                whole[at..at + width].copy_from_slice(row);
            }
        }
        whole
    }

    /// What the other ranks hold of this rank's batch: index and words of every body.
    fn exchange<const W: usize>(
        &self,
        number: usize,
        words: &(impl Fn(&Particles, usize) -> [u64; W] + Sync),
    ) -> Vec<Vec<u8>> {
        if self.comm.size() == 1 {
            return Vec::new();
        }
        let parts: Vec<Vec<u8>> = (0..self.comm.size())
            .map(|to| match to == self.comm.rank() {
                true => Vec::new(),
                false => self.indexed(self.local(&self.batch(to, number)), words),
            })
            .collect();
        all_to_all(self.comm, &parts)
    }

    fn indexed<const W: usize>(
        &self,
        bodies: &[u32],
        words: &(impl Fn(&Particles, usize) -> [u64; W] + Sync),
    ) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(bodies.len() * F64 * (W + 1));
        for &body in bodies {
            bytes.extend_from_slice(&self.bodies.index[body as usize].to_le_bytes());
            words(self.bodies, body as usize).iter().for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
        }
        bytes
    }

    fn pack<const W: usize>(
        &self,
        chosen: &[u32],
        words: &(impl Fn(&Particles, usize) -> [u64; W] + Sync),
        bytes: &mut [u8],
    ) {
        let bodies = self.bodies;
        bytes.par_chunks_exact_mut(W * F64).with_min_len(LEAF).zip(chosen.par_iter()).for_each(|(row, &body)| {
            for (target, word) in row.as_chunks_mut::<F64>().0.iter_mut().zip(words(bodies, body as usize)) {
                *target = word.to_le_bytes();
            }
        });
    }

    /// Local bodies with these indices, in index order.
    fn local(&self, indices: &Range<u64>) -> &[u32] {
        let before = |limit: u64| self.order.partition_point(|&body| self.bodies.index[body as usize] < limit);
        &self.order[before(indices.start)..before(indices.end)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::threads;

    /// Bodies with index `n` on the rank that `owner` says, in a scrambled order.
    fn scattered(total: u64, comm: &dyn Communicator, owner: impl Fn(u64) -> usize) -> Particles {
        let mut bodies = Particles::default();
        let scrambled = (0..total).map(|n| (n * 7919 + 13) % total);
        for n in scrambled.filter(|&n| owner(n) == comm.rank()) {
            bodies.push(n, 10 * n, n as f64, [0.0; 3], [0.0; 3]);
        }
        bodies
    }

    fn collect(total: u64, size: usize, owner: impl Fn(u64) -> usize + Sync) -> Vec<u8> {
        let parts = threads::run(size, |comm: &dyn Communicator| {
            let bodies = scattered(total, comm, &owner);
            let order = IndexOrder::new(&bodies, comm);
            let (mut bytes, mut next) = (Vec::new(), order.own().start);
            let words = |bodies: &Particles, body: usize| [bodies.id[body], bodies.mass[body].to_bits()];
            order.for_each_batch(words, &mut |first, batch| {
                assert_eq!(first, next);
                next += batch.len() as u64 / 16;
                bytes.extend_from_slice(batch);
            });
            assert_eq!(next, order.own().end);
            bytes
        });
        parts.concat()
    }

    #[test]
    fn every_distribution_gives_one_order() {
        for total in [0, 1, 5, 3000] {
            let expected: Vec<u8> =
                (0..total).flat_map(|n: u64| [(10 * n).to_le_bytes(), (n as f64).to_le_bytes()].concat()).collect();
            for size in 1..=5 {
                assert!(collect(total, size, |n| n as usize % size) == expected, "{total} dealt to {size}");
                assert!(collect(total, size, |_| size - 1) == expected, "{total} on the last of {size}");
            }
        }
    }

    #[test]
    fn long_blocks_come_in_batches() {
        // A prime, so that the scrambled order visits all.
        let total = 600_011;
        let expected = collect(total, 1, |_| 0);
        assert!(collect(total, 2, |n| (n / 1000) as usize % 2) == expected);
        assert_eq!(expected.len() as u64, 16 * total);
    }
}
