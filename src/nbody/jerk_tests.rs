//! Tests of the accelerations and jerks from all bodies.

use super::*;
use crate::nbody::problem::{Method, Precision};

/// The law with G = 1.
fn gravity(softening: Softening) -> Gravity {
    Gravity {
        constant: 1.0,
        method: Method::Direct,
        accuracy: 1e-3,
        softening,
        precision: Precision::Double,
        portable_bits: false,
    }
}

/// Bodies at low-discrepancy places with masses and velocities of both small and large size: x, y, z, vx, vy, vz, m.
fn bodies(count: usize) -> [Vec<f64>; 7] {
    let alpha = [0.819_172_513_396_164_4, 0.671_043_606_703_789, 0.549_700_477_901_970_1];
    let place = |axis: usize, i: usize| (0.5 + (i + 1) as f64 * alpha[axis % 3] * (1 + axis / 3) as f64).fract();
    std::array::from_fn(|axis| (0..count).map(|i| place(axis, i)).collect())
}

fn sources(bodies: &[Vec<f64>; 7]) -> MovingSources<'_> {
    MovingSources {
        position: [0, 1, 2].map(|axis| &bodies[axis][..]),
        velocity: [3, 4, 5].map(|axis| &bodies[axis][..]),
        mass: &bodies[6],
    }
}

fn pulls(softening: Softening, path: CpuPath, bodies: &[Vec<f64>; 7]) -> Vec<Pull> {
    let targets: Vec<u32> = (0..bodies[0].len() as u32).collect();
    let mut pulls = vec![[0.0; 6]; targets.len()];
    JerkKernel::new(&gravity(softening), path).accelerations_and_jerks(sources(bodies), &targets, &mut pulls);
    pulls
}

const LAWS: [Softening; 3] = [Softening::None, Softening::Plummer(0.1), Softening::Spline(0.1)];

#[test]
fn the_jerk_is_the_derivative_of_the_acceleration() {
    for law in LAWS {
        let start = bodies(40);
        let h = 1e-6;
        let moved = |sign: f64| {
            let mut moved = start.clone();
            for axis in 0..3 {
                moved[axis].iter_mut().zip(&start[3 + axis]).for_each(|(x, v)| *x += sign * h * v);
            }
            pulls(law, CpuPath::Portable, &moved)
        };
        let (before, after) = (moved(-1.0), moved(1.0));
        for (n, pull) in pulls(law, CpuPath::Portable, &start).iter().enumerate() {
            for axis in 0..3 {
                let slope = (after[n][axis] - before[n][axis]) / (2.0 * h);
                // Error of a central difference: h^2 times the third derivative, which is 1e6 at the closest pairs, plus round-off / h.
                assert!((slope - pull[3 + axis]).abs() < 1e-6 * (1.0 + pull[3 + axis].abs()), "{law:?} {n} {axis}");
            }
        }
    }
}

#[test]
fn every_path_and_thread_count_gives_the_same_bits() {
    // More than one block of sources, targets for all threads.
    let bodies = bodies(BLOCK + 203);
    for law in LAWS {
        let expected = pulls(law, CpuPath::Portable, &bodies);
        for path in CpuPath::available() {
            for threads in [1, 3] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                assert_eq!(pool.install(|| pulls(law, path, &bodies)), expected, "{law:?} {path:?} {threads}");
            }
        }
    }
}

#[test]
fn a_target_is_computed_alike_in_any_company() {
    // Few targets have the blocks of their sources shared between threads.
    let bodies = bodies(2 * BLOCK + 21);
    let all = pulls(Softening::None, CpuPath::best(), &bodies);
    let kernel = JerkKernel::new(&gravity(Softening::None), CpuPath::best());
    let targets = [20, 3, 4, 19, 7, 8, 0, 1, 11];
    let mut few = [[0.0; 6]; 9];
    kernel.accelerations_and_jerks(sources(&bodies), &targets, &mut few);
    for (target, pull) in targets.iter().zip(few) {
        assert_eq!(pull, all[*target as usize]);
    }
    kernel.accelerations(sources(&bodies), &targets, &mut few);
    for (target, pull) in targets.iter().zip(few) {
        assert_eq!(pull[..3], all[*target as usize][..3]);
        assert_eq!(pull[3..], [0.0; 3]);
    }
}

#[test]
fn the_force_test_of_a_thousand_bodies() {
    let mut bodies = bodies(1000);
    bodies[6] = vec![1e-3; 1000];
    let first = pulls(Softening::None, CpuPath::best(), &bodies)[0];
    // Reference in 128 bits; round-off of a sum of 1000 terms whose largest is about 10.
    for (value, expected) in first.iter().zip([0.4582546215331676, 0.9478957048883816, 1.7971654402223798]) {
        assert!((value - expected).abs() < 1e-13, "{value} {expected}");
    }
}

#[test]
fn the_spline_is_smooth_and_newtonian_outside() {
    let newton = |u: f64| (1.0 / u.powi(3), -3.0 / u.powi(5));
    let near = |a: (f64, f64), b: (f64, f64)| (a.0 - b.0).abs() < 1e-9 && (a.1 - b.1).abs() < 1e-9;
    // Both factors are continuous with their slopes of at most 200, and the steps are 1e-12 wide.
    assert!(near(Spline::pieces(0.5 - 1e-12), Spline::pieces(0.5)));
    assert!(near(Spline::pieces(1.0 - 1e-12), newton(1.0)));
    let mut two: [Vec<f64>; 7] = std::array::from_fn(|_| vec![0.0, 0.25]);
    two[6] = vec![1.0, 1.0];
    assert_eq!(pulls(Softening::Spline(0.01), CpuPath::best(), &two), pulls(Softening::None, CpuPath::best(), &two));
}

#[test]
fn softened_bodies_at_one_place_do_not_pull_each_other() {
    let one_place: [Vec<f64>; 7] = std::array::from_fn(|_| vec![0.25; 9]);
    for law in &LAWS[1..] {
        assert!(pulls(*law, CpuPath::best(), &one_place).iter().flatten().all(|pull| *pull == 0.0));
    }
}
