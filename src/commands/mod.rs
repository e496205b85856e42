//! What each command of the program does: assembly of the layers below, one file a command.

pub mod check;
pub mod compare;
pub mod deck;
mod known;
pub mod machine;
pub mod plan;
pub mod plan_nbody;
mod plan_outputs;
pub mod predict;
mod problem_words;
mod reference_decks;
pub mod render;
mod resume;
pub mod run;
mod run_heat;
mod run_nbody;
pub mod scaling;
mod stopping;
pub mod sweep;
pub mod verify;
