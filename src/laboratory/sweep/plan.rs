//! The plan of a sweep: deck, overrides, keys and values of all members. It lies in the folder as `sweep.json`, and a later command that
//! goes on must have the same.
//!
//! The deck is kept as text and compared with the file at each start: a member that ran yesterday and one that runs today are rows of one
//! table only if they come from one deck. Workers and threads are not part of the plan, since results do not depend on them.

use crate::cli::{DeckArgs, RunArgs, SwitchArgs};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Directory of the members' run directories.
pub const MEMBERS: &str = "members";

/// A parameter study.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Version of this form.
    pub version: u32,
    /// Version of the program that has made it.
    pub program: String,
    /// The deck as the user named it.
    pub deck: PathBuf,
    /// Its text.
    pub text: String,
    /// `--set` of all members.
    pub overrides: Vec<String>,
    /// What is varied.
    pub keys: Vec<String>,
    /// A value of each key, for every member.
    pub members: Vec<Vec<String>>,
}

impl Plan {
    /// What differs between two plans, in words for a refusal; nothing if one can go on with the other's results.
    pub fn difference(&self, other: &Plan) -> Option<&'static str> {
        match self {
            _ if self.version != other.version => Some("the versions of the program"),
            _ if self.text != other.text => Some("the texts of the deck"),
            _ if self.overrides != other.overrides => Some("the --set values"),
            _ if self.keys != other.keys => Some("the varied keys"),
            _ if self.members != other.members => Some("the varied values"),
            _ => None,
        }
    }

    /// The `--set` arguments of a member: those of all, then its own.
    pub fn overrides_of(&self, member: usize) -> Vec<String> {
        let own = self.keys.iter().zip(&self.members[member]).map(|(key, value)| format!("{key}={value}"));
        self.overrides.iter().cloned().chain(own).collect()
    }

    /// The values of a member in words: `material.name=copper, time.dt=0.1`.
    pub fn words_of(&self, member: usize) -> String {
        let own = self.keys.iter().zip(&self.members[member]).map(|(key, value)| format!("{key}={value}"));
        own.collect::<Vec<_>>().join(", ")
    }
}

/// Name of a member, counted from 1: of its run directory, and in messages.
pub fn name(member: usize) -> String {
    format!("{:04}", member + 1)
}

/// What a pool needs to start members.
#[derive(Clone, Debug)]
pub struct Job {
    /// The plan.
    pub plan: Plan,
    /// Folder of the sweep.
    pub folder: PathBuf,
    /// Threads of each member.
    pub threads: usize,
}

impl Job {
    /// The run directory of a member.
    pub fn directory(&self, member: usize) -> PathBuf {
        self.folder.join(MEMBERS).join(name(member))
    }

    /// Where what a member says on standard error is kept.
    pub fn log(&self, member: usize) -> PathBuf {
        self.folder.join(MEMBERS).join(format!("{}.log", name(member)))
    }

    /// The flags of `run` for a member that runs in this process, with so many seconds left.
    pub fn run_arguments(&self, member: usize, seconds: Option<f64>) -> RunArgs {
        RunArgs {
            deck: DeckArgs { deck: self.plan.deck.clone(), overrides: self.plan.overrides_of(member) },
            output: Some(self.directory(member)),
            threads: Some(self.threads),
            domains: None,
            overwrite: false,
            resume: false,
            max_time: seconds,
            watchdog: None,
            imbalance: None,
            journal: false,
            switches: SwitchArgs::default(),
            quiet: true,
            trace: None,
            live: false,
        }
    }

    /// The same as words of a command line.
    pub fn run_words(&self, member: usize, seconds: Option<f64>) -> Vec<std::ffi::OsString> {
        let mut words: Vec<std::ffi::OsString> = vec!["run".into(), "--quiet".into()];
        words.extend(["--threads".into(), self.threads.to_string().into()]);
        for value in self.plan.overrides_of(member) {
            words.extend(["--set".into(), value.into()]);
        }
        if let Some(seconds) = seconds {
            words.extend(["--max-time".into(), seconds.to_string().into()]);
        }
        words.extend(["--output".into(), self.directory(member).into(), "--".into()]);
        words.push(self.plan.deck.clone().into());
        words
    }
}

/// Path of a member's directory as it stands in the results.
pub fn relative(member: usize) -> String {
    Path::new(MEMBERS).join(name(member)).display().to_string()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Members of one key.
    pub fn plan(key: &str, values: &[&str]) -> Plan {
        Plan {
            version: 1,
            program: "0".into(),
            deck: "a.toml".into(),
            text: "title = \"A\"".into(),
            overrides: vec!["time.steps=3".into()],
            keys: vec![key.into()],
            members: values.iter().map(|value| vec![(*value).to_owned()]).collect(),
        }
    }

    #[test]
    fn plans_differ_in_what_changes_results() {
        let first = plan("a", &["1", "2"]);
        assert_eq!(first.difference(&Plan { program: "1".into(), ..first.clone() }), None);
        let text = Plan { text: "title = \"B\"".into(), ..first.clone() };
        assert_eq!(first.difference(&text), Some("the texts of the deck"));
        assert_eq!(first.difference(&plan("a", &["1", "3"])), Some("the varied values"));
        assert_eq!(first.difference(&plan("b", &["1", "2"])), Some("the varied keys"));
    }

    #[test]
    fn a_member_is_a_run_with_its_own_values() {
        let job = Job { plan: plan("a.b", &["-1", "x"]), folder: "/s".into(), threads: 2 };
        let words: Vec<String> =
            job.run_words(0, None).iter().map(|word| word.to_string_lossy().into_owned()).collect();
        assert_eq!(
            words.join(" "),
            "run --quiet --threads 2 --set time.steps=3 --set a.b=-1 --output /s/members/0001 -- a.toml"
        );
        assert_eq!(job.run_arguments(1, None).deck.overrides, ["time.steps=3", "a.b=x"]);
        assert_eq!(job.plan.words_of(1), "a.b=x");
    }
}
