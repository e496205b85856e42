//! A communicator that counts: seconds in messages and waiting, and what goes to which rank, while it is switched on.
//!
//! It stands between a model and its backend, so every backend and both physics are counted by one piece of code, collectives included.
//! Counting costs four readings of the clock for an exchange, about a tenth of a microsecond, and allocates nothing. A [`Journal`] is
//! kept where it is asked for, and allocates nothing once its messages have been seen and while its room lasts. Computing that hides
//! messages (the `work` of an exchange) is taken off.
//!
//! Refused: counters inside the backends (three times the same).

use super::journal::Journal;
use super::{Communicator, Incoming, Outgoing, ReduceOp};
use std::cell::{Cell, RefCell};
use std::time::Instant;

/// Messages and bytes that went to a rank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Messages.
    pub messages: u64,
    /// Bytes in them.
    pub bytes: u64,
}

/// A communicator that counts.
pub struct Meter<'a> {
    inner: &'a dyn Communicator,
    on: Cell<bool>,
    seconds: Cell<f64>,
    sent: RefCell<Vec<Sent>>,
    journal: Option<RefCell<Journal>>,
    /// Since when this rank computes; only while it is on.
    mark: Cell<Instant>,
}

impl<'a> Meter<'a> {
    /// Counts what goes through this communicator; switched off at first.
    pub fn new(inner: &'a dyn Communicator) -> Meter<'a> {
        Meter::keeping(inner, None)
    }

    /// The same, and notes what is computed between messages.
    pub fn with_journal(inner: &'a dyn Communicator) -> Meter<'a> {
        Meter::keeping(inner, Some(RefCell::new(Journal::new(inner.size()))))
    }

    fn keeping(inner: &'a dyn Communicator, journal: Option<RefCell<Journal>>) -> Meter<'a> {
        let sent = vec![Sent::default(); inner.size()];
        Meter {
            inner,
            on: Cell::new(false),
            seconds: Cell::new(0.0),
            sent: RefCell::new(sent),
            journal,
            mark: Cell::new(Instant::now()),
        }
    }

    /// Counts from here on.
    pub fn start(&self) {
        self.on.set(true);
        self.mark.set(Instant::now());
    }

    /// Counts no more, until it is started again.
    pub fn stop(&self) {
        if self.on.replace(false) {
            self.computed_until(Instant::now());
        }
    }

    fn computed_until(&self, end: Instant) {
        self.note(|journal| journal.computed((end - self.mark.get()).as_secs_f64()));
    }

    fn note(&self, entry: impl FnOnce(&mut Journal)) {
        if let Some(journal) = &self.journal {
            entry(&mut journal.borrow_mut());
        }
    }

    /// What was computed between messages so far, if that is noted; see [`Journal::bytes`].
    pub fn journal_bytes(&self) -> Option<Vec<u8>> {
        self.journal.as_ref().map(|journal| journal.borrow().bytes())
    }

    /// Seconds in messages and waiting so far.
    pub fn seconds(&self) -> f64 {
        self.seconds.get()
    }

    /// Messages and bytes to every rank so far; messages of collective operations are the backend's own and not among them.
    pub fn sent(&self) -> Vec<Sent> {
        self.sent.borrow().clone()
    }

    fn timed<T>(&self, call: impl FnOnce() -> T) -> T {
        if !self.on.get() {
            return call();
        }
        let start = Instant::now();
        self.computed_until(start);
        let result = call();
        let end = Instant::now();
        self.note(Journal::collective);
        self.mark.set(end);
        self.seconds.set(self.seconds.get() + (end - start).as_secs_f64());
        result
    }

    fn count(&self, outgoing: &[Outgoing<'_>]) {
        let mut sent = self.sent.borrow_mut();
        for message in outgoing {
            sent[message.to].messages += 1;
            sent[message.to].bytes += message.data.len() as u64;
        }
    }
}

impl Communicator for Meter<'_> {
    fn rank(&self) -> usize {
        self.inner.rank()
    }

    fn size(&self) -> usize {
        self.inner.size()
    }

    fn barrier(&self) {
        self.timed(|| self.inner.barrier());
    }

    fn all_reduce(&self, op: ReduceOp, values: &mut [f64]) {
        self.timed(|| self.inner.all_reduce(op, values));
    }

    fn all_sum(&self, values: &mut [i64]) {
        self.timed(|| self.inner.all_sum(values));
    }

    fn broadcast(&self, root: usize, bytes: &mut Vec<u8>) {
        self.timed(|| self.inner.broadcast(root, bytes));
    }

    fn gather(&self, root: usize, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.timed(|| self.inner.gather(root, bytes))
    }

    fn exchange(&self, outgoing: &[Outgoing<'_>], incoming: &mut [Incoming<'_>], work: &mut dyn FnMut()) {
        if !self.on.get() {
            return self.inner.exchange(outgoing, incoming, work);
        }
        self.count(outgoing);
        let start = Instant::now();
        self.computed_until(start);
        let mut worked = 0.0;
        self.inner.exchange(outgoing, incoming, &mut || {
            let start = Instant::now();
            work();
            worked += start.elapsed().as_secs_f64();
        });
        let end = Instant::now();
        self.note(|journal| journal.exchange(outgoing, incoming, worked));
        self.mark.set(end);
        self.seconds.set(self.seconds.get() + ((end - start).as_secs_f64() - worked).max(0.0));
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
    use crate::comm::threads;
    use std::time::Duration;

    const NAP: Duration = Duration::from_millis(40);

    /// One ring exchange of three bytes; rank 0 works a while in it, rank 1 waits for that.
    fn ring(comm: &dyn Communicator) {
        let (left, right) = ((comm.rank() + comm.size() - 1) % comm.size(), (comm.rank() + 1) % comm.size());
        let mut room = [0; 3];
        let mut incoming = [Incoming { from: left, tag: 1, data: &mut room }];
        let is_slow = comm.rank() == 0;
        comm.exchange(&[Outgoing { to: right, tag: 1, data: &[7; 3] }], &mut incoming, &mut || {
            std::thread::sleep(if is_slow { NAP } else { Duration::ZERO });
        });
        assert_eq!(room, [7; 3]);
    }

    #[test]
    fn messages_are_counted_by_receiver_while_it_is_on() {
        threads::run(3, |comm| {
            let meter = Meter::new(comm);
            ring(&meter);
            assert_eq!((meter.sent(), meter.seconds()), (vec![Sent::default(); 3], 0.0), "off at first");
            meter.start();
            ring(&meter);
            ring(&meter);
            meter.stop();
            ring(&meter);
            let sent = meter.sent();
            let right = (comm.rank() + 1) % 3;
            assert_eq!(sent[right], Sent { messages: 2, bytes: 6 });
            assert_eq!(sent.iter().map(|s| s.messages).sum::<u64>(), 2);
        });
    }

    #[test]
    fn a_journal_is_kept_where_it_is_asked_for() {
        threads::run(2, |comm| {
            for (meter, entries) in [(Meter::new(comm), None), (Meter::with_journal(comm), Some(2))] {
                meter.start();
                ring(&meter);
                meter.barrier();
                meter.stop();
                let kept = meter.journal_bytes().map(|bytes| Journal::read(&bytes).unwrap().entries.len());
                assert_eq!(kept, entries);
            }
        });
    }

    #[test]
    fn waiting_counts_and_hiding_work_does_not() {
        threads::run(2, |comm| {
            let meter = Meter::new(comm);
            meter.start();
            let start = Instant::now();
            ring(&meter);
            meter.barrier();
            let (whole, nap) = (start.elapsed().as_secs_f64(), NAP.as_secs_f64());
            // Rank 0 works for the length of the nap; rank 1 does nothing but wait for it.
            let most = if comm.rank() == 0 { whole - nap } else { whole };
            assert!(meter.seconds() <= most, "{} of {whole}", meter.seconds());
            assert!(comm.rank() == 0 || meter.seconds() >= 0.5 * nap, "{}", meter.seconds());
        });
    }
}
