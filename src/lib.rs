//! parhelion
#![warn(missing_docs)]
pub mod bytes;
pub mod comm;
pub mod decomposition;
pub mod digest;
pub mod error;
pub mod field;
pub mod grid;
pub mod heat;
pub mod input;
pub mod output;
pub mod region;
pub mod rows;
pub mod run_config;
pub mod signal;
