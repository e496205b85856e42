//! All bodies on every rank, in the order of their indices: what schemes work on that advance few bodies at a time.
//!
//! Bodies stay with their ranks as [`Particles`]; a replica is gathered at the beginning of a step of the run and put back at its
//! end. In between every rank does the same arithmetic on the same numbers, or a share of the force sums. Refused: a ring of
//! blocks as under direct summation, whose messages outweigh the sums where only a few bodies are due.

use crate::comm::{Communicator, route};
use crate::decomposition::block_range;
use crate::error::{Error, Result};
use crate::nbody::jerk::{MovingSources, Pull};
use crate::particles::Particles;

/// Numbers that make up a body in a message: index, id, mass, position, velocity.
const WORDS: usize = 9;
/// Pairs of one evaluation below which every rank computes all of it, since messages would take longer.
const PAIRS_TO_SHARE: usize = 1 << 15;

/// All bodies; entry n of each array is the body of index n.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replica {
    /// x, y, z.
    pub position: [Vec<f64>; 3],
    /// x, y, z.
    pub velocity: [Vec<f64>; 3],
    /// Masses.
    pub mass: Vec<f64>,
    /// Names.
    pub id: Vec<u64>,
}

impl Replica {
    /// The bodies of all ranks. Collective.
    ///
    /// # Errors
    /// Exit code 1 if the indices of the bodies are not 0 to N - 1.
    pub fn gather(bodies: &Particles, comm: &dyn Communicator) -> Result<Replica> {
        let parts = route::all_gather(comm, &packed(bodies));
        let mut rows: Vec<[u64; WORDS]> = parts.iter().flat_map(|part| unpacked(part)).collect();
        rows.sort_unstable();
        if rows.iter().enumerate().any(|(n, row)| row[0] != n as u64) {
            return Err(Error::Defect("the indices of the bodies are not consecutive".into()));
        }
        let floats = |word: usize| rows.iter().map(|row| f64::from_bits(row[word])).collect::<Vec<f64>>();
        Ok(Replica {
            position: [3, 4, 5].map(floats),
            velocity: [6, 7, 8].map(floats),
            mass: floats(2),
            id: rows.iter().map(|row| row[1]).collect(),
        })
    }

    /// Number of bodies over all ranks.
    pub fn len(&self) -> usize {
        self.mass.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.mass.is_empty()
    }

    /// Writes positions and velocities into the bodies of this rank.
    pub fn put_back(&self, bodies: &mut Particles) {
        for body in 0..bodies.len() {
            let index = bodies.index[body] as usize;
            for axis in 0..3 {
                bodies.position[axis][body] = self.position[axis][index];
                bodies.velocity[axis][body] = self.velocity[axis][index];
            }
        }
    }

    /// The bodies as sources.
    pub fn sources(&self) -> MovingSources<'_> {
        MovingSources {
            position: std::array::from_fn(|axis| &self.position[axis][..]),
            velocity: std::array::from_fn(|axis| &self.velocity[axis][..]),
            mass: &self.mass,
        }
    }

    /// The error of a force that is not finite.
    pub fn not_finite(&self, index: usize) -> Error {
        Error::Numerical(format!("the force on body {} is not finite: bodies that meet need softening", self.id[index]))
    }
}

fn packed(bodies: &Particles) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(bodies.len() * WORDS * 8);
    for body in 0..bodies.len() {
        let moving = bodies.position_of(body).into_iter().chain(bodies.velocity_of(body));
        let floats = std::iter::once(bodies.mass[body]).chain(moving).map(f64::to_bits);
        let words = [bodies.index[body], bodies.id[body]].into_iter().chain(floats);
        words.for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
    }
    bytes
}

fn unpacked(bytes: &[u8]) -> impl Iterator<Item = [u64; WORDS]> {
    let words = |row: &[[u8; 8]; WORDS]| row.map(u64::from_le_bytes);
    bytes.as_chunks::<8>().0.as_chunks::<WORDS>().0.iter().map(words)
}

/// What `pulls_of` finds for the bodies `targets`, each of which it meets with all of `sources`; the targets are shared between
/// ranks where that is worth the messages. Collective; the same on every rank.
pub fn shared_pulls(
    sources: usize,
    targets: &[u32],
    comm: &dyn Communicator,
    pulls_of: impl FnOnce(&[u32], &mut [Pull]),
) -> Vec<Pull> {
    let is_shared = comm.size() > 1 && targets.len() * sources >= PAIRS_TO_SHARE;
    let (start, count) =
        if is_shared { block_range(targets.len(), comm.size(), comm.rank()) } else { (0, targets.len()) };
    let mut own = vec![[0.0; 6]; count];
    pulls_of(&targets[start..start + count], &mut own);
    if !is_shared {
        return own;
    }
    let parts = route::all_gather(comm, &encode(&own));
    parts.iter().flat_map(|part| decode(part)).collect()
}

fn encode(pulls: &[Pull]) -> Vec<u8> {
    pulls.as_flattened().iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn decode(bytes: &[u8]) -> impl Iterator<Item = Pull> {
    bytes.as_chunks::<8>().0.as_chunks::<6>().0.iter().map(|pull| pull.map(f64::from_le_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::threads;

    fn dealt(count: usize, comm: &dyn Communicator) -> Particles {
        let mut bodies = Particles::default();
        for n in (0..count).rev().filter(|n| n % comm.size() == comm.rank()) {
            let x = n as f64;
            bodies.push(n as u64, 100 - n as u64, 0.5 * x, [x, -x, 2.0 * x], [-0.0, 7.0 + x, x * x]);
        }
        bodies
    }

    #[test]
    fn every_rank_sees_all_bodies_and_puts_its_own_back() {
        let alone =
            threads::run(1, |comm: &dyn Communicator| Replica::gather(&dealt(5, comm), comm)).remove(0).unwrap();
        assert_eq!(alone.position[2], [0.0, 2.0, 4.0, 6.0, 8.0]);
        assert_eq!(alone.id, [100, 99, 98, 97, 96]);
        for size in [2, 4, 7] {
            threads::run(size, |comm: &dyn Communicator| {
                let mut bodies = dealt(5, comm);
                let before = bodies.clone();
                let replica = Replica::gather(&bodies, comm).unwrap();
                assert_eq!(replica, alone);
                (0..3).for_each(|axis| bodies.velocity[axis].fill(3.0));
                replica.put_back(&mut bodies);
                assert_eq!(bodies, before);
            });
        }
    }

    #[test]
    fn indices_with_a_gap_are_a_defect() {
        let errors = threads::run(2, |comm: &dyn Communicator| {
            let mut bodies = dealt(4, comm);
            bodies.index.iter_mut().for_each(|index| *index += u64::from(*index == 3));
            Replica::gather(&bodies, comm).unwrap_err().exit_code()
        });
        assert_eq!(errors, [1, 1]);
    }
}
