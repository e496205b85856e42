//! What a rank computed between its messages, in order: enough to tell afterwards how long the job would take if messages took no time.
//!
//! # Layout
//! An entry for each exchange and each collective operation: seconds of computing before it, seconds of work inside it, and the number of
//! its pattern, which is who sends to whom under which tag. Patterns are kept once and found by a hash, so an entry has 12 bytes. Room is
//! made before the run; more than `MOST` entries of a job are not kept, and then nothing is told.
//!
//! Refused: time stamps in messages (they would change what is measured); clocks of ranks against each other (durations need none).

use super::{Incoming, Outgoing};
use std::collections::HashMap;

/// Entries, and places of patterns, of a job at most; rank 0 holds all of them in the end, 12 bytes each, twice. (Measured: 94 MB and 0.3 s
/// at the end of two million steps of two ranks.)
const MOST: usize = 1 << 22;
/// Entries for which there is room from the start.
const ROOM: usize = 1 << 14;
/// The pattern in which all ranks wait for all.
pub const ALL: u32 = u32::MAX;

/// An exchange, or a collective operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    /// Seconds of computing since the one before.
    pub before_s: f32,
    /// Seconds of work while its messages flew.
    pub inside_s: f32,
    /// Which pattern, or [`ALL`].
    pub pattern: u32,
}

/// The other end of a message: its rank and its tag.
pub type End = (u32, u16);

/// Messages of an exchange.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pattern {
    /// Receivers of what is sent.
    pub to: Vec<End>,
    /// Senders of what is awaited.
    pub from: Vec<End>,
}

/// All entries of a rank.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Journal {
    /// In order.
    pub entries: Vec<Entry>,
    /// By number.
    pub patterns: Vec<Pattern>,
    /// Seconds of computing behind the last entry.
    pub rest_s: f64,
    known: HashMap<u64, u32>,
    places: usize,
    most: usize,
}

impl Journal {
    /// An empty one, for a rank of a job of `ranks`.
    pub fn new(ranks: usize) -> Journal {
        let most = if ranks > 1 { MOST / ranks } else { 0 };
        Journal { entries: Vec::with_capacity(ROOM.min(most)), most, ..Journal::default() }
    }

    /// Computing of so many seconds.
    pub fn computed(&mut self, seconds: f64) {
        self.rest_s += seconds;
    }

    /// A collective operation.
    pub fn collective(&mut self) {
        self.add(0.0, ALL);
    }

    /// An exchange with `inside_s` of work in it.
    pub fn exchange(&mut self, outgoing: &[Outgoing<'_>], incoming: &[Incoming<'_>], inside_s: f64) {
        let (to, from) = (outgoing.iter().map(|m| (m.to, m.tag)), incoming.iter().map(|m| (m.from, m.tag)));
        let hash = hash(to.clone().chain([(usize::MAX, 0)]).chain(from.clone()));
        let number = self.known.get(&hash).copied().unwrap_or_else(|| {
            let end = |(rank, tag): (usize, u16)| (rank as u32, tag);
            let pattern = Pattern { to: to.map(end).collect(), from: from.map(end).collect() };
            self.places += pattern.to.len() + pattern.from.len();
            self.patterns.push(pattern);
            let number = self.patterns.len() as u32 - 1;
            self.known.insert(hash, number);
            number
        });
        self.add(inside_s, number);
    }

    fn add(&mut self, inside_s: f64, pattern: u32) {
        if self.entries.len() < self.most {
            self.entries.push(Entry { before_s: self.rest_s as f32, inside_s: inside_s as f32, pattern });
        } else {
            // One too many marks it as incomplete.
            self.most = 0;
        }
        self.rest_s = 0.0;
    }

    /// Nothing is missing.
    pub fn is_complete(&self) -> bool {
        self.most > 0 && self.places <= self.most
    }

    /// As bytes; none of an incomplete one.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if !self.is_complete() {
            return bytes;
        }
        bytes.extend(self.rest_s.to_le_bytes());
        bytes.extend((self.patterns.len() as u64).to_le_bytes());
        for end in self.patterns.iter().flat_map(|pattern| [&pattern.to, &pattern.from]) {
            bytes.extend((end.len() as u64).to_le_bytes());
            for (rank, tag) in end {
                bytes.extend(rank.to_le_bytes());
                bytes.extend(tag.to_le_bytes());
            }
        }
        for entry in &self.entries {
            bytes.extend(entry.before_s.to_le_bytes());
            bytes.extend(entry.inside_s.to_le_bytes());
            bytes.extend(entry.pattern.to_le_bytes());
        }
        bytes
    }

    /// What [`Journal::bytes`] has written; none if that was nothing, or something else.
    pub fn read(mut bytes: &[u8]) -> Option<Journal> {
        let rest_s = f64::from_le_bytes(take(&mut bytes)?);
        let count = u64::from_le_bytes(take(&mut bytes)?);
        let mut patterns = Vec::new();
        for _ in 0..count {
            patterns.push(Pattern { to: ends(&mut bytes)?, from: ends(&mut bytes)? });
        }
        let mut entries = Vec::with_capacity(bytes.len() / 12);
        while !bytes.is_empty() {
            let [before_s, inside_s] = [take(&mut bytes)?, take(&mut bytes)?].map(f32::from_le_bytes);
            let pattern = u32::from_le_bytes(take(&mut bytes)?);
            let is_known = pattern == ALL || (pattern as usize) < patterns.len();
            entries.push(is_known.then_some(Entry { before_s, inside_s, pattern })?);
        }
        Some(Journal { entries, patterns, rest_s, ..Journal::default() })
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*first)
}

fn ends(bytes: &mut &[u8]) -> Option<Vec<End>> {
    let count = u64::from_le_bytes(take(bytes)?);
    (0..count).map(|_| Some((u32::from_le_bytes(take(bytes)?), u16::from_le_bytes(take(bytes)?)))).collect()
}

/// FNV-1a over ranks and tags: two patterns of one rank with the same hash are as unlikely as a broken memory.
fn hash(ends: impl Iterator<Item = (usize, u16)>) -> u64 {
    ends.flat_map(|(rank, tag)| [rank as u64, u64::from(tag)])
        .fold(0xcbf2_9ce4_8422_2325, |hash, word| (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_kept_once_and_all_comes_back() {
        let mut journal = Journal::new(4);
        for step in 0..5 {
            let to = 1 + step % 2;
            let mut room = [0];
            journal.computed(0.5);
            journal.computed(0.25);
            journal.exchange(
                &[Outgoing { to, tag: 3, data: &[1] }],
                &[Incoming { from: 2, tag: 4, data: &mut room }],
                0.125,
            );
        }
        journal.collective();
        journal.computed(2.0);
        assert_eq!(journal.patterns.len(), 2);
        assert_eq!(journal.entries[4], Entry { before_s: 0.75, inside_s: 0.125, pattern: 0 });
        let read = Journal::read(&journal.bytes()).unwrap();
        assert_eq!((&read.entries, &read.patterns, read.rest_s), (&journal.entries, &journal.patterns, 2.0));
        assert_eq!(read.entries[5].pattern, ALL);
    }

    #[test]
    fn what_is_not_complete_is_nothing() {
        let mut journal = Journal::new(MOST / 2);
        (0..3).for_each(|_| journal.collective());
        assert!(!journal.is_complete() && journal.bytes().is_empty());
        assert_eq!(Journal::read(&[]), None);
        assert_eq!(Journal::read(&[1; 40]), None, "too short for its own counts");
        assert!(!Journal::new(1).is_complete(), "a rank alone has nobody to wait for");
    }
}
