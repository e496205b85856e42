//! Heat diffusion on a uniform grid.
pub mod problem;
