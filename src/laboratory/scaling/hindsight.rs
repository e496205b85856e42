//! What the forecast was off by, and the curve that it draws: pure functions of the forecast and the figures.
//!
//! The predicted speed-up refers to the predicted time of the base, so a model that is wrong by a constant factor has the right curve
//! and a wrong table. Beyond the shapes that were timed the curve has a band. Half of its width, relative to the speed-up, is
//! sqrt(m^2 + a^2): m is the largest error of the model on timed shapes with a core for each worker, once more for every doubling of the
//! workers; a is half of what the 95 % interval of Amdahl's fraction leaves of the speed-up there, 0 if the law is not fitted.

use super::analysis::Analysis;
use super::forecast::{Forecast, Foreseen};
use super::plan::Mode;
use crate::laboratory::efficiencies::scaled_speedup;
use crate::laboratory::statistics::median;

/// A point of a predicted curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Workers.
    pub workers: f64,
    /// Predicted speed-up.
    pub speedup: f64,
    /// Lower and upper end of its band; the speed-up itself where shapes were timed.
    pub band: [f64; 2],
}

/// The predicted curve of a mode.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Its mode.
    pub mode: Mode,
    /// The fastest predicted shape for each number of workers that was timed.
    pub timed: Vec<Point>,
    /// Beyond them, from the last timed shape with a core for each worker.
    pub beyond: Vec<Point>,
}

/// What the model predicted, against the runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Hindsight {
    /// Of each mode that was timed.
    pub curves: Vec<Curve>,
    /// Median of the sizes of errors, relative.
    pub typical: f64,
    /// The largest error, below 0 if the prediction was too fast, with its shape in words.
    pub worst: (f64, String),
}

impl Hindsight {
    /// In a line without a stop at its end, for the terminal and the page.
    pub fn words(&self) -> String {
        let (error, shape) = &self.worst;
        format!(
            "predicted before the runs: off by {:.1} % in the median, {:+.1} % at most ({shape})",
            100.0 * self.typical,
            100.0 * error
        )
    }
}

/// Sets every timed shape against the forecast of its case.
pub fn compare(analysis: &mut Analysis, forecast: &Forecast) {
    for row in &mut analysis.rows {
        let Some(foreseen) = forecast.shapes.get(row.case) else { continue };
        if let Some(timing) = &mut row.timing {
            let steps = timing.report["steps"].as_f64();
            timing.predicted_s = foreseen.step_s.zip(steps).map(|(step_s, steps)| step_s * steps);
        }
    }
    let errors = errors(analysis, &|_| true);
    let worst = errors.iter().max_by(|a, b| a.0.abs().total_cmp(&b.0.abs())).cloned();
    let sizes: Vec<f64> = errors.iter().map(|(error, _)| error.abs()).collect();
    analysis.hindsight = worst.map(|worst| Hindsight {
        curves: [Mode::Strong, Mode::Weak].into_iter().filter_map(|mode| curve(mode, analysis, forecast)).collect(),
        typical: median(&sizes),
        worst,
    });
}

/// Errors of the wanted cases with their shapes in words.
fn errors(analysis: &Analysis, wanted: &dyn Fn(usize) -> bool) -> Vec<(f64, String)> {
    let rows = analysis.rows.iter().filter(|row| wanted(row.case));
    let of = |row: &super::analysis::Row| {
        let error = row.timing.as_ref()?.prediction_error()?;
        Some((error, format!("{} {}", row.mode.name(), row.shape.words())))
    };
    rows.filter_map(of).collect()
}

/// Predicted seconds of the base of a mode, and its workers.
fn base(mode: Mode, analysis: &Analysis) -> Option<(f64, usize)> {
    let (row, timing) = analysis.timed(mode).next()?;
    timing.predicted_s.map(|seconds| (seconds, row.workers()))
}

fn curve(mode: Mode, analysis: &Analysis, forecast: &Forecast) -> Option<Curve> {
    let (base_s, base_workers) = base(mode, analysis)?;
    let mut timed: Vec<Point> = Vec::new();
    for (row, timing) in analysis.timed(mode) {
        let Some(seconds) = timing.predicted_s else { continue };
        let speedup = scaled_speedup(timing.work_ratio, base_s, base_workers, seconds);
        let point = Point { workers: row.workers() as f64, speedup, band: [speedup; 2] };
        match timed.iter_mut().find(|other| other.workers == point.workers) {
            Some(other) if other.speedup < point.speedup => *other = point,
            Some(_) => {}
            None => timed.push(point),
        }
    }
    timed.sort_by(|a, b| a.workers.total_cmp(&b.workers));
    let beyond = if mode == Mode::Strong { beyond(analysis, forecast, &timed) } else { Vec::new() };
    Some(Curve { mode, timed, beyond })
}

/// The extrapolation, which starts at a point of the curve.
fn beyond(analysis: &Analysis, forecast: &Forecast, timed: &[Point]) -> Vec<Point> {
    let roomy = |case: usize| forecast.shapes.get(case).is_some_and(|foreseen| !foreseen.crowded);
    let fits = |row: &super::analysis::Row| row.mode == Mode::Strong && roomy(row.case) && row.timing.is_some();
    let most = analysis.rows.iter().filter(|row| fits(row)).map(|row| row.workers()).max();
    let from = most.and_then(|most| timed.iter().find(|point| point.workers == most as f64));
    let steps = analysis.timed(Mode::Strong).next().and_then(|(_, timing)| timing.report["steps"].as_f64());
    let (Some(from), Some((base_s, base_workers)), Some(steps)) = (from, base(Mode::Strong, analysis), steps) else {
        return Vec::new();
    };
    let error = errors(analysis, &roomy).iter().map(|(error, _)| error.abs()).fold(0.0, f64::max);
    let point = |foreseen: &Foreseen| {
        let workers = foreseen.shape.workers() as f64;
        let speedup = scaled_speedup(1.0, base_s, base_workers, foreseen.step_s? * steps);
        let model = error * (1.0 + (workers / from.workers).log2());
        let half = model.hypot(doubt(analysis, workers));
        Some(Point { workers, speedup, band: [speedup / (1.0 + half), speedup * (1.0 + half)] })
    };
    let found: Vec<Point> = forecast.beyond.iter().filter_map(point).collect();
    let start = Point { band: [from.speedup / (1.0 + error), from.speedup * (1.0 + error)], ..*from };
    if found.is_empty() { found } else { std::iter::once(start).chain(found).collect() }
}

/// Half of the relative width that the interval of Amdahl's fraction leaves.
fn doubt(analysis: &Analysis, workers: f64) -> f64 {
    let Ok(fit) = &analysis.laws.amdahl else { return 0.0 };
    let speedup = |fraction: f64| {
        let fraction = fraction.clamp(0.0, 1.0);
        1.0 / (fraction + (1.0 - fraction) / workers)
    };
    let interval = fit.serial.interval;
    0.5 * (speedup(interval.low) - speedup(interval.high)) / speedup(fit.serial.value)
}

#[cfg(test)]
mod tests {
    use super::super::analysis::analyse;
    use super::super::analysis::tests::experiment;
    use super::super::plan::Shape;
    use super::*;
    use crate::laboratory::fits::{Amdahl, Estimate};
    use crate::laboratory::statistics::Interval;

    fn foreseen((ranks, threads): (usize, usize), step_s: Option<f64>) -> Foreseen {
        let crowded = ranks * threads > 2;
        let why = if step_s.is_some() { String::new() } else { "not described".to_owned() };
        Foreseen { mode: Mode::Strong, shape: Shape { ranks, threads }, crowded, step_s, steps: Some(20), why }
    }

    /// 20 steps: 8, 4.4 and 4.2 s measured; 8.8, 4.4 and 2.1 s predicted; 4 and 8 workers further on 2.2 and 1.1 s.
    fn compared() -> Analysis {
        let (plan, records, folder) = experiment(&[((1, 1), 8.0), ((1, 2), 4.4), ((2, 2), 4.2), ((3, 1), 4.0)]);
        let mut analysis = analyse(&plan, &records, folder.path());
        let forecast = Forecast {
            version: 1,
            machine: String::new(),
            network: String::new(),
            measured: Vec::new(),
            shapes: vec![
                foreseen((1, 1), Some(0.44)),
                foreseen((1, 2), Some(0.22)),
                foreseen((2, 2), Some(0.105)),
                foreseen((3, 1), None),
            ],
            beyond: vec![foreseen((2, 2), Some(0.11)), foreseen((4, 2), Some(0.055))],
        };
        compare(&mut analysis, &forecast);
        analysis
    }

    #[test]
    fn errors_and_speedups_by_hand() {
        let analysis = compared();
        let hindsight = analysis.hindsight.unwrap();
        let errors: Vec<_> = analysis.rows.iter().map(|r| r.timing.as_ref().unwrap().prediction_error()).collect();
        for (found, expected) in errors.iter().zip([Some(0.1), Some(0.0), Some(-0.5), None]) {
            assert!(
                found.is_some() == expected.is_some() && (found.unwrap_or(0.0) - expected.unwrap_or(0.0)).abs() < 1e-12,
                "{errors:?}"
            );
        }
        assert!((hindsight.typical - 0.1).abs() < 1e-12);
        assert_eq!(
            hindsight.words(),
            "predicted before the runs: off by 10.0 % in the median, -50.0 % at most (strong 2 x 2)"
        );
        let points: Vec<_> = hindsight.curves[0].timed.iter().map(|point| (point.workers, point.speedup)).collect();
        for (found, expected) in points.iter().zip([(1.0, 1.0), (2.0, 2.0), (4.0, 8.8 / 2.1)]) {
            assert!(found.0 == expected.0 && (found.1 - expected.1).abs() < 1e-12, "{points:?}");
        }
    }

    /// From two workers on: the largest error with a core for each worker, 10 %, once more for every doubling. No law is fitted here.
    #[test]
    fn the_band_widens_with_every_doubling() {
        let analysis = compared();
        assert!(analysis.laws.amdahl.is_err());
        let beyond = &analysis.hindsight.as_ref().unwrap().curves[0].beyond;
        let widths: Vec<f64> = beyond.iter().map(|point| point.band[1] / point.speedup - 1.0).collect();
        assert_eq!(beyond.iter().map(|point| point.workers).collect::<Vec<_>>(), [2.0, 4.0, 8.0]);
        assert!((beyond[2].speedup - 8.0).abs() < 1e-12);
        for (found, expected) in widths.iter().zip([0.1, 0.2, 0.3]) {
            assert!((found - expected).abs() < 1e-9, "{widths:?}");
        }
        assert!(
            beyond.iter().all(|point| (point.speedup / point.band[0] - point.band[1] / point.speedup).abs() < 1e-9)
        );
    }

    /// S(8) with s = 0, 5 and 10 %: 8, 5.93 and 4.71.
    #[test]
    fn a_law_that_is_fitted_adds_its_doubt() {
        let mut analysis = compared();
        let interval = Interval { low: 0.0, high: 0.1 };
        let serial = Estimate { value: 0.05, interval };
        analysis.laws.amdahl = Ok(Amdahl { serial_s: 0.4, parallel_s: 7.6, serial });
        let expected = 0.5 * (8.0 - 8.0 / 1.7) / (8.0 / 1.35);
        assert!((doubt(&analysis, 8.0) - expected).abs() < 1e-12);
    }
}
