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
    open: Vec<u32>,
    batch: Batch,
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
