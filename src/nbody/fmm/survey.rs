//! What a walk would miss: the same walk over cells of other ranks only, without computing.
//!
//! Cells that are complete on this rank are passed over, and a target whose candidates have all been settled is not looked into, so the survey
//! costs in proportion to the surface between ranks. It stops at cells whose content is elsewhere, and goes on from there when that has
//! come: begun anew in every round, surveys took half of the exchange. It does not see what is left to a leaf from this rank, so it cannot
//! always tell whether the leaf will be walked in parts, which may need a little more or less than the whole leaf: then the walk finds out,
//! and the branch is walked again.

use super::cell::Cell;
use super::lists::{Judge, Lists};
use super::parts;
use super::traversal::Walk;

/// The walk in question.
#[derive(Clone, Copy, Debug)]
pub struct Survey<'a>(pub Walk<'a>);

/// A target, and candidates of it that the survey has not settled since content was missing.
#[derive(Clone, Debug, PartialEq)]
pub struct Stop {
    /// How far it is below the root.
    depth: usize,
    target: u32,
    candidates: Vec<u32>,
}

impl Stop {
    /// Before the first step.
    pub fn at_the_root() -> Stop {
        Stop { depth: 0, target: 0, candidates: vec![0] }
    }
}

/// A survey on its way to a branch and through it.
struct Course<'a> {
    survey: Survey<'a>,
    path: &'a [u32],
    lists: Lists,
    stops: Vec<Stop>,
    missing: Vec<u32>,
}

impl Survey<'_> {
    /// Goes on from these stops on the way to the branch that `path` leads to, and through it. Returns where it stops now, and the cells
    /// whose content is missing there, ascending.
    pub fn go_on(&self, path: &[u32], stops: Vec<Stop>) -> (Vec<Stop>, Vec<u32>) {
        let mut course =
            Course { survey: *self, path, lists: Lists::default(), stops: Vec::new(), missing: Vec::new() };
        stops.iter().for_each(|stop| course.visit(stop.depth, stop.target, &stop.candidates));
        course.missing.sort_unstable();
        course.missing.dedup();
        (course.stops, course.missing)
    }

    fn judge(&self) -> Judge<'_> {
        Judge { passes_over_complete: true, ..self.0.judge() }
    }
}

impl Course<'_> {
    fn visit(&mut self, depth: usize, place: u32, candidates: &[u32]) {
        let survey = self.survey;
        let target = &survey.0.target(place);
        let mut rest = Vec::new();
        self.lists.settle(survey.judge(), target, candidates, &mut rest);
        let mut open = std::mem::take(&mut self.lists.missing);
        self.missing.extend_from_slice(&open);
        if target.is_leaf() {
            open.append(&mut self.visit_leaf(target, &rest));
        }
        if !open.is_empty() {
            self.stops.push(Stop { depth, target: place, candidates: open });
        }
        if rest.is_empty() || target.is_leaf() {
            return;
        }
        if let Some(&next) = self.path.get(depth + 1) {
            return self.visit(depth + 1, next, &rest);
        }
        for child in target.children().filter(|&child| survey.0.store.cells[child].active) {
            self.visit(depth + 1, child as u32, &rest);
        }
    }

    /// A leaf to which `rest` was left. Returns what of it, or below it, is still to be settled.
    fn visit_leaf(&mut self, target: &Cell, rest: &[u32]) -> Vec<u32> {
        let is_divided = self.is_divided(target);
        let missing = if is_divided { self.missing_of_parts(target, rest) } else { self.missing_at(target, rest) };
        self.missing.extend_from_slice(&missing);
        // Parts are divided by all that was left to their leaf, so they start again with it.
        if is_divided && !missing.is_empty() { rest.to_vec() } else { missing }
    }

    fn is_divided(&self, target: &Cell) -> bool {
        self.survey.0.needs_bodies && parts::is_divided(target, self.lists.rest_bodies, self.survey.0.most_left)
    }

    /// What is missing at a leaf, or a part of one, that is not divided.
    fn missing_at(&mut self, target: &Cell, rest: &[u32]) -> Vec<u32> {
        let walk = self.survey.0;
        self.lists.settle_rest(self.survey.judge(), target, rest);
        if walk.needs_bodies {
            self.lists.miss_bodies(walk.store);
        }
        std::mem::take(&mut self.lists.missing)
    }

    fn missing_of_parts(&mut self, target: &Cell, candidates: &[u32]) -> Vec<u32> {
        let survey = self.survey;
        let mut missing = Vec::new();
        for part in survey.0.parts(target) {
            let mut rest = Vec::new();
            self.lists.settle(survey.judge(), &part, candidates, &mut rest);
            missing.append(&mut self.lists.missing);
            missing.extend(if self.is_divided(&part) {
                self.missing_of_parts(&part, &rest)
            } else {
                self.missing_at(&part, &rest)
            });
        }
        missing
    }
}
