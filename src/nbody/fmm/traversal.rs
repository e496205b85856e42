//! From a tree to forces: a walk over target cells that hands lists of source cells down.
//!
//! A target cell gets the candidates that its parent could not settle. A candidate that is far enough goes to the list of the
//! target's expansion; a larger one is replaced by its children; the rest is handed to the target's children, together with the
//! expansion. At a leaf the rest are leaves, and their bodies act one by one. Lists keep the order of keys and follow from pairs of
//! cells of the global tree alone, so they are the same whoever walks. A task is one branch of this rank: it walks down the
//! crown to it and then through it. What the crown's cells sum is not stored or sent: a thread that walks several branches in a
//! row finds the cells above the next one in its room, and computes only those that it has not. Refused: the symmetric dual walk,
//! which touches two targets at once.

use super::acceptance::{Acceptance, Batch};
use super::cell::{Cell, Content, away};
use super::expansion::SIDE;
use super::interaction::Workspace;
use super::lanes::{Instructions, Line, WIDTH};
use super::local::{Local, offsets};
use super::near::{NearBodies, NearLaw, Tiles};
use super::single_lanes::SIXTEEN;
use super::store::Store;
use crate::nbody::gravity::{PairKernel, Sources, Tile};
use arrayvec::ArrayVec;
use std::ops::Range;
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

/// Sources of one target cell, each list in order of keys.
#[derive(Debug, Default)]
pub struct Lists {
    /// By order of the expansion.
    pub far: [Vec<u32>; SIDE],
    /// Leaves whose bodies act one by one.
    pub near: Vec<u32>,
    /// Cells that would have to be opened but are elsewhere.
    pub missing: Vec<u32>,
    open: Vec<u32>,
    batch: Batch,
}

/// Work space of a thread.
#[derive(Debug, Default)]
pub struct Room {
    lists: Lists,
    /// Candidates and expansion at every depth of the walk.
    candidates: Vec<Vec<u32>>,
    expansions: Vec<Local>,
    /// Cells above and at the last branch that was walked, whose candidates and expansions are still there.
    path: Vec<u32>,
    /// How many of them are also above the branch at hand.
    kept: usize,
    workspace: Workspace,
    runs: Vec<Run>,
    near: NearBodies,
    effort: Effort,
}

impl Lists {
    /// Settles the candidates of a target; what its children must look at goes to `rest`.
    pub fn settle(&mut self, judge: Judge<'_>, target: &Cell, candidates: &[u32], rest: &mut Vec<u32>) {
        self.far.iter_mut().for_each(Vec::clear);
        self.near.clear();
        rest.clear();
        self.open.clear();
        self.open.extend_from_slice(candidates);
        // Opened cells are looked at after all that stood before them, so that lanes are full.
        let mut at = 0;
        while at < self.open.len() {
            let count = WIDTH.min(self.open.len() - at);
            let sources: ArrayVec<u32, WIDTH> = self.open[at..at + count].iter().copied().collect();
            at += count;
            judge.acceptance.judge(judge.instructions, target, &judge.store.shapes, &sources, &mut self.batch);
            for (lane, &place) in sources.iter().enumerate() {
                match judge.acceptance.order(target, &self.batch, lane) {
                    Some(order) => self.far[order].push(place),
                    None => self.divide(judge.store, target, lane, place, rest),
                }
            }
        }
        self.near.sort_unstable_by_key(|&leaf| judge.store.cells[leaf as usize].first_key);
    }

    /// What becomes of a source that is too near.
    fn divide(&mut self, store: &Store, target: &Cell, lane: usize, place: u32, rest: &mut Vec<u32>) {
        let target_is_leaf = target.is_leaf();
        if self.batch.is_leaf(lane) {
            if target_is_leaf { self.near.push(place) } else { rest.push(place) }
        } else if target_is_leaf || self.batch.radius(lane) > target.radius {
            let source = &store.cells[place as usize];
            match source.content {
                Content::Elsewhere { .. } => self.missing.push(place),
                _ => self.open.extend(source.children().map(|child| child as u32)),
            }
        } else {
            rest.push(place);
        }
    }
}

/// What pairs of cells are judged with.
#[derive(Clone, Copy, Debug)]
pub struct Judge<'a> {
    /// Cells.
    pub store: &'a Store,
    /// Rule.
    pub acceptance: &'a Acceptance,
    /// For eight pairs at a time.
    pub instructions: Instructions,
}

/// What is done at the leaves of a walk.
pub trait Leaves {
    /// Called for every active leaf, when its lists and its expansion stand in the room.
    fn leaf(&mut self, walk: &Walk<'_>, room: &mut Room, depth: usize, leaf: u32);
}

impl Leaves for Output<'_> {
    fn leaf(&mut self, walk: &Walk<'_>, room: &mut Room, depth: usize, leaf: u32) {
        walk.leaf(room, depth, &walk.store.cells[leaf as usize], self);
    }
}

impl Walk<'_> {
    /// Walks to the branch that `path` leads to from the root, and through it.
    pub fn run(&self, room: &mut Room, path: &[u32], leaves: &mut impl Leaves) -> Effort {
        let start = Instant::now();
        room.effort = Effort::default();
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
        let target = &self.store.cells[path[0] as usize];
        room.deepen(depth + 1);
        if depth >= room.kept {
            self.expand(room, depth, target, parent);
        }
        if target.is_leaf() {
            return leaves.leaf(self, room, depth, path[0]);
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

    /// Lists and expansion of a target.
    fn expand(&self, room: &mut Room, depth: usize, target: &Cell, parent: Option<&Cell>) {
        let mut rest = std::mem::take(&mut room.candidates[depth + 1]);
        let judge = Judge { store: self.store, acceptance: &self.acceptance, instructions: self.instructions };
        room.lists.settle(judge, target, &room.candidates[depth], &mut rest);
        room.candidates[depth + 1] = rest;
        debug_assert!(room.lists.missing.is_empty());
        if let Some(parent) = parent {
            let (above, own) = room.expansions.split_at_mut(depth);
            own[0].inherit(self.instructions, &above[depth - 1], away(target.center, parent.center));
        }
        self.add_far(room, depth, target);
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

    fn leaf(&self, room: &mut Room, depth: usize, target: &Cell, output: &mut Output<'_>) {
        let Content::Bodies { first } = target.content else { return };
        let (start, end) = (first as usize, first as usize + target.bodies as usize);
        self.find_runs(&room.lists.near, &mut room.runs);
        let single = self.near.filter(|law| law.covers(self.widest(target, &room.lists.near)));
        if let Some(law) = &single {
            self.gather(law, target, start, room);
        }
        for first in (start..end).step_by(SIXTEEN) {
            let range = first..end.min(first + SIXTEEN);
            if self.level[range.clone()].iter().any(|&level| level >= self.from_level) {
                let mut tiles = self.tiles(range.clone());
                self.add_near(room, single.as_ref(), start, range.clone(), &mut tiles);
                for (n, tile) in tiles.iter_mut().enumerate() {
                    let bodies =
                        (range.start + n * WIDTH).min(range.end)..(range.start + (n + 1) * WIDTH).min(range.end);
                    self.add_expansion(&room.expansions[depth], target, bodies.clone(), tile);
                    self.write(tile, bodies, output);
                }
            }
        }
    }

    /// A bound of the distance from the centre of a leaf to bodies of these leaves and its own.
    fn widest(&self, target: &Cell, near: &[u32]) -> f64 {
        let reach = |&leaf: &u32| {
            let source = &self.store.cells[leaf as usize];
            away(source.center, target.center).iter().map(|x| x.abs()).sum::<f64>() + source.radius
        };
        near.iter().map(reach).fold(target.radius, f64::max)
    }

    /// Gathers what acts body by body on a leaf whose first body is `own`.
    fn gather(&self, law: &NearLaw, target: &Cell, own: usize, room: &mut Room) {
        let start = Instant::now();
        room.near.begin(target.center, self.store.cells[0].mass);
        for run in &room.runs {
            if run.is_here && run.bodies.contains(&own) {
                room.near.expect_own(own - run.bodies.start);
            }
            room.near.extend(law, self.sources_of(run));
        }
        room.effort.near_s += start.elapsed().as_secs_f64();
    }

    /// Adds to up to sixteen targets what acts body by body, in 32 bits if `single` is there and enough.
    fn add_near(
        &self,
        room: &mut Room,
        single: Option<&NearLaw>,
        first_of_leaf: usize,
        targets: Range<usize>,
        tiles: &mut Tiles,
    ) {
        let start = Instant::now();
        let sources: usize = room.runs.iter().map(|run| run.bodies.len()).sum();
        room.effort.pairs += (sources * targets.len()) as u64;
        let numbers = targets.start - first_of_leaf..targets.end - first_of_leaf;
        let is_done = single.is_some_and(|law| room.near.add_to(law, numbers, tiles));
        if !is_done {
            for (first, tile) in targets.clone().step_by(WIDTH).zip(tiles) {
                room.runs.iter().for_each(|run| self.add_run(run, first, tile));
            }
        }
        room.effort.near_s += start.elapsed().as_secs_f64();
    }

    fn tiles(&self, targets: Range<usize>) -> Tiles {
        std::array::from_fn(|n| self.tile(targets.start + n * WIDTH, targets.end))
    }

    fn tile(&self, first: usize, end: usize) -> Tile {
        let mut tile = Tile::default();
        for axis in 0..3 {
            for lane in 0..WIDTH {
                // Lanes without a body repeat the last one.
                let body = (first + lane).min(end - 1);
                tile.position[axis][lane] = self.bodies.position[axis][body];
            }
        }
        tile
    }

    fn add_run(&self, run: &Run, first: usize, tile: &mut Tile) {
        let diagonal = (run.is_here && run.bodies.contains(&first)).then(|| first - run.bodies.start);
        self.kernel.add(tile, self.sources_of(run), diagonal);
    }

    fn sources_of(&self, run: &Run) -> Sources<'_> {
        let bodies = if run.is_here { self.bodies } else { self.store.imported() };
        let range = run.bodies.clone();
        Sources { position: bodies.position.map(|x| &x[range.clone()]), mass: &bodies.mass[range] }
    }

    /// Joins leaves that lie behind each other in memory.
    fn find_runs(&self, near: &[u32], runs: &mut Vec<Run>) {
        runs.clear();
        for &leaf in near {
            let next = self.run_of(leaf);
            match runs.last_mut() {
                Some(last) if last.is_here == next.is_here && last.bodies.end == next.bodies.start => {
                    last.bodies.end = next.bodies.end;
                }
                _ => runs.push(next),
            }
        }
    }

    fn run_of(&self, leaf: u32) -> Run {
        let cell = &self.store.cells[leaf as usize];
        let bodies = |first: u32| first as usize..first as usize + cell.bodies as usize;
        match cell.content {
            Content::Bodies { first } => Run { is_here: true, bodies: bodies(first) },
            Content::ImportedBodies { first } => Run { is_here: false, bodies: bodies(first) },
            _ => unreachable!("a walk starts when all bodies that it needs are here"),
        }
    }

    fn add_expansion(&self, expansion: &Local, target: &Cell, bodies: Range<usize>, tile: &mut Tile) {
        let places = offsets(self.bodies.position.map(|x| &x[bodies.clone()]), target.center);
        let field = expansion.at(self.instructions, &places);
        for lane in 0..bodies.len() {
            for axis in 0..3 {
                tile.acceleration[axis][lane] += field.gradient[axis].0[lane];
            }
            tile.potential[lane] -= field.potential.0[lane];
        }
    }

    fn write(&self, tile: &Tile, bodies: Range<usize>, output: &mut Output<'_>) {
        for (lane, body) in bodies.enumerate().filter(|(_, body)| self.level[*body] >= self.from_level) {
            let at = body - output.first;
            for axis in 0..3 {
                output.acceleration[axis][at] = self.constant * tile.acceleration[axis][lane];
            }
            output.potential[at] = self.constant * tile.potential[lane];
        }
    }
}

/// Source bodies that lie behind each other in memory.
#[derive(Clone, Debug)]
struct Run {
    /// Of this rank, not imported.
    is_here: bool,
    bodies: Range<usize>,
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
