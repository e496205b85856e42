//! From a flaw to a message: where in the text or in which override it lies, drawn as a compiler does.
//!
//! The common currency is the path of a key. Errors of the TOML reader carry a place in the text and are turned into a path
//! ([`path_at`]); flaws found later carry the path. Either way the path is looked up in the text as the user wrote it, so an
//! override never shifts a line number.

use super::flaw::{Check, Flaw};
use super::overrides::{Override, nearest_path};
use crate::error::{Error, Result};
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use std::ops::Range;
use toml_edit::{Document, Item, TableLike, Value};

/// Longest piece of input quoted in a message, and longest name that is compared with others, in characters.
const LONGEST_QUOTE: usize = 400;

/// Where the keys at the top stand.
const WHOLE_DECK: &str = "the deck";

/// The text as the user wrote it.
pub struct Origin<'a> {
    name: String,
    text: &'a str,
    document: Document<&'a str>,
}

impl<'a> Origin<'a> {
    /// Parses the text for positions.
    ///
    /// # Errors
    /// If it is not TOML.
    pub fn new(name: &str, text: &'a str) -> Result<Origin<'a>> {
        let name = printable(name);
        match Document::parse(text) {
            Ok(document) => Ok(Origin { name, text, document }),
            Err(error) => Err(syntax_error(&name, text, &error)),
        }
    }

    /// The error for a flaw: with the override that is to blame, or with the place in the text.
    pub fn error(&self, flaw: &Flaw, overrides: &[Override]) -> Error {
        let (problem, fix) = (printable(&flaw.problem), printable(&flaw.fix));
        let key = display_key(&printable(&flaw.key));
        let subject = if key.is_empty() { String::new() } else { format!("{key}: ") };
        if let Some(change) = self.blamed(flaw, overrides) {
            let raw = printable(&change.raw);
            return Error::Input(format!("{}: --set {raw}: {subject}{problem}; {fix}", self.name));
        }
        let span = first_line(self.text, self.locate(flaw));
        located(&self.name, self.text, span, &format!("{subject}{problem}; {fix}"), &problem)
    }

    /// The last override that set the key, a table around it, or something in it that the text does not have.
    fn blamed<'o>(&self, flaw: &Flaw, overrides: &'o [Override]) -> Option<&'o Override> {
        let inside = |inner: &str, outer: &str| {
            inner == outer || inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
        };
        let absent = || find(self.document.as_item(), &flaw.key, false).is_none();
        overrides.iter().rev().find(|change| {
            inside(&flaw.key, &change.key) || (!flaw.key.is_empty() && inside(&change.key, &flaw.key) && absent())
        })
    }

    /// The value of the key, or the nearest table around it that is in the text.
    fn locate(&self, flaw: &Flaw) -> Range<usize> {
        let mut key = flaw.key.as_str();
        loop {
            if let Some(span) = find(self.document.as_item(), key, flaw.is_name) {
                return span;
            }
            match key.rsplit_once('.') {
                Some((outer, _)) => key = outer,
                None => return 0..0,
            }
        }
    }
}

/// The physics that a text asks for, as it is written in the deck.
pub fn physics(text: &str, known: &[&'static str]) -> Check<&'static str> {
    const KEY: &str = "physics";
    let table: toml::Table =
        toml::from_str(text).map_err(|error| Flaw::new("", error.message(), "correct the TOML"))?;
    let quoted: Vec<String> = known.iter().map(|name| format!("{KEY} = \"{name}\"")).collect();
    match table.get(KEY) {
        None => Flaw::fail(KEY, "missing", format!("add {} to {WHOLE_DECK}", quoted.join(" or "))),
        Some(toml::Value::String(name)) => match known.iter().find(|known| **known == name) {
            Some(known) => Ok(known),
            None => Flaw::fail(KEY, format!("\"{name}\" is not known here"), choose(name, known, "\"")),
        },
        Some(_) => Flaw::fail(KEY, "not a text", format!("write {}", quoted.join(" or "))),
    }
}

/// Paths of all keys that a deck can have.
type KeyPaths = fn() -> Vec<String>;

/// Reads the deck structs from text that is known to be TOML.
pub fn deserialize<D: DeserializeOwned + JsonSchema>(text: &str) -> Check<D> {
    toml::from_str(text).map_err(|error| {
        let path = match (error.span(), Document::parse(text)) {
            (Some(span), Ok(document)) => path_at(&document, span),
            _ => String::new(),
        };
        shape_flaw(&path, error.message(), super::schema::key_paths::<D>)
    })
}

/// Turns serde's message about the value or table at `path` into a flaw.
fn shape_flaw(path: &str, message: &str, all: KeyPaths) -> Flaw {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if message.starts_with("unknown field") {
        return unknown_key(path, &quoted[1..], all);
    }
    if message.starts_with("unknown variant") && !quoted.is_empty() {
        let problem = format!("\"{}\" is not known here", quoted[0]);
        return Flaw::new(path, problem, choose(quoted[0], &quoted[1..], "\""));
    }
    if message.starts_with("duplicate field") && !quoted.is_empty() {
        return Flaw::new(path, format!("{} is given under two names", quoted[0]), "write it once");
    }
    if message.starts_with("missing field") && !quoted.is_empty() {
        let key = if path.is_empty() { quoted[0].to_owned() } else { format!("{path}.{}", quoted[0]) };
        let place = if path.is_empty() { WHOLE_DECK.to_owned() } else { table_name(path) };
        return Flaw::new(key, "missing", addition(quoted[0], &place, all));
    }
    let (found, expected) = plain_words(message);
    Flaw::new(path, found, expected)
}

fn unknown_key(path: &str, known: &[&str], all: KeyPaths) -> Flaw {
    let (table, name) = path.rsplit_once('.').unwrap_or(("", path));
    let place =
        if table.is_empty() { "at the top of the deck".to_owned() } else { format!("in {}", display_key(table)) };
    let fix = match did_you_mean(name, known.iter().copied()) {
        Some(close) => format!("did you mean {close}?"),
        None => match nearest_path(path, &all()) {
            Some(close) => format!("did you mean {}?", display_key(&close)),
            None => choose(name, known, ""),
        },
    };
    Flaw { is_name: true, ..Flaw::new(path, format!("unknown key {place}"), fix) }
}

/// How to add a key to a place: a table by its header, a value by an equation.
fn addition(name: &str, place: &str, all: KeyPaths) -> String {
    let is_table = || all().iter().any(|path| path.starts_with(&format!("{name}.")));
    match place == WHOLE_DECK && is_table() {
        true => format!("add the table [{name}]"),
        false => format!("add {name} = ... to {place}"),
    }
}

fn choose(name: &str, known: &[&str], quote: &str) -> String {
    match did_you_mean(name, known.iter().copied()) {
        Some(close) => format!("did you mean {quote}{close}{quote}?"),
        None => {
            let names: Vec<String> = known.iter().map(|name| format!("{quote}{name}{quote}")).collect();
            format!("use {}", names.join(", "))
        }
    }
}

/// Splits `invalid type: string "a", expected f64` into what was found and what to write, in words of a deck.
fn plain_words(message: &str) -> (String, String) {
    let line = message.lines().collect::<Vec<_>>().join(", ");
    let stripped = line.strip_prefix("invalid type: ").or_else(|| line.strip_prefix("invalid value: "));
    let stripped = stripped.or_else(|| line.strip_prefix("invalid length ")).unwrap_or(&line);
    let Some((found, expected)) = stripped.split_once(", expected ") else {
        return (line.clone(), "correct the value".to_owned());
    };
    let found = match found.split_once(' ') {
        Some(("string", text)) => format!("the text {text}"),
        Some(("integer" | "floating" | "boolean", _)) => {
            format!("the value {}", found.split('`').nth(1).unwrap_or(found))
        }
        _ => match found {
            "map" => "a table".to_owned(),
            "sequence" => "an array".to_owned(),
            number if number.parse::<usize>().is_ok() => format!("{number} elements"),
            other => other.to_owned(),
        },
    };
    let expected = match expected {
        "f64" => "a number".to_owned(),
        "u64" | "usize" | "u32" => "a whole number, 0 or greater".to_owned(),
        "a boolean" | "bool" => "true or false".to_owned(),
        "a sequence" => "an array, like [1, 2]".to_owned(),
        text if text.starts_with("struct") || text == "a map" => "a table of keys".to_owned(),
        text => text.to_owned(),
    };
    (format!("{found} does not fit"), format!("write {expected}"))
}

fn syntax_error(name: &str, text: &str, error: &toml_edit::TomlError) -> Error {
    let problem = printable(&error.message().lines().collect::<Vec<_>>().join(", "));
    let span = first_line(text, error.span().unwrap_or(0..0));
    let line = line_around(text, span.start).trim();
    let near = printable(line.split(['=', '#']).next().unwrap_or(line).trim());
    let fix = "correct the TOML: key = value, texts in quotes, [table]";
    located(name, text, span, &format!("near {near}: {problem}; {fix}"), &problem)
}

fn line_around(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    text[start..].lines().next().unwrap_or("")
}

/// Cuts a span to its first line, so that a table is marked by its header.
fn first_line(text: &str, span: Range<usize>) -> Range<usize> {
    let start = (0..=span.start.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let end = span.end.clamp(start, text.len());
    let end = (start..=end).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(start);
    let line_end = text[start..end].find(['\n', '\r']).map_or(end, |length| start + length);
    start..line_end
}

fn located(name: &str, text: &str, span: Range<usize>, message: &str, label: &str) -> Error {
    let before = &text[..span.start];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    let snippet = Snippet::source(text).path(name).annotation(AnnotationKind::Primary.span(span).label(label));
    let snippet = Renderer::plain().render(&[Group::with_level(Level::ERROR).element(snippet)]);
    Error::Deck { message: format!("{name}:{line}:{column}: {message}"), snippet }
}

/// The place of a key: its name or its value, or for tables the header. `None` if it is not in the text.
fn find(root: &Item, key: &str, name: bool) -> Option<Range<usize>> {
    let mut found = None;
    visit(root, String::new(), &mut |path, key_span, value_span| {
        if path == key {
            found = match name {
                true => key_span.or(value_span),
                false => value_span.or(key_span),
            };
        }
    });
    found
}

/// The path of the innermost key whose name or value contains the place; the whole deck has an empty place.
fn path_at(document: &Document<&str>, place: Range<usize>) -> String {
    if place.is_empty() {
        return String::new();
    }
    let mut best = (usize::MAX, String::new());
    visit(document.as_item(), String::new(), &mut |path, key_span, value_span| {
        for span in [key_span, value_span].into_iter().flatten() {
            let inside = span.start <= place.start && place.end <= span.end;
            if inside && span.len() <= best.0 && !path.is_empty() {
                best = (span.len(), path.to_owned());
            }
        }
    });
    best.1
}

type Visitor<'v> = dyn FnMut(&str, Option<Range<usize>>, Option<Range<usize>>) + 'v;

fn visit(item: &Item, path: String, visitor: &mut Visitor<'_>) {
    match item {
        Item::None => {}
        Item::Value(value) => visit_value(value, &path, visitor),
        Item::Table(table) => visit_table(table, &path, visitor),
        Item::ArrayOfTables(array) => {
            for (n, table) in array.iter().enumerate() {
                let inner = join(&path, &n.to_string());
                visitor(&inner, None, table.span());
                visit_table(table, &inner, visitor);
            }
        }
    }
}

fn visit_value(value: &Value, path: &str, visitor: &mut Visitor<'_>) {
    match value {
        Value::Array(array) => {
            for (n, element) in array.iter().enumerate() {
                let inner = join(path, &n.to_string());
                visitor(&inner, None, element.span());
                visit_value(element, &inner, visitor);
            }
        }
        Value::InlineTable(table) => visit_table(table, path, visitor),
        _ => {}
    }
}

fn visit_table(table: &dyn TableLike, path: &str, visitor: &mut Visitor<'_>) {
    for (name, item) in table.iter() {
        let inner = join(path, name);
        let key_span = table.key(name).and_then(|key| key.span());
        visitor(&inner, key_span, item.span());
        visit(item, inner, visitor);
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// A path as it is read best: `grid.cells[1]`.
pub fn display_key(key: &str) -> String {
    key.split('.').enumerate().fold(String::new(), |mut text, (n, segment)| {
        match segment.parse::<usize>() {
            Ok(index) => text.push_str(&format!("[{index}]")),
            Err(_) if n == 0 => text.push_str(segment),
            Err(_) => text.push_str(&format!(".{segment}")),
        }
        text
    })
}

/// A table as its header reads: `[grid]`; an element of an array of tables by its number: `regions[0]`.
pub fn table_name(key: &str) -> String {
    let numbered = key.split('.').any(|segment| segment.parse::<usize>().is_ok());
    if numbered { display_key(key) } else { format!("[{key}]") }
}

/// The candidate that a mistyped name means, if one is close.
pub fn did_you_mean<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    if name.len() > LONGEST_QUOTE {
        return None;
    }
    let scored = candidates.map(|candidate| (strsim::jaro_winkler(name, candidate), candidate));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)))?;
    (best.0 >= 0.8).then(|| best.1.to_owned())
}

/// Input as it may be printed: control and other invisible characters escaped, long pieces cut.
pub fn printable(text: &str) -> String {
    let mut printed = String::new();
    for (n, c) in text.chars().enumerate() {
        if n == LONGEST_QUOTE {
            printed.push_str("...");
            break;
        }
        match c {
            '"' | '\'' | '\\' => printed.push(c),
            other => printed.extend(other.escape_debug()),
        }
    }
    printed
}
