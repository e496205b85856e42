//! A step of bodies: measured seconds a body (or a pair) of a rank, what two ranks were seen to send and to lose, and the blocks of the direct sum.

use super::traffic::Traffic;
use super::{Parts, Shape, Work, flops_of, host_factor};
use crate::decomposition::block_range;
use crate::error::{Error, Result};
use crate::laboratory::machine::Machine;
use crate::nbody::fmm::exchange::FLIGHT_BYTES_PER_S;
use crate::nbody::model::{NBodyModel, SOURCE_BYTES, memory_bytes};
use crate::nbody::problem::{Integrator, Method, NBodyProblem};
use crate::nbody::relay::{Hop, Relay};
use crate::timing::Phase;

/// Reductions of an evaluation by direct summation: counts, blocks, extent, failures.
const DIRECT_REDUCTIONS: f64 = 4.0;

/// What a step of one rank cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NBodyCosts {
    /// Pairs of bodies.
    pub near_s: f64,
    /// Cell interactions.
    pub far_s: f64,
    /// Tree and moments.
    pub tree_s: f64,
    /// Waiting for others and finding out what is missing.
    pub exchange_s: f64,
    /// Kicks and drifts.
    pub integration_s: f64,
    /// Evaluations of forces.
    pub evaluations: f64,
    /// Pairs of bodies and of cells.
    pub pairs: [f64; 2],
}

impl NBodyCosts {
    /// Of a model, so far.
    pub fn of(model: &NBodyModel<'_>) -> NBodyCosts {
        let costs = model.costs();
        NBodyCosts {
            near_s: costs.near_s,
            far_s: costs.far_s,
            tree_s: costs.build_s + costs.upward_s,
            exchange_s: costs.exchange_s,
            integration_s: model.timers.seconds(Phase::Integration),
            evaluations: costs.evaluations as f64,
            pairs: [costs.pairs as f64, costs.cell_pairs as f64],
        }
    }

    /// The difference to an earlier moment.
    pub fn since(&self, earlier: &NBodyCosts) -> NBodyCosts {
        NBodyCosts {
            near_s: self.near_s - earlier.near_s,
            far_s: self.far_s - earlier.far_s,
            tree_s: self.tree_s - earlier.tree_s,
            exchange_s: self.exchange_s - earlier.exchange_s,
            integration_s: self.integration_s - earlier.integration_s,
            evaluations: self.evaluations - earlier.evaluations,
            pairs: [self.pairs[0] - earlier.pairs[0], self.pairs[1] - earlier.pairs[1]],
        }
    }

    /// All of it.
    pub fn seconds(&self) -> f64 {
        self.near_s + self.far_s + self.rest_s()
    }

    /// All but pairs of bodies and of cells.
    fn rest_s(&self) -> f64 {
        self.tree_s + self.exchange_s + self.integration_s
    }
}

/// What two ranks lose in a step, and how even their work is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TreeCounts {
    /// Work of the busiest rank over the mean.
    pub imbalance: f64,
    /// Work of all ranks over that of one rank alone: pairs that are found twice.
    pub growth: f64,
    /// Seconds of a rank beyond its share of what one rank alone needs: surveys, answers, a tree that is not shared evenly.
    pub lost_s: f64,
}

impl TreeCounts {
    /// From the costs of each rank, with the price of a pair from a rank alone. `speed` is how fast each of the ranks was, with the threads that
    /// it had, compared with the one that was alone.
    pub fn new(of_ranks: &[NBodyCosts], alone: &NBodyCosts, speed: f64) -> TreeCounts {
        let price = [alone.near_s / alone.pairs[0].max(1.0), alone.far_s / alone.pairs[1].max(1.0)];
        let work = |costs: &NBodyCosts| costs.pairs[0] * price[0] + costs.pairs[1] * price[1];
        let works: Vec<f64> = of_ranks.iter().map(work).collect();
        let sum: f64 = works.iter().sum();
        let ranks = of_ranks.len() as f64;
        let rest: f64 = of_ranks.iter().map(NBodyCosts::rest_s).sum();
        TreeCounts {
            imbalance: works.iter().copied().fold(0.0, f64::max) * works.len() as f64 / sum.max(1e-300),
            growth: sum / work(alone).max(1e-300),
            lost_s: ((rest * speed - alone.rest_s()) / ranks).max(0.0),
        }
    }
}

/// An N-body deck with its measured costs.
#[derive(Clone, Debug)]
pub struct NBodyWork {
    /// The problem with its method chosen.
    pub problem: NBodyProblem,
    /// Bodies of the deck.
    pub count: u64,
    /// Bodies that were measured.
    pub measured: u64,
    /// Threads of the rank that was measured.
    pub threads: usize,
    /// A step of the measured bodies on one rank.
    pub costs: NBodyCosts,
    /// Of the multipole method.
    pub tree: Option<TreeCounts>,
    /// What an evaluation by multipoles sends, on ascending numbers of ranks; empty if no shape in question has several hosts.
    pub traffic: Vec<Traffic>,
    /// Steps, if they are known.
    pub steps: Option<u64>,
    /// This machine; its arithmetic carries the costs to others.
    pub home: Machine,
}

impl NBodyWork {
    /// How much faster a rank of the shape is than the one that was measured.
    fn factor(&self, machine: &Machine, shape: &Shape<'_>) -> f64 {
        // A rate knows the cores of a host already, so a rank alone with too many threads is not slowed down twice.
        let cores = machine.cores.max(1);
        let shared = (shape.here() * shape.threads.min(cores)) as f64 / cores as f64;
        host_factor(machine, &self.home, shape.threads, self.threads, flops_of) / shared.max(1.0)
    }

    /// Seconds of a step that one rank with all bodies would take, with the threads of the shape: pairs of bodies and of cells, and the rest.
    fn alone(&self, machine: &Machine, shape: &Shape<'_>) -> [f64; 2] {
        let (costs, factor) = (&self.costs, self.factor(machine, shape));
        let times = self.count as f64 / self.measured as f64;
        let square = if self.problem.gravity.method == Method::Direct { times } else { 1.0 };
        [(costs.near_s * square + costs.far_s) * times / factor, costs.rest_s() * times / factor]
    }

    /// Blocks are passed on while one is summed: stages of a hop for each block that is on its way.
    fn direct(&self, machine: &Machine, shape: &Shape<'_>) -> Parts {
        let (ranks, [pairs, linear]) = (shape.ranks as f64, self.alone(machine, shape));
        let largest = block_range(self.count as usize, shape.ranks, 0).1 as f64 / self.count as f64;
        let evaluations = self.costs.evaluations;
        let block = SOURCE_BYTES as f64 * self.count as f64 / ranks;
        let [hop, first_hop] = if shape.ranks > 1 { hops_s(shape, block) } else { [0.0; 2] };
        // In a host bytes are copies, and a rank copies out as many blocks as it copies in.
        let copies = if shape.hosts() == 1 { 2.0 * (ranks - 1.0) * block * shape.local.beta_s_per_byte } else { 0.0 };
        let cover = pairs * largest / (evaluations.max(1.0) * ranks);
        // Nothing hides the way of the first block, and the last one is summed when all have come.
        let filling = first_hop * Relay::new(shape.ranks, 0).depth() as f64;
        let hidden = hop.min(cover) * (ranks - 1.0);
        Parts {
            compute_s: (pairs + linear) * largest,
            overhead_s: evaluations * copies,
            messages_s: evaluations * (filling + hop * (ranks - 1.0) - hidden),
            hidden_s: evaluations * hidden,
            reductions_s: evaluations * DIRECT_REDUCTIONS * shape.reduction_s(),
        }
    }

    /// What ranks lose goes with the surface of their parts: their bodies to the power 2/3, and their neighbours.
    fn tree(&self, counts: &TreeCounts, machine: &Machine, shape: &Shape<'_>) -> Parts {
        let (ranks, [pairs, rest]) = (shape.ranks as f64, self.alone(machine, shape));
        let levels = ranks.log2();
        let imbalance = 1.0 + (counts.imbalance - 1.0).max(0.0) * levels;
        let growth = 1.0 + (counts.growth - 1.0).max(0.0) * levels;
        let bodies = (self.count as f64 / ranks) / (self.measured as f64 / 2.0);
        let surface = bodies.powf(2.0 / 3.0) * levels.min(2.0);
        let pairs = pairs * imbalance * growth / ranks;
        // What is lost holds the messages of ranks in one process.
        let traffic = Traffic::at(&self.traffic, shape.ranks).filter(|_| shape.hosts() > 1).unwrap_or_default();
        let evaluations = self.costs.evaluations;
        let flying = evaluations * traffic.exchanges_s(shape);
        let hidden = flying.min(pairs).min(evaluations * traffic.mean / FLIGHT_BYTES_PER_S);
        Parts {
            compute_s: pairs + rest / ranks,
            overhead_s: counts.lost_s * surface / self.factor(machine, shape),
            messages_s: flying - hidden,
            hidden_s: hidden,
            reductions_s: evaluations * traffic.reductions_s(shape),
        }
    }
}

/// Seconds of a stage with hops of blocks of so many bytes, and of one while the first block is on its way. They fly at once, and stages wait
/// for the busiest host, whose messages share its way out or in; nearly all of its hops are to near hosts, for half of all go to the
/// next rank and a quarter to the second. A block makes its wide hops first, when few ranks have it, and what one that is `n` ranks wide delays
/// is the rank that sets out with its own block `n` stages later. So far latency holds up no stage but those of the first block.
fn hops_s(shape: &Shape<'_>, block: f64) -> [f64; 2] {
    let (outer, most) = (shape.outer(), busiest(shape));
    let in_flight = |messages: usize| messages as f64 * block * outer.beta_s_per_byte;
    let near = outer.alpha_s + in_flight(most);
    [near, near.max(shape.across_s() + in_flight(most.min(1)))]
}

/// Most messages that leave one host, or reach one, in a stage of the direct sum. As many stages as a host has ranks are looked at: they repeat
/// after those.
fn busiest(shape: &Shape<'_>) -> usize {
    let first = Relay::new(shape.ranks, 0).depth() - 1;
    let of_stage = |stage: usize| {
        let (mut left, mut reached) = (vec![0; shape.hosts()], vec![0; shape.hosts()]);
        for rank in 0..shape.ranks {
            let relay = Relay::new(shape.ranks, rank);
            for hop in relay.under_way(stage).filter_map(|block| relay.hop(block, stage)) {
                match hop {
                    Hop::To(to) if shape.is_remote(rank, to) => left[rank / shape.per_host] += 1,
                    Hop::From(from) if shape.is_remote(rank, from) => reached[rank / shape.per_host] += 1,
                    _ => (),
                }
            }
        }
        left.into_iter().chain(reached).max().unwrap_or(0)
    };
    (first..(first + shape.here()).min(shape.ranks)).map(of_stage).max().unwrap_or(0)
}

impl Work for NBodyWork {
    fn parts(&self, machine: &Machine, shape: &Shape<'_>) -> Result<Parts> {
        if shape.ranks as u64 > self.count {
            return Err(Error::Input(format!(
                "{} bodies do not feed {} ranks: use at most {}",
                self.count, shape.ranks, self.count
            )));
        }
        if matches!(self.problem.integrator, Integrator::Hermite4 | Integrator::GaussRadau15) && shape.ranks > 1 {
            return Err(Error::Input(format!(
                "{} keeps all bodies on every rank, which this model does not describe: predict one rank",
                self.problem.integrator.name()
            )));
        }
        Ok(match &self.tree {
            Some(counts) => self.tree(counts, machine, shape),
            None => self.direct(machine, shape),
        })
    }

    fn memory_per_rank(&self, ranks: usize) -> Result<u64> {
        let own = block_range(self.count as usize, ranks, 0).1 as u64;
        Ok(memory_bytes(&self.problem, own, self.count, ranks))
    }

    fn steps(&self) -> Option<u64> {
        self.steps
    }

    fn measured_workers(&self) -> usize {
        self.home.cores.max(self.threads)
    }

    fn words(&self) -> Vec<String> {
        let costs = &self.costs;
        let step = format!(
            "{:.4e} s a step of {} bodies on {} threads here, {} force evaluations, median",
            costs.seconds(),
            self.measured,
            self.threads,
            costs.evaluations
        );
        let counts = |t: &TreeCounts| {
            format!(
                "2 ranks of this process: busiest {:.1} % above the mean, {:.1} % more work, {:.4e} s lost to surveys and waiting",
                100.0 * (t.imbalance - 1.0),
                100.0 * (t.growth - 1.0),
                t.lost_s
            )
        };
        let tree = self.tree.as_ref().map(counts);
        [step].into_iter().chain(tree).chain(self.traffic.iter().map(Traffic::words)).collect()
    }
}
