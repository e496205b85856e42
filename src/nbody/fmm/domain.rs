//! Which bodies a rank has: a run of branches of the global tree, chosen by what bodies have cost in the last evaluation.

use super::crown::{Crown, LocalKeys};
use super::key::RootCube;
use super::octree::{ByLevel, LeafLimit, count_by_level};
use crate::comm::{Communicator, ReduceOp, agree, route};
use crate::error::{Error, Result};
use crate::particles::{Particles, Row, WORDS};
use rayon::prelude::*;
use std::ops::Range;

/// Branches per rank: a border can miss an equal share of work by half a branch.
const BRANCHES: u64 = 64;
/// Bodies leave a rank in batches of this many, so that messages take little memory.
const BATCH: usize = 1 << 16;

/// The bodies of this rank in order of keys, and who has which.
#[derive(Clone, Debug)]
pub struct Domain {
    /// The upper tree.
    pub crown: Crown,
    /// The first branch of every rank, and the number of branches at the end.
    pub borders: Vec<usize>,
    /// Which cells of the tree are leaves.
    pub limit: LeafLimit,
    /// Keys of the bodies of this rank, ascending.
    pub keys: Vec<u64>,
}

/// Sorts the bodies along the curve and moves them to the ranks that own their branches. `work` is what each body has cost; bodies count
/// alike if it has another length. Returns `None` if there are no bodies. Collective.
///
/// # Errors
/// If a position is not finite.
pub fn distribute(
    bodies: &mut Particles,
    work: &[f32],
    leaf_capacity: u64,
    comm: &dyn Communicator,
) -> Result<Option<Domain>> {
    agree(comm, check_positions(bodies))?;
    let mut total = [bodies.len() as i64];
    comm.all_sum(&mut total);
    if total[0] == 0 {
        return Ok(None);
    }
    let cube = root_cube(bodies, comm);
    let mut sorted = Sorted::of(bodies, &cube);
    let grain = grain(total[0] as u64, comm.size());
    let work_before = sorted.work_before(work);
    let limit = LeafLimit::new(leaf_capacity, total[0] as u64);
    let crown = Crown::find(LocalKeys { keys: &sorted.keys, work_before: &work_before }, grain, limit, comm);
    let borders = crown.borders(comm.size());
    if comm.size() > 1 {
        let before = bodies.len();
        let own = travel(bodies, &sorted, &crown, &borders, comm);
        sorted = sorted.changed(own, bodies, before, &cube);
    }
    reorder(bodies, &sorted.order);
    let limit = limit.refined(&bodies_by_level(&sorted.keys, &crown, &borders, limit, comm));
    Ok(Some(Domain { crown, borders, limit, keys: sorted.keys }))
}

/// Bodies of a branch at most, if so many bodies are shared out to so many ranks.
pub fn grain(total: u64, ranks: usize) -> u64 {
    (total / (BRANCHES * ranks as u64)).max(1)
}

fn check_positions(bodies: &Particles) -> Result<()> {
    let is_lost = |body: &usize| !(0..3).all(|axis| bodies.position[axis][*body].is_finite());
    match (0..bodies.len()).filter(is_lost).min_by_key(|&body| bodies.id[body]) {
        Some(body) => Err(Error::Numerical(format!("the position of body {} is not finite", bodies.id[body]))),
        None => Ok(()),
    }
}

fn root_cube(bodies: &Particles, comm: &dyn Communicator) -> RootCube {
    let mut low = [0, 1, 2].map(|axis| bodies.position[axis].iter().copied().fold(f64::INFINITY, f64::min));
    let mut high = [0, 1, 2].map(|axis| bodies.position[axis].iter().copied().fold(f64::NEG_INFINITY, f64::max));
    comm.all_reduce(ReduceOp::Min, &mut low);
    comm.all_reduce(ReduceOp::Max, &mut high);
    RootCube::covering(low, high)
}

/// Keys in ascending order, ties by id, and where the bodies are.
struct Sorted {
    keys: Vec<u64>,
    order: Vec<u32>,
}

/// Key, id and place of a body.
type Entry = (u64, u64, u32);

/// Ascending entries of the bodies in these places.
fn entries(bodies: &Particles, places: Range<usize>, cube: &RootCube) -> Vec<Entry> {
    let entry = |n: usize| (cube.key(bodies.position_of(n)), bodies.id[n], n as u32);
    let mut entries: Vec<Entry> = places.into_par_iter().map(entry).collect();
    // Between two evaluations few bodies leave their place, so most of it is sorted.
    if !entries.is_sorted() {
        entries.par_sort_unstable();
    }
    entries
}

impl Sorted {
    fn of(bodies: &Particles, cube: &RootCube) -> Sorted {
        let entries = entries(bodies, 0..bodies.len(), cube);
        Sorted {
            keys: entries.iter().map(|entry| entry.0).collect(),
            order: entries.iter().map(|entry| entry.2).collect(),
        }
    }

    /// The range `own` of these bodies and those that have come, which stand in their places from `before` on.
    fn changed(self, own: Range<usize>, bodies: &Particles, before: usize, cube: &RootCube) -> Sorted {
        if own == (0..before) && before == bodies.len() {
            return self;
        }
        let come = entries(bodies, before..bodies.len(), cube);
        let count = own.len() + come.len();
        let mut merged = Sorted { keys: Vec::with_capacity(count), order: Vec::with_capacity(count) };
        let mut come = come.into_iter().peekable();
        for n in own {
            let stays = (self.keys[n], bodies.id[self.order[n] as usize], self.order[n]);
            while let Some(comes) = come.next_if(|comes| *comes < stays) {
                merged.push(comes);
            }
            merged.push(stays);
        }
        come.for_each(|comes| merged.push(comes));
        merged
    }

    fn push(&mut self, (key, _, place): Entry) {
        self.keys.push(key);
        self.order.push(place);
    }

    /// Sums of work before every body and behind the last, in whole units of a thousandth of the smallest share.
    fn work_before(&self, work: &[f32]) -> Vec<u64> {
        let known = work.len() == self.order.len();
        let of = |body: u32| if known { work[body as usize].clamp(1.0, 1e9) as u64 } else { 1 };
        let mut sum = 0;
        let mut before = Vec::with_capacity(self.order.len() + 1);
        before.push(0);
        for &body in &self.order {
            sum += of(body);
            before.push(sum);
        }
        before
    }
}

/// Bodies of all ranks by the level of their leaf. Collective.
fn bodies_by_level(
    keys: &[u64],
    crown: &Crown,
    borders: &[usize],
    limit: LeafLimit,
    comm: &dyn Communicator,
) -> ByLevel {
    let own = borders[comm.rank()]..borders[comm.rank() + 1];
    let ranges = crown.body_ranges(own.clone());
    let add = |mut counts: ByLevel, (&node, range): (&usize, Range<usize>)| {
        count_by_level(&keys[range], crown.nodes[node].prefix, limit, &mut counts);
        counts
    };
    let sum = |one: ByLevel, other: ByLevel| std::array::from_fn(|level| one[level] + other[level]);
    let mut counts =
        crown.branches[own].par_iter().zip(ranges).fold(ByLevel::default, add).reduce(ByLevel::default, sum);
    comm.all_sum(&mut counts);
    counts
}

/// Sends bodies away that others own and appends those that come. Returns which of the sorted bodies stay; the others are still there.
fn travel(
    bodies: &mut Particles,
    sorted: &Sorted,
    crown: &Crown,
    borders: &[usize],
    comm: &dyn Communicator,
) -> Range<usize> {
    let first_key = |branch: usize| match crown.branches.get(branch) {
        Some(&node) => crown.nodes[node].prefix.first,
        None => super::key::END,
    };
    let first_body = |rank: usize| sorted.keys.partition_point(|&key| key < first_key(borders[rank]));
    let ranges: Vec<_> = (0..comm.size()).map(|rank| first_body(rank)..first_body(rank + 1)).collect();
    let mut leaving: Vec<&[u32]> = ranges.iter().map(|range| &sorted.order[range.clone()]).collect();
    leaving[comm.rank()] = &[];
    let batch = (BATCH / comm.size()).max(1);
    let arriving: u64 = route::swap(comm, leaving.iter().map(|rest| rest.len() as u64).collect()).iter().sum();
    let mut arrived = Particles::with_capacity(arriving as usize);
    loop {
        let mut left = [leaving.iter().map(|rest| rest.len()).max().unwrap_or(0) as f64];
        comm.all_reduce(ReduceOp::Max, &mut left);
        if left[0] == 0.0 {
            break;
        }
        let parts: Vec<Vec<u8>> = leaving.iter_mut().map(|rest| next_batch(bodies, rest, batch)).collect();
        route::all_to_all(comm, &parts).iter().for_each(|part| unpack(part, &mut arrived));
    }
    append(bodies, arrived);
    ranges[comm.rank()].clone()
}

fn next_batch(bodies: &Particles, rest: &mut &[u32], most: usize) -> Vec<u8> {
    let (batch, later) = rest.split_at(rest.len().min(most));
    *rest = later;
    let mut bytes = Vec::with_capacity(batch.len() * WORDS * size_of::<u64>());
    batch.iter().flat_map(|&body| bodies.row(body as usize)).for_each(|word| bytes.extend(word.to_le_bytes()));
    bytes
}

fn unpack(part: &[u8], into: &mut Particles) {
    for row in part.chunks_exact(8 * WORDS) {
        let row: Row = std::array::from_fn(|n| word(row, n));
        into.push_row(&row);
    }
}

/// The n-th word of a message.
fn word(bytes: &[u8], n: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|byte| bytes[8 * n + byte]))
}

/// Appends bodies array by array, none with more room than it needs.
fn append(bodies: &mut Particles, more: Particles) {
    for (own, more) in bodies.position.iter_mut().zip(more.position) {
        extend(own, more);
    }
    for (own, more) in bodies.velocity.iter_mut().zip(more.velocity) {
        extend(own, more);
    }
    for (own, more) in bodies.acceleration.iter_mut().zip(more.acceleration) {
        extend(own, more);
    }
    extend(&mut bodies.potential, more.potential);
    extend(&mut bodies.mass, more.mass);
    extend(&mut bodies.id, more.id);
    extend(&mut bodies.index, more.index);
    extend(&mut bodies.level, more.level);
}

fn extend<T>(values: &mut Vec<T>, mut more: Vec<T>) {
    values.reserve_exact(more.len());
    values.append(&mut more);
}

/// Puts the bodies named by `order`, and only those, in this order, with room for one array more.
fn reorder(bodies: &mut Particles, order: &[u32]) {
    if order.len() == bodies.len() && order.is_sorted() {
        return;
    }
    for axis in 0..3 {
        permute(&mut bodies.position[axis], order);
        permute(&mut bodies.velocity[axis], order);
        permute(&mut bodies.acceleration[axis], order);
    }
    permute(&mut bodies.potential, order);
    permute(&mut bodies.mass, order);
    permute(&mut bodies.id, order);
    permute(&mut bodies.index, order);
    permute(&mut bodies.level, order);
}

fn permute<T: Copy + Send + Sync>(values: &mut Vec<T>, order: &[u32]) {
    *values = order.par_iter().map(|&from| values[from as usize]).collect();
}
