//! Pair forces in 32 bits against those in 64.

use super::*;
use crate::cpu::CpuPath;
use crate::nbody::gravity::PairKernel;
use crate::nbody::pair_force::NOBODY;
use crate::nbody::problem::{Gravity, Method, Precision, Softening};

fn kernels(softening: Softening, precision: Precision) -> Vec<PairKernel> {
    let gravity = |portable_bits| {
        let method = Method::Direct;
        Gravity { constant: 1.0, method, accuracy: 1e-3, softening, precision, portable_bits }
    };
    let paths = CpuPath::available().into_iter();
    paths.flat_map(|path| [false, true].map(|bits| PairKernel::new(&gravity(bits), path))).collect()
}

/// x, y, z, mass of bodies without order in the unit cube.
fn bodies(count: usize) -> [Vec<f64>; 4] {
    let coordinate = |alpha: f64| (0..count).map(|n| (0.5 + n as f64 * alpha).fract()).collect();
    let mass = (0..count).map(|n| 1.0 + (n % 7) as f64).collect();
    [coordinate(0.819_172_513), coordinate(0.671_043_607), coordinate(0.549_700_478), mass]
}

fn sources(bodies: &[Vec<f64>; 4]) -> Sources<'_> {
    let [x, y, z, mass] = bodies;
    Sources { position: [x, y, z], mass }
}

/// The force of all bodies, whose lengths and masses are multiplied by two numbers, on the first eight.
fn force(kernel: &PairKernel, count: usize, length: f64, mass: f64) -> Tile {
    let [x, y, z, m] = bodies(count);
    let all = [x, y, z].map(|values| values.iter().map(|value| value * length).collect::<Vec<f64>>());
    let [x, y, z] = all;
    let all = [x, y, z, m.iter().map(|value| value * mass).collect()];
    let position = std::array::from_fn(|axis| std::array::from_fn(|lane| all[axis][lane]));
    let mut tile = Tile { position, ..Tile::default() };
    kernel.add(&mut tile, sources(&all), Some(0));
    tile
}

fn length_of(tile: &Tile, lane: usize) -> f64 {
    tile.acceleration.iter().map(|values| values[lane] * values[lane]).sum::<f64>().sqrt()
}

#[test]
fn the_error_is_that_of_32_bits() {
    for softening in [Softening::None, Softening::Plummer(0.02), Softening::Spline(0.2)] {
        let (single, double) = (kernels(softening, Precision::Single), kernels(softening, Precision::Double));
        for (single, double) in single.iter().zip(&double) {
            let (single, double) = (force(single, 1000, 1.0, 1.0), force(double, 1000, 1.0, 1.0));
            for lane in 0..LANES {
                let difference = Tile {
                    acceleration: std::array::from_fn(|axis| {
                        std::array::from_fn(|lane| single.acceleration[axis][lane] - double.acceleration[axis][lane])
                    }),
                    ..Tile::default()
                };
                // A pair is off by 4e-7 at most; sums of 64 add as much. Terms may be ten times as large as their sum.
                assert!(length_of(&difference, lane) < 5e-6 * length_of(&double, lane), "{softening:?}");
                assert!((single.potential[lane] / double.potential[lane] - 1.0).abs() < 1e-6);
                // It is not the sum in 64 bits.
                assert!(single.potential[lane] != double.potential[lane]);
            }
        }
    }
}

#[test]
fn units_do_not_matter() {
    // Lengths in metres and masses in kilogrammes of a galaxy, whose third powers 32 bits do not hold.
    let (length, mass) = (2f64.powi(70), 2f64.powi(130));
    for (softening, scaled) in [
        (Softening::Plummer(0.02), Softening::Plummer(0.02 * length)),
        (Softening::Spline(0.1), Softening::Spline(0.1 * length)),
    ] {
        let (small, large) = (kernels(softening, Precision::Single), kernels(scaled, Precision::Single));
        for (small, large) in small.iter().zip(&large) {
            let (small, large) = (force(small, 200, 1.0, 1.0), force(large, 200, length, mass));
            assert_eq!(large.potential, small.potential.map(|phi| phi * mass / length));
            assert_eq!(large.acceleration[1], small.acceleration[1].map(|a| a * mass / length / length));
        }
    }
    // Without softening the extent says what the unit is.
    for kernel in kernels(Softening::None, Precision::Single) {
        let (small, large) = (kernel.with_extent(1.0), kernel.with_extent(length));
        let (small, large) = (force(&small, 200, 1.0, 1.0), force(&large, 200, length, mass));
        assert_eq!(large.potential, small.potential.map(|phi| phi * mass / length));
    }
}

#[test]
fn several_tiles_are_summed_as_one_by_one() {
    let all = bodies(150);
    for precision in [Precision::Single, Precision::Double] {
        for kernel in kernels(Softening::Plummer(0.02), precision) {
            let tile = |first: usize| Tile {
                position: std::array::from_fn(|axis| std::array::from_fn(|lane| all[axis][first + lane])),
                ..Tile::default()
            };
            let mut together = [tile(60), tile(68), tile(100)];
            let own = [60, 68, 100].map(|first| std::array::from_fn(|lane| first + lane));
            kernel.add_others(&mut together, &own, sources(&all));
            for (first, together) in [60, 68, 100].into_iter().zip(together) {
                let mut alone = tile(first);
                kernel.add(&mut alone, sources(&all), Some(first));
                assert_eq!(alone, together);
            }
        }
    }
}

#[test]
fn what_32_bits_do_not_hold_is_summed_in_64() {
    let (single, double) = (kernels(Softening::None, Precision::Single), kernels(Softening::None, Precision::Double));
    for (single, double) in single.iter().zip(&double) {
        // So near that the third power of the inverse distance overflows 32 bits.
        let near = [vec![1e-20], vec![0.0], vec![0.0], vec![1.0]];
        let add = |kernel: &PairKernel, far_lanes: f64| {
            let mut tile = Tile::default();
            tile.position[0][4..].fill(far_lanes);
            kernel.add_others(std::slice::from_mut(&mut tile), &[[NOBODY; LANES]], sources(&near));
            tile
        };
        assert_eq!(add(single, 0.0), add(double, 0.0));
        // The other lanes of the tile keep what 32 bits give them.
        let (mixed, mut all_far) =
            (add(single, 0.3), Tile { position: [[0.3; LANES], [0.0; LANES], [0.0; LANES]], ..Tile::default() });
        single.add(&mut all_far, sources(&near), None);
        assert_eq!(mixed.acceleration[0][4..], all_far.acceleration[0][4..]);
        assert_eq!(mixed.acceleration[0][..4], add(double, 0.0).acceleration[0][..4]);
    }
}

#[test]
fn powers_of_two_of_all_numbers() {
    assert_eq!([1.0, 1.5, 2.0, -0.3].map(power_of_two), [1.0, 1.0, 2.0, 0.25]);
    assert_eq!([f64::INFINITY, f64::NAN].map(power_of_two), [1.0; 2]);
    assert_eq!([0.0, 1e-320, 1e300].map(power_of_two), [2f64.powi(-300), 2f64.powi(-300), 2f64.powi(300)]);
}
