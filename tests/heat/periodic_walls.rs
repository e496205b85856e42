//! Walls whose temperature, surroundings or flux swing in time, and materials from a mask.
//!
//! A slab with a swinging wall at x = 0 and an insulated one at x = L has the exact solution
//! `T = Im(B cosh(q (L - x)) exp(i w t))` with `q = sqrt(i w / D)`; B follows from the kind of wall:
//! fixed `B cosh(qL) = A`; flux `k q B sinh(qL) = F`; convection `h (A - B cosh(qL)) = k q B sinh(qL)`.

use crate::problems::{BRICK, COPPER, fixed, insulated, plain, uniform};
use ndarray::Array3;
use parhelion::comm::solo::Solo;
use parhelion::grid::UniformGrid;
use parhelion::heat::problem::{FaceCondition, HeatProblem, Initial, Material};
use parhelion::heat::{HeatModel, HeatOptions};
use parhelion::region::{Mask, Region};
use parhelion::signal::Signal;
use std::f64::consts::TAU;
use std::sync::Arc;

const MATTER: Material = Material { conductivity: 2.0, density: 0.5, specific_heat: 2.0 };
const LENGTH: f64 = 0.7;
const PERIOD: f64 = 0.2;
const SWING: f64 = 3.0;
const FILM: f64 = 5.0;

#[derive(Clone, Copy, Debug)]
struct Complex(f64, f64);

impl Complex {
    fn times(self, z: Complex) -> Complex {
        Complex(self.0 * z.0 - self.1 * z.1, self.0 * z.1 + self.1 * z.0)
    }

    fn plus(self, z: Complex) -> Complex {
        Complex(self.0 + z.0, self.1 + z.1)
    }

    /// A real number divided by it.
    fn divides(self, real: f64) -> Complex {
        let square = self.0 * self.0 + self.1 * self.1;
        Complex(real * self.0 / square, -real * self.1 / square)
    }

    fn cosh(self) -> Complex {
        Complex(self.0.cosh() * self.1.cos(), self.0.sinh() * self.1.sin())
    }

    fn sinh(self) -> Complex {
        Complex(self.0.sinh() * self.1.cos(), self.0.cosh() * self.1.sin())
    }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Fixed,
    Flux,
    Convection,
}

impl Kind {
    fn condition(self) -> FaceCondition {
        let swing = Signal::Sine { mean: 0.0, amplitude: SWING, period: PERIOD, phase: 0.0 };
        match self {
            Kind::Fixed => FaceCondition::Fixed(swing),
            Kind::Flux => FaceCondition::Flux(swing),
            Kind::Convection => FaceCondition::Convection { coefficient: FILM, ambient: swing },
        }
    }

    /// The exact temperature at a distance x from the wall.
    fn exact(self, x: f64, t: f64) -> f64 {
        let rate = (TAU / PERIOD / MATTER.diffusivity() / 2.0).sqrt();
        let at = |distance: f64| Complex(rate * distance, rate * distance);
        let flux = Complex(rate, rate).times(at(LENGTH).sinh()).times(Complex(MATTER.conductivity, 0.0));
        let film = at(LENGTH).cosh().times(Complex(FILM, 0.0));
        let factor = match self {
            Kind::Fixed => at(LENGTH).cosh().divides(SWING),
            Kind::Flux => flux.divides(SWING),
            Kind::Convection => film.plus(flux).divides(FILM * SWING),
        };
        let phase = TAU * t / PERIOD;
        factor.times(at(LENGTH - x).cosh()).times(Complex(phase.cos(), phase.sin())).1
    }
}

/// The root of the mean squared error after three tenths of a period with `cells` cells along `axis`.
fn error(kind: Kind, axis: usize, upper: bool, cells: usize, steps: u64) -> f64 {
    let (mut shape, mut size) = ([3, 2, 2], [0.2, 0.3, 0.1]);
    (shape[axis], size[axis]) = (cells, LENGTH);
    let grid = UniformGrid::new(&shape, &size);
    let distance = |i: usize| {
        let x = (i as f64 + 0.5) * LENGTH / cells as f64;
        if upper { LENGTH - x } else { x }
    };
    let start =
        Array3::from_shape_fn((shape[2], shape[1], shape[0]), |(k, j, i)| kind.exact(distance([i, j, k][axis]), 0.0));
    let mut problem = HeatProblem { grid, ..plain(&shape, &size, Initial::Array(Arc::new(start))) };
    problem.background = MATTER;
    problem.faces[axis][usize::from(upper)] = kind.condition();
    let mut model = HeatModel::new(problem, &Solo, &HeatOptions::default()).expect("valid");
    let end = 0.3 * PERIOD;
    let dt = end / steps as f64;
    assert!(dt <= model.spectral().max_stable_dt());
    (0..steps).for_each(|n| model.advance(n as f64 * dt, dt));
    let values = model.temperature().view();
    let errors = values.indexed_iter().map(|((k, j, i), t)| t - kind.exact(distance([i, j, k][axis]), end));
    (errors.map(|e| e * e).sum::<f64>() / values.len() as f64).sqrt()
}

#[test]
fn swinging_walls_keep_the_order() {
    for (kind, axis, upper) in [
        (Kind::Fixed, 0, false),
        (Kind::Fixed, 1, true),
        (Kind::Flux, 1, false),
        (Kind::Flux, 2, true),
        (Kind::Convection, 2, false),
        (Kind::Convection, 0, true),
    ] {
        // The error in time is of order dt: four times the steps for twice the cells.
        let [coarse, fine] = [(40, 2500), (80, 10_000)].map(|(cells, steps)| error(kind, axis, upper, cells, steps));
        let order = (coarse / fine).log2();
        println!("{kind:?} {axis} {upper}: {coarse:.3e} {fine:.3e}, order {order:.3}");
        assert!((order - 2.0).abs() <= 0.05, "{kind:?} {axis} {upper}: order {order} from {coarse:e} and {fine:e}");
        assert!(fine < 2e-3 * SWING, "{kind:?}: error {fine:e}");
    }
}

/// A mask says the same as the box that it draws, to the bit; and a mask of one layer serves all layers.
#[test]
fn a_mask_is_a_region_like_others() {
    let cells = [12, 9, 5];
    let in_box = |i: usize, j: usize| (3..7).contains(&i) && (2..8).contains(&j);
    let full = |n: usize| in_box(n % 12, n / 12 % 9);
    let mask = |layers: usize| {
        let inside = (0..12 * 9 * layers).map(full).collect();
        Region::Mask(Arc::new(Mask { cells: [12, 9, layers], inside }))
    };
    let drawn = Region::Box { lower: [0.03, 0.02, 0.0], upper: [0.07, 0.08, 0.05] };
    let state = |region: Region| {
        let mut problem = plain(&cells, &[0.12, 0.09, 0.05], uniform(20.0));
        problem.faces[0] = [fixed(80.0), insulated()];
        problem.regions = vec![(region, BRICK)];
        let mut model = HeatModel::new(problem, &Solo, &HeatOptions::default()).expect("valid");
        let dt = 0.9 * model.spectral().max_stable_dt();
        (0..50).for_each(|n| model.advance(n as f64 * dt, dt));
        model.temperature().view().iter().map(|t| t.to_bits()).collect::<Vec<_>>()
    };
    let expected = state(drawn);
    assert!(state(mask(5)) == expected && state(mask(1)) == expected);
    assert!(state(Region::Box { lower: [0.03, 0.02, 0.0], upper: [0.07, 0.09, 0.05] }) != expected);
    assert!(COPPER != BRICK);
}
