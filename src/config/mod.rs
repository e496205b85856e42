//! From a deck (TOML) and `--set` overrides to a validated [`RunConfig`].
//!
//! ```text
//! file --read_deck_text--> text --overrides--> effective text --serde--> Deck or NBodyDeck --validate--> RunConfig + resolved deck
//!                            \______________________ flaws are traced back to here ______________________/
//! ```
//! Reading the file and parsing the text are separate: rank 0 reads, the text is broadcast, and every rank parses the same
//! text to the same configuration. The only files that parsing touches are masks, through a function that the caller gives.

mod checkpoint_deck;
mod choices;
mod deck;
mod diagnose;
mod file;
mod flaw;
mod nbody_bodies;
mod nbody_choices;
mod nbody_deck;
mod overrides;
mod physics;
mod reference;
mod schema;
mod validate;
mod validate_initial;
mod validate_nbody;
mod validate_nbody_bodies;
mod validate_nbody_models;
mod validate_nbody_output;
mod validate_nbody_schemes;
mod validate_physics;
mod validate_shape;

pub use file::{deck_directory, read_deck_text};
pub use overrides::Override;
pub use reference::reference;
pub use schema::schema;

use crate::error::{Error, Result};
use crate::region::Mask;
use crate::run_config::{HeatRun, NBodyRun, RunConfig};
use deck::Deck;
use diagnose::Origin;
use flaw::{Check, Flaw};
use nbody_deck::NBodyDeck;
use serde::Serialize;
use std::cell::RefCell;
use std::path::{Path, PathBuf};

/// Reads a mask for a grid of the given cells. Under MPI one rank reads and broadcasts, behind this function.
pub type MaskReader<'a> = &'a dyn Fn(&Path, [usize; 3]) -> Result<Mask>;

/// Reads and checks a deck: [`read_deck_text`] and [`parse`] in one, for a single rank.
///
/// # Errors
/// Exit code 2, for everything that is wrong with the file, its text, its values or the overrides.
pub fn load(path: &Path, overrides: &[String], read_mask: MaskReader<'_>) -> Result<RunConfig> {
    let text = read_deck_text(path)?;
    parse(&path.display().to_string(), &text, overrides, &deck_directory(path), read_mask)
}

/// Parses and checks the text of a deck.
///
/// `name` is the path as the user wrote it: it stands in messages, and its file stem is the case. `overrides` are the
/// arguments of `--set`, `key.path=value`. Relative paths in the deck start at `directory`, best an absolute path, because
/// the resolved deck contains the joined paths.
///
/// # Errors
/// Exit code 2; the message names file, line, column, key and fix, or the override that is to blame.
pub fn parse(
    name: &str,
    text: &str,
    overrides: &[String],
    directory: &Path,
    read_mask: MaskReader<'_>,
) -> Result<RunConfig> {
    let case = file::case_name(name)?;
    let origin = Origin::new(name, text)?;
    let mut overrides = overrides.iter().map(|raw| Override::parse(raw)).collect::<Result<Vec<_>>>()?;
    let context = Context { directory, case: &case, read_mask, remote_error: RefCell::new(None) };
    let checked = overrides::apply(text, &mut overrides).and_then(|effective| check(&effective, &context));
    match (checked, context.remote_error.take()) {
        (Ok(run), _) => run,
        (Err(_), Some(remote)) => Err(remote),
        (Err(flaw), None) => Err(origin.error(&flaw, &overrides)),
    }
}

/// Adds to an error about a key ([`Error::Key`]) where the deck or an override sets it; other errors stay as they are. The
/// arguments are those of [`parse`].
pub fn place(error: Error, name: &str, text: &str, overrides: &[String]) -> Error {
    let Error::Key { key, problem, fix } = error else { return error };
    let parsed: Result<Vec<Override>> = overrides.iter().map(|raw| Override::parse(raw)).collect();
    match (Origin::new(name, text), parsed) {
        (Ok(origin), Ok(overrides)) => origin.error(&Flaw::new(key, problem, fix), &overrides),
        // A text that has become a run has been parsed before.
        _ => Error::Key { key, problem, fix },
    }
}

/// Reads and checks the deck of whichever physics the text asks for.
fn check(text: &str, context: &Context<'_>) -> Check<Result<RunConfig>> {
    match diagnose::physics(text, &[HEAT, NBODY])? {
        HEAT => {
            let mut deck: Deck = diagnose::deserialize(text)?;
            let run = validate::heat_run(&mut deck, context)?;
            Ok(resolved(&deck).map(|resolved| RunConfig::Heat(Box::new(HeatRun { resolved, ..run }))))
        }
        _ => {
            let mut deck: NBodyDeck = diagnose::deserialize(text)?;
            let run = validate_nbody::nbody_run(&mut deck, context)?;
            Ok(resolved(&deck).map(|resolved| RunConfig::NBody(Box::new(NBodyRun { resolved, ..run }))))
        }
    }
}

/// The two physics as decks call them.
const HEAT: &str = "heat";
const NBODY: &str = "nbody";

fn resolved(deck: &impl Serialize) -> Result<String> {
    let text =
        toml::to_string(deck).map_err(|error| Error::Defect(format!("cannot write the resolved deck: {error}")))?;
    Ok(format!("# The deck of this run with every default written out.\n{text}"))
}

/// What checking needs besides the deck.
struct Context<'a> {
    directory: &'a Path,
    case: &'a str,
    read_mask: MaskReader<'a>,
    /// The error of another rank that read a mask in vain: it is complete and stays as it is.
    remote_error: RefCell<Option<Error>>,
}

impl Context<'_> {
    fn path(&self, file: &str) -> PathBuf {
        self.directory.join(file)
    }

    /// The path as text for the resolved deck.
    fn path_text(&self, file: &str) -> String {
        self.path(file).to_str().map_or_else(|| file.to_owned(), str::to_owned)
    }
}

/// A choice as it stands in the deck: `shape = "box"`.
fn kind_text(key: &str, kind: impl Serialize) -> String {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(name)) => format!("{key} = \"{name}\""),
        _ => key.to_owned(),
    }
}
