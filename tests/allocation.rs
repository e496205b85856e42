//! A time step allocates nothing once all threads are warm: not on the ranks' own threads, not on their workers, and not inside the messages.

#[path = "common/counting.rs"]
mod counting;
#[path = "heat/problems.rs"]
#[allow(dead_code)]
mod problems;

use parhelion::comm::meter::Meter;
use parhelion::comm::{Communicator, threads};
use parhelion::heat::problem::HeatProblem;
use parhelion::heat::{HeatModel, HeatOptions};
use parhelion::timing::trace;
use problems::{plain, rich, uniform};
use rayon::prelude::*;
use std::time::{Duration, Instant};

/// Steps that may allocate: they meet every mailbox, queue and buffer for the first time, twice over for a halo of width 3.
const WARM_UP: u64 = 12;
/// Steps that may not: enough for everything that happens every few hundred steps.
const STEPS: u64 = 1300;

fn constant() -> HeatProblem {
    let mut problem = plain(&[33, 26, 21], &[0.1, 0.07, 0.06], uniform(20.0));
    problem.faces[0][1] = problems::fixed(50.0);
    problem.faces[1] = [problems::convection(500.0, 10.0), problems::flux(1e4)];
    problem
}

/// Allocations of the whole program during the steps of a run.
fn allocations(problem: &HeatProblem, ranks: usize, width: usize, traced: bool) -> usize {
    let counted = threads::run(ranks, |comm| {
        // The rank and one worker of its own.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).use_current_thread().build().unwrap();
        meet_the_workers();
        if traced {
            // Shorter than the run: it goes round.
            rayon::broadcast(|_| trace::start(Instant::now(), 500));
        }
        let counted = on_rank(problem, comm, width);
        assert!(!traced || rayon::broadcast(|_| trace::finish())[0].dropped > 0, "the ring was full");
        drop(pool);
        counted
    });
    counted[0]
}

/// Returns when all workers have started, and have taken work from each other: their threads allocate then, once.
fn meet_the_workers() {
    rayon::broadcast(|_| ());
    for _ in 0..20 {
        (0..16).into_par_iter().with_max_len(1).for_each(|_| std::thread::sleep(Duration::from_micros(100)));
    }
}

fn on_rank(problem: &HeatProblem, comm: &dyn Communicator, width: usize) -> usize {
    let meter = Meter::with_journal(comm);
    meter.start();
    let comm: &dyn Communicator = &meter;
    let options = HeatOptions { halo_width: width, tile: Some([16, 8, 4]), ..HeatOptions::default() };
    let mut model = HeatModel::new(problem.clone(), comm, &options).unwrap();
    let dt = 0.8 * model.spectral().max_stable_dt();
    (0..WARM_UP).for_each(|step| model.advance(step as f64 * dt, dt));
    comm.barrier();
    let before = counting::of_all_threads();
    comm.barrier();
    (WARM_UP..WARM_UP + STEPS).for_each(|step| model.advance(step as f64 * dt, dt));
    comm.barrier();
    let after = counting::of_all_threads();
    comm.barrier();
    after - before
}

// One test only: another one beside it would be counted along.
#[test]
fn a_step_allocates_nothing() {
    let counter_works = counting::of_all_threads();
    drop(std::hint::black_box(vec![1u8; 100]));
    assert!(counting::of_all_threads() > counter_works);
    for (name, problem) in [("constant", constant()), ("variable", rich(&[33, 26, 21])), ("plane", rich(&[60, 45]))] {
        for (ranks, width) in [(1, 1), (2, 1), (2, 2), (2, 3), (4, 2)] {
            for traced in [false, true] {
                let counted = allocations(&problem, ranks, width, traced);
                assert_eq!(counted, 0, "{name}, {ranks} ranks, halo of width {width}, traced {traced}: allocations");
            }
        }
    }
}
