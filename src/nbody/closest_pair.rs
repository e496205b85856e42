//! The closest pair of bodies, exactly, over all ranks.
//!
//! Bodies go to slabs of about equal numbers along the axis on which a sample of them is widest; each rank finds the closest pair of its
//! slab with a [`PointTree`]. The best of these bounds how far across a border a closer pair may reach, and just the bodies within that
//! distance below a border are shown to the slabs above it. Borders depend on the ranks; the result does not, since it is exact, and among pairs
//! of one distance the smallest ids win.
//!
//! Distances are compared by their squares. Coordinates are multiplied by a power of two first if squares would overflow; then
//! distances of less than 2^-1000 of the extent count as less exact.

use super::tree_of_points::{Pair, Point, PointTree};
use crate::bytes::F64;
use crate::comm::route::{all_gather, all_to_all};
use crate::comm::{Communicator, ReduceOp};
use crate::nbody::sums::largest_magnitudes;
use crate::particles::Particles;
use std::ops::RangeInclusive;

/// Bytes of a point in a message.
const POINT: usize = 4 * F64;
/// Bodies in the sample of all ranks that borders are taken from.
const SAMPLE: usize = 4096;
/// Binary orders of the largest coordinate with which coordinates are compared as they are.
const MODERATE: RangeInclusive<i32> = -100..=500;

/// Two bodies and their distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClosestPair {
    /// In the length unit.
    pub distance: f64,
    /// Ids, the smaller one first.
    pub ids: [u64; 2],
}

/// The closest pair of all bodies; of several at one distance that with the smallest ids. `None` if there are less than two. Collective.
pub fn closest_pair(bodies: &Particles, comm: &dyn Communicator) -> Option<ClosestPair> {
    let scale = scale(bodies, comm);
    let point = |body: usize| Point {
        // Adding zero turns a negative zero into a positive one.
        position: bodies.position_of(body).map(|x| x * scale + 0.0),
        id: bodies.id[body],
    };
    let points: Vec<Point> = (0..bodies.len()).map(point).collect();
    let best = match comm.size() {
        1 => PointTree::new(points).closest(),
        _ => closest_over_ranks(points, comm),
    };
    (best.ids != Pair::NONE.ids).then(|| ClosestPair { distance: best.squared.sqrt() / scale, ids: best.ids })
}

/// The power of two that brings the largest coordinate into a range whose squares are normal numbers.
fn scale(bodies: &Particles, comm: &dyn Communicator) -> f64 {
    let largest = largest_magnitudes(bodies.len(), &|body| bodies.position_of(body), comm);
    let largest = largest.into_iter().fold(0.0f64, f64::max);
    let order = (largest.to_bits() >> 52 & 0x7ff) as i32 - 1022;
    match largest {
        0.0 => 1.0,
        _ if MODERATE.contains(&order) => 1.0,
        _ => 2f64.powi((MODERATE.end() - order).min(1000)),
    }
}

fn closest_over_ranks(points: Vec<Point>, comm: &dyn Communicator) -> Pair {
    let slabs = Slabs::of(&points, comm);
    let tree = PointTree::new(slabs.redistribute(points, comm));
    let own = tree.closest();
    let mut bound = [own.squared];
    comm.all_reduce(ReduceOp::Min, &mut bound);
    let guests = slabs.guests(tree.points(), bound[0], comm);
    let limit = Pair { squared: bound[0], ..Pair::NONE };
    best_of_ranks(own.or_better(tree.closest_to(&guests, limit)), comm)
}

fn best_of_ranks(own: Pair, comm: &dyn Communicator) -> Pair {
    let words = [own.squared.to_bits(), own.ids[0], own.ids[1]];
    let parts = all_gather(comm, &words.map(u64::to_le_bytes).concat());
    let pair = |bytes: &Vec<u8>| {
        let word = |n: usize| u64::from_le_bytes(bytes.as_chunks().0[n]);
        Pair { squared: f64::from_bits(word(0)), ids: [word(1), word(2)] }
    };
    // A bound without ids stands for no pair.
    let pairs = parts.iter().map(pair).filter(|pair| pair.ids != Pair::NONE.ids);
    pairs.fold(Pair::NONE, Pair::or_better)
}

/// Which rank has which part of space.
struct Slabs {
    axis: usize,
    /// Rank `n` has the coordinates from border `n - 1` to below border `n`.
    borders: Vec<f64>,
}

impl Slabs {
    fn of(points: &[Point], comm: &dyn Communicator) -> Slabs {
        let stride = points.len().div_ceil(SAMPLE / comm.size().min(SAMPLE)).max(1);
        let own: Vec<Point> = points.iter().step_by(stride).copied().collect();
        let sample: Vec<Point> = all_gather(comm, &encode(&own)).iter().flat_map(|part| decode(part)).collect();
        let sorted: [Vec<f64>; 3] = std::array::from_fn(|axis| {
            let mut values: Vec<f64> = sample.iter().map(|point| point.position[axis]).collect();
            values.sort_by(f64::total_cmp);
            values
        });
        // Without the outer tenths: one far body says nothing about where the others are.
        let spread = |values: &Vec<f64>| {
            let at = |tenth: usize| values.get(values.len() * tenth / 10).copied().unwrap_or(0.0);
            at(9) - at(1)
        };
        let spreads = sorted.each_ref().map(spread);
        let axis = (1..3).fold(0, |widest, axis| if spreads[axis] > spreads[widest] { axis } else { widest });
        let values = &sorted[axis];
        let border = |rank: usize| values.get(values.len() * rank / comm.size()).copied().unwrap_or(0.0);
        Slabs { axis, borders: (1..comm.size()).map(border).collect() }
    }

    fn rank_of(&self, coordinate: f64) -> usize {
        self.borders.partition_point(|border| *border <= coordinate)
    }

    /// The points of this rank's slab.
    fn redistribute(&self, points: Vec<Point>, comm: &dyn Communicator) -> Vec<Point> {
        let mut parts = vec![Vec::new(); comm.size()];
        for point in &points {
            push(&mut parts[self.rank_of(point.position[self.axis])], point);
        }
        drop(points);
        all_to_all(comm, &parts).iter().flat_map(|part| decode(part)).collect()
    }

    /// Points of lower slabs within the root of `squared` of this one. None at distance 0: points at one place share a slab.
    fn guests(&self, points: &[Point], squared: f64, comm: &dyn Communicator) -> Vec<Point> {
        // Two roundings are on the safe side: that of the root and that of the addition.
        let reach = squared.sqrt().next_up();
        let mut parts = vec![Vec::new(); comm.size()];
        for point in points.iter().filter(|_| squared > 0.0) {
            let last = self.rank_of((point.position[self.axis] + reach).next_up());
            (comm.rank() + 1..=last).for_each(|rank| push(&mut parts[rank], point));
        }
        all_to_all(comm, &parts).iter().flat_map(|part| decode(part)).collect()
    }
}

fn encode(points: &[Point]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(points.len() * POINT);
    points.iter().for_each(|point| push(&mut bytes, point));
    bytes
}

fn push(bytes: &mut Vec<u8>, point: &Point) {
    point.position.iter().for_each(|x| bytes.extend_from_slice(&x.to_le_bytes()));
    bytes.extend_from_slice(&point.id.to_le_bytes());
}

fn decode(bytes: &[u8]) -> impl Iterator<Item = Point> {
    bytes.as_chunks::<POINT>().0.iter().map(|chunk| {
        let word = |n: usize| u64::from_le_bytes(chunk.as_chunks().0[n]);
        Point { position: std::array::from_fn(|axis| f64::from_bits(word(axis))), id: word(3) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::solo::Solo;
    use crate::comm::threads;
    use crate::nbody::vector::{difference, length};

    fn bodies(positions: &[[f64; 3]]) -> Particles {
        let mut bodies = Particles::default();
        for (n, position) in positions.iter().enumerate() {
            bodies.push(n as u64, 1000 - n as u64, 1.0, *position, [0.0; 3]);
        }
        bodies
    }

    fn by_all_pairs(bodies: &Particles) -> Option<ClosestPair> {
        let pairs = (0..bodies.len()).flat_map(|a| (0..a).map(move |b| (a, b)));
        let measured = pairs.map(|(a, b)| {
            let mut ids = [bodies.id[a], bodies.id[b]];
            ids.sort_unstable();
            ClosestPair { distance: length(difference(bodies.position_of(a), bodies.position_of(b))), ids }
        });
        measured.min_by(|a, b| a.distance.total_cmp(&b.distance).then(a.ids.cmp(&b.ids)))
    }

    /// Every shape finds what all pairs say.
    fn check(positions: &[[f64; 3]]) {
        let all = bodies(positions);
        let expected = by_all_pairs(&all);
        assert_eq!(closest_pair(&all, &Solo), expected);
        for size in 2..=5 {
            let found = threads::run(size, |comm: &dyn Communicator| {
                let own: Vec<u32> =
                    (0..all.len() as u32).filter(|n| n % 7 % size as u32 == comm.rank() as u32).collect();
                closest_pair(&all.reordered(&own), comm)
            });
            assert!(found.iter().all(|pair| *pair == expected), "{size} ranks: {found:?}, {expected:?}");
        }
    }

    fn scattered(count: usize, seed: f64) -> Vec<[f64; 3]> {
        let fraction = |n: usize, k: f64| ((n as f64 + seed) * k).fract();
        (0..count).map(|n| [fraction(n, 0.8191725134), fraction(n, 0.671043607), fraction(n, 0.549700478)]).collect()
    }

    #[test]
    fn scattered_bodies() {
        for (count, seed) in [(0, 0.5), (1, 0.5), (2, 0.5), (9, 0.1), (300, 0.7), (1000, 0.3)] {
            check(&scattered(count, seed));
        }
    }

    #[test]
    fn clustered_bodies() {
        let shrunk =
            scattered(600, 0.2).into_iter().enumerate().map(|(n, p)| p.map(|x| x * 0.5f64.powi(n as i32 / 20)));
        check(&shrunk.collect::<Vec<_>>());
    }

    #[test]
    fn lattices_lines_and_planes_have_many_equal_pairs() {
        let lattice = |n: usize| [(n % 9) as f64, (n / 9 % 9) as f64, (n / 81) as f64];
        check(&(0..729).map(lattice).collect::<Vec<_>>());
        for axis in 0..3 {
            let line = |n: usize| std::array::from_fn(|a| if a == axis { n as f64 } else { 0.25 });
            check(&(0..200).map(line).collect::<Vec<_>>());
        }
    }

    #[test]
    fn coincident_bodies() {
        let mut positions = scattered(100, 0.4);
        positions.extend([[0.25; 3]; 40]);
        positions.extend([[-0.0; 3], [0.0; 3]]);
        check(&positions);
        // All at one place, more than all pairs of could be visited.
        let all = bodies(&vec![[3.0; 3]; 900]);
        assert_eq!(closest_pair(&all, &Solo), Some(ClosestPair { distance: 0.0, ids: [101, 102] }));
    }

    #[test]
    fn a_body_at_the_end_of_the_world() {
        let mut positions = scattered(50, 0.6);
        positions.push([0.0, 1e300, 0.0]);
        check(&positions);
        check(&[[1e300, 0.0, 0.0], [-1e300, 0.0, 0.0]]);
        check(&[[1e-300, 0.0, 0.0], [3e-300, 0.0, 0.0]]);
    }
}
