//! Whole steps against their bound: a copy of the same array with the same kind of stores, timed in turn in one process.
//!
//! `cargo bench --bench sweep` prints, for each case, the median time of a step and of a copy, updates a second, effective
//! bytes a second and the share of the bound. `cargo bench --bench sweep -- 512` runs the large cases (2 GiB).

use parhelion::comm::solo::Solo;
use parhelion::grid::UniformGrid;
use parhelion::heat::problem::{FaceCondition, HeatProblem, Initial, Material};
use parhelion::heat::{HeatModel, HeatOptions};
use parhelion::region::Region;
use parhelion::signal::Signal;
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

fn case(name: &str, cells: &[usize], materials: usize, bytes: f64, repeats: usize) {
    let options = HeatOptions { tile: tile_of_environment(), ..HeatOptions::default() };
    let mut model = HeatModel::new(problem(cells, materials), &Solo, &options).expect("a valid problem");
    let dt = 0.9 * model.spectral().max_stable_dt();
    let (mut steps, mut copies) = (Vec::new(), Vec::new());
    for n in 0..repeats {
        let start = Instant::now();
        model.advance(n as f64 * dt, dt);
        steps.push(start.elapsed().as_secs_f64());
        copies.push(model.time_copy());
    }
    let (step, copy) = (median(steps), median(copies));
    let updates = cells.iter().product::<usize>() as f64;
    println!(
        "{name:24} step {:9.3} ms  copy {:9.3} ms  {:7.3} G updates/s  {:6.1} GB/s  {:5.1} % of the copy's elements/s",
        step * 1e3,
        copy * 1e3,
        updates / step / 1e9,
        updates * bytes / step / 1e9,
        100.0 * copy / step
    );
}

fn main() {
    println!("{} threads", rayon::current_num_threads());
    let large = std::env::args().any(|a| a == "512");
    case("2-D 2048^2 constant", &[2048, 2048], 1, 16.0, 40);
    case("3-D 160^3 constant", &[160, 160, 160], 1, 16.0, 40);
    case("3-D 160^3 variable", &[160, 160, 160], 2, 48.0, 40);
    if large {
        case("2-D 8192^2 constant", &[8192, 8192], 1, 16.0, 15);
        case("3-D 512^3 constant", &[512, 512, 512], 1, 16.0, 15);
    }
}
