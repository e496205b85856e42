//! The few vector operations that [`super::jerk`] needs, on two, four or eight values at a time.
//!
//! Each is exactly rounded and none is fused, so an expression over these types has the same bits on every CPU path. Left to
//! itself the compiler vectorises plain arrays one day and shuffles them the next, at a fifth of the speed. Roots and quotients
//! are what takes the time, and they come from one unit whatever the width.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// Targets in a tile, a multiple of every width.
pub const LANES: usize = 8;

/// One number for every target of a tile.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub struct Eight(pub [f64; LANES]);

/// Several f64 side by side.
pub trait Lanes: Copy {
    /// How many.
    const WIDTH: usize;
    /// The same value in all.
    ///
    /// # Safety
    /// The CPU has the instruction set of the type (so for every method).
    unsafe fn all(value: f64) -> Self;
    /// Values of a tile, from `start` on.
    ///
    /// # Safety
    /// `start + WIDTH <= LANES`.
    unsafe fn load(from: &Eight, start: usize) -> Self;
    /// Values to a tile, from `start` on.
    ///
    /// # Safety
    /// `start + WIDTH <= LANES`.
    unsafe fn store(self, to: &mut Eight, start: usize);
    /// Sum.
    ///
    /// # Safety
    /// As [`Lanes::all`].
    unsafe fn plus(self, other: Self) -> Self;
    /// Difference.
    ///
    /// # Safety
    /// As [`Lanes::all`].
    unsafe fn minus(self, other: Self) -> Self;
    /// Product.
    ///
    /// # Safety
    /// As [`Lanes::all`].
    unsafe fn times(self, other: Self) -> Self;
    /// Quotient.
    ///
    /// # Safety
    /// As [`Lanes::all`].
    unsafe fn over(self, other: Self) -> Self;
    /// Square root.
    ///
    /// # Safety
    /// As [`Lanes::all`].
    unsafe fn root(self) -> Self;
    /// 1 where both are equal, 0 elsewhere.
    ///
    /// # Safety
    /// As [`Lanes::all`].
    unsafe fn equals(self, other: Self) -> Self;
}

/// Two values for any processor.
#[derive(Clone, Copy)]
pub struct Two(f64, f64);

// SAFETY: plain arithmetic; indices are checked.
impl Lanes for Two {
    const WIDTH: usize = 2;
    #[inline(always)]
    unsafe fn all(value: f64) -> Two {
        Two(value, value)
    }
    #[inline(always)]
    unsafe fn load(from: &Eight, start: usize) -> Two {
        Two(from.0[start], from.0[start + 1])
    }
    #[inline(always)]
    unsafe fn store(self, to: &mut Eight, start: usize) {
        (to.0[start], to.0[start + 1]) = (self.0, self.1);
    }
    #[inline(always)]
    unsafe fn plus(self, other: Two) -> Two {
        Two(self.0 + other.0, self.1 + other.1)
    }
    #[inline(always)]
    unsafe fn minus(self, other: Two) -> Two {
        Two(self.0 - other.0, self.1 - other.1)
    }
    #[inline(always)]
    unsafe fn times(self, other: Two) -> Two {
        Two(self.0 * other.0, self.1 * other.1)
    }
    #[inline(always)]
    unsafe fn over(self, other: Two) -> Two {
        Two(self.0 / other.0, self.1 / other.1)
    }
    #[inline(always)]
    unsafe fn root(self) -> Two {
        Two(self.0.sqrt(), self.1.sqrt())
    }
    #[inline(always)]
    unsafe fn equals(self, other: Two) -> Two {
        Two(f64::from(self.0 == other.0), f64::from(self.1 == other.1))
    }
}

/// Four or eight values by intrinsics of the same names.
#[cfg(target_arch = "x86_64")]
macro_rules! lanes {
    ($type:ty, $width:literal, $all:ident, $load:ident, $store:ident, $add:ident, $sub:ident, $mul:ident, $div:ident, $sqrt:ident, $equals:expr) => {
        // SAFETY: callers promise the instruction set and the room.
        impl Lanes for $type {
            const WIDTH: usize = $width;
            #[inline(always)]
            unsafe fn all(value: f64) -> $type {
                // SAFETY: as above.
                unsafe { $all(value) }
            }
            #[inline(always)]
            unsafe fn load(from: &Eight, start: usize) -> $type {
                // SAFETY: as above.
                unsafe { $load(from.0.as_ptr().add(start)) }
            }
            #[inline(always)]
            unsafe fn store(self, to: &mut Eight, start: usize) {
                // SAFETY: as above.
                unsafe { $store(to.0.as_mut_ptr().add(start), self) }
            }
            #[inline(always)]
            unsafe fn plus(self, other: $type) -> $type {
                // SAFETY: as above.
                unsafe { $add(self, other) }
            }
            #[inline(always)]
            unsafe fn minus(self, other: $type) -> $type {
                // SAFETY: as above.
                unsafe { $sub(self, other) }
            }
            #[inline(always)]
            unsafe fn times(self, other: $type) -> $type {
                // SAFETY: as above.
                unsafe { $mul(self, other) }
            }
            #[inline(always)]
            unsafe fn over(self, other: $type) -> $type {
                // SAFETY: as above.
                unsafe { $div(self, other) }
            }
            #[inline(always)]
            unsafe fn root(self) -> $type {
                // SAFETY: as above.
                unsafe { $sqrt(self) }
            }
            #[inline(always)]
            unsafe fn equals(self, other: $type) -> $type {
                // SAFETY: as above.
                unsafe { $equals(self, other) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx")]
fn ones_where_equal_256(a: __m256d, b: __m256d) -> __m256d {
    _mm256_and_pd(_mm256_cmp_pd::<_CMP_EQ_OQ>(a, b), _mm256_set1_pd(1.0))
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn ones_where_equal_512(a: __m512d, b: __m512d) -> __m512d {
    _mm512_maskz_mov_pd(_mm512_cmp_pd_mask::<_CMP_EQ_OQ>(a, b), _mm512_set1_pd(1.0))
}

#[cfg(target_arch = "x86_64")]
lanes!(
    __m256d,
    4,
    _mm256_set1_pd,
    _mm256_loadu_pd,
    _mm256_storeu_pd,
    _mm256_add_pd,
    _mm256_sub_pd,
    _mm256_mul_pd,
    _mm256_div_pd,
    _mm256_sqrt_pd,
    ones_where_equal_256
);

#[cfg(target_arch = "x86_64")]
lanes!(
    __m512d,
    8,
    _mm512_set1_pd,
    _mm512_loadu_pd,
    _mm512_storeu_pd,
    _mm512_add_pd,
    _mm512_sub_pd,
    _mm512_mul_pd,
    _mm512_div_pd,
    _mm512_sqrt_pd,
    ones_where_equal_512
);
