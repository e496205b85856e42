//! Gravitational N-body dynamics.

pub mod force;
pub mod gravity;
pub mod groups;
pub mod initial;
pub mod problem;
pub mod units;
