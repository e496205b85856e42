//! Whole force evaluations by the fast multipole method, with their true errors and where the time goes.
//!
//! `cargo bench --bench fmm` evaluates Plummer spheres of 1e5 and 1e6 bodies at several accuracies; `cargo bench --bench fmm -- 300000 1e-4`
//! one case. Each is evaluated three times, the tree built anew each time; the first one estimates the field first. Errors are those of
//! 1,000 bodies against the direct sum.

use parhelion::comm::solo::Solo;
use parhelion::cpu::CpuPath;
use parhelion::nbody::fmm::Fmm;
use parhelion::nbody::force::{ForceCosts, Forces};
use parhelion::nbody::problem::{Gravity, Method, Precision, Softening};
use parhelion::particles::Particles;
use rayon::prelude::*;
use std::time::Instant;

const EPS: f64 = 1e-3;
const SAMPLES: usize = 1000;

/// The n-th random number in 0..1 of a body (splitmix64).
fn random(body: usize, n: u64) -> f64 {
    let z = (4 * body as u64 + n).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

fn plummer(count: usize) -> Particles {
    let mut bodies = Particles::with_capacity(count);
    for n in 0..count {
        let radius = 1.0 / ((0.999 * random(n, 0).max(1e-9)).powf(-2.0 / 3.0) - 1.0).sqrt();
        let (z, angle) = (2.0 * random(n, 1) - 1.0, std::f64::consts::TAU * random(n, 2));
        let across = radius * (1.0 - z * z).sqrt();
        let x = [across * angle.cos(), across * angle.sin(), radius * z];
        bodies.push(n as u64, n as u64, 1.0 / count as f64, x, [0.0; 3]);
    }
    bodies
}

fn length(x: [f64; 3]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn error(bodies: &Particles, target: usize) -> f64 {
    let mut sum = [0.0; 3];
    let at = bodies.position_of(target);
    for source in (0..bodies.len()).filter(|&source| source != target) {
        let away: [f64; 3] = std::array::from_fn(|axis| bodies.position[axis][source] - at[axis]);
        let inverse = 1.0 / (away.iter().map(|x| x * x).sum::<f64>() + EPS * EPS).sqrt();
        let weight = bodies.mass[source] * inverse * inverse * inverse;
        (0..3).for_each(|axis| sum[axis] += weight * away[axis]);
    }
    let found = bodies.acceleration_of(target);
    length(std::array::from_fn(|axis| found[axis] - sum[axis])) / length(sum)
}

/// Root mean square, 99th percentile and maximum.
fn errors(bodies: &Particles) -> [f64; 3] {
    let samples = SAMPLES.min(bodies.len());
    let of = |n: usize| error(bodies, n * bodies.len() / samples);
    let mut errors: Vec<f64> = (0..samples).into_par_iter().map(of).collect();
    errors.sort_by(f64::total_cmp);
    let rms = (errors.iter().map(|e| e * e).sum::<f64>() / samples as f64).sqrt();
    [rms, errors[samples * 99 / 100], errors[samples - 1]]
}

fn print(seconds: f64, before: ForceCosts, after: ForceCosts, count: f64) {
    println!(
        "  {seconds:7.3} s: build {:.3}  upward {:.3}  exchange {:.3}  far {:.3}  near {:.3}; per body {:.0} pairs, {:.1} pairs of cells",
        after.build_s - before.build_s,
        after.upward_s - before.upward_s,
        after.exchange_s - before.exchange_s,
        after.far_s - before.far_s,
        after.near_s - before.near_s,
        (after.pairs - before.pairs) as f64 / count,
        (after.cell_pairs - before.cell_pairs) as f64 / count,
    );
}

fn case(count: usize, accuracy: f64) {
    let gravity = Gravity {
        constant: 1.0,
        method: Method::Fmm,
        accuracy,
        softening: Softening::Plummer(EPS),
        precision: Precision::Double,
        portable_bits: false,
    };
    let mut forces = Fmm::new(&gravity, CpuPath::best());
    let mut bodies = plummer(count);
    println!("{count} bodies, accuracy {accuracy:e}, {}", CpuPath::best().name());
    for _ in 0..3 {
        let before = forces.costs();
        let start = Instant::now();
        forces.evaluate(&mut bodies, 0, &Solo).expect("finite forces");
        print(start.elapsed().as_secs_f64(), before, forces.costs(), count as f64);
    }
    let [rms, p99, most] = errors(&bodies);
    println!(
        "  errors: rms {rms:.2e}, 99 % below {p99:.2e} ({:.2} of the accuracy, {:.2} rms), largest {most:.2e}",
        p99 / accuracy,
        p99 / rms
    );
}

fn main() {
    let numbers: Vec<f64> = std::env::args().filter_map(|text| text.parse().ok()).collect();
    match numbers[..] {
        [count, accuracy, ..] => case(count as usize, accuracy),
        _ => {
            for count in [100_000, 1_000_000] {
                [3e-3, 3e-4, 3e-6].into_iter().for_each(|accuracy| case(count, accuracy));
            }
        }
    }
}
