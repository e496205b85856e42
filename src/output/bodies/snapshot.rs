//! A snapshot of bodies: the state at one time, in every format that the deck asks for.
//!
//! ```text
//! snapshots/times.csv                                step and time of every snapshot
//! snapshots/bodies.pvd                               the same for ParaView, if there are .vtp files
//! snapshots/00000100/positions.npy ...                arrays in the order of ids
//! snapshots/00000100/bodies.pvtp                     names the pieces
//! snapshots/00000100/bodies_0.vtp ...                one piece per rank
//! snapshots/00000100/snapshot_00000100.0.hdf5 ...    one file per rank
//! ```

use super::units::Units;
use super::{gadget, npy, vtp};
use crate::bytes::F64;
use crate::comm::{Communicator, agree};
use crate::error::Result;
use crate::index_order::IndexOrder;
use crate::nbody::problem::UnitSystem;
use crate::output::picture::with_unit;
use crate::output::snapshot::{SeriesEntry, create_directory, write_times};
use crate::output::vtk;
use crate::particles::Particles;
use crate::run_config::BodyFormat;
use std::path::{Path, PathBuf};

/// Writes the snapshots of a run.
pub struct BodySnapshotWriter {
    directory: PathBuf,
    formats: Vec<BodyFormat>,
    units: Units,
    series: Vec<SeriesEntry>,
    bytes: u64,
}

impl BodySnapshotWriter {
    /// A writer into `snapshots/` of a run directory.
    pub fn new(run_directory: &Path, formats: &[BodyFormat], units: UnitSystem) -> BodySnapshotWriter {
        let (directory, units) = (run_directory.join("snapshots"), Units::of(units));
        BodySnapshotWriter { directory, formats: formats.to_vec(), units, series: Vec::new(), bytes: 0 }
    }

    /// Writes all formats, unless this step has been written already. Collective.
    ///
    /// # Errors
    /// Exit code 3, the same on all ranks.
    pub fn write(&mut self, bodies: &Particles, entry: SeriesEntry, comm: &dyn Communicator) -> Result<()> {
        if self.formats.is_empty() || self.series.last().is_some_and(|last| last.step == entry.step) {
            return Ok(());
        }
        let directory = self.directory.join(format!("{:08}", entry.step));
        create_directory(comm, &self.directory)?;
        create_directory(comm, &directory)?;
        let order = IndexOrder::new(bodies, comm);
        for format in &self.formats {
            self.bytes += match format {
                BodyFormat::Npy => npy::write(&order, &directory)?,
                BodyFormat::Vtp => vtp::write(&order, &directory)?,
                BodyFormat::Gadget => gadget::write(&order, &directory, entry, &self.units)?,
            };
        }
        self.series.push(entry);
        let listed = if comm.rank() == 0 { self.write_series(comm.size()) } else { Ok(()) };
        agree(comm, listed)
    }

    fn write_series(&self, ranks: usize) -> Result<()> {
        if self.formats.contains(&BodyFormat::Vtp) {
            // The pieces themselves: pyvista has no reader for .pvtp.
            let pieces: Vec<String> = (0..ranks).map(vtp::piece_name).collect();
            vtk::write_series(&self.directory, "bodies", &pieces, &self.series)?;
        }
        write_times(&self.directory, &with_unit("time", self.units.time), &self.series)
    }

    /// Goes on after these snapshots of an earlier part of the run.
    pub fn go_on(&mut self, series: Vec<SeriesEntry>) {
        self.series = series;
    }

    /// All snapshots so far.
    pub fn series(&self) -> &[SeriesEntry] {
        &self.series
    }

    /// Bytes that all ranks have written.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Bytes that one snapshot of so many bodies takes in these formats, headers left aside.
pub fn estimated_bytes(bodies: u64, formats: &[BodyFormat]) -> u64 {
    let words = |format: &BodyFormat| match format {
        BodyFormat::Npy | BodyFormat::Gadget => npy::WORDS,
        BodyFormat::Vtp => vtp::WORDS,
    };
    bodies * formats.iter().map(words).sum::<usize>() as u64 * F64 as u64
}
