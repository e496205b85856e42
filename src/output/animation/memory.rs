//! The frames of an animation as bytes: what a checkpoint keeps of pictures that wait for the end of the run.
//!
//! ```text
//! stride | frames seen | number of kept frames | kept frames | 1 and the newest frame, or 0
//! frame: time | samples | 0 and f32 values, or 1, the range and a byte a sample
//! ```

use super::{Animation, EDGE, Kept, MOST_FRAMES, MOST_SAMPLES, Values};

/// More frames than any run has; counting goes on from there without an overflow.
const MOST_SEEN: usize = 1 << 48;

impl Animation {
    /// All frames as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        [self.stride, self.seen, self.kept.len()].iter().for_each(|&n| push(&mut bytes, n as u64));
        self.kept.iter().for_each(|kept| push_kept(&mut bytes, kept));
        push(&mut bytes, u64::from(self.newest.is_some()));
        self.newest.iter().for_each(|kept| push_kept(&mut bytes, kept));
        bytes
    }

    /// Takes up the frames of [`Animation::to_bytes`] in place of its own; false, and unchanged, if the bytes are something else.
    pub fn take_up(&mut self, bytes: &[u8]) -> bool {
        let mut reader = Reader { bytes };
        let Some((stride, seen, kept, newest)) = read(&mut reader) else { return false };
        (self.stride, self.seen, self.kept, self.newest) = (stride, seen, kept, newest);
        true
    }
}

type Frames = (usize, usize, Vec<Kept>, Option<Kept>);

fn read(reader: &mut Reader<'_>) -> Option<Frames> {
    let (stride, seen, count) = (reader.word()? as usize, reader.word()? as usize, reader.word()? as usize);
    if stride == 0 || count > MOST_FRAMES + 1 || stride.max(seen) > MOST_SEEN {
        return None;
    }
    let kept = (0..count).map(|_| reader.kept()).collect::<Option<Vec<Kept>>>()?;
    let newest = if reader.word()? == 1 { Some(reader.kept()?) } else { None };
    reader.bytes.is_empty().then_some((stride, seen, kept, newest))
}

fn push(bytes: &mut Vec<u8>, word: u64) {
    bytes.extend_from_slice(&word.to_le_bytes());
}

fn push_kept(bytes: &mut Vec<u8>, kept: &Kept) {
    push(bytes, kept.time.to_bits());
    kept.samples.iter().for_each(|&n| push(bytes, n as u64));
    match &kept.values {
        Values::Exact(values) => {
            push(bytes, 0);
            values.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
        }
        Values::Levels(levels, range) => {
            push(bytes, 1);
            range.iter().for_each(|end| push(bytes, end.to_bits()));
            bytes.extend_from_slice(levels);
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(head)
    }

    fn word(&mut self) -> Option<u64> {
        self.take(8)?.first_chunk().map(|word| u64::from_le_bytes(*word))
    }

    fn kept(&mut self) -> Option<Kept> {
        let time = f64::from_bits(self.word()?);
        let samples = [self.word()? as usize, self.word()? as usize];
        if samples.iter().any(|n| !(1..=MOST_SAMPLES.max(EDGE)).contains(n)) {
            return None;
        }
        let count = samples[0] * samples[1];
        let values = if self.word()? == 0 {
            let floats = self.take(4 * count)?.as_chunks().0;
            Values::Exact(floats.iter().map(|float| f32::from_le_bytes(*float)).collect())
        } else {
            let range = [f64::from_bits(self.word()?), f64::from_bits(self.word()?)];
            Values::Levels(self.take(count)?.to_vec(), range)
        };
        Some(Kept { time, samples, values })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{animation, slice};

    #[test]
    fn frames_go_on_where_they_stopped() {
        for stop in [1, 3, 120, 122, 300] {
            let (mut whole, mut first) = (animation(), animation());
            (0..400).for_each(|n| whole.push(&slice(n), n as f64));
            (0..stop).for_each(|n| first.push(&slice(n), n as f64));
            let mut second = animation();
            assert!(second.take_up(&first.to_bytes()));
            (stop..400).for_each(|n| second.push(&slice(n), n as f64));
            assert!(second.to_bytes() == whole.to_bytes(), "stopped after {stop}");
        }
    }

    #[test]
    fn other_bytes_are_not_taken() {
        let mut some = animation();
        (0..3).for_each(|n| some.push(&slice(n), n as f64));
        let bytes = some.to_bytes();
        for length in 0..bytes.len() {
            assert!(!animation().take_up(&bytes[..length]), "{length}");
        }
        // Words: stride, frames seen, their number; time of the first one, its samples.
        for (word, value) in [(0, 0), (0, u64::MAX), (1, u64::MAX), (2, 200), (4, 0), (5, 0), (4, 1 << 40)] {
            let mut other = bytes.clone();
            other[8 * word..8 * word + 8].copy_from_slice(&value.to_le_bytes());
            assert!(!animation().take_up(&other), "word {word} is {value}");
        }
    }
}
