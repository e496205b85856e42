//! Bodies to test with, and direct sums of forces.

use crate::nbody::problem::{Gravity, Method, Precision, Softening};
use crate::particles::Particles;
use rayon::prelude::*;

/// Counter-based random numbers (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn on_sphere(&mut self, radius: f64) -> [f64; 3] {
        let z = 2.0 * self.next() - 1.0;
        let angle = std::f64::consts::TAU * self.next();
        let s = (1.0 - z * z).sqrt();
        [radius * s * angle.cos(), radius * s * angle.sin(), radius * z]
    }
}

fn add_plummer(bodies: &mut Particles, random: &mut Random, count: usize, scale: f64, center: [f64; 3], mass: f64) {
    for _ in 0..count {
        let share = 0.999 * random.next().max(1e-9);
        let x = random.on_sphere(scale / (share.powf(-2.0 / 3.0) - 1.0).sqrt());
        let n = bodies.len() as u64;
        bodies.push(n, 3 * n + 1, mass / count as f64, [0, 1, 2].map(|axis| center[axis] + x[axis]), [0.0; 3]);
    }
}

pub fn plummer(count: usize) -> Particles {
    let mut bodies = Particles::default();
    add_plummer(&mut bodies, &mut Random(1), count, 1.0, [0.0; 3], 1.0);
    bodies
}

pub fn two(count: usize) -> Particles {
    let mut bodies = Particles::default();
    let mut random = Random(2);
    add_plummer(&mut bodies, &mut random, count / 2, 1.0, [-3.0, 0.5, 0.0], 1.0);
    add_plummer(&mut bodies, &mut random, count - count / 2, 0.5, [3.0, -1.0, 0.3], 0.5);
    bodies
}

pub fn uniform(count: usize) -> Particles {
    let mut random = Random(3);
    let mut bodies = Particles::default();
    for n in 0..count as u64 {
        let radius = random.next().cbrt();
        let x = random.on_sphere(radius);
        bodies.push(n, n, 1.0 / count as f64, x, [0.0; 3]);
    }
    bodies
}

/// Clusters of a thousandfold range of sizes in a sphere.
pub fn clustered(count: usize) -> Particles {
    let mut random = Random(4);
    let mut bodies = Particles::default();
    let clusters = 20;
    for n in 0..clusters {
        let radius = 3.0 * random.next().cbrt();
        let center = random.on_sphere(radius);
        let scale = 10f64.powf(-3.0 * random.next());
        let share = count * (n + 1) / clusters - count * n / clusters;
        add_plummer(&mut bodies, &mut random, share, scale, center, share as f64 / count as f64);
    }
    bodies
}

/// A dense sphere and far outside, in wide leaves, groups of a few bodies.
pub fn lonely(count: usize) -> Particles {
    let mut random = Random(5);
    let mut bodies = uniform(count);
    for n in 0..24 {
        let center = [[2.0, 0.5, 0.3], [-1.7, 1.2, -0.5], [0.2, -2.1, 0.4], [-0.4, 0.3, 1.9]][n / 6];
        let x = center.map(|x| x + 1.2 * (random.next() - 0.5));
        bodies.push((count + n) as u64, (count + n) as u64, 1.0 / count as f64, x, [0.0; 3]);
    }
    bodies
}

pub fn gravity(accuracy: f64, softening: Softening) -> Gravity {
    Gravity {
        constant: 1.5,
        method: Method::Fmm,
        accuracy,
        softening,
        precision: Precision::Double,
        portable_bits: false,
    }
}

/// Acceleration and potential at a body with Plummer's softening, summed over all others.
pub fn direct(bodies: &Particles, eps: f64, constant: f64, target: usize) -> ([f64; 3], f64) {
    let mut acceleration = [0.0; 3];
    let mut potential = 0.0;
    for source in (0..bodies.len()).filter(|&source| source != target) {
        let away = [0, 1, 2].map(|axis| bodies.position[axis][source] - bodies.position[axis][target]);
        let inverse = 1.0 / (away.iter().map(|x| x * x).sum::<f64>() + eps * eps).sqrt();
        let weight = constant * bodies.mass[source] * inverse;
        (0..3).for_each(|axis| acceleration[axis] += away[axis] * weight * inverse * inverse);
        potential -= weight;
    }
    (acceleration, potential)
}

/// Relative errors of the accelerations of about `samples` bodies, ascending.
pub fn errors(bodies: &Particles, eps: f64, constant: f64, samples: usize) -> Vec<f64> {
    errors_of(bodies, eps, constant, (0..bodies.len()).step_by((bodies.len() / samples).max(1)))
}

/// The same of these bodies.
pub fn errors_of(bodies: &Particles, eps: f64, constant: f64, samples: impl Iterator<Item = usize>) -> Vec<f64> {
    let length = |x: [f64; 3]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
    let error = |body: usize| {
        let (truth, _) = direct(bodies, eps, constant, body);
        let found = bodies.acceleration_of(body);
        length([0, 1, 2].map(|axis| found[axis] - truth[axis])) / length(truth)
    };
    let mut errors: Vec<f64> = samples.collect::<Vec<_>>().into_par_iter().map(error).collect();
    errors.sort_by(f64::total_cmp);
    errors
}

pub fn rms(errors: &[f64]) -> f64 {
    (errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64).sqrt()
}

pub fn p99(errors: &[f64]) -> f64 {
    errors[errors.len() * 99 / 100]
}
