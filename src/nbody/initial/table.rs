//! A function of a positive argument, tabulated at points of equal ratio and interpolated linearly; and the inverse of a growing one.

use std::ops::RangeInclusive;

/// Values at arguments of equal ratio.
#[derive(Clone, Debug)]
pub struct Table {
    /// Arguments, ascending.
    pub at: Vec<f64>,
    /// A value for each.
    pub values: Vec<f64>,
}

/// `count` arguments of equal ratio, both ends included.
pub fn geometric(range: RangeInclusive<f64>, count: usize) -> Vec<f64> {
    let [low, high] = [*range.start(), *range.end()].map(libm::log);
    let step = (high - low) / (count - 1) as f64;
    (0..count).map(|n| libm::exp(low + step * n as f64)).collect()
}

/// The interval of ascending `points` that `x` lies in, by its lower end, and how far in: 0 to 1, clamped at the ends.
pub fn place(points: &[f64], x: f64) -> (usize, f64) {
    let above = points.partition_point(|&point| point <= x).clamp(1, points.len() - 1);
    let fraction = (x - points[above - 1]) / (points[above] - points[above - 1]);
    (above - 1, fraction.clamp(0.0, 1.0))
}

impl Table {
    /// Tabulates a function.
    pub fn of(at: Vec<f64>, function: impl Fn(f64) -> f64) -> Table {
        let values = at.iter().map(|&x| function(x)).collect();
        Table { at, values }
    }

    /// The function at `x`; at the nearest end if that is outside.
    pub fn value(&self, x: f64) -> f64 {
        let (n, fraction) = place(&self.at, x);
        self.values[n] + fraction * (self.values[n + 1] - self.values[n])
    }

    /// Where a growing function has this value, refined by Newton's method on the function itself and its derivative.
    pub fn inverse(&self, value: f64, function: impl Fn(f64) -> [f64; 2]) -> f64 {
        let (n, fraction) = place(&self.values, value);
        let mut x = self.at[n] + fraction * (self.at[n + 1] - self.at[n]);
        for _ in 0..NEWTON_STEPS {
            let [found, slope] = function(x);
            if slope > 0.0 {
                x = (x - (found - value) / slope).clamp(self.at[n], self.at[n + 1]);
            }
        }
        x
    }
}

/// From four digits of the table to sixteen.
const NEWTON_STEPS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn straight_lines_are_kept_and_ends_hold() {
        let table = Table::of(geometric(0.5..=8.0, 9), |x| 3.0 * x - 1.0);
        for x in [0.5, 0.77, 3.3, 8.0] {
            assert!((table.value(x) - (3.0 * x - 1.0)).abs() < 1e-13);
        }
        assert_eq!(table.value(0.1), table.values[0]);
        assert_eq!(table.value(80.0), table.values[8]);
    }

    #[test]
    fn the_inverse_is_exact_to_rounding() {
        let table = Table::of(geometric(1e-3..=1e2, 500), |x| x * x);
        for x in [2e-3, 0.5, 77.0] {
            let found = table.inverse(x * x, |x| [x * x, 2.0 * x]);
            assert!((found / x - 1.0).abs() < 4.0 * f64::EPSILON, "{found} and not {x}");
        }
    }
}
