//! A cell of the octree: what is known of it wherever it is needed.

use super::expansion::SIDE;

/// Where the children or the bodies of a cell are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Children in the store of cells, next to each other in order of keys.
    Children {
        /// Place of the first.
        first: u32,
        /// How many, 1 to 8.
        count: u8,
    },
    /// A leaf with bodies of this rank.
    Bodies {
        /// The first in order of keys.
        first: u32,
    },
    /// A leaf with bodies of another rank, which have come over.
    ImportedBodies {
        /// The first among all that have come over.
        first: u32,
    },
    /// A cell of another rank whose children have not come over (or its bodies, if it is a leaf).
    Elsewhere {
        /// Rank.
        owner: u32,
        /// Its place in the store there.
        place: u32,
        /// It has no children.
        is_leaf: bool,
    },
}

/// A cell. Lengths and masses in the units of the bodies.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(64))]
pub struct Cell {
    /// Centre of mass, about which moments are taken and, but for leaves ([`Cell::as_target`]), the far field is expanded.
    pub center: [f64; 3],
    /// No body is farther from the centre.
    pub radius: f64,
    /// Of all bodies.
    pub mass: f64,
    /// Smallest key that lies in it.
    pub first_key: u64,
    /// Number of bodies.
    pub bodies: u32,
    /// At least one body wants a new force.
    pub active: bool,
    /// Where to find what is in it.
    pub content: Content,
    /// Multipole powers by degree, divided by mass times radius to the degree: 0 to 1.
    pub powers: [f32; SIDE],
    /// Measure of the acceleration of its bodies that errors are compared with.
    pub field: f64,
    /// Lowest and highest coordinates of bodies.
    pub bounds: [[f64; 3]; 2],
}

impl Cell {
    /// A cell without anything in it.
    pub fn empty(content: Content) -> Cell {
        Cell {
            center: [0.0; 3],
            radius: 0.0,
            mass: 0.0,
            first_key: 0,
            bodies: 0,
            active: false,
            content,
            powers: [0.0; SIDE],
            field: f64::INFINITY,
            bounds: [[f64::INFINITY; 3], [f64::NEG_INFINITY; 3]],
        }
    }

    /// True if it has bodies instead of children.
    pub fn is_leaf(&self) -> bool {
        !matches!(self.content, Content::Children { .. } | Content::Elsewhere { is_leaf: false, .. })
    }

    /// Places of its children; empty for leaves and for cells elsewhere.
    pub fn children(&self) -> std::ops::Range<usize> {
        match self.content {
            Content::Children { first, count } => first as usize..first as usize + usize::from(count),
            _ => 0..0,
        }
    }

    /// Takes the geometry of a leaf from its bodies: `position[axis]` of equal length, `mass` likewise.
    pub fn measure_bodies(&mut self, position: [&[f64]; 3], mass: &[f64]) {
        self.bodies = mass.len() as u32;
        self.mass = mass.iter().sum();
        for (axis, position) in position.iter().enumerate() {
            let (low, high) = extremes(position);
            self.bounds[0][axis] = low;
            self.bounds[1][axis] = high;
            let moment: f64 = mass.iter().zip(*position).map(|(m, x)| m * (x - low)).sum();
            self.center[axis] = self.inside(axis, low + moment / self.mass);
        }
        let distance = |n: usize| length([0, 1, 2].map(|axis| position[axis][n] - self.center[axis]));
        self.radius = (0..mass.len()).map(distance).fold(0.0, f64::max);
    }

    /// Takes the geometry of a cell from its children, in order of keys.
    pub fn measure_children(&mut self, children: &[Cell]) {
        self.bodies = children.iter().map(|child| child.bodies).sum();
        self.mass = children.iter().map(|child| child.mass).sum();
        self.active = children.iter().any(|child| child.active);
        self.field = children.iter().map(|child| child.field).fold(f64::INFINITY, f64::min);
        for axis in 0..3 {
            let low = children.iter().map(|child| child.bounds[0][axis]).fold(f64::INFINITY, f64::min);
            self.bounds[0][axis] = low;
            self.bounds[1][axis] = children.iter().map(|c| c.bounds[1][axis]).fold(f64::NEG_INFINITY, f64::max);
            let moment: f64 = children.iter().map(|child| child.mass * (child.center[axis] - low)).sum();
            self.center[axis] = self.inside(axis, low + moment / self.mass);
        }
        let reach = |child: &Cell| length(away(child.center, self.center)) + child.radius;
        let radius = children.iter().map(reach).fold(0.0, f64::max);
        self.radius = radius.min(self.farthest_corner());
    }

    /// A coordinate of the centre, kept within the bounds: without mass it is their middle.
    fn inside(&self, axis: usize, x: f64) -> f64 {
        let [low, high] = [self.bounds[0][axis], self.bounds[1][axis]];
        if x.is_finite() { x.clamp(low, high) } else { 0.5 * low + 0.5 * high }
    }

    fn farthest_corner(&self) -> f64 {
        length(std::array::from_fn(|axis| {
            let center = self.center[axis];
            (center - self.bounds[0][axis]).max(self.bounds[1][axis] - center)
        }))
    }
}

/// `to - from`.
pub fn away(to: [f64; 3], from: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|axis| to[axis] - from[axis])
}

fn length(x: [f64; 3]) -> f64 {
    (x[0] * x[0] + x[1] * x[1] + x[2] * x[2]).sqrt()
}

fn extremes(values: &[f64]) -> (f64, f64) {
    values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(x: [f64; 2], mass: [f64; 2]) -> Cell {
        let mut cell = Cell::empty(Content::Bodies { first: 0 });
        cell.measure_bodies([&x, &[1.0, 1.0], &[0.0, 2.0]], &mass);
        cell
    }

    #[test]
    fn a_leaf_is_centred_on_its_mass_and_holds_its_bodies() {
        let cell = leaf([0.0, 4.0], [3.0, 1.0]);
        assert_eq!((cell.center, cell.mass, cell.bodies), ([1.0, 1.0, 0.5], 4.0, 2));
        assert_eq!(cell.radius, 11.25f64.sqrt());
    }

    #[test]
    fn without_mass_the_centre_is_the_middle() {
        assert_eq!(leaf([0.0, 4.0], [0.0, 0.0]).center, [2.0, 1.0, 1.0]);
    }

    #[test]
    fn a_parent_holds_its_children() {
        let children = [leaf([0.0, 4.0], [3.0, 1.0]), leaf([9.0, 10.0], [0.0, 2.0])];
        let mut parent = Cell::empty(Content::Children { first: 0, count: 2 });
        parent.measure_children(&children);
        assert_eq!((parent.mass, parent.bodies), (6.0, 4));
        assert_eq!(parent.center[0], 4.0);
        for corner in [[0.0, 1.0, 0.0], [10.0, 1.0, 2.0], [9.0, 1.0, 0.0]] {
            assert!(length(away(corner, parent.center)) <= parent.radius);
        }
    }
}
