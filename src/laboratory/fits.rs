//! Laws of scaling fitted to measured points: Amdahl, Gustafson, and Gunther's Universal Scalability Law (USL), with 95 % intervals.
//!
//! All three are linear in their parameters once written the right way, so each fit is a weighted least-squares solution in closed form:
//! ```text
//! Amdahl     T = a + b / N                              s = a / (a + b), at most 1 / s times as fast
//! Gustafson  N - S = s' (N - 1)
//! USL        N / S - 1 = sigma (N - 1) + kappa N (N - 1)     peak at sqrt((1 - sigma) / kappa)
//! ```
//! A weight is one over the variance of its point. The covariance is scaled up by the reduced chi-square where the law fits worse than the
//! noise of the points allows, never down; intervals take Student's t for the points that are left over. A fit without a point left over
//! would always look perfect, so it is refused.
//!
//! Refused: a crate for non-linear least squares (nothing here is non-linear); bounds on parameters (a negative serial fraction is a
//! finding, usually cache, and must be seen).

use super::statistics::Interval;
use std::collections::BTreeSet;

/// Smallest relative error that a time can have: clocks and a machine's moods are no better.
const SMALLEST_ERROR: f64 = 1e-3;

/// Half of the 95 % interval of a fraction beyond which it is not known at all.
const VAGUE: f64 = 0.25;

/// A shape's time, with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Ranks times threads.
    pub workers: usize,
    /// Median of the loop.
    pub seconds: f64,
    /// Standard error of that.
    pub error_s: f64,
}

impl Point {
    fn n(&self) -> f64 {
        self.workers as f64
    }

    fn relative_error(&self) -> f64 {
        (self.error_s / self.seconds).max(SMALLEST_ERROR)
    }
}

/// A parameter with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Best value.
    pub value: f64,
    /// 95 % interval.
    pub interval: Interval,
}

impl Estimate {
    fn new(value: f64, half: f64) -> Estimate {
        Estimate { value, interval: Interval { low: value - half, high: value + half } }
    }
}

/// T = a + b / N.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Amdahl {
    /// Seconds that do not shrink.
    pub serial_s: f64,
    /// Seconds that shrink as 1 / N.
    pub parallel_s: f64,
    /// The serial fraction.
    pub serial: Estimate,
}

impl Amdahl {
    /// Predicted seconds.
    pub fn seconds(&self, workers: f64) -> f64 {
        self.serial_s + self.parallel_s / workers
    }

    /// The largest speed-up that the law allows; none if it has no limit.
    pub fn limit(&self) -> Option<f64> {
        (self.serial.value > 0.0).then(|| 1.0 / self.serial.value)
    }
}

/// S = N - s' (N - 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gustafson {
    /// The serial fraction of the time of a scaled run.
    pub serial: Estimate,
}

impl Gustafson {
    /// Predicted scaled speed-up.
    pub fn speedup(&self, workers: f64) -> f64 {
        workers - self.serial.value * (workers - 1.0)
    }
}

/// S = N / (1 + sigma (N - 1) + kappa N (N - 1)).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usl {
    /// Contention: what is done one after the other.
    pub sigma: Estimate,
    /// Coherency: what each pair of workers costs.
    pub kappa: Estimate,
}

impl Usl {
    /// Predicted speed-up.
    pub fn speedup(&self, workers: f64) -> f64 {
        let (sigma, kappa) = (self.sigma.value, self.kappa.value);
        workers / (1.0 + sigma * (workers - 1.0) + kappa * workers * (workers - 1.0))
    }

    /// Workers beyond which more make it slower; none if there is no such number.
    pub fn peak(&self) -> Option<f64> {
        let (sigma, kappa) = (self.sigma.value, self.kappa.value);
        (kappa > 0.0 && sigma < 1.0).then(|| ((1.0 - sigma) / kappa).sqrt())
    }
}

/// Fits T = a + b / N.
///
/// # Errors
/// In words, if there are fewer than three different numbers of workers.
pub fn amdahl(points: &[Point]) -> Result<Amdahl, String> {
    require(points, 3, "three different numbers of workers", |_| true)?;
    let rows: Vec<Row> =
        points.iter().map(|p| Row::new([1.0, 1.0 / p.n()], p.seconds, p.relative_error() * p.seconds)).collect();
    let fit = solve(&rows).ok_or("the points do not determine the law")?;
    let [a, b] = fit.value;
    let total = a + b;
    // d(a / (a + b)) by a and b.
    let slope = [b / (total * total), -a / (total * total)];
    let variance = (0..2).map(|i| (0..2).map(|j| slope[i] * fit.covariance[i][j] * slope[j]).sum::<f64>()).sum::<f64>();
    Ok(Amdahl { serial_s: a, parallel_s: b, serial: Estimate::new(a / total, fit.quantile * variance.max(0.0).sqrt()) })
}

/// Fits S = N - s' (N - 1) to scaled speed-ups: (workers, speed-up, standard error).
///
/// # Errors
/// In words, if there are fewer than two different numbers of workers above one.
pub fn gustafson(points: &[(usize, f64, f64)]) -> Result<Gustafson, String> {
    let used: Vec<_> = points.iter().filter(|point| point.0 > 1).collect();
    let distinct: BTreeSet<usize> = used.iter().map(|point| point.0).collect();
    if distinct.len() < 2 {
        return Err(format!("{} numbers of workers above 1, and a fit with an interval needs 2", distinct.len()));
    }
    let (mut above, mut below) = (0.0, 0.0);
    let terms: Vec<[f64; 3]> = used
        .iter()
        .map(|(n, s, error)| [*n as f64 - s, *n as f64 - 1.0, error.max(SMALLEST_ERROR * s.abs())])
        .collect();
    for [y, x, error] in &terms {
        above += x * y / (error * error);
        below += x * x / (error * error);
    }
    let serial = above / below;
    let freedom = terms.len() - 1;
    let chi: f64 = terms.iter().map(|[y, x, error]| ((y - serial * x) / error).powi(2)).sum();
    let variance = (chi / freedom as f64).max(1.0) / below;
    Ok(Gustafson { serial: Estimate::new(serial, student(freedom) * variance.sqrt()) })
}

/// Fits the USL to times, relative to `base`, which counts as speed-up `base.workers`.
///
/// # Errors
/// In words, if there are fewer than three different numbers of workers above one.
pub fn usl(points: &[Point], base: &Point) -> Result<Usl, String> {
    require(points, 3, "three different numbers of workers above one", |p| p.workers > 1)?;
    let row = |p: &Point| {
        let (n, speedup) = (p.n(), base.seconds / p.seconds * base.n());
        Row::new([n - 1.0, n * (n - 1.0)], n / speedup - 1.0, p.relative_error() * n / speedup)
    };
    let rows: Vec<Row> = points.iter().filter(|p| p.workers > 1).map(row).collect();
    let fit = solve(&rows).ok_or("the points do not determine the law")?;
    let half = |i: usize| fit.quantile * fit.covariance[i][i].max(0.0).sqrt();
    Ok(Usl { sigma: Estimate::new(fit.value[0], half(0)), kappa: Estimate::new(fit.value[1], half(1)) })
}

fn require(points: &[Point], least: usize, what: &str, counts: impl Fn(&Point) -> bool) -> Result<(), String> {
    let distinct: BTreeSet<usize> = points.iter().filter(|p| counts(p)).map(|p| p.workers).collect();
    if distinct.len() >= least {
        return Ok(());
    }
    Err(format!("the fit needs {what}, and there are {}", distinct.len()))
}

/// `x . parameters = y`, with the standard error of y.
struct Row {
    x: [f64; 2],
    y: f64,
    weight: f64,
}

impl Row {
    fn new(x: [f64; 2], y: f64, error: f64) -> Row {
        Row { x, y, weight: 1.0 / (error * error) }
    }
}

struct Solution {
    value: [f64; 2],
    covariance: [[f64; 2]; 2],
    quantile: f64,
}

/// Weighted least squares for two parameters by the normal equations; none if they are singular.
fn solve(rows: &[Row]) -> Option<Solution> {
    let freedom = rows.len().checked_sub(2).filter(|&left| left > 0)?;
    let sum = |term: &dyn Fn(&Row) -> f64| rows.iter().map(|row| row.weight * term(row)).sum::<f64>();
    let (a, b, c) = (sum(&|r| r.x[0] * r.x[0]), sum(&|r| r.x[0] * r.x[1]), sum(&|r| r.x[1] * r.x[1]));
    let (u, v) = (sum(&|r| r.x[0] * r.y), sum(&|r| r.x[1] * r.y));
    let determinant = a * c - b * b;
    if determinant.is_nan() || determinant <= 1e-12 * a * c {
        return None;
    }
    let value = [(c * u - b * v) / determinant, (a * v - b * u) / determinant];
    let chi = sum(&|r| (r.y - r.x[0] * value[0] - r.x[1] * value[1]).powi(2));
    let scale = (chi / freedom as f64).max(1.0) / determinant;
    Some(Solution { value, covariance: [[c * scale, -b * scale], [-b * scale, a * scale]], quantile: student(freedom) })
}

/// 97.5 % quantile of Student's t.
fn student(freedom: usize) -> f64 {
    const TABLE: [f64; 15] =
        [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131];
    TABLE.get(freedom.saturating_sub(1)).copied().unwrap_or(1.96 + 2.5 / freedom as f64)
}

/// A fit whose fraction is known well enough to be drawn and cited.
///
/// # Errors
/// In words, what is known of it.
pub fn known<T>(fit: T, fraction: &Estimate) -> Result<T, String> {
    let Estimate { value, interval } = *fraction;
    if 0.5 * (interval.high - interval.low) <= VAGUE {
        return Ok(fit);
    }
    Err(format!(
        "the points are too noisy or too few, which leaves its fraction anywhere between {:.0} and {:.0} % (best {:.0} %)",
        100.0 * interval.low,
        100.0 * interval.high,
        100.0 * value
    ))
}

#[cfg(test)]
mod tests {
    use super::super::statistics::Random;
    use super::*;

    const WORKERS: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];

    /// Nearly normal numbers: the sum of twelve uniform ones.
    fn noise(random: &mut Random) -> f64 {
        (0..12).map(|_| random.number() as f64 / u64::MAX as f64).sum::<f64>() - 6.0
    }

    fn points(law: impl Fn(f64) -> f64, relative: f64, seed: u64) -> Vec<Point> {
        let mut random = Random::new(seed);
        let point = |workers: usize| {
            let exact = law(workers as f64);
            Point { workers, seconds: exact * (1.0 + relative * noise(&mut random)), error_s: relative * exact }
        };
        WORKERS.into_iter().map(point).collect()
    }

    fn holds(estimate: &Estimate, truth: f64) -> bool {
        estimate.interval.low <= truth && truth <= estimate.interval.high
    }

    #[test]
    fn exact_points_give_exact_parameters() {
        let fit = amdahl(&points(|n| 3.0 + 97.0 / n, 0.0, 1)).unwrap();
        assert!((fit.serial.value - 0.03).abs() < 1e-12 && (fit.limit().unwrap() - 1.0 / 0.03).abs() < 1e-9);
        assert!((fit.seconds(10.0) - 12.7).abs() < 1e-9);
        let law = |n: f64| 50.0 / (n / (1.0 + 0.05 * (n - 1.0) + 2e-4 * n * (n - 1.0)));
        let exact = points(law, 0.0, 1);
        let fit = usl(&exact, &exact[0]).unwrap();
        assert!((fit.sigma.value - 0.05).abs() < 1e-12 && (fit.kappa.value - 2e-4).abs() < 1e-12);
        assert!((fit.peak().unwrap() - (0.95f64 / 2e-4).sqrt()).abs() < 1e-6);
        assert!((fit.speedup(8.0) - 50.0 / law(8.0)).abs() < 1e-9);
        let scaled: Vec<_> = WORKERS.map(|n| (n, n as f64 - 0.1 * (n as f64 - 1.0), 0.0)).to_vec();
        let fit = gustafson(&scaled).unwrap();
        assert!((fit.serial.value - 0.1).abs() < 1e-12 && (fit.speedup(11.0) - 10.0).abs() < 1e-9);
    }

    /// With 2 % of noise the 95 % intervals hold the truth in most of 100 experiments.
    #[test]
    fn noise_is_covered_by_the_intervals() {
        let (mut serial, mut sigma, mut kappa) = (0, 0, 0);
        for seed in 0..100 {
            let found = amdahl(&points(|n| 3.0 + 97.0 / n, 0.02, seed)).unwrap();
            serial += usize::from(holds(&found.serial, 0.03));
            let law = |n: f64| 50.0 * (1.0 + 0.05 * (n - 1.0) + 2e-4 * n * (n - 1.0)) / n;
            let mut noisy = points(law, 0.02, 1000 + seed);
            noisy[0].seconds = 50.0;
            let found = usl(&noisy, &noisy[0]).unwrap();
            sigma += usize::from(holds(&found.sigma, 0.05));
            kappa += usize::from(holds(&found.kappa, 2e-4));
            assert!((found.sigma.value - 0.05).abs() < 0.02, "{found:?}");
        }
        assert!(serial >= 88 && sigma >= 88 && kappa >= 88, "{serial} {sigma} {kappa}");
    }

    #[test]
    fn weights_keep_a_noisy_point_from_pulling() {
        let mut points = points(|n| 10.0 + 90.0 / n, 0.001, 5);
        (points[3].seconds, points[3].error_s) = (60.0, 40.0);
        let fit = amdahl(&points).unwrap();
        assert!((fit.serial.value - 0.1).abs() < 0.005, "{fit:?}");
    }

    #[test]
    fn too_few_points_are_refused_in_words() {
        let all = points(|n| 1.0 + 9.0 / n, 0.01, 2);
        assert!(amdahl(&all[..2]).unwrap_err().contains("needs three different numbers of workers, and there are 2"));
        assert!(usl(&all[..3], &all[0]).unwrap_err().contains("above one, and there are 2"));
        let twice = [all[0], all[0], all[1], all[1]];
        assert!(amdahl(&twice).is_err(), "the same number twice is one point");
        assert!(gustafson(&[(1, 1.0, 0.0), (2, 1.9, 0.01)]).is_err());
    }

    #[test]
    fn a_law_without_a_limit_says_so() {
        let fit = amdahl(&points(|n| -0.5 + 100.0 / n, 0.0, 1)).unwrap();
        assert!(fit.serial.value < 0.0 && fit.limit().is_none());
    }
}
