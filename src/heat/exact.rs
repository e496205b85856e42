//! Solutions known in closed form: to start from, and to measure the error against.
//!
//! Both kinds are a plane plus a product of one function per axis, so a cell costs two multiplications at any time.
//!
//! *Eigenmode.* On an axis from 0 to L with walls that are fixed, insulated or cooled by convection, the eigenfunctions are
//! `sin(mu x + phi)` with `tan phi = k mu / h` at the lower wall (phi = 0 where the wall is fixed, h infinite; pi/2 where it
//! is insulated, h = 0), `psi` alike at the upper wall, and `mu L + phi + psi = m pi`, m = 1, 2, ... (Carslaw and Jaeger,
//! Conduction of Heat in Solids, 2nd ed., section 3.9). A product of them decays with `exp(-D sum mu^2 t)`. Adding a constant
//! gradient allows different wall temperatures and a heat flux.
//!
//! *Gaussian.* On periodic axes the heat kernel: `width^2` grows by `2 D t` while the content stays; summed over the images.

use super::problem::{FaceCondition, HeatProblem, Initial};
use crate::grid::UniformGrid;
use std::f64::consts::{FRAC_PI_2, PI, TAU};

/// `base + gradient . x + amplitude * product of factors`, evaluated at cell centres.
#[derive(Clone, Debug)]
pub struct Separable {
    base: f64,
    gradient: [f64; 3],
    amplitude: f64,
    centers: [Vec<f64>; 3],
    factors: [Vec<f64>; 3],
}

impl Separable {
    /// The value at the centre of a cell, by its global index.
    #[inline]
    pub fn at(&self, cell: [usize; 3]) -> f64 {
        let [i, j, k] = cell;
        let plane: f64 = (0..3).map(|a| self.gradient[a] * self.centers[a][cell[a]]).sum();
        self.base + plane + self.amplitude * (self.factors[0][i] * self.factors[1][j] * self.factors[2][k])
    }
}

/// The time-dependent solution that belongs to a problem's initial state.
#[derive(Clone, Debug)]
pub enum ExactSolution {
    /// A decaying eigenmode.
    Eigenmode {
        /// Shape at time 0.
        shape: Separable,
        /// Wave numbers along x, y, z in 1/m.
        waves: [f64; 3],
        /// Decay rate in 1/s: diffusivity times the sum of the squares of the wave numbers.
        rate: f64,
    },
    /// A spreading Gaussian on periodic axes.
    Gaussian {
        /// Cells.
        grid: UniformGrid,
        /// Axes with images.
        periodic: [bool; 3],
        /// Temperature far away, and height above it at time 0.
        levels: [f64; 2],
        /// Metres.
        center: [f64; 3],
        /// Standard deviation at time 0 in metres.
        width: f64,
        /// m2/s.
        diffusivity: f64,
    },
}

impl ExactSolution {
    /// The shape at time 0 of a problem that starts from an eigenmode or a Gaussian.
    pub fn initial_shape(problem: &HeatProblem) -> Option<Separable> {
        ExactSolution::from_initial(problem).map(|solution| solution.at_time(0.0))
    }

    /// The exact solution, if the problem has one: one material, no sources, and walls that fit the initial state.
    pub fn of(problem: &HeatProblem) -> Option<ExactSolution> {
        let uniform = problem.regions.iter().all(|(_, m)| *m == problem.background);
        let fits = match &problem.initial {
            Initial::Eigenmode { base, gradient, .. } => walls_carry_plane(problem, *base, *gradient),
            Initial::Gaussian { .. } => all_axes_periodic(problem),
            _ => false,
        };
        ExactSolution::from_initial(problem).filter(|_| uniform && problem.sources.is_empty() && fits)
    }

    fn from_initial(problem: &HeatProblem) -> Option<ExactSolution> {
        match problem.initial {
            Initial::Eigenmode { base, gradient, amplitude, mode } => {
                Some(eigenmode(problem, base, gradient, amplitude, mode))
            }
            Initial::Gaussian { background, amplitude, center, width } => Some(ExactSolution::Gaussian {
                grid: problem.grid.clone(),
                periodic: periodic_axes(problem),
                levels: [background, amplitude],
                center,
                width,
                diffusivity: problem.background.diffusivity(),
            }),
            _ => None,
        }
    }

    /// The solution at time `t` (seconds).
    pub fn at_time(&self, t: f64) -> Separable {
        match self {
            ExactSolution::Eigenmode { shape, rate, .. } => {
                Separable { amplitude: shape.amplitude * (-rate * t).exp(), ..shape.clone() }
            }
            ExactSolution::Gaussian { grid, periodic, levels, center, width, diffusivity } => {
                let now = (width * width + 2.0 * diffusivity * t).sqrt();
                let factor = |a: usize| match a < grid.dimensions {
                    true => gaussian_factor(grid, a, periodic[a], center[a], [*width, now]),
                    false => vec![1.0; grid.cells[a]],
                };
                Separable {
                    base: levels[0],
                    gradient: [0.0; 3],
                    amplitude: levels[1],
                    centers: centers(grid),
                    factors: std::array::from_fn(factor),
                }
            }
        }
    }

    /// What the error of forward Euler with steps `dt` may be at time `t` (seconds): the truncation error
    /// `D sum h^2/12 |T_xxxx| + dt/2 |T_tt|` added up over the time (the scheme has a maximum principle), and doubled for the
    /// half cells at the walls and the terms of higher order. An eigenmode is also, but for convective walls, one of the
    /// discrete operator: its error decays as it does. A Gaussian is steepest at its start: its derivatives are bounded by those
    /// at its centre, `3 A / w^4` and `d (d + 2) A / w^4`, at each time.
    pub fn error_bound(&self, grid: &UniformGrid, t: f64, dt: f64) -> f64 {
        let axes = 0..grid.dimensions;
        let (error, level) = match self {
            ExactSolution::Eigenmode { shape, waves, rate } => {
                let fourth: f64 = axes.map(|a| waves[a].powi(4) * grid.spacing[a].powi(2) / 12.0).sum();
                let squares: f64 = waves.iter().map(|mu| mu * mu).sum();
                let diffusivity = if squares > 0.0 { rate / squares } else { 0.0 };
                let drift = t * (diffusivity * fourth + rate * rate * dt / 2.0);
                let height = shape.amplitude.abs();
                (height * drift * (drift - rate * t).exp(), height + shape.base.abs())
            }
            ExactSolution::Gaussian { levels, width, diffusivity, .. } => {
                let d = grid.dimensions as f64;
                let squares: f64 = axes.map(|a| grid.spacing[a].powi(2)).sum();
                let truncation = diffusivity * squares / 4.0 + diffusivity * diffusivity * d * (d + 2.0) * dt / 2.0;
                (levels[1].abs() * truncation * fading(*width, *diffusivity, d, t), levels[0].abs() + levels[1].abs())
            }
        };
        // Rounding: each step adds about an ulp of the largest value.
        2.0 * error + level * f64::EPSILON * (4.0 + t / dt)
    }
}

/// Integral from 0 to `t` of `(width/w)^d / w^4` for a Gaussian whose square `w^2 = width^2 + 2 D t` grows.
fn fading(width: f64, diffusivity: f64, d: f64, t: f64) -> f64 {
    let (start, power) = (width * width, (2.0 + d) / 2.0);
    let end = start + 2.0 * diffusivity * t;
    width.powf(d) * (start.powf(-power) - end.powf(-power)) / (2.0 * diffusivity * power)
}

fn centers(grid: &UniformGrid) -> [Vec<f64>; 3] {
    std::array::from_fn(|a| (0..grid.cells[a]).map(|i| (i as f64 + 0.5) * grid.spacing[a]).collect())
}

fn periodic_axes(problem: &HeatProblem) -> [bool; 3] {
    problem.faces.each_ref().map(|f| f[0] == FaceCondition::Periodic)
}

fn all_axes_periodic(problem: &HeatProblem) -> bool {
    periodic_axes(problem)[..problem.grid.dimensions].iter().all(|&p| p)
}

/// One factor of a Gaussian that has spread from the first to the second width.
fn gaussian_factor(grid: &UniformGrid, axis: usize, periodic: bool, center: f64, [start, now]: [f64; 2]) -> Vec<f64> {
    let length = grid.length(axis);
    // Beyond 9 standard deviations an image adds less than 1e-17.
    let images = if periodic { (9.0 * now / length).ceil() as i64 + 1 } else { 0 };
    let value = |x: f64| -> f64 {
        let image = |m: i64| (-((x - center + m as f64 * length) / now).powi(2) / 2.0).exp();
        start / now * (-images..=images).map(image).sum::<f64>()
    };
    (0..grid.cells[axis]).map(|i| value((i as f64 + 0.5) * grid.spacing[axis])).collect()
}

fn eigenmode(problem: &HeatProblem, base: f64, gradient: [f64; 3], amplitude: f64, mode: [usize; 3]) -> ExactSolution {
    let (grid, material) = (&problem.grid, problem.background);
    let mut waves = [0.0; 3];
    let factors = std::array::from_fn(|axis| {
        if axis >= grid.dimensions {
            return vec![1.0; grid.cells[axis]];
        }
        let [mu, phase] = wave(&problem.faces[axis], material.conductivity, grid.length(axis), mode[axis]);
        waves[axis] = mu;
        (0..grid.cells[axis]).map(|i| (mu * (i as f64 + 0.5) * grid.spacing[axis] + phase).sin()).collect()
    });
    let shape = Separable { base, gradient, amplitude, centers: centers(grid), factors };
    let squares: f64 = waves.iter().map(|mu| mu * mu).sum();
    ExactSolution::Eigenmode { shape, waves, rate: material.diffusivity() * squares }
}

/// Wave number (1/m) and phase of eigenfunction `m` of an axis.
fn wave(faces: &[FaceCondition; 2], conductivity: f64, length: f64, m: usize) -> [f64; 2] {
    if faces[0] == FaceCondition::Periodic {
        return [TAU * m as f64 / length, FRAC_PI_2];
    }
    let phase = |face: &FaceCondition, mu: f64| match face {
        FaceCondition::Fixed(_) => 0.0,
        FaceCondition::Convection { coefficient, .. } => (conductivity * mu / coefficient).atan(),
        _ => FRAC_PI_2,
    };
    let excess = |mu: f64| mu * length + phase(&faces[0], mu) + phase(&faces[1], mu) - m as f64 * PI;
    let mu = if excess(0.0) >= 0.0 { 0.0 } else { bisect(excess, 0.0, m as f64 * PI / length) };
    [mu, phase(&faces[0], mu)]
}

/// Zero of an increasing function that is negative at `low` and not negative at `high`, to the last bit.
fn bisect(f: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            return high;
        }
        if f(middle) < 0.0 { low = middle } else { high = middle }
    }
}

/// Whether the steady plane `base + gradient . x` satisfies every boundary condition.
fn walls_carry_plane(problem: &HeatProblem, base: f64, gradient: [f64; 3]) -> bool {
    (0..problem.grid.dimensions).all(|axis| {
        let flat = (0..3).all(|a| a == axis || gradient[a] == 0.0);
        [0, 1].into_iter().all(|side| {
            let wall = base + gradient[axis] * problem.grid.length(axis) * side as f64;
            let inflow = problem.background.conductivity * gradient[axis] * (2.0 * side as f64 - 1.0);
            wall_carries(&problem.faces[axis][side], wall, inflow, flat)
        })
    })
}

/// `wall`: temperature of the plane at the wall; `inflow`: heat flux into the domain that it needs, W/m2.
fn wall_carries(condition: &FaceCondition, wall: f64, inflow: f64, flat: bool) -> bool {
    let close = |value: Option<f64>, wanted: f64| {
        // The deck gives decimal numbers whose products round.
        value.is_some_and(|v| (v - wanted).abs() <= 1e-9 * wanted.abs().max(1e-300))
    };
    match condition {
        FaceCondition::Fixed(value) => flat && close(value.constant(), wall),
        FaceCondition::Flux(flux) => close(flux.constant(), inflow),
        FaceCondition::Convection { coefficient, ambient } => {
            flat && close(ambient.constant(), wall + inflow / coefficient)
        }
        FaceCondition::Periodic => inflow == 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Signal;

    fn convection(coefficient: f64) -> FaceCondition {
        FaceCondition::Convection { coefficient, ambient: Signal::Constant(0.0) }
    }

    fn fixed() -> FaceCondition {
        FaceCondition::Fixed(Signal::Constant(0.0))
    }

    fn insulated() -> FaceCondition {
        FaceCondition::Flux(Signal::Constant(0.0))
    }

    #[test]
    fn fixed_walls_carry_half_waves() {
        let [mu, phase] = wave(&[fixed(), fixed()], 3.0, 2.0, 3);
        assert!((mu - 3.0 * PI / 2.0).abs() < 1e-15 * 10.0 && phase == 0.0);
    }

    #[test]
    fn lowest_mode_between_insulated_walls_is_constant() {
        assert_eq!(wave(&[insulated(), insulated()], 3.0, 2.0, 1), [0.0, FRAC_PI_2]);
    }

    #[test]
    fn fixed_and_insulated_walls_carry_a_quarter_wave() {
        let [mu, _] = wave(&[fixed(), insulated()], 3.0, 2.0, 1);
        assert!((mu - PI / 4.0).abs() < 1e-15);
    }

    /// Carslaw and Jaeger, appendix IV, table I: the first root of a tan a = C for C = 1 is 0.8603 (plate cooled on one
    /// side, insulated on the other, Biot number 1).
    #[test]
    fn plate_with_biot_number_one() {
        let [mu, _] = wave(&[insulated(), convection(5.0)], 5.0, 1.0, 1);
        assert!((mu - 0.8603).abs() < 5e-5, "{mu}");
        assert!((mu * mu.tan() - 1.0).abs() < 1e-14);
    }
}
