//! What the tests of time integration share: a plain sum of forces, reference problems, and ways to run them.

use super::{TimeIntegrator, integrator};
use crate::comm::{Communicator, route, solo::Solo};
use crate::cpu::CpuPath;
use crate::decomposition::block_range;
use crate::error::Result;
use crate::nbody::force::{ForceCosts, Forces};
use crate::nbody::problem::{Gravity, Integrator, Method, Precision, Softening, Substeps};
use crate::particles::{Particles, Row, WORDS};

/// All pairs in index order, one after the other. With `stirs` the bodies then move on to the next rank, in reversed order.
pub struct PlainForces {
    pub gravity: Gravity,
    pub stirs: bool,
    pub costs: ForceCosts,
}

impl PlainForces {
    pub fn new(gravity: Gravity) -> PlainForces {
        PlainForces { gravity, stirs: false, costs: ForceCosts::default() }
    }

    fn pull(&self, sources: &[[f64; 4]], target: [f64; 3], index: u64) -> ([f64; 3], f64) {
        let eps = self.gravity.softening.length();
        let (mut acceleration, mut potential) = ([0.0; 3], 0.0);
        for (n, source) in sources.iter().enumerate().filter(|(n, _)| *n as u64 != index) {
            let away: [f64; 3] = [0, 1, 2].map(|axis| source[axis] - target[axis]);
            let squared = away[0] * away[0] + away[1] * away[1] + away[2] * away[2] + eps * eps;
            let weight = self.gravity.constant * source[3] / squared.sqrt();
            assert!(squared > 0.0, "bodies {n} and {index} meet");
            (0..3).for_each(|axis| acceleration[axis] += away[axis] * (weight / squared));
            potential -= weight;
        }
        (acceleration, potential)
    }
}

impl Forces for PlainForces {
    fn evaluate(&mut self, bodies: &mut Particles, from_level: u8, comm: &dyn Communicator) -> Result<()> {
        let all = all_bodies(bodies, comm);
        let place = |n: usize| {
            let [x, y, z] = all.position_of(n);
            [x, y, z, all.mass[n]]
        };
        let sources: Vec<[f64; 4]> = (0..all.len()).map(place).collect();
        for body in 0..bodies.len() {
            if bodies.level[body] >= from_level {
                let (acceleration, potential) = self.pull(&sources, bodies.position_of(body), bodies.index[body]);
                (0..3).for_each(|axis| bodies.acceleration[axis][body] = acceleration[axis]);
                bodies.potential[body] = potential;
                self.costs.pairs += sources.len() as u64;
            }
        }
        self.costs.evaluations += 1;
        if self.stirs {
            let all = gathered_rows(bodies, comm);
            let from = (comm.rank() + 1) % comm.size();
            *bodies = Particles::default();
            all[from].iter().rev().for_each(|row| bodies.push_row(row));
        }
        Ok(())
    }

    fn costs(&self) -> ForceCosts {
        self.costs
    }
}

fn gathered_rows(bodies: &Particles, comm: &dyn Communicator) -> Vec<Vec<Row>> {
    let bytes: Vec<u8> = (0..bodies.len()).flat_map(|n| bodies.row(n)).flat_map(u64::to_le_bytes).collect();
    let rows = |part: &Vec<u8>| {
        part.as_chunks::<8>().0.as_chunks::<WORDS>().0.iter().map(|r| r.map(u64::from_le_bytes)).collect()
    };
    route::all_gather(comm, &bytes).iter().map(rows).collect()
}

/// The bodies of all ranks in index order.
pub fn all_bodies(bodies: &Particles, comm: &dyn Communicator) -> Particles {
    let mut rows: Vec<Row> = gathered_rows(bodies, comm).concat();
    rows.sort_by_key(|row| row[12]);
    let mut all = Particles::default();
    rows.iter().for_each(|row| all.push_row(row));
    all
}

/// The block of a rank.
pub fn block(all: &Particles, comm: &dyn Communicator) -> Particles {
    let (start, count) = block_range(all.len(), comm.size(), comm.rank());
    let order: Vec<u32> = (start as u32..(start + count) as u32).collect();
    all.reordered(&order)
}

pub fn gravity(constant: f64, softening: Softening) -> Gravity {
    let (method, precision) = (Method::Direct, Precision::Double);
    Gravity { constant, method, accuracy: 1e-3, softening, precision, portable_bits: false }
}

/// Bodies from (mass, position, velocity).
pub fn bodies(rows: &[(f64, [f64; 3], [f64; 3])]) -> Particles {
    let mut bodies = Particles::default();
    for (n, &(mass, position, velocity)) in rows.iter().enumerate() {
        bodies.push(n as u64, 10 + n as u64, mass, position, velocity);
    }
    bodies
}

/// A run on one rank.
pub struct Run {
    pub bodies: Particles,
    pub forces: PlainForces,
    pub scheme: Box<dyn TimeIntegrator>,
}

impl Run {
    pub fn new(mut bodies: Particles, gravity: Gravity, kind: Integrator, substeps: Substeps) -> Run {
        let mut forces = PlainForces::new(gravity);
        forces.evaluate(&mut bodies, 0, &Solo).unwrap();
        Run { bodies, forces, scheme: integrator(kind, substeps, &gravity, CpuPath::best()) }
    }

    pub fn steps(&mut self, count: usize, dt: f64) -> &mut Run {
        for _ in 0..count {
            self.scheme.advance(&mut self.bodies, &mut self.forces, dt, &Solo).unwrap();
        }
        self
    }

    pub fn energy(&self) -> f64 {
        let kinetic = |n: usize| 0.5 * self.bodies.velocity_of(n).map(|v| v * v).iter().sum::<f64>();
        (0..self.bodies.len()).map(|n| self.bodies.mass[n] * (kinetic(n) + 0.5 * self.bodies.potential[n])).sum()
    }

    /// Largest deviation of a body's position.
    pub fn distance(&self, body: usize, expected: &[f64]) -> f64 {
        let position = self.bodies.position_of(body);
        position.iter().zip(expected).map(|(x, e)| (x - e).abs()).fold(0.0, f64::max)
    }
}

/// Masses 1 and 1e-3 at distance a (1 + e) = apocentre, semi-major axis 1, barycentric.
pub fn kepler(e: f64) -> Particles {
    let total = 1.001f64;
    let (distance, speed) = (1.0 + e, (total * (1.0 - e) / (1.0 + e)).sqrt());
    let (big, small) = (1e-3 / total, 1.0 / total);
    bodies(&[
        (1.0, [-big * distance, 0.0, 0.0], [0.0, -big * speed, 0.0]),
        (1e-3, [small * distance, 0.0, 0.0], [0.0, small * speed, 0.0]),
    ])
}

/// Period of [`kepler`].
pub fn period() -> f64 {
    std::f64::consts::TAU / 1.001f64.sqrt()
}

/// Position of the small body of [`kepler`] a time after its apocentre, by Kepler's equation.
pub fn kepler_position(e: f64, time: f64) -> [f64; 3] {
    let mean = std::f64::consts::PI + std::f64::consts::TAU * time / period();
    let mut eccentric = mean;
    for _ in 0..60 {
        eccentric -= (eccentric - e * eccentric.sin() - mean) / (1.0 - e * eccentric.cos());
    }
    let small = 1.0 / 1.001;
    [-small * (eccentric.cos() - e), -small * (1.0 - e * e).sqrt() * eccentric.sin(), 0.0]
}

pub fn figure_eight() -> Particles {
    let (x, v) = ([0.97000436, -0.24308753, 0.0], [-0.93240737, -0.86473146, 0.0]);
    let half = v.map(|v: f64| -0.5 * v);
    bodies(&[(1.0, x, half), (1.0, x.map(|x| -x), half), (1.0, [0.0; 3], v)])
}

pub fn pythagorean() -> Particles {
    let still = [0.0; 3];
    bodies(&[(3.0, [1.0, 3.0, 0.0], still), (4.0, [-2.0, -1.0, 0.0], still), (5.0, [1.0, -1.0, 0.0], still)])
}

/// Gravitational constant of [`solar_system`]: AU, day, solar mass.
pub const SOLAR: f64 = 0.01720209895 * 0.01720209895;

/// The outer planets (Applegate et al. 1986).
pub fn solar_system() -> Particles {
    bodies(&[
        (
            1.00000597682,
            [-4.06428567034226e-3, -6.08813756435987e-3, -1.66162304225834e-6],
            [6.69048890636161e-6, -6.33922479583593e-6, -3.13202145590767e-9],
        ),
        (
            1.0 / 1047.355,
            [3.40546614227466, 3.62978190075864, 3.42386261766577e-2],
            [-5.59797969310664e-3, 5.51815399480116e-3, -2.66711392865591e-6],
        ),
        (
            1.0 / 3501.6,
            [6.60801554403466, 6.38084674585064, -1.36145963724542e-1],
            [-4.17354020307064e-3, 3.99723751748116e-3, 1.67206320571441e-5],
        ),
        (
            1.0 / 22869.0,
            [11.1636331405597, 16.0373479057256, 3.61783279369958e-1],
            [-3.25884806151064e-3, 2.06438412905916e-3, -2.17699042180559e-5],
        ),
        (
            1.0 / 19314.0,
            [-30.1777243405203, 1.91155314998064, -1.53887595621042e-1],
            [-2.17471785045538e-4, -3.11361111025884e-3, 3.58344705491441e-5],
        ),
        (
            0.0,
            [-21.3858977531573, 32.0719104739886, 2.49245689556096],
            [-1.76936577252484e-3, -2.06720938381724e-3, 6.58091931493844e-4],
        ),
    ])
}

/// Three bodies of mass 1 on a triangle of side 1 that rotates as it is.
pub fn triangle() -> Particles {
    let radius = 1.0 / 3f64.sqrt();
    let corner = |n: usize| {
        let angle = std::f64::consts::TAU * n as f64 / 3.0;
        let (x, y) = (radius * angle.cos(), radius * angle.sin());
        (1.0, [x, y, 0.0], [-3f64.sqrt() * y, 3f64.sqrt() * x, 0.0])
    };
    bodies(&[corner(0), corner(1), corner(2)])
}

/// A cluster of `count` light bodies about rest in the unit cube, with a close eccentric binary in its middle.
pub fn cluster_with_binary(count: usize) -> Particles {
    let alpha = [0.819_172_513_396_164_4, 0.671_043_606_703_789, 0.549_700_477_901_970_1];
    let place = |i: usize| alpha.map(|a: f64| (0.5 + (i + 1) as f64 * a).fract() - 0.5);
    let light = 0.5 / count as f64;
    let mut rows = vec![(0.25, [0.01, 0.0, 0.0], [0.0, 2.0, 0.0]), (0.25, [-0.01, 0.0, 0.0], [0.0, -2.0, 0.0])];
    rows.extend((2..count).map(|i| (light, place(i), place(i + count).map(|v| 0.5 * v))));
    bodies(&rows)
}
