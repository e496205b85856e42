//! Random numbers that are a function of (seed, group, body, draw), so that any rank makes any body without the ones before it.
//!
//! Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"): a counter of four words is
//! stirred by ten rounds of multiplications under a key of two words. Integer arithmetic alone, so the numbers are the same on
//! every machine; what is made of them takes its elementary functions from the crate `libm` for the same reason. Refused: a
//! generator with a state, which would have to be wound forward to the first body of a rank.

use std::f64::consts::TAU;

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const KEY_STEPS: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;

/// One block of Philox4x32-10.
pub fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..ROUNDS {
        let product = |n: usize| u64::from(MULTIPLIERS[n]) * u64::from(counter[2 * n]);
        let (p, q) = (product(0), product(1));
        counter = [(q >> 32) as u32 ^ counter[1] ^ key[0], q as u32, (p >> 32) as u32 ^ counter[3] ^ key[1], p as u32];
        key = [key[0].wrapping_add(KEY_STEPS[0]), key[1].wrapping_add(KEY_STEPS[1])];
    }
    counter
}

/// The random numbers of one body, one after the other.
#[derive(Clone, Debug)]
pub struct Draws {
    key: [u32; 2],
    group: u32,
    body: u64,
    block: u32,
    spare: Option<f64>,
}

impl Draws {
    /// The numbers of a body of a group under a seed.
    pub fn new(seed: u64, group: u32, body: u64) -> Draws {
        Draws { key: [seed as u32, (seed >> 32) as u32], group, body, block: 0, spare: None }
    }

    /// Uniform in (0, 1), both ends excluded: odd multiples of 2^-53.
    pub fn uniform(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        // A body may draw for ever without meeting the numbers of the next one: the block is a word of its own. The group takes
        // the upper bits of the word that holds the upper bits of the body.
        let high = (self.body >> 32) as u32 ^ self.group.rotate_right(GROUP_BITS);
        let [a, b, c, d] = philox([self.body as u32, high, self.block, 0], self.key);
        self.block = self.block.wrapping_add(1);
        self.spare = Some(open_unit(c, d));
        open_unit(a, b)
    }

    /// A pair of independent numbers of the normal distribution (Box and Muller 1958).
    pub fn normal_pair(&mut self) -> [f64; 2] {
        let radius = (-2.0 * libm::log(self.uniform())).sqrt();
        let (sin, cos) = libm::sincos(TAU * self.uniform());
        [radius * cos, radius * sin]
    }

    /// A point of the sphere of this radius, all directions alike.
    pub fn on_sphere(&mut self, radius: f64) -> [f64; 3] {
        let height = 2.0 * self.uniform() - 1.0;
        let (sin, cos) = libm::sincos(TAU * self.uniform());
        let side = radius * (1.0 - height * height).sqrt();
        [side * cos, side * sin, radius * height]
    }
}

/// Groups fit in so many bits, bodies of a group in the rest of 64.
const GROUP_BITS: u32 = 16;

fn open_unit(low: u32, high: u32) -> f64 {
    let bits = u64::from(high) << 32 | u64::from(low);
    ((bits >> 12) as f64 + 0.5) * (1.0 / (1u64 << 52) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_those_of_the_authors() {
        // Known answers that the authors distribute with their library (Random123, kat_vectors).
        let answers = [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, expected) in answers {
            assert_eq!(philox(counter, key), expected);
        }
    }

    #[test]
    fn streams_of_seed_group_and_body_differ() {
        let first = |seed, group, body| Draws::new(seed, group, body).uniform().to_bits();
        let mut seen = vec![first(1, 0, 0), first(2, 0, 0), first(1 << 40, 0, 0), first(1, 1, 0), first(1, 0, 1)];
        seen.extend([first(1, 0, 1 << 32), first(1, 2, 0), first(1, 1, 1)]);
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 8);
    }

    #[test]
    fn ends_of_the_interval_are_excluded() {
        assert!(open_unit(0, 0) > 0.0);
        assert!(open_unit(u32::MAX, u32::MAX) < 1.0);
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let count = 200_000;
        let [mut mean, mut square, mut normal, mut normal_square, mut height] = [0.0; 5];
        for body in 0..count {
            let mut draws = Draws::new(7, 3, body);
            let u = draws.uniform();
            let [x, y] = draws.normal_pair();
            let [_, _, z] = draws.on_sphere(1.0);
            (mean, square) = (mean + u, square + u * u);
            (normal, normal_square) = (normal + x * y, normal_square + x * x);
            height += z * z;
        }
        let n = count as f64;
        // Five standard deviations of each mean: 0.289, 0.298, 1, 1.41 and 0.298 over sqrt(n).
        for (sum, expected, deviation) in [
            (mean, 0.5, 0.289),
            (square, 1.0 / 3.0, 0.298),
            (normal, 0.0, 1.0),
            (normal_square, 1.0, 1.415),
            (height, 1.0 / 3.0, 0.298),
        ] {
            assert!((sum / n - expected).abs() < 5.0 * deviation / n.sqrt(), "{} and not {expected}", sum / n);
        }
    }
}
