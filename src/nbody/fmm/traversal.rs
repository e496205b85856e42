//! From a tree to forces: a walk over target cells that hands lists of source cells down.
//!
//! A target cell gets the candidates that its parent could not settle. A candidate that is far enough goes to the list of the
//! target's expansion; a larger one is replaced by its children; the rest is handed to the target's children, together with the
//! expansion. At a leaf the rest is opened down to leaves, whose bodies act one by one. Lists keep the order of keys and follow from pairs of
//! cells of the global tree alone, so they are the same whoever walks. A task is one branch of this rank: it walks down the
//! crown to it and then through it. A leaf is a target about a ball of its own ([`super::ball`]); one to which too much is left is
//! divided like a cell, for this walk only ([`super::parts`]). What the crown's cells sum is not stored or sent: a thread that walks
//! several branches in a row finds the cells above the next one in its room, and computes only those that it has not. Refused: the
//! symmetric dual walk, which touches two targets at once.

use super::acceptance::Acceptance;
use super::cell::{Cell, Content, away};
use super::expansion::SIDE;
use super::interaction::Workspace;
use super::lanes::{Instructions, Line, WIDTH};
use super::leaf::Run;
use super::lists::{Judge, Lists};
use super::local::Local;
use super::near::{NearBodies, NearLaw};
use super::parts;
use super::store::Store;
use crate::nbody::gravity::{PairKernel, Sources};
use std::time::Instant;

/// Everything that walks share.
#[derive(Clone, Copy, Debug)]
pub struct Walk<'a> {
    /// Cells.
    pub store: &'a Store,
    /// Bodies of this rank in order of keys.
    pub bodies: Sources<'a>,
    /// Their block levels.
    pub level: &'a [u8],
    /// Bodies of lower levels keep their forces.
    pub from_level: u8,
    /// Rule for pairs of cells.
    pub acceptance: Acceptance,
    /// Force of pairs of bodies.
    pub kernel: PairKernel,
    /// The same in 32 bits, where that is enough.
    pub near: Option<NearLaw>,
    /// For pairs of cells.
    pub instructions: Instructions,
    /// Gravitational constant.
    pub constant: f64,
    /// False if leaves are taken as points.
    pub needs_bodies: bool,
    /// Bodies that a leaf takes one by one before it is walked in parts.
    pub most_left: u64,
}

/// Where a task writes: the bodies of its branch.
#[derive(Debug)]
pub struct Output<'a> {
    /// The first of them.
    pub first: usize,
    /// x, y, z.
    pub acceleration: [&'a mut [f64]; 3],
    /// Potential.
    pub potential: &'a mut [f64],
}

/// What a walk has cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Effort {
    /// Pairs of bodies.
    pub pairs: u64,
    /// Pairs of cells.
    pub cell_pairs: u64,
    /// Seconds with pairs of bodies.
    pub near_s: f64,
    /// Seconds with everything else.
    pub far_s: f64,
}

impl std::ops::AddAssign for Effort {
    fn add_assign(&mut self, other: Effort) {
        self.pairs += other.pairs;
        self.cell_pairs += other.cell_pairs;
        self.near_s += other.near_s;
        self.far_s += other.far_s;
    }
}

/// Work space of a thread.
#[derive(Debug, Default)]
pub struct Room {
    pub(super) lists: Lists,
    /// Candidates and expansion at every depth of the walk.
    candidates: Vec<Vec<u32>>,
    pub(super) expansions: Vec<Local>,
    /// Cells above and at the last branch that was walked, whose candidates and expansions are still there.
    path: Vec<u32>,
    /// How many of them are also above the branch at hand.
    kept: usize,
    workspace: Workspace,
    pub(super) runs: Vec<Run>,
    pub(super) near: NearBodies,
    pub(super) effort: Effort,
    /// Cells whose content the walk has missed.
    pub missing: Vec<u32>,
}

/// What is done at the leaves of a walk.
pub trait Leaves {
    /// Called for every active leaf or part of one, when its lists and its expansion stand in the room.
    fn leaf(&mut self, walk: &Walk<'_>, room: &mut Room, depth: usize, target: &Cell, leaf: u32);
}

impl Leaves for Output<'_> {
    fn leaf(&mut self, walk: &Walk<'_>, room: &mut Room, depth: usize, target: &Cell, _: u32) {
        walk.leaf(room, depth, target, self);
    }
}

impl Walk<'_> {
    /// Walks to the branch that `path` leads to from the root, and through it. If cells are missing they stand in the room, and the branch
    /// must be walked again when they are there.
    pub fn run(&self, room: &mut Room, path: &[u32], leaves: &mut impl Leaves) -> Effort {
        let start = Instant::now();
        room.effort = Effort::default();
        room.missing.clear();
        room.keep(path);
        room.deepen(0);
        room.candidates[0].clear();
        room.candidates[0].push(0);
        if room.kept == 0 {
            room.expansions[0].clear();
        }
        self.visit(room, path, 0, None, leaves);
        room.effort.far_s = start.elapsed().as_secs_f64() - room.effort.near_s;
        room.effort
    }

    fn visit(&self, room: &mut Room, path: &[u32], depth: usize, parent: Option<&Cell>, leaves: &mut impl Leaves) {
        let target = &self.target(path[0]);
        room.deepen(depth + 1);
        if depth >= room.kept {
            self.expand(room, depth, target, parent);
        }
        if target.is_leaf() {
            return self.visit_leaf(room, target, path[0], depth, leaves);
        }
        if path.len() > 1 {
            return self.visit(room, &path[1..], depth + 1, Some(target), leaves);
        }
        for child in target.children() {
            if self.store.cells[child].active {
                self.visit(room, &[child as u32], depth + 1, Some(target), leaves);
            }
        }
    }

    /// A leaf, or a part of it, whose lists and expansion stand in the room but for what was left to its bodies.
    fn visit_leaf(&self, room: &mut Room, target: &Cell, leaf: u32, depth: usize, leaves: &mut impl Leaves) {
        if self.needs_bodies && parts::is_divided(target, room.lists.rest_bodies, self.most_left) {
            return self.visit_parts(room, target, leaf, depth, leaves);
        }
        room.lists.settle_rest(self.judge(), target, &room.candidates[depth + 1]);
        if self.needs_bodies {
            room.lists.miss_bodies(self.store);
        }
        if !room.lists.missing.is_empty() {
            return room.missing.append(&mut room.lists.missing);
        }
        self.add_far(room, depth, target);
        leaves.leaf(self, room, depth, target, leaf);
    }

    fn visit_parts(&self, room: &mut Room, target: &Cell, leaf: u32, depth: usize, leaves: &mut impl Leaves) {
        self.add_far(room, depth, target);
        for part in self.parts(target) {
            room.deepen(depth + 2);
            self.expand(room, depth + 1, &part, Some(target));
            self.visit_leaf(room, &part, leaf, depth + 1, leaves);
        }
    }

    /// Lists and expansion of a target; those of a leaf lack what is left to its bodies.
    fn expand(&self, room: &mut Room, depth: usize, target: &Cell, parent: Option<&Cell>) {
        let mut rest = std::mem::take(&mut room.candidates[depth + 1]);
        room.lists.settle(self.judge(), target, &room.candidates[depth], &mut rest);
        room.candidates[depth + 1] = rest;
        room.missing.append(&mut room.lists.missing);
        if let Some(parent) = parent {
            let (above, own) = room.expansions.split_at_mut(depth);
            own[0].inherit(self.instructions, &above[depth - 1], away(target.center, parent.center));
        }
        if !target.is_leaf() {
            self.add_far(room, depth, target);
        }
    }

    /// A cell with the centre and the radius that it has as a target.
    pub(super) fn target(&self, place: u32) -> Cell {
        let cell = &self.store.cells[place as usize];
        match cell.content {
            Content::Bodies { first } => {
                let (first, count) = (first as usize, cell.bodies as usize);
                cell.as_target(self.bodies.position.map(|x| &x[first..first + count]))
            }
            _ => *cell,
        }
    }

    /// The parts of a leaf, or of a part of one, that want new forces.
    pub(super) fn parts(&self, target: &Cell) -> impl Iterator<Item = Cell> {
        parts::of(target, self.bodies, self.level, self.from_level)
    }

    pub(super) fn judge(&self) -> Judge<'_> {
        Judge {
            store: self.store,
            acceptance: &self.acceptance,
            instructions: self.instructions,
            passes_over_complete: false,
        }
    }

    fn add_far(&self, room: &mut Room, depth: usize, target: &Cell) {
        let Some(highest) = (0..SIDE).rev().find(|&order| !room.lists.far[order].is_empty()) else { return };
        for order in 0..=highest {
            let mut list = std::mem::take(&mut room.lists.far[order]);
            room.effort.cell_pairs += list.len() as u64;
            if order < highest {
                // What does not fill the lanes is done at the next order that is needed.
                let full = list.len() / WIDTH * WIDTH;
                let above = (order + 1..=highest).find(|&above| !room.lists.far[above].is_empty()).unwrap_or(highest);
                room.effort.cell_pairs -= (list.len() - full) as u64;
                room.lists.far[above].extend_from_slice(&list[full..]);
                list.truncate(full);
            }
            list.chunks(WIDTH).for_each(|sources| self.interact(&mut room.workspace, order, target, sources));
            room.lists.far[order] = list;
        }
        let derivatives = room.workspace.take_expansion(highest);
        room.expansions[depth].add_derivatives(highest, &derivatives);
    }

    fn interact(&self, workspace: &mut Workspace, order: usize, target: &Cell, sources: &[u32]) {
        let mut distances = [[0.0; 3]; WIDTH];
        let mut moments: [&[Line]; WIDTH] = [&[]; WIDTH];
        for (lane, &place) in sources.iter().enumerate() {
            distances[lane] = away(target.center, self.store.cells[place as usize].center);
            moments[lane] = self.store.moments_of(place as usize);
        }
        let (distances, moments) = (&distances[..sources.len()], &moments[..sources.len()]);
        workspace.interact(self.instructions, order, distances, moments, self.acceptance.softening_squared());
    }
}

impl Room {
    /// The expansion of the target at a depth of the walk.
    pub fn expansion(&self, depth: usize) -> &Local {
        &self.expansions[depth]
    }

    /// Leaves that act on the current target body by body.
    pub fn near_leaves(&self) -> &[u32] {
        &self.lists.near
    }

    /// Keeps what the last walk found for cells that are also above the branch that this path leads to.
    fn keep(&mut self, path: &[u32]) {
        let above = &path[..path.len() - 1];
        self.kept = self.path.iter().zip(above).take_while(|(old, new)| old == new).count();
        self.path.clear();
        self.path.extend_from_slice(path);
    }

    fn deepen(&mut self, depth: usize) {
        while self.candidates.len() <= depth {
            self.candidates.push(Vec::new());
            self.expansions.push(Local::default());
        }
    }
}
