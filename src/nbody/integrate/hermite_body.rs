//! The Hermite scheme for a single body: prediction, correction and the wanted step. Pure arithmetic.

use crate::nbody::jerk::Pull;

/// Position and velocity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Motion {
    pub position: [f64; 3],
    pub velocity: [f64; 3],
}

/// The motion a time `h` later, from acceleration and jerk now (Makino & Aarseth 1992, eq. 5).
#[inline]
pub fn predicted(now: Motion, pull: &Pull, h: f64) -> Motion {
    let (half, third) = (0.5 * h, h / 3.0);
    Motion {
        position: [0, 1, 2].map(|axis| {
            let slope = now.velocity[axis] + half * (pull[axis] + third * pull[3 + axis]);
            now.position[axis] + h * slope
        }),
        velocity: [0, 1, 2].map(|axis| now.velocity[axis] + h * (pull[axis] + half * pull[3 + axis])),
    }
}

/// The motion a time `h` later, from accelerations and jerks at both ends: the two-point Hermite quadrature, of which the scheme
/// of Makino & Aarseth (1992) differs by terms beyond its order. It is symmetric in time but for the prediction.
pub fn corrected(now: Motion, before: &Pull, after: &Pull, h: f64) -> Motion {
    let (half, twelfth) = (0.5 * h, h * h / 12.0);
    let velocity: [f64; 3] = [0, 1, 2].map(|axis| {
        let change = half * (before[axis] + after[axis]) + twelfth * (before[3 + axis] - after[3 + axis]);
        now.velocity[axis] + change
    });
    let position = [0, 1, 2].map(|axis| {
        let change = half * (now.velocity[axis] + velocity[axis]) + twelfth * (before[axis] - after[axis]);
        now.position[axis] + change
    });
    Motion { position, velocity }
}

/// Second and third derivative of the acceleration at the beginning of a step, from both its ends.
pub struct HigherDerivatives {
    second: [f64; 3],
    third: [f64; 3],
}

impl HigherDerivatives {
    /// Of the polynomial through accelerations and jerks at both ends of a step of length `h` (Makino & Aarseth 1992, eq. 6, 7).
    pub fn between(before: &Pull, after: &Pull, h: f64) -> HigherDerivatives {
        let change = |axis: usize| (before[axis] - after[axis]) / h;
        let (j0, j1) = (|axis: usize| before[3 + axis], |axis: usize| after[3 + axis]);
        HigherDerivatives {
            second: [0, 1, 2].map(|axis| (-6.0 * change(axis) - (4.0 * j0(axis) + 2.0 * j1(axis))) / h),
            third: [0, 1, 2].map(|axis| (12.0 * change(axis) + 6.0 * (j0(axis) + j1(axis))) / h / h),
        }
    }

    /// The same polynomial a time `h` later.
    pub fn later(&self, h: f64) -> HigherDerivatives {
        HigherDerivatives { second: [0, 1, 2].map(|axis| self.second[axis] + h * self.third[axis]), third: self.third }
    }

    /// Aarseth's criterion: sqrt(eta (|a| |a2| + |a1|^2) / (|a1| |a3| + |a2|^2)) with the derivatives a1, a2, a3 of the
    /// acceleration. Infinite where nothing changes.
    pub fn wanted_step(&self, pull: &Pull, eta: f64) -> f64 {
        let length = |v: &[f64]| (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]).sqrt();
        let (acceleration, jerk) = (length(&pull[..3]), length(&pull[3..]));
        let (second, third) = (length(&self.second), length(&self.third));
        let change = jerk * third + second * second;
        if change == 0.0 { f64::INFINITY } else { (eta * (acceleration * second + jerk * jerk) / change).sqrt() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Acceleration 1 + 2 t + 3 t^2 + 4 t^3 along x, and minus that along z.
    fn pull(t: f64) -> Pull {
        let (a, j) = (1.0 + t * (2.0 + t * (3.0 + 4.0 * t)), 2.0 + t * (6.0 + 12.0 * t));
        [a, 0.0, -a, j, 0.0, -j]
    }

    #[test]
    fn derivatives_of_a_cubic_are_exact() {
        let found = HigherDerivatives::between(&pull(0.5), &pull(0.75), 0.25);
        // a'' = 6 + 24 t, a''' = 24; round-off of differences over h^3.
        assert!((found.second[0] - 18.0).abs() < 1e-12 && (found.third[2] + 24.0).abs() < 1e-11);
        assert!((found.later(0.25).second[0] - 24.0).abs() < 1e-11);
    }

    #[test]
    fn correction_is_exact_for_a_cubic_in_velocity() {
        let start = Motion { position: [0.0; 3], velocity: [0.0; 3] };
        let h = 0.5f64;
        let end = corrected(start, &pull(0.0), &pull(h), h);
        let velocity = h + h.powi(2) + h.powi(3) + h.powi(4);
        assert!((end.velocity[0] - velocity).abs() < 1e-15 && (end.velocity[2] + velocity).abs() < 1e-15);
        // The position misses 4 h^5 (1/5 - 1/6 - 1/36) = h^5 / 45 of the last term, and no other.
        let position = h.powi(2) / 2.0 + h.powi(3) / 3.0 + h.powi(4) / 4.0 + h.powi(5) / 5.0;
        assert!((end.position[0] - position).abs() < h.powi(5) / 20.0);
    }

    #[test]
    fn prediction_is_exact_for_a_linear_acceleration() {
        let start = Motion { position: [1.0, 2.0, 3.0], velocity: [0.5, 0.0, -1.0] };
        let end = predicted(start, &[6.0, 0.0, 0.0, 12.0, 0.0, 0.0], 0.5);
        assert_eq!(end.position, [1.0 + 0.25 + 0.75 + 0.25, 2.0, 2.5]);
        assert_eq!(end.velocity, [0.5 + 3.0 + 1.5, 0.0, -1.0]);
    }

    #[test]
    fn the_wanted_step_of_an_oscillation_is_a_fraction_of_its_period() {
        // Derivatives of cos(w t) at a phase: the criterion is sqrt(eta) / w at every phase.
        let w = 3.0f64;
        for phase in [0.0f64, 0.3, 1.5] {
            let (c, s) = (phase.cos(), phase.sin());
            let pull = [c, 0.0, 0.0, -w * s, 0.0, 0.0];
            let higher = HigherDerivatives { second: [-w * w * c, 0.0, 0.0], third: [w.powi(3) * s, 0.0, 0.0] };
            assert!((higher.wanted_step(&pull, 0.04) - 0.2 / w).abs() < 1e-15);
        }
        let still = HigherDerivatives { second: [0.0; 3], third: [0.0; 3] };
        assert_eq!(still.wanted_step(&[0.0; 6], 0.01), f64::INFINITY);
    }
}
