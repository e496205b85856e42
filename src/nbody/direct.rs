//! Direct summation: every body feels every other one, at the full accuracy of the pair kernel.
//!
//! # Layout
//! Bodies stay where they are: rank `r` holds block `r` of the order of indices. Those whose forces are asked for are gathered into
//! tiles of eight targets.
//!
//! # Why this way
//! Every target adds all sources in the order of their indices, whatever the ranks, threads and levels, and so gets the same bits.
//! For that, blocks of sources pass by in rank order, the same one on all ranks at the same time. Ranks pass them on along trees
//! ([`super::relay`]), and the next ones are on their way while one is computed: a rank holds ceil(log2 P) blocks more than it sums.
//! What a rank border leaves of a run of `ALIGNMENT` sources is held back until the rest arrives, so that a kernel may treat such runs
//! as a whole.
//!
//! Refused: an owner that sends its block to all others, since P - 1 blocks then leave through one link at a time while the other links
//! stand idle; and a ring in which each rank starts with its own block, which talks to neighbours only, but sums in another order on
//! each rank.
//!
//! Threads share the targets; a run of sources that fits the first-level cache meets all tiles of a thread's chunk before the next.

use super::force::{ForceCosts, Forces};
use super::gravity::{LANES, PairKernel, Sources, Tile};
use super::pair_force::{NOBODY, Own};
use super::pair_single;
use super::problem::Gravity;
use super::relay::{Hop, Relay};
use super::singular;
use crate::comm::{Communicator, Incoming, Outgoing, ReduceOp, agree};
use crate::cpu::CpuPath;
use crate::decomposition::block_range;
use crate::error::{Error, Result};
use crate::parallel::Sharing;
use crate::particles::Particles;
use crate::timing::Phase;
use crate::timing::trace::{self, Kind};
use std::collections::VecDeque;
use std::time::Instant;

/// Tag of the blocks of sources: one for all, since two ranks have at most one message in a stage, and those of stages keep their order.
const TAG: u16 = 0x6400;
/// Sources are handed to the kernel in runs that begin at multiples of it: those of 32-bit sums.
const ALIGNMENT: usize = pair_single::BLOCK;
/// Sources that meet all tiles of a chunk before the next: 16 KiB.
const RUN: usize = 512;
/// Most tiles of a chunk: 8 KiB.
const CHUNK: usize = 16;

/// Forces by direct summation, with their buffers.
#[derive(Debug)]
pub struct DirectSum {
    constant: f64,
    kernel: PairKernel,
    costs: ForceCosts,
    sharing: Sharing,
    /// Bodies whose forces are asked for.
    tiles: Vec<Tile>,
    /// Their indices.
    own: Vec<Own>,
    sources: Held,
    /// Blocks on their way, in rank order, each as it travels: all x, all y, all z, all masses.
    under_way: VecDeque<Vec<f64>>,
    /// Room for more of them.
    spare: Vec<Vec<f64>>,
}

/// Sources that have arrived and are not yet summed.
#[derive(Debug, Default)]
struct Held {
    position: [Vec<f64>; 3],
    mass: Vec<f64>,
    /// Index of the first of them, a multiple of [`ALIGNMENT`].
    first: usize,
}

impl DirectSum {
    /// For this law of force on a CPU path.
    pub fn new(gravity: &Gravity, path: CpuPath) -> DirectSum {
        DirectSum {
            constant: gravity.constant,
            kernel: PairKernel::new(gravity, path),
            costs: ForceCosts::default(),
            sharing: Sharing::default(),
            tiles: Vec::new(),
            own: Vec::new(),
            sources: Held::default(),
            under_way: VecDeque::new(),
            spare: Vec::new(),
        }
    }
}

impl Forces for DirectSum {
    fn evaluate(&mut self, bodies: &mut Particles, from_level: u8, comm: &dyn Communicator) -> Result<()> {
        let active: Vec<usize> = (0..bodies.len()).filter(|&n| bodies.level[n] >= from_level).collect();
        let mut counts = [bodies.len() as i64, active.len() as i64];
        comm.all_sum(&mut counts);
        let total = counts[0] as usize;
        agree(comm, is_in_blocks(bodies, total, comm))?;
        self.costs.evaluations += 1;
        if counts[1] == 0 {
            return Ok(());
        }
        self.gather(bodies, &active);
        self.kernel = self.kernel.with_extent(extent(bodies, comm));
        self.sum(bodies, total, comm);
        self.scatter(bodies, &active);
        self.costs.pairs += active.len() as u64 * (total as u64 - 1);
        singular::check(bodies, &active, comm)
    }

    fn costs(&self) -> ForceCosts {
        self.costs
    }

    fn set_sharing(&mut self, sharing: Sharing) {
        self.sharing = sharing;
    }
}

/// Rank `r` must hold block `r` of the order of indices.
fn is_in_blocks(bodies: &Particles, total: usize, comm: &dyn Communicator) -> Result<()> {
    let (start, length) = block_range(total, comm.size(), comm.rank());
    let is_block = bodies.len() == length && (start as u64..).zip(&bodies.index).all(|(n, index)| n == *index);
    if is_block {
        return Ok(());
    }
    Err(Error::Defect(format!(
        "direct summation needs bodies in blocks of their indices, rank {} has others",
        comm.rank()
    )))
}

/// The largest coordinate of all bodies.
fn extent(bodies: &Particles, comm: &dyn Communicator) -> f64 {
    let mut largest = [bodies.position.iter().flatten().fold(0.0f64, |most, x| most.max(x.abs()))];
    comm.all_reduce(ReduceOp::Max, &mut largest);
    largest[0]
}

impl DirectSum {
    /// Fills the tiles with the active bodies.
    fn gather(&mut self, bodies: &Particles, active: &[usize]) {
        let groups = || active.chunks(LANES);
        self.tiles.clear();
        self.tiles.extend(groups().map(|group| {
            let body = |lane: usize| group[lane.min(group.len() - 1)];
            let position = std::array::from_fn(|axis| std::array::from_fn(|lane| bodies.position[axis][body(lane)]));
            Tile { position, ..Tile::default() }
        }));
        self.own.clear();
        // Unused lanes are the last body once more, also in this: no pair of a body with itself may slow the kernel.
        let index = |group: &[usize], lane: usize| bodies.index[group[lane.min(group.len() - 1)]] as usize;
        self.own.extend(groups().map(|group| std::array::from_fn(|lane| index(group, lane))));
    }

    /// Lets all blocks of sources pass by.
    fn sum(&mut self, bodies: &Particles, total: usize, comm: &dyn Communicator) {
        let relay = Relay::new(comm.size(), comm.rank());
        self.sources.clear();
        for stage in 0..relay.stages() {
            if relay.summed(stage).is_some() {
                let block = self.under_way.pop_front().expect("a block is on its way until it is summed");
                self.sources.append(&block);
                self.spare.push(block);
            }
            if stage < comm.size() {
                let length = block_range(total, comm.size(), stage).1;
                let mut block = self.spare.pop().unwrap_or_default();
                make_ready(&mut block, length, (stage == comm.rank()).then_some(bodies));
                self.under_way.push_back(block);
            }
            let is_last = stage + 1 == relay.stages();
            let end = if is_last { total } else { self.sources.end() / ALIGNMENT * ALIGNMENT };
            self.pass(stage, relay, comm, end);
            self.sources.drop_until(end);
        }
    }

    /// Moves all blocks on by one hop, while the held sources below index `end` are summed.
    fn pass(&mut self, stage: usize, relay: Relay, comm: &dyn Communicator, end: usize) {
        let start = Instant::now();
        let DirectSum { kernel, tiles, own, sources, under_way, costs, sharing, .. } = self;
        let (mut outgoing, mut incoming) = (Vec::new(), Vec::new());
        for (block, values) in relay.under_way(stage).zip(under_way).filter(|(_, values)| !values.is_empty()) {
            match relay.hop(block, stage) {
                Some(Hop::To(to)) => outgoing.push(Outgoing { to, tag: TAG, data: bytemuck::cast_slice(values) }),
                Some(Hop::From(from)) => {
                    incoming.push(Incoming { from, tag: TAG, data: bytemuck::cast_slice_mut(values) });
                }
                None => (),
            }
        }
        costs.count(&outgoing);
        let mut near = [start; 2];
        comm.exchange(&outgoing, &mut incoming, &mut || {
            near[0] = Instant::now();
            sources.pull(kernel, tiles, own, end, *sharing);
            near[1] = Instant::now();
        });
        let exchanged = Instant::now();
        costs.near_s += (near[1] - near[0]).as_secs_f64();
        costs.exchange_s += (near[0] - start + (exchanged - near[1])).as_secs_f64();
        for (phase, begin, end) in
            [(Phase::Exchange, start, near[0]), (Phase::Near, near[0], near[1]), (Phase::Exchange, near[1], exchanged)]
        {
            trace::record(Kind::Phase(phase), begin, end, 0);
        }
    }

    /// Takes the sums to the bodies.
    fn scatter(&self, bodies: &mut Particles, active: &[usize]) {
        for (group, tile) in active.chunks(LANES).zip(&self.tiles) {
            for (lane, &body) in group.iter().enumerate() {
                for axis in 0..3 {
                    bodies.acceleration[axis][body] = self.constant * tile.acceleration[axis][lane];
                }
                bodies.potential[body] = self.constant * tile.potential[lane];
            }
        }
    }
}

impl ForceCosts {
    fn count(&mut self, outgoing: &[Outgoing<'_>]) {
        self.messages += outgoing.len() as u64;
        self.bytes += outgoing.iter().map(|message| message.data.len() as u64).sum::<u64>();
    }
}

/// Room for a block of so many sources, filled if they are these bodies.
fn make_ready(block: &mut Vec<f64>, length: usize, bodies: Option<&Particles>) {
    block.clear();
    match bodies {
        Some(Particles { position: [x, y, z], mass, .. }) => {
            [x, y, z, mass].into_iter().for_each(|part| block.extend_from_slice(part));
        }
        None => block.resize(4 * length, 0.0),
    }
}

impl Held {
    fn clear(&mut self) {
        self.drop_until(self.end());
        self.first = 0;
    }

    /// Index behind the last one.
    fn end(&self) -> usize {
        self.first + self.mass.len()
    }

    /// Takes a block that has arrived.
    fn append(&mut self, block: &[f64]) {
        let [x, y, z] = &mut self.position;
        for (values, part) in [x, y, z, &mut self.mass].into_iter().zip(block.chunks_exact((block.len() / 4).max(1))) {
            values.extend_from_slice(part);
        }
    }

    /// Forgets the sources below index `end`.
    fn drop_until(&mut self, end: usize) {
        let count = end - self.first;
        self.position.iter_mut().for_each(|values| drop(values.drain(..count)));
        self.mass.drain(..count);
        self.first = end;
    }

    /// Adds the sources below index `end` to all targets.
    fn pull(&self, kernel: &PairKernel, tiles: &mut [Tile], own: &[Own], end: usize, sharing: Sharing) {
        if self.first == end {
            return;
        }
        let chunk = tiles.len().div_ceil(4 * rayon::current_num_threads()).clamp(1, CHUNK);
        sharing.for_each_piece(tiles, chunk, |first, tiles| {
            let own = &own[first..first + tiles.len()];
            let begin = trace::is_on().then(Instant::now);
            let mut own_of_run = [[NOBODY; LANES]; CHUNK];
            for first in (self.first..end).step_by(RUN) {
                for (to, from) in own_of_run.iter_mut().zip(own) {
                    *to = from.map(|index| index.checked_sub(first).unwrap_or(NOBODY));
                }
                kernel.add_others(tiles, &own_of_run[..own.len()], self.run(first, end.min(first + RUN)));
            }
            if let Some(begin) = begin {
                trace::record_since(Kind::Tiles, begin, 0);
            }
        });
    }

    /// The sources of these indices.
    fn run(&self, first: usize, end: usize) -> Sources<'_> {
        let range = first - self.first..end - self.first;
        Sources { position: std::array::from_fn(|axis| &self.position[axis][range.clone()]), mass: &self.mass[range] }
    }
}

#[cfg(test)]
#[path = "direct_tests.rs"]
mod tests;
