//! What the machine did while a run was timed: work of others, time that a hypervisor took, the clock of the cores.
//!
//! Linux tells through `/proc`; elsewhere the figures are absent, and absent is not zero.

use std::fs;
use std::time::Instant;

/// The machine at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    at: Instant,
    /// Clock ticks that all cores were busy, those taken by a hypervisor, and those of this process and its children.
    ticks: Option<[f64; 3]>,
    mhz: Option<f64>,
}

/// The machine during a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Conditions {
    /// Cores' worth of work of other programs.
    pub foreign_cores: Option<f64>,
    /// Cores' worth of time that a hypervisor took.
    pub stolen_cores: Option<f64>,
    /// Mean clock of the cores, the mean of before and after.
    pub mhz: Option<f64>,
}

impl Snapshot {
    /// The machine now.
    pub fn take() -> Snapshot {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let system = system_ticks(&read("/proc/stat"));
        let own = own_ticks(&read("/proc/self/stat"));
        let ticks = system.zip(own).map(|([busy, stolen], own)| [busy, stolen, own]);
        Snapshot { at: Instant::now(), ticks, mhz: mean_clock(&read("/proc/cpuinfo")) }
    }

    /// What happened since an earlier moment.
    pub fn since(&self, earlier: &Snapshot) -> Conditions {
        let seconds = (self.at - earlier.at).as_secs_f64().max(1e-9);
        let ticks = self.ticks.zip(earlier.ticks);
        let per_second = ticks.map(|(now, then)| [0, 1, 2].map(|n| (now[n] - then[n]) / tick_rate() / seconds));
        Conditions {
            foreign_cores: per_second.map(|[busy, _, own]| (busy - own).max(0.0)),
            stolen_cores: per_second.map(|[_, stolen, _]| stolen),
            mhz: self.mhz.zip(earlier.mhz).map(|(a, b)| 0.5 * (a + b)),
        }
    }
}

/// Clock ticks a second.
fn tick_rate() -> f64 {
    rustix::param::clock_ticks_per_second() as f64
}

/// Busy and stolen ticks of all cores since the start of the machine.
fn system_ticks(stat: &str) -> Option<[f64; 2]> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let values: Vec<f64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal
    let [user, nice, system, _, _, irq, softirq, steal] = *values.first_chunk::<8>()?;
    Some([user + nice + system + irq + softirq, steal])
}

/// Ticks of this process and of its children that have ended.
fn own_ticks(stat: &str) -> Option<f64> {
    // The name of the program may hold blanks; fields are counted from the bracket behind it, which is the second.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
    Some(field(14)? + field(15)? + field(16)? + field(17)?)
}

fn mean_clock(cpuinfo: &str) -> Option<f64> {
    let lines = cpuinfo.lines().filter(|line| line.starts_with("cpu MHz"));
    let clocks: Vec<f64> = lines.filter_map(|line| line.split(':').nth(1)?.trim().parse().ok()).collect();
    (!clocks.is_empty()).then(|| clocks.iter().sum::<f64>() / clocks.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_system_are_understood() {
        assert_eq!(system_ticks("cpu  10 1 5 900 7 2 3 4 0 0\ncpu0 1 2 3\n"), Some([21.0, 4.0]));
        let stat = "77 (a (b) c) S 1 77 77 0 -1 0 0 0 0 0 100 20 3 4 20 0 1 0 5 6 7";
        assert_eq!(own_ticks(stat), Some(127.0));
        assert_eq!(mean_clock("cpu MHz\t\t: 2000.0\nx: 1\ncpu MHz : 3000.0\n"), Some(2500.0));
        assert_eq!((system_ticks(""), own_ticks("x"), mean_clock("")), (None, None, None));
    }

    #[test]
    fn foreign_work_is_what_is_not_ours() {
        let at = Instant::now();
        let of =
            |seconds, ticks| Snapshot { at: at + std::time::Duration::from_secs(seconds), ticks, mhz: Some(2000.0) };
        let rate = tick_rate();
        let found = of(2, Some([10.0 * rate, rate, 4.0 * rate])).since(&of(0, Some([0.0, 0.0, 0.0])));
        let close = |value: Option<f64>, expected: f64| (value.unwrap() - expected).abs() < 1e-9;
        assert!(close(found.foreign_cores, 3.0) && close(found.stolen_cores, 0.5) && close(found.mhz, 2000.0));
        assert_eq!(of(2, None).since(&of(0, None)).foreign_cores, None);
    }
}
