//! The adaptive Gauss-Radau scheme of order 15 (Everhart 1985), with the step control, the convergence criterion and the
//! compensated sums of IAS15 (Rein & Spiegel 2015): errors stay at round-off, so it is the reference for few bodies.
//!
//! All bodies are on every rank, and every rank does the same arithmetic; only large force sums are shared, over targets. Numbers of a component lie together: x of all bodies, then y, then z.
//!
//! # A step
//! From a prediction of the polynomial's coefficients (see `radau_series.rs`) positions at the seven nodes are computed,
//! accelerations there, and coefficients from those; this is repeated until the last coefficient changes by less than 1e-16 of the
//! largest acceleration, or no longer shrinks (round-off has been reached). The size of the last coefficient over that of the
//! acceleration gives the next step; a step four times too long is taken back. The coefficients continued past the step, plus
//! what this prediction missed last time, predict those of the next.
//!
//! # The end of the run's step
//! is met exactly: what remains is taken as one step, or as two halves when it is less than two natural steps, so that no tiny step
//! spoils the prediction.
//!
//! # State
//! Everything that the next step starts from: natural and last step, residues of the compensated sums, last coefficients and their
//! predictions. Refused: to reset these at each step of the run, which would need no state, but would double the evaluations of
//! runs whose steps are short.

use super::compensated::{Remaining, add_compensated};
use super::leapfrog::expect_no_state;
use super::radau_memory::Memory;
use super::radau_series::{
    Matrix, NODES, TERMS, continuation, inverse_differences, newton_of_powers, once_integrated, powers_of_newton,
    seventh_root, twice_integrated,
};
use super::replica::{Replica, shared_pulls};
use super::{StepCounts, TimeIntegrator};
use crate::comm::Communicator;
use crate::cpu::CpuPath;
use crate::error::{Error, Result};
use crate::nbody::force::Forces;
use crate::nbody::jerk::{JerkKernel, MovingSources};
use crate::nbody::problem::Gravity;
use crate::parallel::Sharing;
use crate::particles::Particles;

/// Last coefficient over acceleration that a step aims at (Rein & Spiegel 2015, section 2.3).
const PRECISION: f64 = 1e-9;
/// Change of the last coefficient over acceleration at which the iteration has converged.
const CONVERGED: f64 = 1e-16;
/// Most iterations; a step that needs more is too long, and its error shows it.
const MOST_ITERATIONS: usize = 12;
/// A step is taken back if the next one would be shorter by more than this, and grows by no more than its inverse.
const SAFETY: f64 = 0.25;
/// Shortest step over that of the run before bodies are said to collide.
const SHORTEST: f64 = 1e-18;

/// The scheme with all that it remembers.
#[derive(Clone, Debug)]
pub struct GaussRadau {
    kernel: JerkKernel,
    tables: Tables,
    memory: Memory,
    counts: StepCounts,
}

#[derive(Clone, Debug)]
struct Tables {
    powers_of_newton: Matrix,
    newton_of_powers: Matrix,
    inverse_differences: Matrix,
    continuation: Matrix,
}

/// Bodies within a step of the run.
struct Set {
    position: Vec<f64>,
    velocity: Vec<f64>,
    mass: Vec<f64>,
    /// Accelerations at the beginning of the step.
    start: Vec<f64>,
    /// Positions and accelerations at a node.
    node: Vec<f64>,
    acceleration: Vec<f64>,
    targets: Vec<u32>,
    /// Buffers of the step that is being tried.
    trial: Trial,
    /// Steps below it are refused.
    shortest: f64,
}

impl Set {
    fn new(replica: &Replica, dt: f64) -> Set {
        let count = replica.len();
        Set {
            position: replica.position.concat(),
            velocity: replica.velocity.concat(),
            mass: replica.mass.clone(),
            start: vec![0.0; 3 * count],
            node: replica.position.concat(),
            acceleration: vec![0.0; 3 * count],
            targets: (0..count as u32).collect(),
            trial: Trial::default(),
            shortest: SHORTEST * dt,
        }
    }

    /// Accelerations at the positions of the node.
    fn evaluate(&mut self, kernel: &JerkKernel, comm: &dyn Communicator) {
        let count = self.mass.len();
        let position = [0, 1, 2].map(|axis| &self.node[axis * count..(axis + 1) * count]);
        let sources = MovingSources { position, velocity: position, mass: &self.mass };
        let pulls = shared_pulls(count, &self.targets, comm, |targets, pulls| {
            kernel.accelerations(sources, targets, pulls);
        });
        for (body, pull) in pulls.iter().enumerate() {
            (0..3).for_each(|axis| self.acceleration[axis * count + body] = pull[axis]);
        }
    }
}

/// A step that is being tried: its length, and coefficients in both bases.
#[derive(Default)]
struct Trial {
    length: f64,
    predicted: [Vec<f64>; TERMS],
    b: [Vec<f64>; TERMS],
    g: [Vec<f64>; TERMS],
}

impl Trial {
    fn clear(&mut self, components: usize, length: f64) {
        self.length = length;
        for values in self.predicted.iter_mut().chain(&mut self.b).chain(&mut self.g) {
            values.clear();
            values.resize(components, 0.0);
        }
    }
}

impl GaussRadau {
    /// With this law of force.
    pub fn new(gravity: &Gravity, path: CpuPath) -> GaussRadau {
        let tables = Tables {
            powers_of_newton: powers_of_newton(),
            newton_of_powers: newton_of_powers(),
            inverse_differences: inverse_differences(),
            continuation: continuation(),
        };
        let kernel = JerkKernel::new(gravity, path);
        GaussRadau { kernel, tables, memory: Memory::default(), counts: StepCounts::default() }
    }

    fn run(&mut self, replica: &mut Replica, dt: f64, comm: &dyn Communicator) -> Result<()> {
        let mut set = Set::new(replica, dt);
        self.prepare_memory(replica.len(), dt)?;
        let mut remaining = Remaining::all_of(dt);
        while !remaining.is_over() {
            self.evaluate(&mut set, comm);
            set.start.copy_from_slice(&set.acceleration);
            check_finite(&set.start, replica)?;
            let length = self.take_step(&mut set, &remaining, replica, comm)?;
            remaining.pass(length);
        }
        let count = replica.len();
        for axis in 0..3 {
            replica.position[axis].copy_from_slice(&set.position[axis * count..(axis + 1) * count]);
            replica.velocity[axis].copy_from_slice(&set.velocity[axis * count..(axis + 1) * count]);
        }
        Ok(())
    }

    fn prepare_memory(&mut self, count: usize, dt: f64) -> Result<()> {
        if self.memory.is_empty() {
            self.memory = Memory::before_first_step(count, dt);
        }
        let kept = self.memory.bodies();
        if kept != count {
            return Err(Error::Input(format!(
                "the checkpoint holds the integrator's memory of {kept} bodies, but there are {count}"
            )));
        }
        Ok(())
    }

    fn evaluate(&mut self, set: &mut Set, comm: &dyn Communicator) {
        set.evaluate(&self.kernel, comm);
        self.counts.evaluations += 1;
        self.counts.pairs += (set.mass.len() * set.mass.len()) as u64;
    }

    /// Tries steps until one is good enough, and returns its length.
    fn take_step(
        &mut self,
        set: &mut Set,
        remaining: &Remaining,
        replica: &Replica,
        comm: &dyn Communicator,
    ) -> Result<f64> {
        let mut trial = std::mem::take(&mut set.trial);
        loop {
            self.begin(&mut trial, set.position.len(), remaining.next_step(self.memory.natural));
            let ratio = self.iterate(set, &mut trial, comm);
            if ratio >= SAFETY {
                self.accept(set, &mut trial, ratio);
                set.trial = trial;
                return Ok(self.memory.last);
            }
            self.memory.natural = trial.length * ratio;
            self.counts.rejected += 1;
            if self.memory.natural < set.shortest {
                return Err(collision(&trial, replica));
            }
        }
    }

    /// Predicts the coefficients for a step of this length.
    fn begin(&self, trial: &mut Trial, components: usize, length: f64) {
        trial.clear(components, length);
        let ratio = if self.memory.last > 0.0 { length / self.memory.last } else { f64::INFINITY };
        // A polynomial continued so far past its step says nothing.
        if ratio <= 1.0 / SAFETY {
            self.predict(trial, ratio);
        }
        for (b, row) in trial.b.iter().zip(&self.tables.newton_of_powers) {
            trial.g.iter_mut().zip(row).for_each(|(g, factor)| add_product(g, b, *factor));
        }
    }

    fn predict(&self, trial: &mut Trial, ratio: f64) {
        let memory = &self.memory;
        let mut power = 1.0;
        for k in 0..TERMS {
            power *= ratio;
            for j in k..TERMS {
                let factor = power * self.tables.continuation[k][j];
                add_product(&mut trial.predicted[k], &memory.coefficients[j], factor);
            }
            trial.b[k].copy_from_slice(&trial.predicted[k]);
            let was_predicted = memory.predicted[k].iter().any(|value| *value != 0.0);
            if was_predicted {
                add_product(&mut trial.b[k], &memory.coefficients[k], power);
                add_product(&mut trial.b[k], &memory.predicted[k], -power);
            }
        }
    }

    /// Iterates the coefficients to convergence, and returns the ratio of the step wanted next to this one.
    fn iterate(&mut self, set: &mut Set, trial: &mut Trial, comm: &dyn Communicator) -> f64 {
        let mut before = f64::INFINITY;
        for iteration in 0..MOST_ITERATIONS {
            let mut change = 0.0;
            for (number, node) in NODES.iter().enumerate().skip(1) {
                self.move_to_node(set, trial, *node);
                self.evaluate(set, comm);
                change = self.update_coefficients(set, trial, number);
            }
            let error = change / largest(&set.acceleration);
            let is_stuck = iteration > 2 && error >= before;
            let is_converged = error < CONVERGED || error.is_nan();
            if is_converged || is_stuck {
                break;
            }
            before = error;
        }
        wanted_ratio(largest(&trial.b[TERMS - 1]), largest(&set.acceleration))
    }

    fn move_to_node(&self, set: &mut Set, trial: &Trial, h: f64) {
        let length = trial.length;
        for i in 0..set.node.len() {
            let curve = 0.5 * h * h * set.start[i] + twice_integrated(trial.b.each_ref().map(|b| b[i]), h);
            let way = length * (h * set.velocity[i] + length * curve);
            set.node[i] = set.position[i] + (self.memory.position_residue[i] + way);
        }
    }

    /// Takes up the accelerations of a node; the largest change of the coefficient that belongs to it.
    fn update_coefficients(&self, set: &Set, trial: &mut Trial, node: usize) -> f64 {
        let last = node - 1;
        let inverse = &self.tables.inverse_differences[last];
        let powers = &self.tables.powers_of_newton[last];
        let mut largest_change = 0.0f64;
        for i in 0..set.start.len() {
            let mut difference = (set.acceleration[i] - set.start[i]) * inverse[0];
            for k in 0..last {
                difference = (difference - trial.g[k][i]) * inverse[k + 1];
            }
            let change = difference - trial.g[last][i];
            trial.g[last][i] = difference;
            for (b, power) in trial.b.iter_mut().zip(powers).take(node) {
                b[i] += change * power;
            }
            largest_change = larger(largest_change, change.abs());
        }
        largest_change
    }

    fn accept(&mut self, set: &mut Set, trial: &mut Trial, ratio: f64) {
        let (h, memory) = (trial.length, &mut self.memory);
        for i in 0..set.position.len() {
            let b = trial.b.each_ref().map(|b| b[i]);
            let curve = 0.5 * set.start[i] + twice_integrated(b, 1.0);
            let bend = h * (memory.velocity_residue[i] + h * curve);
            add_compensated(&mut set.position[i], &mut memory.position_residue[i], h * set.velocity[i]);
            add_compensated(&mut set.position[i], &mut memory.position_residue[i], bend);
            let gain = h * (set.start[i] + once_integrated(b, 1.0));
            add_compensated(&mut set.velocity[i], &mut memory.velocity_residue[i], gain);
        }
        set.node.copy_from_slice(&set.position);
        memory.natural = h * ratio;
        memory.last = h;
        std::mem::swap(&mut memory.coefficients, &mut trial.b);
        std::mem::swap(&mut memory.predicted, &mut trial.predicted);
        self.counts.substeps += 1;
    }
}

impl TimeIntegrator for GaussRadau {
    fn advance(
        &mut self,
        bodies: &mut Particles,
        forces: &mut dyn Forces,
        dt: f64,
        comm: &dyn Communicator,
    ) -> Result<()> {
        let mut replica = Replica::gather(bodies, comm)?;
        self.run(&mut replica, dt, comm)?;
        replica.put_back(bodies);
        self.counts.evaluations += 1;
        forces.evaluate(bodies, 0, comm)
    }

    fn state(&self) -> Vec<u8> {
        self.memory.to_bytes()
    }

    fn restore(&mut self, state: &[u8]) -> Result<()> {
        match Memory::from_bytes(state) {
            Some(memory) => {
                self.memory = memory;
                Ok(())
            }
            None => expect_no_state(state),
        }
    }

    fn set_sharing(&mut self, sharing: Sharing) {
        self.kernel = self.kernel.shared(sharing);
    }

    fn counts(&self) -> StepCounts {
        self.counts
    }
}

fn add_product(to: &mut [f64], from: &[f64], factor: f64) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += from * factor);
}

/// The larger one; NaN if one is, which [`f64::max`] would hide.
fn larger(a: f64, b: f64) -> f64 {
    if b > a || b.is_nan() { b } else { a }
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, value| larger(largest, value.abs()))
}

/// The wanted step over the one whose last coefficient is this large; small if the step was too long to yield numbers.
fn wanted_ratio(last_coefficient: f64, acceleration: f64) -> f64 {
    if last_coefficient == 0.0 {
        return 1.0 / SAFETY;
    }
    let wanted = PRECISION * (acceleration / last_coefficient);
    if !wanted.is_finite() || !last_coefficient.is_finite() {
        return if wanted == f64::INFINITY { 1.0 / SAFETY } else { 0.1 * SAFETY };
    }
    seventh_root(wanted).min(1.0 / SAFETY)
}

fn check_finite(accelerations: &[f64], replica: &Replica) -> Result<()> {
    match accelerations.iter().position(|value| !value.is_finite()) {
        Some(component) => Err(replica.not_finite(component % replica.len())),
        None => Ok(()),
    }
}

fn collision(trial: &Trial, replica: &Replica) -> Error {
    let last = &trial.b[TERMS - 1];
    let fastest = (0..last.len()).max_by(|&i, &j| last[i].abs().total_cmp(&last[j].abs())).unwrap_or(0);
    Error::Numerical(format!(
        "body {} needs a time step below {:e}: it collides, or the forces cannot be resolved",
        replica.id[fastest % replica.len()],
        trial.length
    ))
}
