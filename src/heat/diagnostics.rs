//! What a run reports about its state: heat content, extrema, balance, error. Every figure has the same bits on any shape.

use super::HeatModel;
use super::coefficients::Coefficients;
use super::exact::Separable;
use crate::comm::ReduceOp;
use crate::comm::sum::all_sum_exact;
use crate::error::{Error, Result};
use crate::field::Field;
use crate::reproducible::{ExactSum, Scale};
use crate::timing::Phase;
use rayon::prelude::*;
use std::time::Instant;

/// Figures of the state at one time. Joules are for the whole domain; in two dimensions for a plate 1 m deep.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostics {
    /// Steps done.
    pub step: u64,
    /// Simulated seconds.
    pub time: f64,
    /// Sum of rho c T V in joules.
    pub total_heat: f64,
    /// Smallest temperature.
    pub min: f64,
    /// Largest temperature.
    pub max: f64,
    /// Mean over the cells.
    pub mean: f64,
    /// Heat that has come in through each face since the start, joules: `[axis][side]`.
    pub face_heat: [[f64; 2]; 3],
    /// Heat that the sources have put in since the start, joules.
    pub source_heat: f64,
    /// Total heat less what was there, came in and was put in, relative to the largest of these.
    pub balance: f64,
    /// Error against the exact solution, if there is one.
    pub error: Option<ErrorNorms>,
}

/// Difference to the exact solution at the cell centres, in kelvin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ErrorNorms {
    /// Root of the mean square.
    pub l2: f64,
    /// Largest magnitude.
    pub max: f64,
}

/// Minimum, maximum and whether all values are finite.
#[derive(Clone, Copy, Debug)]
struct Extrema {
    min: f64,
    max: f64,
    finite: bool,
}

impl Diagnostics {
    /// Column names with units, and values, for `diagnostics.csv`.
    pub fn columns(&self) -> Vec<(&'static str, f64)> {
        let [[xl, xu], [yl, yu], [zl, zu]] = self.face_heat;
        let mut columns = vec![
            ("step", self.step as f64),
            ("time [s]", self.time),
            ("total_heat [J]", self.total_heat),
            ("min [deg]", self.min),
            ("max [deg]", self.max),
            ("mean [deg]", self.mean),
            ("heat_x_lower [J]", xl),
            ("heat_x_upper [J]", xu),
            ("heat_y_lower [J]", yl),
            ("heat_y_upper [J]", yu),
            ("heat_z_lower [J]", zl),
            ("heat_z_upper [J]", zu),
            ("heat_sources [J]", self.source_heat),
            ("balance [1]", self.balance),
        ];
        if let Some(error) = self.error {
            columns.extend([("error_l2 [deg]", error.l2), ("error_max [deg]", error.max)]);
        }
        columns
    }
}

impl HeatModel<'_> {
    /// Figures of the present state, which is the one after `step` steps at `time` seconds. Collective.
    ///
    /// # Errors
    /// If a temperature is not finite: names the step and the first such cell.
    pub fn diagnostics(&mut self, step: u64, time: f64) -> Result<Diagnostics> {
        let start = Instant::now();
        let result = self.measure(step, time);
        self.timers.add(Phase::Diagnostics, start.elapsed().as_secs_f64());
        result
    }

    /// That all temperatures are finite. Collective.
    ///
    /// # Errors
    /// As [`HeatModel::diagnostics`].
    pub fn check_finite(&self, step: u64) -> Result<()> {
        self.finite_extrema(step).map(|_| ())
    }

    fn measure(&mut self, step: u64, time: f64) -> Result<Diagnostics> {
        let extrema = self.finite_extrema(step)?;
        let volume = self.problem.grid.cell_volume();
        let [sum, content, magnitude] = self.sums(extrema);
        let total_heat = content * volume;
        let face_heat = self.face_heat();
        let source_heat = self.sources.heat();
        let initial = *self.initial_heat.get_or_insert(total_heat);
        let inflow: f64 = face_heat.as_flattened().iter().sum();
        let largest =
            face_heat.as_flattened().iter().chain([&source_heat, &initial]).fold(0.0f64, |m, h| m.max(h.abs()));
        let scale = largest.max(magnitude * volume);
        let open = total_heat - initial - inflow - source_heat;
        Ok(Diagnostics {
            step,
            time,
            total_heat,
            min: extrema.min,
            max: extrema.max,
            mean: sum / self.problem.grid.cell_count() as f64,
            face_heat,
            source_heat,
            balance: if open == 0.0 { 0.0 } else { open / scale },
            error: self.exact.as_ref().map(|exact| self.error_norms(&exact.at_time(time))),
        })
    }

    fn finite_extrema(&self, step: u64) -> Result<Extrema> {
        let local = self.cells().extrema();
        // A value that is not finite must not enter a floating-point reduction.
        let (min, max) = if local.finite { (local.min, local.max) } else { (0.0, 0.0) };
        let mut reduced = [-min, max, f64::from(u8::from(!local.finite))];
        self.comm.all_reduce(ReduceOp::Max, &mut reduced);
        if reduced[2] > 0.0 {
            return Err(self.not_finite(step));
        }
        Ok(Extrema { min: -reduced[0], max: reduced[1], finite: true })
    }

    /// The first cell in global C order that is not finite.
    fn not_finite(&self, step: u64) -> Error {
        let [gx, gy, _] = self.problem.grid.cells;
        let start = self.subdomain.start;
        let first = self.old.view().indexed_iter().find(|(_, value)| !value.is_finite()).map(|((k, j, i), _)| {
            let [i, j, k] = [i + start[0], j + start[1], k + start[2]];
            (i + gx * (j + gy * k)) as f64
        });
        let mut number = [first.unwrap_or(f64::INFINITY)];
        self.comm.all_reduce(ReduceOp::Min, &mut number);
        let cell = number[0] as usize;
        Error::Numerical(format!(
            "the temperature is not finite at step {step}, first in cell ({}, {}, {}): the time step is unstable or the \
             input too large; use time.dt = \"auto\"",
            cell % gx,
            cell / gx % gy,
            cell / gx / gy
        ))
    }

    /// Sums over all cells of T, rho c T and |rho c T|.
    fn sums(&self, extrema: Extrema) -> [f64; 3] {
        let cells = self.cells();
        let scale = Scale::covering(extrema.min.abs().max(extrema.max.abs()));
        if let Coefficients::Constant { inverse_capacity, .. } = self.coefficients {
            let one_sign = extrema.min >= 0.0 || extrema.max <= 0.0;
            let [sum, magnitude] = if one_sign {
                let [sum] = self.total(cells.sum(scale));
                [sum, sum.abs()]
            } else {
                self.total(cells.sums(scale, |_, t| [t, t.abs()]))
            };
            return [sum, sum / inverse_capacity, magnitude / inverse_capacity];
        }
        let coefficients = &self.coefficients;
        let heat_of = move |cell, t: f64| t / coefficients.inverse_capacity_at(cell);
        let largest = self.largest(cells.largest(heat_of));
        let [sum] = self.total(cells.sum(scale));
        let [content, magnitude] = self.total(cells.sums(Scale::covering(largest), |cell, t| {
            let heat = heat_of(cell, t);
            [heat, heat.abs()]
        }));
        [sum, content, magnitude]
    }

    fn error_norms(&self, exact: &Separable) -> ErrorNorms {
        let start = self.subdomain.start;
        let difference = |cell: [isize; 3], t: f64| t - exact.at(std::array::from_fn(|a| cell[a] as usize + start[a]));
        let cells = self.cells();
        let max = self.largest(cells.largest(difference));
        let [squares] = self.total(cells.sums(Scale::covering(max * max), |cell, t| [difference(cell, t).powi(2)]));
        ErrorNorms { l2: (squares / self.problem.grid.cell_count() as f64).sqrt(), max }
    }

    /// Heat through each face since the start, joules into the domain.
    fn face_heat(&self) -> [[f64; 2]; 3] {
        let volume = self.problem.grid.cell_volume();
        std::array::from_fn(|axis| std::array::from_fn(|side| volume * self.exposure_sum(axis, side)))
    }

    /// Sum over the cells of a face of conductance times exposure.
    fn exposure_sum(&self, axis: usize, side: usize) -> f64 {
        let [first, second] = [[1, 2], [0, 2], [0, 1]][axis];
        let cells = self.subdomain.cells;
        let edge = [0, cells[axis] as isize - 1][side];
        let value = |(n, exposure): (usize, f64)| {
            let mut cell = [0; 3];
            cell[axis] = edge;
            (cell[first], cell[second]) = ((n % cells[first]) as isize, (n / cells[first]) as isize);
            exposure * self.coefficients.at_wall(axis, side, cell)
        };
        let wall = self.walls.faces[axis][side].as_ref();
        let values = || wall.into_iter().flat_map(|w| w.exposures().enumerate().map(value));
        let largest = self.largest(values().fold(0.0f64, |m, v| m.max(v.abs())));
        let mut sum = ExactSum::new(Scale::covering(largest));
        sum.add_all(values());
        self.total([sum])[0]
    }

    fn cells(&self) -> Cells<'_> {
        Cells { field: &self.old }
    }

    /// This rank's sums made those of all ranks.
    fn total<const N: usize>(&self, mut sums: [ExactSum; N]) -> [f64; N] {
        all_sum_exact(self.comm, &mut sums);
        sums.map(|sum| sum.value())
    }

    /// This rank's maximum made that of all ranks.
    fn largest(&self, local: f64) -> f64 {
        let mut value = [local];
        self.comm.all_reduce(ReduceOp::Max, &mut value);
        value[0]
    }
}

/// Cells whose figures are kept before they are added up.
const BUFFER: usize = 256;
/// Rows that one task takes: fewer would cost more to hand out than to add up.
const ROWS_AT_LEAST: usize = 64;

/// The cells of a rank, apart from the communicator, which threads must not see.
#[derive(Clone, Copy)]
struct Cells<'a> {
    field: &'a Field,
}

impl Cells<'_> {
    /// Sums of `N` figures per cell, which depend on its local index and temperature.
    fn sums<const N: usize>(
        &self,
        scale: Scale,
        figures: impl Fn([isize; 3], f64) -> [f64; N] + Sync,
    ) -> [ExactSum; N] {
        self.fold_rows(scale, |sums, row| {
            let ([j, k], values) = self.row(row);
            let mut buffers = [[0.0; BUFFER]; N];
            for (b, block) in values.chunks(BUFFER).enumerate() {
                for (n, &t) in block.iter().enumerate() {
                    let figures = figures([(b * BUFFER + n) as isize, j, k], t);
                    (0..N).for_each(|f| buffers[f][n] = figures[f]);
                }
                sums.iter_mut().zip(&buffers).for_each(|(sum, buffer)| sum.add_slice(&buffer[..block.len()]));
            }
        })
    }

    /// The sum of the temperatures.
    fn sum(&self, scale: Scale) -> [ExactSum; 1] {
        self.fold_rows(scale, |sums, row| sums[0].add_slice(self.row(row).1))
    }

    fn fold_rows<const N: usize>(&self, scale: Scale, add: impl Fn(&mut [ExactSum; N], isize) + Sync) -> [ExactSum; N] {
        let zero = || [ExactSum::new(scale); N];
        let merge = |mut a: [ExactSum; N], b: [ExactSum; N]| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            a
        };
        let fold = |mut sums: [ExactSum; N], row: isize| {
            add(&mut sums, row);
            sums
        };
        (0..self.rows()).into_par_iter().with_min_len(ROWS_AT_LEAST).fold(zero, fold).reduce(zero, merge)
    }

    /// Largest magnitude of a figure per cell.
    fn largest(&self, figure: impl Fn([isize; 3], f64) -> f64 + Sync) -> f64 {
        let of_row = |row: isize| {
            let ([j, k], values) = self.row(row);
            values.iter().enumerate().fold(0.0f64, |m, (i, &t)| m.max(figure([i as isize, j, k], t).abs()))
        };
        (0..self.rows()).into_par_iter().with_min_len(ROWS_AT_LEAST).map(of_row).reduce(|| 0.0, f64::max)
    }

    fn extrema(&self) -> Extrema {
        let none = || Extrema { min: f64::INFINITY, max: f64::NEG_INFINITY, finite: true };
        let merge = |a: Extrema, b: Extrema| Extrema {
            min: a.min.min(b.min),
            max: a.max.max(b.max),
            finite: a.finite && b.finite,
        };
        let rows = (0..self.rows()).into_par_iter().with_min_len(ROWS_AT_LEAST);
        rows.map(|row| row_extrema(self.row(row).1)).reduce(none, merge)
    }

    fn rows(&self) -> isize {
        let [_, ny, nz] = self.field.layout().cells;
        (ny * nz) as isize
    }

    /// Place (y, z) and values of row number `row`.
    fn row(&self, row: isize) -> ([isize; 2], &[f64]) {
        let [nx, ny, _] = self.field.layout().cells.map(|n| n as isize);
        let (j, k) = (row % ny, row / ny);
        ([j, k], self.field.row(j, k, 0, nx))
    }
}

/// Extrema in eight lanes, which the compiler turns into vectors.
fn row_extrema(row: &[f64]) -> Extrema {
    let (mut low, mut high, mut defect) = ([f64::INFINITY; 8], [f64::NEG_INFINITY; 8], [0.0f64; 8]);
    let mut lane = |l: usize, t: f64| {
        low[l] = if t < low[l] { t } else { low[l] };
        high[l] = if t > high[l] { t } else { high[l] };
        // Zero for a finite value, NaN for any other.
        defect[l] += 0.0 * t;
    };
    let blocks = row.chunks_exact(8);
    blocks.remainder().iter().enumerate().for_each(|(l, &t)| lane(l, t));
    for block in blocks {
        (0..8).for_each(|l| lane(l, block[l]));
    }
    Extrema {
        min: low.iter().copied().fold(f64::INFINITY, f64::min),
        max: high.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        finite: defect.iter().all(|d| *d == 0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extrema_of_a_row() {
        let row: Vec<f64> = (0..21).map(|i| ((i * 8) % 21) as f64 - 3.0).collect();
        let e = row_extrema(&row);
        assert_eq!((e.min, e.max, e.finite), (-3.0, 17.0, true));
    }

    #[test]
    fn one_value_that_is_not_finite_is_seen_anywhere() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for place in 0..19 {
                let mut row = vec![1.0; 19];
                row[place] = bad;
                assert!(!row_extrema(&row).finite);
            }
        }
    }
}
