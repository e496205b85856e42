//! Reference problems whose results are known: from theory, or from an independent integration in 128 bits.

use super::fixtures_tests::*;
use crate::nbody::problem::{Integrator, Softening, Substeps};

fn radau(bodies: crate::particles::Particles, constant: f64) -> Run {
    Run::new(bodies, gravity(constant, Softening::None), Integrator::GaussRadau15, Substeps::None)
}

#[test]
fn figure_eight_comes_back_to_its_start() {
    let mut run = radau(figure_eight(), 1.0);
    run.steps(4, 0.25);
    // Given to 17 digits; round-off of a few tens of steps.
    assert!(run.distance(0, &[0.993_582_919_940_977_9, 0.219_204_947_114_695_56]) < 1e-13);
    assert!(run.distance(1, &[-0.050_734_285_274_952_35, 0.046_861_246_685_958_62]) < 1e-13);
    run.steps(1, 6.32591398 - 1.0);
    for (n, body) in [[0.97000436, -0.24308753], [-0.97000436, 0.24308753], [0.0; 2]].iter().enumerate() {
        // The start is given to 8 digits, with which the orbit closes to 3.1e-8.
        assert!(run.distance(n, body) < 4e-8);
    }
    assert!((run.energy() / -1.287_141_991_766_325_5 - 1.0).abs() < 1e-14);
}

/// Places from Taylor series of order 44 in 60 digits, whose energy stayed the same to 45.
#[test]
fn figure_eight_stays_on_its_orbit() {
    let mut run = radau(figure_eight(), 1.0);
    run.steps(100, 1.0);
    let places = [
        [-0.151_636_270_318_241_03, 0.135_746_787_583_540_8],
        [-0.878_628_237_309_682_6, -0.306_778_641_164_867_8],
        [1.030_264_507_627_923_8, 0.171_031_853_581_326_97],
    ];
    for (n, place) in places.iter().enumerate() {
        // The orbit is stable, so errors grow with the square of time at most: 1e-16 a step, 3e-14 found.
        assert!(run.distance(n, place) < 1e-12, "{n}");
    }
}

/// References as for the figure eight; energy to 43 digits after the close passage.
#[test]
fn pythagorean_bodies_come_through_their_close_passage() {
    let mut run = radau(pythagorean(), 1.0);
    let before: [[f64; 2]; 3] = [
        [3.004_292_636_696_399, 0.511_925_235_024_685_9],
        [-1.388_626_537_510_895_5, -0.470_476_050_252_722_16],
        [-0.691_674_352_009_123_2, 0.069_225_699_187_366_22],
    ];
    let after: [[f64; 2]; 3] = [
        [-0.622_003_691_801_097, 1.858_318_157_899_772_7],
        [0.173_544_556_816_439_8, -2.368_410_443_283_164_3],
        [0.234_366_569_627_506_43, 0.779_737_459_886_667_6],
    ];
    // What may be expected in 64 bits of the bodies at 4e-4 from each other near t = 15.83.
    for (places, tolerance) in [(before, 1e-8), (after, 1e-6)] {
        run.steps(20, 1.0);
        for (n, place) in places.iter().enumerate() {
            assert!(run.distance(n, place) < tolerance, "{n} {:e}", run.distance(n, place));
        }
    }
}

#[test]
fn pythagorean_bodies_meet_and_part() {
    let mut run = radau(pythagorean(), 1.0);
    run.steps(1, 2.0);
    // Given to 14 decimals; the scheme is at round-off.
    assert!(run.distance(0, &[0.75280605358003, 1.98947530770402]) < 1e-12);
    assert!(run.distance(1, &[-0.67273434070281, -0.55644239591711]) < 1e-12);
    assert!(run.distance(2, &[0.08650384041423, -0.74853126788873]) < 1e-12);
    run.steps(8, 1.0);
    // Errors grow by a thousand until then.
    assert!(run.distance(0, &[0.77848041013809, 0.14139230029009]) < 1e-10);
}

#[test]
fn pythagorean_orbits_run_backwards() {
    // At t = 20 the close passage at 15.83 lies behind; 1e-8 is what may be expected of the way there.
    for (time, tolerance) in [(10.0, 1e-10), (20.0, 1e-8)] {
        let mut run = radau(pythagorean(), 1.0);
        run.steps(10, time / 10.0);
        run.bodies.velocity.iter_mut().flatten().for_each(|v| *v = -*v);
        let mut back = radau(run.bodies, 1.0);
        back.steps(10, time / 10.0);
        for n in 0..3 {
            assert!(back.distance(n, &pythagorean().position_of(n)) < tolerance, "{time}");
        }
    }
}

#[test]
fn pythagorean_bodies_end_as_a_binary_and_a_fugitive() {
    let mut run = radau(pythagorean(), 1.0);
    run.steps(70, 1.0);
    // Positions of order 1 are rounded by 1e-16 while bodies pass at 4e-4 with energies 1e4 times the total: 1e-9 at worst.
    assert!((run.energy() / (-769.0 / 60.0) - 1.0).abs() < 1e-9);
    let apart = |v: [f64; 3], w: [f64; 3]| [0, 1, 2].map(|axis| v[axis] - w[axis]);
    let square = |v: [f64; 3]| v.map(|v| v * v).iter().sum::<f64>();
    let separation = apart(run.bodies.position_of(1), run.bodies.position_of(2));
    let motion = apart(run.bodies.velocity_of(1), run.bodies.velocity_of(2));
    let axis = 1.0 / (2.0 / square(separation).sqrt() - square(motion) / 9.0);
    let spin = separation[0] * motion[1] - separation[1] * motion[0];
    let eccentricity = (1.0 - spin * spin / (9.0 * axis)).sqrt();
    // Given to four digits, and the third body still pulls at the binary.
    assert!((axis - 0.5525).abs() < 1e-3 && (eccentricity - 0.9887).abs() < 2e-4, "{axis} {eccentricity}");
    assert!(square(run.bodies.position_of(0)) > 400.0, "the lightest body escapes");
}

#[test]
fn outer_planets_are_where_they_should_be() {
    let mut run = radau(solar_system(), SOLAR);
    run.steps(1, 365.25);
    // Given to 14 decimals.
    assert!(run.distance(1, &[0.94486856291289, 4.98773038839897, 0.02807638346936]) < 1e-12);
    run.steps(99, 365.25);
    assert!(run.distance(1, &[-5.16882852358353, -1.71387761477845, -0.03436524531951]) < 1e-10);
    assert!((run.energy() / -3.217_748_285_545_802_4e-8 - 1.0).abs() < 1e-14);
    let mut at_once = radau(solar_system(), SOLAR);
    at_once.steps(1, 36525.0);
    assert!(at_once.distance(1, &[-5.16882852358353, -1.71387761477845, -0.03436524531951]) < 1e-10);
}

#[test]
fn leapfrog_keeps_the_energy_of_the_planets_without_a_trend() {
    let without_softening = gravity(SOLAR, Softening::None);
    let mut run = Run::new(solar_system(), without_softening, Integrator::Leapfrog, Substeps::None);
    let start = run.energy();
    let worst =
        |run: &mut Run| (0..50).map(|_| (run.steps(20, 100.0).energy() / start - 1.0).abs()).fold(0.0, f64::max);
    let (first, second) = (worst(&mut run), worst(&mut run));
    // Order (100 d / (4332 d / 2 pi))^2 / 24 of Jupiter's share.
    assert!(first < 1e-3 && second < 1.1 * first, "{first} {second}");
}

#[test]
fn triangle_turns_once() {
    for (scheme, steps, tolerance) in [(Integrator::GaussRadau15, 7, 1e-10), (Integrator::Hermite4, 700, 1e-5)] {
        let mut run = Run::new(triangle(), gravity(1.0, Softening::None), scheme, Substeps::None);
        let start = run.bodies.clone();
        let period = std::f64::consts::TAU / 3f64.sqrt();
        run.steps(steps, period / steps as f64);
        for n in 0..3 {
            assert!(run.distance(n, &start.position_of(n)) < tolerance, "{scheme:?}");
        }
        assert!((run.energy() + 1.5).abs() < tolerance);
    }
}

#[test]
fn radau_keeps_kepler_orbits_to_round_off() {
    for e in [0.5, 0.9] {
        let mut run = radau(kepler(e), 1.0);
        let start = run.energy();
        let mut worst = 0.0f64;
        for _ in 0..100 {
            worst = worst.max((run.steps(1, period()).energy() / start - 1.0).abs());
        }
        // A random walk of round-off; the energy itself is computed to a few parts in 1e16.
        assert!(worst < 1e-14, "{e}: {worst:e}");
        // Round-off of the energy moves the phase along the orbit: 1e-15 * 100 periods * the speed at the apocentre.
        assert!(run.distance(1, &kepler_position(e, 100.0 * period())) < 1e-11, "{e}");
        // One evaluation at the start and seven in each iteration, of which a good prediction leaves two or three.
        let counts = run.scheme.counts();
        assert!(counts.evaluations < 24 * counts.substeps, "{counts:?}");
    }
}

#[test]
fn radau_works_in_units_of_any_size() {
    // Metres, kilograms and seconds: the orbit of e = 0.5 about the Sun at 1 AU.
    let (mass, length) = (1.98841e30f64, 1.495978707e11f64);
    let constant = 6.6743e-11;
    let time = (length.powi(3) / (constant * mass)).sqrt();
    let mut small = kepler(0.5);
    small.mass.iter_mut().for_each(|m| *m *= mass);
    small.position.iter_mut().flatten().for_each(|x| *x *= length);
    small.velocity.iter_mut().flatten().for_each(|v| *v *= length / time);
    let mut run = radau(small, constant);
    run.steps(10, period() * time);
    let expected = kepler_position(0.5, 10.0 * period()).map(|x| x * length);
    assert!(run.distance(1, &expected) < 1e-12 * length);
}
