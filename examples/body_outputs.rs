//! Writes all outputs of an N-body run: two discs of light bodies, each around a heavy centre, that pass each other.
//!
//! ```sh
//! cargo run --release --example body_outputs -- DIRECTORY [BODIES [RANKS]]
//! ```
//! Only the centres attract (Toomre and Toomre 1972), so that a run takes seconds and the files can be looked at and opened by other
//! programs without a force solver. Formats: numpy and VTK, and HDF5 with the feature `hdf5`.

use parhelion::comm::{Communicator, threads};
use parhelion::nbody::problem::{Gravity, NBodyProblem, Softening, UnitSystem};
use parhelion::output::bodies::outputs::{BodyState, NBodyOutputs};
use parhelion::output::progress::Progress;
use parhelion::particles::Particles;
use parhelion::run_config::{
    BodyFormat, CheckpointPlan, DensityPlan, NBodyOutputPlan, NBodyRun, TimePlan, TimeStep, Until,
};
use parhelion::simulation::{Moment, Observer};
use std::path::Path;

const STEPS: u64 = 600;
const DT: f64 = 1.0 / 1024.0;
/// Gravitational constant in kpc (km/s)^2 / 1e10 Msun.
const G: f64 = 43_009.17;
/// Mass of a heavy centre in 1e10 Msun.
const HEAVY: f64 = 10.0;
/// Softening of the centres in kpc: an extended halo.
const CORE: f64 = 1.5;

struct Discs {
    bodies: Particles,
    centres: [[f64; 3]; 2],
    speeds: [[f64; 3]; 2],
}

impl BodyState for Discs {
    fn bodies(&mut self) -> &Particles {
        &self.bodies
    }

    fn add_output_seconds(&mut self, _: f64) {}

    fn add_diagnostics_seconds(&mut self, _: f64) {}
}

impl Discs {
    fn new(count: u64, comm: &dyn Communicator) -> Discs {
        let centres = [[-16.0, -5.0, 0.0], [16.0, 5.0, 0.0]];
        let speeds = [[70.0, 0.0, 0.0], [-70.0, 0.0, 0.0]];
        let mut discs = Discs { bodies: Particles::default(), centres, speeds };
        // Bodies are dealt out like cards.
        for n in (0..count).filter(|n| n % comm.size() as u64 == comm.rank() as u64) {
            discs.add(n, count);
        }
        discs.attract();
        discs
    }

    fn add(&mut self, n: u64, count: u64) {
        let side = (n % 2) as usize;
        let unit = |draw: u64| uniform(3 * n + draw);
        let radius = (-2.2 * (1.0 - 0.98 * unit(0)).ln()).min(12.0) + 0.05;
        let angle = std::f64::consts::TAU * unit(1);
        let (sin, cos) = angle.sin_cos();
        let speed = (G * HEAVY).sqrt() * radius / (radius * radius + CORE * CORE).powf(0.75);
        // The second disc stands on its edge, nearly.
        let tilt = |v: [f64; 3]| if side == 0 { v } else { [v[0], 0.5 * v[1] - 0.86 * v[2], 0.86 * v[1] + 0.5 * v[2]] };
        let place = tilt([radius * cos, radius * sin, 0.2 * (unit(2) - 0.5)]);
        let motion = tilt([-speed * sin, speed * cos, 0.0]);
        let position = std::array::from_fn(|axis| self.centres[side][axis] + place[axis]);
        let velocity = std::array::from_fn(|axis| self.speeds[side][axis] + motion[axis]);
        self.bodies.push(n, n + 1, 10.0 / count as f64, position, velocity);
    }

    fn attract(&mut self) {
        for body in 0..self.bodies.len() {
            let [first, second] = self.centres.map(|centre| pull(self.bodies.position_of(body), centre));
            self.bodies.potential[body] = first.1 + second.1;
            for axis in 0..3 {
                self.bodies.acceleration[axis][body] = first.0[axis] + second.0[axis];
            }
        }
    }

    fn kick(&mut self, dt: f64) {
        self.attract();
        let [a, b] = self.centres;
        for (speed, pulled) in self.speeds.iter_mut().zip([pull(a, b).0, pull(b, a).0]) {
            (0..3).for_each(|axis| speed[axis] += dt * pulled[axis]);
        }
        for axis in 0..3 {
            let bodies = &mut self.bodies;
            bodies.velocity[axis].iter_mut().zip(&bodies.acceleration[axis]).for_each(|(v, a)| *v += dt * a);
        }
    }

    fn step(&mut self) {
        self.kick(0.5 * DT);
        for axis in 0..3 {
            let bodies = &mut self.bodies;
            bodies.position[axis].iter_mut().zip(&bodies.velocity[axis]).for_each(|(x, v)| *x += DT * v);
            (0..2).for_each(|n| self.centres[n][axis] += DT * self.speeds[n][axis]);
        }
        self.kick(0.5 * DT);
    }
}

/// A number in [0, 1) for a counter: the mixing function of splitmix64 (Steele, Lea and Flood 2014).
fn uniform(counter: u64) -> f64 {
    let mut z = counter.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ z >> 31) >> 11) as f64 / (1u64 << 53) as f64
}

/// Acceleration and potential at a place due to a heavy centre.
fn pull(place: [f64; 3], centre: [f64; 3]) -> ([f64; 3], f64) {
    let away: [f64; 3] = std::array::from_fn(|axis| centre[axis] - place[axis]);
    let distance = (away.iter().map(|x| x * x).sum::<f64>() + CORE * CORE).sqrt();
    (away.map(|x| G * HEAVY * x / distance.powi(3)), -G * HEAVY / distance)
}

fn run() -> NBodyRun {
    let mut snapshot_formats = vec![BodyFormat::Npy, BodyFormat::Vtp];
    if cfg!(feature = "hdf5") {
        snapshot_formats.push(BodyFormat::Gadget);
    }
    let gravity = Gravity { constant: G, softening: Softening::Plummer(CORE), ..Gravity::default() };
    NBodyRun {
        title: "Two discs pass each other".into(),
        case: "body_outputs".into(),
        problem: NBodyProblem { units: UnitSystem::Galactic, gravity, ..NBodyProblem::default() },
        time: TimePlan { dt: TimeStep::Fixed(DT), until: Until::Steps(STEPS), allow_unstable: false },
        output: NBodyOutputPlan {
            diagnostics_every: 20,
            snapshot_every: 200,
            snapshot_formats,
            frames_every: 10,
            frames: DensityPlan::default(),
        },
        checkpoint: CheckpointPlan::never(),
        resolved: String::new(),
        warnings: Vec::new(),
    }
}

fn simulate(comm: &dyn Communicator, directory: &Path, count: u64) -> parhelion::error::Result<()> {
    let run = run();
    let mut outputs = NBodyOutputs::new(comm, &run, directory, Progress::new(STEPS, (count as f64, "body"), false))?;
    let mut model = Discs::new(count, comm);
    for step in 0..=STEPS {
        if step > 0 {
            model.step();
        }
        let time = step as f64 * DT;
        outputs.observe(&mut Moment { model: &mut model, step, time, last: step == STEPS })?;
    }
    outputs.finish().map(|_| ())
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let directory = Path::new(arguments.get(1).ok_or("usage: body_outputs DIRECTORY [BODIES [RANKS]]")?);
    let number = |n: usize, default: u64| arguments.get(n).map_or(Ok(default), |text| text.parse());
    let (count, ranks) = (number(2, 50_000)?, number(3, 2)? as usize);
    std::fs::create_dir_all(directory.join("frames"))?;
    threads::run(ranks, |comm: &dyn Communicator| simulate(comm, directory, count))
        .into_iter()
        .collect::<Result<(), _>>()?;
    Ok(())
}
