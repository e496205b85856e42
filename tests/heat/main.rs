//! The physics of heat: convergence, conservation, stability, invariances. One binary, one file per property.

mod convergence;
mod invariance;
mod problems;
mod shapes;
mod stability;
