//! Speed-up, efficiency, and the tree of efficiencies after POP (Performance Optimisation and Productivity, a centre of excellence of the
//! EU): pure functions over seconds.
//!
//! Workers are ranks times threads. T is the slowest rank's time in the loop. `useful` is the time of a thread outside of communication
//! and outside of waiting for work:
//! ```text
//! parallel = load balance * communication          avg(useful) / R = avg(useful) / max(useful) * max(useful) / R
//! parallel = ranks' part * threads' part           ranks' part = avg over ranks of the time outside of communication / R
//! communication = serialisation * transfer        max(useful) / R = max(useful) / ideal * ideal / R
//! ```
//! `ideal` is the time that the run would take if messages took none: ranks still wait there for what others compute. It comes from durations
//! between messages, played again after the run (`report::replay`), so the split is an estimate, and named so wherever it is shown.

/// Speed-up over `base_workers` workers that took `base_s`: the base counts as perfect.
pub fn speedup(base_s: f64, base_workers: usize, seconds: f64) -> f64 {
    base_s / seconds * base_workers as f64
}

/// Speed-up for each worker.
pub fn efficiency(speedup: f64, workers: usize) -> f64 {
    speedup / workers as f64
}

/// Efficiency where the work for each worker stays the same.
pub fn weak_efficiency(base_s: f64, seconds: f64) -> f64 {
    base_s / seconds
}

/// Speed-up where the work grows by `work_ratio`.
pub fn scaled_speedup(work_ratio: f64, base_s: f64, base_workers: usize, seconds: f64) -> f64 {
    work_ratio * speedup(base_s, base_workers, seconds)
}

/// The serial fraction that a speed-up would have if nothing but it were wrong (Karp and Flatt 1990). None for one worker.
pub fn karp_flatt(speedup: f64, workers: usize) -> Option<f64> {
    let n = workers as f64;
    (workers > 1 && speedup > 0.0).then(|| (1.0 / speedup - 1.0 / n) / (1.0 - 1.0 / n))
}

/// What a rank did in the loop, in seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct RankTimes {
    /// In steps.
    pub loop_s: f64,
    /// Of that, in messages and waiting for them.
    pub communication_s: f64,
    /// Busy seconds of each of its threads (processor time), the thread that communicates first.
    pub threads_s: Vec<f64>,
}

impl RankTimes {
    /// Seconds outside of communication.
    fn outside(&self) -> f64 {
        (self.loop_s - self.communication_s).max(0.0)
    }

    /// Useful seconds of each thread. Waiting for messages burns processor time on the first thread, so that one has no more than the
    /// time outside of it.
    fn useful(&self) -> impl Iterator<Item = f64> + '_ {
        let most = |thread: usize| if thread == 0 { self.outside() } else { self.loop_s };
        self.threads_s.iter().enumerate().map(move |(thread, &busy)| busy.min(most(thread)))
    }
}

/// The tree of efficiencies of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pop {
    /// Useful share of all threads' time.
    pub parallel: f64,
    /// Average over maximum of the useful time.
    pub load_balance: f64,
    /// Largest useful time over the run's.
    pub communication: f64,
    /// The part of `communication` that would be left if messages took no time: below 1 where ranks wait for what others compute, other than
    /// by an uneven load in all. An estimate; none of runs that were not recorded.
    pub serialisation: Option<f64>,
    /// The rest of `communication`: below 1 where messages themselves take time. An estimate.
    pub transfer: Option<f64>,
    /// Average share of a rank's time outside of communication.
    pub ranks: f64,
    /// What is lost within ranks: `parallel / ranks`.
    pub threads: f64,
    /// Largest time outside of communication over the run's: 1 less what ranks wait for messages themselves, and not for each other.
    pub slowest_rank: f64,
    /// Useful seconds of all threads together.
    pub useful_s: f64,
    /// The run's seconds: the slowest rank's loop.
    pub run_s: f64,
    /// Threads of all ranks.
    pub workers: usize,
}

/// The tree of a run, unless it has no threads or no time. `ideal_s` are its seconds if messages took no time; of one rank they do not.
pub fn pop(ranks: &[RankTimes], ideal_s: Option<f64>) -> Option<Pop> {
    let run_s = ranks.iter().map(|rank| rank.loop_s).fold(0.0, f64::max);
    let useful: Vec<f64> = ranks.iter().flat_map(RankTimes::useful).collect();
    let most = useful.iter().copied().fold(0.0, f64::max);
    if run_s.is_nan() || run_s <= 0.0 || most <= 0.0 {
        return None;
    }
    let useful_s: f64 = useful.iter().sum();
    let average = useful_s / useful.len() as f64;
    // Rounded durations, and clocks that are read one after the other, may leave the ends by some millionths.
    let ideal_s = ideal_s.or((ranks.len() == 1).then_some(run_s)).map(|ideal_s| ideal_s.clamp(most.min(run_s), run_s));
    let outside: Vec<f64> = ranks.iter().map(RankTimes::outside).collect();
    let outside_share = outside.iter().sum::<f64>() / outside.len() as f64 / run_s;
    Some(Pop {
        parallel: average / run_s,
        load_balance: average / most,
        communication: most / run_s,
        serialisation: ideal_s.map(|ideal_s| most / ideal_s),
        transfer: ideal_s.map(|ideal_s| ideal_s / run_s),
        ranks: outside_share,
        threads: average / run_s / outside_share,
        slowest_rank: outside.iter().copied().fold(0.0, f64::max) / run_s,
        useful_s,
        run_s,
        workers: useful.len(),
    })
}

/// Useful time of the base over that of this run: below 1 where the same work takes more processor time (strong scaling).
pub fn computation_scaling(base: &Pop, run: &Pop) -> f64 {
    base.useful_s / run.useful_s
}

/// Where the efficiency that is missing has gone: shares of all workers' time, which add up to 1 less the efficiency.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Loss {
    /// Ranks that wait for slower ones.
    pub imbalance: f64,
    /// Messages that even the slowest rank waits for.
    pub messages: f64,
    /// Threads inside ranks that wait for work, or for a processor that others have.
    pub threads: f64,
    /// Computing that takes more processor time than in the base; what the base itself lost is taken off.
    pub computing: f64,
}

impl Loss {
    /// The loss of a run of `pop` against `efficiency`.
    pub fn of(pop: &Pop, efficiency: f64) -> Loss {
        Loss {
            imbalance: pop.slowest_rank - pop.ranks,
            messages: 1.0 - pop.slowest_rank,
            threads: pop.ranks - pop.parallel,
            computing: pop.parallel - efficiency,
        }
    }

    /// All of it.
    pub fn total(&self) -> f64 {
        self.imbalance + self.messages + self.threads + self.computing
    }

    /// The largest part: its name, and its share of the total.
    pub fn largest(&self) -> (&'static str, f64) {
        let parts = [
            ("ranks waiting for slower ranks", self.imbalance),
            ("waiting for messages", self.messages),
            ("threads waiting for work or for a processor", self.threads),
            ("slower computing (memory bandwidth, caches, clock, extra work)", self.computing),
        ];
        let (name, most) = parts.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or(("nothing", 0.0));
        (name, most / self.total())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-12 * (1.0 + b.abs())
    }

    /// 100 s on one worker, 55 on two, 32.5 on four, 21.25 on eight: a serial fraction of 0.1, computed by hand.
    #[test]
    fn a_table_by_hand() {
        let rows = [(1, 100.0, 1.0), (2, 55.0, 100.0 / 55.0), (4, 32.5, 100.0 / 32.5), (8, 21.25, 100.0 / 21.25)];
        for (workers, seconds, expected) in rows {
            let found = speedup(100.0, 1, seconds);
            assert!(close(found, expected));
            assert!(close(efficiency(found, workers), expected / workers as f64));
            assert!(karp_flatt(found, workers).is_none_or(|serial| close(serial, 0.1)), "{workers}");
        }
        assert_eq!(karp_flatt(1.0, 1), None);
        assert!(close(speedup(55.0, 2, 32.5), 2.0 * 55.0 / 32.5), "a base of two workers counts as perfect");
    }

    #[test]
    fn weak_scaling_by_hand() {
        assert!(close(weak_efficiency(10.0, 12.5), 0.8));
        assert!(close(scaled_speedup(4.0, 10.0, 1, 12.5), 3.2));
        assert!(close(scaled_speedup(4.4, 10.0, 1, 12.5), 3.52), "work that was actually done counts");
    }

    fn ranks() -> Vec<RankTimes> {
        vec![
            RankTimes { loop_s: 10.0, communication_s: 1.0, threads_s: vec![9.5, 8.0] },
            RankTimes { loop_s: 9.8, communication_s: 4.8, threads_s: vec![5.0, 4.0] },
        ]
    }

    #[test]
    fn identities_hold_to_rounding() {
        let tree = pop(&ranks(), Some(9.5)).unwrap();
        assert!(close(tree.parallel, tree.load_balance * tree.communication));
        assert!(close(tree.parallel, tree.ranks * tree.threads));
        let (serialisation, transfer) = (tree.serialisation.unwrap(), tree.transfer.unwrap());
        assert!(close(tree.communication, serialisation * transfer));
        assert!(close(serialisation, 9.0 / 9.5) && close(transfer, 0.95));
        assert!(close(tree.useful_s, 9.0 + 8.0 + 5.0 + 4.0));
        assert!(close(tree.parallel, 6.5 / 10.0) && close(tree.load_balance, 6.5 / 9.0) && close(tree.ranks, 0.7));
        let loss = Loss::of(&tree, 0.4);
        assert!(close(loss.total(), 0.6));
        assert!(close(loss.imbalance, 0.2) && close(loss.messages, 0.1) && close(loss.threads, 0.05));
        assert_eq!(loss.largest().0, "slower computing (memory bandwidth, caches, clock, extra work)");
    }

    /// Two ranks, one of which works twice as long: the balance is 3/4.
    #[test]
    fn an_imbalance_has_its_size() {
        let rank = |busy: f64| RankTimes { loop_s: 10.0, communication_s: 10.0 - busy, threads_s: vec![busy] };
        let tree = pop(&[rank(5.0), rank(10.0)], Some(10.0)).unwrap();
        assert!(close(tree.load_balance, 0.75) && close(tree.communication, 1.0) && close(tree.threads, 1.0));
        assert_eq!((tree.serialisation, tree.transfer), (Some(1.0), Some(1.0)), "nothing of it is the network's");
    }

    #[test]
    fn the_split_keeps_the_product_whatever_the_estimate_is() {
        for ideal_s in [0.0, 8.9, 9.0, 9.7, 10.0, 11.0] {
            let tree = pop(&ranks(), Some(ideal_s)).unwrap();
            let [serialisation, transfer] = [tree.serialisation, tree.transfer].map(Option::unwrap);
            assert!(close(tree.communication, serialisation * transfer), "{ideal_s}");
            assert!(serialisation <= 1.0 && transfer <= 1.0, "{ideal_s}: {serialisation} {transfer}");
        }
        assert_eq!(pop(&ranks(), None).unwrap().transfer, None, "two ranks that were not recorded");
        assert_eq!(pop(&ranks()[..1], None).unwrap().transfer, Some(1.0), "one rank has no network");
    }

    #[test]
    fn nothing_has_no_tree() {
        assert_eq!(pop(&[], None), None);
        assert_eq!(pop(&[RankTimes { loop_s: 0.0, communication_s: 0.0, threads_s: vec![0.0] }], None), None);
    }

    #[test]
    fn the_same_work_in_more_time_scales_badly() {
        let of =
            |busy: f64| pop(&[RankTimes { loop_s: 10.0, communication_s: 0.0, threads_s: vec![busy] }], None).unwrap();
        assert!(close(computation_scaling(&of(8.0), &of(10.0)), 0.8));
    }
}
