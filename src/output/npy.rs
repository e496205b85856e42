//! One `.npy` file of the whole grid, written by all ranks at their offsets.
//!
//! Format: numpy's version 1.0, a header padded to a multiple of 64 bytes, then `<f8` values in C order, shape (nz, ny, nx), or
//! (ny, nx) in two dimensions. C order is the order of the field, so a rank whose part spans x and y writes one contiguous piece.
//! If x is cut, the pieces of a row are joined on the row's first rank before they are written (see [`crate::rows`]).

use super::atomic;
use super::disk;
use super::snapshot::Snapshot;
use crate::bytes::F64;
use crate::decomposition::Subdomain;
use crate::error::{Error, Result};
use crate::grid::UniformGrid;
use crate::rows;
use ndarray_npy::WritableElement;
use ndarray_npy::npy::header::{Header, Layout};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Writes the global array and returns the length of the file in bytes. Collective.
///
/// # Errors
/// Exit code 3, the same on all ranks.
pub fn write(snapshot: &Snapshot, path: &Path) -> Result<u64> {
    let header = header(snapshot.grid)?;
    let length = header.len() as u64 + (snapshot.grid.cell_count() * F64) as u64;
    atomic::write_shared(snapshot.comm, path, length, |file| write_parts(snapshot, file, &header))?;
    Ok(length)
}

/// Shape of a grid's arrays in numpy's order: slowest axis first.
pub fn shape(grid: &UniformGrid) -> Vec<usize> {
    grid.cells[..grid.dimensions].iter().rev().copied().collect()
}

fn header(grid: &UniformGrid) -> Result<Vec<u8>> {
    let header = Header { type_descriptor: f64::type_descriptor(), layout: Layout::Standard, shape: shape(grid) };
    header.to_bytes().map_err(|cause| Error::Defect(format!("cannot form the header of an .npy file: {cause}")))
}

fn write_parts(snapshot: &Snapshot, file: &File, header: &[u8]) -> io::Result<()> {
    let mut outcome = if snapshot.comm.rank() == 0 { file.write_all_at(header, 0) } else { Ok(()) };
    let (part, cells) = (snapshot.subdomain(), snapshot.decomposition.cells);
    rows::for_each_batch(snapshot.decomposition, snapshot.field, snapshot.comm, &mut |first, bytes| {
        if outcome.is_ok() {
            outcome = write_rows(file, header.len() as u64, &part, cells, first, bytes);
        }
    });
    outcome
}

/// Writes complete rows, those that follow each other in the file as one piece.
fn write_rows(
    file: &File,
    header: u64,
    part: &Subdomain,
    cells: [usize; 3],
    first: usize,
    mut bytes: &[u8],
) -> io::Result<()> {
    let row_bytes = cells[0] * F64;
    let offset = |row: usize| header + (global_row(part, cells, row) * row_bytes) as u64;
    let mut start = first;
    while !bytes.is_empty() {
        let rest = bytes.len() / row_bytes;
        let until_gap = if part.cells[1] == cells[1] { rest } else { part.cells[1] - start % part.cells[1] };
        let (piece, tail) = bytes.split_at(until_gap.min(rest) * row_bytes);
        file.write_all_at(piece, offset(start))?;
        disk::begin_to_write(file, offset(start), piece.len() as u64);
        start += until_gap;
        bytes = tail;
    }
    Ok(())
}

/// Number of a row in the global grid.
fn global_row(part: &Subdomain, cells: [usize; 3], row: usize) -> usize {
    let (j, k) = (row % part.cells[1] + part.start[1], row / part.cells[1] + part.start[2]);
    j + cells[1] * k
}
