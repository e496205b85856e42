//! The model against numbers worked out by hand, on a machine of round figures.

use super::calibrate::Rate;
use super::heat::HeatWork;
use super::nbody::{NBodyCosts, NBodyWork, TreeCounts};
use super::traffic::{Call, Traffic};
use super::*;
use crate::input::mask;
use crate::laboratory::machine::bandwidth::Bandwidth;
use crate::laboratory::machine::{Machine, flops::Flops};
use crate::nbody::problem::{Method, NBodyProblem};
use crate::run_config::RunConfig;
use std::path::Path;

fn machine() -> Machine {
    let text = r#"{"version": 1, "host": "round", "cpu_model": "figures", "cores": 2, "logical_cpus": 2, "numa_nodes": 1, "caches": [],
        "cpu_paths": [], "memory_bytes": 0, "bandwidth": [], "flops": [], "links": [], "file_system": null, "bindings": []}"#;
    let mut machine: Machine = serde_json::from_str(text).unwrap();
    let of = |threads: usize, rate: f64| Bandwidth {
        threads,
        copy_bytes_per_s: rate,
        triad_bytes_per_s: rate,
        nontemporal_copy_bytes_per_s: rate,
    };
    machine.bandwidth = vec![of(1, 20e9), of(2, 40e9)];
    machine.flops = vec![Flops { path: "avx2".to_owned(), threads: 1, f64_per_s: 1e10 }];
    machine.links = vec![link("shared_memory", 1e-6, 1e-10), link("tcp", 1e-5, 1e-9)];
    machine
}

fn link(name: &str, alpha_s: f64, beta_s_per_byte: f64) -> Link {
    Link { name: name.to_owned(), between: String::new(), alpha_s, beta_s_per_byte }
}

/// 512^3 cells at 1e9 updates a second on one thread, 1.6e9 on two.
fn heat() -> HeatWork {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("inputs/heat/bench_512.toml");
    let RunConfig::Heat(config) = crate::config::load(&path, &[], &mask::read).unwrap() else { panic!("not heat") };
    let rates = vec![Rate { threads: 1, per_s: 1e9 }, Rate { threads: 2, per_s: 1.6e9 }];
    HeatWork { config: *config, rates, home: machine(), steps: Some(20), how: String::new() }
}

fn bodies(tree: Option<TreeCounts>) -> NBodyWork {
    let costs = NBodyCosts { near_s: 0.8, tree_s: 0.1, integration_s: 0.1, evaluations: 1.0, ..NBodyCosts::default() };
    let mut problem = NBodyProblem::default();
    problem.gravity.method = if tree.is_some() { Method::Fmm } else { Method::Direct };
    NBodyWork {
        problem,
        count: 20_000,
        measured: 10_000,
        threads: 1,
        costs,
        tree,
        traffic: Vec::new(),
        steps: None,
        home: machine(),
    }
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-9 * b.abs(), "{a} is not {b}");
}

fn row(work: &dyn Work, network: Option<[f64; 2]>, ranks: usize) -> Prediction {
    let machine = machine();
    predict(work, &machine, &Links::new(&machine, network), ranks, 1).unwrap()
}

#[test]
fn one_rank_is_cells_over_rate_and_two_share_the_host() {
    let (work, cells, face) = (heat(), 512f64.powi(3), 512.0 * 512.0 * 8.0);
    let alone = row(&work, None, 1);
    close(alone.step_s, cells / 1e9);
    close(alone.total_s.unwrap(), 20.0 * cells / 1e9);
    let two = row(&work, None, 2);
    close(two.parts.compute_s, cells / 2.0 / 0.8e9);
    close(two.parts.overhead_s, 4.0 * face / 20e9 + face * 1e-10);
    close(two.parts.hidden_s, 1e-6);
    assert_eq!((two.parts.messages_s, two.hosts, two.extrapolated), (0.0, 1, false));
    // One reduction a step of more than a hundredth of a second: one level of two ranks.
    close(two.parts.reductions_s, 1e-6);
    assert!(two.memory_per_rank > (cells * 8.0) as u64 && two.memory_per_rank < (cells * 8.2) as u64);
}

#[test]
fn what_the_interior_cannot_hide_shows() {
    let work = heat();
    // 16 ranks as 2 x 2 x 4 on eight hosts: with a latency of a second nothing else counts.
    let slow = row(&work, Some([0.9, 0.0]), 16);
    assert!(slow.hosts == 8 && slow.extrapolated);
    assert!(slow.parts.messages_s > 0.8 && slow.parts.hidden_s > 0.0, "{slow:?}");
    close(slow.parts.messages_s + slow.parts.hidden_s, 0.9);
    close(slow.parts.reductions_s, 4.0 * 0.9);
    let fast = row(&work, Some([0.0, 0.0]), 16);
    close(fast.step_s_range[0], fast.parts.compute_s);
    assert!(slow.step_s_range[1] > slow.step_s && fast.step_s < slow.step_s);
}

#[test]
fn a_table_names_its_base_and_what_does_not_fit() {
    let (machine, work) = (machine(), heat());
    let links = Links::new(&machine, None);
    let rows = table(&work, &machine, &links, &[1, 2, 521], 1);
    let two = rows[1].1.as_ref().unwrap();
    close(two.speedup, rows[0].1.as_ref().unwrap().step_s / two.step_s);
    close(two.efficiency, two.speedup / 2.0);
    assert_eq!(rows[2].1.as_ref().unwrap_err().exit_code(), 2);
    assert_eq!(best(&work, &machine, &links, &[1, 2], 1).unwrap().ranks, 2);
}

#[test]
fn rates_are_carried_by_the_figures_of_hosts_and_not_by_their_noise() {
    let (home, mut other) = (machine(), machine());
    assert_eq!(host_factor(&home, &home, 2, 2, bandwidth_of), 1.0);
    other.bandwidth[1].nontemporal_copy_bytes_per_s = 80e9;
    // The same machine measured again: only the ratio of its own figures counts.
    assert_eq!(host_factor(&other, &home, 2, 2, bandwidth_of), 1.0);
    other.host = "another".to_owned();
    assert_eq!(host_factor(&other, &home, 2, 2, bandwidth_of), 2.0);
    assert_eq!(host_factor(&other, &home, 8, 1, bandwidth_of), 4.0, "the largest measured count bounds a host");
}

#[test]
fn pairs_go_with_the_square_and_blocks_with_the_ranks() {
    let alone = row(&bodies(None), None, 1);
    close(alone.parts.compute_s, 0.8 * 4.0 + 0.2 * 2.0);
    assert_eq!((alone.parts.messages_s, alone.parts.overhead_s, alone.total_s), (0.0, 0.0, None));
    let two = row(&bodies(None), None, 2);
    close(two.parts.compute_s, 1.8);
    // Two blocks of 10,000 sources, each copied out by one rank and in by the other.
    close(two.parts.overhead_s, 2.0 * 10_000.0 * 32.0 * 1e-10 / 2.0 * 2.0);
    // 250 bytes for each of one's own and 32 for each of the one block on its way.
    assert_eq!(two.memory_per_rank, (250 + 32) * 10_000);
    let error = bodies(None).parts(&machine(), &Shape::new(&machine(), &Links::new(&machine(), None), 20_001, 1));
    assert!(error.unwrap_err().to_string().contains("at most 20000"));
}

#[test]
fn a_stage_of_the_direct_sum_is_a_block_or_a_hop() {
    // Four ranks on two hosts, two hops for a block. Ranks 2 and 3 send blocks 1 and 2 to rank 0 in the same stage: two leave a host.
    let (block, cover) = (5_000.0 * 32.0, 0.8 * 4.0 / 16.0);
    let fast = row(&bodies(None), Some([1e-3, 1e-9]), 4);
    let hop = 1e-3 + 2.0 * block * 1e-9;
    close(fast.parts.hidden_s, 3.0 * hop);
    close(fast.parts.messages_s, 2.0 * hop);
    let slow = row(&bodies(None), Some([1.0, 1e-9]), 4);
    close(slow.parts.hidden_s, 3.0 * cover);
    close(slow.parts.messages_s, 5.0 * (1.0 + 2.0 * block * 1e-9) - 3.0 * cover);
    assert_eq!(fast.parts.overhead_s, 0.0);
}

#[test]
fn far_hosts_are_known_from_ranks_that_were_measured_and_not_from_what_is_told() {
    let mut machine = machine();
    let far_alpha_s = |machine: &Machine, network: Option<[f64; 2]>| Links::new(machine, network).far_alpha_s;
    close(far_alpha_s(&machine, None), 1e-5);
    machine.links.extend([link("mpi", 2e-6, 1e-10), link("mpi_far", 4e-6, 1e-10)]);
    let links = Links::new(&machine, None);
    close(links.remote.alpha_s, 2e-6);
    close(links.far_alpha_s, 4e-6);
    close(far_alpha_s(&machine, Some([3e-6, 1e-10])), 3e-6);
    // Two ranks a host: in it, next to it, beyond; and over half of one, three and four hosts.
    let shape = |ranks: usize| Shape::new(&machine, &links, ranks, 1);
    for (rank, alpha_s) in [(1, 1e-6), (2, 2e-6), (4, 4e-6)] {
        close(shape(8).alpha_s(0, rank), alpha_s);
    }
    for (ranks, alpha_s) in [(2, 1e-6), (5, 2e-6), (8, 4e-6)] {
        close(shape(ranks).across_s(), alpha_s);
    }
    close(shape(8).reduction_s(), 3.0 * 4e-6);
}

#[test]
fn far_latency_holds_up_the_first_block_alone() {
    // Four ranks on two hosts: the machine's second half is the neighbour. Sixteen on eight: it is not.
    let flying = |far_alpha_s: f64, ranks: usize| {
        let (machine, work) = (machine(), bodies(None));
        let links = Links { far_alpha_s, ..Links::new(&machine, Some([1e-3, 1e-9])) };
        let parts = work.parts(&machine, &Shape::new(&machine, &links, ranks, 1)).unwrap();
        parts.messages_s + parts.hidden_s
    };
    close(flying(1.0, 4), flying(1e-3, 4));
    let near = flying(1e-3, 16) / 19.0;
    close(flying(1.0, 16), 15.0 * near + 4.0 * (1.0 + 20_000.0 / 16.0 * 32.0 * 1e-9));
    // Two messages and more of those near take longer than one that is hardly later.
    close(flying(1e-3 + 1e-8, 16), 19.0 * near);
}

#[test]
fn halos_of_far_neighbours_take_the_far_latency() {
    let (machine, work) = (machine(), heat());
    let flying = |far_alpha_s: f64, ranks: usize| {
        let links = Links { far_alpha_s, ..Links::new(&machine, Some([1e-3, 0.0])) };
        let parts = work.parts(&machine, &Shape::new(&machine, &links, ranks, 1)).unwrap();
        parts.messages_s + parts.hidden_s
    };
    close(flying(0.5, 4), 1e-3);
    close(flying(0.5, 16), 0.5);
}

#[test]
fn the_tree_keeps_what_was_seen_at_two_ranks() {
    let counts = TreeCounts { imbalance: 1.1, growth: 1.06, lost_s: 0.05 };
    let two = row(&bodies(Some(counts)), Some([1e-5, 1e-9]), 2);
    close(two.parts.compute_s, (0.8 * 1.1 * 1.06 + 0.2) * 2.0 / 2.0);
    close(two.parts.overhead_s, 0.05 * 2f64.powf(2.0 / 3.0));
    assert_eq!(two.parts.hidden_s + two.parts.messages_s, 0.0, "messages in this process are among what was lost");
    let eight = row(&bodies(Some(counts)), Some([1e-5, 1e-9]), 8);
    close(eight.parts.compute_s, (0.8 * 1.3 * 1.18 + 0.2) * 2.0 / 8.0);
    let surface = 0.5f64.powf(2.0 / 3.0) * 2.0;
    close(eight.parts.overhead_s, 0.05 * surface);
    let alone = row(&bodies(Some(counts)), None, 1);
    close(alone.step_s, 2.0);
}

/// 100 bytes in three reductions, five exchanges.
fn traffic(mean: f64) -> Traffic {
    Traffic { ranks: 8, reductions: [3.0, 100.0], exchanges: 5.0, shared: 1e4, busiest: 3e4, mean }
}

#[test]
fn what_multipoles_send_loads_links_and_the_machine() {
    // Eight ranks on four hosts; what crosses the machine costs twice as much a byte. A rank has 6 of 7 others elsewhere.
    let machine = machine();
    let links = Links { far_beta_s_per_byte: 2e-9, ..Links::new(&machine, Some([1e-5, 1e-9])) };
    let shape = Shape::new(&machine, &links, 8, 1);
    close(traffic(5e3).reductions_s(&shape), 3.0 * 3.0 * 1e-5 + 3.0 * 100.0 * 2.0 * 2e-9);
    let rounds = 5.0 * 1e-5 + 2.0 * 1e4 * 2e-9;
    close(traffic(5e3).exchanges_s(&shape), rounds + (3e4 + 5e3) * 6.0 / 7.0 * 1e-9);
    close(traffic(2e4).exchanges_s(&shape), rounds + 2.0 * 2e4 * 6.0 / 7.0 * 2e-9);
    // On two hosts there is no way that more than those two share.
    let two = Shape::new(&machine, &links, 4, 1);
    close(two.across_s_per_byte(), 1e-9);
}

#[test]
fn multipoles_between_hosts_take_what_was_counted_and_hide_what_flies() {
    let counts = TreeCounts { imbalance: 1.0, growth: 1.0, lost_s: 0.0 };
    let work = |evaluations: f64| {
        let work = bodies(Some(counts));
        NBodyWork { traffic: vec![traffic(5e3)], costs: NBodyCosts { evaluations, ..work.costs }, ..work }
    };
    let [eight, twice] = [1.0, 2.0].map(|evaluations| row(&work(evaluations), Some([1e-5, 1e-9]), 8));
    let exchanges = 5.0 * 1e-5 + 2.0 * 1e4 * 1e-9 + (3e4 + 5e3) * 6.0 / 7.0 * 1e-9;
    close(eight.parts.hidden_s, 5e3 / 1e9);
    close(eight.parts.messages_s, exchanges - 5e3 / 1e9);
    close(twice.parts.messages_s, 2.0 * eight.parts.messages_s);
    let in_process = row(&work(1.0), Some([1e-5, 1e-9]), 2);
    assert_eq!((in_process.parts.messages_s, in_process.parts.hidden_s), (0.0, 0.0));
}

#[test]
fn calls_of_ranks_are_rounds_or_many_to_many() {
    let round = |rank: usize| Call::Exchange(vec![((rank + 1) % 4, 10 * (rank + 1))]);
    let answers = |rank: usize| match rank {
        0 => Call::Exchange(vec![(1, 100), (2, 100), (3, 100)]),
        1 => Call::Exchange(vec![(0, 60)]),
        _ => Call::Exchange(Vec::new()),
    };
    let of = |rank: usize| vec![Call::Reduction(16), round(rank), Call::Exchange(Vec::new()), answers(rank)];
    let counted = Traffic::of(&[of(0), of(1), of(2), of(3)]);
    let expected =
        Traffic { ranks: 4, reductions: [1.0, 16.0], exchanges: 2.0, shared: 40.0, busiest: 300.0, mean: 90.0 };
    assert_eq!(counted, expected);
    let grown = Traffic { reductions: [1.0, 32.0], shared: 80.0, busiest: 900.0, mean: 270.0, ..expected };
    assert_eq!(counted.grown(2.0, 3.0), grown);
}

#[test]
fn between_and_beyond_counts_amounts_go_with_powers_of_the_ranks() {
    let counted = [4, 16].map(|ranks| Traffic { ranks, shared: 100.0 * ranks as f64, mean: 8.0, ..traffic(0.0) });
    for (ranks, shared) in [(2, 200.0), (4, 400.0), (8, 800.0), (16, 1600.0), (1024, 102_400.0)] {
        let at = Traffic::at(&counted, ranks).unwrap();
        close(at.shared, shared);
        close(at.mean, 8.0);
        close(at.exchanges, 5.0);
        assert_eq!(at.ranks, ranks);
    }
    close(Traffic::at(&counted[..1], 64).unwrap().shared, 400.0);
    // Four times as much, then twice: the same, and no more.
    let fading =
        [(4, 100.0), (16, 400.0), (64, 800.0)].map(|(ranks, shared)| Traffic { ranks, shared, ..traffic(8.0) });
    for (ranks, shared) in [(8, 200.0), (64, 800.0), (128, 800.0 * 2f64.powf(0.125)), (4096, 800.0 * 2f64.powf(0.125))]
    {
        close(Traffic::at(&fading, ranks).unwrap().shared, shared);
    }
    assert_eq!(Traffic::at(&[], 64), None);
}

#[test]
fn counts_of_ranks_give_the_imbalance() {
    let of = |near: f64| NBodyCosts { exchange_s: 0.2, pairs: [near, 0.0], ..NBodyCosts::default() };
    let alone = NBodyCosts { near_s: 4.0, tree_s: 0.3, pairs: [4.0, 0.0], ..NBodyCosts::default() };
    let counts = |speed: f64| TreeCounts::new(&[of(3.0), of(1.0), of(2.0)], &alone, speed);
    close(counts(1.0).lost_s, 0.1);
    // With a thread less for each rank, they take longer for the same, and lose less of it.
    close(counts(0.75).lost_s, 0.05);
    let counts = counts(1.0);
    close(counts.imbalance, 1.5);
    close(counts.growth, 1.5);
}
