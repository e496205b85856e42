//! From a deck to a run, part two: matter, walls, sources and the state at time 0. Checks and completes, as [`super::validate`].

use super::choices::{MaterialDeck, SignalChoice, VaryingDeck};
use super::deck::Deck;
use super::diagnose::did_you_mean;
use super::flaw::{Check, Flaw, keys_of_kind, not_negative, number, positive};
use super::physics::{BoundaryDeck, FaceDeck, FaceKind, SourceDeck};
use super::validate_initial::initial;
use super::validate_shape::{is_empty, region};
use super::{Context, kind_text};
use crate::grid::UniformGrid;
use crate::heat::materials;
use crate::heat::problem::{FaceCondition, HeatProblem, Material, Source, Strength};
use crate::region::Region;
use crate::signal::Signal;

const AXES: [&str; 3] = ["x", "y", "z"];
const SIDE_NAMES: [&str; 2] = ["lower", "upper"];

/// The physics of a deck and warnings about it.
pub fn problem(deck: &mut Deck, grid: UniformGrid, context: &Context<'_>) -> Check<(HeatProblem, Vec<String>)> {
    let mut warnings = Vec::new();
    let background = material("material", &mut deck.material.0)?;
    let faces = faces(&mut deck.boundary, grid.dimensions)?;
    let regions = regions(deck, &grid, context, &mut warnings)?;
    let sources = sources(deck, &grid, context, &mut warnings)?;
    let initial = initial(&mut deck.initial, &grid, &faces, context, &mut warnings)?;
    complete_files(deck, context);
    Ok((HeatProblem { grid, background, regions, faces, sources, initial }, warnings))
}

/// Rewrites paths so that they no longer depend on where the deck lies: the resolved deck is stored elsewhere.
fn complete_files(deck: &mut Deck, context: &Context<'_>) {
    let regions = deck.regions.iter_mut().map(|region| &mut region.file);
    let sources = deck.sources.iter_mut().map(|source| &mut source.file);
    let patches = deck.initial.patches.iter_mut().map(|patch| &mut patch.file);
    for file in regions.chain(sources).chain(patches).chain([&mut deck.initial.file]).flatten() {
        *file = context.path_text(file);
    }
}

fn regions(
    deck: &mut Deck,
    grid: &UniformGrid,
    context: &Context<'_>,
    warnings: &mut Vec<String>,
) -> Check<Vec<(Region, Material)>> {
    let mut regions = Vec::new();
    for (n, entry) in deck.regions.iter_mut().enumerate() {
        let key = format!("regions.{n}");
        let material = material(&format!("{key}.material"), &mut entry.material.0)?;
        let region = region(&key, &entry.shape_keys(), grid, context)?;
        if is_empty(&region, grid) {
            warnings.push(no_cell(n, "regions"));
        }
        regions.push((region, material));
    }
    Ok(regions)
}

/// Warning about a shape without cells.
pub(super) fn no_cell(n: usize, table: &str) -> String {
    format!("{table}[{n}] contains no cell: it lies outside the grid, or between the cell centres")
}

fn material(key: &str, deck: &mut MaterialDeck) -> Check<Material> {
    if let Some(name) = &deck.name {
        let Some(known) = materials::find(name) else {
            let (problem, fix) = unknown_material(name);
            return Flaw::fail(format!("{key}.name"), problem, fix);
        };
        deck.conductivity.get_or_insert(known.conductivity);
        deck.density.get_or_insert(known.density);
        deck.specific_heat.get_or_insert(known.specific_heat);
    }
    let property = |name: &str, value: Option<f64>, unit: &str| match value {
        Some(value) => positive(&format!("{key}.{name}"), value, unit),
        None => {
            let fix = format!("add {name} = ... ({unit}), or the name of a built-in material");
            Flaw::fail(format!("{key}.{name}"), "missing", fix)
        }
    };
    let material = Material {
        conductivity: property("conductivity", deck.conductivity, "W/(m K)")?,
        density: property("density", deck.density, "kg/m3")?,
        specific_heat: property("specific_heat", deck.specific_heat, "J/(kg K)")?,
    };
    if !(1e-30..1e30).contains(&material.diffusivity()) {
        let problem = format!("the diffusivity k/(rho c) = {:e} m2/s is out of range", material.diffusivity());
        return Flaw::fail(key, problem, "check the three numbers");
    }
    Ok(material)
}

fn unknown_material(name: &str) -> (String, String) {
    let problem = format!("no built-in material is called \"{name}\"");
    let fix = match did_you_mean(&name.to_lowercase(), materials::names()) {
        Some(close) => format!("did you mean \"{close}\"?"),
        None => "see the table in docs/decks.md, or give conductivity, density and specific_heat".to_owned(),
    };
    (problem, fix)
}

fn faces(deck: &mut BoundaryDeck, dimensions: usize) -> Check<[[FaceCondition; 2]; 3]> {
    let all = deck.all.take();
    let insulated = || [FaceCondition::Flux(Signal::Constant(0.0)), FaceCondition::Flux(Signal::Constant(0.0))];
    let mut faces = [insulated(), insulated(), insulated()];
    for (index, slot) in face_slots(deck).into_iter().enumerate() {
        let (axis, side) = (index / 2, index % 2);
        let name = format!("boundary.{}_{}", AXES[axis], SIDE_NAMES[side]);
        if axis >= dimensions {
            if slot.is_some() {
                return Flaw::fail(name, "a two-dimensional grid has no z faces", "remove it");
            }
            continue;
        }
        let key = if slot.is_none() && all.is_some() { "boundary.all" } else { &name };
        faces[axis][side] = face(key, slot.get_or_insert_with(|| all.clone().unwrap_or(INSULATED)))?;
    }
    both_sides_periodic(&faces)?;
    Ok(faces)
}

const INSULATED: FaceDeck = FaceDeck { kind: FaceKind::Insulated, value: None, coefficient: None, ambient: None };

fn face_slots(deck: &mut BoundaryDeck) -> [&mut Option<FaceDeck>; 6] {
    [&mut deck.x_lower, &mut deck.x_upper, &mut deck.y_lower, &mut deck.y_upper, &mut deck.z_lower, &mut deck.z_upper]
}

fn both_sides_periodic(faces: &[[FaceCondition; 2]; 3]) -> Check<()> {
    for (axis, sides) in faces.iter().enumerate() {
        let periodic = sides.each_ref().map(|side| *side == FaceCondition::Periodic);
        if periodic[0] != periodic[1] {
            let (is, other) = if periodic[0] { (0, 1) } else { (1, 0) };
            let name = |side: usize| format!("{}_{}", AXES[axis], SIDE_NAMES[side]);
            let problem = format!("periodic, but the opposite face {} is not", name(other));
            let fix = format!("write {} = {{ kind = \"periodic\" }} too", name(other));
            return Flaw::fail(format!("boundary.{}", name(is)), problem, fix);
        }
    }
    Ok(())
}

fn face(key: &str, deck: &mut FaceDeck) -> Check<FaceCondition> {
    let given = [
        ("value", deck.value.is_some()),
        ("coefficient", deck.coefficient.is_some()),
        ("ambient", deck.ambient.is_some()),
    ];
    let needed: &[&str] = match deck.kind {
        FaceKind::Insulated | FaceKind::Periodic => &[],
        FaceKind::Fixed | FaceKind::Flux => &["value"],
        FaceKind::Convection => &["coefficient", "ambient"],
    };
    keys_of_kind(key, &kind_text("kind", deck.kind), &given, needed, &[])?;
    let signal_of = |name: &str, choice: &mut Option<SignalChoice>| {
        choice.as_mut().map_or(Ok(Signal::Constant(0.0)), |choice| signal(&format!("{key}.{name}"), choice))
    };
    Ok(match deck.kind {
        FaceKind::Insulated => FaceCondition::Flux(Signal::Constant(0.0)),
        FaceKind::Periodic => FaceCondition::Periodic,
        FaceKind::Fixed => FaceCondition::Fixed(signal_of("value", &mut deck.value)?),
        FaceKind::Flux => FaceCondition::Flux(signal_of("value", &mut deck.value)?),
        FaceKind::Convection => FaceCondition::Convection {
            coefficient: positive(
                &format!("{key}.coefficient"),
                deck.coefficient.unwrap_or(f64::NAN),
                "W/(m2 K); an insulated wall is kind = \"insulated\"",
            )?,
            ambient: signal_of("ambient", &mut deck.ambient)?,
        },
    })
}

fn signal(key: &str, choice: &mut SignalChoice) -> Check<Signal> {
    match choice {
        SignalChoice::Number(value) => number(key, *value).map(Signal::Constant),
        SignalChoice::Varying(deck) if deck.times.is_some() || deck.values.is_some() => table(key, deck),
        SignalChoice::Varying(deck) => sine(key, deck),
    }
}

fn signal_keys(key: &str, deck: &VaryingDeck, form: &str, needed: &[&str], optional: &[&str]) -> Check<()> {
    let given = [
        ("mean", deck.mean.is_some()),
        ("amplitude", deck.amplitude.is_some()),
        ("period", deck.period.is_some()),
        ("phase", deck.phase.is_some()),
        ("times", deck.times.is_some()),
        ("values", deck.values.is_some()),
    ];
    keys_of_kind(key, form, &given, needed, optional)
}

fn sine(key: &str, deck: &mut VaryingDeck) -> Check<Signal> {
    signal_keys(key, deck, "a sine in time", &["mean", "amplitude", "period"], &["phase"])?;
    deck.phase.get_or_insert(0.0);
    let part = |name: &str, value: Option<f64>| number(&format!("{key}.{name}"), value.unwrap_or(f64::NAN));
    Ok(Signal::Sine {
        mean: part("mean", deck.mean)?,
        amplitude: part("amplitude", deck.amplitude)?,
        period: positive(&format!("{key}.period"), part("period", deck.period)?, "s")?,
        phase: part("phase", deck.phase)?,
    })
}

fn table(key: &str, deck: &VaryingDeck) -> Check<Signal> {
    signal_keys(key, deck, "a table in time", &["times", "values"], &[])?;
    let times = deck.times.clone().unwrap_or_default();
    let values = deck.values.clone().unwrap_or_default();
    if times.is_empty() || times.len() != values.len() {
        let problem = format!("{} times but {} values", times.len(), values.len());
        return Flaw::fail(format!("{key}.values"), problem, "give one value per time, at least one");
    }
    for n in 0..times.len() {
        number(&format!("{key}.times.{n}"), times[n])?;
        number(&format!("{key}.values.{n}"), values[n])?;
    }
    if let Some(n) = (1..times.len()).find(|&n| times[n] <= times[n - 1]) {
        let problem = format!("{} is not later than {}", times[n], times[n - 1]);
        return Flaw::fail(format!("{key}.times.{n}"), problem, "write strictly increasing times (s)");
    }
    Ok(Signal::Table { times, values })
}

fn sources(
    deck: &mut Deck,
    grid: &UniformGrid,
    context: &Context<'_>,
    warnings: &mut Vec<String>,
) -> Check<Vec<Source>> {
    let mut sources = Vec::new();
    for (n, entry) in deck.sources.iter().enumerate() {
        let key = format!("sources.{n}");
        let strength = strength(&key, entry)?;
        let active = active(&key, entry)?;
        let region = region(&key, &entry.shape_keys(), grid, context)?;
        if is_empty(&region, grid) {
            if let Strength::Total(power) = strength {
                let problem = format!("{power} W are to be spread over a shape that contains no cell");
                return Flaw::fail(format!("{key}.power"), problem, "move or enlarge the shape, or refine the grid");
            }
            warnings.push(no_cell(n, "sources"));
        }
        sources.push(Source { region, strength, active });
    }
    Ok(sources)
}

fn strength(key: &str, entry: &SourceDeck) -> Check<Strength> {
    match (entry.power_density, entry.power) {
        (Some(density), None) => number(&format!("{key}.power_density"), density).map(Strength::PerVolume),
        (None, Some(power)) => number(&format!("{key}.power"), power).map(Strength::Total),
        (Some(_), Some(_)) => {
            let problem = "both power_density and power are given";
            Flaw::fail(format!("{key}.power"), problem, "remove one of the two")
        }
        (None, None) => {
            let fix = "add power_density = ... (W/m3) or power = ... (W)";
            Flaw::fail(key, "neither power_density nor power is given", fix)
        }
    }
}

fn active(key: &str, entry: &SourceDeck) -> Check<[f64; 2]> {
    let on = not_negative(&format!("{key}.on"), entry.on, "s")?;
    let Some(off) = entry.off else { return Ok([on, f64::INFINITY]) };
    not_negative(&format!("{key}.off"), off, "s")?;
    if off <= on {
        let problem = format!("switched off at {off} s, not later than on at {on} s");
        return Flaw::fail(format!("{key}.off"), problem, "write a time after on (s), or remove it");
    }
    Ok([on, off])
}
