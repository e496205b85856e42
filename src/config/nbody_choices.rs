//! Values of an N-body deck that may be written in two ways: a softening length or a table, one group of bodies or a list of them. As
//! [`super::choices`].

use super::nbody_bodies::BodiesDeck;
use super::nbody_deck::SofteningDeck;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use std::fmt::{Formatter, Result as FmtResult};

/// Softening: the length of Plummer's, or a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum SofteningChoice {
    /// Plummer's softening with this length; 0 is none.
    Length(f64),
    /// Any kind.
    Table(SofteningDeck),
}

/// The bodies: one group, or a list of groups.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum BodiesChoice {
    /// `[bodies]`
    One(Box<BodiesDeck>),
    /// `[[bodies]]`, as often as there are groups.
    Several(Vec<BodiesDeck>),
}

impl Default for SofteningChoice {
    fn default() -> SofteningChoice {
        SofteningChoice::Table(SofteningDeck::default())
    }
}

impl Default for BodiesChoice {
    fn default() -> BodiesChoice {
        BodiesChoice::Several(Vec::new())
    }
}

impl BodiesChoice {
    /// Number of groups.
    pub fn len(&self) -> usize {
        match self {
            BodiesChoice::One(_) => 1,
            BodiesChoice::Several(groups) => groups.len(),
        }
    }

    /// Whether there are no groups.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Paths of the groups.
    pub fn keys(&self) -> Vec<String> {
        match self {
            BodiesChoice::One(_) => vec!["bodies".to_owned()],
            BodiesChoice::Several(groups) => (0..groups.len()).map(|n| format!("bodies.{n}")).collect(),
        }
    }

    /// All groups.
    pub fn groups_mut(&mut self) -> &mut [BodiesDeck] {
        match self {
            BodiesChoice::One(group) => std::slice::from_mut(group.as_mut()),
            BodiesChoice::Several(groups) => groups,
        }
    }
}

impl<'de> Deserialize<'de> for SofteningChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SofteningChoice, D::Error> {
        deserializer.deserialize_any(SofteningVisitor)
    }
}

struct SofteningVisitor;

impl<'de> Visitor<'de> for SofteningVisitor {
    type Value = SofteningChoice;

    fn expecting(&self, f: &mut Formatter<'_>) -> FmtResult {
        f.write_str("a length or { kind, length }")
    }

    fn visit_f64<E: Error>(self, length: f64) -> Result<SofteningChoice, E> {
        Ok(SofteningChoice::Length(length))
    }

    fn visit_i64<E: Error>(self, length: i64) -> Result<SofteningChoice, E> {
        Ok(SofteningChoice::Length(length as f64))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SofteningChoice, A::Error> {
        SofteningDeck::deserialize(MapAccessDeserializer::new(map)).map(SofteningChoice::Table)
    }
}

impl JsonSchema for SofteningChoice {
    fn schema_name() -> Cow<'static, str> {
        "LengthOrSoftening".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<SofteningDeck>();
        json_schema!({ "anyOf": [{ "type": "number", "minimum": 0 }, table] })
    }
}

impl<'de> Deserialize<'de> for BodiesChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<BodiesChoice, D::Error> {
        deserializer.deserialize_any(BodiesVisitor)
    }
}

struct BodiesVisitor;

impl<'de> Visitor<'de> for BodiesVisitor {
    type Value = BodiesChoice;

    fn expecting(&self, f: &mut Formatter<'_>) -> FmtResult {
        f.write_str("a table [bodies], or several [[bodies]]")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<BodiesChoice, A::Error> {
        let group = BodiesDeck::deserialize(MapAccessDeserializer::new(map))?;
        Ok(BodiesChoice::One(Box::new(group)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<BodiesChoice, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(BodiesChoice::Several)
    }
}

impl JsonSchema for BodiesChoice {
    fn schema_name() -> Cow<'static, str> {
        "OneOrSeveralBodies".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let group = generator.subschema_for::<BodiesDeck>();
        json_schema!({ "anyOf": [group.clone(), { "type": "array", "items": group }] })
    }
}

#[cfg(test)]
#[path = "nbody_choices_tests.rs"]
mod tests;
