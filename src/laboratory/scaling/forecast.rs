//! What the model of [`crate::laboratory::predict`] says of every shape before any of them has run, and of some beyond them.
//!
//! The machine is measured first, or read: `--machine FILE`, or `machine.json` of the folder. The forecast is stored as
//! `prediction.json` and never made again for the same rows: a prediction that is made after the runs is none.
//!
//! Ranks that this host starts are all on it, whether or not it has cores for them; beyond the plan, and under `srun`, ranks fill hosts
//! like the machine. A shape or a deck that the model does not describe has the reason instead of a time.

use super::folder::write_text;
use super::plan::{Case, Mode, Plan, Ranks, Shape};
use super::planning::{Deck, START_S};
use super::record::RUNS;
use crate::error::{Error, Result};
use crate::host;
use crate::laboratory::machine::{self, Machine};
use crate::laboratory::predict::{self, Links, Work, predict_shape, works};
use crate::output::plain_file;
use crate::run_config::RunConfig;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The forecast of a folder.
pub const FILE: &str = "prediction.json";
/// The machine of a folder.
pub const MACHINE: &str = "machine.json";
/// Version of the form of the file.
const VERSION: u32 = 1;
/// Longest file that is read, in bytes.
const LONGEST: u64 = 16 << 20;
/// Shapes beyond the plan have so many times the workers of its largest shape that has a core for each.
const FURTHER: [usize; 3] = [2, 4, 8];

/// What was foreseen of one shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Foreseen {
    /// How its problem was made.
    pub mode: Mode,
    /// Its shape.
    pub shape: Shape,
    /// More workers than cores.
    pub crowded: bool,
    /// Seconds of a step, if the model describes the shape.
    pub step_s: Option<f64>,
    /// Steps, if they are known before the run.
    pub steps: Option<u64>,
    /// Why there are no seconds.
    pub why: String,
}

/// What was foreseen of an experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// Of this form.
    pub version: u32,
    /// The machine in words.
    pub machine: String,
    /// What messages between hosts were taken to cost, in words.
    pub network: String,
    /// Rates that were measured for it.
    pub measured: Vec<String>,
    /// The cases of the plan in their order.
    pub shapes: Vec<Foreseen>,
    /// Shapes with more workers, on more hosts like the machine; strong mode only.
    pub beyond: Vec<Foreseen>,
}

impl Foreseen {
    /// Seconds of the loop, if its steps are known.
    pub fn seconds(&self) -> Option<f64> {
        Some(self.step_s? * self.steps? as f64)
    }
}

impl Forecast {
    /// That of a folder, if there is one.
    ///
    /// # Errors
    /// Exit code 3 if it cannot be understood.
    pub fn read(folder: &Path) -> Result<Option<Forecast>> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let text = plain_file::read_text(&path, LONGEST).map_err(|cause| Error::io("read", &path, cause))?;
        let forecast = serde_json::from_str(&text)
            .map_err(|cause| Error::io("understand", &path, format!("{cause}; use --overwrite")))?;
        Ok(Some(forecast))
    }

    /// Why some shapes have no prediction, each reason once.
    pub fn reasons(&self) -> Vec<&str> {
        let mut found: Vec<&str> = Vec::new();
        for why in self.shapes.iter().map(|foreseen| foreseen.why.as_str()).filter(|why| !why.is_empty()) {
            if !found.contains(&why) {
                found.push(why);
            }
        }
        found
    }

    fn write(&self, folder: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self);
        let text = text.map_err(|cause| Error::Defect(format!("a prediction has no text: {cause}")))?;
        write_text(&folder.join(FILE), &(text + "\n"))
    }
}

/// The forecast of a folder that has just been entered: its own if it has one, none if rows came before it, else a new one, which is
/// stored there with its machine.
///
/// # Errors
/// Exit code 2 or 3 if a machine cannot be read, 3 if a file cannot be written.
pub fn enter(folder: &Path, deck: &Deck, plan: &Plan, told: Option<&Machine>) -> Result<Option<Forecast>> {
    let earlier = Forecast::read(folder)?;
    if earlier.is_some() || folder.join(RUNS).exists() {
        return Ok(earlier);
    }
    let machine = machine_of(folder, told)?;
    machine.write(&folder.join(MACHINE))?;
    let forecast = make(deck, plan, &machine, folder);
    forecast.write(folder)?;
    Ok(Some(forecast))
}

/// The machine of a folder, if there is one.
///
/// # Errors
/// As [`Machine::read`].
pub fn stored_machine(folder: &Path) -> Result<Option<Machine>> {
    let path = folder.join(MACHINE);
    if path.exists() { Machine::read(&path).map(Some) } else { Ok(None) }
}

/// The machine that was told, or that of the folder if it is this one, or this one, measured now.
fn machine_of(folder: &Path, told: Option<&Machine>) -> Result<Machine> {
    if let Some(machine) = told {
        return Ok(machine.clone());
    }
    Ok(stored_machine(folder)?.filter(works::is_here).unwrap_or_else(|| machine::measure_here(folder)))
}

/// A forecast of all shapes; measures the deck's kernels here.
pub fn make(deck: &Deck, plan: &Plan, machine: &Machine, directory: &Path) -> Forecast {
    let home = works::home(Some(machine), directory);
    let links = Links::new(machine, None);
    let mut maker = Maker { machine, home, links, is_spread: plan.ranks_by == Ranks::Srun, measured: Vec::new() };
    let further = further(plan, machine.cores);
    let (mut shapes, mut beyond) = (vec![None; plan.cases.len()], Vec::new());
    for first in (0..plan.cases.len()).filter(|&case| plan.first_of_problem(case) == case) {
        let same: Vec<usize> = (first..plan.cases.len()).filter(|&case| plan.first_of_problem(case) == first).collect();
        let further = if plan.cases[first].mode == Mode::Strong { &further[..] } else { &[] };
        let problem = maker.problem(deck, &plan.cases[first], same.iter().map(|&case| plan.cases[case].shape), further);
        for (place, found) in problem.into_iter().enumerate() {
            match same.get(place) {
                Some(&case) => shapes[case] = Some(found),
                None => beyond.push(found),
            }
        }
    }
    Forecast {
        version: VERSION,
        machine: format!("{} with {} cores, {}", machine.host, machine.cores, machine.cpu_model),
        network: maker.links.origin.to_owned(),
        measured: maker.measured,
        shapes: shapes.into_iter().flatten().collect(),
        beyond,
    }
}

/// Shapes with more ranks than the largest one that has a core for each worker.
fn further(plan: &Plan, cores: usize) -> Vec<Shape> {
    let fitting = plan.cases.iter().filter(|case| case.mode == Mode::Strong && case.shape.workers() <= cores);
    let largest = fitting.map(|case| case.shape).max_by_key(|shape| (shape.workers(), shape.ranks));
    let times = |shape: Shape| FURTHER.map(|times| Shape { ranks: times * shape.ranks, ..shape });
    largest.map_or(Vec::new(), |shape| times(shape).to_vec())
}

/// What all problems of an experiment share.
struct Maker<'a> {
    machine: &'a Machine,
    home: Machine,
    links: Links,
    is_spread: bool,
    measured: Vec<String>,
}

/// The kernels of a problem: of heat for all shapes, of bodies for each number of threads.
type Kernels = Vec<(Option<usize>, Box<dyn Work>)>;

impl Maker<'_> {
    /// Forecasts of the shapes of one problem, and after them those of shapes further on.
    fn problem(
        &mut self,
        deck: &Deck,
        case: &Case,
        own: impl Iterator<Item = Shape>,
        further: &[Shape],
    ) -> Vec<Foreseen> {
        let mut shapes: Vec<(Shape, bool)> = own.map(|shape| (shape, !self.is_spread)).collect();
        shapes.extend(further.iter().map(|&shape| (shape, false)));
        let kernels = deck.config(&case.overrides).and_then(|config| self.kernels(&config, &shapes));
        let of = |&(shape, together): &(Shape, bool)| {
            let found = match &kernels {
                Ok(kernels) => self.shape(kernels, shape, together).map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            let (step_s, steps, why) = match found {
                Ok((step_s, steps)) => (Some(step_s), steps, String::new()),
                Err(why) => (None, None, why),
            };
            let crowded = together && shape.workers() > self.machine.cores;
            Foreseen { mode: case.mode, shape, crowded, step_s, steps, why }
        };
        let found = shapes.iter().map(of).collect();
        self.measured.extend(kernels.into_iter().flatten().flat_map(|(_, work)| work.words()));
        found
    }

    /// Measures the kernels of a problem for these shapes, each with whether all of its ranks are on this host.
    fn kernels(&self, config: &RunConfig, shapes: &[(Shape, bool)]) -> Result<Kernels> {
        match config {
            RunConfig::Heat(run) => {
                let busy = works::busy_threads(shapes.iter().map(|(shape, _)| shape.workers()));
                Ok(vec![(None, Box::new(works::heat(run, &busy, &self.home)?))])
            }
            RunConfig::NBody(run) => {
                let of = |threads: usize| -> Result<(Option<usize>, Box<dyn Work>)> {
                    let is_apart = |(shape, together): &&(Shape, bool)| !together && shape.threads == threads;
                    let apart: Vec<usize> = shapes.iter().filter(is_apart).map(|(shape, _)| shape.ranks).collect();
                    let ranks = works::most_apart(&apart, threads, self.machine);
                    Ok((Some(threads), Box::new(works::bodies(run, threads, ranks, &self.home)?)))
                };
                works::busy_threads(shapes.iter().map(|(shape, _)| shape.threads)).into_iter().map(of).collect()
            }
        }
    }

    /// Seconds of a step, and steps.
    fn shape(&self, kernels: &Kernels, shape: Shape, together: bool) -> Result<(f64, Option<u64>)> {
        let threads = shape.threads.min(host::parallelism());
        let kernel = kernels.iter().find(|(measured, _)| measured.is_none_or(|measured| measured == threads));
        let (_, work) = kernel.ok_or_else(|| Error::Defect(format!("{threads} threads were not measured")))?;
        let filled = if together {
            predict::Shape::on_one_host(&self.links, shape.ranks, shape.threads)
        } else {
            predict::Shape::new(self.machine, &self.links, shape.ranks, shape.threads)
        };
        let prediction = predict_shape(work.as_ref(), self.machine, &filled)?;
        Ok((prediction.step_s, work.steps()))
    }
}

/// What the plan prints for a case: the seconds that the model predicts, else the guess.
pub fn estimate_s(case: &Case, foreseen: Option<&Foreseen>) -> f64 {
    foreseen.and_then(Foreseen::seconds).map_or(case.guess_s, |seconds| START_S + seconds)
}

#[cfg(test)]
mod tests {
    use super::super::schedule::tests::plan;
    use super::*;

    #[test]
    fn shapes_further_on_start_where_every_worker_has_a_core() {
        let plan = plan(&[(1, 1), (1, 2), (2, 1), (2, 2)], 3);
        let words = |cores| further(&plan, cores).into_iter().map(Shape::words).collect::<Vec<_>>();
        assert_eq!(words(2), ["4 x 1", "8 x 1", "16 x 1"]);
        assert_eq!(words(4), ["4 x 2", "8 x 2", "16 x 2"]);
    }

    #[test]
    fn the_estimate_falls_back_to_the_guess() {
        let plan = plan(&[(1, 1)], 3);
        let foreseen = |steps| Foreseen {
            mode: Mode::Strong,
            shape: Shape { ranks: 1, threads: 1 },
            crowded: false,
            step_s: Some(0.5),
            steps,
            why: String::new(),
        };
        assert_eq!(estimate_s(&plan.cases[0], Some(&foreseen(Some(4)))), START_S + 2.0);
        assert_eq!(estimate_s(&plan.cases[0], Some(&foreseen(None))), plan.cases[0].guess_s);
        assert_eq!(estimate_s(&plan.cases[0], None), plan.cases[0].guess_s);
    }
}
