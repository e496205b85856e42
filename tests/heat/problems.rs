//! Problems and drivers that the tests of this directory share. Grids are anisotropic on purpose.

use parhelion::comm::Communicator;
use parhelion::comm::threads;
use parhelion::grid::UniformGrid;
use parhelion::heat::diagnostics::Diagnostics;
use parhelion::heat::problem::{FaceCondition, HeatProblem, Initial, Material, Source, Strength};
use parhelion::heat::{HeatModel, HeatOptions};
use parhelion::region::Region;
use parhelion::signal::Signal;

pub const COPPER: Material = Material { conductivity: 401.0, density: 8933.0, specific_heat: 385.0 };
pub const BRICK: Material = Material { conductivity: 0.72, density: 1920.0, specific_heat: 835.0 };

pub fn fixed(value: f64) -> FaceCondition {
    FaceCondition::Fixed(Signal::Constant(value))
}

pub fn flux(value: f64) -> FaceCondition {
    FaceCondition::Flux(Signal::Constant(value))
}

pub fn insulated() -> FaceCondition {
    flux(0.0)
}

pub fn convection(coefficient: f64, ambient: f64) -> FaceCondition {
    FaceCondition::Convection { coefficient, ambient: Signal::Constant(ambient) }
}

/// A problem of one material with insulated walls.
pub fn plain(cells: &[usize], size: &[f64], initial: Initial) -> HeatProblem {
    HeatProblem {
        grid: UniformGrid::new(cells, size),
        background: COPPER,
        regions: Vec::new(),
        faces: std::array::from_fn(|_| [insulated(), insulated()]),
        sources: Vec::new(),
        initial,
    }
}

pub fn uniform(value: f64) -> Initial {
    Initial::Regions { background: value, patches: Vec::new() }
}

/// Everything at once: three materials, four kinds of wall, changing walls and sources, a patchy start.
pub fn rich(cells: &[usize]) -> HeatProblem {
    let size = [0.11, 0.07, 0.05];
    // The single layer of a plane has its centre at 0.5 m.
    let z = if cells.len() == 3 { 0.02 } else { 0.5 };
    let mut problem = plain(cells, &size[..cells.len()], uniform(0.0));
    problem.regions = vec![
        (Region::Box { lower: [0.02, 0.0, 0.0], upper: [0.06, 0.05, z + 0.01] }, BRICK),
        (Region::Sphere { center: [0.05, 0.03, z], radius: 0.02 }, Material { conductivity: 15.0, ..COPPER }),
    ];
    let day = Signal::Sine { mean: 20.0, amplitude: 7.0, period: 3.0, phase: 0.3 };
    problem.faces[0] = [FaceCondition::Fixed(day.clone()), flux(2e4)];
    problem.faces[1] = [FaceCondition::Convection { coefficient: 500.0, ambient: day }, fixed(35.0)];
    if cells.len() == 3 {
        problem.faces[2] = [FaceCondition::Periodic, FaceCondition::Periodic];
    }
    let source = |region, strength, active| Source { region, strength, active };
    problem.sources = vec![
        source(Region::Everywhere, Strength::PerVolume(1e5), [0.0, f64::INFINITY]),
        source(Region::Sphere { center: [0.06, 0.04, z], radius: 0.03 }, Strength::Total(300.0), [0.01, 0.5]),
    ];
    problem.initial = Initial::Regions {
        background: 20.0,
        patches: vec![(Region::Box { lower: [0.0; 3], upper: [0.05, 0.03, z + 0.02] }, 60.0)],
    };
    problem
}

/// Runs `steps` steps of `dt` and returns the final temperatures in global C order and the diagnostics, on every rank alike.
pub fn run(
    comm: &dyn Communicator,
    problem: &HeatProblem,
    options: &HeatOptions,
    steps: u64,
    dt: f64,
) -> (Vec<u64>, Diagnostics) {
    let mut model = HeatModel::new(problem.clone(), comm, options).expect("a valid problem");
    model.diagnostics(0, 0.0).expect("finite");
    for n in 0..steps {
        model.advance(n as f64 * dt, dt);
    }
    let diagnostics = model.diagnostics(steps, steps as f64 * dt).expect("finite");
    (gather(comm, &model), diagnostics)
}

fn gather(comm: &dyn Communicator, model: &HeatModel<'_>) -> Vec<u64> {
    let mine: Vec<u8> = model.temperature().view().iter().flat_map(|t| t.to_le_bytes()).collect();
    let parts = comm.gather(0, &mine);
    let [nx, ny, nz] = model.problem().grid.cells;
    let mut global = vec![0; nx * ny * nz];
    for (rank, part) in parts.iter().enumerate() {
        let sub = model.decomposition().subdomain(rank);
        for (n, bytes) in part.chunks_exact(8).enumerate() {
            let [i, j, k] = [n % sub.cells[0], n / sub.cells[0] % sub.cells[1], n / (sub.cells[0] * sub.cells[1])];
            let at = sub.start[0] + i + nx * (sub.start[1] + j + ny * (sub.start[2] + k));
            global[at] = u64::from_le_bytes(bytes.try_into().unwrap());
        }
    }
    global
}

/// As [`run`], on `ranks` ranks with `threads` threads each; the result of rank 0.
pub fn run_shape(
    ranks: usize,
    threads: usize,
    problem: &HeatProblem,
    options: &HeatOptions,
    steps: u64,
    dt: f64,
) -> (Vec<u64>, Diagnostics) {
    let mut results = threads::run(ranks, |comm| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).use_current_thread().build().unwrap();
        let result = run(comm, problem, options, steps, dt);
        drop(pool);
        result
    });
    results.swap_remove(0)
}
