//! The state at time 0: from `[initial]` to [`Initial`].

use super::flaw::{Check, Flaw, keys_of_kind, length, number, positive, vector};
use super::physics::{InitialDeck, InitialKind};
use super::validate_physics::no_cell;
use super::validate_shape::{is_empty, region};
use super::{Context, kind_text};
use crate::grid::UniformGrid;
use crate::heat::problem::{FaceCondition, Initial};

/// The initial state of a deck; writes its defaults into the deck.
pub fn initial(
    deck: &mut InitialDeck,
    grid: &UniformGrid,
    faces: &[[FaceCondition; 2]; 3],
    context: &Context<'_>,
    warnings: &mut Vec<String>,
) -> Check<Initial> {
    kind_has_its_keys(deck)?;
    match deck.kind {
        InitialKind::Uniform => Ok(Initial::Regions { background: given("value", deck.value)?, patches: Vec::new() }),
        InitialKind::Regions => patches(deck, grid, context, warnings),
        InitialKind::Gaussian => gaussian(deck, grid),
        InitialKind::Eigenmode => eigenmode(deck, grid, faces),
        InitialKind::File => file(deck, context),
    }
}

fn kind_has_its_keys(deck: &InitialDeck) -> Check<()> {
    let keys = [
        ("value", deck.value.is_some()),
        ("background", deck.background.is_some()),
        ("patches", !deck.patches.is_empty()),
        ("amplitude", deck.amplitude.is_some()),
        ("center", deck.center.is_some()),
        ("width", deck.width.is_some()),
        ("base", deck.base.is_some()),
        ("gradient", deck.gradient.is_some()),
        ("mode", deck.mode.is_some()),
        ("file", deck.file.is_some()),
    ];
    let (needed, optional): (&[&str], &[&str]) = match deck.kind {
        InitialKind::Uniform => (&["value"], &[]),
        InitialKind::Regions => (&["background", "patches"], &[]),
        InitialKind::Gaussian => (&["background", "amplitude", "width"], &["center"]),
        InitialKind::Eigenmode => (&["amplitude", "mode"], &["base", "gradient"]),
        InitialKind::File => (&["file"], &[]),
    };
    keys_of_kind("initial", &kind_text("kind", deck.kind), &keys, needed, optional)
}

fn given(key: &str, value: Option<f64>) -> Check<f64> {
    number(&format!("initial.{key}"), value.unwrap_or(f64::NAN))
}

fn patches(
    deck: &InitialDeck,
    grid: &UniformGrid,
    context: &Context<'_>,
    warnings: &mut Vec<String>,
) -> Check<Initial> {
    let mut patches = Vec::new();
    for (n, patch) in deck.patches.iter().enumerate() {
        let key = format!("initial.patches.{n}");
        let value = number(&format!("{key}.value"), patch.value)?;
        let region = region(&key, &patch.shape_keys(), grid, context)?;
        if is_empty(&region, grid) {
            warnings.push(no_cell(n, "initial.patches"));
        }
        patches.push((region, value));
    }
    Ok(Initial::Regions { background: given("background", deck.background)?, patches })
}

fn gaussian(deck: &mut InitialDeck, grid: &UniformGrid) -> Check<Initial> {
    let middle = || (0..grid.dimensions).map(|axis| 0.5 * grid.length(axis)).collect();
    let values = vector("initial.center", deck.center.get_or_insert_with(middle), grid.dimensions)?;
    let mut center = grid.center([0; 3]);
    center[..values.len()].copy_from_slice(values);
    Ok(Initial::Gaussian {
        background: given("background", deck.background)?,
        amplitude: given("amplitude", deck.amplitude)?,
        center,
        width: positive("initial.width", deck.width.unwrap_or(f64::NAN), "m")?,
    })
}

fn eigenmode(deck: &mut InitialDeck, grid: &UniformGrid, faces: &[[FaceCondition; 2]; 3]) -> Check<Initial> {
    let base = given("base", Some(*deck.base.get_or_insert(0.0)))?;
    let slopes = deck.gradient.get_or_insert_with(|| vec![0.0; grid.dimensions]);
    let slopes = vector("initial.gradient", slopes, grid.dimensions)?;
    let numbers = deck.mode.as_deref().unwrap_or(&[]);
    length("initial.mode", numbers.len(), grid.dimensions)?;
    let (mut gradient, mut mode) = ([0.0; 3], [1; 3]);
    for axis in 0..grid.dimensions {
        let periodic = faces[axis][0] == FaceCondition::Periodic;
        gradient[axis] = slope(axis, slopes[axis], periodic)?;
        mode[axis] = mode_number(axis, numbers[axis], grid.cells[axis], periodic)?;
    }
    Ok(Initial::Eigenmode { base, gradient, amplitude: given("amplitude", deck.amplitude)?, mode })
}

fn slope(axis: usize, slope: f64, periodic: bool) -> Check<f64> {
    if periodic && slope != 0.0 {
        let problem = format!("a slope of {slope} K/m does not fit a periodic axis");
        return Flaw::fail(format!("initial.gradient.{axis}"), problem, "write 0");
    }
    Ok(slope)
}

fn mode_number(axis: usize, number: u64, cells: usize, periodic: bool) -> Check<usize> {
    let (lowest, highest) = if periodic { (0, cells / 2) } else { (1, cells) };
    if !(lowest as u64..=highest as u64).contains(&number) {
        let what = if periodic { "number of waves" } else { "number of the eigenfunction" };
        let problem = format!("{number} is out of range for the {what} on {cells} cells");
        return Flaw::fail(format!("initial.mode.{axis}"), problem, format!("write {lowest} to {highest}"));
    }
    Ok(number as usize)
}

fn file(deck: &InitialDeck, context: &Context<'_>) -> Check<Initial> {
    let name = deck.file.as_deref().unwrap_or("");
    let path = context.path(name);
    if path.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case("npy")) {
        let problem = format!("\"{name}\" is not a .npy file");
        return Flaw::fail("initial.file", problem, "name an array of numpy with one value per cell");
    }
    Ok(Initial::File(path))
}
