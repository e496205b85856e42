//! Snapshots in GADGET's layout of HDF5, one file per rank: `snapshot_<step>.<rank>.hdf5`. Needs the cargo feature `hdf5`.
//!
//! ```text
//! Header                          attributes: numbers of bodies, time, number of files
//! Units, Parameters               attributes: UnitLength_in_cm, UnitMass_in_g, UnitVelocity_in_cm_per_s
//! PartType1/Coordinates           (n, 3) f64
//! PartType1/Velocities            (n, 3) f64
//! PartType1/Acceleration          (n, 3) f64
//! PartType1/Masses, Potential     (n) f64
//! PartType1/ParticleIDs           (n) u64
//! ```
//! The layout is that of GADGET-4 (Springel et al. 2021), with all bodies as type 1, the collisionless one. There is no `HubbleParam`:
//! readers take its presence as a sign of comoving lengths. Numbers in a system without units count as cm, g and cm/s.

#[cfg(feature = "hdf5")]
mod file;

use super::units::Units;
use crate::error::{Error, Result};
use crate::index_order::IndexOrder;
use crate::output::snapshot::SeriesEntry;
use crate::run_config::BodyFormat;
use std::path::Path;

/// Whether this build can write all of these formats.
///
/// # Errors
/// Exit code 2, naming the cargo feature, if it cannot.
pub fn check_formats(formats: &[BodyFormat]) -> Result<()> {
    if cfg!(feature = "hdf5") || !formats.contains(&BodyFormat::Gadget) {
        return Ok(());
    }
    Err(Error::Input(
        "output.snapshot_formats: \"hdf5\" needs a build with HDF5: build with `cargo build --release --features hdf5` \
         (and libhdf5-dev), or choose \"npy\" or \"vtp\""
            .into(),
    ))
}

/// Writes one file per rank and returns the bytes of all ranks. Collective.
///
/// # Errors
/// Exit code 3, the same on all ranks; exit code 2 in a build without HDF5.
#[cfg(feature = "hdf5")]
pub fn write(order: &IndexOrder, directory: &Path, entry: SeriesEntry, units: &Units) -> Result<u64> {
    file::write(order, directory, entry, units)
}

/// As in a build with HDF5.
///
/// # Errors
/// Exit code 2.
#[cfg(not(feature = "hdf5"))]
pub fn write(_order: &IndexOrder, _directory: &Path, _entry: SeriesEntry, _units: &Units) -> Result<u64> {
    check_formats(&[BodyFormat::Gadget]).map(|()| 0)
}
