//! What a pool has cost: pure arithmetic over the members that it ran.
//!
//! A worker holds a member from when it was handed out to when its result was there. The run says itself how long it took, from its start to
//! its report. The difference is the pool's: starting and ending a process, or sending a number and an answer. How long the run
//! took to its first step is told beside it: threads, memory and the deck are part of that in every pool, but warm in a process that has
//! run members before.

use super::results::Row;
use crate::laboratory::statistics::median;

/// The figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Costs {
    /// Members that ended well in this pool.
    pub members: usize,
    /// Workers.
    pub workers: usize,
    /// Seconds from the start of the pool to its last result.
    pub wall_s: f64,
    /// Seconds of all these members, as their runs say.
    pub own_s: f64,
    /// Seconds a member that were the pool's: median and largest.
    pub around_s: [f64; 2],
    /// Median seconds of a run before its first step.
    pub setup_s: f64,
    /// Share of the time of all workers in which they held a member.
    pub busy: f64,
    /// Seconds that the same members would have taken in rounds, each of which waits for its slowest: a synchronous map.
    pub in_rounds_s: f64,
}

impl Costs {
    /// Of the rows of one pool; none if no member ended well in it.
    pub fn of<'a>(rows: impl Iterator<Item = &'a Row>, workers: usize) -> Option<Costs> {
        let mut spans: Vec<([f64; 2], Option<f64>, Option<f64>)> =
            rows.filter_map(|row| Some((row.span?, row.seconds[0], row.seconds[1]))).collect();
        spans.sort_by(|a, b| a.0[0].total_cmp(&b.0[0]));
        let around: Vec<f64> =
            spans.iter().filter_map(|(span, own, _)| Some((span[1] - span[0] - (*own)?).max(0.0))).collect();
        let setups: Vec<f64> = spans.iter().filter_map(|(_, _, setup)| *setup).collect();
        if around.is_empty() || setups.is_empty() {
            return None;
        }
        let held: Vec<f64> = spans.iter().map(|(span, _, _)| span[1] - span[0]).collect();
        let wall_s = spans.iter().map(|(span, _, _)| span[1]).fold(0.0, f64::max);
        let slowest = |round: &[f64]| round.iter().copied().fold(0.0, f64::max);
        Some(Costs {
            members: around.len(),
            workers,
            wall_s,
            own_s: spans.iter().filter_map(|(_, own, _)| *own).sum(),
            around_s: [median(&around), slowest(&around)],
            setup_s: median(&setups),
            busy: held.iter().sum::<f64>() / (workers as f64 * wall_s),
            in_rounds_s: held.chunks(workers.max(1)).map(slowest).sum(),
        })
    }

    /// In words, a line each.
    pub fn lines(&self, pool: &str, threads: usize) -> Vec<String> {
        let ms = |seconds: f64| format!("{:.2} ms", 1e3 * seconds);
        let lost = self.workers as f64 * self.wall_s - self.own_s;
        vec![
            format!("pool      {pool}, {} with {threads} each", crate::words::counted(self.workers as u64, "worker")),
            format!(
                "time      {:.3} s for {} that took {:.3} s by themselves: {:.2} at a time",
                self.wall_s,
                crate::words::counted(self.members as u64, "member"),
                self.own_s,
                self.own_s / self.wall_s
            ),
            format!(
                "start-up  {} a member around its run (most {}); {} in it before the first step",
                ms(self.around_s[0]),
                ms(self.around_s[1]),
                ms(self.setup_s)
            ),
            format!("overhead  {lost:.3} s of {:.3} s of all workers", self.workers as f64 * self.wall_s),
            format!(
                "busy      {:.1} %; in rounds that wait for their slowest member it would have taken {:.3} s",
                100.0 * self.busy,
                self.in_rounds_s
            ),
        ]
    }
}

/// What ends when a member goes wrong, by pool.
pub fn isolation(pool: &str) -> &'static str {
    match pool {
        "processes" => "isolation one member a process: a crash, a signal or lack of memory ends that member alone",
        "threads" => {
            "isolation members share this process: a panic ends one member; an abort, a full stack or lack of memory would end all"
        }
        _ => "isolation members run in the ranks: a panic ends one member; a rank that dies would end the job",
    }
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::done;
    use super::*;

    #[test]
    fn overhead_and_busy_share_follow_from_spans() {
        let row = |member, begin: f64, end: f64, own| Row { span: Some([begin, end]), ..done(member, own, "x", 0.0) };
        let rows = [row(0, 0.0, 1.0, 0.75), row(1, 0.0, 3.0, 2.75), row(2, 1.0, 2.0, 0.5), row(3, 2.0, 4.0, 1.75)];
        let costs = Costs::of(rows.iter(), 2).unwrap();
        assert_eq!((costs.members, costs.wall_s, costs.own_s), (4, 4.0, 5.75));
        assert_eq!((costs.around_s, costs.busy, costs.in_rounds_s), ([0.25, 0.5], 7.0 / 8.0, 3.0 + 2.0));
        assert!(costs.lines("threads", 1)[3].contains("2.250 s of 8.000 s"), "{:?}", costs.lines("threads", 1));
        assert_eq!(Costs::of([].into_iter(), 2), None);
    }
}
