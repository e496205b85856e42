//! The digest of bodies: one BLAKE3 hash of the complete state, the same for every shape of ranks and threads.
//!
//! # What is hashed
//! ```text
//! body   = id as u64 | x, y, z | vx, vy, vz | mass as f64, little-endian
//! leaf   = BLAKE3( 1024 bodies in the order of ids; the last leaf may be shorter )
//! digest = BLAKE3( "parhelion nbody 1" | number of bodies as u64 little-endian | hashes of the leaves in order )
//! ```
//! The tree is fixed by the number of bodies alone. Leaves are hashed by the ranks that [`IndexOrder`] gives them to, in parallel;
//! only 32 bytes a leaf travel further. Forces are left out: they follow from positions and masses.

use crate::bytes::F64;
use crate::comm::Communicator;
use crate::index_order::{IndexOrder, LEAF};
use crate::particles::Particles;
use rayon::prelude::*;

const VERSION: &[u8] = b"parhelion nbody 1";
/// Numbers of a body that are hashed.
const WORDS: usize = 8;

/// The digest of the bodies of all ranks as 64 hexadecimal digits, on every rank. Collective.
pub fn digest_bodies(bodies: &Particles, comm: &dyn Communicator) -> String {
    let order = IndexOrder::new(bodies, comm);
    let leaves = comm.gather(0, &leaf_hashes(&order));
    let mut text = match comm.rank() {
        0 => final_hash(order.total(), &leaves).into_bytes(),
        _ => Vec::new(),
    };
    comm.broadcast(0, &mut text);
    String::from_utf8(text).expect("hexadecimal digits are text")
}

/// Hashes of the leaves of this rank, one after the other.
fn leaf_hashes(order: &IndexOrder) -> Vec<u8> {
    let mut hashes: Vec<[u8; blake3::OUT_LEN]> = Vec::new();
    order.for_each_batch(words, &mut |_, bytes| {
        hashes.par_extend(bytes.par_chunks(LEAF * WORDS * F64).map(|leaf| *blake3::hash(leaf).as_bytes()));
    });
    hashes.concat()
}

fn words(bodies: &Particles, body: usize) -> [u64; WORDS] {
    let ([x, y, z], [vx, vy, vz]) = (bodies.position_of(body), bodies.velocity_of(body));
    let [x, y, z, vx, vy, vz, mass] = [x, y, z, vx, vy, vz, bodies.mass[body]].map(f64::to_bits);
    [bodies.id[body], x, y, z, vx, vy, vz, mass]
}

fn final_hash(total: u64, leaves: &[Vec<u8>]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(VERSION);
    hasher.update(&total.to_le_bytes());
    leaves.iter().for_each(|part| {
        hasher.update(part);
    });
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::solo::Solo;
    use crate::comm::threads;

    fn bodies(total: u64) -> Particles {
        let mut bodies = Particles::default();
        for n in 0..total {
            let x = n as f64;
            bodies.push(n, 3 * n + 5, 1.0 + x.sin(), [x, 0.5 * x, -x], [x.sqrt(), 1.0, x.cos()]);
        }
        bodies
    }

    fn scattered(all: &Particles, comm: &dyn Communicator, stride: u64) -> Particles {
        let total = all.len() as u64;
        let own = (0..total).rev().filter(|n| (n * stride / 7) as usize % comm.size() == comm.rank());
        all.reordered(&own.map(|n| n as u32).collect::<Vec<u32>>())
    }

    #[test]
    fn does_not_depend_on_where_bodies_are() {
        for total in [0, 1, 1024, 5001] {
            let all = bodies(total);
            let expected = digest_bodies(&all, &Solo);
            for (size, stride) in [(1, 7), (2, 1), (3, 0), (4, 7), (5, 29)] {
                let digests =
                    threads::run(size, |comm: &dyn Communicator| digest_bodies(&scattered(&all, comm, stride), comm));
                assert!(digests.iter().all(|d| *d == expected), "{total} bodies on {size} ranks");
            }
        }
    }

    #[test]
    fn is_the_hash_that_the_head_describes() {
        let all = bodies(1030);
        let body = |n: usize| words(&all, n).map(u64::to_le_bytes).concat();
        let leaf = |range: std::ops::Range<usize>| *blake3::hash(&range.flat_map(body).collect::<Vec<u8>>()).as_bytes();
        let text = [b"parhelion nbody 1".as_slice(), &1030u64.to_le_bytes(), &leaf(0..1024), &leaf(1024..1030)];
        assert_eq!(digest_bodies(&all, &Solo), blake3::hash(&text.concat()).to_hex().to_string());
    }

    #[test]
    fn sees_one_flipped_bit_of_every_value() {
        let all = bodies(2000);
        let expected = digest_bodies(&all, &Solo);
        let flip = |value: &mut f64| *value = f64::from_bits(value.to_bits() ^ 1);
        let changes: [&dyn Fn(&mut Particles); 6] = [
            &|b| flip(&mut b.position[1][1999]),
            &|b| flip(&mut b.velocity[2][0]),
            &|b| flip(&mut b.mass[1024]),
            &|b| b.id[7] ^= 1,
            &|b| b.index.swap(4, 5),
            &|b| b.position[0][0] = -0.0,
        ];
        for (n, change) in changes.iter().enumerate() {
            let mut changed = all.clone();
            change(&mut changed);
            assert_ne!(digest_bodies(&changed, &Solo), expected, "change {n}");
        }
    }
}
