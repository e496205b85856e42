//! Conductances and heat capacities of the cells of a subdomain: three numbers if the matter is the same everywhere, arrays
//! of face conductances if not.

use super::problem::{HeatProblem, Material};
use super::walls::wall_conductance;
use crate::decomposition::{CartesianDecomposition, Subdomain};
use crate::field::{Field, Layout};
use crate::parallel::Shared;
use rayon::prelude::*;

/// What a step multiplies temperature differences by.
#[derive(Debug)]
pub enum Coefficients {
    /// One material.
    Constant {
        /// Conductivity in W/(m K).
        conductivity: f64,
        /// k / h^2 along x, y, z in W/(m3 K).
        conductance: [f64; 3],
        /// 1 / (rho c) in m3 K / J.
        inverse_capacity: f64,
    },
    /// Several materials.
    Variable(Box<VariableCoefficients>),
}

/// Arrays over the cells of the subdomain and its halo.
#[derive(Debug)]
pub struct VariableCoefficients {
    /// Conductance k / h^2 of the lower face of each cell along x, y, z, in W/(m3 K); one layer more than cells.
    pub conductance: [Field; 3],
    /// 1 / (rho c) in m3 K / J.
    pub inverse_capacity: Field,
}

/// The material of any cell of the grid.
#[derive(Clone, Copy, Debug)]
pub struct MaterialMap<'a> {
    problem: &'a HeatProblem,
    subdomain: Subdomain,
}

impl<'a> MaterialMap<'a> {
    /// A map that is asked by the local indices of a subdomain.
    pub fn new(problem: &'a HeatProblem, subdomain: Subdomain) -> MaterialMap<'a> {
        MaterialMap { problem, subdomain }
    }

    /// The one material of the whole domain, if there is only one.
    pub fn uniform(&self) -> Option<Material> {
        let background = self.problem.background;
        self.problem.regions.iter().all(|(_, material)| *material == background).then_some(background)
    }

    /// Global index of the cell with local index `cell`, round the corner on periodic axes (and clamped at walls).
    pub fn global(&self, cell: [isize; 3]) -> [usize; 3] {
        std::array::from_fn(|axis| {
            let n = self.problem.grid.cells[axis] as isize;
            (cell[axis] + self.subdomain.start[axis] as isize).rem_euclid(n) as usize
        })
    }

    /// Material of the cell with local index `cell`.
    pub fn at(&self, cell: [isize; 3]) -> Material {
        let global = self.global(cell);
        let point = self.problem.grid.center(global);
        let last = self.problem.regions.iter().rev().find(|(region, _)| region.contains(global, point));
        last.map_or(self.problem.background, |(_, material)| *material)
    }
}

impl Coefficients {
    /// Coefficients for the cells of `layout` (interior and halo).
    pub fn new(
        problem: &HeatProblem,
        decomposition: &CartesianDecomposition,
        subdomain: Subdomain,
        layout: &Layout,
    ) -> Coefficients {
        let map = MaterialMap::new(problem, subdomain);
        match map.uniform() {
            Some(material) => Coefficients::Constant {
                conductivity: material.conductivity,
                conductance: problem.grid.spacing.map(|h| material.conductivity / (h * h)),
                inverse_capacity: 1.0 / material.heat_capacity(),
            },
            None => {
                let builder = Builder { map, problem, decomposition, subdomain };
                Coefficients::Variable(Box::new(builder.build(layout)))
            }
        }
    }

    /// Conductivity in W/(m K), if it is the same everywhere.
    pub fn uniform_conductivity(&self) -> Option<f64> {
        match self {
            Coefficients::Constant { conductivity, .. } => Some(*conductivity),
            Coefficients::Variable(_) => None,
        }
    }

    /// Bytes that a rank needs for its coefficients if they vary.
    pub fn variable_bytes(layout: &Layout) -> usize {
        4 * staggered(layout).bytes()
    }

    /// Conductance (W/(m3 K)) between a cell at a wall and its ghost.
    pub fn at_wall(&self, axis: usize, side: usize, mut cell: [isize; 3]) -> f64 {
        match self {
            Coefficients::Constant { conductance, .. } => conductance[axis],
            Coefficients::Variable(arrays) => {
                cell[axis] += side as isize;
                arrays.conductance[axis].at(cell)
            }
        }
    }

    /// 1 / (rho c) of a cell, m3 K / J.
    pub fn inverse_capacity_at(&self, cell: [isize; 3]) -> f64 {
        match self {
            Coefficients::Constant { inverse_capacity, .. } => *inverse_capacity,
            Coefficients::Variable(arrays) => arrays.inverse_capacity.at(cell),
        }
    }
}

/// The layout of a field with one more layer of cells at the upper sides, for the faces above the last cells.
fn staggered(layout: &Layout) -> Layout {
    Layout::new(layout.cells, layout.halo.map(|[lower, upper]| [lower, upper + 1]))
}

struct Builder<'a> {
    map: MaterialMap<'a>,
    problem: &'a HeatProblem,
    decomposition: &'a CartesianDecomposition,
    subdomain: Subdomain,
}

impl Builder<'_> {
    fn build(&self, layout: &Layout) -> VariableCoefficients {
        let layout = staggered(layout);
        VariableCoefficients {
            conductance: std::array::from_fn(|axis| fill(layout, |cell| self.conductance(axis, cell))),
            inverse_capacity: fill(layout, |cell| 1.0 / self.map.at(cell).heat_capacity()),
        }
    }

    /// Conductance of the lower face of a cell along an axis.
    fn conductance(&self, axis: usize, cell: [isize; 3]) -> f64 {
        let h = self.problem.grid.spacing[axis];
        let mut below = cell;
        below[axis] -= 1;
        let global = cell[axis] + self.subdomain.start[axis] as isize;
        if !self.decomposition.periodic[axis] && global <= 0 {
            return wall_conductance(&self.problem.faces[axis][0], self.map.at(cell).conductivity, h);
        }
        if !self.decomposition.periodic[axis] && global >= self.decomposition.cells[axis] as isize {
            return wall_conductance(&self.problem.faces[axis][1], self.map.at(below).conductivity, h);
        }
        harmonic_mean(self.map.at(below).conductivity, self.map.at(cell).conductivity) / (h * h)
    }
}

/// Conductivity of the face between two cells of equal size: resistances in series.
fn harmonic_mean(a: f64, b: f64) -> f64 {
    2.0 * a * b / (a + b)
}

/// A field whose every value, halo included, is a function of the local index.
fn fill(layout: Layout, value: impl Fn([isize; 3]) -> f64 + Sync) -> Field {
    let mut field = Field::zeros(layout);
    let whole = layout.whole();
    let target = Shared::new(field.values_mut());
    (whole.lower[2]..whole.upper[2]).into_par_iter().for_each(|k| {
        for j in whole.lower[1]..whole.upper[1] {
            let start = layout.index([whole.lower[0], j, k]);
            // SAFETY: every row belongs to one plane and every plane to one task.
            let row = unsafe { target.slice_mut(start..start + whole.extent(0)) };
            for (i, cell) in row.iter_mut().enumerate() {
                *cell = value([whole.lower[0] + i as isize, j, k]);
            }
        }
    });
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn face_between_equal_cells_has_their_conductivity() {
        assert_eq!(harmonic_mean(3.0, 3.0), 3.0);
    }

    #[test]
    fn an_insulator_stops_a_conductor() {
        assert!(harmonic_mean(400.0, 0.02) < 0.04);
    }
}
