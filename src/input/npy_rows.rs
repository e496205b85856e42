//! Rows of numbers from a user's `.npy`, a batch at a time: `<f8` and `<f4`, or whole numbers, in both orders.
//!
//! The header is checked against the length of the file before anything is taken; then each rank reads its own rows.

use super::npy::{Description, open_shaped};
use crate::error::{Error, Result};
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Rows of one read: 3.5 MiB of seven numbers each.
pub const BATCH: u64 = 1 << 16;

/// Types of numbers with a point.
pub const FLOATS: [(&str, usize); 2] = [("<f8", 8), ("<f4", 4)];
/// Types of ids.
pub const IDS: [(&str, usize); 2] = [("<u8", 8), ("<i8", 8)];

/// An open array with rows of `W` values.
#[derive(Debug)]
pub struct NpyRows<const W: usize> {
    path: PathBuf,
    file: File,
    description: Description,
}

impl<const W: usize> NpyRows<W> {
    /// Opens an array of one of the types, and checks that its shape passes, which must mean rows of `W` values.
    ///
    /// # Errors
    /// Exit code 2, naming file, what was found and the fix.
    pub fn open(
        path: &Path,
        kinds: &[(&str, usize)],
        check_shape: &dyn Fn(&[usize]) -> std::result::Result<(), String>,
    ) -> Result<NpyRows<W>> {
        let (file, description) = open_shaped(path, kinds, check_shape)?;
        Ok(NpyRows { path: path.to_owned(), file, description })
    }

    /// Number of rows.
    pub fn count(&self) -> u64 {
        self.description.shape[0] as u64
    }

    /// Where the array is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Some rows of numbers.
    ///
    /// # Errors
    /// Exit code 3 if reading fails.
    pub fn floats(&self, rows: &Range<u64>) -> Result<Vec<[f64; W]>> {
        match self.description.kind.as_str() {
            "<f4" => self.decoded(rows, |bytes: [u8; 4]| f64::from(f32::from_le_bytes(bytes))),
            _ => self.decoded(rows, f64::from_le_bytes),
        }
    }

    /// Some rows of whole numbers; those of a type with a sign as their bits.
    ///
    /// # Errors
    /// As [`NpyRows::floats`].
    pub fn words(&self, rows: &Range<u64>) -> Result<Vec<[u64; W]>> {
        self.decoded(rows, u64::from_le_bytes)
    }

    /// Whether whole numbers have a sign.
    pub fn is_signed(&self) -> bool {
        self.description.kind == "<i8"
    }

    fn decoded<T, const B: usize>(&self, rows: &Range<u64>, decode: fn([u8; B]) -> T) -> Result<Vec<[T; W]>> {
        let count = (rows.end - rows.start) as usize;
        let bytes = self.bytes(rows, B).map_err(|cause| Error::io("read", &self.path, cause))?;
        let values = bytes.as_chunks().0;
        let at = |row: usize, column: usize| match self.description.fortran {
            true => column * count + row,
            false => row * W + column,
        };
        Ok((0..count).map(|row| std::array::from_fn(|column| decode(values[at(row, column)]))).collect())
    }

    /// The bytes of some rows, column by column or row by row as they lie in the file.
    fn bytes(&self, rows: &Range<u64>, width: usize) -> std::io::Result<Vec<u8>> {
        let count = (rows.end - rows.start) as usize;
        let mut buffer = vec![0; count * W * width];
        if !self.description.fortran {
            self.file.read_exact_at(&mut buffer, self.description.data + rows.start * (W * width) as u64)?;
            return Ok(buffer);
        }
        for (column, part) in buffer.chunks_mut((count * width).max(1)).enumerate() {
            let at = (column as u64 * self.count() + rows.start) * width as u64;
            self.file.read_exact_at(part, self.description.data + at)?;
        }
        Ok(buffer)
    }
}

/// Cuts rows into batches.
pub fn batches(rows: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    rows.clone().step_by(BATCH as usize).map(move |start| start..(start + BATCH).min(rows.end))
}
