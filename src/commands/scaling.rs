//! `parhelion scaling`: plans, runs, checks, analyses and reports a scaling experiment.

use super::stopping;
use crate::cli::{LauncherArg, ModeArg, ScalingArgs};
use crate::console;
use crate::error::{Error, Result};
use crate::host;
use crate::laboratory::machine::Machine;
use crate::laboratory::scaling::analysis::{Analysis, analyse};
use crate::laboratory::scaling::experiment::{Experiment, compare_all};
use crate::laboratory::scaling::folder::{self, DECK, read_plan, task_folder, write_text};
use crate::laboratory::scaling::forecast::{self, Forecast, Foreseen, estimate_s};
use crate::laboratory::scaling::hindsight;
use crate::laboratory::scaling::page::Page;
use crate::laboratory::scaling::plan::{Mode, Plan, Ranks, Shape};
use crate::laboratory::scaling::planning::{self, Deck, Request};
use crate::laboratory::scaling::record::{self, Record};
use crate::laboratory::scaling::remarks::remarks;
use crate::laboratory::scaling::schedule::FEWEST;
use crate::laboratory::scaling::sentences::sentences;
use crate::laboratory::scaling::starter::{Starter, Wish};
use crate::laboratory::scaling::{batch, overlap, roofline, tables};
use crate::output::run_lock::Lock;
use crate::runtime::signals;
use crate::words::counted;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Exit code of an experiment in which a shape went wrong: a defect, of this program or of the machine.
const WRONG: u8 = 1;

/// Runs the command.
///
/// # Errors
/// As the exit codes say.
pub fn scaling(arguments: &ScalingArgs) -> Result<u8> {
    match (&arguments.collect, arguments.task, &arguments.deck) {
        (Some(folder), Some(task), _) => run_task(folder, task),
        (Some(folder), None, _) => collect(folder),
        (None, Some(_), _) => Err(Error::Input("--task is for batch scripts: it needs --collect DIR".to_owned())),
        (None, None, Some(deck)) => start(arguments, deck),
        (None, None, None) => Err(Error::Input("scaling needs a deck; see parhelion scaling --help".to_owned())),
    }
}

/// A new experiment, or one that goes on.
fn start(arguments: &ScalingArgs, path: &Path) -> Result<u8> {
    let deck = Deck::read(path, &arguments.overrides)?;
    let request = request(arguments);
    let several = request.shapes.iter().any(|shape| shape.ranks > 1);
    let starter = Starter::new(wish(arguments.launcher), several)?;
    let plan = planning::plan(&deck, &request, &starter)?;
    let told = arguments.machine.as_deref().map(Machine::read).transpose()?;
    if arguments.dry_run {
        // Nothing is measured for a plan, except kernels if a machine is there to judge them by.
        let forecast = told.as_ref().map(|machine| forecast::make(&deck, &plan, machine, Path::new(".")));
        console::print(&announcement(&plan, &starter, forecast.as_ref()));
        return Ok(0);
    }
    let folder = output(arguments, path)?;
    folder::enter(&folder, &plan, deck.text(), arguments.overwrite)?;
    if arguments.submit {
        let forecast = match &told {
            Some(machine) => forecast::enter(&folder, &deck, &plan, Some(machine))?,
            None => None,
        };
        console::print(&announcement(&plan, &starter, forecast.as_ref()));
        return submit(&plan, &folder);
    }
    let _lock = Lock::acquire(&folder)?;
    let forecast = forecast::enter(&folder, &deck, &plan, told.as_ref())?;
    console::print(&announcement(&plan, &starter, forecast.as_ref()));
    let experiment =
        Experiment { plan: &plan, starter: &starter, deck: folder.join(DECK), folder: folder.clone(), only: None };
    let records = conduct(&experiment)?;
    if let Some(code) = stopped(&records) {
        return Ok(code);
    }
    conclude(&plan, &records, &folder)
}

/// Runs what is left to run. Watches for signals only from here on: what is measured before has no child and does not look at the flag, so
/// a signal ends it as it ends anything.
fn conduct(experiment: &Experiment<'_>) -> Result<Vec<Record>> {
    signals::watch()?;
    experiment.conduct()
}

/// The exit code if this process was asked to stop; every row is on the disk then.
fn stopped(records: &[Record]) -> Option<u8> {
    let runs = counted(records.len() as u64, "run");
    stopping::cause().map(|cause| stopping::goes_on(&cause, &runs))
}

/// An absolute path: children must find it from wherever they are.
fn output(arguments: &ScalingArgs, deck: &Path) -> Result<PathBuf> {
    let name = deck.file_stem().unwrap_or_default().to_string_lossy();
    let folder = arguments.output.clone().unwrap_or_else(|| PathBuf::from(format!("outputs/{name}_scaling")));
    std::path::absolute(&folder).map_err(|cause| Error::io("find", &folder, cause))
}

fn request(arguments: &ScalingArgs) -> Request {
    let ranks = if arguments.ranks.is_empty() { vec![1] } else { arguments.ranks.clone() };
    let threads = if arguments.threads.is_empty() { powers(host::parallelism()) } else { arguments.threads.clone() };
    let mut shapes: Vec<Shape> =
        ranks.iter().flat_map(|&ranks| threads.iter().map(move |&threads| Shape { ranks, threads })).collect();
    shapes.sort_by_key(|shape| (shape.workers(), shape.ranks));
    shapes.dedup();
    let modes = match arguments.mode {
        ModeArg::Strong => vec![Mode::Strong],
        ModeArg::Weak => vec![Mode::Weak],
        ModeArg::Both => vec![Mode::Strong, Mode::Weak],
    };
    Request {
        shapes,
        modes,
        repeats: arguments.repeats,
        seed: arguments.seed,
        time_limit_s: arguments.time_limit,
        imbalance: arguments.imbalance,
        switches: arguments.switches.chosen(),
    }
}

/// 1, 2, 4, ... and the number of cores.
fn powers(cores: usize) -> Vec<usize> {
    let mut found: Vec<usize> = (0..usize::BITS).map(|n| 1 << n).take_while(|&n| n < cores).collect();
    found.push(cores);
    found
}

fn wish(launcher: LauncherArg) -> Wish {
    match launcher {
        LauncherArg::Auto => Wish::Auto,
        LauncherArg::None => Wish::By(Ranks::Domains),
        LauncherArg::Mpirun => Wish::By(Ranks::Mpirun),
        LauncherArg::Srun => Wish::By(Ranks::Srun),
    }
}

/// The plan in words, before anything runs.
fn announcement(plan: &Plan, starter: &Starter, forecast: Option<&Forecast>) -> String {
    let mut lines = vec![format!("plan: {} ({})", plan.title, plan.physics)];
    let noun = if plan.physics == "heat" { "cell" } else { "body" };
    let foreseen = |place: usize| forecast.and_then(|forecast| forecast.shapes.get(place));
    let (mut all, mut guessed) = (0.0, 0);
    for (place, case) in plan.cases.iter().enumerate() {
        let check =
            case.check.map_or(String::new(), |shape| format!(", and once on {} to compare results", shape.words()));
        let estimate_s = estimate_s(case, foreseen(place));
        all += estimate_s;
        guessed += usize::from(foreseen(place).and_then(Foreseen::seconds).is_none());
        lines.push(format!(
            "  {:<6} {:>9} ranks x threads  {:>22}  about {estimate_s:.1} s{check}",
            case.mode.name(),
            case.shape.words(),
            counted(case.unknowns, noun),
        ));
    }
    let (least, most) = ((FEWEST.min(plan.repeats) + 1) as f64 * all, (plan.repeats + 1) as f64 * all);
    lines.push(format!(
        "  one warm-up and {} to {} timed runs of each: {least:.0} to {most:.0} s, {}",
        FEWEST.min(plan.repeats),
        plan.repeats,
        origin(guessed, plan.cases.len())
    ));
    lines.extend(plan.switches.remarks().into_iter().map(|remark| format!("  on purpose: {remark}")));
    lines.extend(starter.note.iter().map(|note| format!("  {note}")));
    lines.join("\n")
}

/// Where the estimated times come from, if `guessed` of `all` have no prediction.
fn origin(guessed: usize, all: usize) -> String {
    match guessed {
        0 => "predicted from measurements of this machine".to_owned(),
        _ if guessed == all => "guessed from 1e9 updates a second for each worker".to_owned(),
        _ => format!("predicted from measurements of this machine, but {guessed} of {all} shapes guessed"),
    }
}

/// Writes the Slurm array and hands it to `sbatch`, if that is there.
fn submit(plan: &Plan, folder: &Path) -> Result<u8> {
    let program = std::env::current_exe().map_err(|cause| Error::Io(format!("cannot find this program: {cause}")))?;
    let path = folder.join("submit.sbatch");
    write_text(&path, &batch::script(plan, &program, folder))?;
    let collect = format!("parhelion scaling --collect {}", folder.display());
    match Command::new("sbatch").arg(&path).output() {
        Ok(output) if output.status.success() => {
            console::print(String::from_utf8_lossy(&output.stdout).trim_end());
            console::print(&format!("when its tasks have ended: {collect}"));
            Ok(0)
        }
        Ok(output) => Err(Error::Io(format!(
            "sbatch {} failed: {}; change the script and submit it by hand",
            path.display(),
            console::one_line(String::from_utf8_lossy(&output.stderr).trim())
        ))),
        Err(_) => {
            console::print(&format!(
                "there is no sbatch here; on the cluster: sbatch {}, then {collect}",
                path.display()
            ));
            Ok(0)
        }
    }
}

/// The plan of a folder.
fn planned(folder: &Path) -> Result<(Plan, PathBuf)> {
    let folder = std::path::absolute(folder).map_err(|cause| Error::io("find", folder, cause))?;
    match read_plan(&folder)? {
        Some(plan) => Ok((plan, folder)),
        None => Err(Error::Input(format!(
            "{} holds no experiment; name the folder that scaling --submit has written",
            folder.display()
        ))),
    }
}

/// One task of a batch job: one case.
fn run_task(folder: &Path, task: usize) -> Result<u8> {
    let (plan, folder) = planned(folder)?;
    if task >= plan.cases.len() {
        return Err(Error::Input(format!("--task {task}: the experiment has tasks 0 to {}", plan.cases.len() - 1)));
    }
    let own = task_folder(&folder, task);
    std::fs::create_dir_all(&own).map_err(|cause| Error::io("make", &own, cause))?;
    let _lock = Lock::acquire(&own)?;
    let several = plan.cases[task].shape.ranks > 1;
    let wish = if plan.ranks_by == Ranks::Domains { Wish::By(Ranks::Domains) } else { Wish::Auto };
    let starter = Starter::new(wish, several)?;
    let experiment =
        Experiment { plan: &plan, starter: &starter, deck: folder.join(DECK), folder: own, only: Some(task) };
    let records = conduct(&experiment)?;
    if let Some(code) = stopped(&records) {
        return Ok(code);
    }
    let wrong = records.iter().any(|row| row.status != record::Status::Ok);
    Ok(if wrong { WRONG } else { 0 })
}

/// Puts the rows of all tasks together and finishes the experiment.
fn collect(folder: &Path) -> Result<u8> {
    let (plan, folder) = planned(folder)?;
    let _lock = Lock::acquire(&folder)?;
    let (mut records, missing) = batch::collect(&plan, &folder)?;
    for case in missing {
        console::message(&format!("warning: {} has not been run yet", plan.cases[case].words()));
    }
    compare_all(&plan, &mut records);
    record::write(&folder.join(record::RUNS), &records)?;
    conclude(&plan, &records, &folder)
}

/// Analyses, writes and prints.
fn conclude(plan: &Plan, records: &[Record], folder: &Path) -> Result<u8> {
    let mut analysis = analyse(plan, records, folder);
    let forecast = Forecast::read(folder)?;
    if let Some(forecast) = &forecast {
        hindsight::compare(&mut analysis, forecast);
    }
    let machine = forecast::stored_machine(folder)?;
    roofline::raise(&mut analysis, machine.as_ref());
    let sentences = sentences(&analysis);
    let remarks = remarks(plan, records, &analysis, host::parallelism());
    let (figures, missing) =
        folder::figures(plan, &analysis, machine.as_ref(), overlap::picture(plan, records, folder));
    let page = Page {
        plan,
        analysis: &analysis,
        forecast: forecast.as_ref(),
        sentences: &sentences,
        remarks: &remarks,
        figures: &figures,
        missing: &missing,
        reproduce: &folder::reproduce(plan, folder),
        runs: records.len(),
    };
    folder::write_results(folder, &page)?;
    show(&analysis, &sentences, &remarks);
    console::print(&format!("\n{}", folder.join("report.html").display()));
    Ok(if analysis.is_clean() { 0 } else { WRONG })
}

fn show(analysis: &Analysis, sentences: &[String], remarks: &[String]) {
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    console::print_coloured(&format!("\n{}\n{}", tables::terminal(analysis, colour), tables::bars(analysis)));
    sentences.iter().for_each(|sentence| console::print(sentence));
    analysis.hindsight.iter().for_each(|hindsight| console::print(&hindsight.words()));
    remarks.iter().for_each(|remark| console::message(&format!("warning: {remark}")));
}
