//! Whether a checkpoint is of the run that a deck asks for.
//!
//! A run may be continued with other outputs, checkpoints, decomposition and title, and with a later end: none of these decides on the
//! state after a given step. Everything else must be equal, and so must the step and the time that the clock gives to the checkpoint's step, to
//! the bit: they catch an end that changes an automatic time step, and a last step that was shortened.

use super::header::Header;
use crate::error::{Error, Result};
use crate::schedule::Clock;
use std::path::Path;
use toml::{Table, Value};

/// Tables and keys of a deck that do not decide on the state after a step.
const FREE: [&str; 4] = ["title", "output", "checkpoint", "decomposition"];
/// Keys of `[time]` that only say when to stop.
const FREE_OF_TIME: [&str; 2] = ["steps", "end"];

/// Tables that decide neither on the state nor on what is written of it.
const IDLE: [&str; 2] = ["checkpoint", "decomposition"];

/// Whether two resolved decks ask for the same run with the same outputs.
pub fn is_same_deck(one: &str, other: &str) -> bool {
    let kept = |deck: &str| {
        let mut table = deck.parse::<Table>().ok()?;
        IDLE.iter().for_each(|key| drop(table.remove(*key)));
        Some(table)
    };
    kept(one).is_some_and(|table| kept(other) == Some(table))
}

/// The hash of what decides on the state, as hexadecimal digits.
pub fn deck_hash(resolved: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    for (key, value) in decisive(resolved) {
        hasher.update(key.as_bytes()).update(b"=").update(value.as_bytes()).update(b"\n");
    }
    hasher.finalize().to_hex().to_string()
}

/// Checks the deck of a checkpoint against that of this run, both with every default written out.
///
/// # Errors
/// Exit code 2, naming the first key that differs.
pub fn check_deck(header: &Header, path: &Path, physics: &str, resolved: &str) -> Result<()> {
    if header.physics != physics {
        return Err(differs(path, "physics", &quoted(&header.physics), &quoted(physics)));
    }
    if header.deck_hash == deck_hash(resolved) {
        return Ok(());
    }
    let (there, here) = (decisive(&header.deck), decisive(resolved));
    let found = |keys: &[(String, String)], key: &str| {
        keys.iter().find(|(name, _)| name == key).map_or("not set".to_owned(), |(_, value)| value.clone())
    };
    let keys = there.iter().chain(&here).map(|(key, _)| key);
    let different = keys.map(|key| (key, found(&there, key), found(&here, key))).find(|(_, a, b)| a != b);
    match different {
        Some((key, there, here)) => Err(differs(path, key, &there, &here)),
        None => Err(differs(path, "deck", "another one", "this one")),
    }
}

/// Checks the time axis of this run against the step and the time of a checkpoint.
///
/// # Errors
/// Exit code 2, naming the key that differs.
pub fn check_clock(header: &Header, path: &Path, clock: &Clock) -> Result<()> {
    if header.dt != clock.dt.to_bits() {
        let (there, here) = (f64::from_bits(header.dt), clock.dt);
        return Err(differs(path, "time.dt", &format!("{there:e}"), &format!("{here:e} (it follows from time.end)")));
    }
    if header.step > clock.steps {
        return Err(differs(path, "time.steps", &format!("at least {}", header.step), &clock.steps.to_string()));
    }
    let time = clock.time(header.step);
    if header.time != time.to_bits() {
        let (there, here) = (header.time(), time);
        let why = "a shortened last step cannot be gone on from";
        return Err(differs(path, "time.end", &format!("{there:?}"), &format!("{here:?} after the same step ({why})")));
    }
    Ok(())
}

fn differs(path: &Path, key: &str, there: &str, here: &str) -> Error {
    Error::Input(format!(
        "{} is a checkpoint of another run: {key} is {there} there and {here} here; use the deck it was written with, start anew with \
         --overwrite, or choose another --output",
        path.display()
    ))
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

/// Keys and values of a resolved deck that decide on the state, in order.
fn decisive(resolved: &str) -> Vec<(String, String)> {
    let mut table: Table = resolved.parse().unwrap_or_default();
    FREE.iter().for_each(|key| drop(table.remove(*key)));
    if let Some(Value::Table(time)) = table.get_mut("time") {
        FREE_OF_TIME.iter().for_each(|key| drop(time.remove(*key)));
    }
    let mut leaves = Vec::new();
    collect(&Value::Table(table), "", &mut leaves);
    leaves.sort();
    leaves
}

fn collect(value: &Value, path: &str, leaves: &mut Vec<(String, String)>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Table(table) => table.iter().for_each(|(name, inner)| collect(inner, &below(name), leaves)),
        Value::Array(values) if values.iter().any(Value::is_table) => {
            values.iter().enumerate().for_each(|(n, inner)| collect(inner, &below(&n.to_string()), leaves));
        }
        // Floats with their bits: decimals of a resolved deck read back exactly, but -0 equals 0.
        other => leaves.push((path.to_owned(), other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECK: &str = "title = \"a\"\nphysics = \"heat\"\n[grid]\ncells = [4, 3]\n[[sources]]\npower = 2.0\n[time]\nsteps = 5\ndt = 0.5\n[output]\nframes_every = 3\n";

    fn header(deck: &str) -> Header {
        Header {
            program: "0".into(),
            physics: "heat".into(),
            size: vec![4, 3, 1],
            step: 4,
            time: 2.0f64.to_bits(),
            dt: 0.5f64.to_bits(),
            limit: 1.0f64.to_bits(),
            cpu_path: "avx2".into(),
            deck_hash: deck_hash(deck),
            deck: deck.into(),
            model: serde_json::Value::Null,
            outputs: serde_json::Value::Null,
            sections: Vec::new(),
        }
    }

    #[test]
    fn outputs_titles_and_ends_may_differ() {
        let other = DECK
            .replace("\"a\"", "\"b\"")
            .replace("frames_every = 3", "frames_every = 7")
            .replace("steps = 5", "end = 9.0");
        assert_eq!(check_deck(&header(DECK), Path::new("x"), "heat", &other), Ok(()));
    }

    #[test]
    fn what_differs_is_named() {
        for (from, to, key) in
            [("[4, 3]", "[4, 4]", "grid.cells"), ("2.0", "2.5", "sources.0.power"), ("0.5", "0.25", "time.dt")]
        {
            let error = check_deck(&header(DECK), Path::new("x"), "heat", &DECK.replace(from, to)).unwrap_err();
            assert!(error.exit_code() == 2 && error.to_string().contains(&format!("{key} is ")), "{error}");
        }
        let error = check_deck(&header(DECK), Path::new("x"), "nbody", DECK).unwrap_err();
        assert!(error.to_string().contains("physics is \"heat\" there"), "{error}");
    }

    #[test]
    fn the_clock_must_give_the_same_step_and_time() {
        let check =
            |dt: f64, steps: u64, end: f64| check_clock(&header(DECK), Path::new("x"), &Clock { dt, steps, end });
        assert_eq!(check(0.5, 9, 4.5), Ok(()));
        assert_eq!(check(0.5, 4, 2.0), Ok(()));
        for (dt, steps, end, key) in [(0.4, 9, 3.6, "time.dt"), (0.5, 3, 1.5, "time.steps"), (0.5, 4, 1.9, "time.end")]
        {
            let error = check(dt, steps, end).unwrap_err();
            assert!(error.exit_code() == 2 && error.to_string().contains(key), "{error}");
        }
    }
}
