//! Accelerations of bodies and, if wanted, their derivatives in time (jerks), from all bodies: the hot loop of the schemes that
//! integrate every body on every rank.
//!
//! Lanes are eight targets; a lane adds its sources in index order, in blocks of fixed length whose sums are added in their order.
//! So where few targets are due, threads may share the blocks of sources, and no bit shows who did what. Targets are given by
//! number among the sources: a body meets itself in the loop and takes nothing from it.
//!
//! With `r` from target to source, `v` their relative velocity and `F(r)` the law of force, a source of mass m gives (Makino &
//! Aarseth 1992, for F = 1/d^3)
//! ```text
//! acceleration   m F r
//! jerk           m (F v + K (r.v) r)        K = (dF/dr) / r
//! ```
//! Every operation is exactly rounded and none is fused, and all CPU paths are compiled from the same source, so that they give
//! the same bits. Refused: the estimate of the reciprocal root as in [`super::gravity`], which would be faster by about two, but
//! the schemes served here are chosen for accuracy, and differ in bits between vendors then.

use super::jerk_lanes::{Eight, LANES, Lanes, Two};
use super::problem::{Gravity, Softening};
use crate::cpu::CpuPath;
use crate::parallel::Sharing;
use rayon::prelude::*;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256d, __m512d};
use std::ops::Range;

/// Sources whose pulls are summed before they are added to those of other blocks.
const BLOCK: usize = 1 << 11;
/// Pairs below which threads are not worth waking.
const PAIRS_FOR_THREADS: usize = 1 << 13;

/// Acceleration x, y, z and jerk x, y, z of a body, gravitational constant included.
pub type Pull = [f64; 6];

/// All bodies as slices of equal length.
#[derive(Clone, Copy, Debug)]
pub struct MovingSources<'a> {
    /// x, y, z.
    pub position: [&'a [f64]; 3],
    /// x, y, z; not read where no jerk is wanted.
    pub velocity: [&'a [f64]; 3],
    /// Masses.
    pub mass: &'a [f64],
}

/// The law of force on a CPU path.
#[derive(Clone, Copy, Debug)]
pub struct JerkKernel {
    constant: f64,
    softening: Softening,
    path: CpuPath,
    sharing: Sharing,
}

impl JerkKernel {
    /// The kernel for this law of force. A path that the CPU lacks is replaced by the widest it has; no bit shows it.
    pub fn new(gravity: &Gravity, path: CpuPath) -> JerkKernel {
        let path = path.min(CpuPath::best());
        JerkKernel { constant: gravity.constant, softening: gravity.softening, path, sharing: Sharing::default() }
    }

    /// The same, with targets shared in this way.
    pub fn shared(self, sharing: Sharing) -> JerkKernel {
        JerkKernel { sharing, ..self }
    }

    /// Acceleration and jerk of the bodies `targets` (numbers among the sources), parallel over targets. About 50 flops a pair,
    /// one square root and one division among them.
    pub fn accelerations_and_jerks(&self, sources: MovingSources<'_>, targets: &[u32], pulls: &mut [Pull]) {
        self.all_targets::<true>(sources, targets, pulls);
    }

    /// As [`JerkKernel::accelerations_and_jerks`] with jerks of 0, at half the cost.
    pub fn accelerations(&self, sources: MovingSources<'_>, targets: &[u32], pulls: &mut [Pull]) {
        self.all_targets::<false>(sources, targets, pulls);
    }

    fn all_targets<const JERK: bool>(&self, sources: MovingSources<'_>, targets: &[u32], pulls: &mut [Pull]) {
        let tiles = targets.chunks(LANES).zip(pulls.chunks_mut(LANES));
        let is_few_pairs = targets.len() * sources.mass.len() < PAIRS_FOR_THREADS;
        if is_few_pairs {
            tiles.for_each(|(targets, pulls)| self.tile::<JERK>(sources, targets, pulls));
        } else if targets.len().div_ceil(LANES) < 2 * rayon::current_num_threads() {
            tiles.for_each(|(targets, pulls)| self.tile_on_threads::<JERK>(sources, targets, pulls));
        } else {
            let mut tiles: Vec<_> = tiles.collect();
            self.sharing.for_each_piece(&mut tiles, 1, |_, tiles| {
                tiles.iter_mut().for_each(|(targets, pulls)| self.tile::<JERK>(sources, targets, pulls));
            });
        }
    }

    /// Eight targets or fewer.
    fn tile<const JERK: bool>(&self, sources: MovingSources<'_>, targets: &[u32], pulls: &mut [Pull]) {
        let tile = Tile::of(sources, targets);
        let blocks = 0..sources.mass.len().div_ceil(BLOCK);
        let total = blocks.map(|block| self.block::<JERK>(&tile, sources, block)).fold(Sums::ZERO, Sums::plus);
        total.scaled(self.constant, pulls);
    }

    /// As [`JerkKernel::tile`], to the bit.
    fn tile_on_threads<const JERK: bool>(&self, sources: MovingSources<'_>, targets: &[u32], pulls: &mut [Pull]) {
        let tile = Tile::of(sources, targets);
        let blocks = (0..sources.mass.len().div_ceil(BLOCK)).into_par_iter();
        let sums: Vec<Sums> = blocks.map(|block| self.block::<JERK>(&tile, sources, block)).collect();
        sums.into_iter().fold(Sums::ZERO, Sums::plus).scaled(self.constant, pulls);
    }

    fn block<const JERK: bool>(&self, tile: &Tile, sources: MovingSources<'_>, block: usize) -> Sums {
        match self.softening {
            Softening::Spline(eps) => self.block_by::<_, JERK>(Spline::of_length(eps), tile, sources, block),
            Softening::None | Softening::Plummer(_) => {
                let eps = self.softening.length();
                self.block_by::<_, JERK>(Plummer { squared: eps * eps }, tile, sources, block)
            }
        }
    }

    fn block_by<L: Law, const JERK: bool>(
        &self,
        law: L,
        tile: &Tile,
        sources: MovingSources<'_>,
        block: usize,
    ) -> Sums {
        match self.path {
            // SAFETY: the constructor has limited the path to what the CPU has.
            #[cfg(target_arch = "x86_64")]
            CpuPath::Avx512 => unsafe { block_avx512::<L, JERK>(law, tile, sources, block) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            CpuPath::Avx2 => unsafe { block_avx2::<L, JERK>(law, tile, sources, block) },
            // SAFETY: plain arithmetic runs everywhere.
            _ => unsafe { block_sum::<Two, L, JERK>(law, tile, sources, block) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn block_avx512<L: Law, const JERK: bool>(law: L, tile: &Tile, sources: MovingSources<'_>, block: usize) -> Sums {
    // SAFETY: the instruction set is this function's own.
    unsafe { block_sum::<__m512d, L, JERK>(law, tile, sources, block) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn block_avx2<L: Law, const JERK: bool>(law: L, tile: &Tile, sources: MovingSources<'_>, block: usize) -> Sums {
    // SAFETY: the instruction set is this function's own.
    unsafe { block_sum::<__m256d, L, JERK>(law, tile, sources, block) }
}

/// # Safety
/// The CPU has the instruction set of `V` (so for all that follows).
#[inline(always)]
unsafe fn block_sum<V: Lanes, L: Law, const JERK: bool>(
    law: L,
    tile: &Tile,
    sources: MovingSources<'_>,
    block: usize,
) -> Sums {
    let start = block * BLOCK;
    let end = sources.mass.len().min(start + BLOCK);
    let mut sums = Sums::ZERO;
    for lane in (0..LANES).step_by(V::WIDTH) {
        // SAFETY: the caller's promise; widths divide the lanes.
        unsafe { add_sources::<V, L, JERK>(law, (tile, lane), (sources, start..end), &mut sums) };
    }
    sums
}

/// Adds sources to as many lanes as a vector has, from `lane` on.
///
/// # Safety
/// As [`block_sum`], and `lane + WIDTH <= LANES`.
#[inline(always)]
unsafe fn add_sources<V: Lanes, L: Law, const JERK: bool>(
    law: L,
    (tile, lane): (&Tile, usize),
    (sources, range): (MovingSources<'_>, Range<usize>),
    sums: &mut Sums,
) {
    let mass = &sources.mass[range.clone()];
    let [x, y, z] = sources.position.map(|values| &values[range.clone()]);
    let [u, v, w] = sources.velocity.map(|values| &values[range.clone()]);
    // SAFETY: the caller's promise.
    unsafe {
        let number = V::load(&tile.number, lane);
        let (place, speed) = (load::<V>(&tile.position, lane), load::<V>(&tile.velocity, lane));
        let (mut acceleration, mut jerk) = ([V::all(0.0); 3], [V::all(0.0); 3]);
        for source in 0..mass.len() {
            let own = number.equals(V::all((range.start + source) as f64));
            let away = minus([x[source], y[source], z[source]], place);
            // A body is at distance 1 of itself with mass 0, so that no infinity arises.
            let squared = dot(away, away).plus(own);
            let weight = V::all(mass[source]).times(V::all(1.0).minus(own));
            let (force, change) = law.factors::<V, JERK>(squared);
            let force = weight.times(force);
            acceleration = plus(acceleration, times(away, force));
            if JERK {
                let moving = minus([u[source], v[source], w[source]], speed);
                let change = weight.times(change).times(dot(away, moving));
                jerk = plus(jerk, plus(times(moving, force), times(away, change)));
            }
        }
        store(acceleration, &mut sums.acceleration, lane);
        store(jerk, &mut sums.jerk, lane);
    }
}

/// Eight targets.
#[derive(Clone, Copy, Debug)]
struct Tile {
    number: Eight,
    position: [Eight; 3],
    velocity: [Eight; 3],
}

impl Tile {
    /// Lanes without a target repeat the last one.
    fn of(sources: MovingSources<'_>, targets: &[u32]) -> Tile {
        let bodies: [usize; LANES] = std::array::from_fn(|lane| targets[lane.min(targets.len() - 1)] as usize);
        let lanes = |from: &[f64]| Eight(bodies.map(|body| from[body]));
        Tile {
            number: Eight(bodies.map(|body| body as f64)),
            position: sources.position.map(lanes),
            velocity: sources.velocity.map(lanes),
        }
    }
}

/// What has been summed for eight targets, without the gravitational constant.
#[derive(Clone, Copy, Debug)]
struct Sums {
    acceleration: [Eight; 3],
    jerk: [Eight; 3],
}

impl Sums {
    const ZERO: Sums = Sums { acceleration: [Eight([0.0; LANES]); 3], jerk: [Eight([0.0; LANES]); 3] };

    fn plus(self, other: Sums) -> Sums {
        Sums {
            acceleration: std::array::from_fn(|axis| added(self.acceleration[axis], other.acceleration[axis])),
            jerk: std::array::from_fn(|axis| added(self.jerk[axis], other.jerk[axis])),
        }
    }

    fn scaled(&self, constant: f64, pulls: &mut [Pull]) {
        for (lane, pull) in pulls.iter_mut().enumerate() {
            for axis in 0..3 {
                pull[axis] = constant * self.acceleration[axis].0[lane];
                pull[3 + axis] = constant * self.jerk[axis].0[lane];
            }
        }
    }
}

fn added(mut a: Eight, b: Eight) -> Eight {
    a.0.iter_mut().zip(b.0).for_each(|(a, b)| *a += b);
    a
}

/// Force over distance and mass as a function of the squared distance.
trait Law: Copy {
    /// F and, if wanted, K.
    ///
    /// # Safety
    /// As [`block_sum`].
    unsafe fn factors<V: Lanes, const JERK: bool>(self, squared: V) -> (V, V);
}

/// F = 1 / d^3 with d^2 = r^2 + eps^2.
#[derive(Clone, Copy)]
struct Plummer {
    squared: f64,
}

impl Law for Plummer {
    #[inline(always)]
    unsafe fn factors<V: Lanes, const JERK: bool>(self, squared: V) -> (V, V) {
        // SAFETY: the caller's promise.
        unsafe {
            let squared = squared.plus(V::all(self.squared));
            let distance = squared.root();
            let force = V::all(1.0).over(squared.times(distance));
            let change = if JERK { V::all(-3.0).times(force).times(force.times(distance)) } else { V::all(0.0) };
            (force, change)
        }
    }
}

/// The cubic spline of support h (Springel 2001, eq. 71; K is the derivative of its pieces).
#[derive(Clone, Copy)]
struct Spline {
    support: f64,
    inverse: f64,
}

impl Spline {
    fn of_length(eps: f64) -> Spline {
        let support = 2.8 * eps;
        Spline { support, inverse: 1.0 / support }
    }

    /// F h^3 and K h^5 at r = u h.
    fn pieces(u: f64) -> (f64, f64) {
        let squared = u * u;
        if u < 0.5 {
            (32.0 / 3.0 + squared * (32.0 * u - 38.4), 96.0 * u - 76.8)
        } else {
            let cube = squared * u;
            let force = 64.0 / 3.0 - 48.0 * u + 38.4 * squared - 32.0 / 3.0 * cube - 1.0 / (15.0 * cube);
            (force, 76.8 - 48.0 / u - 32.0 * u + 1.0 / (5.0 * squared * cube))
        }
    }
}

impl Law for Spline {
    #[inline(always)]
    unsafe fn factors<V: Lanes, const JERK: bool>(self, squared: V) -> (V, V) {
        let (mut force, mut change, mut distance) = (Eight([0.0; LANES]), Eight([0.0; LANES]), Eight([0.0; LANES]));
        // SAFETY: the caller's promise; every width fits the lanes.
        unsafe {
            let (newton, slope) = Plummer { squared: 0.0 }.factors::<V, JERK>(squared);
            newton.store(&mut force, 0);
            slope.store(&mut change, 0);
            squared.root().store(&mut distance, 0);
        }
        let cube = self.inverse * self.inverse * self.inverse;
        for lane in (0..V::WIDTH).filter(|&lane| distance.0[lane] < self.support) {
            let (f, k) = Spline::pieces(distance.0[lane] * self.inverse);
            force.0[lane] = f * cube;
            change.0[lane] = k * cube * (self.inverse * self.inverse);
        }
        // SAFETY: as above.
        unsafe { (V::load(&force, 0), V::load(&change, 0)) }
    }
}

/// # Safety
/// As [`add_sources`].
#[inline(always)]
unsafe fn load<V: Lanes>(from: &[Eight; 3], lane: usize) -> [V; 3] {
    // SAFETY: the caller's promise.
    unsafe { [V::load(&from[0], lane), V::load(&from[1], lane), V::load(&from[2], lane)] }
}

/// # Safety
/// As [`add_sources`].
#[inline(always)]
unsafe fn store<V: Lanes>(values: [V; 3], to: &mut [Eight; 3], lane: usize) {
    for (value, to) in values.into_iter().zip(to) {
        // SAFETY: the caller's promise.
        unsafe { value.store(to, lane) };
    }
}

/// # Safety
/// As [`block_sum`].
#[inline(always)]
unsafe fn minus<V: Lanes>(a: [f64; 3], b: [V; 3]) -> [V; 3] {
    // SAFETY: the caller's promise.
    unsafe { [V::all(a[0]).minus(b[0]), V::all(a[1]).minus(b[1]), V::all(a[2]).minus(b[2])] }
}

/// # Safety
/// As [`block_sum`].
#[inline(always)]
unsafe fn plus<V: Lanes>(a: [V; 3], b: [V; 3]) -> [V; 3] {
    // SAFETY: the caller's promise.
    unsafe { [a[0].plus(b[0]), a[1].plus(b[1]), a[2].plus(b[2])] }
}

/// # Safety
/// As [`block_sum`].
#[inline(always)]
unsafe fn times<V: Lanes>(a: [V; 3], b: V) -> [V; 3] {
    // SAFETY: the caller's promise.
    unsafe { [a[0].times(b), a[1].times(b), a[2].times(b)] }
}

/// # Safety
/// As [`block_sum`].
#[inline(always)]
unsafe fn dot<V: Lanes>(a: [V; 3], b: [V; 3]) -> V {
    // SAFETY: the caller's promise.
    unsafe { a[0].times(b[0]).plus(a[1].times(b[1])).plus(a[2].times(b[2])) }
}

#[cfg(test)]
#[path = "jerk_tests.rs"]
mod tests;
