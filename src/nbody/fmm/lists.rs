//! The candidates of one target cell are settled: far enough, near, to be opened, or left to the children of the target.

use super::acceptance::{Acceptance, Batch};
use super::cell::{Cell, Content};
use super::expansion::SIDE;
use super::lanes::{Instructions, WIDTH};
use super::store::Store;
use arrayvec::ArrayVec;

/// Sources of one target cell, each list in order of keys.
#[derive(Debug, Default)]
pub struct Lists {
    /// By order of the expansion.
    pub far: [Vec<u32>; SIDE],
    /// Leaves whose bodies act one by one.
    pub near: Vec<u32>,
    /// Cells that would have to be opened but are elsewhere.
    pub missing: Vec<u32>,
    /// Bodies in the cells that were left.
    pub rest_bodies: u64,
    open: Vec<u32>,
    batch: Batch,
}

/// A source that is too near for an expansion.
#[derive(Clone, Copy)]
struct TooNear {
    place: u32,
    lane: usize,
}

impl Lists {
    /// Settles the candidates of a target; what its children, or the bodies of a leaf, must look at goes to `rest`.
    pub fn settle(&mut self, judge: Judge<'_>, target: &Cell, candidates: &[u32], rest: &mut Vec<u32>) {
        self.far.iter_mut().for_each(Vec::clear);
        self.near.clear();
        self.rest_bodies = 0;
        rest.clear();
        self.open.clear();
        self.open.extend_from_slice(candidates);
        self.settle_open(judge, target, |lists, source| lists.divide(judge, target, source, rest));
    }

    /// Settles what was left to a leaf: it is opened down to leaves, which act body by body unless something on the way is far enough.
    pub fn settle_rest(&mut self, judge: Judge<'_>, target: &Cell, rest: &[u32]) {
        self.open.clear();
        rest.iter().for_each(|&place| self.open_or_near(judge, place));
        self.settle_open(judge, target, |lists, source| lists.open_or_near(judge, source.place));
        self.near.sort_unstable_by_key(|&leaf| judge.store.cells[leaf as usize].first_key);
    }

    fn settle_open(&mut self, judge: Judge<'_>, target: &Cell, mut too_near: impl FnMut(&mut Lists, TooNear)) {
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
                    None => too_near(self, TooNear { place, lane }),
                }
            }
        }
    }

    /// What becomes of a source that is too near: the larger of the two cells is divided.
    fn divide(&mut self, judge: Judge<'_>, target: &Cell, source: TooNear, rest: &mut Vec<u32>) {
        let TooNear { place, lane } = source;
        if self.batch.is_leaf(lane) || self.batch.radius(lane) <= target.radius {
            self.rest_bodies += self.batch.bodies(lane);
            rest.push(place);
        } else {
            self.open_or_near(judge, place);
        }
    }

    /// Near leaves whose bodies are elsewhere are missing too.
    pub fn miss_bodies(&mut self, store: &Store) {
        self.missing.extend(self.near.iter().filter(|&&leaf| store.is_elsewhere(leaf)));
    }

    fn open_or_near(&mut self, judge: Judge<'_>, place: u32) {
        let source = &judge.store.cells[place as usize];
        match source.content {
            Content::Children { .. } => {
                let children = source.children().map(|child| child as u32);
                self.open.extend(children.filter(|&child| !judge.passes_over(child)));
            }
            Content::Elsewhere { is_leaf: false, .. } => self.missing.push(place),
            _ => self.near.push(place),
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
    /// True if cells of which all is on this rank do not matter.
    pub passes_over_complete: bool,
}

impl Judge<'_> {
    fn passes_over(&self, place: u32) -> bool {
        self.passes_over_complete && self.store.is_complete(place)
    }
}
