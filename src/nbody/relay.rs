//! Who passes a block of sources on to whom, and when: a binomial tree for each block, one hop a stage, many blocks on their way at once.
//!
//! # The schedule
//! Ranks go through stages together. Block `j` starts at its owner, rank `j`, in stage `j`, is on all ranks after [`Relay::depth`] stages,
//! and is summed in the stage after those: blocks are summed in rank order, the same one everywhere. Hops begin with the widest: whoever
//! has a block gives it to the rank half of all ranks further on, next to that a quarter further on, and in the end to its neighbour.
//!
//! # Why this way
//! An owner that sends its block to all others leaves all bytes of a stage to one link, `ranks - 1` blocks, while the others stand idle. Here
//! `ranks - 1` messages leave in a stage too, but from different ranks: at most two from one rank for up to 1,024 ranks, at most three to
//! one, and over an evaluation each rank passes on as much as any other.
//!
//! Refused: narrow hops first. The owner then sends its block in all of its stages, and what neighbours own follows in the next ones, so that
//! rank `j` has `depth` messages to send in stage `j`, and waits for its neighbour that had as many in the stage before. Refused too: a
//! scatter and an all-gather of pieces. Blocks are small when there are many ranks, and latency counts then.

/// The part of one rank in passing blocks on.
#[derive(Clone, Copy, Debug)]
pub struct Relay {
    ranks: usize,
    rank: usize,
}

/// What a rank does with a block in a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hop {
    /// Sends it to this rank.
    To(usize),
    /// Receives it from this rank.
    From(usize),
}

impl Relay {
    /// For `rank` of so many.
    pub fn new(ranks: usize, rank: usize) -> Relay {
        Relay { ranks, rank }
    }

    /// Stages in which a block is on its way: as often must those who have it double. At least one, in which an owner makes its block ready.
    pub fn depth(self) -> usize {
        (self.ranks.next_power_of_two().trailing_zeros() as usize).max(1)
    }

    /// Stages of an evaluation, the last one without hops.
    pub fn stages(self) -> usize {
        self.ranks + self.depth()
    }

    /// Blocks that are on their way in a stage.
    pub fn under_way(self, stage: usize) -> std::ops::Range<usize> {
        (stage + 1).saturating_sub(self.depth())..(stage + 1).min(self.ranks)
    }

    /// The block that is summed in a stage, once the pipe is full.
    pub fn summed(self, stage: usize) -> Option<usize> {
        stage.checked_sub(self.depth())
    }

    /// What this rank does in a stage with a block that is on its way.
    pub fn hop(self, block: usize, stage: usize) -> Option<Hop> {
        let reach = 1 << (self.depth() - 1 - (stage - block));
        // Ranks count from the owner.
        let place = (self.rank + self.ranks - block) % self.ranks;
        let rank_at = |place: usize| (place + block) % self.ranks;
        match place % (2 * reach) {
            0 if place + reach < self.ranks => Some(Hop::To(rank_at(place + reach))),
            rest if rest == reach => Some(Hop::From(rank_at(place - reach))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// All messages of a stage: block, sender, receiver.
    fn messages(ranks: usize, stage: usize) -> Vec<[usize; 3]> {
        let of_rank = |rank: usize| {
            let relay = Relay::new(ranks, rank);
            relay.under_way(stage).filter_map(move |block| match relay.hop(block, stage) {
                Some(Hop::To(to)) => Some([block, rank, to]),
                _ => None,
            })
        };
        (0..ranks).flat_map(of_rank).collect()
    }

    #[test]
    fn every_rank_has_every_block_before_it_is_summed_and_gets_it_once() {
        for ranks in 1..=40 {
            let relay = Relay::new(ranks, 0);
            let mut held: HashSet<[usize; 2]> = (0..ranks).map(|rank| [rank, rank]).collect();
            for stage in 0..relay.stages() {
                if let Some(block) = relay.summed(stage) {
                    assert!((0..ranks).all(|rank| held.contains(&[block, rank])), "{block} of {ranks} is late");
                }
                let messages = messages(ranks, stage);
                for [block, from, _] in &messages {
                    assert!(held.contains(&[*block, *from]), "{from} of {ranks} does not have {block} yet");
                }
                assert!(messages.iter().all(|[block, _, to]| held.insert([*block, *to])), "a block comes twice");
            }
            assert_eq!(held.len(), ranks * ranks);
        }
    }

    #[test]
    fn both_sides_of_a_message_know_of_it() {
        for ranks in 1..=40 {
            for stage in 0..Relay::new(ranks, 0).stages() {
                let sent: HashSet<[usize; 3]> = messages(ranks, stage).into_iter().collect();
                let of_rank = |rank: usize| {
                    let relay = Relay::new(ranks, rank);
                    relay.under_way(stage).filter_map(move |block| match relay.hop(block, stage) {
                        Some(Hop::From(from)) => Some([block, from, rank]),
                        _ => None,
                    })
                };
                assert_eq!((0..ranks).flat_map(of_rank).collect::<HashSet<_>>(), sent, "{ranks} ranks, stage {stage}");
            }
        }
    }

    #[test]
    fn two_ranks_never_have_two_messages_in_a_stage() {
        for ranks in 1..=40 {
            for stage in 0..Relay::new(ranks, 0).stages() {
                let messages = messages(ranks, stage);
                let pairs: HashSet<[usize; 2]> = messages.iter().map(|[_, from, to]| [*from, *to]).collect();
                assert_eq!(pairs.len(), messages.len(), "{ranks} ranks, stage {stage}");
            }
        }
    }

    #[test]
    fn no_rank_has_much_to_do_in_a_stage() {
        for ranks in (1..=40).chain([64, 100, 256, 1000, 1024]) {
            for stage in 0..Relay::new(ranks, 0).stages() {
                let (mut sent, mut received) = (vec![0; ranks], vec![0; ranks]);
                for [_, from, to] in messages(ranks, stage) {
                    sent[from] += 1;
                    received[to] += 1;
                }
                assert!(sent.iter().all(|&n| n <= 2), "{ranks} ranks, stage {stage}: {sent:?}");
                assert!(received.iter().all(|&n| n <= 3), "{ranks} ranks, stage {stage}: {received:?}");
            }
        }
    }

    #[test]
    fn blocks_are_summed_in_rank_order_and_few_are_on_their_way() {
        for ranks in 1..=40 {
            let relay = Relay::new(ranks, 0);
            let summed: Vec<usize> = (0..relay.stages()).filter_map(|stage| relay.summed(stage)).collect();
            assert_eq!(summed, (0..ranks).collect::<Vec<_>>());
            assert!((0..relay.stages()).all(|stage| relay.under_way(stage).len() <= relay.depth()));
            assert!(relay.under_way(relay.stages() - 1).is_empty());
        }
    }
}
