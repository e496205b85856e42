//! A number that may change with time: a constant, a sine, or a table.

/// A function of time, for boundary values and ambient temperatures. Times in seconds, values in the unit of their use.
#[derive(Clone, Debug, PartialEq)]
pub enum Signal {
    /// The same at all times.
    Constant(f64),
    /// `mean + amplitude * sin(2 pi t / period + phase)`, phase in radians.
    Sine {
        /// Value about which it swings.
        mean: f64,
        /// Half the distance from trough to crest.
        amplitude: f64,
        /// Seconds.
        period: f64,
        /// Radians.
        phase: f64,
    },
    /// Straight lines between the points; the first and last value hold before and after.
    Table {
        /// Seconds, strictly increasing, at least one.
        times: Vec<f64>,
        /// One per time.
        values: Vec<f64>,
    },
}

impl Signal {
    /// The value at time `t` (seconds).
    pub fn at(&self, t: f64) -> f64 {
        match self {
            Signal::Constant(value) => *value,
            Signal::Sine { mean, amplitude, period, phase } => {
                mean + amplitude * (std::f64::consts::TAU * (t / period) + phase).sin()
            }
            Signal::Table { times, values } => interpolate(times, values, t),
        }
    }

    /// The value, if it never changes.
    pub fn constant(&self) -> Option<f64> {
        match self {
            Signal::Constant(value) => Some(*value),
            _ => None,
        }
    }
}

fn interpolate(times: &[f64], values: &[f64], t: f64) -> f64 {
    let after = times.partition_point(|&time| time <= t);
    if after == 0 {
        return values[0];
    }
    if after == times.len() {
        return values[after - 1];
    }
    let weight = (t - times[after - 1]) / (times[after] - times[after - 1]);
    values[after - 1] + weight * (values[after] - values[after - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_interpolates_and_holds_its_ends() {
        let table = Signal::Table { times: vec![1.0, 3.0], values: vec![10.0, 20.0] };
        assert_eq!([0.0, 1.0, 2.0, 3.0, 9.0].map(|t| table.at(t)), [10.0, 10.0, 15.0, 20.0, 20.0]);
    }

    #[test]
    fn sine_is_at_its_crest_after_a_quarter_period() {
        let sine = Signal::Sine { mean: 5.0, amplitude: 2.0, period: 8.0, phase: 0.0 };
        assert!((sine.at(2.0) - 7.0).abs() < 1e-15);
    }
}
