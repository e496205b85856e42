//! `parhelion render RUN_DIR`: pictures and an animation of a finished run, from its snapshots.
//!
//! The plane is read at the places that the picture shows, from `temperature.npy`, or from the pieces listed in
//! `temperature.pvti` if there is none; a snapshot larger than the memory can be rendered. All pictures share one range of colours: the
//! wanted one, or the smallest and largest value of all of them. Grid and title come from the run's `deck.toml`, of which only
//! those keys are looked at.

use super::animation::Animation;
use super::frames::{frame_name, write_picture};
use super::picture::{self, Design};
use super::plain_file;
use super::slice::{Slice, SlicePlan};
use super::snapshot::SeriesEntry;
use super::volume::Volume;
use crate::error::{Error, Result};
use crate::grid::UniformGrid;
use crate::run_config::Colormap;
use std::fs;
use std::path::{Path, PathBuf};

/// Most bytes of a deck or a list of times that are read.
const LONGEST: u64 = 64 << 20;
/// Most cells of a grid whose values have addresses.
const MOST_CELLS: f64 = (1u64 << 52) as f64;

/// What to draw.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderOptions {
    /// Axis normal to the slice: 0, 1 or 2; z if absent.
    pub axis: Option<usize>,
    /// Coordinate of the slice along the axis in metres; the middle if absent.
    pub position: Option<f64>,
    /// Temperatures at the ends of the colour bar; the extremes of all pictures if absent.
    pub range: Option<[f64; 2]>,
    /// Colour map.
    pub colormap: Colormap,
    /// Longest edge of the slice in pixels.
    pub pixels: usize,
    /// Directory for the pictures; `frames/` of the run if absent.
    pub output: Option<PathBuf>,
}

impl Default for RenderOptions {
    fn default() -> RenderOptions {
        let (axis, position, range, output) = (None, None, None, None);
        RenderOptions { axis, position, range, colormap: Colormap::Inferno, pixels: 640, output }
    }
}

/// Draws one picture per snapshot, and the animation if there are several. Returns the files written. By one rank.
///
/// # Errors
/// Exit code 2 if the directory holds no run or no snapshots, or an option does not suit its grid; 3 if reading or writing failed.
pub fn render(directory: &Path, options: &RenderOptions) -> Result<Vec<PathBuf>> {
    let run = Run::open(directory)?;
    let axis = checked_axis(&run.grid, options)?;
    let design = Design::new(&run.grid, axis, options.position, options.pixels, &run.title, "");
    let plan = SlicePlan::new(&run.grid, axis, options.position, design.plane);
    let slices = run.steps.iter().map(|entry| run.read(entry, &plan)).collect::<Result<Vec<Slice>>>()?;
    let range = picture::color_range(options.range, slices.iter())?;
    let output = options.output.clone().unwrap_or_else(|| directory.join("frames"));
    fs::create_dir_all(&output).map_err(|cause| Error::io("create", &output, cause))?;
    let mut files = Vec::new();
    let mut animation = Animation::new(&design, Some(range), options.colormap);
    for (entry, slice) in run.steps.iter().zip(&slices) {
        let path = output.join(frame_name(entry.step));
        write_picture(&path, &design, slice, entry.time, range, options.colormap)?;
        animation.push(slice, entry.time);
        files.push(path);
    }
    let path = output.join("animation.png");
    files.extend(animation.write(&path)?.map(|_| path));
    Ok(files)
}

struct Run {
    grid: UniformGrid,
    title: String,
    snapshots: PathBuf,
    steps: Vec<SeriesEntry>,
}

impl Run {
    fn open(directory: &Path) -> Result<Run> {
        let (grid, title) = read_deck(directory)?;
        let snapshots = directory.join("snapshots");
        let steps = list_steps(&snapshots);
        if steps.is_empty() {
            let name = directory.display();
            return Err(Error::Input(format!(
                "{name} has no snapshots to render: run with output.snapshot_formats = [\"npy\"]"
            )));
        }
        Ok(Run { grid, title, snapshots, steps })
    }

    fn read(&self, entry: &SeriesEntry, plan: &SlicePlan) -> Result<Slice> {
        let volume = Volume::open(&self.snapshots.join(format!("{:08}", entry.step)), &self.grid)?;
        let mut values = Vec::with_capacity(plan.samples[0] * plan.samples[1]);
        for v in 0..plan.samples[1] {
            for u in 0..plan.samples[0] {
                values.push(volume.value(plan.cell([u, v]))?);
            }
        }
        Ok(Slice { samples: plan.samples, values })
    }
}

fn checked_axis(grid: &UniformGrid, options: &RenderOptions) -> Result<usize> {
    let axis = options.axis.unwrap_or(2);
    if axis > 2 || (grid.dimensions == 2 && axis != 2) {
        return Err(Error::Input("a plate has only one slice: leave the axis out".into()));
    }
    match options.position {
        Some(position) if !(0.0..=grid.length(axis)).contains(&position) => Err(Error::Input(format!(
            "the slice at {position} m is outside the grid: choose a position from 0 to {} m along {}",
            grid.length(axis),
            ["x", "y", "z"][axis]
        ))),
        _ => Ok(axis),
    }
}

/// Grid and title from the run's `deck.toml`.
fn read_deck(directory: &Path) -> Result<(UniformGrid, String)> {
    let path = directory.join("deck.toml");
    let bad = |what: String| Error::Input(format!("{} is not the deck of a parhelion run: {what}", path.display()));
    let text = plain_file::read_text(&path, LONGEST).map_err(|cause| {
        Error::Input(format!("{} is not a run directory: no deck.toml in it ({cause})", directory.display()))
    })?;
    let deck: toml::Table = text.parse().map_err(|cause: toml::de::Error| bad(cause.message().to_owned()))?;
    let grid = deck.get("grid").ok_or_else(|| bad("it has no [grid]".into()))?;
    let numbers = |key: &str| numbers(grid.get(key)?);
    let (Some(cells), Some(size)) = (numbers("cells"), numbers("size")) else {
        return Err(bad("grid.cells and grid.size must be lists of 2 or 3 positive numbers".into()));
    };
    if cells.len() != size.len() || cells.iter().any(|n| *n < 1.0 || n.fract() != 0.0) {
        return Err(bad("grid.cells and grid.size do not suit each other".into()));
    }
    if cells.iter().product::<f64>() > MOST_CELLS {
        return Err(bad("grid.cells are more than any snapshot holds".into()));
    }
    let cells: Vec<usize> = cells.iter().map(|n| *n as usize).collect();
    let title = deck.get("title").and_then(|t| t.as_str()).unwrap_or("").to_owned();
    Ok((UniformGrid::new(&cells, &size), title))
}

/// Two or three positive finite numbers.
fn numbers(list: &toml::Value) -> Option<Vec<f64>> {
    let number = |value: &toml::Value| value.as_float().or(value.as_integer().map(|n| n as f64));
    let list: Vec<f64> = list.as_array()?.iter().map(number).collect::<Option<_>>()?;
    ((2..=3).contains(&list.len()) && list.iter().all(|n| n.is_finite() && *n > 0.0)).then_some(list)
}

/// The steps that have a directory, in order, with the times that `times.csv` tells (NaN if it does not).
pub fn list_steps(snapshots: &Path) -> Vec<SeriesEntry> {
    let times = read_times(&snapshots.join("times.csv"));
    let names = fs::read_dir(snapshots).into_iter().flatten().flatten();
    let steps = names.filter_map(|entry| entry.file_name().to_str()?.parse::<u64>().ok());
    let mut steps: Vec<SeriesEntry> = steps
        .map(|step| SeriesEntry { step, time: times.iter().find(|t| t.step == step).map_or(f64::NAN, |t| t.time) })
        .collect();
    steps.sort_by_key(|entry| entry.step);
    steps
}

fn read_times(path: &Path) -> Vec<SeriesEntry> {
    let text = plain_file::read_text(path, LONGEST).unwrap_or_default();
    let entry = |line: &str| {
        let (step, time) = line.split_once(',')?;
        Some(SeriesEntry { step: step.parse().ok()?, time: time.parse().ok()? })
    };
    text.lines().filter_map(entry).collect()
}
