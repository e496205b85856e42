//! Bodies of an array of numpy, shape (N, 7): m x y z vx vy vz. Types and orders are those of [`super::npy_rows`].

use super::bodies::{COLUMNS, body_of, no_bodies};
use super::npy::tuple;
use super::npy_rows::{FLOATS, NpyRows, batches};
use crate::error::{Error, Result};
use crate::nbody::groups::Body;
use crate::nbody::initial::BodyRows;
use std::ops::Range;
use std::path::Path;

const WIDTH: usize = COLUMNS.len();

/// An open array of bodies.
#[derive(Debug)]
pub struct NpyBodies(NpyRows<WIDTH>);

impl NpyBodies {
    /// Opens an array and checks its header.
    ///
    /// # Errors
    /// Exit code 2, naming file, what was found and the fix.
    pub fn open(path: &Path) -> Result<NpyBodies> {
        let rows = NpyRows::open(path, &FLOATS, &is_table)?;
        if rows.count() == 0 {
            return Err(no_bodies(path));
        }
        Ok(NpyBodies(rows))
    }
}

impl BodyRows for NpyBodies {
    fn count(&self) -> u64 {
        self.0.count()
    }

    fn has_ids(&self) -> bool {
        false
    }

    fn read(&self, rows: Range<u64>, take: &mut dyn FnMut(u64, Body)) -> Result<()> {
        for batch in batches(rows) {
            for (number, values) in batch.clone().zip(self.0.floats(&batch)?) {
                take(number, body_of(&values).map_err(|what| at_row(self.0.path(), number, &what))?);
            }
        }
        Ok(())
    }
}

/// The error about a row of an array.
pub fn at_row(path: &Path, number: u64, what: &str) -> Error {
    Error::Input(format!("{}: row {number} (from 0): {what}", path.display()))
}

fn is_table(shape: &[usize]) -> std::result::Result<(), String> {
    match shape {
        [_, WIDTH] => Ok(()),
        [WIDTH, _] => Err(format!("shape {} but bodies are rows; save array.T", tuple(shape))),
        _ => Err(format!(
            "shape {} but bodies need (N, 7): m x y z vx vy vz; reshape the array, or name it positions.npy beside velocities.npy and \
                          masses.npy",
            tuple(shape)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::npy_rows::BATCH;
    use ndarray::{Array2, ShapeBuilder};
    use ndarray_npy::write_npy;
    use std::path::PathBuf;

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
