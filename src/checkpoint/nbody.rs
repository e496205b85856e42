//! What an N-body model puts into a checkpoint, and how it takes it up.
//!
//! | section | holds |
//! |---|---|
//! | `bodies` | 13 words a body in the order of ids: id; position, velocity, acceleration; potential, mass; block level |
//! | `integrator` | what the scheme remembers; empty for those that start every step anew |

use super::header::Section;
use super::reader::Source;
use super::{Checkpointed, Visit};
use crate::bytes::F64;
use crate::comm::{Communicator, agree};
use crate::cpu::CpuPath;
use crate::decomposition::block_range;
use crate::error::Result;
use crate::index_order::IndexOrder;
use crate::nbody::diagnostics;
use crate::nbody::model::NBodyModel;
use crate::nbody::problem::NBodyProblem;
use crate::particles::{Particles, Row};
use crate::timing::Phase;
use serde_json::{Value, json};

/// Words of a body.
const WORDS: usize = 13;
/// Bodies that are read at a time.
const BATCH: usize = 1 << 16;
const BODIES: &str = "bodies";
const INTEGRATOR: &str = "integrator";
const COUNT: &str = "bodies";

impl Checkpointed for NBodyModel<'_> {
    fn scalars(&self) -> Value {
        json!({ COUNT: self.total_bodies() })
    }

    fn sections(&self) -> Vec<Section> {
        let bodies = self.total_bodies() * (WORDS * F64) as u64;
        vec![Section::new(BODIES, bodies), Section::new(INTEGRATOR, self.integrator_memory().len() as u64)]
    }

    fn export(&self, visit: &mut Visit<'_>) {
        let order = IndexOrder::new(self.bodies(), self.comm());
        order.for_each_batch(words, &mut |first, bytes| visit(0, first * (WORDS * F64) as u64, bytes));
        if self.comm().rank() == 0 {
            visit(1, 0, &self.integrator_memory());
        }
    }

    fn check_finite(&mut self, step: u64, time: f64) -> Result<()> {
        diagnostics::check_finite(self.bodies(), step, time, self.comm())
    }

    fn add_checkpoint_seconds(&mut self, seconds: f64) {
        self.timers.add(Phase::Checkpoint, seconds);
    }
}

/// All values of a body but its index, which is its place.
fn words(bodies: &Particles, body: usize) -> [u64; WORDS] {
    let row = bodies.row(body);
    std::array::from_fn(|n| match n {
        0 => row[11],
        1..=11 => row[n - 1],
        _ => row[13],
    })
}

/// As [`Particles::push_row`] takes it.
fn row(words: &[[u8; F64]; WORDS], index: u64) -> Row {
    let word = |n: usize| u64::from_le_bytes(words[n]);
    std::array::from_fn(|n| match n {
        0..=10 => word(n + 1),
        11 => word(0),
        12 => index,
        _ => word(12),
    })
}

/// Number of bodies of a checkpoint.
///
/// # Errors
/// Exit code 2 if it is of another model.
pub fn count(source: &Source) -> Result<u64> {
    let count = source.scalar(COUNT)?;
    let bytes = count.checked_mul((WORDS * F64) as u64).ok_or_else(|| source.misfit("it has too many bodies"))?;
    source.section(BODIES, Some(bytes)).map(|_| count)
}

/// The model of a checkpoint. Collective.
///
/// # Errors
/// The same on all ranks: exit code 2 if it is of another model, 3 if it cannot be read.
pub fn restore<'c>(
    problem: &NBodyProblem,
    source: &Source,
    comm: &'c dyn Communicator,
    path: CpuPath,
) -> Result<NBodyModel<'c>> {
    let read = own_bodies(source, comm).and_then(|bodies| Ok((bodies, source.read_all(INTEGRATOR)?)));
    let (bodies, memory) = agree(comm, read)?;
    agree(comm, NBodyModel::restored(problem, bodies, &memory, comm, path))
}

/// This rank's block of the order of ids.
fn own_bodies(source: &Source, comm: &dyn Communicator) -> Result<Particles> {
    let (section, _) = source.section(BODIES, None)?;
    let (start, length) = block_range(count(source)? as usize, comm.size(), comm.rank());
    let mut bodies = Particles::with_capacity(length);
    let mut buffer = Vec::new();
    for first in (start..start + length).step_by(BATCH) {
        let batch = BATCH.min(start + length - first);
        buffer.resize(batch * WORDS * F64, 0);
        source.read(section, (first * WORDS * F64) as u64, &mut buffer)?;
        let rows = buffer.as_chunks::<F64>().0.as_chunks::<WORDS>().0;
        rows.iter().zip(first as u64..).for_each(|(words, index)| bodies.push_row(&row(words, index)));
    }
    Ok(bodies)
}
