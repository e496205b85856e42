//! A plane of the grid, reduced to what a picture can show, on rank 0.
//!
//! The owners of the plane pick the samples on their side and send only those: at most as many as the picture has pixels, never the
//! volume. A sample is the value of the *nearest cell*: every sample has one owner whatever the decomposition, its value is one
//! that the simulation holds (a mean of a box would hide the extremes), and only the cells that are shown are read.

use super::snapshot::Snapshot;
use crate::bytes;
use crate::decomposition::Subdomain;
use crate::grid::UniformGrid;

/// Which cells a picture shows.
#[derive(Clone, Debug, PartialEq)]
pub struct SlicePlan {
    /// Axis normal to the plane.
    pub axis: usize,
    /// Index of the layer of cells along that axis.
    pub layer: usize,
    /// Axes of the picture: to the right, and upwards.
    pub axes: [usize; 2],
    /// Cells of the grid along these axes.
    pub cells: [usize; 2],
    /// Samples along these axes, at most as many as cells.
    pub samples: [usize; 2],
}

/// Values of a reduced plane.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// Samples to the right and upwards.
    pub samples: [usize; 2],
    /// The values, the lowest line first, each from left to right.
    pub values: Vec<f64>,
}

impl SlicePlan {
    /// The layer of cells that holds `position` (metres along `axis`; the middle if absent), with at most so many samples along
    /// the axes of the picture.
    pub fn new(grid: &UniformGrid, axis: usize, position: Option<f64>, most: [usize; 2]) -> SlicePlan {
        let axes = picture_axes(axis);
        let cells = axes.map(|a| grid.cells[a]);
        let position = position.unwrap_or(0.5 * grid.length(axis));
        let layer = ((position / grid.spacing[axis]) as usize).min(grid.cells[axis] - 1);
        SlicePlan { axis, layer, axes, cells, samples: [cells[0].min(most[0].max(1)), cells[1].min(most[1].max(1))] }
    }

    /// The cell that sample `n` along axis `side` of the picture (0: right, 1: up) shows.
    pub fn cell_of(&self, side: usize, n: usize) -> usize {
        nearest(n, self.samples[side], self.cells[side])
    }

    /// The reduced plane on rank 0, `None` elsewhere. Collective.
    pub fn collect(&self, snapshot: &Snapshot) -> Option<Slice> {
        let own = self.pick(snapshot);
        let parts = snapshot.comm.gather(0, &own);
        (snapshot.comm.rank() == 0).then(|| self.assemble(snapshot, &parts))
    }

    /// This rank's samples, line by line.
    fn pick(&self, snapshot: &Snapshot) -> Vec<u8> {
        let part = snapshot.subdomain();
        let [columns, lines] = self.owned(&part);
        let mut values = Vec::with_capacity(columns.len() * lines.len());
        for v in lines {
            for u in columns.clone() {
                let local = std::array::from_fn(|a| (self.cell([u, v])[a] - part.start[a]) as isize);
                values.push(snapshot.field.at(local));
            }
        }
        let mut bytes = vec![0; values.len() * bytes::F64];
        bytes::encode(&values, &mut bytes);
        bytes
    }

    /// Global index of the cell that a sample shows.
    pub fn cell(&self, sample: [usize; 2]) -> [usize; 3] {
        let mut cell = [self.layer; 3];
        for side in 0..2 {
            cell[self.axes[side]] = self.cell_of(side, sample[side]);
        }
        cell
    }

    /// The samples along both axes that lie in a part; empty if the plane misses it.
    fn owned(&self, part: &Subdomain) -> [std::ops::Range<usize>; 2] {
        let inside = |axis: usize, cell: usize| (part.start[axis]..part.start[axis] + part.cells[axis]).contains(&cell);
        if !inside(self.axis, self.layer) {
            return [0..0, 0..0];
        }
        std::array::from_fn(|side| {
            let mut own = (0..self.samples[side]).filter(|&n| inside(self.axes[side], self.cell_of(side, n)));
            own.next().map_or(0..0, |first| first..own.next_back().unwrap_or(first) + 1)
        })
    }

    fn assemble(&self, snapshot: &Snapshot, parts: &[Vec<u8>]) -> Slice {
        let mut values = vec![0.0; self.samples[0] * self.samples[1]];
        for (rank, part) in parts.iter().enumerate() {
            let [columns, lines] = self.owned(&snapshot.decomposition.subdomain(rank));
            let mut received = bytes::decode(part);
            for v in lines {
                let line = &mut values[v * self.samples[0]..][columns.clone()];
                line.iter_mut().zip(&mut received).for_each(|(target, value)| *target = value);
            }
        }
        Slice { samples: self.samples, values }
    }
}

impl Slice {
    /// Smallest and largest finite value; `None` if there is none.
    pub fn range(&self) -> Option<[f64; 2]> {
        let finite = self.values.iter().copied().filter(|v| v.is_finite());
        let ends = finite.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], v| [low.min(v), high.max(v)]);
        (ends[0] <= ends[1]).then_some(ends)
    }

    /// The value shown at pixel (`x` to the right, `y` *downwards*) of a picture of so many pixels.
    pub fn at_pixel(&self, [x, y]: [usize; 2], [width, height]: [usize; 2]) -> f64 {
        let (u, v) = (nearest(x, width, self.samples[0]), nearest(height - 1 - y, height, self.samples[1]));
        self.values[u + self.samples[0] * v]
    }

    /// The plane with at most so many samples along its longer side.
    pub fn reduced(&self, most: usize) -> Slice {
        let longest = self.samples[0].max(self.samples[1]);
        if longest <= most {
            return self.clone();
        }
        let samples = self.samples.map(|n| (n * most).div_ceil(longest).max(1));
        let line = |v: usize| nearest(v, samples[1], self.samples[1]) * self.samples[0];
        let pick = |u: usize, v: usize| self.values[line(v) + nearest(u, samples[0], self.samples[0])];
        let values = (0..samples[1]).flat_map(|v| (0..samples[0]).map(move |u| (u, v))).map(|(u, v)| pick(u, v));
        Slice { samples, values: values.collect() }
    }
}

/// The axes to the right and upwards of a picture normal to `axis`.
pub fn picture_axes(axis: usize) -> [usize; 2] {
    [[1, 2], [0, 2], [0, 1]][axis]
}

/// The one of `many` items whose middle is nearest to the middle of item `n` of `few`.
fn nearest(n: usize, few: usize, many: usize) -> usize {
    ((2 * n + 1) * many / (2 * few)).min(many - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::{Communicator, threads};
    use crate::decomposition::CartesianDecomposition;
    use crate::field::{Field, Layout};

    fn value([i, j, k]: [usize; 3]) -> f64 {
        i as f64 + 100.0 * j as f64 + 1e4 * k as f64
    }

    fn collect_on(grid: &UniformGrid, plan: &SlicePlan, dims: [usize; 3]) -> Slice {
        let ranks = dims.iter().product();
        let decomposition = &CartesianDecomposition::new(grid.cells, [false; 3], ranks, Some(dims)).unwrap();
        let mut slices = threads::run(ranks, |comm: &dyn Communicator| {
            let part = decomposition.subdomain(comm.rank());
            let mut field = Field::zeros(Layout::new(part.cells, [[1; 2]; 3]));
            for ((k, j, i), cell) in field.view_mut().indexed_iter_mut() {
                *cell = value([i + part.start[0], j + part.start[1], k + part.start[2]]);
            }
            plan.collect(&Snapshot { grid, decomposition, field: &field, comm, step: 0, time: 0.0 })
        });
        assert!(slices[1..].iter().all(Option::is_none));
        slices.swap_remove(0).unwrap()
    }

    #[test]
    fn every_shape_collects_the_same_samples() {
        let grid = UniformGrid::new(&[12, 9, 7], &[1.2, 0.9, 0.7]);
        for axis in 0..3 {
            for most in [[100, 100], [5, 4], [1, 1]] {
                let plan = SlicePlan::new(&grid, axis, Some(0.35), most);
                assert_eq!(plan.layer, 3);
                let expected = collect_on(&grid, &plan, [1; 3]);
                let [u, v] = [plan.samples[0] - 1, plan.samples[1] - 1];
                assert_eq!(expected.values[u + plan.samples[0] * v], value(plan.cell([u, v])));
                for dims in [[2, 1, 1], [1, 3, 2], [3, 2, 1], [2, 2, 2]] {
                    assert_eq!(collect_on(&grid, &plan, dims), expected, "axis {axis}, {dims:?}");
                }
            }
        }
    }

    #[test]
    fn the_last_line_is_the_top_of_the_picture() {
        let slice = Slice { samples: [2, 2], values: vec![1.0, 2.0, 3.0, 4.0] };
        assert_eq!(slice.at_pixel([0, 0], [4, 4]), 3.0);
        assert_eq!(slice.at_pixel([3, 3], [4, 4]), 2.0);
        assert_eq!(slice.reduced(1).values.len(), 1);
    }

    #[test]
    fn a_position_on_the_upper_wall_is_the_last_layer() {
        let grid = UniformGrid::new(&[4, 4, 4], &[1.0; 3]);
        assert_eq!(SlicePlan::new(&grid, 2, Some(1.0), [4, 4]).layer, 3);
        assert_eq!(SlicePlan::new(&grid, 2, None, [4, 4]).layer, 2);
    }
}
