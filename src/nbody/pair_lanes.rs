//! The vector operations of pair forces, on eight values at a time or on four.
//!
//! One trait and a type for each CPU path, so that the law of force is written once. Every operation but
//! [`PairLanes::inverse_root_estimate`] is exactly rounded and gives the same bits on every path; the estimate belongs to the
//! maker of the CPU. Plain arrays serve all CPUs without an entry of their own; their estimate is the exactly rounded result.
//! Refused: to share the trait of the heat stencil, which needs shifts and streams and none of the operations here.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// Several f64 side by side.
pub trait PairLanes: Copy {
    /// How many.
    const WIDTH: usize;
    /// Terms of the series in `e = 1 - x y^2` that refine an estimate `y` of `x^(-1/2)` to the last bit.
    const TERMS: usize;
    /// Squared distances above it are beyond the range of [`PairLanes::inverse_root_estimate`].
    const LARGEST: f64;

    /// The same value in all.
    ///
    /// # Safety
    /// The CPU has the instruction set of the type (so for every method).
    unsafe fn splat(value: f64) -> Self;
    /// Values from memory, any alignment.
    ///
    /// # Safety
    /// `WIDTH` values can be read at `from`.
    unsafe fn load(from: *const f64) -> Self;
    /// Values to memory, any alignment.
    ///
    /// # Safety
    /// `WIDTH` values can be written at `to`.
    unsafe fn store(self, to: *mut f64);
    /// Sum.
    ///
    /// # Safety
    /// As [`PairLanes::splat`].
    unsafe fn add(self, other: Self) -> Self;
    /// Difference.
    ///
    /// # Safety
    /// As [`PairLanes::splat`].
    unsafe fn sub(self, other: Self) -> Self;
    /// Product.
    ///
    /// # Safety
    /// As [`PairLanes::splat`].
    unsafe fn mul(self, other: Self) -> Self;
    /// Quotient.
    ///
    /// # Safety
    /// As [`PairLanes::splat`].
    unsafe fn div(self, other: Self) -> Self;
    /// Square root.
    ///
    /// # Safety
    /// As [`PairLanes::splat`].
    unsafe fn sqrt(self) -> Self;
    /// `self * factor + term`, rounded once.
    ///
    /// # Safety
    /// As [`PairLanes::splat`].
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self;
    /// `term - self * factor`, rounded once.
    ///
    /// # Safety
    /// As [`PairLanes::splat`].
    unsafe fn mul_sub_from(self, factor: Self, term: Self) -> Self;
    /// The smaller one; `other` where a value is NaN.
    ///
    /// # Safety
    /// As [`PairLanes::splat`].
    unsafe fn min(self, other: Self) -> Self;
    /// The larger one; `other` where a value is NaN.
    ///
    /// # Safety
    /// As [`PairLanes::splat`].
    unsafe fn max(self, other: Self) -> Self;
    /// `below` where `self < limit`, else `otherwise`.
    ///
    /// # Safety
    /// As [`PairLanes::splat`].
    unsafe fn select_below(self, limit: Self, below: Self, otherwise: Self) -> Self;
    /// True if `self < limit` in any lane.
    ///
    /// # Safety
    /// As [`PairLanes::splat`].
    unsafe fn any_below(self, limit: Self) -> bool;
    /// `self^(-1/2)` to about twelve bits. NaN after refinement for 0 and for infinity.
    ///
    /// # Safety
    /// As [`PairLanes::splat`].
    unsafe fn inverse_root_estimate(self) -> Self;
    /// As [`PairLanes::inverse_root_estimate`], and the same bits where that is in its range, for all positive normal numbers.
    ///
    /// # Safety
    /// As [`PairLanes::splat`].
    unsafe fn inverse_root_estimate_of_any(self) -> Self;
}

/// Values of the portable path: what baseline x86-64 and aarch64 hold in two registers.
pub type Plain = [f64; 4];

#[inline(always)]
fn each(a: Plain, b: Plain, operation: impl Fn(f64, f64) -> f64) -> Plain {
    [operation(a[0], b[0]), operation(a[1], b[1]), operation(a[2], b[2]), operation(a[3], b[3])]
}

impl PairLanes for Plain {
    const WIDTH: usize = 4;
    const TERMS: usize = 1;
    const LARGEST: f64 = f64::MAX;

    #[inline(always)]
    unsafe fn splat(value: f64) -> Plain {
        [value; 4]
    }

    #[inline(always)]
    unsafe fn load(from: *const f64) -> Plain {
        // SAFETY: the caller's promise; an array of f64 is aligned as an f64.
        unsafe { from.cast::<Plain>().read() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<Plain>().write(self) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Plain) -> Plain {
        each(self, other, |a, b| a + b)
    }

    #[inline(always)]
    unsafe fn sub(self, other: Plain) -> Plain {
        each(self, other, |a, b| a - b)
    }

    #[inline(always)]
    unsafe fn mul(self, other: Plain) -> Plain {
        each(self, other, |a, b| a * b)
    }

    #[inline(always)]
    unsafe fn div(self, other: Plain) -> Plain {
        each(self, other, |a, b| a / b)
    }

    #[inline(always)]
    unsafe fn sqrt(self) -> Plain {
        self.map(f64::sqrt)
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Plain, term: Plain) -> Plain {
        std::array::from_fn(|lane| self[lane].mul_add(factor[lane], term[lane]))
    }

    #[inline(always)]
    unsafe fn mul_sub_from(self, factor: Plain, term: Plain) -> Plain {
        std::array::from_fn(|lane| (-self[lane]).mul_add(factor[lane], term[lane]))
    }

    #[inline(always)]
    unsafe fn min(self, other: Plain) -> Plain {
        each(self, other, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    unsafe fn max(self, other: Plain) -> Plain {
        each(self, other, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    unsafe fn select_below(self, limit: Plain, below: Plain, otherwise: Plain) -> Plain {
        std::array::from_fn(|lane| if self[lane] < limit[lane] { below[lane] } else { otherwise[lane] })
    }

    #[inline(always)]
    unsafe fn any_below(self, limit: Plain) -> bool {
        (self[0] < limit[0]) | (self[1] < limit[1]) | (self[2] < limit[2]) | (self[3] < limit[3])
    }

    #[inline(always)]
    unsafe fn inverse_root_estimate(self) -> Plain {
        self.map(|x| 1.0 / x.sqrt())
    }

    #[inline(always)]
    unsafe fn inverse_root_estimate_of_any(self) -> Plain {
        self.map(|x| 1.0 / x.sqrt())
    }
}

/// Implements [`PairLanes`] by the named intrinsics; what differs more is given as expressions.
#[cfg(target_arch = "x86_64")]
macro_rules! x86_lanes {
    ($type:ty, $width:literal, $terms:literal, $largest:expr, $set1:ident, $load:ident, $store:ident, $add:ident, $sub:ident,
     $mul:ident, $div:ident, $sqrt:ident, $fmadd:ident, $fnmadd:ident, $min:ident, $max:ident,
     |$x:ident, $limit:ident, $below:ident, $otherwise:ident| select $select:expr, any $any:expr,
     estimate $estimate:expr, of_any $of_any:expr) => {
        // SAFETY: in every block below the caller has promised the instruction set and valid pointers.
        impl PairLanes for $type {
            const WIDTH: usize = $width;
            const TERMS: usize = $terms;
            const LARGEST: f64 = $largest;

            #[inline(always)]
            unsafe fn splat(value: f64) -> Self {
                // SAFETY: see the impl.
                unsafe { $set1(value) }
            }

            #[inline(always)]
            unsafe fn load(from: *const f64) -> Self {
                // SAFETY: see the impl.
                unsafe { $load(from) }
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut f64) {
                // SAFETY: see the impl.
                unsafe { $store(to, self) }
            }

            #[inline(always)]
            unsafe fn add(self, other: Self) -> Self {
                // SAFETY: see the impl.
                unsafe { $add(self, other) }
            }

            #[inline(always)]
            unsafe fn sub(self, other: Self) -> Self {
                // SAFETY: see the impl.
                unsafe { $sub(self, other) }
            }

            #[inline(always)]
            unsafe fn mul(self, other: Self) -> Self {
                // SAFETY: see the impl.
                unsafe { $mul(self, other) }
            }

            #[inline(always)]
            unsafe fn div(self, other: Self) -> Self {
                // SAFETY: see the impl.
                unsafe { $div(self, other) }
            }

            #[inline(always)]
            unsafe fn sqrt(self) -> Self {
                // SAFETY: see the impl.
                unsafe { $sqrt(self) }
            }

            #[inline(always)]
            unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
                // SAFETY: see the impl.
                unsafe { $fmadd(self, factor, term) }
            }

            #[inline(always)]
            unsafe fn mul_sub_from(self, factor: Self, term: Self) -> Self {
                // SAFETY: see the impl.
                unsafe { $fnmadd(self, factor, term) }
            }

            #[inline(always)]
            unsafe fn min(self, other: Self) -> Self {
                // SAFETY: see the impl.
                unsafe { $min(self, other) }
            }

            #[inline(always)]
            unsafe fn max(self, other: Self) -> Self {
                // SAFETY: see the impl.
                unsafe { $max(self, other) }
            }

            #[inline(always)]
            unsafe fn select_below(self, $limit: Self, $below: Self, $otherwise: Self) -> Self {
                let $x = self;
                // SAFETY: see the impl.
                unsafe { $select }
            }

            #[inline(always)]
            unsafe fn any_below(self, $limit: Self) -> bool {
                let $x = self;
                // SAFETY: see the impl.
                unsafe { $any }
            }

            #[inline(always)]
            unsafe fn inverse_root_estimate(self) -> Self {
                let $x = self;
                // SAFETY: see the impl.
                unsafe { $estimate }
            }

            #[inline(always)]
            unsafe fn inverse_root_estimate_of_any(self) -> Self {
                let $x = self;
                // SAFETY: see the impl.
                unsafe { $of_any }
            }
        }
    };
}

// Error of the 32-bit estimate: at most 1.5 * 2^-12 (Intel), twice that in e: four terms leave 2^-54.
#[cfg(target_arch = "x86_64")]
x86_lanes!(__m256d, 4, 4, 1e38, _mm256_set1_pd, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_add_pd, _mm256_sub_pd,
    _mm256_mul_pd, _mm256_div_pd, _mm256_sqrt_pd, _mm256_fmadd_pd, _mm256_fnmadd_pd, _mm256_min_pd, _mm256_max_pd,
    |x, limit, below, otherwise| select _mm256_blendv_pd(otherwise, below, _mm256_cmp_pd::<_CMP_LT_OQ>(x, limit)),
    any _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_LT_OQ>(x, limit)) != 0,
    estimate _mm256_cvtps_pd(_mm_rsqrt_ps(_mm256_cvtpd_ps(x))), of_any estimate_of_any(x));

// Error of the estimate: at most 2^-14, twice that in e: three terms leave 2^-54.
#[cfg(target_arch = "x86_64")]
x86_lanes!(__m512d, 8, 3, f64::MAX, _mm512_set1_pd, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_add_pd, _mm512_sub_pd,
    _mm512_mul_pd, _mm512_div_pd, _mm512_sqrt_pd, _mm512_fmadd_pd, _mm512_fnmadd_pd, _mm512_min_pd, _mm512_max_pd,
    |x, limit, below, otherwise| select
        _mm512_mask_blend_pd(_mm512_cmp_pd_mask::<_CMP_LT_OQ>(x, limit), otherwise, below),
    any _mm512_cmp_pd_mask::<_CMP_LT_OQ>(x, limit) != 0,
    estimate _mm512_rsqrt14_pd(x), of_any _mm512_rsqrt14_pd(x));

/// The 32-bit estimate, and where its range ends an estimate from the exponent, refined to as many bits.
///
/// # Safety
/// The CPU has AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn estimate_of_any(x: __m256d) -> __m256d {
    // Halving the exponent: Blinn, "Floating-point tricks", 1997; the constant for 64 bits: Robertson 2012. Off by 3.4 % at most.
    const MAGIC: i64 = 0x5fe6_eb50_c7b5_37a9;
    // SAFETY: the caller's promise.
    unsafe {
        let guess = _mm256_sub_epi64(_mm256_set1_epi64x(MAGIC), _mm256_srli_epi64::<1>(_mm256_castpd_si256(x)));
        let mut y = _mm256_castsi256_pd(guess);
        // Twice y (3 - x y^2) / 2: 3.4e-2, 1.8e-3, 4.7e-6.
        for _ in 0..2 {
            let error = _mm256_fnmadd_pd(_mm256_mul_pd(x, y), y, _mm256_set1_pd(1.0));
            y = _mm256_fmadd_pd(_mm256_mul_pd(y, error), _mm256_set1_pd(0.5), y);
        }
        // The 32-bit estimate is 0 above its range, infinite below, and at 5.4e-20 or 9.3e18 at its ends.
        let estimate = x.inverse_root_estimate();
        let low = estimate.select_below(_mm256_set1_pd(1e-20), y, estimate);
        estimate.select_below(_mm256_set1_pd(1e19), low, y)
    }
}
