//! Writes a checkpoint by all ranks: each puts its runs at their offsets and hashes them on the way, rank 0 adds the table and the footer
//! when it knows the hashes of all, and the file gets its name when every rank has it on the disk.
//!
//! Hashes are taken from memory, not from what is read back: what is damaged on its way to the disk is then seen.

use super::Visit;
use super::header::Header;
use super::layout::{Chunk, ENTRY, Footer, Prefix};
use crate::comm::Communicator;
use crate::error::Result;
use crate::heartbeat;
use crate::output::atomic::write_shared;
use crate::output::disk;
use rayon::prelude::*;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Bytes of a chunk: a batch of rows has several, so that threads hash and write them at the same time.
const PIECE: usize = 1 << 20;
/// A record of a chunk in a message: its offset and its entry of the table.
const RECORD: usize = 8 + ENTRY;

/// Writes a checkpoint of the state that `export` hands out, and returns the bytes of the file. Collective. The header counts on rank 0;
/// its length and its sections must be equal everywhere.
///
/// # Errors
/// Exit code 3, the same on all ranks; the temporary is removed then.
pub fn write(
    comm: &dyn Communicator,
    path: &Path,
    header: &[u8],
    sections: &Header,
    export: &mut dyn FnMut(&mut Visit<'_>),
) -> Result<u64> {
    let starts = sections.starts().unwrap_or_default();
    let data_bytes = starts.last().copied().unwrap_or(0);
    let prefix = Prefix { header_bytes: header.len() as u64, data_bytes };
    let mut length = [0];
    write_shared(comm, path, prefix.data_start() + data_bytes, |file| {
        let mut sink = Sink { file, data_start: prefix.data_start(), records: Vec::new(), outcome: Ok(()) };
        export(&mut |section, offset, bytes| sink.add(starts[section] + offset, bytes));
        let all = comm.gather(0, &sink.records);
        let Sink { outcome, .. } = sink;
        if comm.rank() > 0 {
            return outcome;
        }
        outcome.and_then(|()| complete(file, &prefix, header, &all)).map(|bytes| length[0] = bytes as i64)
    })?;
    comm.all_sum(&mut length);
    Ok(length[0] as u64)
}

/// What one rank writes.
struct Sink<'a> {
    file: &'a File,
    data_start: u64,
    /// Of the chunks written so far.
    records: Vec<u8>,
    /// The first failure; what comes after it is only hashed.
    outcome: io::Result<()>,
}

impl Sink<'_> {
    /// Takes a run of the data at this offset.
    fn add(&mut self, offset: u64, bytes: &[u8]) {
        let chunks = bytes.par_chunks(PIECE).enumerate().map(|(n, chunk)| {
            let at = offset + (n * PIECE) as u64;
            let hash = *blake3::hash(chunk).as_bytes();
            let written = self.file.write_all_at(chunk, self.data_start + at);
            heartbeat::beat();
            written.map(|()| Chunk { offset: at, length: chunk.len() as u64, hash })
        });
        let chunks: Vec<io::Result<Chunk>> = chunks.collect();
        disk::begin_to_write(self.file, self.data_start + offset, bytes.len() as u64);
        for chunk in chunks {
            match chunk {
                Ok(chunk) => {
                    self.records.extend_from_slice(&chunk.offset.to_le_bytes());
                    self.records.extend_from_slice(&chunk.encode());
                }
                Err(cause) => self.outcome = std::mem::replace(&mut self.outcome, Ok(())).and(Err(cause)),
            }
        }
    }
}

/// Writes prefix, header, table and footer; the length of the file.
fn complete(file: &File, prefix: &Prefix, header: &[u8], records: &[Vec<u8>]) -> io::Result<u64> {
    let table = table(records, prefix.data_bytes)?;
    let head = [prefix.encode().as_slice(), header].concat();
    let footer = Footer::new(&head, &table, prefix.data_bytes);
    file.write_all_at(&head, 0)?;
    let tail = [table.as_slice(), &footer.encode()].concat();
    file.write_all_at(&tail, prefix.data_start() + prefix.data_bytes)?;
    Ok(footer.length)
}

/// The table of the chunks of all ranks, if they tile the data.
fn table(records: &[Vec<u8>], data_bytes: u64) -> io::Result<Vec<u8>> {
    let mut all: Vec<&[u8; RECORD]> = records.iter().flat_map(|part| part.as_chunks::<RECORD>().0).collect();
    let word = |record: &[u8; RECORD], at: usize| u64::from_le_bytes(std::array::from_fn(|n| record[at + n]));
    all.sort_unstable_by_key(|record| word(record, 0));
    let mut end = 0;
    for record in &all {
        if word(record, 0) != end {
            return Err(io::Error::other("a rank has written only part of the state"));
        }
        end += word(record, 8);
    }
    if end != data_bytes {
        return Err(io::Error::other("the last part of the state has not been written"));
    }
    Ok(all.iter().flat_map(|record| record[8..].iter().copied()).collect())
}
