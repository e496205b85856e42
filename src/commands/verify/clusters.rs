//! Clusters on the ladder: a sphere in balance stays as it is, a sphere at rest falls as theory says.

use super::Rung;
use super::trial;
use crate::commands::reference_decks::{COLLAPSE, PLUMMER};
use crate::error::Result;

/// All rungs; fewer bodies and none of the long runs if `quick`.
///
/// # Errors
/// If a run fails, which would be a defect.
pub fn rungs(quick: bool) -> Result<Vec<Rung>> {
    let mut rungs = vec![balance_rung(10_000)?];
    if !quick {
        rungs.push(equilibrium_rung(10_000)?);
    }
    rungs.extend(collapse_rungs(if quick { 2_000 } else { 10_000 })?);
    Ok(rungs)
}

/// Twice the kinetic energy over the potential energy, at the start.
fn balance_rung(count: u64) -> Result<Rung> {
    let mut trial = trial::alone(PLUMMER, &[&format!("bodies.0.count={count}")])?;
    let name = format!("virial ratio of a Plummer sphere of {count} bodies");
    // Twice the noise of so many bodies.
    let noise = 2.0 / (count as f64).sqrt();
    Ok(Rung { name, value: trial.figures()?.virial_ratio, expected: 1.0, tolerance: noise })
}

/// The radii that hold 10, 50 and 90 % of the mass, over ten crossing times: means over the later five against the earlier five, so
/// that the noise of a thousand bodies (1.6 % of the inner radius) is not taken for a change.
fn equilibrium_rung(count: u64) -> Result<Rung> {
    const CROSSING: f64 = 2.8;
    // The rounding of 32 bits is far below the noise.
    let overrides = ["gravity.method=direct", "gravity.precision=single", "gravity.softening.length=0.05"];
    let count_key = format!("bodies.0.count={count}");
    let mut trial = trial::alone(PLUMMER, &[overrides.as_slice(), &[count_key.as_str()]].concat())?;
    let mut means = [[0.0; 3]; 2];
    for crossing in 0..10 {
        let radii = trial.steps(28, CROSSING / 28.0)?.figures()?.lagrangian_radii;
        (0..3).for_each(|n| means[crossing / 5][n] += radii[n] / 5.0);
    }
    let [early, late] = means;
    let change = (0..3).map(|n| (late[n] / early[n] - 1.0).abs()).fold(0.0, f64::max);
    Ok(Rung::error(format!("Plummer sphere of {count} bodies, radii over 10 crossings"), change, 0.02))
}

/// Free fall of the homogeneous sphere: its radius is R0 cos^2 u where u + sin(2 u) / 2 = pi / 2 * t / t_ff.
fn collapse_rungs(count: u64) -> Result<Vec<Rung>> {
    let free_fall = std::f64::consts::PI / 8f64.sqrt();
    let mut trial = trial::alone(COLLAPSE, &[&format!("bodies.0.count={count}")])?;
    let start = trial.figures()?.lagrangian_radii[1];
    let mut rungs = Vec::new();
    for (part, expected) in [(0.25, 0.9609369), (0.5, 0.8368060), (0.75, 0.5971501)] {
        let radius = trial.steps(40, 0.00625 * free_fall)?.figures()?.lagrangian_radii[1];
        // The noise of so many bodies, most of which the radius at the start has too.
        let name = format!("cold collapse of {count} bodies, radius at {part} free falls");
        rungs.push(Rung { name, value: radius / start, expected, tolerance: 1.0 / (count as f64).sqrt() });
    }
    Ok(rungs)
}
