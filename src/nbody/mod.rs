//! Gravitational N-body dynamics.

pub mod closest_pair;
pub mod diagnostics;
pub mod direct;
pub mod exact;
pub mod fmm;
pub mod force;
pub mod gravity;
pub mod groups;
pub mod initial;
pub mod integrate;
pub mod jerk;
mod jerk_lanes;
pub mod lagrangian;
pub mod method;
pub mod model;
pub mod pair_across;
pub mod pair_arithmetic;
pub mod pair_force;
pub mod pair_lanes;
pub mod pair_single;
pub mod pair_vectors;
pub mod problem;
pub mod relay;
pub mod sampled_error;
pub mod singular;
pub mod spline;
pub mod sums;
pub mod tree_of_points;
pub mod units;
pub mod vector; // #[cfg(target_arch = "x86_64")]
