//! What is known of a run of bodies beforehand, and how far the run is from it.
//!
//! Ellipses and the triangle have formulas ([`crate::nbody::exact`]). The other reference problems have places at the end of their
//! decks from an independent integration in 60 digits (Taylor series of order 32 and more, from the numbers of the deck as 64-bit
//! numbers); for another end, or another scheme than that of order 15, nothing is claimed.

use super::reference_decks::{FIGURE_EIGHT, PYTHAGOREAN, SOLAR_SYSTEM, problem as of_deck};
use crate::comm::{Communicator, ReduceOp, solo::Solo};
use crate::error::Result;
use crate::input::bodies::Files;
use crate::nbody::diagnostics::{NBodyDiagnostics, StartFigures};
use crate::nbody::exact::ExactMotion;
use crate::nbody::initial;
use crate::nbody::problem::{Integrator, Method, NBodyProblem, Precision};
use crate::nbody::sums::exact_sums;
use crate::particles::Particles;
use crate::report::Verdict;
use crate::schedule::Clock;

/// Places of all bodies of a reference problem at a time.
struct Reference {
    deck: &'static str,
    time: f64,
    places: &'static [[f64; 3]],
    /// Largest deviation of a coordinate that passes.
    tolerance: f64,
}

const REFERENCES: [Reference; 3] = [
    // The orbit is stable.
    Reference { deck: FIGURE_EIGHT, time: 63.2591398, places: &EIGHT, tolerance: 1e-10 },
    // Beyond t = 60 the round-off of the close passages rules in 64 bits (1e-3 to 1e-2 by choice of dt); a wrong escape is off by 10.
    Reference { deck: PYTHAGOREAN, time: 70.0, places: &BURRAU, tolerance: 0.1 },
    // In au: round-off of the phase of Jupiter grows to some 1e-11 in 84 turns.
    Reference { deck: SOLAR_SYSTEM, time: 365_250.0, places: &PLANETS, tolerance: 1e-10 },
];

const EIGHT: [[f64; 3]; 3] = [
    [0.970_004_213_756_463_8, -0.243_087_665_316_060_53, 0.0],
    [-0.970_004_506_016_273_1, 0.243_087_396_317_729_15, 0.0],
    [2.922_598_093_098_843_5e-7, 2.689_983_313_762_015e-7, 0.0],
];

const BURRAU: [[f64; 3]; 3] = [
    [6.933_463_599_011_887, 20.261_804_305_951_714, 0.0],
    [-2.003_006_002_605_984, -6.872_463_435_824_545, 0.0],
    [-2.557_673_357_322_345, -6.659_111_834_911_393, 0.0],
];

const PLANETS: [[f64; 3]; 6] = [
    [0.0029587532639679475, -0.0029405196236543664, 4.192984470137083e-05],
    [-4.952661946002132, 2.1374977865489764, -0.018664607582358272],
    [8.542097503676253, 3.8552962689133468, -0.14097708443017562],
    [18.381647653203075, 7.856903180792121, 0.3671103576270899],
    [-28.45536181510971, -10.523950956402945, 0.0019048225276788655],
    [-25.701270188898892, 25.951497039970143, 4.218146207212037],
];

/// How far the bodies are from where they should be; `None` if that is not known. Collective.
///
/// # Errors
/// Those of initial states, which would be a defect here.
pub fn places(
    problem: &NBodyProblem,
    clock: &Clock,
    bodies: &Particles,
    comm: &dyn Communicator,
) -> Result<Option<Verdict>> {
    if let Some(motion) = ExactMotion::of(problem) {
        let Some(tolerance) = motion.bound(problem.integrator, clock.dt, clock.end) else { return Ok(None) };
        let exact = initial::bodies(&motion.after(problem, clock.end), &Files, &Solo)?;
        let places: Vec<[f64; 3]> = (0..exact.len()).map(|n| exact.position_of(n)).collect();
        let error = largest_deviation(bodies, &places, comm);
        return Ok(Some(Verdict {
            what: "places",
            against: "the exact solution (largest difference)",
            error,
            tolerance,
        }));
    }
    let Some(reference) = reference(problem, clock)? else { return Ok(None) };
    let against = "an integration in 60 digits (largest difference)";
    let error = largest_deviation(bodies, reference.places, comm);
    Ok(Some(Verdict { what: "places", against, error, tolerance: reference.tolerance }))
}

fn reference(problem: &NBodyProblem, clock: &Clock) -> Result<Option<&'static Reference>> {
    if problem.integrator != Integrator::GaussRadau15 {
        return Ok(None);
    }
    for reference in &REFERENCES {
        let known = of_deck(reference.deck, &[])?;
        // The time of a thousand steps of a decimal fraction is rounded.
        let same_end = (clock.end / reference.time - 1.0).abs() < 1e-14;
        let same_law = [&known, problem].map(|p| (p.gravity.constant, p.gravity.softening));
        if same_end && known.groups == problem.groups && same_law[0] == same_law[1] {
            return Ok(Some(reference));
        }
    }
    Ok(None)
}

fn largest_deviation(bodies: &Particles, places: &[[f64; 3]], comm: &dyn Communicator) -> f64 {
    let of_body = |n: usize| {
        let (found, expected) = (bodies.position_of(n), places[bodies.index[n] as usize]);
        (0..3).map(|axis| (found[axis] - expected[axis]).abs()).fold(0.0, f64::max)
    };
    let mut largest = [(0..bodies.len()).map(of_body).fold(0.0, f64::max)];
    comm.all_reduce(ReduceOp::Max, &mut largest);
    largest[0]
}

/// Change of the momentum, over the root of twice the kinetic energy times the mass. Multipoles do not keep momentum, so nothing is
/// said of them. Collective.
pub fn momentum(
    problem: &NBodyProblem,
    first: &StartFigures,
    last: &NBodyDiagnostics,
    bodies: &Particles,
    comm: &dyn Communicator,
) -> Option<Verdict> {
    let [mass] = exact_sums(bodies.len(), |n| [bodies.mass[n]], comm);
    let scale = (2.0 * first.kinetic.max(last.kinetic) * mass).sqrt();
    let change = (0..3).map(|axis| (last.momentum[axis] - first.momentum[axis]).abs()).fold(0.0, f64::max);
    let exact = problem.gravity.method == Method::Direct && problem.gravity.precision == Precision::Double;
    (exact && scale > 0.0 && last.step > 0).then(|| Verdict {
        what: "momentum",
        against: "momentum at the start (relative)",
        error: change / scale,
        // Round-off of all steps, those of close passages among them.
        tolerance: 1e-12,
    })
}
