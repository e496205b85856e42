//! The header of a checkpoint: what it is of, and where its sections lie. JSON, so that any program can read it; floating-point numbers
//! stand there as their 64 bits, since decimals would round and cannot be infinite.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a checkpoint says about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the program that wrote it.
    pub program: String,
    /// `heat` or `nbody`.
    pub physics: String,
    /// Cells along x, y, z, or the number of bodies.
    pub size: Vec<u64>,
    /// Steps done.
    pub step: u64,
    /// Simulated time, as bits.
    pub time: u64,
    /// Step of the run, as bits.
    pub dt: u64,
    /// Largest stable or sensible step from which `dt` follows, as bits.
    pub limit: u64,
    /// Name of the CPU path that computed it.
    pub cpu_path: String,
    /// Hash of the part of the deck that decides on the state.
    pub deck_hash: String,
    /// The deck with every default written out.
    pub deck: String,
    /// Scalars of the model.
    pub model: Value,
    /// What outputs remember.
    pub outputs: Value,
    /// The data, in this order.
    pub sections: Vec<Section>,
}

/// A run of the data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// What it holds.
    pub name: String,
    /// Its length.
    pub bytes: u64,
}

impl Section {
    /// A section of so many bytes.
    pub fn new(name: impl Into<String>, bytes: u64) -> Section {
        Section { name: name.into(), bytes }
    }
}

impl Header {
    /// As in the file.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a header is text, numbers and lists")
    }

    /// Simulated time.
    pub fn time(&self) -> f64 {
        f64::from_bits(self.time)
    }

    /// Where each section begins in the data, and where the last one ends; `None` if that is beyond all numbers.
    pub fn starts(&self) -> Option<Vec<u64>> {
        let mut starts = vec![0u64];
        for section in &self.sections {
            starts.push(starts.last()?.checked_add(section.bytes)?);
        }
        Some(starts)
    }
}
