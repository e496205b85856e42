//! The folder of an experiment: what is in it, whose it is, and writing all of it.

use super::analysis::Analysis;
use super::drawing::Drawing;
use super::page::Page;
use super::plan::{Mode, Plan};
use super::raster::Raster;
use super::record::RUNS;
use super::{bars, curves, forecast, overlap, roofline, tables};
use crate::error::{Error, Result};
use crate::laboratory::machine::Machine;
use crate::output::atomic::write_file;
use crate::output::plain_file;
use crate::output::run_directory::TRACE;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The plan.
pub const PLAN: &str = "experiment.json";
/// The deck with every default written out.
pub const DECK: &str = "deck.toml";
/// Longest plan that is read.
const LONGEST: u64 = 16 << 20;

/// Writes a text file.
///
/// # Errors
/// Exit code 3.
pub fn write_text(path: &Path, text: &str) -> Result<()> {
    write_file(path, |file| file.write_all(text.as_bytes())).map(|_| ())
}

/// The plan of a folder, if it holds an experiment.
///
/// # Errors
/// Exit code 3 if it cannot be understood.
pub fn read_plan(folder: &Path) -> Result<Option<Plan>> {
    let path = folder.join(PLAN);
    if !path.exists() {
        return Ok(None);
    }
    let text = plain_file::read_text(&path, LONGEST).map_err(|cause| Error::io("read", &path, cause))?;
    let plan = serde_json::from_str(&text)
        .map_err(|cause| Error::io("understand", &path, format!("{cause}; use --overwrite")))?;
    Ok(Some(plan))
}

/// Enters a folder with a plan: new, or to go on with the same experiment, or with `overwrite` to begin anew.
///
/// # Errors
/// Exit code 6 if it holds another experiment or something else, 3 if it cannot be written.
pub fn enter(folder: &Path, plan: &Plan, deck: &str, overwrite: bool) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|cause| Error::io("make", folder, cause))?;
    let earlier = read_plan(folder);
    match earlier {
        Ok(Some(earlier)) if !overwrite => match earlier.difference(plan) {
            None => return Ok(()),
            Some(what) => {
                return Err(Error::Busy(format!(
                    "{} holds another experiment: {what} differ; use --overwrite to replace it, or another --output",
                    folder.display()
                )));
            }
        },
        Err(error) if !overwrite => return Err(error),
        Ok(None) if holds_anything(folder) => {
            return Err(Error::Busy(format!("{} holds other files; use another --output", folder.display())));
        }
        _ => {}
    }
    // Rows and the prediction of an experiment that is replaced must not be taken for those of this one.
    let timeline = Path::new(overlap::DIRECTORY).join(TRACE);
    for name in [Path::new(RUNS), Path::new(forecast::FILE), Path::new(forecast::MACHINE), &timeline] {
        remove(&folder.join(name))?;
    }
    write_text(&folder.join(DECK), deck)?;
    let text =
        serde_json::to_string_pretty(plan).map_err(|cause| Error::Defect(format!("a plan has no text: {cause}")))?;
    write_text(&folder.join(PLAN), &(text + "\n"))
}

fn holds_anything(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|entries| entries.flatten().any(|entry| entry.file_name() != "run.lock"))
}

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path, cause)),
        _ => Ok(()),
    }
}

/// Captions of the roofline, of heat and of bodies.
const ROOFLINE: [&str; 2] = [
    "Flops a second against what a copy on the same shape and the peak of its vector instructions allow (dashed), and the peaks of all instructions on the largest shape. Counted are the operations of the scheme and the least bytes that must move; where the slope is left of its end, memory is the limit.",
    "Flops a second against what a copy and the peak of the vector instructions in use allow (dashed), and the peaks of all instructions on the largest shape. Counted are 20 operations for each pair of bodies, and 64 bytes for each body in an evaluation of forces. Under multipoles cells, moments and the tree are not counted: points are lower bounds. Forces that need no more are computed in 32 bits, where the peak is taken to be twice as high.",
];

/// A figure: file name, caption, picture.
pub type Figure = (&'static str, &'static str, Drawing);

/// The figures that can be drawn, and what cannot be drawn. `timeline` is what [`overlap::picture`] makes.
pub fn figures(
    plan: &Plan,
    analysis: &Analysis,
    machine: Option<&Machine>,
    timeline: std::result::Result<Drawing, String>,
) -> (Vec<Figure>, String) {
    let (timeline, why_not) = timeline.map_or_else(|why| (None, why), |drawing| (Some(drawing), String::new()));
    let all: [(&'static str, &'static str, Option<Drawing>, &str); 6] = [
        (
            "speedup",
            "Speed-up of each shape, with the 95 % interval of its median. Laws are drawn over the measured range only; what the model predicted goes beyond it, dashed and with a band.",
            curves::speedup(analysis),
            "no shape was timed",
        ),
        (
            "efficiency",
            "Speed-up for each worker, measured and predicted.",
            curves::efficiency(analysis),
            "no shape was timed",
        ),
        (
            "breakdown",
            "Seconds of the loop by phase in the median run. Waiting for messages is in halo or exchange; waiting of threads in other.",
            bars::breakdown(analysis),
            "no shape was timed",
        ),
        (
            "roofline",
            ROOFLINE[usize::from(plan.physics == "nbody")],
            roofline::draw(plan, analysis, machine),
            "neither a copy by the runs nor a machine.json tells the bandwidth",
        ),
        (
            "communication_matrix",
            "Bytes from rank to rank in the loop; messages of collective operations are not among them.",
            bars::matrix(analysis),
            "no shape with several ranks was timed",
        ),
        (
            "timeline",
            "What each thread did in a few steps of one more run of the largest shape, which was recorded and not timed. Grey bars are shares of a loop on a thread; where there is nothing a thread waits for work. Messages fly while interior cells or the own tree are computed: what is left of them to wait for is halo or exchange.",
            timeline,
            &why_not,
        ),
    ];
    let mut missing = String::new();
    let mut drawn = Vec::new();
    for (name, caption, drawing, why) in all {
        match drawing {
            Some(drawing) => drawn.push((name, caption, drawing)),
            None => missing += &format!("{name} is not drawn: {why}. "),
        }
    }
    (drawn, missing.trim_end().to_owned())
}

/// Writes all tables, figures and the page.
///
/// # Errors
/// Exit code 3.
pub fn write_results(folder: &Path, page: &Page<'_>) -> Result<()> {
    let (plan, analysis) = (page.plan, page.analysis);
    tables::write_summary(&folder.join("summary.csv"), analysis)?;
    write_text(&folder.join("table.md"), &tables::markdown(plan, analysis))?;
    write_text(&folder.join("table.tex"), &tables::latex(plan, analysis))?;
    for (name, _, drawing) in page.figures {
        write_text(&folder.join(format!("{name}.svg")), &drawing.svg(true))?;
        write_file(&folder.join(format!("{name}.png")), |file| Raster::of(drawing).write(file))?;
    }
    write_text(&folder.join("REPRODUCE.sh"), page.reproduce)?;
    write_text(&folder.join("report.html"), &page.html()?)
}

/// A script that does the experiment again.
pub fn reproduce(plan: &Plan, folder: &Path) -> String {
    let list = |values: BTreeSet<usize>| values.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
    let ranks = list(plan.cases.iter().map(|case| case.shape.ranks).collect());
    let threads = list(plan.cases.iter().map(|case| case.shape.threads).collect());
    let mode = match plan.modes()[..] {
        [Mode::Strong] => "strong",
        [Mode::Weak] => "weak",
        _ => "both",
    };
    let launcher = match plan.ranks_by {
        super::plan::Ranks::Domains => "none",
        super::plan::Ranks::Mpirun => "mpirun",
        super::plan::Ranks::Srun => "srun",
    };
    let imbalance = plan.imbalance.map_or(String::new(), |(rank, extra)| format!(" --imbalance {rank},{extra}"));
    let switches: String = plan.switches.arguments().iter().map(|word| format!(" {word}")).collect();
    let name = folder.file_name().map_or_else(|| "scaling".into(), |name| name.to_string_lossy().into_owned());
    format!(
        "#!/bin/sh\n# Does this experiment again, into {name}_again beside it. Made by parhelion {}.\nset -e\ncd \"$(dirname \"$0\")\"\n\
         \"${{PARHELION:-parhelion}}\" scaling {DECK} --ranks {ranks} --threads {threads} --mode {mode} --repeats {} --seed {} \\\n    \
         --launcher {launcher}{imbalance}{switches} --output ../{name}_again\n",
        plan.program, plan.repeats, plan.seed
    )
}

/// Where the rows of a task of a batch job are.
pub fn task_folder(folder: &Path, task: usize) -> PathBuf {
    folder.join("tasks").join(format!("{task:03}"))
}

#[cfg(test)]
mod tests {
    use super::super::schedule::tests::plan;
    use super::*;

    #[test]
    fn another_experiment_is_refused_and_replaced_on_demand() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("a");
        let first = plan(&[(1, 1), (1, 2)], 5);
        enter(&folder, &first, "deck", false).unwrap();
        enter(&folder, &first, "deck", false).unwrap();
        std::fs::write(folder.join(RUNS), "rows").unwrap();
        let second = Plan { deck: "other".into(), ..first.clone() };
        let error = enter(&folder, &second, "deck", false).unwrap_err();
        assert_eq!(error.exit_code(), 6);
        assert!(error.to_string().contains("the deck or its --set values differ; use --overwrite"), "{error}");
        assert!(folder.join(RUNS).exists());
        enter(&folder, &second, "deck", true).unwrap();
        assert!(!folder.join(RUNS).exists(), "rows of the other experiment are gone");
        assert_eq!(read_plan(&folder).unwrap(), Some(second));
    }

    #[test]
    fn foreign_files_are_left_alone() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("thesis.tex"), "years of work").unwrap();
        for overwrite in [false, true] {
            assert_eq!(enter(place.path(), &plan(&[(1, 1)], 3), "deck", overwrite).unwrap_err().exit_code(), 6);
        }
    }
}
