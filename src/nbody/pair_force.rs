//! The law of force of a pair, over vectors of targets.
//!
//! ```text
//! a += m d / r^3      phi -= m / r      d = r_source - r_target,  r^2 = d^2 + eps^2
//! ```
//!
//! # Price
//! With a fused estimate: 3 differences, 15 or 16 products (most of them fused), 1 sum and 1 estimate for a vector of pairs, and
//! 4 numbers read for a source. With exactly rounded operations: 9 products, 9 sums, a root and a quotient.
//!
//! # Why this way
//! Two arithmetics, one expression. [`Fused`] refines the hardware's estimate of `1 / r` by its series in `e = 1 - r^2 y^2`,
//! `y (1 + e/2 + 3 e^2/8 + ...)`, and fuses what can be fused. [`Exact`] uses only operations that every CPU rounds alike.
//! For the second one an estimate from the exponent with fused refinement was refused: it needs as long as root and quotient
//! do, and on CPUs without fused operations a hundred times longer.
//!
//! [`Fused`] makes NaN of a squared distance that overflows. The sums of a call are looked at when it is done, and a call that
//! has met such a pair is done again with [`Careful`], which gives the same bits for all other pairs: a check for each call
//! instead of an operation for each pair.

use super::gravity::{LANES, Sources, Tile};
use super::pair_lanes::PairLanes;
use super::spline::{self, Spline};
use std::ops::Range;

/// Source numbers that are the targets of the lanes themselves; [`NOBODY`] where there is none.
pub type Own = [usize; LANES];

/// No source.
pub const NOBODY: usize = usize::MAX;

/// What a pair force depends on besides the bodies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Law {
    /// eps^2 of Plummer's softening, else 0.
    pub softening_squared: f64,
    /// Spline softening, if that is asked for.
    pub spline: Option<Spline>,
}

/// How sums of products and inverse roots are rounded.
pub trait Arithmetic {
    /// The same, and no force where the squared distance overflows.
    type Careful: Arithmetic;

    /// `a * b + c`.
    ///
    /// # Safety
    /// The CPU has the instruction set of the vectors (so for every method).
    unsafe fn mul_add<L: PairLanes>(a: L, b: L, c: L) -> L;
    /// `c - a * b`.
    ///
    /// # Safety
    /// As [`Arithmetic::mul_add`].
    unsafe fn mul_sub_from<L: PairLanes>(a: L, b: L, c: L) -> L;
    /// What [`Arithmetic::inverse_root`] needs of `x` and takes long.
    ///
    /// # Safety
    /// As [`Arithmetic::mul_add`].
    unsafe fn estimate<L: PairLanes>(x: L) -> L;
    /// `x^(-1/2)` for positive `x`, whose estimate is given.
    ///
    /// # Safety
    /// As [`Arithmetic::mul_add`].
    unsafe fn inverse_root<L: PairLanes>(x: L, estimate: L) -> L;
}

/// Operations that every CPU rounds alike, none fused.
pub struct Exact;

impl Arithmetic for Exact {
    type Careful = Exact;

    #[inline(always)]
    unsafe fn mul_add<L: PairLanes>(a: L, b: L, c: L) -> L {
        // SAFETY: the caller's promise.
        unsafe { a.mul(b).add(c) }
    }

    #[inline(always)]
    unsafe fn mul_sub_from<L: PairLanes>(a: L, b: L, c: L) -> L {
        // SAFETY: the caller's promise.
        unsafe { c.sub(a.mul(b)) }
    }

    #[inline(always)]
    unsafe fn estimate<L: PairLanes>(x: L) -> L {
        // SAFETY: the caller's promise.
        unsafe { x.sqrt() }
    }

    #[inline(always)]
    unsafe fn inverse_root<L: PairLanes>(_x: L, estimate: L) -> L {
        // SAFETY: the caller's promise.
        unsafe { L::splat(1.0).div(estimate) }
    }
}

/// Fused operations and a refined estimate; NaN where the squared distance overflows.
pub struct Fused;

impl Arithmetic for Fused {
    type Careful = Careful;

    #[inline(always)]
    unsafe fn mul_add<L: PairLanes>(a: L, b: L, c: L) -> L {
        // SAFETY: the caller's promise.
        unsafe { a.mul_add(b, c) }
    }

    #[inline(always)]
    unsafe fn mul_sub_from<L: PairLanes>(a: L, b: L, c: L) -> L {
        // SAFETY: the caller's promise.
        unsafe { a.mul_sub_from(b, c) }
    }

    #[inline(always)]
    unsafe fn estimate<L: PairLanes>(x: L) -> L {
        // SAFETY: the caller's promise.
        unsafe { x.inverse_root_estimate() }
    }

    #[inline(always)]
    unsafe fn inverse_root<L: PairLanes>(x: L, estimate: L) -> L {
        // SAFETY: the caller's promise.
        unsafe { refined(x, estimate) }
    }
}

/// As [`Fused`], and no force at distances whose square overflows.
pub struct Careful;

impl Arithmetic for Careful {
    type Careful = Careful;

    #[inline(always)]
    unsafe fn mul_add<L: PairLanes>(a: L, b: L, c: L) -> L {
        // SAFETY: the caller's promise.
        unsafe { a.mul_add(b, c) }
    }

    #[inline(always)]
    unsafe fn mul_sub_from<L: PairLanes>(a: L, b: L, c: L) -> L {
        // SAFETY: the caller's promise.
        unsafe { a.mul_sub_from(b, c) }
    }

    #[inline(always)]
    unsafe fn estimate<L: PairLanes>(x: L) -> L {
        // SAFETY: the caller's promise.
        unsafe { x.min(L::splat(f64::MAX)).inverse_root_estimate_of_any() }
    }

    #[inline(always)]
    unsafe fn inverse_root<L: PairLanes>(x: L, estimate: L) -> L {
        // Cubed, the inverse root of the largest number is 0 in 64 bits, as the force at an infinite distance is.
        // SAFETY: the caller's promise.
        unsafe { refined(x.min(L::splat(f64::MAX)), estimate) }
    }
}

/// `x^(-1/2)` to the last bit or two from an estimate.
///
/// # Safety
/// The CPU has the instruction set of the vectors.
#[inline(always)]
unsafe fn refined<L: PairLanes>(x: L, y: L) -> L {
    // Coefficients of (1 - e)^(-1/2) - 1.
    const SERIES: [f64; 4] = [0.5, 0.375, 0.3125, 0.2734375];
    // SAFETY: the caller's promise.
    unsafe {
        let error = x.mul(y).mul_sub_from(y, L::splat(1.0));
        let mut series = L::splat(SERIES[L::TERMS - 1]);
        for term in (0..L::TERMS - 1).rev() {
            series = series.mul_add(error, L::splat(SERIES[term]));
        }
        y.mul(error).mul_add(series, y)
    }
}

/// Newton's law: `m / r` and `m / r^3`.
///
/// # Safety
/// The CPU has the instruction set of the vectors.
#[inline(always)]
pub unsafe fn newton<L: PairLanes, A: Arithmetic>(squared: L, estimate: L, mass: L) -> (L, L) {
    // SAFETY: the caller's promise.
    unsafe {
        let inverse = A::inverse_root(squared, estimate);
        let potential = mass.mul(inverse);
        (potential, potential.mul(inverse.mul(inverse)))
    }
}

/// Sums of a group of lanes.
#[derive(Clone, Copy)]
struct Group<L> {
    position: [L; 3],
    acceleration: [L; 3],
    potential: L,
}

/// A source as seen by a group: what is known of it before it pulls.
#[derive(Clone, Copy)]
struct Approach<L> {
    away: [L; 3],
    squared: L,
    estimate: L,
}

impl<L: PairLanes> Group<L> {
    /// # Safety
    /// The CPU has the instruction set of the vectors (so for every method), and `lane + WIDTH` is at most [`LANES`].
    #[inline(always)]
    unsafe fn load(tile: &Tile, lane: usize) -> Group<L> {
        // SAFETY: the lanes lie inside the arrays by the caller's promise.
        let read = |values: &[f64; LANES]| unsafe { L::load(values.as_ptr().add(lane)) };
        Group {
            position: [read(&tile.position[0]), read(&tile.position[1]), read(&tile.position[2])],
            acceleration: [read(&tile.acceleration[0]), read(&tile.acceleration[1]), read(&tile.acceleration[2])],
            potential: read(&tile.potential),
        }
    }

    /// # Safety
    /// As [`Group::load`].
    #[inline(always)]
    unsafe fn store(&self, tile: &mut Tile, lane: usize) {
        // SAFETY: the lanes lie inside the arrays by the caller's promise.
        let write = |values: &mut [f64; LANES], sum: L| unsafe { sum.store(values.as_mut_ptr().add(lane)) };
        write(&mut tile.acceleration[0], self.acceleration[0]);
        write(&mut tile.acceleration[1], self.acceleration[1]);
        write(&mut tile.acceleration[2], self.acceleration[2]);
        write(&mut tile.potential, self.potential);
    }

    /// True if a sum is infinite or NaN.
    ///
    /// # Safety
    /// As [`Group::load`].
    #[inline(always)]
    unsafe fn is_broken(&self) -> bool {
        // SAFETY: the caller's promise.
        unsafe {
            let a = &self.acceleration;
            let sum = a[0].add(a[1]).add(a[2]).add(self.potential);
            // 0 for finite sums, else NaN, which is below nothing.
            let zero = sum.sub(sum);
            let flag = zero.select_below(L::splat(1.0), L::splat(0.0), L::splat(1.0));
            L::splat(0.5).any_below(flag)
        }
    }

    /// The first half of a pair; `softening` is added to the squared distance.
    ///
    /// # Safety
    /// As [`Group::load`].
    #[inline(always)]
    unsafe fn approach<A: Arithmetic>(&self, source: [L; 3], softening: L) -> Approach<L> {
        // SAFETY: the caller's promise.
        unsafe {
            let away =
                [source[0].sub(self.position[0]), source[1].sub(self.position[1]), source[2].sub(self.position[2])];
            let squared = A::mul_add(away[0], away[0], softening);
            let squared = A::mul_add(away[1], away[1], squared);
            let squared = A::mul_add(away[2], away[2], squared);
            Approach { away, squared, estimate: A::estimate(squared) }
        }
    }

    /// The second half: adds the source.
    ///
    /// # Safety
    /// As [`Group::load`].
    #[inline(always)]
    unsafe fn pull<A: Arithmetic>(&mut self, pair: Approach<L>, mass: L, spline: Option<&Spline>) {
        let Approach { away, squared, estimate } = pair;
        // SAFETY: the caller's promise.
        unsafe {
            let (potential, force) = match spline {
                None => newton::<L, A>(squared, estimate, mass),
                Some(spline) => spline::pair::<L, A>(spline, squared, estimate, mass),
            };
            self.potential = self.potential.sub(potential);
            for (sum, away) in self.acceleration.iter_mut().zip(away) {
                *sum = A::mul_add(away, force, *sum);
            }
        }
    }
}

impl<L: PairLanes> Group<L> {
    /// Adds the sources `range`, of which none is a target.
    ///
    /// # Safety
    /// As [`Group::load`].
    #[inline(always)]
    unsafe fn add_others<A: Arithmetic>(&mut self, law: &Law, sources: Sources<'_>, range: Range<usize>) {
        let [x, y, z] = sources.position.map(|values| &values[range.clone()]);
        let mass = &sources.mass[range];
        // SAFETY: the caller's promise.
        unsafe {
            let softening = L::splat(law.softening_squared);
            let at = |n: usize| [L::splat(x[n]), L::splat(y[n]), L::splat(z[n])];
            let Some(last) = mass.len().checked_sub(1) else { return };
            let mut pair = self.approach::<A>(at(0), softening);
            for (n, &mass) in mass[..last].iter().enumerate() {
                let next = self.approach::<A>(at(n + 1), softening);
                self.pull::<A>(pair, L::splat(mass), law.spline.as_ref());
                pair = next;
            }
            self.pull::<A>(pair, L::splat(mass[last]), law.spline.as_ref());
        }
    }

    /// Adds the source `n` to all lanes whose own it is not.
    ///
    /// # Safety
    /// As [`Group::load`].
    #[inline(always)]
    unsafe fn add_own<A: Arithmetic>(&mut self, law: &Law, sources: Sources<'_>, n: usize, own: &[usize]) {
        let is_own = |lane: usize| own.get(lane) == Some(&n);
        let mass: [f64; LANES] = std::array::from_fn(|lane| if is_own(lane) { 0.0 } else { sources.mass[n] });
        // A distance at which nothing overflows.
        let apart = |lane: usize| if is_own(lane) { 1.0 } else { law.softening_squared };
        let softening: [f64; LANES] = std::array::from_fn(apart);
        // SAFETY: the caller's promise; no type has more lanes than the arrays.
        unsafe {
            let source = sources.position.map(|values| L::splat(values[n]));
            let pair = self.approach::<A>(source, L::load(softening.as_ptr()));
            self.pull::<A>(pair, L::load(mass.as_ptr()), law.spline.as_ref());
        }
    }

    /// Adds all sources in their order.
    ///
    /// # Safety
    /// As [`Group::load`].
    #[inline(always)]
    unsafe fn add_all<A: Arithmetic>(&mut self, law: &Law, sources: Sources<'_>, own: &[usize]) {
        let (mut next, end) = (0, sources.mass.len());
        loop {
            let stop = own.iter().fold(end, |stop, &n| if n >= next { stop.min(n) } else { stop });
            // SAFETY: the caller's promise.
            unsafe {
                self.add_others::<A>(law, sources, next..stop);
                if stop == end {
                    return;
                }
                self.add_own::<A>(law, sources, stop, own);
            }
            next = stop + 1;
        }
    }
}

/// Adds the sources to a tile. `law.spline` is `Some` where `SPLINE` is true, and only there.
///
/// # Safety
/// The CPU has the instruction set of the vectors. All slices of the sources are equally long.
#[inline(always)]
pub unsafe fn add<L: PairLanes, A: Arithmetic, const SPLINE: bool>(
    law: &Law,
    tile: &mut Tile,
    sources: Sources<'_>,
    own: &Own,
) {
    // Lets the compiler drop the branch of the other kind.
    let law = Law { spline: if SPLINE { law.spline } else { None }, ..*law };
    let in_range = L::LARGEST == f64::MAX || largest_squared(tile, sources) < L::LARGEST / 12.0;
    for lane in (0..LANES).step_by(L::WIDTH) {
        let own = &own[lane..lane + L::WIDTH];
        // SAFETY: the caller's promise; widths divide the number of lanes.
        unsafe {
            let before = Group::<L>::load(tile, lane);
            let mut group = before;
            if in_range {
                group.add_all::<A>(&law, sources, own);
            }
            if !in_range || group.is_broken() {
                group = before;
                group.add_all::<A::Careful>(&law, sources, own);
            }
            group.store(tile, lane);
        }
    }
}

/// The largest squared coordinate of targets and sources; a twelfth of a bound for it bounds squared distances.
#[inline(always)]
fn largest_squared(tile: &Tile, sources: Sources<'_>) -> f64 {
    let largest = |values: &[f64]| values.iter().fold(0.0f64, |most, x| if x * x > most { x * x } else { most });
    let tiles = tile.position.iter().map(|values| largest(values));
    tiles.chain(sources.position.iter().map(|values| largest(values))).fold(0.0, f64::max)
}
