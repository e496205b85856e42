//! Registers of x86-64 as [`Lanes`].

use super::lanes::{Lanes, Line, WIDTH};
use std::arch::x86_64::*;

/// The type of a CPU path: the width of its registers in lanes, and its instructions.
macro_rules! x86_lanes {
    ($name:ident, $register:ty, $width:literal, $set:ident, $load:ident, $store:ident, $add:ident, $mul:ident, $fused:ident, $root:ident, $div:ident, $select:expr, $transpose:expr) => {
        /// Registers of a CPU path.
        #[derive(Clone, Copy)]
        pub struct $name($register);

        impl Lanes for $name {
            const PARTS: usize = WIDTH / $width;

            #[inline(always)]
            fn splat(value: f64) -> $name {
                // SAFETY: called on this CPU path only (see the trait).
                $name(unsafe { $set(value) })
            }

            #[inline(always)]
            fn load(line: &Line, part: usize) -> $name {
                assert!(part < Self::PARTS);
                // SAFETY: as in `splat`; the part lies inside the line, and lines are aligned.
                $name(unsafe { $load(line.0.as_ptr().add(part * $width)) })
            }

            #[inline(always)]
            fn store(self, line: &mut Line, part: usize) {
                assert!(part < Self::PARTS);
                // SAFETY: as in `load`.
                unsafe { $store(line.0.as_mut_ptr().add(part * $width), self.0) }
            }

            #[inline(always)]
            fn add(self, other: $name) -> $name {
                // SAFETY: as in `splat`.
                $name(unsafe { $add(self.0, other.0) })
            }

            #[inline(always)]
            fn mul(self, other: $name) -> $name {
                // SAFETY: as in `splat`.
                $name(unsafe { $mul(self.0, other.0) })
            }

            #[inline(always)]
            fn multiply_add(self, factor: $name, addend: $name) -> $name {
                // SAFETY: as in `splat`.
                $name(unsafe { $fused(self.0, factor.0, addend.0) })
            }

            #[inline(always)]
            fn inverse_root(self) -> $name {
                // SAFETY: as in `splat`.
                $name(unsafe { $div($set(1.0), $root(self.0)) })
            }

            #[inline(always)]
            fn select_up_to(self, bound: $name, yes: $name, no: $name) -> $name {
                // SAFETY: as in `splat`.
                $name(unsafe { $select(self.0, bound.0, yes.0, no.0) })
            }

            #[inline(always)]
            fn transpose_into(rows: [&Line; WIDTH], lines: &mut [Line; WIDTH]) {
                // SAFETY: as in `splat`.
                unsafe { $transpose(rows, lines) }
            }
        }
    };
}

x86_lanes!(
    Avx2,
    __m256d,
    4,
    _mm256_set1_pd,
    _mm256_load_pd,
    _mm256_store_pd,
    _mm256_add_pd,
    _mm256_mul_pd,
    _mm256_fmadd_pd,
    _mm256_sqrt_pd,
    _mm256_div_pd,
    select_256,
    transpose_256
);

x86_lanes!(
    Avx512,
    __m512d,
    8,
    _mm512_set1_pd,
    _mm512_load_pd,
    _mm512_store_pd,
    _mm512_add_pd,
    _mm512_mul_pd,
    _mm512_fmadd_pd,
    _mm512_sqrt_pd,
    _mm512_div_pd,
    select_512,
    transpose_512
);

/// # Safety
/// The CPU has AVX2.
#[inline(always)]
unsafe fn select_256(value: __m256d, bound: __m256d, yes: __m256d, no: __m256d) -> __m256d {
    // SAFETY: the caller's promise.
    unsafe { _mm256_blendv_pd(no, yes, _mm256_cmp_pd::<_CMP_LE_OQ>(value, bound)) }
}

/// # Safety
/// The CPU has AVX-512.
#[inline(always)]
unsafe fn select_512(value: __m512d, bound: __m512d, yes: __m512d, no: __m512d) -> __m512d {
    // SAFETY: the caller's promise.
    unsafe { _mm512_mask_blend_pd(_mm512_cmp_pd_mask::<_CMP_LE_OQ>(value, bound), no, yes) }
}

/// # Safety
/// The CPU has AVX2.
#[inline(always)]
unsafe fn transpose_256(rows: [&Line; WIDTH], lines: &mut [Line; WIDTH]) {
    for (at, from) in [(0, 0), (0, 4), (4, 0), (4, 4)] {
        // SAFETY: the caller's promise; four numbers from 0 or 4 on lie inside a line, and lines are aligned.
        unsafe {
            let (p, q) = (_mm256_load_pd(rows[at].0[from..].as_ptr()), _mm256_load_pd(rows[at + 1].0[from..].as_ptr()));
            let (r, s) =
                (_mm256_load_pd(rows[at + 2].0[from..].as_ptr()), _mm256_load_pd(rows[at + 3].0[from..].as_ptr()));
            let (a, b) = (_mm256_unpacklo_pd(p, q), _mm256_unpackhi_pd(p, q));
            let (c, d) = (_mm256_unpacklo_pd(r, s), _mm256_unpackhi_pd(r, s));
            _mm256_store_pd(lines[from].0[at..].as_mut_ptr(), _mm256_permute2f128_pd::<0x20>(a, c));
            _mm256_store_pd(lines[from + 1].0[at..].as_mut_ptr(), _mm256_permute2f128_pd::<0x20>(b, d));
            _mm256_store_pd(lines[from + 2].0[at..].as_mut_ptr(), _mm256_permute2f128_pd::<0x31>(a, c));
            _mm256_store_pd(lines[from + 3].0[at..].as_mut_ptr(), _mm256_permute2f128_pd::<0x31>(b, d));
        }
    }
}

/// # Safety
/// The CPU has AVX-512.
#[inline(always)]
unsafe fn transpose_512(rows: [&Line; WIDTH], lines: &mut [Line; WIDTH]) {
    // SAFETY: the caller's promise; lines are aligned. (Written out: closures would not be compiled for this CPU path.)
    unsafe {
        let (a, b) = (_mm512_load_pd(rows[0].0.as_ptr()), _mm512_load_pd(rows[1].0.as_ptr()));
        let (c, d) = (_mm512_load_pd(rows[2].0.as_ptr()), _mm512_load_pd(rows[3].0.as_ptr()));
        let (e, f) = (_mm512_load_pd(rows[4].0.as_ptr()), _mm512_load_pd(rows[5].0.as_ptr()));
        let (g, h) = (_mm512_load_pd(rows[6].0.as_ptr()), _mm512_load_pd(rows[7].0.as_ptr()));
        let even =
            (_mm512_unpacklo_pd(a, b), _mm512_unpacklo_pd(c, d), _mm512_unpacklo_pd(e, f), _mm512_unpacklo_pd(g, h));
        let odd =
            (_mm512_unpackhi_pd(a, b), _mm512_unpackhi_pd(c, d), _mm512_unpackhi_pd(e, f), _mm512_unpackhi_pd(g, h));
        store_columns(lines, 0, even);
        store_columns(lines, 1, odd);
    }
}

/// Stores lines `first`, `first + 2`, ... from pairs of neighbours.
///
/// # Safety
/// The CPU has AVX-512.
#[inline(always)]
unsafe fn store_columns(lines: &mut [Line; WIDTH], first: usize, pairs: (__m512d, __m512d, __m512d, __m512d)) {
    // SAFETY: the caller's promise; lines are aligned.
    unsafe {
        let (low, high) =
            (_mm512_shuffle_f64x2::<0x88>(pairs.0, pairs.1), _mm512_shuffle_f64x2::<0x88>(pairs.2, pairs.3));
        _mm512_store_pd(lines[first].0.as_mut_ptr(), _mm512_shuffle_f64x2::<0x88>(low, high));
        _mm512_store_pd(lines[first + 4].0.as_mut_ptr(), _mm512_shuffle_f64x2::<0xdd>(low, high));
        let (low, high) =
            (_mm512_shuffle_f64x2::<0xdd>(pairs.0, pairs.1), _mm512_shuffle_f64x2::<0xdd>(pairs.2, pairs.3));
        _mm512_store_pd(lines[first + 2].0.as_mut_ptr(), _mm512_shuffle_f64x2::<0x88>(low, high));
        _mm512_store_pd(lines[first + 6].0.as_mut_ptr(), _mm512_shuffle_f64x2::<0xdd>(low, high));
    }
}
