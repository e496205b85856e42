//! A snapshot: the state at one time, in every format that the deck asks for.
//!
//! ```text
//! snapshots/times.csv                          step and time of every snapshot
//! snapshots/temperature.pvd                    the same for ParaView, if there are .vti files
//! snapshots/00000100/temperature.npy           the global array
//! snapshots/00000100/temperature.pvti          names the pieces
//! snapshots/00000100/temperature_0.vti ...     one piece per rank
//! ```

use super::{atomic, npy, plain_file, vtk};
use crate::comm::{Communicator, agree};
use crate::decomposition::{CartesianDecomposition, Subdomain};
use crate::error::{Error, Result};
use crate::field::Field;
use crate::grid::UniformGrid;
use crate::run_config::SnapshotFormat;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The state at one time as every output takes it: borrowed, nothing is copied.
#[derive(Clone, Copy)]
pub struct Snapshot<'a> {
    /// The global grid.
    pub grid: &'a UniformGrid,
    /// How the grid is cut.
    pub decomposition: &'a CartesianDecomposition,
    /// Temperatures of this rank's part.
    pub field: &'a Field,
    /// The ranks.
    pub comm: &'a dyn Communicator,
    /// Steps done.
    pub step: u64,
    /// Simulated time in seconds.
    pub time: f64,
}

impl Snapshot<'_> {
    /// The part of this rank.
    pub fn subdomain(&self) -> Subdomain {
        self.decomposition.subdomain(self.comm.rank())
    }
}

/// One time of a series of snapshots.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeriesEntry {
    /// Steps done: names the directory.
    pub step: u64,
    /// Simulated time in seconds.
    pub time: f64,
}

/// Writes the snapshots of a run.
pub struct SnapshotWriter {
    directory: PathBuf,
    formats: Vec<SnapshotFormat>,
    series: Vec<SeriesEntry>,
    last: Option<u64>,
    seconds: f64,
    bytes: u64,
}

impl SnapshotWriter {
    /// A writer into `snapshots/` of a run directory.
    pub fn new(run_directory: &Path, formats: &[SnapshotFormat]) -> SnapshotWriter {
        SnapshotWriter {
            directory: run_directory.join("snapshots"),
            formats: formats.to_vec(),
            series: Vec::new(),
            last: None,
            seconds: 0.0,
            bytes: 0,
        }
    }

    /// Writes all formats and returns the bytes written by all ranks; 0 if this step has been written already. Collective.
    ///
    /// # Errors
    /// Exit code 3, the same on all ranks.
    pub fn write(&mut self, snapshot: &Snapshot) -> Result<u64> {
        if self.formats.is_empty() || self.last == Some(snapshot.step) {
            return Ok(0);
        }
        let begin = Instant::now();
        let directory = self.directory.join(format!("{:08}", snapshot.step));
        create_directory(snapshot.comm, &self.directory)?;
        create_directory(snapshot.comm, &directory)?;
        let mut bytes = 0;
        for format in self.formats.clone() {
            bytes += match format {
                SnapshotFormat::Npy => npy::write(snapshot, &directory.join("temperature.npy"))?,
                SnapshotFormat::Vti => vtk::write(snapshot, &directory)?,
            };
        }
        self.series.push(SeriesEntry { step: snapshot.step, time: snapshot.time });
        let listed = if snapshot.comm.rank() == 0 { self.write_series() } else { Ok(()) };
        agree(snapshot.comm, listed)?;
        self.last = Some(snapshot.step);
        self.bytes += bytes;
        self.seconds += begin.elapsed().as_secs_f64();
        Ok(bytes)
    }

    fn write_series(&self) -> Result<()> {
        if self.formats.contains(&SnapshotFormat::Vti) {
            vtk::write_series(&self.directory, "temperature", &["temperature.pvti".into()], &self.series)?;
        }
        write_times(&self.directory, "time (s)", &self.series)
    }

    /// Goes on after these snapshots of an earlier part of the run.
    pub fn go_on(&mut self, series: Vec<SeriesEntry>) {
        self.series = series;
    }

    /// All snapshots so far.
    pub fn series(&self) -> &[SeriesEntry] {
        &self.series
    }

    /// Seconds that this rank has spent in [`SnapshotWriter::write`].
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Bytes that all ranks have written.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Bytes that one snapshot of a grid takes in these formats, headers left aside.
pub fn estimated_bytes(grid: &UniformGrid, formats: &[SnapshotFormat]) -> u64 {
    grid.cell_count() as u64 * size_of::<f64>() as u64 * formats.len() as u64
}

/// Writes `times.csv` into `snapshots/`. By one rank.
///
/// # Errors
/// Exit code 3.
pub fn write_times(snapshots: &Path, time_column: &str, series: &[SeriesEntry]) -> Result<()> {
    let lines = series.iter().map(|entry| format!("{},{:?}\n", entry.step, entry.time));
    let text = format!("step,{time_column}\n{}", lines.collect::<String>());
    let path = snapshots.join("times.csv");
    atomic::write_file(&path, |writer| writer.write_all(text.as_bytes())).map(|_| ())
}

/// Makes a directory in one that is there, by rank 0; a link in its place is refused. Collective.
///
/// # Errors
/// Exit code 3, the same on all ranks.
pub fn create_directory(comm: &dyn Communicator, directory: &Path) -> Result<()> {
    let created = if comm.rank() == 0 { plain_file::make_directory(directory) } else { Ok(()) };
    agree(comm, created.map_err(|cause| Error::io("create", directory, cause)))
}
