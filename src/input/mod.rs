//! Files that a user hands to a run besides the deck: an initial state and masks. Nothing in them is trusted: kind, size and shape
//! are checked against the grid before any memory is taken, and messages name file, found, expected and the way out.

pub mod mask;
pub mod npy;
