//! `--set key.path=value`: overrides of single keys, array elements included (`regions.0.radius=0.1`).
//!
//! A value is TOML; what is not TOML and looks like a word is a string, so that `--set material.name=copper` needs no quotes
//! within quotes. Overrides are applied to the parsed text and the result is written as text again: from there on a deck
//! with overrides takes the same way as one without, and unknown keys are found at the same place.

use super::diagnose::{did_you_mean, display_key, printable};
use super::flaw::{Check, Flaw};
use crate::error::{Error, Result};
use toml::{Table, Value};

/// Keys of which a table has exactly one: setting one by an override takes away the other.
const ALTERNATIVES: [(&str, &str); 4] =
    [("steps", "end"), ("power_density", "power"), ("semi_major_axis", "pericentre"), ("generator", "kind")];

/// What is one table or a list of tables: a single one may be named with its number and without.
const ONE_OR_SEVERAL: &str = "bodies";

/// One `--set`.
#[derive(Clone, Debug)]
pub struct Override {
    /// As the user wrote it.
    pub raw: String,
    /// Path with dots, array elements by number.
    pub key: String,
    value: Value,
}

impl Override {
    /// Parses `key.path=value`.
    ///
    /// # Errors
    /// Exit code 2 if there is no `=`, the path is no path, or the value is broken TOML.
    pub fn parse(raw: &str) -> Result<Override> {
        Override::of_flag("--set", raw)
    }

    /// As [`Override::parse`], for another flag with the same form.
    ///
    /// # Errors
    /// As there.
    pub fn of_flag(flag: &str, raw: &str) -> Result<Override> {
        let refuse =
            |problem: &str, fix: &str| Err(Error::Input(format!("{flag} {}: {problem}; {fix}", printable(raw))));
        let Some((key, value)) = raw.split_once('=') else {
            let fix = format!("write {flag} key.path=value, for example {flag} grid.cells=[64,64]");
            return refuse("there is no =", &fix);
        };
        let key = key.trim().replace('[', ".").replace(']', "");
        let bare = |segment: &str| {
            !segment.is_empty() && segment.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        };
        if !key.split('.').all(bare) {
            return refuse("the key is not a path", "write names joined by dots, for example time.steps=100");
        }
        match typed(value.trim()) {
            Some(value) => Ok(Override { raw: raw.to_owned(), key, value }),
            None => refuse("the value is not TOML", "close quotes, brackets and braces, or quote a text"),
        }
    }
}

fn typed(text: &str) -> Option<Value> {
    match toml::from_str::<Table>(&format!("value = {text}")) {
        Ok(mut table) if table.len() == 1 => table.remove("value"),
        _ if text.starts_with(['"', '\'', '[', '{']) || text.contains('\n') => None,
        _ => Some(Value::String(text.to_owned())),
    }
}

/// The text of the deck with the overrides in it. Without overrides it is the text itself, so positions stay true. Keys of
/// overrides become those that lead through this deck.
///
/// # Errors
/// If a path leads through something that is no table or past the end of an array.
pub fn apply(text: &str, overrides: &mut [Override]) -> Check<String> {
    if overrides.is_empty() {
        return Ok(text.to_owned());
    }
    let broken = |error: &dyn std::fmt::Display| Flaw::new("", error.to_string(), "correct the TOML");
    let mut root = Value::Table(toml::from_str(text).map_err(|error| broken(&error.message()))?);
    for n in 0..overrides.len() {
        overrides[n].key = settled(&root, &overrides[n].key);
        let change = &overrides[n];
        displace_alternative(&mut root, change, overrides);
        let path: Vec<&str> = change.key.split('.').collect();
        set(&mut root, &path, 0, change)?;
    }
    toml::to_string(&root).map_err(|error| broken(&error))
}

/// The path of a key of the only group of bodies, whether the deck writes that as a table or as a list.
fn settled(root: &Value, key: &str) -> String {
    let Some(rest) = key.strip_prefix(ONE_OR_SEVERAL).and_then(|rest| rest.strip_prefix('.')) else {
        return key.to_owned();
    };
    let (first, inner) = rest.split_once('.').unwrap_or((rest, ""));
    match root.get(ONE_OR_SEVERAL) {
        Some(Value::Table(_)) if first == "0" => format!("{ONE_OR_SEVERAL}.{inner}").trim_end_matches('.').to_owned(),
        Some(Value::Array(list)) if list.len() == 1 && first.parse::<usize>().is_err() => {
            format!("{ONE_OR_SEVERAL}.0.{rest}")
        }
        _ => key.to_owned(),
    }
}

fn set(value: &mut Value, path: &[&str], depth: usize, change: &Override) -> Check<()> {
    let Some(segment) = path.get(depth) else {
        *value = change.value.clone();
        return Ok(());
    };
    match value {
        Value::Table(table) => {
            let inner = table.entry(*segment).or_insert_with(|| Value::Table(Table::new()));
            set(inner, path, depth + 1, change)
        }
        Value::Array(array) => {
            let count = array.len();
            match segment.parse::<usize>().ok().and_then(|index| array.get_mut(index)) {
                Some(inner) => set(inner, path, depth + 1, change),
                None => Err(no_such_element(path, depth, count, change)),
            }
        }
        scalar => {
            let parent = display_key(&path[..depth].join("."));
            let problem = format!("{parent} is {}, not a table", describe(scalar));
            Err(Flaw::new(change.key.clone(), problem, format!("set {parent} as a whole: --set '{parent}={{ ... }}'")))
        }
    }
}

fn no_such_element(path: &[&str], depth: usize, count: usize, change: &Override) -> Flaw {
    let parent = display_key(&path[..depth].join("."));
    let fix = match count {
        0 => format!("set {parent} as a whole: --set '{parent}=[ ... ]'"),
        1 => format!("its only element is {parent}.0"),
        _ => format!("use {parent}.0 to {parent}.{}", count - 1),
    };
    Flaw::new(change.key.clone(), format!("{parent} has no element {}", path[depth]), fix)
}

fn describe(value: &Value) -> String {
    match value {
        Value::String(text) => format!("the text \"{}\"", printable(text)),
        other => format!("the value {other}"),
    }
}

fn displace_alternative(root: &mut Value, change: &Override, overrides: &[Override]) {
    let (parent, last) = change.key.rsplit_once('.').unwrap_or(("", &change.key));
    let both_ways = ALTERNATIVES.iter().flat_map(|&(a, b)| [(a, b), (b, a)]);
    for (_, other) in both_ways.filter(|(name, _)| *name == last) {
        let sibling = format!("{parent}.{other}");
        if overrides.iter().all(|change| change.key != sibling)
            && let Some(table) = table_at(root, parent)
        {
            table.remove(other);
        }
    }
}

fn table_at<'a>(root: &'a mut Value, key: &str) -> Option<&'a mut Table> {
    key.split('.')
        .try_fold(root, |value, segment| match value {
            Value::Table(table) => table.get_mut(segment),
            Value::Array(array) => array.get_mut(segment.parse::<usize>().ok()?),
            _ => None,
        })?
        .as_table_mut()
}

/// The known key that a mistyped path means: the nearest of all paths, or a path that ends in what was written.
pub fn nearest_path(key: &str, known: &[String]) -> Option<String> {
    let same_end = |path: &&String| path.rsplit('.').next() == key.rsplit('.').next() && **path != key;
    let mut endings: Vec<&String> = known.iter().filter(same_end).collect();
    endings.dedup_by_key(|path| path.replace(".0.", "."));
    match endings.as_slice() {
        [only] => Some((*only).clone()),
        _ => did_you_mean(key, known.iter().map(String::as_str)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(text: &str, sets: &[&str]) -> Check<Table> {
        let mut overrides: Vec<Override> = sets.iter().map(|raw| Override::parse(raw).unwrap()).collect();
        apply(text, &mut overrides).map(|text| toml::from_str(&text).unwrap())
    }

    #[test]
    fn values_are_typed_by_toml_and_bare_words_are_strings() {
        for (text, kind) in [
            ("1", "integer"),
            ("1.5", "float"),
            ("true", "boolean"),
            ("[1, 2]", "array"),
            ("{ a = 1 }", "table"),
            ("copper", "string"),
            ("\"1\"", "string"),
            ("stainless steel", "string"),
            ("nan", "float"),
        ] {
            assert_eq!(Override::parse(&format!("a.b={text}")).unwrap().value.type_str(), kind, "{text}");
        }
    }

    #[test]
    fn broken_overrides_are_refused() {
        for raw in ["a", "", "=1", "a..b=1", "a b=1", "a=[1", "a=\"x", "a=\n[b]\nc=1", "a=\u{1b}[0m\nb=2"] {
            let error = Override::parse(raw).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(!error.to_string().contains(['\n', '\u{1b}']), "{error}");
        }
    }

    #[test]
    fn paths_reach_tables_arrays_and_what_is_not_there_yet() {
        let text = "a = { b = [1, 2] }\n[[c]]\nd = 1\n[[c]]\nd = 2\n";
        let table = applied(text, &["a.b.1=7", "c[1].d=8", "e.f.g=9", "c.0.x=1"]).unwrap();
        assert_eq!(table["a"]["b"].to_string(), "[1, 7]");
        assert_eq!(table["c"][1]["d"].as_integer(), Some(8));
        assert_eq!(table["e"]["f"]["g"].as_integer(), Some(9));
        assert_eq!(table["c"][0]["x"].as_integer(), Some(1));
    }

    #[test]
    fn paths_through_numbers_or_past_the_end_are_refused() {
        let flaw = applied("[[c]]\nd = 1\n", &["c.1.d=3"]).unwrap_err();
        assert!(flaw.problem.contains("no element 1") && flaw.fix.contains("c.0"), "{flaw:?}");
        assert!(applied("c = 1\n", &["c.d=3"]).is_err());
    }

    #[test]
    fn one_alternative_takes_the_place_of_the_other() {
        let table = applied("[time]\nsteps = 5\n", &["time.end=2.0"]).unwrap();
        assert!(!table["time"].as_table().unwrap().contains_key("steps"));
        let table = applied("[time]\nsteps = 5\n", &["time.end=2.0", "time.steps=3"]).unwrap();
        assert_eq!(table["time"].as_table().unwrap().len(), 2);
    }
}
