//! Values of flags: numbers in their ranges, and pairs of them. What is refused is refused in words.

use clap::builder::RangedU64ValueParser;

/// Most ranks, threads or domains: beyond it is a typing error.
const MOST_WORKERS: u64 = 1 << 20;

/// Most seconds that messages are held back: a job that seems to hang teaches nothing.
const LONGEST_DELAY: f64 = 10.0;

pub(super) fn workers() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=MOST_WORKERS)
}

pub(super) fn finite(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err("write a finite number".to_owned()),
    }
}

pub(super) fn seconds(text: &str) -> Result<f64, String> {
    let seconds = finite(text)?;
    let allowed = (0.0..=1e15).contains(&seconds);
    if allowed { Ok(seconds) } else { Err("write a number of seconds, 0 or more".to_owned()) }
}

/// Seconds that messages are held back, with a unit or without.
pub(super) fn delay(text: &str) -> Result<f64, String> {
    let units = [("us", 1e6), ("ms", 1e3), ("s", 1.0)];
    let text = text.trim();
    let (number, per_second) = units
        .iter()
        .find_map(|(name, per_second)| Some((text.strip_suffix(name)?, *per_second)))
        .unwrap_or((text, 1.0));
    match finite(number).map(|number| number / per_second) {
        Ok(seconds) if (0.0..=LONGEST_DELAY).contains(&seconds) => Ok(seconds),
        _ => Err("write a time from 0 to 10 seconds: 200us, 1ms, or seconds as a plain number".to_owned()),
    }
}

pub(super) fn limit(text: &str) -> Result<f64, String> {
    let limit = seconds(text)?;
    if limit >= 1.0 { Ok(limit) } else { Err("write a number of seconds, 1 or more".to_owned()) }
}

pub(super) fn imbalance(text: &str) -> Result<(usize, f64), String> {
    let (rank, extra) = text.split_once(',').ok_or("write a rank and a number with a comma between them: 1,0.5")?;
    let rank = rank.trim().parse().map_err(|_| "write a rank first, 0 or more: 1,0.5")?;
    let extra = finite(extra)?;
    let allowed = (0.0..=100.0).contains(&extra);
    if allowed { Ok((rank, extra)) } else { Err("write how much longer it takes, 0 to 100: 1,0.5".to_owned()) }
}

pub(super) fn range(text: &str) -> Result<[f64; 2], String> {
    let (low, high) = text.split_once(',').ok_or("write two numbers with a comma between them: 20,100")?;
    let range = [finite(low)?, finite(high)?];
    if range[0] < range[1] { Ok(range) } else { Err("write the smaller number first: 20,100".to_owned()) }
}
