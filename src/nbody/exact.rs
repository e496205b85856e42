//! Motions that are known for all times: two bodies on an ellipse, and three equal ones at the corners of a turning triangle.
//!
//! The state after a time is given as a problem: the same bodies, further along their path. So it is made by the same code as the
//! initial state, wherever the group stands.

use super::groups::{BodyGroup, Generated, Model, Orbit, Path};
use super::problem::{Integrator, NBodyProblem, Softening};
use std::f64::consts::{PI, TAU};

/// Errors of the triangle, which is unstable, grow by less than this factor in a turn.
const GROWTH: f64 = 1e4;
/// Turns after which nothing can be said of the triangle.
const MOST_TURNS: f64 = 3.0;
/// Round-off of the angular speed, relative, for each turn.
const ROUND_OFF: f64 = 1e-12;

/// Bounds above this part of the size of the path say nothing.
const LARGEST: f64 = 0.1;

/// A motion that is known.
#[derive(Clone, Debug)]
pub struct ExactMotion {
    group: Generated,
    kind: Kind,
    /// Largest distance of the two bodies of an ellipse, or of a corner from the centre.
    size: f64,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// With the mean angular speed, and that of the pericentre.
    Ellipse { mean: f64, fastest: f64 },
    /// With its angular speed.
    Triangle { mean: f64 },
}

impl ExactMotion {
    /// The motion of a problem; `None` if it is not known.
    pub fn of(problem: &NBodyProblem) -> Option<ExactMotion> {
        let [BodyGroup::Generated(group)] = problem.groups.as_slice() else { return None };
        let constant = problem.gravity.constant;
        let (kind, size) = match (&group.model, problem.gravity.softening) {
            (Model::Orbit(orbit), Softening::None) if orbit.path.eccentricity < 1.0 => ellipse(orbit, constant),
            (Model::Polygon(polygon), Softening::None) if polygon.count == 3 => {
                // The side is sqrt(3) R, and omega^2 side^3 = G M.
                let side = 3f64.sqrt() * polygon.radius;
                (Kind::Triangle { mean: (constant * polygon.mass / side.powi(3)).sqrt() }, polygon.radius)
            }
            _ => return None,
        };
        Some(ExactMotion { group: group.clone(), kind, size })
    }

    /// The problem whose initial state is the state of this one after `time`.
    pub fn after(&self, problem: &NBodyProblem, time: f64) -> NBodyProblem {
        let mut group = self.group.clone();
        match (self.kind, &mut group.model) {
            (Kind::Ellipse { mean, .. }, Model::Orbit(orbit)) => advance(&mut orbit.path, mean * time),
            (Kind::Triangle { mean }, _) => group.placement.rotation[2] += (mean * time % TAU) * (180.0 / PI),
            _ => {}
        }
        let placement = &mut group.placement;
        (0..3).for_each(|axis| placement.position[axis] += placement.velocity[axis] * time);
        NBodyProblem { groups: vec![BodyGroup::Generated(group)], ..problem.clone() }
    }

    /// By how much places may be off after `time` in steps of `dt`: a scheme of order p misses (w dt)^p of the phase, with w the
    /// angular speed of the pericentre. `None` if nothing can be said.
    pub fn bound(&self, integrator: Integrator, dt: f64, time: f64) -> Option<f64> {
        match self.kind {
            Kind::Ellipse { mean, fastest } => {
                let turns = (mean * time / TAU).max(1.0);
                let phase = TAU * turns * self.size;
                let order = match integrator {
                    Integrator::Leapfrog => (fastest * dt).powi(2),
                    // The longest of the three leapfrogs is 1.7 steps.
                    Integrator::Yoshida4 => (1.7 * fastest * dt).powi(4),
                    Integrator::Hermite4 => (fastest * dt).powi(4),
                    Integrator::GaussRadau15 => 0.0,
                };
                let bound = phase * (order + turns * ROUND_OFF);
                (bound <= LARGEST * self.size).then_some(bound)
            }
            Kind::Triangle { mean } => {
                let turns = mean * time / TAU;
                let known = integrator == Integrator::GaussRadau15 && turns <= MOST_TURNS;
                known.then(|| 1e-14 * self.size * GROWTH.powf(turns.max(1.0)))
            }
        }
    }
}

fn ellipse(orbit: &Orbit, constant: f64) -> (Kind, f64) {
    let (parameter, e) = (constant * (orbit.masses[0] + orbit.masses[1]), orbit.path.eccentricity);
    let axis = orbit.path.pericentre / (1.0 - e);
    let mean = (parameter / axis.powi(3)).sqrt();
    let fastest = (parameter * (1.0 + e) / orbit.path.pericentre.powi(3)).sqrt();
    (Kind::Ellipse { mean, fastest }, axis * (1.0 + e))
}

/// Moves along an ellipse until the mean anomaly has grown by `angle`.
fn advance(path: &mut Path, angle: f64) {
    let e = path.eccentricity;
    let ratio = ((1.0 + e) / (1.0 - e)).sqrt();
    let half = 0.5 * path.true_anomaly * (PI / 180.0);
    let start = 2.0 * half.sin().atan2(ratio * half.cos());
    let mean = (start - e * start.sin() + angle) % TAU;
    let half = 0.5 * eccentric_anomaly(mean, e);
    path.true_anomaly = 2.0 * (ratio * half.sin()).atan2(half.cos()) * (180.0 / PI);
}

/// Kepler's equation by Newton's method, from where it converges for every eccentricity (Danby and Burkardt 1983).
fn eccentric_anomaly(mean: f64, e: f64) -> f64 {
    let mut anomaly = mean + 0.85 * e * mean.sin().signum();
    for _ in 0..50 {
        anomaly -= (anomaly - e * anomaly.sin() - mean) / (1.0 - e * anomaly.cos());
    }
    anomaly
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nbody::groups::{Placement, Polygon};
    use crate::nbody::problem::Gravity;

    fn problem(model: Model, placement: Placement) -> NBodyProblem {
        let gravity = Gravity { constant: 2.0, ..Gravity::default() };
        let groups = vec![BodyGroup::Generated(Generated { model, seed: 0, placement })];
        NBodyProblem { gravity, integrator: Integrator::GaussRadau15, groups, ..NBodyProblem::default() }
    }

    fn orbit(eccentricity: f64, true_anomaly: f64) -> Model {
        let path = Path { eccentricity, pericentre: 1.0 - eccentricity, true_anomaly };
        Model::Orbit(Orbit { masses: [1.5, 0.5], path })
    }

    fn anomaly_after(start: &NBodyProblem, time: f64) -> f64 {
        let later = ExactMotion::of(start).unwrap().after(start, time);
        let BodyGroup::Generated(group) = &later.groups[0] else { panic!("a model") };
        let Model::Orbit(orbit) = &group.model else { panic!("an orbit") };
        orbit.path.true_anomaly.rem_euclid(360.0)
    }

    #[test]
    fn an_ellipse_is_at_its_ends_after_half_a_turn() {
        // G M = 4 and a = 1: a turn takes pi.
        for e in [0.0, 0.3, 0.9, 0.99] {
            let start = problem(orbit(e, 0.0), Placement::default());
            assert!((anomaly_after(&start, 0.5 * PI) - 180.0).abs() < 1e-10, "{e}");
            assert!((anomaly_after(&start, 3.5 * PI) - 180.0).abs() < 1e-9, "{e}");
        }
        // From 90 degrees on a circle a quarter of a turn leads to 180.
        assert!((anomaly_after(&problem(orbit(0.0, 90.0), Placement::default()), 0.25 * PI) - 180.0).abs() < 1e-12);
    }

    #[test]
    fn equal_areas_are_swept_in_equal_times() {
        let start = problem(orbit(0.6, -100.0), Placement::default());
        // The anomaly changes by h dt / r^2, with h^2 = G M a (1 - e^2).
        for time in [0.1, 0.7, 1.4, 2.9] {
            let [before, at, after] = [-1e-4, 0.0, 1e-4].map(|dt| anomaly_after(&start, time + dt) * (PI / 180.0));
            let r = (1.0 - 0.36) / (1.0 + 0.6 * at.cos());
            let expected = (4.0f64 * (1.0 - 0.36)).sqrt() / (r * r);
            assert!(((after - before) / 2e-4 / expected - 1.0).abs() < 1e-5, "{time}");
        }
    }

    #[test]
    fn a_triangle_turns_and_its_centre_moves() {
        let placement = Placement { velocity: [1.0, -2.0, 0.0], ..Placement::default() };
        let start = problem(Model::Polygon(Polygon { count: 3, mass: 3.0, radius: 1.0 / 3f64.sqrt() }), placement);
        // omega = sqrt(G M / side^3) = sqrt(6): a sixth of a turn.
        let motion = ExactMotion::of(&start).unwrap();
        let later = motion.after(&start, TAU / 6f64.sqrt() / 6.0);
        let BodyGroup::Generated(group) = &later.groups[0] else { panic!("a model") };
        assert!((group.placement.rotation[2] - 60.0).abs() < 1e-12);
        assert!((group.placement.position[1] / group.placement.position[0] + 2.0).abs() < 1e-14);
        assert!(motion.bound(Integrator::GaussRadau15, 0.1, 1.0).is_some());
        assert!(motion.bound(Integrator::Leapfrog, 0.1, 1.0).is_none());
        assert!(motion.bound(Integrator::GaussRadau15, 0.1, 100.0).is_none());
    }

    #[test]
    fn bounds_fall_with_the_order_and_end_where_they_say_nothing() {
        let motion = ExactMotion::of(&problem(orbit(0.5, 0.0), Placement::default())).unwrap();
        let bound = |scheme, dt| motion.bound(scheme, dt, 10.0);
        for (scheme, factor) in
            [(Integrator::Leapfrog, 4.0), (Integrator::Yoshida4, 16.0), (Integrator::Hermite4, 16.0)]
        {
            let ratio = bound(scheme, 2e-3).unwrap() / bound(scheme, 1e-3).unwrap();
            assert!((ratio / factor - 1.0).abs() < 0.1, "{scheme:?} {ratio}");
            assert_eq!(bound(scheme, 0.5), None, "{scheme:?}");
        }
        assert!(bound(Integrator::GaussRadau15, 0.5).unwrap() < 1e-8);
    }

    #[test]
    fn what_is_not_known_is_not_claimed() {
        let mut start = problem(orbit(0.5, 0.0), Placement::default());
        start.gravity.softening = Softening::Plummer(0.1);
        assert!(ExactMotion::of(&start).is_none());
        assert!(ExactMotion::of(&problem(orbit(1.0, 0.0), Placement::default())).is_none());
        let square = Model::Polygon(Polygon { count: 4, mass: 1.0, radius: 1.0 });
        assert!(ExactMotion::of(&problem(square, Placement::default())).is_none());
    }
}
