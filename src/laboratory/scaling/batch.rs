//! The Slurm array for the same plan: one task for each case, each in a folder of its own; `--collect` puts the rows together.
//!
//! All tasks of an array get the same resources, so each asks for those of the largest shape. A task times its shape alone: runs of
//! different shapes are not interleaved, so drift between tasks can look like scaling, which the collected report says.

use super::folder::task_folder;
use super::plan::Plan;
use super::record::{self, Record};
use crate::error::Result;
use std::path::Path;

/// Minutes that a task asks for at least.
const FEWEST_MINUTES: f64 = 10.0;

/// Words in quotes for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The batch script. `program` and `folder` are absolute paths that all nodes see.
pub fn script(plan: &Plan, program: &Path, folder: &Path) -> String {
    let most = |of: &dyn Fn(usize) -> usize| (0..plan.cases.len()).map(of).max().unwrap_or(1);
    let (ranks, threads) = (most(&|n| plan.cases[n].shape.ranks), most(&|n| plan.cases[n].shape.threads));
    let longest = plan.cases.iter().map(|case| case.guess_s).fold(0.0, f64::max);
    let minutes = (longest * (plan.repeats + 2) as f64 * 2.0 / 60.0).max(FEWEST_MINUTES).ceil();
    format!(
        "#!/usr/bin/env bash\n\
         # One task for each shape of the experiment in this folder. Add --partition and --account as your cluster asks.\n\
         #SBATCH --job-name=parhelion-scaling\n\
         #SBATCH --array=0-{last}\n\
         #SBATCH --ntasks={ranks}\n\
         #SBATCH --cpus-per-task={threads}\n\
         #SBATCH --exclusive\n\
         #SBATCH --time={minutes}\n\
         #SBATCH --output={log}\n\
         {program} scaling --collect {folder} --task \"$SLURM_ARRAY_TASK_ID\"\n",
        last = plan.cases.len().saturating_sub(1),
        log = folder.join("task-%a.log").display(),
        program = quoted(&program.display().to_string()),
        folder = quoted(&folder.display().to_string()),
    )
}

/// Rows of all tasks, and the cases that have none.
///
/// # Errors
/// Exit code 3 if rows cannot be read.
pub fn collect(plan: &Plan, folder: &Path) -> Result<(Vec<Record>, Vec<usize>)> {
    let (mut records, mut missing) = (record::read(&folder.join(record::RUNS))?, Vec::new());
    for case in 0..plan.cases.len() {
        let mut rows = record::read(&task_folder(folder, case).join(record::RUNS))?;
        let place = task_folder(Path::new(""), case);
        rows.iter_mut().for_each(|row| row.directory = place.join(&row.directory).display().to_string());
        // Rows that were collected before are not doubled.
        rows.retain(|row| !records.iter().any(|old| old.directory == row.directory));
        records.append(&mut rows);
        if !records.iter().any(|row| row.is_of(plan, case)) {
            missing.push(case);
        }
    }
    Ok((records, missing))
}

#[cfg(test)]
mod tests {
    use super::super::record::Kind;
    use super::super::record::tests::record;
    use super::super::schedule::tests::plan;
    use super::*;

    #[test]
    fn the_script_asks_for_the_largest_shape() {
        let text =
            script(&plan(&[(1, 1), (4, 2), (2, 8)], 5), Path::new("/opt/a b/parhelion"), Path::new("/scratch/x"));
        for words in [
            "--array=0-2",
            "--ntasks=4",
            "--cpus-per-task=8",
            "'/opt/a b/parhelion' scaling --collect '/scratch/x' --task",
        ] {
            assert!(text.contains(words), "no {words} in {text}");
        }
    }

    #[test]
    fn rows_of_tasks_are_collected_once() {
        let plan = plan(&[(1, 1), (2, 1)], 3);
        let place = tempfile::tempdir().unwrap();
        let task = task_folder(place.path(), 1);
        std::fs::create_dir_all(&task).unwrap();
        record::write(&task.join(record::RUNS), &[record((2, 1), Kind::Warmup, 0, 1.0)]).unwrap();
        let (rows, missing) = collect(&plan, place.path()).unwrap();
        assert_eq!((rows.len(), &missing[..], rows[0].directory.as_str()), (1, &[0][..], "tasks/001/runs/0001"));
        record::write(&place.path().join(record::RUNS), &rows).unwrap();
        assert_eq!(collect(&plan, place.path()).unwrap().0, rows);
    }
}
