//! What a walk would miss: the same walk over cells of other ranks only, without computing.
//!
//! Cells that are complete on this rank drop out at once, and a target whose candidates have all dropped out or been settled is
//! not looked into, so the survey costs in proportion to the surface between ranks. So it cannot always tell whether a leaf will be walked in
//! parts, which may need a little more or less than the whole leaf: then the walk finds out, and the branch is walked again.

use super::cell::Cell;
use super::lists::Lists;
use super::parts;
use super::traversal::Walk;

/// The walk in question.
#[derive(Clone, Copy, Debug)]
pub struct Survey<'a>(pub Walk<'a>);

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
        let target = &self.0.store.cells[path[0] as usize];
        let mut rest = Vec::new();
        lists.settle(self.0.judge(), target, candidates, &mut rest);
        missing.append(&mut lists.missing);
        if target.is_leaf() {
            return self.visit_leaf(lists, target, &rest, missing);
        }
        rest.retain(|&place| !self.0.store.is_complete(place));
        if rest.is_empty() {
            return;
        }
        if path.len() > 1 {
            return self.visit(lists, &path[1..], &rest, missing);
        }
        for child in target.children().filter(|&child| self.0.store.cells[child].active) {
            self.visit(lists, &[child as u32], &rest, missing);
        }
    }

    /// A leaf, or a part of one, for which `rest` was left.
    fn visit_leaf(&self, lists: &mut Lists, target: &Cell, rest: &[u32], missing: &mut Vec<u32>) {
        if rest.iter().all(|&place| self.0.store.is_complete(place)) {
            return;
        }
        // What is complete may have dropped out above, so at least so much is left. In doubt it asks as if the leaf were not divided.
        if self.0.needs_bodies && parts::is_divided(target, lists.rest_bodies) {
            return self.visit_parts(lists, target, rest, missing);
        }
        lists.settle_rest(self.0.judge(), target, rest);
        if self.0.needs_bodies {
            lists.miss_bodies(self.0.store);
        }
        missing.append(&mut lists.missing);
    }

    fn visit_parts(&self, lists: &mut Lists, target: &Cell, candidates: &[u32], missing: &mut Vec<u32>) {
        for part in self.0.parts(target) {
            let mut rest = Vec::new();
            lists.settle(self.0.judge(), &part, candidates, &mut rest);
            missing.append(&mut lists.missing);
            self.visit_leaf(lists, &part, &rest, missing);
        }
    }
}
