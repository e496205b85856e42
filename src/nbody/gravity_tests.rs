//! The pair kernel against a scalar twin, against formulas, and at the ends of the number range.

use super::*;
use crate::nbody::problem::{Method, Precision};

fn gravity(softening: Softening, portable_bits: bool) -> Gravity {
    let (method, precision) = (Method::Direct, Precision::Double);
    Gravity { constant: 1.0, method, accuracy: 1e-3, softening, precision, portable_bits }
}

/// Every kernel that this CPU can run.
fn kernels(softening: Softening) -> Vec<PairKernel> {
    let paths = CpuPath::available().into_iter();
    paths.flat_map(|path| [false, true].map(|bits| PairKernel::new(&gravity(softening, bits), path))).collect()
}

/// x, y, z, mass.
struct Owned([Vec<f64>; 4]);

impl Owned {
    fn new(count: usize, seed: u64) -> Owned {
        let mut state = seed;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        Owned(std::array::from_fn(|_| (0..count).map(|_| random()).collect()))
    }

    fn one(position: [f64; 3], mass: f64) -> Owned {
        Owned([vec![position[0]], vec![position[1]], vec![position[2]], vec![mass]])
    }

    fn range(&self, start: usize, end: usize) -> Sources<'_> {
        let [x, y, z, mass] = self.0.each_ref().map(|values| &values[start..end]);
        Sources { position: [x, y, z], mass }
    }

    fn all(&self) -> Sources<'_> {
        self.range(0, self.0[3].len())
    }
}

fn tile_of(bodies: &Owned, first: usize) -> Tile {
    let position = std::array::from_fn(|axis| std::array::from_fn(|lane| bodies.0[axis][first + lane]));
    Tile { position, ..Tile::default() }
}

/// `-phi m^-1` and `f m^-1` by the formulas as they are printed in Springel, Yoshida & White 2001 for the spline.
fn law(softening: Softening, r: f64) -> (f64, f64) {
    match softening {
        Softening::None => (1.0 / r, 1.0 / (r * r * r)),
        Softening::Plummer(eps) => law(Softening::None, (r * r + eps * eps).sqrt()),
        Softening::Spline(eps) => {
            let h = 2.8 * eps;
            let u = r / h;
            if u < 0.5 {
                let potential = -2.8 + u * u * (16.0 / 3.0 + u * u * (6.4 * u - 9.6));
                (-potential / h, (32.0 / 3.0 + u * u * (32.0 * u - 38.4)) / (h * h * h))
            } else if u < 1.0 {
                let potential =
                    -3.2 + 1.0 / (15.0 * u) + u * u * (32.0 / 3.0 + u * (-16.0 + u * (9.6 - 32.0 / 15.0 * u)));
                let force = 64.0 / 3.0 - 48.0 * u + 38.4 * u * u - 32.0 / 3.0 * u * u * u - 1.0 / (15.0 * u * u * u);
                (-potential / h, force / (h * h * h))
            } else {
                law(Softening::None, r)
            }
        }
    }
}

/// Sums of the law for one target and sums of the sizes of their terms: ax, ay, az, phi.
fn twin(softening: Softening, target: [f64; 3], sources: Sources<'_>, own: usize) -> [(f64, f64); 4] {
    let mut sums = [(0.0, 0.0); 4];
    for n in (0..sources.mass.len()).filter(|&n| n != own) {
        let away: [f64; 3] = std::array::from_fn(|axis| sources.position[axis][n] - target[axis]);
        let r = (away[0] * away[0] + away[1] * away[1] + away[2] * away[2]).sqrt();
        let (potential, force) = law(softening, r);
        let terms = [away[0] * force, away[1] * force, away[2] * force, -potential].map(|term| sources.mass[n] * term);
        for (sum, term) in sums.iter_mut().zip(terms) {
            *sum = (sum.0 + term, sum.1 + term.abs());
        }
    }
    sums
}

#[test]
fn equals_a_scalar_twin() {
    let bodies = Owned::new(300, 1);
    for softening in [Softening::None, Softening::Plummer(0.05), Softening::Spline(0.2)] {
        for kernel in kernels(softening) {
            let mut tile = tile_of(&bodies, 40);
            kernel.add(&mut tile, bodies.all(), Some(40));
            for lane in 0..LANES {
                let target = tile.position.map(|values| values[lane]);
                let [a, b, c] = tile.acceleration.map(|values| values[lane]);
                let expected = twin(softening, target, bodies.all(), 40 + lane);
                for (found, (sum, size)) in [a, b, c, tile.potential[lane]].into_iter().zip(expected) {
                    // Both round each term a few times and each of the 300 sums once, at random.
                    assert!((found - sum).abs() <= 4e-15 * size, "{softening:?}: {found} {sum} {size}");
                }
            }
        }
    }
}

/// Acceleration and potential of few targets from body 40 on, in lanes of sources that are cut at `cuts`.
fn across(kernel: &PairKernel, bodies: &Owned, count: usize, cuts: &[usize]) -> Vec<[f64; 4]> {
    let place = |n: usize| std::array::from_fn(|axis| bodies.0[axis][40 + n]);
    let mut targets: Vec<Spread> = (0..count).map(|n| Spread::new(place(n))).collect();
    for cut in cuts.windows(2) {
        let own = if (cut[0]..cut[1]).contains(&40) { 40 - cut[0] } else { NOBODY };
        kernel.add_across(&mut targets, own, bodies.range(cut[0], cut[1]));
    }
    let sums = targets.iter().map(Spread::sums);
    sums.map(|([a, b, c], potential)| [a, b, c, potential]).collect()
}

#[test]
fn few_targets_equal_a_scalar_twin_wherever_they_stand_in_a_slice() {
    let bodies = Owned::new(300, 1);
    for softening in [Softening::None, Softening::Plummer(0.05), Softening::Spline(0.2)] {
        for kernel in kernels(softening) {
            for (count, first_cut) in (1..=5).flat_map(|count| (30..=40).map(move |cut| (count, cut))) {
                let found = across(&kernel, &bodies, count, &[0, 1, first_cut, first_cut + 90, 300]);
                for (n, found) in found.iter().enumerate() {
                    let target = std::array::from_fn(|axis| bodies.0[axis][40 + n]);
                    for (found, (sum, size)) in found.iter().zip(twin(softening, target, bodies.all(), 40 + n)) {
                        // As above, with fewer roundings of sums.
                        assert!((found - sum).abs() <= 4e-15 * size, "{softening:?}: {found} {sum} {size}");
                    }
                }
            }
        }
    }
}

#[test]
fn few_targets_have_the_same_portable_bits_on_every_path() {
    let bodies = Owned::new(300, 3);
    for softening in [Softening::Plummer(0.05), Softening::Spline(0.2)] {
        let found = CpuPath::available().into_iter().map(|path| {
            let kernel = PairKernel::new(&gravity(softening, true), path);
            across(&kernel, &bodies, 3, &[0, 17, 150, 300])
        });
        let found: Vec<_> = found.collect();
        assert!(found.iter().all(|other| *other == found[0]), "{softening:?}");
    }
}

#[test]
fn a_pair_is_accurate_to_the_last_bits_at_all_distances() {
    // Seven sizes of mantissa and exponents of both parities; the cube of the inverse must neither overflow nor vanish.
    for exponent in -330..330 {
        for mantissa in [1.0, 1.1, 1.25, 1.4, 1.5, 1.75, 1.99] {
            let r = mantissa * 2f64.powi(exponent);
            for kernel in kernels(Softening::None) {
                let mut tile = Tile::default();
                kernel.add(&mut tile, Owned::one([r, 0.0, 0.0], 1.0).all(), None);
                // The root is off by 1.7e-16, the potential by one rounding more, the force by three times that and two roundings.
                assert!((tile.potential[3] * r + 1.0).abs() < 4e-16, "{r:e} {}", tile.potential[3] * r);
                assert!((tile.acceleration[0][3] * r * r - 1.0).abs() < 1e-15, "{r:e}");
            }
        }
    }
}

#[test]
fn cuts_of_the_sources_do_not_show() {
    let mut bodies = Owned::new(100, 2);
    // One far body makes its call slow and careful; the others must not notice.
    bodies.0[1][57] = 1e300;
    for softening in [Softening::None, Softening::Spline(0.1)] {
        for kernel in kernels(softening) {
            let mut whole = tile_of(&bodies, 0);
            kernel.add(&mut whole, bodies.all(), Some(0));
            for cut in [1, 5, 8, 57, 58, 99] {
                let mut parts = tile_of(&bodies, 0);
                kernel.add(&mut parts, bodies.range(0, cut), Some(0));
                let own = std::array::from_fn(|lane: usize| lane.checked_sub(cut).unwrap_or(NOBODY));
                kernel.add_others(std::slice::from_mut(&mut parts), &[own], bodies.range(cut, 100));
                assert_eq!(parts, whole, "cut at {cut}");
            }
        }
    }
}

#[test]
fn a_body_beyond_all_range_neither_pulls_nor_breaks_others() {
    for far in [1e155, 1e200, 1e300] {
        for kernel in kernels(Softening::None) {
            let near = Owned::one([0.0, 2.0, 0.0], 1.0);
            let mut tile = Tile::default();
            kernel.add(&mut tile, near.all(), None);
            let before = tile.acceleration;
            kernel.add(&mut tile, Owned::one([far, -far, 0.0], 1.0).all(), None);
            assert_eq!(tile.acceleration, before);
            let mut alone = Tile { position: [[far; LANES]; 3], ..Tile::default() };
            kernel.add(&mut alone, near.all(), None);
            assert_eq!(alone.acceleration, [[0.0; LANES]; 3]);
        }
    }
}

#[test]
fn bodies_without_mass_pull_nothing() {
    let mut bodies = Owned::new(20, 3);
    bodies.0[3].fill(0.0);
    for kernel in kernels(Softening::Plummer(0.1)) {
        let mut tile = tile_of(&bodies, 0);
        kernel.add(&mut tile, bodies.all(), None);
        assert!(tile.acceleration.iter().flatten().chain(&tile.potential).all(|&value| value == 0.0));
    }
}

#[test]
fn own_sources_are_skipped_wherever_they_stand() {
    let bodies = Owned::new(30, 4);
    let own = [3, 29, NOBODY, 0, 3, 17, 4, 30];
    for kernel in kernels(Softening::None) {
        // Targets away from all sources, so that skipping shows.
        let mut tile = Tile { position: [[2.0; LANES]; 3], ..Tile::default() };
        kernel.add_others(std::slice::from_mut(&mut tile), &[own], bodies.all());
        for (lane, own) in own.into_iter().enumerate() {
            let (sum, size) = twin(Softening::None, [2.0; 3], bodies.all(), own)[3];
            assert!((tile.potential[lane] - sum).abs() <= 4e-15 * size);
        }
    }
}

#[test]
fn the_spline_is_smooth_and_newtonian_outside() {
    let eps = 0.7;
    let h = 2.8 * eps;
    let field = |kernel: &PairKernel, r: f64| {
        let mut tile = Tile::default();
        kernel.add(&mut tile, Owned::one([r, 0.0, 0.0], 2.0).all(), None);
        (tile.potential[5], tile.acceleration[0][5])
    };
    for (kernel, newton) in kernels(Softening::Spline(eps)).iter().zip(&kernels(Softening::None)) {
        assert_eq!(field(kernel, 0.0), (-2.0 * 2.8 * (1.0 / h), 0.0));
        for border in [0.5 * h, h] {
            let (below, above) = (field(kernel, border * (1.0 - 1e-15)), field(kernel, border * (1.0 + 1e-15)));
            // Both sides round some ten operations on numbers of at most ten times the result.
            assert!((below.0 / above.0 - 1.0).abs() < 1e-14 && (below.1 / above.1 - 1.0).abs() < 1e-14);
        }
        for part in [1.0, 1.0 + 1e-15, 1.5, 1e9] {
            assert_eq!(field(kernel, part * h), field(newton, part * h), "{part} h");
        }
    }
}
