//! What outputs leave in a checkpoint, and what they take up after a restart.

use super::diagnostics::{DiagnosticsWriter, LogMark};
use super::snapshot::SeriesEntry;
use crate::comm::Communicator;
use crate::error::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;

/// Notes of the outputs of either physics; floats as their bits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notes {
    /// How far the log was.
    pub log: LogMark,
    /// Step and time of every snapshot.
    snapshots: Vec<[u64; 2]>,
    /// The plan of the pictures.
    pub frames: String,
    /// What only one physics notes.
    pub more: Value,
}

impl Notes {
    /// Of outputs that are so far.
    pub fn new(log: LogMark, series: &[SeriesEntry], frames: String) -> Notes {
        let snapshots = series.iter().map(|entry| [entry.step, entry.time.to_bits()]).collect();
        Notes { log, snapshots, frames, more: Value::Null }
    }

    /// From a checkpoint; what is not there counts as nothing.
    pub fn of(notes: &Value) -> Notes {
        serde_json::from_value(notes.clone()).unwrap_or_default()
    }

    /// For a checkpoint.
    pub fn json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The snapshots.
    pub fn series(&self) -> Vec<SeriesEntry> {
        self.snapshots.iter().map(|&[step, time]| SeriesEntry { step, time: f64::from_bits(time) }).collect()
    }

    /// Floats that only one physics has noted.
    pub fn floats(&self, name: &str) -> Vec<f64> {
        let numbers = self.more.get(name).and_then(Value::as_array).into_iter().flatten();
        numbers.filter_map(Value::as_u64).map(f64::from_bits).collect()
    }
}

/// Floats as [`Notes::floats`] finds them.
pub fn bits(values: &[f64]) -> Value {
    values.iter().map(|value| value.to_bits()).collect()
}

/// The log of a run, or of its next part. Collective.
///
/// # Errors
/// Exit code 3, the same on all ranks.
pub fn open_log(comm: &dyn Communicator, directory: &Path, notes: Option<&Notes>) -> Result<DiagnosticsWriter> {
    match notes {
        Some(notes) => DiagnosticsWriter::go_on(comm, directory, &notes.log),
        None => DiagnosticsWriter::create(comm, directory),
    }
}
