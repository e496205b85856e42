//! The square window of space that a picture of bodies shows.

use crate::comm::Communicator;
use crate::nbody::diagnostics::centre_of_mass;
use crate::nbody::lagrangian::{integer_scale, weighted_quantiles};
use crate::nbody::sums::exact_sums;
use crate::output::slice::picture_axes;
use crate::particles::Particles;
use crate::run_config::DensityPlan;

/// Share of the mass, and of the bodies, that a window holds if the plan leaves it open.
const SHARE: f64 = 0.95;
/// Fewer bodies than this are all shown.
const FEW: f64 = 100.0;
/// Width of a chosen window over the width that holds the bodies.
const MARGIN: f64 = 1.5;

/// A square window, seen along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Axes to the right and upwards.
    pub axes: [usize; 2],
    /// Centre along these.
    pub centre: [f64; 2],
    /// Half of the edge in the length unit.
    pub half_width: f64,
    /// Edge in pixels.
    pub pixels: usize,
}

impl View {
    /// The window of a plan; what it leaves open comes from these bodies: the centre of mass, and a width that holds 95 % of the
    /// mass and of the bodies (few bodies: all of them). Collective; the same on all ranks and for every shape.
    pub fn new(plan: &DensityPlan, bodies: &Particles, comm: &dyn Communicator) -> View {
        let axes = View::axes_of(plan);
        let centre = plan.centre.unwrap_or_else(|| centre(bodies, comm));
        let centre = axes.map(|axis| centre[axis]);
        let half_width = plan.half_width.unwrap_or_else(|| half_width(bodies, axes, centre, comm));
        View { axes, centre, half_width, pixels: View::pixels_of(plan) }
    }

    /// Axes to the right and upwards.
    pub fn axes_of(plan: &DensityPlan) -> [usize; 2] {
        picture_axes(plan.axis)
    }

    /// Edge of the picture.
    pub fn pixels_of(plan: &DensityPlan) -> usize {
        plan.pixels.max(8)
    }

    /// Coordinates of the ends along an axis of the picture.
    pub fn ends(&self) -> [[f64; 2]; 2] {
        self.centre.map(|centre| [centre - self.half_width, centre + self.half_width])
    }

    /// Area of a pixel.
    pub fn pixel_area(&self) -> f64 {
        (2.0 * self.half_width / self.pixels as f64).powi(2)
    }

    /// Number of the pixel that shows a position, the lowest line first; `None` outside of the window.
    pub fn pixel_of(&self, position: [f64; 3]) -> Option<usize> {
        let along = |side: usize| {
            let fraction = (position[self.axes[side]] - self.centre[side]) / self.half_width;
            let at = ((0.5 + 0.5 * fraction) * self.pixels as f64).floor();
            (at >= 0.0 && at < self.pixels as f64).then_some(at as usize)
        };
        Some(along(0)? + self.pixels * along(1)?)
    }
}

/// The centre of mass; without mass that of the places.
fn centre(bodies: &Particles, comm: &dyn Communicator) -> [f64; 3] {
    let centre = centre_of_mass(bodies, comm);
    if centre.iter().all(|x| x.is_finite()) {
        return centre;
    }
    let places = |body: usize| {
        let [x, y, z] = bodies.position_of(body);
        [1.0, x, y, z]
    };
    let [count, x, y, z] = exact_sums(bodies.len(), places, comm);
    let mean = [x, y, z].map(|sum| sum / count.max(1.0));
    if mean.iter().all(|x| x.is_finite()) { mean } else { [0.0; 3] }
}

fn half_width(bodies: &Particles, axes: [usize; 2], centre: [f64; 2], comm: &dyn Communicator) -> f64 {
    let [mass, count] = exact_sums(bodies.len(), |body| [bodies.mass[body], 1.0], comm);
    let distance = |body: usize| {
        (0..2).fold(0.0f64, |far, side| far.max((bodies.position[axes[side]][body] - centre[side]).abs()))
    };
    let share = [if count < FEW { 1.0 } else { SHARE }];
    let scale = integer_scale(mass);
    let weight = |body: usize| (distance(body), (bodies.mass[body] * scale).round() as i64);
    let [of_mass] = weighted_quantiles(bodies.len(), weight, share, comm);
    let [of_bodies] = weighted_quantiles(bodies.len(), |body| (distance(body), 1), share, comm);
    // The maximum leaves out what is not a number: there may be no mass, or no bodies.
    let reach = of_mass.max(of_bodies) * MARGIN;
    if reach > 0.0 && reach.is_finite() { reach } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::{solo::Solo, threads};

    fn plan() -> DensityPlan {
        DensityPlan { pixels: 10, ..DensityPlan::default() }
    }

    #[test]
    fn edges_and_corners_of_the_window() {
        let view = View { axes: [0, 1], centre: [1.0, 2.0], half_width: 0.5, pixels: 10 };
        assert_eq!(view.pixel_of([0.5, 1.5, 99.0]), Some(0));
        assert_eq!(view.pixel_of([1.49, 2.49, -99.0]), Some(99));
        assert_eq!(view.pixel_of([1.49, 1.51, 0.0]), Some(9));
        assert_eq!(view.pixel_of([1.5, 2.0, 0.0]), None);
        assert_eq!(view.pixel_of([f64::NAN, 2.0, 0.0]), None);
        assert!((view.pixel_area() - 0.01).abs() < 1e-15);
    }

    #[test]
    fn a_window_holds_what_it_should_on_any_number_of_ranks() {
        let mut all = Particles::default();
        for n in 0..1000 {
            all.push(n, n, 1.0, [3.0 + (n % 100) as f64 * 0.01, (n as f64).sin(), 1e9], [0.0; 3]);
        }
        // A far one with hardly any mass does not count.
        all.push(1000, 1000, 1e-9, [1e6, 0.0, 0.0], [0.0; 3]);
        let expected = View::new(&plan(), &all, &Solo);
        assert!((expected.centre[0] - 3.495).abs() < 1e-3 && expected.centre[1].abs() < 0.01, "{expected:?}");
        // 95 % of sines are below sin(0.95 pi / 2) = 0.997 in magnitude.
        assert!((expected.half_width / (MARGIN * 0.997) - 1.0).abs() < 0.01, "{expected:?}");
        for size in 2..=3 {
            let views = threads::run(size, |comm: &dyn Communicator| {
                let own: Vec<u32> = (0..1001).filter(|n| (n / 13) as usize % size == comm.rank()).collect();
                View::new(&plan(), &all.reordered(&own), comm)
            });
            assert!(views.iter().all(|view| *view == expected));
        }
    }

    #[test]
    fn few_bodies_are_all_shown_and_strange_ones_do_no_harm() {
        let mut bodies = Particles::default();
        assert_eq!(View::new(&plan(), &bodies, &Solo).half_width, 1.0);
        bodies.push(0, 0, 1.0, [0.0; 3], [0.0; 3]);
        assert_eq!(View::new(&plan(), &bodies, &Solo).half_width, 1.0);
        bodies.push(1, 1, 1e-9, [0.0, 30.0, 0.0], [0.0; 3]);
        assert!(View::new(&plan(), &bodies, &Solo).pixel_of([0.0, 30.0, 0.0]).is_some());
        bodies.mass = vec![0.0; 2];
        assert_eq!(View::new(&plan(), &bodies, &Solo).centre, [0.0, 15.0]);
    }
}
