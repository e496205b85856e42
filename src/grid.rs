//! The uniform Cartesian grid: cell counts, spacings, cell centres. Pure arithmetic.
//!
//! Axes are always in the order x, y, z. A two-dimensional grid is a three-dimensional one with a single layer of cells in z:
//! every container and loop has three axes, and only the kernels know that the third one is idle.

/// A box of `cells` equal cells with the lower corner at the origin.
#[derive(Clone, Debug, PartialEq)]
pub struct UniformGrid {
    /// Number of cells along x, y, z (z is 1 in two dimensions).
    pub cells: [usize; 3],
    /// Cell size along x, y, z in metres. In two dimensions the z spacing is the depth of the plate, 1 m.
    pub spacing: [f64; 3],
    /// 2 or 3.
    pub dimensions: usize,
}

impl UniformGrid {
    /// A grid from cell counts and edge lengths in metres, both in x, y[, z] order and of equal length 2 or 3.
    ///
    /// # Panics
    /// If the lengths differ or are not 2 or 3: the deck reader has checked them.
    pub fn new(cells: &[usize], size: &[f64]) -> UniformGrid {
        assert!(cells.len() == size.len() && (2..=3).contains(&cells.len()), "2 or 3 axes");
        let mut grid = UniformGrid { cells: [1; 3], spacing: [1.0; 3], dimensions: cells.len() };
        for axis in 0..cells.len() {
            grid.cells[axis] = cells[axis];
            grid.spacing[axis] = size[axis] / cells[axis] as f64;
        }
        grid
    }

    /// Total number of cells.
    pub fn cell_count(&self) -> usize {
        self.cells.iter().product()
    }

    /// Edge length along an axis in metres.
    pub fn length(&self, axis: usize) -> f64 {
        self.spacing[axis] * self.cells[axis] as f64
    }

    /// Volume of one cell in cubic metres.
    pub fn cell_volume(&self) -> f64 {
        self.spacing.iter().product()
    }

    /// Area of a cell face normal to `axis` in square metres.
    pub fn face_area(&self, axis: usize) -> f64 {
        (0..3).filter(|&a| a != axis).map(|a| self.spacing[a]).product()
    }

    /// Centre of the cell with global index `cell`, in metres.
    pub fn center(&self, cell: [usize; 3]) -> [f64; 3] {
        std::array::from_fn(|axis| (cell[axis] as f64 + 0.5) * self.spacing[axis])
    }
}
