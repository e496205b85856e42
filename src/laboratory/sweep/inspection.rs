//! All members looked at before any of them runs: which decks cannot be run, how much memory each needs, and what it resolves to.
//!
//! A mistyped key is wrong in every member, and is then an error of the command, before anything is written. A value that is wrong in some
//! members is theirs: it becomes their row. So that a sweep of a night does not end at its first bad value, and does not begin with a
//! typing error either.

use super::plan::Plan;
use crate::commands::plan::Plan as HeatPlan;
use crate::commands::plan_nbody::NBodyPlan;
use crate::config::{self, deck_directory};
use crate::error::{Error, Result};
use crate::host;
use crate::input::bodies::Files;
use crate::input::mask;
use crate::nbody::initial;
use crate::output::disk::in_words;
use crate::run_config::RunConfig;

/// What is known of a member that can be run.
#[derive(Clone, Debug)]
pub struct Sound {
    /// Its deck with every default written out.
    pub resolved: String,
    /// Bytes of its arrays.
    pub memory: u64,
}

/// All members.
#[derive(Debug)]
pub struct Inspection {
    /// Title of the first sound member.
    pub title: String,
    /// `heat` or `nbody`, of the same.
    pub physics: &'static str,
    /// Each member, or what is wrong with it.
    pub members: Vec<Result<Sound>>,
}

impl Inspection {
    /// Looks at every member of a plan.
    ///
    /// # Errors
    /// That of the first member if none of them can be run.
    pub fn of(plan: &Plan) -> Result<Inspection> {
        let mut first = None;
        let mut members: Vec<Result<Sound>> = Vec::with_capacity(plan.members.len());
        for member in 0..plan.members.len() {
            members.push(inspect(plan, member).map(|(title, physics, sound)| {
                first.get_or_insert((title, physics));
                sound
            }));
        }
        match (first, members.first()) {
            (Some((title, physics)), _) => Ok(Inspection { title, physics, members }),
            (None, Some(Err(error))) => Err(error.clone()),
            (None, _) => Err(Error::Input("a sweep needs --vary key=value,value".to_owned())),
        }
    }

    /// Members that cannot be run.
    pub fn invalid(&self) -> usize {
        self.members.iter().filter(|member| member.is_err()).count()
    }

    /// The deck of a member, if it can be run.
    pub fn resolved(&self, member: usize) -> Option<&str> {
        self.members[member].as_ref().ok().map(|sound| sound.resolved.as_str())
    }

    /// Passes if so many members fit into the memory of this host at once, whichever they are.
    ///
    /// # Errors
    /// Exit code 2, with both figures and the way out.
    pub fn check_memory(&self, workers: usize) -> Result<()> {
        let mut needs: Vec<u64> = self.members.iter().flatten().map(|sound| sound.memory).collect();
        needs.sort_unstable_by(|a, b| b.cmp(a));
        let needed = needs.iter().take(workers).fold(0u64, |sum, bytes| sum.saturating_add(*bytes));
        match host::memory_limit() {
            Some(limit) if needed > limit.bytes => Err(Error::Input(format!(
                "{workers} members at once need up to {} of memory on {}, but {} allows {}; use fewer --workers or smaller members",
                in_words(needed),
                host::name(),
                limit.set_by,
                in_words(limit.bytes)
            ))),
            _ => Ok(()),
        }
    }
}

fn inspect(plan: &Plan, member: usize) -> Result<(String, &'static str, Sound)> {
    let (name, overrides) = (plan.deck.display().to_string(), plan.overrides_of(member));
    let config = config::parse(&name, &plan.text, &overrides, &deck_directory(&plan.deck), &mask::read)?;
    let found = match config {
        RunConfig::Heat(run) => HeatPlan::new(&run, 1).map(|plan| {
            let memory = plan.memory.iter().map(|&bytes| bytes as u64).sum();
            (run.title.clone(), "heat", Sound { resolved: run.resolved.clone(), memory })
        }),
        RunConfig::NBody(run) => {
            let count = initial::open(&run.problem, &Files).map(|source| source.count());
            let plan = count.and_then(|count| NBodyPlan::new(&run, count, 1));
            plan.map(|plan| {
                let memory = plan.memory.iter().sum();
                (run.title.clone(), "nbody", Sound { resolved: run.resolved.clone(), memory })
            })
        }
    };
    found.map_err(|error| config::place(error, &name, &plan.text, &overrides))
}
