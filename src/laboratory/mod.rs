//! The laboratory: experiments with the program itself, and the arithmetic that judges them.
//!
//! Formulas are pure functions over plain numbers ([`statistics`], [`efficiencies`], [`fits`]); what is timed is the program as
//! users start it, in processes of its own.

pub mod efficiencies;
pub mod fits;
pub mod scaling;
pub mod statistics;
