//! The physical faces of the domain: ghost values, and the heat that passes.
//!
//! A boundary condition becomes a *ghost value* beyond the wall, `ghost = a + b T` with the temperature T of the cell inside,
//! and a conductance `g` between the two, so that `g (ghost - T)` is the heating of the cell in W/m3. The wall lies half a
//! cell from the cell centre, which makes all four kinds second-order accurate.
//!
//! The heat through a face is `V * sum of g * (sum over steps of dt (ghost - T))`. The inner sum is kept per cell of the face,
//! so a step needs no reduction and the result does not depend on how the face is split.

use super::problem::FaceCondition;
use crate::decomposition::{CartesianDecomposition, SIDES, Subdomain};
use crate::parallel::Shared;

/// `ghost = offset + slope * T`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ghost {
    /// Kelvin.
    pub offset: f64,
    /// Dimensionless, in [-1, 1].
    pub slope: f64,
}

impl Ghost {
    /// The value beyond the wall for an inner temperature.
    #[inline]
    pub fn of(self, inner: f64) -> f64 {
        self.offset + self.slope * inner
    }
}

/// A face of the domain that this rank touches.
#[derive(Debug)]
pub struct Wall {
    condition: FaceCondition,
    /// Spacing normal to the wall in metres.
    spacing: f64,
    /// Conductivity next to the wall, W/(m K), where it is the same along the whole face.
    uniform: Option<f64>,
    /// Valid for the time of the last [`Walls::update`].
    pub ghost: Ghost,
    /// Sum over recent steps of dt (ghost - T) for each cell of the face, K s; the lower of the two in-plane axes fastest.
    exposure: Vec<f64>,
    /// Exposures of blocks of earlier steps: two short sums round less than one long one.
    settled: Vec<f64>,
}

impl Wall {
    /// The recent and the settled sums.
    pub fn sums(&self) -> [&[f64]; 2] {
        [&self.exposure, &self.settled]
    }

    /// The same, to restore them.
    pub fn sums_mut(&mut self) -> [&mut [f64]; 2] {
        [&mut self.exposure, &mut self.settled]
    }

    /// Sum over all steps of dt (ghost - T) for each cell of the face, K s.
    pub fn exposures(&self) -> impl Iterator<Item = f64> {
        self.exposure.iter().zip(&self.settled).map(|(recent, settled)| recent + settled)
    }
}

/// The physical faces of a rank: `faces[axis][side]`, `None` towards neighbours.
#[derive(Debug)]
pub struct Walls {
    /// See the type.
    pub faces: [[Option<Wall>; 2]; 3],
}

/// What a sweep needs of one wall.
#[derive(Clone, Copy, Debug)]
pub struct WallView<'a> {
    /// Ghost value of this step.
    pub ghost: Ghost,
    /// Accumulators of the face's cells.
    pub exposure: Shared<'a>,
}

/// `g` in W/(m3 K) between a cell with `conductivity` and its ghost, for walls along which the conductivity may vary.
pub fn wall_conductance(condition: &FaceCondition, conductivity: f64, spacing: f64) -> f64 {
    match condition {
        FaceCondition::Fixed(_) => 2.0 * conductivity / (spacing * spacing),
        FaceCondition::Flux(_) | FaceCondition::Periodic => 1.0 / (spacing * spacing),
        FaceCondition::Convection { coefficient, .. } => transmittance(*coefficient, conductivity, spacing) / spacing,
    }
}

/// Slope of the ghost value for walls along which the conductivity may vary.
pub fn variable_slope(condition: &FaceCondition) -> f64 {
    if matches!(condition, FaceCondition::Flux(_)) { 1.0 } else { 0.0 }
}

/// Slope of the ghost value where the conductance to the ghost is that between two cells, k / spacing^2.
pub fn uniform_slope(condition: &FaceCondition, conductivity: f64, spacing: f64) -> f64 {
    match condition {
        FaceCondition::Fixed(_) => -1.0,
        FaceCondition::Flux(_) | FaceCondition::Periodic => 1.0,
        FaceCondition::Convection { coefficient, .. } => {
            1.0 - transmittance(*coefficient, conductivity, spacing) * spacing / conductivity
        }
    }
}

/// From the surroundings to the cell centre, W/(m2 K): film and half a cell in series.
fn transmittance(coefficient: f64, conductivity: f64, spacing: f64) -> f64 {
    1.0 / (1.0 / coefficient + spacing / (2.0 * conductivity))
}

impl Walls {
    /// The walls of a rank. `uniform` is the conductivity (W/(m K)) if the whole domain has the same.
    pub fn new(
        conditions: &[[FaceCondition; 2]; 3],
        spacing: [f64; 3],
        decomposition: &CartesianDecomposition,
        subdomain: &Subdomain,
        uniform: Option<f64>,
    ) -> Walls {
        let wall = |axis: usize, side: usize| {
            let edge = [0, decomposition.cells[axis] - subdomain.cells[axis]][side];
            let condition = &conditions[axis][side];
            let cells = subdomain.cells.iter().product::<usize>() / subdomain.cells[axis];
            (subdomain.start[axis] == edge && !decomposition.periodic[axis]).then(|| Wall {
                condition: condition.clone(),
                spacing: spacing[axis],
                uniform,
                ghost: Ghost { offset: 0.0, slope: 0.0 },
                exposure: vec![0.0; cells],
                settled: vec![0.0; cells],
            })
        };
        Walls { faces: std::array::from_fn(|axis| SIDES.map(|side| wall(axis, side as usize))) }
    }

    /// Sets the ghosts for a step that starts at time `t` (seconds).
    pub fn update(&mut self, t: f64) {
        for wall in self.faces.iter_mut().flatten().flatten() {
            wall.ghost = match wall.uniform {
                Some(conductivity) => uniform_ghost(&wall.condition, conductivity, wall.spacing, t),
                None => variable_ghost(&wall.condition, wall.spacing, t),
            };
        }
    }

    /// Ends a block of steps: moves the recent exposures to the settled ones.
    pub fn settle(&mut self) {
        for wall in self.faces.iter_mut().flatten().flatten() {
            for (settled, recent) in wall.settled.iter_mut().zip(&mut wall.exposure) {
                *settled += std::mem::take(recent);
            }
        }
    }

    /// Views for a sweep.
    pub fn views(&mut self) -> [[Option<WallView<'_>>; 2]; 3] {
        self.faces.each_mut().map(|sides| {
            sides
                .each_mut()
                .map(|wall| wall.as_mut().map(|w| WallView { ghost: w.ghost, exposure: Shared::new(&mut w.exposure) }))
        })
    }
}

fn uniform_ghost(condition: &FaceCondition, conductivity: f64, spacing: f64, t: f64) -> Ghost {
    let slope = uniform_slope(condition, conductivity, spacing);
    let offset = match condition {
        FaceCondition::Fixed(wall) => 2.0 * wall.at(t),
        FaceCondition::Flux(flux) => flux.at(t) * spacing / conductivity,
        FaceCondition::Convection { ambient, .. } => (1.0 - slope) * ambient.at(t),
        FaceCondition::Periodic => 0.0,
    };
    Ghost { offset, slope }
}

fn variable_ghost(condition: &FaceCondition, spacing: f64, t: f64) -> Ghost {
    let offset = match condition {
        FaceCondition::Fixed(wall) => wall.at(t),
        FaceCondition::Flux(flux) => flux.at(t) * spacing,
        FaceCondition::Convection { ambient, .. } => ambient.at(t),
        FaceCondition::Periodic => 0.0,
    };
    Ghost { offset, slope: variable_slope(condition) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Signal;

    const K: f64 = 50.0;
    const H: f64 = 0.01;

    /// Both forms of a wall must let the same heat through.
    #[test]
    fn uniform_and_variable_walls_agree() {
        let conditions = [
            FaceCondition::Fixed(Signal::Constant(80.0)),
            FaceCondition::Flux(Signal::Constant(1e4)),
            FaceCondition::Convection { coefficient: 900.0, ambient: Signal::Constant(20.0) },
        ];
        for condition in conditions {
            let inner = 37.0;
            let uniform = K / (H * H) * (uniform_ghost(&condition, K, H, 0.0).of(inner) - inner);
            let variable = wall_conductance(&condition, K, H) * (variable_ghost(&condition, H, 0.0).of(inner) - inner);
            // Both are differences of numbers near 40, magnified by k / h^2 = 5e5.
            assert!((uniform - variable).abs() < 5e5 * 1e3 * f64::EPSILON, "{condition:?}: {uniform} {variable}");
        }
    }

    #[test]
    fn strong_convection_is_a_fixed_wall() {
        let convection = FaceCondition::Convection { coefficient: 1e18, ambient: Signal::Constant(20.0) };
        assert!((uniform_slope(&convection, K, H) + 1.0).abs() < 1e-12);
    }
}
