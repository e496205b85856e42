//! Where the bodies of a run come from: groups, one after the other, through which ids count. Plain data.
//!
//! A model is written in its own frame: centre at the origin, at rest, discs and orbits in the x-y plane. Its placement then
//! turns and moves it, so that every model can stand anywhere without keys of its own for that.

use std::path::PathBuf;

/// A source of bodies.
#[derive(Clone, Debug, PartialEq)]
pub enum BodyGroup {
    /// Written out in the deck.
    Listed(Vec<Body>),
    /// Made from a model.
    Generated(Generated),
    /// Read from a file.
    File(BodyFile),
}

/// One body of a deck.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Body {
    /// Not negative.
    pub mass: f64,
    /// x, y, z.
    pub position: [f64; 3],
    /// x, y, z.
    pub velocity: [f64; 3],
}

/// Bodies made from a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Generated {
    /// What they make up.
    pub model: Model,
    /// First half of the key of the random numbers; the other half is the number of the group.
    pub seed: u64,
    /// Where it stands.
    pub placement: Placement,
}

/// Bodies read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct BodyFile {
    /// The file.
    pub path: PathBuf,
    /// How it is to be read.
    pub format: FileFormat,
    /// Where they stand: the origin of the file's frame goes to `position`.
    pub placement: Placement,
}

/// Formats of files of bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// A header of named columns, then numbers separated by commas.
    Csv,
    /// Seven numbers a line: m x y z vx vy vz.
    Ascii,
    /// An array of numpy of shape (N, 7) with these columns, or `positions.npy` with others beside it.
    Npy,
    /// GADGET's layout of HDF5.
    Gadget,
}

/// How a model is turned and moved.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Placement {
    /// Where the centre of mass goes.
    pub position: [f64; 3],
    /// Velocity of the centre of mass.
    pub velocity: [f64; 3],
    /// Longitude of the node, inclination and argument, in degrees: turned about z by the argument, then about x by the
    /// inclination, then about z by the longitude of the node.
    pub rotation: [f64; 3],
}

/// What generated bodies make up.
#[derive(Clone, Debug, PartialEq)]
pub enum Model {
    /// A sphere in equilibrium.
    Sphere(Sphere),
    /// A homogeneous sphere.
    Uniform(UniformSphere),
    /// A disc in a halo.
    Disc(DiscGalaxy),
    /// Two bodies on an orbit around each other.
    Orbit(Orbit),
    /// Equal bodies on a circle.
    Polygon(Polygon),
}

/// An isotropic sphere in equilibrium, cut off at a radius.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sphere {
    /// Its profile.
    pub profile: Profile,
    /// Number of bodies.
    pub count: u64,
    /// Mass of all bodies.
    pub mass: f64,
    /// Scale radius of the profile.
    pub scale_radius: f64,
    /// No body lies beyond this radius; may be infinite if the mass of the profile is finite.
    pub truncation: f64,
}

/// Density profiles, with x = r / scale radius.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// (1 + x^2)^(-5/2) (Plummer 1911).
    Plummer,
    /// 1 / (x (1 + x)^3) (Hernquist 1990).
    Hernquist,
    /// 1 / (x (1 + x)^2) (Navarro, Frenk and White 1996).
    Nfw,
}

/// A homogeneous sphere with Maxwellian velocities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UniformSphere {
    /// Number of bodies.
    pub count: u64,
    /// Mass of all bodies.
    pub mass: f64,
    /// Its radius.
    pub radius: f64,
    /// Twice the kinetic energy over the magnitude of the potential energy: 0 at rest, 1 in balance.
    pub virial_ratio: f64,
}

/// An exponential disc in a halo, with or without a bulge. Ids: disc, halo, bulge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DiscGalaxy {
    /// Number of bodies of the disc.
    pub count: u64,
    /// Mass of the disc.
    pub mass: f64,
    /// Scale length R_d of the surface density exp(-R / R_d).
    pub scale_radius: f64,
    /// Scale height z_0 of the density sech^2(z / z_0).
    pub scale_height: f64,
    /// No body of the disc lies beyond this cylindrical radius.
    pub truncation: f64,
    /// Toomre's Q at 2.5 scale lengths.
    pub toomre_q: f64,
    /// The halo.
    pub halo: Sphere,
    /// The bulge.
    pub bulge: Option<Sphere>,
}

/// Two bodies on an orbit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Orbit {
    /// Of the two bodies.
    pub masses: [f64; 2],
    /// Shape and phase of the path of the second relative to the first.
    pub path: Path,
}

/// A conic section and a place on it, in the x-y plane with the pericentre on the positive x axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Path {
    /// 0 circle, below 1 ellipse, 1 parabola, above 1 hyperbola.
    pub eccentricity: f64,
    /// Smallest distance.
    pub pericentre: f64,
    /// Angle from the pericentre to the place, in degrees; negative before the pericentre.
    pub true_anomaly: f64,
}

/// Equal bodies at the corners of a regular polygon that turns as a rigid body.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Polygon {
    /// Number of corners.
    pub count: u64,
    /// Mass of all bodies.
    pub mass: f64,
    /// Radius of the circle through the corners.
    pub radius: f64,
}

impl BodyGroup {
    /// Number of bodies, if it is known without opening a file.
    pub fn count(&self) -> Option<u64> {
        match self {
            BodyGroup::Listed(bodies) => Some(bodies.len() as u64),
            BodyGroup::Generated(generated) => Some(generated.model.count()),
            BodyGroup::File(_) => None,
        }
    }
}

impl Model {
    /// Number of bodies.
    pub fn count(&self) -> u64 {
        match self {
            Model::Sphere(sphere) => sphere.count,
            Model::Uniform(sphere) => sphere.count,
            Model::Disc(galaxy) => galaxy.count + galaxy.halo.count + galaxy.bulge.map_or(0, |bulge| bulge.count),
            Model::Orbit(_) => 2,
            Model::Polygon(polygon) => polygon.count,
        }
    }

    /// Mass of all bodies.
    pub fn mass(&self) -> f64 {
        match self {
            Model::Sphere(sphere) => sphere.mass,
            Model::Uniform(sphere) => sphere.mass,
            Model::Disc(galaxy) => galaxy.mass + galaxy.halo.mass + galaxy.bulge.map_or(0.0, |bulge| bulge.mass),
            Model::Orbit(orbit) => orbit.masses[0] + orbit.masses[1],
            Model::Polygon(polygon) => polygon.mass,
        }
    }
}
