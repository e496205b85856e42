//! The near field of a leaf in 32 bits: bodies that act one by one on sixteen targets at a time.
//!
//! The sources of a leaf are gathered once, in order of keys, as differences to the leaf's centre in two 32-bit parts, high and low,
//! so that a difference of two positions has 48 bits before it is rounded: two bodies that are close to each other keep their
//! distance, however large the leaf is. What follows has 24 bits, and sums of `BLOCK` sources go to 64-bit ones. That is a tenth of a
//! millionth of a force, for a third of the time of 64 bits. Blocks count from the first source of the leaf, wherever its
//! bodies lie in memory, so the sums are the same for every shape.
//!
//! Lengths are in units that follow from the softening, masses in those of the heaviest source, both powers of two, so that third powers fit
//! the range of exponents. A leaf whose sources are too far apart for that, and targets whose sums leave the range, are left to 64 bits.
//! Refused: differences of 64-bit positions that are rounded then (the conversions cost more than the second part does); high
//! parts alone (close pairs in a large leaf would lose their distance).

use super::lanes::Instructions;
use super::single_lanes::{SIXTEEN, SingleLanes, Sixteen, dispatched_single};
use crate::nbody::gravity::{LANES, Sources, Tile};
use crate::nbody::pair_single::power_of_two;
use crate::nbody::problem::{Gravity, Softening};
use std::ops::Range;

/// Sources that are summed in 32 bits.
const BLOCK: usize = 64;
/// Softening length in the units of the sums, up to a factor of two.
const SCALED_SOFTENING: f64 = 1.0 / (1 << 20) as f64;
/// Differences to the centre are smaller than this in the same units.
const LARGEST: f64 = (1 << 20) as f64;
/// Smallest accuracy of forces for which 32 bits are enough.
const FINEST: f64 = 1e-6;

/// Tiles whose sixteen targets are computed together.
pub type Tiles = [Tile; SIXTEEN / LANES];

/// The law of force in the units of the sums.
#[derive(Clone, Copy, Debug)]
pub struct NearLaw {
    instructions: Instructions,
    /// Multiplies lengths.
    scale: f64,
    softening_squared: f32,
}

impl NearLaw {
    /// `None` where 64 bits are needed or as fast: for other softenings than Plummer's, finer accuracies, and without fused operations.
    pub fn of(gravity: &Gravity, instructions: Instructions) -> Option<NearLaw> {
        let is_fused = matches!(instructions, Instructions::Avx2 | Instructions::Avx512);
        match gravity.softening {
            Softening::Plummer(eps) if is_fused && gravity.accuracy >= FINEST => {
                let scale = SCALED_SOFTENING / power_of_two(eps);
                Some(NearLaw { instructions, scale, softening_squared: (eps * scale).powi(2) as f32 })
            }
            _ => None,
        }
    }

    /// True if differences to a centre of at most this length are in the range of 32 bits.
    pub fn covers(&self, length: f64) -> bool {
        length * self.scale < LARGEST
    }
}

/// Sources of a leaf.
#[derive(Debug, Default)]
pub struct NearBodies {
    high: [Vec<f32>; 3],
    low: [Vec<f32>; 3],
    mass: Vec<f32>,
    /// The first that is a body of the leaf.
    own: usize,
    center: [f64; 3],
    mass_unit: f64,
}

impl NearBodies {
    /// Begins the list of a leaf with this centre, in a tree of this mass.
    pub fn begin(&mut self, center: [f64; 3], mass: f64) {
        self.high.iter_mut().chain(&mut self.low).chain([&mut self.mass]).for_each(Vec::clear);
        self.own = usize::MAX;
        self.center = center;
        self.mass_unit = power_of_two(mass);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.mass.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.mass.is_empty()
    }

    /// The leaf's own bodies begin after so many sources of what comes next.
    pub fn expect_own(&mut self, after: usize) {
        self.own = self.len() + after;
    }

    /// Appends sources.
    pub fn extend(&mut self, law: &NearLaw, sources: Sources<'_>) {
        gather_lanes(law.instructions, self, law.scale, sources);
    }

    /// Adds all sources to the bodies `numbers` of the leaf, at most sixteen; a body adds nothing to itself. False if a sum left the
    /// range: then nothing has been added.
    pub fn add_to(&self, law: &NearLaw, numbers: Range<usize>, tiles: &mut Tiles) -> bool {
        let targets = self.targets(law.scale, numbers, tiles);
        let mut sums = Sums::default();
        let factors = [self.mass_unit * law.scale * law.scale, self.mass_unit * law.scale];
        pull_lanes(law.instructions, self, &targets, law.softening_squared, factors, &mut sums);
        if !sums.0.iter().flatten().all(|sum| sum.is_finite()) {
            return false;
        }
        for (tile, number) in tiles.iter_mut().zip((0..).step_by(LANES)) {
            for lane in 0..LANES {
                (0..3).for_each(|axis| tile.acceleration[axis][lane] += sums.0[axis][number + lane]);
                tile.potential[lane] -= sums.0[3][number + lane];
            }
        }
        true
    }

    fn targets(&self, scale: f64, numbers: Range<usize>, tiles: &Tiles) -> Targets {
        let own = self.own.saturating_add(numbers.start);
        let mut targets = Targets { count: numbers.len(), own, ..Targets::default() };
        for axis in 0..3 {
            for n in 0..SIXTEEN {
                let away = (tiles[n / LANES].position[axis][n % LANES] - self.center[axis]) * scale;
                let [high, low] = parts(away);
                targets.high[axis].0[n] = high;
                targets.low[axis].0[n] = low;
            }
        }
        targets
    }
}

/// A number as the sum of two.
#[inline(always)]
fn parts(x: f64) -> [f32; 2] {
    let high = x as f32;
    [high, (x - f64::from(high)) as f32]
}

/// Up to sixteen targets, placed as the sources are.
#[derive(Default)]
struct Targets {
    /// How many there are; other lanes hold any.
    count: usize,
    /// The source that is the first of them.
    own: usize,
    high: [Sixteen; 3],
    low: [Sixteen; 3],
}

/// 64-bit sums for sixteen targets: accelerations, and m / r.
#[derive(Default)]
struct Sums([[f64; SIXTEEN]; 4]);

dispatched_single! {
    /// [`NearBodies::extend`].
    gather_lanes = gather(near: &mut NearBodies, scale: f64, sources: Sources<'_>)
}

#[expect(clippy::extra_unused_type_parameters, reason = "the same loop, compiled for the registers of the path")]
#[inline(always)]
fn gather<V: SingleLanes>(near: &mut NearBodies, scale: f64, sources: Sources<'_>) {
    let (start, end) = (near.len(), near.len() + sources.mass.len());
    for axis in 0..3 {
        let (high, low, center) = (&mut near.high[axis], &mut near.low[axis], near.center[axis]);
        high.resize(end, 0.0);
        low.resize(end, 0.0);
        for ((high, low), x) in high[start..].iter_mut().zip(&mut low[start..]).zip(sources.position[axis]) {
            [*high, *low] = parts((x - center) * scale);
        }
    }
    near.mass.resize(end, 0.0);
    let unit = 1.0 / near.mass_unit;
    near.mass[start..].iter_mut().zip(sources.mass).for_each(|(mass, from)| *mass = (from * unit) as f32);
}

dispatched_single! {
    /// [`NearBodies::add_to`].
    pull_lanes = pull(near: &NearBodies, targets: &Targets, softening_squared: f32, factors: [f64; 2], sums: &mut Sums)
}

/// Half of the lanes are enough for half of the targets.
#[inline(always)]
fn pull<V: SingleLanes>(
    near: &NearBodies,
    targets: &Targets,
    softening_squared: f32,
    factors: [f64; 2],
    sums: &mut Sums,
) {
    if targets.count <= SIXTEEN / 2 {
        pull_parts::<V::Half>(near, targets, softening_squared, factors, sums);
    } else {
        pull_parts::<V>(near, targets, softening_squared, factors, sums);
    }
}

#[inline(always)]
fn pull_parts<V: SingleLanes>(
    near: &NearBodies,
    targets: &Targets,
    softening_squared: f32,
    factors: [f64; 2],
    sums: &mut Sums,
) {
    let own = targets.own;
    let parts = targets.count.div_ceil(SIXTEEN / V::PARTS);
    for start in (0..near.len()).step_by(BLOCK) {
        let range = start..near.len().min(start + BLOCK);
        let has_own = own < range.end && own.saturating_add(SIXTEEN) > range.start;
        for part in 0..parts {
            let mut group = Group::<V>::new(targets, softening_squared, part);
            if has_own {
                group.add::<true>(near, own, range.clone(), part);
            } else {
                group.add::<false>(near, own, range.clone(), part);
            }
            add_block::<V>(group.sums, part, factors, sums);
        }
    }
}

/// Sums of a part of the targets over a block of sources.
#[derive(Clone, Copy)]
struct Group<V> {
    high: [V; 3],
    low: [V; 3],
    softening: V,
    /// Of the acceleration and of m / r, scaled.
    sums: [V; 4],
}

/// What is known of a source before it pulls.
#[derive(Clone, Copy)]
struct Approach<V> {
    away: [V; 3],
    squared: V,
    estimate: V,
}

impl<V: SingleLanes> Group<V> {
    #[inline(always)]
    fn new(targets: &Targets, softening_squared: f32, part: usize) -> Group<V> {
        let [x, y, z] = &targets.high;
        let [x_low, y_low, z_low] = &targets.low;
        Group {
            high: [V::load(x, part), V::load(y, part), V::load(z, part)],
            low: [V::load(x_low, part), V::load(y_low, part), V::load(z_low, part)],
            softening: V::splat(softening_squared),
            sums: [V::splat(0.0); 4],
        }
    }

    #[inline(always)]
    fn approach(&self, high: [f32; 3], low: [f32; 3]) -> Approach<V> {
        let x = V::splat(high[0]).sub(self.high[0]).add(V::splat(low[0]).sub(self.low[0]));
        let y = V::splat(high[1]).sub(self.high[1]).add(V::splat(low[1]).sub(self.low[1]));
        let z = V::splat(high[2]).sub(self.high[2]).add(V::splat(low[2]).sub(self.low[2]));
        let squared = x.multiply_add(x, y.multiply_add(y, z.multiply_add(z, self.softening)));
        Approach { away: [x, y, z], squared, estimate: squared.inverse_root_estimate() }
    }

    #[inline(always)]
    fn pull(&mut self, source: Approach<V>, mass: V) {
        let inverse = inverse_root(source.squared, source.estimate);
        let potential = mass.mul(inverse);
        let force = potential.mul(inverse.mul(inverse));
        let ([x, y, z], [ax, ay, az, sum]) = (source.away, self.sums);
        self.sums =
            [x.multiply_add(force, ax), y.multiply_add(force, ay), z.multiply_add(force, az), sum.add(potential)];
    }

    /// Adds the sources `range`. The root of the next one is begun before the one at hand pulls, which keeps the CPU busy.
    #[inline(always)]
    fn add<const OWN: bool>(&mut self, near: &NearBodies, own: usize, range: Range<usize>, part: usize) {
        let [x, y, z] = near.high.each_ref().map(|values| &values[range.clone()]);
        let [x_low, y_low, z_low] = near.low.each_ref().map(|values| &values[range.clone()]);
        let masses = &near.mass[range.clone()];
        let Some(last) = masses.len().checked_sub(1) else { return };
        let mut source = self.approach([x[0], y[0], z[0]], [x_low[0], y_low[0], z_low[0]]);
        for (n, &mass) in masses.iter().enumerate() {
            let next = last.min(n + 1);
            let following = self.approach([x[next], y[next], z[next]], [x_low[next], y_low[next], z_low[next]]);
            let mass = if OWN { mass_for_others::<V>(mass, range.start + n, own, part) } else { V::splat(mass) };
            self.pull(source, mass);
            source = following;
        }
    }
}

/// The mass of source `n`, but 0 for the target that it is.
#[inline(always)]
fn mass_for_others<V: SingleLanes>(mass: f32, n: usize, own: usize, part: usize) -> V {
    let mut masses = Sixteen([mass; SIXTEEN]);
    if let Some(mass) = masses.0.get_mut(n.wrapping_sub(own)) {
        *mass = 0.0;
    }
    V::load(&masses, part)
}

/// x^(-1/2) from an estimate y by two terms of its series in e = 1 - x y^2: y (1 + e/2 + 3 e^2/8).
#[inline(always)]
fn inverse_root<V: SingleLanes>(x: V, y: V) -> V {
    let error = x.mul(y).multiply_from(y, V::splat(1.0));
    let series = error.multiply_add(V::splat(0.375), V::splat(0.5));
    y.mul(error).multiply_add(series, y)
}

#[inline(always)]
fn add_block<V: SingleLanes>(found: [V; 4], part: usize, [acceleration, potential]: [f64; 2], sums: &mut Sums) {
    let factors = [acceleration, acceleration, acceleration, potential];
    let width = SIXTEEN / V::PARTS;
    for ((found, factor), sum) in found.into_iter().zip(factors).zip(&mut sums.0) {
        let mut numbers = Sixteen::default();
        found.store(&mut numbers, part);
        let lanes = part * width..(part + 1) * width;
        for (sum, number) in sum[lanes.clone()].iter_mut().zip(&numbers.0[lanes]) {
            *sum += f64::from(*number) * factor;
        }
    }
}

#[cfg(test)]
#[path = "near_tests.rs"]
mod tests;
