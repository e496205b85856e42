//! The vector operations of the expansions, on eight lanes at a time in one or more registers.
//!
//! A [`Line`] is one number for each of eight lanes. A type of [`Lanes`] works on a line in `PARTS` registers. `multiply_add` is
//! fused where the type says so; [`Exact`] takes any type's plain operations, so that every CPU path gives the same bits.

#[cfg(target_arch = "x86_64")]
pub use super::lanes_x86::{Avx2, Avx512};
use crate::cpu::CpuPath;

/// Lanes of a line.
pub const WIDTH: usize = 8;

/// One number per lane.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C, align(64))]
pub struct Line(pub [f64; WIDTH]);

// SAFETY: zeros are numbers.
unsafe impl bytemuck::Zeroable for Line {}

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
        let mut lines = [Line::default(); WIDTH];
        Self::transpose_into(rows, &mut lines);
        lines
    }
    /// As [`Lanes::transpose`], to where the lines stay.
    #[inline(always)]
    fn transpose_into(rows: [&Line; WIDTH], lines: &mut [Line; WIDTH]) {
        for (n, line) in lines.iter_mut().enumerate() {
            for (lane, row) in rows.iter().enumerate() {
                line.0[lane] = row.0[n];
            }
        }
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
    fn transpose_into(rows: [&Line; WIDTH], lines: &mut [Line; WIDTH]) {
        V::transpose_into(rows, lines);
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
