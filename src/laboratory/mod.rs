//! The laboratory: experiments with the program itself, and the arithmetic that judges them.
//!
//! [`machine`] measures what the program runs on; [`predict`] tells from it what a deck will cost on other shapes; [`timeline`] is what
//! all threads of a run did, [`gantt`] a picture of some of its steps.

pub mod gantt;
pub mod machine;
pub mod predict;
pub mod timeline;
