//! The same bits for every shape of ranks and threads, and after a restart.

use super::fixtures_tests::*;
use super::integrator;
use crate::comm::{Communicator, solo::Solo, threads};
use crate::cpu::CpuPath;
use crate::nbody::force::Forces;
use crate::nbody::problem::{Gravity, Integrator, Softening, Substeps};
use crate::particles::Particles;

const SCHEMES: [(Integrator, Substeps); 7] = [
    (Integrator::Leapfrog, Substeps::None),
    (Integrator::Leapfrog, Substeps::Global { eta: 0.1 }),
    (Integrator::Leapfrog, Substeps::Block { eta: 0.1 }),
    (Integrator::Yoshida4, Substeps::Global { eta: 0.3 }),
    (Integrator::Hermite4, Substeps::None),
    (Integrator::Hermite4, Substeps::Block { eta: 0.02 }),
    (Integrator::GaussRadau15, Substeps::None),
];

const DT: f64 = 0.03125;

fn softened() -> Gravity {
    gravity(1.0, Softening::Plummer(0.02))
}

/// Stirred forces only where the scheme allows bodies to move between ranks in any way.
fn forces() -> PlainForces {
    PlainForces { stirs: true, ..PlainForces::new(softened()) }
}

/// The bodies after some steps, and the state of the scheme.
fn result(
    start: &Particles,
    (kind, substeps): (Integrator, Substeps),
    (path, steps, dt): (CpuPath, usize, f64),
    comm: &dyn Communicator,
) -> (Particles, Vec<u8>) {
    let (mut bodies, mut forces) = (block(start, comm), forces());
    let mut scheme = integrator(kind, substeps, &softened(), path);
    forces.evaluate(&mut bodies, 0, comm).unwrap();
    for _ in 0..steps {
        scheme.advance(&mut bodies, &mut forces, dt, comm).unwrap();
    }
    (all_bodies(&bodies, comm), scheme.state())
}

#[test]
fn every_shape_gives_the_same_bits() {
    // Two bodies are fewer than ranks, and 300 enough for ranks and threads to share force sums.
    for (count, steps, dt) in [(2, 3, DT), (300, 1, DT / 4.0)] {
        for scheme in SCHEMES {
            // Still enough, and not too many to wait for.
            let most = if scheme.0 == Integrator::GaussRadau15 { 190 } else { 300 };
            let start = cluster_with_binary(count.min(most));
            let expected = result(&start, scheme, (CpuPath::Portable, steps, dt), &Solo);
            assert_ne!(expected.0.position, start.position);
            for (ranks, threads) in [(2, 3), (3, 1), (4, 2), (5, 1)] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let found = threads::run(ranks, |comm: &dyn Communicator| {
                    result(&start, scheme, (CpuPath::best(), steps, dt), comm)
                });
                let inside = pool.install(|| result(&start, scheme, (CpuPath::best(), steps, dt), &Solo));
                assert_eq!(inside, expected, "{scheme:?} {threads} threads");
                assert!(found.iter().all(|found| *found == expected), "{scheme:?} {ranks} ranks");
            }
        }
    }
}

#[test]
fn a_restart_gives_the_same_bits() {
    let start = cluster_with_binary(20);
    for scheme in SCHEMES {
        let (whole, end) = result(&start, scheme, (CpuPath::best(), 6, DT), &Solo);
        let (half, state) = result(&start, scheme, (CpuPath::best(), 3, DT), &Solo);
        // What a checkpoint does not hold: accelerations and levels.
        let mut kept = Particles::default();
        for n in 0..half.len() {
            kept.push(half.index[n], half.id[n], half.mass[n], half.position_of(n), half.velocity_of(n));
        }
        threads::run(3, |comm: &dyn Communicator| {
            let (mut bodies, mut forces) = (block(&kept, comm), forces());
            let mut restarted = integrator(scheme.0, scheme.1, &softened(), CpuPath::best());
            restarted.restore(&state).unwrap();
            assert_eq!(restarted.state(), state);
            forces.evaluate(&mut bodies, 0, comm).unwrap();
            for _ in 0..3 {
                restarted.advance(&mut bodies, &mut forces, DT, comm).unwrap();
            }
            assert_eq!(all_bodies(&bodies, comm), whole, "{scheme:?}");
            assert_eq!(restarted.state(), end, "{scheme:?}");
        });
    }
}

#[test]
fn a_state_of_another_scheme_or_of_other_bodies_is_refused() {
    let states: Vec<Vec<u8>> = SCHEMES
        .iter()
        .map(|&scheme| result(&cluster_with_binary(5), scheme, (CpuPath::best(), 1, DT), &Solo).1)
        .collect();
    assert_eq!(
        states.iter().map(|state| !state.is_empty()).collect::<Vec<_>>(),
        [false, false, false, false, false, true, true]
    );
    let law = softened();
    for (scheme, other) in [(0, 5), (2, 6), (4, 5), (5, 6), (6, 5)] {
        let (kind, substeps) = SCHEMES[scheme];
        let mut scheme = integrator(kind, substeps, &law, CpuPath::best());
        assert_eq!(scheme.restore(&states[other]).unwrap_err().exit_code(), 2);
    }
    for number in [5, 6] {
        let (kind, substeps) = SCHEMES[number];
        let mut scheme = integrator(kind, substeps, &law, CpuPath::best());
        scheme.restore(&states[number]).unwrap();
        let error = scheme.advance(&mut cluster_with_binary(6), &mut forces(), DT, &Solo).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains("5 bodies, but there are 6"), "{error}");
    }
}
