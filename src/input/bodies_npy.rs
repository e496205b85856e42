//! Bodies of an array of numpy, shape (N, 7): m x y z vx vy vz.
//!
//! `<f8` and `<f4`, both orders. The header is checked against the length of the file before anything is taken; then each rank
//! reads its own rows, a few mebibytes at a time.

use super::bodies::{COLUMNS, body_of, no_bodies};
use super::npy::{Description, open_shaped, tuple};
use crate::error::{Error, Result};
use crate::nbody::groups::Body;
use crate::nbody::initial::BodyRows;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Rows of one read: 3.5 MiB.
const BATCH: u64 = 1 << 16;
const WIDTH: usize = COLUMNS.len();

/// An open array of bodies.
#[derive(Debug)]
pub struct NpyBodies {
    path: PathBuf,
    file: File,
    description: Description,
}

impl NpyBodies {
    /// Opens an array and checks its header.
    ///
    /// # Errors
    /// Exit code 2, naming file, what was found and the fix.
    pub fn open(path: &Path) -> Result<NpyBodies> {
        let (file, description) = open_shaped(path, &[("<f8", 8), ("<f4", 4)], &is_table)?;
        if description.shape[0] == 0 {
            return Err(no_bodies(path));
        }
        Ok(NpyBodies { path: path.to_owned(), file, description })
    }

    fn value_bytes(&self) -> usize {
        if self.description.kind == "<f4" { 4 } else { 8 }
    }

    /// The bytes of some rows, column by column or row by row as they lie in the file.
    fn read_batch(&self, rows: &Range<u64>, buffer: &mut Vec<u8>) -> std::io::Result<()> {
        let (width, count) = (self.value_bytes(), (rows.end - rows.start) as usize);
        buffer.resize(count * WIDTH * width, 0);
        if !self.description.fortran {
            let at = rows.start * (WIDTH * width) as u64;
            return self.file.read_exact_at(buffer, self.description.data + at);
        }
        let total = self.description.shape[0] as u64;
        for (column, part) in buffer.chunks_mut(count * width).enumerate() {
            let at = (column as u64 * total + rows.start) * width as u64;
            self.file.read_exact_at(part, self.description.data + at)?;
        }
        Ok(())
    }

    /// Row `n` of a batch of `count` rows.
    fn row(&self, buffer: &[u8], n: usize, count: usize) -> [f64; WIDTH] {
        std::array::from_fn(|column| {
            let at = if self.description.fortran { column * count + n } else { n * WIDTH + column };
            match self.value_bytes() {
                4 => f64::from(f32::from_le_bytes(std::array::from_fn(|byte| buffer[4 * at + byte]))),
                _ => f64::from_le_bytes(std::array::from_fn(|byte| buffer[8 * at + byte])),
            }
        })
    }
}

impl BodyRows for NpyBodies {
    fn count(&self) -> u64 {
        self.description.shape[0] as u64
    }

    fn has_ids(&self) -> bool {
        false
    }

    fn read(&self, rows: Range<u64>, take: &mut dyn FnMut(u64, Body)) -> Result<()> {
        let mut buffer = Vec::new();
        for start in rows.clone().step_by(BATCH as usize) {
            let batch = start..(start + BATCH).min(rows.end);
            self.read_batch(&batch, &mut buffer).map_err(|cause| Error::io("read", &self.path, cause))?;
            let count = (batch.end - batch.start) as usize;
            for n in 0..count {
                let number = batch.start + n as u64;
                let body = body_of(&self.row(&buffer, n, count))
                    .map_err(|what| Error::Input(format!("{}: row {number} (from 0): {what}", self.path.display())))?;
                take(number, body);
            }
        }
        Ok(())
    }
}

fn is_table(shape: &[usize]) -> std::result::Result<(), String> {
    match shape {
        [_, WIDTH] => Ok(()),
        [WIDTH, _] => Err(format!("shape {} but bodies are rows; save array.T", tuple(shape))),
        _ => Err(format!("shape {} but bodies need (N, 7): m x y z vx vy vz; reshape the array", tuple(shape))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, ShapeBuilder};
    use ndarray_npy::write_npy;

    fn value(row: usize, column: usize) -> f64 {
        row as f64 + 0.125 * column as f64
    }

    fn rows(file: &NpyBodies, range: Range<u64>) -> Result<Vec<(u64, Body)>> {
        let mut rows = Vec::new();
        file.read(range, &mut |n, body| rows.push((n, body)))?;
        Ok(rows)
    }

    fn saved(directory: &tempfile::TempDir, array: &Array2<f64>) -> PathBuf {
        let path = directory.path().join("bodies.npy");
        write_npy(&path, array).unwrap();
        path
    }

    #[test]
    fn both_orders_and_both_widths_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let count = BATCH as usize + 5;
        for fortran in [false, true] {
            let array = Array2::from_shape_fn((count, 7).set_f(fortran), |(n, c)| value(n, c));
            let mut path = saved(&directory, &array);
            for single in [false, true] {
                if single {
                    path = directory.path().join("single.npy");
                    write_npy(&path, &array.mapv(|v| v as f32)).unwrap();
                }
                let file = NpyBodies::open(&path).unwrap();
                assert_eq!(file.count(), count as u64);
                let found = rows(&file, 3..count as u64).unwrap();
                assert_eq!(found.len(), count - 3);
                for (n, body) in found {
                    let expected: [f64; 7] = std::array::from_fn(|c| value(n as usize, c));
                    let tuple = [&[body.mass], &body.position[..], &body.velocity[..]].concat();
                    assert_eq!(tuple, expected);
                }
            }
        }
    }

    #[test]
    fn what_is_no_table_of_bodies_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let refused = |array: &Array2<f64>, word: &str| {
            let outcome = NpyBodies::open(&saved(&directory, array)).and_then(|file| rows(&file, 0..file.count()));
            let error = outcome.unwrap_err();
            assert!(error.exit_code() == 2 && error.to_string().contains(word), "{error}");
            assert!(error.to_string().contains("bodies.npy"), "{error}");
        };
        refused(&Array2::zeros((7, 3)), "array.T");
        refused(&Array2::zeros((3, 6)), "(N, 7)");
        refused(&Array2::zeros((0, 7)), "no bodies");
        let with = |row: usize, column: usize, value: f64| {
            let mut array = Array2::zeros((3, 7));
            array[(row, column)] = value;
            array
        };
        refused(&with(2, 3, f64::NAN), "row 2 (from 0): z is NaN");
        refused(&with(1, 0, -1.0), "row 1 (from 0): mass is -1");
        refused(&with(0, 6, f64::INFINITY), "row 0 (from 0): vz is inf");
    }

    #[test]
    fn a_header_that_lies_is_found_out_before_memory_is_taken() {
        let directory = tempfile::tempdir().unwrap();
        let path = saved(&directory, &Array2::zeros((4, 7)));
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 8]).unwrap();
        let error = NpyBodies::open(&path).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains("truncated"), "{error}");
        let text = String::from_utf8_lossy(&bytes[10..128]).replace("(4, 7)", "(1152921504606846976, 7)");
        let header = [&bytes[..8], &(text.len() as u16).to_le_bytes(), text.as_bytes(), &bytes[128..]].concat();
        std::fs::write(&path, header).unwrap();
        let error = NpyBodies::open(&path).unwrap_err();
        assert!(
            error.exit_code() == 2 && error.to_string().contains("truncated: its header promises 64563604257983430"),
            "{error}"
        );
    }
}
