//! What an evaluation by multipoles sends, and how long that takes: counts of the real exchanges on several numbers of ranks ([`count`](super::count)),
//! and their law between those and beyond.
//!
//! Reductions, exchanges and bytes are told apart by how they load a network. What every rank passes on to one that is as far away as everyone
//! else's (the roots of branches, in rounds) crosses the whole machine from all hosts at once. Questions and answers go from many to many,
//! and are as late as the rank that has most to send.

use super::Shape;
use crate::comm::{Communicator, Incoming, Outgoing, ReduceOp};
use std::cell::RefCell;

/// What one rank asks of the others, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// A reduction of so many bytes.
    Reduction(usize),
    /// Receivers of messages, and bytes of each.
    Exchange(Vec<(usize, usize)>),
}

/// A communicator that notes calls.
pub struct Tally<'a> {
    inner: &'a dyn Communicator,
    calls: RefCell<Vec<Call>>,
}

impl<'a> Tally<'a> {
    /// Notes what goes through this communicator.
    pub fn new(inner: &'a dyn Communicator) -> Tally<'a> {
        Tally { inner, calls: RefCell::default() }
    }

    /// All calls.
    pub fn into_calls(self) -> Vec<Call> {
        self.calls.into_inner()
    }

    fn note(&self, call: Call) {
        self.calls.borrow_mut().push(call);
    }
}

impl Communicator for Tally<'_> {
    fn rank(&self) -> usize {
        self.inner.rank()
    }

    fn size(&self) -> usize {
        self.inner.size()
    }

    fn barrier(&self) {
        self.note(Call::Reduction(0));
        self.inner.barrier();
    }

    fn all_reduce(&self, op: ReduceOp, values: &mut [f64]) {
        self.note(Call::Reduction(size_of_val(values)));
        self.inner.all_reduce(op, values);
    }

    fn all_sum(&self, values: &mut [i64]) {
        self.note(Call::Reduction(size_of_val(values)));
        self.inner.all_sum(values);
    }

    fn broadcast(&self, root: usize, bytes: &mut Vec<u8>) {
        self.inner.broadcast(root, bytes);
    }

    fn gather(&self, root: usize, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.inner.gather(root, bytes)
    }

    fn exchange(&self, outgoing: &[Outgoing<'_>], incoming: &mut [Incoming<'_>], work: &mut dyn FnMut()) {
        let others = outgoing.iter().filter(|message| message.to != self.rank());
        self.note(Call::Exchange(others.map(|message| (message.to, message.data.len())).collect()));
        self.inner.exchange(outgoing, incoming, work);
    }

    fn poll(&self, tag: u16, data: &mut [u8]) -> Option<usize> {
        self.inner.poll(tag, data)
    }

    fn abort(&self, exit_code: u8) -> ! {
        self.inner.abort(exit_code)
    }
}

/// An evaluation on so many ranks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Traffic {
    /// Ranks.
    pub ranks: usize,
    /// Reductions, and bytes in all of them.
    pub reductions: [f64; 2],
    /// Exchanges in which there are messages.
    pub exchanges: f64,
    /// Bytes that ranks pass on to one each, all equally far: those of the busiest, round for round.
    pub shared: f64,
    /// Bytes from many to many that leave the busiest rank or reach it, whichever is more, exchange for exchange.
    pub busiest: f64,
    /// The same of a rank in the mean.
    pub mean: f64,
}

impl Traffic {
    /// From the calls of each rank, which all make the same.
    pub fn of(ranks: &[Vec<Call>]) -> Traffic {
        let calls = ranks.iter().map(Vec::len).min().unwrap_or(0);
        let mut traffic = Traffic { ranks: ranks.len(), ..Traffic::default() };
        for n in 0..calls {
            match &ranks[0][n] {
                Call::Reduction(bytes) => {
                    traffic.reductions[0] += 1.0;
                    traffic.reductions[1] += *bytes as f64;
                }
                Call::Exchange(_) => traffic.add_exchange(&messages(ranks, n)),
            }
        }
        traffic
    }

    /// Adds one with these messages: sender, receiver, bytes.
    fn add_exchange(&mut self, messages: &[(usize, usize, usize)]) {
        if messages.is_empty() {
            return;
        }
        self.exchanges += 1.0;
        let (mut left, mut reached) = (vec![0.0; self.ranks], vec![0.0; self.ranks]);
        for &(from, to, bytes) in messages {
            left[from] += bytes as f64;
            reached[to] += bytes as f64;
        }
        let most = left.iter().chain(&reached).copied().fold(0.0, f64::max);
        if self.is_round(messages) {
            self.shared += most;
        } else {
            self.busiest += most;
            self.mean += left.iter().sum::<f64>() / self.ranks as f64;
        }
    }

    /// Every rank sends to one that is as far away as that of all others.
    fn is_round(&self, messages: &[(usize, usize, usize)]) -> bool {
        let distance = |&(from, to, _): &(usize, usize, usize)| (self.ranks + to - from) % self.ranks;
        messages.len() == self.ranks && messages.iter().all(|message| distance(message) == distance(&messages[0]))
    }

    /// The same for more bodies in each rank's part: `branches` and `surface` are how many times more of those there are.
    pub fn grown(self, branches: f64, surface: f64) -> Traffic {
        let [reductions, reduced] = self.reductions;
        Traffic {
            reductions: [reductions, reduced * branches],
            shared: self.shared * branches,
            busiest: self.busiest * surface,
            mean: self.mean * surface,
            ..self
        }
    }

    /// On so many ranks, from counts on ascending numbers of them: each amount goes with a power of the ranks between two counts. Beyond the last
    /// one that power falls off as it did before, down to none: a rank has the less to answer the fewer bodies it owns. None without counts.
    pub fn at(counted: &[Traffic], ranks: usize) -> Option<Traffic> {
        let above = counted.iter().position(|traffic| traffic.ranks >= ranks).unwrap_or(counted.len());
        let upper = above.min(counted.len().checked_sub(1)?).max(1);
        let [low, high] = [counted.get(upper - 1)?, counted.get(upper).unwrap_or(&counted[upper - 1])];
        let [from, to] = [low, high].map(|traffic| (traffic.ranks as f64).ln());
        let weight = if to > from { ((ranks as f64).ln() - from) / (to - from) } else { 0.0 };
        let before = upper.checked_sub(2).map(|n| &counted[n]).filter(|_| weight > 1.0);
        let power = |of: fn(&Traffic) -> f64| {
            let amount = |traffic: &Traffic| of(traffic).max(1.0).ln();
            let rise = amount(high) - amount(low);
            let change = before.map_or(0.0, |before| rise - (amount(low) - amount(before)));
            (amount(low) + rise + beyond(rise, change, weight - 1.0)).exp()
        };
        Some(Traffic {
            ranks,
            reductions: [power(|t| t.reductions[0]), power(|t| t.reductions[1])],
            exchanges: power(|t| t.exchanges),
            shared: power(|t| t.shared),
            busiest: power(|t| t.busiest),
            mean: power(|t| t.mean),
        })
    }

    /// In words.
    pub fn words(&self) -> String {
        format!(
            "{} ranks of this process: {:.0} reductions and {:.0} exchanges an evaluation, {:.3e} bytes shared with all, {:.3e} others of the \
             busiest rank, {:.3e} in the mean",
            self.ranks, self.reductions[0], self.exchanges, self.shared, self.busiest, self.mean
        )
    }

    /// Seconds of the reductions: all their bytes go on in each of the ceil(log2 P) stages, out of every rank of a host.
    pub fn reductions_s(&self, shape: &Shape<'_>) -> f64 {
        let [reductions, bytes] = self.reductions;
        reductions * shape.reduction_s() + shape.stages() * bytes * shape.here() as f64 * shape.across_s_per_byte()
    }

    /// Seconds of the exchanges if nothing hid them: a latency each, the rounds of all hosts at once, and what goes from many to many: as
    /// late as the busiest host's link, or as what all hosts send across at once.
    pub fn exchanges_s(&self, shape: &Shape<'_>) -> f64 {
        let (ranks, here) = (shape.ranks as f64, shape.here() as f64);
        let elsewhere = (ranks - here) / (ranks - 1.0).max(1.0);
        let busiest = (self.busiest + (here - 1.0) * self.mean) * elsewhere * shape.outer().beta_s_per_byte;
        let all = here * self.mean * elsewhere * shape.across_s_per_byte();
        self.exchanges * shape.across_s() + here * self.shared * shape.across_s_per_byte() + busiest.max(all)
    }
}

/// What is added to a logarithm after so many steps, if the last step added `rise`, and `change` more than the one before: as a parabola has it, up
/// to its turn. A rise that grows goes on as it is.
fn beyond(rise: f64, change: f64, steps: f64) -> f64 {
    if rise * change >= 0.0 || steps <= 0.0 {
        return rise * steps;
    }
    let turn = (-rise / change - 0.5).max(0.0);
    let steps = steps.min(turn);
    rise * steps + 0.5 * change * steps * (steps + 1.0)
}

/// Messages of the n-th call of every rank.
fn messages(ranks: &[Vec<Call>], n: usize) -> Vec<(usize, usize, usize)> {
    let of = |(from, calls): (usize, &Vec<Call>)| match &calls[n] {
        Call::Exchange(sent) => sent.iter().map(|&(to, bytes)| (from, to, bytes)).collect(),
        Call::Reduction(_) => Vec::new(),
    };
    ranks.iter().enumerate().flat_map(of).collect()
}
