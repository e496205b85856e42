//! What is to be simulated: the validated physics of a heat deck, in SI units. Plain data; nothing here computes.

use crate::grid::UniformGrid;
use crate::region::Region;
use crate::signal::Signal;
use ndarray::Array3;
use std::path::PathBuf;
use std::sync::Arc;

/// A complete heat problem: rho c dT/dt = div(k grad T) + q.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatProblem {
    /// Cells and spacings.
    pub grid: UniformGrid,
    /// Material where no region says otherwise.
    pub background: Material,
    /// Later entries overwrite earlier ones.
    pub regions: Vec<(Region, Material)>,
    /// Conditions on the faces: `faces[axis] = [lower, upper]`. In two dimensions the z faces are insulated.
    pub faces: [[FaceCondition; 2]; 3],
    /// Heat sources, added in this order.
    pub sources: Vec<Source>,
    /// State at time 0.
    pub initial: Initial,
}

/// Properties of matter that heat conduction needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Material {
    /// k in W/(m K).
    pub conductivity: f64,
    /// rho in kg/m3.
    pub density: f64,
    /// c in J/(kg K).
    pub specific_heat: f64,
}

impl Material {
    /// rho c in J/(m3 K).
    pub fn heat_capacity(&self) -> f64 {
        self.density * self.specific_heat
    }

    /// k / (rho c) in m2/s.
    pub fn diffusivity(&self) -> f64 {
        self.conductivity / self.heat_capacity()
    }
}

/// What happens at one face of the domain.
#[derive(Clone, Debug, PartialEq)]
pub enum FaceCondition {
    /// The wall has this temperature (kelvin or degrees Celsius, as the deck's other temperatures).
    Fixed(Signal),
    /// Heat flux *into* the domain in W/m2; 0 is an insulated wall.
    Flux(Signal),
    /// Newton's law of cooling: flux into the domain = h (ambient - wall).
    Convection {
        /// h in W/(m2 K), positive.
        coefficient: f64,
        /// Temperature of the surroundings.
        ambient: Signal,
    },
    /// This face and the opposite one are the same place.
    Periodic,
}

/// Volumetric heat production in a region during a span of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Where.
    pub region: Region,
    /// How much.
    pub strength: Strength,
    /// Seconds: on from the first to the second.
    pub active: [f64; 2],
}

/// Strength of a source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Strength {
    /// W/m3 in every cell of the region.
    PerVolume(f64),
    /// W in all, spread evenly over the cells of the region.
    Total(f64),
}

/// State at time 0.
#[derive(Clone, Debug, PartialEq)]
pub enum Initial {
    /// One temperature, overwritten in regions, the last one counts.
    Regions {
        /// Where no region says otherwise.
        background: f64,
        /// Region and temperature in it.
        patches: Vec<(Region, f64)>,
    },
    /// `background + amplitude * exp(-|x - center|^2 / (2 width^2))`.
    Gaussian {
        /// Temperature far away.
        background: f64,
        /// Height of the peak above it.
        amplitude: f64,
        /// Metres.
        center: [f64; 3],
        /// Standard deviation in metres.
        width: f64,
    },
    /// `base + gradient . x + amplitude * product over axes of eigenfunction(mode)` of the domain with its boundary kinds.
    Eigenmode {
        /// Temperature at the lower corner.
        base: f64,
        /// K/m along x, y, z.
        gradient: [f64; 3],
        /// Kelvin.
        amplitude: f64,
        /// Number of the eigenfunction along each axis, from 1 upwards; on a periodic axis the number of waves, from 0.
        mode: [usize; 3],
    },
    /// A global `.npy` array (z, y, x) or (y, x), f64 or f32; every rank reads its part.
    File(PathBuf),
    /// Values handed over by a program that uses this crate as a library, in C order (z, y, x).
    Array(Arc<Array3<f64>>),
}
