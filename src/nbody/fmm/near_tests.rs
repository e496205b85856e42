//! Bodies one by one in 32 bits: against 64 bits, on every path of this CPU, close pairs and own bodies included.

use super::*;
use crate::cpu::CpuPath;
use crate::nbody::fmm::samples::{Random, gravity};
use crate::nbody::gravity::PairKernel;

const COUNT: usize = 300;
const OWN: usize = 90;

/// Paths of this CPU with fused operations.
fn paths() -> impl Iterator<Item = CpuPath> {
    [CpuPath::Avx2, CpuPath::Avx512].into_iter().filter(|path| *path <= CpuPath::best())
}

fn law(path: CpuPath, eps: f64) -> NearLaw {
    let gravity = gravity(1e-3, Softening::Plummer(eps));
    NearLaw::of(&gravity, Instructions::of(path, false)).expect("32 bits are enough")
}

/// x, y, z and mass of bodies about a far point.
fn bodies() -> [Vec<f64>; 4] {
    let mut random = Random(7);
    let mut all: [Vec<f64>; 4] =
        std::array::from_fn(|axis| (0..COUNT).map(|_| random.next() + [40.0, -7.0, 0.5, 0.1][axis]).collect());
    // A pair that is much closer than the rest.
    for (axis, values) in all.iter_mut().enumerate().take(3) {
        values[OWN + 1] = values[OWN] + 1e-7 * (1.0 + axis as f64);
    }
    all
}

fn sources(all: &[Vec<f64>; 4], range: Range<usize>) -> Sources<'_> {
    let [x, y, z, mass] = all.each_ref().map(|values| &values[range.clone()]);
    Sources { position: [x, y, z], mass }
}

fn tiles(all: &[Vec<f64>; 4], targets: Range<usize>) -> Tiles {
    let mut tiles = Tiles::default();
    for n in 0..SIXTEEN {
        let body = (targets.start + n).min(targets.end - 1);
        (0..3).for_each(|axis| tiles[n / LANES].position[axis][n % LANES] = all[axis][body]);
    }
    tiles
}

/// The near field of bodies `OWN..OWN + count` of a leaf, gathered in pieces that end at `cuts`.
fn near(law: &NearLaw, all: &[Vec<f64>; 4], count: usize, cuts: &[usize]) -> (Tiles, bool) {
    let mut near = NearBodies::default();
    near.begin([40.5, -6.4, 1.0], 30.0);
    let mut start = 0;
    for &cut in cuts.iter().chain(&[COUNT]) {
        if (start..cut).contains(&OWN) {
            near.expect_own(OWN - start);
        }
        near.extend(law, sources(all, start..cut));
        start = cut;
    }
    let mut tiles = tiles(all, OWN..OWN + count);
    let is_done = near.add_to(law, 0..count, &mut tiles);
    (tiles, is_done)
}

fn double(all: &[Vec<f64>; 4], eps: f64) -> Tiles {
    let kernel = PairKernel::new(&gravity(1e-3, Softening::Plummer(eps)), CpuPath::Portable);
    let mut tiles = tiles(all, OWN..OWN + SIXTEEN);
    for (n, tile) in tiles.iter_mut().enumerate() {
        kernel.add(tile, sources(all, 0..COUNT), Some(OWN + n * LANES));
    }
    tiles
}

fn relative_error(found: &Tile, truth: &Tile, lane: usize) -> f64 {
    let of = |tile: &Tile| [0, 1, 2].map(|axis| tile.acceleration[axis][lane]);
    let length = |x: [f64; 3]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
    let (found_a, truth_a) = (of(found), of(truth));
    let force = length(std::array::from_fn(|axis| found_a[axis] - truth_a[axis])) / length(truth_a);
    force.max((found.potential[lane] / truth.potential[lane] - 1.0).abs())
}

/// 24 bits are 6e-8, of which several roundings of each of the nearest pairs remain.
#[test]
fn forces_are_those_of_64_bits() {
    let all = bodies();
    for (path, eps) in paths().flat_map(|path| [1e-9, 1e-3, 1e3].map(|eps| (path, eps))) {
        let truth = double(&all, eps);
        for count in [1, 8, 9, 16] {
            let (found, is_done) = near(&law(path, eps), &all, count, &[]);
            assert!(is_done);
            for n in 0..count {
                let error = relative_error(&found[n / LANES], &truth[n / LANES], n % LANES);
                assert!(error < 5e-7, "{path:?}, eps {eps}: body {n} of {count}: {error:e}");
            }
        }
    }
}

#[test]
fn cuts_of_the_sources_and_the_number_of_targets_change_no_bit() {
    let all = bodies();
    for path in paths() {
        let law = law(path, 1e-3);
        let (whole, _) = near(&law, &all, SIXTEEN, &[]);
        for cuts in [vec![1], vec![64, 128], vec![OWN], vec![3, 70, 95, 200, 299]] {
            assert_eq!(near(&law, &all, SIXTEEN, &cuts).0, whole, "{path:?}, {cuts:?}");
        }
        let (half, _) = near(&law, &all, LANES, &[]);
        assert_eq!(half[0], whole[0], "{path:?}");
    }
}

#[test]
fn what_is_out_of_range_is_left_to_64_bits() {
    let mut all = bodies();
    for path in paths() {
        let law = law(path, 1e-3);
        assert!(law.covers(1e8) && !law.covers(1e10) && !law.covers(f64::INFINITY));
        all[3][0] = 1e45;
        let (tiles, is_done) = near(&law, &all, SIXTEEN, &[]);
        assert!(!is_done && tiles.iter().all(|tile| tile.potential == [0.0; LANES]), "{path:?}");
    }
}

#[test]
fn fine_accuracies_other_kernels_and_portable_bits_keep_64_bits() {
    let wide = Instructions::of(CpuPath::best(), false);
    assert!(NearLaw::of(&gravity(1e-7, Softening::Plummer(1e-3)), wide).is_none());
    assert!(NearLaw::of(&gravity(1e-3, Softening::Spline(1e-3)), wide).is_none());
    assert!(NearLaw::of(&gravity(1e-3, Softening::None), wide).is_none());
    for path in [CpuPath::Portable, CpuPath::best()] {
        let portable = Instructions::of(path, true);
        assert!(NearLaw::of(&gravity(1e-3, Softening::Plummer(1e-3)), portable).is_none());
    }
}
