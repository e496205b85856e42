//! Models of bodies: counts, masses and lengths.

use super::flaw::{Check, Flaw, magnitude, not_negative, whole};
use super::nbody_bodies::{BodiesDeck, BodiesKind, ProfileName, SphereDeck};
use crate::nbody::groups::{DiscGalaxy, Model, Orbit, Path, Polygon, Profile, Sphere, UniformSphere};

/// Most bodies of one model.
const MOST_BODIES: u64 = 1 << 40;
/// Truncations where the deck says none, in scale radii.
const HALO_TRUNCATION: f64 = 10.0;
const DISC_TRUNCATION: f64 = 8.0;
/// Scale height over scale radius.
const DISC_THICKNESS: f64 = 0.1;
const DISC_TOOMRE_Q: f64 = 1.5;
const LENGTH: &str = "length units";

/// The model of a group of a kind that has one. The keys of the kind are there.
pub fn model(key: &str, kind: BodiesKind, deck: &mut BodiesDeck) -> Check<Model> {
    match kind {
        BodiesKind::Hernquist => sphere(key, deck, Profile::Hernquist).map(Model::Sphere),
        BodiesKind::Nfw => sphere(key, deck, Profile::Nfw).map(Model::Sphere),
        BodiesKind::UniformSphere => uniform(key, deck).map(Model::Uniform),
        BodiesKind::Disc => disc(key, deck).map(Model::Disc),
        BodiesKind::Orbit => orbit(key, deck).map(Model::Orbit),
        BodiesKind::Polygon => polygon(key, deck).map(Model::Polygon),
        _ => sphere(key, deck, Profile::Plummer).map(Model::Sphere),
    }
}

fn number(key: &str, name: &str, value: Option<f64>, unit: &str) -> Check<f64> {
    magnitude(&format!("{key}.{name}"), value.unwrap_or(f64::NAN), unit)
}

fn count(key: &str, value: Option<u64>, lowest: u64) -> Check<u64> {
    whole(&format!("{key}.count"), value.unwrap_or(0), lowest, MOST_BODIES).map(|count| count as u64)
}

fn truncation(key: &str, truncation: f64, scale_radius: f64) -> Check<f64> {
    magnitude(key, truncation, LENGTH)?;
    if truncation < 0.1 * scale_radius {
        let problem = format!("{truncation} is far inside the scale radius {scale_radius}");
        return Flaw::fail(key, problem, format!("write {} or more", 0.1 * scale_radius));
    }
    Ok(truncation)
}

fn sphere(key: &str, deck: &mut BodiesDeck, profile: Profile) -> Check<Sphere> {
    let scale_radius = number(key, "scale_radius", deck.scale_radius, LENGTH)?;
    if profile == Profile::Nfw {
        deck.truncation.get_or_insert(HALO_TRUNCATION * scale_radius);
    }
    let end = deck.truncation.map(|end| truncation(&format!("{key}.truncation"), end, scale_radius)).transpose()?;
    Ok(Sphere {
        profile,
        count: count(key, deck.count, 1)?,
        mass: number(key, "mass", deck.mass, "mass units")?,
        scale_radius,
        truncation: end.unwrap_or(f64::INFINITY),
    })
}

fn uniform(key: &str, deck: &mut BodiesDeck) -> Check<UniformSphere> {
    let virial_ratio = *deck.virial_ratio.get_or_insert(0.0);
    Ok(UniformSphere {
        count: count(key, deck.count, 1)?,
        mass: number(key, "mass", deck.mass, "mass units")?,
        radius: number(key, "radius", deck.radius, LENGTH)?,
        virial_ratio: not_negative(&format!("{key}.virial_ratio"), virial_ratio, "1 is balance")?,
    })
}

fn disc(key: &str, deck: &mut BodiesDeck) -> Check<DiscGalaxy> {
    let scale_radius = number(key, "scale_radius", deck.scale_radius, LENGTH)?;
    let end = *deck.truncation.get_or_insert(DISC_TRUNCATION * scale_radius);
    let height = *deck.scale_height.get_or_insert(DISC_THICKNESS * scale_radius);
    let toomre_q = *deck.toomre_q.get_or_insert(DISC_TOOMRE_Q);
    let Some(halo) = &mut deck.halo else {
        return Flaw::fail(
            format!("{key}.halo"),
            "missing",
            "add halo = { count = ..., mass = ..., scale_radius = ... }",
        );
    };
    Ok(DiscGalaxy {
        count: count(key, deck.count, 1)?,
        mass: number(key, "mass", deck.mass, "mass units")?,
        scale_radius,
        scale_height: number(key, "scale_height", Some(height), LENGTH)?,
        truncation: truncation(&format!("{key}.truncation"), end, scale_radius)?,
        toomre_q: number(key, "toomre_q", Some(toomre_q), "1.5 is a warm disc")?,
        halo: component(&format!("{key}.halo"), halo)?,
        bulge: deck.bulge.as_mut().map(|bulge| component(&format!("{key}.bulge"), bulge)).transpose()?,
    })
}

fn component(key: &str, deck: &mut SphereDeck) -> Check<Sphere> {
    let scale_radius = number(key, "scale_radius", Some(deck.scale_radius), LENGTH)?;
    let end = *deck.truncation.get_or_insert(HALO_TRUNCATION * scale_radius);
    Ok(Sphere {
        profile: match deck.profile {
            ProfileName::Plummer => Profile::Plummer,
            ProfileName::Hernquist => Profile::Hernquist,
            ProfileName::Nfw => Profile::Nfw,
        },
        count: count(key, Some(deck.count), 1)?,
        mass: number(key, "mass", Some(deck.mass), "mass units")?,
        scale_radius,
        truncation: truncation(&format!("{key}.truncation"), end, scale_radius)?,
    })
}

fn orbit(key: &str, deck: &mut BodiesDeck) -> Check<Orbit> {
    let masses = masses(&format!("{key}.masses"), deck.masses.as_deref().unwrap_or(&[]))?;
    let eccentricity = *deck.eccentricity.get_or_insert(0.0);
    not_negative(&format!("{key}.eccentricity"), eccentricity, "0 is a circle")?;
    let pericentre = pericentre(key, deck, eccentricity)?;
    let true_anomaly = *deck.true_anomaly.get_or_insert(0.0);
    let path = Path { eccentricity, pericentre, true_anomaly };
    place_exists(&format!("{key}.true_anomaly"), &path)?;
    Ok(Orbit { masses, path })
}

fn masses(key: &str, values: &[f64]) -> Check<[f64; 2]> {
    let &[first, second] = values else {
        return Flaw::fail(key, format!("{} numbers", values.len()), "write two masses");
    };
    for (n, mass) in values.iter().enumerate() {
        if !mass.is_finite() || *mass < 0.0 {
            let problem = format!("{mass} is not a finite number of 0 or more");
            return Flaw::fail(format!("{key}.{n}"), problem, "write 0 or a greater number (mass units)");
        }
    }
    if first + second <= 0.0 {
        return Flaw::fail(key, "both masses are 0", "write a positive mass");
    }
    Ok([first, second])
}

fn pericentre(key: &str, deck: &BodiesDeck, eccentricity: f64) -> Check<f64> {
    match (deck.semi_major_axis, deck.pericentre) {
        (Some(_), None) if eccentricity >= 1.0 => {
            let problem = format!("an orbit of eccentricity {eccentricity} has no semi-major axis of an ellipse");
            Flaw::fail(format!("{key}.semi_major_axis"), problem, "give pericentre instead")
        }
        (Some(axis), None) => {
            magnitude(&format!("{key}.semi_major_axis"), axis, LENGTH).map(|axis| axis * (1.0 - eccentricity))
        }
        (None, Some(pericentre)) => magnitude(&format!("{key}.pericentre"), pericentre, LENGTH),
        (Some(_), Some(_)) => {
            let problem = "both semi_major_axis and pericentre are given";
            Flaw::fail(format!("{key}.pericentre"), problem, "remove one of the two")
        }
        (None, None) => {
            let fix = format!("add semi_major_axis = ... (length units) to {}", super::diagnose::table_name(key));
            Flaw::fail(format!("{key}.semi_major_axis"), "missing; kind = \"orbit\" needs it or pericentre", fix)
        }
    }
}

fn place_exists(key: &str, path: &Path) -> Check<()> {
    super::flaw::number(key, path.true_anomaly)?;
    let [_, cos] = crate::nbody::initial::orbit::sine_and_cosine(path.true_anomaly);
    // At the limit the body is infinitely far away.
    if 1.0 + path.eccentricity * cos <= 1e-9 {
        let problem = format!("an orbit of eccentricity {} does not go there", path.eccentricity);
        return Flaw::fail(key, problem, "write an angle nearer to the pericentre (degrees)");
    }
    Ok(())
}

fn polygon(key: &str, deck: &mut BodiesDeck) -> Check<Polygon> {
    Ok(Polygon {
        count: count(key, deck.count, 2)?,
        mass: number(key, "mass", deck.mass, "mass units")?,
        radius: number(key, "radius", deck.radius, LENGTH)?,
    })
}
