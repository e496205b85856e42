//! The vector operations of the expansions, on eight lanes at a time in one or more registers.
//!
//! A [`Line`] is one number for each of eight lanes. A type of [`Lanes`] works on a line in `PARTS` registers. `multiply_add` is
//! fused where the type says so; [`Exact`] takes any type's plain operations, so that every CPU path gives the same bits.

use crate::cpu::CpuPath;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// Lanes of a line.
pub const WIDTH: usize = 8;

/// One number per lane.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C, align(64))]
pub struct Line(pub [f64; WIDTH]);

/// A register's share of a line.
///
/// The methods are instructions of the CPU path that the type is named after: they are called only in functions that are compiled
/// for that path, and those only after it has been detected.
pub trait Lanes: Copy {
    /// Registers that make up a line.
    const PARTS: usize;
    /// The same value in all lanes.
    fn splat(value: f64) -> Self;
    /// Part of a line.
    fn load(line: &Line, part: usize) -> Self;
    /// Into the part of a line.
    fn store(self, line: &mut Line, part: usize);
    /// Sum.
    fn add(self, other: Self) -> Self;
    /// Product.
    fn mul(self, other: Self) -> Self;
    /// `self * factor + addend`.
    fn multiply_add(self, factor: Self, addend: Self) -> Self;
    /// 1 / sqrt(self), each of the two rounded.
    fn inverse_root(self) -> Self;
}

/// One lane in plain Rust.
#[derive(Clone, Copy)]
pub struct Scalar(f64);

impl Lanes for Scalar {
    const PARTS: usize = WIDTH;

    #[inline(always)]
    fn splat(value: f64) -> Scalar {
        Scalar(value)
    }

    #[inline(always)]
    fn load(line: &Line, part: usize) -> Scalar {
        Scalar(line.0[part])
    }

    #[inline(always)]
    fn store(self, line: &mut Line, part: usize) {
        line.0[part] = self.0;
    }

    #[inline(always)]
    fn add(self, other: Scalar) -> Scalar {
        Scalar(self.0 + other.0)
    }

    #[inline(always)]
    fn mul(self, other: Scalar) -> Scalar {
        Scalar(self.0 * other.0)
    }

    #[inline(always)]
    fn multiply_add(self, factor: Scalar, addend: Scalar) -> Scalar {
        Scalar(self.0 * factor.0 + addend.0)
    }

    #[inline(always)]
    fn inverse_root(self) -> Scalar {
        Scalar(1.0 / self.0.sqrt())
    }
}

/// The type without fused operations.
#[derive(Clone, Copy)]
pub struct Exact<V>(V);

impl<V: Lanes> Lanes for Exact<V> {
    const PARTS: usize = V::PARTS;

    #[inline(always)]
    fn splat(value: f64) -> Exact<V> {
        Exact(V::splat(value))
    }

    #[inline(always)]
    fn load(line: &Line, part: usize) -> Exact<V> {
        Exact(V::load(line, part))
    }

    #[inline(always)]
    fn store(self, line: &mut Line, part: usize) {
        self.0.store(line, part);
    }

    #[inline(always)]
    fn add(self, other: Exact<V>) -> Exact<V> {
        Exact(self.0.add(other.0))
    }

    #[inline(always)]
    fn mul(self, other: Exact<V>) -> Exact<V> {
        Exact(self.0.mul(other.0))
    }

    #[inline(always)]
    fn multiply_add(self, factor: Exact<V>, addend: Exact<V>) -> Exact<V> {
        self.mul(factor).add(addend)
    }

    #[inline(always)]
    fn inverse_root(self) -> Exact<V> {
        Exact(self.0.inverse_root())
    }
}

/// The type of a CPU path: the width of its registers in lanes, and its instructions.
#[cfg(target_arch = "x86_64")]
macro_rules! x86_lanes {
    ($name:ident, $register:ty, $width:literal, $set:ident, $load:ident, $store:ident, $add:ident, $mul:ident, $fused:ident, $root:ident, $div:ident) => {
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
        }
    };
}

#[cfg(target_arch = "x86_64")]
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
    _mm256_div_pd
);

#[cfg(target_arch = "x86_64")]
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
    _mm512_div_pd
);

/// Which type of [`Lanes`] the kernels run with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instructions {
    /// [`Scalar`].
    Portable,
    /// [`Exact`] over 256-bit registers.
    Avx2Exact,
    /// 256-bit registers, fused.
    Avx2,
    /// 512-bit registers, fused.
    Avx512,
}

/// Defines `pub fn name(instructions, arguments...)`, which runs the generic `body::<V>` with the lanes of the instructions.
macro_rules! dispatched {
    ($(#[$doc:meta])* $name:ident = $body:ident ( $($argument:ident : $type:ty),* )) => {
        $(#[$doc])*
        #[allow(clippy::too_many_arguments)]
        pub fn $name(instructions: $crate::nbody::fmm::lanes::Instructions, $($argument: $type),*) {
            use $crate::nbody::fmm::lanes::*;

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,fma")]
            fn avx512($($argument: $type),*) {
                $body::<Avx512>($($argument),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($argument: $type),*) {
                $body::<Avx2>($($argument),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2_exact($($argument: $type),*) {
                $body::<Exact<Avx2>>($($argument),*)
            }

            match instructions {
                // SAFETY: instructions are chosen from the detected CPU path.
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx512 => unsafe { avx512($($argument),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx2 => unsafe { avx2($($argument),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx2Exact => unsafe { avx2_exact($($argument),*) },
                _ => $body::<Scalar>($($argument),*),
            }
        }
    };
}
pub(crate) use dispatched;

impl Instructions {
    /// For a CPU path, which must be available.
    pub fn of(path: CpuPath, portable_bits: bool) -> Instructions {
        match path {
            CpuPath::Portable => Instructions::Portable,
            _ if portable_bits => Instructions::Avx2Exact,
            CpuPath::Avx2 => Instructions::Avx2,
            CpuPath::Avx512 => Instructions::Avx512,
        }
    }
}
