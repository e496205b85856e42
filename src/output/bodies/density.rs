//! Surface density: the mass that a window shows, pixel by pixel.
//!
//! Every body adds its mass to one pixel as an integer, so the sums do not depend on the order of adding: not on ranks, threads or the order
//! of bodies. Rank 0 then smooths the picture (see [`super::smoothing`]). What travels is the size of the picture,
//! whatever the number of bodies.

use super::smoothing::{is_sparse, lone_peak, smoothed};
use super::view::View;
use crate::comm::Communicator;
use crate::nbody::lagrangian::integer_scale;
use crate::nbody::sums::exact_sums;
use crate::output::slice::Slice;
use crate::particles::Particles;
use rayon::prelude::*;

/// Bodies that one task takes at least: as many as a picture has pixels, about.
const CHUNK: usize = 1 << 17;
/// Most and least decimal orders that a chosen range of colours spans.
const ORDERS: [f64; 2] = [1.0, 9.0];

/// Numbers of bodies and masses of all pixels, the lowest line first.
#[derive(Clone, Debug, PartialEq)]
pub struct Deposit {
    view: View,
    /// Bodies of each pixel.
    pub counts: Vec<i64>,
    /// Masses in units of 1 / `scale`.
    pub masses: Vec<i64>,
    scale: f64,
}

impl Deposit {
    /// The bodies of all ranks, on every rank; only those with indices in `shown`, pairs of a first and a last one, if there are any.
    /// Collective; the same bits for every shape.
    pub fn of(view: View, shown: &[[u64; 2]], bodies: &Particles, comm: &dyn Communicator) -> Deposit {
        let is_shown =
            |&body: &usize| shown.is_empty() || shown.iter().any(|[a, b]| (*a..=*b).contains(&bodies.index[body]));
        let [mass] = exact_sums(bodies.len(), |body| [bodies.mass[body]], comm);
        let empty = || Deposit::empty(view, integer_scale(mass));
        let chunk = CHUNK.max(bodies.len().div_ceil(rayon::current_num_threads()));
        let of_chunk = |chunk_number: usize| {
            let mut deposit = empty();
            let end = ((chunk_number + 1) * chunk).min(bodies.len());
            let shown = (chunk_number * chunk..end).filter(is_shown);
            shown.for_each(|body| deposit.add(bodies.position_of(body), bodies.mass[body]));
            deposit
        };
        let chunks = (0..bodies.len().div_ceil(chunk)).into_par_iter().with_max_len(1);
        let mut all = chunks.map(of_chunk).reduce(empty, Deposit::merged);
        comm.all_sum(&mut all.counts);
        comm.all_sum(&mut all.masses);
        all
    }

    fn empty(view: View, scale: f64) -> Deposit {
        let zeros = || vec![0; view.pixels * view.pixels];
        Deposit { view, counts: zeros(), masses: zeros(), scale }
    }

    fn add(&mut self, position: [f64; 3], mass: f64) {
        if let Some(pixel) = self.view.pixel_of(position) {
            self.counts[pixel] += 1;
            self.masses[pixel] += (mass * self.scale).round() as i64;
        }
    }

    fn merged(mut self, other: Deposit) -> Deposit {
        self.counts.iter_mut().zip(other.counts).for_each(|(a, b)| *a += b);
        self.masses.iter_mut().zip(other.masses).for_each(|(a, b)| *a += b);
        self
    }

    /// Mass over area, smoothed.
    pub fn surface_density(&self) -> Vec<f64> {
        let mut masses = smoothed(self.view.pixels, &self.counts, &self.masses);
        let factor = 1.0 / self.scale / self.view.pixel_area();
        masses.par_iter_mut().for_each(|mass| *mass *= factor);
        masses
    }

    /// The ends of the colours for a picture, as logarithms: about the density of a lone body, so that lone bodies stand out of the
    /// darkness just so, and the largest one.
    pub fn logarithmic_range(&self, picture: &Slice) -> [f64; 2] {
        let high = picture.range().map_or(0.0, |[_, high]| high);
        let [peak, share] = lone_peak(self.view.pixels, &self.counts);
        let lone = self.typical_mass() * peak * share / self.scale / self.view.pixel_area();
        [lone.log10().clamp(high - ORDERS[1], high - ORDERS[0]), high]
    }

    /// Mass of a body in the middle of all pixels' mean masses; of the lightest in a picture of few bodies.
    fn typical_mass(&self) -> f64 {
        let filled = self.counts.iter().zip(&self.masses).filter(|(_, mass)| **mass > 0);
        let mut means: Vec<i64> = filled.map(|(count, mass)| mass / count).collect();
        means.sort_unstable();
        let middle = if is_sparse(&self.counts) { 0 } else { means.len() / 2 };
        means.get(middle).map_or(0.0, |mass| *mass as f64)
    }

    /// The decimal logarithm of the surface density; minus infinity where there is nothing.
    pub fn logarithmic(&self) -> Slice {
        let mut values = self.surface_density();
        values.par_iter_mut().for_each(|density| *density = density.log10());
        Slice { samples: [self.view.pixels; 2], values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::{solo::Solo, threads};

    fn view(pixels: usize) -> View {
        View { axes: [0, 1], centre: [0.0; 2], half_width: 2.0, pixels }
    }

    fn cloud(count: u64) -> Particles {
        let mut bodies = Particles::default();
        for n in 0..count {
            let angle = n as f64 * 2.399963;
            let radius = (n as f64 + 0.5) / count as f64;
            let position = [radius * angle.cos(), radius * angle.sin(), 100.0];
            bodies.push(n, n, 1.0 + (n % 3) as f64, position, [0.0; 3]);
        }
        bodies
    }

    #[test]
    fn mass_is_conserved_by_deposit_and_smoothing() {
        for (count, pixels) in [(1, 64), (50, 64), (20_000, 200)] {
            let bodies = cloud(count);
            let deposit = Deposit::of(view(pixels), &[], &bodies, &Solo);
            let mass: f64 = bodies.mass.iter().sum();
            assert_eq!(deposit.counts.iter().sum::<i64>() as u64, count);
            let area = view(pixels).pixel_area();
            let total: f64 = deposit.surface_density().iter().map(|density| density * area).sum();
            // All bodies are far enough from the edges; kernels add up to 1 but for rounding.
            assert!((total / mass - 1.0).abs() < 1e-12, "{count} bodies: {total} of {mass}");
        }
    }

    #[test]
    fn every_distribution_gives_the_same_picture() {
        let all = cloud(3001);
        let expected = Deposit::of(view(50), &[], &all, &Solo);
        for size in 2..=4 {
            let deposits = threads::run(size, |comm: &dyn Communicator| {
                let own: Vec<u32> = (0..3001).rev().filter(|n| (n / 1001) as usize % size == comm.rank()).collect();
                Deposit::of(view(50), &[], &all.reordered(&own), comm)
            });
            assert!(deposits.iter().all(|deposit| *deposit == expected), "{size} ranks");
        }
    }

    #[test]
    fn only_the_asked_bodies_are_drawn() {
        let bodies = cloud(100);
        let deposit = Deposit::of(view(64), &[[0, 9], [50, 50], [95, 200]], &bodies, &Solo);
        assert_eq!(deposit.counts.iter().sum::<i64>(), 10 + 1 + 5);
        assert_eq!(Deposit::of(view(64), &[[0, 99]], &bodies, &Solo), Deposit::of(view(64), &[], &bodies, &Solo));
    }

    #[test]
    fn a_uniform_disc_has_its_density() {
        // Of 40,000 bodies with equal areas, mass 1 in all, on a disc of radius 1.
        let count = 40_000;
        let mut bodies = cloud(count);
        bodies.mass = vec![1.0 / count as f64; count as usize];
        for n in 0..count as usize {
            let radius = (n as f64 + 0.5) / count as f64;
            (0..2).for_each(|axis| bodies.position[axis][n] *= radius.sqrt() / radius);
        }
        let pixels = 100;
        let density = Deposit::of(view(pixels), &[], &bodies, &Solo).surface_density();
        let centre = density[pixels / 2 + pixels * pixels / 2];
        // The kernel holds 30 bodies or more of an even spiral.
        assert!((centre * std::f64::consts::PI - 1.0).abs() < 0.1, "{centre}");
        assert_eq!(density[0], 0.0);
    }

    #[test]
    fn colours_reach_from_a_lone_body_to_the_densest_place() {
        let bodies = cloud(20_000);
        let deposit = Deposit::of(view(200), &[], &bodies, &Solo);
        let picture = deposit.logarithmic();
        let [low, high] = deposit.logarithmic_range(&picture);
        assert_eq!(high, picture.range().unwrap()[1]);
        // Half of the peak of a body of mass 2 under the widest Gaussian.
        let area = std::f64::consts::TAU * (8.0f64 / 640.0 * 4.0).powi(2);
        assert!((low - (0.5 * 2.0 / area).log10()).abs() < 0.01, "{low}");
    }

    #[test]
    fn ranges_of_strange_pictures() {
        let mut bodies = Particles::default();
        let range = |bodies: &Particles| {
            let deposit = Deposit::of(view(64), &[], bodies, &Solo);
            deposit.logarithmic_range(&deposit.logarithmic())
        };
        assert_eq!(range(&bodies), [-9.0, 0.0]);
        bodies.push(0, 0, 1.0, [0.0; 3], [0.0; 3]);
        let [low, high] = range(&bodies);
        assert!((high - low - 1.0).abs() < 1e-12, "one dot: {low} to {high}");
        bodies.push(1, 1, 1e-12, [1.0, 0.0, 0.0], [0.0; 3]);
        let [low, high] = range(&bodies);
        assert!((high - low - 9.0).abs() < 1e-12, "a light one: {low} to {high}");
    }
}
