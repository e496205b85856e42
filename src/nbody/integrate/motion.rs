//! Kicks and drifts: the loops over bodies that all kick-drift-kick schemes share.
//!
//! One product and one sum for each number, in chunks over threads; a chunk writes only its own bodies.

use crate::particles::Particles;
use rayon::prelude::*;

/// Bodies below which threads are not worth waking, and in a chunk.
const CHUNK: usize = 1 << 12;

/// Moves all bodies along their velocities for a time.
pub fn drift(bodies: &mut Particles, time: f64) {
    for axis in 0..3 {
        add_scaled(&mut bodies.position[axis], &bodies.velocity[axis], time);
    }
}

/// Adds their acceleration over a time to the velocities of all bodies.
pub fn kick(bodies: &mut Particles, time: f64) {
    for axis in 0..3 {
        add_scaled(&mut bodies.velocity[axis], &bodies.acceleration[axis], time);
    }
}

/// As [`kick`] for the bodies with `level >= from_level`, over `time` divided by 2^level.
pub fn kick_levels(bodies: &mut Particles, from_level: u8, time: f64) {
    for axis in 0..3 {
        let chunks = bodies.velocity[axis].par_chunks_mut(CHUNK).zip(bodies.acceleration[axis].par_chunks(CHUNK));
        chunks.zip(bodies.level.par_chunks(CHUNK)).for_each(|((velocity, acceleration), level)| {
            for ((v, a), &level) in velocity.iter_mut().zip(acceleration).zip(level) {
                if level >= from_level {
                    *v += a * fraction(time, level);
                }
            }
        });
    }
}

/// `time` divided by 2^level, exactly.
pub fn fraction(time: f64, level: u8) -> f64 {
    time / (1u64 << level) as f64
}

fn add_scaled(to: &mut [f64], from: &[f64], factor: f64) {
    let add = |(to, from): (&mut [f64], &[f64])| to.iter_mut().zip(from).for_each(|(to, from)| *to += from * factor);
    if to.len() <= CHUNK {
        add((to, from));
    } else {
        to.par_chunks_mut(CHUNK).zip(from.par_chunks(CHUNK)).for_each(add);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_short_sets_move_alike() {
        let count = 2 * CHUNK + 5;
        let mut bodies = Particles::with_capacity(count);
        for n in 0..count {
            let x = (n as f64).sqrt();
            bodies.push(n as u64, n as u64, 1.0, [x, -x, 0.1 * x], [1.0 / (1.0 + x), x, 0.0]);
            bodies.acceleration[1][n] = 0.3 * x;
            bodies.level[n] = (n % 5) as u8;
        }
        let mut few = bodies.reordered(&[3, 7, 8195]);
        for set in [&mut bodies, &mut few] {
            drift(set, 0.7);
            kick(set, 0.3);
            kick_levels(set, 2, 0.9);
        }
        for (n, m) in [3, 7, 8195].into_iter().enumerate() {
            assert_eq!(few.row(n), bodies.row(m));
        }
        let x = 7f64.sqrt();
        assert_eq!(bodies.velocity[1][7], x + 0.3 * x * 0.3 + 0.3 * x * (0.9 / 4.0));
        assert_eq!(bodies.velocity[1][6], 6f64.sqrt() + 0.3 * 6f64.sqrt() * 0.3);
        assert_eq!(bodies.position[1][7], -x + x * 0.7);
    }
}
