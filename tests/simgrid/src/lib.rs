//! The communication of heat, of direct summation and of multipoles on simulated ranks (SimGrid SMPI), against the model of `parhelion predict`.
//!
//! Ranks run the program's own halo exchange and its own blocks of sources over SMPI. What they compute is done but takes no simulated
//! time; instead each exchange takes the seconds that the model gives to computing, so that only messages are compared. What multipoles compute
//! between messages cannot be told from outside: it takes no time at all, and is compared with the model's messages and reductions alone.

mod simulated;

use mpi::ffi;
use parhelion::comm::mpi::MpiRank;
use parhelion::comm::solo::Solo;
use parhelion::comm::{Communicator, Incoming, Outgoing, ReduceOp};
use parhelion::config;
use parhelion::cpu::CpuPath;
use parhelion::decomposition::block_range;
use parhelion::heat::{HeatModel, HeatOptions};
use parhelion::input::bodies::Files;
use parhelion::input::mask;
use parhelion::laboratory::machine::links::Link;
use parhelion::laboratory::machine::{Machine, bandwidth::Bandwidth};
use parhelion::laboratory::predict::calibrate::{self, Rate};
use parhelion::laboratory::predict::heat::HeatWork;
use parhelion::laboratory::predict::nbody::{NBodyCosts, NBodyWork};
use parhelion::laboratory::predict::{Links, Parts, Shape, Work};
use parhelion::nbody::direct::DirectSum;
use parhelion::nbody::fmm::tuning::Tuning;
use parhelion::nbody::fmm::{Fmm, domain};
use parhelion::nbody::force::Forces;
use parhelion::nbody::initial;
use parhelion::nbody::problem::NBodyProblem;
use parhelion::nbody::relay::Relay;
use parhelion::particles::{self, Particles};
use parhelion::run_config::RunConfig;
use simulated::Simulated;
use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int};
use std::path::Path;

/// Cell updates a second of a simulated core.
const CELLS_PER_S: f64 = 1e9;
/// Pairs a second of a simulated core.
const PAIRS_PER_S: f64 = 1e9;
/// Bytes a second of a simulated core's memory: nothing in the simulation takes time for packing.
const MEMORY: f64 = 1e18;
/// Steps that are timed, after one that is not: of heat, and of the direct sum, where a step of 1,024 ranks is a million messages.
const STEPS: [u32; 2] = [5, 1];

/// Entry point for `smpirun`: `heat`, `direct` or `fmm`, the repository, and the number of cells along an edge or of bodies.
#[unsafe(no_mangle)]
pub extern "C" fn main(count: c_int, values: *const *const c_char) -> c_int {
    // SAFETY: what a C program is given: so many pointers to texts that end with 0.
    let text = |n: usize| unsafe { CStr::from_ptr(*values.add(n)) }.to_string_lossy().into_owned();
    let arguments: Vec<String> = (1..count as usize).map(text).collect();
    let _ = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global();
    let inner = MpiRank::start(None).expect("MPI starts");
    let comm = Simulated { inner, idle: Cell::new(0), hidden_s: Cell::new(0.0), after_s: Cell::new(0.0) };
    let (links, size) = (measured_links(&comm), arguments[2].clone());
    let run = match arguments[0].as_str() {
        "heat" => heat,
        "direct" => direct,
        _ => multipoles,
    };
    let (simulated, parts) = run(&comm, &arguments[1], &size, &links);
    if comm.rank() == 0 {
        let model = parts.step_s();
        println!(
            "| {} {size} | {} | {:.2}, {:.2} us + bytes / {:.2}, {:.2} GB/s | {simulated:.4e} | {model:.4e} | {:+.1} % | {:.0} % |",
            arguments[0],
            comm.size(),
            links.remote.alpha_s * 1e6,
            links.far_alpha_s * 1e6,
            1e-9 / links.remote.beta_s_per_byte,
            1e-9 / links.far_beta_s_per_byte,
            100.0 * (model / simulated - 1.0),
            100.0 * (1.0 - parts.compute_s / model)
        );
    }
    comm.inner.finish();
    0
}

fn now() -> f64 {
    // SAFETY: takes nothing and may be called once MPI has been started.
    unsafe { ffi::RSMPI_Wtime() }
}

/// As `parhelion machine` measures it, in simulated time, between the first rank and another.
fn measured_link(comm: &Simulated, partner: usize) -> Link {
    let half_trip = |bytes: usize| {
        let (mut buffer, start) = (vec![0u8; bytes], now());
        for turn in [0, 1] {
            let (from, to) = if turn == 0 { (0, partner) } else { (partner, 0) };
            if comm.rank() == from {
                comm.exchange(&[Outgoing { to, tag: 1, data: &buffer }], &mut [], &mut || ());
            } else if comm.rank() == to {
                comm.exchange(&[], &mut [Incoming { from, tag: 1, data: &mut buffer }], &mut || ());
            }
        }
        (now() - start) / 2.0
    };
    // The partner may still be on its way out of what came before.
    half_trip(8);
    let times = [half_trip(8), half_trip(1 << 20)];
    let bits: Vec<u8> = times.iter().flat_map(|time| time.to_le_bytes()).collect();
    let mut bits = if comm.rank() == 0 { bits } else { Vec::new() };
    comm.broadcast(0, &mut bits);
    let of = |n: usize| f64::from_le_bytes(bits[8 * n..8 * n + 8].try_into().expect("eight bytes"));
    let beta = (of(1) - of(0)) / ((1 << 20) - 8) as f64;
    Link { name: "mpi".to_owned(), between: "simulated hosts".to_owned(), alpha_s: of(0), beta_s_per_byte: beta }
}

/// Between the first two ranks, and over half of them.
fn measured_links(comm: &Simulated) -> Links {
    let [near, far] = [1, comm.size() / 2].map(|partner| measured_link(comm, partner));
    let far_beta_s_per_byte = crossing_beta(comm, far.alpha_s).max(near.beta_s_per_byte);
    Links { local: near.clone(), remote: near, far_alpha_s: far.alpha_s, far_beta_s_per_byte, origin: "" }
}

/// Seconds a byte if all ranks send over half of the others at once.
fn crossing_beta(comm: &Simulated, alpha_s: f64) -> f64 {
    let (rank, size, sent) = (comm.rank(), comm.size(), vec![0u8; 1 << 20]);
    let mut received = sent.clone();
    comm.barrier();
    let start = now();
    let [to, from] = [rank + size / 2, rank + size - size / 2].map(|partner| partner % size);
    let outgoing = [Outgoing { to, tag: 1, data: &sent }];
    comm.exchange(&outgoing, &mut [Incoming { from, tag: 1, data: &mut received }], &mut || ());
    let mut seconds = [now() - start];
    comm.all_reduce(ReduceOp::Max, &mut seconds);
    (seconds[0] - alpha_s) / (1 << 20) as f64
}

/// A host of one core, so that every message crosses the network.
fn machine() -> Machine {
    let text = r#"{"version": 1, "host": "simulated", "cpu_model": "", "cores": 1, "logical_cpus": 1, "numa_nodes": 1, "caches": [],
        "cpu_paths": [], "memory_bytes": 0, "bandwidth": [], "flops": [], "links": [], "file_system": null, "bindings": []}"#;
    let mut machine: Machine = parhelion_machine(text);
    machine.bandwidth = vec![Bandwidth {
        threads: 1,
        copy_bytes_per_s: MEMORY,
        triad_bytes_per_s: MEMORY,
        nontemporal_copy_bytes_per_s: MEMORY,
    }];
    machine
}

fn parhelion_machine(text: &str) -> Machine {
    serde_json::from_str(text).expect("a machine")
}

fn load(repository: &str, deck: &str, overrides: &[String]) -> RunConfig {
    config::load(&Path::new(repository).join(deck), overrides, &mask::read).expect("a deck")
}

/// Simulated seconds a step of the slowest rank, `before` steps not counted: every rank begins together and the last to end counts.
fn timed(comm: &Simulated, [before, steps]: [u32; 2], mut step: impl FnMut()) -> f64 {
    (0..before).for_each(|_| step());
    comm.barrier();
    let start = now();
    (0..steps).for_each(|_| step());
    let mut seconds = [(now() - start) / f64::from(steps)];
    comm.all_reduce(ReduceOp::Max, &mut seconds);
    seconds[0]
}

fn heat(comm: &Simulated, repository: &str, edge: &str, links: &Links) -> (f64, Parts) {
    let cells = format!("grid.cells=[{edge},{edge},{edge}]");
    let RunConfig::Heat(config) = load(repository, "inputs/heat/bench_512.toml", &[cells]) else { unreachable!() };
    let home = machine();
    let rates = vec![Rate { threads: 1, per_s: CELLS_PER_S }];
    let work = HeatWork { config: (*config).clone(), rates, home: home.clone(), steps: None, how: String::new() };
    let shape = Shape::new(&home, links, comm.size(), 1);
    let mut parts = work.parts(&home, &shape).expect("the ranks fit");
    parts.reductions_s = shape.reduction_s();
    let mut model = HeatModel::new(config.problem.clone(), comm, &HeatOptions::default()).expect("a model");
    let own = model.decomposition().subdomain(comm.rank()).cells;
    let sides = parhelion::halo::halo_sides(model.decomposition(), comm.rank(), 1);
    let inner = |axis: usize| own[axis].saturating_sub(sides[axis].iter().sum::<usize>()) as f64;
    let interior = (0..3).map(inner).product::<f64>();
    comm.hidden_s.set(interior / CELLS_PER_S);
    comm.after_s.set((own.iter().product::<usize>() as f64 - interior) / CELLS_PER_S);
    let seconds = timed(comm, [1, STEPS[0]], || {
        model.advance(0.0, 1e-9);
        comm.all_reduce(ReduceOp::Max, &mut [0.0]);
    });
    (seconds, parts)
}

fn direct(comm: &Simulated, repository: &str, bodies: &str, links: &Links) -> (f64, Parts) {
    let overrides = [format!("bodies.count={bodies}"), "gravity.method=\"direct\"".to_owned()];
    let RunConfig::NBody(config) = load(repository, "inputs/nbody/plummer_100k.toml", &overrides) else {
        unreachable!()
    };
    let mut own = initial::bodies(&config.problem, &Files, comm).expect("bodies");
    let mut count = [own.len() as i64];
    comm.all_sum(&mut count);
    let total = count[0] as f64;
    let home = machine();
    let costs = NBodyCosts { near_s: total * total / PAIRS_PER_S, evaluations: 1.0, ..NBodyCosts::default() };
    let work = NBodyWork {
        problem: config.problem.clone(),
        count: total as u64,
        measured: total as u64,
        threads: 1,
        costs,
        tree: None,
        traffic: Vec::new(),
        steps: None,
        home: home.clone(),
    };
    let shape = Shape::new(&home, links, comm.size(), 1);
    let parts = work.parts(&home, &shape).expect("the ranks fit");
    let mut forces = DirectSum::new(&config.problem.gravity, CpuPath::best());
    // Each stage of an evaluation is an exchange and hides a block, once the first one has come.
    let depth = Relay::new(comm.size(), comm.rank()).depth();
    comm.hidden_s.set(own.len() as f64 * total / comm.size() as f64 / PAIRS_PER_S);
    let seconds = timed(comm, [1, STEPS[1]], || {
        comm.idle.set(depth);
        forces.evaluate(&mut own, 0, comm).expect("finite forces");
    });
    (seconds, parts)
}

/// This rank's bodies where an evaluation before has left them, with their forces. That one is done by rank 0 alone: bodies in the order of their
/// numbers would go from all ranks to all, which takes longer to simulate than everything else.
fn placed(comm: &Simulated, problem: &NBodyProblem, total: usize) -> Particles {
    let row_bytes = 8 * particles::WORDS;
    let bytes_of = |rank: usize| block_range(total, comm.size(), rank).1 * row_bytes;
    let mut rows = Vec::new();
    if comm.rank() == 0 {
        let mut all = initial::bodies(problem, &Files, &Solo).expect("bodies");
        Fmm::new(&problem.gravity, CpuPath::best()).evaluate(&mut all, 0, &Solo).expect("finite forces");
        (0..all.len()).flat_map(|body| all.row(body)).for_each(|word| rows.extend(word.to_le_bytes()));
    }
    let mut block = vec![0; bytes_of(comm.rank())];
    let mut rest = rows.as_slice();
    let outgoing: Vec<Outgoing> = (0..comm.size())
        .filter(|_| comm.rank() == 0)
        .map(|to| Outgoing { to, tag: 1, data: rest.split_off(..bytes_of(to)).expect("a block for every rank") })
        .collect();
    comm.exchange(&outgoing, &mut [Incoming { from: 0, tag: 1, data: &mut block }], &mut || ());
    let mut own = Particles::with_capacity(block.len() / row_bytes);
    let (words, _) = block.as_chunks::<8>();
    for row in words.as_chunks::<{ particles::WORDS }>().0 {
        own.push_row(&row.map(u64::from_le_bytes));
    }
    domain::distribute(&mut own, &[], Tuning::of(problem.gravity.accuracy).leaf_capacity, comm).expect("finite places");
    own
}

fn multipoles(comm: &Simulated, repository: &str, bodies: &str, links: &Links) -> (f64, Parts) {
    let overrides = [format!("bodies.count={bodies}"), "gravity.method=\"fmm\"".to_owned()];
    let RunConfig::NBody(config) = load(repository, "inputs/nbody/plummer_100k.toml", &overrides) else {
        unreachable!()
    };
    let total: usize = bodies.parse().expect("a number of bodies");
    let mut own = placed(comm, &config.problem, total);
    // Computing takes no time here, so that bodies count alike: a force that remembers nothing does so.
    let mut forces = Fmm::new(&config.problem.gravity, CpuPath::best());
    let seconds = timed(comm, [0, 1], || {
        forces.evaluate(&mut own, 0, comm).expect("finite forces");
    });
    if comm.rank() > 0 {
        return (seconds, Parts::default());
    }
    let home = machine();
    let shape = Shape::new(&home, links, comm.size(), 1);
    let size = (total as u64, None);
    let mut work = calibrate::bodies(&config, &config.problem, size, [1, comm.size()], home.clone()).expect("costs");
    work.costs = NBodyCosts { evaluations: 1.0, ..NBodyCosts::default() };
    if let Some(counts) = &mut work.tree {
        counts.lost_s = 0.0;
    }
    work.words().iter().for_each(|words| eprintln!("{words}"));
    (seconds, work.parts(&home, &shape).expect("the ranks fit"))
}
