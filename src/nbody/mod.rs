//! Gravitational N-body dynamics.

pub mod force;
pub mod gravity;
pub mod pair_force;
pub mod pair_lanes;
pub mod problem;
pub mod spline;
