//! The force on few targets: lanes are sources.
//!
//! [`super::gravity`] computes eight targets at a time. A part of a leaf far outside of everything has one to four bodies and many
//! thousands of sources: seven of eight lanes would be idle. Here each target takes its sources eight at a time, source `n` in lane `n` modulo
//! eight of its own slice, and the eight sums are added at the end, in a fixed order. Eight they are for registers of any width, so that the
//! width shows in no bit; how sources are cut into slices does, so callers cut them alike for every shape (at the leaves of the tree).
//!
//! Refused: sources that are gathered into one slice first (gathering costs more than one target's sum does).

use super::gravity::{LANES, Sources};
use super::pair_arithmetic::Arithmetic;
use super::pair_force::{Group, Law};
use super::pair_lanes::PairLanes;

/// A target and the partial sums of its eight lanes.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub struct Spread {
    position: [f64; 3],
    /// Sum of m (r - r_source) / d^3 of each lane.
    acceleration: [[f64; LANES]; 3],
    /// Sum of -m / d of each lane.
    potential: [f64; LANES],
}

impl Spread {
    /// A target on which nothing acts yet.
    pub fn new(position: [f64; 3]) -> Spread {
        Spread { position, acceleration: [[0.0; LANES]; 3], potential: [0.0; LANES] }
    }

    /// Acceleration and potential, without the gravitational constant.
    pub fn sums(&self) -> ([f64; 3], f64) {
        (self.acceleration.map(|lanes| -sum_of(lanes)), sum_of(self.potential))
    }
}

fn sum_of([a, b, c, d, e, f, g, h]: [f64; LANES]) -> f64 {
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

/// Eight sources, of which some may be none.
struct Chunk {
    position: [[f64; LANES]; 3],
    mass: [f64; LANES],
    softening: [f64; LANES],
}

impl Chunk {
    /// Sources from `start` on. The source `own`, and those that do not exist, have no mass and a distance at which nothing overflows.
    fn new(law: &Law, sources: Sources<'_>, start: usize, own: usize) -> Chunk {
        let last = sources.mass.len() - 1;
        let is_none = |lane: usize| start + lane > last || start + lane == own;
        let of_lane = |values: &[f64], lane: usize| values[(start + lane).min(last)];
        Chunk {
            position: sources.position.map(|values| std::array::from_fn(|lane| of_lane(values, lane))),
            mass: std::array::from_fn(|lane| if is_none(lane) { 0.0 } else { of_lane(sources.mass, lane) }),
            softening: std::array::from_fn(|lane| if is_none(lane) { 1.0 } else { law.softening_squared }),
        }
    }
}

/// Adds the sources to targets. Source `own + n` *is* target `n`, and adds nothing to it; [`NOBODY`](super::pair_force::NOBODY) where the
/// targets are not among the sources. `law.spline` is `Some` where `SPLINE` is true, and only there.
///
/// # Safety
/// The CPU has the instruction set of the vectors. All slices of the sources are equally long.
#[inline(always)]
pub unsafe fn add<L: PairLanes, A: Arithmetic, const SPLINE: bool>(
    law: &Law,
    targets: &mut [Spread],
    own: usize,
    sources: Sources<'_>,
) {
    let law = Law { spline: if SPLINE { law.spline } else { None }, ..*law };
    for (n, target) in targets.iter_mut().enumerate() {
        let own = own.saturating_add(n);
        for lane in (0..LANES).step_by(L::WIDTH) {
            // SAFETY: the caller's promise; widths divide the number of lanes.
            unsafe { add_to_lanes::<L, A>(&law, target, lane, own, sources) }
        }
    }
}

/// Adds to a target what acts in the lanes from `lane` on.
///
/// # Safety
/// As [`add`], and `lane + WIDTH` is at most [`LANES`].
#[inline(always)]
unsafe fn add_to_lanes<L: PairLanes, A: Arithmetic>(
    law: &Law,
    target: &mut Spread,
    lane: usize,
    own: usize,
    sources: Sources<'_>,
) {
    let (count, at) = (sources.mass.len(), target.position);
    let [x, y, z] = sources.position;
    // SAFETY: the caller's promise; a chunk of eight sources lies inside the slices, which are equally long.
    unsafe {
        let softening = L::splat(law.softening_squared);
        let mut group = Group::<L>::with_sums(&target.acceleration, &target.potential, lane);
        for start in (0..count).step_by(LANES) {
            if start + LANES > count || own.wrapping_sub(start) < LANES {
                let chunk = Chunk::new(law, sources, start, own);
                group.stand_at(chunk.position.each_ref().map(|values| values[lane..].as_ptr()));
                let softening = L::load(chunk.softening[lane..].as_ptr());
                group.feel::<A>(at, softening, L::load(chunk.mass[lane..].as_ptr()), law.spline.as_ref());
            } else {
                let first = start + lane;
                group.stand_at([x[first..].as_ptr(), y[first..].as_ptr(), z[first..].as_ptr()]);
                group.feel::<A>(at, softening, L::load(sources.mass[first..].as_ptr()), law.spline.as_ref());
            }
        }
        group.store_sums(&mut target.acceleration, &mut target.potential, lane);
    }
}
