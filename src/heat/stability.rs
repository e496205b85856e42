//! The largest stable time step of forward Euler: 2 / (largest eigenvalue of the discrete operator).
//!
//! The operator is `A = C^-1 L` with the heat capacities C and the conductance matrix L of cells, faces and walls. On a grid
//! that can be coloured like a chess board its eigenvalues are those of `|A|`, the same matrix with all signs positive, and
//! for a matrix without negative entries and any positive vector x (Collatz 1942, Wielandt 1950)
//!
//! ```text
//! min_i (|A| x)_i / x_i  <=  largest eigenvalue  <=  max_i (|A| x)_i / x_i .
//! ```
//!
//! So a few power iterations bound the limit from both sides; the upper bound is used, and is never too optimistic (a periodic
//! axis with an odd number of cells cannot be coloured: there the true eigenvalue is a little smaller). With `x = 1` the upper
//! bound is Gershgorin's circle, which is exact for one material in fixed walls, and up to twice too careful around small
//! well-conducting pieces. Only maxima are taken, so the bits do not depend on the ranks.
//! Refused: the textbook formula `h^2 / (2 d k/(rho c))`, which knows neither walls nor materials nor anisotropic cells.

use super::coefficients::VariableCoefficients;
use super::problem::{FaceCondition, HeatProblem};
use super::walls::{uniform_slope, variable_slope};
use crate::comm::{Communicator, ReduceOp};
use crate::decomposition::{CartesianDecomposition, Subdomain};
use crate::field::Field;
use crate::halo::HaloExchange;
use crate::parallel::Shared;
use rayon::prelude::*;

/// Power iterations at most.
const ITERATIONS: usize = 30;
/// Cells that the power iterations on a whole grid may visit: a second or so. Depends on the grid alone and not on the ranks,
/// and so does the time step.
const VISITS: usize = 100_000_000;
/// The bounds are close enough when they differ by this fraction.
const GAP: f64 = 0.01;

/// Bounds of the largest eigenvalue in 1/s.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpectralBound {
    /// Not above the eigenvalue (for grids that can be coloured).
    pub lower: f64,
    /// Not below it.
    pub upper: f64,
}

impl SpectralBound {
    /// The largest time step that is surely stable, in seconds.
    pub fn max_stable_dt(&self) -> f64 {
        2.0 / self.upper
    }

    fn close(&self) -> bool {
        self.upper - self.lower <= GAP * self.upper
    }
}

/// The bound for one material: a sum over axes, each a small tridiagonal problem that every rank solves alike.
pub fn uniform_bound(problem: &HeatProblem) -> SpectralBound {
    let material = problem.background;
    let mut bound = SpectralBound { lower: 0.0, upper: 0.0 };
    for axis in 0..problem.grid.dimensions {
        let (n, h) = (problem.grid.cells[axis], problem.grid.spacing[axis]);
        let ends = problem.faces[axis].each_ref().map(|c| 1.0 - uniform_slope(c, material.conductivity, h));
        let periodic = problem.faces[axis][0] == FaceCondition::Periodic;
        let axis_bound = if periodic { periodic_eigenvalue(n) } else { tridiagonal_bound(n, ends) };
        let rate = material.diffusivity() / (h * h);
        bound.lower += rate * axis_bound.lower;
        bound.upper += rate * axis_bound.upper;
    }
    bound
}

/// Largest eigenvalue of the periodic second difference of `n` cells: `4 sin^2(pi floor(n/2) / n)`.
fn periodic_eigenvalue(n: usize) -> SpectralBound {
    let angle = std::f64::consts::PI * (n / 2) as f64 / n as f64;
    let value = 4.0 * angle.sin().powi(2);
    SpectralBound { lower: value, upper: value }
}

/// For the second difference of `n` cells with the conductances `ends` (in units of that between cells) to the walls.
fn tridiagonal_bound(n: usize, ends: [f64; 2]) -> SpectralBound {
    let mut x = vec![1.0; n];
    let mut bound = SpectralBound { lower: 0.0, upper: f64::INFINITY };
    for _ in 0..ITERATIONS {
        let image: Vec<f64> = (0..n).map(|i| row_of_second_difference(&x, ends, i)).collect();
        let step = quotients(image.iter().zip(&x).map(|(y, x)| y / x));
        bound = SpectralBound { lower: bound.lower.max(step.lower), upper: bound.upper.min(step.upper) };
        if bound.close() {
            break;
        }
        let largest = image.iter().fold(0.0f64, |m, &y| m.max(y));
        x = image.iter().map(|y| (y / largest).max(f64::MIN_POSITIVE)).collect();
    }
    bound
}

fn row_of_second_difference(x: &[f64], ends: [f64; 2], i: usize) -> f64 {
    let side = |inside: bool, neighbour: usize, end: f64| if inside { x[i] + x[neighbour] } else { end * x[i] };
    side(i > 0, i.wrapping_sub(1), ends[0]) + side(i + 1 < x.len(), i + 1, ends[1])
}

fn quotients(ratios: impl Iterator<Item = f64>) -> SpectralBound {
    let empty = SpectralBound { lower: f64::INFINITY, upper: 0.0 };
    ratios.fold(empty, |b, q| SpectralBound { lower: b.lower.min(q), upper: b.upper.max(q) })
}

/// Power iteration on the whole grid for several materials; uses the two fields of the state as workspace.
pub struct PowerIteration<'a> {
    /// The physics.
    pub problem: &'a HeatProblem,
    /// Face conductances.
    pub arrays: &'a VariableCoefficients,
    /// The process grid.
    pub decomposition: &'a CartesianDecomposition,
    /// This rank's cells.
    pub subdomain: Subdomain,
}

impl PowerIteration<'_> {
    /// Iterates until the bounds are close. Collective.
    pub fn run(
        &self,
        comm: &dyn Communicator,
        halo: &mut HaloExchange,
        x: &mut Field,
        image: &mut Field,
    ) -> SpectralBound {
        let mut bound = SpectralBound { lower: 0.0, upper: f64::INFINITY };
        x.view_mut().fill(1.0);
        let iterations = (VISITS / self.problem.grid.cell_count()).clamp(1, ITERATIONS);
        for _ in 0..iterations {
            halo.exchange_while(comm, x, |_| {});
            let local = self.apply(x, image);
            let mut extrema = [-local.lower, local.upper];
            comm.all_reduce(ReduceOp::Max, &mut extrema);
            let step = SpectralBound { lower: -extrema[0], upper: extrema[1] };
            bound = SpectralBound { lower: bound.lower.max(step.lower), upper: bound.upper.min(step.upper) };
            if bound.close() {
                break;
            }
            // A power of two keeps the numbers in range and changes no quotient.
            let scale = 2f64.powi(-(step.upper.log2().floor() as i32));
            x.view_mut().zip_mut_with(&image.view(), |x, y| *x = (y * scale).max(f64::MIN_POSITIVE));
        }
        bound
    }

    /// `image = |A| x`, and the bounds from this rank's cells.
    fn apply(&self, x: &Field, image: &mut Field) -> SpectralBound {
        let layout = *x.layout();
        let [nx, ny, nz] = layout.cells.map(|n| n as isize);
        let target = Shared::new(image.values_mut());
        (0..ny * nz)
            .into_par_iter()
            .map(|row| {
                let (j, k) = (row % ny, row / ny);
                let start = layout.index([0, j, k]);
                // SAFETY: one task per row.
                let out = unsafe { target.slice_mut(start..start + nx as usize) };
                quotients(out.iter_mut().enumerate().map(|(i, out)| {
                    let cell = [i as isize, j, k];
                    *out = self.row_of_operator(x, cell);
                    *out / x.at(cell)
                }))
            })
            .reduce(|| quotients(std::iter::empty()), merge)
    }

    fn row_of_operator(&self, x: &Field, cell: [isize; 3]) -> f64 {
        let own = x.at(cell);
        let mut sum = 0.0;
        for axis in 0..self.problem.grid.dimensions {
            for side in 0..2 {
                let mut face = cell;
                face[axis] += side as isize;
                let conductance = self.arrays.conductance[axis].at(face);
                sum += match self.wall(axis, side, cell) {
                    Some(condition) => conductance * (1.0 - variable_slope(condition)) * own,
                    None => {
                        let mut neighbour = cell;
                        neighbour[axis] += 2 * side as isize - 1;
                        conductance * (own + x.at(neighbour))
                    }
                };
            }
        }
        sum * self.arrays.inverse_capacity.at(cell)
    }

    fn wall(&self, axis: usize, side: usize, cell: [isize; 3]) -> Option<&FaceCondition> {
        let global = cell[axis] + self.subdomain.start[axis] as isize;
        let edge = [0, self.decomposition.cells[axis] as isize - 1][side];
        (global == edge && !self.decomposition.periodic[axis]).then(|| &self.problem.faces[axis][side])
    }
}

fn merge(a: SpectralBound, b: SpectralBound) -> SpectralBound {
    SpectralBound { lower: a.lower.min(b.lower), upper: a.upper.max(b.upper) }
}

/// A bound for any coefficients from the extreme properties of the materials alone, without looking at a cell.
pub fn careful_bound(problem: &HeatProblem) -> f64 {
    let materials = || problem.regions.iter().map(|(_, m)| m).chain([&problem.background]);
    let best = materials().map(|m| m.conductivity).fold(0.0, f64::max);
    let per_material = |conductivity: f64, capacity: f64| -> f64 {
        // Towards the best conductor; a fixed wall is half a cell away, which counts as much as two neighbours.
        let face = 2.0 * conductivity * best / (conductivity + best);
        let axes = 0..problem.grid.dimensions;
        axes.map(|a| 4.0 * face.max(conductivity) / problem.grid.spacing[a].powi(2)).sum::<f64>() / capacity
    };
    materials().map(|m| per_material(m.conductivity, m.heat_capacity())).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_walls_are_exact() {
        let bound = tridiagonal_bound(7, [2.0, 2.0]);
        assert_eq!((bound.lower, bound.upper), (4.0, 4.0));
    }

    #[test]
    fn insulated_walls_converge_to_the_known_eigenvalue() {
        let exact = 4.0 * (std::f64::consts::PI * 3.0 / 8.0).sin().powi(2);
        let bound = tridiagonal_bound(4, [0.0, 0.0]);
        assert!(bound.lower <= exact && exact <= bound.upper && bound.close(), "{bound:?} {exact}");
    }

    #[test]
    fn odd_periodic_axis() {
        assert!((periodic_eigenvalue(3).upper - 3.0).abs() < 1e-14);
    }
}
