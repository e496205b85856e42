//! Diagnostics against closed values and over shapes.

use super::*;
use crate::comm::solo::Solo;
use crate::comm::threads;
use crate::cpu::CpuPath;
use crate::nbody::gravity::{LANES, PairKernel, Sources, Tile};
use crate::nbody::problem::{Gravity, Method, Precision, Softening};

/// Sets potential and acceleration by all pairs, G = 1.
fn attract(bodies: &mut Particles) {
    let (method, precision) = (Method::Direct, Precision::Double);
    let (softening, constant, accuracy) = (Softening::None, 1.0, 1e-3);
    let gravity = Gravity { constant, method, accuracy, softening, precision, portable_bits: true };
    let kernel = PairKernel::new(&gravity, CpuPath::Portable);
    let sources = bodies.clone();
    let position = std::array::from_fn(|axis| sources.position[axis].as_slice());
    for first in (0..bodies.len()).step_by(LANES) {
        let count = LANES.min(bodies.len() - first);
        let mut tile = Tile { position: [[1e30; LANES]; 3], ..Tile::default() };
        for axis in 0..3 {
            tile.position[axis][..count].copy_from_slice(&sources.position[axis][first..first + count]);
        }
        kernel.add(&mut tile, Sources { position, mass: &sources.mass }, Some(first));
        for lane in 0..count {
            bodies.potential[first + lane] = tile.potential[lane];
            (0..3).for_each(|axis| bodies.acceleration[axis][first + lane] = tile.acceleration[axis][lane]);
        }
    }
}

/// A pair of masses 1 and 1e-3 at the pericentre of an orbit of a = 1 and this eccentricity, at rest as a whole.
fn kepler(eccentricity: f64) -> Particles {
    let (m1, m2) = (1.0, 1e-3);
    let total = m1 + m2;
    let distance = 1.0 - eccentricity;
    let speed = (total * (1.0 + eccentricity) / distance).sqrt();
    let mut bodies = Particles::default();
    bodies.push(0, 7, m1, [-distance * m2 / total, 0.0, 0.0], [0.0, -speed * m2 / total, 0.0]);
    bodies.push(1, 9, m2, [distance * m1 / total, 0.0, 0.0], [0.0, speed * m1 / total, 0.0]);
    attract(&mut bodies);
    bodies
}

/// The 1,000 bodies of the reference force test.
fn thousand() -> Particles {
    let alpha = [0.819_172_513_396_164_4, 0.671_043_606_703_789, 0.549_700_477_901_970_1];
    let mut bodies = Particles::default();
    for n in 0..1000 {
        let position = alpha.map(|a| (0.5 + (n + 1) as f64 * a).fract());
        bodies.push(n, n, 1e-3, position, [position[1], -position[0], 0.5 - position[2]]);
    }
    attract(&mut bodies);
    bodies
}

/// A number in (0, 1) for body `n`.
fn fraction(n: u64, key: u64) -> f64 {
    let hash = blake3::hash(&[n.to_le_bytes(), key.to_le_bytes()].concat());
    let word = u64::from_le_bytes(hash.as_bytes().as_chunks().0[0]);
    ((word >> 11) as f64 + 0.5) / (1u64 << 53) as f64
}

/// A Plummer sphere of G = M = a = 1 with the potential of the continuum (Aarseth, Henon and Wielen 1974).
fn plummer(count: u64) -> Particles {
    let mut bodies = Particles::default();
    let isotropic = |n: u64, key: u64, length: f64| {
        let (z, phi) = (2.0 * fraction(n, key) - 1.0, std::f64::consts::TAU * fraction(n, key + 1));
        let across = (1.0 - z * z).sqrt();
        [across * phi.cos(), across * phi.sin(), z].map(|x| x * length)
    };
    for n in 0..count {
        // Every mass shell once, in a scrambled order.
        let within = (n as f64 + 0.5) / count as f64;
        let radius = 1.0 / (within.powf(-2.0 / 3.0) - 1.0).sqrt();
        let draws = (0..).map(|k| [fraction(n, 10 + 2 * k), 0.1 * fraction(n, 11 + 2 * k)]);
        let [q, _] = draws.into_iter().find(|[q, g]| *g < q * q * (1.0 - q * q).powf(3.5)).unwrap();
        let speed = q * 2f64.sqrt() * (1.0 + radius * radius).powf(-0.25);
        let index = (n * 7919) % count;
        bodies.push(index, index, 1.0 / count as f64, isotropic(n, 1, radius), isotropic(n, 3, speed));
        bodies.potential[n as usize] = -1.0 / (1.0 + radius * radius).sqrt();
    }
    bodies
}

fn measure(bodies: &Particles, comm: &dyn Communicator) -> NBodyDiagnostics {
    BodyMeter::default().measure(bodies, 0, 0.0, comm).unwrap()
}

#[test]
fn a_pair_has_keplers_energy_and_momentum() {
    for eccentricity in [0.0, 0.5, 0.9] {
        let figures = measure(&kepler(eccentricity), &Solo);
        let reduced = 1e-3 / 1.001;
        let angular = reduced * (1.001 * (1.0 - eccentricity * eccentricity)).sqrt();
        // A dozen rounded operations on energies that at e = 0.9 are ten times the total.
        assert!((figures.total_energy / -5e-4 - 1.0).abs() < 1e-14, "{figures:?}");
        assert!((figures.angular_momentum[2] / angular - 1.0).abs() < 1e-15);
        assert!(figures.momentum.iter().chain(&figures.centre_of_mass).all(|x| x.abs() < 1e-18));
        let pair = figures.closest.unwrap();
        assert_eq!(pair.ids, [7, 9]);
        assert!((pair.distance / (1.0 - eccentricity) - 1.0).abs() < 1e-15);
        // The light body has the larger acceleration, that of the heavy one at this distance.
        assert!((figures.largest_acceleration * pair.distance * pair.distance - 1.0).abs() < 1e-15);
        assert!((figures.virial_ratio - (1.0 + eccentricity)).abs() < 1e-14);
    }
}

#[test]
fn a_thousand_bodies_have_the_reference_energy() {
    let figures = measure(&thousand(), &Solo);
    // The project's tolerance for direct sums.
    assert!((figures.potential / -0.928_765_861_475_279_3 - 1.0).abs() < 1e-13, "{}", figures.potential);
}

#[test]
fn a_plummer_sphere_is_in_equilibrium() {
    let figures = measure(&plummer(20_011), &Solo);
    let pi = std::f64::consts::PI;
    // The masses of shells are exact; speeds are drawn, and their mean square is off by about 0.7 N^-1/2.
    let noise = 4.0 * 0.7 / 20_011f64.sqrt();
    assert!((figures.potential / (-3.0 * pi / 32.0) - 1.0).abs() < 1e-3, "{figures:?}");
    assert!((figures.virial_ratio - 1.0).abs() < noise, "{figures:?}");
    assert!((figures.total_energy / (-3.0 * pi / 64.0) - 1.0).abs() < noise);
    // Distances are from the centre of mass, which is off the centre of the shells by the noise of directions.
    for (radius, expected) in figures.lagrangian_radii.iter().zip([0.5240281, 1.3047660, 3.7071128]) {
        assert!((radius / expected - 1.0).abs() < 0.01, "{radius} {expected}");
    }
}

#[test]
fn every_shape_measures_the_same_bits() {
    let all = thousand();
    let expected = measure(&all, &Solo);
    for (size, stride) in [(1, 3), (2, 1), (3, 5), (4, 9), (5, 1000)] {
        let figures = threads::run(size, |comm: &dyn Communicator| {
            let own = (0..1000u32).rev().filter(|n| (n / stride) as usize % size == comm.rank());
            measure(&all.reordered(&own.collect::<Vec<u32>>()), comm)
        });
        assert!(figures.iter().all(|f| *f == expected), "{size} ranks");
    }
}

#[test]
fn drift_is_relative_to_the_first_state() {
    let (mut meter, mut bodies) = (BodyMeter::default(), kepler(0.5));
    let start = meter.measure(&bodies, 0, 0.0, &Solo).unwrap();
    assert_eq!(start.energy_drift, 0.0);
    bodies.potential.iter_mut().for_each(|phi| *phi *= 1.5);
    let later = meter.measure(&bodies, 1, 0.1, &Solo).unwrap();
    assert_eq!(later.energy_drift, (later.total_energy - start.total_energy) / start.total_energy.abs());
    assert!(later.energy_drift < -1.0);
}

#[test]
fn one_body_and_no_mass_are_no_trouble() {
    let mut bodies = Particles::default();
    bodies.push(0, 3, 2.0, [1.0, 2.0, 3.0], [1.0, 0.0, 0.0]);
    let figures = measure(&bodies, &Solo);
    assert_eq!((figures.kinetic, figures.closest, figures.lagrangian_radii), (1.0, None, [0.0; 3]));
    assert_eq!(figures.centre_of_mass, [1.0, 2.0, 3.0]);
    assert!(figures.virial_ratio.is_nan());
    bodies.mass[0] = 0.0;
    assert!(measure(&bodies, &Solo).centre_of_mass[0].is_nan());
}

#[test]
fn sums_that_overflow_are_told_and_do_no_harm() {
    let mut bodies = Particles::default();
    for n in 0..40 {
        bodies.push(n, n, 1e308, [n as f64, 1e300, 0.0], [1e200, 0.0, 0.0]);
    }
    let figures = measure(&bodies, &Solo);
    assert_eq!((figures.kinetic, figures.closest.unwrap().distance), (f64::INFINITY, 1.0));
    assert!(figures.lagrangian_radii[0].is_nan());
}

#[test]
fn what_is_not_finite_is_named_on_all_ranks() {
    let errors = threads::run(3, |comm: &dyn Communicator| {
        let mut bodies = thousand().reordered(&(0..1000).filter(|n| n % 3 == comm.rank() as u32).collect::<Vec<u32>>());
        for body in 0..bodies.len() {
            match bodies.id[body] {
                40 => bodies.velocity[2][body] = f64::NAN,
                8 => bodies.acceleration[0][body] = f64::INFINITY,
                _ => {}
            }
        }
        BodyMeter::default().measure(&bodies, 12, 0.25, comm).unwrap_err()
    });
    assert!(errors.iter().all(|error| error.exit_code() == 4 && *error == errors[0]));
    let text = errors[0].to_string();
    assert!(text.starts_with("2 bodies are not finite at step 12, time 0.25: id 8, 40;"), "{text}");
}
