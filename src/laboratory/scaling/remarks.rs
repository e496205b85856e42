//! Warnings about an experiment, each with the number that triggered it.

use super::analysis::Analysis;
use super::plan::{Mode, Plan};
use super::record::{Kind, Record, Status};
use super::schedule::{PRECISION, times};
use crate::laboratory::statistics::{OUTLIER_SIGMAS, median, outliers, relative_half_width};
use serde_json::Value;

/// Cores' worth of foreign or stolen time that disturbs.
const FOREIGN: f64 = 0.1;
/// A warm-up that takes so many times the median shows what a first run costs.
const SLOW_START: f64 = 1.2;
/// Change of the clock, relative, that makes runs hard to compare.
const DRIFT: f64 = 0.05;
/// Efficiency above 1 by more than noise.
const SUPER: f64 = 1.02;

/// All warnings, those about wrong results first. `cores` are those that this process may use.
pub fn remarks(plan: &Plan, records: &[Record], analysis: &Analysis, cores: usize) -> Vec<String> {
    let mut found = failures(analysis);
    found.extend(crowded(plan, cores));
    found.extend(placements(analysis));
    found.extend(foreign(records));
    found.extend(drift(records));
    for case in 0..plan.cases.len() {
        found.extend(spread(plan, records, case));
    }
    for mode in plan.modes() {
        found.extend(super_linear(analysis, mode));
    }
    found.extend(plan.worsened());
    found
}

fn failures(analysis: &Analysis) -> Vec<String> {
    let bad = analysis.rows.iter().filter(|row| row.status != Status::Ok);
    bad.map(|row| {
        let what = match row.status {
            Status::WrongDigest => "gave a WRONG RESULT and was not timed",
            Status::TimedOut => "did not end within its time limit",
            _ => "failed",
        };
        format!("{} {} {what}: {}", row.mode.name(), row.shape.words(), row.message)
    })
    .collect()
}

/// More workers than cores, once for the largest shape. Under `srun` the cores of this host say nothing.
fn crowded(plan: &Plan, cores: usize) -> Option<String> {
    let largest = plan.cases.iter().max_by_key(|case| case.shape.workers())?;
    let workers = largest.shape.workers();
    let is_here = plan.ranks_by != super::plan::Ranks::Srun && std::env::var_os("SLURM_JOB_ID").is_none();
    (is_here && workers > cores).then(|| {
        format!(
            "oversubscribed: up to {workers} workers ({}) share {cores} cores; speed-up beyond {cores} cannot be expected",
            largest.words()
        )
    })
}

/// What the runs say about ranks and threads that share cores, each text once.
fn placements(analysis: &Analysis) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for row in &analysis.rows {
        let report = row.timing.as_ref().map_or(&Value::Null, |timing| &timing.report);
        for warning in report["placement_warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let text = format!("{}: {warning}", row.shape.words());
            if !found.iter().any(|other| other == &text) {
                found.push(text);
            }
        }
    }
    found
}

fn foreign(records: &[Record]) -> Vec<String> {
    let timed = || records.iter().filter(|r| r.kind == Kind::Timed);
    let worst = |of: &dyn Fn(&Record) -> Option<f64>, what: &str| {
        let above = timed().filter_map(of).filter(|&cores| cores > FOREIGN);
        let (count, most) = above.fold((0, 0.0f64), |(count, most), cores| (count + 1, most.max(cores)));
        (count > 0)
            .then(|| format!("{what} took up to {most:.2} cores during {count} of {} timed runs", timed().count()))
    };
    let parts = [
        worst(&|r| r.foreign_cores, "foreign load: other programs"),
        worst(&|r| r.stolen_cores, "stolen time: other virtual machines"),
    ];
    parts.into_iter().flatten().collect()
}

fn drift(records: &[Record]) -> Option<String> {
    let clocks: Vec<f64> = records.iter().filter(|r| r.kind == Kind::Timed).filter_map(|r| r.mhz).collect();
    let (low, high) = clocks.iter().fold((f64::INFINITY, 0.0f64), |(low, high), &mhz| (low.min(mhz), high.max(mhz)));
    (high > low * (1.0 + DRIFT)).then(|| {
        format!(
            "the clock of the cores went from {low:.0} to {high:.0} MHz ({:.0} %) between runs",
            100.0 * (high / low - 1.0)
        )
    })
}

/// First runs, outliers, and medians that are not known well.
fn spread(plan: &Plan, records: &[Record], case: usize) -> Vec<String> {
    let seconds = times(plan, records, case, usize::MAX);
    if seconds.is_empty() {
        return Vec::new();
    }
    let (name, middle) = (plan.cases[case].words(), median(&seconds));
    let warm_up = records.iter().find(|r| r.kind == Kind::Warmup && r.is_of(plan, case)).and_then(|r| r.loop_s);
    let slow = warm_up.filter(|s| *s > SLOW_START * middle).map(|s| {
        format!(
            "{name}: the first run took {s:.4} s, {:.2} times the median of the others; it does not count",
            s / middle
        )
    });
    let far = outliers(&seconds);
    let list: Vec<String> = far.iter().map(|&n| format!("{:.4} s", seconds[n])).collect();
    let outlying = (!far.is_empty()).then(|| {
        let count = seconds.len();
        format!(
            "{name}: {} of {count} runs are more than {OUTLIER_SIGMAS} sigma from the median {middle:.4} s: {}",
            far.len(),
            list.join(", ")
        )
    });
    let interval = crate::laboratory::statistics::interval_of_median(&seconds, plan.seed);
    let half = relative_half_width(middle, interval);
    let wide = (half > PRECISION).then(|| {
        format!(
            "{name}: the median is known to {:.1} % only after {} runs; use a longer run or more --repeats",
            100.0 * half,
            seconds.len()
        )
    });
    [slow, outlying, wide].into_iter().flatten().collect()
}

fn super_linear(analysis: &Analysis, mode: Mode) -> Option<String> {
    let rows: Vec<_> = analysis.timed(mode).collect();
    let base = rows.first()?.0;
    let others: Vec<_> = rows.iter().filter(|(row, _)| row.workers() > base.workers()).collect();
    let above: Vec<_> = others.iter().filter(|(_, timing)| timing.efficiency > SUPER).collect();
    let (row, timing) = above.iter().max_by(|a, b| a.1.efficiency.total_cmp(&b.1.efficiency))?;
    let most = format!("efficiency {:.0} % at {}", 100.0 * timing.efficiency, row.shape.words());
    Some(if 2 * above.len() > others.len() && others.len() > 1 {
        format!(
            "super-linear base: {most}, and {} of {} shapes above 100 %: the base {} is slow for itself (its data do not fit a cache, \
             or it was disturbed), so compare with another base",
            above.len(),
            others.len(),
            base.shape.words()
        )
    } else {
        format!("{most} is above 100 %: usually its share of the data fits a cache")
    })
}

#[cfg(test)]
mod tests {
    use super::super::analysis::analyse;
    use super::super::analysis::tests::experiment;
    use super::*;

    fn all(shapes: &[((usize, usize), f64)], cores: usize, change: impl Fn(&mut Vec<Record>)) -> String {
        let (plan, mut records, folder) = experiment(shapes);
        change(&mut records);
        let analysis = analyse(&plan, &records, folder.path());
        remarks(&plan, &records, &analysis, cores).join("\n")
    }

    #[test]
    fn a_good_experiment_has_none() {
        let change = |records: &mut Vec<Record>| {
            records.iter_mut().filter(|r| r.kind == Kind::Warmup).for_each(|r| r.loop_s = Some(1.0))
        };
        assert_eq!(all(&[((1, 1), 1.0), ((1, 2), 0.9)], 2, change), "");
    }

    #[test]
    fn each_names_its_number() {
        let found = all(&[((1, 1), 8.0), ((1, 2), 3.0), ((2, 2), 4.0)], 2, |records| {
            records[1].foreign_cores = Some(0.8);
            records[2].stolen_cores = Some(0.25);
            (records[1].mhz, records[2].mhz) = (Some(2000.0), Some(2600.0));
            records[9].loop_s = Some(5.0);
        });
        for words in [
            "oversubscribed: up to 4 workers (strong 2 x 2) share 2 cores",
            "other programs took up to 0.80 cores during 1 of 9",
            "other virtual machines took up to 0.25 cores",
            "from 2000 to 2600 MHz (30 %)",
            "the first run took 10.4000 s, 1.30 times the median",
            "efficiency 133 % at 1 x 2 is above 100 %",
            "strong 2 x 2: the median is known to",
        ] {
            assert!(found.contains(words), "no {words:?} in\n{found}");
        }
    }

    #[test]
    fn a_slow_base_is_told_from_a_cache() {
        let found = all(&[((1, 1), 8.0), ((1, 2), 3.0), ((1, 4), 1.5)], 8, |_| ());
        assert!(found.contains("super-linear base: efficiency 133 %") && found.contains("2 of 2 shapes"), "{found}");
    }

    #[test]
    fn wrong_results_come_first() {
        let found = all(&[((1, 1), 8.0), ((2, 1), 4.0)], 2, |records| {
            (records[4].status, records[4].message) = (Status::WrongDigest, "digest a, but 1 x 1 gave b".into());
        });
        assert!(found.starts_with("strong 2 x 1 gave a WRONG RESULT and was not timed: digest a"), "{found}");
    }
}
