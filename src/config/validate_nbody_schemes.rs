//! Which methods, integrators, softenings and precisions go together.

use super::choices::StepChoice;
use super::diagnose::display_key;
use super::flaw::{Check, Flaw};
use super::nbody_deck::NBodyTimeDeck;
use crate::nbody::groups::{BodyGroup, Model};
use crate::nbody::initial::MOST_GAUSS_RADAU;
use crate::nbody::problem::{Integrator, Method, NBodyProblem, Precision, Softening, Substeps};

/// From so many bodies on an unsoftened run is one of close pairs and nothing else.
const MOST_UNSOFTENED: u64 = 20_000;
/// From so many bodies on all pairs take minutes for one evaluation.
const MANY_FOR_DIRECT: u64 = 1_000_000;
/// Errors below this are lost in 32 bits.
const FINEST_SINGLE: f64 = 1e-5;

/// What is asked of the deck besides the problem.
pub struct Scheme<'a> {
    /// `[time]`.
    pub deck: &'a NBodyTimeDeck,
    /// Whether the deck says an accuracy.
    pub accuracy_given: bool,
    /// Paths of the groups of bodies.
    pub groups: Vec<String>,
}

/// Refuses what would be wrong, settles the method where only one is possible, and warns of what is probably not meant.
pub fn check(problem: &mut NBodyProblem, scheme: &Scheme<'_>) -> Check<Vec<String>> {
    let total = problem.groups.iter().filter_map(BodyGroup::count).fold(0, u64::saturating_add);
    steps_of_integrator(problem)?;
    bodies_of_integrator(problem, total)?;
    criteria(problem, scheme)?;
    method(problem, total)?;
    precision(problem)?;
    Ok(warnings(problem, total, scheme))
}

fn is_of_high_order(integrator: Integrator) -> bool {
    matches!(integrator, Integrator::Hermite4 | Integrator::GaussRadau15)
}

fn steps_of_integrator(problem: &NBodyProblem) -> Check<()> {
    const KEY: &str = "time.substeps";
    match (problem.integrator, problem.substeps) {
        (Integrator::GaussRadau15, Substeps::Global { .. } | Substeps::Block { .. }) => {
            Flaw::fail(KEY, "gauss_radau15 cuts its steps by its own error control", "remove substeps")
        }
        (Integrator::Yoshida4, Substeps::Block { .. }) => {
            let problem = "with steps of their own for every body yoshida4 is no longer of fourth order";
            Flaw::fail(KEY, problem, "write \"global\", or integrator = \"leapfrog\" or \"hermite4\"")
        }
        _ => Ok(()),
    }
}

fn bodies_of_integrator(problem: &NBodyProblem, total: u64) -> Check<()> {
    if problem.integrator == Integrator::GaussRadau15 && total > MOST_GAUSS_RADAU {
        let problem = format!("{total} bodies are too many for gauss_radau15 (at most {MOST_GAUSS_RADAU})");
        return Flaw::fail("time.integrator", problem, "write \"leapfrog\" or \"hermite4\"");
    }
    Ok(())
}

/// Criteria of steps are made of the softening length, but for that of the Hermite scheme.
fn criteria(problem: &NBodyProblem, scheme: &Scheme<'_>) -> Check<()> {
    if problem.gravity.softening != Softening::None {
        return Ok(());
    }
    if scheme.deck.dt == StepChoice::Auto {
        let problem = "\"auto\" is eta sqrt(eps / |a|), and without softening there is no eps";
        return Flaw::fail("time.dt", problem, "write a number (time units), or give gravity.softening");
    }
    if problem.substeps != Substeps::None && problem.integrator != Integrator::Hermite4 {
        let problem = "the criterion eta sqrt(eps / |a|) needs a softening length eps";
        return Flaw::fail("time.substeps", problem, "write \"none\", or give gravity.softening");
    }
    Ok(())
}

fn method(problem: &mut NBodyProblem, total: u64) -> Check<()> {
    let unsoftened = problem.gravity.softening == Softening::None;
    let high_order = is_of_high_order(problem.integrator);
    if problem.auto_method && (unsoftened || high_order) {
        problem.auto_method = false;
        problem.gravity.method = Method::Direct;
        if unsoftened && total > MOST_UNSOFTENED {
            let problem = format!("{total} bodies without softening: close pairs would rule the run");
            let fix = "write { kind = \"plummer\", length = ... }, or gravity.method = \"direct\" if that is meant";
            return Flaw::fail("gravity.softening", problem, fix);
        }
    }
    if problem.gravity.method == Method::Direct {
        return Ok(());
    }
    if high_order {
        let name = problem.integrator.name();
        let problem = format!("the errors of multipole forces are far above those of {name}, whose order they destroy");
        return Flaw::fail("gravity.method", problem, "write \"direct\", or time.integrator = \"leapfrog\"");
    }
    if unsoftened {
        let problem = "fmm controls errors of smooth fields; unsoftened pairs that meet have none";
        let fix = "write { kind = \"plummer\", length = ... }, or gravity.method = \"direct\"";
        return Flaw::fail("gravity.softening", problem, fix);
    }
    Ok(())
}

fn precision(problem: &NBodyProblem) -> Check<()> {
    let name = problem.integrator.name();
    let gravity = &problem.gravity;
    let high_order = is_of_high_order(problem.integrator);
    if high_order && matches!(gravity.softening, Softening::Spline(_)) {
        let problem = format!("the spline's higher derivatives jump, which {name} cannot follow");
        return Flaw::fail("gravity.softening.kind", problem, "write \"plummer\"");
    }
    if gravity.precision == Precision::Double {
        return Ok(());
    }
    if high_order {
        let problem = format!("the rounding of 32 bits is far above the errors of {name}");
        return Flaw::fail("gravity.precision", problem, "write \"double\"");
    }
    let uses_accuracy = problem.auto_method || gravity.method == Method::Fmm;
    if uses_accuracy && gravity.accuracy < FINEST_SINGLE {
        let problem = format!("accuracy = {} cannot be reached in 32 bits", gravity.accuracy);
        return Flaw::fail("gravity.precision", problem, "write \"double\", or an accuracy of 1e-5 or more");
    }
    Ok(())
}

fn warnings(problem: &NBodyProblem, total: u64, scheme: &Scheme<'_>) -> Vec<String> {
    let mut warnings = Vec::new();
    let direct = !problem.auto_method && problem.gravity.method == Method::Direct;
    if direct && scheme.accuracy_given {
        warnings.push("gravity.accuracy does not count: direct sums are exact to rounding".to_owned());
    }
    if direct && total > MANY_FOR_DIRECT {
        let pairs = total as f64 * total as f64;
        warnings.push(format!("gravity.method: direct sums of {total} bodies take {pairs:.1e} pairs every step"));
    }
    if direct && problem.gravity.softening == Softening::None && total > MOST_UNSOFTENED {
        warnings.push(format!("gravity.softening: {total} bodies without softening; close pairs will rule the run"));
    }
    for (key, group) in scheme.groups.iter().zip(&problem.groups) {
        let (name, BodyGroup::Generated(generated)) = (display_key(key), group) else { continue };
        let (scale, eps) = (scale_length(&generated.model), problem.gravity.softening.length());
        if eps > scale {
            warnings.push(format!("gravity.softening: length {eps} is above the scale of {name}, {scale}"));
        }
        if let Model::Disc(galaxy) = &generated.model
            && galaxy.toomre_q < 1.0
        {
            warnings.push(format!("{name}.toomre_q = {} is below 1: the disc breaks up", galaxy.toomre_q));
        }
    }
    warnings
}

/// The shortest length that a model says.
fn scale_length(model: &Model) -> f64 {
    match model {
        Model::Sphere(sphere) => sphere.scale_radius,
        Model::Uniform(sphere) => sphere.radius,
        Model::Disc(galaxy) => galaxy.bulge.map_or(galaxy.scale_radius, |bulge| bulge.scale_radius),
        Model::Orbit(orbit) => orbit.path.pericentre,
        Model::Polygon(polygon) => polygon.radius,
    }
}
