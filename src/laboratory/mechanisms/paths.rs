//! Messages by size: half a round trip over each path of the system, between two cores where there are two.
//!
//! Pipe, Unix socket and TCP join this process and a child; both copy every byte into the kernel and out of it. Shared memory joins two
//! threads: one copies into a mailbox, the other waits for a number to change and copies out. That wait spins, as MPI's does.

use super::partner::{Partner, announce};
use crate::host::topology;
use crate::laboratory::statistics::median;
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Bytes of a message.
pub const SIZES: [usize; 8] = [8, 64, 512, 4 << 10, 32 << 10, 256 << 10, 1 << 20, 4 << 20];
/// Seconds that a size may take, and the fewest and most round trips.
const BUDGET_S: f64 = 0.08;
const TRIPS: [usize; 2] = [5, 2000];
/// Round trips that warm up and tell how many fit.
const FIRST: usize = 3;
/// Looks at a number before the core is offered to others.
const SPINS: usize = 2000;

/// One path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Path {
    /// `pipe`, `unix socket`, `tcp`, `shared memory`, `mpi`, ...
    pub name: String,
    /// Between what, in words.
    pub between: String,
    /// By size, ascending.
    pub points: Vec<Point>,
}

/// One size of message.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Bytes of the message.
    pub bytes: usize,
    /// Median half round trip.
    pub seconds: f64,
}

impl Point {
    /// Bytes in a second of one direction.
    pub fn bandwidth(&self) -> f64 {
        self.bytes as f64 / self.seconds
    }
}

impl Path {
    /// Half a round trip of the shortest message.
    pub fn latency(&self) -> f64 {
        self.points.first().map_or(0.0, |point| point.seconds)
    }

    /// The largest of all sizes.
    pub fn bandwidth(&self) -> f64 {
        self.points.iter().map(Point::bandwidth).fold(0.0, f64::max)
    }
}

/// Round trips that fit in the time for a size, when the first ones took so long.
pub(super) fn fitting(seconds: f64) -> usize {
    ((BUDGET_S / seconds.max(1e-9)) as usize).clamp(TRIPS[0], TRIPS[1])
}

/// All paths that need no launcher.
///
/// # Errors
/// If one cannot be made.
pub fn measure() -> io::Result<Vec<Path>> {
    Ok(vec![shared_memory(), pipe()?, unix_socket()?, tcp()?])
}

fn child(name: &str, points: Vec<Point>) -> Path {
    Path { name: name.to_owned(), between: "two processes on this machine".to_owned(), points }
}

fn pipe() -> io::Result<Path> {
    let (from_asker, to_partner) = io::pipe()?;
    let (from_partner, to_asker) = io::pipe()?;
    let partner = partner(from_asker.into(), to_asker.into())?;
    Ok(child("pipe", over(partner, from_partner, to_partner)?))
}

fn unix_socket() -> io::Result<Path> {
    let (own, other) = UnixStream::pair()?;
    let partner = partner(OwnedFd::from(other.try_clone()?).into(), OwnedFd::from(other).into())?;
    Ok(child("unix socket", over(partner, own.try_clone()?, own)?))
}

fn tcp() -> io::Result<Path> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let other = TcpStream::connect(listener.local_addr()?)?;
    let (own, _) = listener.accept()?;
    // Otherwise a short message waits for the acknowledgement of the one before.
    own.set_nodelay(true).and_then(|()| other.set_nodelay(true))?;
    let partner = partner(OwnedFd::from(other.try_clone()?).into(), OwnedFd::from(other).into())?;
    Ok(child("tcp", over(partner, own.try_clone()?, own)?))
}

/// A process that sends back, on the second core.
fn partner(input: Stdio, output: Stdio) -> io::Result<Partner> {
    Partner::start(&["echo", "--core", "1"].map(OsStr::new), input, output)
}

/// Every size, asked from a thread on the first core.
fn over(
    partner: Partner,
    mut input: impl Read + Send + 'static,
    mut output: impl Write + Send + 'static,
) -> io::Result<Vec<Point>> {
    let asker = std::thread::spawn(move || {
        topology::bind_thread(0);
        SIZES.into_iter().map(|bytes| by_stream(bytes, &mut input, &mut output)).collect::<io::Result<Vec<Point>>>()
    });
    let points = asker.join().unwrap_or_else(|_| Err(io::Error::other("a measuring thread failed")))?;
    partner.end().map(|()| points)
}

fn by_stream(bytes: usize, input: &mut dyn Read, output: &mut dyn Write) -> io::Result<Point> {
    let mut message = vec![1u8; bytes];
    let mut phase = |trips: usize| {
        announce(output, bytes, trips)?;
        let mut trip = || {
            let start = Instant::now();
            output.write_all(&message).and_then(|()| input.read_exact(&mut message))?;
            Ok(start.elapsed().as_secs_f64() / 2.0)
        };
        (0..trips).map(|_| trip()).collect::<io::Result<Vec<f64>>>().map(|halves| median(&halves))
    };
    let first = phase(FIRST)?;
    Ok(Point { bytes, seconds: phase(fitting(2.0 * first))? })
}

/// A place for one message; its number tells whose turn it is: even the asker's, odd the answerer's.
struct Mailbox {
    turn: AtomicU64,
    message: Mutex<Vec<u8>>,
}

impl Mailbox {
    fn put(&self, message: &[u8], turn: u64) {
        self.message.lock().unwrap_or_else(PoisonError::into_inner)[..message.len()].copy_from_slice(message);
        self.turn.store(turn, Ordering::Release);
    }

    fn take(&self, message: &mut [u8], turn: u64) {
        let mut looks = 0;
        while self.turn.load(Ordering::Acquire) != turn {
            looks += 1;
            if looks % SPINS == 0 { std::thread::yield_now() } else { std::hint::spin_loop() }
        }
        message.copy_from_slice(&self.message.lock().unwrap_or_else(PoisonError::into_inner)[..message.len()]);
    }
}

/// Between two threads of this process, by a mailbox.
pub fn shared_memory() -> Path {
    let points = SIZES.map(|bytes| {
        let first = by_mailbox(bytes, FIRST);
        Point { bytes, seconds: by_mailbox(bytes, fitting(2.0 * first)) }
    });
    Path { name: "shared memory".to_owned(), between: "two threads".to_owned(), points: points.to_vec() }
}

fn by_mailbox(bytes: usize, trips: usize) -> f64 {
    let mailbox = Mailbox { turn: AtomicU64::new(0), message: Mutex::new(vec![0; bytes]) };
    let mailbox = &mailbox;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            topology::bind_thread(1);
            let mut message = vec![0u8; bytes];
            for trip in 0..trips as u64 {
                mailbox.take(&mut message, 2 * trip + 1);
                mailbox.put(&message, 2 * trip + 2);
            }
        });
        let asker = scope.spawn(move || {
            topology::bind_thread(0);
            let mut message = vec![1u8; bytes];
            let mut trip = |trip: u64| {
                let start = Instant::now();
                mailbox.put(&message, 2 * trip + 1);
                mailbox.take(&mut message, 2 * trip + 2);
                start.elapsed().as_secs_f64() / 2.0
            };
            median(&(0..trips as u64).map(&mut trip).collect::<Vec<f64>>())
        });
        asker.join().unwrap_or(f64::NAN)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mailbox_carries_messages_both_ways() {
        let (mailbox, trips) = (Mailbox { turn: AtomicU64::new(0), message: Mutex::new(vec![0; 3]) }, 100u64);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut message = [0; 3];
                for trip in 0..trips {
                    mailbox.take(&mut message, 2 * trip + 1);
                    mailbox.put(&message.map(|byte| byte + 1), 2 * trip + 2);
                }
            });
            let mut message = [7; 3];
            for trip in 0..trips {
                mailbox.put(&message, 2 * trip + 1);
                mailbox.take(&mut message, 2 * trip + 2);
            }
            assert_eq!(message, [107; 3]);
        });
    }

    #[test]
    fn trips_fit_in_their_time() {
        assert_eq!([0.0, 1e-3, 1.0].map(fitting), [2000, 80, 5]);
        let path = child("x", vec![Point { bytes: 8, seconds: 1e-6 }, Point { bytes: 1000, seconds: 1e-5 }]);
        assert!((path.latency() - 1e-6).abs() < 1e-18 && (path.bandwidth() - 1e8).abs() < 1.0);
    }
}
