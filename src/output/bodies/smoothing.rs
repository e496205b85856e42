//! Smoothing of a picture of bodies: each pixel's mass is spread by a Gaussian that is as wide as bodies are sparse there.
//!
//! Where a pixel has many neighbours the picture stays sharp, and where there are few a lone body becomes a faint spot instead of a
//! glaring dot. The width comes from the number of bodies in a box around the pixel, by a table of sums, so it is exact; masses of
//! one width are blurred together, line by line. Spreading conserves the mass; what would fall outside of the picture is lost. Every
//! pixel is computed in a fixed order. Refused: a tree of neighbours, for a picture of pixels.

use rayon::prelude::*;

/// Widths of the Gaussians (standard deviations) in pixels of a picture of [`EDGE`].
const WIDTHS: [f64; 8] = [0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0];
/// Edge in pixels of the picture for which the widths are given; others have them in proportion.
const EDGE: f64 = 640.0;
/// Bodies that the box of a width should hold: their number is then uncertain by a fifth.
const NEIGHBOURS: i64 = 25;
/// A picture with fewer bodies shows them all as dots of this width.
const FEW: i64 = 1000;
const DOT: usize = 3;
/// A Gaussian ends at so many widths.
const REACH: f64 = 3.5;

/// Masses after smoothing, in the same unit. Squares of `edge` times `edge` pixels.
pub fn smoothed(edge: usize, counts: &[i64], masses: &[i64]) -> Vec<f64> {
    let levels = levels(edge, counts);
    let mut sum = vec![0.0; edge * edge];
    for (level, width) in widths(edge).enumerate() {
        let of_level = |pixel: usize| if usize::from(levels[pixel]) == level { masses[pixel] as f64 } else { 0.0 };
        let part: Vec<f64> = (0..edge * edge).into_par_iter().with_min_len(edge).map(of_level).collect();
        if part.iter().any(|mass| *mass != 0.0) {
            let blurred = blurred(edge, &part, width);
            sum.par_iter_mut().with_min_len(edge).zip(blurred).for_each(|(sum, mass)| *sum += mass);
        }
    }
    sum
}

/// Whether there are so few bodies that each is a dot.
pub fn is_sparse(counts: &[i64]) -> bool {
    counts.iter().sum::<i64>() < FEW
}

/// The largest value that a lone body of mass 1 has in a picture, and the share of it that should just be seen: half of a faint spot,
/// a tenth of a dot.
pub fn lone_peak(edge: usize, counts: &[i64]) -> [f64; 2] {
    let (level, share) = if is_sparse(counts) { (DOT, 0.1) } else { (WIDTHS.len() - 1, 0.5) };
    let width = WIDTHS[level] * edge as f64 / EDGE;
    [1.0 / (std::f64::consts::TAU * width * width), share]
}

fn widths(edge: usize) -> impl Iterator<Item = f64> {
    WIDTHS.into_iter().map(move |width| width * edge as f64 / EDGE)
}

/// Number of the width of every pixel: the first one whose box holds enough bodies.
fn levels(edge: usize, counts: &[i64]) -> Vec<u8> {
    let sums = Sums::new(edge, counts);
    let few = is_sparse(counts);
    // The square whose area is that of a Gaussian, 4 pi sigma^2.
    let halves: Vec<usize> = widths(edge).map(|w| (w * std::f64::consts::PI.sqrt()).round() as usize).collect();
    let level = |pixel: usize| {
        if few {
            return DOT as u8;
        }
        let at = [pixel % edge, pixel / edge];
        let enough = |half: &usize| {
            let (low, high) = (at.map(|x| x.saturating_sub(*half)), at.map(|x| (x + half + 1).min(edge)));
            sums.within(low, high) >= NEIGHBOURS
        };
        halves.iter().position(enough).unwrap_or(WIDTHS.len() - 1) as u8
    };
    let of_pixel = |pixel: usize| if counts[pixel] == 0 { 0 } else { level(pixel) };
    (0..edge * edge).into_par_iter().with_min_len(edge).map(of_pixel).collect()
}

/// Sums over all rectangles from the origin.
struct Sums {
    stride: usize,
    sums: Vec<i64>,
}

impl Sums {
    fn new(edge: usize, counts: &[i64]) -> Sums {
        let stride = edge + 1;
        let mut sums = vec![0; stride * stride];
        for (y, line) in counts.chunks_exact(edge).enumerate() {
            let mut so_far = 0;
            for (x, count) in line.iter().enumerate() {
                so_far += count;
                sums[(y + 1) * stride + x + 1] = sums[y * stride + x + 1] + so_far;
            }
        }
        Sums { stride, sums }
    }

    /// The sum from `low` to below `high`.
    fn within(&self, low: [usize; 2], high: [usize; 2]) -> i64 {
        let at = |x: usize, y: usize| self.sums[y * self.stride + x];
        at(high[0], high[1]) - at(low[0], high[1]) - at(high[0], low[1]) + at(low[0], low[1])
    }
}

/// A square of pixels blurred by a Gaussian: along lines, then along columns.
fn blurred(edge: usize, masses: &[f64], width: f64) -> Vec<f64> {
    let kernel = kernel(width);
    let reach = kernel.len() / 2;
    let mut across = vec![0.0; edge * edge];
    across.par_chunks_exact_mut(edge).zip(masses.par_chunks_exact(edge)).for_each(|(target, line)| {
        for (x, mass) in line.iter().enumerate().filter(|(_, mass)| **mass != 0.0) {
            let (low, high) = (x.saturating_sub(reach), (x + reach + 1).min(edge));
            let weights = &kernel[low + reach - x..];
            target[low..high].iter_mut().zip(weights).for_each(|(target, weight)| *target += weight * mass);
        }
    });
    let mut sum = vec![0.0; edge * edge];
    sum.par_chunks_exact_mut(edge).enumerate().for_each(|(y, target)| {
        for from in y.saturating_sub(reach)..(y + reach + 1).min(edge) {
            let weight = kernel[from + reach - y];
            let line = &across[from * edge..(from + 1) * edge];
            target.iter_mut().zip(line).for_each(|(target, mass)| *target += weight * mass);
        }
    });
    sum
}

/// Weights of a Gaussian from one end to the other, their sum 1.
fn kernel(width: f64) -> Vec<f64> {
    let reach = (REACH * width).ceil() as isize;
    let weights: Vec<f64> = (-reach..=reach).map(|x| (-0.5 * (x as f64 / width).powi(2)).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_rectangles() {
        let counts: Vec<i64> = (0..25).collect();
        let sums = Sums::new(5, &counts);
        assert_eq!(sums.within([0, 0], [5, 5]), 300);
        assert_eq!(sums.within([1, 2], [3, 4]), 11 + 12 + 16 + 17);
        assert_eq!(sums.within([2, 2], [2, 4]), 0);
    }

    #[test]
    fn dense_places_stay_sharp_and_sparse_ones_are_spread() {
        let edge = 640;
        let mut counts = vec![0; edge * edge];
        let (dense, lone) = (100 + 100 * edge, 400 + 400 * edge);
        (counts[dense], counts[lone]) = (5000, 1);
        let picture = smoothed(edge, &counts, &counts);
        let peak = |pixel: usize| picture[pixel] / counts[pixel] as f64;
        let expected = |width: f64| 1.0 / (std::f64::consts::TAU * width * width);
        // Weights at whole pixels against the integral: a few per cent at the smallest width.
        assert!((peak(dense) / expected(0.7) - 1.0).abs() < 0.05, "{}", peak(dense));
        assert!((peak(lone) / expected(8.0) - 1.0).abs() < 0.01, "{}", peak(lone));
    }

    #[test]
    fn the_blur_is_round_and_looks_the_same_everywhere() {
        let edge = 41;
        let mut masses = vec![0.0; edge * edge];
        masses[20 + 20 * edge] = 1.0;
        let picture = blurred(edge, &masses, 3.0);
        let at = |x: usize, y: usize| picture[x + y * edge];
        assert_eq!(at(25, 20), at(15, 20));
        assert_eq!(at(25, 20), at(20, 25));
        assert!((at(23, 24) - at(25, 20)).abs() < 1e-15, "both are 5 pixels away");
    }
}
