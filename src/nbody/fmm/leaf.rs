//! The end of a walk: bodies of a leaf feel near bodies one by one and everything else through the expansion.
//!
//! Sixteen targets are summed at a time, as two tiles of eight; few targets take their sources in lanes instead (measured, a million bodies
//! at 1e-7: a quarter of the time). Near leaves that lie behind each other in memory act as one run,
//! so that the inner loop is long. Where 32 bits are enough for a leaf (`near.rs`), its near bodies are gathered once and used for
//! all of its tiles.

use super::cell::{Cell, Content, away};
use super::lanes::WIDTH;
use super::local::{Local, offsets};
use super::near::{NearLaw, Tiles};
use super::single_lanes::SIXTEEN;
use super::traversal::{Output, Room, Walk};
use crate::nbody::gravity::{Sources, Tile, own_from};
use crate::nbody::pair_across::Spread;
use crate::nbody::pair_force::{NOBODY, Own};
use arrayvec::ArrayVec;
use std::ops::Range;
use std::time::Instant;

/// So many targets at most take their sources in lanes.
const FEW: usize = 4;

/// Source bodies that lie behind each other in memory.
#[derive(Clone, Debug)]
pub struct Run {
    /// Of this rank, not imported.
    is_here: bool,
    bodies: Range<usize>,
}

impl Walk<'_> {
    /// Forces on the bodies of a leaf, from the lists and the expansion that stand in the room.
    pub(super) fn leaf(&self, room: &mut Room, depth: usize, target: &Cell, output: &mut Output<'_>) {
        let Content::Bodies { first } = target.content else { return };
        let (start, end) = (first as usize, first as usize + target.bodies as usize);
        if end - start <= FEW && self.few(room, depth, target, start..end, output) {
            return;
        }
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

    /// The same for few bodies, which take their sources in lanes. False, and nothing done, where that leaves the range of numbers.
    fn few(&self, room: &mut Room, depth: usize, target: &Cell, bodies: Range<usize>, output: &mut Output<'_>) -> bool {
        let start = Instant::now();
        let found = self.kernel.reaches(self.reach()).then(|| self.pulled_across(&room.lists.near, bodies.clone()));
        room.effort.near_s += start.elapsed().as_secs_f64();
        let Some((mut tile, pairs)) = found.filter(|(tile, _)| tile.is_finite()) else { return false };
        room.effort.pairs += pairs;
        self.add_expansion(&room.expansions[depth], target, bodies.clone(), &mut tile);
        self.write(&tile, bodies, output);
        true
    }

    /// What acts body by body on few targets, and the pairs. Sources are cut at leaves, which are those of the global tree.
    fn pulled_across(&self, near: &[u32], bodies: Range<usize>) -> (Tile, u64) {
        let place = |body: usize| self.bodies.position.map(|values| values[body]);
        let mut targets: ArrayVec<Spread, FEW> = bodies.clone().map(|body| Spread::new(place(body))).collect();
        let mut pairs = 0;
        for &leaf in near {
            let run = self.run_of(leaf);
            let is_own = run.is_here && run.bodies.contains(&bodies.start);
            let own = if is_own { bodies.start - run.bodies.start } else { NOBODY };
            self.kernel.add_across(&mut targets, own, self.sources_of(&run));
            pairs += (run.bodies.len() * bodies.len()) as u64;
        }
        let mut tile = self.tile(bodies.start, bodies.end);
        for (lane, target) in targets.iter().enumerate() {
            let (acceleration, potential) = target.sums();
            (0..3).for_each(|axis| tile.acceleration[axis][lane] = acceleration[axis]);
            tile.potential[lane] = potential;
        }
        (tile, pairs)
    }

    /// The largest coordinate of any body of the tree, at most.
    fn reach(&self) -> f64 {
        let root = &self.store.cells[0];
        root.center.iter().fold(0.0, |most: f64, x| most.max(x.abs())) + root.radius
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
            let tiles = &mut tiles[..targets.len().div_ceil(WIDTH)];
            room.runs.iter().for_each(|run| self.add_run(run, targets.start, tiles));
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

    /// Adds a run to tiles of targets from `first` on.
    fn add_run(&self, run: &Run, first: usize, tiles: &mut [Tile]) {
        let diagonal = (run.is_here && run.bodies.contains(&first)).then(|| first - run.bodies.start);
        let of_tile = |tile: usize| own_from(diagonal.map(|source| source + tile * WIDTH));
        let own: [Own; SIXTEEN / WIDTH] = std::array::from_fn(of_tile);
        self.kernel.add_others(tiles, &own[..tiles.len()], self.sources_of(run));
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
