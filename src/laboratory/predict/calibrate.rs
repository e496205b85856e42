//! Short runs of a deck's own kernels on this machine.
//!
//! Heat: one rank on a grid of the deck, with fewer layers where the deck's is large, for each number of threads that a host will use
//! at once. Bodies: one rank on the deck's bodies, fewer where there are many, and the same bodies on two ranks of this process for what
//! ranks lose, and on more for what they send ([`count`]).

use super::count;
use super::nbody::{NBodyCosts, NBodyWork, TreeCounts};
use crate::comm::solo::Solo;
use crate::comm::{Communicator, threads as ranks};
use crate::cpu::CpuPath;
use crate::error::{Error, Result};
use crate::grid::UniformGrid;
use crate::heat::problem::{HeatProblem, Initial};
use crate::heat::{HeatModel, HeatOptions};
use crate::host::{self, topology};
use crate::input::bodies::Files;
use crate::laboratory::machine::Machine;
use crate::laboratory::statistics::median;
use crate::nbody::groups::{BodyGroup, Model};
use crate::nbody::initial;
use crate::nbody::model::NBodyModel;
use crate::nbody::problem::{Method, NBodyProblem};
use crate::particles::Particles;
use crate::run_config::{HeatRun, NBodyRun, TimeStep};
use rayon::ThreadPoolBuilder;
use std::time::Instant;

/// Most cells of a measured grid: its two fields are far beyond any cache.
const MOST_CELLS: usize = 1 << 25;
/// Bytes that a cell takes at most, coefficients included.
const CELL: u64 = 48;
/// Most bodies that are measured, by method: direct, multipoles.
const MOST_BODIES: [u64; 2] = [20_000, 100_000];
/// Seconds after which no further step is measured.
const BUDGET: f64 = 1.0;
/// Fewest and most steps that are measured.
const STEPS: [usize; 2] = [3, 60];
/// Steps of two ranks that are counted, after one that is not; the one with the median loss is taken.
const COUNTED_STEPS: usize = 9;

/// A rate of so many threads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Threads.
    pub threads: usize,
    /// Work a second.
    pub per_s: f64,
}

impl Rate {
    /// The rate of the most threads up to `threads`, else the first.
    pub fn nearest(rates: &[Rate], threads: usize) -> Rate {
        let below = rates.iter().rev().find(|rate| rate.threads <= threads).or(rates.first());
        below.copied().unwrap_or(Rate { threads: 1, per_s: 1.0 })
    }
}

/// Median cell updates a second for each number of threads, and how they were found.
///
/// # Errors
/// If the deck's model cannot be built.
pub fn heat(config: &HeatRun, thread_counts: &[usize]) -> Result<(Vec<Rate>, String)> {
    let problem = measured_problem(&config.problem, most_cells());
    let cells = problem.grid.cell_count();
    let rate = |&threads: &usize| in_pool(threads, || heat_rate(&problem, cells)).map(|per_s| Rate { threads, per_s });
    let rates = thread_counts.iter().map(rate).collect::<Result<Vec<_>>>()?;
    let [x, y, z] = problem.grid.cells;
    Ok((rates, format!("median of steps on {x} x {y} x {z} cells here")))
}

/// [`MOST_CELLS`], or what fits a quarter of the memory that can be had.
fn most_cells() -> usize {
    let limits = [host::memory_limit().map(|limit| limit.bytes), topology::available_memory()];
    limits.into_iter().flatten().min().map_or(MOST_CELLS, |bytes| MOST_CELLS.min((bytes / 4 / CELL) as usize))
}

/// The problem with fewer layers along the last axis if it has more than `most` cells, and a plain initial state: neither changes which
/// kernels run.
fn measured_problem(problem: &HeatProblem, most: usize) -> HeatProblem {
    let (grid, mut smaller) = (&problem.grid, problem.clone());
    let last = grid.dimensions - 1;
    let layer = grid.cell_count() / grid.cells[last];
    let mut cells = grid.cells;
    cells[last] = cells[last].min((most / layer).max(8));
    let size: Vec<f64> = (0..grid.dimensions).map(|axis| grid.length(axis)).collect();
    smaller.grid = UniformGrid::new(&cells[..grid.dimensions], &size);
    smaller.initial = Initial::Regions { background: 20.0, patches: Vec::new() };
    smaller
}

fn heat_rate(problem: &HeatProblem, cells: usize) -> Result<f64> {
    let bytes = |level: u8| host::cache(level).map(|c| c.bytes as usize);
    let basis = HeatOptions::default();
    let last_level = bytes(3).or(bytes(2)).unwrap_or(basis.last_level);
    let options = HeatOptions { cache: bytes(2).unwrap_or(basis.cache), last_level, ..basis };
    let mut model = HeatModel::new(problem.clone(), &Solo, &options)?;
    let dt = 0.5 * model.spectral().max_stable_dt();
    let mut step = 0;
    Ok(cells as f64
        / median_seconds(|| {
            model.advance(f64::from(step) * dt, dt);
            step += 1;
            Ok(())
        })?)
}

/// Median seconds of a step, the first one not counted.
fn median_seconds(mut step: impl FnMut() -> Result<()>) -> Result<f64> {
    step()?;
    let (begin, mut seconds) = (Instant::now(), Vec::new());
    while seconds.len() < STEPS[0] || (seconds.len() < STEPS[1] && begin.elapsed().as_secs_f64() < BUDGET) {
        let start = Instant::now();
        step()?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    Ok(median(&seconds).max(1e-12))
}

fn in_pool<T: Send>(threads: usize, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    let refused = |cause| Error::Input(format!("cannot start {threads} threads ({cause}); use fewer --threads"));
    pool.map_err(refused)?.install(work)
}

/// The deck's bodies with their measured costs, on `threads` threads of a rank; and what multipoles send on up to so many `ranks` if those are
/// more than one. `problem` has its method chosen.
///
/// # Errors
/// If the bodies cannot be made or their forces are not finite.
pub fn bodies(
    config: &NBodyRun,
    problem: &NBodyProblem,
    (count, steps): (u64, Option<u64>),
    [threads, ranks]: [usize; 2],
    home: Machine,
) -> Result<NBodyWork> {
    let most = MOST_BODIES[usize::from(problem.gravity.method == Method::Fmm)];
    let sample = Sample { problem: fewer(problem, count, most), most, step: config.time.dt };
    let (costs, bodies) = in_pool(threads, || sample.costs(&Solo))?;
    let measured = bodies.len() as u64;
    let is_tree = problem.gravity.method == Method::Fmm;
    let tree = if is_tree { Some(sample.counts(&costs, threads)?) } else { None };
    let times = count as f64 / measured as f64;
    let traffic =
        if is_tree && ranks > 1 { count::counts(&problem.gravity, &bodies, times, ranks)? } else { Vec::new() };
    Ok(NBodyWork { problem: problem.clone(), count, measured, threads, costs, tree, traffic, steps, home })
}

/// Models with counts scaled down to about `most` bodies in all.
fn fewer(problem: &NBodyProblem, count: u64, most: u64) -> NBodyProblem {
    let mut smaller = problem.clone();
    let scale = |n: &mut u64| *n = ((*n as f64 * most as f64 / count as f64).ceil() as u64).clamp(1, *n);
    for group in smaller.groups.iter_mut().filter(|_| count > most) {
        let BodyGroup::Generated(generated) = group else { continue };
        match &mut generated.model {
            Model::Sphere(sphere) => scale(&mut sphere.count),
            Model::Uniform(sphere) => scale(&mut sphere.count),
            Model::Disc(galaxy) => {
                scale(&mut galaxy.count);
                scale(&mut galaxy.halo.count);
                galaxy.bulge.iter_mut().for_each(|bulge| scale(&mut bulge.count));
            }
            Model::Orbit(_) | Model::Polygon(_) => {}
        }
    }
    smaller
}

/// Bodies that are measured.
struct Sample {
    problem: NBodyProblem,
    most: u64,
    step: TimeStep,
}

impl Sample {
    /// This rank's block.
    fn bodies(&self, comm: &dyn Communicator) -> Result<Particles> {
        let source = initial::open(&self.problem, &Files)?;
        if source.count() > 2 * self.most {
            return Err(Error::Input(format!(
                "predict measures at most {} bodies, but files of the deck hold {}: thin them out",
                2 * self.most,
                source.count()
            )));
        }
        source.bodies(comm)
    }

    fn model<'c>(&self, comm: &'c dyn Communicator) -> Result<NBodyModel<'c>> {
        NBodyModel::new(&self.problem, self.bodies(comm)?, comm, CpuPath::best())
    }

    fn dt(&self, model: &NBodyModel<'_>) -> f64 {
        match self.step {
            TimeStep::Fixed(dt) => dt,
            TimeStep::Auto { safety } => safety * model.shortest_free_fall().min(1e3),
        }
    }

    /// Seconds of the parts of a step on this process alone, the step of the median; and the bodies before it, with
    /// forces: how many steps are measured depends on the machine, and the bytes that ranks send on the bodies.
    fn costs(&self, comm: &dyn Communicator) -> Result<(NBodyCosts, Particles)> {
        let mut model = self.model(comm)?;
        let (dt, bodies) = (self.dt(&model), model.bodies().clone());
        let mut last = NBodyCosts::of(&model);
        let mut steps: Vec<NBodyCosts> = Vec::new();
        median_seconds(|| {
            model.advance(dt)?;
            let now = NBodyCosts::of(&model);
            steps.push(now.since(&last));
            last = now;
            Ok(())
        })?;
        let mut counted = steps.split_off(1);
        counted.sort_by(|a, b| a.seconds().total_cmp(&b.seconds()));
        Ok((counted[counted.len() / 2], bodies))
    }

    /// What two ranks lose a step, with `threads` each if there are cores for them.
    fn counts(&self, costs: &NBodyCosts, threads: usize) -> Result<TreeCounts> {
        let own = if 2 * threads <= host::parallelism() { threads } else { threads.div_ceil(2) };
        let on_rank = |comm: &dyn Communicator| -> Result<Vec<NBodyCosts>> {
            let pool = ThreadPoolBuilder::new().num_threads(own).use_current_thread().build();
            let _pool = pool.map_err(|cause| Error::Input(format!("cannot start ranks that count ({cause})")))?;
            let mut model = self.model(comm)?;
            let dt = self.dt(&model);
            model.advance(dt)?;
            let mut last = NBodyCosts::of(&model);
            let step = |_| {
                model.advance(dt)?;
                let now = NBodyCosts::of(&model);
                Ok(now.since(&std::mem::replace(&mut last, now)))
            };
            (0..COUNTED_STEPS).map(step).collect()
        };
        let of_ranks = ranks::try_run(2, on_rank)?.into_iter().collect::<Result<Vec<_>>>()?;
        let of_step = |step: usize| {
            let of_ranks: Vec<NBodyCosts> = of_ranks.iter().map(|steps| steps[step]).collect();
            TreeCounts::new(&of_ranks, costs, own as f64 / threads as f64)
        };
        let mut counts: Vec<TreeCounts> = (0..COUNTED_STEPS).map(of_step).collect();
        counts.sort_by(|a, b| a.lost_s.total_cmp(&b.lost_s));
        Ok(counts[COUNTED_STEPS / 2])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heat::problem::FaceCondition;

    #[test]
    fn large_grids_lose_layers_and_keep_their_size() {
        let grid = UniformGrid::new(&[512, 512, 512], &[0.1, 0.2, 0.3]);
        let problem = HeatProblem {
            grid: grid.clone(),
            background: crate::heat::materials::find("copper").expect("built in"),
            regions: Vec::new(),
            faces: std::array::from_fn(|_| [FaceCondition::Periodic, FaceCondition::Periodic]),
            sources: Vec::new(),
            initial: Initial::Regions { background: 0.0, patches: Vec::new() },
        };
        let smaller = measured_problem(&problem, MOST_CELLS).grid;
        assert_eq!(smaller.cells, [512, 512, 128]);
        assert!((0..3).all(|axis| (smaller.length(axis) - grid.length(axis)).abs() < 1e-12));
    }

    #[test]
    fn the_nearest_rate_below_counts() {
        let rates = [Rate { threads: 1, per_s: 1.0 }, Rate { threads: 4, per_s: 3.0 }];
        assert_eq!([1, 3, 4, 64].map(|n| Rate::nearest(&rates, n).per_s), [1.0, 1.0, 3.0, 3.0]);
    }
}
