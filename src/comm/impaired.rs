//! A communicator that is worse on purpose: without overlap, or as if messages took longer. For teaching.
//!
//! It stands between a model and its backend, so both physics and every backend are impaired by one piece of code, and no model knows of
//! it. Blocking: the `work` of an exchange runs when all its messages have come, instead of while they fly. Delay: what an exchange receives
//! from another rank counts as arrived at its sending plus the delay, and the exchange returns no earlier than that; `work` done meanwhile
//! hides it. A collective operation returns later by the delay times the steps of a tree of ranks, ceil(log2 ranks). Messages to oneself
//! and [`Communicator::poll`] are left alone. Neither changes what is sent, so no bit of a result.
//!
//! The sender's clock travels in a message of its own beside those of an exchange. Clocks of hosts differ, so a message is never held longer
//! than the delay after it is there: where they do, it is held for anything between nothing and the delay.
//!
//! Refused: holding a message back before it is sent (the sender's work would have to be interrupted for it), and a delay of every rank from
//! its own start of an exchange (who waits for a late neighbour would see no latency at all).

use super::{Communicator, Incoming, Outgoing, ReduceOp};
use crate::heartbeat;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Tag of the sender's clock.
const TAG: u16 = 0x7d00;

/// What is made worse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Impairment {
    /// Work waits until the messages that it could hide have come.
    pub blocking: bool,
    /// How much later messages of other ranks arrive.
    pub delay: Duration,
}

/// A communicator that is worse on purpose.
pub struct Impaired<'a> {
    inner: &'a dyn Communicator,
    how: Impairment,
}

impl<'a> Impaired<'a> {
    /// Impairs what goes through this communicator; all ranks of it must do the same.
    pub fn new(inner: &'a dyn Communicator, how: Impairment) -> Impaired<'a> {
        Impaired { inner, how }
    }

    /// Returns the result of a collective operation late.
    fn late<T>(&self, result: T) -> T {
        pause(self.how.delay * self.inner.size().next_power_of_two().trailing_zeros());
        result
    }

    /// An exchange that returns when all messages count as arrived.
    fn delayed(&self, outgoing: &[Outgoing<'_>], incoming: &mut [Incoming<'_>], work: &mut dyn FnMut()) {
        let sent = since_epoch(SystemTime::now()).to_le_bytes();
        let to = self.others(outgoing.iter().map(|message| message.to));
        let from = self.others(incoming.iter().map(|message| message.from));
        let mut stamps = vec![[0u8; 8]; from.len()];
        let messages = outgoing.iter().map(|&Outgoing { to, tag, data }| Outgoing { to, tag, data });
        let outgoing: Vec<Outgoing> =
            messages.chain(to.into_iter().map(|to| Outgoing { to, tag: TAG, data: &sent })).collect();
        let room = incoming.iter_mut().map(|m| Incoming { from: m.from, tag: m.tag, data: &mut *m.data });
        let stamped = from.into_iter().zip(&mut stamps);
        let mut incoming: Vec<Incoming> =
            room.chain(stamped.map(|(from, data)| Incoming { from, tag: TAG, data })).collect();
        self.inner.exchange(&outgoing, &mut incoming, work);
        if let Some(last) = stamps.iter().map(|stamp| u64::from_le_bytes(*stamp)).max() {
            let arrives = Duration::from_nanos(last).saturating_add(self.how.delay);
            let now = Duration::from_nanos(since_epoch(SystemTime::now()));
            pause(arrives.saturating_sub(now).min(self.how.delay));
        }
    }

    /// These ranks, each once, without this one.
    fn others(&self, ranks: impl Iterator<Item = usize>) -> Vec<usize> {
        let mut others: Vec<usize> = ranks.filter(|&rank| rank != self.inner.rank()).collect();
        others.sort_unstable();
        others.dedup();
        others
    }
}

fn pause(time: Duration) {
    if !time.is_zero() {
        let _waiting = heartbeat::wait();
        thread::sleep(time);
    }
}

/// Nanoseconds since 1970.
fn since_epoch(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_nanos() as u64)
}

impl Communicator for Impaired<'_> {
    fn rank(&self) -> usize {
        self.inner.rank()
    }

    fn size(&self) -> usize {
        self.inner.size()
    }

    fn barrier(&self) {
        self.inner.barrier();
        self.late(());
    }

    fn all_reduce(&self, op: ReduceOp, values: &mut [f64]) {
        self.inner.all_reduce(op, values);
        self.late(());
    }

    fn all_sum(&self, values: &mut [i64]) {
        self.inner.all_sum(values);
        self.late(());
    }

    fn broadcast(&self, root: usize, bytes: &mut Vec<u8>) {
        self.inner.broadcast(root, bytes);
        self.late(());
    }

    fn gather(&self, root: usize, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.late(self.inner.gather(root, bytes))
    }

    fn exchange(&self, outgoing: &[Outgoing<'_>], incoming: &mut [Incoming<'_>], work: &mut dyn FnMut()) {
        let mut nothing = || ();
        let meanwhile: &mut dyn FnMut() = if self.how.blocking { &mut nothing } else { &mut *work };
        if self.how.delay.is_zero() {
            self.inner.exchange(outgoing, incoming, meanwhile);
        } else {
            self.delayed(outgoing, incoming, meanwhile);
        }
        if self.how.blocking {
            work();
        }
    }

    fn poll(&self, tag: u16, data: &mut [u8]) -> Option<usize> {
        self.inner.poll(tag, data)
    }

    fn abort(&self, exit_code: u8) -> ! {
        self.inner.abort(exit_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::{route, threads};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Instant;

    const DELAY: Duration = Duration::from_millis(30);

    /// Rank 0 sends to rank 1 when `before` has passed; returns when rank 1 has it, counted from before both began.
    fn arrival(how: Impairment, before: Duration) -> Duration {
        let start = Instant::now();
        let arrivals = threads::run(2, |inner| {
            let comm = Impaired::new(inner, how);
            if comm.rank() == 0 {
                thread::sleep(before);
                comm.exchange(&[Outgoing { to: 1, tag: 3, data: &[7, 8] }], &mut [], &mut || ());
                return Duration::ZERO;
            }
            let mut room = [0; 2];
            comm.exchange(&[], &mut [Incoming { from: 0, tag: 3, data: &mut room }], &mut || ());
            assert_eq!(room, [7, 8]);
            start.elapsed()
        });
        arrivals[1]
    }

    #[test]
    fn a_message_arrives_no_earlier_than_its_sending_and_the_delay() {
        let slow = Impairment { delay: DELAY, blocking: false };
        assert!(arrival(slow, Duration::ZERO) >= DELAY);
        assert!(arrival(slow, 2 * DELAY) >= 3 * DELAY, "the delay counts from the sending");
    }

    #[test]
    fn blocking_work_begins_when_the_messages_are_there() {
        for delay in [Duration::ZERO, DELAY] {
            let is_sent = AtomicBool::new(false);
            threads::run(2, |inner| {
                let comm = Impaired::new(inner, Impairment { blocking: true, delay });
                let mut room = [0; 1];
                if comm.rank() == 0 {
                    thread::sleep(DELAY);
                    is_sent.store(true, Ordering::SeqCst);
                    comm.exchange(&[Outgoing { to: 1, tag: 0, data: &[1] }], &mut [], &mut || ());
                } else {
                    let incoming = &mut [Incoming { from: 0, tag: 0, data: &mut room }];
                    comm.exchange(&[], incoming, &mut || assert!(is_sent.load(Ordering::SeqCst), "work came first"));
                }
            });
        }
    }

    #[test]
    fn everything_arrives_as_it_was_sent() {
        let how = Impairment { blocking: false, delay: Duration::from_micros(50) };
        for size in 1..=4 {
            threads::run(size, |inner| {
                let comm = Impaired::new(inner, how);
                // Messages to oneself and empty ones are among them.
                let parts: Vec<Vec<u8>> = (0..size).map(|to| vec![comm.rank() as u8; to]).collect();
                let expected: Vec<Vec<u8>> = (0..size).map(|from| vec![from as u8; comm.rank()]).collect();
                assert_eq!(route::all_to_all(&comm, &parts), expected);
                assert_eq!(
                    route::all_gather(&comm, &[comm.rank() as u8]).concat(),
                    (0..size as u8).collect::<Vec<_>>()
                );
                let mut sum = [1];
                comm.all_sum(&mut sum);
                assert_eq!(sum, [size as i64]);
            });
        }
    }
}
