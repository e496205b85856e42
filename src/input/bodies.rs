//! Reads files of bodies: which reader takes which format, and what a body must be.

use super::bodies_arrays::{ArrayBodies, is_positions};
use super::bodies_npy::NpyBodies;
use super::bodies_text::TextBodies;
use crate::error::{Error, Result};
use crate::nbody::groups::{Body, FileFormat};
use crate::nbody::initial::{BodyFiles, BodyRows};
use std::path::Path;

/// The files of this machine. Every rank reads them for itself, so they must lie where all ranks see them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Files;

impl BodyFiles for Files {
    fn open(&self, path: &Path, format: FileFormat) -> Result<Box<dyn BodyRows>> {
        match format {
            FileFormat::Csv => Ok(Box::new(TextBodies::open_csv(path)?)),
            FileFormat::Ascii => Ok(Box::new(TextBodies::open_ascii(path)?)),
            FileFormat::Npy if is_positions(path) => Ok(Box::new(ArrayBodies::open(path)?)),
            FileFormat::Npy => Ok(Box::new(NpyBodies::open(path)?)),
            FileFormat::Gadget => open_gadget(path),
        }
    }
}

#[cfg(feature = "hdf5")]
fn open_gadget(path: &Path) -> Result<Box<dyn BodyRows>> {
    Ok(Box::new(super::bodies_gadget::GadgetBodies::open(path)?))
}

#[cfg(not(feature = "hdf5"))]
fn open_gadget(path: &Path) -> Result<Box<dyn BodyRows>> {
    Err(Error::Input(format!(
        "{}: reading it needs a build with HDF5: build with `cargo build --release --features hdf5` (and libhdf5-dev), or convert \
         the file to .npy of shape (N, 7): m x y z vx vy vz",
        path.display()
    )))
}

/// Columns of a body in the order of files without names.
pub const COLUMNS: [&str; 7] = ["mass", "x", "y", "z", "vx", "vy", "vz"];

/// The body of seven numbers in the order of [`COLUMNS`]; what is wrong with it otherwise.
pub fn body_of(values: &[f64; 7]) -> std::result::Result<Body, String> {
    if let Some(n) = values.iter().position(|value| !value.is_finite()) {
        return Err(format!("{} is {}; write a finite number", COLUMNS[n], values[n]));
    }
    let &[mass, x, y, z, vx, vy, vz] = values;
    if mass < 0.0 {
        return Err(format!("mass is {mass}; write 0 or a greater number"));
    }
    Ok(Body { mass, position: [x, y, z], velocity: [vx, vy, vz] })
}

/// The error about a file without bodies.
pub fn no_bodies(path: &Path) -> Error {
    Error::Input(format!("{}: there are no bodies in it; write one row for each", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::{Communicator, solo::Solo, threads};
    use crate::nbody::groups::{BodyFile, BodyGroup, Placement};
    use crate::nbody::initial;
    use crate::nbody::problem::NBodyProblem;
    use crate::particles::Particles;

    fn problem(groups: Vec<BodyGroup>) -> NBodyProblem {
        NBodyProblem { groups, ..NBodyProblem::default() }
    }

    fn shuffled(directory: &tempfile::TempDir) -> BodyGroup {
        let path = directory.path().join("bodies.csv");
        let rows: Vec<String> = (0..23).map(|n| format!("{},1,{n},0,0,0,0,0\n", 100 + 7 * n % 23)).collect();
        std::fs::write(&path, format!("id,mass,x,y,z,vx,vy,vz\n{}", rows.concat())).unwrap();
        let placement = Placement { position: [0.5, 0.0, 0.0], ..Placement::default() };
        BodyGroup::File(BodyFile { path, format: FileFormat::Csv, placement })
    }

    #[test]
    fn bodies_of_a_file_are_the_same_for_every_number_of_ranks() {
        let directory = tempfile::tempdir().unwrap();
        let problem = problem(vec![shuffled(&directory)]);
        let alone = initial::bodies(&problem, &Files, &Solo).unwrap();
        assert_eq!(alone.id, (100..123).collect::<Vec<u64>>());
        assert_eq!(alone.index, (0..23).collect::<Vec<u64>>());
        for (id, x) in alone.id.iter().zip(&alone.position[0]) {
            assert_eq!(100 + 7 * (x - 0.5) as u64 % 23, *id, "the row of the id, moved");
        }
        for size in 1..=8 {
            let mut joined = Particles::default();
            for block in threads::run(size, |comm: &dyn Communicator| initial::bodies(&problem, &Files, comm).unwrap())
            {
                (0..block.len()).for_each(|n| joined.push_row(&block.row(n)));
            }
            assert_eq!(joined, alone, "{size} ranks");
        }
    }

    #[test]
    fn ids_count_through_groups_if_there_are_several() {
        let directory = tempfile::tempdir().unwrap();
        let body = Body { mass: 1.0, position: [0.0; 3], velocity: [0.0; 3] };
        let problem = problem(vec![BodyGroup::Listed(vec![body; 2]), shuffled(&directory)]);
        let bodies = initial::bodies(&problem, &Files, &Solo).unwrap();
        assert_eq!(bodies.id, (0..25).collect::<Vec<u64>>());
        assert_eq!(initial::open(&problem, &Files).unwrap().count(), 25);
    }

    #[test]
    fn all_ranks_return_the_error_of_one_row() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bodies.txt");
        std::fs::write(&path, "1 0 0 0 0 0 0\n1 0 0 0 0 0 nan\n").unwrap();
        let file = BodyFile { path, format: FileFormat::Ascii, placement: Placement::default() };
        let problem = problem(vec![BodyGroup::File(file)]);
        for error in threads::run(3, |comm: &dyn Communicator| initial::bodies(&problem, &Files, comm).unwrap_err()) {
            assert!(error.exit_code() == 2 && error.to_string().contains("bodies.txt:2: vz is NaN"), "{error}");
        }
    }
}
