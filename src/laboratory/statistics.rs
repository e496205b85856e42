//! Repeated measurements: median, interval, outliers, and the seeded random numbers that both the bootstrap and the order of runs need.
//!
//! Times of a shared machine have a long tail to the right, so the median stands for a set of runs and not the mean, and its interval
//! comes from resampling and not from a normal distribution. Everything is reproducible: the same values and the same seed give the
//! same bits.
//!
//! Refused: a crate for random numbers (the generator is four lines, and its stream must never change).

/// Resamples of the bootstrap: the ends of a 95 % interval then move by less than a hundredth of its width from seed to seed.
const RESAMPLES: usize = 2000;
/// Share of resampled medians below the lower end, and above the upper end.
const TAIL: f64 = 0.025;
/// Standard deviations of a normal distribution in one median absolute deviation.
const SIGMAS_PER_MAD: f64 = 1.4826;
/// A value further from the median than so many (robust) standard deviations is an outlier.
pub const OUTLIER_SIGMAS: f64 = 5.0;
/// Fewer values have no outliers that could be told from spread.
const FEWEST_FOR_OUTLIERS: usize = 5;

/// Both ends of an interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Standard errors in half of a 95 % interval.
const SIGMAS: f64 = 1.96;

impl Interval {
    /// The standard error behind a 95 % interval.
    pub fn standard_error(&self) -> f64 {
        0.5 * (self.high - self.low) / SIGMAS
    }
}

/// SplitMix64: a stream of 64-bit numbers from a seed.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`, which must not be 0. The bias of the remainder is below 1e-15 for the small limits here.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.number() % limit as u64) as usize
    }

    /// Shuffles in place (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let chosen = self.below(last + 1);
            items.swap(last, chosen);
        }
    }
}

/// The median; NaN of nothing.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    median_of_sorted(&sorted)
}

fn median_of_sorted(sorted: &[f64]) -> f64 {
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => 0.5 * (sorted[n / 2 - 1] + sorted[n / 2]),
    }
}

/// The smallest value; infinite of nothing.
pub fn minimum(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

/// The 95 % interval of the median by the percentile bootstrap: the medians of sets drawn with repetition from `values`.
pub fn interval_of_median(values: &[f64], seed: u64) -> Interval {
    if values.len() < 2 {
        let only = median(values);
        return Interval { low: only, high: only };
    }
    let mut random = Random::new(seed);
    let mut drawn = vec![0.0; values.len()];
    let mut medians: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            drawn.iter_mut().for_each(|value| *value = values[random.below(values.len())]);
            drawn.sort_by(f64::total_cmp);
            median_of_sorted(&drawn)
        })
        .collect();
    medians.sort_by(f64::total_cmp);
    let cut = (TAIL * RESAMPLES as f64) as usize;
    Interval { low: medians[cut], high: medians[RESAMPLES - 1 - cut] }
}

/// Half of the interval over the median: what "known to 2 %" means here.
pub fn relative_half_width(median: f64, interval: Interval) -> f64 {
    0.5 * (interval.high - interval.low) / median
}

/// Places of values that lie more than [`OUTLIER_SIGMAS`] from the median, in units of 1.4826 median absolute deviations; a value that
/// differs by less than a thousandth of the median never does.
pub fn outliers(values: &[f64]) -> Vec<usize> {
    if values.len() < FEWEST_FOR_OUTLIERS {
        return Vec::new();
    }
    let middle = median(values);
    let deviations: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    let sigma = (SIGMAS_PER_MAD * median(&deviations)).max(1e-3 * middle.abs() / OUTLIER_SIGMAS);
    (0..values.len()).filter(|&n| deviations[n] > OUTLIER_SIGMAS * sigma).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_by_hand() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), 2.5);
        assert!(median(&[]).is_nan());
        assert_eq!(minimum(&[4.0, 1.5, 3.0]), 1.5);
    }

    #[test]
    fn the_interval_holds_the_median_and_is_the_same_for_a_seed() {
        let values = [1.0, 1.1, 1.05, 1.2, 0.98, 1.07, 1.02];
        let interval = interval_of_median(&values, 7);
        assert!(interval.low <= median(&values) && median(&values) <= interval.high, "{interval:?}");
        assert!(interval.low >= 0.98 && interval.high <= 1.2);
        assert_eq!(interval, interval_of_median(&values, 7));
        assert_eq!(interval_of_median(&[2.0], 1), Interval { low: 2.0, high: 2.0 });
        assert!((relative_half_width(2.0, Interval { low: 1.9, high: 2.1 }) - 0.05).abs() < 1e-12);
    }

    /// The exact interval of order statistics for 25 values is from the 8th to the 18th (binomial, 95.7 %).
    #[test]
    fn the_interval_is_that_of_order_statistics() {
        let values: Vec<f64> = (1..=25).map(f64::from).collect();
        let Interval { low, high } = interval_of_median(&values, 3);
        assert!((7.0..=9.0).contains(&low) && (17.0..=19.0).contains(&high), "{low} {high}");
    }

    #[test]
    fn the_interval_covers_the_true_median_most_of_the_time() {
        let mut random = Random::new(11);
        let covered = (0..200).filter(|_| {
            let values: Vec<f64> = (0..15).map(|_| random.number() as f64 / u64::MAX as f64).collect();
            let interval = interval_of_median(&values, random.number());
            interval.low <= 0.5 && 0.5 <= interval.high
        });
        assert!(covered.count() >= 175, "a 95 % interval should miss about 10 of 200");
    }

    #[test]
    fn outliers_are_far_from_the_median_only() {
        assert_eq!(outliers(&[1.0, 1.01, 0.99, 1.02, 3.0, 0.98]), [4]);
        assert!(outliers(&[1.0, 1.01, 0.99, 1.02, 1.03, 0.98]).is_empty());
        assert!(outliers(&[1.0, 1.0, 1.0, 1.0, 1.0005]).is_empty(), "a clock's rounding is no outlier");
        assert!(outliers(&[1.0, 9.0]).is_empty(), "two values cannot tell which is wrong");
    }

    #[test]
    fn a_shuffle_keeps_all_and_is_the_same_for_a_seed() {
        let shuffled = |seed| {
            let mut items: Vec<u32> = (0..20).collect();
            Random::new(seed).shuffle(&mut items);
            items
        };
        assert_ne!(shuffled(1), shuffled(2));
        assert_eq!(shuffled(1), shuffled(1));
        let mut sorted = shuffled(5);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..20).collect::<Vec<_>>());
    }

    /// First numbers of SplitMix64 with seed 1234567, as its author's reference program prints them.
    #[test]
    fn the_stream_is_splitmix64() {
        let mut random = Random::new(1_234_567);
        assert_eq!([random.number(), random.number()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }
}
