//! One pass over a box of cells: rows, tiles and threads around the kernels of [`super::stencil`].
//!
//! Tiles are small enough that the rows which a cell needs from three planes stay in the cache between their uses; threads
//! share the tiles ([`crate::parallel::Slabs`]). Neither changes a bit of the result.

use super::coefficients::{Coefficients, VariableCoefficients};
use super::lanes::fence_streams;
use super::sources::Sources;
use super::stencil::{Conductances, Mode, Row, constant_row, copy_row, variable_row};
use super::walls::WallView;
use crate::cpu::CpuPath;
use crate::decomposition::IndexBox;
use crate::field::{Field, Layout};
use crate::parallel::{Shared, Sharing, Slabs};
use std::cell::RefCell;

/// How a sweep is cut: chosen once per run.
#[derive(Debug)]
pub struct SweepPlan {
    /// Instruction set and kind of stores.
    pub mode: Mode,
    /// Cells of a tile along x, y, z.
    pub tile: [usize; 3],
    slabs: Slabs,
}

/// Everything a step reads, and where it writes.
#[derive(Clone, Copy)]
pub struct Step<'a> {
    /// Seconds.
    pub dt: f64,
    /// Values at the start of the step.
    pub old: &'a Field,
    /// Values at its end; same layout.
    pub new: Shared<'a>,
    /// See [`Coefficients`].
    pub coefficients: &'a Coefficients,
    /// See [`Sources`].
    pub sources: &'a Sources,
    /// Walls that this rank touches.
    pub walls: [[Option<WallView<'a>>; 2]; 3],
}

thread_local! {
    /// Rows of ghost values: below and above in y, below and above in z.
    static GHOST_ROWS: RefCell<[Vec<f64>; 4]> = const { RefCell::new([const { Vec::new() }; 4]) };
}

impl SweepPlan {
    /// A plan for fields of this layout. `cache` is the number of bytes that a thread can keep close, `last_level` the bytes
    /// of the largest cache.
    pub fn new(layout: &Layout, three_d: bool, path: CpuPath, cache: usize, last_level: usize) -> SweepPlan {
        let stream = 2 * layout.bytes() > last_level;
        SweepPlan {
            mode: Mode { path, stream, three_d },
            tile: tile_for(layout, three_d, cache),
            slabs: Slabs::default(),
        }
    }

    /// The same, with tiles shared in this way.
    pub fn shared(self, sharing: Sharing) -> SweepPlan {
        SweepPlan { slabs: Slabs::new(sharing), ..self }
    }

    /// Makes room for rows of ghosts on every thread, so that no step has to.
    pub fn reserve(&self) {
        let room = || {
            GHOST_ROWS.with_borrow_mut(|rows| rows.iter_mut().for_each(|row| row.reserve(self.tile[0])));
        };
        room();
        rayon::broadcast(|_| room());
    }

    /// Advances the cells of `region` (local indices) by one step.
    pub fn run(&self, region: &IndexBox, step: &Step<'_>) {
        if region.is_empty() {
            return;
        }
        self.for_each_tile(region, |tile| {
            GHOST_ROWS.with_borrow_mut(|ghosts| self.tile(&tile, step, ghosts));
            if self.mode.stream {
                fence_streams();
            }
        });
    }

    /// Copies the cells of `region` from one field to another: the memory traffic of a sweep and nothing else.
    pub fn copy(&self, region: &IndexBox, old: &Field, new: &mut Field) {
        let layout = *old.layout();
        let target = Shared::new(new.values_mut());
        self.for_each_tile(region, |tile| {
            for k in tile.lower[2]..tile.upper[2] {
                for j in tile.lower[1]..tile.upper[1] {
                    let start = layout.index([tile.lower[0], j, k]);
                    // SAFETY: tiles of a region are disjoint.
                    let row = unsafe { target.slice_mut(start..start + tile.extent(0)) };
                    copy_row(self.mode, old.row(j, k, tile.lower[0], tile.upper[0]), row);
                }
            }
            if self.mode.stream {
                fence_streams();
            }
        });
    }

    /// Calls `work([y, z], [first x, last x + 1])` for the rows of all tiles of `region`, on the threads that sweep them.
    pub fn for_each_row(&self, region: &IndexBox, work: impl Fn([isize; 2], [isize; 2]) + Sync) {
        self.for_each_tile(region, |tile| {
            for k in tile.lower[2]..tile.upper[2] {
                for j in tile.lower[1]..tile.upper[1] {
                    work([j, k], [tile.lower[0], tile.upper[0]]);
                }
            }
        });
    }

    fn for_each_tile(&self, region: &IndexBox, work: impl Fn(IndexBox) + Sync) {
        let counts: [usize; 3] = std::array::from_fn(|a| region.extent(a).div_ceil(self.tile[a]));
        self.slabs.for_each(counts.iter().product(), |chunk| {
            let place = [chunk % counts[0], chunk / counts[0] % counts[1], chunk / (counts[0] * counts[1])];
            work(self.tile_box(region, place));
        });
    }

    fn tile_box(&self, region: &IndexBox, place: [usize; 3]) -> IndexBox {
        let lower = std::array::from_fn(|a| region.lower[a] + (place[a] * self.tile[a]) as isize);
        IndexBox { lower, upper: std::array::from_fn(|a| (lower[a] + self.tile[a] as isize).min(region.upper[a])) }
    }

    fn tile(&self, tile: &IndexBox, step: &Step<'_>, ghosts: &mut [Vec<f64>; 4]) {
        for k in tile.lower[2]..tile.upper[2] {
            for j in tile.lower[1]..tile.upper[1] {
                self.row(step, [j, k], [tile.lower[0], tile.upper[0]], ghosts);
            }
        }
    }

    /// Cells `x[0]..x[1]` of the row at `[y, z]`.
    fn row(&self, step: &Step<'_>, [j, k]: [isize; 2], x: [isize; 2], ghosts: &mut [Vec<f64>; 4]) {
        let start = step.old.layout().index([x[0], j, k]);
        // SAFETY: tiles of a region are disjoint and a row is computed once, so nobody else holds these cells.
        let new = unsafe { step.new.slice_mut(start..start + (x[1] - x[0]) as usize) };
        let old = step.gather([j, k], x, self.mode.three_d, ghosts);
        let sources = step.sources.touch_row(j, k);
        let mode = Mode { stream: self.mode.stream && !sources, ..self.mode };
        match step.coefficients {
            Coefficients::Constant { conductance, inverse_capacity, .. } => {
                constant_row(mode, conductance.map(|g| step.dt * inverse_capacity * g), old, new);
            }
            Coefficients::Variable(arrays) => variable_row(mode, step.dt, conductances(arrays, [j, k], x), old, new),
        }
        if sources {
            step.sources.apply(j, k, x[0], new);
        }
    }
}

impl Step<'_> {
    /// The old values around a row, ghosts where there is a wall.
    fn gather<'g>(
        &'g self,
        [j, k]: [isize; 2],
        x: [isize; 2],
        three_d: bool,
        ghosts: &'g mut [Vec<f64>; 4],
    ) -> Row<'g> {
        let center = self.old.row(j, k, x[0], x[1]);
        let [_, ny, nz] = self.old.layout().cells.map(|n| n as isize);
        let [y_below, y_above, z_below, z_above] = ghosts;
        let y = [
            self.neighbour_row((1, 0), j == 0, [j - 1, k], x, (center, k), y_below),
            self.neighbour_row((1, 1), j + 1 == ny, [j + 1, k], x, (center, k), y_above),
        ];
        let z = if three_d {
            [
                self.neighbour_row((2, 0), k == 0, [j, k - 1], x, (center, j), z_below),
                self.neighbour_row((2, 1), k + 1 == nz, [j, k + 1], x, (center, j), z_above),
            ]
        } else {
            [center, center]
        };
        Row { center, ends: self.ends(center, [j, k], x), y, z }
    }

    /// The row at `[y, z]`, or ghosts of the `inner` row (with its other in-plane index) if a wall lies between.
    fn neighbour_row<'g>(
        &'g self,
        (axis, side): (usize, usize),
        at_edge: bool,
        [j, k]: [isize; 2],
        x: [isize; 2],
        (inner, along): (&[f64], isize),
        ghosts: &'g mut Vec<f64>,
    ) -> &'g [f64] {
        match &self.walls[axis][side] {
            Some(wall) if at_edge => {
                ghosts.clear();
                ghosts.extend(inner.iter().map(|&t| wall.ghost.of(t)));
                self.expose_row(wall, inner, ghosts, x[0], (along, 3 - axis));
                ghosts
            }
            _ => self.old.row(j, k, x[0], x[1]),
        }
    }

    /// Adds dt (ghost - T) for the cells of a wall that this rank owns (it also computes some of its neighbours').
    fn expose_row(&self, wall: &WallView<'_>, inner: &[f64], ghosts: &[f64], x0: isize, (along, axis): (isize, usize)) {
        let cells = self.old.layout().cells;
        if !(0..cells[axis] as isize).contains(&along) {
            return;
        }
        let (first, last) = (x0.max(0), (x0 + inner.len() as isize).min(cells[0] as isize));
        if first >= last {
            return;
        }
        let (start, skip, length) =
            (first as usize + cells[0] * along as usize, (first - x0) as usize, (last - first) as usize);
        // SAFETY: a cell of the wall belongs to one row of one tile.
        let exposure = unsafe { wall.exposure.slice_mut(start..start + length) };
        for ((sum, ghost), t) in exposure.iter_mut().zip(&ghosts[skip..]).zip(&inner[skip..]) {
            *sum += self.dt * (ghost - t);
        }
    }

    /// The values before and behind a row.
    fn ends(&self, center: &[f64], [j, k]: [isize; 2], x: [isize; 2]) -> [f64; 2] {
        let nx = self.old.layout().cells[0] as isize;
        let last = center.len() - 1;
        [self.end(0, x[0] == 0, center[0], [x[0] - 1, j, k]), self.end(1, x[1] == nx, center[last], [x[1], j, k])]
    }

    fn end(&self, side: usize, at_edge: bool, inner: f64, beyond: [isize; 3]) -> f64 {
        match &self.walls[0][side] {
            Some(wall) if at_edge => {
                let ghost = wall.ghost.of(inner);
                self.expose_end(wall, ghost - inner, [beyond[1], beyond[2]]);
                ghost
            }
            _ => self.old.at(beyond),
        }
    }

    fn expose_end(&self, wall: &WallView<'_>, difference: f64, [j, k]: [isize; 2]) {
        let [_, ny, nz] = self.old.layout().cells;
        if (0..ny as isize).contains(&j) && (0..nz as isize).contains(&k) {
            let cell = j as usize + ny * k as usize;
            // SAFETY: a cell of the wall belongs to one row of one tile.
            let exposure = unsafe { wall.exposure.slice_mut(cell..cell + 1) };
            exposure[0] += self.dt * difference;
        }
    }
}

/// The coefficients of cells `x[0]..x[1]` of a row.
fn conductances(arrays: &VariableCoefficients, [j, k]: [isize; 2], x: [isize; 2]) -> Conductances<'_> {
    let [gx, gy, gz] = &arrays.conductance;
    Conductances {
        x: gx.row(j, k, x[0], x[1] + 1),
        y: [gy.row(j, k, x[0], x[1]), gy.row(j + 1, k, x[0], x[1])],
        z: [gz.row(j, k, x[0], x[1]), gz.row(j, k + 1, x[0], x[1])],
        inverse_capacity: arrays.inverse_capacity.row(j, k, x[0], x[1]),
    }
}

/// Tile edges for which the rows in use (three of one plane, or of three planes, and the written one) fit in `cache` bytes. In three
/// dimensions in half of them: the rest takes what is fetched ahead.
fn tile_for(layout: &Layout, three_d: bool, cache: usize) -> [usize; 3] {
    let values = cache / size_of::<f64>();
    let [nx, ny, nz] = layout.whole().upper.map(|n| n.max(1) as usize);
    if three_d {
        let x = nx.min(4096);
        let y = (values / (8 * x)).clamp(4, 512).min(ny.max(4));
        [x, y, nz.clamp(1, 64)]
    } else {
        let x = nx.min((values / 4).max(512).next_multiple_of(8));
        [x, ny.clamp(1, 64), 1]
    }
}
