//! A balanced tree of the points of one rank, for the closest pair among them.
//!
//! Points are halved along the widest side of their box again and again, down to leaves of at most `LEAF`. Halving by number makes the tree
//! indifferent to scales: a point 1e300 away, lines, planes and lattices change nothing. Boxes stand level by level, the two halves of
//! box `n` at `2 n` and `2 n + 1` of the next level. Refused: a grid of cells, of which one would hold everything but the far point.

use super::vector::{difference, squared};
use rayon::prelude::*;
use std::ops::Range;

/// Most points of a leaf.
const LEAF: usize = 8;
/// Fewer points than this are halved by one thread.
const TASK: usize = 8192;

/// A body as far as distances go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// x, y, z; no negative zeros.
    pub position: [f64; 3],
    /// Name of the body.
    pub id: u64,
}

/// Two points and their distance, in the order in which candidates are preferred: the nearer pair, then the smaller ids.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Square of the distance.
    pub squared: f64,
    /// Ids, the smaller one first.
    pub ids: [u64; 2],
}

impl Pair {
    /// The pair that any other one is preferred to.
    pub const NONE: Pair = Pair { squared: f64::INFINITY, ids: [u64::MAX; 2] };

    fn of(a: &Point, b: &Point) -> Pair {
        let squared = squared(difference(a.position, b.position));
        Pair { squared, ids: [a.id.min(b.id), a.id.max(b.id)] }
    }

    /// The preferred one of two.
    pub fn or_better(self, other: Pair) -> Pair {
        let key = |pair: &Pair| (pair.squared.to_bits(), pair.ids);
        if key(&other) < key(&self) { other } else { self }
    }
}

#[derive(Clone, Copy, Debug)]
struct Bounds {
    lower: [f64; 3],
    upper: [f64; 3],
}

impl Bounds {
    fn of(points: &[Point]) -> Bounds {
        let empty = Bounds { lower: [f64::INFINITY; 3], upper: [f64::NEG_INFINITY; 3] };
        points.iter().fold(empty, |bounds, p| bounds.union(&Bounds { lower: p.position, upper: p.position }))
    }

    fn union(&self, other: &Bounds) -> Bounds {
        Bounds {
            lower: std::array::from_fn(|a| self.lower[a].min(other.lower[a])),
            upper: std::array::from_fn(|a| self.upper[a].max(other.upper[a])),
        }
    }

    fn widest(&self) -> usize {
        let [x, y, z] = difference(self.upper, self.lower);
        if x >= y && x >= z {
            0
        } else if y >= z {
            1
        } else {
            2
        }
    }

    /// Square of the distance of two boxes, never more than that of two points in them: every operation is monotone.
    fn gap_squared(&self, other: &Bounds) -> f64 {
        squared(std::array::from_fn(|a| (other.lower[a] - self.upper[a]).max(self.lower[a] - other.upper[a]).max(0.0)))
    }
}

/// The points of a rank.
pub struct PointTree {
    points: Vec<Point>,
    leaves: Vec<Range<usize>>,
    /// The root first, the leaves last.
    levels: Vec<Vec<Bounds>>,
}

impl PointTree {
    /// Sorts the points into a tree.
    pub fn new(mut points: Vec<Point>) -> PointTree {
        let depth = points.len().div_ceil(LEAF).max(1).next_power_of_two().ilog2();
        halve(&mut points, depth);
        let mut leaves: Vec<Range<usize>> = std::iter::once(0..points.len()).collect();
        for _ in 0..depth {
            leaves = leaves.iter().flat_map(|part| [part.start..middle(part), middle(part)..part.end]).collect();
        }
        let mut levels = vec![leaves.par_iter().map(|leaf| Bounds::of(&points[leaf.clone()])).collect::<Vec<_>>()];
        for level in 0..depth as usize {
            levels.push(levels[level].chunks_exact(2).map(|halves| halves[0].union(&halves[1])).collect());
        }
        levels.reverse();
        PointTree { points, leaves, levels }
    }

    /// The closest pair; [`Pair::NONE`] if there are less than two points.
    pub fn closest(&self) -> Pair {
        let leaves = self.leaves.par_iter().with_min_len(64);
        let near = leaves.map(|leaf| closest_within(&self.points[leaf.clone()])).reduce(|| Pair::NONE, Pair::or_better);
        match near.squared {
            // So many points may coincide that visiting all of their pairs would take for ever.
            0.0 => self.coincident().unwrap_or(near),
            _ => self.within(0, 0, near),
        }
    }

    /// The best pair of one of `others` and one of the points; `best` if that is better.
    pub fn closest_to(&self, others: &[Point], best: Pair) -> Pair {
        let visit = |best: Pair, other: &Point| {
            self.nearest(other, &Bounds { lower: other.position, upper: other.position }, 0, 0, best)
        };
        others.par_iter().with_min_len(64).fold(|| best, visit).reduce(|| best, Pair::or_better)
    }

    /// The points.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The smallest ids that share a place.
    fn coincident(&self) -> Option<Pair> {
        let mut sorted = self.points.clone();
        let key = |point: &Point| (point.position.map(f64::to_bits), point.id);
        sorted.par_sort_unstable_by_key(key);
        let same = sorted.windows(2).filter(|pair| pair[0].position == pair[1].position);
        same.map(|pair| Pair::of(&pair[0], &pair[1])).reduce(Pair::or_better)
    }

    /// Pairs of points of a box that lie in different leaves.
    fn within(&self, level: usize, at: usize, best: Pair) -> Pair {
        if level + 1 == self.levels.len() {
            return best;
        }
        let best = self.between(level + 1, [2 * at, 2 * at + 1], best);
        let half = |at: usize| self.within(level + 1, at, best);
        if self.points.len() >> level < TASK {
            return self.within(level + 1, 2 * at + 1, half(2 * at));
        }
        let (lower, upper) = rayon::join(|| half(2 * at), || half(2 * at + 1));
        lower.or_better(upper)
    }

    /// Pairs of a point of one box and a point of another.
    fn between(&self, level: usize, [a, b]: [usize; 2], mut best: Pair) -> Pair {
        let bounds = &self.levels[level];
        if bounds[a].gap_squared(&bounds[b]) > best.squared {
            return best;
        }
        if level + 1 == self.levels.len() {
            let others = &self.points[self.leaves[b].clone()];
            return self.points[self.leaves[a].clone()]
                .iter()
                .fold(best, |best, point| closest_of(point, others, best));
        }
        for (a, b) in [(2 * a, 2 * b), (2 * a, 2 * b + 1), (2 * a + 1, 2 * b), (2 * a + 1, 2 * b + 1)] {
            best = self.between(level + 1, [a, b], best);
        }
        best
    }

    fn nearest(&self, other: &Point, place: &Bounds, level: usize, at: usize, best: Pair) -> Pair {
        if self.points.is_empty() || self.levels[level][at].gap_squared(place) > best.squared {
            return best;
        }
        if level + 1 == self.levels.len() {
            return closest_of(other, &self.points[self.leaves[at].clone()], best);
        }
        let best = self.nearest(other, place, level + 1, 2 * at, best);
        self.nearest(other, place, level + 1, 2 * at + 1, best)
    }
}

fn closest_within(points: &[Point]) -> Pair {
    points.iter().enumerate().fold(Pair::NONE, |best, (n, point)| closest_of(point, &points[n + 1..], best))
}

fn closest_of(point: &Point, others: &[Point], best: Pair) -> Pair {
    others.iter().fold(best, |best, other| best.or_better(Pair::of(point, other)))
}

fn middle(part: &Range<usize>) -> usize {
    part.start + part.len() / 2
}

fn halve(points: &mut [Point], depth: u32) {
    if depth == 0 {
        return;
    }
    let (axis, half) = (Bounds::of(points).widest(), points.len() / 2);
    points.select_nth_unstable_by(half, |a, b| a.position[axis].total_cmp(&b.position[axis]));
    let parallel = points.len() >= TASK;
    let (lower, upper) = points.split_at_mut(half);
    if parallel {
        rayon::join(|| halve(lower, depth - 1), || halve(upper, depth - 1));
    } else {
        halve(lower, depth - 1);
        halve(upper, depth - 1);
    }
}
