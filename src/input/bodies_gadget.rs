//! Bodies of a snapshot in GADGET's layout of HDF5 (Springel et al. 2021). Needs the cargo feature `hdf5`.
//!
//! Read are `Coordinates`, `Velocities`, `ParticleIDs`, and `Masses` or the entry of `MassTable`, of every `PartType0` to `PartType5` that there is;
//! the numbers are taken as those of the deck's units, whatever the file says of its own. A snapshot of several files is read whole if
//! the deck names one of them, `name.0.hdf5`. Opening checks all shapes against what is stored, and reads and sorts the ids (8 bytes
//! each); reading goes through the files in batches and keeps the bodies asked for, as [`super::bodies_text`] does.

use super::bodies::{body_of, no_bodies};
use super::npy::open_regular;
use crate::error::{Error, Result};
use crate::nbody::groups::Body;
use crate::nbody::initial::BodyRows;
use hdf5_metno::{Dataset, File, Group, H5Type};
use ndarray::s;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Types of particles that the layout knows.
const TYPES: usize = 6;
/// Bodies of one read.
const BATCH: usize = 1 << 16;
/// Deflate packs at most a thousandfold; a dataset that claims more than that was never written.
const BEST_COMPRESSION: u64 = 1100;
/// Most files of a snapshot.
const MOST_FILES: u64 = 1 << 20;

type Outcome<T> = hdf5_metno::Result<T>;

/// An open snapshot.
#[derive(Debug)]
pub struct GadgetBodies {
    parts: Vec<Part>,
    ids: Vec<u64>,
}

/// The bodies of one type in one file.
#[derive(Debug)]
struct Part {
    path: PathBuf,
    count: usize,
    coordinates: Dataset,
    velocities: Dataset,
    ids: Dataset,
    masses: Masses,
}

#[derive(Debug)]
enum Masses {
    Each(Dataset),
    All(f64),
}

impl GadgetBodies {
    /// Opens a snapshot and checks it.
    ///
    /// # Errors
    /// Exit code 2, naming file, what was found and the fix.
    pub fn open(path: &Path) -> Result<GadgetBodies> {
        let mut parts = Vec::new();
        for file in files_of(path)? {
            parts.extend(parts_of(&file)?);
        }
        let mut ids = Vec::new();
        for part in &parts {
            ids.extend(part.ids.read_raw::<u64>().map_err(|cause| unreadable(&part.path, &cause))?);
        }
        if ids.is_empty() {
            return Err(no_bodies(path));
        }
        ids.sort_unstable();
        match ids.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(refused(path, &format!("two bodies have the id {}; give every body its own", pair[0]))),
            None => Ok(GadgetBodies { parts, ids }),
        }
    }
}

impl BodyRows for GadgetBodies {
    fn count(&self) -> u64 {
        self.ids.len() as u64
    }

    fn has_ids(&self) -> bool {
        true
    }

    fn read(&self, rows: Range<u64>, take: &mut dyn FnMut(u64, Body)) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let names = self.ids[rows.start as usize]..=self.ids[rows.end as usize - 1];
        let mut kept = Vec::new();
        for part in &self.parts {
            for start in (0..part.count).step_by(BATCH) {
                let batch = start..(start + BATCH).min(part.count);
                for (id, values) in part.rows(batch).map_err(|cause| unreadable(&part.path, &cause))? {
                    if names.contains(&id) {
                        let body = body_of(&values);
                        let body = body.map_err(|what| refused(&part.path, &format!("body of id {id}: {what}")))?;
                        kept.push((id, body));
                    }
                }
            }
        }
        kept.sort_by_key(|(id, _)| *id);
        kept.into_iter().for_each(|(id, body)| take(id, body));
        Ok(())
    }
}

impl Part {
    fn rows(&self, batch: Range<usize>) -> Outcome<Vec<(u64, [f64; 7])>> {
        let Range { start, end } = batch;
        let places = self.coordinates.read_slice_2d::<f64, _>(s![start..end, ..])?;
        let speeds = self.velocities.read_slice_2d::<f64, _>(s![start..end, ..])?;
        let ids = self.ids.read_slice_1d::<u64, _>(s![start..end])?;
        let masses = match &self.masses {
            Masses::Each(dataset) => dataset.read_slice_1d::<f64, _>(s![start..end])?.to_vec(),
            Masses::All(mass) => vec![*mass; end - start],
        };
        let row = |n: usize| {
            let vector = |values: &ndarray::Array2<f64>| [values[(n, 0)], values[(n, 1)], values[(n, 2)]];
            let ([x, y, z], [u, v, w]) = (vector(&places), vector(&speeds));
            (ids[n], [masses[n], x, y, z, u, v, w])
        };
        Ok((0..end - start).map(row).collect())
    }
}

/// The files of a snapshot in their order.
fn files_of(path: &Path) -> Result<Vec<PathBuf>> {
    let file = open_file(path)?;
    let count = attribute::<u64>(&file, "NumFilesPerSnapshot").map_err(|cause| unreadable(path, &cause))?;
    let count = count.first().copied().unwrap_or(1);
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let pieces: Vec<&str> = name.rsplitn(3, '.').collect();
    match pieces.as_slice() {
        _ if count <= 1 => Ok(vec![path.to_owned()]),
        [extension, number, stem] if number.parse::<u64>().is_ok() && count <= MOST_FILES => {
            Ok((0..count).map(|n| path.with_file_name(format!("{stem}.{n}.{extension}"))).collect())
        }
        _ => {
            let what = format!("a snapshot of {count} files, but this is not name.0.hdf5; give the files their names");
            Err(refused(path, &what))
        }
    }
}

fn open_file(path: &Path) -> Result<File> {
    open_regular(path)?;
    File::open(path).map_err(|_| refused(path, "this is no HDF5 file, or it is truncated; write it again"))
}

fn parts_of(path: &Path) -> Result<Vec<Part>> {
    let file = open_file(path)?;
    let masses = attribute::<f64>(&file, "MassTable").map_err(|cause| unreadable(path, &cause))?;
    let mut parts = Vec::new();
    for kind in 0..TYPES {
        if let Ok(group) = file.group(&format!("PartType{kind}")) {
            let usual = masses.get(kind).copied().filter(|mass| *mass != 0.0);
            parts.push(part(path, &group, kind, usual)?);
        }
    }
    Ok(parts)
}

fn part(path: &Path, group: &Group, kind: usize, usual_mass: Option<f64>) -> Result<Part> {
    let dataset = |name: &str| {
        let missing = format!("PartType{kind} has no {name}; it is needed");
        group.dataset(name).map_err(|_| refused(path, &missing))
    };
    let [coordinates, velocities, ids] = [dataset("Coordinates")?, dataset("Velocities")?, dataset("ParticleIDs")?];
    let count = ids.shape().first().copied().unwrap_or(0);
    let masses = match usual_mass {
        Some(mass) => Masses::All(mass),
        None => Masses::Each(dataset("Masses")?),
    };
    let mut expected = vec![(&coordinates, vec![count, 3]), (&velocities, vec![count, 3]), (&ids, vec![count])];
    if let Masses::Each(masses) = &masses {
        expected.push((masses, vec![count]));
    }
    for (dataset, shape) in expected {
        check_shape(path, dataset, &shape)?;
    }
    Ok(Part { path: path.to_owned(), count, coordinates, velocities, ids, masses })
}

fn check_shape(path: &Path, dataset: &Dataset, shape: &[usize]) -> Result<()> {
    let name = dataset.name();
    if dataset.shape() != shape {
        let what = format!("{name} has the shape {:?}, not {shape:?}; write one row for each body", dataset.shape());
        return Err(refused(path, &what));
    }
    let values: u128 = shape.iter().map(|&n| n as u128).product();
    if values > u128::from(dataset.storage_size()) * u128::from(BEST_COMPRESSION) {
        let what =
            format!("{name} promises {values} numbers but stores {} bytes; write it again", dataset.storage_size());
        return Err(refused(path, &what));
    }
    Ok(())
}

/// An attribute of the header; empty if it is not there.
fn attribute<T: H5Type>(file: &File, name: &str) -> Outcome<Vec<T>> {
    match file.group("Header").and_then(|header| header.attr(name)) {
        Ok(attribute) => attribute.read_raw(),
        Err(_) => Ok(Vec::new()),
    }
}

fn refused(path: &Path, what: &str) -> Error {
    Error::Input(format!("{}: {what}", path.display()))
}

fn unreadable(path: &Path, cause: &hdf5_metno::Error) -> Error {
    let cause = cause.to_string();
    refused(path, &format!("it cannot be read as a snapshot of GADGET: {}", cause.lines().next().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array2};

    /// Writes bodies `ids` as type 1, their masses equal to their ids; all in one file if `files` is 1.
    fn written(path: &Path, files: i32, ids: &[u64], change: impl Fn(&Group)) {
        let file = File::create(path).unwrap();
        let header = file.create_group("Header").unwrap();
        header.new_attr::<i32>().create("NumFilesPerSnapshot").unwrap().write_scalar(&files).unwrap();
        let group = file.create_group("PartType1").unwrap();
        let vectors = Array2::from_shape_fn((ids.len(), 3), |(n, axis)| ids[n] as f64 + 0.25 * axis as f64);
        for name in ["Coordinates", "Velocities"] {
            group.new_dataset_builder().with_data(&vectors).create(name).unwrap();
        }
        let masses: Array1<f32> = ids.iter().map(|&id| id as f32).collect();
        group.new_dataset_builder().with_data(&masses).create("Masses").unwrap();
        let ids: Array1<u32> = ids.iter().map(|&id| id as u32).collect();
        group.new_dataset_builder().with_data(&ids).create("ParticleIDs").unwrap();
        change(&group);
    }

    fn read(path: &Path, rows: Range<u64>) -> Result<Vec<(u64, Body)>> {
        let (file, mut rows_read) = (GadgetBodies::open(path)?, Vec::new());
        file.read(rows, &mut |id, body| rows_read.push((id, body)))?;
        Ok(rows_read)
    }

    #[test]
    fn bodies_of_several_files_come_in_the_order_of_ids() {
        let directory = tempfile::tempdir().unwrap();
        let path = |n: usize| directory.path().join(format!("snapshot.{n}.hdf5"));
        written(&path(0), 2, &[7, 3], |_| ());
        written(&path(1), 2, &[5, 1, 9], |_| ());
        let bodies = read(&path(0), 0..5).unwrap();
        assert_eq!(bodies.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1, 3, 5, 7, 9]);
        for (id, body) in &bodies {
            let vector = [0.0, 0.25, 0.5].map(|x| *id as f64 + x);
            assert_eq!(*body, Body { mass: *id as f64, position: vector, velocity: vector });
        }
        assert_eq!(read(&path(0), 1..3).unwrap(), bodies[1..3]);
    }

    #[test]
    fn what_is_no_snapshot_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bad.hdf5");
        let refused = |word: &str| {
            let error = read(&path, 0..1).unwrap_err();
            assert!(error.exit_code() == 2 && error.to_string().contains(word), "{error} does not say {word}");
            assert!(error.to_string().contains("bad.hdf5") && !error.to_string().contains('\n'), "{error}");
        };
        std::fs::write(&path, "no HDF5").unwrap();
        refused("no HDF5 file");
        written(&path, 1, &[1, 2, 1], |_| ());
        refused("two bodies have the id 1");
        written(&path, 1, &[], |_| ());
        refused("no bodies");
        written(&path, 3, &[1], |_| ());
        refused("snapshot of 3 files");
        written(&path, 1, &[1, 2], |group| group.unlink("Velocities").unwrap());
        refused("PartType1 has no Velocities");
        written(&path, 1, &[1, 2], |group| {
            group.unlink("Masses").unwrap();
            group.new_dataset_builder().with_data(&Array1::from(vec![-1.0, 1.0])).create("Masses").unwrap();
        });
        refused("body of id 1: mass is -1");
        written(&path, 1, &[1, 2], |group| {
            group.unlink("Masses").unwrap();
            group.new_dataset_builder().with_data(&Array1::from(vec![1.0])).create("Masses").unwrap();
        });
        refused("has the shape [1], not [2]");
        written(&path, 1, &[1], |group| {
            for (name, shape) in
                [("Coordinates", vec![1 << 60, 3]), ("Velocities", vec![1 << 60, 3]), ("ParticleIDs", vec![1 << 60])]
            {
                group.unlink(name).unwrap();
                let chunk: Vec<usize> = shape.iter().map(|&n| n.min(3)).collect();
                group.new_dataset::<u64>().chunk(chunk).shape(shape).create(name).unwrap();
            }
            group.unlink("Masses").unwrap();
            group.new_dataset::<f64>().chunk(3).shape(1usize << 60).create("Masses").unwrap();
        });
        refused("but stores 0 bytes");
    }
}
