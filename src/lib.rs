//! parhelion
#![warn(missing_docs)]
pub mod bytes;
pub mod comm;
pub mod config;
pub mod console;
pub mod decomposition;
pub mod digest;
pub mod error;
pub mod field;
pub mod grid;
pub mod halo;
pub mod heat;
pub mod host;
pub mod parallel;
pub mod region;
pub mod reproducible;
pub mod input;
pub mod output;
pub mod region;
pub mod rows;
pub mod run_config;
pub mod runtime;
pub mod schedule;
pub mod signal;
pub mod simulation;
pub mod timing;
