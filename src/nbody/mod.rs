//! Gravitational N-body dynamics.

pub mod force;
pub mod gravity;
pub mod problem;
