//! One evaluation on a tree that stands: walks over all branches of this rank, between rounds in which what they miss is fetched.

use super::acceptance::Acceptance;
use super::exchange::{self, Owners, Traffic};
use super::near::NearLaw;
use super::plant::Branch;
use super::store::Store;
use super::survey::{Stop, Survey};
use super::traversal::{Effort, Leaves, Room, Walk};
use crate::comm::{Communicator, ReduceOp};
use crate::nbody::gravity::{PairKernel, Sources};
use crate::parallel::Sharing;
use crate::timing::Phase;
use crate::timing::trace::{self, Kind};
use rayon::prelude::*;
use std::time::{Duration, Instant};

/// Threads walk branches that are next to each other in a row, since they share the cells above; at least so many rows for each thread
/// level out what they cost.
const ROWS_PER_THREAD: usize = 12;

/// What walks share, apart from the store.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
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
    pub instructions: super::lanes::Instructions,
    /// Gravitational constant.
    pub constant: f64,
    /// False if leaves are taken as points.
    pub needs_bodies: bool,
    /// Bodies that a leaf takes one by one before it is walked in parts.
    pub most_left: u64,
    /// Who walks which branches.
    pub sharing: Sharing,
}

/// A branch to walk, and what is done at its leaves.
#[derive(Debug)]
pub struct Task<'a, L> {
    /// The branch.
    pub branch: &'a Branch,
    /// Called at its leaves.
    pub leaves: L,
    /// What it has cost.
    pub effort: Effort,
    /// Cells that it was found to miss.
    missing: Vec<u32>,
    /// Where its survey goes on.
    stops: Vec<Stop>,
}

/// Tasks of this rank.
type Tasks<'t, 'a, L> = Vec<&'t mut Task<'a, L>>;

impl<'a, L> Task<'a, L> {
    /// Not done yet.
    pub fn new(branch: &'a Branch, leaves: L) -> Task<'a, L> {
        let stops = vec![Stop::at_the_root()];
        Task { branch, leaves, effort: Effort::default(), missing: Vec::new(), stops }
    }

    /// What its walk has missed: when that has come, the branch is surveyed from the start.
    fn miss(&mut self, missing: Vec<u32>) {
        if !missing.is_empty() {
            self.stops = vec![Stop::at_the_root()];
        }
        self.missing = missing;
    }
}

impl Terms<'_> {
    fn walk<'w>(&'w self, store: &'w Store) -> Walk<'w> {
        Walk {
            store,
            bodies: self.bodies,
            level: self.level,
            from_level: self.from_level,
            acceptance: self.acceptance,
            kernel: self.kernel,
            near: self.near,
            instructions: self.instructions,
            constant: self.constant,
            needs_bodies: self.needs_bodies,
            most_left: self.most_left,
        }
    }

    /// Walks; returns the tasks for which something was missing, which have to be done again.
    fn compute<'t, 'a, L: Leaves + Send>(&self, store: &Store, mut tasks: Tasks<'t, 'a, L>) -> Tasks<'t, 'a, L> {
        let walk = self.walk(store);
        let in_a_row = (tasks.len() / (ROWS_PER_THREAD * rayon::current_num_threads())).max(1);
        self.sharing.for_each_piece(&mut tasks, in_a_row, |_, tasks| {
            let (mut room, begin) = (Room::default(), trace::is_on().then(Instant::now));
            for task in tasks.iter_mut() {
                task.effort = walk.run(&mut room, &task.branch.path, &mut task.leaves);
                task.miss(std::mem::take(&mut room.missing));
            }
            if let Some(begin) = begin {
                let efforts = tasks.iter().map(|task| task.effort);
                record_walk(
                    begin,
                    efforts.fold(Effort::default(), |mut sum, effort| {
                        sum += effort;
                        sum
                    }),
                );
            }
        });
        tasks.retain(|task| !task.missing.is_empty());
        tasks
    }

    /// Computes tasks from the end of the list, one for each thread at a time, until it is empty or so many seconds have passed. Those that
    /// have to be done again go to `pending`.
    fn compute_for<'t, 'a, L: Leaves + Send>(
        &self,
        seconds: f64,
        store: &Store,
        ready: &mut Tasks<'t, 'a, L>,
        pending: &mut Tasks<'t, 'a, L>,
    ) {
        let start = Instant::now();
        while !ready.is_empty() && start.elapsed().as_secs_f64() < seconds {
            let now = ready.split_off(ready.len().saturating_sub(rayon::current_num_threads()));
            pending.extend(self.compute(store, now));
        }
    }
}

/// Runs all tasks. Collective.
pub fn run<L: Leaves + Send>(
    terms: &Terms<'_>,
    store: &mut Store,
    tasks: &mut [Task<'_, L>],
    owners: Owners<'_>,
    comm: &dyn Communicator,
) -> Traffic {
    let mut traffic = Traffic::default();
    let is_active = |task: &&mut Task<L>| store.cells[task.branch.root()].active;
    let mut pending: Tasks<'_, '_, L> = tasks.iter_mut().filter(is_active).collect();
    if comm.size() == 1 {
        terms.compute(store, pending);
        return traffic;
    }
    let mut ready = Vec::new();
    loop {
        let start = Instant::now();
        let missing = sift(terms, store, &mut pending, &mut ready);
        let sifted = Instant::now();
        traffic.seconds += (sifted - start).as_secs_f64();
        trace::record(Kind::Phase(Phase::Exchange), start, sifted, 0);
        if most(comm, missing.len()) > 0 {
            let mut work = |store: &Store, seconds: f64| terms.compute_for(seconds, store, &mut ready, &mut pending);
            exchange::fetch(store, &missing, terms.bodies, owners, comm, &mut work, &mut traffic);
            continue;
        }
        // In order of keys again, since neighbours see the same cells.
        ready.sort_unstable_by_key(|task| task.branch.bodies.start);
        pending.extend(terms.compute(store, std::mem::take(&mut ready)));
        if most(comm, pending.len()) == 0 {
            return traffic;
        }
    }
}

/// The largest number of any rank.
fn most(comm: &dyn Communicator, number: usize) -> u64 {
    let mut largest = [number as f64];
    comm.all_reduce(ReduceOp::Max, &mut largest);
    largest[0] as u64
}

/// Records what a thread has walked: far and near alternate at every leaf, and are shown as one piece each.
fn record_walk(begin: Instant, effort: Effort) {
    let far = begin + Duration::from_secs_f64(effort.far_s);
    trace::record(Kind::Phase(Phase::Far), begin, far, 0);
    trace::record(Kind::Phase(Phase::Near), far, far + Duration::from_secs_f64(effort.near_s), 0);
    trace::record_since(Kind::Walk, begin, 0);
}

/// Moves tasks that miss nothing from `pending` to `ready`; returns what the others miss, ascending. Only surveys for which all has come
/// that they stopped for go on.
fn sift<'t, 'a, L: Send>(
    terms: &Terms<'_>,
    store: &Store,
    pending: &mut Tasks<'t, 'a, L>,
    ready: &mut Tasks<'t, 'a, L>,
) -> Vec<u32> {
    let survey = Survey(terms.walk(store));
    pending.par_iter_mut().for_each(|pending| {
        pending.missing.retain(|&place| store.is_elsewhere(place));
        if pending.missing.is_empty() {
            let stops = std::mem::take(&mut pending.stops);
            (pending.stops, pending.missing) = survey.go_on(&pending.branch.path, stops);
        }
    });
    let mut all: Vec<u32> = pending.iter().flat_map(|pending| &pending.missing).copied().collect();
    all.sort_unstable();
    all.dedup();
    ready.extend(pending.extract_if(.., |pending| pending.missing.is_empty()));
    all
}
