//! Two bodies on a conic section, and equal bodies on a circle.

use super::Sampler;
use super::random::Draws;
use crate::nbody::groups::{Body, Orbit, Path, Polygon};
use std::f64::consts::PI;

/// Position and velocity relative to the focus, for a gravitational parameter G (m1 + m2); the orbit lies in the x-y plane, its
/// pericentre on the positive x axis, and turns counterclockwise.
///
/// With p = q (1 + e): r = p / (1 + e cos nu), and the velocity is sqrt(mu / p) (-sin nu, e + cos nu).
pub fn relative_state(path: &Path, parameter: f64) -> [[f64; 3]; 2] {
    let [sin, cos] = sine_and_cosine(path.true_anomaly);
    let latus = path.pericentre * (1.0 + path.eccentricity);
    let r = latus / (1.0 + path.eccentricity * cos);
    let speed = (parameter / latus).sqrt();
    [[r * cos, r * sin, 0.0], [-speed * sin, speed * (path.eccentricity + cos), 0.0]]
}

/// The true anomaly in degrees, before the pericentre, at which the distance is `separation`.
pub fn incoming_anomaly(eccentricity: f64, pericentre: f64, separation: f64) -> f64 {
    let cos = (pericentre * (1.0 + eccentricity) / separation - 1.0) / eccentricity;
    -libm::acos(cos.clamp(-1.0, 1.0)) * (180.0 / PI)
}

/// Sine and cosine of an angle in degrees, exact at multiples of 90.
pub fn sine_and_cosine(degrees: f64) -> [f64; 2] {
    let turn = degrees % 360.0;
    let quarter = (turn / 90.0).round();
    let (sin, cos) = libm::sincos((turn - 90.0 * quarter) * (PI / 180.0));
    match (quarter as i64).rem_euclid(4) {
        0 => [sin, cos],
        1 => [cos, -sin],
        2 => [-sin, -cos],
        _ => [-cos, sin],
    }
}

/// Both bodies about their centre of mass.
pub struct OrbitSampler(pub [Body; 2]);

impl OrbitSampler {
    /// The second body relative to the first follows the path.
    pub fn new(orbit: &Orbit, constant: f64) -> OrbitSampler {
        let total = orbit.masses[0] + orbit.masses[1];
        let [position, velocity] = relative_state(&orbit.path, constant * total);
        let shares = [-orbit.masses[1] / total, orbit.masses[0] / total];
        OrbitSampler([0, 1].map(|n| Body {
            mass: orbit.masses[n],
            position: position.map(|x| shares[n] * x),
            velocity: velocity.map(|v| shares[n] * v),
        }))
    }
}

impl Sampler for OrbitSampler {
    fn body(&self, number: u64, _: &mut Draws) -> Body {
        self.0[number as usize]
    }
}

/// Corners of a regular polygon that turns as a rigid body.
pub struct PolygonSampler {
    polygon: Polygon,
    speed: f64,
}

impl PolygonSampler {
    /// Of N bodies of mass m at radius R each feels m / (4 R^2) times the sum of 1 / sin(pi k / N), k = 1 to N - 1, towards the
    /// centre (Maxwell 1859, on the rings of Saturn).
    pub fn new(polygon: Polygon, constant: f64) -> PolygonSampler {
        let count = polygon.count as f64;
        // In rising order of the terms, always the same.
        let half = (1..polygon.count.div_ceil(2)).rev().map(|k| 2.0 / libm::sin(PI * (k as f64 / count))).sum::<f64>();
        let opposite = if polygon.count.is_multiple_of(2) { 1.0 } else { 0.0 };
        let pull = constant * polygon.mass / count / (4.0 * polygon.radius) * (half + opposite);
        PolygonSampler { polygon, speed: pull.sqrt() }
    }
}

impl Sampler for PolygonSampler {
    fn body(&self, number: u64, _: &mut Draws) -> Body {
        let [sin, cos] = sine_and_cosine(360.0 * (number as f64 / self.polygon.count as f64));
        Body {
            mass: self.polygon.mass / self.polygon.count as f64,
            position: [self.polygon.radius * cos, self.polygon.radius * sin, 0.0],
            velocity: [-self.speed * sin, self.speed * cos, 0.0],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cross(a: [f64; 3], b: [f64; 3]) -> f64 {
        a[0] * b[1] - a[1] * b[0]
    }

    fn square(a: [f64; 3]) -> f64 {
        a.iter().map(|x| x * x).sum()
    }

    #[test]
    fn energy_and_angular_momentum_are_those_of_the_elements() {
        for (eccentricity, true_anomaly) in [(0.0, 40.0), (0.6, 0.0), (0.9, 180.0), (1.0, -120.0), (2.5, -100.0)] {
            let (pericentre, parameter) = (0.7, 3.0);
            let path = Path { eccentricity, pericentre, true_anomaly };
            let [x, v] = relative_state(&path, parameter);
            let energy = 0.5 * square(v) - parameter / square(x).sqrt();
            let expected = -parameter * (1.0 - eccentricity) / (2.0 * pericentre);
            assert!((energy - expected).abs() < 1e-13 * parameter / pericentre, "{path:?}: {energy}");
            let spin = cross(x, v);
            assert!((spin * spin / (parameter * pericentre * (1.0 + eccentricity)) - 1.0).abs() < 1e-14);
            assert!(spin > 0.0);
        }
    }

    #[test]
    fn a_separation_is_met_on_the_way_in() {
        for (eccentricity, pericentre, separation) in [(0.5, 1.0, 2.2), (1.0, 2.0, 30.0), (3.0, 1.0, 50.0)] {
            let true_anomaly = incoming_anomaly(eccentricity, pericentre, separation);
            let [x, v] = relative_state(&Path { eccentricity, pericentre, true_anomaly }, 1.0);
            assert!((square(x).sqrt() / separation - 1.0).abs() < 1e-13);
            assert!(x[0] * v[0] + x[1] * v[1] < 0.0, "they approach each other");
        }
    }

    #[test]
    fn quarters_of_a_turn_are_exact() {
        let expected = [[0.0, 1.0], [1.0, 0.0], [0.0, -1.0], [-1.0, 0.0]];
        for quarter in -8..8i64 {
            let found = sine_and_cosine(90.0 * quarter as f64);
            assert_eq!(found, expected[quarter.rem_euclid(4) as usize]);
        }
        assert!((sine_and_cosine(30.0)[0] - 0.5).abs() < 1e-16);
        assert!((sine_and_cosine(-400.0)[1] - (40f64).to_radians().cos()).abs() < 1e-15);
    }

    #[test]
    fn a_polygon_turns_with_the_speed_that_its_pull_needs() {
        for count in [2, 3, 4, 7] {
            let polygon = Polygon { count, mass: 2.0, radius: 1.5 };
            let sampler = PolygonSampler::new(polygon, 1.3);
            let mut draws = Draws::new(0, 0, 0);
            let bodies: Vec<Body> = (0..count).map(|n| sampler.body(n, &mut draws)).collect();
            let mut pull = 0.0;
            for other in &bodies[1..] {
                let away: [f64; 3] = std::array::from_fn(|a| other.position[a] - bodies[0].position[a]);
                pull -= 1.3 * other.mass * away[0] / (square(away) * square(away).sqrt());
            }
            let turning = square(bodies[0].velocity) / 1.5;
            assert!((turning / pull - 1.0).abs() < 1e-14, "{count} corners: {turning} and {pull}");
        }
    }
}
