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

/// The numbers of lines, line after line.
pub fn numbers(lines: &[Line]) -> &[f64] {
    // SAFETY: a line is eight numbers without padding, with a stronger alignment.
    unsafe { std::slice::from_raw_parts(lines.as_ptr().cast(), WIDTH * lines.len()) }
}

/// As [`numbers`].
pub fn numbers_mut(lines: &mut [Line]) -> &mut [f64] {
    // SAFETY: as in `numbers`; the borrow is exclusive.
    unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), WIDTH * lines.len()) }
}

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
    /// `yes` in lanes where `self <= bound`, else (also where one is NaN) `no`.
    fn select_up_to(self, bound: Self, yes: Self, no: Self) -> Self;
    /// The same part of three lines. (Not a closure over an array: closures are not compiled for a CPU path.)
    #[inline(always)]
    fn load_three(lines: &[Line; 3], part: usize) -> [Self; 3] {
        [Self::load(&lines[0], part), Self::load(&lines[1], part), Self::load(&lines[2], part)]
    }
    /// Line n of the result is made of number n of every row.
    #[inline(always)]
    fn transpose(rows: [&Line; WIDTH]) -> [Line; WIDTH] {
        std::array::from_fn(|n| Line(rows.map(|row| row.0[n])))
    }
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

    #[inline(always)]
    fn select_up_to(self, bound: Scalar, yes: Scalar, no: Scalar) -> Scalar {
        if self.0 <= bound.0 { yes } else { no }
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

    #[inline(always)]
    fn select_up_to(self, bound: Exact<V>, yes: Exact<V>, no: Exact<V>) -> Exact<V> {
        Exact(self.0.select_up_to(bound.0, yes.0, no.0))
    }

    #[inline(always)]
    fn transpose(rows: [&Line; WIDTH]) -> [Line; WIDTH] {
        V::transpose(rows)
    }
}

/// The type of a CPU path: the width of its registers in lanes, and its instructions.
#[cfg(target_arch = "x86_64")]
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
            fn transpose(rows: [&Line; WIDTH]) -> [Line; WIDTH] {
                // SAFETY: as in `splat`.
                unsafe { $transpose(rows) }
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
    _mm256_div_pd,
    select_256,
    transpose_256
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
    _mm512_div_pd,
    select_512,
    transpose_512
);

/// # Safety
/// The CPU has AVX2.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn select_256(value: __m256d, bound: __m256d, yes: __m256d, no: __m256d) -> __m256d {
    // SAFETY: the caller's promise.
    unsafe { _mm256_blendv_pd(no, yes, _mm256_cmp_pd::<_CMP_LE_OQ>(value, bound)) }
}

/// # Safety
/// The CPU has AVX-512.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn select_512(value: __m512d, bound: __m512d, yes: __m512d, no: __m512d) -> __m512d {
    // SAFETY: the caller's promise.
    unsafe { _mm512_mask_blend_pd(_mm512_cmp_pd_mask::<_CMP_LE_OQ>(value, bound), no, yes) }
}

/// # Safety
/// The CPU has AVX2.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn transpose_256(rows: [&Line; WIDTH]) -> [Line; WIDTH] {
    let mut lines = [Line::default(); WIDTH];
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
    lines
}

/// # Safety
/// The CPU has AVX-512.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn transpose_512(rows: [&Line; WIDTH]) -> [Line; WIDTH] {
    let mut lines = [Line::default(); WIDTH];
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
        store_columns(&mut lines, 0, even);
        store_columns(&mut lines, 1, odd);
    }
    lines
}

/// Stores lines `first`, `first + 2`, ... from pairs of neighbours.
///
/// # Safety
/// The CPU has AVX-512.
#[cfg(target_arch = "x86_64")]
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
