//! Sums that keep what rounding takes from them.

/// Adds to `sum`, of which `residue` is what it lacks for being rounded (Kahan 1965). `value` is smaller than `sum` or not much
/// larger, else the residue is not exact.
#[inline(always)]
pub fn add_compensated(sum: &mut f64, residue: &mut f64, value: f64) {
    let value = value + *residue;
    let new = *sum + value;
    *residue = value - (new - *sum);
    *sum = new;
}

/// What remains of a step of the run while it is cut into adaptive ones, without an error that grows with their number.
#[derive(Clone, Copy, Debug)]
pub struct Remaining {
    time: f64,
    residue: f64,
}

impl Remaining {
    /// All of it.
    pub fn all_of(dt: f64) -> Remaining {
        Remaining { time: dt, residue: 0.0 }
    }

    /// Whether the end is reached.
    pub fn is_over(&self) -> bool {
        self.time <= 0.0
    }

    /// The next step, at most the `natural` one: what remains as a whole, or in two halves where it is less than two natural steps,
    /// so that no tiny step is left over.
    pub fn next_step(&self, natural: f64) -> f64 {
        if natural >= self.time {
            self.time
        } else if 2.0 * natural > self.time {
            0.5 * self.time
        } else {
            natural
        }
    }

    /// Takes away a [`Remaining::next_step`].
    pub fn pass(&mut self, step: f64) {
        if step == self.time {
            self.time = 0.0;
        } else {
            add_compensated(&mut self.time, &mut self.residue, -step);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_tenths_are_what_they_should_be() {
        let (mut sum, mut residue) = (0.0, 0.0);
        for _ in 0..1_000_000 {
            add_compensated(&mut sum, &mut residue, 0.1);
        }
        // The f64 next to 0.1 is larger by 5.55e-18, which adds up to 5.55e-12: half a unit in the last place of the sum.
        assert_eq!(sum, 100_000.0);
        assert!((residue - 5.55e-12).abs() < 1e-13, "{residue:e}");
    }

    #[test]
    fn the_end_is_met_without_a_tiny_step() {
        let mut remaining = Remaining::all_of(1.0);
        let mut steps = Vec::new();
        while !remaining.is_over() {
            steps.push(remaining.next_step(0.3));
            remaining.pass(*steps.last().unwrap());
        }
        assert_eq!(steps.len(), 4);
        assert!(steps.iter().all(|&step| step >= 0.15));
        assert!((steps.iter().sum::<f64>() - 1.0).abs() <= f64::EPSILON);
    }
}
