//! Tests.

use super::*;
use crate::cpu::CpuPath;
use crate::nbody::fmm::multipole::MomentRoom;
use crate::nbody::fmm::samples::Random;
use crate::nbody::gravity::Sources;

/// The potential of nine points in nine cells at a target, by expansions and as it is.
fn potentials(instructions: Instructions, order: usize, softening_squared: f64) -> (f64, f64) {
    let mut random = Random(7);
    let mut work = Workspace::default();
    let (mut exact, mut distances, mut stores) = (0.0, Vec::new(), Vec::new());
    for _ in 0..5 {
        let center = [3.0 + random.next(), random.next() - 4.0, random.next()];
        let offset = [0.1 * random.next(), 0.1 * random.next(), 0.1 * random.next()];
        // Two bodies, so that there is no dipole.
        let x: [Vec<f64>; 3] =
            std::array::from_fn(|axis| vec![center[axis] + offset[axis], center[axis] - offset[axis]]);
        let mut lines = vec![Line::default(); MOST.div_ceil(WIDTH)];
        let sources = Sources { position: [&x[0], &x[1], &x[2]], mass: &[1.0, 1.0] };
        let numbers = crate::nbody::fmm::lanes::numbers_mut(&mut lines);
        MomentRoom::default().of_bodies(Instructions::Portable, MAX_ORDER, sources, center, numbers);
        stores.push(lines);
        distances.push(center.map(|c| -c));
        for sign in [1.0, -1.0] {
            let squared: f64 = (0..3).map(|axis| (center[axis] + sign * offset[axis]).powi(2)).sum();
            exact += 1.0 / (squared + softening_squared).sqrt();
        }
    }
    let rows: Vec<&[Line]> = stores.iter().map(Vec::as_slice).collect();
    work.interact(instructions, order, &distances, &rows, softening_squared);
    (work.take_expansion(order)[0], exact)
}

#[test]
fn the_softened_potential_comes_out_on_every_path() {
    for path in CpuPath::available() {
        for portable_bits in [false, true] {
            for softening_squared in [0.0, 1.0, 30.0] {
                let (found, exact) = potentials(Instructions::of(path, portable_bits), MAX_ORDER, softening_squared);
                // The next even order of sources 25 times nearer their centre than the target: 25^-10 = 1e-14.
                assert!((found / exact - 1.0).abs() < 1e-13, "{} {softening_squared}: {found} {exact}", path.name());
            }
        }
    }
}

#[test]
fn every_second_order_is_nearer() {
    let error = |order: usize| {
        let (found, exact) = potentials(Instructions::Portable, order, 0.5);
        (found / exact - 1.0).abs()
    };
    assert!(error(2) < 0.1 * error(0) && error(4) < 0.1 * error(2) && error(6) < 0.1 * error(4));
}

#[test]
fn an_expansion_is_empty_after_it_was_taken() {
    let mut work = Workspace::default();
    let moments = [Line([1.0; WIDTH]); MOST.div_ceil(WIDTH)];
    work.interact(Instructions::Portable, 3, &[[1.0, 2.0, 3.0]], &[&moments], 0.0);
    assert!(work.take_expansion(3).iter().any(|x| *x != 0.0));
    assert!(work.take_expansion(3).iter().all(|x| *x == 0.0));
}
