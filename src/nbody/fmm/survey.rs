//! What a walk would miss: the same walk over cells of other ranks only, without computing.
//!
//! Cells that are complete on this rank drop out at once, and a target whose candidates have all dropped out or been settled is
//! not looked into, so the survey costs in proportion to the surface between ranks. So it cannot always tell whether a leaf will be walked in
//! parts, which may need a little more or less than the whole leaf: then the walk finds out, and the branch is walked again.

use super::acceptance::Acceptance;
use super::cell::Cell;
use super::lanes::Instructions;
use super::lists::{Judge, Lists};
use super::parts;
use super::store::Store;
use crate::nbody::gravity::Sources;

/// The question.
#[derive(Clone, Copy, Debug)]
pub struct Survey<'a> {
    /// Cells known so far.
    pub store: &'a Store,
    /// Rule for pairs of cells.
    pub acceptance: Acceptance,
    /// As in the walk.
    pub instructions: Instructions,
    /// False if the walk takes leaves as points.
    pub needs_bodies: bool,
    /// Bodies of this rank in order of keys.
    pub bodies: Sources<'a>,
    /// Their block levels.
    pub level: &'a [u8],
    /// Bodies of lower levels keep their forces.
    pub from_level: u8,
}

impl Survey<'_> {
    /// Cells whose content is needed for the branch that `path` leads to, ascending.
    pub fn missing(&self, path: &[u32]) -> Vec<u32> {
        let mut lists = Lists::default();
        let mut missing = Vec::new();
        self.visit(&mut lists, path, &[0], &mut missing);
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    fn visit(&self, lists: &mut Lists, path: &[u32], candidates: &[u32], missing: &mut Vec<u32>) {
        let target = &self.store.cells[path[0] as usize];
        let mut rest = Vec::new();
        lists.settle(self.judge(), target, candidates, &mut rest);
        missing.append(&mut lists.missing);
        if target.is_leaf() {
            return self.visit_leaf(lists, target, &rest, missing);
        }
        rest.retain(|&place| !self.store.is_complete(place));
        if rest.is_empty() {
            return;
        }
        if path.len() > 1 {
            return self.visit(lists, &path[1..], &rest, missing);
        }
        for child in target.children().filter(|&child| self.store.cells[child].active) {
            self.visit(lists, &[child as u32], &rest, missing);
        }
    }

    /// A leaf, or a part of one, for which `rest` was left.
    fn visit_leaf(&self, lists: &mut Lists, target: &Cell, rest: &[u32], missing: &mut Vec<u32>) {
        if rest.iter().all(|&place| self.store.is_complete(place)) {
            return;
        }
        // What is complete may have dropped out above, so at least so much is left. In doubt it asks as if the leaf were not divided.
        if self.needs_bodies && parts::is_divided(target, lists.rest_bodies) {
            return self.visit_parts(lists, target, rest, missing);
        }
        lists.settle_rest(self.judge(), target, rest);
        if self.needs_bodies {
            lists.miss_bodies(self.store);
        }
        missing.append(&mut lists.missing);
    }
    fn visit_parts(&self, lists: &mut Lists, target: &Cell, candidates: &[u32], missing: &mut Vec<u32>) {
        for part in parts::of(target, self.bodies, self.level, self.from_level) {
            let mut rest = Vec::new();
            lists.settle(self.judge(), &part, candidates, &mut rest);
            missing.append(&mut lists.missing);
            self.visit_leaf(lists, &part, &rest, missing);
        }
    }

    fn judge(&self) -> Judge<'_> {
        Judge { store: self.store, acceptance: &self.acceptance, instructions: self.instructions }
    }
}
