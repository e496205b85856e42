//! `[bodies]` or `[[bodies]]` of an N-body deck: groups of bodies of several kinds. As [`super::deck`], keys that only some kinds use are
//! optional.

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `[bodies]` or `[[bodies]]`: a group of bodies, which `generator`, `file` or `list` says. A model is made in its own frame, its centre of mass at rest at the origin, discs and orbits in the
/// x-y plane; then it is turned by `rotation` and moved by `position` and `velocity`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Bodies", transform = with_kind)]
pub struct BodiesDeck {
    /// Model that the bodies are made from. Needless with `file` and `list`, which stand for themselves.
    #[serde(alias = "kind")]
    pub generator: Option<BodiesKind>,
    /// Listed: the bodies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub list: Vec<BodyDeck>,
    /// File: a CSV (.csv with a header that names the columns mass, x, y, z, vx, vy, vz and perhaps id), text (.txt, .dat or .ascii with
    /// m x y z vx vy vz in every line), an array of numpy (.npy of shape (N, 7) with these columns), the arrays of a snapshot
    /// (positions.npy, with velocities.npy, masses.npy and perhaps ids.npy beside it) or a GADGET file (.hdf5, .h5). Ids of a file count
    /// if it is the only group; otherwise they only order its bodies.
    pub file: Option<String>,
    /// Number of bodies; of a disc galaxy, of the disc alone.
    pub count: Option<u64>,
    /// Mass of all bodies in mass units; of a disc galaxy, of the disc alone.
    pub mass: Option<f64>,
    /// Scale radius in length units; of a disc, the length over which the surface density falls by e.
    pub scale_radius: Option<f64>,
    /// Plummer, hernquist, nfw, disc: no body lies beyond this radius, in length units. Default: plummer and hernquist none, nfw 10 and
    /// disc 8 scale radii.
    pub truncation: Option<f64>,
    /// Uniform sphere, polygon: radius in length units.
    pub radius: Option<f64>,
    /// Uniform sphere: twice the kinetic over the potential energy, 0 at rest, 1 in balance. Default: 0.
    pub virial_ratio: Option<f64>,
    /// Disc: the length z0 of the density sech^2(z / z0) across it, in length units. Default: a tenth of the scale radius.
    pub scale_height: Option<f64>,
    /// Disc: Toomre's Q at 2.5 scale radii; below 1 it breaks up. Default: 1.5.
    pub toomre_q: Option<f64>,
    /// Disc: its halo.
    pub halo: Option<SphereDeck>,
    /// Disc: its bulge. Default: none.
    pub bulge: Option<SphereDeck>,
    /// Orbit: masses of the two bodies in mass units.
    pub masses: Option<Vec<f64>>,
    /// Orbit: semi-major axis in length units, for an ellipse. Either this or `pericentre` is given.
    pub semi_major_axis: Option<f64>,
    /// Orbit: smallest distance in length units.
    pub pericentre: Option<f64>,
    /// Orbit: 0 circle, below 1 ellipse, 1 parabola, above 1 hyperbola. Default: 0.
    pub eccentricity: Option<f64>,
    /// Orbit: angle from the pericentre to the second body at the start, in degrees. Default: 0.
    pub true_anomaly: Option<f64>,
    /// Seed of the random numbers; groups of equal seeds still differ. Default: 1.
    pub seed: Option<u64>,
    /// Where the centre of mass goes (of a file: its origin), x, y, z in length units. Default: [0, 0, 0].
    pub position: Option<Vec<f64>>,
    /// Velocity that is added, x, y, z in velocity units. Default: [0, 0, 0].
    pub velocity: Option<Vec<f64>>,
    /// Longitude of the node, inclination and argument of the pericentre, in degrees: turned about z by the third, about x by the second,
    /// about z by the first. Default: [0, 0, 0].
    pub rotation: Option<Vec<f64>>,
}

/// What a group of bodies is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BodiesKind {
    /// Written out: `list`.
    Listed,
    /// Read from `file`.
    File,
    /// Plummer's sphere in equilibrium: `count`, `mass`, `scale_radius`.
    Plummer,
    /// Hernquist's sphere in equilibrium: `count`, `mass`, `scale_radius`.
    Hernquist,
    /// Halo of Navarro, Frenk and White in equilibrium: `count`, `mass` (within the truncation), `scale_radius`.
    Nfw,
    /// Homogeneous sphere, at rest or with Maxwellian velocities: `count`, `mass`, `radius`.
    UniformSphere,
    /// Exponential disc in a halo, near equilibrium: `count`, `mass`, `scale_radius`, `halo`.
    Disc,
    /// Two bodies on an orbit around each other: `masses`, `semi_major_axis` or `pericentre`.
    Orbit,
    /// Equal bodies at the corners of a regular polygon that turns as a rigid body: `count`, `mass`, `radius`.
    Polygon,
}

/// A body of `list`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Body")]
pub struct BodyDeck {
    /// Mass in mass units; 0 makes a body that is attracted but does not attract.
    pub mass: f64,
    /// x, y, z in length units.
    pub position: Vec<f64>,
    /// x, y, z in velocity units.
    pub velocity: Vec<f64>,
}

/// Halo or bulge of a disc galaxy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Sphere")]
pub struct SphereDeck {
    /// Its profile.
    #[serde(default)]
    pub profile: ProfileName,
    /// Number of bodies.
    pub count: u64,
    /// Mass of all bodies in mass units.
    pub mass: f64,
    /// Scale radius of the profile in length units.
    pub scale_radius: f64,
    /// No body lies beyond this radius, in length units. Default: 10 scale radii.
    pub truncation: Option<f64>,
}

/// Density profile of a sphere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProfileName {
    /// (1 + x^2)^(-5/2), x = r / scale radius.
    Plummer,
    /// 1 / (x (1 + x)^3).
    #[default]
    Hernquist,
    /// 1 / (x (1 + x)^2).
    Nfw,
}

/// The schema knows no other names of keys: this is one.
fn with_kind(schema: &mut Schema) {
    if let Some(keys) = schema.get_mut("properties").and_then(Value::as_object_mut)
        && let Some(mut kind) = keys.get("generator").cloned()
    {
        kind["description"] = "Another name of `generator`.".into();
        keys.insert("kind".into(), kind);
    }
}
