//! Runs evaluations by multipoles on many ranks of this process, to count what they send.
//!
//! Their seconds mean nothing, for ranks outnumber cores; so all bodies count alike where ranks share the work. What is sent hardly depends on it.

use super::traffic::{Call, Tally, Traffic};
use crate::comm::{Communicator, threads};
use crate::cpu::CpuPath;
use crate::decomposition::block_range;
use crate::error::{Error, Result};
use crate::host::{self, topology};
use crate::nbody::fmm::crown::{Crown, LocalKeys};
use crate::nbody::fmm::key::RootCube;
use crate::nbody::fmm::octree::LeafLimit;
use crate::nbody::fmm::tuning::Tuning;
use crate::nbody::fmm::{Fmm, domain};
use crate::nbody::force::Forces;
use crate::nbody::problem::Gravity;
use crate::particles::Particles;
use rayon::ThreadPoolBuilder;
use std::time::Instant;

/// Ranks on which evaluations are counted.
const COUNTED: [usize; 5] = [2, 4, 16, 64, 256];
/// What a count costs more than the one before it on a quarter of the ranks, and seconds that no count takes longer than.
const COSTLIER: f64 = 6.0;
const BUDGET_S: f64 = 10.0;
/// Copies of what a rank gets that stand in memory together.
const COPIES: f64 = 3.0;

/// Counts up to the first number of ranks that is not below `most`, as far as time and memory go. `bodies` have forces, and are in order of keys, as
/// an evaluation on one rank leaves them; the deck has `times` as many.
///
/// # Errors
/// If the system does not start so many threads.
pub fn counts(gravity: &Gravity, bodies: &Particles, times: f64, most: usize) -> Result<Vec<Traffic>> {
    let needed = 1 + COUNTED.iter().position(|&ranks| ranks >= most).unwrap_or(COUNTED.len() - 1);
    let (mut counted, mut last_s) = (Vec::<Traffic>::new(), 0.0);
    for &ranks in COUNTED[..needed].iter().filter(|&&ranks| ranks <= bodies.len()) {
        let held = counted.last().map_or(0.0, |last| ranks as f64 * COPIES * (last.shared + last.mean));
        if last_s * COSTLIER > BUDGET_S || held > memory() {
            break;
        }
        let start = Instant::now();
        counted.push(evaluation(gravity, bodies, ranks)?);
        last_s = start.elapsed().as_secs_f64();
    }
    let grown = |traffic: Traffic| {
        let of = |times: f64| branches(gravity, bodies, times, traffic.ranks);
        traffic.grown(of(times) / of(1.0), times.powf(2.0 / 3.0))
    };
    Ok(counted.into_iter().map(grown).collect())
}

/// Half of the bytes that can be had.
fn memory() -> f64 {
    let limits = [host::memory_limit().map(|limit| limit.bytes), topology::available_memory()];
    limits.into_iter().flatten().min().map_or(f64::INFINITY, |bytes| 0.5 * bytes as f64)
}

fn evaluation(gravity: &Gravity, bodies: &Particles, ranks: usize) -> Result<Traffic> {
    let on_rank = |comm: &dyn Communicator| -> Result<Vec<Call>> {
        let pool = ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
        let _pool = pool.map_err(|cause| Error::Input(format!("cannot start ranks that count ({cause})")))?;
        let (first, count) = block_range(bodies.len(), ranks, comm.rank());
        let mut own = Particles::with_capacity(count);
        (first..first + count).for_each(|body| own.push_row(&bodies.row(body)));
        // Bodies are on their ranks already in a run, but for the few that cross a border in a step.
        domain::distribute(&mut own, &[], Tuning::of(gravity.accuracy).leaf_capacity, comm)?;
        let tally = Tally::new(comm);
        Fmm::new(gravity, CpuPath::best()).evaluate(&mut own, 0, &tally)?;
        Ok(tally.into_calls())
    };
    let calls = threads::try_run(ranks, on_rank)?.into_iter().collect::<Result<Vec<_>>>()?;
    Ok(Traffic::of(&calls))
}

/// Branches if there were so many times as many bodies, distributed alike: a leaf then holds as many fewer of these.
fn branches(gravity: &Gravity, bodies: &Particles, times: f64, ranks: usize) -> f64 {
    let corner = |start: f64, of: fn(f64, f64) -> f64| {
        [0, 1, 2].map(|axis| bodies.position[axis].iter().copied().fold(start, of))
    };
    let cube = RootCube::covering(corner(f64::INFINITY, f64::min), corner(f64::NEG_INFINITY, f64::max));
    let mut keys: Vec<u64> = (0..bodies.len()).map(|body| cube.key(bodies.position_of(body))).collect();
    keys.sort_unstable();
    let work_before: Vec<u64> = (0..=keys.len() as u64).collect();
    let leaf = (Tuning::of(gravity.accuracy).leaf_capacity as f64 / times).ceil() as u64;
    let local = LocalKeys { keys: &keys, work_before: &work_before };
    let limit = LeafLimit::new(leaf, keys.len() as u64);
    Crown::find(local, domain::grain(keys.len() as u64, ranks), limit, &crate::comm::solo::Solo).branches.len() as f64
}
