//! Files that a user hands to a run besides the deck: an initial state, masks, bodies. Nothing in them is trusted: kind, size and shape
//! are checked before any memory is taken, and messages name file, found, expected and the way out.

pub mod bodies;
pub mod bodies_arrays;
#[cfg(feature = "hdf5")]
pub mod bodies_gadget;
pub mod bodies_npy;
pub mod bodies_text;
pub mod mask;
pub mod npy;
pub mod npy_rows;
