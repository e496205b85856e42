//! Orbits on the ladder: places and energies that are known, and the orders of the schemes in time.
//!
//! Places that no formula gives are those of an independent integration in 60 digits (Taylor series of order 44).

use super::Rung;
use super::trial::{self, Trial};
use crate::comm::solo::Solo;
use crate::commands::reference_decks::{FIGURE_EIGHT, KEPLER, PYTHAGOREAN, SOLAR_SYSTEM, TRIANGLE, problem};
use crate::cpu::CpuPath;
use crate::error::Result;

/// All rungs; fewer turns if `quick`.
///
/// # Errors
/// If a run fails, which would be a defect.
pub fn rungs(quick: bool) -> Result<Vec<Rung>> {
    let mut rungs = Vec::new();
    for (scheme, order) in [("leapfrog", 2.0), ("yoshida4", 4.0), ("hermite4", 4.0)] {
        rungs.push(order_rung(scheme, order)?);
    }
    rungs.push(trend_rung()?);
    rungs.push(reversal_rung()?);
    rungs.extend(eccentric_rungs(if quick { 10 } else { 100 })?);
    rungs.push(triangle_rung()?);
    rungs.extend(planet_rungs()?);
    rungs.extend(eight_rungs()?);
    rungs.extend(burrau_rungs()?);
    Ok(rungs)
}

/// Period of the deck: 2 pi sqrt(a^3 / (m1 + m2)).
fn period() -> f64 {
    std::f64::consts::TAU / 1.001f64.sqrt()
}

/// Distance of the planet from its start after one turn.
fn turn_error(scheme: &str, steps: usize) -> Result<f64> {
    let mut trial = trial::alone(KEPLER, &[&format!("time.integrator={scheme}")])?;
    let start = trial.model.bodies().position_of(1);
    Ok(trial.steps(steps, period() / steps as f64)?.distance(1, &start))
}

fn order_rung(scheme: &str, order: f64) -> Result<Rung> {
    let observed = (turn_error(scheme, 1000)? / turn_error(scheme, 2000)?).log2();
    let name = format!("order in time, {scheme}, ellipse of eccentricity 0.5");
    // The next term of the error is that much smaller at a thousand steps a turn.
    Ok(Rung { name, value: observed, expected: order, tolerance: 0.1 })
}

/// A symplectic scheme: the energy error swings with the orbit and does not grow.
fn trend_rung() -> Result<Rung> {
    let mut trial = trial::alone(KEPLER, &[])?;
    trial.figures()?;
    let mut largest = || -> Result<f64> {
        (0..100).try_fold(0.0f64, |largest, _| {
            trial.steps(10, period() / 1000.0)?;
            Ok(largest.max(trial.figures()?.energy_drift.abs()))
        })
    };
    let first = largest()?;
    let mut last = first;
    for _ in 1..10 {
        last = largest()?;
    }
    let name = "energy error of leapfrog, tenth turn over first".into();
    // The ellipse turns, so the steps fall on other places of it.
    Ok(Rung { name, value: last / first, expected: 1.0, tolerance: 0.02 })
}

/// 200 steps of leapfrog there and, with velocities turned, back.
fn reversal_rung() -> Result<Rung> {
    let problem = problem(FIGURE_EIGHT, &["time.integrator=leapfrog"])?;
    let mut there = Trial::new(&problem, &Solo)?;
    let start = there.model.bodies().clone();
    there.steps(200, 0.01)?;
    let mut turned = there.model.bodies().clone();
    turned.velocity.iter_mut().flatten().for_each(|v| *v = -*v);
    let mut back = Trial::of(&problem, turned, &Solo, CpuPath::best())?;
    back.steps(200, 0.01)?;
    let error = (0..3).map(|n| back.distance(n, &start.position_of(n))).fold(0.0, f64::max);
    // Round-off of 400 steps.
    Ok(Rung::error("leapfrog there and back, figure eight, 2 x 200 steps", error, 1e-12))
}

/// The adaptive scheme near round-off on an ellipse that leapfrog needs a million steps for.
fn eccentric_rungs(turns: usize) -> Result<Vec<Rung>> {
    let overrides = ["time.integrator=gauss_radau15", "bodies.0.eccentricity=0.9"];
    let mut trial = trial::alone(KEPLER, &overrides)?;
    let start = trial.model.bodies().position_of(1);
    trial.figures()?;
    let drift = trial.steps(turns, period())?.figures()?.energy_drift;
    let name = |what| format!("{what}, gauss_radau15, eccentricity 0.9, {turns} turns");
    // Round-off of the energy changes the period, and that adds up to a phase, seen at the speed 4.4 of the pericentre.
    Ok(vec![Rung::error(name("energy"), drift, 1e-14), Rung::error(name("place"), trial.distance(1, &start), 1e-10)])
}

fn triangle_rung() -> Result<Rung> {
    let mut trial = trial::alone(TRIANGLE, &[])?;
    let start = trial.model.bodies().clone();
    trial.steps(100, std::f64::consts::TAU / 3f64.sqrt() / 100.0)?;
    let error = (0..3).map(|n| trial.distance(n, &start.position_of(n))).fold(0.0, f64::max);
    // Errors grow a few thousandfold in a turn.
    Ok(Rung::error("Lagrange's triangle, place after one turn", error, 1e-10))
}

/// Places of Jupiter in au, from an integration in 128 bits; given to 14 decimals.
fn planet_rungs() -> Result<Vec<Rung>> {
    let mut trial = trial::alone(SOLAR_SYSTEM, &[])?;
    let year = trial.steps(1, 365.25)?.distance(1, &[0.94486856291289, 4.98773038839897, 0.02807638346936]);
    let century = trial.steps(99, 365.25)?.distance(1, &[-5.16882852358353, -1.71387761477845, -0.03436524531951]);
    Ok(vec![
        Rung::error("Jupiter after a year, au", year, 1e-12),
        Rung::error("Jupiter after a century, au", century, 1e-10),
    ])
}

fn eight_rungs() -> Result<Vec<Rung>> {
    let mut trial = trial::alone(FIGURE_EIGHT, &[])?;
    let soon = trial.steps(10, 0.1)?.distance(0, &[0.9935829199409778, 0.21920494711469557]);
    let late = trial.steps(990, 0.1)?.distance(0, &[-0.15163627031824103, 0.1357467875835408]);
    // The orbit is stable: errors grow with the square of time and not faster.
    Ok(vec![
        Rung::error("figure eight, place at t = 1", soon, 1e-13),
        Rung::error("figure eight, place at t = 100", late, 1e-10),
    ])
}

/// The close passage near t = 15.8 multiplies every error.
fn burrau_rungs() -> Result<Vec<Rung>> {
    let mut trial = trial::alone(PYTHAGOREAN, &[])?;
    let mut rungs = Vec::new();
    let mut time = 0;
    for (end, place, tolerance) in BURRAU {
        let error = trial.steps(10 * (end - time), 0.1)?.distance(0, &place);
        rungs.push(Rung::error(format!("Pythagorean bodies, place of the lightest at t = {end}"), error, tolerance));
        time = end;
    }
    Ok(rungs)
}

/// Time, place of the body of mass 3, tolerance.
const BURRAU: [(usize, [f64; 2], f64); 3] = [
    (10, [0.7784804101380854, 0.14139230029008618], 1e-10),
    (20, [3.004292636696399, 0.5119252350246859], 1e-8),
    (40, [-0.6220036918010972, 1.8583181578997727], 1e-6),
];
