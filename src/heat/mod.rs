//! Heat diffusion on a uniform grid: rho c dT/dt = div(k grad T) + q, cell-centred finite volumes, forward Euler.
//!
//! [`HeatModel::advance`] is the algorithm; the hot loop is [`stencil`], one call below it ([`sweep`]).
//!
//! | module | is |
//! |---|---|
//! | [`problem`] | what to simulate, as plain data |
//! | [`coefficients`], [`walls`], [`sources`] | the physics as numbers per cell, face and step |
//! | [`stencil`], [`lanes`] | the kernels |
//! | [`materials`] | built-in materials |
//! | [`sweep`] | tiles and threads around the kernels |
//! | [`stability`] | the largest stable time step |
//! | [`exact`] | closed-form solutions |
//! | `initial` | first touch and initial state |
//! | [`state`] | the state as bytes in the global order, for checkpoints |
//! | [`diagnostics`] | heat content, balance, extrema, errors |

pub mod coefficients;
pub mod diagnostics;
pub mod exact;
mod initial;
pub mod lanes;
pub mod materials;
pub mod problem;
pub mod sources;
pub mod stability;
pub mod state;
pub mod stencil;
pub mod sweep;
pub mod walls;

use crate::comm::Communicator;
use crate::cpu::CpuPath;
use crate::decomposition::{CartesianDecomposition, IndexBox, Subdomain};
use crate::error::Result;
use crate::field::{Field, Layout};
use crate::halo::{HaloExchange, check_width, halo_sides};
use crate::parallel::{Shared, Sharing};
use crate::timing::{Phase, Timers};
use arrayvec::ArrayVec;
use coefficients::{Coefficients, MaterialMap};
use exact::ExactSolution;
use problem::{FaceCondition, HeatProblem};
use sources::Sources;
use stability::{PowerIteration, SpectralBound, uniform_bound};
use std::time::Instant;
use sweep::{Step, SweepPlan};
use walls::Walls;

/// Steps after which the heat through the walls is settled ([`Walls::settle`]).
const SETTLE_EVERY: u64 = 512;

/// Choices that change the speed and never a bit of the result.
#[derive(Clone, Copy, Debug)]
pub struct HeatOptions {
    /// Ranks along x, y, z; the smallest halo surface if absent.
    pub dims: Option<[usize; 3]>,
    /// Cells of halo towards neighbours: one exchange serves so many steps.
    pub halo_width: usize,
    /// Instruction set; equal on all ranks.
    pub path: CpuPath,
    /// Bytes of cache that one thread can count on.
    pub cache: usize,
    /// Bytes of the largest cache: fields beyond it are written with streaming stores.
    pub last_level: usize,
    /// Cells of a tile along x, y, z, instead of one that fits the cache.
    pub tile: Option<[usize; 3]>,
    /// Who does which tile.
    pub sharing: Sharing,
}

impl Default for HeatOptions {
    fn default() -> HeatOptions {
        let path = CpuPath::best();
        HeatOptions {
            dims: None,
            halo_width: 1,
            path,
            cache: 512 << 10,
            last_level: 8 << 20,
            tile: None,
            sharing: Sharing::Steal,
        }
    }
}

/// A heat problem on one rank: the state, and what advances it.
pub struct HeatModel<'c> {
    comm: &'c dyn Communicator,
    problem: HeatProblem,
    decomposition: CartesianDecomposition,
    subdomain: Subdomain,
    halo_width: usize,
    old: Field,
    new: Field,
    halo: HaloExchange,
    coefficients: Coefficients,
    walls: Walls,
    sources: Sources,
    plan: SweepPlan,
    bound: SpectralBound,
    exact: Option<ExactSolution>,
    /// Total heat at time 0 in joules; set by the first diagnostics.
    initial_heat: Option<f64>,
    steps: u64,
    /// Step at which the state was set: the first step after it exchanges halos.
    origin: u64,
    exchanges: u64,
    /// Seconds per phase so far.
    pub timers: Timers,
}

/// The process grid of a problem.
///
/// # Errors
/// If the ranks do not fit the grid or the halo does not fit the ranks.
pub fn decompose(problem: &HeatProblem, ranks: usize, options: &HeatOptions) -> Result<CartesianDecomposition> {
    let periodic = problem.faces.each_ref().map(|sides| sides[0] == FaceCondition::Periodic);
    let decomposition = CartesianDecomposition::new(problem.grid.cells, periodic, ranks, options.dims)?;
    check_width(&decomposition, options.halo_width)?;
    Ok(decomposition)
}

/// Bytes that a rank's arrays will take.
pub fn memory_bytes(problem: &HeatProblem, decomposition: &CartesianDecomposition, rank: usize, width: usize) -> usize {
    let subdomain = decomposition.subdomain(rank);
    let layout = Layout::new(subdomain.cells, halo_sides(decomposition, rank, width));
    let uniform = MaterialMap::new(problem, subdomain).uniform().is_some();
    2 * layout.bytes() + if uniform { 0 } else { Coefficients::variable_bytes(&layout) }
}

impl<'c> HeatModel<'c> {
    /// Builds the coefficients and sets the initial state ([`problem::Initial::File`] leaves it zero: see
    /// [`HeatModel::temperature_mut`]). Collective.
    ///
    /// # Errors
    /// If the ranks do not fit the grid, or a source heats no cell.
    pub fn new(problem: HeatProblem, comm: &'c dyn Communicator, options: &HeatOptions) -> Result<HeatModel<'c>> {
        let start = Instant::now();
        let decomposition = decompose(&problem, comm.size(), options)?;
        let (rank, width) = (comm.rank(), options.halo_width);
        let subdomain = decomposition.subdomain(rank);
        let layout = Layout::new(subdomain.cells, halo_sides(&decomposition, rank, width));
        let coefficients = Coefficients::new(&problem, &decomposition, subdomain, &layout);
        let uniform = coefficients.uniform_conductivity();
        let map = MaterialMap::new(&problem, subdomain);
        let sources = Sources::new(&problem, &map, &coefficients, &layout, comm)?;
        let mut model = HeatModel {
            comm,
            subdomain,
            halo_width: width,
            old: Field::zeros(layout),
            new: Field::zeros_staggered(layout),
            halo: HaloExchange::new(&decomposition, rank, &layout, width),
            walls: Walls::new(&problem.faces, problem.grid.spacing, &decomposition, &subdomain, uniform),
            sources,
            plan: sweep_plan(&layout, problem.grid.dimensions == 3, options),
            bound: SpectralBound { lower: 0.0, upper: 0.0 },
            exact: ExactSolution::of(&problem),
            initial_heat: None,
            steps: 0,
            origin: 0,
            exchanges: 0,
            timers: Timers::default(),
            coefficients,
            decomposition,
            problem,
        };
        model.touch();
        model.bound = model.spectral_bound();
        model.set_initial();
        model.timers.add(Phase::Setup, start.elapsed().as_secs_f64());
        Ok(model)
    }

    /// One forward-Euler step of `dt` from time `t` (seconds): exchange halos while the interior is computed, then the cells
    /// next to the neighbours. With a halo of width k the exchange is needed every k-th step only; in between, the rim that
    /// is still valid shrinks by one cell a step and is computed along.
    pub fn advance(&mut self, t: f64, dt: f64) {
        self.walls.update(t);
        self.sources.update(t, dt);
        let age = ((self.steps - self.origin) % self.halo_width as u64) as usize;
        let target = self.region(self.halo_width - 1 - age);
        if age == 0 {
            self.exchange_and_sweep(dt, &target);
        } else {
            let start = Instant::now();
            let step = step(dt, &self.old, &mut self.new, &self.coefficients, &self.sources, &mut self.walls);
            self.plan.run(&target, &step);
            self.timers.add(Phase::Interior, start.elapsed().as_secs_f64());
        }
        std::mem::swap(&mut self.old, &mut self.new);
        self.steps += 1;
        if self.steps.is_multiple_of(SETTLE_EVERY) {
            self.walls.settle();
        }
    }

    fn exchange_and_sweep(&mut self, dt: f64, target: &IndexBox) {
        let core = self.core();
        let (plan, coefficients, sources) = (&self.plan, &self.coefficients, &self.sources);
        let (new, walls) = (&mut self.new, &mut self.walls);
        let start = Instant::now();
        let mut interior = [start; 2];
        self.halo.exchange_while(self.comm, &mut self.old, |old| {
            interior[0] = Instant::now();
            plan.run(&core, &step(dt, old, new, coefficients, sources, walls));
            interior[1] = Instant::now();
        });
        let exchanged = Instant::now();
        for slab in shell(target, &core) {
            plan.run(&slab, &step(dt, &self.old, new, coefficients, sources, walls));
        }
        self.timers.add_span(Phase::Halo, start, interior[0]);
        self.timers.add_span(Phase::Interior, interior[0], interior[1]);
        self.timers.add_span(Phase::Halo, interior[1], exchanged);
        self.timers.add_span(Phase::Rim, exchanged, Instant::now());
        self.exchanges += 1;
    }

    /// Own cells, and `reach` more towards each neighbour.
    fn region(&self, reach: usize) -> IndexBox {
        let IndexBox { lower, upper } = self.old.layout().interior();
        let towards = |axis: usize, side: usize| if self.has_neighbour(axis, side) { reach as isize } else { 0 };
        IndexBox {
            lower: std::array::from_fn(|a| lower[a] - towards(a, 0)),
            upper: std::array::from_fn(|a| upper[a] + towards(a, 1)),
        }
    }

    /// Own cells whose stencil reads no halo.
    fn core(&self) -> IndexBox {
        let IndexBox { lower, upper } = self.old.layout().interior();
        let margin = |axis: usize, side: usize| isize::from(self.has_neighbour(axis, side));
        IndexBox {
            lower: std::array::from_fn(|a| lower[a] + margin(a, 0)),
            upper: std::array::from_fn(|a| upper[a] - margin(a, 1)),
        }
    }

    fn has_neighbour(&self, axis: usize, side: usize) -> bool {
        self.old.layout().halo[axis][side] > 0
    }

    fn spectral_bound(&mut self) -> SpectralBound {
        match &self.coefficients {
            Coefficients::Constant { .. } => uniform_bound(&self.problem),
            Coefficients::Variable(arrays) => {
                let (problem, decomposition, subdomain) = (&self.problem, &self.decomposition, self.subdomain);
                PowerIteration { problem, arrays, decomposition, subdomain }.run(
                    self.comm,
                    &mut self.halo,
                    &mut self.old,
                    &mut self.new,
                )
            }
        }
    }

    /// The temperature of the own cells.
    pub fn temperature(&self) -> &Field {
        &self.old
    }

    /// To set an initial state that was read from a file. Only before the first step.
    pub fn temperature_mut(&mut self) -> &mut Field {
        &mut self.old
    }

    /// The problem.
    pub fn problem(&self) -> &HeatProblem {
        &self.problem
    }

    /// The process grid.
    pub fn decomposition(&self) -> &CartesianDecomposition {
        &self.decomposition
    }

    /// Bounds of the largest eigenvalue of the discrete operator.
    pub fn spectral(&self) -> SpectralBound {
        self.bound
    }

    /// The closed-form solution, if there is one.
    pub fn exact(&self) -> Option<&ExactSolution> {
        self.exact.as_ref()
    }

    /// Whether the kernel with constant coefficients is used.
    pub fn constant_coefficients(&self) -> bool {
        self.coefficients.uniform_conductivity().is_some()
    }

    /// Copies the state once with the kind of stores that a sweep uses, and returns the seconds it took: the bound for a
    /// step with constant coefficients. Local; the state stays as it is.
    pub fn time_copy(&mut self) -> f64 {
        let interior = self.old.layout().interior();
        let start = Instant::now();
        self.plan.copy(&interior, &self.old, &mut self.new);
        start.elapsed().as_secs_f64()
    }

    /// Messages and bytes that this rank has sent in halo exchanges.
    pub fn traffic(&self) -> (u64, u64) {
        (self.exchanges * self.halo.messages() as u64, self.exchanges * self.halo.bytes() as u64)
    }

    /// How sweeps are cut.
    pub fn plan(&self) -> &SweepPlan {
        &self.plan
    }
}

fn sweep_plan(layout: &Layout, three_d: bool, options: &HeatOptions) -> SweepPlan {
    let plan = SweepPlan::new(layout, three_d, options.path, options.cache, options.last_level);
    let mut plan = plan.shared(options.sharing);
    plan.tile = options.tile.unwrap_or(plan.tile);
    plan.reserve();
    plan
}

fn step<'a>(
    dt: f64,
    old: &'a Field,
    new: &'a mut Field,
    coefficients: &'a Coefficients,
    sources: &'a Sources,
    walls: &'a mut Walls,
) -> Step<'a> {
    Step { dt, old, new: Shared::new(new.values_mut()), coefficients, sources, walls: walls.views() }
}

/// `outer` without `inner`, as boxes: slabs along z, then y, then x.
fn shell(outer: &IndexBox, inner: &IndexBox) -> ArrayVec<IndexBox, 6> {
    let mut slabs = ArrayVec::new();
    if inner.is_empty() {
        slabs.push(*outer);
        return slabs;
    }
    let mut rest = *outer;
    for axis in [2, 1, 0] {
        let (mut below, mut above) = (rest, rest);
        below.upper[axis] = inner.lower[axis];
        above.lower[axis] = inner.upper[axis];
        slabs.extend([below, above].into_iter().filter(|slab| !slab.is_empty()));
        (rest.lower[axis], rest.upper[axis]) = (inner.lower[axis], inner.upper[axis]);
    }
    slabs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_and_core_tile_the_box() {
        let outer = IndexBox { lower: [-1, 0, -2], upper: [7, 5, 4] };
        let inner = IndexBox { lower: [1, 0, 0], upper: [6, 4, 3] };
        let slabs = shell(&outer, &inner);
        let cells: usize = slabs.iter().map(IndexBox::cell_count).sum();
        assert_eq!(cells + inner.cell_count(), outer.cell_count());
        for (n, a) in slabs.iter().enumerate() {
            assert!(a.intersection(&inner).is_empty());
            assert!(slabs[n + 1..].iter().all(|b| a.intersection(b).is_empty()));
        }
    }

    #[test]
    fn a_subdomain_that_is_all_rim() {
        let outer = IndexBox::of_cells([1, 9, 9]);
        let inner = IndexBox { lower: [1, 0, 0], upper: [0, 9, 9] };
        assert_eq!(shell(&outer, &inner).as_slice(), &[outer]);
    }
}
