//! What a walk would miss: the same walk over cells of other ranks only, without computing.
//!
//! Cells that are complete on this rank drop out at once, and a target whose candidates have all dropped out or been settled is
//! not looked into, so the survey costs in proportion to the surface between ranks.

use super::acceptance::Acceptance;
use super::cell::Content;
use super::lanes::Instructions;
use super::lists::{Judge, Lists};
use super::store::Store;

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
        let judge = Judge { store: self.store, acceptance: &self.acceptance, instructions: self.instructions };
        lists.settle(judge, target, candidates, &mut rest);
        missing.append(&mut lists.missing);
        if self.needs_bodies {
            let is_elsewhere =
                |&&leaf: &&u32| matches!(self.store.cells[leaf as usize].content, Content::Elsewhere { .. });
            missing.extend(lists.near.iter().filter(is_elsewhere));
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
}
