//! A file as a checkpoint: as it is, and with hashes and marks that fit, so that the numbers in it are reached.
#![no_main]
use libfuzzer_sys::fuzz_target;
use parhelion::checkpoint::layout::{ENTRY, FOOTER, PREFIX};
use parhelion_fuzz::{file, read_checkpoint};

fuzz_target!(|data: &[u8]| {
    read_checkpoint(&file("00000007.checkpoint", data));
    if let Some(repaired) = repaired(data) {
        read_checkpoint(&file("00000007.checkpoint", &repaired));
    }
});

/// What the file would be if whoever made it had hashed it.
fn repaired(data: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = data.to_vec();
    let tail = bytes.len().checked_sub(FOOTER).filter(|tail| *tail >= PREFIX)?;
    bytes[..8].copy_from_slice(b"PARHELCK");
    bytes[8..16].copy_from_slice(&[1, 0, 0, 0, 4, 3, 2, 1]);
    let hash = blake3::hash(&bytes[..32]);
    bytes[32..PREFIX].copy_from_slice(hash.as_bytes());
    let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|n| bytes[at + n])) as usize;
    let (header, chunks) = (word(16), word(tail));
    let table = tail.checked_sub(chunks.checked_mul(ENTRY)?)?;
    let length = (bytes.len() as u64).to_le_bytes();
    let mut hasher = blake3::Hasher::new();
    hasher.update(bytes.get(..PREFIX.checked_add(header)?)?).update(&bytes[table..tail]);
    hasher.update(&bytes[tail..tail + 8]).update(&length);
    bytes[tail + 8..tail + 16].copy_from_slice(&length);
    bytes[tail + 16..tail + 48].copy_from_slice(hasher.finalize().as_bytes());
    bytes[tail + 48..].copy_from_slice(b"KCLEHRAP");
    Some(bytes)
}
