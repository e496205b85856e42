//! The octree: cells in one store, their moments in another.
//!
//! There is one tree whatever the ranks: a cell has children if the bodies of all ranks in it are more than a leaf may hold. The store
//! begins with the crown (see [`super::crown`]), which all ranks have; below it each rank holds the cells of its own bodies,
//! and what has come over from others. Children of a cell are neighbours in the store.

use super::cell::{Cell, Content};
use super::expansion::count;
use super::key::{LEVELS, Prefix};
use super::lanes::{Instructions, Line, WIDTH, numbers, numbers_mut};
use super::multipole::{MomentRoom, powers_of};
use crate::nbody::gravity::Sources;
use std::ops::Range;

/// Which cells are leaves: those of at most so many bodies from a level on, and of one body anywhere.
///
/// Without the level a few bodies far outside would share one huge leaf, where the expansions of all that is inside go wrong in
/// the same sense (measured: relative errors up to 0.4 at an accuracy of 1e-3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafLimit {
    /// Bodies that a leaf holds at most (below the deepest level).
    pub bodies: u64,
    /// Level from the root on that leaves of several bodies have at least.
    pub level: u32,
    /// Level that leaves of more than a few bodies have at least.
    pub sparse_level: u32,
}

/// Bodies of a leaf that is not worth dividing, however large it is.
const FEW: u64 = 8;
/// One in so many bodies lies in a leaf that is divided for its size. (Measured, a million bodies of a Plummer sphere: one leaf far
/// outside is in the way of so many targets that dividing those of one body in a thousand saves a fifth of the time; beyond one in
/// fifty the cells cost more than they save.)
const SPARSE: i64 = 100;

impl LeafLimit {
    /// With the level that most leaves would have if `total` bodies filled the root evenly, so that even distributions get no more cells.
    pub fn new(bodies: u64, total: u64) -> LeafLimit {
        let full = (total / bodies.max(1)).max(1);
        LeafLimit { bodies, level: full.ilog2() / 3 + 1, sparse_level: 0 }
    }

    /// Divides the largest leaves further, as long as few of all bodies lie in them. `bodies` counts those of all ranks by the level of
    /// their leaf, in a tree of the limit as it is.
    pub fn refined(self, bodies: &ByLevel) -> LeafLimit {
        let most = bodies.iter().sum::<i64>() / SPARSE;
        let below = |level: &usize| bodies[..*level].iter().sum::<i64>() <= most;
        let sparse_level = (0..bodies.len()).rev().find(below).unwrap_or(0) as u32;
        LeafLimit { sparse_level, ..self }
    }

    /// True if a cell of so many bodies has children.
    pub fn splits(self, cell: Prefix, bodies: u64) -> bool {
        let is_wide = |few: u64, level: u32| bodies > few && cell.level < level;
        cell.level < LEVELS && (bodies > self.bodies || is_wide(1, self.level) || is_wide(FEW, self.sparse_level))
    }
}

/// Bodies counted by the level of their leaf.
pub type ByLevel = [i64; LEVELS as usize + 1];

/// Adds the bodies of a branch with these keys.
pub fn count_by_level(keys: &[u64], branch: Prefix, limit: LeafLimit, bodies: &mut ByLevel) {
    if !limit.splits(branch, keys.len() as u64) {
        bodies[branch.level as usize] += keys.len() as i64;
        return;
    }
    let mut rest = keys;
    for child in branch.children() {
        let (own, later) = rest.split_at(rest.partition_point(|&key| key < child.end()));
        rest = later;
        if !own.is_empty() {
            count_by_level(own, child, limit, bodies);
        }
    }
}

/// Cells of one branch, the root of which is the first; places and bodies count from the branch.
pub fn grow(keys: &[u64], branch: Prefix, limit: LeafLimit) -> Vec<Cell> {
    let mut cells = vec![Cell::empty(Content::Bodies { first: 0 })];
    divide(&mut cells, 0, keys, 0..keys.len(), branch, limit);
    cells
}

fn divide(cells: &mut Vec<Cell>, at: usize, keys: &[u64], bodies: Range<usize>, prefix: Prefix, limit: LeafLimit) {
    cells[at].first_key = prefix.first;
    cells[at].bodies = bodies.len() as u32;
    cells[at].content = Content::Bodies { first: bodies.start as u32 };
    if !limit.splits(prefix, bodies.len() as u64) {
        return;
    }
    let mut parts: arrayvec::ArrayVec<(Prefix, Range<usize>), 8> = arrayvec::ArrayVec::new();
    let mut start = bodies.start;
    for child in prefix.children() {
        let end = start + keys[start..bodies.end].partition_point(|&key| key < child.end());
        if end > start {
            parts.push((child, start..end));
        }
        start = end;
    }
    let first = cells.len();
    cells[at].content = Content::Children { first: first as u32, count: parts.len() as u8 };
    cells.resize(first + parts.len(), Cell::empty(Content::Bodies { first: 0 }));
    for (n, (child, range)) in parts.into_iter().enumerate() {
        divide(cells, first + n, keys, range, child, limit);
    }
}

/// What cells are measured with.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    /// Of the moments.
    pub order: usize,
    /// eps^2 of the kernel.
    pub softening_squared: f64,
    /// For loops over bodies.
    pub instructions: Instructions,
}

/// Bodies of a branch in order of keys, as slices of equal length.
#[derive(Clone, Copy, Debug)]
pub struct BranchBodies<'a> {
    /// Positions and masses.
    pub sources: Sources<'a>,
    /// Accelerations of the last evaluation.
    pub acceleration: [&'a [f64]; 3],
    /// Block levels.
    pub level: &'a [u8],
}

impl Measure {
    /// Lines that hold the moments of a cell.
    pub fn stride(&self) -> usize {
        count(self.order).div_ceil(WIDTH)
    }

    /// Geometry and moments of all cells of a branch, from the leaves up. `moments` holds zeros.
    pub fn branch(&self, cells: &mut [Cell], moments: &mut [Line], bodies: BranchBodies<'_>, from_level: u8) {
        let mut room = MomentRoom::default();
        for at in (0..cells.len()).rev() {
            match cells[at].content {
                Content::Children { .. } => self.parent(&mut room, cells, moments, at),
                _ => self.leaf(&mut room, &mut cells[at], &mut moments[at * self.stride()..], bodies, from_level),
            }
        }
    }

    fn leaf(&self, room: &mut MomentRoom, cell: &mut Cell, moments: &mut [Line], bodies: BranchBodies<'_>, from: u8) {
        let Content::Bodies { first } = cell.content else { return };
        let range = first as usize..first as usize + cell.bodies as usize;
        let position = bodies.sources.position.map(|x| &x[range.clone()]);
        let sources = Sources { position, mass: &bodies.sources.mass[range.clone()] };
        cell.measure_bodies(position, sources.mass);
        cell.active = bodies.level[range.clone()].iter().any(|&level| level >= from);
        cell.field = field_of(bodies.acceleration.map(|x| &x[range.clone()]));
        let moments = numbers_mut(moments);
        room.of_bodies(self.instructions, self.order, sources, cell.center, moments);
        self.set_powers(cell, moments);
    }

    /// Geometry and moments of a cell whose children, behind it in the store, have theirs.
    pub fn parent(&self, room: &mut MomentRoom, cells: &mut [Cell], moments: &mut [Line], at: usize) {
        let stride = self.stride();
        let (front, children) = cells.split_at_mut(at + 1);
        let range = front[at].children();
        let children = &children[range.start - at - 1..range.end - at - 1];
        front[at].measure_children(children);
        let (front_moments, child_moments) = moments.split_at_mut((at + 1) * stride);
        let own = numbers_mut(&mut front_moments[at * stride..]);
        own.fill(0.0);
        for (n, child) in children.iter().enumerate() {
            let from = &child_moments[(range.start - at - 1 + n) * stride..][..stride];
            room.add_child(
                self.instructions,
                self.order,
                numbers(from),
                super::cell::away(front[at].center, child.center),
                own,
            );
        }
        self.set_powers(&mut front[at], own);
    }

    fn set_powers(&self, cell: &mut Cell, moments: &[f64]) {
        let typical = 4.0 * cell.radius * cell.radius;
        let blur = self.softening_squared / (self.softening_squared + typical);
        let powers = powers_of(self.order, moments, if blur.is_nan() { 0.0 } else { blur });
        let mut scale = cell.mass;
        for (share, power) in cell.powers.iter_mut().zip(powers) {
            *share = if scale > 0.0 { (power / scale) as f32 } else { 0.0 };
            scale *= cell.radius;
        }
    }
}

/// What errors at the bodies of a leaf are compared with: the smallest acceleration of one, but at least a hundredth of their mean, so
/// that a body where forces happen to cancel does not make its surroundings dear. (Measured: the mean or the harmonic mean give a longer
/// tail of errors at the same cost.)
fn field_of(acceleration: [&[f64]; 3]) -> f64 {
    let [x, y, z] = acceleration;
    let lengths = || (0..x.len()).map(|n| (x[n] * x[n] + y[n] * y[n] + z[n] * z[n]).sqrt());
    let least = 0.01 * lengths().sum::<f64>() / x.len() as f64;
    lengths().fold(f64::INFINITY, f64::min).max(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_leaves_are_divided_while_few_bodies_lie_in_them() {
        let limit = LeafLimit::new(100, 1000);
        let mut bodies = ByLevel::default();
        assert!(!limit.refined(&bodies).splits(Prefix { first: 0, level: LEVELS }, 1 << 30));
        bodies[3] = 4;
        bodies[5] = 6;
        bodies[7] = 990;
        // Ten of a thousand lie in leaves above level 7.
        assert_eq!(limit.refined(&bodies).sparse_level, 7);
        bodies[6] = 1;
        assert_eq!(limit.refined(&bodies).sparse_level, 6);
        let splits = |level: u32, count: u64| limit.refined(&bodies).splits(Prefix { first: 0, level }, count);
        assert!(splits(5, FEW + 1) && !splits(5, FEW) && !splits(6, FEW + 1) && splits(6, 101));
    }

    #[test]
    fn bodies_are_counted_where_a_branch_has_its_leaves() {
        let limit = LeafLimit { bodies: 2, level: 0, sparse_level: 0 };
        let step = super::super::key::END >> 3;
        let keys = [0, 1, 2, step, step + 1, 5 * step];
        let mut counts = ByLevel::default();
        count_by_level(&keys, Prefix::ROOT, limit, &mut counts);
        // Three differ in their last digit alone; two and one are alone in their octants.
        let mut expected = ByLevel::default();
        expected[1] = 3;
        expected[LEVELS as usize] = 3;
        assert_eq!(counts, expected);
    }
}
