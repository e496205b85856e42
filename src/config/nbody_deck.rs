//! The N-body deck as it is written: one struct per table, as [`super::deck`] for heat. Nothing is checked here but types and names.

use super::checkpoint_deck::CheckpointDeck;
use super::choices::StepChoice;
use super::deck::{AxisName, ColormapName};
use super::nbody_choices::{BodiesChoice, SofteningChoice};
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// An N-body deck: bodies that attract each other by gravity. All numbers are in the units that `units` names. Paths of files are
/// relative to the deck.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NBodyDeck {
    /// What the run is called in reports and pictures. Default: the name of the deck's file.
    pub title: Option<String>,
    /// The physics of the deck.
    pub physics: NBodyPhysics,
    /// Units of all numbers of the deck and of the results.
    #[serde(default)]
    pub units: Units,
    /// The law of force, and how it is summed.
    #[serde(default)]
    pub gravity: GravityDeck,
    /// Where the bodies come from: one group, `[bodies]`, or several, each a table `[[bodies]]`; ids count through the groups, from 0.
    #[serde(default, skip_serializing_if = "BodiesChoice::is_empty")]
    pub bodies: BodiesChoice,
    /// Puts two groups of bodies on an orbit around each other. Default: every group stands where its own keys say.
    pub encounter: Option<EncounterDeck>,
    /// Time step and end of the run.
    pub time: NBodyTimeDeck,
    /// What is written, and when. Intervals are in time steps; 0 means never.
    #[serde(default)]
    pub output: NBodyOutputDeck,
    /// When the state is kept, to go on from after an interruption.
    #[serde(default)]
    pub checkpoint: CheckpointDeck,
}

/// The physics of a deck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NBodyPhysics {
    /// Gravitational N-body dynamics.
    NBody,
}

/// Units of a deck.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Units {
    /// G = 1; lengths, masses and times have no names.
    #[default]
    #[serde(rename = "nbody")]
    NBody,
    /// m, kg, s; velocities in m/s.
    Si,
    /// Astronomical units, solar masses, Julian years; velocities in au/yr.
    Solar,
    /// Astronomical units, solar masses, days; velocities in au/d. G is the square of the Gaussian constant.
    SolarDays,
    /// kpc, 1e10 solar masses, km/s; times in kpc/(km/s) = 0.978 Gyr.
    Galactic,
}

/// `[gravity]`: the law of force, and how it is summed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Gravity")]
pub struct GravityDeck {
    /// How forces are summed.
    pub method: MethodName,
    /// 99th percentile of the relative force error that the multipole method may have, 1e-8 to 0.1. Default: 1e-3.
    pub accuracy: Option<f64>,
    /// Force at short distances: a table, or the length eps of Plummer's softening in length units, 0 for none. Default: none.
    pub softening: SofteningChoice,
    /// Arithmetic of pair forces.
    pub precision: PrecisionName,
    /// Only exactly rounded operations, so that every CPU gives the same bits; costs about a third of the speed.
    pub portable_bits: bool,
    /// Gravitational constant in the units of the deck. Default: that of the units.
    pub constant: Option<f64>,
}

/// How forces are summed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MethodName {
    /// Whichever is faster for the number of bodies and the accuracy.
    #[default]
    Auto,
    /// All pairs.
    Direct,
    /// Fast multipole method on an adaptive octree.
    Fmm,
}

/// Arithmetic of pair forces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PrecisionName {
    /// 64 bits.
    #[default]
    Double,
    /// 32 bits for distances and forces of pairs, 64 bits for positions and sums: twice as fast, errors of about 1e-6.
    Single,
}

/// `gravity.softening`: how the force of a pair is bounded at short distances.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Softening")]
pub struct SofteningDeck {
    /// Form of the softened force.
    pub kind: SofteningKind,
    /// Plummer, spline: the length eps in length units.
    pub length: Option<f64>,
}

/// Form of the softened force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SofteningKind {
    /// Newton's law at all distances.
    #[default]
    None,
    /// The potential of a pair is -G m / sqrt(r^2 + eps^2).
    Plummer,
    /// Cubic spline: -G m / eps at r = 0, Newton's law from r = 2.8 eps on.
    Spline,
}

/// `[encounter]`: two groups of bodies as if each were a point with its mass, on a conic section in the x-y plane with its pericentre on
/// the positive x axis of the second group, seen from the first; at the start they approach each other. The centre of mass of
/// both is at rest at the origin; `position` and `velocity` of the groups are added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Encounter")]
pub struct EncounterDeck {
    /// Numbers of the two groups, from 0.
    #[serde(default = "first_two")]
    pub groups: Vec<u64>,
    /// Shape of the orbit: below 1 an ellipse, 1 a parabola, above 1 a hyperbola.
    #[serde(default = "parabola")]
    pub eccentricity: f64,
    /// Smallest distance of the orbit in length units.
    pub pericentre: f64,
    /// Distance at the start in length units.
    pub separation: f64,
}

/// `[time]`: time step and end of the run. Exactly one of `steps` and `end` is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NBodyTime")]
pub struct NBodyTimeDeck {
    /// Scheme that advances time.
    #[serde(default)]
    pub integrator: IntegratorName,
    /// Time step in time units, or "auto": eta sqrt(eps / |a|) of the largest acceleration at the start, with the softening length eps.
    #[serde(default)]
    pub dt: StepChoice,
    /// Factor of the criterion of dt = "auto" and of substeps, in (0, 1]. Default: 0.2; 0.02 for the criterion of hermite4.
    pub eta: Option<f64>,
    /// Whether a step is cut further where bodies need it.
    #[serde(default)]
    pub substeps: SubstepsName,
    /// Number of time steps; 0 computes forces once.
    pub steps: Option<u64>,
    /// Simulated time at the end in time units; the last step is shortened to hit it.
    pub end: Option<f64>,
}

/// Scheme that advances time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "NBodyIntegrator")]
pub enum IntegratorName {
    /// Kick-drift-kick, second order, symplectic.
    #[default]
    Leapfrog,
    /// Three leapfrogs composed after Yoshida, fourth order, symplectic.
    Yoshida4,
    /// Predictor and corrector with the derivative of the force, fourth order; direct sums only.
    Hermite4,
    /// Adaptive scheme of order 15 for at most 4096 bodies; a step of the run is cut as its own error control asks. Direct sums only.
    #[serde(rename = "gauss_radau15")]
    GaussRadau15,
}

/// Whether a step is cut further.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubstepsName {
    /// All bodies take the step of the run.
    #[default]
    None,
    /// All bodies take the step divided by the power of two that the shortest criterion asks for.
    Global,
    /// Every body takes the step divided by a power of two of its own.
    Block,
}

/// `[output]`: what is written, and when. Intervals are in time steps; 0 means never.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "NBodyOutput")]
pub struct NBodyOutputDeck {
    /// Steps between rows of `diagnostics.csv`.
    pub diagnostics_every: u64,
    /// Steps between snapshots; the final state is written in any case.
    pub snapshot_every: u64,
    /// Formats of the snapshots: "vtp" (ParaView, VTK), "npy" (numpy), "hdf5" (GADGET's layout, for yt and pynbody); an empty list writes none.
    pub snapshot_formats: Vec<BodyFormatName>,
    /// Steps between pictures.
    pub frames_every: u64,
    /// How the pictures look.
    pub frames: NBodyFramesDeck,
}

/// File format of bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = with_gadget)]
pub enum BodyFormatName {
    /// VTK polygonal data, one piece per rank.
    Vtp,
    /// Arrays of numpy in the order of ids.
    Npy,
    /// GADGET's layout of HDF5, one file per rank; needs a build with the feature hdf5.
    #[serde(alias = "gadget")]
    Hdf5,
}

/// `[output.frames]`: pictures of the mass per area, seen along an axis, in colours on a logarithmic scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "NBodyFrames")]
pub struct NBodyFramesDeck {
    /// Axis along which one looks.
    pub axis: AxisName,
    /// Centre x, y, z of the picture in length units. Default: the centre of mass at the start.
    pub centre: Option<Vec<f64>>,
    /// Half of the edge of the picture in length units. Default: as large as 95 % of the mass at the start needs.
    pub half_width: Option<f64>,
    /// Ranges of bodies that are drawn, counted from 0 in the order of ids, both ends included, such as [[0, 999], [5000, 5999]].
    /// Default: all bodies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bodies: Vec<Vec<u64>>,
    /// Two surface densities, at the ends of the colour bar, in mass units per square of a length unit. Default: those of the first
    /// picture.
    pub range: Option<Vec<f64>>,
    /// Colour map; all are perceptually uniform.
    pub colormap: ColormapName,
    /// Edge of the picture in pixels, 16 to 8192.
    pub pixels: u64,
}

/// The schema knows no other names of values: this is one.
fn with_gadget(schema: &mut Schema) {
    if let Some(options) = schema.get_mut("oneOf").and_then(serde_json::Value::as_array_mut) {
        options.push(json!({ "const": "gadget", "type": "string", "description": "Another name of \"hdf5\"." }));
    }
}

fn first_two() -> Vec<u64> {
    vec![0, 1]
}

fn parabola() -> f64 {
    1.0
}

impl Default for NBodyOutputDeck {
    fn default() -> NBodyOutputDeck {
        NBodyOutputDeck {
            diagnostics_every: 10,
            snapshot_every: 0,
            snapshot_formats: vec![BodyFormatName::Vtp, BodyFormatName::Npy],
            frames_every: 0,
            frames: NBodyFramesDeck::default(),
        }
    }
}

impl Default for NBodyFramesDeck {
    fn default() -> NBodyFramesDeck {
        NBodyFramesDeck {
            axis: AxisName::Z,
            centre: None,
            half_width: None,
            bodies: Vec::new(),
            range: None,
            colormap: ColormapName::Inferno,
            pixels: 640,
        }
    }
}
