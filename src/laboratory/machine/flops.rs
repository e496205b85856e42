//! Peak arithmetic of each CPU path: independent chains of multiply-add, enough to fill every pipeline, on values in registers.
//!
//! A fused operation counts as two. The portable path multiplies and adds apart, as the kernels do there. The best of some
//! rounds counts.

use crate::cpu::CpuPath;
use crate::host::topology;
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::sync::Barrier;
use std::time::Instant;

/// Chains: four cycles of latency on two pipelines need eight at least.
const CHAINS: usize = 12;
/// Links of each chain in one round: some milliseconds.
const LINKS: u64 = 400_000;
/// Rounds, of which the best counts.
const ROUNDS: usize = 8;

/// Operations a second on f64.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Flops {
    /// `portable`, `avx2`, `avx512` or `neon`.
    pub path: String,
    /// Threads.
    pub threads: usize,
    /// Additions and multiplications a second.
    pub f64_per_s: f64,
}

/// Measures a path, which this CPU must have, on so many threads.
pub fn measure(path: CpuPath, threads: usize) -> Flops {
    let meeting = Barrier::new(threads);
    let worker = |number: usize| -> Vec<(Instant, Instant, f64)> {
        topology::bind_thread(number);
        let round = |_| {
            meeting.wait();
            let start = Instant::now();
            let operations = chains(path, LINKS);
            (start, Instant::now(), operations)
        };
        (0..ROUNDS).map(round).collect()
    };
    let worker = &worker;
    let rounds: Vec<Vec<_>> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|number| scope.spawn(move || worker(number))).collect();
        started.into_iter().map(|thread| thread.join().expect("arithmetic cannot fail")).collect()
    });
    let rate = |round: usize| {
        let of_round = || rounds.iter().map(|thread| thread[round]);
        let (begin, end) = (of_round().map(|r| r.0).min(), of_round().map(|r| r.1).max());
        let seconds = begin.zip(end).map_or(f64::INFINITY, |(begin, end)| (end - begin).as_secs_f64());
        of_round().map(|r| r.2).sum::<f64>() / seconds.max(1e-9)
    };
    Flops { path: name(path).to_owned(), threads, f64_per_s: (0..ROUNDS).map(rate).fold(0.0, f64::max) }
}

/// Name in the report; NEON is what the portable path of 64-bit ARM is compiled to.
pub fn name(path: CpuPath) -> &'static str {
    if path == CpuPath::Portable && cfg!(target_arch = "aarch64") { "neon" } else { path.name() }
}

/// Runs the chains and returns the number of operations.
fn chains(path: CpuPath, links: u64) -> f64 {
    #[cfg(target_arch = "x86_64")]
    if path > CpuPath::Portable {
        assert!(path <= CpuPath::best(), "the path must be available");
        // SAFETY: the CPU has the instructions of its best path and so of every lower one.
        let lanes = unsafe { if path == CpuPath::Avx512 { x86::chains_512(links) } else { x86::chains_256(links) } };
        return 2.0 * (lanes * CHAINS) as f64 * links as f64;
    }
    let _ = path;
    2.0 * (portable(links) * CHAINS) as f64 * links as f64
}

/// Values of a chain on the portable path: a register of the baseline.
const WIDTH: usize = 2;

/// Returns the values of a chain.
fn portable(links: u64) -> usize {
    let mut sums = black_box([[1.0f64; WIDTH]; CHAINS]);
    let (factor, addend) = (black_box(0.999), black_box(0.001));
    for _ in 0..links {
        for value in sums.as_flattened_mut() {
            *value =
                if cfg!(target_arch = "aarch64") { value.mul_add(factor, addend) } else { *value * factor + addend };
        }
    }
    black_box(sums);
    WIDTH
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{CHAINS, black_box};
    use std::arch::x86_64::{_mm256_fmadd_pd, _mm256_set1_pd, _mm512_fmadd_pd, _mm512_set1_pd};

    /// Returns the values of a chain.
    #[target_feature(enable = "avx512f")]
    pub fn chains_512(links: u64) -> usize {
        let (factor, addend) = (_mm512_set1_pd(black_box(0.999)), _mm512_set1_pd(black_box(0.001)));
        let mut sums = [_mm512_set1_pd(black_box(1.0)); CHAINS];
        for _ in 0..links {
            for sum in &mut sums {
                *sum = _mm512_fmadd_pd(*sum, factor, addend);
            }
        }
        black_box(sums);
        8
    }

    /// Returns the values of a chain.
    #[target_feature(enable = "avx2,fma")]
    pub fn chains_256(links: u64) -> usize {
        let (factor, addend) = (_mm256_set1_pd(black_box(0.999)), _mm256_set1_pd(black_box(0.001)));
        let mut sums = [_mm256_set1_pd(black_box(1.0)); CHAINS];
        for _ in 0..links {
            for sum in &mut sums {
                *sum = _mm256_fmadd_pd(*sum, factor, addend);
            }
        }
        black_box(sums);
        4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_counted_for_every_path() {
        for path in CpuPath::available() {
            let lanes = chains(path, 10) / (2.0 * CHAINS as f64 * 10.0);
            let expected = match path {
                CpuPath::Portable => WIDTH,
                CpuPath::Avx2 => 4,
                CpuPath::Avx512 => 8,
            };
            assert_eq!(lanes, expected as f64, "{path:?}");
            assert!(measure(path, 2).f64_per_s > 1e6, "{path:?}");
        }
    }
}
