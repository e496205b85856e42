//! Gravitational N-body dynamics.

pub mod problem;
