//! The decks of the reference problems, which are built into the program.

use crate::config;
use crate::error::{Error, Result};
use crate::nbody::problem::NBodyProblem;
use crate::run_config::RunConfig;
use std::path::Path;

/// `inputs/nbody/kepler.toml`.
pub const KEPLER: &str = include_str!("../../inputs/nbody/kepler.toml");
/// `inputs/nbody/figure_eight.toml`.
pub const FIGURE_EIGHT: &str = include_str!("../../inputs/nbody/figure_eight.toml");
/// `inputs/nbody/pythagorean.toml`.
pub const PYTHAGOREAN: &str = include_str!("../../inputs/nbody/pythagorean.toml");
/// `inputs/nbody/lagrange_triangle.toml`.
pub const TRIANGLE: &str = include_str!("../../inputs/nbody/lagrange_triangle.toml");
/// `inputs/nbody/solar_system.toml`.
pub const SOLAR_SYSTEM: &str = include_str!("../../inputs/nbody/solar_system.toml");
/// `inputs/nbody/plummer_100k.toml`.
pub const PLUMMER: &str = include_str!("../../inputs/nbody/plummer_100k.toml");
/// `inputs/nbody/cold_collapse.toml`.
pub const COLLAPSE: &str = include_str!("../../inputs/nbody/cold_collapse.toml");

/// The problem of a deck after overrides such as `time.integrator=leapfrog`.
///
/// # Errors
/// If the deck is not one of bodies, which would be a defect.
pub fn problem(deck: &str, overrides: &[&str]) -> Result<NBodyProblem> {
    let no_mask = |_: &Path, _| Err(Error::Defect("a deck of bodies asks for a mask".into()));
    let overrides: Vec<String> = overrides.iter().map(|&set| set.to_owned()).collect();
    match config::parse("built-in.toml", deck, &overrides, Path::new("/"), &no_mask)? {
        RunConfig::NBody(run) => Ok(run.problem),
        RunConfig::Heat(_) => Err(Error::Defect("a deck of heat among those of bodies".into())),
    }
}
