//! Gravitational N-body dynamics.

pub mod closest_pair;
pub mod diagnostics;
pub mod force;
pub mod gravity;
pub mod lagrangian;
pub mod problem;
pub mod sums;
pub mod tree_of_points;
pub mod vector;
