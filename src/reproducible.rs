//! Sums whose bits do not depend on ranks, threads or tiling.
//!
//! Every addend is scaled by one power of two, chosen from the exact global maximum of the absolute values, rounded to a 51-bit
//! integer and added into a 128-bit accumulator. Integer addition is associative, so any split gives the same bits; an addend is
//! rounded by at most one part in 2^51 of the largest one, and all roundings together are less than those of a floating-point sum
//! in any order. The rounding is an addition of 1.5 * 2^52, so the loop is as fast as the memory. Refused: fixed
//! blocks in a fixed tree (a block may lie on two ranks, and then needs messages), and long accumulators over the whole
//! exponent range (three times slower, and nothing here sums over 2000 binary orders of magnitude).

use std::ops::AddAssign;

/// Bits of the scaled addend of largest magnitude.
const BITS: i32 = 51;
/// Adding it leaves a number of at most 51 bits as an integer in the low bits of the sum's representation.
const ROUNDER: f64 = 1.5 * (1u64 << 52) as f64;
/// Addends whose sum certainly fits 64 bits: 2^51 * 2^12 = 2^63 in magnitude is reached by none.
const BLOCK: usize = 4096 - 1;

/// The power of two by which addends are multiplied. Must be equal for all accumulators that are added together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    exponent: i32,
}

impl Scale {
    /// For addends of at most this magnitude: the exact maximum over all ranks.
    ///
    /// # Panics
    /// If `largest` is not finite.
    pub fn covering(largest: f64) -> Scale {
        assert!(largest.is_finite(), "sums are taken of finite values");
        Scale { exponent: (BITS - binary_order(largest)).clamp(-1022, 1022) }
    }

    fn factor(self) -> f64 {
        2f64.powi(self.exponent)
    }
}

/// The smallest `e` with `|x| < 2^e` (for normal numbers; subnormal ones count as the smallest normal).
fn binary_order(x: f64) -> i32 {
    ((x.to_bits() >> 52 & 0x7ff) as i32).max(1) - 1022
}

/// An accumulator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExactSum {
    factor: f64,
    scale: Scale,
    total: i128,
}

impl ExactSum {
    /// Zero.
    pub fn new(scale: Scale) -> ExactSum {
        ExactSum { factor: scale.factor(), scale, total: 0 }
    }

    /// Adds one value of at most the magnitude that the scale covers.
    #[inline]
    pub fn add(&mut self, value: f64) {
        self.total += i128::from(integer(value * self.factor));
    }

    /// Adds the values of a slice.
    pub fn add_slice(&mut self, values: &[f64]) {
        for block in values.chunks(BLOCK) {
            let sum: i64 = block.iter().map(|&value| integer(value * self.factor)).sum();
            self.total += i128::from(sum);
        }
    }

    /// Adds many.
    pub fn add_all(&mut self, values: impl IntoIterator<Item = f64>) {
        for value in values {
            self.add(value);
        }
    }

    /// The sum, rounded once.
    pub fn value(&self) -> f64 {
        // Two factors, since 2^-exponent alone may not be a normal number.
        let half = self.scale.exponent / 2;
        self.total as f64 * 2f64.powi(-half) * 2f64.powi(half - self.scale.exponent)
    }

    /// The accumulator in four pieces of 32 bits (the highest one signed), which can be summed over 2^31 ranks.
    pub fn pieces(&self) -> [i64; 4] {
        let low = |shift: u32| (self.total >> shift & 0xffff_ffff) as i64;
        [low(0), low(32), low(64), (self.total >> 96) as i64]
    }

    /// Replaces the accumulator by summed pieces.
    pub fn set_pieces(&mut self, pieces: &[i64]) {
        self.total = pieces.iter().rev().fold(0, |total, &piece| (total << 32) + i128::from(piece));
    }
}

/// The nearest integer to a number of at most 51 bits.
#[inline]
fn integer(scaled: f64) -> i64 {
    (scaled + ROUNDER).to_bits() as i64 - ROUNDER.to_bits() as i64
}

impl AddAssign for ExactSum {
    fn add_assign(&mut self, other: ExactSum) {
        debug_assert_eq!(self.scale, other.scale);
        self.total += other.total;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(values: &[f64]) -> f64 {
        let largest = values.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        let mut sum = ExactSum::new(Scale::covering(largest));
        sum.add_all(values.iter().copied());
        sum.value()
    }

    #[test]
    fn cancellation_leaves_the_small_rest() {
        assert_eq!(sum(&[1e6, 0.25, -1e6]), 0.25);
    }

    #[test]
    fn a_million_tenths() {
        // Every addend rounds alike, by one part in 2^51 at most.
        assert!((sum(&vec![0.1; 1_000_000]) / 100_000.0 - 1.0).abs() <= 2.0 * f64::EPSILON);
    }

    #[test]
    fn extremes_of_the_exponent() {
        assert_eq!(sum(&[0.0, 0.0]), 0.0);
        assert_eq!(sum(&[f64::MAX, -f64::MAX]), 0.0);
        assert!((sum(&[1e-290, 1e-290]) / 2e-290 - 1.0).abs() <= 2.0 * f64::EPSILON);
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_bits(values in prop::collection::vec(-1e9f64..1e9, 1..200), cut in 0usize..200) {
            let scale = Scale::covering(values.iter().fold(0.0f64, |m, v| m.max(v.abs())));
            let cut = cut % values.len();
            let mut whole = ExactSum::new(scale);
            whole.add_slice(&values);
            let (mut left, mut right) = (ExactSum::new(scale), ExactSum::new(scale));
            left.add_all(values[..cut].iter().rev().copied());
            right.add_all(values[cut..].iter().copied());
            let pieces: Vec<i64> = left.pieces().iter().zip(right.pieces()).map(|(a, b)| a + b).collect();
            right += left;
            prop_assert_eq!(whole, right);
            left.set_pieces(&pieces);
            prop_assert_eq!(whole, left);
        }

        #[test]
        fn close_to_the_sum_in_twice_the_precision(values in prop::collection::vec(0f64..1e3, 1..100)) {
            let plain: f64 = values.iter().sum();
            // A plain sum of n positive values is off by at most n eps relative.
            prop_assert!((sum(&values) - plain).abs() <= 100.0 * f64::EPSILON * plain);
        }
    }
}
