//! The real program, started as users start it: exit codes, the text on both outputs, and the files that it leaves.

mod bodies;
mod commands;
mod compare;
mod decks;
mod directories;
mod files;
mod hostile_text;
mod laboratory;
mod live;
mod nbody;
mod planted;
mod refusals;
mod scaling;
mod shapes;
mod sweep;
mod switches;
mod workshop;
