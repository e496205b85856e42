//! Values of a deck that may be written in two ways: `"auto"` or a number, a number or a table, a name or a table.
//!
//! The visitors are written by hand. Serde's untagged enums would save them, but they throw away where in the text an error
//! lies and say "data did not match any variant".

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt::{Formatter, Result as FmtResult};

/// Time step: `"auto"` or a number of seconds, or of the time unit of an N-body deck.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum StepChoice {
    /// The stability limit times `time.safety`.
    #[default]
    Auto,
    /// Seconds.
    Seconds(f64),
}

/// A number, a sine, or a table in time.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum SignalChoice {
    /// The same at all times.
    Number(f64),
    /// Changing with time.
    Varying(VaryingDeck),
}

/// A number that changes with time: a sine (`mean`, `amplitude`, `period`, `phase`) or a table (`times`, `values`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Signal")]
pub struct VaryingDeck {
    /// Sine: value about which it swings, in the unit of the key it stands for.
    pub mean: Option<f64>,
    /// Sine: half the distance from trough to crest, in the same unit.
    pub amplitude: Option<f64>,
    /// Sine: period in s.
    pub period: Option<f64>,
    /// Sine: phase in rad; the value is `mean + amplitude * sin(2 pi t / period + phase)`. Default: 0.
    pub phase: Option<f64>,
    /// Table: times in s, strictly increasing.
    pub times: Option<Vec<f64>>,
    /// Table: one value per time; straight lines between them, constant before the first and after the last.
    pub values: Option<Vec<f64>>,
}

/// A material: the name of a built-in one, or a table of numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct MaterialChoice(pub MaterialDeck);

/// A material: a built-in name, three numbers, or a name with some of the numbers replaced.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Material")]
pub struct MaterialDeck {
    /// Built-in material, see the table of materials. Default: none, all three numbers must be given.
    pub name: Option<String>,
    /// Thermal conductivity k in W/(m K). Default: that of the named material.
    pub conductivity: Option<f64>,
    /// Density rho in kg/m3. Default: that of the named material.
    pub density: Option<f64>,
    /// Specific heat capacity c in J/(kg K). Default: that of the named material.
    pub specific_heat: Option<f64>,
}

impl Serialize for StepChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            StepChoice::Auto => serializer.serialize_str("auto"),
            StepChoice::Seconds(seconds) => serializer.serialize_f64(*seconds),
        }
    }
}

impl<'de> Deserialize<'de> for StepChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<StepChoice, D::Error> {
        deserializer.deserialize_any(StepVisitor)
    }
}

struct StepVisitor;

impl Visitor<'_> for StepVisitor {
    type Value = StepChoice;

    fn expecting(&self, f: &mut Formatter<'_>) -> FmtResult {
        f.write_str("\"auto\" or a number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<StepChoice, E> {
        match text {
            "auto" => Ok(StepChoice::Auto),
            other => Err(E::invalid_value(serde::de::Unexpected::Str(other), &self)),
        }
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<StepChoice, E> {
        Ok(StepChoice::Seconds(seconds))
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<StepChoice, E> {
        Ok(StepChoice::Seconds(seconds as f64))
    }
}

impl JsonSchema for StepChoice {
    fn schema_name() -> Cow<'static, str> {
        "TimeStep".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "const": "auto" }, { "type": "number", "exclusiveMinimum": 0 }] })
    }
}

impl<'de> Deserialize<'de> for SignalChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SignalChoice, D::Error> {
        deserializer.deserialize_any(SignalVisitor)
    }
}

struct SignalVisitor;

impl<'de> Visitor<'de> for SignalVisitor {
    type Value = SignalChoice;

    fn expecting(&self, f: &mut Formatter<'_>) -> FmtResult {
        f.write_str("a number, { mean, amplitude, period, phase } or { times, values }")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<SignalChoice, E> {
        Ok(SignalChoice::Number(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<SignalChoice, E> {
        Ok(SignalChoice::Number(value as f64))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SignalChoice, A::Error> {
        VaryingDeck::deserialize(MapAccessDeserializer::new(map)).map(SignalChoice::Varying)
    }
}

impl JsonSchema for SignalChoice {
    fn schema_name() -> Cow<'static, str> {
        "NumberOrSignal".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let varying = generator.subschema_for::<VaryingDeck>();
        json_schema!({ "anyOf": [{ "type": "number" }, varying] })
    }
}

impl<'de> Deserialize<'de> for MaterialChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<MaterialChoice, D::Error> {
        deserializer.deserialize_any(MaterialVisitor)
    }
}

struct MaterialVisitor;

impl<'de> Visitor<'de> for MaterialVisitor {
    type Value = MaterialChoice;

    fn expecting(&self, f: &mut Formatter<'_>) -> FmtResult {
        f.write_str("the name of a material or { conductivity, density, specific_heat }")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<MaterialChoice, E> {
        Ok(MaterialChoice(MaterialDeck { name: Some(name.to_owned()), ..MaterialDeck::default() }))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<MaterialChoice, A::Error> {
        MaterialDeck::deserialize(MapAccessDeserializer::new(map)).map(MaterialChoice)
    }
}

impl JsonSchema for MaterialChoice {
    fn schema_name() -> Cow<'static, str> {
        "NameOrMaterial".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<MaterialDeck>();
        json_schema!({ "anyOf": [{ "type": "string" }, table] })
    }
}
