//! Whole steps against their bound: a copy of the same array with the same kind of stores, timed in turn in one process.
//!
//! `cargo bench --bench sweep` prints, for each case, the median time of a step and of a copy, updates a second, effective
//! bytes a second and the share of the bound. `cargo bench --bench sweep -- 512` runs the large cases (2 GiB).
//! `cargo bench --bench sweep -- shapes` runs 512^3 as one rank with all threads and as one domain a core, in turn. Built with
//! `--features mpi` and started by `mpirun -n 2 --bind-to core`, the same argument measures MPI ranks.

use parhelion::comm::solo::Solo;
use parhelion::comm::{Communicator, ReduceOp};
use parhelion::grid::UniformGrid;
use parhelion::heat::problem::{FaceCondition, HeatProblem, Initial, Material};
use parhelion::heat::{HeatModel, HeatOptions};
use parhelion::region::Region;
use parhelion::runtime::{self, Launch, launcher::Launcher};
use parhelion::signal::Signal;
use std::process::ExitCode;
use std::time::Instant;

fn problem(cells: &[usize], materials: usize) -> HeatProblem {
    let wall = || FaceCondition::Fixed(Signal::Constant(0.0));
    let mut faces = [[wall(), wall()], [wall(), wall()], [wall(), wall()]];
    if cells.len() == 2 {
        faces[2] = [0, 1].map(|_| FaceCondition::Flux(Signal::Constant(0.0)));
    }
    let material = |k: f64| Material { conductivity: k, density: 1.0, specific_heat: 1.0 };
    HeatProblem {
        grid: UniformGrid::new(cells, &vec![1.0; cells.len()]),
        background: material(1.0),
        regions: (1..materials)
            .map(|m| (Region::Sphere { center: [0.5; 3], radius: 0.4 }, material(1.0 + m as f64)))
            .collect(),
        faces,
        sources: Vec::new(),
        initial: Initial::Gaussian { background: 0.0, amplitude: 1.0, center: [0.5; 3], width: 0.1 },
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// `TILE=512,32,64`: cells of a tile along x, y, z, to try what suits a machine.
fn tile_of_environment() -> Option<[usize; 3]> {
    let text = std::env::var("TILE").ok()?;
    let numbers: Vec<usize> = text.split(',').filter_map(|n| n.parse().ok()).collect();
    numbers.try_into().ok()
}

/// A case: its name, cells, number of materials, and bytes that an update moves at least.
struct Case {
    name: &'static str,
    cells: &'static [usize],
    materials: usize,
    bytes: f64,
}

/// The performance case of `inputs/heat/bench_512.toml`.
const CUBE: Case = Case { name: "3-D 512^3 constant", cells: &[512, 512, 512], materials: 1, bytes: 16.0 };

/// Seconds of steps and of copies, taken in turn: of the slowest rank, on every rank. Collective.
#[derive(Default)]
struct Times {
    steps: Vec<f64>,
    copies: Vec<f64>,
}

impl Times {
    fn take(comm: &dyn Communicator, case: &Case, repeats: usize) -> Times {
        let options = HeatOptions { tile: tile_of_environment(), ..HeatOptions::default() };
        let mut model = HeatModel::new(problem(case.cells, case.materials), comm, &options).expect("a valid problem");
        let dt = 0.9 * model.spectral().max_stable_dt();
        let mut times = Times::default();
        for n in 0..repeats {
            comm.barrier();
            let start = Instant::now();
            model.advance(n as f64 * dt, dt);
            let step = start.elapsed().as_secs_f64();
            comm.barrier();
            let mut slowest = [step, model.time_copy()];
            comm.all_reduce(ReduceOp::Max, &mut slowest);
            times.steps.push(slowest[0]);
            times.copies.push(slowest[1]);
        }
        times
    }

    fn extend(&mut self, more: Times) {
        self.steps.extend(more.steps);
        self.copies.extend(more.copies);
    }

    fn print(self, case: &Case, shape: &str) {
        let (step, copy) = (median(self.steps), median(self.copies));
        let updates = case.cells.iter().product::<usize>() as f64;
        println!(
            "{:20} {shape:10} step {:9.3} ms  copy {:9.3} ms  {:7.3} G updates/s  {:6.1} GB/s  {:5.1} % of the copy's elements/s",
            case.name,
            step * 1e3,
            copy * 1e3,
            updates / step / 1e9,
            updates * case.bytes / step / 1e9,
            100.0 * copy / step
        );
    }
}

/// The cube as one rank with `cores` threads and as `cores` domains, in turn so that both meet the same machine.
fn domains(cores: usize) {
    let shapes = [(1, cores), (cores, 1)];
    let mut all = [Times::default(), Times::default()];
    for _ in 0..5 {
        for (times, (domains, threads)) in all.iter_mut().zip(shapes) {
            let request = Launch { domains: Some(domains), threads: Some(threads) };
            let taken = runtime::launch(&request, |comm, _| Ok(Times::take(comm, &CUBE, 10)));
            times.extend(taken.expect("domains can be started"));
        }
    }
    for (times, (domains, threads)) in all.into_iter().zip(shapes) {
        times.print(&CUBE, &format!("{domains} x {threads}"));
    }
}

/// The cube on the ranks of the launcher.
fn ranks() -> ExitCode {
    let request = Launch { domains: None, threads: Some(1) };
    let ran = runtime::launch(&request, |comm, _| {
        let times = Times::take(comm, &CUBE, 30);
        if comm.rank() == 0 {
            times.print(&CUBE, &format!("{} ranks", comm.size()));
        }
        Ok(())
    });
    runtime::ending::conclude(ran.map(|()| 0))
}

fn cases(large: bool) {
    let threads = rayon::current_num_threads();
    let small = |name, cells, materials, bytes| Case { name, cells, materials, bytes };
    let run = |case: Case, repeats| Times::take(&Solo, &case, repeats).print(&case, &format!("1 x {threads}"));
    run(small("2-D 2048^2 constant", &[2048, 2048], 1, 16.0), 40);
    run(small("3-D 160^3 constant", &[160, 160, 160], 1, 16.0), 40);
    run(small("3-D 160^3 variable", &[160, 160, 160], 2, 48.0), 40);
    if large {
        run(small("2-D 8192^2 constant", &[8192, 8192], 1, 16.0), 15);
        run(CUBE, 15);
    }
}

fn main() -> ExitCode {
    let asked = |word: &str| std::env::args().any(|a| a == word);
    if Launcher::of_environment().is_some() {
        return ranks();
    }
    if asked("shapes") {
        domains(rayon::current_num_threads())
    } else {
        cases(asked("512"))
    }
    ExitCode::SUCCESS
}
