//! `parhelion compare DECK`: the same deck, with as many workers and the same digest, in each model of parallelism.
//!
//! | file | is |
//! |---|---|
//! | [`blows`] | the row of the table about what was killed and cut off |
//! | [`model`] | the models, and how each is started |
//! | [`trial`] | a run as a child process, and what its report says |
//! | [`hosts`] | a host file |
//! | [`kill`] | a worker that is killed, a host that is cut off, and going on |
//! | [`laws`] | how far each model scales, where there are points enough |
//! | [`lines`] | lines of source that each model needs |
//! | [`rows`] | the table: what a course says, what was measured, where they differ |
//! | [`switches`] | `--switches` instead: what each lab switch costs |
//! | [`endings`] | what a run that fails, or whose launcher is lost, says to the user |
//! | [`texts`] | the table for a terminal, in Markdown, LaTeX, CSV, and as a page |
//!
//! Refused: a table of words alone.

pub mod blows;
pub mod endings;
pub mod hosts;
pub mod kill;
pub mod laws;
pub mod lines;
pub mod model;
pub mod rows;
pub mod switches;
pub mod texts;
pub mod trial;

use crate::console;
use crate::error::{Error, Result};
use crate::host;
use crate::laboratory::mechanisms::jobs::{Transport, between, between_ranks};
use crate::laboratory::mechanisms::paths::{self, Path as MessagePath};
use crate::laboratory::scaling::folder::{DECK, write_text};
use crate::laboratory::scaling::plan::{Ranks, Shape};
use crate::laboratory::scaling::planning::Deck;
use crate::laboratory::scaling::starter::{Starter, Wish};
use crate::output::plain_file;
use crate::output::run_lock::Lock;
use crate::runtime::launcher::Launcher;
use kill::{Cut, Struck};
use laws::Laws;
use model::{MODELS, Model};
use std::path::PathBuf;
use trial::{Measured, Trials, median};

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The deck.
    pub deck: PathBuf,
    /// Its `--set` arguments.
    pub overrides: Vec<String>,
    /// Workers of each model.
    pub workers: usize,
    /// Runs of each model.
    pub repeats: usize,
    /// Where results go.
    pub folder: PathBuf,
    /// Host file of processes over TCP.
    pub hosts: Option<PathBuf>,
    /// Command that cuts the host off whose name is added to it.
    pub cut_host: Option<String>,
}

/// One model, measured.
#[derive(Clone, Debug)]
pub struct Column {
    /// The model.
    pub model: Model,
    /// Its median run.
    pub measured: Measured,
    /// Messages over its path.
    pub path: std::result::Result<MessagePath, String>,
    /// What happened when a worker was killed.
    pub killed: std::result::Result<Struck, String>,
    /// How far it scales.
    pub laws: Laws,
}

/// Everything that was measured.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Name of the deck.
    pub deck: String,
    /// Workers of each model.
    pub workers: usize,
    /// One worker.
    pub base: Measured,
    /// The models that could be run.
    pub columns: Vec<Column>,
    /// What happened when a host was cut off, or why none was.
    pub cut: std::result::Result<Cut, String>,
    /// Those that could not, and why.
    pub missing: Vec<String>,
}

/// Runs all models, writes all files and returns the table for a terminal.
///
/// # Errors
/// Exit code 2 for a deck that `run` refuses, 1 if a run gives another result, its own if one fails, 3 if something cannot be written or
/// started or a launcher is lost.
pub fn compare(request: &Request) -> Result<String> {
    let deck = Deck::read(&request.deck, &request.overrides)?;
    let (starter, why) = starter()?;
    let hosts =
        request.hosts.as_deref().map(|file| hosts::read(file, request.workers)).transpose()?.unwrap_or_default();
    if let (Some(why), false) = (&why, hosts.is_empty()) {
        return Err(Error::Input(format!("--hosts: {why}")));
    }
    plain_file::make_directory(&request.folder).map_err(|cause| Error::io("make", &request.folder, cause))?;
    let _lock = Lock::acquire(&request.folder)?;
    write_text(&request.folder.join(DECK), deck.text())?;
    let folder = request.folder.join("runs");
    let trials = Trials { starter: &starter, deck: request.folder.join(DECK), folder, hosts };
    plain_file::make_directory(&trials.folder).map_err(|cause| Error::io("make", &trials.folder, cause))?;
    let found = conduct(request, &trials, why)?;
    texts::write(&request.folder, &found)?;
    Ok(texts::terminal(&found))
}

/// How ranks are started, or why they cannot be.
fn starter() -> Result<(Starter, Option<String>)> {
    match Starter::new(Wish::By(Ranks::Mpirun), true) {
        Ok(starter) => Ok((starter, None)),
        Err(error) if Launcher::of_environment().is_some_and(|launcher| launcher.tasks > 1) => Err(error),
        Err(_) => {
            let why = if cfg!(feature = "mpi") {
                "mpirun does not answer here; install Open MPI or MPICH, or set MPIRUN"
            } else {
                "this program was built without MPI; build it with --features mpi or ./run_cluster.sh"
            };
            Ok((Starter::new(Wish::By(Ranks::Domains), false)?, Some(why.to_owned())))
        }
    }
}

/// The shape of a model, or why it is left out.
fn shape_of(model: Model, workers: usize, why: Option<&String>) -> std::result::Result<Shape, String> {
    let named = |cause: &str| format!("{} ({}): {cause}", model.letter(), model.words());
    match (model, why) {
        (Model::Threads, _) | (_, None) => model
            .shape(workers)
            .ok_or_else(|| named("needs an even number of workers, 4 or more, to differ from A and B")),
        (_, Some(why)) => Err(named(why)),
    }
}

/// The models that can be run, and why the others cannot.
fn shapes(workers: usize, trials: &Trials<'_>, why: Option<&String>) -> (Vec<(Model, Shape)>, Vec<String>) {
    let (mut shapes, mut missing) = (Vec::new(), Vec::new());
    for model in MODELS {
        let startable = |shape: Shape| match trials.words(model, shape, &[]) {
            Ok(_) => Ok((model, shape)),
            Err(why) => Err(format!("{}: {why}", model.letter())),
        };
        match shape_of(model, workers, why).and_then(startable) {
            Ok(found) => shapes.push(found),
            Err(why) => missing.push(why),
        }
    }
    (shapes, missing)
}

/// Runs every shape so many times, in turn, so that what else the machine does falls on all of them.
fn measure(trials: &Trials<'_>, shapes: &[(Model, Shape)], repeats: usize) -> Result<Vec<Vec<Measured>>> {
    let mut all: Vec<Vec<Measured>> = vec![Vec::new(); shapes.len()];
    for round in 1..=repeats {
        for (&(model, shape), found) in shapes.iter().zip(&mut all) {
            let name = format!("{}_{}x{}_{round}", model.letter(), shape.ranks, shape.threads);
            let run = trials.run(model, shape, &name)?;
            console::message(&format!("{}, {}, run {round}: {:.4} s", model.words(), shape.words(), run.loop_s));
            found.push(run);
        }
    }
    let mut digests = all.iter().flatten().map(|run| &run.digest);
    let first = digests.next();
    if digests.any(|digest| Some(digest) != first) {
        return Err(Error::Defect("the models give different results: see report.json of each run".to_owned()));
    }
    Ok(all)
}

fn conduct(request: &Request, trials: &Trials<'_>, why: Option<String>) -> Result<Comparison> {
    let (shapes, missing) = shapes(request.workers, trials, why.as_ref());
    let one = (Model::Threads, Shape { ranks: 1, threads: 1 });
    let fitted = |model: Model| {
        // Cores of other hosts are not known here.
        let elsewhere = model == Model::Tcp && !trials.hosts.is_empty();
        laws::can_be_fitted(request.workers, request.repeats, (!elsewhere).then(host::parallelism))
    };
    let mut all: Vec<(Model, Shape)> = std::iter::once(one).chain(shapes.iter().copied()).collect();
    let with_law = shapes.iter().map(|(model, _)| *model).filter(|&model| fitted(model).is_ok());
    all.extend(with_law.flat_map(|model| laws::smaller(model, request.workers)));
    let runs = measure(trials, &all, request.repeats)?;
    let laws_of = |model: Model| match fitted(model) {
        Ok(()) => laws::fit(&of_model(model, &all, &runs)),
        Err(why) => Laws::none(&why),
    };
    let laws: Vec<Laws> = shapes.iter().map(|(model, _)| laws_of(*model)).collect();
    let mut medians = runs.into_iter().filter_map(median);
    let base = medians.next().ok_or_else(|| Error::Defect("no run of one worker".to_owned()))?;
    let columns = shapes.iter().zip(medians).zip(laws).map(|((&(model, shape), measured), laws)| Column {
        model,
        path: path_of(model, trials),
        killed: kill::kill(trials, model, shape, &measured),
        measured,
        laws,
    });
    let columns: Vec<Column> = columns.collect();
    // Last of all, for nothing mends what was cut.
    let cut = cut(request, trials, &columns);
    let deck = request.deck.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Comparison { deck, workers: request.workers, base, columns, cut, missing })
}

/// The runs of one worker and of all shapes of a model, by workers.
fn of_model<'a>(model: Model, all: &[(Model, Shape)], runs: &'a [Vec<Measured>]) -> Vec<&'a Vec<Measured>> {
    let of = |n: &usize| *n == 0 || all[*n].0 == model;
    let mut found: Vec<usize> = (0..runs.len()).filter(of).collect();
    found.sort_by_key(|&n| all[n].1.workers());
    found.into_iter().map(|n| &runs[n]).collect()
}

/// What happens when a host is cut off.
fn cut(request: &Request, trials: &Trials<'_>, columns: &[Column]) -> std::result::Result<Cut, String> {
    let command = request.cut_host.as_deref().ok_or("not tried: needs a way to cut a host (--cut-host)")?;
    let column = columns.iter().find(|column| column.model == Model::Tcp).ok_or("C was not run")?;
    let [ranks, threads] = column.measured.shape;
    kill::cut(trials, Shape { ranks, threads }, &column.measured, command).map_err(|why| format!("not measured: {why}"))
}

/// Messages over the path of a model.
fn path_of(model: Model, trials: &Trials<'_>) -> std::result::Result<MessagePath, String> {
    match model {
        Model::Threads => Ok(paths::shared_memory()),
        Model::Tcp => between(&trials.folder, Transport::Tcp, &trials.hosts),
        Model::Processes | Model::Hybrid => between_ranks(&trials.folder, Transport::Default),
    }
}
