//! What a run is to do, after the deck has been read, overridden and checked: plain data, no files, no flags.

use crate::checkpoint::interval::Every;
use crate::heat::problem::HeatProblem;
use crate::nbody::problem::NBodyProblem;

/// A validated run of either physics.
#[derive(Clone, Debug, PartialEq)]
pub enum RunConfig {
    /// Heat diffusion.
    Heat(Box<HeatRun>),
    /// Gravitational N-body dynamics.
    NBody(Box<NBodyRun>),
}

/// A validated heat run.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatRun {
    /// Title of the deck.
    pub title: String,
    /// The deck's file stem: names the output directory.
    pub case: String,
    /// The physics.
    pub problem: HeatProblem,
    /// How time advances.
    pub time: TimePlan,
    /// How the grid is cut.
    pub decomposition: DecompositionPlan,
    /// What is written, and when.
    pub output: OutputPlan,
    /// When the state is kept.
    pub checkpoint: CheckpointPlan,
    /// The deck with every default written out, as TOML: `deck.toml` of the run directory.
    pub resolved: String,
    /// What is allowed but probably not meant, one line each: to be printed before the run.
    pub warnings: Vec<String>,
}

/// A validated N-body run.
#[derive(Clone, Debug, PartialEq)]
pub struct NBodyRun {
    /// Title of the deck.
    pub title: String,
    /// The deck's file stem: names the output directory.
    pub case: String,
    /// The physics, bodies included.
    pub problem: NBodyProblem,
    /// The step of the run, and when to stop, in the time unit of the deck.
    pub time: TimePlan,
    /// What is written, and when.
    pub output: NBodyOutputPlan,
    /// When the state is kept.
    pub checkpoint: CheckpointPlan,
    /// As [`HeatRun::resolved`].
    pub resolved: String,
    /// As [`HeatRun::warnings`].
    pub warnings: Vec<String>,
}

/// When the state is kept, and how many of its checkpoints.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckpointPlan {
    /// When one is written.
    pub every: Every,
    /// Newest ones that are kept, at least 1.
    pub keep: usize,
    /// End the run when one cannot be written.
    pub stop_on_failure: bool,
    /// Write one of the final state.
    pub at_end: bool,
}

impl CheckpointPlan {
    /// None but for a run that is stopped.
    pub fn never() -> CheckpointPlan {
        CheckpointPlan { every: Every::Never, keep: 2, stop_on_failure: false, at_end: false }
    }
}

/// What an N-body run writes, and when. Intervals are in steps of the run, 0 means never.
#[derive(Clone, Debug, PartialEq)]
pub struct NBodyOutputPlan {
    /// Rows of `diagnostics.csv`.
    pub diagnostics_every: u64,
    /// Snapshots besides the final one.
    pub snapshot_every: u64,
    /// Formats of the snapshots; empty: none at all.
    pub snapshot_formats: Vec<BodyFormat>,
    /// Pictures.
    pub frames_every: u64,
    /// How pictures look.
    pub frames: DensityPlan,
}

/// File formats of bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFormat {
    /// VTK polygonal data, one piece per rank.
    Vtp,
    /// Numpy arrays in the order of ids.
    Npy,
    /// GADGET's layout of HDF5, one file per rank (feature `hdf5`).
    Gadget,
}

/// How pictures of projected density look.
#[derive(Clone, Debug, PartialEq)]
pub struct DensityPlan {
    /// Axis along which one looks: 0, 1 or 2.
    pub axis: usize,
    /// Centre of the picture in length units; the centre of mass of the initial state if absent.
    pub centre: Option<[f64; 3]>,
    /// Half of the edge of the picture in length units; holds 95 % of the initial mass, with a margin, if absent.
    pub half_width: Option<f64>,
    /// Ranges of indices of bodies that are drawn, both ends included; empty for all bodies.
    pub bodies: Vec<[u64; 2]>,
    /// Surface densities at the ends of the logarithmic colour bar; from the first picture if absent.
    pub range: Option<[f64; 2]>,
    /// Colour map.
    pub colormap: Colormap,
    /// Edge of the picture in pixels.
    pub pixels: usize,
}

/// All bodies, seen along z.
impl Default for DensityPlan {
    fn default() -> DensityPlan {
        DensityPlan {
            axis: 2,
            centre: None,
            half_width: None,
            bodies: Vec::new(),
            range: None,
            colormap: Colormap::Inferno,
            pixels: 640,
        }
    }
}

/// How time advances.
#[derive(Clone, Debug, PartialEq)]
pub struct TimePlan {
    /// Time step.
    pub dt: TimeStep,
    /// When to stop.
    pub until: Until,
    /// Go on although the time step is above the stability limit.
    pub allow_unstable: bool,
}

/// The time step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TimeStep {
    /// This fraction of the largest sensible step: heat's stability limit, or sqrt(eps / |a|) of the initial state of bodies.
    Auto {
        /// In (0, 1].
        safety: f64,
    },
    /// Seconds, or the time unit of an N-body deck.
    Fixed(f64),
}

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Until {
    /// After so many steps.
    Steps(u64),
    /// At this simulated time in seconds (the last step is shortened to hit it).
    End(f64),
}

/// How the grid is cut.
#[derive(Clone, Debug, PartialEq)]
pub struct DecompositionPlan {
    /// Ranks along x, y, z; the smallest halo surface if absent.
    pub dims: Option<[usize; 3]>,
    /// Cells of halo; one exchange serves so many steps.
    pub halo_width: usize,
}

/// What is written, and when. Intervals are in steps, 0 means never.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputPlan {
    /// Rows of `diagnostics.csv`.
    pub diagnostics_every: u64,
    /// Snapshots besides the final one.
    pub snapshot_every: u64,
    /// Formats of the snapshots; empty: none at all.
    pub snapshot_formats: Vec<SnapshotFormat>,
    /// Pictures.
    pub frames_every: u64,
    /// How pictures look.
    pub frames: FramePlan,
}

/// File formats of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotFormat {
    /// VTK image data, one piece per rank.
    Vti,
    /// One numpy array of the whole grid.
    Npy,
}

/// How pictures look.
#[derive(Clone, Debug, PartialEq)]
pub struct FramePlan {
    /// Axis normal to the slice: 0, 1 or 2 (2 in two dimensions).
    pub axis: usize,
    /// Coordinate of the slice along the axis in metres; the middle if absent.
    pub position: Option<f64>,
    /// Temperatures at the ends of the colour bar; those of the slice at each frame if absent.
    pub range: Option<[f64; 2]>,
    /// Colour map.
    pub colormap: Colormap,
    /// Longest edge of the picture of the slice in pixels.
    pub pixels: usize,
}

/// Perceptually uniform colour maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colormap {
    /// Black through red to pale yellow.
    Inferno,
    /// Violet through green to yellow.
    Viridis,
    /// As inferno, with a lighter top.
    Magma,
    /// Blue to yellow, for readers who confuse red and green.
    Cividis,
}
