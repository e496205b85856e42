//! Keys along a space-filling curve: 21 bits of each coordinate in the root cube, interleaved (Morton 1966).
//!
//! A cell of level l is the set of keys that share the highest 3 l bits. The cube follows from the exact extremes over all
//! bodies, so keys do not depend on how bodies are spread over ranks. A Hilbert curve would give ranks slightly smaller
//! surfaces, but its cells cost a table walk per level, and children of a cell are not in the order of their octants.

/// Bits of one coordinate, and so the deepest level.
pub const LEVELS: u32 = 21;
/// One more than the largest key.
pub const END: u64 = 1 << (3 * LEVELS);

/// The cube that holds all bodies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RootCube {
    /// A quarter of the lowest corner: differences of quarters cannot overflow.
    quarter: [f64; 3],
    /// Cells of the deepest level per quarter of a length.
    per_quarter: f64,
}

impl RootCube {
    /// The cube of the bodies between two corners, which are finite.
    pub fn covering(low: [f64; 3], high: [f64; 3]) -> RootCube {
        let quarter = low.map(|x| 0.25 * x);
        let extent = (0..3).map(|axis| 0.25 * high[axis] - quarter[axis]).fold(0.0, f64::max);
        RootCube { quarter, per_quarter: f64::from(1u32 << LEVELS) / power_of_two_above(extent) }
    }

    /// Key of a position inside the cube.
    pub fn key(&self, position: [f64; 3]) -> u64 {
        let most = f64::from((1u32 << LEVELS) - 1);
        let digits = |axis: usize| ((0.25 * position[axis] - self.quarter[axis]) * self.per_quarter).min(most) as u64;
        spread(digits(0)) << 2 | spread(digits(1)) << 1 | spread(digits(2))
    }
}

/// The smallest power of two above `x >= 0`, at least one whose inverse times 2^21 is finite.
fn power_of_two_above(x: f64) -> f64 {
    let exponent = (x.to_bits() >> 52).max(64) + 1;
    f64::from_bits(exponent.min(2046) << 52)
}

/// Moves bit n to bit 3 n.
fn spread(x: u64) -> u64 {
    let x = (x | x << 32) & 0x001f_0000_0000_ffff;
    let x = (x | x << 16) & 0x001f_0000_ff00_00ff;
    let x = (x | x << 8) & 0x100f_00f0_0f00_f00f;
    let x = (x | x << 4) & 0x10c3_0c30_c30c_30c3;
    (x | x << 2) & 0x1249_2492_4924_9249
}

/// A cell as a range of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Smallest key.
    pub first: u64,
    /// 0 for the root, [`LEVELS`] for the deepest.
    pub level: u32,
}

impl Prefix {
    /// The whole cube.
    pub const ROOT: Prefix = Prefix { first: 0, level: 0 };

    /// One more than the largest key.
    pub fn end(self) -> u64 {
        self.first + (END >> (3 * self.level))
    }

    /// The eight children in order of keys.
    pub fn children(self) -> [Prefix; 8] {
        let step = END >> (3 * (self.level + 1));
        std::array::from_fn(|n| Prefix { first: self.first + n as u64 * step, level: self.level + 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_interleave_with_x_first() {
        let cube = RootCube::covering([0.0; 3], [1.5; 3]);
        let cell = 2.0 / f64::from(1u32 << LEVELS);
        assert_eq!(cube.key([1.5 * cell, 0.0, 0.0]), 0b100);
        assert_eq!(cube.key([0.0, 1.5 * cell, 2.5 * cell]), 0b001_010);
        assert_eq!(cube.key([1.0, 0.0, 0.0]), END / 2);
    }

    #[test]
    fn extremes_stay_inside() {
        for (low, high) in [(-f64::MAX, f64::MAX), (0.0, 0.0), (-3.0, 1e300), (1.0, 1.0 + f64::EPSILON), (0.0, 5e-324)]
        {
            let cube = RootCube::covering([low; 3], [high; 3]);
            assert_eq!(cube.key([low; 3]), 0);
            assert!(cube.key([high; 3]) < END);
        }
    }

    proptest! {
        #[test]
        fn a_body_lies_in_one_child(x in prop::array::uniform3(-1.0f64..1.0), level in 0..LEVELS) {
            let key = RootCube::covering([-1.0; 3], [1.0; 3]).key(x);
            let first = key >> (63 - 3 * level) << (63 - 3 * level);
            let holds = |cell: &Prefix| (cell.first..cell.end()).contains(&key);
            let parent = Prefix { first, level };
            prop_assert!(holds(&parent));
            prop_assert_eq!(parent.children().iter().filter(|cell| holds(cell)).count(), 1);
        }
    }
}
