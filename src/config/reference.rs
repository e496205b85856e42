//! The deck reference (`docs/decks.md`), made from the JSON schema and the table of materials, so that it cannot drift.
//!
//! A section per table of the deck, in the order in which they are met; a row per key: type, default, meaning. The words are
//! the doc comments of the deck structs.

use super::deck::Deck;
use super::nbody_deck::NBodyDeck;
use super::schema::{follow, properties, schema_of};
use crate::heat::materials::MATERIALS;
use serde_json::Value;
use std::fmt::Write;

const HEAD: &str = "\
# Deck reference

<!-- Made from the schema. To renew it: PARHELION_BLESS=1 cargo test --test reference -->

The key `physics` says which of the two kinds a deck is: [heat diffusion](#heat-decks) or [N-body dynamics](#n-body-decks).

";

const TAIL: &str = "
## Overrides

`--set key.path=value` replaces any key, elements of arrays by their number: `--set time.end=5`,
`--set regions.0.radius=0.02`, `--set bodies.1.count=1000`, `--set 'boundary.x_lower={ kind = \"fixed\", value = 30 }'`. The value is TOML; a bare word is
text. The only group of bodies goes with its number and without: `--set bodies.count=1000`. Setting `time.end` takes away `time.steps` and the other way round, as do `power` and `power_density` of a source and
`semi_major_axis` and `pericentre` of an orbit.

## Built-in materials

Properties at about 20 to 25 degC. `aluminum`, `eps`, `hdpe`, `mortar`, `pmma`, `teflon` and `wood` (pine) are other names.

| name | k, W/(m K) | rho, kg/m3 | c, J/(kg K) | source |
|---|---|---|---|---|
";

/// The deck reference in Markdown.
pub fn reference() -> String {
    let (heat, nbody) = (schema_of::<Deck>(), schema_of::<NBodyDeck>());
    let mut pages = Pages { root: &heat, done: Vec::new(), text: HEAD.to_owned() };
    pages.table("Heat decks", &heat);
    let mut pages = Pages { root: &nbody, ..pages };
    pages.table("N-body decks", &nbody);
    pages.text.push_str(TAIL);
    for entry in MATERIALS {
        let m = entry.material;
        let numbers = format!("{} | {} | {}", m.conductivity, m.density, m.specific_heat);
        let _ = writeln!(pages.text, "| `{}` | {numbers} | {} |", entry.name, entry.source);
    }
    pages.text
}

struct Pages<'a> {
    root: &'a Value,
    done: Vec<String>,
    text: String,
}

impl<'a> Pages<'a> {
    /// Writes the section of a table, then those of the tables in it that are not yet written.
    fn table(&mut self, name: &str, node: &'a Value) {
        let _ = write!(self.text, "\n## {name}\n\n");
        let _ = write!(self.text, "{}\n\n| key | type | default | meaning |\n|---|---|---|---|\n", description(node));
        for (key, property) in properties(node).into_iter().flatten() {
            let row = format!("`{key}` | {} | {}", self.type_text(property), self.default_text(node, key, property));
            let _ = writeln!(self.text, "| {row} | {} |", description(property).replace('|', "\\|"));
        }
        for (key, property) in properties(node).into_iter().flatten() {
            self.values(key, property);
        }
        for (_, property) in properties(node).into_iter().flatten() {
            self.inner_tables(property);
        }
    }

    /// Explains the values of a choice, the first time that it is met.
    fn values(&mut self, key: &str, property: &'a Value) {
        let reference = reference_of(property).or_else(|| property.get("items").and_then(reference_of));
        let Some(reference) = reference.filter(|name| !self.done.contains(name)) else { return };
        let Some(options) = self.definition(&reference).get("oneOf").and_then(Value::as_array) else { return };
        let _ = write!(self.text, "\nValues of `{key}`:\n\n");
        for option in options {
            let _ = writeln!(self.text, "- `{}`: {}", option["const"], description(option));
        }
        self.done.push(reference);
    }

    fn inner_tables(&mut self, property: &'a Value) {
        let options = property.get("anyOf").and_then(Value::as_array).into_iter().flatten();
        for candidate in options.chain(property.get("items")).chain([property]) {
            let Some(reference) = reference_of(candidate).filter(|name| !self.done.contains(name)) else { continue };
            let node = self.definition(&reference);
            if properties(node).is_some() {
                self.done.push(reference.clone());
                self.table(&reference, node);
            }
        }
    }

    fn definition(&self, name: &str) -> &'a Value {
        &self.root["$defs"][name]
    }

    fn type_text(&self, node: &'a Value) -> String {
        if let Some(options) = node.get("anyOf").and_then(Value::as_array) {
            return options.iter().map(|option| self.type_text(option)).collect::<Vec<_>>().join(" or ");
        }
        if let Some(constant) = node.get("const") {
            return format!("`{constant}`");
        }
        if let Some(options) = follow(self.root, node).get("oneOf").and_then(Value::as_array) {
            return options.iter().map(|option| format!("`{}`", option["const"])).collect::<Vec<_>>().join(", ");
        }
        if let Some(name) = reference_of(node) {
            return format!("table [{name}](#{})", name.to_lowercase());
        }
        match node.get("type").and_then(Value::as_str) {
            Some("integer") => "whole number".to_owned(),
            Some("boolean") => "`true` or `false`".to_owned(),
            Some("string") => "text".to_owned(),
            Some("array") => self.array_text(node),
            other => other.unwrap_or("").to_owned(),
        }
    }

    fn array_text(&self, node: &'a Value) -> String {
        let element = node.get("items").map_or(String::new(), |items| self.type_text(items));
        match node.get("maxItems") {
            Some(count) => format!("{count} of: {element}"),
            None => format!("list of: {element}"),
        }
    }

    fn default_text(&self, table: &Value, key: &str, property: &Value) -> String {
        let required = table.get("required").and_then(Value::as_array);
        if required.is_some_and(|names| names.iter().any(|name| name == key)) {
            return "required".to_owned();
        }
        match property.get("default") {
            None | Some(Value::Object(_)) => String::new(),
            Some(value) => format!("`{value}`"),
        }
    }
}

fn reference_of(node: &Value) -> Option<String> {
    node.get("$ref")?.as_str()?.rsplit('/').next().map(str::to_owned)
}

fn description(node: &Value) -> String {
    node.get("description").and_then(Value::as_str).unwrap_or("").replace('\n', " ")
}
