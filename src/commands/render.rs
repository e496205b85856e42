//! `parhelion render`: pictures and an animation from a finished run.

use crate::cli::RenderArgs;
use crate::config;
use crate::console;
use crate::error::{Error, Result};
use crate::input::mask;
use crate::output::bodies::render::{BodyRender, has_bodies, render as draw_bodies};
use crate::output::render::{RenderOptions, render as draw};
use crate::run_config::{FramePlan, NBodyRun, RunConfig};

/// Draws what the flags ask for; what they leave open is as in the run's deck. Prints the files.
///
/// # Errors
/// Exit code 2 if there is no run or no snapshot, or a flag does not suit it; 3 if reading or writing failed.
pub fn render(arguments: &RenderArgs) -> Result<u8> {
    let deck = config::load(&arguments.run_dir.join("deck.toml"), &[], &mask::read);
    let files = match deck {
        Ok(RunConfig::NBody(run)) => draw_bodies(&arguments.run_dir, &body_options(arguments, &run)?)?,
        Err(cause) if has_bodies(&arguments.run_dir) => return Err(cause),
        Ok(RunConfig::Heat(run)) => draw(&arguments.run_dir, &options(arguments, Some(&run.output.frames)))?,
        // Grid and title are read all the same: pictures need no more.
        Err(_) => draw(&arguments.run_dir, &options(arguments, None))?,
    };
    for file in files {
        console::print(&console::one_line(&file.display().to_string()));
    }
    Ok(0)
}

fn options(arguments: &RenderArgs, plan: Option<&FramePlan>) -> RenderOptions {
    let basis = RenderOptions::default();
    RenderOptions {
        axis: arguments.axis.map(|axis| axis.number()).or(plan.map(|p| p.axis)),
        position: arguments.position.or(plan.filter(|_| arguments.axis.is_none()).and_then(|p| p.position)),
        range: arguments.range.or(plan.and_then(|p| p.range)),
        colormap: arguments.colormap.map(Into::into).or(plan.map(|p| p.colormap)).unwrap_or(basis.colormap),
        pixels: arguments.pixels.or(plan.map(|p| p.pixels)).unwrap_or(basis.pixels),
        output: arguments.output.clone(),
    }
}

fn body_options(arguments: &RenderArgs, run: &NBodyRun) -> Result<BodyRender> {
    if arguments.position.is_some() {
        return Err(Error::Input(
            "--position is for slices of heat runs: pictures of bodies show all along the axis".into(),
        ));
    }
    if let Some([low, high]) = arguments.range.filter(|[low, _]| *low <= 0.0) {
        return Err(Error::Input(format!(
            "--range {low},{high}: the colours of surface density are logarithmic, so both ends must be above 0"
        )));
    }
    let mut plan = run.output.frames.clone();
    plan.axis = arguments.axis.map_or(plan.axis, |axis| axis.number());
    plan.range = arguments.range.or(plan.range);
    plan.colormap = arguments.colormap.map_or(plan.colormap, Into::into);
    plan.pixels = arguments.pixels.unwrap_or(plan.pixels);
    Ok(BodyRender { title: run.title.clone(), units: run.problem.units, plan, output: arguments.output.clone() })
}
