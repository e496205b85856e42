//! Messages between two ranks of a job, by size, through the communicator of a run: whatever the job's MPI takes between them.

use super::paths::{Path, Point, SIZES, fitting};
use crate::comm::{Communicator, Incoming, Outgoing, ReduceOp};
use crate::laboratory::statistics::median;
use crate::runtime::placement::Placement;
use std::time::Instant;

/// Distinguishes these messages from those of runs.
const TAG: u16 = 0x6d63;
/// Round trips that warm up and tell how many fit.
const FIRST: usize = 5;

/// Between rank 0 and the first rank on another host, or the next one; counts on rank 0, none for one rank. Collective.
pub fn measure(comm: &dyn Communicator, placements: &[Placement], transport: &str) -> Option<Path> {
    let here = &placements.first()?.host;
    if comm.size() < 2 {
        return None;
    }
    let far = placements.iter().position(|placement| placement.host != *here);
    let between = match far {
        Some(rank) => format!("ranks 0 and {rank} on {here} and {}", placements[rank].host),
        None => format!("two ranks on {here}"),
    };
    let partner = far.unwrap_or(1);
    let points = SIZES.map(|bytes| {
        let first = trips(comm, partner, bytes, FIRST);
        // All ranks must do the same number.
        let mut agreed = [first];
        comm.all_reduce(ReduceOp::Max, &mut agreed);
        Point { bytes, seconds: trips(comm, partner, bytes, fitting(2.0 * agreed[0])) }
    });
    Some(Path { name: format!("mpi{transport}"), between, points: points.to_vec() })
}

/// Median half round trip on rank 0; 0 elsewhere.
fn trips(comm: &dyn Communicator, partner: usize, bytes: usize, count: usize) -> f64 {
    let mut message = vec![1u8; bytes];
    let other = if comm.rank() == 0 { partner } else { 0 };
    let send = |message: &[u8]| {
        comm.exchange(&[Outgoing { to: other, tag: TAG, data: message }], &mut [], &mut || ());
    };
    let receive = |message: &mut [u8]| {
        comm.exchange(&[], &mut [Incoming { from: other, tag: TAG, data: message }], &mut || ());
    };
    let mut halves = Vec::with_capacity(count);
    for _ in 0..count {
        if comm.rank() == 0 {
            let start = Instant::now();
            send(&message);
            receive(&mut message);
            halves.push(start.elapsed().as_secs_f64() / 2.0);
        } else if comm.rank() == partner {
            receive(&mut message);
            send(&message);
        }
    }
    if comm.rank() == 0 { median(&halves) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::threads;

    #[test]
    fn all_ranks_leave_together_and_rank_0_knows() {
        let host = |name: &str| Placement { host: name.to_owned(), cores: vec![0], parallelism: 1, threads: 1 };
        let found = threads::run(3, |comm| measure(comm, &[host("a"), host("a"), host("b")], ""));
        let path = found[0].as_ref().unwrap();
        assert_eq!((path.between.as_str(), path.points.len()), ("ranks 0 and 2 on a and b", SIZES.len()));
        assert!(path.points.iter().all(|point| point.seconds > 0.0));
        assert_eq!(threads::run(1, |comm| measure(comm, &[host("a")], "")), [None]);
    }
}
