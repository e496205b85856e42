//! Parts of a leaf, as targets of a walk.
//!
//! A leaf far outside is wide: seen from it everything lies near, and its bodies would have to be summed over all others one by one.
//! (Measured, a million bodies of a Plummer sphere: a hundredth of the bodies took a third of the time.) As a source such a leaf is good
//! as it is, so the tree is not divided further. As a target it is walked in parts, runs of its bodies along the curve, which
//! are smaller and take what is far from them through expansions; and parts again, while too much is left. Parts have a centre, a radius
//! and an expansion of their own, but no moments and no place in the store. They follow from the bodies of one leaf and the cells it
//! was left with, so they are the same whoever walks.
//!
//! Refused: leaves that are small everywhere (each cell costs two kilobytes of moments), and single bodies as targets at once, for
//! each of which all cells are judged anew.

use super::cell::{Cell, Content};
use crate::nbody::gravity::Sources;

/// A leaf takes so many bodies one by one for each of its own, rather than being walked in parts: bodies in one place cannot be parted, and
/// what is left is gathered for every part anew.
/// (Measured at an accuracy of 3e-6, where leaves in the midst are left with many: with a quarter of it near bodies took twice as long.)
const MOST_LEFT_EACH: u64 = 256;
/// Parts of a leaf (measured: two or eight cost the same).
const PARTS: usize = 4;

/// True if a leaf, or a part of one, to which so many bodies were left is walked in parts; in any case `most` are taken one by one.
pub fn is_divided(target: &Cell, bodies_left: u64, most: u64) -> bool {
    target.bodies > 1 && bodies_left > most.max(MOST_LEFT_EACH * u64::from(target.bodies))
}

/// The active parts of a leaf, or of a part of one, with bodies of this rank.
pub fn of<'a>(target: &Cell, bodies: Sources<'a>, level: &'a [u8], from_level: u8) -> impl Iterator<Item = Cell> + 'a {
    let Content::Bodies { first } = target.content else { unreachable!("targets are leaves of this rank") };
    let (start, end) = (first as usize, first as usize + target.bodies as usize);
    let size = (end - start).div_ceil(PARTS).max(1);
    let field = target.field;
    let part = move |first: usize| {
        let range = first..end.min(first + size);
        let mut part = Cell::empty(Content::Bodies { first: first as u32 });
        let position = bodies.position.map(|x| &x[range.clone()]);
        part.measure_bodies(position, &bodies.mass[range.clone()]);
        part.active = level[range].iter().any(|&level| level >= from_level);
        part.field = field;
        part.as_target(position)
    };
    (start..end).step_by(size).map(part).filter(|part| part.active)
}
