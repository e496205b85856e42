//! When the next checkpoint is due.
//!
//! With `every = "auto"` the time between two is Daly's estimate of the optimum (Daly 2006, Future Gener. Comput. Syst. 22, 303), a
//! correction of Young's sqrt(2 C M): C is the measured cost of a checkpoint, M the mean time between failures. Writing never takes
//! more than 1 % of the run. Before the first one the cost is guessed from the bytes, so a run of seconds writes none.

/// Share of the run that "auto" may spend on checkpoints.
pub const LARGEST_SHARE: f64 = 0.01;
/// Bytes a second that a disk is trusted to take before one has been measured.
const GUESSED_BANDWIDTH: f64 = 2e8;
/// Seconds that even a small file costs: it is forced to the disk twice.
const SHORTEST_COST: f64 = 0.05;

/// When checkpoints are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Every {
    /// As the measured cost and this mean time between failures in seconds ask for.
    Auto {
        /// Seconds.
        mean_time_between_failures: f64,
    },
    /// After so many steps.
    Steps(u64),
    /// After so many seconds of wall time.
    Seconds(f64),
    /// Only when the run is stopped.
    Never,
}

impl Every {
    /// Whether one is due after `step` steps, the last one being `seconds` of wall time old and having cost `cost` seconds.
    pub fn is_due(self, step: u64, seconds: f64, cost: f64) -> bool {
        match self {
            Every::Never => false,
            Every::Steps(every) => every != 0 && step.is_multiple_of(every),
            Every::Seconds(interval) => seconds >= interval,
            Every::Auto { mean_time_between_failures } => seconds >= auto(cost, mean_time_between_failures),
        }
    }

    /// Whether the wall time decides.
    pub fn is_timed(self) -> bool {
        matches!(self, Every::Auto { .. } | Every::Seconds(_))
    }
}

/// Seconds between two checkpoints that cost `cost` seconds each.
pub fn auto(cost: f64, mean_time_between_failures: f64) -> f64 {
    daly(cost, mean_time_between_failures).max(cost / LARGEST_SHARE)
}

fn daly(cost: f64, failures: f64) -> f64 {
    let share = cost / (2.0 * failures);
    if share >= 1.0 {
        return failures;
    }
    (2.0 * cost * failures).sqrt() * (1.0 + share.sqrt() / 3.0 + share / 9.0) - cost
}

/// Seconds that a checkpoint of so many bytes may cost, before one has been written.
pub fn guessed_cost(bytes: u64) -> f64 {
    SHORTEST_COST + bytes as f64 / GUESSED_BANDWIDTH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_optimum_is_that_of_young_where_checkpoints_are_cheap() {
        let (cost, failures) = (1.0, 86_400.0);
        assert!((auto(cost, failures) / (2.0 * cost * failures).sqrt() - 1.0).abs() < 0.01);
        // A failure every minute: the cap holds.
        assert_eq!(auto(1.0, 60.0), 100.0);
        assert_eq!(daly(10.0, 4.0), 4.0);
    }

    #[test]
    fn short_runs_write_nothing_and_the_share_is_kept() {
        let every = Every::Auto { mean_time_between_failures: 86_400.0 };
        assert!(!every.is_due(1000, 30.0, guessed_cost(0)));
        for cost in [0.01, 0.3, 5.0, 600.0] {
            assert!(cost / auto(cost, 86_400.0) <= LARGEST_SHARE);
            assert!(!every.is_due(7, 99.0 * cost, cost));
        }
    }

    #[test]
    fn steps_and_seconds_are_as_written() {
        assert!(Every::Steps(5).is_due(10, 0.0, 1.0) && !Every::Steps(5).is_due(11, 1e9, 1.0));
        assert!(!Every::Steps(0).is_due(0, 1e9, 1.0) && !Every::Never.is_due(0, 1e9, 0.0));
        assert!(Every::Seconds(2.0).is_due(1, 2.0, 5.0) && !Every::Seconds(2.0).is_due(1, 1.9, 5.0));
    }
}
