//! From a deck and what the user asked for to a [`Plan`]: every problem is parsed and checked here, so that nothing is found wrong after
//! an hour of runs.

use super::growth;
use super::plan::{Case, Mode, Plan, Shape};
use super::roofline::per_update;
use super::starter::Starter;
use crate::commands::plan::Plan as HeatPlan;
use crate::commands::plan_nbody::NBodyPlan;
use crate::config;
use crate::error::{Error, Result};
use crate::input::bodies::Files;
use crate::input::mask;
use crate::laboratory::switches::Switches;
use crate::nbody::initial;
use crate::nbody::problem::Method;
use crate::run_config::{HeatRun, NBodyRun, RunConfig, Until};
use crate::schedule::Clock;
use std::path::Path;
use toml_edit::DocumentMut;

/// Version of `experiment.json`.
const VERSION: u32 = 1;
/// Cell updates a second of one worker, pairs of bodies, and bodies under multipoles: for the guess that is printed before anything has
/// been measured.
const CELLS_PER_S: f64 = 1e9;
const PAIRS_PER_S: f64 = 1e9;
const BODIES_PER_S: f64 = 3e5;
/// Seconds that starting, setting up and hashing take at least.
pub(super) const START_S: f64 = 0.1;
/// What the user asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// All shapes, in the order of workers.
    pub shapes: Vec<Shape>,
    /// Modes.
    pub modes: Vec<Mode>,
    /// Most timed runs of a shape.
    pub repeats: usize,
    /// Seed.
    pub seed: u64,
    /// Seconds that a run may take.
    pub time_limit_s: f64,
    /// The rank that is slowed down on purpose.
    pub imbalance: Option<(usize, f64)>,
    /// What else is done worse on purpose.
    pub switches: Switches,
}

/// The deck of an experiment: read, overridden and written out, without its process grid, which shapes choose.
#[derive(Clone, Debug)]
pub struct Deck {
    text: String,
    document: DocumentMut,
    config: RunConfig,
}

fn parse(text: &str, overrides: &[String]) -> Result<RunConfig> {
    config::parse("deck.toml", text, overrides, Path::new("."), &mask::read)
}

impl Deck {
    /// Reads the deck at `path`.
    ///
    /// # Errors
    /// Exit code 2, as `run` has.
    pub fn read(path: &Path, overrides: &[String]) -> Result<Deck> {
        let resolved = match config::load(path, overrides, &mask::read)? {
            RunConfig::Heat(run) => run.resolved,
            RunConfig::NBody(run) => run.resolved,
        };
        Deck::of(&resolved)
    }

    /// The deck of this text, which has been written out before.
    ///
    /// # Errors
    /// Exit code 2 if it is no deck.
    pub fn of(text: &str) -> Result<Deck> {
        let broken =
            |cause: toml_edit::TomlError| Error::Defect(format!("a deck that was written out is broken: {cause}"));
        let mut document: DocumentMut = text.parse().map_err(broken)?;
        if let Some(table) = document.get_mut("decomposition").and_then(|item| item.as_table_mut()) {
            table.remove("dims");
        }
        let text = document.to_string();
        Ok(Deck { config: parse(&text, &[])?, text, document })
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The run that it describes with these `--set` arguments.
    ///
    /// # Errors
    /// Exit code 2 if they do not fit it.
    pub fn config(&self, overrides: &[String]) -> Result<RunConfig> {
        if overrides.is_empty() { Ok(self.config.clone()) } else { parse(&self.text, overrides) }
    }

    fn title(&self) -> &str {
        match &self.config {
            RunConfig::Heat(run) => &run.title,
            RunConfig::NBody(run) => &run.title,
        }
    }

    /// `--set` arguments for `factor` times as much work.
    fn grown(&self, factor: f64) -> Result<Vec<String>> {
        match &self.config {
            RunConfig::Heat(run) => growth::of_heat(&run.problem, factor, steps_of(run)),
            RunConfig::NBody(run) => {
                let (method, count) = bodies_of(run)?;
                growth::of_bodies(&self.document, method, count, factor)
            }
        }
    }
}

/// Steps of a run that ends at a time, if they can be told.
fn steps_of(run: &HeatRun) -> Option<u64> {
    let plan = HeatPlan::new(run, 1).ok().filter(|plan| plan.exact_limit)?;
    let clock = Clock::new(&run.time, plan.max_stable_dt).ok()?;
    matches!(run.time.until, Until::End(_)).then_some(clock.steps)
}

fn bodies_of(run: &NBodyRun) -> Result<(Method, u64)> {
    let count = initial::open(&run.problem, &Files)?.count();
    Ok((NBodyPlan::new(run, count, 1)?.problem.gravity.method, count))
}

/// Makes the plan of all shapes.
///
/// # Errors
/// Exit code 2 if a problem cannot grow or a shape does not fit its problem.
pub fn plan(deck: &Deck, request: &Request, starter: &Starter) -> Result<Plan> {
    let mut cases = Vec::new();
    for &mode in &request.modes {
        let base = request.shapes.first().map_or(1, |shape| shape.workers());
        for &shape in &request.shapes {
            let overrides = match mode {
                Mode::Strong => Vec::new(),
                Mode::Weak => deck.grown(shape.workers() as f64 / base as f64)?,
            };
            cases.push(case(deck, mode, shape, overrides, &request.switches)?);
        }
    }
    add_checks(&mut cases);
    let (physics, per_update) = match &deck.config {
        RunConfig::Heat(run) => ("heat", Some(per_update(&run.problem))),
        RunConfig::NBody(_) => ("nbody", None),
    };
    Ok(Plan {
        version: VERSION,
        program: program(),
        deck: hash(deck.text.as_bytes()),
        title: deck.title().to_owned(),
        physics: physics.to_owned(),
        ranks_by: starter.ranks_by(),
        per_update,
        cases,
        repeats: request.repeats,
        seed: request.seed,
        time_limit_s: request.time_limit_s,
        imbalance: request.imbalance,
        switches: request.switches,
    })
}

fn case(deck: &Deck, mode: Mode, shape: Shape, overrides: Vec<String>, switches: &Switches) -> Result<Case> {
    let explain = |error: Error| Error::Input(format!("{} {}: {error}", mode.name(), shape.words()));
    let config = deck.config(&overrides).and_then(|config| switches.cut(config, shape.ranks)).map_err(explain)?;
    let (unknowns, serial_s) = match &config {
        RunConfig::Heat(run) => heat_cost(run, shape.ranks).map_err(explain)?,
        RunConfig::NBody(run) => bodies_cost(run).map_err(explain)?,
    };
    Ok(Case { mode, shape, check: None, overrides, unknowns, guess_s: START_S + serial_s / shape.workers() as f64 })
}

/// Cells, and guessed seconds of one worker.
fn heat_cost(run: &HeatRun, ranks: usize) -> Result<(u64, f64)> {
    let plan = HeatPlan::new(run, ranks)?;
    plan.check_memory(&(0..ranks).collect::<Vec<_>>())?;
    let clock = Clock::new(&run.time, plan.max_stable_dt)?;
    let cells = run.problem.grid.cell_count() as u64;
    Ok((cells, cells as f64 * clock.steps as f64 / CELLS_PER_S))
}

fn bodies_cost(run: &NBodyRun) -> Result<(u64, f64)> {
    let (method, count) = bodies_of(run)?;
    let clock = Clock::new(&run.time, f64::INFINITY);
    // Decks of bodies may ask for forces alone, which no loop is timed of.
    if clock.as_ref().is_ok_and(|clock| clock.steps == 0) {
        return Err(Error::Input("time.steps = 0 leaves nothing to time; use --set time.steps=5 or more".to_owned()));
    }
    let steps = clock.map_or(100.0, |clock| 1.0 + clock.steps as f64);
    let n = count as f64;
    let each = if method == Method::Direct { n * n / PAIRS_PER_S } else { n / BODIES_PER_S };
    Ok((count, steps * each))
}

/// A problem that no other case has is run once more on another shape with as many workers, if there is one.
fn add_checks(cases: &mut [Case]) {
    let alone = |n: usize, cases: &[Case]| cases.iter().filter(|other| other.same_problem(&cases[n])).count() == 1;
    for n in 0..cases.len() {
        let Shape { ranks, threads } = cases[n].shape;
        if alone(n, cases) && ranks * threads > 1 {
            let turned = Shape { ranks: threads, threads: ranks };
            let even = Shape { ranks: 1, threads: ranks };
            cases[n].check = Some(if ranks != threads { turned } else { Shape { threads: ranks * threads, ..even } });
        }
    }
}

/// Version of this program and the hash of its file.
fn program() -> String {
    let bytes = std::env::current_exe().and_then(std::fs::read).unwrap_or_default();
    format!("{} {}", env!("CARGO_PKG_VERSION"), &hash(&bytes)[..16])
}

fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case_of(mode: Mode, ranks: usize, threads: usize, overrides: &[&str]) -> Case {
        let overrides = overrides.iter().map(|&text| text.to_owned()).collect();
        Case { mode, shape: Shape { ranks, threads }, check: None, overrides, unknowns: 1, guess_s: 1.0 }
    }

    #[test]
    fn a_problem_that_one_case_has_is_checked_on_another_cut() {
        let mut cases = [
            case_of(Mode::Strong, 1, 1, &[]),
            case_of(Mode::Strong, 1, 2, &[]),
            case_of(Mode::Weak, 1, 1, &["a"]),
            case_of(Mode::Weak, 1, 2, &["b"]),
            case_of(Mode::Weak, 2, 2, &["c"]),
            case_of(Mode::Weak, 1, 6, &["d"]),
            case_of(Mode::Weak, 2, 3, &["d"]),
        ];
        add_checks(&mut cases);
        let checks: Vec<_> = cases.iter().map(|case| case.check.map(Shape::words)).collect();
        let expected = [None, None, None, Some("2 x 1"), Some("1 x 4"), None, None];
        assert_eq!(checks, expected.map(|text| text.map(str::to_owned)));
    }

    #[test]
    fn the_process_grid_of_a_deck_is_left_to_the_shapes() {
        let text = "physics = \"heat\"\n[grid]\ncells = [8, 8]\nsize = [1.0, 1.0]\n[material]\nname = \"copper\"\n[boundary]\n\
                    all = { kind = \"fixed\", value = 1.0 }\n[initial]\nkind = \"uniform\"\nvalue = 2.0\n[time]\ndt = \"auto\"\n\
                    steps = 5\n[decomposition]\ndims = [2, 1]\n";
        let deck = Deck::of(text).unwrap();
        assert!(!deck.text().contains("dims"), "{}", deck.text());
        assert_eq!(deck.grown(2.0).unwrap()[0], "grid.cells=[16, 8]");
    }
}
