//! parhelion
#![warn(missing_docs)]
pub mod cli;
pub mod comm;
pub mod config;
pub mod decomposition;
pub mod error;
pub mod field;
pub mod grid;
pub mod heat;
pub mod region;
pub mod run_config;
pub mod signal;
