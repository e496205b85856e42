//! Lagrangian radii: distances from a centre within which given fractions of the mass lie.
//!
//! Masses are turned into integers once, so that the mass within a radius is one and the same number in every order of adding. The
//! radius itself is found digit by digit: a distance that is not negative grows with its bit pattern, so a histogram of mass over the leading
//! bits says which of them the radius has, and five histograms say all. Refused: sorting by distance, which over ranks
//! moves every body.

use super::vector::{difference, length};
use crate::comm::Communicator;
use crate::particles::Particles;
use rayon::prelude::*;

/// Fractions of the mass.
pub const FRACTIONS: [f64; 3] = [0.1, 0.5, 0.9];
/// Widths of the digits, the highest first: all bits below the sign.
const DIGITS: [u32; 5] = [13, 13, 13, 12, 12];
const BINS: usize = 1 << 13;
/// Bodies that one task takes at least.
const CHUNK: usize = 1 << 15;

/// The smallest distances from `centre` within which there are at least [`FRACTIONS`] of the mass; NaN without mass. `mass` is that of
/// all bodies. Collective; the same bits for every shape.
pub fn lagrangian_radii(bodies: &Particles, centre: [f64; 3], mass: f64, comm: &dyn Communicator) -> [f64; 3] {
    let scale = integer_scale(mass);
    let weighted = |body: usize| {
        (length(difference(bodies.position_of(body), centre)), (bodies.mass[body] * scale).round() as i64)
    };
    weighted_quantiles(bodies.len(), weighted, FRACTIONS, comm)
}

/// For each fraction the smallest of the distances up to which there is at least that fraction of all weights; NaN if these are 0. `weighted`
/// gives distance and weight, both not negative, of the local bodies `0..count`. Collective; the same bits for every shape.
pub fn weighted_quantiles<const N: usize>(
    count: usize,
    weighted: impl Fn(usize) -> (f64, i64) + Sync,
    fractions: [f64; N],
    comm: &dyn Communicator,
) -> [f64; N] {
    let in_bits = |body: usize| {
        let (distance, weight) = weighted(body);
        (distance.to_bits(), weight)
    };
    let weighted: Vec<(u64, i64)> = (0..count).into_par_iter().with_min_len(CHUNK).map(in_bits).collect();
    let mut total = [weighted.iter().map(|(_, weight)| weight).sum()];
    comm.all_sum(&mut total);
    if total[0] <= 0 {
        return [f64::NAN; N];
    }
    let mut searches = fractions.map(|fraction| Search::new((fraction * total[0] as f64).ceil() as i64));
    let mut below = 63;
    for width in DIGITS {
        below -= width;
        let mut mass = histograms(&weighted, &searches, below, width);
        comm.all_sum(&mut mass);
        searches.iter_mut().zip(mass.chunks_exact(BINS)).for_each(|(search, mass)| search.narrow(mass, width));
    }
    searches.map(|search| f64::from_bits(search.leading))
}

/// The power of two that makes all masses together an integer of at most 61 bits; 0 if their sum overflows.
pub fn integer_scale(mass: f64) -> f64 {
    if !mass.is_finite() {
        return 0.0;
    }
    let order = (mass.to_bits() >> 52 & 0x7ff) as i32 - 1022;
    2f64.powi((61 - order).clamp(-1022, 1023))
}

/// A radius of which the leading bits are known.
struct Search {
    leading: u64,
    /// Mass that is still to be found at distances with these leading bits.
    wanted: i64,
}

impl Search {
    fn new(wanted: i64) -> Search {
        Search { leading: 0, wanted: wanted.max(1) }
    }

    /// Finds the next digit in the mass of each.
    fn narrow(&mut self, mass: &[i64], width: u32) {
        let last = mass.iter().rposition(|m| *m != 0).unwrap_or(0);
        let mut digit = 0;
        while digit < last && self.wanted > mass[digit] {
            self.wanted -= mass[digit];
            digit += 1;
        }
        self.leading = self.leading << width | digit as u64;
    }
}

/// Mass of each digit of `width` bits above the `below` lowest ones, for the distances that a search has not left out.
fn histograms(weighted: &[(u64, i64)], searches: &[Search], below: u32, width: u32) -> Vec<i64> {
    let zero = || vec![0; searches.len() * BINS];
    let add = |mut mass: Vec<i64>, chunk: &[(u64, i64)]| {
        for (bits, weight) in chunk {
            let digit = (bits >> below) as usize & ((1 << width) - 1);
            for (n, search) in searches.iter().enumerate() {
                if bits >> (below + width) == search.leading {
                    mass[n * BINS + digit] += weight;
                }
            }
        }
        mass
    };
    let merge = |mut a: Vec<i64>, b: Vec<i64>| {
        a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        a
    };
    weighted.par_chunks(CHUNK).fold(zero, add).reduce(zero, merge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::solo::Solo;
    use crate::comm::threads;

    fn line(count: u64) -> Particles {
        let mut bodies = Particles::default();
        for n in 0..count {
            bodies.push(n, n, 1.0, [(n + 1) as f64, 0.0, 0.0], [0.0; 3]);
        }
        bodies
    }

    #[test]
    fn a_row_of_ten_has_its_deciles() {
        assert_eq!(lagrangian_radii(&line(10), [0.0; 3], 10.0, &Solo), [1.0, 5.0, 9.0]);
        assert_eq!(lagrangian_radii(&line(1), [1.0, 0.0, 0.0], 1.0, &Solo), [0.0; 3]);
    }

    #[test]
    fn unequal_masses_and_extreme_places() {
        let mut bodies = line(2);
        bodies.mass = vec![1e-30, 3e-30];
        bodies.position[1][1] = 1e300;
        assert_eq!(lagrangian_radii(&bodies, [0.0; 3], 4e-30, &Solo), [1.0, 1e300, 1e300]);
        bodies.mass = vec![0.0; 2];
        assert!(lagrangian_radii(&bodies, [0.0; 3], 0.0, &Solo)[0].is_nan());
    }

    #[test]
    fn agrees_with_a_sort_on_any_number_of_ranks() {
        let mut all = Particles::default();
        let wave = |n: u64, k: f64| (n as f64 * k).sin() * (n as f64 * 0.01).exp();
        for n in 0..777 {
            all.push(n, n, 1.0 + (n % 5) as f64, [wave(n, 1.3), wave(n, 2.7), wave(n, 0.4)], [0.0; 3]);
        }
        let mass: f64 = all.mass.iter().sum();
        let mut sorted: Vec<(f64, f64)> = (0..777).map(|n| (length(all.position_of(n)), all.mass[n])).collect();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let expected = FRACTIONS.map(|fraction| {
            let mut within = 0.0;
            let reaches = |(_, m): &&(f64, f64)| {
                within += m;
                within >= fraction * mass
            };
            sorted.iter().find(reaches).unwrap().0
        });
        for size in 1..=4 {
            let radii = threads::run(size, |comm: &dyn Communicator| {
                let own: Vec<u32> = (0..777).filter(|n| (n / 3) as usize % size == comm.rank()).collect();
                lagrangian_radii(&all.reordered(&own), [0.0; 3], mass, comm)
            });
            assert!(radii.iter().all(|r| *r == expected), "{size} ranks: {radii:?}, {expected:?}");
        }
    }
}
