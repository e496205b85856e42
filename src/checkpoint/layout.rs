//! The fixed parts of a checkpoint as bytes: prefix, chunk table, footer. Pure; nothing here touches files.

use super::verify::Refusal;

/// Version of the format that this program writes, and the newest that it reads.
pub const VERSION: u32 = 1;
/// Bytes of the prefix.
pub const PREFIX: usize = 64;
/// Bytes of an entry of the chunk table.
pub const ENTRY: usize = 40;
/// Bytes of the footer.
pub const FOOTER: usize = 56;
/// Most bytes of a chunk: what a reader needs in memory to verify one.
pub const LONGEST_CHUNK: usize = 4 << 20;
/// Most bytes of a header; it holds the deck and a line for every snapshot.
pub const LONGEST_HEADER: u64 = 256 << 20;

const MAGIC: [u8; 8] = *b"PARHELCK";
const END: [u8; 8] = *b"KCLEHRAP";
/// Reads as another number where bytes are taken in another order.
const BYTE_ORDER: u32 = 0x0102_0304;
const HASH: usize = blake3::OUT_LEN;

/// The hash of a run of bytes.
pub type Hash = [u8; HASH];

/// What stands first in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Bytes of the header, which follows.
    pub header_bytes: u64,
    /// Bytes of the data, which follow the header.
    pub data_bytes: u64,
}

impl Prefix {
    /// As in the file.
    pub fn encode(&self) -> [u8; PREFIX] {
        let mut bytes = [0; PREFIX];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&BYTE_ORDER.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.header_bytes.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.data_bytes.to_le_bytes());
        let hash = *blake3::hash(&bytes[..32]).as_bytes();
        bytes[32..].copy_from_slice(&hash);
        bytes
    }

    /// From a file.
    ///
    /// # Errors
    /// [`Refusal::Torn`] for anything but a prefix; [`Refusal::Newer`] for one of a later version.
    pub fn decode(bytes: &[u8; PREFIX]) -> Result<Prefix, Refusal> {
        if bytes[..8] != MAGIC {
            return Err(Refusal::torn("it does not begin as a checkpoint does"));
        }
        if blake3::hash(&bytes[..32]).as_bytes() != &bytes[32..] {
            return Err(Refusal::torn("its first bytes are damaged"));
        }
        let version = u32::from_le_bytes(std::array::from_fn(|n| bytes[8 + n]));
        if version > VERSION {
            return Err(Refusal::Newer(version));
        }
        if bytes[12..16] != BYTE_ORDER.to_le_bytes() {
            return Err(Refusal::torn("its bytes are in another order"));
        }
        Ok(Prefix { header_bytes: word(bytes, 16), data_bytes: word(bytes, 24) })
    }

    /// Where the data begin.
    pub fn data_start(&self) -> u64 {
        PREFIX as u64 + self.header_bytes
    }
}

/// A run of the data with its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Offset in the data.
    pub offset: u64,
    /// Bytes, 1 to [`LONGEST_CHUNK`].
    pub length: u64,
    /// BLAKE3.
    pub hash: Hash,
}

impl Chunk {
    /// As an entry of the table.
    pub fn encode(&self) -> [u8; ENTRY] {
        let mut entry = [0; ENTRY];
        entry[..8].copy_from_slice(&self.length.to_le_bytes());
        entry[8..].copy_from_slice(&self.hash);
        entry
    }
}

/// The chunks of a table, if they tile data of `data_bytes`.
///
/// # Errors
/// [`Refusal::Torn`] if they do not.
pub fn decode_table(table: &[u8], data_bytes: u64) -> Result<Vec<Chunk>, Refusal> {
    let mut offset = 0u64;
    let mut chunks = Vec::with_capacity(table.len() / ENTRY);
    for entry in table.as_chunks::<ENTRY>().0 {
        let length = word(entry, 0);
        let end = offset.checked_add(length).filter(|end| *end <= data_bytes);
        let Some(end) = end.filter(|_| (1..=LONGEST_CHUNK as u64).contains(&length)) else {
            return Err(Refusal::torn("its table does not fit its data"));
        };
        chunks.push(Chunk { offset, length, hash: std::array::from_fn(|n| entry[8 + n]) });
        offset = end;
    }
    if offset != data_bytes {
        return Err(Refusal::torn("its table does not cover its data"));
    }
    Ok(chunks)
}

/// What stands last in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footer {
    /// Entries of the table.
    pub chunks: u64,
    /// Bytes of the file.
    pub length: u64,
    /// Of prefix, header, table and the two numbers above.
    pub hash: Hash,
}

impl Footer {
    /// For a file with this `head` (prefix and header) and this table.
    pub fn new(head: &[u8], table: &[u8], data_bytes: u64) -> Footer {
        let length = head.len() as u64 + data_bytes + table.len() as u64 + FOOTER as u64;
        let chunks = (table.len() / ENTRY) as u64;
        Footer { chunks, length, hash: Footer::hash_of(head, table, chunks, length) }
    }

    /// As in the file.
    pub fn encode(&self) -> [u8; FOOTER] {
        let mut bytes = [0; FOOTER];
        bytes[..8].copy_from_slice(&self.chunks.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.length.to_le_bytes());
        bytes[16..48].copy_from_slice(&self.hash);
        bytes[48..].copy_from_slice(&END);
        bytes
    }

    /// From a file of this length.
    ///
    /// # Errors
    /// [`Refusal::Torn`] if it is no footer of such a file.
    pub fn decode(bytes: &[u8; FOOTER], length: u64) -> Result<Footer, Refusal> {
        let footer =
            Footer { chunks: word(bytes, 0), length: word(bytes, 8), hash: std::array::from_fn(|n| bytes[16 + n]) };
        if bytes[48..] != END || footer.length != length {
            return Err(Refusal::torn("its end is missing"));
        }
        Ok(footer)
    }

    /// Whether the hash is that of these parts.
    pub fn covers(&self, head: &[u8], table: &[u8]) -> bool {
        self.hash == Footer::hash_of(head, table, self.chunks, self.length)
    }

    fn hash_of(head: &[u8], table: &[u8], chunks: u64, length: u64) -> Hash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(head).update(table).update(&chunks.to_le_bytes()).update(&length.to_le_bytes());
        *hasher.finalize().as_bytes()
    }
}

fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|n| bytes[at + n]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_of_the_fixed_parts_is_seen() {
        let prefix = Prefix { header_bytes: 100, data_bytes: 12 };
        let bytes = prefix.encode();
        assert_eq!(Prefix::decode(&bytes), Ok(prefix));
        for bit in 0..8 * PREFIX {
            let mut damaged = bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(Prefix::decode(&damaged), Err(Refusal::Torn(_))), "bit {bit}");
        }
        let footer = Footer::new(b"head", &[7; ENTRY], 12);
        let bytes = footer.encode();
        assert!(Footer::decode(&bytes, footer.length).unwrap().covers(b"head", &[7; ENTRY]));
        for bit in 0..8 * FOOTER {
            let mut damaged = bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            let decoded = Footer::decode(&damaged, footer.length);
            assert!(decoded.is_err() || !decoded.unwrap().covers(b"head", &[7; ENTRY]), "bit {bit}");
        }
    }

    #[test]
    fn a_later_version_is_not_taken_for_damage() {
        let mut bytes = Prefix { header_bytes: 1, data_bytes: 1 }.encode();
        bytes[8] = 9;
        let hash = *blake3::hash(&bytes[..32]).as_bytes();
        bytes[32..].copy_from_slice(&hash);
        assert_eq!(Prefix::decode(&bytes), Err(Refusal::Newer(9)));
    }

    #[test]
    fn tables_that_do_not_tile_the_data_are_refused() {
        let entry = |length: u64| Chunk { offset: 0, length, hash: [3; HASH] }.encode();
        let table = |lengths: &[u64]| lengths.iter().flat_map(|&length| entry(length)).collect::<Vec<u8>>();
        let chunks = decode_table(&table(&[5, 7]), 12).unwrap();
        assert_eq!(chunks.iter().map(|c| (c.offset, c.length)).collect::<Vec<_>>(), [(0, 5), (5, 7)]);
        for lengths in [vec![5, 6], vec![5, 8], vec![12, 0], vec![u64::MAX, 13], Vec::new()] {
            assert!(decode_table(&table(&lengths), 12).is_err(), "{lengths:?}");
        }
        assert!(decode_table(&table(&[LONGEST_CHUNK as u64 + 1]), LONGEST_CHUNK as u64 + 1).is_err());
    }
}
