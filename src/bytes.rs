//! Floating-point numbers as bytes, in little-endian order: what messages carry, what files hold, what the digest hashes.
//!
//! Byte order is fixed, so files and digests do not depend on the machine; on a little-endian machine the compiler turns
//! these loops into plain copies. A cast of slices was refused: it needs `unsafe` and is wrong on big-endian machines.

/// Bytes of one value.
pub const F64: usize = size_of::<f64>();

/// Writes the values into a buffer of `8 * values.len()` bytes.
pub fn encode(values: &[f64], bytes: &mut [u8]) {
    debug_assert_eq!(bytes.len(), values.len() * F64);
    for (target, value) in bytes.as_chunks_mut::<F64>().0.iter_mut().zip(values) {
        *target = value.to_le_bytes();
    }
}

/// The values of a buffer whose length is a multiple of 8.
pub fn decode(bytes: &[u8]) -> impl ExactSizeIterator<Item = f64> + '_ {
    bytes.as_chunks::<F64>().0.iter().map(|chunk| f64::from_le_bytes(*chunk))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_survive_both_ways() {
        let values = [0.0, -0.0, 1.5e-310, f64::NAN, -7.25];
        let mut bytes = [0; 40];
        encode(&values, &mut bytes);
        assert_eq!(bytes[39], 0xc0);
        assert!(decode(&bytes).map(f64::to_bits).eq(values.map(f64::to_bits)));
    }
}
