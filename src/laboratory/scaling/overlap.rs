//! The timeline of the largest shape: one more run of it after all others, recorded and not timed, of which a few steps are drawn.
//!
//! Its directory lies beside those of the runs that count and it has no row in `runs.csv`, whose rows are what figures are made of. A folder
//! that has a timeline keeps it. Whether its digest is right is asked before anything is drawn.
//!
//! Refused: recording the timed runs. It costs less than 1 %, but not nothing, and most of their timelines nobody would look at.

use super::drawing::Drawing;
use super::experiment::read_report;
use super::folder::task_folder;
use super::plan::Plan;
use super::record::{Record, Status};
use super::schedule::{is_alive, times};
use crate::laboratory::gantt::gantt;
use crate::laboratory::timeline::Timeline;
use crate::output::plain_file;
use crate::output::run_directory::TRACE;
use std::cmp::Reverse;
use std::path::{Path, PathBuf};

/// Its run directory, in the folder of the experiment or of the task of a batch job.
pub const DIRECTORY: &str = "timeline";
/// Longest file that is read: the longest that `run --trace` writes has 150 MB.
const LONGEST: u64 = 512 << 20;
/// Steps that are drawn.
const STEPS: usize = 3;

/// The case with the most workers, and of these with the most ranks, strong mode first; none if all went wrong, or it was not timed yet.
pub fn largest(plan: &Plan, records: &[Record]) -> Option<usize> {
    let alive = (0..plan.cases.len()).filter(|&case| is_alive(plan, records, case));
    let size = |case: &usize| {
        let case = &plan.cases[*case];
        (Reverse(case.mode), case.shape.workers(), case.shape.ranks)
    };
    alive.max_by_key(size).filter(|&case| !times(plan, records, case, usize::MAX).is_empty())
}

/// What is wrong with a traced run of a case; nothing if its digest is that of the others.
pub fn flaw(plan: &Plan, records: &[Record], case: usize, directory: &Path) -> Option<String> {
    let Some(report) = read_report(directory) else { return Some("its traced run has no report".to_owned()) };
    let right = records.iter().find(|r| r.status == Status::Ok && r.is_of(plan, case)).map(|r| r.digest.as_str());
    (report["digest"].as_str() != right).then(|| "its traced run has another digest".to_owned())
}

/// A few steps of the largest shape.
///
/// # Errors
/// Why they cannot be drawn.
pub fn picture(plan: &Plan, records: &[Record], folder: &Path) -> Result<Drawing, String> {
    let case = largest(plan, records).ok_or("no shape was timed")?;
    let places: [PathBuf; 2] = [folder.to_path_buf(), task_folder(folder, case)].map(|place| place.join(DIRECTORY));
    let place = places.iter().find(|place| place.join(TRACE).exists()).ok_or("no run was traced")?;
    if let Some(flaw) = flaw(plan, records, case, place) {
        return Err(flaw);
    }
    let text = plain_file::read_text(&place.join(TRACE), LONGEST).map_err(|cause| cause.to_string())?;
    let timeline = Timeline::parse(&text)?;
    Ok(gantt(&timeline, STEPS, &format!("{STEPS} steps of {}", plan.cases[case].words())))
}

#[cfg(test)]
mod tests {
    use super::super::analysis::tests::experiment;
    use super::super::plan::Mode;
    use super::*;
    use serde_json::json;
    use std::fs;

    const EVENTS: &str = r#"{"traceEvents": [
{"ph": "X", "pid": 0, "tid": 0, "name": "step", "ts": 0.0, "dur": 10.0, "args": {"step": 1}},
{"ph": "X", "pid": 0, "tid": 0, "name": "interior", "ts": 1.0, "dur": 8.0, "args": {}}]}"#;

    #[test]
    fn the_largest_shape_that_is_right_and_strong_is_traced() {
        let (mut plan, mut records, _) = experiment(&[((1, 1), 8.0), ((1, 4), 3.0), ((4, 1), 3.0), ((4, 2), 9.0)]);
        assert_eq!(largest(&plan, &records), Some(3));
        records.last_mut().unwrap().status = Status::WrongDigest;
        assert_eq!(largest(&plan, &records), Some(2), "of equally many workers, more ranks");
        plan.cases[2].mode = Mode::Weak;
        assert_eq!(largest(&plan, &records), Some(1));
        assert_eq!(largest(&plan, &[]), None);
    }

    #[test]
    fn a_timeline_is_drawn_only_of_the_right_result() {
        let (plan, records, folder) = experiment(&[((1, 1), 8.0), ((2, 1), 4.0)]);
        assert_eq!(picture(&plan, &records, folder.path()), Err("no run was traced".to_owned()));
        let place = folder.path().join(DIRECTORY);
        fs::create_dir(&place).unwrap();
        fs::write(place.join(TRACE), EVENTS).unwrap();
        for (digest, expected) in
            [("cd".repeat(32), Err("its traced run has another digest".to_owned())), ("ab".repeat(32), Ok(()))]
        {
            fs::write(place.join("report.json"), json!({ "digest": digest }).to_string()).unwrap();
            assert_eq!(picture(&plan, &records, folder.path()).map(|_| ()), expected);
        }
        let drawing = picture(&plan, &records, folder.path()).unwrap();
        assert!(drawing.title == "3 steps of strong 2 x 1" && drawing.svg(true).contains("interior: 8.0 us"));
    }
}
