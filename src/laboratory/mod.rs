//! The laboratory: experiments with the program itself, and the arithmetic that judges them.
//!
//! [`machine`] measures what the program runs on; [`predict`] tells from it what a deck will cost on other shapes.

pub mod machine;
pub mod predict;
