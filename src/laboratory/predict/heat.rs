//! A step of heat diffusion: cells over the measured rate of a host, halos of the real decomposition.

use super::calibrate::Rate;
use super::{Parts, Shape, Work, bandwidth_of, host_factor};
use crate::decomposition::CartesianDecomposition;
use crate::error::Result;
use crate::field::Layout;
use crate::halo::{HaloExchange, halo_sides};
use crate::heat::{self, HeatOptions};
use crate::laboratory::machine::Machine;
use crate::run_config::HeatRun;

/// A heat deck with the rates of its kernel.
#[derive(Clone, Debug)]
pub struct HeatWork {
    /// The deck.
    pub config: HeatRun,
    /// Cell updates a second of this machine, ascending in threads.
    pub rates: Vec<Rate>,
    /// This machine; its bandwidth carries the rates to others.
    pub home: Machine,
    /// Steps, if they are known.
    pub steps: Option<u64>,
    /// What was measured, in words.
    pub how: String,
}

/// A rank's share of a step.
struct Share {
    /// Cells that it computes, rims of wide halos included, a mean over steps.
    cells: f64,
    /// Of them, the share that is computed while messages fly.
    interior: f64,
    /// Bytes packed in an exchange.
    bytes: f64,
    /// Seconds of messages of an exchange: the longest latency, for all fly at once; copies in the host, and what crosses the network.
    latency_s: f64,
    local_s: f64,
    remote_s: f64,
}

impl HeatWork {
    fn decomposition(&self, ranks: usize) -> Result<CartesianDecomposition> {
        let plan = &self.config.decomposition;
        let options = HeatOptions { dims: plan.dims, halo_width: plan.halo_width, ..HeatOptions::default() };
        heat::decompose(&self.config.problem, ranks, &options)
    }

    /// Cell updates a second of one rank of a shape: its share of what its host can do.
    fn rank_rate(&self, machine: &Machine, shape: &Shape<'_>) -> f64 {
        let workers = shape.workers_here();
        let rate = Rate::nearest(&self.rates, workers);
        let factor = host_factor(machine, &self.home, workers, rate.threads, bandwidth_of);
        rate.per_s * factor / shape.here() as f64
    }

    fn share(&self, decomposition: &CartesianDecomposition, rank: usize, shape: &Shape<'_>) -> Share {
        let width = self.config.decomposition.halo_width;
        let cells = decomposition.subdomain(rank).cells;
        let sides = halo_sides(decomposition, rank, width);
        let region = |reach: f64| -> f64 {
            let extent = |axis: usize| {
                let neighbours = sides[axis].iter().filter(|&&side| side > 0).count() as f64;
                (cells[axis] as f64 + reach * neighbours).max(0.0)
            };
            (0..3).map(extent).product()
        };
        let layout = Layout::new(cells, sides);
        let mut share = Share {
            cells: (0..width).map(|age| region((width - 1 - age) as f64)).sum::<f64>() / width as f64,
            interior: region(-1.0) / region((width - 1) as f64),
            bytes: 0.0,
            latency_s: 0.0,
            local_s: 0.0,
            remote_s: 0.0,
        };
        for (neighbour, bytes) in HaloExchange::messages_of(decomposition, rank, &layout, width) {
            share.add(shape, rank, neighbour, bytes as f64);
        }
        share
    }
}

impl Share {
    fn add(&mut self, shape: &Shape<'_>, rank: usize, neighbour: usize, bytes: f64) {
        self.bytes += bytes;
        self.latency_s = self.latency_s.max(shape.alpha_s(rank, neighbour));
        if shape.is_remote(rank, neighbour) {
            // The ranks of a host share its way to the network.
            self.remote_s += bytes * shape.remote.beta_s_per_byte * shape.here() as f64;
        } else {
            self.local_s += bytes * shape.local.beta_s_per_byte;
        }
    }

    /// Seconds a step, with `width` steps to an exchange. Latencies and the network are hidden by the interior; copies in the host keep
    /// the core busy that would compute.
    fn parts(&self, rate: f64, copy_rate: f64, width: f64) -> Parts {
        let compute = self.cells / rate;
        // Every value is read and written once to pack and once to unpack.
        let overhead = (4.0 * self.bytes / copy_rate + self.local_s) / width;
        let (flying, cover) = ((self.latency_s + self.remote_s) / width, compute * self.interior / width);
        let hidden = flying.min(cover);
        Parts {
            compute_s: compute,
            overhead_s: overhead,
            messages_s: flying - hidden,
            hidden_s: hidden,
            reductions_s: 0.0,
        }
    }
}

impl Work for HeatWork {
    fn parts(&self, machine: &Machine, shape: &Shape<'_>) -> Result<Parts> {
        let decomposition = self.decomposition(shape.ranks)?;
        let rate = self.rank_rate(machine, shape);
        let copy_rate = bandwidth_of(machine, shape.workers_here()) / shape.here() as f64;
        let width = self.config.decomposition.halo_width as f64;
        let of_rank = |rank: usize| self.share(&decomposition, rank, shape).parts(rate, copy_rate, width);
        let slowest = (0..shape.ranks).map(of_rank).max_by(|a, b| a.step_s().total_cmp(&b.step_s()));
        Ok(slowest.unwrap_or_default())
    }

    fn memory_per_rank(&self, ranks: usize) -> Result<u64> {
        let (problem, decomposition) = (&self.config.problem, self.decomposition(ranks)?);
        // The first rank has the longest blocks, another one more halo: the largest of a few hundred is the largest of all.
        let some = (0..ranks).step_by(ranks.div_ceil(256));
        let bytes = |rank| heat::memory_bytes(problem, &decomposition, rank, self.config.decomposition.halo_width);
        Ok(some.map(bytes).max().unwrap_or(0) as u64)
    }

    fn steps(&self) -> Option<u64> {
        self.steps
    }

    fn measured_workers(&self) -> usize {
        self.rates.last().map_or(1, |rate| rate.threads)
    }

    fn words(&self) -> Vec<String> {
        let rate = |r: &Rate| format!("{:.4} G cell updates/s on {} threads", r.per_s / 1e9, r.threads);
        self.rates.iter().map(rate).chain([self.how.clone()]).collect()
    }
}
