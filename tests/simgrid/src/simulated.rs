//! Ranks that SMPI simulates: what they compute between messages is given in seconds.

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
        self.inner.all_reduce(op, values);
    }

    fn all_sum(&self, values: &mut [i64]) {
        self.inner.all_sum(values);
    }

    fn broadcast(&self, root: usize, bytes: &mut Vec<u8>) {
        self.inner.broadcast(root, bytes);
    }

    fn gather(&self, root: usize, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.inner.gather(root, bytes)
    }

    fn exchange(&self, outgoing: &[Outgoing<'_>], incoming: &mut [Incoming<'_>], work: &mut dyn FnMut()) {
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
