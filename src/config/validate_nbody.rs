//! From an N-body deck to a run: title, gravity, time, and which of them go together. Checks and completes, as [`super::validate`].
//!
//! Combinations that would run and be silently wrong are refused with the reason; what is only unlikely to be meant is a warning.

use super::Context;
use super::checkpoint_deck::checkpoint;
use super::choices::StepChoice;
use super::flaw::{Check, Flaw, magnitude, whole};
use super::nbody_choices::SofteningChoice;
use super::nbody_deck::{
    GravityDeck, IntegratorName, MethodName, NBodyDeck, NBodyTimeDeck, PrecisionName, SofteningKind, SubstepsName,
    Units,
};
use super::validate::title;
use super::validate_nbody_bodies::groups;
use super::validate_nbody_output::output;
use super::validate_nbody_schemes::{Scheme, check};
use crate::nbody::problem::{Gravity, Integrator, Method, NBodyProblem, Precision, Softening, Substeps, UnitSystem};
use crate::run_config::{NBodyRun, TimePlan, TimeStep, Until};

/// Range of accuracies: beyond it the expansions reach no further, or are no forces any more.
const ACCURACIES: std::ops::RangeInclusive<f64> = 1e-8..=0.1;
const DEFAULT_ACCURACY: f64 = 1e-3;
/// Fraction of sqrt(eps / |a|): a circular orbit at the softening length gets some thirty steps.
const DEFAULT_ETA: f64 = 0.2;
/// For the criterion of Aarseth under the Hermite scheme, his own choice.
const DEFAULT_ETA_HERMITE: f64 = 0.02;
/// Most time steps of a run: they are counted in f64 too.
const MOST_STEPS: u64 = 1 << 53;

/// Checks the deck, writes its defaults out, and builds the run.
pub fn nbody_run(deck: &mut NBodyDeck, context: &Context<'_>) -> Check<NBodyRun> {
    let title = title(&mut deck.title, context.case)?;
    let units = unit_system(deck.units);
    let gravity = gravity(&mut deck.gravity, units)?;
    let groups = groups(deck, gravity.constant, context)?;
    let (time, eta) = time(&mut deck.time)?;
    let output = output(&mut deck.output)?;
    let checkpoint = checkpoint(&deck.checkpoint)?;
    let integrator = integrator(deck.time.integrator);
    let substeps = substeps(deck.time.substeps, eta);
    let auto_method = deck.gravity.method == MethodName::Auto;
    let mut problem = NBodyProblem { units, gravity, auto_method, integrator, substeps, groups };
    let accuracy_given = deck.gravity.accuracy.is_some();
    let warnings = check(&mut problem, &Scheme { deck: &deck.time, accuracy_given, groups: deck.bodies.keys() })?;
    if problem.auto_method || problem.gravity.method == Method::Fmm {
        deck.gravity.accuracy = Some(problem.gravity.accuracy);
    }
    let (case, resolved) = (context.case.to_owned(), String::new());
    Ok(NBodyRun { title, case, problem, time, output, checkpoint, resolved, warnings })
}

fn unit_system(units: Units) -> UnitSystem {
    match units {
        Units::NBody => UnitSystem::NBody,
        Units::Si => UnitSystem::Si,
        Units::Solar => UnitSystem::SolarYears,
        Units::SolarDays => UnitSystem::SolarDays,
        Units::Galactic => UnitSystem::Galactic,
    }
}

fn gravity(deck: &mut GravityDeck, units: UnitSystem) -> Check<Gravity> {
    let constant = *deck.constant.get_or_insert(units.gravitational_constant());
    let accuracy = deck.accuracy.unwrap_or(DEFAULT_ACCURACY);
    if !ACCURACIES.contains(&accuracy) {
        let fix = "write a relative error from 1e-8 to 0.1";
        return Flaw::fail("gravity.accuracy", format!("{accuracy} is out of range"), fix);
    }
    Ok(Gravity {
        constant: magnitude("gravity.constant", constant, "length^3 / (mass time^2)")?,
        method: if deck.method == MethodName::Fmm { Method::Fmm } else { Method::Direct },
        accuracy,
        softening: softening(&deck.softening)?,
        precision: match deck.precision {
            PrecisionName::Double => Precision::Double,
            PrecisionName::Single => Precision::Single,
        },
        portable_bits: deck.portable_bits,
    })
}

fn softening(choice: &SofteningChoice) -> Check<Softening> {
    const KEY: &str = "gravity.softening.length";
    let deck = match choice {
        SofteningChoice::Length(0.0) => return Ok(Softening::None),
        &SofteningChoice::Length(length) => {
            return magnitude("gravity.softening", length, "length units").map(Softening::Plummer);
        }
        SofteningChoice::Table(deck) => deck,
    };
    match (deck.kind, deck.length) {
        (SofteningKind::None, None) => Ok(Softening::None),
        (SofteningKind::None, Some(_)) => {
            let flaw = Flaw::new(KEY, "not used with kind = \"none\"", "remove it, or write kind = \"plummer\"");
            Err(Flaw { is_name: true, ..flaw })
        }
        (_, None) => Flaw::fail(KEY, "missing", "add length = ... (length units) to gravity.softening"),
        (SofteningKind::Plummer, Some(length)) => magnitude(KEY, length, "length units").map(Softening::Plummer),
        (SofteningKind::Spline, Some(length)) => magnitude(KEY, length, "length units").map(Softening::Spline),
    }
}

/// The plan, and the factor of criteria.
fn time(deck: &mut NBodyTimeDeck) -> Check<(TimePlan, f64)> {
    let eta = eta(deck)?;
    let dt = match deck.dt {
        StepChoice::Auto => TimeStep::Auto { safety: eta },
        StepChoice::Seconds(dt) => TimeStep::Fixed(magnitude("time.dt", dt, "time units")?),
    };
    let until = until(deck)?;
    if let (TimeStep::Fixed(dt), Until::End(end)) = (dt, until)
        && end / dt > MOST_STEPS as f64
    {
        let problem = format!("{dt} is so short that {:.1e} steps are needed to reach time.end = {end}", end / dt);
        return Flaw::fail("time.dt", problem, "write a longer time step or an earlier end");
    }
    // There is no stability limit for a clock to hold the step against.
    Ok((TimePlan { dt, until, allow_unstable: true }, eta))
}

fn eta(deck: &mut NBodyTimeDeck) -> Check<f64> {
    let has_criterion = deck.substeps != SubstepsName::None;
    let usual = match has_criterion && deck.integrator == IntegratorName::Hermite4 {
        true => DEFAULT_ETA_HERMITE,
        false => DEFAULT_ETA,
    };
    if !has_criterion && deck.dt != StepChoice::Auto {
        return match deck.eta {
            None => Ok(usual),
            Some(_) => {
                let problem = "not used: dt is a number and substeps = \"none\"";
                let fix = "remove it, or write substeps = \"global\" or \"block\"";
                Err(Flaw { is_name: true, ..Flaw::new("time.eta", problem, fix) })
            }
        };
    }
    let eta = *deck.eta.get_or_insert(usual);
    magnitude("time.eta", eta, "a fraction")?;
    if eta > 1.0 {
        return Flaw::fail("time.eta", format!("{eta} is greater than 1"), "write a fraction in (0, 1]");
    }
    Ok(eta)
}

fn until(deck: &NBodyTimeDeck) -> Check<Until> {
    match (deck.steps, deck.end) {
        (Some(steps), None) => whole("time.steps", steps, 0, MOST_STEPS).map(|steps| Until::Steps(steps as u64)),
        (None, Some(end)) => magnitude("time.end", end, "time units").map(Until::End),
        (Some(_), Some(_)) => Flaw::fail("time.end", "both steps and end are given", "remove one of the two"),
        (None, None) => {
            Flaw::fail("time", "neither steps nor end is given", "add steps = ... or end = ... (time units) to [time]")
        }
    }
}

fn integrator(name: IntegratorName) -> Integrator {
    match name {
        IntegratorName::Leapfrog => Integrator::Leapfrog,
        IntegratorName::Yoshida4 => Integrator::Yoshida4,
        IntegratorName::Hermite4 => Integrator::Hermite4,
        IntegratorName::GaussRadau15 => Integrator::GaussRadau15,
    }
}

fn substeps(name: SubstepsName, eta: f64) -> Substeps {
    match name {
        SubstepsName::None => Substeps::None,
        SubstepsName::Global => Substeps::Global { eta },
        SubstepsName::Block => Substeps::Block { eta },
    }
}
