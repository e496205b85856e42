//! When what was done: spans of time on each thread, for `run --trace`.
//!
//! # Layout
//! Every thread that takes part has a ring of its own, made before the run and never longer: when it is full the oldest span is
//! overwritten and counted. Nothing is shared, so recording takes no lock. A thread without a ring records nothing, which costs one look
//! at a thread's own variable.
//!
//! # Refused
//! Crate `tracing` with a subscriber for Chrome: it allocates for every span and writes from another thread. Keeping the first
//! spans instead of the last: the start of a run is the least typical part of it.

use super::Phase;
use std::cell::RefCell;
use std::time::Instant;

thread_local! {
    static RING: RefCell<Option<Ring>> = const { RefCell::new(None) };
}

/// What a span is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A phase of the report.
    Phase(Phase),
    /// A step of the time loop; the value is its number.
    Step,
    /// A thread's share of a loop over tiles.
    Tiles,
    /// A thread's walk over branches of the tree; far and near lie in it, each in one piece.
    Walk,
}

impl Kind {
    /// Name in the trace.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Phase(phase) => phase.name(),
            Kind::Step => "step",
            Kind::Tiles => "tiles",
            Kind::Walk => "walk",
        }
    }
}

/// Something that a thread did from `begin` to `end`, in nanoseconds from its ring's origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// What.
    pub kind: Kind,
    /// Nanoseconds; negative before the origin.
    pub begin: i64,
    /// Nanoseconds.
    pub end: i64,
    /// A number that belongs to it; 0 if none does.
    pub value: u64,
}

struct Ring {
    origin: Instant,
    spans: Vec<Span>,
    capacity: usize,
    /// Where the next span goes once the ring is full.
    next: usize,
    dropped: u64,
}

/// What a thread has recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// In the order in which they ended, but for the oldest, which may be gone.
    pub spans: Vec<Span>,
    /// How many are gone.
    pub dropped: u64,
}

/// Begins to record on this thread: the last `capacity` spans, timed from `origin`.
pub fn start(origin: Instant, capacity: usize) {
    let ring = Ring { origin, spans: Vec::with_capacity(capacity), capacity: capacity.max(1), next: 0, dropped: 0 };
    RING.set(Some(ring));
}

/// Ends recording on this thread.
pub fn finish() -> Recording {
    let Some(mut ring) = RING.take() else { return Recording::default() };
    ring.spans.rotate_left(ring.next);
    Recording { spans: ring.spans, dropped: ring.dropped }
}

/// Whether this thread records: to spare looks at the clock.
#[inline]
pub fn is_on() -> bool {
    RING.with_borrow(Option::is_some)
}

/// Records a span of this thread, if it records.
#[inline]
pub fn record(kind: Kind, begin: Instant, end: Instant, value: u64) {
    RING.with_borrow_mut(|ring| {
        if let Some(ring) = ring {
            let at = |moment| ring.since_origin(moment);
            let span = Span { kind, begin: at(begin), end: at(end), value };
            ring.push(span);
        }
    });
}

/// Records a span that ends now.
#[inline]
pub fn record_since(kind: Kind, begin: Instant, value: u64) {
    if is_on() {
        record(kind, begin, Instant::now(), value);
    }
}

impl Ring {
    fn since_origin(&self, moment: Instant) -> i64 {
        match moment.checked_duration_since(self.origin) {
            Some(after) => after.as_nanos() as i64,
            None => -((self.origin - moment).as_nanos() as i64),
        }
    }

    fn push(&mut self, span: Span) {
        if self.spans.len() < self.capacity {
            self.spans.push(span);
            return;
        }
        self.spans[self.next] = span;
        self.next = (self.next + 1) % self.capacity;
        self.dropped += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_full_ring_keeps_the_newest_in_order_and_counts_the_rest() {
        let origin = Instant::now();
        start(origin, 3);
        for n in 0..5u64 {
            let begin = origin + Duration::from_nanos(10 * n);
            record(Kind::Step, begin, begin + Duration::from_nanos(5), n);
        }
        let recording = finish();
        assert_eq!(recording.dropped, 2);
        assert_eq!(recording.spans.iter().map(|span| span.value).collect::<Vec<_>>(), [2, 3, 4]);
        assert_eq!((recording.spans[0].begin, recording.spans[0].end), (20, 25));
    }

    #[test]
    fn a_thread_without_a_ring_records_nothing() {
        record_since(Kind::Tiles, Instant::now(), 0);
        assert!(!is_on());
        assert_eq!(finish(), Recording::default());
    }

    #[test]
    fn times_before_the_origin_are_negative() {
        let begin = Instant::now();
        start(begin + Duration::from_nanos(7), 1);
        record(Kind::Phase(Phase::Setup), begin, begin + Duration::from_nanos(9), 0);
        assert_eq!(finish().spans[0], Span { kind: Kind::Phase(Phase::Setup), begin: -7, end: 2, value: 0 });
    }
}
