//! What is varied: `--vary key=values`, and the members that follow from it.
//!
//! | written | means |
//! |---|---|
//! | `a=1,2,3` | these values, each as `--set` takes it; a comma in brackets, braces or quotes does not part values |
//! | `a=0:1:5` | 5 values from 0 to 1, both included, evenly spaced |
//! | `a=1:1000:4:log` | 4 values from 1 to 1000, each the same multiple of the one before |
//! | `a=1,2;b=8,9` | pairs: the first value of each, the second of each, and so on |
//! | several `--vary` | every combination; the last one changes fastest |
//!
//! Refused: `from:step:to`, as some languages write ranges. What a grid of a study needs is its number of points, and the last one never
//! depends on rounding. The plan is printed before anything runs, so a wrong guess shows.

use crate::config::Override;
use crate::error::{Error, Result};
use crate::output::diagnostics::number;

/// Most members of a sweep: beyond it is a typing error, or a case for several sweeps.
pub const MOST_MEMBERS: usize = 10_000;

/// Keys that change together, and their values in each of the steps that they take.
#[derive(Clone, Debug, PartialEq)]
pub struct Variation {
    /// Paths of keys.
    pub keys: Vec<String>,
    /// One value of each key, for every step.
    pub rows: Vec<Vec<String>>,
}

fn refuse<T>(raw: &str, problem: &str, fix: &str) -> Result<T> {
    Err(Error::Input(format!("--vary {}: {problem}; {fix}", crate::console::one_line(raw))))
}

impl Variation {
    /// Parses one `--vary`.
    ///
    /// # Errors
    /// Exit code 2, with the way out.
    pub fn parse(raw: &str) -> Result<Variation> {
        let (mut keys, mut columns) = (Vec::new(), Vec::<Vec<String>>::new());
        for part in split(raw, ';') {
            let (key, values) = assignment(raw, part)?;
            keys.push(key);
            columns.push(values);
        }
        let count = columns.first().map_or(0, Vec::len);
        if let Some(other) = columns.iter().position(|values| values.len() != count) {
            let problem = format!("{} has {count} values and {} has {}", keys[0], keys[other], columns[other].len());
            return refuse(raw, &problem, "keys joined by ; change together and need equally many");
        }
        let row = |n: usize| columns.iter().map(|values| values[n].clone()).collect();
        Ok(Variation { keys, rows: (0..count).map(row).collect() })
    }
}

/// The key and the values of `key=values`.
fn assignment(raw: &str, part: &str) -> Result<(String, Vec<String>)> {
    let Some((name, list)) = part.split_once('=') else {
        return refuse(raw, "there is no =", "write --vary key.path=value,value, for example --vary time.dt=0.1,0.05");
    };
    let mut values = Vec::new();
    for item in split(list, ',') {
        match range(raw, item.trim())? {
            Some(several) => values.extend(several),
            None => values.push(item.trim().to_owned()),
        }
    }
    if values.iter().any(String::is_empty) {
        return refuse(raw, "a value is empty", "write values parted by single commas");
    }
    let mut key = String::new();
    for value in &values {
        key = Override::of_flag("--vary", &format!("{}={value}", name.trim()))?.key;
    }
    if let Some(twice) = (1..values.len()).find(|&n| values[..n].contains(&values[n])) {
        let problem = format!("{} is given twice", values[twice]);
        return refuse(raw, &problem, "equal members give equal results: leave one out");
    }
    Ok((key, values))
}

/// The pieces between separators that lie in no brackets, braces or quotes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut depth, mut quote, mut escaped, mut start, mut pieces) = (0i32, None, false, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some('"'), '\\') if !escaped => {
                escaped = true;
                continue;
            }
            (Some(open), c) if c == open && !escaped => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth -= 1,
            (None, c) if c == separator && depth <= 0 => {
                pieces.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
        escaped = false;
    }
    pieces.push(&text[start..]);
    pieces
}

/// The values of `from:to:count` or `from:to:count:log`; none if the item is not made of numbers and colons.
fn range(raw: &str, item: &str) -> Result<Option<Vec<String>>> {
    let parts: Vec<&str> = item.split(':').map(str::trim).collect();
    let ([from, to, count] | [from, to, count, "log"]) = parts[..] else { return Ok(None) };
    let (Ok(low), Ok(high)) = (from.parse::<f64>(), to.parse::<f64>()) else { return Ok(None) };
    let Some(points) = count.parse::<usize>().ok().filter(|points| (2..=MOST_MEMBERS).contains(points)) else {
        let problem = format!("{count} is no number of points");
        return refuse(raw, &problem, "write from:to:points with 2 points or more, for example 0:1:5");
    };
    let is_log = parts.len() == 4;
    if !(low.is_finite() && high.is_finite()) || low == high || (is_log && (low <= 0.0 || high <= 0.0)) {
        return refuse(raw, &format!("{item} is no range"), "its ends must be finite, different, and above 0 with log");
    }
    let whole = from.parse::<i64>().is_ok() && to.parse::<i64>().is_ok();
    let last = (points - 1) as f64;
    let value = |n: usize| {
        let share = n as f64;
        let exact = match is_log {
            false => (low * (last - share) + high * share) / last,
            true => low * (high / low).powf(share / last),
        };
        // Fourteen digits: what is meant as 1e-4 or 100 is not 9.999999999999999e-5 or 99.99999999999999.
        let meant = format!("{exact:.13e}").parse().unwrap_or(exact);
        if whole && meant == meant.round() { format!("{meant}") } else { number(meant) }
    };
    Ok(Some((0..points).map(value).collect()))
}

/// All keys in their order, and the values of every member.
///
/// # Errors
/// Exit code 2 if a key is varied twice or is also set, or there are too many members or none.
pub fn members(variations: &[Variation], set: &[String]) -> Result<(Vec<String>, Vec<Vec<String>>)> {
    let keys: Vec<String> = variations.iter().flat_map(|variation| variation.keys.clone()).collect();
    for (n, key) in keys.iter().enumerate() {
        if keys[..n].contains(key) {
            return Err(Error::Input(format!("--vary: {key} is varied twice; give all of its values in one list")));
        }
        for raw in set {
            if Override::parse(raw)?.key == *key {
                return Err(Error::Input(format!("{key} is in --vary and in --set; leave out the --set")));
            }
        }
    }
    let count = variations.iter().try_fold(1usize, |count, v| count.checked_mul(v.rows.len()));
    match count.filter(|count| *count <= MOST_MEMBERS) {
        None => Err(Error::Input(format!("--vary makes more than {MOST_MEMBERS} members; use fewer values"))),
        Some(_) if keys.is_empty() => Err(Error::Input("a sweep needs --vary key=value,value".to_owned())),
        Some(_) => Ok((keys, combinations(variations))),
    }
}

fn combinations(variations: &[Variation]) -> Vec<Vec<String>> {
    variations.iter().fold(vec![Vec::new()], |members, variation| {
        let with = |member: &Vec<String>, row: &Vec<String>| member.iter().chain(row).cloned().collect();
        members.iter().flat_map(|member| variation.rows.iter().map(move |row| with(member, row))).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(raw: &str) -> Vec<String> {
        Variation::parse(raw).unwrap().rows.into_iter().map(|row| row.join(" ")).collect()
    }

    #[test]
    fn lists_hold_numbers_words_arrays_and_texts() {
        assert_eq!(values("a=1,2.5, steel"), ["1", "2.5", "steel"]);
        assert_eq!(values("grid.cells=[8,8],[16, 16]"), ["[8,8]", "[16, 16]"]);
        assert_eq!(values(r#"title="a, \"b;\"",'c,;d'"#), [r#""a, \"b;\"""#, "'c,;d'"]);
        assert_eq!(values("b={ kind = \"fixed\", value = 1 },{ kind = \"flux\", value = 2 }").len(), 2);
        assert_eq!(Variation::parse("c[0].d=1").unwrap().keys, ["c.0.d"]);
    }

    #[test]
    fn ranges_are_even_or_geometric_and_end_where_they_say() {
        assert_eq!(values("a=0:1:5"), ["0", "0.25", "0.5", "0.75", "1"]);
        assert_eq!(values("a=0:1:11")[3], "0.3");
        assert_eq!(values("a=100:500:3,900"), ["100", "300", "500", "900"]);
        assert_eq!(values("a=1:1000:4:log"), ["1", "10", "100", "1000"]);
        assert_eq!(values("a=1e-4:1e-2:3:log")[0], "0.0001");
        assert_eq!(values("a=1e-5:1e-2:4:log"), ["1e-5", "0.0001", "0.001", "0.01"]);
        assert_eq!(values("a=0.1:0.7:3"), ["0.1", "0.4", "0.7"]);
        assert_eq!(values("a=b:c:d"), ["b:c:d"], "a text with colons");
    }

    #[test]
    fn pairs_go_together_and_several_make_a_grid() {
        let pair = Variation::parse("a=1,2;b.c=x,y").unwrap();
        let grid = Variation::parse("d=7,8").unwrap();
        let (keys, members) = members(&[pair, grid], &["e=1".to_owned()]).unwrap();
        assert_eq!(keys, ["a", "b.c", "d"]);
        assert_eq!(members, [["1", "x", "7"], ["1", "x", "8"], ["2", "y", "7"], ["2", "y", "8"]]);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_in_one_line() {
        for raw in
            ["a", "=1", "a=", "a=1,,2", "a=1,1", "a=1,2;b=1", "a=0:1:1", "a=1:1:3", "a=0:9:3:log", "a=[1", "a=0:1:-3"]
        {
            let error = Variation::parse(raw).unwrap_err();
            assert!(error.exit_code() == 2 && error.to_string().starts_with("--vary "), "{raw}: {error}");
        }
        let hostile = Variation::parse("a\u{1b}[2J\nerror: b=1").unwrap_err().to_string();
        assert!(!hostile.contains(['\n', '\u{1b}']), "{hostile}");
        let one = |raw: &str| Variation::parse(raw).unwrap();
        assert!(members(&[one("a=1"), one("a=2")], &[]).is_err());
        assert!(members(&[one("c.0.d=1")], &["c[0].d=3".to_owned()]).is_err());
        assert!(members(&[one("a=0:1:9999"), one("b=1,2")], &[]).is_err());
        assert!(members(&[], &[]).is_err());
    }
}
