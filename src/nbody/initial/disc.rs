//! An exponential disc in a halo, with or without a bulge, near equilibrium.
//!
//! As Hernquist 1993: the surface density falls as exp(-R / R_d), the density across the disc as sech^2(z / z_0). Circular speeds come from
//! the disc (Freeman 1970), the halo and the bulge. The radial dispersion falls as exp(-R / 2 R_d), smoothed over a quarter of R_d
//! at the centre, and makes Toomre's Q the asked one at 2.5 R_d; the vertical one is that of an isothermal sheet; the azimuthal one
//! follows from the epicycles, and the mean rotation lags behind the circular speed by the asymmetric drift. Speeds of halo and bulge
//! are isotropic equilibria in the field of all three, the disc's mass spread over spheres. Refused: to relax the disc in
//! a rigid halo first, which costs a run of its own.

use super::Sampler;
use super::bessel::disc_factor;
use super::profile::{Distribution, Shape};
use super::random::Draws;
use super::sphere::SphereSampler;
use super::table::{Table, geometric};
use crate::nbody::groups::{Body, DiscGalaxy};
use std::f64::consts::{PI, TAU};

/// Where Q is what was asked for, in scale lengths.
const REFERENCE: f64 = 2.5;
/// Over which the radial dispersion is smoothed at the centre, in scale lengths.
const SMOOTHING: f64 = 0.25;
/// Radii of the tables.
const POINTS: usize = 1000;
/// The number of Toomre's criterion for stars.
const TOOMRE: f64 = 3.36;

/// Draws bodies of a galaxy: disc, halo, bulge.
pub struct GalaxySampler {
    galaxy: DiscGalaxy,
    halo: SphereSampler,
    bulge: Option<SphereSampler>,
    disc: DiscSampler,
}

impl GalaxySampler {
    /// For a galaxy with this gravitational constant.
    pub fn new(galaxy: DiscGalaxy, constant: f64) -> GalaxySampler {
        let mut field = vec![spread_disc(&galaxy), Distribution::of(&galaxy.halo)];
        field.extend(galaxy.bulge.as_ref().map(Distribution::of));
        GalaxySampler {
            halo: SphereSampler::in_field(galaxy.halo, &field, constant),
            bulge: galaxy.bulge.map(|bulge| SphereSampler::in_field(bulge, &field, constant)),
            disc: DiscSampler::new(&galaxy, &field, constant),
            galaxy,
        }
    }
}

impl Sampler for GalaxySampler {
    fn body(&self, number: u64, draws: &mut Draws) -> Body {
        let [disc, halo] = [self.galaxy.count, self.galaxy.halo.count];
        match &self.bulge {
            _ if number < disc => self.disc.body(number, draws),
            Some(bulge) if number >= disc + halo => bulge.body(number, draws),
            _ => self.halo.body(number, draws),
        }
    }
}

fn spread_disc(galaxy: &DiscGalaxy) -> Distribution {
    let within = Shape::Disc.mass_within(galaxy.truncation / galaxy.scale_radius);
    Distribution { shape: Shape::Disc, mass: galaxy.mass / within, radius: galaxy.scale_radius }
}

/// Draws bodies of the disc.
struct DiscSampler {
    galaxy: DiscGalaxy,
    /// Fraction of the mass of the endless disc within R / R_d.
    masses: Table,
    /// Mean rotation, and dispersions along R, phi and z, at radii R.
    velocities: [Table; 4],
}

impl DiscSampler {
    fn new(galaxy: &DiscGalaxy, field: &[Distribution], constant: f64) -> DiscSampler {
        let end = galaxy.truncation / galaxy.scale_radius;
        let masses = Table::of(geometric(1e-9 * end..=end, POINTS), |x| Shape::Disc.mass_within(x));
        DiscSampler { galaxy: *galaxy, masses, velocities: velocities(galaxy, field, constant) }
    }

    fn height(&self, draws: &mut Draws) -> f64 {
        // The integral of sech^2 is tanh; its inverse at 2 u - 1 is half of this logarithm.
        let u = draws.uniform();
        0.5 * self.galaxy.scale_height * libm::log(u / (1.0 - u))
    }
}

impl Sampler for DiscSampler {
    fn body(&self, _: u64, draws: &mut Draws) -> Body {
        let within = Shape::Disc.mass_within(self.galaxy.truncation / self.galaxy.scale_radius);
        let x = self.masses.inverse(draws.uniform() * within, |x| [Shape::Disc.mass_within(x), x * libm::exp(-x)]);
        let radius = self.galaxy.scale_radius * x;
        let (sin, cos) = libm::sincos(TAU * draws.uniform());
        let z = self.height(draws);
        let ([a, b], [c, _]) = (draws.normal_pair(), draws.normal_pair());
        let [rotation, along, around, across] = self.velocities.each_ref().map(|table| table.value(radius));
        let (outward, forward) = (a * along, rotation + b * around);
        Body {
            mass: self.galaxy.mass / self.galaxy.count as f64,
            position: [radius * cos, radius * sin, z],
            velocity: [outward * cos - forward * sin, outward * sin + forward * cos, c * across],
        }
    }
}

/// Mean rotation, and dispersions along R, phi and z.
fn velocities(galaxy: &DiscGalaxy, field: &[Distribution], constant: f64) -> [Table; 4] {
    let (length, disc) = (galaxy.scale_radius, &field[0]);
    let central = disc.mass / (TAU * length * length);
    let surface = |r: f64| central * libm::exp(-r / length);
    // Freeman 1970: 4 pi G Sigma_0 R_d y^2 (I0 K0 - I1 K1), y = R / 2 R_d.
    let circular = |r: f64| {
        let y = 0.5 * r / length;
        let disc = 4.0 * PI * central * length * y * y * disc_factor(y);
        constant * (disc + field[1..].iter().map(|part| part.mass_within(r) / r).sum::<f64>())
    };
    // kappa^2 over Omega^2: 1 in the field of a point, 4 in that of a homogeneous sphere.
    let epicycle = |r: f64| {
        let slope = libm::log(circular(1.01 * r) / circular(r / 1.01)) / (2.0 * libm::log(1.01));
        (2.0 + slope).clamp(1.0, 4.0)
    };
    let smooth = |r: f64| (r * r + 2.0 * SMOOTHING * SMOOTHING * length * length).sqrt();
    let reference = REFERENCE * length;
    let critical =
        TOOMRE * constant * surface(reference) * reference / (epicycle(reference) * circular(reference)).sqrt();
    let square_at_reference = galaxy.toomre_q * critical * galaxy.toomre_q * critical;
    let radial = |r: f64| square_at_reference * libm::exp((smooth(reference) - smooth(r)) / length);
    let drifting = |r: f64| {
        let lag = radial(r) * (1.0 - 0.25 * epicycle(r) - 2.0 * r / length);
        (circular(r) + lag).max(0.0).sqrt()
    };
    let radii = || geometric(1e-4 * length..=galaxy.truncation, POINTS);
    [
        Table::of(radii(), drifting),
        Table::of(radii(), |r| radial(r).sqrt()),
        Table::of(radii(), |r| (0.25 * epicycle(r) * radial(r)).sqrt()),
        Table::of(radii(), |r| (PI * constant * surface(r) * galaxy.scale_height).sqrt()),
    ]
}
