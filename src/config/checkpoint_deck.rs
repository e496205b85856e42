//! `[checkpoint]` of a deck of either physics: when checkpoints are written, and how many are kept.

use super::flaw::{Check, Flaw, positive, whole};
use crate::checkpoint::interval::Every;
use crate::run_config::CheckpointPlan;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt::{Formatter, Result as FmtResult};

/// Most checkpoints that are kept.
const MOST_KEPT: u64 = 1000;

/// `[checkpoint]`: when the whole state is written, so that the same command goes on after an interruption. It never changes the result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Checkpoint")]
pub struct CheckpointDeck {
    /// "auto" (as often as the measured cost and the mean time between failures ask for, at most 1 % of the run), a number of steps, a wall time
    /// such as "30 s", "10 min" or "2 h", or "never". A run that is stopped by a signal or a time limit writes one in any case.
    pub every: EveryChoice,
    /// Newest checkpoints that are kept.
    pub keep: u64,
    /// Time between two failures of the machine in s, for "auto". The default is a day.
    pub mean_time_between_failures: f64,
    /// Whether a run goes on when a checkpoint cannot be written.
    pub on_failure: OnFailure,
    /// Write one of the final state too, so that a later end can start there.
    pub at_end: bool,
}

/// Whether a run goes on when a checkpoint cannot be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// A warning; the older checkpoints stay.
    #[default]
    Continue,
    /// The run ends with exit code 3; the older checkpoints stay.
    Stop,
}

/// When checkpoints are written.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum EveryChoice {
    /// As it pays.
    #[default]
    Auto,
    /// Steps of the run.
    Steps(u64),
    /// Seconds of wall time, and how they are written.
    Time(f64, String),
    /// Only when the run is stopped.
    Never,
}

impl Default for CheckpointDeck {
    fn default() -> CheckpointDeck {
        CheckpointDeck {
            every: EveryChoice::Auto,
            keep: 2,
            mean_time_between_failures: 86_400.0,
            on_failure: OnFailure::Continue,
            at_end: false,
        }
    }
}

/// Checks `[checkpoint]`.
pub fn checkpoint(deck: &CheckpointDeck) -> Check<CheckpointPlan> {
    let mean = deck.mean_time_between_failures;
    let mean_time_between_failures = positive("checkpoint.mean_time_between_failures", mean, "s")?;
    let every = match &deck.every {
        EveryChoice::Auto => Every::Auto { mean_time_between_failures },
        EveryChoice::Steps(0) => {
            return Flaw::fail("checkpoint.every", "0 steps", "write 1 or more, \"auto\", \"30 s\" or \"never\"");
        }
        EveryChoice::Steps(steps) => Every::Steps(*steps),
        EveryChoice::Time(seconds, _) => Every::Seconds(positive("checkpoint.every", *seconds, "s")?),
        EveryChoice::Never => Every::Never,
    };
    Ok(CheckpointPlan {
        every,
        keep: whole("checkpoint.keep", deck.keep, 1, MOST_KEPT)?,
        stop_on_failure: deck.on_failure == OnFailure::Stop,
        at_end: deck.at_end,
    })
}

/// Seconds of `30 s`, `10 min`, `2 h`.
fn seconds(text: &str) -> Option<f64> {
    let (number, unit) = text.trim().split_at(text.trim().find(|c: char| c.is_ascii_alphabetic())?);
    let factor = match unit {
        "s" => 1.0,
        "min" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    let number: f64 = number.trim().parse().ok()?;
    Some(factor * number).filter(|seconds| seconds.is_finite() && *seconds > 0.0)
}

impl Serialize for EveryChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            EveryChoice::Auto => serializer.serialize_str("auto"),
            EveryChoice::Never => serializer.serialize_str("never"),
            EveryChoice::Steps(steps) => serializer.serialize_u64(*steps),
            EveryChoice::Time(_, text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for EveryChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<EveryChoice, D::Error> {
        deserializer.deserialize_any(EveryVisitor)
    }
}

struct EveryVisitor;

impl Visitor<'_> for EveryVisitor {
    type Value = EveryChoice;

    fn expecting(&self, f: &mut Formatter<'_>) -> FmtResult {
        f.write_str("\"auto\", a number of steps, a time such as \"30 s\", \"10 min\" or \"2 h\", or \"never\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<EveryChoice, E> {
        match (text, seconds(text)) {
            ("auto", _) => Ok(EveryChoice::Auto),
            ("never", _) => Ok(EveryChoice::Never),
            (_, Some(seconds)) => Ok(EveryChoice::Time(seconds, text.trim().to_owned())),
            (other, None) => Err(E::invalid_value(Unexpected::Str(other), &self)),
        }
    }

    fn visit_i64<E: Error>(self, steps: i64) -> Result<EveryChoice, E> {
        match u64::try_from(steps) {
            Ok(steps) => Ok(EveryChoice::Steps(steps)),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(steps), &self)),
        }
    }
}

impl JsonSchema for EveryChoice {
    fn schema_name() -> Cow<'static, str> {
        "CheckpointEvery".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "integer", "minimum": 1 }, { "type": "string" }] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(text: &str) -> Result<EveryChoice, toml::de::Error> {
        toml::from_str::<CheckpointDeck>(&format!("every = {text}")).map(|deck| deck.every)
    }

    #[test]
    fn intervals_are_steps_or_times() {
        assert_eq!(every("\"auto\"").unwrap(), EveryChoice::Auto);
        assert_eq!(every("\"never\"").unwrap(), EveryChoice::Never);
        assert_eq!(every("50").unwrap(), EveryChoice::Steps(50));
        for (text, seconds) in [("\"30 s\"", 30.0), ("\"10min\"", 600.0), ("\"0.5 h\"", 1800.0)] {
            assert!(matches!(every(text).unwrap(), EveryChoice::Time(found, _) if found == seconds), "{text}");
        }
        for text in
            ["\"often\"", "-3", "1.5", "\"3\"", "\"-3 s\"", "\"inf s\"", "\"nan h\"", "\"3 d\"", "true", "\"s\""]
        {
            let error = every(text).unwrap_err().to_string();
            assert!(error.contains("\"30 s\""), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for text in ["\"auto\"", "\"never\"", "7", "\"90 s\""] {
            let deck = CheckpointDeck { every: every(text).unwrap(), ..CheckpointDeck::default() };
            assert_eq!(toml::from_str::<CheckpointDeck>(&toml::to_string(&deck).unwrap()).unwrap(), deck);
        }
        assert_eq!(
            checkpoint(&CheckpointDeck { keep: 0, ..CheckpointDeck::default() }).unwrap_err().key,
            "checkpoint.keep"
        );
        let none = CheckpointDeck { every: EveryChoice::Steps(0), ..CheckpointDeck::default() };
        assert_eq!(checkpoint(&none).unwrap_err().key, "checkpoint.every");
    }
}
