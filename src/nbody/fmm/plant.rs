//! Builds the cells of this rank: the crown, which all ranks have, and the trees below its own branches.

use super::cell::{Cell, Content};
use super::crown::Crown;
use super::domain::Domain;
use super::lanes::Line;
use super::multipole::MomentRoom;
use super::octree::{BranchBodies, Measure, grow};
use super::record;
use super::store::Store;
use crate::comm::{Communicator, route};
use crate::nbody::gravity::Sources;
use crate::particles::Particles;
use crate::timing::Phase;
use crate::timing::trace::{self, Kind};
use rayon::prelude::*;
use std::ops::Range;
use std::time::Instant;

/// A branch of this rank.
#[derive(Clone, Debug)]
pub struct Branch {
    /// Cells from the root of the tree to it.
    pub path: Vec<u32>,
    /// Its bodies.
    pub bodies: Range<usize>,
    /// Cells below it in the store.
    pub cells: Range<usize>,
}

impl Branch {
    /// Its root's place in the store.
    pub fn root(&self) -> usize {
        self.path[self.path.len() - 1] as usize
    }
}

/// What has been built, and the seconds that it took.
#[derive(Debug)]
pub struct Planted {
    /// Cells known so far.
    pub store: Store,
    /// Branches of this rank in order of keys.
    pub branches: Vec<Branch>,
    /// To divide cells.
    pub build_s: f64,
    /// For geometry and moments.
    pub upward_s: f64,
    /// For the exchange of branches.
    pub exchange_s: f64,
}

/// Builds. `bodies` are those of the domain in its order. Collective.
pub fn plant(
    domain: &Domain,
    bodies: &Particles,
    from_level: u8,
    measure: Measure,
    comm: &dyn Communicator,
) -> Planted {
    let start = Instant::now();
    let own = domain.borders[comm.rank()]..domain.borders[comm.rank() + 1];
    let ranges = domain.crown.body_ranges(own.clone());
    let prefix = |branch: usize| domain.crown.nodes[domain.crown.branches[branch]].prefix;
    let work: Vec<(usize, Range<usize>)> = own.clone().zip(ranges).collect();
    let mut grown: Vec<Vec<Cell>> = work
        .par_iter()
        .map(|(branch, range)| grow(&domain.keys[range.clone()], prefix(*branch), domain.limit))
        .collect();
    let built = Instant::now();
    let mut moments = room_for_moments(domain.crown.nodes.len(), &grown, measure.stride());
    let rows = cut(&mut moments[domain.crown.nodes.len() * measure.stride()..], &grown, measure.stride());
    grown.par_iter_mut().zip(rows).zip(&work).for_each(|((cells, moments), (_, range))| {
        measure.branch(cells, moments, branch_bodies(bodies, range.clone()), from_level);
    });
    let mut planted = assemble(domain, grown, moments, work, measure.stride());
    let measured = Instant::now();
    share_branches(&mut planted.store, domain, comm);
    finish_crown(&mut planted.store, &domain.crown, measure);
    planted.store.shape_new_cells();
    let shared = Instant::now();
    let of = |phase: Phase, begin: Instant, end: Instant| {
        trace::record(Kind::Phase(phase), begin, end, 0);
        (end - begin).as_secs_f64()
    };
    Planted {
        build_s: of(Phase::Build, start, built),
        upward_s: of(Phase::Upward, built, measured),
        exchange_s: of(Phase::Exchange, measured, shared),
        ..planted
    }
}

fn branch_bodies(bodies: &Particles, range: Range<usize>) -> BranchBodies<'_> {
    BranchBodies {
        sources: Sources {
            position: [0, 1, 2].map(|axis| &bodies.position[axis][range.clone()]),
            mass: &bodies.mass[range.clone()],
        },
        acceleration: [0, 1, 2].map(|axis| &bodies.acceleration[axis][range.clone()]),
        level: &bodies.level[range],
    }
}

/// Zeros for the moments of the crown and of the branches; the system hands pages out when a thread writes to them.
fn room_for_moments(crown: usize, grown: &[Vec<Cell>], stride: usize) -> Vec<Line> {
    let cells = crown + grown.iter().map(Vec::len).sum::<usize>();
    bytemuck::zeroed_vec(cells * stride)
}

/// The moments of each branch.
fn cut<'a>(moments: &'a mut [Line], grown: &[Vec<Cell>], stride: usize) -> Vec<&'a mut [Line]> {
    let mut rest = moments;
    let next = |cells: &Vec<Cell>| rest.split_off_mut(..cells.len() * stride).expect("room for all cells");
    grown.iter().map(next).collect()
}

/// Puts the crown and the branches into one store. The root of a branch is a cell of the crown; it also keeps a place, which nobody looks
/// at, before the cells below it, so that moments can be taken where they stay.
fn assemble(
    domain: &Domain,
    grown: Vec<Vec<Cell>>,
    moments: Vec<Line>,
    work: Vec<(usize, Range<usize>)>,
    stride: usize,
) -> Planted {
    let crown = &domain.crown;
    let mut store = Store { stride, moments, ..Store::default() };
    store.cells.reserve_exact(crown.nodes.len() + grown.iter().map(Vec::len).sum::<usize>());
    store.cells.extend(crown.nodes.iter().map(|node| {
        let (first, count) = (node.children.start as u32, node.children.len() as u8);
        Cell { first_key: node.prefix.first, ..Cell::empty(Content::Children { first, count }) }
    }));
    let mut branches = Vec::with_capacity(work.len());
    for (cells, (branch, bodies)) in grown.into_iter().zip(work) {
        let start = store.cells.len();
        let node = crown.branches[branch];
        let moved = cells.iter().map(|cell| Cell { content: shifted(cell.content, start, bodies.start), ..*cell });
        store.cells.extend(moved);
        store.cells[node] = store.cells[start];
        store.moments.copy_within(start * stride..(start + 1) * stride, node * stride);
        branches.push(Branch { path: crown.path(branch), bodies, cells: start + 1..store.cells.len() });
    }
    store.own = crown.nodes.len()..store.cells.len();
    Planted { store, branches, build_s: 0.0, upward_s: 0.0, exchange_s: 0.0 }
}

/// Places within a branch become places in the store.
fn shifted(content: Content, cells: usize, bodies: usize) -> Content {
    match content {
        Content::Children { first, count } => Content::Children { first: first + cells as u32, count },
        Content::Bodies { first } => Content::Bodies { first: first + bodies as u32 },
        other => other,
    }
}

/// Sends the roots of own branches to everyone and takes in those of the others.
fn share_branches(store: &mut Store, domain: &Domain, comm: &dyn Communicator) {
    if comm.size() == 1 {
        return;
    }
    let own = &domain.crown.branches[domain.borders[comm.rank()]..domain.borders[comm.rank() + 1]];
    let mut numbers = Vec::new();
    own.iter().for_each(|&node| record::write_cell(store, node, &mut numbers));
    let all = route::all_gather(comm, bytemuck::cast_slice(&numbers));
    for (rank, bytes) in all.iter().enumerate().filter(|(rank, _)| *rank != comm.rank()) {
        let mut numbers = record::Numbers::of(bytes);
        for &node in &domain.crown.branches[domain.borders[rank]..domain.borders[rank + 1]] {
            let stride = store.stride;
            store.cells[node] =
                record::read_cell(&mut numbers, rank as u32, &mut store.moments[node * stride..][..stride]);
        }
    }
}

/// Geometry and moments of the crown above its branches, from the branches up.
fn finish_crown(store: &mut Store, crown: &Crown, measure: Measure) {
    let mut room = MomentRoom::default();
    for node in (0..crown.nodes.len()).rev().filter(|&node| !crown.nodes[node].children.is_empty()) {
        measure.parent(&mut room, &mut store.cells, &mut store.moments, node);
    }
}
