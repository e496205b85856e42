//! From a deck to a run, part one: grid, time, decomposition and output. Checks every value and writes defaults into the deck.
//!
//! Building and checking are one pass, and defaults are filled in on the way, so that the deck which is left over *is* the
//! resolved deck: there is no second list of defaults that could differ.

use super::Context;
use super::checkpoint_deck::checkpoint;
use super::deck::{
    AxisName, ColormapName, Deck, DecompositionDeck, Format, FramesDeck, GridDeck, OutputDeck, TimeDeck,
};
use super::flaw::{Check, Flaw, ascending, length, number, positive, whole};
use crate::grid::UniformGrid;
use crate::run_config::{
    Colormap, DecompositionPlan, FramePlan, HeatRun, OutputPlan, SnapshotFormat, TimePlan, TimeStep, Until,
};

/// Longest and shortest edge of a domain in metres: cell volumes and their products stay normal numbers.
const EDGES: std::ops::RangeInclusive<f64> = 1e-12..=1e12;
/// Most time steps of a run: they are counted in f64 too.
const MOST_STEPS: u64 = 1 << 53;
/// Widest halo.
const WIDEST_HALO: u64 = 64;

/// Checks the deck, writes its defaults out, and builds the run.
pub fn heat_run(deck: &mut Deck, context: &Context<'_>) -> Check<HeatRun> {
    let title = title(&mut deck.title, context.case)?;
    let grid = grid(&deck.grid)?;
    let time = time(&deck.time)?;
    let decomposition = decomposition(&mut deck.decomposition, &grid)?;
    let output = output(&mut deck.output, &grid)?;
    let checkpoint = checkpoint(&deck.checkpoint)?;
    let (problem, warnings) = super::validate_physics::problem(deck, grid, context)?;
    let (case, resolved) = (context.case.to_owned(), String::new());
    Ok(HeatRun { title, case, problem, time, decomposition, output, checkpoint, resolved, warnings })
}

/// The title; the case if the deck has none.
pub(super) fn title(title: &mut Option<String>, case: &str) -> Check<String> {
    let title = title.get_or_insert_with(|| case.to_owned());
    if title.chars().any(char::is_control) {
        return Flaw::fail("title", "contains a control character", "write one line of plain text");
    }
    if title.trim().is_empty() || title.chars().count() > 200 {
        return Flaw::fail("title", "is empty or too long", "write 1 to 200 characters");
    }
    Ok(title.clone())
}

fn grid(deck: &GridDeck) -> Check<UniformGrid> {
    if !(2..=3).contains(&deck.cells.len()) {
        let problem = format!("{} numbers", deck.cells.len());
        return Flaw::fail("grid.cells", problem, "write two numbers (a plate) or three (a solid)");
    }
    length("grid.size", deck.size.len(), deck.cells.len())?;
    for (axis, &count) in deck.cells.iter().enumerate() {
        if count == 0 {
            return Flaw::fail(format!("grid.cells.{axis}"), "0 cells", "write 1 or more");
        }
    }
    for (axis, &edge) in deck.size.iter().enumerate() {
        let key = format!("grid.size.{axis}");
        positive(&key, edge, "m")?;
        if !EDGES.contains(&edge) {
            return Flaw::fail(key, format!("{edge:e} m is out of range"), "write 1e-12 to 1e12 m");
        }
    }
    addressable(&deck.cells)?;
    let cells: Vec<usize> = deck.cells.iter().map(|&n| n as usize).collect();
    Ok(UniformGrid::new(&cells, &deck.size))
}

/// Refuses grids whose two fields no address space can hold. Whether this machine can is asked later, when ranks are known.
fn addressable(cells: &[u64]) -> Check<()> {
    let bytes_per_cell = 2 * size_of::<f64>() as u64;
    let bytes = cells.iter().try_fold(bytes_per_cell, |product, &n| product.checked_mul(n));
    if bytes.is_some_and(|bytes| bytes <= 1 << 60) {
        return Ok(());
    }
    let count: f64 = cells.iter().map(|&n| n as f64).product();
    let product = cells.iter().map(u64::to_string).collect::<Vec<_>>().join(" x ");
    let needed = count * bytes_per_cell as f64;
    let problem =
        format!("{product} = {count:.3e} cells need {needed:.3e} bytes of memory, more than can be addressed");
    Flaw::fail("grid.cells", problem, "use fewer cells (16 bytes each)")
}

fn time(deck: &TimeDeck) -> Check<TimePlan> {
    positive("time.safety", deck.safety, "a fraction")?;
    if deck.safety > 1.0 {
        let fix = "write a fraction of the stability limit in (0, 1]; to go beyond the limit give dt a number and \
                   set allow_unstable = true";
        return Flaw::fail("time.safety", format!("{} is greater than 1", deck.safety), fix);
    }
    let dt = match deck.dt {
        super::choices::StepChoice::Auto => TimeStep::Auto { safety: deck.safety },
        super::choices::StepChoice::Seconds(dt) => TimeStep::Fixed(positive("time.dt", dt, "s")?),
    };
    let until = until(deck)?;
    if let (TimeStep::Fixed(dt), Until::End(end)) = (dt, until)
        && end / dt > MOST_STEPS as f64
    {
        let problem = format!("{dt} s is so short that {:.1e} steps are needed to reach time.end = {end} s", end / dt);
        return Flaw::fail("time.dt", problem, "write a longer time step or an earlier end");
    }
    Ok(TimePlan { dt, until, allow_unstable: deck.allow_unstable })
}

fn until(deck: &TimeDeck) -> Check<Until> {
    match (deck.steps, deck.end) {
        (Some(steps), None) => whole("time.steps", steps, 1, MOST_STEPS).map(|steps| Until::Steps(steps as u64)),
        (None, Some(end)) => positive("time.end", end, "s").map(Until::End),
        (Some(_), Some(_)) => Flaw::fail("time.end", "both steps and end are given", "remove one of the two"),
        (None, None) => {
            Flaw::fail("time", "neither steps nor end is given", "add steps = ... or end = ... (s) to [time]")
        }
    }
}

fn decomposition(deck: &mut DecompositionDeck, grid: &UniformGrid) -> Check<DecompositionPlan> {
    let halo_width = whole("decomposition.halo_width", deck.halo_width, 1, WIDEST_HALO)?;
    let dims = deck.dims.as_deref().map(|dims| process_grid(dims, grid)).transpose()?;
    Ok(DecompositionPlan { dims, halo_width })
}

fn process_grid(dims: &[u64], grid: &UniformGrid) -> Check<[usize; 3]> {
    length("decomposition.dims", dims.len(), grid.dimensions)?;
    let mut process_grid = [1; 3];
    for (axis, &ranks) in dims.iter().enumerate() {
        let key = format!("decomposition.dims.{axis}");
        process_grid[axis] = whole(&key, ranks, 1, grid.cells[axis].min(i32::MAX as usize) as u64)?;
    }
    Ok(process_grid)
}

fn output(deck: &mut OutputDeck, grid: &UniformGrid) -> Check<OutputPlan> {
    let mut snapshot_formats = Vec::new();
    for (n, format) in deck.snapshot_formats.iter().enumerate() {
        let format = match format {
            Format::Vti => SnapshotFormat::Vti,
            Format::Npy => SnapshotFormat::Npy,
        };
        if snapshot_formats.contains(&format) {
            return Flaw::fail(format!("output.snapshot_formats.{n}"), "named twice", "name each format once");
        }
        snapshot_formats.push(format);
    }
    Ok(OutputPlan {
        diagnostics_every: deck.diagnostics_every,
        snapshot_every: deck.snapshot_every,
        snapshot_formats,
        frames_every: deck.frames_every,
        frames: frames(&mut deck.frames, grid)?,
    })
}

fn frames(deck: &mut FramesDeck, grid: &UniformGrid) -> Check<FramePlan> {
    let axis = axis_number(deck.axis);
    if grid.dimensions == 2 && axis != 2 {
        return Flaw::fail("output.frames.axis", "a plate is always seen along z", "remove it or write \"z\"");
    }
    let edge = grid.length(axis);
    if let Some(position) = deck.position {
        number("output.frames.position", position)?;
        if !(0.0..=edge).contains(&position) {
            let problem = format!("{position} m is outside the grid");
            return Flaw::fail("output.frames.position", problem, format!("write 0 to {edge} m"));
        }
    }
    Ok(FramePlan {
        axis,
        position: deck.position,
        range: deck.range.as_ref().map(|range| ascending("output.frames.range", range)).transpose()?,
        colormap: colormap(deck.colormap),
        pixels: whole("output.frames.pixels", deck.pixels, 16, 8192)?,
    })
}

/// 0, 1 or 2.
pub(super) fn axis_number(axis: AxisName) -> usize {
    match axis {
        AxisName::X => 0,
        AxisName::Y => 1,
        AxisName::Z => 2,
    }
}

/// As the run has it.
pub(super) fn colormap(name: ColormapName) -> Colormap {
    match name {
        ColormapName::Inferno => Colormap::Inferno,
        ColormapName::Viridis => Colormap::Viridis,
        ColormapName::Magma => Colormap::Magma,
        ColormapName::Cividis => Colormap::Cividis,
    }
}
