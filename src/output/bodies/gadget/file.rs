//! The files of a snapshot in GADGET's layout, by the HDF5 library.

use crate::bytes::{self, F64};
use crate::error::{Error, Result};
use crate::index_order::IndexOrder;
use crate::output::atomic;
use crate::output::bodies::npy::WORDS;
use crate::output::bodies::units::Units;
use crate::output::snapshot::SeriesEntry;
use crate::particles::Particles;
use hdf5_metno::{Dataset, File, Group, H5Type};
use ndarray::{Array1, Array2};
use std::path::Path;

/// Types of particles that the layout knows.
const TYPES: usize = 6;
/// The type of bodies: collisionless.
const BODIES: usize = 1;

type Outcome<T> = hdf5_metno::Result<T>;

/// As [`super::write`].
pub fn write(order: &IndexOrder, directory: &Path, entry: SeriesEntry, units: &Units) -> Result<u64> {
    let comm = order.comm();
    let own = order.own();
    let path = directory.join(format!("snapshot_{:08}.{}.hdf5", entry.step, comm.rank()));
    let length = (own.end - own.start) * (WORDS * F64) as u64;
    let written = atomic::write_by_name(comm, &path, length, |temporary| {
        let file = File::create(temporary).and_then(|file| write_header(&file, order, entry, units).map(|()| file));
        write_bodies(file, order).map_err(|cause| Error::io("write", &path, cause))
    })?;
    let mut bytes = [written as i64];
    comm.all_sum(&mut bytes);
    Ok(bytes[0] as u64)
}

fn write_header(file: &File, order: &IndexOrder, entry: SeriesEntry, units: &Units) -> Outcome<()> {
    let own = order.own();
    let of_bodies = |count: u64| {
        let mut counts = [0u32; TYPES];
        counts[BODIES] = count as u32;
        counts
    };
    let header = file.create_group("Header")?;
    list(&header, "NumPart_ThisFile", of_bodies(own.end - own.start))?;
    list(&header, "NumPart_Total", of_bodies(order.total() & 0xffff_ffff))?;
    list(&header, "NumPart_Total_HighWord", of_bodies(order.total() >> 32))?;
    list(&header, "MassTable", [0.0; TYPES])?;
    for (name, value) in [("Time", entry.time), ("Redshift", 0.0), ("BoxSize", 0.0)] {
        number(&header, name, value)?;
    }
    number(&header, "NumFilesPerSnapshot", order.comm().size() as i32)?;
    for group in ["Units", "Parameters"] {
        let group = file.create_group(group)?;
        let names = ["UnitLength_in_cm", "UnitMass_in_g", "UnitVelocity_in_cm_per_s"];
        names.iter().zip(units.cgs).try_for_each(|(name, size)| number(&group, name, size))?;
    }
    Ok(())
}

fn number<T: H5Type>(group: &Group, name: &str, value: T) -> Outcome<()> {
    group.new_attr::<T>().create(name)?.write_scalar(&value)
}

fn list<T: H5Type + Copy>(group: &Group, name: &str, values: [T; TYPES]) -> Outcome<()> {
    group.new_attr::<T>().shape(TYPES).create(name)?.write(&Array1::from(values.to_vec()))
}

/// Writes all datasets. All messages are exchanged even if writing fails.
fn write_bodies(file: Outcome<File>, order: &IndexOrder) -> Outcome<()> {
    let group = file.and_then(|file| file.create_group(&format!("PartType{BODIES}")));
    let mut datasets = Datasets { order, group };
    let bits = |vector: [f64; 3]| vector.map(f64::to_bits);
    datasets.vectors("Coordinates", |b, n| bits(b.position_of(n)));
    datasets.vectors("Velocities", |b, n| bits(b.velocity_of(n)));
    datasets.vectors("Acceleration", |b, n| bits(b.acceleration_of(n)));
    datasets.scalars("Masses", |b, n| b.mass[n], f64::from_bits, f64::to_bits);
    datasets.scalars("Potential", |b, n| b.potential[n], f64::from_bits, f64::to_bits);
    datasets.scalars("ParticleIDs", |b, n| b.id[n], |word| word, |id| id);
    datasets.group.map(|_| ())
}

/// Writes values of this rank's bodies, one dataset after the other. The first failure stays.
struct Datasets<'a, 'o> {
    order: &'a IndexOrder<'o>,
    group: Outcome<Group>,
}

impl Datasets<'_, '_> {
    fn vectors(&mut self, name: &str, words: impl Fn(&Particles, usize) -> [u64; 3] + Sync) {
        let order = self.order;
        let count = order.own().end - order.own().start;
        let dataset = self.create::<f64>(name, &[count as usize, 3]);
        order.for_each_batch(words, &mut |first, bytes| {
            let values: Vec<f64> = bytes::decode(bytes).collect();
            let start = (first - order.own().start) as usize;
            self.put(&dataset, |dataset| {
                let rows = values.len() / 3;
                let array = Array2::from_shape_vec((rows, 3), values)
                    .map_err(|cause| hdf5_metno::Error::from(cause.to_string()))?;
                dataset.write_slice(&array, (start..start + rows, ..))
            });
        });
    }

    fn scalars<T: H5Type>(
        &mut self,
        name: &str,
        value: impl Fn(&Particles, usize) -> T + Sync,
        from_word: impl Fn(u64) -> T,
        to_word: impl Fn(T) -> u64 + Sync,
    ) {
        let order = self.order;
        let count = order.own().end - order.own().start;
        let dataset = self.create::<T>(name, &[count as usize]);
        let words = |bodies: &Particles, body: usize| [to_word(value(bodies, body))];
        order.for_each_batch(words, &mut |first, bytes| {
            let words = bytes.as_chunks::<F64>().0;
            let values: Array1<T> = words.iter().map(|word| from_word(u64::from_le_bytes(*word))).collect();
            let start = (first - order.own().start) as usize;
            self.put(&dataset, |dataset| dataset.write_slice(&values, start..start + values.len()));
        });
    }

    /// A dataset of this shape; `None` after a failure.
    fn create<T: H5Type>(&mut self, name: &str, shape: &[usize]) -> Option<Dataset> {
        let group = self.group.as_ref().ok()?;
        match group.new_dataset::<T>().shape(shape).create(name) {
            Ok(dataset) => Some(dataset),
            Err(cause) => {
                self.group = Err(cause);
                None
            }
        }
    }

    fn put(&mut self, dataset: &Option<Dataset>, write: impl FnOnce(&Dataset) -> Outcome<()>) {
        if let (Some(dataset), true) = (dataset, self.group.is_ok())
            && let Err(cause) = write(dataset)
        {
            self.group = Err(cause);
        }
    }
}
