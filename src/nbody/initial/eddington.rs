//! Isotropic equilibrium of a spherical component in a spherical field: speeds by Eddington's inversion.
//!
//! With the depth Psi = -potential of *all* mass, and E = Psi - v^2 / 2 (Binney and Tremaine 2008, eq. 4.46, whose boundary term is
//! zero for distributions without an end):
//! ```text
//! f(E) = 1 / (sqrt(8) pi^2)  int_0^E  d2rho/dPsi2  dPsi / sqrt(E - Psi)
//! ```
//! The second derivative is tabulated at radii of equal ratio (its logarithmic slope by central differences, since it is close to a
//! power of r), taken as linear in Psi between them, and each piece is integrated in closed form. A speed at r is drawn from
//! v^2 f(E) by rejection. Refused: moments of Jeans' equations with Maxwellian speeds, whose centre is off balance by ten
//! per cent and rings for some crossing times (Kazantzidis, Magorrian and Moore 2004).

use super::profile::Distribution;
use super::random::Draws;
use super::table::{geometric, place};
use std::f64::consts::PI;

/// Radii of the table: enough that f is good to 1e-4.
const POINTS: usize = 1200;
/// Ends of the table in scale radii of the component.
const SPAN: [f64; 2] = [1e-6, 1e6];
/// Between the points of the table v^2 f(E) is larger than at them by less than this.
const MARGIN: f64 = 1.1;

/// Speeds of a component in a field.
#[derive(Clone, Debug)]
pub struct Speeds {
    constant: f64,
    field: Vec<Distribution>,
    /// Depths of the table, ascending.
    depths: Vec<f64>,
    /// f at these energies.
    phase_density: Vec<f64>,
    /// Bound of (1 - E / Psi) f(E) at these depths.
    bounds: Vec<f64>,
}

impl Speeds {
    /// For a component in the field of all (itself included), with this gravitational constant.
    pub fn new(component: &Distribution, field: &[Distribution], constant: f64) -> Speeds {
        let radii = geometric(SPAN[0] * component.radius..=SPAN[1] * component.radius, POINTS);
        let mut depths: Vec<f64> = radii.iter().map(|&r| depth(field, constant, r)).collect();
        let mut curvature = curvatures(component, field, constant, &radii);
        depths.reverse();
        curvature.reverse();
        let phase_density: Vec<f64> = (0..POINTS).map(|n| inverted(&depths[..=n], &curvature)).collect();
        let bounds = (0..POINTS).map(|n| bound(&depths[..=n], &phase_density)).collect();
        Speeds { constant, field: field.to_vec(), depths, phase_density, bounds }
    }

    /// f at an energy.
    pub fn phase_density(&self, energy: f64) -> f64 {
        let (n, fraction) = place(&self.depths, energy);
        self.phase_density[n] + fraction * (self.phase_density[n + 1] - self.phase_density[n])
    }

    /// A speed at this radius.
    pub fn draw(&self, r: f64, draws: &mut Draws) -> f64 {
        let depth = depth(&self.field, self.constant, r);
        let (n, _) = place(&self.depths, depth);
        let bound = MARGIN * self.bounds[n].max(self.bounds[n + 1]);
        // Where no orbit of the component is bound to anything there is nothing to draw from.
        let trials = if bound > 0.0 { MOST_TRIALS } else { 0 };
        for _ in 0..trials {
            let q = draws.uniform();
            if bound * draws.uniform() < q * q * self.phase_density(depth * (1.0 - q * q)) {
                return q * (2.0 * depth).sqrt();
            }
        }
        0.0
    }
}

/// Near the centre of a cusp one trial in hundreds succeeds, so this end is never met.
const MOST_TRIALS: usize = 100_000;

fn depth(field: &[Distribution], constant: f64, r: f64) -> f64 {
    constant * field.iter().map(|part| part.depth(r)).sum::<f64>()
}

/// d2rho/dPsi2 at the radii.
fn curvatures(component: &Distribution, field: &[Distribution], constant: f64, radii: &[f64]) -> Vec<f64> {
    let pull = |r: f64| constant * field.iter().map(|part| part.mass_within(r)).sum::<f64>() / (r * r);
    let first: Vec<f64> = radii.iter().map(|&r| component.density(r)[1] / pull(r)).collect();
    let slope = |n: usize| {
        let (low, high) = (n.saturating_sub(1), (n + 1).min(radii.len() - 1));
        libm::log(first[high] / first[low]) / libm::log(radii[high] / radii[low])
    };
    // Psi falls with r: d/dPsi = -1 / (r pull) d/dln r.
    (0..radii.len()).map(|n| -first[n] * slope(n) / (radii[n] * pull(radii[n]))).collect()
}

/// The integral up to the last of `depths`, and from 0 to the first as if the curvature grew linearly there.
fn inverted(depths: &[f64], curvature: &[f64]) -> f64 {
    let energy = depths[depths.len() - 1];
    let mut sum = piece(energy, [0.0, depths[0]], [0.0, curvature[0]]);
    for n in 1..depths.len() {
        sum += piece(energy, [depths[n - 1], depths[n]], [curvature[n - 1], curvature[n]]);
    }
    // A component may have no isotropic equilibrium in the field of others; what is negative then cannot be drawn.
    (sum / (8f64.sqrt() * PI * PI)).max(0.0)
}

/// Integral over one interval of a linear function over sqrt(E - Psi).
fn piece(energy: f64, [low, high]: [f64; 2], [at_low, at_high]: [f64; 2]) -> f64 {
    let [far, near] = [low, high].map(|depth| (energy - depth).max(0.0).sqrt());
    if far + near == 0.0 {
        return 0.0;
    }
    let weight = (far + 2.0 * near) / (3.0 * (far + near));
    2.0 * (high - low) / (far + near) * (at_high + weight * (at_low - at_high))
}

fn bound(depths: &[f64], phase_density: &[f64]) -> f64 {
    let depth = depths[depths.len() - 1];
    let values = depths.iter().zip(phase_density).map(|(energy, f)| (1.0 - energy / depth) * f);
    values.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nbody::groups::Profile;
    use crate::nbody::initial::profile::Shape;

    fn of(profile: Profile) -> (Distribution, Speeds) {
        let sphere = Distribution { shape: Shape::Profile(profile), mass: 1.0, radius: 1.0 };
        (sphere, Speeds::new(&sphere, &[sphere], 1.0))
    }

    #[test]
    fn plummer_has_its_power_law() {
        let (_, speeds) = of(Profile::Plummer);
        // f = 24 sqrt(2) / (7 pi^3) E^(7/2) for G = M = a = 1 (Aarseth, Henon and Wielen 1974).
        let factor = 24.0 * 2f64.sqrt() / (7.0 * PI * PI * PI);
        for energy in [0.01, 0.1, 0.5, 0.9, 0.99f64] {
            let expected = factor * energy * energy * energy * energy.sqrt();
            let found = speeds.phase_density(energy);
            assert!((found / expected - 1.0).abs() < 1e-3, "f({energy}) = {found}, not {expected}");
        }
    }

    #[test]
    fn hernquist_has_the_distribution_of_its_author() {
        let (_, speeds) = of(Profile::Hernquist);
        for energy in [0.01, 0.1, 0.5, 0.9, 0.99f64] {
            let (q, rest) = (energy.sqrt(), 1.0 - energy);
            // Hernquist 1990, eq. 17.
            let bracket =
                3.0 * q.asin() + q * rest.sqrt() * (1.0 - 2.0 * energy) * (8.0 * energy * energy - 8.0 * energy - 3.0);
            let expected = bracket / (8.0 * 2f64.sqrt() * PI * PI * PI * rest * rest * rest.sqrt());
            let found = speeds.phase_density(energy);
            assert!((found / expected - 1.0).abs() < 1e-3, "f({energy}) = {found}, not {expected}");
        }
    }

    #[test]
    fn phase_density_adds_up_to_the_density() {
        for profile in [Profile::Hernquist, Profile::Nfw] {
            let (sphere, speeds) = of(profile);
            for r in [0.05, 1.0, 7.0] {
                let depth = sphere.depth(r);
                let count = 20_000;
                let at = |n: usize| (2.0 * depth).sqrt() * (n as f64 + 0.5) / f64::from(count);
                let sum: f64 = (0..count as usize)
                    .map(|n| at(n) * at(n) * speeds.phase_density(depth - 0.5 * at(n) * at(n)))
                    .sum();
                let density = 4.0 * PI * sum * (2.0 * depth).sqrt() / f64::from(count);
                assert!((density / sphere.density(r)[0] - 1.0).abs() < 2e-3, "{profile:?} at {r}: {density}");
            }
        }
    }
}
