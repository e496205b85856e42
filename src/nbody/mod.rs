//! Gravitational N-body dynamics.

pub mod direct;
pub mod force;
pub mod gravity;
pub mod pair_arithmetic;
pub mod pair_force;
pub mod pair_lanes;
pub mod pair_single;
#[cfg(target_arch = "x86_64")]
pub mod pair_vectors;
pub mod problem;
pub mod sampled_error;
pub mod singular;
pub mod spline;
