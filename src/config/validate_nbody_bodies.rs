//! The groups of bodies of an N-body deck: every kind has its keys, every number its range; defaults are written into the deck.

use super::diagnose::table_name;
use super::flaw::{Check, Flaw, keys_of_kind, magnitude, point};
use super::nbody_bodies::{BodiesDeck, BodiesKind, BodyDeck};
use super::nbody_deck::{EncounterDeck, NBodyDeck};
use super::validate_nbody_models::model;
use super::{Context, kind_text};
use crate::nbody::groups::{Body, BodyFile, BodyGroup, FileFormat, Generated, Path, Placement};
use crate::nbody::initial::orbit::{incoming_anomaly, relative_state};

/// Most bodies of a run: what 2^60 bytes of memory hold, with room to spare.
const MOST_BODIES: u64 = 1 << 40;
/// Most groups: their number is part of the key of random numbers.
const MOST_GROUPS: usize = 1 << 16;

/// The groups of a deck, those of an encounter already on their orbit.
pub fn groups(deck: &mut NBodyDeck, constant: f64, context: &Context<'_>) -> Check<Vec<BodyGroup>> {
    if deck.bodies.is_empty() {
        return Flaw::fail("bodies", "there are no bodies", "add a table [bodies]");
    }
    if deck.bodies.len() > MOST_GROUPS {
        return Flaw::fail("bodies", format!("{} groups", deck.bodies.len()), "use at most 65536, or file = ...");
    }
    let mut groups = Vec::new();
    for (key, entry) in deck.bodies.keys().iter().zip(deck.bodies.groups_mut()) {
        groups.push(group(key, entry, context)?);
    }
    let total = groups.iter().filter_map(BodyGroup::count).fold(0, u64::saturating_add);
    if total > MOST_BODIES {
        return Flaw::fail("bodies", format!("{total} bodies are more than any machine holds"), "use fewer");
    }
    if let Some(encounter) = &deck.encounter {
        meet(encounter, &mut groups, constant)?;
    }
    Ok(groups)
}

fn group(key: &str, deck: &mut BodiesDeck, context: &Context<'_>) -> Check<BodyGroup> {
    let kind = kind(key, deck)?;
    kind_has_its_keys(key, kind, deck)?;
    match kind {
        BodiesKind::Listed => listed(key, &deck.list).map(BodyGroup::Listed),
        BodiesKind::File => {
            let placement = placement(key, deck)?;
            file(key, deck, placement, context).map(BodyGroup::File)
        }
        _ => {
            let model = model(key, kind, deck)?;
            let seed = if is_random(kind) { *deck.seed.get_or_insert(1) } else { 0 };
            Ok(BodyGroup::Generated(Generated { model, seed, placement: placement(key, deck)? }))
        }
    }
}

/// What the group is: `file` and `list` say it without a generator.
fn kind(key: &str, deck: &BodiesDeck) -> Check<BodiesKind> {
    match (deck.generator, &deck.file, deck.list.is_empty()) {
        (Some(kind), ..) => Ok(kind),
        (None, Some(_), _) => Ok(BodiesKind::File),
        (None, None, false) => Ok(BodiesKind::Listed),
        (None, None, true) => {
            let fix =
                format!("add generator = \"plummer\" or another, file = ... or list = ... to {}", table_name(key));
            Flaw::fail(format!("{key}.generator"), "missing", fix)
        }
    }
}

/// The key that says what the group is, as it stands in the deck.
fn kind_words(kind: BodiesKind, deck: &BodiesDeck) -> String {
    match (deck.generator, kind) {
        (Some(_), _) => kind_text("generator", kind),
        (None, BodiesKind::File) => "file = ...".to_owned(),
        (None, _) => "list = ...".to_owned(),
    }
}

fn is_random(kind: BodiesKind) -> bool {
    use BodiesKind::{Disc, Hernquist, Nfw, Plummer, UniformSphere};
    matches!(kind, Plummer | Hernquist | Nfw | UniformSphere | Disc)
}

fn kind_has_its_keys(key: &str, kind: BodiesKind, deck: &BodiesDeck) -> Check<()> {
    let given = [
        ("list", !deck.list.is_empty()),
        ("file", deck.file.is_some()),
        ("count", deck.count.is_some()),
        ("mass", deck.mass.is_some()),
        ("scale_radius", deck.scale_radius.is_some()),
        ("truncation", deck.truncation.is_some()),
        ("radius", deck.radius.is_some()),
        ("virial_ratio", deck.virial_ratio.is_some()),
        ("scale_height", deck.scale_height.is_some()),
        ("toomre_q", deck.toomre_q.is_some()),
        ("halo", deck.halo.is_some()),
        ("bulge", deck.bulge.is_some()),
        ("masses", deck.masses.is_some()),
        ("semi_major_axis", deck.semi_major_axis.is_some()),
        ("pericentre", deck.pericentre.is_some()),
        ("eccentricity", deck.eccentricity.is_some()),
        ("true_anomaly", deck.true_anomaly.is_some()),
        ("seed", deck.seed.is_some()),
        ("position", deck.position.is_some()),
        ("velocity", deck.velocity.is_some()),
        ("rotation", deck.rotation.is_some()),
    ];
    let (needed, optional): (&[&str], &[&str]) = match kind {
        BodiesKind::Listed => (&["list"], &[]),
        BodiesKind::File => (&["file"], &[]),
        BodiesKind::Plummer | BodiesKind::Hernquist | BodiesKind::Nfw => {
            (&["count", "mass", "scale_radius"], &["truncation"])
        }
        BodiesKind::UniformSphere => (&["count", "mass", "radius"], &["virial_ratio"]),
        BodiesKind::Disc => {
            (&["count", "mass", "scale_radius", "halo"], &["truncation", "scale_height", "toomre_q", "bulge"])
        }
        BodiesKind::Orbit => (&["masses"], &["semi_major_axis", "pericentre", "eccentricity", "true_anomaly"]),
        BodiesKind::Polygon => (&["count", "mass", "radius"], &[]),
    };
    let placing: &[&str] = if kind == BodiesKind::Listed { &[] } else { &["position", "velocity", "rotation"] };
    let seed: &[&str] = if is_random(kind) { &["seed"] } else { &[] };
    let optional = [optional, placing, seed].concat();
    keys_of_kind(key, &kind_words(kind, deck), &given, needed, &optional)
}

fn placement(key: &str, deck: &mut BodiesDeck) -> Check<Placement> {
    let vector = |name: &str, values: &mut Option<Vec<f64>>| {
        point(&format!("{key}.{name}"), values.get_or_insert_with(|| vec![0.0; 3]))
    };
    Ok(Placement {
        position: vector("position", &mut deck.position)?,
        velocity: vector("velocity", &mut deck.velocity)?,
        rotation: vector("rotation", &mut deck.rotation)?,
    })
}

fn listed(key: &str, list: &[BodyDeck]) -> Check<Vec<Body>> {
    list.iter().enumerate().map(|(n, body)| listed_body(&format!("{key}.list.{n}"), body)).collect()
}

fn listed_body(key: &str, deck: &BodyDeck) -> Check<Body> {
    if !deck.mass.is_finite() || deck.mass < 0.0 {
        let problem = format!("{} is not a finite number of 0 or more", deck.mass);
        return Flaw::fail(format!("{key}.mass"), problem, "write 0 or a greater number (mass units)");
    }
    Ok(Body {
        mass: deck.mass,
        position: point(&format!("{key}.position"), &deck.position)?,
        velocity: point(&format!("{key}.velocity"), &deck.velocity)?,
    })
}

fn file(key: &str, deck: &mut BodiesDeck, placement: Placement, context: &Context<'_>) -> Check<BodyFile> {
    let name = deck.file.clone().unwrap_or_default();
    let path = context.path(&name);
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("").to_lowercase();
    let format = match extension.as_str() {
        "csv" => FileFormat::Csv,
        "txt" | "dat" | "ascii" => FileFormat::Ascii,
        "npy" => FileFormat::Npy,
        "hdf5" | "h5" => FileFormat::Gadget,
        _ => {
            let fix = "name a .csv, .txt (m x y z vx vy vz), .npy of shape (N, 7), positions.npy of a snapshot, or GADGET .hdf5 file";
            return Flaw::fail(format!("{key}.file"), format!("\"{name}\" is of no known format"), fix);
        }
    };
    deck.file = Some(context.path_text(&name));
    Ok(BodyFile { path, format, placement })
}

/// Puts two groups on an orbit around each other.
fn meet(deck: &EncounterDeck, groups: &mut [BodyGroup], constant: f64) -> Check<()> {
    let [first, second] = two_groups(deck, groups.len())?;
    let masses = [mass(first, groups)?, mass(second, groups)?];
    let total = masses[0] + masses[1];
    if total <= 0.0 {
        return Flaw::fail("encounter.groups", "the groups have no mass", "give one of them a mass");
    }
    let path = orbit(deck)?;
    let [position, velocity] = relative_state(&path, constant * total);
    for (group, share) in [(first, -masses[1] / total), (second, masses[0] / total)] {
        if let BodyGroup::Generated(generated) = &mut groups[group] {
            for axis in 0..3 {
                generated.placement.position[axis] += share * position[axis];
                generated.placement.velocity[axis] += share * velocity[axis];
            }
        }
    }
    Ok(())
}

fn two_groups(deck: &EncounterDeck, count: usize) -> Check<[usize; 2]> {
    const KEY: &str = "encounter.groups";
    let &[first, second] = deck.groups.as_slice() else {
        return Flaw::fail(KEY, format!("{} numbers", deck.groups.len()), "write two numbers of groups, like [0, 1]");
    };
    if first == second || first.max(second) >= count as u64 {
        let problem = format!("[{first}, {second}] are not two of the {count} groups");
        return Flaw::fail(KEY, problem, "write the numbers of two [[bodies]], from 0");
    }
    Ok([first as usize, second as usize])
}

fn mass(group: usize, groups: &[BodyGroup]) -> Check<f64> {
    match &groups[group] {
        BodyGroup::Generated(generated) => Ok(generated.model.mass()),
        _ => {
            let problem = format!("bodies[{group}] is no model, so it cannot be put on an orbit");
            Flaw::fail("encounter.groups", problem, "name groups that are made from a model, or place them by hand")
        }
    }
}

fn orbit(deck: &EncounterDeck) -> Check<Path> {
    let pericentre = magnitude("encounter.pericentre", deck.pericentre, "length units")?;
    let separation = magnitude("encounter.separation", deck.separation, "length units")?;
    let eccentricity = magnitude("encounter.eccentricity", deck.eccentricity, "1 is a parabola")?;
    let farthest = match eccentricity < 1.0 {
        true => pericentre * (1.0 + eccentricity) / (1.0 - eccentricity),
        false => f64::INFINITY,
    };
    if !(pericentre..=farthest).contains(&separation) {
        let problem = format!("{separation} is not between the smallest and the largest distance of the orbit");
        return Flaw::fail("encounter.separation", problem, format!("write {pericentre} to {farthest}"));
    }
    let true_anomaly = incoming_anomaly(eccentricity, pericentre, separation);
    Ok(Path { eccentricity, pericentre, true_anomaly })
}
