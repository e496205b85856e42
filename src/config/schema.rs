//! The JSON schema of the decks, made from the deck structs, and the list of all key paths, made from the schema.

use super::deck::Deck;
use super::nbody_deck::NBodyDeck;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The JSON schema (draft 2020-12) of a deck of either physics, for editors that check and complete TOML, and for programs.
pub fn schema() -> String {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let decks = [generator.subschema_for::<Deck>(), generator.subschema_for::<NBodyDeck>()];
    let definitions = generator.take_definitions(true);
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Deck",
        "description": "A deck of either physics; its key `physics` says which.",
        "anyOf": decks,
        "$defs": definitions,
    });
    without_null(&mut schema);
    format!("{schema:#}\n")
}

/// The schema of the deck of one physics. TOML has no null, so "a number or null" is put right to "a number".
pub(super) fn schema_of<D: JsonSchema>() -> Value {
    let mut schema = Value::from(schemars::schema_for!(D));
    without_null(&mut schema);
    schema
}

fn without_null(value: &mut Value) {
    if let Value::Object(object) = value {
        if let Some(Value::Array(types)) = object.get_mut("type") {
            types.retain(|kind| kind != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                object.insert("type".into(), only);
            }
        }
        if let Some(Value::Array(options)) = object.get_mut("anyOf") {
            options.retain(|option| option.get("type").is_none_or(|kind| kind != "null"));
            if let [Value::Object(only)] = options.as_slice() {
                let only = only.clone();
                object.remove("anyOf");
                object.extend(only);
            }
        }
        object.retain(|_, inner| !inner.is_null());
        object.values_mut().for_each(without_null);
    } else if let Value::Array(elements) = value {
        elements.iter_mut().for_each(without_null);
    }
}

/// Paths of all keys that a deck of one physics can have; elements of arrays are written as number 0.
pub(super) fn key_paths<D: JsonSchema>() -> Vec<String> {
    let schema = schema_of::<D>();
    let mut paths = Vec::new();
    collect(&schema, &schema, "", &mut paths);
    paths
}

fn collect(root: &Value, node: &Value, path: &str, paths: &mut Vec<String>) {
    let node = follow(root, node);
    for option in node.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
        collect(root, option, path, paths);
    }
    if let Some(items) = node.get("items") {
        collect(root, items, &format!("{path}.0"), paths);
    }
    for (name, inner) in properties(node).into_iter().flatten() {
        let inner_path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        paths.push(inner_path.clone());
        collect(root, inner, &inner_path, paths);
    }
}

/// The keys of a table in the schema.
pub(super) fn properties(node: &Value) -> Option<&Map<String, Value>> {
    node.get("properties").and_then(Value::as_object)
}

/// The definition that a `$ref` means.
pub(super) fn follow<'a>(root: &'a Value, node: &'a Value) -> &'a Value {
    match node.get("$ref").and_then(Value::as_str) {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).unwrap_or(node),
        None => node,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_reach_into_tables_arrays_and_choices() {
        let paths = [key_paths::<Deck>(), key_paths::<NBodyDeck>()].concat();
        for path in [
            "grid.cells",
            "regions.0.material.density",
            "boundary.x_lower.value.period",
            "output.frames.pixels",
            "bodies.0.halo.mass",
            "bodies.0.list.0.velocity",
        ] {
            assert!(paths.iter().any(|known| known == path), "{path} is not in {paths:?}");
        }
    }

    #[test]
    fn schema_knows_no_null() {
        assert!(!schema().contains("null"));
    }
}
