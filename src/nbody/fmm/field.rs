//! The field at the bodies before there is one: a coarse walk that evaluates leaves as points.
//!
//! Errors are compared with the field of the last evaluation. Before the first there is none, so leaves get the field at their
//! centre, from expansions of low order at a wide opening, with near leaves as softened points. That is no force, but right within
//! a few tenths, and much cheaper than an evaluation.

use super::cell::{Cell, away};
use super::expansion::place;
use super::traversal::{Leaves, Room, Walk};

/// Order of the coarse walk.
pub const ORDER: usize = 2;
/// Its opening.
pub const OPENING: f64 = 0.8;
/// Of the field at its centre this share stands for the smallest at the bodies of a leaf (measured: as good as the true one).
const SMALLEST_OF_LEAF: f64 = 0.6;
/// Fields count as at least this share of the largest one, so that a body without field cannot ask for everything.
const SMALLEST_SHARE: f64 = 1e-10;

/// Fields of leaves, with their places.
#[derive(Debug, Default)]
pub struct Fields(pub Vec<(u32, f64)>);

impl Leaves for Fields {
    fn leaf(&mut self, walk: &Walk<'_>, room: &mut Room, depth: usize, target: &Cell, leaf: u32) {
        let expansion = room.expansion(depth);
        let mut field = match expansion.order {
            Some(_) => [place(1, 0, 0), place(0, 1, 0), place(0, 0, 1)].map(|at| expansion.cube[at]),
            None => [0.0; 3],
        };
        for &source in room.near_leaves().iter().filter(|&&source| source != leaf) {
            add_point(&mut field, target, &walk.store.cells[source as usize], walk.acceptance.softening_squared());
        }
        let [x, y, z] = field;
        self.0.push((leaf, SMALLEST_OF_LEAF * walk.constant * (x * x + y * y + z * z).sqrt()));
    }
}

/// Adds a leaf as a point that is softened by its size.
fn add_point(field: &mut [f64; 3], target: &Cell, source: &Cell, softening_squared: f64) {
    let away = away(source.center, target.center);
    let size = target.radius.max(source.radius);
    let squared = away.iter().map(|x| x * x).sum::<f64>() + softening_squared + size * size;
    if squared > 0.0 {
        let weight = source.mass / (squared * squared.sqrt());
        (0..3).for_each(|axis| field[axis] += weight * away[axis]);
    }
}

/// The smallest field that counts when this is the largest one.
pub fn floor(largest: f64) -> f64 {
    SMALLEST_SHARE * largest
}
