//! Exact sums over ranks.

use super::Communicator;
use crate::reproducible::ExactSum;

/// Adds up the accumulators of all ranks, element by element, in place on all of them.
pub fn all_sum_exact(comm: &dyn Communicator, sums: &mut [ExactSum]) {
    let mut pieces: Vec<i64> = sums.iter().flat_map(ExactSum::pieces).collect();
    comm.all_sum(&mut pieces);
    for (sum, pieces) in sums.iter_mut().zip(pieces.chunks_exact(4)) {
        sum.set_pieces(pieces);
    }
}
