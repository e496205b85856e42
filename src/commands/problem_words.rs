//! An N-body problem in words for `parhelion check`.

use crate::nbody::groups::{BodyGroup, Model, Profile};
use crate::nbody::problem::{Gravity, Integrator, Method, NBodyProblem, Precision, Softening, Substeps, UnitSystem};
use crate::words::grouped;

/// Groups that are described one by one.
const DESCRIBED: usize = 4;

/// How many bodies there are, and where they come from.
pub fn bodies(problem: &NBodyProblem, count: u64) -> String {
    let kinds: Vec<String> = problem.groups.iter().map(kind).collect();
    let single = |group: &BodyGroup| group.count().map_or(String::new(), |count| format!(" {}", grouped(count)));
    let origin = match kinds.as_slice() {
        [one] => one.clone(),
        few if few.len() <= DESCRIBED => {
            let parts = few.iter().zip(&problem.groups).map(|(kind, group)| format!("{kind}{}", single(group)));
            parts.collect::<Vec<_>>().join(", ")
        }
        many => format!("{} groups", many.len()),
    };
    format!("{} ({origin})", grouped(count))
}

/// As the deck calls it.
fn kind(group: &BodyGroup) -> String {
    match group {
        BodyGroup::Listed(_) => "listed".to_owned(),
        BodyGroup::File(file) => file.path.display().to_string(),
        BodyGroup::Generated(generated) => match &generated.model {
            Model::Sphere(sphere) => match sphere.profile {
                Profile::Plummer => "plummer",
                Profile::Hernquist => "hernquist",
                Profile::Nfw => "nfw",
            },
            Model::Uniform(_) => "uniform_sphere",
            Model::Disc(_) => "disc",
            Model::Orbit(_) => "orbit",
            Model::Polygon(_) => "polygon",
        }
        .to_owned(),
    }
}

/// The units of lengths, masses and times, and the gravitational constant in them.
pub fn units(problem: &NBodyProblem) -> String {
    let (system, constant) = (problem.units, problem.gravity.constant);
    match system {
        UnitSystem::NBody => format!("without names, G = {constant}"),
        _ => format!("{}, {}, {}; G = {constant:.6e}", system.length(), system.mass(), system.time()),
    }
}

/// How forces are summed, why, and their law at short distances.
pub fn forces(problem: &NBodyProblem, reason: Option<&str>) -> String {
    let gravity = &problem.gravity;
    let method = match gravity.method {
        Method::Direct => "direct sum".to_owned(),
        Method::Fmm => format!("multipoles (fmm), 99 % of the errors below {:e}", gravity.accuracy),
    };
    let why = reason.map_or(String::new(), |reason| format!(" ({reason})"));
    format!("{method}{why}, {}{}", softening(gravity, problem.units), arithmetic(gravity))
}

fn softening(gravity: &Gravity, units: UnitSystem) -> String {
    let named = |name: &str, length: f64| format!("{name} softening {length} {}", units.length()).trim_end().to_owned();
    match gravity.softening {
        Softening::None => "no softening".to_owned(),
        Softening::Plummer(length) => named("Plummer", length),
        Softening::Spline(length) => named("spline", length),
    }
}

fn arithmetic(gravity: &Gravity) -> String {
    let precision = if gravity.precision == Precision::Single { ", 32 bits" } else { "" };
    let bits = if gravity.portable_bits { ", portable bits" } else { "" };
    format!("{precision}{bits}")
}

/// The scheme and its order.
pub fn integrator(problem: &NBodyProblem) -> &'static str {
    match problem.integrator {
        Integrator::Leapfrog => "leapfrog, order 2",
        Integrator::Yoshida4 => "yoshida4, order 4",
        Integrator::Hermite4 => "hermite4, order 4",
        Integrator::GaussRadau15 => "gauss_radau15, order 15",
    }
}

/// What is done to the step of the run.
pub fn cutting(problem: &NBodyProblem) -> String {
    match (problem.integrator, problem.substeps) {
        (Integrator::GaussRadau15, _) => ", cut as errors ask".to_owned(),
        (_, Substeps::None) => String::new(),
        (_, Substeps::Global { eta }) => format!(", cut for all bodies as the criterion asks (eta {eta})"),
        (_, Substeps::Block { eta }) => format!(", cut for each body as the criterion asks (eta {eta})"),
    }
}
