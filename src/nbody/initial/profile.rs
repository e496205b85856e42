//! Spherical mass distributions: density, mass within a radius, and potential, in closed form.
//!
//! With x = r / a and the total mass M (of NFW: the mass M of the formula 4 pi rho_0 a^3):
//! ```text
//!             rho 4 pi a^3 / M     mass within r / M           -potential a / (G M)
//! Plummer     3 (1 + x^2)^(-5/2)   x^3 (1 + x^2)^(-3/2)        (1 + x^2)^(-1/2)
//! Hernquist   2 / (x (1 + x)^3)    (x / (1 + x))^2             1 / (1 + x)
//! NFW         1 / (x (1 + x)^2)    ln(1 + x) - x / (1 + x)     ln(1 + x) / x
//! disc        -                    1 - (1 + x) e^-x            (1 - e^-x) / x
//! ```
//! The disc is an exponential disc whose mass has been spread over spheres: the field that its halo is made for.
//! Plummer 1911, Hernquist 1990, Navarro, Frenk and White 1996; the disc as Hernquist 1993.

use crate::nbody::groups::{Profile, Sphere};
use std::f64::consts::PI;

/// A shape of mass, for radius and mass 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// A sphere of this profile.
    Profile(Profile),
    /// An exponential disc spread over spheres.
    Disc,
}

/// A spherical mass distribution without an end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distribution {
    /// Its shape.
    pub shape: Shape,
    /// The mass M of the formulas.
    pub mass: f64,
    /// The radius a of the formulas.
    pub radius: f64,
}

impl Distribution {
    /// The distribution that has the mass of the sphere within its truncation.
    pub fn of(sphere: &Sphere) -> Distribution {
        let shape = Shape::Profile(sphere.profile);
        let within = shape.mass_within(sphere.truncation / sphere.scale_radius);
        Distribution { shape, mass: sphere.mass / within, radius: sphere.scale_radius }
    }

    /// Mass within r.
    pub fn mass_within(&self, r: f64) -> f64 {
        self.mass * self.shape.mass_within(r / self.radius)
    }

    /// Potential of mass 1 and G = 1, with the sign changed.
    pub fn depth(&self, r: f64) -> f64 {
        self.mass / self.radius * self.shape.depth(r / self.radius)
    }

    /// Density and the magnitude of its derivative by r.
    pub fn density(&self, r: f64) -> [f64; 2] {
        let [value, slope] = self.shape.density(r / self.radius);
        let unit = self.mass / (4.0 * PI * self.radius * self.radius * self.radius);
        [unit * value, unit / self.radius * slope]
    }
}

impl Shape {
    /// Fraction of M within x; for x infinite 1 (but NFW, which has no end).
    pub fn mass_within(self, x: f64) -> f64 {
        match self {
            Shape::Profile(Profile::Plummer) => {
                let sine = if x.is_finite() { x / (1.0 + x * x).sqrt() } else { 1.0 };
                sine * sine * sine
            }
            Shape::Profile(Profile::Hernquist) => {
                let ratio = if x.is_finite() { x / (1.0 + x) } else { 1.0 };
                ratio * ratio
            }
            // The closed forms cancel to x^2 / 2 near the centre.
            Shape::Profile(Profile::Nfw) if x < SMALL => x * x * (0.5 - x * (2.0 / 3.0 - 0.75 * x)),
            Shape::Profile(Profile::Nfw) => libm::log1p(x) - x / (1.0 + x),
            Shape::Disc if x < SMALL => x * x * (0.5 - x * (1.0 / 3.0 - 0.125 * x)),
            Shape::Disc => 1.0 - (1.0 + x) * libm::exp(-x),
        }
    }

    fn depth(self, x: f64) -> f64 {
        match self {
            Shape::Profile(Profile::Plummer) => 1.0 / (1.0 + x * x).sqrt(),
            Shape::Profile(Profile::Hernquist) => 1.0 / (1.0 + x),
            Shape::Profile(Profile::Nfw) => libm::log1p(x) / x,
            Shape::Disc => -libm::expm1(-x) / x,
        }
    }

    fn density(self, x: f64) -> [f64; 2] {
        let outer = 1.0 + x;
        match self {
            Shape::Profile(Profile::Plummer) => {
                let squared = 1.0 + x * x;
                let value = 3.0 / (squared * squared * squared.sqrt());
                [value, 5.0 * x * value / squared]
            }
            Shape::Profile(Profile::Hernquist) => {
                let value = 2.0 / (x * outer * outer * outer);
                [value, value * (1.0 + 4.0 * x) / (x * outer)]
            }
            Shape::Profile(Profile::Nfw) => {
                let value = 1.0 / (x * outer * outer);
                [value, value * (1.0 + 3.0 * x) / (x * outer)]
            }
            // Of all mass within x, by x, over x^2: e^-x / x.
            Shape::Disc => {
                let value = libm::exp(-x) / x;
                [value, value * outer / x]
            }
        }
    }
}

/// Below this x the first three terms of a series are exact to rounding.
const SMALL: f64 = 1e-5;

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPES: [Shape; 4] = [
        Shape::Profile(Profile::Plummer),
        Shape::Profile(Profile::Hernquist),
        Shape::Profile(Profile::Nfw),
        Shape::Disc,
    ];

    #[test]
    fn mass_potential_and_density_are_derivatives_of_each_other() {
        for shape in SHAPES {
            for x in [0.02, 0.7, 1.0, 4.0, 12.0f64] {
                let h = 1e-4 * x;
                let slope = |f: &dyn Fn(f64) -> f64| (f(x + h) - f(x - h)) / (2.0 * h);
                // Central differences: 1e-8 of truncation, 1e-12 of rounding.
                let near = |a: f64, b: f64| (a - b).abs() <= 1e-6 * b.abs();
                let [density, fall] = shape.density(x);
                assert!(near(slope(&|x| shape.mass_within(x)), density * x * x), "mass of {shape:?} at {x}");
                assert!(near(-slope(&|x| shape.depth(x)), shape.mass_within(x) / (x * x)), "force of {shape:?} at {x}");
                assert!(near(-slope(&|x| shape.density(x)[0]), fall), "slope of {shape:?} at {x}");
            }
        }
    }

    #[test]
    fn series_and_closed_forms_meet() {
        for shape in SHAPES {
            let [below, above] = [0.999_999 * SMALL, 1.000_001 * SMALL].map(|x| shape.mass_within(x) / (x * x * x));
            // The closed form loses half of its digits there: 1e-16 / 1e-10.
            assert!((below / above - 1.0).abs() < 1e-5, "{shape:?}: {below} and {above}");
        }
    }

    #[test]
    fn a_truncated_sphere_has_its_mass() {
        let sphere = Sphere { profile: Profile::Nfw, count: 1, mass: 3.0, scale_radius: 2.0, truncation: 20.0 };
        assert!((Distribution::of(&sphere).mass_within(20.0) - 3.0).abs() < 1e-14);
    }
}
