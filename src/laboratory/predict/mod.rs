//! How long a step of a deck will take on so many ranks and threads, before they are there.
//!
//! The kernels' rates are measured: a short run of the deck's own kernels on this machine ([`calibrate`]). They are carried to other
//! machines by the roofline (Williams, Waterman and Patterson 2009): what moves memory scales with the bandwidth of a host, what computes
//! with its arithmetic. Messages cost alpha + beta x bytes (Hockney 1994) over the real decomposition, reductions ceil(log2 P) alpha. Between
//! hosts there are two alphas, one of neighbours and one across the machine.
//! Formulas and their limits: `docs/model.md`.
//!
//! Refused: the roofline alone for rates. It knows neither what a sweep loses at the ends of rows nor what a tree costs.

pub mod calibrate;
pub mod count;
pub mod heat;
pub mod nbody;
pub mod page;
pub mod traffic;
pub mod works;

use super::machine::Machine;
use super::machine::links::{FAR, Link};
use crate::error::Result;
use serde::Serialize;

/// Steps of a run are compared over the ranks about so often, in seconds.
const ATTENTION: f64 = 0.01;

/// What a step costs on one shape.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// Ranks x threads.
    pub workers: usize,
    /// Ranks.
    pub ranks: usize,
    /// Threads of each rank.
    pub threads: usize,
    /// Hosts like the machine that these ranks fill.
    pub hosts: usize,
    /// Seconds of a step, the slowest rank.
    pub step_s: f64,
    /// The same if messages cost nothing, and if nothing hid them.
    pub step_s_range: [f64; 2],
    /// Seconds of all steps, if their number is known.
    pub total_s: Option<f64>,
    /// Step of the base over this step, times the workers of the base.
    pub speedup: f64,
    /// Speed-up over workers.
    pub efficiency: f64,
    /// Bytes of arrays of the largest rank.
    pub memory_per_rank: u64,
    /// What the step is made of.
    pub parts: Parts,
    /// More than one host like the machine, or more threads than were measured.
    pub extrapolated: bool,
}

/// Seconds of the parts of a step, on the slowest rank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Parts {
    /// Kernels.
    pub compute_s: f64,
    /// Work that only ranks need: packing, copies of messages, surveys of what is missing.
    pub overhead_s: f64,
    /// Messages beyond the computing that hides them.
    pub messages_s: f64,
    /// Messages hidden behind computing.
    pub hidden_s: f64,
    /// Reductions.
    pub reductions_s: f64,
}

impl Parts {
    /// Seconds of a step.
    pub fn step_s(&self) -> f64 {
        self.compute_s + self.overhead_s + self.messages_s + self.reductions_s
    }

    fn range(&self) -> [f64; 2] {
        [self.compute_s, self.step_s() + self.hidden_s]
    }
}

/// Ranks on hosts like the machine, and what messages cost between them.
#[derive(Clone, Debug)]
pub struct Shape<'a> {
    /// Ranks.
    pub ranks: usize,
    /// Threads of each.
    pub threads: usize,
    /// Ranks of a full host.
    pub per_host: usize,
    /// Messages in a host.
    pub local: &'a Link,
    /// Messages between hosts, latency that of neighbours.
    pub remote: &'a Link,
    /// Latency between hosts that are further apart.
    pub far_alpha_s: f64,
    /// What a byte costs if all hosts send across the machine at once.
    pub far_beta_s_per_byte: f64,
}

impl<'a> Shape<'a> {
    /// So many ranks, as many on a host as its cores serve.
    pub fn new(machine: &Machine, links: &'a Links, ranks: usize, threads: usize) -> Shape<'a> {
        Shape::filled(links, ranks, threads, (machine.cores / threads).max(1))
    }

    /// All ranks on one host, whether or not it has cores for them.
    pub fn on_one_host(links: &'a Links, ranks: usize, threads: usize) -> Shape<'a> {
        Shape::filled(links, ranks, threads, ranks)
    }

    fn filled(links: &'a Links, ranks: usize, threads: usize, per_host: usize) -> Shape<'a> {
        let Links { local, remote, far_alpha_s, far_beta_s_per_byte, .. } = links;
        let (far_alpha_s, far_beta_s_per_byte) = (*far_alpha_s, *far_beta_s_per_byte);
        Shape { ranks, threads, per_host, local, remote, far_alpha_s, far_beta_s_per_byte }
    }

    /// Workers that share a core of the fullest host; 1 if there are enough.
    pub fn crowding(&self, machine: &Machine) -> f64 {
        (self.workers_here() as f64 / machine.cores.max(1) as f64).max(1.0)
    }

    /// Ranks on the fullest host.
    pub fn here(&self) -> usize {
        self.ranks.min(self.per_host)
    }

    /// Threads at work on the fullest host.
    pub fn workers_here(&self) -> usize {
        self.here() * self.threads
    }

    /// Hosts.
    pub fn hosts(&self) -> usize {
        self.ranks.div_ceil(self.per_host)
    }

    /// Whether a message between two ranks leaves the host.
    pub fn is_remote(&self, a: usize, b: usize) -> bool {
        a / self.per_host != b / self.per_host
    }

    /// Seconds of an empty message between two ranks.
    pub fn alpha_s(&self, a: usize, b: usize) -> f64 {
        match (a / self.per_host).abs_diff(b / self.per_host) {
            0 => self.local.alpha_s,
            1 => self.remote.alpha_s,
            _ => self.far_alpha_s,
        }
    }

    /// The link that leaves a host, if there are several.
    pub fn outer(&self) -> &Link {
        if self.hosts() > 1 { self.remote } else { self.local }
    }

    /// Seconds of an empty message over half of the hosts.
    pub fn across_s(&self) -> f64 {
        self.alpha_s(0, self.hosts() / 2 * self.per_host)
    }

    /// Seconds that a byte costs if all hosts send over half of them at once.
    pub fn across_s_per_byte(&self) -> f64 {
        if self.hosts() / 2 > 1 { self.far_beta_s_per_byte } else { self.outer().beta_s_per_byte }
    }

    /// Stages of a reduction over all ranks: ceil(log2 P).
    pub fn stages(&self) -> f64 {
        f64::from(self.ranks.next_power_of_two().trailing_zeros())
    }

    /// Seconds of a reduction over all ranks: in each stage a message of no length, as long as the longest.
    pub fn reduction_s(&self) -> f64 {
        self.stages() * self.across_s()
    }
}

/// Costs of messages in a host and between hosts.
#[derive(Clone, Debug)]
pub struct Links {
    /// In a host.
    pub local: Link,
    /// Between hosts that are neighbours.
    pub remote: Link,
    /// Latency between hosts that are further apart.
    pub far_alpha_s: f64,
    /// What a byte costs if all hosts send across the machine at once: more than between two, where ways are shared.
    pub far_beta_s_per_byte: f64,
    /// Where the costs between hosts come from, in words.
    pub origin: &'static str,
}

impl Links {
    /// Of a machine; between hosts as told, or as between MPI ranks, or as over the loopback. Only a machine that was measured on several
    /// hosts knows that far ones take longer.
    pub fn new(machine: &Machine, network: Option<[f64; 2]>) -> Links {
        let free = Link { name: "none".to_owned(), between: String::new(), alpha_s: 0.0, beta_s_per_byte: 0.0 };
        let local = machine.link("shared_memory").cloned().unwrap_or(free);
        let told = network.map(|[alpha_s, beta_s_per_byte]| Link {
            name: "network".to_owned(),
            between: "hosts".to_owned(),
            alpha_s,
            beta_s_per_byte,
        });
        let far_of_ranks = if told.is_none() { machine.link(FAR) } else { None };
        let (remote, origin) = match (told, machine.link("mpi"), machine.link("tcp")) {
            (Some(link), _, _) => (link, "as --network says"),
            (None, Some(link), _) => (link.clone(), "as measured between MPI ranks"),
            (None, None, Some(link)) => {
                (link.clone(), "as TCP over the loopback: a stand-in; give --network for a real one")
            }
            (None, None, None) => (local.clone(), "as in one host: a stand-in; give --network for a real one"),
        };
        let far_alpha_s = far_of_ranks.map_or(remote.alpha_s, |far| far.alpha_s.max(remote.alpha_s));
        let far_beta_s_per_byte =
            far_of_ranks.map_or(remote.beta_s_per_byte, |far| far.beta_s_per_byte.max(remote.beta_s_per_byte));
        Links { local, remote, far_alpha_s, far_beta_s_per_byte, origin }
    }
}

/// A deck's kernels with their measured rates.
pub trait Work {
    /// Parts of a step on a shape.
    ///
    /// # Errors
    /// If the deck does not fit the ranks.
    fn parts(&self, machine: &Machine, shape: &Shape<'_>) -> Result<Parts>;

    /// Bytes of arrays of the largest of so many ranks.
    ///
    /// # Errors
    /// If the deck does not fit the ranks.
    fn memory_per_rank(&self, ranks: usize) -> Result<u64>;

    /// Steps of the run, if that is known.
    fn steps(&self) -> Option<u64>;

    /// Most threads of a host for which rates were measured.
    fn measured_workers(&self) -> usize;

    /// What was measured, a line each.
    fn words(&self) -> Vec<String>;
}

/// One shape. Speed-up and efficiency are those against itself; [`table`] sets them against a base.
///
/// # Errors
/// If the deck does not fit the ranks.
pub fn predict(work: &dyn Work, machine: &Machine, links: &Links, ranks: usize, threads: usize) -> Result<Prediction> {
    predict_shape(work, machine, &Shape::new(machine, links, ranks, threads))
}

/// As [`predict`], with a shape that says how ranks fill hosts.
///
/// # Errors
/// Likewise.
pub fn predict_shape(work: &dyn Work, machine: &Machine, shape: &Shape<'_>) -> Result<Prediction> {
    let (ranks, threads) = (shape.ranks, shape.threads);
    let mut parts = work.parts(machine, shape)?;
    // The loop compares signals and clocks over the ranks, at every step if steps are long.
    parts.reductions_s += shape.reduction_s() * (parts.step_s() / ATTENTION).min(1.0);
    let step_s = parts.step_s();
    Ok(Prediction {
        workers: ranks * threads,
        ranks,
        threads,
        hosts: shape.hosts(),
        step_s,
        step_s_range: parts.range(),
        total_s: work.steps().map(|steps| steps as f64 * step_s),
        speedup: (ranks * threads) as f64,
        efficiency: 1.0,
        memory_per_rank: work.memory_per_rank(ranks)?,
        parts,
        extrapolated: shape.hosts() > 1 || shape.workers_here() > work.measured_workers(),
    })
}

/// All of these rank counts, set against the first that fits; a count that does not fit has its reason.
pub fn table(
    work: &dyn Work,
    machine: &Machine,
    links: &Links,
    ranks: &[usize],
    threads: usize,
) -> Vec<(usize, Result<Prediction>)> {
    let of = |&ranks: &usize| (ranks, predict(work, machine, links, ranks, threads));
    let mut rows: Vec<(usize, Result<Prediction>)> = ranks.iter().map(of).collect();
    let base = rows.iter().find_map(|(_, row)| row.as_ref().ok().map(|row| (row.step_s, row.workers)));
    if let Some((step_s, workers)) = base {
        for row in rows.iter_mut().filter_map(|(_, row)| row.as_mut().ok()) {
            row.speedup = step_s / row.step_s * workers as f64;
            row.efficiency = row.speedup / row.workers as f64;
        }
    }
    rows
}

/// The fastest of the powers of two up to the largest of `ranks`, and of `ranks` themselves.
pub fn best(work: &dyn Work, machine: &Machine, links: &Links, ranks: &[usize], threads: usize) -> Option<Prediction> {
    let most = ranks.iter().max().copied().unwrap_or(1);
    let powers = std::iter::successors(Some(1), |n| Some(2 * n)).take_while(|&n| n <= most);
    let counts: std::collections::BTreeSet<usize> = powers.chain(ranks.iter().copied()).collect();
    let fitting = counts.into_iter().filter_map(|count| predict(work, machine, links, count, threads).ok());
    fitting.min_by(|a, b| a.step_s.total_cmp(&b.step_s))
}

/// How much faster hosts of the machine are with `workers` threads than this one is with `measured`; `rate` reads a figure for a number of
/// threads. On this very machine with measured threads it is 1, whatever noise the figures have.
pub fn host_factor(
    machine: &Machine,
    home: &Machine,
    workers: usize,
    measured: usize,
    rate: impl Fn(&Machine, usize) -> f64,
) -> f64 {
    let is_home = machine.host == home.host && machine.cpu_model == home.cpu_model;
    let basis = if is_home { machine } else { home };
    rate(machine, workers) / rate(basis, measured)
}

/// Bytes a second of streaming copies with so many threads: the nearest measured count below, no more above the largest.
pub fn bandwidth_of(machine: &Machine, threads: usize) -> f64 {
    let below = machine.bandwidth.iter().filter(|b| b.threads <= threads).max_by_key(|b| b.threads);
    below.or(machine.bandwidth.first()).map_or(1.0, |b| b.nontemporal_copy_bytes_per_s)
}

/// Operations a second of the fastest path with so many threads, from its figure for one.
pub fn flops_of(machine: &Machine, threads: usize) -> f64 {
    let single = machine.flops.iter().filter(|f| f.threads == 1).map(|f| f.f64_per_s).fold(0.0, f64::max);
    if single > 0.0 { single * threads.min(machine.cores.max(1)) as f64 } else { threads as f64 }
}

#[cfg(test)]
#[path = "predict_tests.rs"]
mod tests;
