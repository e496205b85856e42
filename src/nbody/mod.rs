//! Gravitational N-body dynamics.

pub mod force;
pub mod gravity;
pub mod integrate;
pub mod jerk;
pub mod groups;
pub mod initial;
pub mod problem;
pub mod units;
