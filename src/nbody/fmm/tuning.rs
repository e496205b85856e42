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
}

/// Measured: share of the accuracy that the estimated error of one pair may have, so that the 99th percentile of the errors of
/// all pairs together stays below the accuracy, at accuracies 10^-2, 10^-3, ... 10^-7. The largest of N = 1e3 to 1e6 and of Plummer
/// spheres, two of them, a uniform sphere and a cluster of clusters decides. It grows since a tighter limit takes more pairs of bodies.
const SHARES: [f64; 6] = [0.11, 0.2, 0.3, 0.35, 0.35, 0.35];

impl Tuning {
    /// For this 99th percentile of the relative error.
    pub fn of(accuracy: f64) -> Tuning {
        let (orders, leaf_capacity) = match accuracy {
            5e-3.. => ([1, 6], 32),
            5e-4.. => ([1, 8], 48),
            _ => ([1, 8], 64),
        };
        Tuning { limit: Limit::Error(accuracy * share(accuracy)), orders, leaf_capacity }
    }
}

fn share(accuracy: f64) -> f64 {
    let place = (-2.0 - accuracy.log10()).clamp(0.0, (SHARES.len() - 1) as f64);
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    SHARES[below] + (place - place.floor()) * (SHARES[above] - SHARES[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smaller_accuracy_is_a_tighter_limit() {
        let limit = |accuracy: f64| match Tuning::of(accuracy).limit {
            Limit::Error(share) => share,
            Limit::Opening(_) => f64::NAN,
        };
        let accuracies: Vec<f64> = (0..60).map(|n| 10f64.powf(-2.0 - 0.1 * f64::from(n))).collect();
        assert!(accuracies.windows(2).all(|pair| limit(pair[1]) < limit(pair[0])));
        assert_eq!(share(1e-4), 0.3);
    }
}
