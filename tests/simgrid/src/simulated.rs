//! Ranks that SMPI simulates: what they compute between messages is given in seconds, and what they ask of each other is counted.

use parhelion::comm::mpi::MpiRank;
use parhelion::comm::{Communicator, Incoming, Outgoing, ReduceOp};
use std::cell::Cell;

unsafe extern "C" {
    /// Lets so many simulated seconds pass.
    fn smpi_execute_benched(seconds: f64);
}

fn compute(seconds: f64) {
    // SAFETY: a function of SMPI that takes any duration, called from a simulated process.
    unsafe { smpi_execute_benched(seconds) }
}

/// MPI ranks whose exchanges hide and precede so many seconds of computing.
pub struct Simulated {
    /// The rank.
    pub inner: MpiRank,
    /// Exchanges to come that hide nothing: there is nothing to compute yet.
    pub idle: Cell<usize>,
    /// Computing that hides each other exchange.
    pub hidden_s: Cell<f64>,
    /// Computing after every exchange.
    pub after_s: Cell<f64>,
    /// Since it was last set to nothing.
    pub called: Cell<Called>,
}

/// What a rank has asked of the others.
#[derive(Clone, Copy, Debug, Default)]
pub struct Called {
    pub exchanges: u32,
    pub reductions: u32,
    pub reduced_bytes: usize,
    /// Sent in exchanges.
    pub sent_bytes: usize,
}

impl Simulated {
    fn count(&self, what: Called) {
        let so_far = self.called.get();
        self.called.set(Called {
            exchanges: so_far.exchanges + what.exchanges,
            reductions: so_far.reductions + what.reductions,
            reduced_bytes: so_far.reduced_bytes + what.reduced_bytes,
            sent_bytes: so_far.sent_bytes + what.sent_bytes,
        });
    }
}

impl Communicator for Simulated {
    fn rank(&self) -> usize {
        self.inner.rank()
    }

    fn size(&self) -> usize {
        self.inner.size()
    }

    fn barrier(&self) {
        self.inner.barrier();
    }

    fn all_reduce(&self, op: ReduceOp, values: &mut [f64]) {
        self.count(Called { reductions: 1, reduced_bytes: size_of_val(values), ..Called::default() });
        self.inner.all_reduce(op, values);
    }

    fn all_sum(&self, values: &mut [i64]) {
        self.count(Called { reductions: 1, reduced_bytes: size_of_val(values), ..Called::default() });
        self.inner.all_sum(values);
    }

    fn broadcast(&self, root: usize, bytes: &mut Vec<u8>) {
        self.inner.broadcast(root, bytes);
    }

    fn gather(&self, root: usize, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.inner.gather(root, bytes)
    }

    fn exchange(&self, outgoing: &[Outgoing<'_>], incoming: &mut [Incoming<'_>], work: &mut dyn FnMut()) {
        let sent_bytes = outgoing.iter().map(|message| message.data.len()).sum();
        self.count(Called { exchanges: 1, sent_bytes, ..Called::default() });
        let idle = self.idle.get();
        self.idle.set(idle.saturating_sub(1));
        self.inner.exchange(outgoing, incoming, &mut || {
            work();
            if idle == 0 {
                compute(self.hidden_s.get());
            }
        });
        compute(self.after_s.get());
    }

    fn poll(&self, tag: u16, data: &mut [u8]) -> Option<usize> {
        self.inner.poll(tag, data)
    }

    fn abort(&self, exit_code: u8) -> ! {
        self.inner.abort(exit_code)
    }
}
