//! The few vector operations that the stencil needs, on one, four or eight values at a time.
//!
//! Each operation is exactly rounded, and none is fused in a way that shows, so the same expression over these types gives the
//! same bits on every CPU path. `std::simd` is not stable; a portability crate would be a dependency for eight functions.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// Several f64 side by side.
pub trait Lanes: Copy {
    /// How many.
    const WIDTH: usize;
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
    /// Values to memory past the caches.
    ///
    /// # Safety
    /// As [`Lanes::store`], and `to` is aligned to the width.
    unsafe fn stream(self, to: *mut f64);
    /// Starts to load the cache line at this address, which need not be valid, into the second-level cache.
    #[inline(always)]
    fn prefetch(address: *const f64) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a prefetch never faults, and SSE is part of x86-64.
        unsafe {
            _mm_prefetch::<_MM_HINT_T1>(address.cast());
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = address;
    }
    /// Sum.
    ///
    /// # Safety
    /// As [`Lanes::splat`].
    unsafe fn add(self, other: Self) -> Self;
    /// Difference.
    ///
    /// # Safety
    /// As [`Lanes::splat`].
    unsafe fn sub(self, other: Self) -> Self;
    /// Product.
    ///
    /// # Safety
    /// As [`Lanes::splat`].
    unsafe fn mul(self, other: Self) -> Self;
    /// `self - 2 other`, rounded once. Twice a number is exact, so a fused operation and a plain one give the same bits, and
    /// may be mixed: the fused one spares the adders, of which a stencil has most need.
    ///
    /// # Safety
    /// As [`Lanes::splat`].
    unsafe fn sub_twice(self, other: Self) -> Self;
    /// `[first, a0, a1, ...]`: the last value drops out.
    ///
    /// # Safety
    /// As [`Lanes::splat`].
    unsafe fn shift_up(self, first: f64) -> Self;
    /// `[a1, a2, ..., last]`: the first value drops out.
    ///
    /// # Safety
    /// As [`Lanes::splat`].
    unsafe fn shift_down(self, last: f64) -> Self;
}

impl Lanes for f64 {
    const WIDTH: usize = 1;

    #[inline(always)]
    unsafe fn splat(value: f64) -> f64 {
        value
    }

    #[inline(always)]
    unsafe fn load(from: *const f64) -> f64 {
        // SAFETY: the caller's promise.
        unsafe { *from }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        // SAFETY: the caller's promise.
        unsafe { *to = self }
    }

    #[inline(always)]
    unsafe fn stream(self, to: *mut f64) {
        // SAFETY: the caller's promise.
        unsafe { *to = self }
    }

    #[inline(always)]
    unsafe fn add(self, other: f64) -> f64 {
        self + other
    }

    #[inline(always)]
    unsafe fn sub(self, other: f64) -> f64 {
        self - other
    }

    #[inline(always)]
    unsafe fn mul(self, other: f64) -> f64 {
        self * other
    }

    #[inline(always)]
    unsafe fn sub_twice(self, other: f64) -> f64 {
        self - (other + other)
    }

    #[inline(always)]
    unsafe fn shift_up(self, first: f64) -> f64 {
        first
    }

    #[inline(always)]
    unsafe fn shift_down(self, last: f64) -> f64 {
        last
    }
}

/// Implements [`Lanes`] by the named intrinsics; the two shifts are given as expressions.
#[cfg(target_arch = "x86_64")]
macro_rules! x86_lanes {
    ($type:ty, $width:literal, $set1:ident, $load:ident, $store:ident, $stream:ident, $add:ident, $sub:ident, $mul:ident,
     $fnmadd:ident,     |$a:ident, $edge:ident| up $up:expr, down $down:expr) => {
        // SAFETY: in every block below the caller has promised the instruction set and valid pointers.
        impl Lanes for $type {
            const WIDTH: usize = $width;

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
            unsafe fn stream(self, to: *mut f64) {
                // SAFETY: see the impl.
                unsafe { $stream(to, self) }
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
            unsafe fn sub_twice(self, other: Self) -> Self {
                // SAFETY: see the impl.
                unsafe { $fnmadd($set1(2.0), other, self) }
            }

            #[inline(always)]
            unsafe fn shift_up(self, first: f64) -> Self {
                let $a = self;
                // SAFETY: see the impl.
                unsafe {
                    let $edge = $set1(first);
                    $up
                }
            }

            #[inline(always)]
            unsafe fn shift_down(self, last: f64) -> Self {
                let $a = self;
                // SAFETY: see the impl.
                unsafe {
                    let $edge = $set1(last);
                    $down
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
x86_lanes!(__m256d, 4, _mm256_set1_pd, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_stream_pd, _mm256_add_pd,
    _mm256_sub_pd, _mm256_mul_pd, _mm256_fnmadd_pd,
    |a, edge| up _mm256_blend_pd::<0b0001>(_mm256_permute4x64_pd::<0b10_01_00_00>(a), edge),
    down _mm256_blend_pd::<0b1000>(_mm256_permute4x64_pd::<0b11_11_10_01>(a), edge));

#[cfg(target_arch = "x86_64")]
x86_lanes!(__m512d, 8, _mm512_set1_pd, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_stream_pd, _mm512_add_pd,
    _mm512_sub_pd, _mm512_mul_pd, _mm512_fnmadd_pd,
    |a, edge| up _mm512_castsi512_pd(_mm512_alignr_epi64::<7>(_mm512_castpd_si512(a), _mm512_castpd_si512(edge))),
    down _mm512_castsi512_pd(_mm512_alignr_epi64::<1>(_mm512_castpd_si512(edge), _mm512_castpd_si512(a))));

/// Makes non-temporal stores of this thread visible before anything that follows.
#[inline]
pub fn fence_streams() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of x86-64; the instruction only orders stores.
    unsafe {
        _mm_sfence();
    }
}
