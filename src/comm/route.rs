//! Rows of words to the ranks that should have them: an all-to-all exchange with counts, and an all-gather.
//!
//! Both are built on [`Communicator::exchange`], so they work on every backend. Messages are cut in pieces of at most
//! `PIECE` bytes, since MPI counts in 32 bits.

use super::{Communicator, Incoming, Outgoing};

/// Tags of the counts and of the rows.
const COUNT_TAG: u16 = 0x5300;
const ROW_TAG: u16 = 0x5301;
/// Longest message in bytes.
const PIECE: usize = 1 << 30;
/// Tags that pieces of rows may use.
const MOST_PIECES: usize = 0x400;

/// Sends `parts[rank]` to every rank and returns what came from each, in rank order. Collective. Parts may be empty.
///
/// # Panics
/// If a part is longer than a tebibyte.
pub fn all_to_all(comm: &dyn Communicator, parts: &[impl AsRef<[u8]>]) -> Vec<Vec<u8>> {
    all_to_all_while(comm, parts, &mut || ())
}

/// As [`all_to_all`]; `work` runs once while the parts fly.
///
/// # Panics
/// As [`all_to_all`].
pub fn all_to_all_while(comm: &dyn Communicator, parts: &[impl AsRef<[u8]>], work: &mut dyn FnMut()) -> Vec<Vec<u8>> {
    assert_eq!(parts.len(), comm.size(), "one part for every rank");
    let parts: Vec<(usize, &[u8])> = parts.iter().map(AsRef::as_ref).enumerate().collect();
    let lengths = swap(comm, parts.iter().map(|(_, part)| part.len() as u64).collect());
    let mut received: Vec<Vec<u8>> = lengths.into_iter().map(|length| vec![0; length as usize]).collect();
    pass_pieces(comm, &parts, received.iter_mut().enumerate(), work);
    received
}

/// Sends a word to every rank and returns what came from each, in rank order. Collective.
///
/// Ranks pass on to one that is once, twice, four times as far what has so far to go (Bruck et al. 1997): ceil(log2 P) messages of P / 2 words
/// each. One for every other rank would be a thousand at a time on a thousand ranks.
pub fn swap(comm: &dyn Communicator, mut words: Vec<u64>) -> Vec<u64> {
    let (size, rank) = (comm.size(), comm.rank());
    // By how far they have to go.
    words.rotate_left(rank);
    let steps = std::iter::successors(Some(1), |step| Some(2 * step)).take_while(|&step| step < size);
    for step in steps {
        let is_moved = |&n: &usize| n & step != 0;
        let sent: Vec<u8> = (0..size).filter(is_moved).flat_map(|n| words[n].to_le_bytes()).collect();
        let mut received = vec![0; sent.len()];
        pass(comm, ((rank + step) % size, &sent), ((rank + size - step) % size, &mut received));
        for (n, word) in (0..size).filter(is_moved).zip(received.as_chunks().0) {
            words[n] = u64::from_le_bytes(*word);
        }
    }
    // By how far they have come, backwards.
    words.reverse();
    words.rotate_right((rank + 1) % size);
    words
}

/// Sends words to one rank and receives as many from another.
fn pass(comm: &dyn Communicator, (to, sent): (usize, &[u8]), (from, received): (usize, &mut [u8])) {
    let outgoing = [Outgoing { to, tag: COUNT_TAG, data: sent }];
    comm.exchange(&outgoing, &mut [Incoming { from, tag: COUNT_TAG, data: received }], &mut || ());
}

fn pass_pieces<'a>(
    comm: &dyn Communicator,
    parts: &[(usize, &[u8])],
    received: impl Iterator<Item = (usize, &'a mut Vec<u8>)>,
    work: &mut dyn FnMut(),
) {
    let tag = |piece: usize| {
        assert!(piece < MOST_PIECES, "a message is longer than {MOST_PIECES} pieces of {PIECE} bytes");
        ROW_TAG + piece as u16
    };
    let mut outgoing = Vec::new();
    for &(to, part) in parts {
        let pieces = part.chunks(PIECE).enumerate();
        outgoing.extend(pieces.map(|(piece, data)| Outgoing { to, tag: tag(piece), data }));
    }
    let mut incoming = Vec::new();
    for (from, part) in received {
        let pieces = part.chunks_mut(PIECE).enumerate();
        incoming.extend(pieces.map(|(piece, data)| Incoming { from, tag: tag(piece), data }));
    }
    comm.exchange(&outgoing, &mut incoming, work);
}

/// The bytes of every rank, on every rank, in rank order. Collective.
///
/// Ranks pass on all that they have to one that is once, twice, four times as far (Bruck et al. 1997): ceil(log2 P) rounds, in which
/// every rank gets every byte once. Through rank 0 all bytes would reach one rank first, and then everyone ceil(log2 P) times over.
pub fn all_gather(comm: &dyn Communicator, bytes: &[u8]) -> Vec<Vec<u8>> {
    let (size, rank) = (comm.size(), comm.rank());
    // Those of this rank, of the next one, and so on around.
    let mut parts = vec![bytes.to_vec()];
    while parts.len() < size {
        let (have, more) = (parts.len(), parts.len().min(size - parts.len()));
        let packed = pack(&parts[..more]);
        let (to, from) = ((rank + size - have) % size, (rank + have) % size);
        let mut length = [0; 8];
        pass(comm, (to, &(packed.len() as u64).to_le_bytes()), (from, &mut length));
        let mut received = vec![0; u64::from_le_bytes(length) as usize];
        pass_pieces(comm, &[(to, &packed)], [(from, &mut received)].into_iter(), &mut || ());
        parts.extend(unpack(&received));
    }
    parts.rotate_right(rank);
    parts
}

fn pack(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(parts.iter().map(|part| 8 + part.len()).sum());
    for part in parts {
        packed.extend_from_slice(&(part.len() as u64).to_le_bytes());
        packed.extend_from_slice(part);
    }
    packed
}

fn unpack(mut packed: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    while let Some((length, rest)) = packed.split_first_chunk::<8>() {
        let (part, tail) = rest.split_at(u64::from_le_bytes(*length) as usize);
        parts.push(part.to_vec());
        packed = tail;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::{solo::Solo, threads};

    fn message(from: usize, to: usize) -> Vec<u8> {
        // Empty ones too.
        vec![(16 * from + to) as u8; (3 * from + to) % 5]
    }

    #[test]
    fn every_part_arrives_where_it_should() {
        for size in 1..=9 {
            let all = threads::run(size, |comm: &dyn Communicator| {
                let parts: Vec<Vec<u8>> = (0..size).map(|to| message(comm.rank(), to)).collect();
                let words = (0..size as u64).map(|to| 100 * comm.rank() as u64 + to).collect();
                (all_to_all(comm, &parts), all_gather(comm, &message(comm.rank(), 0)), swap(comm, words))
            });
            for (rank, (received, gathered, words)) in all.into_iter().enumerate() {
                assert_eq!(words, (0..size).map(|from| (100 * from + rank) as u64).collect::<Vec<_>>());
                assert_eq!(received, (0..size).map(|from| message(from, rank)).collect::<Vec<_>>());
                assert_eq!(gathered, (0..size).map(|from| message(from, 0)).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn one_rank_alone_keeps_its_part() {
        assert_eq!(all_to_all(&Solo, &[vec![1, 2, 3]]), [[1, 2, 3]]);
        assert_eq!(all_gather(&Solo, &[4]), [[4]]);
    }
}
