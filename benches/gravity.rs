//! Pairs of bodies a second against the arithmetic bound of the machine, measured in the same run.
//!
//! `cargo bench --bench gravity` prints for each CPU path and arithmetic: direct summation of 65,536 bodies on one and on two
//! threads, calls of the size of a tree's leaves (64 targets, 64 sources), and the share of the bound. The bound is the rate at
//! which the instructions that are scarcest in the loop can be started at all: multiplications (fused or not) for the fast
//! arithmetic, root and quotient for the portable one.

use parhelion::comm::solo::Solo;
use parhelion::cpu::CpuPath;
use parhelion::nbody::direct::DirectSum;
use parhelion::nbody::force::Forces;
use parhelion::nbody::gravity::{LANES, PairKernel, Sources, Tile};
use parhelion::nbody::pair_force::NOBODY;
use parhelion::nbody::problem::{Gravity, Method, Precision, Softening};
use parhelion::particles::Particles;
use std::hint::black_box;
use std::time::Instant;

const BODIES: usize = 65_536;
const LEAF: usize = 64;

/// `PART=512`: one of so many bodies is a target, 16 if not said. On a machine that does other things too, short evaluations are more
/// likely to run undisturbed, but their share of copies shows.
fn part() -> usize {
    std::env::var("PART").ok().and_then(|text| text.parse().ok()).unwrap_or(16)
}

fn gravity(precision: Precision, portable_bits: bool) -> Gravity {
    let softening = Softening::Plummer(1e-3);
    Gravity { constant: 1.0, method: Method::Direct, accuracy: 1e-3, softening, precision, portable_bits }
}

fn bodies(count: usize) -> Particles {
    let mut bodies = Particles::with_capacity(count);
    for n in 0..count {
        let position = [0.819_172_513, 0.671_043_607, 0.549_700_478].map(|alpha| (0.5 + n as f64 * alpha).fract());
        bodies.push(n as u64, n as u64, 1.0 / count as f64, position, [0.0; 3]);
    }
    bodies
}

/// Seconds of the fastest of some calls.
fn fastest(calls: usize, mut work: impl FnMut()) -> f64 {
    let time = |_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    };
    (0..calls).map(time).fold(f64::INFINITY, f64::min)
}

/// Pairs a second of direct summation of some of the bodies over all of them.
fn direct(gravity: &Gravity, path: CpuPath, threads: usize) -> f64 {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");
    let (mut all, mut sum) = (bodies(BODIES), DirectSum::new(gravity, path));
    (0..BODIES).step_by(part()).for_each(|n| all.level[n] = 1);
    let mut evaluate = || sum.evaluate(&mut all, 1, &Solo).expect("finite forces");
    (BODIES * (BODIES / part())) as f64 / fastest(2 + part() / 4, || pool.install(&mut evaluate))
}

/// Pairs a second of calls of the size of a tree's leaves, on one thread.
fn leaves(gravity: &Gravity, path: CpuPath) -> f64 {
    let (kernel, all) = (PairKernel::new(gravity, path), bodies(64 * LEAF));
    let mut tiles = [Tile::default(); LEAF / LANES];
    let seconds = fastest(20, || {
        for leaf in 0..64 {
            let range = leaf * LEAF..(leaf + 1) * LEAF;
            let position = std::array::from_fn(|axis| &all.position[axis][range.clone()]);
            let sources = Sources { position, mass: &all.mass[range.clone()] };
            kernel.add_others(&mut tiles, &[[NOBODY; LANES]; LEAF / LANES], sources);
        }
        black_box(&tiles);
    });
    (64 * LEAF * LEAF) as f64 / seconds
}

/// Pairs a second that the scarcest instructions would allow, on one thread.
fn bound(portable_bits: bool, precision: Precision, path: CpuPath) -> Option<f64> {
    #[cfg(target_arch = "x86_64")]
    if path > CpuPath::Portable {
        // SAFETY: the path is available.
        return Some(unsafe { peak::bound(portable_bits, precision, path) });
    }
    let _ = (portable_bits, precision, path);
    None
}

#[cfg(target_arch = "x86_64")]
mod peak {
    use super::*;
    use std::arch::x86_64::*;

    /// Independent chains of one instruction: more than its latency times its rate.
    const CHAINS: usize = 12;
    const TIMES: usize = 20_000;

    macro_rules! rate {
        ($name:ident, $features:literal, $splat:ident, |$x:ident, $y:ident| $step:expr) => {
            #[target_feature(enable = $features)]
            unsafe fn $name() -> f64 {
                let $y = $splat(black_box(0.9999));
                let mut chains = [1.1; CHAINS].map(|start| $splat(black_box(start)));
                let seconds = fastest(20, || {
                    for _ in 0..TIMES {
                        chains.iter_mut().for_each(|chain| {
                            let $x = *chain;
                            *chain = $step;
                        });
                    }
                });
                black_box(chains);
                (CHAINS * TIMES) as f64 / seconds
            }
        };
    }

    rate!(fused_256, "avx2,fma", _mm256_set1_pd, |x, y| _mm256_fmadd_pd(x, y, y));
    rate!(root_256, "avx2,fma", _mm256_set1_pd, |x, y| {
        let _ = y;
        _mm256_sqrt_pd(x)
    });
    rate!(quotient_256, "avx2,fma", _mm256_set1_pd, |x, y| _mm256_div_pd(y, x));
    rate!(fused_512, "avx512f", _mm512_set1_pd, |x, y| _mm512_fmadd_pd(x, y, y));
    rate!(root_512, "avx512f", _mm512_set1_pd, |x, y| {
        let _ = y;
        _mm512_sqrt_pd(x)
    });
    rate!(quotient_512, "avx512f", _mm512_set1_pd, |x, y| _mm512_div_pd(y, x));

    /// # Safety
    /// The path is available and not the portable one.
    pub unsafe fn bound(portable_bits: bool, precision: Precision, path: CpuPath) -> f64 {
        // SAFETY: the caller's promise.
        let [fused_4, root_4, quotient_4] = unsafe { [fused_256(), root_256(), quotient_256()] };
        match (precision, portable_bits, path) {
            // Multiplications of a vector of eight 32-bit numbers; a root and a quotient take half the time of 64-bit ones.
            (Precision::Single, false, _) => 8.0 * fused_4 / 13.0,
            (Precision::Single, true, _) => 8.0 / (1.0 / root_4 + 1.0 / quotient_4),
            (Precision::Double, false, CpuPath::Avx2) => 4.0 * fused_4 / 16.0,
            (Precision::Double, true, CpuPath::Avx2) => 4.0 / (1.0 / root_4 + 1.0 / quotient_4),
            // SAFETY: the caller's promise.
            (Precision::Double, false, _) => 8.0 * unsafe { fused_512() } / 15.0,
            // SAFETY: the caller's promise.
            (Precision::Double, true, _) => 8.0 / unsafe { 1.0 / root_512() + 1.0 / quotient_512() },
        }
    }
}

fn case(name: &str, precision: Precision, portable_bits: bool, path: CpuPath) {
    let gravity = gravity(precision, portable_bits);
    let [one, two] = [1, 2].map(|threads| direct(&gravity, path, threads));
    let share = match bound(portable_bits, precision, path) {
        Some(bound) => format!("bound {:6.3}, share {:4.1} %", bound / 1e9, 100.0 * one / bound),
        None => String::new(),
    };
    println!(
        "{:9} {name:13} 1 thread {:6.3}  2 threads {:6.3} ({:5.1} %)  leaves {:6.3}  {share}",
        path.name(),
        one / 1e9,
        two / 1e9,
        50.0 * two / one,
        leaves(&gravity, path) / 1e9,
    );
}

fn main() {
    println!("one of {} bodies is a target", part());
    println!("G pairs/s, N = {BODIES}; leaves: {LEAF} targets x {LEAF} sources, and the bound: on one thread");
    for path in CpuPath::available().into_iter().rev() {
        case("f64 fast", Precision::Double, false, path);
        case("f64 portable", Precision::Double, true, path);
        case("f32", Precision::Single, false, path);
    }
}
