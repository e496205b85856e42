//! The force of many sources on eight targets: the hot loop of N-body.
//!
//! Lanes are targets. Each lane adds its sources one after the other in the order given, so neither blocks of sources nor the
//! width of vectors can show in the result. The law of force stands in [`super::pair_force`], the vectors in
//! [`super::pair_lanes`]; here it is decided once, when a kernel is made, which of the compiled loops is run, so that a call
//! costs one jump.
//!
//! Few targets, which would leave lanes idle, take their sources in lanes instead ([`super::pair_across`]).
//! Refused: that for many targets, whose bits would depend on cuts of the sources; a pair
//! computed once for both of its bodies, which halves the arithmetic but writes where other threads do.

use super::pair_across::{self, Spread};
use super::pair_arithmetic::{Arithmetic, Exact, Fused};
use super::pair_force::{self, Law, NOBODY, Own};
use super::pair_lanes::{PairLanes, Plain, PlainSingle};
use super::pair_single::{self, SingleLaw, power_of_two};
use super::problem::{Gravity, Precision, Softening};
use super::spline::Spline;
use crate::cpu::CpuPath;

/// Targets that are computed together.
pub const LANES: usize = 8;

/// Eight targets and what has been summed for them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(align(64))]
pub struct Tile {
    /// x, y, z of each; unused lanes may hold any finite numbers.
    pub position: [[f64; LANES]; 3],
    /// Sum of m (r_source - r) / d^3 so far, without the gravitational constant.
    pub acceleration: [[f64; LANES]; 3],
    /// Sum of -m / d so far, without the gravitational constant.
    pub potential: [f64; LANES],
}

impl Tile {
    /// True if no sum is infinite or NaN.
    pub fn is_finite(&self) -> bool {
        self.potential.iter().chain(self.acceleration.iter().flatten()).all(|sum| sum.is_finite())
    }
}

/// Sources as slices of equal length.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// x, y, z.
    pub position: [&'a [f64]; 3],
    /// Masses.
    pub mass: &'a [f64],
}

/// What a compiled loop is told besides the bodies.
#[derive(Clone, Copy, Debug)]
struct Laws {
    double: Law,
    single: SingleLaw,
}

/// A compiled loop. SAFETY: callers promise what [`pair_force::add`] asks for.
type Loop = unsafe fn(&Laws, &mut [Tile], &[Own], Sources<'_>);

/// The compiled loop for few targets. SAFETY: callers promise what [`pair_across::add`] asks for.
type AcrossLoop = unsafe fn(&Laws, &mut [Spread], usize, Sources<'_>);

/// The compiled loops of a CPU path.
#[derive(Clone, Copy, Debug)]
struct Loops {
    add: Loop,
    /// `None` in 32 bits.
    across: Option<AcrossLoop>,
    /// Largest coordinate up to which every squared distance is in the range of `across`.
    reach: f64,
}

/// The pair force of a problem on a CPU path.
#[derive(Clone, Copy, Debug)]
pub struct PairKernel {
    softening: Softening,
    laws: Laws,
    loops: Loops,
}

/// Length of the scaled problem in 32 bits for the length given to [`PairKernel::with_extent`]: distances from 1e-22 to 1e3 of
/// that are in range.
const SCALED_EXTENT: f64 = (1u64 << 30) as f64;
/// Softening length of the scaled problem where only that is known: distances up to 1e18 of it are in range.
const SCALED_SOFTENING: f64 = 1.0 / (1 << 20) as f64;

impl PairKernel {
    /// The kernel for this law of force. A path that this CPU does not have gives way to the widest one that it has.
    pub fn new(gravity: &Gravity, path: CpuPath) -> PairKernel {
        let softening = gravity.softening;
        let scale =
            if softening == Softening::None { 1.0 } else { SCALED_SOFTENING / power_of_two(softening.length()) };
        let laws = Laws { double: law(softening, Spline::new), single: single_law(softening, scale) };
        PairKernel { softening, laws, loops: loops_for(gravity, path.min(CpuPath::best())) }
    }

    /// The same with a choice of the range of distances in [`Precision::Single`], which otherwise follows from the softening
    /// length: `extent` is about the largest distance between bodies. Changes no bit of a result inside both ranges.
    pub fn with_extent(self, extent: f64) -> PairKernel {
        let single = single_law(self.softening, SCALED_EXTENT / power_of_two(extent));
        PairKernel { laws: Laws { single, ..self.laws }, ..self }
    }

    /// Adds the sources to a tile. With `diagonal = Some(n)` source `n + lane` *is* the target of that lane, and adds nothing to
    /// it (sources that do not exist are skipped).
    #[cfg(test)]
    pub fn add(&self, tile: &mut Tile, sources: Sources<'_>, diagonal: Option<usize>) {
        self.add_others(std::slice::from_mut(tile), &[own_from(diagonal)], sources);
    }

    /// Adds the sources to tiles. Source `own[tile][lane]` *is* the target of that lane, and adds nothing to it; [`NOBODY`] where
    /// the target is not among the sources. In [`Precision::Single`] sources are summed in blocks of [`pair_single::BLOCK`] from the
    /// first one on, so bits depend on cuts of the sources elsewhere; in [`Precision::Double`] they never do.
    ///
    /// # Panics
    /// If the slices of the sources differ in length, or those of the targets.
    pub fn add_others(&self, tiles: &mut [Tile], own: &[Own], sources: Sources<'_>) {
        let count = sources.mass.len();
        assert!(sources.position.iter().all(|values| values.len() == count), "sources have all coordinates");
        assert_eq!(tiles.len(), own.len(), "it is known of every tile which sources are its own");
        // SAFETY: the loop was chosen for instructions that this CPU has; the lengths are equal.
        unsafe { (self.loops.add)(&self.laws, tiles, own, sources) }
    }

    /// True if [`PairKernel::add_across`] serves bodies whose coordinates are at most so large.
    pub fn reaches(&self, largest: f64) -> bool {
        self.loops.across.is_some() && largest < self.loops.reach
    }

    /// Adds the sources to few targets. Source `own + n` *is* target `n` and adds nothing to it; [`NOBODY`] where targets are not among
    /// the sources. Bits depend on cuts of the sources. Sums are not finite where a squared distance has no inverse root.
    ///
    /// # Panics
    /// If the slices of the sources differ in length, or in [`Precision::Single`].
    pub fn add_across(&self, targets: &mut [Spread], own: usize, sources: Sources<'_>) {
        let count = sources.mass.len();
        assert!(sources.position.iter().all(|values| values.len() == count), "sources have all coordinates");
        let across = self.loops.across.expect("64 bits");
        // SAFETY: the loop was chosen for instructions that this CPU has; the lengths are equal.
        unsafe { across(&self.laws, targets, own, sources) }
    }
}

/// The sources that are the targets of a tile, if source `n + lane` is that of each lane for `Some(n)`.
pub fn own_from(diagonal: Option<usize>) -> Own {
    diagonal.map_or([NOBODY; LANES], |first| std::array::from_fn(|lane| first + lane))
}

fn law(softening: Softening, spline: impl Fn(f64) -> Spline) -> Law {
    match softening {
        Softening::None => Law { softening_squared: 0.0, spline: None },
        Softening::Plummer(eps) => Law { softening_squared: eps * eps, spline: None },
        Softening::Spline(eps) => Law { softening_squared: 0.0, spline: Some(spline(eps)) },
    }
}

fn single_law(softening: Softening, scale: f64) -> SingleLaw {
    let scaled = match softening {
        Softening::None => Softening::None,
        Softening::Plummer(eps) => Softening::Plummer(eps * scale),
        Softening::Spline(eps) => Softening::Spline(eps * scale),
    };
    SingleLaw { scale, law: law(scaled, Spline::single) }
}

fn loops_for(gravity: &Gravity, path: CpuPath) -> Loops {
    match (gravity.portable_bits || path == CpuPath::Portable, matches!(gravity.softening, Softening::Spline(_))) {
        (true, true) => loops_of::<Exact, true>(gravity.precision, path),
        (true, false) => loops_of::<Exact, false>(gravity.precision, path),
        (false, true) => loops_of::<Fused, true>(gravity.precision, path),
        (false, false) => loops_of::<Fused, false>(gravity.precision, path),
    }
}

#[cfg(target_arch = "x86_64")]
fn loops_of<A: Arithmetic, const SPLINE: bool>(precision: Precision, path: CpuPath) -> Loops {
    use std::arch::x86_64::{__m256d, __m512d};
    match (precision, path) {
        (_, CpuPath::Portable) => plain_loops_of::<SPLINE>(precision),
        (Precision::Double, CpuPath::Avx2) => {
            Loops::double::<__m256d, A>(x86::avx2::<A, SPLINE>, x86::avx2_across::<A, SPLINE>)
        }
        (Precision::Single, CpuPath::Avx2) => Loops::single(x86::avx2_single::<A, SPLINE>),
        (Precision::Double, CpuPath::Avx512) => {
            Loops::double::<__m512d, A>(x86::avx512::<A, SPLINE>, x86::avx512_across::<A, SPLINE>)
        }
        (Precision::Single, CpuPath::Avx512) => Loops::single(x86::avx512_single::<A, SPLINE>),
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn loops_of<A: Arithmetic, const SPLINE: bool>(precision: Precision, _path: CpuPath) -> Loops {
    plain_loops_of::<SPLINE>(precision)
}

fn plain_loops_of<const SPLINE: bool>(precision: Precision) -> Loops {
    match precision {
        Precision::Double => Loops::double::<Plain, Exact>(plain::<SPLINE>, plain_across::<SPLINE>),
        Precision::Single => Loops::single(plain_single::<SPLINE>),
    }
}

impl Loops {
    /// The range of the arithmetic bounds twelve times the square of a coordinate, as in [`pair_force`].
    fn double<L: PairLanes, A: Arithmetic>(add: Loop, across: AcrossLoop) -> Loops {
        let reach = if A::IS_BOUNDED { (L::LARGEST / 12.0).sqrt() } else { f64::INFINITY };
        Loops { add, across: Some(across), reach }
    }

    fn single(add: Loop) -> Loops {
        Loops { add, across: None, reach: 0.0 }
    }
}

/// # Safety
/// As [`pair_across::add`].
unsafe fn plain_across<const SPLINE: bool>(laws: &Laws, targets: &mut [Spread], own: usize, sources: Sources<'_>) {
    // SAFETY: the caller's promise.
    unsafe { pair_across::add::<Plain, Exact, SPLINE>(&laws.double, targets, own, sources) }
}

/// # Safety
/// As [`pair_force::add`].
unsafe fn plain<const SPLINE: bool>(laws: &Laws, tiles: &mut [Tile], own: &[Own], sources: Sources<'_>) {
    // SAFETY: the caller's promise.
    unsafe { pair_force::add::<Plain, Exact, SPLINE>(&laws.double, tiles, own, sources) }
}

/// # Safety
/// As [`pair_force::add`].
unsafe fn plain_single<const SPLINE: bool>(laws: &Laws, tiles: &mut [Tile], own: &[Own], sources: Sources<'_>) {
    let Laws { double, single } = laws;
    // SAFETY: the caller's promise.
    unsafe { pair_single::add::<PlainSingle, Plain, Exact, SPLINE>(double, single, tiles, own, sources) }
}

/// The loops compiled for instruction sets that not every x86-64 has.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use crate::nbody::gravity::{Laws, Sources, Tile};
    use crate::nbody::pair_across::{self, Spread};
    use crate::nbody::pair_arithmetic::Arithmetic;
    use crate::nbody::pair_force::{self, Own};
    use crate::nbody::pair_single;
    use crate::nbody::pair_vectors::Single512;
    use std::arch::x86_64::{__m256, __m256d, __m512d};

    macro_rules! loops {
        ($features:literal, $double:ident, $across:ident, $lanes:ty, $single:ident, $single_lanes:ty) => {
            /// # Safety
            /// As [`pair_force::add`].
            #[target_feature(enable = $features)]
            pub unsafe fn $double<A: Arithmetic, const SPLINE: bool>(
                laws: &Laws,
                tiles: &mut [Tile],
                own: &[Own],
                sources: Sources<'_>,
            ) {
                // SAFETY: the caller's promise.
                unsafe { pair_force::add::<$lanes, A, SPLINE>(&laws.double, tiles, own, sources) }
            }

            /// # Safety
            /// As [`pair_across::add`].
            #[target_feature(enable = $features)]
            pub unsafe fn $across<A: Arithmetic, const SPLINE: bool>(
                laws: &Laws,
                targets: &mut [Spread],
                own: usize,
                sources: Sources<'_>,
            ) {
                // SAFETY: the caller's promise.
                unsafe { pair_across::add::<$lanes, A, SPLINE>(&laws.double, targets, own, sources) }
            }

            /// # Safety
            /// As [`pair_force::add`].
            #[target_feature(enable = $features)]
            pub unsafe fn $single<A: Arithmetic, const SPLINE: bool>(
                laws: &Laws,
                tiles: &mut [Tile],
                own: &[Own],
                sources: Sources<'_>,
            ) {
                let Laws { double, single } = laws;
                // SAFETY: the caller's promise.
                unsafe { pair_single::add::<$single_lanes, $lanes, A, SPLINE>(double, single, tiles, own, sources) }
            }
        };
    }

    loops!("avx2,fma", avx2, avx2_across, __m256d, avx2_single, __m256);
    loops!("avx512f,avx512vl", avx512, avx512_across, __m512d, avx512_single, Single512);
}

#[cfg(test)]
#[path = "gravity_tests.rs"]
mod tests;
