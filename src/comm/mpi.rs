//! Ranks as processes over MPI: the only file that names the crate `mpi`.
//!
//! # Choices
//! Thread level Funneled: the main thread makes every call, workers make none. Messages are bytes; those longer than an `int`
//! can count travel as several of `CHUNK` bytes under one tag, which MPI delivers in order. The requests of an exchange live
//! in a vector that is reused, so a pattern allocates on its first use only.
//!
//! # Ending
//! `MPI_Finalize` waits for all ranks, so it must not run when one rank has failed alone: dropping an [`MpiRank`] does not
//! finalise, [`MpiRank::finish`] does, and [`abort_job`] is the way out for everything that cannot be agreed upon.
//!
//! # Refused
//! Persistent requests (`MPI_Send_init`): they pin the addresses of buffers that the caller owns, and they start no faster.
//! rsmpi's request scopes: they allocate per message, and their borrow rules cannot express a list of messages built at run time.

use super::{Communicator, Incoming, Outgoing, ReduceOp, assert_distinct, drop_negative_zeros};
use crate::error::{Error, Result};
use crate::heartbeat;
use mpi::Threading;
use mpi::environment::Universe;
use mpi::ffi;
use std::cell::RefCell;
use std::ffi::{c_int, c_void};
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::time::Duration;

/// Bytes (or values) of the longest single message: a power of two that an `int` can count.
const CHUNK: usize = 1 << 30;

/// How long an abort may take: it is done within a second where the launcher can be reached.
const ABORTING: Duration = Duration::from_secs(10);

/// The tag of messages that belong to a gather. Any would do: messages of a pair never overtake each other, and both sides
/// call the same operations in the same order.
const GATHER_TAG: u16 = 0;

/// One process of an MPI job.
pub struct MpiRank {
    rank: usize,
    size: usize,
    universe: ManuallyDrop<Universe>,
    requests: RefCell<Vec<ffi::MPI_Request>>,
    reals: RefCell<Vec<f64>>,
    integers: RefCell<Vec<i64>>,
    /// On some MPIs all handles are plain integers; the calls belong to one thread on all of them.
    stays_on_its_thread: PhantomData<*const ()>,
}

impl MpiRank {
    /// Initialises MPI. `expected` is the number of tasks that the launcher says it started.
    ///
    /// # Errors
    /// If MPI does not allow threads beside its caller, or sees another number of ranks than the launcher started: then the
    /// program was built for another MPI than the one whose launcher is used.
    pub fn start(expected: Option<usize>) -> Result<MpiRank> {
        let (universe, granted) = mpi::initialize_with_threading(Threading::Funneled)
            .ok_or_else(|| Error::Defect("MPI was initialised twice".into()))?;
        let (rank, size) = rank_and_size();
        let this = MpiRank {
            rank,
            size,
            universe: ManuallyDrop::new(universe),
            requests: RefCell::default(),
            reals: RefCell::default(),
            integers: RefCell::default(),
            stays_on_its_thread: PhantomData,
        };
        match this.complaint(expected, granted) {
            None => Ok(this),
            Some(message) => {
                this.finish();
                Err(Error::Input(message))
            }
        }
    }

    /// What makes this MPI unusable. Every rank comes to the same verdict, so all of them may finalise.
    fn complaint(&self, expected: Option<usize>, granted: Threading) -> Option<String> {
        let library = library();
        if let Some(tasks) = expected.filter(|&tasks| tasks != self.size) {
            return Some(format!(
                "the launcher started {tasks} tasks but MPI sees {}: this program was built for {library}, which is not the \
                 MPI of the launcher; start it with that MPI's mpirun, or build it again with ./run_cluster.sh",
                self.size
            ));
        }
        (granted < Threading::Funneled).then(|| {
            format!(
                "{library} grants thread level {granted:?} only, and parhelion needs Funneled; use an MPI built with \
                 thread support"
            )
        })
    }

    /// Finalises MPI. Collective: only after a run that ended, well or not, with the agreement of all ranks.
    pub fn finish(mut self) {
        // SAFETY: `self` is consumed, so the universe is dropped once and nothing uses MPI through it afterwards.
        unsafe { ManuallyDrop::drop(&mut self.universe) }
    }

    fn send(&self, to: usize, tag: u16, data: &[u8], requests: &mut Vec<ffi::MPI_Request>) {
        for chunk in data.chunks(CHUNK) {
            // SAFETY: a null request is overwritten by the call. The caller keeps `data` borrowed until `wait`.
            unsafe {
                let mut request = ffi::RSMPI_REQUEST_NULL;
                let (start, count) = (chunk.as_ptr().cast::<c_void>(), chunk.len() as c_int);
                ffi::MPI_Isend(start, count, ffi::RSMPI_UINT8_T, to as c_int, tag.into(), world(), &mut request);
                requests.push(request);
            }
        }
    }

    fn receive(&self, from: usize, tag: u16, data: &mut [u8], requests: &mut Vec<ffi::MPI_Request>) {
        for chunk in data.chunks_mut(CHUNK) {
            // SAFETY: as in `send`; the borrow of `data` is exclusive.
            unsafe {
                let mut request = ffi::RSMPI_REQUEST_NULL;
                let (start, count) = (chunk.as_mut_ptr().cast::<c_void>(), chunk.len() as c_int);
                ffi::MPI_Irecv(start, count, ffi::RSMPI_UINT8_T, from as c_int, tag.into(), world(), &mut request);
                requests.push(request);
            }
        }
    }

    fn broadcast_slice(&self, root: usize, bytes: &mut [u8]) {
        let _waiting = heartbeat::wait();
        for chunk in bytes.chunks_mut(CHUNK) {
            let (start, count) = (chunk.as_mut_ptr().cast::<c_void>(), chunk.len() as c_int);
            // SAFETY: the chunk is valid for reads and writes of `count` bytes.
            unsafe { ffi::MPI_Bcast(start, count, ffi::RSMPI_UINT8_T, root as c_int, world()) };
        }
    }

    /// Lengths of all ranks' contributions, on `root`.
    fn gather_lengths(&self, root: usize, length: usize) -> Vec<u64> {
        let own = length as u64;
        let mut lengths = vec![0u64; if self.rank == root { self.size } else { 0 }];
        let (from, into) = ((&raw const own).cast::<c_void>(), lengths.as_mut_ptr().cast::<c_void>());
        let _waiting = heartbeat::wait();
        // SAFETY: every rank sends one value; `lengths` has room for one of each rank where it is written.
        unsafe {
            let kind = ffi::RSMPI_UINT64_T;
            ffi::MPI_Gather(from, 1, kind, into, 1, kind, root as c_int, world());
        }
        lengths
    }
}

impl Communicator for MpiRank {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn barrier(&self) {
        let _waiting = heartbeat::wait();
        // SAFETY: MPI is initialised as long as `self` lives.
        unsafe { ffi::MPI_Barrier(world()) };
    }

    fn all_reduce(&self, op: ReduceOp, values: &mut [f64]) {
        // SAFETY: reading a constant of the MPI library.
        let (kind, op) = unsafe {
            let op = if op == ReduceOp::Min { ffi::RSMPI_MIN } else { ffi::RSMPI_MAX };
            (ffi::RSMPI_DOUBLE, op)
        };
        all_reduce(values, &mut self.reals.borrow_mut(), kind, op);
        drop_negative_zeros(values);
    }

    fn all_sum(&self, values: &mut [i64]) {
        // SAFETY: reading a constant of the MPI library.
        let (kind, op) = unsafe { (ffi::RSMPI_INT64_T, ffi::RSMPI_SUM) };
        all_reduce(values, &mut self.integers.borrow_mut(), kind, op);
    }

    fn broadcast(&self, root: usize, bytes: &mut Vec<u8>) {
        let mut length = (bytes.len() as u64).to_ne_bytes();
        self.broadcast_slice(root, &mut length);
        bytes.resize(u64::from_ne_bytes(length) as usize, 0);
        self.broadcast_slice(root, bytes);
    }

    fn gather(&self, root: usize, bytes: &[u8]) -> Vec<Vec<u8>> {
        let lengths = self.gather_lengths(root, bytes.len());
        let mut parts: Vec<Vec<u8>> = lengths.iter().map(|&length| vec![0; length as usize]).collect();
        let in_flight = InFlight { requests: &mut self.requests.borrow_mut() };
        for (from, part) in parts.iter_mut().enumerate() {
            self.receive(from, GATHER_TAG, part, in_flight.requests);
        }
        self.send(root, GATHER_TAG, bytes, in_flight.requests);
        in_flight.wait();
        parts
    }

    fn exchange(&self, outgoing: &[Outgoing<'_>], incoming: &mut [Incoming<'_>], work: &mut dyn FnMut()) {
        assert_distinct(outgoing, incoming);
        let in_flight = InFlight { requests: &mut self.requests.borrow_mut() };
        for message in incoming.iter_mut() {
            self.receive(message.from, message.tag, message.data, in_flight.requests);
        }
        for message in outgoing {
            self.send(message.to, message.tag, message.data, in_flight.requests);
        }
        work();
        in_flight.wait();
    }

    fn poll(&self, tag: u16, data: &mut [u8]) -> Option<usize> {
        assert!(data.len() <= CHUNK, "a message that is polled for is one message");
        let mut there: c_int = 0;
        let mut status = std::mem::MaybeUninit::<ffi::MPI_Status>::uninit();
        // SAFETY: both pointers are valid for writes; the status is read only if the call says that it has filled it.
        let from = unsafe {
            let any = ffi::RSMPI_ANY_SOURCE;
            ffi::MPI_Iprobe(any, tag.into(), world(), &mut there, status.as_mut_ptr());
            if there == 0 {
                return None;
            }
            status.assume_init().MPI_SOURCE
        };
        // SAFETY: `data` is valid for writes of its length, which is that of the message.
        unsafe {
            let (into, count) = (data.as_mut_ptr().cast::<c_void>(), data.len() as c_int);
            let ignored = ffi::RSMPI_STATUS_IGNORE;
            ffi::MPI_Recv(into, count, ffi::RSMPI_UINT8_T, from, tag.into(), world(), ignored);
        }
        Some(from as usize)
    }

    fn abort(&self, exit_code: u8) -> ! {
        abort_job(exit_code)
    }
}

/// Messages on their way. Their buffers must outlive them, so unwinding past them ends the job.
struct InFlight<'a> {
    requests: &'a mut Vec<ffi::MPI_Request>,
}

impl InFlight<'_> {
    fn wait(self) {
        let count = self.requests.len() as c_int;
        let _waiting = heartbeat::wait();
        // SAFETY: the requests are live, and their buffers are still borrowed by the caller.
        unsafe { ffi::MPI_Waitall(count, self.requests.as_mut_ptr(), ffi::RSMPI_STATUSES_IGNORE) };
        self.requests.clear();
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if !self.requests.is_empty() {
            abort_job(1);
        }
    }
}

/// Reduces by way of `scratch`, whose capacity is kept: rsmpi has no name for MPI_IN_PLACE.
fn all_reduce<T: Copy>(values: &mut [T], scratch: &mut Vec<T>, kind: ffi::MPI_Datatype, op: ffi::MPI_Op) {
    let _waiting = heartbeat::wait();
    for chunk in values.chunks_mut(CHUNK) {
        scratch.clear();
        scratch.extend_from_slice(chunk);
        let (from, into) = (scratch.as_ptr().cast::<c_void>(), chunk.as_mut_ptr().cast::<c_void>());
        // SAFETY: both slices hold `count` values of the type that `kind` names.
        unsafe { ffi::MPI_Allreduce(from, into, chunk.len() as c_int, kind, op, world()) };
    }
}

fn world() -> ffi::MPI_Comm {
    // SAFETY: reading a constant of the MPI library.
    unsafe { ffi::RSMPI_COMM_WORLD }
}

fn rank_and_size() -> (usize, usize) {
    let (mut rank, mut size): (c_int, c_int) = (0, 0);
    // SAFETY: called after MPI was initialised; both pointers are valid.
    unsafe {
        ffi::MPI_Comm_rank(world(), &mut rank);
        ffi::MPI_Comm_size(world(), &mut size);
    }
    (rank as usize, size as usize)
}

/// Name and version of the MPI library, for example `Open MPI v4.1.4`.
pub fn library() -> String {
    let text = mpi::environment::library_version().unwrap_or_else(|_| "unknown MPI".into());
    let first = text.split(['\n', ',', '\0']).next().unwrap_or_default();
    first.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Ends the whole job at once with this exit code, from any thread of any rank.
pub fn abort_job(exit_code: u8) -> ! {
    if mpi::environment::is_initialized() && !mpi::environment::is_finalized() {
        end_anyway();
        // SAFETY: MPI is up. The call comes from whatever thread failed: it does not return, and no answer is needed.
        unsafe { ffi::MPI_Abort(world(), c_int::from(exit_code)) };
    }
    std::process::exit(i32::from(exit_code))
}

/// Kills this process after [`ABORTING`]: on a host that has been cut off, MPICH's abort waits for its launcher and never returns, and the rank
/// would hold its output directory.
fn end_anyway() {
    let last_resort = || {
        std::thread::sleep(ABORTING);
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    };
    // Without a thread the abort stands alone, as it does in most jobs.
    let _ = std::thread::Builder::new().name("last-resort".to_owned()).spawn(last_resort);
}
