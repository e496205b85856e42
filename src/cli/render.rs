//! Flags of `render`.

use super::{finite, range};
use clap::builder::RangedU64ValueParser;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

const RENDER_EXAMPLES: &str = "\
Examples:
  parhelion render outputs/hot_plate
  parhelion render outputs/heat_sink --axis z --position 0.004 --range 25,65
  parhelion render outputs/soda_bottle --colormap viridis --pixels 1200 --output pictures";

/// Flags of `render`.
#[derive(Clone, Debug, Args)]
#[command(after_help = RENDER_EXAMPLES)]
pub struct RenderArgs {
    /// Directory of a finished run, such as outputs/hot_plate
    pub run_dir: PathBuf,
    /// Axis normal to the slice, or along which one looks at bodies [default: as in the deck]
    #[arg(long, value_enum)]
    pub axis: Option<AxisArg>,
    /// Coordinate of the slice of a heat run along the axis, in m [default: as in the deck]
    #[arg(long, value_name = "METRES", value_parser = finite, allow_negative_numbers = true)]
    pub position: Option<f64>,
    /// Temperatures or surface densities at the ends of the colour bar, such as 20,100 [default: as in the deck]
    #[arg(long, value_name = "LOW,HIGH", value_parser = range, allow_hyphen_values = true)]
    pub range: Option<[f64; 2]>,
    /// Colour map [default: as in the deck]
    #[arg(long, value_enum)]
    pub colormap: Option<ColormapArg>,
    /// Longest edge of the drawn plane, in pixels, 16 to 8192 [default: as in the deck]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(16..=8192))]
    pub pixels: Option<usize>,
    /// Directory of the pictures [default: frames in the run directory]
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

/// An axis on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AxisArg {
    /// First axis
    X,
    /// Second axis
    Y,
    /// Third axis
    Z,
}

/// A colour map on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColormapArg {
    /// Black through red to pale yellow
    Inferno,
    /// Violet through green to yellow
    Viridis,
    /// As inferno, with a lighter top
    Magma,
    /// Blue to yellow, for readers who confuse red and green
    Cividis,
}

impl AxisArg {
    /// 0, 1 or 2.
    pub fn number(self) -> usize {
        self as usize
    }
}

impl From<ColormapArg> for crate::run_config::Colormap {
    fn from(name: ColormapArg) -> crate::run_config::Colormap {
        match name {
            ColormapArg::Inferno => crate::run_config::Colormap::Inferno,
            ColormapArg::Viridis => crate::run_config::Colormap::Viridis,
            ColormapArg::Magma => crate::run_config::Colormap::Magma,
            ColormapArg::Cividis => crate::run_config::Colormap::Cividis,
        }
    }
}
