//! Flags of the lab switches, which `run` and `scaling` share.

use super::values::delay;
use crate::laboratory::switches::Switches;
use clap::{Args, ValueEnum};

/// Flags of the lab switches. The results stay the same under all of them.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Lab switches (the results stay the same)")]
pub struct SwitchArgs {
    /// Do not hide messages behind work: wait for all messages of an exchange before anything is computed
    #[arg(long)]
    pub blocking: bool,
    /// Cut the grid along exactly so many axes [default: as many as make the surface smallest]
    #[arg(long, value_enum, value_name = "AXES")]
    pub decomposition: Option<CutArg>,
    /// Who computes which tile or body: static deals equal parts to threads in advance, with steal idle threads take from others
    #[arg(long, value_enum, value_name = "HOW", default_value = "steal")]
    pub schedule: ScheduleArg,
    /// Let messages between ranks arrive so much later: 200us, 1ms, or seconds as a plain number; work done meanwhile hides it
    #[arg(long, value_name = "TIME", value_parser = delay, default_value = "0", hide_default_value = true)]
    pub net_delay: f64,
}

/// Axes that are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CutArg {
    /// Slabs
    #[value(name = "1d")]
    One = 1,
    /// Pencils
    #[value(name = "2d")]
    Two,
    /// Blocks
    #[value(name = "3d")]
    Three,
}

/// How work is handed to threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ScheduleArg {
    /// Equal parts, fixed in advance
    Static,
    /// Idle threads take from others
    #[default]
    Steal,
}

impl SwitchArgs {
    /// What they say.
    pub fn chosen(&self) -> Switches {
        Switches {
            blocking: self.blocking,
            cut_axes: self.decomposition.map(|axes| axes as usize),
            fixed_parts: self.schedule == ScheduleArg::Static,
            net_delay_s: self.net_delay,
        }
    }
}
