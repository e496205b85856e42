//! Ranks as threads of one process: many domains on a laptop, and tests, without MPI.
//!
//! # How messages travel
//! There is a mailbox for every (receiver, sender, tag) that is ever used. A message is copied into a buffer of the mailbox by
//! its sender and out of it by its receiver; buffers go round, so nothing is allocated once a pattern has been used. A sender
//! may be one message ahead of its receiver per mailbox and no more: an exchange returns when the message before the one it
//! sent has been taken. Two buffers a mailbox are therefore enough, and a fast rank cannot fill the memory.
//!
//! # How collectives work
//! Every rank lays its contribution on its own slot, all meet at one barrier, then everybody reads. Slots alternate between
//! two sets, so a rank that is already in the next collective cannot overwrite what a slow one still reads.
//!
//! # When a rank panics
//! The world is poisoned: every rank that waits, or begins to wait, unwinds quietly, and [`try_run`] passes the first panic on.
//!
//! # Refused
//! Spinning while waiting: ranks may outnumber cores, and a spinner then takes the core of the rank it waits for. Handing the
//! sender's own slice to the receiver (one copy less): it needs `unsafe`, and the copies are a rim, not a volume.

use super::{Communicator, Incoming, Outgoing, ReduceOp, assert_distinct, drop_negative_zeros};
use crate::error::{Error, Result};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread;

/// Starts `ranks` threads named `rank-0`, `rank-1`, ..., runs `main` on each, and returns the results in rank order.
///
/// # Panics
/// If a rank panics, with its payload; if the threads cannot be started (see [`try_run`]).
pub fn run<R: Send>(ranks: usize, main: impl Fn(&dyn Communicator) -> R + Sync) -> Vec<R> {
    try_run(ranks, main).unwrap_or_else(|error| panic!("{error}"))
}

/// As [`run`], for a number of ranks that a user chose.
///
/// # Errors
/// If the system refuses to start so many threads.
///
/// # Panics
/// If a rank panics, with its payload.
pub fn try_run<R: Send>(ranks: usize, main: impl Fn(&dyn Communicator) -> R + Sync) -> Result<Vec<R>> {
    let (world, main) = (Arc::new(World::new(ranks)), &main);
    let outcomes: Vec<thread::Result<R>> = thread::scope(|scope| {
        let start = |rank| {
            let world = Arc::clone(&world);
            let named = thread::Builder::new().name(format!("rank-{rank}"));
            named
                .spawn_scoped(scope, move || enter(rank, world, main))
                .map_err(|cause| cannot_start(rank, ranks, &cause))
        };
        let started: Result<Vec<_>> = (0..ranks).map(start).collect();
        if started.is_err() {
            world.poison();
        }
        started.map(|threads| threads.into_iter().map(|thread| thread.join().unwrap_or_else(Err)).collect())
    })?;
    Ok(results_or_first_panic(outcomes))
}

fn cannot_start(rank: usize, ranks: usize, cause: &std::io::Error) -> Error {
    Error::Input(format!(
        "cannot start {ranks} domains: the system stopped at {rank} threads ({cause}); use fewer domains"
    ))
}

/// The life of one rank. A panic poisons the world before the thread ends.
fn enter<R>(rank: usize, world: Arc<World>, main: &(impl Fn(&dyn Communicator) -> R + Sync)) -> thread::Result<R> {
    let communicator = ThreadRank::new(rank, Arc::clone(&world));
    let outcome = catch_unwind(AssertUnwindSafe(|| main(&communicator)));
    if outcome.is_err() {
        world.poison();
    }
    outcome
}

fn results_or_first_panic<R>(outcomes: Vec<thread::Result<R>>) -> Vec<R> {
    let mut results = Vec::with_capacity(outcomes.len());
    let mut follower = None;
    for outcome in outcomes {
        match outcome {
            Ok(result) => results.push(result),
            Err(payload) if payload.is::<Poisoned>() => follower = Some(payload),
            Err(payload) => resume_unwind(payload),
        }
    }
    follower.map_or(results, |payload: Box<dyn Any + Send>| resume_unwind(payload))
}

/// What a waiting rank unwinds with when another rank has panicked: the cause is the other's panic, not this one.
struct Poisoned;

/// One rank of a world of threads. Made by [`run`] only.
pub struct ThreadRank {
    rank: usize,
    world: Arc<World>,
    /// Collectives that this rank has begun: its parity selects the set of slots.
    round: Cell<usize>,
    /// Mailboxes that this rank has used, so that the world's registry is locked only once for each.
    known: RefCell<HashMap<Address, Arc<Mailbox>>>,
}

impl ThreadRank {
    fn new(rank: usize, world: Arc<World>) -> ThreadRank {
        ThreadRank { rank, world, round: Cell::new(0), known: RefCell::default() }
    }

    fn mailbox(&self, to: usize, from: usize, tag: u16) -> Arc<Mailbox> {
        let address = Address { to, from, tag };
        Arc::clone(self.known.borrow_mut().entry(address).or_insert_with(|| self.world.mailbox(address)))
    }

    /// Lays this rank's contribution on its slot, meets the others, and returns the slots of all ranks.
    fn collective(&self, contribute: impl FnOnce(&mut Slot)) -> &[RwLock<Slot>] {
        let slots = &self.world.slots[self.round.get() % 2];
        self.round.set(self.round.get() + 1);
        contribute(&mut slots[self.rank].write().unwrap_or_else(PoisonError::into_inner));
        self.world.meet();
        slots
    }
}

impl Communicator for ThreadRank {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.world.size
    }

    fn barrier(&self) {
        self.world.meet();
    }

    fn all_reduce(&self, op: ReduceOp, values: &mut [f64]) {
        for slot in self.collective(|slot| refill(&mut slot.reals, values)) {
            combine(values, &read(slot).reals, |a, b| op.of(a, b));
        }
        drop_negative_zeros(values);
    }

    fn all_sum(&self, values: &mut [i64]) {
        let slots = self.collective(|slot| refill(&mut slot.integers, values));
        values.fill(0);
        for slot in slots {
            combine(values, &read(slot).integers, |a, b| a + b);
        }
    }

    fn broadcast(&self, root: usize, bytes: &mut Vec<u8>) {
        let is_root = self.rank == root;
        let slots = self.collective(|slot| slot.bytes = if is_root { bytes.clone() } else { Vec::new() });
        if !is_root {
            bytes.clone_from(&read(&slots[root]).bytes);
        }
    }

    fn gather(&self, root: usize, bytes: &[u8]) -> Vec<Vec<u8>> {
        let slots = self.collective(|slot| slot.bytes = bytes.to_vec());
        if self.rank != root {
            return Vec::new();
        }
        let taken = slots.iter().map(|slot| slot.write().unwrap_or_else(PoisonError::into_inner));
        taken.map(|mut slot| std::mem::take(&mut slot.bytes)).collect()
    }

    fn exchange(&self, outgoing: &[Outgoing<'_>], incoming: &mut [Incoming<'_>], work: &mut dyn FnMut()) {
        assert_distinct(outgoing, incoming);
        for message in outgoing {
            self.mailbox(message.to, self.rank, message.tag).post(message.data);
        }
        work();
        for message in incoming.iter_mut() {
            self.mailbox(self.rank, message.from, message.tag).take(message.data, &self.world.poisoned);
        }
        for message in outgoing {
            self.mailbox(message.to, self.rank, message.tag).wait_until_at_most_one(&self.world.poisoned);
        }
    }

    fn poll(&self, tag: u16, data: &mut [u8]) -> Option<usize> {
        if self.world.poisoned.load(Ordering::SeqCst) {
            resume_unwind(Box::new(Poisoned));
        }
        let has_come = |&from: &usize| !lock(&self.mailbox(self.rank, from, tag).contents).sent.is_empty();
        let from = (0..self.world.size).find(has_come)?;
        self.mailbox(self.rank, from, tag).take(data, &self.world.poisoned);
        Some(from)
    }

    fn abort(&self, exit_code: u8) -> ! {
        std::process::exit(i32::from(exit_code))
    }
}

fn refill<T: Copy>(into: &mut Vec<T>, values: &[T]) {
    into.clear();
    into.extend_from_slice(values);
}

fn combine<T: Copy>(into: &mut [T], values: &[T], operator: impl Fn(T, T) -> T) {
    assert_eq!(into.len(), values.len(), "all ranks reduce equally many values");
    for (a, &b) in into.iter_mut().zip(values) {
        *a = operator(*a, b);
    }
}

fn read(slot: &RwLock<Slot>) -> std::sync::RwLockReadGuard<'_, Slot> {
    slot.read().unwrap_or_else(PoisonError::into_inner)
}

/// What a rank contributes to a collective.
#[derive(Default)]
struct Slot {
    reals: Vec<f64>,
    integers: Vec<i64>,
    bytes: Vec<u8>,
}

/// What the ranks share.
struct World {
    size: usize,
    poisoned: AtomicBool,
    gate: Mutex<Gate>,
    gate_opened: Condvar,
    slots: [Vec<RwLock<Slot>>; 2],
    registry: Mutex<HashMap<Address, Arc<Mailbox>>>,
}

/// State of the barrier: arrivals of the current generation.
#[derive(Default)]
struct Gate {
    arrived: usize,
    generation: u64,
}

impl World {
    fn new(size: usize) -> World {
        let slots = || (0..size).map(|_| RwLock::default()).collect();
        World {
            size,
            poisoned: AtomicBool::new(false),
            gate: Mutex::default(),
            gate_opened: Condvar::new(),
            slots: [slots(), slots()],
            registry: Mutex::default(),
        }
    }

    /// The barrier.
    fn meet(&self) {
        let mut gate = lock(&self.gate);
        gate.arrived += 1;
        if gate.arrived == self.size {
            gate.arrived = 0;
            gate.generation += 1;
            self.gate_opened.notify_all();
            return;
        }
        let generation = gate.generation;
        drop(wait_while(&self.gate_opened, gate, &self.poisoned, |gate| gate.generation == generation));
    }

    fn mailbox(&self, address: Address) -> Arc<Mailbox> {
        Arc::clone(lock(&self.registry).entry(address).or_default())
    }

    /// Wakes every rank that waits. The flag is set first and each lock is taken before its waiters are woken, so a rank that
    /// is about to wait sees either the flag or the call.
    fn poison(&self) {
        self.poisoned.store(true, Ordering::SeqCst);
        drop(lock(&self.gate));
        self.gate_opened.notify_all();
        for mailbox in lock(&self.registry).values() {
            drop(lock(&mailbox.contents));
            mailbox.changed.notify_all();
        }
    }
}

/// Which messages a mailbox holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Address {
    to: usize,
    from: usize,
    tag: u16,
}

/// Messages of one sender to one receiver under one tag, in the order in which they were sent.
#[derive(Default)]
struct Mailbox {
    contents: Mutex<Contents>,
    changed: Condvar,
}

#[derive(Default)]
struct Contents {
    sent: VecDeque<Vec<u8>>,
    free: Vec<Vec<u8>>,
    buffers: usize,
}

/// Buffers that a mailbox gets when it is first used: one on its way, one being filled.
const BUFFERS: usize = 2;

impl Mailbox {
    fn post(&self, data: &[u8]) {
        let mut buffer = lock(&self.contents).free_buffer(data.len());
        refill(&mut buffer, data);
        lock(&self.contents).sent.push_back(buffer);
        self.changed.notify_all();
    }

    fn take(&self, into: &mut [u8], poisoned: &AtomicBool) {
        let mut contents =
            wait_while(&self.changed, lock(&self.contents), poisoned, |contents| contents.sent.is_empty());
        let buffer = contents.sent.pop_front().unwrap_or_default();
        drop(contents);
        assert_eq!(buffer.len(), into.len(), "both sides of a message agree on its length");
        into.copy_from_slice(&buffer);
        lock(&self.contents).free.push(buffer);
        self.changed.notify_all();
    }

    fn wait_until_at_most_one(&self, poisoned: &AtomicBool) {
        drop(wait_while(&self.changed, lock(&self.contents), poisoned, |contents| contents.in_use() >= BUFFERS));
    }
}

impl Contents {
    fn free_buffer(&mut self, length: usize) -> Vec<u8> {
        while self.buffers < BUFFERS {
            self.free.push(Vec::with_capacity(length));
            self.buffers += 1;
            self.sent.reserve(BUFFERS);
        }
        // The buffer is not zeroed and not reallocated unless messages grow.
        self.free.pop().unwrap_or_default()
    }

    /// Buffers that hold a message, also one that its receiver is copying at this moment.
    fn in_use(&self) -> usize {
        self.buffers - self.free.len()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until `blocked` is false; unwinds if the world is poisoned.
fn wait_while<'a, T>(
    condvar: &Condvar,
    mut guard: MutexGuard<'a, T>,
    poisoned: &AtomicBool,
    blocked: impl Fn(&T) -> bool,
) -> MutexGuard<'a, T> {
    while blocked(&guard) {
        if poisoned.load(Ordering::SeqCst) {
            drop(guard);
            // Not a panic of its own: the panic hook must speak once, for the rank that failed.
            resume_unwind(Box::new(Poisoned));
        }
        guard = condvar.wait(guard).unwrap_or_else(PoisonError::into_inner);
    }
    guard
}

#[cfg(test)]
#[path = "threads_tests.rs"]
mod tests;
