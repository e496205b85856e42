//! The vector operations of pair forces, on eight values at a time or on four, of 64 bits or of 32.
//!
//! One trait and a type for each CPU path, so that the law of force is written once. Every operation but
//! [`PairLanes::inverse_root_estimate`] is exactly rounded and gives the same bits on every path; the estimate belongs to the
//! maker of the CPU. Plain arrays serve all CPUs without an entry of their own; their estimate is the exactly rounded result.
//! Refused: to share the trait of the heat stencil, which needs shifts and streams and none of the operations here.

/// Several numbers of 64 or 32 bits side by side.
pub trait PairLanes: Copy {
    /// How many.
    const WIDTH: usize;
    /// Coordinates of targets, of 64 bits whatever the type.
    type Place: Copy;
    /// The largest finite number.
    const GREATEST: f64;
    /// Terms of the series in `e = 1 - x y^2` that refine an estimate `y` of `x^(-1/2)` to the last bit.
    const TERMS: usize;
    /// Squared distances above it are beyond the range of [`PairLanes::inverse_root_estimate`].
    const LARGEST: f64;

    /// The same value in all, rounded to the type.
    ///
    /// # Safety
    /// The CPU has the instruction set of the type (so for every method).
    unsafe fn splat(value: f64) -> Self;
    /// Values of 64 bits from memory, any alignment, rounded to the type.
    ///
    /// # Safety
    /// `WIDTH` values can be read at `from`.
    unsafe fn load(from: *const f64) -> Self;
    /// Values of 64 bits to memory, any alignment.
    ///
    /// # Safety
    /// `WIDTH` values can be written at `to`.
    unsafe fn store(self, to: *mut f64);
    /// Coordinates from memory, any alignment.
    ///
    /// # Safety
    /// As [`PairLanes::load`].
    unsafe fn place(from: *const f64) -> Self::Place;
    /// Differences of a source's coordinate and the targets', taken in 64 bits.
    ///
    /// # Safety
    /// As [`PairLanes::splat`].
    unsafe fn away(source: f64, from: Self::Place) -> Self;
    /// Sum.
    ///
    /// # Safety
    /// As [`PairLanes::splat`].
    unsafe fn add(self, other: Self) -> Self;
    /// Difference.
    ///
    /// # Safety
    /// As [`PairLanes::splat`].
    unsafe fn sub(self, other: Self) -> Self;
    /// Product.
    ///
    /// # Safety
    /// As [`PairLanes::splat`].
    unsafe fn mul(self, other: Self) -> Self;
    /// Quotient.
    ///
    /// # Safety
    /// As [`PairLanes::splat`].
    unsafe fn div(self, other: Self) -> Self;
    /// Square root.
    ///
    /// # Safety
    /// As [`PairLanes::splat`].
    unsafe fn sqrt(self) -> Self;
    /// `self * factor + term`, rounded once.
    ///
    /// # Safety
    /// As [`PairLanes::splat`].
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self;
    /// `term - self * factor`, rounded once.
    ///
    /// # Safety
    /// As [`PairLanes::splat`].
    unsafe fn mul_sub_from(self, factor: Self, term: Self) -> Self;
    /// The smaller one; `other` where a value is NaN.
    ///
    /// # Safety
    /// As [`PairLanes::splat`].
    unsafe fn min(self, other: Self) -> Self;
    /// The larger one; `other` where a value is NaN.
    ///
    /// # Safety
    /// As [`PairLanes::splat`].
    unsafe fn max(self, other: Self) -> Self;
    /// `below` where `self < limit`, else `otherwise`.
    ///
    /// # Safety
    /// As [`PairLanes::splat`].
    unsafe fn select_below(self, limit: Self, below: Self, otherwise: Self) -> Self;
    /// True if `self < limit` in any lane.
    ///
    /// # Safety
    /// As [`PairLanes::splat`].
    unsafe fn any_below(self, limit: Self) -> bool;
    /// `self^(-1/2)` to about twelve bits. NaN after refinement for 0 and for infinity.
    ///
    /// # Safety
    /// As [`PairLanes::splat`].
    unsafe fn inverse_root_estimate(self) -> Self;
    /// As [`PairLanes::inverse_root_estimate`], and the same bits where that is in its range, for all positive normal numbers.
    ///
    /// # Safety
    /// As [`PairLanes::splat`].
    unsafe fn inverse_root_estimate_of_any(self) -> Self;
}

/// 64-bit values of the portable path: what baseline x86-64 and aarch64 hold in two registers.
pub type Plain = [f64; 4];
/// Its 32-bit values.
pub type PlainSingle = [f32; 8];

/// Implements [`PairLanes`] for an array. Lanes are written out: the compiler makes vectors of them, and not of loops or closures.
macro_rules! plain_lanes {
    ($type:ty, $number:ty, $width:literal, $($lane:literal)*) => {
        // SAFETY: in every block below the caller has promised valid pointers; an array is aligned as its numbers are.
        impl PairLanes for $type {
            const WIDTH: usize = $width;
            type Place = [f64; $width];
            const GREATEST: f64 = <$number>::MAX as f64;
            const TERMS: usize = 1;
            const LARGEST: f64 = f64::MAX;

            #[inline(always)]
            unsafe fn splat(value: f64) -> Self {
                [value as $number; $width]
            }

            #[inline(always)]
            unsafe fn load(from: *const f64) -> Self {
                // SAFETY: see the impl.
                unsafe { from.cast::<[f64; $width]>().read() }.map(|value| value as $number)
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut f64) {
                // SAFETY: see the impl.
                unsafe { to.cast::<[f64; $width]>().write(self.map(f64::from)) }
            }

            #[inline(always)]
            unsafe fn place(from: *const f64) -> Self::Place {
                // SAFETY: see the impl.
                unsafe { from.cast::<[f64; $width]>().read() }
            }

            #[inline(always)]
            unsafe fn away(source: f64, from: Self::Place) -> Self {
                [$((source - from[$lane]) as $number),*]
            }

            #[inline(always)]
            unsafe fn add(self, other: Self) -> Self {
                [$(self[$lane] + other[$lane]),*]
            }

            #[inline(always)]
            unsafe fn sub(self, other: Self) -> Self {
                [$(self[$lane] - other[$lane]),*]
            }

            #[inline(always)]
            unsafe fn mul(self, other: Self) -> Self {
                [$(self[$lane] * other[$lane]),*]
            }

            #[inline(always)]
            unsafe fn div(self, other: Self) -> Self {
                [$(self[$lane] / other[$lane]),*]
            }

            #[inline(always)]
            unsafe fn sqrt(self) -> Self {
                [$(self[$lane].sqrt()),*]
            }

            #[inline(always)]
            unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
                [$(self[$lane].mul_add(factor[$lane], term[$lane])),*]
            }

            #[inline(always)]
            unsafe fn mul_sub_from(self, factor: Self, term: Self) -> Self {
                [$((-self[$lane]).mul_add(factor[$lane], term[$lane])),*]
            }

            #[inline(always)]
            unsafe fn min(self, other: Self) -> Self {
                [$(if self[$lane] < other[$lane] { self[$lane] } else { other[$lane] }),*]
            }

            #[inline(always)]
            unsafe fn max(self, other: Self) -> Self {
                [$(if self[$lane] > other[$lane] { self[$lane] } else { other[$lane] }),*]
            }

            #[inline(always)]
            unsafe fn select_below(self, limit: Self, below: Self, otherwise: Self) -> Self {
                [$(if self[$lane] < limit[$lane] { below[$lane] } else { otherwise[$lane] }),*]
            }

            #[inline(always)]
            unsafe fn any_below(self, limit: Self) -> bool {
                // Without a branch for each lane.
                false $(| (self[$lane] < limit[$lane]))*
            }

            #[inline(always)]
            unsafe fn inverse_root_estimate(self) -> Self {
                [$(1.0 / self[$lane].sqrt()),*]
            }

            #[inline(always)]
            unsafe fn inverse_root_estimate_of_any(self) -> Self {
                [$(1.0 / self[$lane].sqrt()),*]
            }
        }
    };
}

plain_lanes!(Plain, f64, 4, 0 1 2 3);
plain_lanes!(PlainSingle, f32, 8, 0 1 2 3 4 5 6 7);
