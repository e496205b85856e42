//! The law of force of a pair, over vectors of targets.
//!
//! ```text
//! a += m d / r^3      phi -= m / r      d = r_source - r_target,  r^2 = d^2 + eps^2
//! ```
//!
//! # Price
//! With [`Fused`](super::pair_arithmetic::Fused): 3 differences, 13 to 16 products (most of them fused), 1 sum and 1 estimate for
//! a vector of pairs, and 4 numbers read for a source. With [`Exact`](super::pair_arithmetic::Exact): 9 products, 9 sums, a root and a
//! quotient.
//!
//! # Why this way
//! The law is written once for all vectors and both arithmetics. The root of the next pair is begun before the pair at hand pulls, so
//! that even a short list of sources keeps the CPU busy. Refused: two groups of lanes at a time, which need more registers than
//! there are; closures around vector operations, which the compiler does not inline where the instruction set is known.
//!
//! The fused arithmetic makes NaN of a squared distance that overflows. The sums of a call are looked at when it is done, and a call
//! that has met such a pair is done again with its careful twin, which gives the same bits for all other pairs: a check for each
//! call instead of an operation for each pair.

use super::gravity::{LANES, Sources, Tile};
use super::pair_arithmetic::Arithmetic;
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
pub struct Group<L: PairLanes> {
    position: [L::Place; 3],
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
    /// The lanes of a tile from `lane` on.
    ///
    /// # Safety
    /// The CPU has the instruction set of the vectors (so for every method), and `lane + WIDTH` is at most [`LANES`].
    #[inline(always)]
    pub unsafe fn load(tile: &Tile, lane: usize) -> Group<L> {
        // SAFETY: the lanes lie inside the arrays by the caller's promise.
        unsafe {
            let mut group = Group::with_sums(&tile.acceleration, &tile.potential, lane);
            group.stand_at(tile.position.each_ref().map(|values| values[lane..].as_ptr()));
            group
        }
    }

    /// Sums of the lanes from `lane` on, of a group that stands at the origin.
    ///
    /// # Safety
    /// As [`Group::load`].
    #[inline(always)]
    pub unsafe fn with_sums(acceleration: &[[f64; LANES]; 3], potential: &[f64; LANES], lane: usize) -> Group<L> {
        let ([x, y, z], zero) = (acceleration, [0.0; LANES]);
        // SAFETY: the lanes lie inside the arrays by the caller's promise.
        unsafe {
            Group {
                position: [L::place(zero.as_ptr()); 3],
                acceleration: [L::load(x[lane..].as_ptr()), L::load(y[lane..].as_ptr()), L::load(z[lane..].as_ptr())],
                potential: L::load(potential[lane..].as_ptr()),
            }
        }
    }

    /// Places the lanes.
    ///
    /// # Safety
    /// As [`Group::load`], and as many coordinates as lanes can be read at each pointer.
    #[inline(always)]
    pub unsafe fn stand_at(&mut self, [x, y, z]: [*const f64; 3]) {
        // SAFETY: the caller's promise.
        self.position = unsafe { [L::place(x), L::place(y), L::place(z)] };
    }

    /// The sums to the tile.
    ///
    /// # Safety
    /// As [`Group::load`].
    #[inline(always)]
    pub unsafe fn store(&self, tile: &mut Tile, lane: usize) {
        // SAFETY: the caller's promise.
        unsafe { self.store_sums(&mut tile.acceleration, &mut tile.potential, lane) }
    }

    /// The sums to where [`Group::with_sums`] has them from.
    ///
    /// # Safety
    /// As [`Group::load`].
    #[inline(always)]
    pub unsafe fn store_sums(&self, [x, y, z]: &mut [[f64; LANES]; 3], potential: &mut [f64; LANES], lane: usize) {
        // SAFETY: the lanes lie inside the arrays by the caller's promise.
        unsafe {
            self.acceleration[0].store(x[lane..].as_mut_ptr());
            self.acceleration[1].store(y[lane..].as_mut_ptr());
            self.acceleration[2].store(z[lane..].as_mut_ptr());
            self.potential.store(potential[lane..].as_mut_ptr());
        }
    }

    /// True if a sum is infinite or NaN.
    ///
    /// # Safety
    /// As [`Group::load`].
    #[inline(always)]
    pub unsafe fn is_broken(&self) -> bool {
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

    /// Differences of positions, without a closure: the compiler would call the vector instructions in one.
    ///
    /// # Safety
    /// As [`Group::load`].
    #[inline(always)]
    unsafe fn away(&self, [x, y, z]: [f64; 3]) -> [L; 3] {
        let [at_x, at_y, at_z] = self.position;
        // SAFETY: the caller's promise.
        unsafe { [L::away(x, at_x), L::away(y, at_y), L::away(z, at_z)] }
    }

    /// The first half of a pair; `softening` is added to the squared distance.
    ///
    /// # Safety
    /// As [`Group::load`].
    #[inline(always)]
    unsafe fn approach<A: Arithmetic>(&self, source: [f64; 3], softening: L) -> Approach<L> {
        // SAFETY: the caller's promise.
        unsafe {
            let away = self.away(source);
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
            let [x, y, z] = self.acceleration;
            self.acceleration =
                [A::mul_add(away[0], force, x), A::mul_add(away[1], force, y), A::mul_add(away[2], force, z)];
        }
    }

    /// Adds a source to all lanes; `softening` is added to the squared distance.
    ///
    /// # Safety
    /// As [`Group::load`].
    #[inline(always)]
    pub unsafe fn feel<A: Arithmetic>(&mut self, source: [f64; 3], softening: L, mass: L, spline: Option<&Spline>) {
        // SAFETY: the caller's promise.
        unsafe {
            let pair = self.approach::<A>(source, softening);
            self.pull::<A>(pair, mass, spline);
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
            let at = |n: usize| [x[n], y[n], z[n]];
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
            let source = sources.position.map(|values| values[n]);
            self.feel::<A>(source, L::load(softening.as_ptr()), L::load(mass.as_ptr()), law.spline.as_ref());
        }
    }

    /// Adds all sources in their order.
    ///
    /// # Safety
    /// As [`Group::load`].
    #[inline(always)]
    pub unsafe fn add_all<A: Arithmetic>(&mut self, law: &Law, sources: Sources<'_>, own: &[usize]) {
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

/// Adds the sources to tiles. `law.spline` is `Some` where `SPLINE` is true, and only there.
///
/// # Safety
/// The CPU has the instruction set of the vectors. All slices of the sources are equally long.
#[inline(always)]
pub unsafe fn add<L: PairLanes, A: Arithmetic, const SPLINE: bool>(
    law: &Law,
    tiles: &mut [Tile],
    own: &[Own],
    sources: Sources<'_>,
) {
    // Lets the compiler drop the branch of the other kind.
    let law = Law { spline: if SPLINE { law.spline } else { None }, ..*law };
    let is_bounded = A::IS_BOUNDED && L::LARGEST < f64::MAX;
    let reach = if is_bounded { reach(sources.position) } else { 0.0 };
    for (tile, own) in tiles.iter_mut().zip(own) {
        let in_range = !is_bounded || reach.max(self::reach(tile.position.each_ref())).powi(2) < L::LARGEST / 12.0;
        for lane in (0..LANES).step_by(L::WIDTH) {
            // SAFETY: the caller's promise; widths divide the number of lanes.
            unsafe { add_to_group::<L, A>(&law, tile, lane, sources, &own[lane..lane + L::WIDTH], in_range) }
        }
    }
}

/// Adds the sources to the lanes from `lane` on.
///
/// # Safety
/// As [`Group::load`].
#[inline(always)]
unsafe fn add_to_group<L: PairLanes, A: Arithmetic>(
    law: &Law,
    tile: &mut Tile,
    lane: usize,
    sources: Sources<'_>,
    own: &[usize],
    in_range: bool,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let before = Group::<L>::load(tile, lane);
        let mut group = before;
        if in_range {
            group.add_all::<A>(law, sources, own);
        }
        if !in_range || group.is_broken() {
            group = before;
            group.add_all::<A::Careful>(law, sources, own);
        }
        group.store(tile, lane);
    }
}

/// The largest coordinate; twelve times its square, for targets and sources, bounds squared distances.
#[inline(always)]
fn reach<V: AsRef<[f64]>>(position: [V; 3]) -> f64 {
    position.iter().fold(0.0, |most, values| largest(values.as_ref()).max(most))
}

/// The largest magnitude, in eight chains that the compiler makes vectors of.
#[inline(always)]
pub fn largest(values: &[f64]) -> f64 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let larger = |most: f64, x: f64| if x.abs() > most { x.abs() } else { most };
    let mut most = [0.0; LANES];
    for chunk in chunks {
        for (most, &x) in most.iter_mut().zip(chunk) {
            *most = larger(*most, x);
        }
    }
    rest.iter().chain(&most).fold(0.0, |most, &x| larger(most, x))
}
