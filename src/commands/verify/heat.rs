//! Heat on the ladder: exact solutions, observed orders, balance, and one digest for every shape.

use super::Rung;
use crate::comm::solo::Solo;
use crate::comm::{Communicator, threads};
use crate::cpu::CpuPath;
use crate::digest::digest;
use crate::error::{Error, Result};
use crate::grid::UniformGrid;
use crate::heat::problem::{FaceCondition, HeatProblem, Initial, Material, Source, Strength};
use crate::heat::{HeatModel, HeatOptions};
use crate::region::Region;
use crate::signal::Signal;

/// All rungs, on finer grids unless `quick`.
///
/// # Errors
/// If a problem cannot be set up, which would be a defect.
pub fn rungs(quick: bool) -> Result<Vec<Rung>> {
    let scale = if quick { 2 } else { 3 };
    let mut rungs = Vec::new();
    for (name, problem, end) in exact_problems() {
        rungs.push(order_rung(name, &problem, end, scale)?);
    }
    rungs.push(order_in_time()?);
    rungs.push(balance_rung()?);
    rungs.extend(shape_rungs()?);
    Ok(rungs)
}

const MATTER: Material = Material { conductivity: 2.0, density: 0.5, specific_heat: 2.0 };

fn fixed(value: f64) -> FaceCondition {
    FaceCondition::Fixed(Signal::Constant(value))
}

fn flux(value: f64) -> FaceCondition {
    FaceCondition::Flux(Signal::Constant(value))
}

fn convection(coefficient: f64, ambient: f64) -> FaceCondition {
    FaceCondition::Convection { coefficient, ambient: Signal::Constant(ambient) }
}

fn problem(cells: &[usize], faces: [[FaceCondition; 2]; 3], initial: Initial) -> HeatProblem {
    let grid = UniformGrid::new(cells, &[1.0, 0.7, 0.5][..cells.len()]);
    HeatProblem { grid, background: MATTER, regions: Vec::new(), faces, sources: Vec::new(), initial }
}

fn mode(base: f64, gradient: f64, mode: [usize; 3]) -> Initial {
    Initial::Eigenmode { base, gradient: [gradient, 0.0, 0.0], amplitude: 3.0, mode }
}

/// Name, problem on its coarsest grid, and simulated seconds.
fn exact_problems() -> Vec<(&'static str, HeatProblem, f64)> {
    let walls = |wall: FaceCondition| [wall.clone(), wall];
    let idle = || walls(flux(0.0));
    let periodic = || walls(FaceCondition::Periodic);
    let gaussian = Initial::Gaussian { background: 1.0, amplitude: 3.0, center: [0.3, 0.3, 0.2], width: 0.12 };
    vec![
        (
            "order in space, fixed walls, 2-D",
            problem(&[10, 16], [walls(fixed(1.0)), walls(fixed(1.0)), idle()], mode(1.0, 0.0, [1, 2, 1])),
            0.01,
        ),
        (
            "order in space, insulated walls, 2-D",
            problem(&[12, 10], [idle(), idle(), idle()], mode(1.0, 0.0, [3, 2, 1])),
            0.01,
        ),
        (
            "order in space, heat flux through walls, 2-D",
            problem(&[12, 10], [[flux(-20.0), flux(20.0)], idle(), idle()], mode(4.0, 10.0, [2, 1, 1])),
            0.02,
        ),
        (
            "order in space, convection, 2-D",
            problem(
                &[12, 10],
                [walls(convection(3.0, 1.0)), walls(convection(5.0, 1.0)), idle()],
                mode(1.0, 0.0, [2, 1, 1]),
            ),
            0.02,
        ),
        (
            "order in space, periodic, 2-D",
            problem(&[10, 14], [periodic(), periodic(), idle()], mode(1.0, 0.0, [1, 2, 0])),
            0.004,
        ),
        (
            "order in space, a different wall on every face, 3-D",
            problem(
                &[8, 12, 10],
                [[fixed(0.5), flux(0.0)], [convection(4.0, 0.5), fixed(0.5)], [flux(0.0), convection(2.0, 0.5)]],
                mode(0.5, 0.0, [1, 2, 1]),
            ),
            0.01,
        ),
        (
            "order in space, Gaussian on periodic axes, 3-D",
            problem(&[16, 12, 10], [periodic(), periodic(), periodic()], gaussian),
            0.002,
        ),
    ]
}

/// L2 error at `end` after `steps` steps, with `factor` times the cells.
fn error(base: &HeatProblem, factor: usize, end: f64, steps: u64) -> Result<f64> {
    let d = base.grid.dimensions;
    let cells: Vec<usize> = base.grid.cells[..d].iter().map(|n| n * factor).collect();
    let refined = HeatProblem { grid: UniformGrid::new(&cells, &[1.0, 0.7, 0.5][..d]), ..base.clone() };
    let mut model = HeatModel::new(refined, &Solo, &HeatOptions::default())?;
    let dt = end / steps as f64;
    for n in 0..steps {
        model.advance(n as f64 * dt, dt);
    }
    let norms = model.diagnostics(steps, end)?.error;
    norms.map(|e| e.l2).ok_or_else(|| Error::Defect("no exact solution for a problem that has one".into()))
}

/// Twice the cells and four times the steps: both errors must fall to a quarter.
fn order_rung(name: &str, problem: &HeatProblem, end: f64, scale: usize) -> Result<Rung> {
    let fine = 2 * scale;
    let options = HeatOptions::default();
    let refined: Vec<usize> = problem.grid.cells[..problem.grid.dimensions].iter().map(|n| n * fine).collect();
    let grid = UniformGrid::new(&refined, &[1.0, 0.7, 0.5][..problem.grid.dimensions]);
    let limit = HeatModel::new(HeatProblem { grid, ..problem.clone() }, &Solo, &options)?.spectral().max_stable_dt();
    // A tenth of the limit on the finer grid: the error in time is then of the size of that in space, not above it.
    let steps = (end / (0.1 * limit) / 4.0).ceil() as u64;
    let (coarse, fine) = (error(problem, scale, end, steps)?, error(problem, fine, end, 4 * steps)?);
    // Half a tenth: what the next term of the error leaves on these grids.
    Ok(Rung { name: name.into(), value: (coarse / fine).log2(), expected: 2.0, tolerance: 0.05 })
}

/// On a fixed grid the semi-discrete decay rate is known, so the rest is the error in time.
fn order_in_time() -> Result<Rung> {
    let (n, end) = (20, 0.02);
    let faces = [[fixed(0.0), fixed(0.0)], [flux(0.0), flux(0.0)], [flux(0.0), flux(0.0)]];
    let h = 1.0 / n as f64;
    let rate = MATTER.diffusivity() * (2.0 / h * (std::f64::consts::FRAC_PI_2 * h).sin()).powi(2);
    let exact = 3.0 * (std::f64::consts::PI * 0.5 * h).sin() * (-rate * end).exp();
    let error = |steps: u64| -> Result<f64> {
        let start = problem(&[n, 3], faces.clone(), mode(0.0, 0.0, [1, 1, 1]));
        let mut model = HeatModel::new(start, &Solo, &HeatOptions::default())?;
        let dt = end / steps as f64;
        (0..steps).for_each(|s| model.advance(s as f64 * dt, dt));
        Ok((model.temperature().at([0, 1, 0]) - exact).abs())
    };
    let order = (error(400)? / error(800)?).log2();
    Ok(Rung { name: "order in time, forward Euler".into(), value: order, expected: 1.0, tolerance: 0.01 })
}

/// Everything at once: several materials, all kinds of walls, changing sources.
fn rich_problem() -> HeatProblem {
    let day = Signal::Sine { mean: 20.0, amplitude: 7.0, period: 3.0, phase: 0.3 };
    let faces = [
        [FaceCondition::Fixed(day.clone()), flux(20.0)],
        [FaceCondition::Convection { coefficient: 5.0, ambient: day }, fixed(35.0)],
        [FaceCondition::Periodic, FaceCondition::Periodic],
    ];
    let mut rich = problem(&[23, 14, 9], faces, Initial::Regions { background: 20.0, patches: Vec::new() });
    rich.regions =
        vec![(Region::Sphere { center: [0.5, 0.3, 0.2], radius: 0.25 }, Material { conductivity: 0.1, ..MATTER })];
    let region = Region::Box { lower: [0.2, 0.1, 0.1], upper: [0.7, 0.5, 0.3] };
    rich.sources = vec![Source { region, strength: Strength::Total(40.0), active: [0.01, 0.05] }];
    rich
}

const RICH_DT: f64 = 2e-4;

fn balance_rung() -> Result<Rung> {
    let mut model = HeatModel::new(rich_problem(), &Solo, &HeatOptions::default())?;
    model.diagnostics(0, 0.0)?;
    (0..1000).for_each(|n| model.advance(n as f64 * RICH_DT, RICH_DT));
    let balance = model.diagnostics(1000, 1000.0 * RICH_DT)?.balance;
    // A thousand steps of round-off.
    Ok(Rung::error("heat balance after 1000 steps, relative", balance.abs(), 1e-12))
}

fn final_digest(comm: &dyn Communicator, options: &HeatOptions) -> Result<String> {
    let mut model = HeatModel::new(rich_problem(), comm, options)?;
    (0..50).for_each(|n| model.advance(n as f64 * RICH_DT, RICH_DT));
    Ok(digest(&model.problem().grid, model.decomposition(), model.temperature(), comm))
}

/// Shapes whose digest differs from that of one rank: none.
fn shape_rungs() -> Result<Vec<Rung>> {
    let basis = HeatOptions::default();
    let reference = final_digest(&Solo, &HeatOptions { path: CpuPath::Portable, ..basis })?;
    let mut different = 0;
    let shapes = [(1, 1), (2, 1), (3, 2), (4, 1), (6, 3), (8, 2)];
    for (ranks, halo_width) in shapes {
        let options = HeatOptions { halo_width, ..basis };
        let digests = threads::run(ranks, |comm| final_digest(comm, &options));
        different += usize::from(digests.into_iter().any(|d| d.as_ref() != Ok(&reference)));
    }
    let mut strange = 0;
    for path in CpuPath::available() {
        for last_level in [0, usize::MAX] {
            let found = final_digest(&Solo, &HeatOptions { path, last_level, tile: Some([7, 3, 2]), ..basis })?;
            strange += usize::from(found != reference);
        }
    }
    Ok(vec![
        Rung::none(format!("shapes of ranks x halo width with another digest, of {}", shapes.len()), different),
        Rung::none("CPU paths, stores and tiles with another digest", strange),
    ])
}
