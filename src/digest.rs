//! The digest: one BLAKE3 hash of the complete state, the same for every shape of ranks and threads.
//!
//! # What is hashed
//! ```text
//! row    = BLAKE3( cells of the row along x, f64 little-endian )
//! plane  = BLAKE3( hashes of its rows in y order )
//! digest = BLAKE3( "parhelion heat 1" | dimensions, nx, ny, nz as u64 little-endian | hashes of the planes in z order )
//! ```
//! The tree is fixed by the grid alone, so no cut through it can show. Rows are hashed where they are, in parallel; only hashes
//! travel (32 bytes a row along y, 32 bytes a plane along z), and the pieces of rows if x is cut (see [`crate::rows`]).
//!
//! # Refused
//! A hash of the file: an output must not be needed to compare runs. A gather of the volume. A sum or an XOR of cell hashes,
//! which would need no order: it is weaker, and slower than hashing whole rows.

use crate::comm::{Communicator, Incoming, Outgoing};
use crate::decomposition::CartesianDecomposition;
use crate::field::Field;
use crate::grid::UniformGrid;
use crate::rows;
use rayon::prelude::*;

const VERSION: &[u8] = b"parhelion heat 1";
const HASH: usize = blake3::OUT_LEN;
const TAG: u16 = 0x4400;

/// The digest of a field as 64 hexadecimal digits, on every rank. Collective.
pub fn digest(
    grid: &UniformGrid,
    decomposition: &CartesianDecomposition,
    field: &Field,
    comm: &dyn Communicator,
) -> String {
    let rows = row_hashes(decomposition, field, comm);
    let planes = plane_hashes(decomposition, &rows, comm);
    let mut text = match collect_along(2, decomposition, &planes, comm) {
        Some(parts) => final_hash(grid, &parts.concat()).into_bytes(),
        None => Vec::new(),
    };
    comm.broadcast(0, &mut text);
    String::from_utf8(text).expect("hexadecimal digits are text")
}

/// Hashes of this rank's rows, x completed; empty on ranks that are not the first of their rows.
fn row_hashes(decomposition: &CartesianDecomposition, field: &Field, comm: &dyn Communicator) -> Vec<u8> {
    let row_bytes = decomposition.cells[0] * size_of::<f64>();
    let mut hashes: Vec<[u8; HASH]> = Vec::new();
    rows::for_each_batch(decomposition, field, comm, &mut |_, bytes| {
        hashes.par_extend(bytes.par_chunks(row_bytes).map(|row| *blake3::hash(row).as_bytes()));
    });
    hashes.concat()
}

/// Hashes of the planes of this rank, y completed; empty on ranks that are not the first along x and y.
fn plane_hashes(decomposition: &CartesianDecomposition, rows: &[u8], comm: &dyn Communicator) -> Vec<u8> {
    let layers = decomposition.subdomain(comm.rank()).cells[2];
    let Some(parts) = collect_along(1, decomposition, rows, comm) else {
        return Vec::new();
    };
    (0..layers).flat_map(|k| *plane_hash(&parts, k, layers).as_bytes()).collect()
}

fn plane_hash(parts: &[Vec<u8>], layer: usize, layers: usize) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        let plane = part.len() / layers;
        hasher.update(&part[layer * plane..(layer + 1) * plane]);
    }
    hasher.finalize()
}

fn final_hash(grid: &UniformGrid, planes: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(VERSION);
    for number in [grid.dimensions, grid.cells[0], grid.cells[1], grid.cells[2]] {
        hasher.update(&(number as u64).to_le_bytes());
    }
    hasher.update(planes).finalize().to_hex().to_string()
}

/// The hashes of the ranks along `axis` (1 or 2), in order, on the first of them; `None` elsewhere. Takes part only if this rank
/// is first along all lower axes.
fn collect_along(
    axis: usize,
    decomposition: &CartesianDecomposition,
    hashes: &[u8],
    comm: &dyn Communicator,
) -> Option<Vec<Vec<u8>>> {
    let at = decomposition.coordinates(comm.rank());
    if at[..axis].iter().any(|&c| c > 0) {
        return None;
    }
    let line = |c: usize| decomposition.rank_at(std::array::from_fn(|a| if a == axis { c } else { at[a] }));
    if at[axis] > 0 {
        comm.exchange(&[Outgoing { to: line(0), tag: TAG, data: hashes }], &mut [], &mut || ());
        return None;
    }
    let mut parts = vec![hashes.to_vec()];
    let count = |rank: usize| decomposition.subdomain(rank).cells[axis..].iter().product::<usize>() * HASH;
    parts.extend((1..decomposition.dims[axis]).map(|c| vec![0; count(line(c))]));
    receive(comm, &mut parts[1..], line);
    Some(parts)
}

fn receive(comm: &dyn Communicator, parts: &mut [Vec<u8>], line: impl Fn(usize) -> usize) {
    let mut incoming: Vec<Incoming> =
        parts.iter_mut().enumerate().map(|(n, data)| Incoming { from: line(n + 1), tag: TAG, data }).collect();
    comm.exchange(&[], &mut incoming, &mut || ());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::threads;
    use crate::field::Layout;

    fn value([i, j, k]: [usize; 3]) -> f64 {
        (1.0 + i as f64).sqrt() + 100.0 * j as f64 + 1e4 * k as f64
    }

    fn sample(
        decomposition: &CartesianDecomposition,
        rank: usize,
        halo: usize,
        value: impl Fn([usize; 3]) -> f64,
    ) -> Field {
        let part = decomposition.subdomain(rank);
        let mut field = Field::zeros(Layout::new(part.cells, [[halo; 2]; 3]));
        for ((k, j, i), cell) in field.view_mut().indexed_iter_mut() {
            *cell = value([i + part.start[0], j + part.start[1], k + part.start[2]]);
        }
        field
    }

    fn digest_on(cells: &[usize], dims: [usize; 3], value: impl Fn([usize; 3]) -> f64 + Sync) -> String {
        let grid = UniformGrid::new(cells, &vec![1.0; cells.len()]);
        let ranks = dims.iter().product();
        let decomposition = CartesianDecomposition::new(grid.cells, [false; 3], ranks, Some(dims)).unwrap();
        let digests = threads::run(ranks, |comm: &dyn Communicator| {
            let field = sample(&decomposition, comm.rank(), comm.rank() % 3, &value);
            digest(&grid, &decomposition, &field, comm)
        });
        assert!(digests.iter().all(|d| *d == digests[0] && d.len() == 64));
        digests[0].clone()
    }

    fn shapes(ranks: usize, deep: bool) -> Vec<[usize; 3]> {
        let divisors = move |n: usize| (1..=n).filter(move |d| n.is_multiple_of(*d));
        divisors(ranks)
            .flat_map(|px| divisors(ranks / px).map(move |py| [px, py, ranks / px / py]))
            .filter(|dims| deep || dims[2] == 1)
            .collect()
    }

    #[test]
    fn does_not_depend_on_the_decomposition() {
        for cells in [vec![11, 9], vec![10, 8, 9]] {
            let expected = digest_on(&cells, [1; 3], value);
            for dims in (2..=8).flat_map(|ranks| shapes(ranks, cells.len() == 3)) {
                assert_eq!(digest_on(&cells, dims, value), expected, "{cells:?} on {dims:?}");
            }
        }
    }

    #[test]
    fn sees_one_flipped_bit() {
        let flipped = |cell: [usize; 3]| {
            let bits = value(cell).to_bits();
            f64::from_bits(if cell == [3, 4, 5] { bits ^ 1 } else { bits })
        };
        let cells = [7, 6, 8];
        assert_ne!(digest_on(&cells, [1; 3], value), digest_on(&cells, [1; 3], flipped));
        assert_ne!(digest_on(&cells, [1; 3], |_| 0.0), digest_on(&cells, [1; 3], |_| -0.0));
    }

    #[test]
    fn sees_swapped_axes_and_the_number_of_dimensions() {
        let cells = [6, 6, 6];
        let straight = digest_on(&cells, [1; 3], value);
        assert_ne!(straight, digest_on(&cells, [1; 3], |[i, j, k]| value([j, i, k])));
        assert_ne!(straight, digest_on(&cells, [1; 3], |[i, j, k]| value([i, k, j])));
        assert_ne!(digest_on(&[6, 4], [1; 3], |_| 1.0), digest_on(&[4, 6], [1; 3], |_| 1.0));
        assert_ne!(digest_on(&[6, 4], [1; 3], |_| 1.0), digest_on(&[6, 4, 1], [1; 3], |_| 1.0));
    }

    #[test]
    fn long_rows_go_in_several_batches() {
        let cells = [200_000, 6];
        let expected = digest_on(&cells, [1; 3], value);
        assert!(rows::rows_per_batch(cells[0] * 8) < 6);
        assert_eq!(digest_on(&cells, [3, 1, 1], value), expected);
        assert_eq!(digest_on(&cells, [2, 2, 1], value), expected);
    }
}
