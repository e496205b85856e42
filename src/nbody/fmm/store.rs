//! The cells that a rank knows, their moments, and bodies that came over from other ranks.

use super::cell::{Cell, Content};
use super::lanes::Line;
use crate::nbody::gravity::Sources;
use std::ops::Range;

/// Numbers of a [`Shape`]: coordinates from here on.
pub const CENTER: usize = 0;
/// Likewise.
pub const RADIUS: usize = 3;
/// Likewise.
pub const MASS: usize = 4;
/// Likewise.
pub const BODIES: usize = 5;
/// Likewise: 1 for leaves, else 0.
pub const IS_LEAF: usize = 6;

/// What the acceptance of a pair reads of its source, in two cache lines that are loaded into vectors as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shape {
    /// See the constants.
    pub geometry: Line,
    /// Multipole powers of degree 1 to 8, the first of those in [`Cell::powers`].
    pub powers: Line,
}

impl Shape {
    fn of(cell: &Cell) -> Shape {
        let [x, y, z] = cell.center;
        let is_leaf = f64::from(u8::from(cell.is_leaf()));
        Shape {
            geometry: Line([x, y, z, cell.radius, cell.mass, f64::from(cell.bodies), is_leaf, 0.0]),
            powers: Line(std::array::from_fn(|n| f64::from(cell.powers[n + 1]))),
        }
    }
}

/// The cells that a rank knows. The root is the first; the crown comes next, then the cells of this rank, then imported ones.
#[derive(Clone, Debug, Default)]
pub struct Store {
    /// All cells.
    pub cells: Vec<Cell>,
    /// Shapes of the cells, once [`Store::shape_new_cells`] has been called.
    pub shapes: Vec<Shape>,
    /// Moments of every cell, one after the other.
    pub moments: Vec<Line>,
    /// Lines of moments of a cell.
    pub stride: usize,
    /// Cells below own branches.
    pub own: Range<usize>,
    /// Positions of imported bodies.
    pub position: [Vec<f64>; 3],
    /// Their masses.
    pub mass: Vec<f64>,
}

impl Store {
    /// Takes the shapes of cells that have been added.
    pub fn shape_new_cells(&mut self) {
        let new = &self.cells[self.shapes.len()..];
        self.shapes.extend(new.iter().map(Shape::of));
    }

    /// Moments of a cell, by degree.
    pub fn moments_of(&self, place: usize) -> &[Line] {
        &self.moments[place * self.stride..][..self.stride]
    }

    /// Bodies that came over.
    pub fn imported(&self) -> Sources<'_> {
        Sources { position: [0, 1, 2].map(|axis| self.position[axis].as_slice()), mass: &self.mass }
    }

    /// True if what is in the cell has not come over from another rank.
    pub fn is_elsewhere(&self, place: u32) -> bool {
        matches!(self.cells[place as usize].content, Content::Elsewhere { .. })
    }

    /// True if all that is in the cell is of this rank.
    pub fn is_complete(&self, place: u32) -> bool {
        let is_own = |place: usize| self.own.contains(&place);
        match self.cells[place as usize].content {
            Content::Bodies { .. } => true,
            // Children of a branch of this rank, and only they, lie among its own cells.
            Content::Children { first, .. } => is_own(place as usize) || is_own(first as usize),
            _ => false,
        }
    }

    /// Raises the fields of leaves to `floor`, and gives every cell of `range` and then of `crown` the smallest of its children's.
    pub fn spread_fields(&mut self, places: impl Iterator<Item = usize>, floor: f64) {
        for place in places {
            let cell = &self.cells[place];
            let children = cell.children();
            let smallest = self.cells[children.clone()].iter().map(|child| child.field).fold(f64::INFINITY, f64::min);
            let cell = &mut self.cells[place];
            cell.field = if children.is_empty() { cell.field.max(floor) } else { smallest };
        }
    }
}
