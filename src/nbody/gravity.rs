//! The force of many sources on eight targets: the hot loop of N-body.
//!
//! Lanes are targets. Each lane adds its sources one after the other in the order given, so neither blocks of sources nor the
//! width of vectors can show in the result. The law of force stands in [`super::pair_force`], the vectors in
//! [`super::pair_lanes`]; here it is decided once, when a kernel is made, which of the compiled loops is run, so that a call
//! costs one jump.
//!
//! Refused: lanes that are sources, whose sums have to be added across (and in another order for another width); a pair
//! computed once for both of its bodies, which halves the arithmetic but writes where other threads do.

use super::pair_force::{self, Arithmetic, Exact, Fused, Law, NOBODY, Own};
use super::pair_lanes::Plain;
use super::problem::{Gravity, Softening};
use super::spline::Spline;
use crate::cpu::CpuPath;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256d, __m512d};

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

/// Sources as slices of equal length.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// x, y, z.
    pub position: [&'a [f64]; 3],
    /// Masses.
    pub mass: &'a [f64],
}

/// A compiled loop. SAFETY: callers promise what [`pair_force::add`] asks for.
type Loop = unsafe fn(&Law, &mut Tile, Sources<'_>, &Own);

/// The pair force of a problem on a CPU path.
#[derive(Clone, Copy, Debug)]
pub struct PairKernel {
    law: Law,
    add: Loop,
}

impl PairKernel {
    /// The kernel for this law of force. A path that this CPU does not have gives way to the widest one that it has.
    pub fn new(gravity: &Gravity, path: CpuPath) -> PairKernel {
        let spline = match gravity.softening {
            Softening::Spline(eps) => Some(Spline::new(eps)),
            Softening::None | Softening::Plummer(_) => None,
        };
        let softening_squared = match gravity.softening {
            Softening::Plummer(eps) => eps * eps,
            Softening::None | Softening::Spline(_) => 0.0,
        };
        let law = Law { softening_squared, spline };
        PairKernel { law, add: loop_for(path.min(CpuPath::best()), gravity.portable_bits, spline.is_some()) }
    }

    /// Adds the sources to a tile. With `diagonal = Some(n)` source `n + lane` *is* the target of that lane, and adds nothing to
    /// it (sources that do not exist are skipped).
    pub fn add(&self, tile: &mut Tile, sources: Sources<'_>, diagonal: Option<usize>) {
        let own = diagonal.map_or([NOBODY; LANES], |first| std::array::from_fn(|lane| first + lane));
        self.add_others(tile, sources, &own);
    }

    /// Adds the sources to a tile. Source `own[lane]` *is* the target of that lane, and adds nothing to it; [`NOBODY`] where the
    /// target is not among the sources.
    ///
    /// # Panics
    /// If the slices of the sources differ in length.
    pub fn add_others(&self, tile: &mut Tile, sources: Sources<'_>, own: &Own) {
        let count = sources.mass.len();
        assert!(sources.position.iter().all(|values| values.len() == count), "sources have all coordinates");
        // SAFETY: the loop was chosen for instructions that this CPU has; the lengths are equal.
        unsafe { (self.add)(&self.law, tile, sources, own) }
    }
}

fn loop_for(path: CpuPath, portable_bits: bool, spline: bool) -> Loop {
    match (portable_bits || path == CpuPath::Portable, spline) {
        (true, true) => wide::<Exact, true>(path),
        (true, false) => wide::<Exact, false>(path),
        (false, true) => wide::<Fused, true>(path),
        (false, false) => wide::<Fused, false>(path),
    }
}

#[cfg(target_arch = "x86_64")]
fn wide<A: Arithmetic, const SPLINE: bool>(path: CpuPath) -> Loop {
    match path {
        CpuPath::Portable => plain::<Exact, SPLINE>,
        CpuPath::Avx2 => avx2::<A, SPLINE>,
        CpuPath::Avx512 => avx512::<A, SPLINE>,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn wide<A: Arithmetic, const SPLINE: bool>(_path: CpuPath) -> Loop {
    plain::<Exact, SPLINE>
}

/// # Safety
/// As [`pair_force::add`].
unsafe fn plain<A: Arithmetic, const SPLINE: bool>(law: &Law, tile: &mut Tile, sources: Sources<'_>, own: &Own) {
    // SAFETY: the caller's promise.
    unsafe { pair_force::add::<Plain, A, SPLINE>(law, tile, sources, own) }
}

/// # Safety
/// As [`pair_force::add`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<A: Arithmetic, const SPLINE: bool>(law: &Law, tile: &mut Tile, sources: Sources<'_>, own: &Own) {
    // SAFETY: the caller's promise.
    unsafe { pair_force::add::<__m256d, A, SPLINE>(law, tile, sources, own) }
}

/// # Safety
/// As [`pair_force::add`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512<A: Arithmetic, const SPLINE: bool>(law: &Law, tile: &mut Tile, sources: Sources<'_>, own: &Own) {
    // SAFETY: the caller's promise.
    unsafe { pair_force::add::<__m512d, A, SPLINE>(law, tile, sources, own) }
}

#[cfg(test)]
#[path = "gravity_tests.rs"]
mod tests;
