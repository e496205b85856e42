//! Snapshots as numpy arrays in the order of ids, each written by all ranks at their offsets: `positions.npy`, `velocities.npy` and
//! `accelerations.npy` of shape (N, 3), `masses.npy` and `potentials.npy` of shape (N), all `<f8`, and `ids.npy`, `<u8`.
//!
//! One file per quantity, as users load them: `numpy.load("positions.npy")`. Refused: one array of records, which most programs take
//! apart first.

use crate::bytes::F64;
use crate::error::{Error, Result};
use crate::index_order::IndexOrder;
use crate::output::{atomic, disk};
use crate::particles::Particles;
use ndarray_npy::WritableElement;
use ndarray_npy::npy::header::{Header, Layout};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Words of a body in all arrays together.
pub const WORDS: usize = 12;

/// Names of the arrays.
pub const ARRAYS: [&str; 6] = ["positions", "velocities", "accelerations", "masses", "potentials", "ids"];

/// Writes all arrays and returns the bytes of all ranks. Collective.
///
/// # Errors
/// Exit code 3, the same on all ranks.
pub fn write(order: &IndexOrder, directory: &Path) -> Result<u64> {
    let bits = |vector: [f64; 3]| vector.map(f64::to_bits);
    let path = |array: usize| directory.join(ARRAYS[array]).with_extension("npy");
    Ok(write_array::<f64, 3>(order, &path(0), |b, n| bits(b.position_of(n)))?
        + write_array::<f64, 3>(order, &path(1), |b, n| bits(b.velocity_of(n)))?
        + write_array::<f64, 3>(order, &path(2), |b, n| bits(b.acceleration_of(n)))?
        + write_array::<f64, 1>(order, &path(3), |b, n| [b.mass[n].to_bits()])?
        + write_array::<f64, 1>(order, &path(4), |b, n| [b.potential[n].to_bits()])?
        + write_array::<u64, 1>(order, &path(5), |b, n| [b.id[n]])?)
}

/// Writes `W` words of every body as one array of values of type `T`, which has 8 bytes.
fn write_array<T: WritableElement, const W: usize>(
    order: &IndexOrder,
    path: &Path,
    words: impl Fn(&Particles, usize) -> [u64; W] + Sync,
) -> Result<u64> {
    let header = header::<T>(order.total() as usize, W)?;
    let length = header.len() as u64 + order.total() * (W * F64) as u64;
    atomic::write_shared(order.comm(), path, length, |file| {
        let mut outcome = if order.comm().rank() == 0 { file.write_all_at(&header, 0) } else { Ok(()) };
        order.for_each_batch(words, &mut |first, bytes| {
            if outcome.is_ok() {
                let start = header.len() as u64 + first * (W * F64) as u64;
                outcome = file.write_all_at(bytes, start);
                disk::begin_to_write(file, start, bytes.len() as u64);
            }
        });
        outcome
    })?;
    Ok(length)
}

fn header<T: WritableElement>(rows: usize, width: usize) -> Result<Vec<u8>> {
    let shape = if width == 1 { vec![rows] } else { vec![rows, width] };
    let header = Header { type_descriptor: T::type_descriptor(), layout: Layout::Standard, shape };
    header.to_bytes().map_err(|cause| Error::Defect(format!("cannot form the header of an .npy file: {cause}")))
}
