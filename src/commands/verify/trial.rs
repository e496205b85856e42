//! Trial runs of bodies: the project's own decks, which are built in, or others, advanced without outputs.

use crate::comm::Communicator;
use crate::comm::solo::Solo;
use crate::commands::reference_decks::problem;
use crate::cpu::CpuPath;
use crate::error::Result;
use crate::input::bodies::Files;
use crate::nbody::diagnostics::{BodyMeter, NBodyDiagnostics};
use crate::nbody::initial;
use crate::nbody::model::NBodyModel;
use crate::nbody::problem::NBodyProblem;
use crate::particles::Particles;

/// A run on the path of this machine.
pub struct Trial<'c> {
    /// The state.
    pub model: NBodyModel<'c>,
    comm: &'c dyn Communicator,
    meter: BodyMeter,
}

impl<'c> Trial<'c> {
    /// At time 0. Collective.
    ///
    /// # Errors
    /// Those of the initial state and of forces.
    pub fn new(problem: &NBodyProblem, comm: &'c dyn Communicator) -> Result<Trial<'c>> {
        Trial::of(problem, initial::bodies(problem, &Files, comm)?, comm, CpuPath::best())
    }

    /// With these bodies on this path. Collective.
    ///
    /// # Errors
    /// Those of forces.
    pub fn of(
        problem: &NBodyProblem,
        bodies: Particles,
        comm: &'c dyn Communicator,
        path: CpuPath,
    ) -> Result<Trial<'c>> {
        Ok(Trial { model: NBodyModel::new(problem, bodies, comm, path)?, comm, meter: BodyMeter::default() })
    }

    /// Advances by some steps. Collective.
    ///
    /// # Errors
    /// Those of forces.
    pub fn steps(&mut self, count: usize, dt: f64) -> Result<&mut Trial<'c>> {
        (0..count).try_for_each(|_| self.model.advance(dt))?;
        Ok(self)
    }

    /// Figures of the present state; the first call says what drifts are compared with. Collective.
    ///
    /// # Errors
    /// If a value is not finite.
    pub fn figures(&mut self) -> Result<NBodyDiagnostics> {
        self.meter.measure(self.model.bodies(), 0, 0.0, self.comm)
    }

    /// Largest deviation of a coordinate of a body from the place where it should be. On one rank, under the direct sum.
    pub fn distance(&self, body: usize, place: &[f64]) -> f64 {
        let position = self.model.bodies().position_of(body);
        position.iter().zip(place).map(|(x, expected)| (x - expected).abs()).fold(0.0, f64::max)
    }
}

/// A run of a built-in deck on one rank.
///
/// # Errors
/// Those of [`problem`] and [`Trial::new`].
pub fn alone(deck: &str, overrides: &[&str]) -> Result<Trial<'static>> {
    Trial::new(&problem(deck, overrides)?, &Solo)
}
