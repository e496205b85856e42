//! Softening by the cubic spline (M4): the pair force of a smeared mass inside its support, Newton's law beyond.
//!
//! Potential and force are those of Springel, Yoshida & White 2001 (New Astronomy 6, 79, appendix) with `u = r / h`, `h = 2.8 eps`.
//! Their outer branch, `1/2 <= u < 1`, is written here in `v = 1 - u`, since the sums of powers of `u` cancel near 1:
//!
//! ```text
//! phi = -(m / r)  (1 - v^5 (16/5 - 32 v / 15))             f = (m / r^3) (1 - v^4 (16 - 128 v / 5 + 32 v^2 / 3))      u >= 1/2
//! phi = -(m / h)  (14/5 - u^2 (16/3 - u^2 (48/5 - 32 u / 5)))   f = (m / h^3) (32/3 - u^2 (192/5 - 32 u))             u < 1/2
//! ```
//!
//! With `v = max(1 - u, 0)` the first line is Newton's law to the last bit for `u >= 1`. A source that is beyond the support for
//! all lanes takes Newton's expression alone, which is what it would get anyway.

use super::pair_arithmetic::Arithmetic;
use super::pair_force::newton;
use super::pair_lanes::PairLanes;

/// The support in units of eps.
const SUPPORT: f64 = 2.8;
/// Distances below this part of the support count as it: all polynomials have their value at 0 there, in 64 bits.
const SMALLEST: f64 = 1.0 / (1u64 << 60) as f64;
/// The same for polynomials in 32 bits.
const SMALLEST_SINGLE: f64 = 1.0 / (1 << 14) as f64;

/// Numbers of a softening length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spline {
    /// h^2, beyond which the law is Newton's.
    support_squared: f64,
    /// 1 / h.
    inverse: f64,
    /// 1 / h^3.
    inverse_cubed: f64,
    /// Square of the smallest distance that is told from 0.
    smallest_squared: f64,
}

impl Spline {
    /// For this length eps, which is positive.
    pub fn new(eps: f64) -> Spline {
        Spline::with_smallest(eps, SMALLEST)
    }

    /// As [`Spline::new`], for arithmetic in 32 bits.
    pub fn single(eps: f64) -> Spline {
        Spline::with_smallest(eps, SMALLEST_SINGLE)
    }

    fn with_smallest(eps: f64, smallest: f64) -> Spline {
        let support = SUPPORT * eps;
        let inverse = 1.0 / support;
        Spline {
            support_squared: support * support,
            inverse,
            inverse_cubed: inverse * inverse * inverse,
            smallest_squared: (smallest * support) * (smallest * support),
        }
    }
}

/// `-phi` and `f` of the law above for a squared distance.
///
/// # Safety
/// The CPU has the instruction set of the vectors.
#[inline(always)]
pub unsafe fn pair<L: PairLanes, A: Arithmetic>(spline: &Spline, squared: L, estimate: L, mass: L) -> (L, L) {
    // SAFETY: the caller's promise.
    unsafe {
        if squared.any_below(L::splat(spline.support_squared)) {
            softened::<L, A>(spline, squared, mass)
        } else {
            newton::<L, A>(squared, estimate, mass)
        }
    }
}

/// As [`pair`], for a source that is inside the support of some lane.
///
/// # Safety
/// As [`pair`].
#[inline(always)]
unsafe fn softened<L: PairLanes, A: Arithmetic>(spline: &Spline, squared: L, mass: L) -> (L, L) {
    // SAFETY: the caller's promise.
    unsafe {
        let squared = squared.max(L::splat(spline.smallest_squared));
        let inverse = A::inverse_root(squared, A::estimate(squared));
        let u = squared.mul(inverse).mul(L::splat(spline.inverse));
        let potential = mass.mul(inverse);
        let force = potential.mul(inverse.mul(inverse));
        let (outer_potential, outer_force) = outer::<L, A>(u);
        let (inner_potential, inner_force) = inner::<L, A>(u);
        let is_inner = |inner: L, outer: L| u.select_below(L::splat(0.5), inner, outer);
        (
            is_inner(mass.mul(L::splat(spline.inverse)).mul(inner_potential), potential.mul(outer_potential)),
            is_inner(mass.mul(L::splat(spline.inverse_cubed)).mul(inner_force), force.mul(outer_force)),
        )
    }
}

/// Potential and force as parts of Newton's for `u >= 1/2`.
///
/// # Safety
/// As [`pair`].
#[inline(always)]
unsafe fn outer<L: PairLanes, A: Arithmetic>(u: L) -> (L, L) {
    // SAFETY: the caller's promise.
    unsafe {
        let one = L::splat(1.0);
        let v = one.sub(u).max(L::splat(0.0));
        let fourth = v.mul(v).mul(v.mul(v));
        let potential = A::mul_sub_from(v, L::splat(32.0 / 15.0), L::splat(3.2));
        let force = A::mul_add(v, L::splat(32.0 / 3.0), L::splat(-25.6));
        let force = A::mul_add(v, force, L::splat(16.0));
        (A::mul_sub_from(fourth.mul(v), potential, one), A::mul_sub_from(fourth, force, one))
    }
}

/// Potential in units of m / h and force in units of m / h^3 for `u < 1/2`.
///
/// # Safety
/// As [`pair`].
#[inline(always)]
unsafe fn inner<L: PairLanes, A: Arithmetic>(u: L) -> (L, L) {
    // SAFETY: the caller's promise.
    unsafe {
        let square = u.mul(u);
        let potential = A::mul_sub_from(u, L::splat(6.4), L::splat(9.6));
        let potential = A::mul_sub_from(square, potential, L::splat(16.0 / 3.0));
        let force = A::mul_sub_from(u, L::splat(32.0), L::splat(38.4));
        (A::mul_sub_from(square, potential, L::splat(SUPPORT)), A::mul_sub_from(square, force, L::splat(32.0 / 3.0)))
    }
}
