//! `parhelion render`: pictures and an animation from a finished run.

use crate::cli::RenderArgs;
use crate::config;
use crate::console;
use crate::error::Result;
use crate::input::mask;
use crate::output::render::{RenderOptions, render as draw};
use crate::run_config::{FramePlan, RunConfig};

/// Draws what the flags ask for; what they leave open is as in the run's deck. Prints the files.
///
/// # Errors
/// Exit code 2 if there is no run or no snapshot; 3 if reading or writing failed.
pub fn render(arguments: &RenderArgs) -> Result<u8> {
    let deck = config::load(&arguments.run_dir.join("deck.toml"), &[], &mask::read).ok();
    let plan: Option<FramePlan> = deck.and_then(|deck| match deck {
        RunConfig::Heat(run) => Some(run.output.frames),
        RunConfig::NBody(_) => None,
    });
    let plan = plan.as_ref();
    let basis = RenderOptions::default();
    let options = RenderOptions {
        axis: arguments.axis.map(|axis| axis.number()).or(plan.map(|p| p.axis)),
        position: arguments.position.or(plan.filter(|_| arguments.axis.is_none()).and_then(|p| p.position)),
        range: arguments.range.or(plan.and_then(|p| p.range)),
        colormap: arguments.colormap.map(Into::into).or(plan.map(|p| p.colormap)).unwrap_or(basis.colormap),
        pixels: arguments.pixels.or(plan.map(|p| p.pixels)).unwrap_or(basis.pixels),
        output: arguments.output.clone(),
    };
    for file in draw(&arguments.run_dir, &options)? {
        console::print(&file.display().to_string());
    }
    Ok(0)
}
