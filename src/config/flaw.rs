//! A flaw of a deck: which key, what is wrong, and the way out; and the checks of single numbers that find most of them.
//!
//! Keys are paths with dots, array elements by number: `regions.0.radius`. The same form addresses `--set`, so that a flaw can
//! be traced to the override or to the place in the text it came from (see [`super::diagnose`]).

/// What is wrong with a key.
#[derive(Clone, Debug, PartialEq)]
pub struct Flaw {
    /// Path of the key.
    pub key: String,
    /// What is wrong.
    pub problem: String,
    /// The way out, as an instruction.
    pub fix: String,
    /// True if the name of the key is wrong and not its value.
    pub is_name: bool,
}

/// Result of a check.
pub type Check<T> = Result<T, Flaw>;

impl Flaw {
    /// A flaw of `key`.
    pub fn new(key: impl Into<String>, problem: impl Into<String>, fix: impl Into<String>) -> Flaw {
        Flaw { key: key.into(), problem: problem.into(), fix: fix.into(), is_name: false }
    }

    /// As [`Flaw::new`], as the failure of a check.
    pub fn fail<T>(key: impl Into<String>, problem: impl Into<String>, fix: impl Into<String>) -> Check<T> {
        Err(Flaw::new(key, problem, fix))
    }
}

/// Largest magnitude of a number in a deck: squares and products of a few stay finite.
pub const LARGEST: f64 = 1e30;

/// Finite and of sane magnitude.
pub fn number(key: &str, value: f64) -> Check<f64> {
    if !value.is_finite() {
        return Flaw::fail(key, format!("{value} is not a finite number"), "write a finite number");
    }
    if value.abs() > LARGEST {
        return Flaw::fail(key, format!("{value:e} is too large"), format!("write a number within +-{LARGEST:e}"));
    }
    Ok(value)
}

/// Finite and greater than 0.
pub fn positive(key: &str, value: f64, unit: &str) -> Check<f64> {
    number(key, value)?;
    if value < 1.0 / LARGEST {
        return Flaw::fail(key, format!("{value} is not positive"), format!("write a number greater than 0 ({unit})"));
    }
    Ok(value)
}

/// Finite and at least 0.
pub fn not_negative(key: &str, value: f64, unit: &str) -> Check<f64> {
    number(key, value)?;
    if value < 0.0 {
        return Flaw::fail(key, format!("{value} is negative"), format!("write 0 or a greater number ({unit})"));
    }
    Ok(value)
}

/// Most magnitudes of masses, lengths and times in any units: densities, their slopes and their products with G stay
/// normal numbers.
const MAGNITUDES: std::ops::RangeInclusive<f64> = 1e-40..=1e50;

/// Positive and of an order that some system of units can give it: a mass, a length or a time.
pub fn magnitude(key: &str, value: f64, unit: &str) -> Check<f64> {
    if !value.is_finite() {
        return Flaw::fail(key, format!("{value} is not a finite number"), "write a finite number");
    }
    if value <= 0.0 {
        return Flaw::fail(key, format!("{value} is not positive"), format!("write a number greater than 0 ({unit})"));
    }
    if !MAGNITUDES.contains(&value) {
        return Flaw::fail(key, format!("{value:e} is out of range"), "write a number from 1e-40 to 1e50");
    }
    Ok(value)
}

/// x, y, z, all finite.
pub fn point(key: &str, values: &[f64]) -> Check<[f64; 3]> {
    let &[x, y, z] = values else {
        return Flaw::fail(key, format!("{} numbers", values.len()), "write three numbers: x, y, z");
    };
    match values.iter().position(|value| !value.is_finite()) {
        Some(n) => {
            let problem = format!("{} is not a finite number", values[n]);
            Flaw::fail(format!("{key}.{n}"), problem, "write a finite number")
        }
        None => Ok([x, y, z]),
    }
}

/// A whole number in a range, ends included.
pub fn whole(key: &str, value: u64, lowest: u64, highest: u64) -> Check<usize> {
    if !(lowest..=highest).contains(&value) {
        let fix = format!("write a whole number from {lowest} to {highest}");
        return Flaw::fail(key, format!("{value} is out of range"), fix);
    }
    Ok(value as usize)
}

/// Two finite numbers, the first smaller than the second.
///
/// The deck has a list and not an array of two: the TOML reader would drop a third number without a word.
pub fn ascending(key: &str, range: &[f64]) -> Check<[f64; 2]> {
    let &[low, high] = range else {
        return Flaw::fail(key, format!("{} numbers", range.len()), "write two numbers");
    };
    for (n, value) in range.iter().enumerate() {
        number(&format!("{key}.{n}"), *value)?;
    }
    if low >= high {
        let problem = format!("[{low}, {high}] does not ascend");
        return Flaw::fail(key, problem, "write the smaller number first");
    }
    Ok([low, high])
}

/// One finite number per axis of the grid.
pub fn vector<'a>(key: &str, values: &'a [f64], dimensions: usize) -> Check<&'a [f64]> {
    length(key, values.len(), dimensions)?;
    for (n, value) in values.iter().enumerate() {
        number(&format!("{key}.{n}"), *value)?;
    }
    Ok(values)
}

/// One element per axis of the grid.
pub fn length(key: &str, found: usize, dimensions: usize) -> Check<()> {
    if found != dimensions {
        let problem = format!("{found} numbers, but the grid has {dimensions} axes");
        return Flaw::fail(key, problem, format!("write {dimensions} numbers, one per axis"));
    }
    Ok(())
}

/// Checks that a table has the keys that its kind needs and no others. `given` lists the keys that depend on the kind and
/// whether each is there; `kind` reads like `shape = "box"`.
pub fn keys_of_kind(table: &str, kind: &str, given: &[(&str, bool)], needed: &[&str], optional: &[&str]) -> Check<()> {
    for (key, _) in given.iter().filter(|(_, there)| *there) {
        if !needed.contains(key) && !optional.contains(key) {
            let used = [needed, optional].concat().join(", ");
            let fix = match used.is_empty() {
                true => "remove it".to_owned(),
                false => format!("remove it ({kind} uses {used})"),
            };
            let flaw = Flaw::new(format!("{table}.{key}"), format!("not used with {kind}"), fix);
            return Err(Flaw { is_name: true, ..flaw });
        }
    }
    for key in needed {
        if given.iter().any(|(name, there)| name == key && !there) {
            let fix = format!("add {key} = ... to {}", super::diagnose::table_name(table));
            return Flaw::fail(format!("{table}.{key}"), format!("missing; {kind} needs it"), fix);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senseless_numbers_are_refused() {
        for value in [f64::NAN, f64::INFINITY, -f64::INFINITY, 1e31] {
            assert!(number("k", value).is_err(), "{value}");
        }
        for value in [0.0, -0.0, -1.0, 1e-40, f64::MIN_POSITIVE] {
            assert!(positive("k", value, "m").is_err(), "{value}");
        }
        assert!(not_negative("k", -1e-9, "m").is_err() && not_negative("k", 0.0, "m").is_ok());
        assert!(ascending("k", &[1.0, 1.0]).is_err() && ascending("k", &[1.0, f64::NAN]).is_err());
        assert!(whole("k", 0, 1, 9).is_err() && whole("k", 10, 1, 9).is_err() && whole("k", 9, 1, 9) == Ok(9));
    }

    #[test]
    fn keys_of_another_kind_are_refused_and_missing_ones_named() {
        let given = [("radius", true), ("lower", false)];
        let flaw = keys_of_kind("regions.0", "shape = \"box\"", &given, &["lower"], &[]).unwrap_err();
        assert_eq!(flaw.key, "regions.0.radius");
        let flaw = keys_of_kind("regions.0", "shape = \"box\"", &given[1..], &["lower"], &[]).unwrap_err();
        assert_eq!(flaw.key, "regions.0.lower");
    }
}
