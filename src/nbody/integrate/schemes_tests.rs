//! Order of the schemes, conservation, reversal in time, and the steps that they choose.

use super::fixtures_tests::*;
use crate::comm::solo::Solo;
use crate::nbody::problem::{Integrator, Softening, Substeps};
use crate::particles::Particles;

const NEWTON: Softening = Softening::None;
const SHARED: [Integrator; 3] = [Integrator::Leapfrog, Integrator::Yoshida4, Integrator::Hermite4];

fn run(bodies: Particles, kind: Integrator, substeps: Substeps) -> Run {
    Run::new(bodies, gravity(1.0, NEWTON), kind, substeps)
}

/// Largest relative error of the energy of a Kepler orbit over some periods, looked at after every step.
fn energy_error(kind: Integrator, e: f64, steps: usize, periods: usize) -> f64 {
    let mut run = run(kepler(e), kind, Substeps::None);
    let start = run.energy();
    let errors = (0..steps * periods).map(|_| (run.steps(1, period() / steps as f64).energy() / start - 1.0).abs());
    errors.fold(0.0, f64::max)
}

#[test]
fn energy_errors_fall_with_the_order_and_do_not_grow() {
    for (kind, factor) in [(Integrator::Leapfrog, 4.0), (Integrator::Yoshida4, 16.0)] {
        let [coarse, fine] = [1000, 2000].map(|steps| energy_error(kind, 0.5, steps, 1));
        // Terms of the next even order change the factor by (dt w)^2 with w = sqrt(8) 2 pi / P at the pericentre, some per cent.
        assert!((coarse / fine / factor - 1.0).abs() < 0.05, "{kind:?} {}", coarse / fine);
        assert!(energy_error(kind, 0.5, 1000, 10) < 1.02 * coarse, "{kind:?}");
    }
}

#[test]
fn the_energy_error_of_leapfrog_is_the_known_one() {
    // The energy that kick-drift-kick keeps is that of the orbit plus dt^2 (v.(grad grad phi).v / 12 - a^2 / 24) and terms of dt^4
    // (Yoshida 1990); at the pericentre that is dt^2 (v^2 / (12 r^3) - 1 / (24 r^4)), and next to nothing at the apocentre.
    for (e, beyond) in [(0.5, 0.02), (0.9, 0.05)] {
        let (r, dt) = (1.0 - e, period() / 1000.0);
        let expected = 2.0 * dt * dt * ((1.0 + e) / (1.0 - e) / (12.0 * r * r * r) - 1.0 / (24.0 * r * r * r * r));
        let error = energy_error(Integrator::Leapfrog, e, 1000, 3);
        assert!((error / expected - 1.0).abs() < beyond, "{e}: {error:e} {expected:e}");
    }
}

#[test]
fn positions_converge_with_the_order() {
    for (kind, order) in SHARED.into_iter().zip([2, 4, 4]) {
        let error = |steps: usize| {
            let time = 0.7 * period();
            run(kepler(0.5), kind, Substeps::None)
                .steps(steps, time / steps as f64)
                .distance(1, &kepler_position(0.5, time))
        };
        let [coarse, fine] = [500, 1000].map(error);
        let observed = (coarse / fine).log2();
        assert!((observed - f64::from(order)).abs() < 0.1, "{kind:?} {observed}");
    }
}

fn turned(bodies: &mut Particles) {
    bodies.velocity.iter_mut().flatten().for_each(|v| *v = -*v);
}

#[test]
fn schemes_run_backwards() {
    // Round-off of a few hundred steps, grown by the orbits; the Hermite scheme is not reversible, only accurate.
    let cases = [(SHARED[0], 1e-12), (SHARED[1], 1e-12), (SHARED[2], 1e-6), (Integrator::GaussRadau15, 1e-12)];
    for (kind, tolerance) in cases {
        let start = figure_eight();
        let mut run = run(start.clone(), kind, Substeps::None);
        run.steps(200, 0.01);
        assert!(run.distance(0, &start.position_of(0)) > 0.1);
        turned(&mut run.bodies);
        let mut back = Run::new(run.bodies, gravity(1.0, NEWTON), kind, Substeps::None);
        back.steps(200, 0.01);
        turned(&mut back.bodies);
        for n in 0..3 {
            assert!(back.distance(n, &start.position_of(n)) < tolerance, "{kind:?}");
            let velocity = back.bodies.velocity_of(n);
            assert!((0..3).all(|axis| (velocity[axis] - start.velocity[axis][n]).abs() < tolerance), "{kind:?}");
        }
    }
}

#[test]
fn one_body_alone_moves_straight() {
    for kind in [SHARED[0], SHARED[1], SHARED[2], Integrator::GaussRadau15] {
        for substeps in [Substeps::None, Substeps::Global { eta: 0.1 }, Substeps::Block { eta: 0.1 }] {
            let alone = bodies(&[(2.0, [1.0, -2.0, 0.5], [0.25, 0.0, -1.0])]);
            let mut run = Run::new(alone, gravity(1.0, Softening::Plummer(0.1)), kind, substeps);
            run.steps(8, 0.5);
            // Yoshida's parts are rounded, the others' steps are powers of two.
            assert!(run.distance(0, &[2.0, -2.0, -3.5]) < 1e-14, "{kind:?} {substeps:?}");
            assert_eq!(run.bodies.velocity_of(0), [0.25, 0.0, -1.0]);
            assert_eq!(run.scheme.counts().deepest_level, 0);
        }
    }
}

#[test]
fn no_bodies_at_all_are_no_trouble() {
    for kind in [SHARED[0], SHARED[1], SHARED[2], Integrator::GaussRadau15] {
        for substeps in [Substeps::None, Substeps::Block { eta: 0.1 }] {
            run(Particles::default(), kind, substeps).steps(2, 0.5);
        }
    }
}

#[test]
fn global_substeps_are_the_run_with_shorter_steps() {
    let softened = gravity(1.0, Softening::Plummer(0.05));
    for kind in [Integrator::Leapfrog, Integrator::Yoshida4] {
        let mut cut = Run::new(kepler(0.0), softened, kind, Substeps::Global { eta: 0.35 });
        // eta sqrt(eps / |a|) = 0.35 sqrt(0.05) = 0.078 for |a| = 1: a step of 0.5 is cut in eight.
        cut.steps(1, 0.5);
        let mut plain = Run::new(kepler(0.0), softened, kind, Substeps::None);
        plain.steps(8, 0.0625);
        plain.bodies.level.fill(3);
        assert_eq!(cut.bodies, plain.bodies, "{kind:?}");
        assert_eq!((cut.scheme.counts().substeps, cut.scheme.counts().deepest_level), (8, 3));
    }
}

#[test]
fn block_steps_of_one_level_are_shared_steps() {
    let softened = gravity(1.0, Softening::Plummer(0.05));
    let start = triangle();
    let mut shared = Run::new(start.clone(), softened, Integrator::Leapfrog, Substeps::Global { eta: 0.05 });
    let mut block = Run::new(start, softened, Integrator::Leapfrog, Substeps::Block { eta: 0.05 });
    // Accelerations are equal by symmetry, and the step they ask for is not close to a power of two of the run's.
    shared.steps(1, 0.05);
    block.steps(1, 0.05);
    assert_eq!(block.bodies, shared.bodies);
    assert!(block.scheme.counts().deepest_level > 1);
}

#[test]
fn block_steps_follow_an_eccentric_binary_in_a_cluster() {
    let softened = gravity(1.0, Softening::Plummer(0.01));
    let energy_error = |eta: f64| {
        let mut run = Run::new(cluster_with_binary(60), softened, Integrator::Leapfrog, Substeps::Block { eta });
        let start = run.energy();
        run.steps(8, 0.0625);
        let counts = run.scheme.counts();
        assert!(counts.deepest_level >= 4);
        // Few bodies take the deep levels.
        assert!(counts.body_steps < counts.substeps * 60 / 4, "{counts:?}");
        assert_eq!(run.forces.costs.pairs, (counts.body_steps + 60) * 60);
        (run.energy() / start - 1.0).abs()
    };
    let [coarse, fine] = [0.2, 0.025].map(energy_error);
    // The binary has nearly all of the energy; second order is a factor of 64 or, where the coarse steps are too long, more.
    assert!(coarse < 5e-2 && fine < coarse / 30.0, "{coarse:e} {fine:e}");
}

#[test]
fn hermite_block_steps_keep_the_energy_of_an_eccentric_binary_in_a_cluster() {
    for (law, substeps) in [
        (Softening::None, Substeps::Block { eta: 0.01 }),
        (Softening::None, Substeps::Global { eta: 0.01 }),
        (Softening::Plummer(0.01), Substeps::Block { eta: 0.01 }),
    ] {
        let mut run = Run::new(cluster_with_binary(60), gravity(1.0, law), Integrator::Hermite4, substeps);
        let start = run.energy();
        run.steps(4, 0.0625);
        let counts = run.scheme.counts();
        // About a hundred steps a period with errors of (sqrt(eta))^5 / 720 each.
        assert!((run.energy() / start - 1.0).abs() < 1e-5, "{law:?} {substeps:?} {:e}", run.energy() / start - 1.0);
        assert!(counts.deepest_level >= 4);
        match substeps {
            Substeps::Global { .. } => assert_eq!(counts.body_steps, counts.substeps * 60),
            _ => assert!(counts.body_steps < counts.substeps * 60 / 4, "{counts:?}"),
        }
    }
}

#[test]
fn hermite_starts_from_rest() {
    let mut run = run(pythagorean(), Integrator::Hermite4, Substeps::Block { eta: 0.0025 });
    run.steps(4, 0.5);
    // The step of 0.5 at the start is far too long, and only a trial step can tell, since all jerks are 0.
    assert!(run.distance(0, &[0.75280605358003, 1.98947530770402]) < 1e-5);
    assert!((run.energy() / (-769.0 / 60.0) - 1.0).abs() < 1e-6);
}

#[test]
fn steps_that_cannot_be_taken_are_refused() {
    let at_rest = bodies(&[(1.0, [0.5, 0.0, 0.0], [0.0; 3]), (1.0, [-0.5, 0.0, 0.0], [0.0; 3])]);
    let cases = [
        (Integrator::Leapfrog, Substeps::Global { eta: 1e-12 }),
        (Integrator::Leapfrog, Substeps::Block { eta: 1e-12 }),
        (Integrator::Hermite4, Substeps::Block { eta: 1e-30 }),
        // They fall onto each other at t = 1.1.
        (Integrator::GaussRadau15, Substeps::None),
    ];
    for (kind, substeps) in cases {
        let law = if kind == Integrator::Leapfrog { Softening::Plummer(0.01) } else { Softening::None };
        let mut run = Run::new(at_rest.clone(), gravity(1.0, law), kind, substeps);
        let error = run.scheme.advance(&mut run.bodies, &mut run.forces, 2.0, &Solo).unwrap_err();
        assert_eq!(error.exit_code(), 4);
        assert!(error.to_string().contains("body 1"), "{kind:?}: {error}");
    }
}

#[test]
fn bodies_that_meet_are_named() {
    let touching = bodies(&[(1.0, [0.5; 3], [0.0; 3]), (1.0, [0.0; 3], [0.0; 3]), (1.0, [0.5; 3], [0.0; 3])]);
    for kind in [Integrator::Hermite4, Integrator::GaussRadau15] {
        let law = gravity(1.0, Softening::None);
        let scheme = &mut super::integrator(kind, Substeps::None, &law, crate::cpu::CpuPath::best());
        let mut forces = PlainForces::new(law);
        let error = scheme.advance(&mut touching.clone(), &mut forces, 0.1, &Solo).unwrap_err();
        assert_eq!(error.exit_code(), 4);
        assert!(error.to_string().contains("body 10"), "{error}");
    }
}
