//! Forces on the ladder: the direct sum against known forces, the tree against the direct sum.

use super::Rung;
use super::trial::{self, Trial};
use crate::comm::solo::Solo;
use crate::commands::reference_decks::{PLUMMER, problem};
use crate::cpu::CpuPath;
use crate::error::Result;
use crate::nbody::sampled_error::{SampledError, sampled_error};
use crate::particles::Particles;

/// All rungs; fewer bodies if `quick`.
///
/// # Errors
/// If a run fails, which would be a defect.
pub fn rungs(quick: bool) -> Result<Vec<Rung>> {
    let mut rungs = thousand_rungs()?;
    rungs.extend(spline_rungs()?);
    rungs.push(momentum_rung()?);
    rungs.extend(tree_rungs(if quick { 10_000 } else { 100_000 })?);
    Ok(rungs)
}

/// A thousand bodies spread evenly over the unit cube.
fn thousand() -> Particles {
    let alpha = [0.819_172_513_396_164_4, 0.671_043_606_703_789, 0.549_700_477_901_970_1];
    let mut bodies = Particles::default();
    for n in 0..1000 {
        let place = alpha.map(|alpha: f64| (0.5 + (n + 1) as f64 * alpha).fract());
        bodies.push(n, n, 1e-3, place, [0.0; 3]);
    }
    bodies
}

/// Potential energy and the force on the first body are known from a sum in 128 bits.
fn thousand_rungs() -> Result<Vec<Rung>> {
    let overrides = ["gravity.method=direct", "gravity.softening={ kind = \"none\" }"];
    let mut trial = Trial::of(&problem(PLUMMER, &overrides)?, thousand(), &Solo, CpuPath::best())?;
    let energy = trial.figures()?.potential / -0.928_765_861_475_279_3 - 1.0;
    let expected = [0.458_254_621_533_167_6, 0.947_895_704_888_381_6, 1.797_165_440_222_379_8];
    let found = trial.model.bodies().acceleration_of(0);
    let force = (0..3).map(|axis| (found[axis] / expected[axis] - 1.0).abs()).fold(0.0, f64::max);
    // Round-off of sums of a thousand terms.
    Ok(vec![
        Rung::error("direct sum, energy of 1000 bodies, relative", energy.abs(), 1e-13),
        Rung::error("direct sum, force on one of 1000 bodies, relative", force, 1e-13),
    ])
}

/// Two bodies of mass 1 under the spline of eps = 0.5, whose support is 1.4.
fn spline_rungs() -> Result<Vec<Rung>> {
    let overrides = ["gravity.method=direct", "gravity.softening={ kind = \"spline\", length = 0.5 }"];
    let problem = problem(PLUMMER, &overrides)?;
    let potential = |distance: f64| -> Result<f64> {
        let mut bodies = Particles::default();
        bodies.push(0, 0, 1.0, [0.0; 3], [0.0; 3]);
        bodies.push(1, 1, 1.0, [distance, 0.0, 0.0], [0.0; 3]);
        Ok(Trial::of(&problem, bodies, &Solo, CpuPath::best())?.model.bodies().potential[0])
    };
    let (inside, outside) = (potential(0.0)? / -2.0 - 1.0, potential(1.5)? * -1.5 - 1.0);
    // Round-off of a dozen operations.
    Ok(vec![
        Rung::error("spline softening, potential -m / eps at distance 0", inside, 1e-15),
        Rung::error("spline softening, Newton's law beyond the support", outside, 1e-15),
    ])
}

/// Each force and its reaction are computed apart, so momentum is kept to round-off and not to the bit.
fn momentum_rung() -> Result<Rung> {
    let overrides = ["gravity.method=direct", "bodies.0.count=1000"];
    let mut trial = trial::alone(PLUMMER, &overrides)?;
    let before = trial.figures()?.momentum;
    let after = trial.steps(100, 0.01)?.figures()?.momentum;
    let change = (0..3).map(|axis| (after[axis] - before[axis]).abs()).fold(0.0, f64::max);
    // In units of mass times speed, which are of order 1.
    Ok(Rung::error("momentum after 100 steps, direct sum, 1000 bodies", change, 1e-15))
}

/// The worst of the best 99 % of forces at each accuracy asked for; and errors must fall from one to the next.
fn tree_rungs(count: usize) -> Result<Vec<Rung>> {
    let mut rungs = Vec::new();
    let mut errors = Vec::new();
    for accuracy in ["1e-2", "1e-3", "1e-4", "1e-5", "1e-6", "1e-7"] {
        let error = tree_error(count, accuracy)?;
        let name = format!("fmm, force error of {count} bodies, {accuracy} asked for");
        rungs.push(Rung::error(name, error.p99, accuracy.parse().unwrap_or(0.0)));
        errors.push(error.rms);
    }
    let rising = errors.windows(2).filter(|pair| pair[1] >= pair[0]).count();
    rungs.push(Rung::none("accuracies at which fmm is not better than at the last", rising));
    Ok(rungs)
}

/// Over 10,000 bodies: with 1000 of them the percentile is known to 15 % only.
fn tree_error(count: usize, accuracy: &str) -> Result<SampledError> {
    let (count, accuracy) = (format!("bodies.0.count={count}"), format!("gravity.accuracy={accuracy}"));
    let problem = problem(PLUMMER, &[&count, &accuracy])?;
    let trial = Trial::new(&problem, &Solo)?;
    Ok(sampled_error(trial.model.bodies(), &problem.gravity, 10_000, &Solo))
}
