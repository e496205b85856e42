//! Gravitational N-body dynamics.

pub mod fmm;
pub mod force;
pub mod gravity;
pub mod problem;
