//! What an experiment does next: a pure function of its plan and of the runs that have ended, so that nothing else must be remembered.
//!
//! 1. Each case once, the base first: digests, and time that does not count. Cases whose problem nobody else has run a check.
//! 2. Rounds: every case that is not settled runs once, in an order that is shuffled anew for each round. A machine that gets slower
//!    over an hour then makes all shapes noisier, and does not look like scaling.
//!
//! A case is settled when the 95 % interval of its median is within [`PRECISION`] of it, after [`FEWEST`] runs at least, or at the cap. A
//! case that has failed or has a wrong digest is not run again.

use super::plan::{Plan, Shape};
use super::record::{Kind, Record, Status};
use crate::laboratory::statistics::{Random, interval_of_median, median, relative_half_width};

/// Half of the 95 % interval, relative to the median, at which a shape is known well enough.
pub const PRECISION: f64 = 0.02;
/// Fewest timed runs of a shape, if the cap allows them.
pub const FEWEST: usize = 3;

/// The next run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// Which case.
    pub case: usize,
    /// Why.
    pub kind: Kind,
    /// Which repeat.
    pub round: usize,
}

impl Task {
    /// The shape that is run.
    pub fn shape(&self, plan: &Plan) -> Shape {
        let case = &plan.cases[self.case];
        if self.kind == Kind::Check { case.check.unwrap_or(case.shape) } else { case.shape }
    }
}

/// The next run of the cases for which `wanted` is true; none when the experiment is complete.
pub fn next(plan: &Plan, records: &[Record], wanted: &dyn Fn(usize) -> bool) -> Option<Task> {
    let cases: Vec<usize> = (0..plan.cases.len()).filter(|&case| wanted(case)).collect();
    first_runs(plan, records, &cases).or_else(|| timed_run(plan, records, &cases))
}

fn first_runs(plan: &Plan, records: &[Record], cases: &[usize]) -> Option<Task> {
    let has = |case: usize, kind: Kind| records.iter().any(|r| r.kind == kind && r.is_of(plan, case));
    cases.iter().find_map(|&case| {
        let kind = match plan.cases[case].check {
            _ if !has(case, Kind::Warmup) => Kind::Warmup,
            Some(_) if is_alive(plan, records, case) && !has(case, Kind::Check) => Kind::Check,
            _ => return None,
        };
        Some(Task { case, kind, round: 0 })
    })
}

fn timed_run(plan: &Plan, records: &[Record], cases: &[usize]) -> Option<Task> {
    (1..=plan.repeats).find_map(|round| {
        let mut order = cases.to_vec();
        Random::new(plan.seed.wrapping_add(round as u64)).shuffle(&mut order);
        let is_due = |case: &usize| {
            let done = |r: &Record| r.kind == Kind::Timed && r.round == round && r.is_of(plan, *case);
            is_alive(plan, records, *case) && !records.iter().any(done) && !is_settled(plan, records, *case, round)
        };
        order.into_iter().find(is_due).map(|case| Task { case, kind: Kind::Timed, round })
    })
}

/// None of its runs has gone wrong.
pub fn is_alive(plan: &Plan, records: &[Record], case: usize) -> bool {
    !records.iter().any(|record| record.status != Status::Ok && record.is_of(plan, case))
}

/// Loop seconds of the good timed runs of a case, in rounds before `round`.
pub fn times(plan: &Plan, records: &[Record], case: usize, round: usize) -> Vec<f64> {
    let counts =
        |r: &&Record| r.kind == Kind::Timed && r.status == Status::Ok && r.round < round && r.is_of(plan, case);
    records.iter().filter(counts).filter_map(|r| r.loop_s).collect()
}

/// Whether the runs before `round` are enough.
fn is_settled(plan: &Plan, records: &[Record], case: usize, round: usize) -> bool {
    let seconds = times(plan, records, case, round);
    if seconds.len() < FEWEST {
        return false;
    }
    relative_half_width(median(&seconds), interval_of_median(&seconds, plan.seed)) <= PRECISION
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::plan::{Case, Mode, Ranks};
    use super::super::record::tests::record;
    use super::*;
    use crate::laboratory::switches::Switches;

    /// A strong experiment with these shapes.
    pub fn plan(shapes: &[(usize, usize)], repeats: usize) -> Plan {
        let case = |&(ranks, threads): &(usize, usize)| Case {
            mode: Mode::Strong,
            shape: Shape { ranks, threads },
            check: None,
            overrides: Vec::new(),
            unknowns: 1000,
            guess_s: 1.0,
        };
        Plan {
            version: 1,
            program: "0.1.0 0123".into(),
            deck: "ef".into(),
            title: "Plate".into(),
            physics: "heat".into(),
            ranks_by: Ranks::Domains,
            per_update: Some([16.0, 10.0]),
            cases: shapes.iter().map(case).collect(),
            repeats,
            seed: 1,
            time_limit_s: 60.0,
            imbalance: None,
            switches: Switches::default(),
        }
    }

    /// Runs an experiment whose runs take the seconds that `time` says.
    fn conduct(plan: &Plan, mut records: Vec<Record>, time: impl Fn(Task) -> f64) -> (Vec<Record>, Vec<Task>) {
        let mut tasks = Vec::new();
        while let Some(task) = next(plan, &records, &|_| true) {
            let shape = task.shape(plan);
            records.push(record((shape.ranks, shape.threads), task.kind, task.round, time(task)));
            tasks.push(task);
            assert!(tasks.len() < 1000, "it must end");
        }
        (records, tasks)
    }

    #[test]
    fn warm_ups_come_first_and_rounds_are_shuffled() {
        let plan = plan(&[(1, 1), (1, 2), (2, 1), (2, 2)], 8);
        // Times that differ by a fifth never settle.
        let (_, tasks) = conduct(&plan, Vec::new(), |task| if task.round % 2 == 0 { 1.0 } else { 1.2 });
        let cases: Vec<usize> = tasks.iter().map(|task| task.case).collect();
        assert_eq!(cases[..4], [0, 1, 2, 3]);
        assert_eq!(tasks.len(), 4 + 4 * 8);
        let rounds: Vec<&[usize]> = cases[4..].chunks(4).collect();
        assert!(rounds.iter().any(|round| *round != rounds[0]), "{rounds:?}");
        assert!(rounds.iter().all(|round| (0..4).all(|case| round.contains(&case))));
    }

    #[test]
    fn a_shape_is_settled_when_its_median_is_known() {
        let plan = plan(&[(1, 1), (1, 2)], 10);
        let (records, _) = conduct(&plan, Vec::new(), |task| match task.case {
            0 => 1.0 + 0.001 * task.round as f64,
            _ => 1.0 + 0.3 * (task.round % 2) as f64,
        });
        assert_eq!([0, 1].map(|case| times(&plan, &records, case, usize::MAX).len()), [FEWEST, 10]);
    }

    #[test]
    fn after_a_kill_the_rest_is_the_same() {
        let plan = plan(&[(1, 1), (1, 2), (2, 1)], 5);
        let time = |task: Task| 1.0 + 0.1 * ((7 * task.round + 3 * task.case) % 5) as f64;
        let (records, tasks) = conduct(&plan, Vec::new(), time);
        for killed in [0, 1, 3, 7, records.len()] {
            let (again, rest) = conduct(&plan, records[..killed].to_vec(), time);
            assert_eq!((again, &rest[..]), (records.clone(), &tasks[killed..]), "killed after {killed}");
        }
    }

    #[test]
    fn a_wrong_digest_is_not_timed() {
        let plan = plan(&[(1, 1), (2, 1)], 3);
        let mut wrong = record((2, 1), Kind::Warmup, 0, 1.0);
        wrong.status = Status::WrongDigest;
        let (records, tasks) = conduct(&plan, vec![record((1, 1), Kind::Warmup, 0, 1.0), wrong], |_| 1.0);
        assert!(tasks.iter().all(|task| task.case == 0) && records.len() == 5);
    }

    #[test]
    fn a_check_follows_its_warm_up() {
        let mut plan = plan(&[(1, 1), (1, 4)], 0);
        plan.cases[1].check = Some(Shape { ranks: 4, threads: 1 });
        let (_, tasks) = conduct(&plan, Vec::new(), |_| 1.0);
        let kinds: Vec<_> = tasks.iter().map(|task| (task.case, task.kind)).collect();
        assert_eq!(kinds, [(0, Kind::Warmup), (1, Kind::Warmup), (1, Kind::Check)]);
    }
}
