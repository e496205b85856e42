//! The laboratory: experiments with the program itself, and the arithmetic that judges them.
//!
//! [`machine`] measures what the program runs on; [`predict`] tells from it what a deck will cost on other shapes; [`timeline`] is what
//! all threads of a run did, [`gantt`] a picture of some of its steps; [`scaling`] times the program as users start it, in processes of
//! its own; [`sweep`] runs studies in pools of workers. Formulas are pure functions over plain numbers ([`statistics`], [`efficiencies`], [`fits`]).

pub mod compare;
pub mod efficiencies;
pub mod fits;
pub mod gantt;
pub mod machine;
pub mod mechanisms;
pub mod predict;
pub mod scaling;
pub mod statistics;
pub mod sweep;
pub mod switches;
pub mod timeline;
