//! Tests of whole evaluations: bits, and unusual bodies.

use super::samples::*;
use super::*;
use crate::comm::{solo::Solo, threads};
use crate::nbody::problem::Softening;

/// Some of the bodies of a set, as they might come from a file.
fn share(all: &Particles, comm: &dyn Communicator) -> Particles {
    let mut own = Particles::default();
    (0..all.len()).filter(|n| (n / 3) % comm.size() == comm.rank()).for_each(|n| own.push_row(&all.row(n)));
    own
}

/// Two steps of a crude integrator, with block levels in the second one.
fn two_evaluations(all: &Particles, accuracy: f64, comm: &dyn Communicator) -> Vec<crate::particles::Row> {
    let mut bodies = share(all, comm);
    let mut forces = Fmm::new(&gravity(accuracy, Softening::Plummer(0.01)), CpuPath::best());
    for from_level in [0, 1, 0] {
        forces.evaluate(&mut bodies, from_level, comm).unwrap();
        for n in 0..bodies.len() {
            bodies.level[n] = (bodies.id[n] % 3) as u8;
            (0..3).for_each(|axis| bodies.position[axis][n] += 0.05 * bodies.acceleration[axis][n]);
        }
    }
    (0..bodies.len()).map(|n| bodies.row(n)).collect()
}

fn on_ranks(all: &Particles, accuracy: f64, ranks: usize) -> Vec<crate::particles::Row> {
    let parts = threads::run(ranks, |comm: &dyn Communicator| two_evaluations(all, accuracy, comm));
    let mut rows: Vec<_> = parts.into_iter().flatten().collect();
    rows.sort_unstable_by_key(|row| row[11]);
    rows
}

fn check_shapes(all: &Particles, accuracy: f64) {
    let one = on_ranks(all, accuracy, 1);
    assert_eq!(one.len(), all.len());
    for ranks in [2, 3, 5, 8] {
        assert!(on_ranks(all, accuracy, ranks) == one, "{ranks} ranks");
    }
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut rows = pool.install(|| two_evaluations(all, accuracy, &Solo));
        rows.sort_unstable_by_key(|row| row[11]);
        assert!(rows == one, "{threads} threads");
    }
}

#[test]
fn bits_do_not_depend_on_ranks_and_threads() {
    check_shapes(&clustered(3000), 1e-2);
    check_shapes(&plummer(1500), 1e-4);
}

/// Leaves far outside are walked in parts only where many bodies would be left to them, so this takes many. In the second set surveys
/// on two and on three ranks miss something that parts need, so that a branch is walked twice.
#[test]
fn bits_of_leaves_in_parts_do_not_depend_on_ranks() {
    for (all, accuracy) in [(lonely(150_000), 1e-2), (two(60_000), 2e-3)] {
        let one = on_ranks(&all, accuracy, 1);
        for ranks in [2, 3] {
            assert!(on_ranks(&all, accuracy, ranks) == one, "{ranks} ranks");
        }
    }
}

#[test]
fn leaves_far_outside_do_not_see_every_body() {
    let mut bodies = lonely(150_000);
    let mut forces = Fmm::new(&gravity(1e-4, Softening::Plummer(0.01)), CpuPath::best());
    forces.evaluate(&mut bodies, 0, &Solo).unwrap();
    let before = forces.costs().pairs;
    let is_outside: Vec<bool> = bodies.id.iter().map(|&id| id >= 150_000).collect();
    bodies.level = is_outside.iter().map(|&is| u8::from(is)).collect();
    forces.evaluate(&mut bodies, 1, &Solo).unwrap();
    let pairs = (forces.costs().pairs - before) / 24;
    assert!(pairs < 150_000 / 20, "each of them sees {pairs} of 150,000");
    let errors = errors_of(&bodies, 0.01, 1.5, (0..bodies.len()).filter(|&n| is_outside[n]));
    assert!(errors[23] < 1e-4, "{:e}", errors[23]);
}

#[test]
fn fewer_bodies_than_ranks() {
    for count in 0..6 {
        check_shapes(&uniform(count), 1e-3);
    }
    check_shapes(&plummer(40), 1e-2);
}

#[test]
fn only_bodies_of_the_level_get_new_forces() {
    let mut bodies = plummer(2000);
    let mut forces = Fmm::new(&gravity(1e-3, Softening::Plummer(0.01)), CpuPath::best());
    forces.evaluate(&mut bodies, 0, &Solo).unwrap();
    let all = bodies.clone();
    (0..bodies.len()).for_each(|n| bodies.level[n] = u8::from(bodies.position[0][n] > 1.0));
    let before = forces.costs();
    let mut some = bodies.clone();
    for n in 0..some.len() {
        some.potential[n] = 7.0;
    }
    forces.evaluate(&mut some, 1, &Solo).unwrap();
    let spent = forces.costs().pairs - before.pairs;
    assert!(spent < before.pairs / 2, "inactive subtrees are skipped: {spent} of {}", before.pairs);
    forces.evaluate(&mut bodies, 0, &Solo).unwrap();
    for n in 0..some.len() {
        let expected = if some.level[n] == 1 { bodies.potential[n] } else { 7.0 };
        assert_eq!(some.potential[n], expected);
        let kept = if some.level[n] == 1 { &bodies } else { &all };
        assert_eq!(some.acceleration_of(n), kept.acceleration_of(n));
    }
}

#[test]
fn portable_bits_are_the_same_on_every_path() {
    let on = |path: CpuPath| {
        let law = Gravity { portable_bits: true, ..gravity(1e-4, Softening::Plummer(0.01)) };
        let mut bodies = two(1500);
        let mut forces = Fmm::new(&law, path);
        forces.evaluate(&mut bodies, 0, &Solo).unwrap();
        forces.evaluate(&mut bodies, 0, &Solo).unwrap();
        bodies
    };
    for path in CpuPath::available() {
        assert!(on(path) == on(CpuPath::Portable), "{}", path.name());
    }
}

#[test]
fn every_path_is_accurate() {
    for path in CpuPath::available() {
        let mut bodies = plummer(2000);
        Fmm::new(&gravity(1e-5, Softening::Plummer(0.01)), path).evaluate(&mut bodies, 0, &Solo).unwrap();
        let errors = errors(&bodies, 0.01, 1.5, 300);
        assert!(p99(&errors) <= 1e-5, "{}: {:e}", path.name(), p99(&errors));
    }
}

fn evaluated(positions: &[[f64; 3]], mass: f64, softening: Softening, ranks: usize) -> Vec<Result<Particles>> {
    threads::run(ranks, |comm: &dyn Communicator| {
        let mut bodies = Particles::default();
        for (n, x) in positions.iter().enumerate().filter(|(n, _)| n % comm.size() == comm.rank()) {
            bodies.push(n as u64, n as u64, mass, *x, [0.0; 3]);
        }
        let mut forces = Fmm::new(&gravity(1e-4, softening), CpuPath::best());
        forces.evaluate(&mut bodies, 0, comm)?;
        forces.evaluate(&mut bodies, 0, comm)?;
        Ok(bodies)
    })
}

fn check_degenerate(positions: &[[f64; 3]]) {
    for ranks in [1, 3] {
        for part in evaluated(positions, 0.5, Softening::Plummer(0.1), ranks) {
            let part = part.unwrap();
            for n in 0..part.len() {
                let mut all = Particles::default();
                positions.iter().enumerate().for_each(|(n, x)| all.push(n as u64, n as u64, 0.5, *x, [0.0; 3]));
                let (truth, potential) = direct(&all, 0.1, 1.5, part.id[n] as usize);
                let size = truth.iter().map(|x| x * x).sum::<f64>().sqrt();
                let found = part.acceleration_of(n);
                assert!(found.iter().zip(truth).all(|(a, b)| (a - b).abs() <= 1e-3 * size + 1e-12));
                // Squares of 1e300 overflow: at such a distance both sums are as good as 0.
                assert!(
                    (part.potential[n] - potential).abs() <= 1e-3 * potential.abs() + 1e-12,
                    "{} bodies on {ranks} ranks: {:e} instead of {potential:e} at {:?}",
                    positions.len(),
                    part.potential[n],
                    positions[part.id[n] as usize]
                );
            }
        }
    }
}

#[test]
fn degenerate_sets_have_the_right_forces() {
    let mut random = Random(9);
    check_degenerate(&[]);
    check_degenerate(&[[1.0, 2.0, 3.0]]);
    check_degenerate(&[[1.0, 2.0, 3.0], [1.0, 2.0, 4.0]]);
    check_degenerate(&[[1.0, 2.0, 3.0]; 150]);
    let line: Vec<[f64; 3]> = (0..300).map(|_| [0.0, random.next(), 0.0]).collect();
    check_degenerate(&line);
    let plane: Vec<[f64; 3]> = (0..300).map(|_| [random.next(), 5.0, random.next()]).collect();
    check_degenerate(&plane);
    let mut far: Vec<[f64; 3]> = (0..100).map(|_| [random.next(), random.next(), random.next()]).collect();
    far.push([1e300, 0.0, 0.0]);
    check_degenerate(&far);
    far.push([-1e300, 0.0, 1e300]);
    check_degenerate(&far);
}

#[test]
fn bodies_without_mass_feel_and_do_nothing() {
    let positions: Vec<[f64; 3]> = (0..300).map(|n| [f64::from(n), f64::from(n * n % 17), 0.0]).collect();
    for part in evaluated(&positions, 0.0, Softening::Plummer(0.1), 2) {
        assert!(part.unwrap().acceleration.iter().flatten().all(|x| *x == 0.0));
    }
}

#[test]
fn coincident_bodies_without_softening_are_an_error_of_all_ranks() {
    let mut positions: Vec<[f64; 3]> = (0..200).map(|n| [f64::from(n), f64::from(n * n % 17), 0.0]).collect();
    positions[120] = positions[31];
    for part in evaluated(&positions, 1.0, Softening::None, 3) {
        let error = part.unwrap_err();
        assert_eq!(error.exit_code(), 4);
        assert!(error.to_string().contains("31") || error.to_string().contains("120"), "{error}");
    }
}

#[test]
fn a_lost_body_is_an_error_of_all_ranks() {
    for part in evaluated(&[[0.0; 3], [1.0, f64::NAN, 0.0], [2.0; 3]], 1.0, Softening::Plummer(0.1), 3) {
        let error = part.unwrap_err();
        assert_eq!((error.exit_code(), error.to_string().contains("body 1 ")), (4, true));
    }
}
