//! Reads a deck on rank 0 and hands it, and the masks that it names, to all ranks.

use crate::comm::{Communicator, agree};
use crate::config;
use crate::error::{Error, Result};
use crate::input::mask;
use crate::region::Mask;
use crate::run_config::RunConfig;
use std::path::Path;

/// What a deck was made from, to tell where a key stands that turns out to be wrong later.
#[derive(Debug)]
pub struct Source<'a> {
    name: String,
    text: String,
    overrides: &'a [String],
}

impl Source<'_> {
    /// The error with file and line, if it is about a key of this deck.
    pub fn place(&self, error: Error) -> Error {
        config::place(error, &self.name, &self.text, self.overrides)
    }
}

/// The error of a file with the initial temperatures, as one about the key that names it.
pub fn initial_file(error: Error) -> Error {
    match error {
        Error::Input(problem) => Error::key("initial.file", problem, "give an array of one temperature per cell"),
        other => other,
    }
}

/// The checked deck and its text, on every rank. Collective: files are read by rank 0 alone, parsing is repeated everywhere.
///
/// # Errors
/// Exit code 2, the same on all ranks.
pub fn read<'a>(comm: &dyn Communicator, path: &Path, overrides: &'a [String]) -> Result<(RunConfig, Source<'a>)> {
    let text = if comm.rank() == 0 { config::read_deck_text(path) } else { Ok(String::new()) };
    let mut text = agree(comm, text)?.into_bytes();
    comm.broadcast(0, &mut text);
    let text = String::from_utf8_lossy(&text).into_owned();
    let read_mask = |path: &Path, cells: [usize; 3]| read_mask(comm, path, cells);
    let name = path.display().to_string();
    let config = agree(comm, config::parse(&name, &text, overrides, &config::deck_directory(path), &read_mask))?;
    Ok((config, Source { name, text, overrides }))
}

/// A mask that rank 0 reads and all ranks get.
fn read_mask(comm: &dyn Communicator, path: &Path, cells: [usize; 3]) -> Result<Mask> {
    let mask = if comm.rank() == 0 { mask::read(path, cells).map(Some) } else { Ok(None) };
    let mask = agree(comm, mask)?;
    let mut bytes = mask.as_ref().map_or_else(Vec::new, pack);
    comm.broadcast(0, &mut bytes);
    Ok(mask.unwrap_or_else(|| unpack(&bytes, cells)))
}

/// The number of layers (8 bytes), then a byte per cell.
fn pack(mask: &Mask) -> Vec<u8> {
    let layers = (mask.cells[2] as u64).to_le_bytes();
    layers.into_iter().chain(mask.inside.iter().map(|&inside| u8::from(inside))).collect()
}

fn unpack(bytes: &[u8], cells: [usize; 3]) -> Mask {
    let (layers, flags) = bytes.split_at(8);
    let layers = layers.iter().rev().fold(0usize, |n, &byte| n << 8 | usize::from(byte));
    Mask { cells: [cells[0], cells[1], layers], inside: flags.iter().map(|&flag| flag != 0).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_survives_the_broadcast() {
        let mask = Mask { cells: [3, 2, 300], inside: (0..1800).map(|i| i % 7 == 0).collect() };
        assert_eq!(unpack(&pack(&mask), [3, 2, 300]), mask);
    }
}
