//! How pair forces round: fast on the CPU at hand, or alike on every CPU.
//!
//! [`Fused`] refines the hardware's estimate `y` of `x^(-1/2)` by its series in `e = 1 - x y^2`,
//! `y (1 + e/2 + 3 e^2/8 + ...)`, and fuses what can be fused. [`Exact`] uses only operations that every CPU rounds alike. For the
//! second one an estimate from the exponent with fused refinement was refused: it needs as long as root and quotient do, and on
//! CPUs without fused operations a hundred times longer.

use super::pair_lanes::PairLanes;

/// How sums of products and inverse roots are rounded.
pub trait Arithmetic {
    /// Whether [`PairLanes::LARGEST`] matters.
    const IS_BOUNDED: bool;
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
    const IS_BOUNDED: bool = false;
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
    const IS_BOUNDED: bool = true;
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
    const IS_BOUNDED: bool = false;
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
        unsafe { x.min(L::splat(L::GREATEST)).inverse_root_estimate_of_any() }
    }

    #[inline(always)]
    unsafe fn inverse_root<L: PairLanes>(x: L, estimate: L) -> L {
        // Cubed, the inverse root of the largest number is 0, as the force at an infinite distance is.
        // SAFETY: the caller's promise.
        unsafe { refined(x.min(L::splat(L::GREATEST)), estimate) }
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
