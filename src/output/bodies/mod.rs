//! What an N-body run writes. Besides what all runs have (see [`crate::output`]) its directory holds
//!
//! | path | written by | module |
//! |---|---|---|
//! | `diagnostics.csv` | rank 0, row by row | [`columns`] |
//! | `snapshots/<step>/positions.npy`, `velocities.npy`, ... | every rank at its offsets | [`npy`] |
//! | `snapshots/<step>/bodies_<rank>.vtp`, `bodies.pvtp`, `snapshots/bodies.pvd` | every rank its part, rank 0 the rest | [`vtp`] |
//! | `snapshots/<step>/snapshot_<step>.<rank>.hdf5` | every rank its part (feature `hdf5`) | [`gadget`] |
//! | `frames/frame_<step>.png`, `frames/animation.png` | rank 0, from reduced counts | [`frames`] |
//!
//! Files are in the order of ids, whatever order bodies have in memory and whatever rank has them: rank n writes the n-th block (see
//! [`crate::index_order`]). A row of a file is the same body at all times.

pub mod columns;
pub mod density;
pub mod frames;
pub mod gadget;
pub mod live;
pub mod npy;
pub mod outputs;
pub mod render;
pub mod smoothing;
pub mod snapshot;
pub mod units;
pub mod view;
pub mod vtp;
