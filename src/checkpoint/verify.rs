//! What a file must be before anything is read from it: its parts fit its real length, and its hashes are right.
//!
//! Claimed sizes are held against the length of the file before memory is taken for them, with checked arithmetic. The structure is
//! small; chunks are read one at a time by every thread.

use super::header::Header;
use super::layout::{Chunk, ENTRY, FOOTER, Footer, LONGEST_HEADER, PREFIX, Prefix, decode_table};
use rayon::prelude::*;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Why a file is not a checkpoint that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Damaged, cut, or no checkpoint at all: in words.
    Torn(String),
    /// Written in this later version of the format.
    Newer(u32),
}

impl Refusal {
    /// Damaged, for this reason.
    pub fn torn(reason: impl Into<String>) -> Refusal {
        Refusal::Torn(reason.into())
    }

    fn unreadable(cause: &io::Error) -> Refusal {
        Refusal::Torn(format!("it cannot be read: {cause}"))
    }
}

/// A file whose header, table and footer belong together. The data are not yet looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Structure {
    /// The header.
    pub header: Header,
    /// Where the data begin in the file.
    pub data_start: u64,
    /// Where each section begins in the data, and where the last one ends.
    pub starts: Vec<u64>,
    /// The chunks that tile the data.
    pub chunks: Vec<Chunk>,
}

/// Reads everything but the data.
///
/// # Errors
/// The reason why the file cannot be used.
pub fn structure(file: &File) -> Result<Structure, Refusal> {
    let length = file.metadata().map_err(|cause| Refusal::unreadable(&cause))?.len();
    let tail = length.checked_sub(FOOTER as u64).filter(|tail| *tail >= PREFIX as u64);
    let tail = tail.ok_or_else(|| Refusal::torn(format!("it has only {length} bytes")))?;
    let mut prefix_bytes = [0; PREFIX];
    read(file, 0, &mut prefix_bytes)?;
    let prefix = Prefix::decode(&prefix_bytes)?;
    let mut footer_bytes = [0; FOOTER];
    read(file, tail, &mut footer_bytes)?;
    let footer = Footer::decode(&footer_bytes, length)?;
    let table_bytes = table_bytes(&prefix, &footer, tail)?;
    let mut head = prefix_bytes.to_vec();
    head.resize(prefix.data_start() as usize, 0);
    read(file, PREFIX as u64, &mut head[PREFIX..])?;
    let mut table = vec![0; table_bytes as usize];
    read(file, tail - table_bytes, &mut table)?;
    if !footer.covers(&head, &table) {
        return Err(Refusal::torn("its header or its table is damaged"));
    }
    assemble(&prefix, &head[PREFIX..], &table)
}

/// Bytes of the table, if all parts add up to the length of the file.
fn table_bytes(prefix: &Prefix, footer: &Footer, tail: u64) -> Result<u64, Refusal> {
    let table = footer.chunks.checked_mul(ENTRY as u64);
    let head = prefix.header_bytes.checked_add(PREFIX as u64);
    let sum = table.and_then(|table| table.checked_add(head?)?.checked_add(prefix.data_bytes));
    match (sum, table) {
        (Some(sum), Some(table)) if sum == tail && prefix.header_bytes <= LONGEST_HEADER => Ok(table),
        _ => Err(Refusal::torn("its parts do not add up to its length")),
    }
}

fn assemble(prefix: &Prefix, header: &[u8], table: &[u8]) -> Result<Structure, Refusal> {
    let header: Header =
        serde_json::from_slice(header).map_err(|cause| Refusal::torn(format!("its header: {cause}")))?;
    let starts = header.starts().filter(|starts| starts.last() == Some(&prefix.data_bytes));
    let starts = starts.ok_or_else(|| Refusal::torn("its sections do not fit its data"))?;
    let chunks = decode_table(table, prefix.data_bytes)?;
    Ok(Structure { header, data_start: prefix.data_start(), starts, chunks })
}

fn read(file: &File, offset: u64, bytes: &mut [u8]) -> Result<(), Refusal> {
    file.read_exact_at(bytes, offset).map_err(|cause| Refusal::unreadable(&cause))
}

impl Structure {
    /// Checks the hashes of every `stride`-th chunk from number `first` on: the share of one rank, split between its threads.
    ///
    /// # Errors
    /// The first chunk that is damaged.
    pub fn check_data(&self, file: &File, first: usize, stride: usize) -> Result<(), Refusal> {
        let own: Vec<&Chunk> = self.chunks.iter().skip(first).step_by(stride).collect();
        let outcomes = own.par_iter().map_init(Vec::new, |buffer, chunk| self.check_chunk(file, chunk, buffer));
        outcomes.find_map_first(Result::err).map_or(Ok(()), Err)
    }

    fn check_chunk(&self, file: &File, chunk: &Chunk, buffer: &mut Vec<u8>) -> Result<(), Refusal> {
        buffer.resize(chunk.length as usize, 0);
        read(file, self.data_start + chunk.offset, buffer)?;
        if *blake3::hash(buffer).as_bytes() == chunk.hash {
            return Ok(());
        }
        let section = self.starts.partition_point(|start| *start <= chunk.offset).saturating_sub(1);
        let name = self.header.sections.get(section).map_or("data", |section| &section.name);
        let at = self.data_start + chunk.offset;
        Err(Refusal::torn(format!("its {name} is damaged in the {} bytes from {at} on", chunk.length)))
    }
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
