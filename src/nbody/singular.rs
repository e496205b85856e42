//! Forces that are not finite: which bodies are to blame, in words for the user.

use crate::comm::{Communicator, ReduceOp};
use crate::error::{Error, Result};
use crate::particles::Particles;

/// Squared distance below which the cube of the inverse distance is beyond 64 bits.
const TOUCHING: f64 = 1e-205;

/// Checks the forces on these bodies of the rank. Collective.
///
/// # Errors
/// Exit code 4 if a force or potential is not finite, the same on all ranks: it names the body of lowest index and, if there is
/// one, a body at the same place.
pub fn check(bodies: &Particles, active: &[usize], comm: &dyn Communicator) -> Result<()> {
    let first_broken = active.iter().copied().filter(|&n| !is_finite(bodies, n)).min_by_key(|&n| bodies.index[n]);
    let Some(broken) = agreed_body(bodies, first_broken, comm) else { return Ok(()) };
    let touches = |&n: &usize| bodies.index[n] != broken.index && broken.touches(bodies.position_of(n));
    let partner = (0..bodies.len()).filter(touches).min_by_key(|&n| bodies.index[n]);
    Err(Error::Numerical(message(&broken, agreed_body(bodies, partner, comm).as_ref())))
}

fn is_finite(bodies: &Particles, n: usize) -> bool {
    bodies.acceleration_of(n).iter().all(|a| a.is_finite()) && bodies.potential[n].is_finite()
}

/// A body that all ranks know.
struct Known {
    index: u64,
    id: u64,
    position: [f64; 3],
}

impl Known {
    fn touches(&self, position: [f64; 3]) -> bool {
        let squared: f64 = (0..3).map(|axis| (position[axis] - self.position[axis]).powi(2)).sum();
        squared < TOUCHING
    }
}

/// The one of lowest index among the ranks' candidates, on all ranks.
fn agreed_body(bodies: &Particles, candidate: Option<usize>, comm: &dyn Communicator) -> Option<Known> {
    // Indices below 2^53 are exact.
    let own = candidate.map_or(f64::INFINITY, |n| bodies.index[n] as f64);
    let mut lowest = [own];
    comm.all_reduce(ReduceOp::Min, &mut lowest);
    if lowest[0].is_infinite() {
        return None;
    }
    let mut owner = [if own == lowest[0] { comm.rank() as f64 } else { f64::INFINITY }];
    comm.all_reduce(ReduceOp::Min, &mut owner);
    let mut words = Vec::new();
    if let Some(n) = candidate.filter(|_| owner[0] == comm.rank() as f64) {
        words.extend(
            [bodies.id[n]].iter().chain(&bodies.position_of(n).map(f64::to_bits)).flat_map(|w| w.to_le_bytes()),
        );
    }
    comm.broadcast(owner[0] as usize, &mut words);
    let word = |n: usize| u64::from_le_bytes(words.as_chunks::<8>().0[n]);
    let position = [1, 2, 3].map(|n| f64::from_bits(word(n)));
    Some(Known { index: lowest[0] as u64, id: word(0), position })
}

fn message(broken: &Known, partner: Option<&Known>) -> String {
    let Known { id, position: [x, y, z], .. } = broken;
    match partner {
        Some(partner) => format!(
            "the force on body {id} is not finite: body {} is at the same place ({x:?}, {y:?}, {z:?}); \
             give a softening length, or move one of them",
            partner.id
        ),
        None => format!(
            "the force on body {id} at ({x:?}, {y:?}, {z:?}) is not finite: positions, masses or the gravitational constant \
             are beyond the range of 64-bit numbers; check its values, or choose other units"
        ),
    }
}
