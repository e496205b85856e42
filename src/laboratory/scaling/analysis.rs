//! Figures of every shape, from the rows and the report of its median run: pure but for reading those reports.
//!
//! Strong: S = T(base) / T(N) x N(base). Weak: the same times the ratio of the work that was done, so that a problem which could not grow
//! by exactly the right factor is not held against its shape. Work is cells times steps; pairs of bodies; for multipoles pairs of bodies
//! and of cells, weighted by the seconds that each kind took in the base.

use super::experiment::read_report;
use super::hindsight::Hindsight;
use super::plan::{Mode, Plan, Shape};
use super::record::{Kind, Record, Status};
use super::roofline::{self, Load, Roof};
use super::schedule::{is_alive, times};
use crate::laboratory::efficiencies::{self as formulas, Loss, Pop, RankTimes};
use crate::laboratory::fits::{self, Amdahl, Gustafson, Point, Usl};
use crate::laboratory::statistics::{Interval, interval_of_median, median, minimum};
use serde_json::Value;
use std::path::Path;

/// A shape that was timed.
#[derive(Clone, Debug)]
pub struct Timing {
    /// Seconds of each timed run.
    pub seconds: Vec<f64>,
    /// Median of them.
    pub median_s: f64,
    /// Smallest of them.
    pub minimum_s: f64,
    /// 95 % interval of the median.
    pub interval: Interval,
    /// Speed-up, scaled by the work in weak mode.
    pub speedup: f64,
    /// For each worker.
    pub efficiency: f64,
    /// Serial fraction after Karp and Flatt; strong mode only.
    pub karp_flatt: Option<f64>,
    /// Work over that of the base.
    pub work_ratio: f64,
    /// Tree of efficiencies of the median run.
    pub pop: Option<Pop>,
    /// Useful seconds of the base over those of this shape, for the same work.
    pub computation_scaling: Option<f64>,
    /// Where the missing efficiency has gone.
    pub loss: Option<Loss>,
    /// Cell updates or pairs a second.
    pub updates_per_s: f64,
    /// Bytes a second that these need at least.
    pub effective_bytes_per_s: Option<f64>,
    /// Bytes a second of a copy on the same shape.
    pub copy_bytes_per_s: Option<f64>,
    /// What it does a second.
    pub load: Option<Load>,
    /// What the machine allows.
    pub roof: Option<Roof>,
    /// Seconds that the model predicted before the runs.
    pub predicted_s: Option<f64>,
    /// `report.json` of the median run.
    pub report: Value,
}

/// A shape.
#[derive(Clone, Debug)]
pub struct Row {
    /// Number of its case.
    pub case: usize,
    /// Its mode.
    pub mode: Mode,
    /// Its shape.
    pub shape: Shape,
    /// Cells or bodies.
    pub unknowns: u64,
    /// How its runs ended: the worst of them.
    pub status: Status,
    /// What the run said that went wrong.
    pub message: String,
    /// Figures, if it was timed.
    pub timing: Option<Timing>,
    /// Messages and bytes of all ranks.
    pub traffic: (u64, u64),
    /// Resident bytes of all ranks.
    pub peak_bytes: u64,
}

impl Timing {
    /// What the prediction was off by, relative to the median: below 0 if it was too fast.
    pub fn prediction_error(&self) -> Option<f64> {
        self.predicted_s.map(|predicted_s| predicted_s / self.median_s - 1.0)
    }
}

impl Row {
    /// Ranks times threads.
    pub fn workers(&self) -> usize {
        self.shape.workers()
    }
}

/// Laws, or why there are none.
#[derive(Clone, Debug)]
pub struct Laws {
    /// Of strong scaling.
    pub amdahl: Result<Amdahl, String>,
    /// Of strong scaling.
    pub usl: Result<Usl, String>,
    /// Of weak scaling.
    pub gustafson: Result<Gustafson, String>,
}

/// All figures.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// In the order of the plan.
    pub rows: Vec<Row>,
    /// Fits.
    pub laws: Laws,
    /// What the model predicted before the runs, against them.
    pub hindsight: Option<Hindsight>,
}

impl Analysis {
    /// The timed rows of a mode.
    pub fn timed(&self, mode: Mode) -> impl Iterator<Item = (&Row, &Timing)> {
        self.rows.iter().filter(move |row| row.mode == mode).filter_map(|row| row.timing.as_ref().map(|t| (row, t)))
    }

    /// The fastest timed row for each number of workers.
    pub fn fastest(&self, mode: Mode) -> Vec<(&Row, &Timing)> {
        let mut found: Vec<(&Row, &Timing)> = Vec::new();
        for (row, timing) in self.timed(mode) {
            match found.iter_mut().find(|(other, _)| other.workers() == row.workers()) {
                Some(place) if timing.speedup > place.1.speedup => *place = (row, timing),
                Some(_) => {}
                None => found.push((row, timing)),
            }
        }
        found.sort_by_key(|(row, _)| row.workers());
        found
    }

    /// Whether all shapes have run to their ends with the right digests.
    pub fn is_clean(&self) -> bool {
        self.rows.iter().all(|row| row.status == Status::Ok)
    }
}

/// Analyses the rows of a plan, whose run directories lie in `folder`.
pub fn analyse(plan: &Plan, records: &[Record], folder: &Path) -> Analysis {
    let mut rows: Vec<Row> = (0..plan.cases.len()).map(|case| row(plan, records, case)).collect();
    let reports: Vec<Option<Value>> = (0..rows.len())
        .map(|case| median_run(plan, records, case).and_then(|r| read_report(&folder.join(&r.directory))))
        .collect();
    for mode in plan.modes() {
        let Some(base) = plan.base(mode) else { continue };
        let base = Base::new(plan, records, base, reports[base].as_ref());
        for row in rows.iter_mut().filter(|row| row.mode == mode && row.status == Status::Ok) {
            let seconds = times(plan, records, row.case, usize::MAX);
            if let (Some(base), Some(report), false) = (&base, &reports[row.case], seconds.is_empty()) {
                row.timing = Some(timing(plan, row, base, seconds, report));
            }
        }
    }
    let mut analysis = Analysis { rows, laws: no_laws(), hindsight: None };
    analysis.laws = laws(&analysis);
    analysis
}

fn row(plan: &Plan, records: &[Record], case: usize) -> Row {
    let own = || records.iter().filter(|r| r.is_of(plan, case));
    let bad = own().find(|r| r.status != Status::Ok);
    let good = own().rfind(|r| r.status == Status::Ok && r.kind != Kind::Check);
    let never = if own().next().is_none() { Status::Failed } else { Status::Ok };
    Row {
        case,
        mode: plan.cases[case].mode,
        shape: plan.cases[case].shape,
        unknowns: good.map_or(plan.cases[case].unknowns, |r| r.unknowns),
        status: bad.map_or(never, |r| r.status),
        message: bad.map_or(String::new(), |r| r.message.clone()),
        timing: None,
        traffic: good.map_or((0, 0), |r| (r.messages, r.bytes)),
        peak_bytes: good.map_or(0, |r| r.peak_bytes),
    }
}

/// The timed run of a case that is closest to the median.
fn median_run<'a>(plan: &Plan, records: &'a [Record], case: usize) -> Option<&'a Record> {
    if !is_alive(plan, records, case) {
        return None;
    }
    let middle = median(&times(plan, records, case, usize::MAX));
    let timed = records.iter().filter(|r| r.kind == Kind::Timed && r.is_of(plan, case));
    timed.min_by(|a, b| {
        let distance = |r: &Record| (r.loop_s.unwrap_or(f64::INFINITY) - middle).abs();
        distance(a).total_cmp(&distance(b))
    })
}

/// What speed-ups of a mode refer to.
struct Base {
    workers: usize,
    median_s: f64,
    pop: Option<Pop>,
    /// Weighted kinds of work: pairs of figure and weight.
    work: Vec<(f64, f64)>,
}

impl Base {
    fn new(plan: &Plan, records: &[Record], case: usize, report: Option<&Value>) -> Option<Base> {
        let seconds = times(plan, records, case, usize::MAX);
        let report = report.filter(|_| !seconds.is_empty())?;
        let work = amounts(report).into_iter().zip(weights(report)).collect();
        let workers = plan.cases[case].shape.workers();
        Some(Base { workers, median_s: median(&seconds), pop: tree(report), work })
    }

    fn work_ratio(&self, report: &Value) -> f64 {
        let parts = amounts(report).into_iter().zip(&self.work);
        parts.filter(|(_, (base, _))| *base > 0.0).map(|(amount, (base, weight))| weight * amount / base).sum()
    }
}

/// Amounts of each kind of work.
fn amounts(report: &Value) -> [f64; 2] {
    let number = |key: &str| report[key].as_f64().unwrap_or(0.0);
    match report["physics"].as_str() {
        Some("nbody") => [number("pairs"), number("cell_pairs")],
        _ => [number("unknowns") * number("steps"), 0.0],
    }
}

/// Shares of the seconds that each kind of work takes.
fn weights(report: &Value) -> [f64; 2] {
    let phase = |name: &str| report["loop"]["phases_per_rank"][name].as_array().map_or(0.0, |list| sum(list));
    let (near, far) = (phase("near"), phase("far"));
    if amounts(report)[1] > 0.0 && near + far > 0.0 { [near / (near + far), far / (near + far)] } else { [1.0, 0.0] }
}

fn sum(list: &[Value]) -> f64 {
    list.iter().filter_map(Value::as_f64).sum()
}

/// The tree of efficiencies of a run.
pub(crate) fn tree(report: &Value) -> Option<Pop> {
    let part = &report["loop"];
    let list = |key: &str| part[key].as_array().cloned().unwrap_or_default();
    let (loops, messages, threads) =
        (list("seconds_per_rank"), list("communication_s_per_rank"), list("busy_s_per_thread"));
    let numbers = |value: &Value| value.as_array().map_or(Vec::new(), |l| l.iter().filter_map(Value::as_f64).collect());
    let ranks: Vec<RankTimes> = loops
        .iter()
        .zip(&messages)
        .zip(&threads)
        .map(|((loop_s, communication_s), threads)| RankTimes {
            loop_s: loop_s.as_f64().unwrap_or(0.0),
            communication_s: communication_s.as_f64().unwrap_or(0.0),
            threads_s: numbers(threads),
        })
        .collect();
    formulas::pop(&ranks, part["ideal_s"].as_f64())
}

fn timing(plan: &Plan, row: &Row, base: &Base, seconds: Vec<f64>, report: &Value) -> Timing {
    let (median_s, workers) = (median(&seconds), row.workers());
    let work_ratio = if row.mode == Mode::Strong { 1.0 } else { base.work_ratio(report) };
    let speedup = formulas::scaled_speedup(work_ratio, base.median_s, base.workers, median_s);
    let efficiency = formulas::efficiency(speedup, workers);
    let pop = tree(report);
    let both = base.pop.as_ref().zip(pop.as_ref());
    let updates_per_s = report["updates_per_s"].as_f64().unwrap_or(0.0);
    let load = roofline::load(plan, report);
    Timing {
        interval: interval_of_median(&seconds, plan.seed),
        minimum_s: minimum(&seconds),
        median_s,
        speedup,
        efficiency,
        karp_flatt: formulas::karp_flatt(speedup, workers).filter(|_| row.mode == Mode::Strong),
        work_ratio,
        computation_scaling: both.map(|(base, run)| work_ratio * formulas::computation_scaling(base, run)),
        loss: pop.as_ref().map(|pop| Loss::of(pop, efficiency)),
        pop,
        updates_per_s,
        effective_bytes_per_s: load.map(|load| load.bytes_per_s),
        load,
        roof: None,
        copy_bytes_per_s: report["copy_bytes_per_s"].as_f64(),
        predicted_s: None,
        report: report.clone(),
        seconds,
    }
}

fn no_laws() -> Laws {
    let none = || "no shape was timed".to_owned();
    Laws { amdahl: Err(none()), usl: Err(none()), gustafson: Err(none()) }
}

fn laws(analysis: &Analysis) -> Laws {
    let point = |(row, timing): &(&Row, &Timing)| Point {
        workers: row.workers(),
        seconds: timing.median_s,
        error_s: timing.interval.standard_error(),
    };
    let strong: Vec<Point> = analysis.fastest(Mode::Strong).iter().map(point).collect();
    let scaled = analysis.fastest(Mode::Weak);
    let scaled: Vec<(usize, f64, f64)> = scaled
        .iter()
        .map(|(row, t)| (row.workers(), t.speedup, t.speedup * t.interval.standard_error() / t.median_s))
        .collect();
    let usl = strong.first().map_or_else(|| Err("no shape was timed".to_owned()), |base| fits::usl(&strong, base));
    Laws {
        amdahl: fits::amdahl(&strong).and_then(|fit| fits::known(fit, &fit.serial)),
        usl: usl.and_then(|fit| fits::known(fit, &fit.sigma)),
        gustafson: fits::gustafson(&scaled).and_then(|fit| fits::known(fit, &fit.serial)),
    }
}

#[cfg(test)]
#[path = "analysis_tests.rs"]
pub(super) mod tests;
