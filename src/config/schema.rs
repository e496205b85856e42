//! The JSON schema of the decks, made from the deck structs, and the list of all key paths, made from the schema.

use super::deck::Deck;
use serde_json::{Map, Value};

/// The JSON schema (draft 2020-12) of a deck, for editors that check and complete TOML, and for programs.
pub fn schema() -> String {
    format!("{:#}\n", schema_value())
}

/// As [`schema`], as a value. TOML has no null, so "a number or null" is put right to "a number".
pub(super) fn schema_value() -> Value {
    let mut schema = Value::from(schemars::schema_for!(Deck));
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

/// Paths of all keys that a deck can have; elements of arrays are written as number 0.
pub(super) fn key_paths() -> Vec<String> {
    let schema = schema_value();
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
        let paths = key_paths();
        for path in
            ["grid.cells", "regions.0.material.density", "boundary.x_lower.value.period", "output.frames.pixels"]
        {
            assert!(paths.iter().any(|known| known == path), "{path} is not in {paths:?}");
        }
    }

    #[test]
    fn schema_knows_no_null() {
        assert!(!schema().contains("null"));
    }
}
