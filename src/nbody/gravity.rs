//! The force of many sources on eight targets: the hot loop of N-body.
//!
//! Lanes are targets. Each lane adds its sources one after the other in the order given, so neither blocks of sources nor the
//! width of vectors can show in the result.

use super::problem::{Gravity, Softening};
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

/// Sources as slices of equal length.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// x, y, z.
    pub position: [&'a [f64]; 3],
    /// Masses.
    pub mass: &'a [f64],
}

/// The pair force of a problem on a CPU path.
#[derive(Clone, Copy, Debug)]
pub struct PairKernel {
    softening: Softening,
}

impl PairKernel {
    /// The kernel for this law of force. The path must be available.
    pub fn new(gravity: &Gravity, _path: CpuPath) -> PairKernel {
        PairKernel { softening: gravity.softening }
    }

    /// Adds the sources to a tile. With `diagonal = Some(n)` source `n + lane` *is* the target of that lane, and adds nothing to
    /// it (sources that do not exist are skipped).
    pub fn add(&self, tile: &mut Tile, sources: Sources<'_>, diagonal: Option<usize>) {
        for source in 0..sources.mass.len() {
            for lane in 0..LANES {
                if diagonal.is_none_or(|first| first + lane != source) {
                    self.add_pair(tile, lane, sources, source);
                }
            }
        }
    }

    fn add_pair(&self, tile: &mut Tile, lane: usize, sources: Sources<'_>, source: usize) {
        let away: [f64; 3] = std::array::from_fn(|axis| sources.position[axis][source] - tile.position[axis][lane]);
        let squared = away.iter().map(|x| x * x).sum::<f64>() + self.softening.length().powi(2);
        let inverse = 1.0 / squared.sqrt();
        let weight = sources.mass[source] * inverse;
        for (sum, component) in tile.acceleration.iter_mut().zip(away) {
            sum[lane] += component * (weight * inverse * inverse);
        }
        tile.potential[lane] -= weight;
    }
}
