//! The ranks of a job as workers: rank 0 hands out members and collects results, every other rank runs what it is given. A member runs inside
//! its rank, alone ([`super::inside`]); what goes over the network is its number and a line about how it ended.
//!
//! ```text
//! rank 0                                   rank r
//!   order: number of a member   ------>      runs it
//!   <------  length of the answer, answer    (as JSON)
//!   order: number, or that there are no more ------>
//! ```
//! Rank 0 cannot know who will be the next to answer, so it polls ([`Communicator::poll`]), and sleeps in between: it takes no core from
//! a worker. Ranks that have nothing left to do wait in the same way.
//!
//! A rank that dies takes the job with it: that is what MPI promises. The members that were done stay, and the same command goes on.

use super::outcome::{Attend, Event, Outcome};
use crate::comm::{Communicator, Incoming, Outgoing};
use crate::error::Result;
use crate::heartbeat;
use std::collections::VecDeque;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Tags of orders, of lengths of answers, and of answers.
const ORDER: u16 = 40;
const LENGTH: u16 = 41;
const ANSWER: u16 = 42;
/// The order to end.
const NO_MORE: u64 = u64::MAX;
/// Time between two looks at what has come.
const NAP: Duration = Duration::from_millis(1);
/// Looks without a message between two calls of `attend`.
const LOOKS: u32 = 50;

/// Hands out members to all other ranks, and returns when all of them have been told that there are no more. By rank 0.
///
/// # Errors
/// The first of `attend`, after all ranks have ended what they had begun.
pub fn hand_out(comm: &dyn Communicator, todo: &[usize], started: Instant, attend: Attend<'_>) -> Result<()> {
    let mut master =
        Master { comm, todo: todo.iter().copied().collect(), started, busy: vec![None; comm.size()], outcome: Ok(()) };
    for rank in 1..comm.size() {
        master.order(rank, attend);
    }
    let mut looks = 0;
    while master.busy.iter().any(Option::is_some) {
        let mut length = [0; 8];
        match comm.poll(LENGTH, &mut length) {
            Some(rank) => master.collect(rank, u64::from_le_bytes(length), attend),
            None => {
                sleep(NAP);
                looks += 1;
            }
        }
        if looks >= LOOKS {
            heartbeat::beat();
            master.tell(None, attend);
            looks = 0;
        }
    }
    master.outcome
}

struct Master<'a> {
    comm: &'a dyn Communicator,
    todo: VecDeque<usize>,
    started: Instant,
    /// Which member each rank has, and since when.
    busy: Vec<Option<(usize, f64)>>,
    outcome: Result<()>,
}

impl Master<'_> {
    fn tell(&mut self, event: Option<Event>, attend: Attend<'_>) {
        match attend(event) {
            Ok(true) => {}
            Ok(false) => self.todo.clear(),
            Err(error) => {
                self.todo.clear();
                if self.outcome.is_ok() {
                    self.outcome = Err(error);
                }
            }
        }
    }

    fn order(&mut self, rank: usize, attend: Attend<'_>) {
        let member = self.todo.pop_front();
        let data = member.map_or(NO_MORE, |member| member as u64).to_le_bytes();
        self.busy[rank] = member.map(|member| (member, self.started.elapsed().as_secs_f64()));
        self.comm.exchange(&[Outgoing { to: rank, tag: ORDER, data: &data }], &mut [], &mut || ());
        if let Some(member) = member {
            self.tell(Some(Event::Began { worker: rank - 1, member }), attend);
        }
    }

    fn collect(&mut self, rank: usize, length: u64, attend: Attend<'_>) {
        let mut text = vec![0; length as usize];
        self.comm.exchange(&[], &mut [Incoming { from: rank, tag: ANSWER, data: &mut text }], &mut || ());
        let outcome: Outcome = serde_json::from_slice(&text).expect("an answer is read as it was written");
        if let Some((member, begin)) = self.busy[rank].take() {
            let seconds = [begin, self.started.elapsed().as_secs_f64()];
            self.tell(Some(Event::Ended { worker: rank - 1, member, seconds, outcome }), attend);
        }
        self.order(rank, attend);
    }
}

/// Runs what rank 0 hands out until there is no more. By every other rank.
pub fn serve(comm: &dyn Communicator, run: &mut dyn FnMut(usize) -> Outcome) {
    loop {
        let mut order = [0; 8];
        while comm.poll(ORDER, &mut order).is_none() {
            heartbeat::beat();
            sleep(NAP);
        }
        let member = u64::from_le_bytes(order);
        if member == NO_MORE {
            return;
        }
        let answer = serde_json::to_vec(&run(member as usize)).expect("an outcome has a text form");
        let length = (answer.len() as u64).to_le_bytes();
        let message = |tag, data| Outgoing { to: 0, tag, data };
        comm.exchange(&[message(LENGTH, &length), message(ANSWER, &answer)], &mut [], &mut || ());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::threads;
    use crate::error::Error;

    fn outcome(member: usize) -> Outcome {
        Outcome { exit_code: Some(0), signal: None, message: "x".repeat(member), stopping: false }
    }

    #[test]
    fn every_member_goes_to_one_rank_and_its_answer_comes_back() {
        for (ranks, members) in [(2, 5), (4, 30), (5, 2)] {
            let todo: Vec<usize> = (0..members).collect();
            let results = threads::run(ranks, |comm| {
                let mut seen = Vec::new();
                if comm.rank() > 0 {
                    serve(comm, &mut |member| outcome(member));
                    return seen;
                }
                hand_out(comm, &todo, Instant::now(), &mut |event| {
                    if let Some(Event::Ended { member, outcome, worker, .. }) = event {
                        assert!(outcome.message.len() == member && worker + 1 < ranks);
                        seen.push(member);
                    }
                    Ok(true)
                })
                .unwrap();
                seen
            });
            let mut seen = results[0].clone();
            seen.sort_unstable();
            assert_eq!(seen, todo);
        }
    }

    #[test]
    fn an_error_of_rank_0_frees_all_ranks() {
        let todo: Vec<usize> = (0..50).collect();
        let results = threads::run(3, |comm| match comm.rank() {
            0 => hand_out(comm, &todo, Instant::now(), &mut |_| Err(Error::Io("full".into()))),
            _ => {
                serve(comm, &mut outcome);
                Ok(())
            }
        });
        assert_eq!(results, [Err(Error::Io("full".into())), Ok(()), Ok(())]);
    }
}
