//! The deck as it is written: one struct per table, one field per key. Nothing is checked here but types and names.
//!
//! The doc comments are the deck reference (`docs/decks.md` and `parhelion schema` are made from them), so each names the
//! unit and the default. Keys that only some kinds use are optional here; [`super::validate`] says which kind needs which.
//! Serde's tagged enums were refused: they lose the position of an error in the text.

use super::checkpoint_deck::CheckpointDeck;
use super::choices::{MaterialChoice, StepChoice};
use super::physics::{BoundaryDeck, InitialDeck, RegionDeck, SourceDeck};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A heat deck: rho c dT/dt = div(k grad T) + q on a uniform grid. SI units; temperatures in degC or K, but the same
/// everywhere in a deck. Paths of files are relative to the deck.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deck {
    /// What the run is called in reports and pictures. Default: the name of the deck's file.
    pub title: Option<String>,
    /// The physics of the deck.
    pub physics: Physics,
    /// Cells and size of the domain.
    pub grid: GridDeck,
    /// Material where no region says otherwise.
    pub material: MaterialChoice,
    /// Pieces of another material; later ones overwrite earlier ones.
    #[serde(default)]
    pub regions: Vec<RegionDeck>,
    /// What happens at the faces of the domain. Default: all faces insulated.
    #[serde(default)]
    pub boundary: BoundaryDeck,
    /// Heat sources; where they overlap they add up.
    #[serde(default)]
    pub sources: Vec<SourceDeck>,
    /// Temperature at time 0.
    pub initial: InitialDeck,
    /// Time step and end of the run.
    pub time: TimeDeck,
    /// How the grid is cut into one block per rank.
    #[serde(default)]
    pub decomposition: DecompositionDeck,
    /// What is written, and when. Intervals are in time steps; 0 means never.
    #[serde(default)]
    pub output: OutputDeck,
    /// When the state is kept, to go on from after an interruption.
    #[serde(default)]
    pub checkpoint: CheckpointDeck,
}

/// The physics of a deck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Physics {
    /// Heat diffusion.
    Heat,
}

/// `[grid]`: a box of equal cells with its lower corner at the origin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Grid")]
pub struct GridDeck {
    /// Number of cells along x, y[, z]: two numbers make a plate, three a solid.
    pub cells: Vec<u64>,
    /// Edge lengths along x, y[, z] in m. A plate is 1 m deep.
    pub size: Vec<f64>,
}

/// `[time]`: time step and end of the run. Exactly one of `steps` and `end` is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Time")]
pub struct TimeDeck {
    /// Scheme that advances time.
    #[serde(default)]
    pub integrator: Integrator,
    /// Time step in s, or "auto": the stability limit times `safety`.
    #[serde(default)]
    pub dt: StepChoice,
    /// Number of time steps.
    pub steps: Option<u64>,
    /// Simulated time at the end in s; the last step is shortened to hit it.
    pub end: Option<f64>,
    /// Fraction of the stability limit that dt = "auto" takes, in (0, 1].
    #[serde(default = "default_safety")]
    pub safety: f64,
    /// Go on although dt is above the stability limit.
    #[serde(default)]
    pub allow_unstable: bool,
}

/// Scheme that advances time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Integrator {
    /// Explicit, first order in time (FTCS).
    #[default]
    ForwardEuler,
}

/// `[decomposition]`: how the grid is cut into one block per rank. It never changes the result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Decomposition")]
pub struct DecompositionDeck {
    /// Ranks along x, y[, z]; their product must be the number of ranks. Default: the cut with the smallest surface.
    pub dims: Option<Vec<u64>>,
    /// Cells of halo, 1 to 64; one exchange serves so many steps.
    pub halo_width: u64,
}

/// `[output]`: what is written, and when. Intervals are in time steps; 0 means never.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Output")]
pub struct OutputDeck {
    /// Steps between rows of `diagnostics.csv`.
    pub diagnostics_every: u64,
    /// Steps between snapshots; the final state is written in any case.
    pub snapshot_every: u64,
    /// Formats of the snapshots: "vti" (ParaView, VTK), "npy" (numpy); an empty list writes none.
    pub snapshot_formats: Vec<Format>,
    /// Steps between pictures.
    pub frames_every: u64,
    /// How the pictures look.
    pub frames: FramesDeck,
}

/// File format of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// VTK image data, one piece per rank.
    Vti,
    /// One numpy array of the whole grid.
    Npy,
}

/// `[output.frames]`: how the pictures look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Frames")]
pub struct FramesDeck {
    /// Axis normal to the slice that is drawn; a plate is always seen along z.
    pub axis: AxisName,
    /// Coordinate of the slice along the axis in m. Default: the middle of the grid.
    pub position: Option<f64>,
    /// Two temperatures, at the ends of the colour bar. Default: smallest and largest of each slice.
    pub range: Option<Vec<f64>>,
    /// Colour map; all are perceptually uniform.
    pub colormap: ColormapName,
    /// Longest edge of the drawn slice in pixels, 16 to 8192.
    pub pixels: u64,
}

/// An axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AxisName {
    /// First axis.
    X,
    /// Second axis.
    Y,
    /// Third axis.
    Z,
}

/// A colour map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColormapName {
    /// Black through red to pale yellow.
    Inferno,
    /// Violet through green to yellow.
    Viridis,
    /// As inferno, with a lighter top.
    Magma,
    /// Blue to yellow, for readers who confuse red and green.
    Cividis,
}

fn default_safety() -> f64 {
    0.9
}

impl Default for DecompositionDeck {
    fn default() -> DecompositionDeck {
        DecompositionDeck { dims: None, halo_width: 1 }
    }
}

impl Default for OutputDeck {
    fn default() -> OutputDeck {
        OutputDeck {
            diagnostics_every: 100,
            snapshot_every: 0,
            snapshot_formats: vec![Format::Vti, Format::Npy],
            frames_every: 0,
            frames: FramesDeck::default(),
        }
    }
}

impl Default for FramesDeck {
    fn default() -> FramesDeck {
        FramesDeck { axis: AxisName::Z, position: None, range: None, colormap: ColormapName::Inferno, pixels: 640 }
    }
}
