//! Registers of x86-64 as [`SingleLanes`].

use super::single_lanes::{SIXTEEN, SingleLanes, Sixteen};
use std::arch::x86_64::*;

/// The type of a CPU path: the width of its registers in lanes, and its instructions.
macro_rules! single_lanes {
    ($name:ident, half $half:ident, $register:ty, $width:literal, $set:ident, $load:ident, $store:ident, $add:ident, $sub:ident, $mul:ident,
     $fused:ident, $fused_from:ident, $estimate:ident) => {
        /// Registers of a CPU path.
        #[derive(Clone, Copy)]
        pub struct $name($register);

        impl SingleLanes for $name {
            const PARTS: usize = SIXTEEN / $width;
            type Half = $half;

            #[inline(always)]
            fn splat(value: f32) -> $name {
                // SAFETY: called on this CPU path only (see the trait).
                $name(unsafe { $set(value) })
            }

            #[inline(always)]
            fn load(from: &Sixteen, part: usize) -> $name {
                assert!(part < Self::PARTS);
                // SAFETY: as in `splat`; the part lies inside the numbers, which are aligned.
                $name(unsafe { $load(from.0.as_ptr().add(part * $width)) })
            }

            #[inline(always)]
            fn store(self, to: &mut Sixteen, part: usize) {
                assert!(part < Self::PARTS);
                // SAFETY: as in `load`.
                unsafe { $store(to.0.as_mut_ptr().add(part * $width), self.0) }
            }

            #[inline(always)]
            fn add(self, other: $name) -> $name {
                // SAFETY: as in `splat`.
                $name(unsafe { $add(self.0, other.0) })
            }

            #[inline(always)]
            fn sub(self, other: $name) -> $name {
                // SAFETY: as in `splat`.
                $name(unsafe { $sub(self.0, other.0) })
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
            fn multiply_from(self, factor: $name, minuend: $name) -> $name {
                // SAFETY: as in `splat`.
                $name(unsafe { $fused_from(self.0, factor.0, minuend.0) })
            }

            #[inline(always)]
            fn inverse_root_estimate(self) -> $name {
                // SAFETY: as in `splat`.
                $name(unsafe { $estimate(self.0) })
            }
        }
    };
}

single_lanes!(
    Single256,
    half Single256,
    __m256,
    8,
    _mm256_set1_ps,
    _mm256_load_ps,
    _mm256_store_ps,
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_mul_ps,
    _mm256_fmadd_ps,
    _mm256_fnmadd_ps,
    _mm256_rsqrt_ps
);

single_lanes!(
    Single512,
    half Half512,
    __m512,
    16,
    _mm512_set1_ps,
    _mm512_load_ps,
    _mm512_store_ps,
    _mm512_add_ps,
    _mm512_sub_ps,
    _mm512_mul_ps,
    _mm512_fmadd_ps,
    _mm512_fnmadd_ps,
    _mm512_rsqrt14_ps
);

// The estimate of the wider registers, so that half of them gives the same bits.
single_lanes!(
    Half512,
    half Half512,
    __m256,
    8,
    _mm256_set1_ps,
    _mm256_load_ps,
    _mm256_store_ps,
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_mul_ps,
    _mm256_fmadd_ps,
    _mm256_fnmadd_ps,
    _mm256_rsqrt14_ps
);
