//! Heat diffusion on a uniform grid.
pub mod materials;
pub mod problem;
