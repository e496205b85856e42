//! Pieces of space: which cells belong to a material, a source or an initial patch. Decided at the cell centre.

use std::sync::Arc;

/// A set of points. Coordinates in metres from the lower corner of the grid; in two dimensions z is ignored.
#[derive(Clone, Debug, PartialEq)]
pub enum Region {
    /// All of space.
    Everywhere,
    /// Axis-parallel box, both corners included.
    Box {
        /// Corner with the smaller coordinates.
        lower: [f64; 3],
        /// Corner with the larger coordinates.
        upper: [f64; 3],
    },
    /// Sphere, or circle in two dimensions.
    Sphere {
        /// Its centre; z of the grid's own layer in two dimensions.
        center: [f64; 3],
        /// Metres.
        radius: f64,
    },
    /// Circular cylinder parallel to an axis.
    Cylinder {
        /// 0, 1 or 2.
        axis: usize,
        /// A point on the axis.
        center: [f64; 3],
        /// Metres.
        radius: f64,
        /// First and last coordinate along the axis.
        range: [f64; 2],
    },
    /// Points on the side of a plane to which `normal` does *not* point, the plane included.
    HalfSpace {
        /// A point of the plane.
        point: [f64; 3],
        /// Away from the half-space; any length.
        normal: [f64; 3],
    },
    /// One flag per cell, read from a file.
    Mask(Arc<Mask>),
}

/// One flag per cell of the grid, in C order (z, y, x); a mask of one layer applies to every layer.
#[derive(Debug, PartialEq)]
pub struct Mask {
    /// Cells along x, y, z; equal to the grid's, but z may be 1.
    pub cells: [usize; 3],
    /// `cells` product flags, x fastest.
    pub inside: Vec<bool>,
}

impl Region {
    /// Whether the cell with global index `cell` and centre `point` (metres) belongs to the region.
    pub fn contains(&self, cell: [usize; 3], point: [f64; 3]) -> bool {
        match self {
            Region::Everywhere => true,
            Region::Box { lower, upper } => (0..3).all(|a| lower[a] <= point[a] && point[a] <= upper[a]),
            Region::Sphere { center, radius } => distance_squared(point, *center, None) <= radius * radius,
            Region::Cylinder { axis, center, radius, range } => {
                distance_squared(point, *center, Some(*axis)) <= radius * radius
                    && (range[0]..=range[1]).contains(&point[*axis])
            }
            Region::HalfSpace { point: on_plane, normal } => {
                (0..3).map(|a| (point[a] - on_plane[a]) * normal[a]).sum::<f64>() <= 0.0
            }
            Region::Mask(mask) => mask.at(cell),
        }
    }
}

impl Mask {
    fn at(&self, cell: [usize; 3]) -> bool {
        let layer = if self.cells[2] == 1 { 0 } else { cell[2] };
        self.inside[cell[0] + self.cells[0] * (cell[1] + self.cells[1] * layer)]
    }
}

fn distance_squared(point: [f64; 3], center: [f64; 3], without: Option<usize>) -> f64 {
    (0..3).filter(|&a| Some(a) != without).map(|a| (point[a] - center[a]).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELL: [usize; 3] = [0; 3];

    #[test]
    fn cylinder_ends_at_its_range() {
        let rod = Region::Cylinder { axis: 1, center: [0.0; 3], radius: 1.0, range: [2.0, 3.0] };
        assert!(rod.contains(CELL, [0.6, 2.5, 0.7]));
        assert!(!rod.contains(CELL, [0.6, 1.9, 0.7]));
        assert!(!rod.contains(CELL, [0.8, 2.5, 0.7]));
    }

    #[test]
    fn half_space_is_behind_its_normal() {
        let below = Region::HalfSpace { point: [0.0, 1.0, 0.0], normal: [0.0, 2.0, 0.0] };
        assert!(below.contains(CELL, [9.0, 0.5, 9.0]) && !below.contains(CELL, [9.0, 1.5, 9.0]));
    }

    #[test]
    fn mask_of_one_layer_is_extruded() {
        let mask = Region::Mask(Arc::new(Mask { cells: [2, 1, 1], inside: vec![false, true] }));
        assert!(mask.contains([1, 0, 7], [0.0; 3]) && !mask.contains([0, 0, 7], [0.0; 3]));
    }
}
