//! What a run reports about its bodies: energies, momenta, radii, the closest pair. Every figure has the same bits on any shape.

use super::closest_pair::{ClosestPair, closest_pair};
use super::lagrangian::lagrangian_radii;
use super::sums::{exact_sums, largest_magnitudes};
use super::vector::{cross, length, squared};
use crate::comm::Communicator;
use crate::comm::route::all_gather;
use crate::error::{Error, Result};
use crate::particles::Particles;
use rayon::prelude::*;

/// Ids that a message about bodies that are not finite names.
const NAMED: usize = 5;

/// Figures of the bodies at one time, in the units of the deck. NaN stands for what is not defined, such as the centre of no mass.
#[derive(Clone, Debug, PartialEq)]
pub struct NBodyDiagnostics {
    /// Steps done.
    pub step: u64,
    /// Simulated time.
    pub time: f64,
    /// Sum of m v^2 / 2.
    pub kinetic: f64,
    /// Half the sum of m phi, where phi holds the gravitational constant and no share of the body itself.
    pub potential: f64,
    /// Kinetic and potential energy.
    pub total_energy: f64,
    /// Change of the total energy since the start, relative to its magnitude then; to the kinetic energy then if that was 0.
    pub energy_drift: f64,
    /// Sum of m v.
    pub momentum: [f64; 3],
    /// Sum of m r x v about the origin.
    pub angular_momentum: [f64; 3],
    /// Sum of m r over the mass.
    pub centre_of_mass: [f64; 3],
    /// -2 T / W: 1 in equilibrium.
    pub virial_ratio: f64,
    /// Distances from the centre of mass that hold 10, 50 and 90 % of the mass.
    pub lagrangian_radii: [f64; 3],
    /// The closest pair; `None` if there are less than two bodies.
    pub closest: Option<ClosestPair>,
    /// Largest magnitude of an acceleration.
    pub largest_acceleration: f64,
}

/// Figures of the initial state that those of the final state are compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StartFigures {
    /// Sum of m v^2 / 2.
    pub kinetic: f64,
    /// Sum of m v.
    pub momentum: [f64; 3],
}

impl From<&NBodyDiagnostics> for StartFigures {
    fn from(figures: &NBodyDiagnostics) -> StartFigures {
        StartFigures { kinetic: figures.kinetic, momentum: figures.momentum }
    }
}

impl StartFigures {
    /// Kinetic energy and momentum, for a checkpoint.
    pub fn numbers(self) -> [f64; 4] {
        let [x, y, z] = self.momentum;
        [self.kinetic, x, y, z]
    }

    /// From [`StartFigures::numbers`].
    pub fn of(numbers: &[f64]) -> Option<StartFigures> {
        let &[kinetic, x, y, z] = numbers else { return None };
        Some(StartFigures { kinetic, momentum: [x, y, z] })
    }
}

/// Takes figures of a run; knows the energies that it began with.
#[derive(Clone, Debug, Default)]
pub struct BodyMeter {
    /// Total energy of the first state measured, and the energy that its changes are compared with.
    initial: Option<[f64; 2]>,
}

impl BodyMeter {
    /// The energies that the run began with, once they are known.
    pub fn initial(&self) -> Option<[f64; 2]> {
        self.initial
    }

    /// A meter of a run that began with these energies.
    pub fn since(initial: Option<[f64; 2]>) -> BodyMeter {
        BodyMeter { initial }
    }

    /// Figures of the present state, which is the one after `step` steps. Accelerations and potentials must be those of the positions.
    /// Collective.
    ///
    /// # Errors
    /// Exit code 4 if a value of a body is not finite: names ids, step and time. The same on all ranks.
    pub fn measure(
        &mut self,
        bodies: &Particles,
        step: u64,
        time: f64,
        comm: &dyn Communicator,
    ) -> Result<NBodyDiagnostics> {
        check_finite(bodies, step, time, comm)?;
        let sums = Sums::of(bodies, comm);
        let total_energy = sums.kinetic + sums.potential;
        let centre_of_mass = sums.moment.map(|x| x / sums.mass);
        Ok(NBodyDiagnostics {
            step,
            time,
            kinetic: sums.kinetic,
            potential: sums.potential,
            total_energy,
            energy_drift: self.drift(total_energy, sums.kinetic),
            momentum: sums.momentum,
            angular_momentum: sums.angular_momentum,
            centre_of_mass,
            virial_ratio: if sums.potential == 0.0 { f64::NAN } else { -2.0 * sums.kinetic / sums.potential },
            lagrangian_radii: lagrangian_radii(bodies, centre_of_mass, sums.mass, comm),
            closest: closest_pair(bodies, comm),
            largest_acceleration: largest_acceleration(bodies, comm),
        })
    }

    fn drift(&mut self, energy: f64, kinetic: f64) -> f64 {
        let [start, reference] =
            *self.initial.get_or_insert([energy, if energy == 0.0 { kinetic } else { energy.abs() }]);
        let change = energy - start;
        if change == 0.0 { 0.0 } else { change / reference }
    }
}

struct Sums {
    mass: f64,
    kinetic: f64,
    potential: f64,
    /// Sum of m r.
    moment: [f64; 3],
    momentum: [f64; 3],
    angular_momentum: [f64; 3],
}

impl Sums {
    fn of(bodies: &Particles, comm: &dyn Communicator) -> Sums {
        let figures = |body: usize| {
            let mass = bodies.mass[body];
            let (position, velocity) = (bodies.position_of(body), bodies.velocity_of(body));
            let [x, y, z] = position.map(|x| mass * x);
            let [px, py, pz] = velocity.map(|v| mass * v);
            let [lx, ly, lz] = cross(position, [px, py, pz]);
            let energies = [0.5 * mass * squared(velocity), 0.5 * mass * bodies.potential[body]];
            [mass, energies[0], energies[1], x, y, z, px, py, pz, lx, ly, lz]
        };
        let [mass, kinetic, potential, x, y, z, px, py, pz, lx, ly, lz] = exact_sums(bodies.len(), figures, comm);
        let (moment, momentum, angular_momentum) = ([x, y, z], [px, py, pz], [lx, ly, lz]);
        Sums { mass, kinetic, potential, moment, momentum, angular_momentum }
    }
}

/// Sum of m r over the mass; NaN without mass. Collective; the same bits for every shape.
pub fn centre_of_mass(bodies: &Particles, comm: &dyn Communicator) -> [f64; 3] {
    let figures = |body: usize| {
        let mass = bodies.mass[body];
        let [x, y, z] = bodies.position_of(body).map(|x| mass * x);
        [mass, x, y, z]
    };
    let [mass, x, y, z] = exact_sums(bodies.len(), figures, comm);
    [x, y, z].map(|moment| moment / mass)
}

fn largest_acceleration(bodies: &Particles, comm: &dyn Communicator) -> f64 {
    largest_magnitudes(bodies.len(), &|body| [length(bodies.acceleration_of(body))], comm)[0]
}

/// That all values of all bodies are finite. Collective.
///
/// # Errors
/// As [`BodyMeter::measure`].
pub fn check_finite(bodies: &Particles, step: u64, time: f64, comm: &dyn Communicator) -> Result<()> {
    let bad = |body: &usize| !is_finite(bodies, *body);
    let mut ids: Vec<u64> = (0..bodies.len()).into_par_iter().filter(bad).map(|body| bodies.id[body]).collect();
    let mut count = [ids.len() as i64];
    comm.all_sum(&mut count);
    if count[0] == 0 {
        return Ok(());
    }
    ids.sort_unstable();
    ids.truncate(NAMED);
    let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
    let parts = all_gather(comm, &bytes).concat();
    let mut ids: Vec<u64> = parts.as_chunks().0.iter().map(|id| u64::from_le_bytes(*id)).collect();
    ids.sort_unstable();
    Err(not_finite(&ids, count[0], step, time))
}

fn is_finite(bodies: &Particles, body: usize) -> bool {
    let vectors = [bodies.position_of(body), bodies.velocity_of(body), bodies.acceleration_of(body)];
    let scalars = [bodies.mass[body], bodies.potential[body]];
    vectors.as_flattened().iter().chain(&scalars).all(|x| x.is_finite())
}

fn not_finite(ids: &[u64], count: i64, step: u64, time: f64) -> Error {
    let named: Vec<String> = ids.iter().take(NAMED).map(u64::to_string).collect();
    let more = if count as usize > NAMED { " and others" } else { "" };
    let bodies = if count == 1 { "1 body is".to_owned() } else { format!("{count} bodies are") };
    Error::Numerical(format!(
        "{bodies} not finite at step {step}, time {time:?}: id {}{more}; use a shorter time.dt or a longer softening, and look \
         for bodies at one place or numbers that are too large",
        named.join(", ")
    ))
}

#[cfg(test)]
#[path = "diagnostics_tests.rs"]
mod tests;
