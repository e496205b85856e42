//! Cells and bodies of other ranks that a walk needs: the locally essential tree, fetched in rounds.
//!
//! A rank asks the owner of a cell for what is in it: its children, or its bodies. The owner answers with that, and with what lies
//! below as far as the rank will likely want it too, judged by the bounds of that rank's branches. The answer is merged in place:
//! the cell that was elsewhere gets children in the same store. What has been fetched, and when, decides only what a walk *can* see,
//! never what it takes, so rounds and guesses cannot show in a force.

use super::cell::{Cell, Content};
use super::lanes::Line;
use super::record::{Numbers, read_cell, write_cell};
use super::store::Store;
use crate::comm::{Communicator, route};
use crate::nbody::gravity::Sources;
use crate::timing::Phase;
use crate::timing::trace::{self, Kind};
use std::ops::Range;
use std::time::Instant;

/// A cell whose diameter is more than this share of its distance from a rank's branches will likely be opened there.
const LIKELY_OPENED: f64 = 1.0;
/// Bytes that a rank asks all others for at a time, more or less: answers and what is made of them stand in memory together. What is
/// still missing is asked for in the next round.
const ASKED: usize = 32 << 20;
/// Estimated bytes of an answer for each body in a cell, and in a leaf.
const ANSWERED: [usize; 2] = [64, 32];

/// How fast answers fly, by order of magnitude: so long a rank computes meanwhile. All ranks meet after every round, so a rank that computed
/// longer than the others would keep them waiting: with a quarter of the branches in every round, two ranks were a third slower.
pub const FLIGHT_BYTES_PER_S: f64 = 1e9;

/// The roots of the branches of every rank, as places in the store.
pub type Owners<'a> = &'a [Vec<u32>];

/// What an exchange has cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic {
    /// Seconds beyond the work that was done meanwhile.
    pub seconds: f64,
    /// Messages sent.
    pub messages: u64,
    /// Bytes in them.
    pub bytes: u64,
}

/// Fetches what is in the `missing` cells, while `work` runs on the store as it was, for so many seconds. Collective.
pub fn fetch(
    store: &mut Store,
    missing: &[u32],
    bodies: Sources<'_>,
    owners: Owners<'_>,
    comm: &dyn Communicator,
    work: &mut dyn FnMut(&Store, f64),
    traffic: &mut Traffic,
) {
    let start = Instant::now();
    let wanted = by_owner(store, missing, comm.size());
    let requests: Vec<Vec<u8>> = wanted.iter().map(|cells| request(cells)).collect();
    let asked = route::all_to_all(comm, &requests);
    let answer = |(rank, request): (usize, &Vec<u8>)| answer(store, bodies, request, &owners[rank]);
    let answers: Vec<Vec<f64>> = asked.iter().enumerate().map(answer).collect();
    let answers: Vec<&[u8]> = answers.iter().map(|numbers| bytemuck::cast_slice(numbers)).collect();
    let flight_s = answers.iter().map(|answer| answer.len()).sum::<usize>() as f64 / FLIGHT_BYTES_PER_S;
    let mut worked = [start; 2];
    let received = route::all_to_all_while(comm, &answers, &mut || {
        worked[0] = Instant::now();
        work(store, flight_s);
        worked[1] = Instant::now();
    });
    for part in requests.iter().map(Vec::as_slice).chain(answers).filter(|part| !part.is_empty()) {
        traffic.messages += 1;
        traffic.bytes += part.len() as u64;
    }
    for (rank, (cells, bytes)) in wanted.iter().zip(received).enumerate() {
        let mut numbers = Numbers::of(&bytes);
        for &(_, place) in cells {
            merge(store, place as usize, rank as u32, &mut numbers);
        }
    }
    store.shape_new_cells();
    for (begin, end) in [(start, worked[0]), (worked[1], Instant::now())] {
        traffic.seconds += (end - begin).as_secs_f64();
        trace::record(Kind::Phase(Phase::Exchange), begin, end, 0);
    }
}

/// For every rank the first cells wanted from it: (place there, place here), in order of the former.
fn by_owner(store: &Store, missing: &[u32], ranks: usize) -> Vec<Vec<(u32, u32)>> {
    let mut wanted = vec![Vec::new(); ranks];
    for &here in missing {
        if let Content::Elsewhere { owner, place, .. } = store.cells[here as usize].content {
            wanted[owner as usize].push((place, here));
        }
    }
    for cells in &mut wanted {
        cells.sort_unstable();
        cells.truncate(first_of(store, cells, ASKED / ranks));
    }
    wanted
}

/// How many of these cells have answers of so many bytes together, at least one.
fn first_of(store: &Store, cells: &[(u32, u32)], most: usize) -> usize {
    let mut bytes = 0;
    let is_in = |(_, here): &&(u32, u32)| {
        let cell = &store.cells[*here as usize];
        let fits = bytes <= most;
        bytes += answered(cell);
        fits
    };
    cells.iter().take_while(is_in).count()
}

/// Estimated bytes of what is in a cell.
fn answered(cell: &Cell) -> usize {
    cell.bodies as usize * ANSWERED[usize::from(cell.is_leaf())]
}

fn request(cells: &[(u32, u32)]) -> Vec<u8> {
    cells.iter().flat_map(|(there, _)| there.to_le_bytes()).collect()
}

fn answer(store: &Store, bodies: Sources<'_>, request: &[u8], branches: &[u32]) -> Vec<f64> {
    let places = || request.as_chunks().0.iter().map(|place| u32::from_le_bytes(*place) as usize);
    let bytes: usize = places().map(|place| answered(&store.cells[place])).sum();
    let regions: Vec<&Cell> = branches.iter().map(|&place| &store.cells[place as usize]).collect();
    let numbers = Vec::with_capacity(bytes / size_of::<f64>());
    let mut answer = Answer { store, bodies, numbers };
    places().for_each(|place| answer.write_content(place, &regions));
    answer.numbers
}

/// Contents of cells on their way into a message.
struct Answer<'a> {
    store: &'a Store,
    bodies: Sources<'a>,
    numbers: Vec<f64>,
}

impl Answer<'_> {
    /// Children, each with a mark whether its own content follows, then the contents so marked; or the bodies of a leaf. Only those of the
    /// `regions` that likely open a cell are asked about what is in it.
    fn write_content(&mut self, place: usize, regions: &[&Cell]) {
        let cell = &self.store.cells[place];
        if let Content::Bodies { first } = cell.content {
            return self.write_bodies(first as usize..(first + cell.bodies) as usize);
        }
        let children = cell.children();
        self.numbers.push(children.len() as f64);
        let mut following = arrayvec::ArrayVec::<(usize, Vec<&Cell>), 8>::new();
        for child in children {
            write_cell(self.store, child, &mut self.numbers);
            let cell = &self.store.cells[child];
            let near: Vec<&Cell> = regions.iter().copied().filter(|region| is_likely_opened(cell, region)).collect();
            self.numbers.push(f64::from(u8::from(!near.is_empty())));
            if !near.is_empty() {
                following.push((child, near));
            }
        }
        following.iter().for_each(|(child, near)| self.write_content(*child, near));
    }

    fn write_bodies(&mut self, bodies: Range<usize>) {
        for body in bodies {
            self.numbers.extend(self.bodies.position.map(|x| x[body]));
            self.numbers.push(self.bodies.mass[body]);
        }
    }
}

fn is_likely_opened(cell: &Cell, region: &Cell) -> bool {
    let near = 2.0 * cell.radius / LIKELY_OPENED;
    let gap = |axis: usize| {
        let [low, high] = [region.bounds[0][axis], region.bounds[1][axis]];
        (low - cell.center[axis]).max(cell.center[axis] - high).max(0.0)
    };
    let [x, y, z] = [gap(0), gap(1), gap(2)];
    x * x + y * y + z * z <= near * near
}

/// Reads what [`Answer::write_content`] wrote into the cell at `place`.
fn merge(store: &mut Store, place: usize, owner: u32, numbers: &mut Numbers<'_>) {
    if store.cells[place].is_leaf() {
        return merge_bodies(store, place, numbers);
    }
    let count = numbers.take() as usize;
    let first = store.cells.len();
    let stride = store.stride;
    store.moments.resize((first + count) * stride, Line::default());
    let mut following = arrayvec::ArrayVec::<usize, 8>::new();
    for child in first..first + count {
        let cell = read_cell(numbers, owner, &mut store.moments[child * stride..][..stride]);
        store.cells.push(cell);
        if numbers.take() != 0.0 {
            following.push(child);
        }
    }
    store.cells[place].content = Content::Children { first: first as u32, count: count as u8 };
    following.into_iter().for_each(|child| merge(store, child, owner, numbers));
}

fn merge_bodies(store: &mut Store, place: usize, numbers: &mut Numbers<'_>) {
    let first = store.mass.len() as u32;
    for _ in 0..store.cells[place].bodies {
        let [x, y, z, mass] = numbers.array();
        store.position[0].push(x);
        store.position[1].push(y);
        store.position[2].push(z);
        store.mass.push(mass);
    }
    store.cells[place].content = Content::ImportedBodies { first };
}
