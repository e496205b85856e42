//! Bodies of a sphere in equilibrium, and of a homogeneous one.
//!
//! Plummer's sphere as Aarseth, Henon and Wielen 1974 draw it: the mass within r inverted in closed form, and the ratio q of speed
//! to escape speed from q^2 (1 - q^2)^(7/2) by rejection. Hernquist's and NFW's by Eddington's inversion ([`super::eddington`]).
//! Speeds are those of the profile without its truncation: the field within does not know of mass beyond, so only bodies
//! whose orbits would leave the truncated sphere are out of balance. Softening is not known to them either.

use super::Sampler;
use super::eddington::Speeds;
use super::profile::{Distribution, Shape};
use super::random::Draws;
use super::table::{Table, geometric};
use crate::nbody::groups::{Body, Profile, Sphere, UniformSphere};

/// No body is drawn farther out than so many scale radii.
const FARTHEST: f64 = 1e8;
/// Points of the table of masses.
const POINTS: usize = 1000;

/// Draws bodies of a sphere in equilibrium.
pub struct SphereSampler {
    sphere: Sphere,
    distribution: Distribution,
    constant: f64,
    /// Fraction of the mass M of the profile within x, up to the truncation; not used where it is inverted in closed form.
    masses: Option<Table>,
    /// Not used where speeds have a closed form.
    speeds: Option<Speeds>,
}

impl SphereSampler {
    /// For a sphere alone.
    pub fn alone(sphere: Sphere, constant: f64) -> SphereSampler {
        SphereSampler::in_field(sphere, &[Distribution::of(&sphere)], constant)
    }

    /// For a sphere in a field of which it is a part.
    pub fn in_field(sphere: Sphere, field: &[Distribution], constant: f64) -> SphereSampler {
        let distribution = Distribution::of(&sphere);
        let alone = *field == [distribution];
        let closed = sphere.profile == Profile::Plummer && alone;
        let speeds = (!closed).then(|| Speeds::new(&distribution, field, constant));
        let shape = distribution.shape;
        let masses = (sphere.profile == Profile::Nfw).then(|| {
            let end = sphere.truncation / sphere.scale_radius;
            Table::of(geometric(1e-9 * end..=end, POINTS), |x| shape.mass_within(x))
        });
        SphereSampler { sphere, distribution, constant, masses, speeds }
    }

    fn radius(&self, draws: &mut Draws) -> f64 {
        let end = self.sphere.truncation / self.sphere.scale_radius;
        let fraction = draws.uniform() * self.distribution.shape.mass_within(end);
        let x = match self.sphere.profile {
            Profile::Plummer => {
                let sine = libm::cbrt(fraction);
                sine / ((1.0 - sine) * (1.0 + sine)).sqrt()
            }
            Profile::Hernquist => fraction.sqrt() / (1.0 - fraction.sqrt()),
            Profile::Nfw => self.masses.as_ref().map_or(0.0, |table| inverse(table, self.distribution.shape, fraction)),
        };
        x.min(end).min(FARTHEST) * self.sphere.scale_radius
    }

    fn speed(&self, r: f64, draws: &mut Draws) -> f64 {
        match &self.speeds {
            Some(speeds) => speeds.draw(r, draws),
            None => plummer_ratio(draws) * (2.0 * self.constant * self.distribution.depth(r)).sqrt(),
        }
    }
}

fn inverse(table: &Table, shape: Shape, fraction: f64) -> f64 {
    // dm/dx of NFW is x / (1 + x)^2.
    table.inverse(fraction, |x| [shape.mass_within(x), x / ((1.0 + x) * (1.0 + x))])
}

/// Speed over escape speed in Plummer's sphere. The density q^2 (1 - q^2)^(7/2) is below 0.1 (Aarseth et al. 1974).
fn plummer_ratio(draws: &mut Draws) -> f64 {
    loop {
        let q = draws.uniform();
        let rest = 1.0 - q * q;
        if 0.1 * draws.uniform() < q * q * rest * rest * rest * rest.sqrt() {
            return q;
        }
    }
}

impl Sampler for SphereSampler {
    fn body(&self, _: u64, draws: &mut Draws) -> Body {
        let r = self.radius(draws);
        let position = draws.on_sphere(r);
        let speed = self.speed(r, draws);
        Body { mass: self.sphere.mass / self.sphere.count as f64, position, velocity: draws.on_sphere(speed) }
    }
}

/// Draws bodies of a homogeneous sphere.
pub struct UniformSampler {
    sphere: UniformSphere,
    /// Of a component of the velocity.
    dispersion: f64,
}

impl UniformSampler {
    /// With kinetic energy 3/2 M s^2 = Q |W| / 2 and W = -3/5 G M^2 / R.
    pub fn new(sphere: UniformSphere, constant: f64) -> UniformSampler {
        let dispersion = (sphere.virial_ratio * constant * sphere.mass / (5.0 * sphere.radius)).sqrt();
        UniformSampler { sphere, dispersion }
    }
}

impl Sampler for UniformSampler {
    fn body(&self, _: u64, draws: &mut Draws) -> Body {
        let radius = self.sphere.radius * libm::cbrt(draws.uniform());
        let position = draws.on_sphere(radius);
        let mut velocity = [0.0; 3];
        if self.dispersion > 0.0 {
            let ([x, y], [z, _]) = (draws.normal_pair(), draws.normal_pair());
            velocity = [x, y, z].map(|v| self.dispersion * v);
        }
        Body { mass: self.sphere.mass / self.sphere.count as f64, position, velocity }
    }
}
