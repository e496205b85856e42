//! Direct sums against known forces, against each other in other shapes, and at the edges of the input.

use super::*;
use crate::comm::{solo::Solo, threads};
use crate::nbody::problem::{Method, Precision, Softening};

fn gravity(softening: Softening) -> Gravity {
    Gravity {
        constant: 1.0,
        method: Method::Direct,
        accuracy: 1e-3,
        softening,
        precision: Precision::Double,
        portable_bits: false,
    }
}

/// The bodies of the 1,000-body force test of the references, or the first of them.
fn quasirandom(count: usize) -> Particles {
    let alpha = [0.819_172_513_396_164_4, 0.671_043_606_703_789, 0.549_700_477_901_970_1];
    let mut bodies = Particles::with_capacity(count);
    for i in 0..count {
        let position = alpha.map(|alpha| (0.5 + (i + 1) as f64 * alpha).fract());
        bodies.push(i as u64, 7 + 3 * i as u64, 1.0 / count as f64, position, [0.0; 3]);
    }
    bodies
}

/// The block of a rank.
fn block(all: &Particles, comm: &dyn Communicator) -> Particles {
    let (start, length) = block_range(all.len(), comm.size(), comm.rank());
    let order: Vec<u32> = (start..start + length).map(|n| n as u32).collect();
    all.reordered(&order)
}

fn evaluate(all: &Particles, gravity: &Gravity, path: CpuPath, from_level: u8, ranks: usize) -> Result<Particles> {
    let parts = threads::run(ranks, |comm: &dyn Communicator| {
        let mut own = block(all, comm);
        DirectSum::new(gravity, path).evaluate(&mut own, from_level, comm).map(|()| own)
    });
    let mut together = Particles::default();
    for part in parts {
        let part = part?;
        (0..part.len()).for_each(|n| together.push_row(&part.row(n)));
    }
    Ok(together)
}

fn alone(all: &Particles, gravity: &Gravity) -> Particles {
    evaluate(all, gravity, CpuPath::best(), 0, 1).unwrap()
}

fn on_threads<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

#[test]
fn the_reference_of_a_thousand_bodies() {
    for path in CpuPath::available() {
        let bodies = evaluate(&quasirandom(1000), &gravity(Softening::None), path, 0, 1).unwrap();
        let energy: f64 = 0.5 * bodies.mass.iter().zip(&bodies.potential).map(|(m, phi)| m * phi).sum::<f64>();
        // The references ask for 1e-13; a thousand terms of round-off 1e-16 each, added at random, make 3e-15.
        assert!((energy / -0.928_765_861_475_279_3 - 1.0).abs() < 1e-13, "{energy}");
        let first = [0.458_254_621_533_167_6, 0.947_895_704_888_381_6, 1.797_165_440_222_379_8];
        for (found, expected) in bodies.acceleration_of(0).into_iter().zip(first) {
            assert!((found / expected - 1.0).abs() < 1e-13, "{found} {expected}");
        }
    }
}

#[test]
fn the_same_bits_for_every_shape() {
    let all = quasirandom(317);
    for softening in [Softening::None, Softening::Plummer(0.03), Softening::Spline(0.1)] {
        for precision in [Precision::Double, Precision::Single] {
            for path in CpuPath::available() {
                let gravity = Gravity { precision, ..gravity(softening) };
                let reference = evaluate(&all, &gravity, path, 0, 1).unwrap();
                for ranks in 1..=9 {
                    let found = evaluate(&all, &gravity, path, 0, ranks).unwrap();
                    assert!(found == reference, "{ranks} ranks, {softening:?}, {precision:?}, {}", path.name());
                }
                for threads in 2..=4 {
                    let found = on_threads(threads, || evaluate(&all, &gravity, path, 0, 1)).unwrap();
                    assert!(found == reference, "{threads} threads, {softening:?}, {precision:?}, {}", path.name());
                }
            }
        }
    }
}

#[test]
fn portable_bits_are_the_same_on_all_paths() {
    let all = quasirandom(100);
    for softening in [Softening::None, Softening::Plummer(0.03), Softening::Spline(0.2)] {
        for precision in [Precision::Double, Precision::Single] {
            let gravity = Gravity { portable_bits: true, precision, ..gravity(softening) };
            let reference = evaluate(&all, &gravity, CpuPath::Portable, 0, 1).unwrap();
            for path in CpuPath::available() {
                let found = evaluate(&all, &gravity, path, 0, 3).unwrap();
                assert!(found == reference, "{softening:?}, {precision:?}, {}", path.name());
            }
        }
    }
}

#[test]
fn only_the_asked_levels_get_new_forces() {
    let mut all = quasirandom(50);
    (0..50).for_each(|n| all.level[n] = (n % 3) as u8);
    let every = alone(&all, &gravity(Softening::None));
    for from_level in 1..=3 {
        for ranks in [1, 3] {
            let some = evaluate(&all, &gravity(Softening::None), CpuPath::best(), from_level, ranks).unwrap();
            for n in 0..50 {
                let expected = if all.level[n] >= from_level { every.row(n) } else { all.row(n) };
                assert_eq!(some.row(n), expected, "body {n}, from level {from_level}");
            }
        }
    }
}

#[test]
fn forces_cancel_over_all_bodies() {
    let bodies = alone(&quasirandom(500), &gravity(Softening::Plummer(0.01)));
    for axis in 0..3 {
        let terms = bodies.acceleration[axis].iter().zip(&bodies.mass).map(|(a, m)| a * m);
        let (sum, size) = terms.fold((0.0, 0.0), |(sum, size), term| (sum + term, size + f64::abs(term)));
        // Each of the 500 forces is off by some 1e-15 of its size at random.
        assert!(sum.abs() < 1e-14 * size, "{sum} of {size}");
    }
}

#[test]
fn another_order_of_bodies_changes_no_more_than_round_off() {
    let all = quasirandom(200);
    let order: Vec<u32> = (0..200).map(|n| (n * 77 + 5) % 200).collect();
    let mut turned = all.reordered(&order);
    turned.index = (0..200).collect();
    let (all, turned) = (alone(&all, &gravity(Softening::None)), alone(&turned, &gravity(Softening::None)));
    for (n, &body) in order.iter().enumerate() {
        let (a, b) = (turned.acceleration_of(n), all.acceleration_of(body as usize));
        let size: f64 = b.iter().map(|x| x * x).sum::<f64>().sqrt();
        // 200 terms up to some ten times as large as the sum.
        (0..3).for_each(|axis| assert!((a[axis] - b[axis]).abs() < 1e-13 * size));
    }
}

#[test]
fn few_bodies_and_none() {
    for ranks in [1, 4, 7] {
        for count in [0, 1, 2, 3] {
            let bodies = evaluate(&quasirandom(count), &gravity(Softening::None), CpuPath::best(), 0, ranks).unwrap();
            assert_eq!(bodies.len(), count);
            if count == 1 {
                assert_eq!((bodies.acceleration_of(0), bodies.potential[0]), ([0.0; 3], 0.0));
            }
        }
    }
    let pair = alone(&quasirandom(2), &gravity(Softening::None));
    // Equal masses: opposite forces, to the bit.
    (0..3).for_each(|axis| assert_eq!(pair.acceleration[axis][0], -pair.acceleration[axis][1]));
}

#[test]
fn the_constant_multiplies_everything() {
    let one = alone(&quasirandom(30), &gravity(Softening::None));
    let four = alone(&quasirandom(30), &Gravity { constant: 4.0, ..gravity(Softening::None) });
    for n in 0..30 {
        assert_eq!(four.acceleration_of(n), one.acceleration_of(n).map(|a| 4.0 * a));
        assert_eq!(four.potential[n], 4.0 * one.potential[n]);
    }
}

#[test]
fn coincident_bodies_without_softening_are_named_on_all_ranks() {
    let mut all = quasirandom(40);
    (0..3).for_each(|axis| all.position[axis][31] = all.position[axis][2]);
    for ranks in [1, 3, 8] {
        let outcomes = threads::run(ranks, |comm: &dyn Communicator| {
            DirectSum::new(&gravity(Softening::None), CpuPath::best()).evaluate(&mut block(&all, comm), 0, comm)
        });
        for outcome in outcomes {
            let error = outcome.unwrap_err();
            assert_eq!(error.exit_code(), 4);
            // Ids are 7 + 3 index.
            let text = error.to_string();
            assert!(text.contains("body 13 ") && text.contains("body 100 ") && text.contains("softening"), "{text}");
        }
    }
}

#[test]
fn coincident_bodies_with_softening_are_exact() {
    let mut all = Particles::default();
    (0..2).for_each(|n| all.push(n, n, 3.0, [0.1, 0.2, 0.3], [0.0; 3]));
    for softening in [Softening::Plummer(0.5), Softening::Spline(0.5)] {
        let bodies = alone(&all, &gravity(softening));
        assert_eq!(bodies.acceleration_of(0), [0.0; 3]);
        // m / eps = 6, to the rounding of 2.8 eps.
        assert!((bodies.potential[0] + 6.0).abs() < 1e-14, "{}", bodies.potential[0]);
    }
}

#[test]
fn bodies_not_in_blocks_are_refused_on_all_ranks() {
    let outcomes = threads::run(2, |comm: &dyn Communicator| {
        let mut own = block(&quasirandom(10), comm);
        if comm.rank() == 1 {
            own.index.swap(0, 1);
        }
        DirectSum::new(&gravity(Softening::None), CpuPath::best()).evaluate(&mut own, 0, comm)
    });
    assert!(outcomes.iter().all(|outcome| outcome.as_ref().is_err_and(|error| error.exit_code() == 1)));
}

/// Messages and bytes of each rank in an evaluation.
fn sent(ranks: usize, count: usize) -> Vec<[u64; 2]> {
    threads::run(ranks, |comm: &dyn Communicator| {
        let mut sum = DirectSum::new(&gravity(Softening::None), CpuPath::best());
        sum.evaluate(&mut block(&quasirandom(count), comm), 0, comm).unwrap();
        [sum.costs().messages, sum.costs().bytes]
    })
}

#[test]
fn ranks_pass_on_as_much_as_each_other() {
    // Three sources of 32 bytes a block.
    assert_eq!(sent(8, 24), [[7, 7 * 3 * 32]; 8]);
    for ranks in [3, 6, 12] {
        let all = sent(ranks, 24);
        assert_eq!(all.iter().map(|[messages, _]| messages).sum::<u64>(), (ranks * (ranks - 1)) as u64, "{all:?}");
    }
    // Two bodies, six empty blocks that nobody sends.
    assert_eq!(sent(8, 2).iter().map(|[messages, _]| messages).sum::<u64>(), 2 * 7);
}

#[test]
fn pairs_are_counted() {
    let mut sum = DirectSum::new(&gravity(Softening::None), CpuPath::best());
    let mut all = quasirandom(20);
    all.level[3] = 1;
    sum.evaluate(&mut all, 0, &Solo).unwrap();
    sum.evaluate(&mut all, 1, &Solo).unwrap();
    assert_eq!((sum.costs().evaluations, sum.costs().pairs, sum.costs().messages), (2, 20 * 19 + 19, 0));
}
