//! Everything that a run writes. A run directory holds
//!
//! | path | written by | module |
//! |---|---|---|
//! | `deck.toml`, `run.lock` | rank 0 | [`run_directory`], [`run_lock`] |
//! | `diagnostics.csv` | rank 0, row by row | [`diagnostics`] |
//! | `snapshots/<step>/temperature.npy` | every rank at its offsets | [`npy`] |
//! | `snapshots/<step>/temperature_<rank>.vti`, `temperature.pvti`, `snapshots/temperature.pvd` | every rank its part, rank 0 the rest | [`vtk`] |
//! | `frames/frame_<step>.png`, `frames/animation.png` | rank 0, from a reduced slice | [`frames`], [`animation`] |
//!
//! All outputs take a [`Snapshot`], a borrowed view of the state. They are collective: every rank calls them, and an error of one
//! rank is the error of all. No volume is ever gathered. Files appear whole or not at all (see [`atomic`]).

pub mod animation;
pub mod atomic;
pub mod bodies;
pub mod canvas;
pub mod diagnostics;
pub mod disk;
pub mod due;
pub mod frames;
pub mod live;
pub mod live_slice;
pub mod memory;
pub mod npy;
pub mod outputs;
pub mod picture;
pub mod plain_file;
pub mod progress;
pub mod render;
pub mod run_directory;
pub mod run_lock;
pub mod slice;
pub mod snapshot;
pub mod terminal;
pub mod ticks;
pub mod volume;
pub mod vtk;

pub use frames::FrameWriter;
pub use run_directory::RunDirectory;
pub use snapshot::{Snapshot, SnapshotWriter};
