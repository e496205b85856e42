//! Pair forces in 32 bits.
//!
//! Distances are differences of 64-bit positions, rounded to 32 bits; what follows is the law of [`super::pair_force`] on vectors of
//! 32-bit numbers, whose sums over [`BLOCK`] sources are added to the 64-bit sums of a tile. Lengths and masses are scaled by powers of
//! two, which changes no bit of a result, so that their third powers fit the narrow range of exponents.
//!
//! Blocks count from the start of each call, so a caller that wants the same bits for all of its shapes cuts sources only at
//! multiples of [`BLOCK`] of an order of its own. Several tiles in a call share the scaling of a block. A target whose sum of a block leaves the range gets that
//! block in 64 bits.

use super::gravity::{LANES, Sources, Tile};
use super::pair_arithmetic::Arithmetic;
use super::pair_force::{self, Group, Law, Own};
use super::pair_lanes::PairLanes;

/// Sources that are summed in 32 bits.
pub const BLOCK: usize = 64;
/// 2^300: scales stay within it and its inverse, so that their squares are numbers.
const LARGEST_SCALE: f64 = f64::from_bits((1023 + 300) << 52);

/// A law of force for 32-bit numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SingleLaw {
    /// Power of two that multiplies lengths.
    pub scale: f64,
    /// The law for scaled lengths.
    pub law: Law,
}

/// The power of two below a positive number, or a bound of the scales; 1 for what is no number.
pub fn power_of_two(x: f64) -> f64 {
    let power = f64::from_bits(x.abs().to_bits() & 0x7ff0_0000_0000_0000);
    if x.is_finite() { power.clamp(1.0 / LARGEST_SCALE, LARGEST_SCALE) } else { 1.0 }
}

/// Sources of a block, scaled.
struct Block {
    values: [[f64; BLOCK]; 4],
    count: usize,
    /// What scaled sums have to be multiplied by: of potentials, of accelerations.
    factors: [f64; 2],
}

impl Block {
    /// `None` if the masses are 0.
    #[inline(always)]
    fn new(scale: f64, sources: Sources<'_>) -> Option<Block> {
        let heaviest = pair_force::largest(sources.mass);
        if heaviest == 0.0 {
            return None;
        }
        let unit = power_of_two(heaviest);
        let mut values = [[0.0; BLOCK]; 4];
        let [x, y, z] = sources.position;
        let factors = [scale, scale, scale, 1.0 / unit];
        for ((values, from), factor) in values.iter_mut().zip([x, y, z, sources.mass]).zip(factors) {
            values.iter_mut().zip(from).for_each(|(value, from)| *value = from * factor);
        }
        Some(Block { values, count: sources.mass.len(), factors: [unit * scale, unit * scale * scale] })
    }

    #[inline(always)]
    fn sources(&self) -> Sources<'_> {
        let [x, y, z, mass] = self.values.each_ref().map(|values| &values[..self.count]);
        Sources { position: [x, y, z], mass }
    }
}

/// Adds the sources to tiles: in 32 bits on vectors `S`, where that does not do in 64 bits on vectors `L`.
///
/// # Safety
/// As [`pair_force::add`]; `S` is as wide as a tile.
#[inline(always)]
pub unsafe fn add<S: PairLanes, L: PairLanes, A: Arithmetic, const SPLINE: bool>(
    law: &Law,
    single: &SingleLaw,
    tiles: &mut [Tile],
    own: &[Own],
    sources: Sources<'_>,
) {
    let spline = if SPLINE { single.law.spline } else { None };
    let single = SingleLaw { law: Law { spline, ..single.law }, ..*single };
    for start in (0..sources.mass.len()).step_by(BLOCK) {
        let range = start..sources.mass.len().min(start + BLOCK);
        let position = sources.position.map(|values| &values[range.clone()]);
        let unscaled = Sources { position, mass: &sources.mass[range] };
        let Some(block) = Block::new(single.scale, unscaled) else { continue };
        for (tile, own) in tiles.iter_mut().zip(own) {
            // Sources before the block wrap to numbers behind it.
            let own = own.map(|n| n.wrapping_sub(start));
            // SAFETY: the caller's promise.
            let (sums, is_broken) = unsafe { sum_block::<S, A>(&single, tile, &own, &block) };
            let before = *tile;
            add_scaled(tile, &sums, block.factors);
            if is_broken {
                let mut double = before;
                let (tiles, owns) = (std::slice::from_mut(&mut double), std::slice::from_ref(&own));
                // SAFETY: the caller's promise.
                unsafe { pair_force::add::<L, A, SPLINE>(law, tiles, owns, unscaled) };
                mend(tile, &sums, &double);
            }
        }
    }
}

/// Scaled sums of a block for a tile, and whether any of them is not finite.
///
/// # Safety
/// As [`add`].
#[inline(always)]
unsafe fn sum_block<S: PairLanes, A: Arithmetic>(
    single: &SingleLaw,
    tile: &Tile,
    own: &Own,
    block: &Block,
) -> (Tile, bool) {
    let mut sums = Tile { position: tile.position.map(|values| values.map(|x| x * single.scale)), ..Tile::default() };
    // SAFETY: the caller's promise.
    unsafe {
        let mut group = Group::<S>::load(&sums, 0);
        group.add_all::<A>(&single.law, block.sources(), own);
        group.store(&mut sums, 0);
        (sums, group.is_broken())
    }
}

#[inline(always)]
fn add_scaled(tile: &mut Tile, sums: &Tile, [potential, acceleration]: [f64; 2]) {
    for lane in 0..LANES {
        for axis in 0..3 {
            tile.acceleration[axis][lane] += sums.acceleration[axis][lane] * acceleration;
        }
        tile.potential[lane] += sums.potential[lane] * potential;
    }
}

/// Replaces lanes whose sums are not finite by those of `double`: those alone, since which targets share a tile must not show.
#[cold]
fn mend(tile: &mut Tile, sums: &Tile, double: &Tile) {
    for lane in 0..LANES {
        let is_finite =
            sums.acceleration.iter().all(|values| values[lane].is_finite()) && sums.potential[lane].is_finite();
        if !is_finite {
            for axis in 0..3 {
                tile.acceleration[axis][lane] = double.acceleration[axis][lane];
            }
            tile.potential[lane] = double.potential[lane];
        }
    }
}

#[cfg(test)]
#[path = "pair_single_tests.rs"]
mod tests;
