//! Sixteen 32-bit numbers in the registers of a CPU path.
//!
//! As [`super::lanes`], for the near field: twice as many numbers per register, and an estimate of the inverse root that needs one
//! refinement only.

#[cfg(target_arch = "x86_64")]
pub use super::single_lanes_x86::{Single256, Single512};

/// Numbers that are computed together.
pub const SIXTEEN: usize = 16;

/// Sixteen numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(align(64))]
pub struct Sixteen(pub [f32; SIXTEEN]);

/// A register. Its methods may be called only on the CPU path of the type; the functions that `dispatched_single!` defines see to that.
pub trait SingleLanes: Copy {
    /// Registers that hold sixteen numbers.
    const PARTS: usize;
    /// Registers half as wide, where the path has them.
    type Half: SingleLanes;
    /// The same number in all lanes.
    fn splat(value: f32) -> Self;
    /// A part of sixteen numbers.
    fn load(from: &Sixteen, part: usize) -> Self;
    /// To a part of sixteen numbers.
    fn store(self, to: &mut Sixteen, part: usize);
    /// self + other.
    fn add(self, other: Self) -> Self;
    /// self - other.
    fn sub(self, other: Self) -> Self;
    /// self * other.
    fn mul(self, other: Self) -> Self;
    /// self * factor + addend, rounded once on registers.
    fn multiply_add(self, factor: Self, addend: Self) -> Self;
    /// minuend - self * factor, rounded once on registers.
    fn multiply_from(self, factor: Self, minuend: Self) -> Self;
    /// 1 / sqrt(self) to 11 bits at least.
    fn inverse_root_estimate(self) -> Self;
}

/// A number on every CPU.
#[derive(Clone, Copy)]
pub struct Single(f32);

impl SingleLanes for Single {
    const PARTS: usize = SIXTEEN;
    type Half = Single;

    #[inline(always)]
    fn splat(value: f32) -> Single {
        Single(value)
    }

    #[inline(always)]
    fn load(from: &Sixteen, part: usize) -> Single {
        Single(from.0[part])
    }

    #[inline(always)]
    fn store(self, to: &mut Sixteen, part: usize) {
        to.0[part] = self.0;
    }

    #[inline(always)]
    fn add(self, other: Single) -> Single {
        Single(self.0 + other.0)
    }

    #[inline(always)]
    fn sub(self, other: Single) -> Single {
        Single(self.0 - other.0)
    }

    #[inline(always)]
    fn mul(self, other: Single) -> Single {
        Single(self.0 * other.0)
    }

    #[inline(always)]
    fn multiply_add(self, factor: Single, addend: Single) -> Single {
        Single(self.0 * factor.0 + addend.0)
    }

    #[inline(always)]
    fn multiply_from(self, factor: Single, minuend: Single) -> Single {
        Single(minuend.0 - self.0 * factor.0)
    }

    #[inline(always)]
    fn inverse_root_estimate(self) -> Single {
        Single(1.0 / self.0.sqrt())
    }
}

/// Defines `pub fn name(instructions, arguments...)`, which runs the generic `body::<V>` with the registers of the instructions.
macro_rules! dispatched_single {
    ($(#[$doc:meta])* $name:ident = $body:ident ( $($argument:ident : $type:ty),* )) => {
        $(#[$doc])*
        fn $name(instructions: $crate::nbody::fmm::lanes::Instructions, $($argument: $type),*) {
            use $crate::nbody::fmm::lanes::Instructions;
            use $crate::nbody::fmm::single_lanes::*;

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,fma")]
            fn avx512($($argument: $type),*) {
                $body::<Single512>($($argument),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($argument: $type),*) {
                $body::<Single256>($($argument),*)
            }

            match instructions {
                // SAFETY: instructions are chosen from the detected CPU path.
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx512 => unsafe { avx512($($argument),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx2 => unsafe { avx2($($argument),*) },
                _ => $body::<Single>($($argument),*),
            }
        }
    };
}
pub(crate) use dispatched_single;
