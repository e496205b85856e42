//! What an experiment runs, as plain data: `experiment.json` of its folder.

use crate::laboratory::switches::Switches;
use serde::{Deserialize, Serialize};

/// How the problem follows the workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The same problem for every shape.
    Strong,
    /// The same work for every worker.
    Weak,
}

impl Mode {
    /// `strong` or `weak`.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Strong => "strong",
            Mode::Weak => "weak",
        }
    }

    /// The mode of a name.
    pub fn named(name: &str) -> Option<Mode> {
        [Mode::Strong, Mode::Weak].into_iter().find(|mode| mode.name() == name)
    }
}

/// How many ranks, and threads in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Shape {
    /// Ranks.
    pub ranks: usize,
    /// Threads of each.
    pub threads: usize,
}

impl Shape {
    /// Ranks times threads.
    pub fn workers(self) -> usize {
        self.ranks * self.threads
    }

    /// `2 x 4`.
    pub fn words(self) -> String {
        format!("{} x {}", self.ranks, self.threads)
    }
}

/// What starts several ranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ranks {
    /// Nothing: they are threads of one process (`--domains`).
    Domains,
    /// `mpirun`.
    Mpirun,
    /// `srun`.
    Srun,
}

/// One shape of one problem.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// How its problem was made.
    pub mode: Mode,
    /// Its shape.
    pub shape: Shape,
    /// Another cut of the same problem, run once to compare digests, where no other case has this problem.
    pub check: Option<Shape>,
    /// `--set` arguments that make the problem from the deck.
    pub overrides: Vec<String>,
    /// Cells or bodies.
    pub unknowns: u64,
    /// Guessed seconds of a run.
    pub guess_s: f64,
}

impl Case {
    /// Cases with the same problem must have the same digest.
    pub fn same_problem(&self, other: &Case) -> bool {
        self.mode == other.mode && self.overrides == other.overrides
    }

    /// `strong 2 x 4`.
    pub fn words(&self) -> String {
        format!("{} {}", self.mode.name(), self.shape.words())
    }
}

/// A whole experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Of this format.
    pub version: u32,
    /// Version and hash of the program.
    pub program: String,
    /// Hash of the deck with every default written out.
    pub deck: String,
    /// Title of the deck.
    pub title: String,
    /// `heat` or `nbody`.
    pub physics: String,
    /// How ranks are started.
    pub ranks_by: Ranks,
    /// Bytes that a cell update moves at least, and flops that it takes; absent for bodies, whose pairs are counted.
    pub per_update: Option<[f64; 2]>,
    /// All shapes; the first of each mode is its base.
    pub cases: Vec<Case>,
    /// Most timed runs of a shape.
    pub repeats: usize,
    /// Of the order of runs and of the bootstrap.
    pub seed: u64,
    /// Seconds that a run may take.
    pub time_limit_s: f64,
    /// The rank that is slowed down on purpose, and by how much.
    pub imbalance: Option<(usize, f64)>,
    /// What else is done worse on purpose.
    #[serde(default)]
    pub switches: Switches,
}

impl Plan {
    /// The base of a mode: its first case.
    pub fn base(&self, mode: Mode) -> Option<usize> {
        self.cases.iter().position(|case| case.mode == mode)
    }

    /// The first case with the problem of this one.
    pub fn first_of_problem(&self, case: usize) -> usize {
        let place = self.cases.iter().position(|other| other.same_problem(&self.cases[case]));
        place.unwrap_or(case)
    }

    /// Modes in their order.
    pub fn modes(&self) -> Vec<Mode> {
        [Mode::Strong, Mode::Weak].into_iter().filter(|&mode| self.base(mode).is_some()).collect()
    }

    /// What was done worse on purpose, each as a sentence.
    pub fn worsened(&self) -> Vec<String> {
        let slow =
            |(rank, extra)| format!("rank {rank} was slowed down on purpose by {:.0} % (--imbalance)", 100.0 * extra);
        self.imbalance.map(slow).into_iter().chain(self.switches.remarks()).collect()
    }

    /// The same cases, whatever was guessed about them.
    fn same_cases(&self, other: &Plan) -> bool {
        let same = |(a, b): (&Case, &Case)| a.same_problem(b) && a.shape == b.shape && a.check == b.check;
        self.cases.len() == other.cases.len() && self.cases.iter().zip(&other.cases).all(same)
    }

    /// What differs from another plan, in words, if it is not the same experiment.
    pub fn difference(&self, other: &Plan) -> Option<&'static str> {
        let parts = [
            (self.version != other.version, "the format of experiment.json"),
            (self.program != other.program, "the program"),
            (self.deck != other.deck, "the deck or its --set values"),
            (!self.same_cases(other), "the shapes or the mode"),
            (self.ranks_by != other.ranks_by, "the launcher"),
            (self.repeats != other.repeats, "--repeats"),
            (self.seed != other.seed, "--seed"),
            (self.imbalance != other.imbalance, "--imbalance"),
            (self.switches != other.switches, "the lab switches"),
        ];
        parts.into_iter().find(|(differs, _)| *differs).map(|(_, what)| what)
    }
}
