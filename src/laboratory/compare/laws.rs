//! How far each model scales: laws fitted to runs of the same deck with fewer workers, where there are enough of them.
//!
//! A law needs three numbers of workers, and the error of a time needs three runs; more workers than cores would be fitted to the sharing of
//! cores, which is no property of a model. Where any of these is missing there is no law, and a sentence that says why. The fits
//! are those of `scaling`.

use super::model::Model;
use super::trial::Measured;
use crate::laboratory::fits::{self, Amdahl, Point, Usl};
use crate::laboratory::scaling::plan::Shape;
use crate::laboratory::statistics::{interval_of_median, median};

/// Fewest runs of a shape from which the error of its time can be told.
const RUNS: usize = 3;
/// For the bootstrap.
const SEED: u64 = 1;

/// The laws of a model.
#[derive(Clone, Debug)]
pub struct Laws {
    /// Numbers of workers that were run.
    pub counts: Vec<usize>,
    /// Amdahl's, or why there is none.
    pub amdahl: Result<Amdahl, String>,
    /// The universal one, where there are points enough and it has a peak for certain.
    pub usl: Option<Usl>,
}

impl Laws {
    /// None, for this reason.
    pub fn none(why: &str) -> Laws {
        Laws { counts: Vec::new(), amdahl: Err(why.to_owned()), usl: None }
    }

    /// The largest speed-up that Amdahl's law allows: its best value, or what it is above where the interval holds no serial share at all.
    pub fn limit(&self) -> String {
        match &self.amdahl {
            Err(_) => "-".to_owned(),
            Ok(fit) if fit.serial.interval.high <= 0.0 => "none seen".to_owned(),
            Ok(fit) if fit.serial.interval.low <= 0.0 => format!("over {:.1} x", 1.0 / fit.serial.interval.high),
            Ok(fit) => format!("{:.1} x", 1.0 / fit.serial.value),
        }
    }

    /// In a sentence.
    pub fn words(&self) -> String {
        let fit = match &self.amdahl {
            Err(why) => return format!("no law is fitted: {why}"),
            Ok(fit) => fit.serial,
        };
        let counts: Vec<String> = self.counts.iter().map(usize::to_string).collect();
        let peak = self.usl.and_then(|usl| usl.peak()).map_or(String::new(), |peak| {
            format!("; after the universal law more than {peak:.0} workers make it slower")
        });
        format!(
            "Amdahl's law over {} workers: {:.1} % serial (95 %: {:.1} to {:.1} %), limit {}{peak}",
            counts.join(", "),
            100.0 * fit.value,
            100.0 * fit.interval.low,
            100.0 * fit.interval.high,
            self.limit()
        )
    }
}

/// Why nothing can be fitted, whatever is run: too few runs, too few workers, or too few of `cores`.
///
/// # Errors
/// In words.
pub fn can_be_fitted(workers: usize, repeats: usize, cores: Option<usize>) -> Result<(), String> {
    match cores {
        _ if workers < 3 => Err(format!("1 and {workers} workers are two points, and a law needs three (--workers)")),
        _ if repeats < RUNS => Err(format!("{repeats} runs do not tell the error of a time (--repeats {RUNS})")),
        Some(cores) if workers > cores => {
            Err(format!("{workers} workers share {cores} cores, and it is that sharing which would be fitted"))
        }
        _ => Ok(()),
    }
}

/// The shapes of fewer workers that a model runs for its law: all numbers up to four, powers of two beyond.
pub fn smaller(model: Model, workers: usize) -> impl Iterator<Item = (Model, Shape)> {
    let counts = (2..workers).filter(move |n| workers <= 4 || n.is_power_of_two());
    counts.filter_map(move |n| model.shape(n)).map(move |shape| (model, shape))
}

/// Fits to all runs of one shape after the other, the one worker first.
pub fn fit(shapes: &[&Vec<Measured>]) -> Laws {
    let points: Vec<Point> = shapes.iter().filter_map(|runs| point(runs)).collect();
    let usl = points.first().and_then(|base| fits::usl(&points, base).ok());
    Laws {
        counts: points.iter().map(|point| point.workers).collect(),
        amdahl: fits::amdahl(&points).and_then(|fit| fits::known(fit, &fit.serial)),
        usl: usl.filter(|usl| usl.kappa.interval.low > 0.0),
    }
}

fn point(runs: &[Measured]) -> Option<Point> {
    let seconds: Vec<f64> = runs.iter().map(|run| run.loop_s).collect();
    let interval = interval_of_median(&seconds, SEED);
    let (workers, error_s) = (runs.first()?.workers() as usize, interval.standard_error());
    Some(Point { workers, seconds: median(&seconds), error_s })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three runs of each number of workers, a hundredth apart.
    fn laws(counts: &[usize], law: impl Fn(f64) -> f64) -> Laws {
        let of = |n: usize, part: f64| Measured { shape: [1, n], loop_s: part * law(n as f64), ..Measured::default() };
        let runs: Vec<Vec<Measured>> =
            counts.iter().map(|&n| [0.99, 1.0, 1.01].map(|part| of(n, part)).to_vec()).collect();
        fit(&runs.iter().collect::<Vec<_>>())
    }

    #[test]
    fn a_serial_share_is_a_limit() {
        let found = laws(&[1, 2, 3, 4, 8], |n| 1.0 + 9.0 / n);
        assert_eq!(found.limit(), "10.0 x");
        assert!(
            found.words().starts_with("Amdahl's law over 1, 2, 3, 4, 8 workers: 10.0 % serial (95 %: "),
            "{}",
            found.words()
        );
        assert!(found.usl.is_none(), "pairs of workers cost nothing here");
        let slower = laws(&[1, 2, 4, 8, 16, 32], |n| (1.0 + 0.05 * (n - 1.0) + 0.01 * n * (n - 1.0)) / n);
        assert!((slower.usl.and_then(|usl| usl.peak()).unwrap() - (0.95f64 / 0.01).sqrt()).abs() < 1e-6, "{slower:?}");
    }

    #[test]
    fn what_the_points_do_not_say_is_not_said() {
        assert!(laws(&[1, 2], |n| 1.0 / n).words().contains("no law is fitted: the fit needs three different"));
        let perfect = laws(&[1, 2, 3, 4], |n| 1.0 / n);
        assert!(perfect.limit().starts_with("over "), "{perfect:?}");
        assert!(can_be_fitted(2, 3, None).unwrap_err().contains("two points"));
        assert!(can_be_fitted(4, 1, None).unwrap_err().contains("--repeats 3"));
        assert!(can_be_fitted(4, 3, Some(2)).unwrap_err().contains("4 workers share 2 cores"));
        assert_eq!(can_be_fitted(4, 3, Some(4)), Ok(()));
    }

    #[test]
    fn fewer_workers_are_run_in_steps() {
        let counts = |model, workers| smaller(model, workers).map(|(_, shape)| shape.workers()).collect::<Vec<_>>();
        assert!(counts(Model::Threads, 2).is_empty());
        assert_eq!(counts(Model::Threads, 4), [2, 3]);
        assert_eq!(counts(Model::Tcp, 12), [2, 4, 8]);
        assert_eq!(counts(Model::Hybrid, 8), [4], "with two it would be another model");
    }
}
