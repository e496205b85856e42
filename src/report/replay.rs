//! How long a job would take if messages took no time: its journals, played again.
//!
//! Every rank has a clock. Computing moves it on by what it took; a message leaves when its exchange begins and arrives at once; an exchange
//! ends when its own work has been done and all it waits for has been sent; a collective operation ends when the last rank enters it. What
//! the last clock shows in the end is the ideal time: what ranks wait in it they wait for each other's computing and not for the
//! network. POP calls its share of the run the transfer efficiency, and finds it by simulating a trace (Dimemas); this is the same idea
//! from durations alone, an estimate: all collectives wait for all, and computing is taken to last as long without messages.

use crate::comm::Communicator;
use crate::comm::journal::{ALL, Journal};
use crate::comm::meter::Meter;
use std::collections::{HashMap, VecDeque};

/// Sender, receiver and tag.
type Address = (u32, u32, u16);

/// Ideal seconds of the loop, on rank 0; none elsewhere, of a rank alone, without journals (of all ranks or of none), and if not all was
/// recorded. Collective.
pub fn ideal_s(comm: &dyn Communicator, meter: &Meter<'_>) -> Option<f64> {
    let parts = comm.gather(0, &meter.journal_bytes()?);
    let journals: Option<Vec<Journal>> = parts.iter().map(|bytes| Journal::read(bytes)).collect();
    play(&journals.filter(|journals| !journals.is_empty())?)
}

/// Where the replay of a rank is.
#[derive(Clone, Default)]
struct Place {
    next: usize,
    clock_s: f64,
    /// It has entered the next exchange or collective operation.
    is_inside: bool,
}

/// The last clock; none if journals do not belong together.
pub fn play(journals: &[Journal]) -> Option<f64> {
    let mut places = vec![Place::default(); journals.len()];
    let mut sent: HashMap<Address, VecDeque<f64>> = HashMap::new();
    loop {
        let mut moved = false;
        for rank in 0..journals.len() {
            while step(rank, journals, &mut places, &mut sent) {
                moved = true;
            }
        }
        moved |= meet(journals, &mut places);
        if !moved {
            break;
        }
    }
    let is_done = |(place, journal): (&Place, &Journal)| place.next == journal.entries.len();
    let ends = places.iter().zip(journals).map(|(place, journal)| place.clock_s + journal.rest_s);
    places.iter().zip(journals).all(is_done).then(|| ends.fold(0.0, f64::max))
}

/// Plays the next exchange of a rank, as far as it can be; true if it has ended.
fn step(rank: usize, journals: &[Journal], places: &mut [Place], sent: &mut HashMap<Address, VecDeque<f64>>) -> bool {
    let (journal, place) = (&journals[rank], &mut places[rank]);
    let Some(entry) = journal.entries.get(place.next) else { return false };
    let pattern = journal.patterns.get(entry.pattern as usize);
    if !place.is_inside {
        place.clock_s += f64::from(entry.before_s);
        place.is_inside = true;
        for &(to, tag) in pattern.iter().flat_map(|pattern| &pattern.to) {
            sent.entry((rank as u32, to, tag)).or_default().push_back(place.clock_s);
        }
    }
    let Some(pattern) = pattern else { return false };
    let address = |&(from, tag): &(u32, u16)| (from, rank as u32, tag);
    if !pattern.from.iter().all(|end| sent.get(&address(end)).is_some_and(|queue| !queue.is_empty())) {
        return false;
    }
    let mut end_s = place.clock_s + f64::from(entry.inside_s);
    for from in &pattern.from {
        let arrived = sent.get_mut(&address(from)).and_then(VecDeque::pop_front);
        end_s = end_s.max(arrived.unwrap_or(0.0));
    }
    *place = Place { next: place.next + 1, clock_s: end_s, is_inside: false };
    true
}

/// Ends a collective operation that all ranks have entered; true if there was one.
fn meet(journals: &[Journal], places: &mut [Place]) -> bool {
    let waits = |(place, journal): (&Place, &Journal)| {
        place.is_inside && journal.entries.get(place.next).is_some_and(|entry| entry.pattern == ALL)
    };
    if !places.iter().zip(journals).all(waits) {
        return false;
    }
    let last_s = places.iter().map(|place| place.clock_s).fold(0.0, f64::max);
    for place in places.iter_mut() {
        *place = Place { next: place.next + 1, clock_s: last_s, is_inside: false };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::{Incoming, Outgoing};
    use crate::laboratory::efficiencies::{self, RankTimes};

    /// A rank of a pair that computes so long before each exchange with the other, and then meets it.
    fn rank(number: usize, computing: &[[f64; 2]]) -> Journal {
        let mut journal = Journal::new(2);
        let other = 1 - number;
        for [before, inside] in computing {
            let mut room = [0];
            journal.computed(*before);
            let incoming = [Incoming { from: other, tag: 1, data: &mut room }];
            journal.exchange(&[Outgoing { to: other, tag: 1, data: &[0] }], &incoming, *inside);
        }
        journal.collective();
        journal.computed(0.5);
        journal
    }

    /// Rank 0: sends at 1, waits to 2; sends at 3, works to 5, and had waited to 4 else. Rank 1: 2, ends at 2; 4, ends at 4.5. Then both 5 + 0.5.
    #[test]
    fn a_pair_by_hand() {
        let journals = [rank(0, &[[1.0, 0.0], [1.0, 2.0]]), rank(1, &[[2.0, 0.0], [2.0, 0.5]])];
        assert_eq!(play(&journals), Some(5.5));
    }

    /// A rank that is always late: the other waits 9 of 12 s, and nothing of it is the network's.
    #[test]
    fn a_late_rank_is_no_transfer() {
        let journals = [rank(0, &[[1.0, 0.0]; 3]), rank(1, &[[4.0, 0.0]; 3])];
        let ideal_s = play(&journals).unwrap();
        assert_eq!(ideal_s, 12.5);
        let of = |busy: f64| RankTimes { loop_s: 12.5, communication_s: 12.5 - busy, threads_s: vec![busy] };
        let tree = efficiencies::pop(&[of(3.5), of(12.5)], Some(ideal_s)).unwrap();
        assert_eq!((tree.load_balance, tree.serialisation, tree.transfer), (0.64, Some(1.0), Some(1.0)));
    }

    /// Ranks that take turns at being late wait for each other although no message takes any time.
    #[test]
    fn turns_are_waited_for() {
        let journals = [rank(0, &[[3.0, 0.0], [1.0, 0.0]]), rank(1, &[[1.0, 0.0], [3.0, 0.0]])];
        assert_eq!(play(&journals), Some(6.5), "each computes for 4.5");
    }

    #[test]
    fn journals_of_two_jobs_are_no_job() {
        let journals = [rank(0, &[[1.0, 0.0]]), rank(1, &[])];
        assert_eq!(play(&journals), None);
    }
}
