//! From the accuracy that the user asks for to the limits that the method works with.

use super::acceptance::Limit;

/// What the method works with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuning {
    /// How errors are limited.
    pub limit: Limit,
    /// Lowest and highest order.
    pub orders: [usize; 2],
    /// Bodies of a leaf.
    pub leaf_capacity: u64,
    /// Bodies that a leaf takes one by one before it is walked in parts ([`super::parts`]).
    pub most_left: u64,
}

/// One accuracy and what keeps it.
struct Row {
    accuracy: f64,
    /// Lowest and highest order.
    orders: [usize; 2],
    /// Estimated error of one pair in units of the accuracy times the field.
    share: f64,
    /// Estimated error of the target's expansion in units of the accuracy times what the source gives.
    target: f64,
    leaf_capacity: u64,
    most_left: u64,
}

/// Bodies that a leaf takes one by one: some five times as many as one in the midst is left with at the tightest of these accuracies.
/// (Measured, Plummer spheres: a quarter of it takes twice as long for a million bodies at 3e-6, twice of it the same within 3 %. At 1e-6 and below
/// twice of it is taken: at 1e-7 half of that takes 1.5 to 1.9 times as long.)
const LEFT: u64 = 1 << 15;

/// Measured, so that the 99th percentile of the errors is at most 0.9 of the accuracy and 3.5 times the rms at N = 1e5 to 1e6 bodies in Plummer
/// spheres, two of them, a uniform sphere, twenty equal clusters, and twenty with a thousandfold range of sizes (up to 3.55 times). The wide range of
/// orders lets large targets far outside take a high one instead of being divided down to bodies; and where much of the force is summed
/// exactly, low ones bring the errors of most bodies nearer to those of the worst, at the same cost. A low bound on the target's expansion and a
/// larger share of the field instead do the same for clusters: 3.5 instead of 3.9 times the rms at 1e-6.
const ROWS: [Row; 9] = [
    Row { accuracy: 1e-2, orders: [3, 7], share: 1.3, target: 16.0, leaf_capacity: 96, most_left: LEFT },
    Row { accuracy: 3e-3, orders: [4, 8], share: 2.4, target: 25.0, leaf_capacity: 96, most_left: LEFT },
    Row { accuracy: 1e-3, orders: [4, 9], share: 3.2, target: 11.0, leaf_capacity: 128, most_left: LEFT },
    Row { accuracy: 3e-4, orders: [5, 9], share: 2.6, target: 18.0, leaf_capacity: 128, most_left: LEFT },
    Row { accuracy: 1e-4, orders: [5, 10], share: 2.8, target: 12.0, leaf_capacity: 160, most_left: LEFT },
    Row { accuracy: 3e-5, orders: [5, 9], share: 1.9, target: 12.0, leaf_capacity: 128, most_left: LEFT },
    Row { accuracy: 1e-5, orders: [2, 10], share: 1.6, target: 14.0, leaf_capacity: 192, most_left: LEFT },
    Row { accuracy: 1e-6, orders: [3, 10], share: 1.3, target: 12.0, leaf_capacity: 192, most_left: 2 * LEFT },
    Row { accuracy: 1e-7, orders: [3, 10], share: 1.05, target: 14.0, leaf_capacity: 192, most_left: 2 * LEFT },
];

impl Tuning {
    /// For this 99th percentile of the relative error. Between two rows the orders are those of the tighter one.
    pub fn of(accuracy: f64) -> Tuning {
        let tighter = ROWS.iter().position(|row| row.accuracy <= accuracy).unwrap_or(ROWS.len() - 1);
        let [above, below] = [&ROWS[tighter.saturating_sub(1)], &ROWS[tighter]];
        let decades = (above.accuracy / below.accuracy).log10();
        let weight = if decades > 0.0 { ((above.accuracy / accuracy).log10() / decades).clamp(0.0, 1.0) } else { 1.0 };
        let between = |of: fn(&Row) -> f64| of(above) + weight * (of(below) - of(above));
        let share = accuracy * between(|row| row.share);
        let limit = Limit::Error { share, target: accuracy * between(|row| row.target) };
        Tuning { limit, orders: below.orders, leaf_capacity: below.leaf_capacity, most_left: below.most_left }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smaller_accuracy_is_a_tighter_limit() {
        let limit = |accuracy: f64| match Tuning::of(accuracy).limit {
            Limit::Error { share, .. } => share,
            Limit::Opening(_) => f64::NAN,
        };
        let accuracies: Vec<f64> = (0..60).map(|n| 10f64.powf(-2.0 - 0.1 * f64::from(n))).collect();
        assert!(accuracies.windows(2).all(|pair| limit(pair[1]) < limit(pair[0])));
        for row in ROWS {
            assert_eq!(
                Tuning::of(row.accuracy).limit,
                Limit::Error { share: row.accuracy * row.share, target: row.accuracy * row.target }
            );
        }
    }
}
