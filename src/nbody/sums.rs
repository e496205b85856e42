//! Exact sums over the bodies of all ranks: several figures of every body in one pass.
//!
//! A first pass finds the largest magnitude of every figure, which sets the scales (see [`crate::reproducible`]); a second one adds.
//! A figure that overflows on some body makes its own sum infinite and leaves the others as they are.

use crate::comm::sum::all_sum_exact;
use crate::comm::{Communicator, ReduceOp};
use crate::reproducible::{ExactSum, Scale};
use rayon::prelude::*;

/// Bodies that one task takes.
const CHUNK: usize = 4096;

/// Sums of `N` figures per body, `figures(body)` for the local bodies `0..count`. Collective; the same bits for every shape.
pub fn exact_sums<const N: usize>(
    count: usize,
    figures: impl Fn(usize) -> [f64; N] + Sync,
    comm: &dyn Communicator,
) -> [f64; N] {
    let largest = largest_magnitudes(count, &figures, comm);
    let scales = largest.map(|m| Scale::covering(if m.is_finite() { m } else { 0.0 }));
    let zero = || scales.map(ExactSum::new);
    let of_chunk = |chunk: usize| {
        let mut sums = zero();
        for body in bodies_of(chunk, count) {
            let figures = figures(body);
            for n in (0..N).filter(|&n| largest[n].is_finite()) {
                sums[n].add(figures[n]);
            }
        }
        sums
    };
    let merge = |mut a: [ExactSum; N], b: [ExactSum; N]| {
        a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        a
    };
    let mut sums = (0..count.div_ceil(CHUNK)).into_par_iter().map(of_chunk).reduce(zero, merge);
    all_sum_exact(comm, &mut sums);
    std::array::from_fn(|n| if largest[n].is_finite() { sums[n].value() } else { f64::INFINITY })
}

/// Largest magnitude of each of `N` figures over the bodies of all ranks; infinite if one is not a number. Collective.
pub fn largest_magnitudes<const N: usize>(
    count: usize,
    figures: &(impl Fn(usize) -> [f64; N] + Sync),
    comm: &dyn Communicator,
) -> [f64; N] {
    let larger = |a: [f64; N], b: [f64; N]| std::array::from_fn(|n| a[n].max(b[n]));
    let of_body = |body: usize| figures(body).map(|x| if x.is_nan() { f64::INFINITY } else { x.abs() });
    let of_chunk = |chunk: usize| bodies_of(chunk, count).map(of_body).fold([0.0; N], larger);
    let mut largest = (0..count.div_ceil(CHUNK)).into_par_iter().map(of_chunk).reduce(|| [0.0; N], larger);
    comm.all_reduce(ReduceOp::Max, &mut largest);
    largest
}

fn bodies_of(chunk: usize, count: usize) -> std::ops::Range<usize> {
    chunk * CHUNK..((chunk + 1) * CHUNK).min(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::solo::Solo;
    use crate::comm::threads;

    #[test]
    fn any_distribution_gives_the_same_bits() {
        let figures = |n: usize| [(n as f64).sin(), 1e20 * (n as f64).cos(), 1.0];
        let expected = exact_sums(10_000, figures, &Solo);
        assert_eq!(expected[2], 10_000.0);
        let plain: f64 = (0..10_000).map(|n| (n as f64).sin()).sum();
        // A plain sum of n numbers of at most 1 is off by n eps times its largest partial sum, here below 2.
        assert!((expected[0] - plain).abs() < 1e-11);
        for size in 2..=4 {
            let all = threads::run(size, |comm: &dyn Communicator| {
                let own: Vec<usize> = (0..10_000).rev().filter(|n| n % 7 % size == comm.rank()).collect();
                exact_sums(own.len(), |n| figures(own[n]), comm)
            });
            assert!(all.iter().all(|sums| sums.map(f64::to_bits) == expected.map(f64::to_bits)));
        }
    }

    #[test]
    fn an_overflow_stays_in_its_own_sum() {
        let sums = exact_sums(3, |n| [1.0, if n == 1 { f64::NAN } else { 2.0 }], &Solo);
        assert_eq!(sums, [3.0, f64::INFINITY]);
        assert_eq!(exact_sums(0, |_| [1.0], &Solo), [0.0]);
    }
}
