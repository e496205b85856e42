//! The true error of forces, sampled: some bodies' accelerations against the direct sum over all bodies.
//!
//! # Layout
//! The bodies may lie on the ranks in any order. Positions and masses are copied to blocks of the order of indices, whose length
//! depends on the number of bodies alone, a share of them at a time; each rank sums its blocks for all samples, and the sums of blocks are added exactly. So
//! neither ranks nor threads show in the result. Adding every single pair exactly was refused: it is ten times slower.

use super::gravity::{LANES, PairKernel, Sources, Tile};
use super::pair_force::NOBODY;
use super::problem::{Gravity, Precision};
use crate::bytes;
use crate::comm::sum::all_sum_exact;
use crate::comm::{Communicator, ReduceOp, route};
use crate::cpu::CpuPath;
use crate::decomposition::block_range;
use crate::particles::Particles;
use crate::reproducible::{ExactSum, Scale};
use rayon::prelude::*;

/// Most blocks of bodies.
const MOST_BLOCKS: usize = 1024;
/// Shortest block.
const SHORTEST: usize = 64;
/// Rounds in which bodies travel to their blocks, so that no more than a share of all is there twice.
const ROUNDS: usize = 16;
/// Numbers of a body on its way to its block: index, x, y, z, mass.
const SOURCE_WORDS: usize = 5;
/// Numbers of a sample on its way to all ranks: index, position, acceleration.
const SAMPLE_WORDS: usize = 7;

/// Relative errors `|a - a_direct| / |a_direct|` of the accelerations of sampled bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SampledError {
    /// Root of the mean square.
    pub rms: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Largest.
    pub max: f64,
}

/// Compares the accelerations of up to `samples` bodies, spread evenly over the indices, with direct summation in 64 bits.
/// Collective; the same result on all ranks and for every shape. The accelerations must be finite and of all bodies' positions.
pub fn sampled_error(bodies: &Particles, gravity: &Gravity, samples: usize, comm: &dyn Communicator) -> SampledError {
    let mut total = [bodies.len() as i64];
    comm.all_sum(&mut total);
    let total = total[0] as usize;
    let chosen = gather_samples(bodies, &sample_indices(total, samples), comm);
    let plan = Plan::new(total, comm.size());
    let rounds: Vec<u8> = bodies.index.par_iter().map(|&index| plan.place_of(index).1 as u8).collect();
    let kernel = PairKernel::new(&Gravity { precision: Precision::Double, ..*gravity }, common_path(comm));
    let sum = |round| Blocks::collect(bodies, &plan, &rounds, round, comm).sum_each(&kernel, &chosen);
    let sums: Vec<Vec<f64>> = (0..ROUNDS).flat_map(sum).collect();
    let direct = add_blocks(&sums, 3 * chosen.len(), comm);
    let errors = chosen.iter().zip(direct.chunks_exact(3)).map(|(sample, direct)| {
        let direct: [f64; 3] = std::array::from_fn(|axis| gravity.constant * direct[axis]);
        relative_error(sample.acceleration, direct)
    });
    summary(errors.collect())
}

/// The widest CPU path that all ranks have.
fn common_path(comm: &dyn Communicator) -> CpuPath {
    let paths = [CpuPath::Portable, CpuPath::Avx2, CpuPath::Avx512];
    let own = paths.iter().position(|&path| path == CpuPath::best()).unwrap_or(0);
    let mut lowest = [own as f64];
    comm.all_reduce(ReduceOp::Min, &mut lowest);
    paths[lowest[0] as usize]
}

/// One index out of each of `samples` equal parts of all, ascending.
fn sample_indices(total: usize, samples: usize) -> Vec<u64> {
    let samples = samples.min(total);
    let parts = (0..samples).map(|part| block_range(total, samples, part));
    parts.enumerate().map(|(part, (start, length))| start as u64 + scrambled(part as u64) % length as u64).collect()
}

/// A number without visible relation to `counter` (the finaliser of SplitMix64, Steele et al. 2014).
fn scrambled(counter: u64) -> u64 {
    let mut z = counter.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A body whose force is checked.
struct Sample {
    index: u64,
    position: [f64; 3],
    acceleration: [f64; 3],
}

/// The bodies of these indices, on all ranks, in their order.
fn gather_samples(bodies: &Particles, indices: &[u64], comm: &dyn Communicator) -> Vec<Sample> {
    let mut words = Vec::new();
    for n in (0..bodies.len()).filter(|&n| indices.binary_search(&bodies.index[n]).is_ok()) {
        words.push(bodies.index[n] as f64);
        words.extend(bodies.position_of(n));
        words.extend(bodies.acceleration_of(n));
    }
    let mut packed = vec![0; words.len() * bytes::F64];
    bytes::encode(&words, &mut packed);
    let words: Vec<f64> = route::all_gather(comm, &packed).iter().flat_map(|part| bytes::decode(part)).collect();
    let sample = |row: &[f64; SAMPLE_WORDS]| {
        let [index, x, y, z, ax, ay, az] = *row;
        Sample { index: index as u64, position: [x, y, z], acceleration: [ax, ay, az] }
    };
    let mut samples: Vec<Sample> = words.as_chunks::<SAMPLE_WORDS>().0.iter().map(sample).collect();
    samples.sort_by_key(|sample| sample.index);
    samples
}

/// Which rank takes which blocks, and in which round.
struct Plan {
    /// Bodies of a block; the last block of all may have fewer.
    length: usize,
    /// Index of the first body of each round of each rank, and the number of bodies.
    firsts: Vec<usize>,
}

impl Plan {
    fn new(total: usize, ranks: usize) -> Plan {
        let length = total.div_ceil(MOST_BLOCKS).max(SHORTEST);
        let blocks = total.div_ceil(length);
        let of_rank = |rank: usize| {
            let (start, count) = block_range(blocks, ranks, rank);
            (0..ROUNDS).map(move |round| ((start + block_range(count, ROUNDS, round).0) * length).min(total))
        };
        Plan { length, firsts: (0..ranks).flat_map(of_rank).chain([total]).collect() }
    }

    /// Rank and round of a body.
    fn place_of(&self, index: u64) -> (usize, usize) {
        let at = self.firsts.partition_point(|&first| first as u64 <= index) - 1;
        (at / ROUNDS, at % ROUNDS)
    }

    /// First and last index, the latter not included, that a rank takes in a round.
    fn range(&self, rank: usize, round: usize) -> [usize; 2] {
        let at = rank * ROUNDS + round;
        [self.firsts[at], self.firsts[at + 1]]
    }
}

/// Consecutive blocks of bodies in the order of indices, as many as this rank takes in a round.
struct Blocks {
    /// Index of the first body.
    first: usize,
    /// Bodies of a block; the last block of all may have fewer.
    length: usize,
    position: [Vec<f64>; 3],
    mass: Vec<f64>,
}

impl Blocks {
    /// Collective; `rounds` holds the round of each body of this rank.
    fn collect(bodies: &Particles, plan: &Plan, rounds: &[u8], round: usize, comm: &dyn Communicator) -> Blocks {
        let mut parts = vec![Vec::new(); comm.size()];
        for n in (0..bodies.len()).filter(|&n| usize::from(rounds[n]) == round) {
            let [x, y, z] = bodies.position_of(n);
            let row = [bodies.index[n] as f64, x, y, z, bodies.mass[n]];
            parts[plan.place_of(bodies.index[n]).0].extend(row.iter().flat_map(|word| word.to_le_bytes()));
        }
        let [first, end] = plan.range(comm.rank(), round);
        let zeros = || vec![0.0; end - first];
        let mut own = Blocks { first, length: plan.length, position: [zeros(), zeros(), zeros()], mass: zeros() };
        for part in route::all_to_all(comm, &parts) {
            let words: Vec<f64> = bytes::decode(&part).collect();
            words.as_chunks::<SOURCE_WORDS>().0.iter().for_each(|row| own.place(row));
        }
        own
    }

    fn place(&mut self, &[index, x, y, z, mass]: &[f64; SOURCE_WORDS]) {
        let n = index as usize - self.first;
        for (values, value) in self.position.iter_mut().zip([x, y, z]) {
            values[n] = value;
        }
        self.mass[n] = mass;
    }

    /// For each block the accelerations that it gives to the samples: x, y, z of the first, of the second, ...
    fn sum_each(&self, kernel: &PairKernel, samples: &[Sample]) -> Vec<Vec<f64>> {
        let starts: Vec<usize> = (0..self.mass.len()).step_by(self.length).collect();
        starts.into_par_iter().map(|start| self.sum(start, kernel, samples)).collect()
    }

    fn sum(&self, start: usize, kernel: &PairKernel, samples: &[Sample]) -> Vec<f64> {
        let range = start..self.mass.len().min(start + self.length);
        let position = std::array::from_fn(|axis| &self.position[axis][range.clone()]);
        let sources = Sources { position, mass: &self.mass[range] };
        let mut sums = Vec::with_capacity(3 * samples.len());
        for group in samples.chunks(LANES) {
            let of = |lane: usize| &group[lane.min(group.len() - 1)];
            let position = std::array::from_fn(|axis| std::array::from_fn(|lane| of(lane).position[axis]));
            let own =
                std::array::from_fn(|lane| (of(lane).index as usize).checked_sub(self.first + start).unwrap_or(NOBODY));
            let mut tile = Tile { position, ..Tile::default() };
            kernel.add_others(std::slice::from_mut(&mut tile), &[own], sources);
            sums.extend((0..group.len()).flat_map(|lane| tile.acceleration.map(|values| values[lane])));
        }
        sums
    }
}

/// Adds `count` numbers of all blocks of all ranks, exactly.
fn add_blocks(blocks: &[Vec<f64>], count: usize, comm: &dyn Communicator) -> Vec<f64> {
    let mut largest = vec![0.0f64; count];
    for (most, value) in blocks.iter().flat_map(|block| largest_of(block).enumerate()) {
        largest[most] = largest[most].max(value);
    }
    comm.all_reduce(ReduceOp::Max, &mut largest);
    let mut sums: Vec<ExactSum> = largest.iter().map(|&most| ExactSum::new(Scale::covering(most))).collect();
    for (n, value) in blocks.iter().flat_map(|block| block.iter().enumerate()) {
        sums[n].add(finite(*value));
    }
    all_sum_exact(comm, &mut sums);
    sums.iter().map(ExactSum::value).collect()
}

fn largest_of(block: &[f64]) -> impl Iterator<Item = f64> + '_ {
    block.iter().map(|&value| finite(value).abs())
}

/// A force that is not finite has been reported before; here it must only do no harm.
fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}

fn relative_error(found: [f64; 3], direct: [f64; 3]) -> f64 {
    let length = |v: [f64; 3]| v[0].hypot(v[1]).hypot(v[2]);
    let difference = length(std::array::from_fn(|axis| found[axis] - direct[axis]));
    // Without any force, as on a body that is alone, nothing can be wrong.
    if difference == 0.0 { 0.0 } else { difference / length(direct) }
}

fn summary(mut errors: Vec<f64>) -> SampledError {
    errors.sort_by(f64::total_cmp);
    let Some(&max) = errors.last() else { return SampledError::default() };
    let count = errors.len() as f64;
    let rank = (0.99 * count).ceil() as usize;
    SampledError { rms: (errors.iter().map(|e| e * e).sum::<f64>() / count).sqrt(), p99: errors[rank - 1], max }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::{solo::Solo, threads};
    use crate::nbody::direct::DirectSum;
    use crate::nbody::force::Forces;
    use crate::nbody::problem::{Method, Softening};

    const GRAVITY: Gravity = Gravity {
        constant: 2.5,
        method: Method::Direct,
        accuracy: 1e-3,
        softening: Softening::Plummer(0.01),
        precision: Precision::Double,
        portable_bits: false,
    };

    /// Bodies with their direct forces, each component of the acceleration raised by a thousandth of it.
    fn raised(count: usize) -> Particles {
        let mut bodies = Particles::with_capacity(count);
        for n in 0..count {
            let position = [0, 1, 2].map(|axis| (scrambled(3 * n as u64 + axis) >> 11) as f64 / (1u64 << 53) as f64);
            bodies.push(n as u64, n as u64, 1.0, position, [0.0; 3]);
        }
        DirectSum::new(&GRAVITY, CpuPath::best()).evaluate(&mut bodies, 0, &Solo).unwrap();
        bodies.acceleration.iter_mut().flatten().for_each(|a| *a *= 1.001);
        bodies
    }

    #[test]
    fn a_known_error_is_found() {
        let error = sampled_error(&raised(500), &GRAVITY, 100, &Solo);
        for found in [error.rms, error.p99, error.max] {
            // Round-off of the two sums, 1e-15 of terms that may be a hundred times the sum, against 1e-3.
            assert!((found / 1e-3 - 1.0).abs() < 1e-9, "{found}");
        }
    }

    #[test]
    fn the_same_for_every_order_and_shape() {
        let bodies = raised(700);
        let reference = sampled_error(&bodies, &GRAVITY, 64, &Solo);
        for ranks in [1, 2, 5, 8] {
            let found = threads::run(ranks, |comm: &dyn Communicator| {
                // Bodies dealt out like cards, backwards.
                let order: Vec<u32> = (0..700).rev().filter(|n| n % ranks as u32 == comm.rank() as u32).collect();
                sampled_error(&bodies.reordered(&order), &GRAVITY, 64, comm)
            });
            assert!(found.iter().all(|error| *error == reference), "{ranks} ranks");
        }
    }

    #[test]
    fn samples_are_spread_and_distinct() {
        let indices = sample_indices(10_000_000, 1000);
        assert_eq!(indices.len(), 1000);
        assert!(indices.iter().enumerate().all(|(part, n)| n / 10_000 == part as u64));
        assert_eq!(sample_indices(3, 1000), [0, 1, 2]);
        assert!(sample_indices(0, 1000).is_empty());
    }

    #[test]
    fn no_body_and_one_body_have_no_error() {
        for count in [0, 1] {
            assert_eq!(sampled_error(&raised(count), &GRAVITY, 10, &Solo), SampledError::default());
        }
    }
}
