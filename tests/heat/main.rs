//! The physics of heat: convergence, conservation, stability, invariances. One binary, one file per property.

mod convergence;
mod invariance;
mod periodic_walls;
mod problems;
mod shapes;
mod stability;
