//! The rows of a field as bytes, in batches of a few mebibytes: the one way in which values leave a rank for a file or a hash.
//!
//! A *row* is a line of cells along x. [`pack`] copies rows of this rank; [`for_each_batch`] visits complete rows of the global
//! grid. If x is cut, the pieces of a row are on several ranks; they are collected on the row's first rank (the one at the
//! lower end of x) batch by batch, so that memory stays bounded and no rank ever sees more than its own share of rows. A file is
//! then written in large pieces (pieces of 2 KiB cost more than their bytes), and a hash sees every row whole.
//!
//! Rows are numbered locally: row `j + ny * k` lies at y = j, z = k of the subdomain. Ranks that share their rows have equal
//! numbers.
//!
//! # Refused
//! A gather of the volume on one rank: it needs the memory of the whole grid there. Pieces written by each rank at every row:
//! see above.

use crate::bytes::{self, F64};
use crate::comm::{Communicator, Incoming, Outgoing};
use crate::decomposition::CartesianDecomposition;
use crate::field::Field;
use rayon::prelude::*;

/// Aim for the size of a batch in bytes; a batch has at least one row.
pub const BATCH: usize = 4 << 20;

/// Tag of the messages that carry pieces of rows.
const TAG: u16 = 0x5200;

/// Copies `count` rows of this rank, from row `first` on, into `bytes` (`8 * nx` bytes a row, little-endian).
pub fn pack(field: &Field, first: usize, bytes: &mut [u8]) {
    let [nx, ny, _] = field.layout().cells;
    bytes.par_chunks_mut(nx * F64).with_min_len(16).enumerate().for_each(|(n, target)| {
        let (j, k) = ((first + n) % ny, (first + n) / ny);
        bytes::encode(field.row(j as isize, k as isize, 0, nx as isize), target);
    });
}

/// Rows in a batch if each has `row_bytes` bytes.
pub fn rows_per_batch(row_bytes: usize) -> usize {
    (BATCH / row_bytes).max(1)
}

/// Visits this rank's rows, completed over x, in order: `visit(first row, bytes)` with `8 * global nx` bytes a row. Ranks that
/// are not the first of their rows only send. Collective; a visitor that fails must remember it and let the rest pass.
pub fn for_each_batch(
    decomposition: &CartesianDecomposition,
    field: &Field,
    comm: &dyn Communicator,
    visit: &mut dyn FnMut(usize, &[u8]),
) {
    let row_bytes = decomposition.cells[0] * F64;
    let rows = field.layout().cells[1] * field.layout().cells[2];
    let batch = rows_per_batch(row_bytes).min(rows);
    let mut collector = Collector::new(decomposition, comm, batch);
    for first in (0..rows).step_by(batch) {
        let count = batch.min(rows - first);
        if let Some(complete) = collector.collect(field, comm, first, count) {
            visit(first, complete);
        }
    }
}

/// Buffers for the pieces of one batch and for the rows made of them.
struct Collector {
    /// Rank and cells of every piece of a row, in x order.
    pieces: Vec<(usize, usize)>,
    /// Index of this rank's piece.
    own: usize,
    /// One buffer per piece that travels: on the first rank those of the others, elsewhere its own.
    buffers: Vec<Vec<u8>>,
    /// The complete rows.
    rows: Vec<u8>,
}

impl Collector {
    fn new(decomposition: &CartesianDecomposition, comm: &dyn Communicator, batch: usize) -> Collector {
        let [own, cy, cz] = decomposition.coordinates(comm.rank());
        let pieces: Vec<(usize, usize)> = (0..decomposition.dims[0])
            .map(|cx| decomposition.rank_at([cx, cy, cz]))
            .map(|rank| (rank, decomposition.subdomain(rank).cells[0]))
            .collect();
        let travels = |piece: usize| if own == 0 { piece != own } else { piece == own };
        let room = |piece: usize| if travels(piece) { pieces[piece].1 } else { 0 };
        let buffers = (0..pieces.len()).map(|piece| vec![0; room(piece) * batch * F64]).collect();
        let rows = vec![0; if own == 0 { decomposition.cells[0] * batch * F64 } else { 0 }];
        Collector { pieces, own, buffers, rows }
    }

    fn collect(&mut self, field: &Field, comm: &dyn Communicator, first: usize, count: usize) -> Option<&[u8]> {
        if self.pieces.len() == 1 {
            let length = self.rows.len().min(field.layout().cells[0] * count * F64);
            pack(field, first, &mut self.rows[..length]);
            return Some(&self.rows[..length]);
        }
        if self.own == 0 {
            return Some(self.receive(field, comm, first, count));
        }
        let own_bytes = self.pieces[self.own].1 * count * F64;
        let data = &mut self.buffers[self.own][..own_bytes];
        pack(field, first, data);
        comm.exchange(&[Outgoing { to: self.pieces[0].0, tag: TAG, data }], &mut [], &mut || ());
        None
    }

    fn receive(&mut self, field: &Field, comm: &dyn Communicator, first: usize, count: usize) -> &[u8] {
        let pieces = &self.pieces;
        let mut incoming: Vec<Incoming> = (self.buffers.iter_mut().zip(pieces).skip(1))
            .map(|(buffer, (from, cells))| Incoming { from: *from, tag: TAG, data: &mut buffer[..cells * count * F64] })
            .collect();
        comm.exchange(&[], &mut incoming, &mut || ());
        self.join(field, first, count)
    }

    /// Lays the pieces of every row side by side. The own one comes from the field: it needs no copy in between.
    fn join(&mut self, field: &Field, first: usize, count: usize) -> &[u8] {
        let [nx, ny, _] = field.layout().cells;
        let row_bytes = self.pieces.iter().map(|piece| piece.1).sum::<usize>() * F64;
        let (pieces, buffers) = (&self.pieces, &self.buffers);
        self.rows[..row_bytes * count].par_chunks_mut(row_bytes).with_min_len(16).enumerate().for_each(|(n, row)| {
            let (j, k) = ((first + n) % ny, (first + n) / ny);
            let (own, mut rest) = row.split_at_mut(nx * F64);
            bytes::encode(field.row(j as isize, k as isize, 0, nx as isize), own);
            for ((_, cells), buffer) in pieces.iter().zip(buffers).skip(1) {
                let width = cells * F64;
                let (target, tail) = rest.split_at_mut(width);
                target.copy_from_slice(&buffer[n * width..(n + 1) * width]);
                rest = tail;
            }
        });
        &self.rows[..row_bytes * count]
    }
}
