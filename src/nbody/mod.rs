//! Gravitational N-body dynamics.

pub mod force;
pub mod gravity;
pub mod integrate;
pub mod jerk;
mod jerk_lanes;
pub mod problem;
