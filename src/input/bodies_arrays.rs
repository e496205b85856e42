//! Bodies of several arrays of numpy in one directory, as a snapshot has them: `positions.npy` and `velocities.npy` of shape (N, 3),
//! `masses.npy` of shape (N), and perhaps `ids.npy` of shape (N), ascending.
//!
//! The deck names `positions.npy`; the others lie beside it under their names. So the final state of one run is the first of
//! another. Ids are checked once, a batch at a time, and not kept. Refused: sorting by ids, since numpy does it in a line and every
//! rank would hold the order of all bodies.

use super::bodies::{body_of, no_bodies};
use super::bodies_npy::at_row;
use super::npy::tuple;
use super::npy_rows::{FLOATS, IDS, NpyRows, batches};
use crate::error::{Error, Result};
use crate::nbody::groups::Body;
use crate::nbody::initial::BodyRows;
use std::ops::Range;
use std::path::Path;

/// The array that a deck names.
const POSITIONS: &str = "positions.npy";

/// Whether a file is one of several arrays.
pub fn is_positions(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == POSITIONS)
}

/// Open arrays of bodies.
#[derive(Debug)]
pub struct ArrayBodies {
    positions: NpyRows<3>,
    velocities: NpyRows<3>,
    masses: NpyRows<1>,
    ids: Option<NpyRows<1>>,
}

impl ArrayBodies {
    /// Opens `positions.npy` and the arrays beside it, and checks headers and ids.
    ///
    /// # Errors
    /// Exit code 2, naming file, what was found and the fix; 3 if reading fails.
    pub fn open(path: &Path) -> Result<ArrayBodies> {
        let positions = NpyRows::open(path, &FLOATS, &is_list_of_vectors)?;
        let count = positions.count() as usize;
        if count == 0 {
            return Err(no_bodies(path));
        }
        let (velocities, masses, ids) =
            (beside(path, "velocities.npy"), beside(path, "masses.npy"), path.with_file_name("ids.npy"));
        let arrays = ArrayBodies {
            positions,
            velocities: NpyRows::open(&velocities?, &FLOATS, &|shape| has_shape(shape, &[count, 3]))?,
            masses: NpyRows::open(&masses?, &FLOATS, &|shape| has_shape(shape, &[count]))?,
            ids: match ids.exists() {
                true => Some(NpyRows::open(&ids, &IDS, &|shape| has_shape(shape, &[count]))?),
                false => None,
            },
        };
        arrays.ids.as_ref().map_or(Ok(()), ascending)?;
        Ok(arrays)
    }

    fn names(&self, batch: &Range<u64>) -> Result<Vec<u64>> {
        match &self.ids {
            Some(ids) => Ok(ids.words(batch)?.as_flattened().to_vec()),
            None => Ok(batch.clone().collect()),
        }
    }
}

impl BodyRows for ArrayBodies {
    fn count(&self) -> u64 {
        self.positions.count()
    }

    fn has_ids(&self) -> bool {
        self.ids.is_some()
    }

    fn read(&self, rows: Range<u64>, take: &mut dyn FnMut(u64, Body)) -> Result<()> {
        for batch in batches(rows) {
            let (places, speeds) = (self.positions.floats(&batch)?, self.velocities.floats(&batch)?);
            let (masses, names) = (self.masses.floats(&batch)?, self.names(&batch)?);
            for (n, number) in batch.enumerate() {
                let ([x, y, z], [u, v, w]) = (places[n], speeds[n]);
                let body = body_of(&[masses[n][0], x, y, z, u, v, w]);
                take(names[n], body.map_err(|what| at_row(self.positions.path(), number, &what))?);
            }
        }
        Ok(())
    }
}

fn beside(path: &Path, name: &str) -> Result<std::path::PathBuf> {
    let other = path.with_file_name(name);
    match other.exists() {
        true => Ok(other),
        false => Err(Error::Input(format!(
            "{}: there is no {name} beside it; save velocities.npy and masses.npy there too, or one array of shape (N, 7) under \
             another name",
            path.display()
        ))),
    }
}

fn is_list_of_vectors(shape: &[usize]) -> std::result::Result<(), String> {
    match shape {
        [_, 3] => Ok(()),
        [3, _] => Err(format!("shape {} but positions are rows; save array.T", tuple(shape))),
        _ => {
            Err(format!("shape {} but positions need (N, 3); give an array of shape (N, 7) another name", tuple(shape)))
        }
    }
}

fn has_shape(found: &[usize], expected: &[usize]) -> std::result::Result<(), String> {
    match found == expected {
        true => Ok(()),
        false => {
            let (found, expected) = (tuple(found), tuple(expected));
            Err(format!("shape {found} but {expected} would go with {POSITIONS}; save one row for each body"))
        }
    }
}

fn ascending(ids: &NpyRows<1>) -> Result<()> {
    let mut last: Option<u64> = None;
    for batch in batches(0..ids.count()) {
        for (number, [id]) in batch.clone().zip(ids.words(&batch)?) {
            if ids.is_signed() && id > i64::MAX as u64 {
                return Err(at_row(ids.path(), number, &format!("id {} is negative; write 0 or more", id as i64)));
            }
            if let Some(last) = last.filter(|last| *last >= id) {
                let what = format!("id {id} after {last}; sort all arrays by ids that differ (numpy.argsort)");
                return Err(at_row(ids.path(), number, &what));
            }
            last = Some(id);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::npy_rows::BATCH;
    use ndarray::{Array1, Array2, ShapeBuilder};
    use ndarray_npy::write_npy;

    /// Arrays of `count` bodies with ids 10, 12, 14, ...
    fn saved(directory: &Path, count: usize, fortran: bool) {
        let vectors =
            |first: f64| Array2::from_shape_fn((count, 3).set_f(fortran), |(n, axis)| first + n as f64 + axis as f64);
        write_npy(directory.join("positions.npy"), &vectors(0.5)).unwrap();
        write_npy(directory.join("velocities.npy"), &vectors(-9.0).mapv(|v| v as f32)).unwrap();
        write_npy(directory.join("masses.npy"), &Array1::from_shape_fn(count, |n| n as f64)).unwrap();
        write_npy(directory.join("ids.npy"), &Array1::from_shape_fn(count, |n| 10 + 2 * n as u64)).unwrap();
    }

    fn rows(directory: &Path, range: Range<u64>) -> Result<Vec<(u64, Body)>> {
        let mut rows = Vec::new();
        ArrayBodies::open(&directory.join(POSITIONS))?.read(range, &mut |id, body| rows.push((id, body)))?;
        Ok(rows)
    }

    #[test]
    fn every_body_gets_the_values_of_its_row() {
        let directory = tempfile::tempdir().unwrap();
        let count = BATCH as usize + 5;
        for fortran in [false, true] {
            saved(directory.path(), count, fortran);
            let found = rows(directory.path(), 3..count as u64).unwrap();
            assert_eq!(found.len(), count - 3);
            for (n, (id, body)) in (3..).zip(found) {
                let x = f64::from(n);
                let expected =
                    Body { mass: x, position: [x + 0.5, x + 1.5, x + 2.5], velocity: [x - 9.0, x - 8.0, x - 7.0] };
                assert_eq!((id, body), (10 + 2 * n as u64, expected));
            }
        }
    }

    #[test]
    fn ids_may_be_absent() {
        let directory = tempfile::tempdir().unwrap();
        saved(directory.path(), 4, false);
        std::fs::remove_file(directory.path().join("ids.npy")).unwrap();
        assert!(!ArrayBodies::open(&directory.path().join(POSITIONS)).unwrap().has_ids());
        assert_eq!(rows(directory.path(), 2..4).unwrap().iter().map(|(id, _)| *id).collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn arrays_that_do_not_go_together_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name);
        let refused = |words: &[&str]| {
            let error = rows(directory.path(), 0..4).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{error}");
            words.iter().for_each(|word| assert!(error.to_string().contains(word), "{error} does not say {word}"));
            saved(directory.path(), 4, false);
        };
        saved(directory.path(), 4, false);
        std::fs::remove_file(place("velocities.npy")).unwrap();
        refused(&["positions.npy", "no velocities.npy"]);
        write_npy(place("masses.npy"), &Array1::<f64>::zeros(5)).unwrap();
        refused(&["masses.npy", "(5,)", "(4,)"]);
        write_npy(place("positions.npy"), &Array2::<f64>::zeros((3, 4))).unwrap();
        refused(&["positions.npy", "array.T"]);
        write_npy(place("positions.npy"), &Array2::<f64>::zeros((4, 7))).unwrap();
        refused(&["(N, 3)", "another name"]);
        write_npy(place("positions.npy"), &Array2::<f64>::zeros((0, 3))).unwrap();
        refused(&["no bodies"]);
        write_npy(place("ids.npy"), &Array1::from(vec![3_u64, 5, 5, 6])).unwrap();
        refused(&["ids.npy", "row 2", "id 5 after 5", "argsort"]);
        write_npy(place("ids.npy"), &Array1::from(vec![-3_i64, 5, 6, 7])).unwrap();
        refused(&["ids.npy", "row 0", "id -3 is negative"]);
        write_npy(place("masses.npy"), &Array1::from(vec![1.0, 1.0, -1.0, 1.0])).unwrap();
        refused(&["row 2", "mass is -1"]);
    }
}
