//! `parhelion compare DECK`: the same deck, with as many workers and the same digest, in each model of parallelism.
//!
//! | file | is |
//! |---|---|
//! | [`model`] | the models, and how each is started |
//! | [`trial`] | a run as a child process, and what its report says |
//! | [`hosts`] | a host file |
//! | [`kill`] | a worker that is killed, and going on |
//! | [`lines`] | lines of source that each model needs |
//! | [`rows`] | the table: what a course says, what was measured, where they differ |
//! | [`switches`] | `--switches` instead: what each lab switch costs |
//! | [`texts`] | the table for a terminal, in Markdown, LaTeX, CSV, and as a page |
//!
//! Refused: more than two numbers of workers, for `scaling` fits laws; a table of words alone.

pub mod hosts;
pub mod kill;
pub mod lines;
pub mod model;
pub mod rows;
pub mod switches;
pub mod texts;
pub mod trial;

use crate::console;
use crate::error::{Error, Result};
use crate::laboratory::mechanisms::jobs::{Transport, between, between_ranks};
use crate::laboratory::mechanisms::paths::{self, Path as MessagePath};
use crate::laboratory::scaling::folder::{DECK, write_text};
use crate::laboratory::scaling::plan::{Ranks, Shape};
use crate::laboratory::scaling::planning::Deck;
use crate::laboratory::scaling::starter::{Starter, Wish};
use crate::output::plain_file;
use crate::output::run_lock::Lock;
use crate::runtime::launcher::Launcher;
use kill::Killed;
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
    pub killed: std::result::Result<Killed, String>,
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
    /// Those that could not, and why.
    pub missing: Vec<String>,
}

/// Runs all models, writes all files and returns the table for a terminal.
///
/// # Errors
/// Exit code 2 for a deck that `run` refuses, 1 if a run fails or gives another result, 3 if something cannot be written or started.
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

fn conduct(request: &Request, trials: &Trials<'_>, why: Option<String>) -> Result<Comparison> {
    let (mut shapes, mut missing) = (Vec::new(), Vec::new());
    for model in MODELS {
        match shape_of(model, request.workers, why.as_ref()).and_then(|shape| {
            trials.words(model, shape, &[]).map(|_| (model, shape)).map_err(|why| format!("{}: {why}", model.letter()))
        }) {
            Ok(found) => shapes.push(found),
            Err(why) => missing.push(why),
        }
    }
    let one = Shape { ranks: 1, threads: 1 };
    let mut all: Vec<Vec<Measured>> = vec![Vec::new(); shapes.len() + 1];
    // In turn, so that what else the machine does falls on all of them.
    for round in 1..=request.repeats {
        let runs = std::iter::once((Model::Threads, one)).chain(shapes.iter().copied());
        for ((model, shape), found) in runs.zip(&mut all) {
            let run =
                trials.run(model, shape, &format!("{}_{}x{}_{round}", model.letter(), shape.ranks, shape.threads))?;
            console::message(&format!("{}, {}, run {round}: {:.4} s", model.words(), shape.words(), run.loop_s));
            found.push(run);
        }
    }
    let digests = all.iter().flatten().map(|run| run.digest.clone()).collect::<Vec<_>>();
    if digests.iter().any(|digest| *digest != digests[0]) {
        return Err(Error::Defect("the models give different results: see report.json of each run".to_owned()));
    }
    let mut medians = all.into_iter().filter_map(median);
    let base = medians.next().ok_or_else(|| Error::Defect("no run of one worker".to_owned()))?;
    let columns = shapes.iter().zip(medians).map(|(&(model, shape), measured)| Column {
        model,
        path: path_of(model, trials),
        killed: kill::kill(trials, model, shape, &measured),
        measured,
    });
    let deck = request.deck.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Comparison { deck, workers: request.workers, base, columns: columns.collect(), missing })
}

/// Messages over the path of a model.
fn path_of(model: Model, trials: &Trials<'_>) -> std::result::Result<MessagePath, String> {
    match model {
        Model::Threads => Ok(paths::shared_memory()),
        Model::Tcp => between(&trials.folder, Transport::Tcp, &trials.hosts),
        Model::Processes | Model::Hybrid => between_ranks(&trials.folder, Transport::Default),
    }
}
