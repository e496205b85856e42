//! The vector registers of x86-64 as [`PairLanes`].
//!
//! Numbers of 64 bits come in vectors of eight (AVX-512) and of four (AVX2), numbers of 32 bits in vectors of eight on both:
//! sixteen would need two tiles at a time.

use super::pair_lanes::PairLanes;
use std::arch::x86_64::*;

/// Implements [`PairLanes`] by the named intrinsics; what differs more is given as expressions.
macro_rules! x86_lanes {
    ($type:ty, place $place:ty, width $width:literal, terms $terms:literal, largest $largest:expr, greatest $greatest:expr,
     $set1:ident, $add:ident, $sub:ident, $mul:ident, $div:ident, $sqrt:ident, $fmadd:ident, $fnmadd:ident, $min:ident, $max:ident,
     |$value:ident| splat $splat:expr, |$from:ident| load $load:expr, |$stored:ident, $to:ident| store $store:expr,
     |$at:ident| placed $placed:expr, |$source:ident, $target:ident| away $away:expr,
     |$x:ident, $limit:ident, $below:ident, $otherwise:ident| select $select:expr, any $any:expr,
     estimate $estimate:expr, of_any $of_any:expr) => {
        // SAFETY: in every block below the caller has promised the instruction set and valid pointers.
        impl PairLanes for $type {
            const WIDTH: usize = $width;
            type Place = $place;
            const GREATEST: f64 = $greatest;
            const TERMS: usize = $terms;
            const LARGEST: f64 = $largest;

            #[inline(always)]
            unsafe fn splat($value: f64) -> Self {
                // SAFETY: see the impl.
                unsafe { $set1($splat) }
            }

            #[inline(always)]
            unsafe fn load($from: *const f64) -> Self {
                // SAFETY: see the impl.
                unsafe { $load }
            }

            #[inline(always)]
            unsafe fn store(self, $to: *mut f64) {
                let $stored = self;
                // SAFETY: see the impl.
                unsafe { $store }
            }

            #[inline(always)]
            unsafe fn place($at: *const f64) -> $place {
                // SAFETY: see the impl.
                unsafe { $placed }
            }

            #[inline(always)]
            unsafe fn away($source: f64, $target: $place) -> Self {
                // SAFETY: see the impl.
                unsafe { $away }
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

// Error of the estimate: at most 2^-14, twice that in e: three terms leave 2^-54.
x86_lanes!(__m512d, place __m512d, width 8, terms 3, largest f64::MAX, greatest f64::MAX,
    _mm512_set1_pd, _mm512_add_pd, _mm512_sub_pd, _mm512_mul_pd, _mm512_div_pd, _mm512_sqrt_pd, _mm512_fmadd_pd,
    _mm512_fnmadd_pd, _mm512_min_pd, _mm512_max_pd,
    |value| splat value, |from| load _mm512_loadu_pd(from), |x, to| store _mm512_storeu_pd(to, x),
    |at| placed _mm512_loadu_pd(at), |source, target| away _mm512_sub_pd(_mm512_set1_pd(source), target),
    |x, limit, below, otherwise| select
        _mm512_mask_blend_pd(_mm512_cmp_pd_mask::<_CMP_LT_OQ>(x, limit), otherwise, below),
    any _mm512_cmp_pd_mask::<_CMP_LT_OQ>(x, limit) != 0,
    estimate _mm512_rsqrt14_pd(x), of_any _mm512_rsqrt14_pd(x));

// Error of the 32-bit estimate: at most 1.5 * 2^-12 (Intel), twice that in e: four terms leave 2^-54.
x86_lanes!(__m256d, place __m256d, width 4, terms 4, largest 1e38, greatest f64::MAX,
    _mm256_set1_pd, _mm256_add_pd, _mm256_sub_pd, _mm256_mul_pd, _mm256_div_pd, _mm256_sqrt_pd, _mm256_fmadd_pd,
    _mm256_fnmadd_pd, _mm256_min_pd, _mm256_max_pd,
    |value| splat value, |from| load _mm256_loadu_pd(from), |x, to| store _mm256_storeu_pd(to, x),
    |at| placed _mm256_loadu_pd(at), |source, target| away _mm256_sub_pd(_mm256_set1_pd(source), target),
    |x, limit, below, otherwise| select _mm256_blendv_pd(otherwise, below, _mm256_cmp_pd::<_CMP_LT_OQ>(x, limit)),
    any _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_LT_OQ>(x, limit)) != 0,
    estimate _mm256_cvtps_pd(_mm_rsqrt_ps(_mm256_cvtpd_ps(x))), of_any estimate_of_any(x));

// One term leaves 2^-22, about the rounding of the sums.
x86_lanes!(__m256, place [__m256d; 2], width 8, terms 1, largest f64::MAX, greatest f32::MAX as f64,
    _mm256_set1_ps, _mm256_add_ps, _mm256_sub_ps, _mm256_mul_ps, _mm256_div_ps, _mm256_sqrt_ps, _mm256_fmadd_ps,
    _mm256_fnmadd_ps, _mm256_min_ps, _mm256_max_ps,
    |value| splat value as f32, |from| load narrow([_mm256_loadu_pd(from), _mm256_loadu_pd(from.add(4))]),
    |x, to| store {
        _mm256_storeu_pd(to, _mm256_cvtps_pd(_mm256_castps256_ps128(x)));
        _mm256_storeu_pd(to.add(4), _mm256_cvtps_pd(_mm256_extractf128_ps::<1>(x)));
    },
    |at| placed [_mm256_loadu_pd(at), _mm256_loadu_pd(at.add(4))],
    |source, target| away {
        let source = _mm256_set1_pd(source);
        narrow([_mm256_sub_pd(source, target[0]), _mm256_sub_pd(source, target[1])])
    },
    |x, limit, below, otherwise| select _mm256_blendv_ps(otherwise, below, _mm256_cmp_ps::<_CMP_LT_OQ>(x, limit)),
    any _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LT_OQ>(x, limit)) != 0,
    estimate _mm256_rsqrt_ps(x), of_any _mm256_rsqrt_ps(x));

/// Eight numbers rounded to 32 bits.
///
/// # Safety
/// The CPU has AVX.
#[inline(always)]
unsafe fn narrow(values: [__m256d; 2]) -> __m256 {
    // SAFETY: the caller's promise.
    unsafe { _mm256_set_m128(_mm256_cvtpd_ps(values[1]), _mm256_cvtpd_ps(values[0])) }
}

/// The 32-bit estimate, and where its range ends an estimate from the exponent, refined to as many bits.
///
/// # Safety
/// The CPU has AVX2 and FMA.
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

/// Eight numbers of 32 bits whose positions are one vector of AVX-512: half the instructions for distances, the same bits.
#[derive(Clone, Copy)]
pub struct Single512(__m256);

// SAFETY: in every block below the caller has promised the instruction set and valid pointers.
impl PairLanes for Single512 {
    const WIDTH: usize = 8;
    type Place = __m512d;
    const GREATEST: f64 = <__m256 as PairLanes>::GREATEST;
    const TERMS: usize = <__m256 as PairLanes>::TERMS;
    const LARGEST: f64 = <__m256 as PairLanes>::LARGEST;

    #[inline(always)]
    unsafe fn splat(value: f64) -> Self {
        // SAFETY: see the impl.
        unsafe { Single512(__m256::splat(value)) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f64) -> Self {
        // SAFETY: see the impl.
        unsafe { Single512(_mm512_cvtpd_ps(_mm512_loadu_pd(from))) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        // SAFETY: see the impl.
        unsafe { _mm512_storeu_pd(to, _mm512_cvtps_pd(self.0)) }
    }

    #[inline(always)]
    unsafe fn place(from: *const f64) -> __m512d {
        // SAFETY: see the impl.
        unsafe { _mm512_loadu_pd(from) }
    }

    #[inline(always)]
    unsafe fn away(source: f64, from: __m512d) -> Self {
        // SAFETY: see the impl.
        unsafe { Single512(_mm512_cvtpd_ps(_mm512_sub_pd(_mm512_set1_pd(source), from))) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: see the impl.
        unsafe { Single512(self.0.add(other.0)) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: see the impl.
        unsafe { Single512(self.0.sub(other.0)) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: see the impl.
        unsafe { Single512(self.0.mul(other.0)) }
    }

    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        // SAFETY: see the impl.
        unsafe { Single512(self.0.div(other.0)) }
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        // SAFETY: see the impl.
        unsafe { Single512(self.0.min(other.0)) }
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: see the impl.
        unsafe { Single512(self.0.max(other.0)) }
    }

    #[inline(always)]
    unsafe fn sqrt(self) -> Self {
        // SAFETY: see the impl.
        unsafe { Single512(self.0.sqrt()) }
    }

    #[inline(always)]
    unsafe fn inverse_root_estimate(self) -> Self {
        // SAFETY: see the impl.
        unsafe { Single512(self.0.inverse_root_estimate()) }
    }

    #[inline(always)]
    unsafe fn inverse_root_estimate_of_any(self) -> Self {
        // SAFETY: see the impl.
        unsafe { Single512(self.0.inverse_root_estimate_of_any()) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        // SAFETY: see the impl.
        unsafe { Single512(self.0.mul_add(factor.0, term.0)) }
    }

    #[inline(always)]
    unsafe fn mul_sub_from(self, factor: Self, term: Self) -> Self {
        // SAFETY: see the impl.
        unsafe { Single512(self.0.mul_sub_from(factor.0, term.0)) }
    }

    #[inline(always)]
    unsafe fn select_below(self, limit: Self, below: Self, otherwise: Self) -> Self {
        // SAFETY: see the impl.
        unsafe { Single512(self.0.select_below(limit.0, below.0, otherwise.0)) }
    }

    #[inline(always)]
    unsafe fn any_below(self, limit: Self) -> bool {
        // SAFETY: see the impl.
        unsafe { self.0.any_below(limit.0) }
    }
}
