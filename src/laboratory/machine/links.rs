//! What a message costs between two workers: `alpha + beta x bytes` (Hockney 1994).
//!
//! Ping-pong: alpha is the median half round trip of 8 bytes, beta what each byte of 1 MiB adds to it. Two thread ranks and MPI ranks
//! exchange by the program's own communicator, as a run does; TCP by sockets of the standard library over the loopback, without Nagle's delay.

use crate::comm::{Communicator, Incoming, Outgoing, threads};
use crate::host::topology;
use crate::laboratory::statistics::median;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// Bytes of a short and of a long message.
const SIZES: [usize; 2] = [8, 1 << 20];
/// Round trips that warm up, and that count, of each size.
const TRIPS: [(usize, usize); 2] = [(50, 400), (5, 30)];
/// Distinguishes these messages from those of runs.
const TAG: u16 = 0x6d61;
/// Name of the link between the first host and the one in the middle of the list, where that is not the next one.
pub const FAR: &str = "mpi_far";
/// A socket that waits longer has lost its other end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Cost of messages of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// `shared_memory`, `tcp`, `mpi` or [`FAR`].
    pub name: String,
    /// Between what, in words.
    #[serde(default)]
    pub between: String,
    /// Seconds of a message of no length.
    pub alpha_s: f64,
    /// Seconds that each byte adds.
    pub beta_s_per_byte: f64,
}

impl Link {
    fn of(name: &str, between: String, [short, long]: [f64; 2]) -> Link {
        let beta = (long - short).max(0.0) / (SIZES[1] - SIZES[0]) as f64;
        Link { name: name.to_owned(), between, alpha_s: short, beta_s_per_byte: beta }
    }

    /// Seconds of a message.
    pub fn seconds(&self, bytes: f64) -> f64 {
        self.alpha_s + self.beta_s_per_byte * bytes
    }
}

/// Between two thread ranks of this process.
pub fn shared_memory() -> Option<Link> {
    let seconds = threads::try_run(2, bound_ping_pong).ok()?.swap_remove(0);
    Some(Link::of("shared_memory", "two ranks that are threads of a process".to_owned(), seconds))
}

fn bound_ping_pong(comm: &dyn Communicator) -> [f64; 2] {
    topology::bind_thread(comm.rank());
    ping_pong(comm, 1)
}

/// Between rank 0 and `partner`, on rank 0. Collective.
pub fn ranks(comm: &dyn Communicator, name: &str, partner: usize, between: String) -> Option<Link> {
    let seconds = ping_pong(comm, partner);
    (comm.rank() == 0).then(|| Link::of(name, between, seconds))
}

/// Seconds a byte if each of these ranks sends a long message to the one half of them further on, all at once, as rank 0 sees it; the others take
/// no part. Ways that several of them share show here, and not between two. Collective.
pub fn crossing(comm: &dyn Communicator, ends: &[usize]) -> f64 {
    // Those that were not asked before would be done before the others begin.
    comm.barrier();
    let Some(place) = ends.iter().position(|&end| end == comm.rank()) else { return 0.0 };
    let (count, half) = (ends.len(), ends.len() / 2);
    let (to, from) = (ends[(place + half) % count], ends[(place + count - half) % count]);
    let sent = vec![1u8; SIZES[1]];
    let mut received = sent.clone();
    let half_s = half_trip(TRIPS[1], || {
        let outgoing = [Outgoing { to, tag: TAG, data: &sent }];
        comm.exchange(&outgoing, &mut [Incoming { from, tag: TAG, data: &mut received }], &mut || ());
    });
    // What is a whole trip there is one message here.
    2.0 * half_s / SIZES[1] as f64
}

/// Medians of half a round trip between ranks 0 and `partner` for both sizes; of no meaning elsewhere.
fn ping_pong(comm: &dyn Communicator, partner: usize) -> [f64; 2] {
    [0, 1].map(|size| {
        let mut buffer = vec![1u8; SIZES[size]];
        let other = if comm.rank() == 0 { partner } else { 0 };
        let send = |buffer: &mut Vec<u8>| {
            comm.exchange(&[Outgoing { to: other, tag: TAG, data: buffer }], &mut [], &mut || ())
        };
        let receive = |buffer: &mut Vec<u8>| {
            comm.exchange(&[], &mut [Incoming { from: other, tag: TAG, data: buffer }], &mut || ())
        };
        let trips = TRIPS[size];
        match comm.rank() {
            0 => half_trip(trips, || {
                send(&mut buffer);
                receive(&mut buffer);
            }),
            rank if rank == partner => half_trip(trips, || {
                receive(&mut buffer);
                send(&mut buffer);
            }),
            _ => 0.0,
        }
    })
}

/// Median seconds of half a trip.
fn half_trip((warm_up, counted): (usize, usize), mut trip: impl FnMut()) -> f64 {
    (0..warm_up).for_each(|_| trip());
    let mut time = |_| {
        let start = Instant::now();
        trip();
        start.elapsed().as_secs_f64() / 2.0
    };
    median(&(0..counted).map(&mut time).collect::<Vec<f64>>())
}

/// Between two threads over the loopback; absent where there is no loopback.
pub fn tcp() -> Option<Link> {
    let between = "two threads over the loopback".to_owned();
    over_loopback().ok().map(|seconds| Link::of("tcp", between, seconds))
}

fn over_loopback() -> io::Result<[f64; 2]> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    std::thread::scope(|scope| {
        let partner = scope.spawn(move || {
            topology::bind_thread(1);
            answer(connected(TcpStream::connect_timeout(&address, PATIENCE)?)?)
        });
        let asker = scope.spawn(move || {
            topology::bind_thread(0);
            ask(connected(listener.accept()?.0)?)
        });
        let times = asker.join().unwrap_or_else(|_| Err(io::Error::other("the asker failed")));
        let answered = partner.join().unwrap_or_else(|_| Err(io::Error::other("the partner failed")));
        answered.and(times)
    })
}

fn connected(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

fn ask(mut stream: TcpStream) -> io::Result<[f64; 2]> {
    let mut outcome = Ok(());
    let times = [0, 1].map(|size| {
        let mut buffer = vec![1u8; SIZES[size]];
        half_trip(TRIPS[size], || {
            if outcome.is_ok() {
                outcome = stream.write_all(&buffer).and_then(|()| stream.read_exact(&mut buffer));
            }
        })
    });
    outcome.map(|()| times)
}

fn answer(mut stream: TcpStream) -> io::Result<()> {
    for (size, (warm_up, counted)) in SIZES.into_iter().zip(TRIPS) {
        let mut buffer = vec![1u8; size];
        for _ in 0..warm_up + counted {
            stream.read_exact(&mut buffer)?;
            stream.write_all(&buffer)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_links_of_one_process_answer() {
        for link in [shared_memory().unwrap(), tcp().unwrap()] {
            assert!(link.alpha_s > 0.0 && link.alpha_s < 0.1, "{link:?}");
            assert!(link.beta_s_per_byte > 0.0 && link.beta_s_per_byte < 1e-6, "{link:?}");
        }
    }

    #[test]
    fn some_of_the_ranks_send_across() {
        let betas = threads::run(5, |comm: &dyn Communicator| crossing(comm, &[0, 1, 2, 4]));
        assert!(betas[0] > 0.0 && betas[0] < 1e-6, "{betas:?}");
        assert_eq!(betas[3], 0.0, "it takes no part");
    }

    #[test]
    fn alpha_and_beta_follow_from_two_sizes() {
        let link = Link::of("tcp", String::new(), [1e-6, 1e-6 + 1e-9 * ((1 << 20) - 8) as f64]);
        assert!((link.beta_s_per_byte - 1e-9).abs() < 1e-18);
        assert!((link.seconds(1000.0) - 2e-6).abs() < 1e-15);
    }
}
