//! The tables of a heat deck that describe matter, walls, sources and the state at time 0.
//!
//! Three tables name a piece of space (`regions`, `sources`, `initial.patches`). They share the keys of a shape by a macro:
//! serde's `flatten` would do it too, but not together with `deny_unknown_fields`, and it loses positions.

use super::choices::{MaterialChoice, SignalChoice};
use super::deck::AxisName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Kind of a piece of space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// All of the domain.
    Everywhere,
    /// Axis-parallel box: `lower`, `upper`.
    Box,
    /// Sphere, in two dimensions a circle: `center`, `radius`.
    Sphere,
    /// The same as sphere.
    Circle,
    /// Cylinder parallel to an axis, only in three dimensions: `axis`, `center`, `radius`, `range`.
    Cylinder,
    /// Everything on one side of a plane: `point`, `normal`.
    HalfSpace,
    /// Cells flagged in a PNG or .npy file: `file`.
    Mask,
}

/// The keys of a shape, borrowed from whichever table they stand in.
pub(super) struct ShapeKeys<'a> {
    pub shape: Shape,
    pub lower: &'a Option<Vec<f64>>,
    pub upper: &'a Option<Vec<f64>>,
    pub center: &'a Option<Vec<f64>>,
    pub radius: Option<f64>,
    pub axis: Option<AxisName>,
    pub range: &'a Option<Vec<f64>>,
    pub point: &'a Option<Vec<f64>>,
    pub normal: &'a Option<Vec<f64>>,
    pub file: &'a Option<String>,
}

macro_rules! table_with_shape {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)* }) => {
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        $(#[$meta])*
        pub struct $name {
            /// Which cells: those whose centre lies in the shape.
            pub shape: Shape,
            /// Box: corner with the smaller coordinates x, y[, z] in m.
            pub lower: Option<Vec<f64>>,
            /// Box: corner with the larger coordinates x, y[, z] in m.
            pub upper: Option<Vec<f64>>,
            /// Sphere or circle: centre x, y[, z] in m. Cylinder: a point x, y, z on its axis in m.
            pub center: Option<Vec<f64>>,
            /// Sphere, circle or cylinder: radius in m.
            pub radius: Option<f64>,
            /// Cylinder: the axis it is parallel to.
            pub axis: Option<AxisName>,
            /// Cylinder: its two ends along the axis in m. Default: through the whole domain.
            pub range: Option<Vec<f64>>,
            /// Half-space: a point x, y[, z] of the plane in m.
            pub point: Option<Vec<f64>>,
            /// Half-space: vector that points away from it, of any length.
            pub normal: Option<Vec<f64>>,
            /// Mask: a PNG (bright opaque pixels are inside, the first row of pixels is the top) or an array of numpy (.npy
            /// of bool or uint8, (z, y, x) or (y, x), non-zero is inside) with one value per cell. A mask of one layer
            /// serves all layers.
            pub file: Option<String>,
            $($(#[$field_meta])* pub $field: $type,)*
        }

        impl $name {
            pub(super) fn shape_keys(&self) -> ShapeKeys<'_> {
                ShapeKeys {
                    shape: self.shape,
                    lower: &self.lower,
                    upper: &self.upper,
                    center: &self.center,
                    radius: self.radius,
                    axis: self.axis,
                    range: &self.range,
                    point: &self.point,
                    normal: &self.normal,
                    file: &self.file,
                }
            }
        }
    };
}

table_with_shape! {
    /// `[[regions]]`: a piece of another material. Later regions overwrite earlier ones.
    #[schemars(rename = "Region")]
    pub struct RegionDeck {
        /// Its material.
        pub material: MaterialChoice,
    }
}

table_with_shape! {
    /// `[[sources]]`: heat produced in a piece of space. Exactly one of `power_density` and `power` is given.
    #[schemars(rename = "Source")]
    pub struct SourceDeck {
        /// Power per volume in W/m3; negative takes heat away.
        pub power_density: Option<f64>,
        /// Power in all in W, spread evenly over the cells of the shape; negative takes heat away. On a plate: W per m of depth.
        pub power: Option<f64>,
        /// Time in s at which it is switched on.
        #[serde(default)]
        pub on: f64,
        /// Time in s at which it is switched off. Default: never.
        pub off: Option<f64>,
    }
}

table_with_shape! {
    /// `[[initial.patches]]`: a piece of space with its own temperature at time 0. Later patches overwrite earlier ones.
    #[schemars(rename = "Patch")]
    pub struct PatchDeck {
        /// Temperature in it, degC or K.
        pub value: f64,
    }
}

/// `[boundary]`: what happens at the faces of the domain. Faces that are not named are as `all`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Boundary")]
pub struct BoundaryDeck {
    /// Faces that are not named here. Default: { kind = "insulated" }.
    pub all: Option<FaceDeck>,
    /// Face at x = 0.
    pub x_lower: Option<FaceDeck>,
    /// Face at the largest x.
    pub x_upper: Option<FaceDeck>,
    /// Face at y = 0.
    pub y_lower: Option<FaceDeck>,
    /// Face at the largest y.
    pub y_upper: Option<FaceDeck>,
    /// Face at z = 0, only in three dimensions.
    pub z_lower: Option<FaceDeck>,
    /// Face at the largest z, only in three dimensions.
    pub z_upper: Option<FaceDeck>,
}

/// One face of the domain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Face")]
pub struct FaceDeck {
    /// What happens at the face.
    pub kind: FaceKind,
    /// Fixed: temperature of the wall in degC or K. Flux: heat flux into the domain in W/m2. A number or a signal in time.
    pub value: Option<SignalChoice>,
    /// Convection: heat transfer coefficient h in W/(m2 K).
    pub coefficient: Option<f64>,
    /// Convection: temperature of the surroundings in degC or K. A number or a signal in time.
    pub ambient: Option<SignalChoice>,
}

/// What happens at a face.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FaceKind {
    /// No heat passes.
    Insulated,
    /// The wall has the temperature `value`.
    Fixed,
    /// The heat flux `value` enters.
    Flux,
    /// Newton's law of cooling with `coefficient` and `ambient`.
    Convection,
    /// This face and the opposite one are the same place; both must say so.
    Periodic,
}

/// `[initial]`: temperature at time 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Initial")]
pub struct InitialDeck {
    /// Form of the initial state.
    pub kind: InitialKind,
    /// Uniform: the temperature in degC or K.
    pub value: Option<f64>,
    /// Regions: temperature outside all patches. Gaussian: temperature far away. In degC or K.
    pub background: Option<f64>,
    /// Regions: pieces of space with their own temperature.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<PatchDeck>,
    /// Gaussian: height of the peak above the background. Eigenmode: largest deviation from the profile. In K.
    pub amplitude: Option<f64>,
    /// Gaussian: position x, y[, z] of the peak in m. Default: the middle of the domain.
    pub center: Option<Vec<f64>>,
    /// Gaussian: standard deviation in m.
    pub width: Option<f64>,
    /// Eigenmode: temperature of the linear profile at the lower corner in degC or K. Default: 0.
    pub base: Option<f64>,
    /// Eigenmode: slope of the linear profile along x, y[, z] in K/m. Default: 0 along all axes.
    pub gradient: Option<Vec<f64>>,
    /// Eigenmode: number of the eigenfunction along x, y[, z], from 1 upwards (between insulated faces 1 is constant); on a
    /// periodic axis the number of whole waves, from 0.
    pub mode: Option<Vec<u64>>,
    /// File: an array of numpy (.npy, f64 or f32) with one temperature per cell, shape (z, y, x) or (y, x).
    pub file: Option<String>,
}

/// Form of the initial state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InitialKind {
    /// One temperature: `value`.
    Uniform,
    /// One temperature with patches of others: `background`, `patches`.
    Regions,
    /// A round peak: `background`, `amplitude`, `center`, `width`.
    Gaussian,
    /// A linear profile and an eigenfunction of the domain: `base`, `gradient`, `amplitude`, `mode`.
    Eigenmode,
    /// Read from `file`.
    File,
}
