//! The cells that a rank knows, their moments, and bodies that came over from other ranks.

use super::cell::Cell;
use crate::nbody::gravity::Sources;

/// The cells that a rank knows. The root is the first; the crown comes next, then the cells of this rank, then imported ones.
#[derive(Clone, Debug, Default)]
pub struct Store {
    /// All cells.
    pub cells: Vec<Cell>,
    /// Moments of every cell, one after the other.
    pub moments: Vec<f64>,
    /// Number of moments of a cell.
    pub stride: usize,
    /// Positions of imported bodies.
    pub position: [Vec<f64>; 3],
    /// Their masses.
    pub mass: Vec<f64>,
}

impl Store {
    /// Moments of a cell, by degree.
    pub fn moments_of(&self, place: usize) -> &[f64] {
        &self.moments[place * self.stride..][..self.stride]
    }

    /// Bodies that came over.
    pub fn imported(&self) -> Sources<'_> {
        Sources { position: [0, 1, 2].map(|axis| self.position[axis].as_slice()), mass: &self.mass }
    }
}
