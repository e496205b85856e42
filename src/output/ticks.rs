//! Round numbers for axes and colour bars, and units that suit a size. Pure arithmetic and text.

/// Round values inside `low..=high`, at most `most` of them, and their texts with equal numbers of decimals.
pub fn ticks(low: f64, high: f64, most: usize) -> Vec<(f64, String)> {
    let span = high - low;
    if span.is_nan() || span <= 0.0 || span.is_infinite() {
        return vec![(low, format!("{low}"))];
    }
    let step = round_step(span / most.max(2) as f64);
    let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
    let count = (last - first).max(0.0) as usize + 1;
    (0..count.min(100)).map(|n| (first + n as f64) * step).map(|value| (value, text(value, step))).collect()
}

/// Round values of a quantity whose decimal logarithm runs over `low..=high`: their logarithms, and texts. Powers of ten, every so many
/// that there are at most `most`; with less than two of them also 2 and 5 times these.
pub fn decades(low: f64, high: f64, most: usize) -> Vec<(f64, String)> {
    let span = high - low;
    if span.is_nan() || span <= 0.0 || span > 700.0 {
        return vec![(low, format!("{low}"))];
    }
    let (first, last) = ((low - 1e-9).ceil(), (high + 1e-9).floor());
    if last - first >= 1.0 {
        let step = ((last - first) / most.max(2) as f64).ceil().max(1.0);
        let first = (first / step).ceil() * step;
        let count = ((last - first) / step).max(0.0) as usize + 1;
        return (0..count).map(|n| first + n as f64 * step).map(|power| (power, power_text(1, power))).collect();
    }
    let powers = [low.floor(), low.floor() + 1.0];
    let marks = powers.into_iter().flat_map(|power| [1, 2, 5].map(|digit| (digit, power)));
    let place = |(digit, power): (u8, f64)| (power + f64::from(digit).log10(), power_text(digit, power));
    marks.map(place).filter(|(at, _)| (low - 1e-9..=high + 1e-9).contains(at)).collect()
}

/// `0.2`, `100`, `5e6`: a digit times a power of ten.
fn power_text(digit: u8, power: f64) -> String {
    let power = power as i32;
    match power {
        0..=3 => format!("{digit}{}", "0".repeat(power as usize)),
        -3..=-1 => format!("0.{}{digit}", "0".repeat((-power - 1) as usize)),
        _ => format!("{digit}e{power}"),
    }
}

/// The smallest of 1, 2, 5 times a power of ten that is not below `least`.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|digit| digit * power)
        .into_iter()
        .find(|step| *step >= least * (1.0 - 1e-9))
        .unwrap_or(least)
}

fn text(value: f64, step: f64) -> String {
    let decimals = (-step.log10() - 1e-9).ceil().max(0.0) as usize;
    if decimals > 8 || value.abs() >= 1e7 {
        let digits = (value.abs().max(step) / step).log10().ceil().clamp(0.0, 12.0) as usize;
        return format!("{value:.digits$e}");
    }
    // Adding zero turns a negative zero into a positive one.
    format!("{:.decimals$}", (value / step).round() * step + 0.0)
}

/// The unit of length for an edge of so many metres: its name and its metres.
pub fn length_unit(edge: f64) -> (&'static str, f64) {
    let units = [("km", 1e3, 1e4), ("m", 1.0, 1.0), ("cm", 1e-2, 0.1), ("mm", 1e-3, 2e-4)];
    units.into_iter().find(|(_, _, from)| edge >= *from).map_or(("\u{b5}m", 1e-6), |(name, metres, _)| (name, metres))
}

/// A time in seconds for people: `12.35 ms`, `1.500 h`.
pub fn time_text(seconds: f64) -> String {
    let units = [("d", 86_400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3)];
    // A unit is used from two of it on, so that 90 minutes are not 1.5 h; seconds and less from one.
    let fits = |size: f64| seconds.abs() >= size * if size > 1.0 { 2.0 } else { 1.0 };
    let (unit, size) = match seconds {
        0.0 => ("s", 1.0),
        _ => units.into_iter().find(|(_, size)| fits(*size)).unwrap_or(("\u{b5}s", 1e-6)),
    };
    format!("{} {unit}", significant(seconds / size))
}

/// Four significant digits, without an exponent in the usual range.
pub fn significant(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let magnitude = value.abs().log10().floor();
    if !(-4.0..7.0).contains(&magnitude) {
        return format!("{value:.3e}");
    }
    let decimals = (3.0 - magnitude).max(0.0) as usize;
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(low: f64, high: f64, most: usize) -> Vec<String> {
        ticks(low, high, most).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(texts(0.0, 1.0, 5), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(texts(17.0, 103.0, 5), ["20", "40", "60", "80", "100"]);
        assert_eq!(texts(-0.06, 0.05, 4), ["-0.05", "0.00", "0.05"]);
        assert_eq!(texts(300.0, 300.0, 4), ["300"]);
        assert_eq!(texts(293.15, 293.15002, 3), ["293.15000", "293.15001", "293.15002"]);
    }

    #[test]
    fn logarithmic_bars_have_powers_of_ten() {
        let texts = |low, high, most| decades(low, high, most).into_iter().map(|(_, text)| text).collect::<Vec<_>>();
        assert_eq!(texts(-4.2, 1.0, 8), ["1e-4", "0.001", "0.01", "0.1", "1", "10"]);
        assert_eq!(texts(-9.0, 9.5, 5), ["1e-8", "1e-4", "1", "1e4", "1e8"]);
        assert_eq!(texts(0.2, 1.4, 8), ["2", "5", "10", "20"]);
        assert_eq!(decades(0.2, 1.4, 8)[0].0, 2f64.log10());
    }

    #[test]
    fn strange_ranges_do_no_harm() {
        for (low, high) in [(f64::NAN, 1.0), (0.0, f64::INFINITY), (1e300, 2e300), (0.0, 1e-300), (5.0, 1.0)] {
            assert!(ticks(low, high, 6).len() < 100 && decades(low, high, 6).len() < 100);
        }
    }

    #[test]
    fn units_suit_the_size() {
        assert_eq!([20e3, 3.0, 0.3, 0.05, 1e-5].map(|edge| length_unit(edge).0), ["km", "m", "cm", "mm", "\u{b5}m"]);
        assert_eq!(time_text(0.0), "0 s");
        assert_eq!(time_text(0.012345), "12.35 ms");
        assert_eq!(time_text(90.0), "90.00 s");
        assert_eq!(time_text(5400.0), "90.00 min");
        assert_eq!(time_text(86_400.0), "24.00 h");
        assert_eq!(time_text(3e5), "3.472 d");
    }
}
