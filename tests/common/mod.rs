//! What every communicator promises, as functions that pass on any backend and any number of ranks.

pub mod counting;

use parhelion::comm::{Communicator, Incoming, Outgoing, ReduceOp, agree};
use parhelion::error::{Error, Result};
use std::time::Duration;

/// A promise and the function that checks it, called on every rank.
pub type Check = (&'static str, fn(&dyn Communicator));

/// All promises.
pub const CONTRACT: &[Check] = &[
    ("minima and maxima", minima_and_maxima),
    ("zero has no sign after a reduction", zero_has_no_sign),
    ("sums of integers are exact", sums_are_exact),
    ("empty reductions", empty_reductions),
    ("broadcast from every rank", broadcast_from_every_rank),
    ("gather unequal and empty lengths", gather_unequal_lengths),
    ("messages round a ring", ring),
    ("messages to oneself", messages_to_oneself),
    ("empty messages", empty_messages),
    ("two tags between the same pair", two_tags),
    ("everyone to everyone", everyone_to_everyone),
    ("long messages", long_messages),
    ("work runs once, between posting and waiting", work_runs_once),
    ("many rounds with one slow rank", one_slow_rank),
    ("one-way messages stay in order", one_way_messages_stay_in_order),
    ("messages from whoever comes first", messages_from_anyone),
    ("collectives between exchanges", collectives_between_exchanges),
    ("agreement on one failing rank", agreement),
    ("exchange allocates nothing after its first call", exchange_allocates_nothing),
];

/// Runs all promises on this rank, in order; `started` hears the name of each.
pub fn check_all(comm: &dyn Communicator, started: impl Fn(&str)) {
    for (name, check) in CONTRACT {
        started(name);
        check(comm);
        comm.barrier();
    }
}

fn minima_and_maxima(comm: &dyn Communicator) {
    let (rank, size) = (comm.rank() as f64, comm.size() as f64);
    let mut values = [rank, -rank, 7.5, 1e300 * (rank + 1.0)];
    comm.all_reduce(ReduceOp::Max, &mut values);
    assert_eq!(values, [size - 1.0, 0.0, 7.5, 1e300 * size]);
    let mut values = [rank, -rank, f64::INFINITY];
    comm.all_reduce(ReduceOp::Min, &mut values);
    assert_eq!(values, [0.0, 1.0 - size, f64::INFINITY]);
}

fn zero_has_no_sign(comm: &dyn Communicator) {
    for op in [ReduceOp::Min, ReduceOp::Max] {
        let mut values = [if comm.rank().is_multiple_of(2) { -0.0 } else { 0.0 }, -0.0];
        comm.all_reduce(op, &mut values);
        assert_eq!(values.map(f64::to_bits), [0, 0]);
    }
}

fn sums_are_exact(comm: &dyn Communicator) {
    let (rank, size) = (comm.rank() as i64, comm.size() as i64);
    let mut values = [1, rank, (1 << 53) + 1, -rank];
    comm.all_sum(&mut values);
    let triangle = size * (size - 1) / 2;
    assert_eq!(values, [size, triangle, size * ((1 << 53) + 1), -triangle]);
    let mut many: Vec<i64> = (0..1000).map(|i| i * (rank + 1)).collect();
    comm.all_sum(&mut many);
    assert!(many.iter().zip(0..).all(|(&sum, i)| sum == i * size * (size + 1) / 2));
}

fn empty_reductions(comm: &dyn Communicator) {
    comm.all_reduce(ReduceOp::Max, &mut []);
    comm.all_sum(&mut []);
}

fn broadcast_from_every_rank(comm: &dyn Communicator) {
    for root in 0..comm.size() {
        let message: Vec<u8> = (0..100 * root).map(|i| i as u8).collect();
        let mut bytes = if comm.rank() == root { message.clone() } else { vec![99; 17] };
        comm.broadcast(root, &mut bytes);
        assert_eq!(bytes, message);
    }
}

fn gather_unequal_lengths(comm: &dyn Communicator) {
    let part = |rank: usize| vec![rank as u8; rank * 3 % 4 * 10];
    for root in 0..comm.size() {
        let parts = comm.gather(root, &part(comm.rank()));
        let expected: Vec<_> = (0..comm.size()).map(part).collect();
        assert_eq!(parts, if comm.rank() == root { expected } else { Vec::new() });
    }
}

fn neighbours(comm: &dyn Communicator) -> (usize, usize) {
    let (rank, size) = (comm.rank(), comm.size());
    ((rank + size - 1) % size, (rank + 1) % size)
}

/// One round: a byte pattern of `(sender, step)` goes both ways, under a tag for each direction.
fn ring_round(comm: &dyn Communicator, step: u8, buffers: &mut [[u8; 64]; 4]) {
    let (left, right) = neighbours(comm);
    let [to_left, to_right, from_left, from_right] = buffers;
    to_left.fill(comm.rank() as u8 ^ step);
    to_right.fill(comm.rank() as u8 ^ step ^ 128);
    let outgoing = [Outgoing { to: left, tag: 0, data: to_left }, Outgoing { to: right, tag: 1, data: to_right }];
    let mut incoming =
        [Incoming { from: right, tag: 0, data: from_right }, Incoming { from: left, tag: 1, data: from_left }];
    comm.exchange(&outgoing, &mut incoming, &mut || ());
    assert_eq!(*from_right, [right as u8 ^ step; 64]);
    assert_eq!(*from_left, [left as u8 ^ step ^ 128; 64]);
}

fn ring(comm: &dyn Communicator) {
    for step in 0..50 {
        ring_round(comm, step, &mut [[0; 64]; 4]);
    }
}

fn messages_to_oneself(comm: &dyn Communicator) {
    let me = comm.rank();
    let (mut a, mut b) = ([0; 3], [0; 2]);
    let outgoing = [Outgoing { to: me, tag: 5, data: &[1, 2, 3] }, Outgoing { to: me, tag: 32_766, data: &[8, 9] }];
    let mut incoming = [Incoming { from: me, tag: 32_766, data: &mut b }, Incoming { from: me, tag: 5, data: &mut a }];
    comm.exchange(&outgoing, &mut incoming, &mut || ());
    assert_eq!((a, b), ([1, 2, 3], [8, 9]));
}

fn empty_messages(comm: &dyn Communicator) {
    let (left, right) = neighbours(comm);
    let mut byte = [0];
    let outgoing = [Outgoing { to: right, tag: 0, data: &[] }, Outgoing { to: right, tag: 1, data: &[7] }];
    let mut incoming =
        [Incoming { from: left, tag: 0, data: &mut [] }, Incoming { from: left, tag: 1, data: &mut byte }];
    comm.exchange(&outgoing, &mut incoming, &mut || ());
    assert_eq!(byte, [7]);
    comm.exchange(&[], &mut [], &mut || ());
}

/// The receiver asks in the opposite order.
fn two_tags(comm: &dyn Communicator) {
    let (left, right) = neighbours(comm);
    let (mut low, mut high) = ([0; 4], [0; 4]);
    let outgoing = [Outgoing { to: right, tag: 3, data: &[3; 4] }, Outgoing { to: right, tag: 4, data: &[4; 4] }];
    let mut incoming =
        [Incoming { from: left, tag: 4, data: &mut high }, Incoming { from: left, tag: 3, data: &mut low }];
    comm.exchange(&outgoing, &mut incoming, &mut || ());
    assert_eq!((low, high), ([3; 4], [4; 4]));
}

fn everyone_to_everyone(comm: &dyn Communicator) {
    let (rank, size) = (comm.rank(), comm.size());
    let sent: Vec<Vec<u8>> = (0..size).map(|to| vec![(10 * rank + to) as u8; 1 + to + 2 * rank]).collect();
    let mut received: Vec<Vec<u8>> = (0..size).map(|from| vec![0; 1 + rank + 2 * from]).collect();
    let outgoing: Vec<_> = sent.iter().enumerate().map(|(to, data)| Outgoing { to, tag: 9, data }).collect();
    let mut incoming: Vec<_> =
        received.iter_mut().enumerate().map(|(from, data)| Incoming { from, tag: 9, data }).collect();
    comm.exchange(&outgoing, &mut incoming, &mut || ());
    assert!(received.iter().enumerate().all(|(from, data)| data.iter().all(|&byte| byte == (10 * from + rank) as u8)));
}

/// Long enough that no MPI sends it before the receiver has asked for it.
fn long_messages(comm: &dyn Communicator) {
    let (left, right) = neighbours(comm);
    let pattern =
        |rank: usize| (0..5_000_001usize).map(move |i| (i.wrapping_mul(2_654_435_761) >> 7) as u8 ^ rank as u8);
    let (sent, mut received): (Vec<u8>, _) = (pattern(comm.rank()).collect(), vec![0; 5_000_001]);
    let outgoing = [Outgoing { to: right, tag: 0, data: &sent }];
    comm.exchange(&outgoing, &mut [Incoming { from: left, tag: 0, data: &mut received }], &mut || ());
    assert!(received.into_iter().eq(pattern(left)));
}

fn work_runs_once(comm: &dyn Communicator) {
    let (left, right) = neighbours(comm);
    let (mut calls, mut byte) = (0, [0]);
    let mut incoming = [Incoming { from: left, tag: 0, data: &mut byte }];
    comm.exchange(&[Outgoing { to: right, tag: 0, data: &[1] }], &mut incoming, &mut || calls += 1);
    assert_eq!((calls, byte), (1, [1]));
}

fn one_slow_rank(comm: &dyn Communicator) {
    let slow = comm.size() / 2;
    for step in 0..30 {
        if comm.rank() == slow && step % 10 == 3 {
            std::thread::sleep(Duration::from_millis(20));
        }
        ring_round(comm, step, &mut [[0; 64]; 4]);
    }
}

/// Rank 0 runs ahead of the last rank as far as the backend lets it.
fn one_way_messages_stay_in_order(comm: &dyn Communicator) {
    let last = comm.size() - 1;
    for step in 0..20u8 {
        let mut byte = [255];
        let outgoing = [Outgoing { to: last, tag: 2, data: &[step] }];
        let mut incoming = [Incoming { from: 0, tag: 2, data: &mut byte }];
        let sends = if comm.rank() == 0 { &outgoing[..] } else { &[] };
        let receives = if comm.rank() == last { &mut incoming[..] } else { &mut [] };
        if comm.rank() == last && step % 7 == 1 {
            std::thread::sleep(Duration::from_millis(10));
        }
        comm.exchange(sends, receives, &mut || ());
        assert!(comm.rank() != last || byte == [step]);
    }
}

/// Rank 0 takes what comes, without knowing from whom; another tag is not taken for it.
fn messages_from_anyone(comm: &dyn Communicator) {
    assert_eq!(comm.poll(11, &mut [0; 2]), None);
    comm.barrier();
    let (rank, others) = (comm.rank(), comm.size() - 1);
    if rank > 0 {
        comm.exchange(&[Outgoing { to: 0, tag: 11, data: &[rank as u8, 7] }], &mut [], &mut || ());
    } else {
        let mut senders = Vec::new();
        while senders.len() < others {
            let mut data = [0; 2];
            match comm.poll(11, &mut data) {
                Some(from) => senders.push((from, data)),
                None => std::thread::yield_now(),
            }
        }
        senders.sort_unstable();
        assert!(senders.into_iter().eq((1..=others).map(|from| (from, [from as u8, 7]))));
    }
    comm.barrier();
    assert_eq!(comm.poll(11, &mut [0; 2]), None);
}

fn collectives_between_exchanges(comm: &dyn Communicator) {
    for step in 0..40u8 {
        ring_round(comm, step, &mut [[0; 64]; 4]);
        let mut sum = [i64::from(step) + comm.rank() as i64];
        comm.all_sum(&mut sum);
        let size = comm.size() as i64;
        assert_eq!(sum, [i64::from(step) * size + size * (size - 1) / 2]);
        let mut largest = [f64::from(step)];
        comm.all_reduce(ReduceOp::Max, &mut largest);
        assert_eq!(largest, [f64::from(step)]);
    }
}

fn agreement(comm: &dyn Communicator) {
    assert_eq!(agree(comm, Ok(comm.rank())), Ok(comm.rank()));
    for failing in 0..comm.size() {
        let own: Result<()> = if comm.rank() >= failing {
            Err(Error::Io(format!("disk of rank {} is full", comm.rank())))
        } else {
            Ok(())
        };
        let error = agree(comm, own).unwrap_err();
        assert_eq!((error.exit_code(), error.to_string()), (3, format!("disk of rank {failing} is full")));
    }
}

fn exchange_allocates_nothing(comm: &dyn Communicator) {
    let mut buffers = [[0; 64]; 4];
    ring_round(comm, 0, &mut buffers);
    let allocations = counting::on_this_thread(|| (1..100).for_each(|step| ring_round(comm, step, &mut buffers)));
    assert_eq!(allocations, 0);
}
