//! The folder of a sweep: whose it is, and how a command enters it.
//!
//! ```text
//! sweep.json    the plan            results.csv   one row a member
//! members/0001  run directories     members/0001.log   what a member said on standard error, if anything
//! plot_NAME.svg, plot_NAME.png
//! ```

use super::plan::{MEMBERS, Plan};
use super::results::RESULTS;
use crate::error::{Error, Result};
use crate::output::plain_file;
use crate::output::run_directory::remove_run;
use crate::output::run_lock::{LOCK, Lock};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// The plan.
const PLAN: &str = "sweep.json";
/// Longest plan that is read.
const LONGEST: u64 = 64 << 20;
/// How long members of a sweep that was killed may take to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// The plan of a folder, if it holds a sweep.
fn read_plan(folder: &Path) -> Result<Option<Plan>> {
    let path = folder.join(PLAN);
    if fs::symlink_metadata(&path).is_err() {
        return Ok(None);
    }
    let text = plain_file::read_text(&path, LONGEST).map_err(|cause| Error::io("read", &path, cause))?;
    let plan = serde_json::from_str(&text);
    plan.map(Some).map_err(|cause| Error::io("understand", &path, format!("{cause}; use --overwrite")))
}

/// Enters a folder with a plan: new, or to go on with the same sweep, or with `overwrite` to begin anew. It is ours as long as the lock lives.
///
/// # Errors
/// Exit code 6 if it holds another sweep, something else, or one that is alive; 2 if it cannot be used; 3 if it cannot be written.
pub fn enter(folder: &Path, plan: &Plan, overwrite: bool) -> Result<Lock> {
    refuse_others(folder, plan, overwrite)?;
    fs::create_dir_all(folder).map_err(|cause| unusable(folder, &cause))?;
    let lock = Lock::acquire(folder)?;
    // Again under the lock: another sweep may have begun and ended in between.
    refuse_others(folder, plan, overwrite)?;
    if overwrite {
        clear(folder)?;
    }
    let path = folder.join(MEMBERS);
    plain_file::make_directory(&path).map_err(|cause| Error::io("make", &path, cause))?;
    let text =
        serde_json::to_string_pretty(plan).map_err(|cause| Error::Defect(format!("a plan has no text: {cause}")))?;
    crate::laboratory::scaling::folder::write_text(&folder.join(PLAN), &(text + "\n"))?;
    Ok(lock)
}

fn unusable(folder: &Path, cause: &std::io::Error) -> Error {
    Error::Input(format!("cannot use {} as folder of a sweep: {cause}; choose another --output", folder.display()))
}

fn refuse_others(folder: &Path, plan: &Plan, overwrite: bool) -> Result<()> {
    match read_plan(folder) {
        Ok(Some(earlier)) if !overwrite => match earlier.difference(plan) {
            None => Ok(()),
            Some(what) => Err(Error::Busy(format!(
                "{} holds another sweep: {what} differ; use --overwrite to replace it, or another --output",
                folder.display()
            ))),
        },
        Err(error) if !overwrite => Err(error),
        Ok(None) if holds_anything(folder) => {
            Err(Error::Busy(format!("{} holds other files; use another --output", folder.display())))
        }
        _ => Ok(()),
    }
}

fn holds_anything(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|entries| entries.flatten().any(|entry| entry.file_name() != LOCK))
}

/// Names in a directory; none if it is a link or not there.
fn names(directory: &Path) -> Vec<String> {
    let is_own = fs::symlink_metadata(directory).is_ok_and(|found| found.is_dir());
    let entries = is_own.then(|| fs::read_dir(directory).ok()).flatten();
    entries.into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// Removes what a sweep writes: rows, pictures, logs, and runs of members. Nothing else.
fn clear(folder: &Path) -> Result<()> {
    let members = folder.join(MEMBERS);
    let is_number = |name: &str| name.len() >= 4 && name.bytes().all(|b| b.is_ascii_digit());
    for name in names(&members) {
        let path = members.join(&name);
        match name.strip_suffix(".log") {
            Some(stem) if is_number(stem) => remove_file(&path)?,
            None if is_number(&name) => remove_run(&path)?,
            _ => {}
        }
    }
    let is_plot = |name: &str| name.starts_with("plot_") && (name.ends_with(".svg") || name.ends_with(".png"));
    for name in names(folder).into_iter().filter(|name| name == RESULTS || is_plot(name)) {
        remove_file(&folder.join(name))?;
    }
    Ok(())
}

fn remove_file(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => fs::remove_file(path).map_err(|cause| Error::io("remove", path, cause)),
        _ => Ok(()),
    }
}

/// Waits until a member of a sweep that was killed has ended: it stops by itself, after a checkpoint.
///
/// # Errors
/// Exit code 6 if it goes on and on.
pub fn wait_for_the_living(member: &Path) -> Result<()> {
    let start = Instant::now();
    loop {
        match Lock::refuse_live(member) {
            Ok(()) => return Ok(()),
            Err(error) if start.elapsed() > PATIENCE => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::tests::plan;
    use super::*;

    #[test]
    fn another_sweep_is_refused_and_replaced_on_demand() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("a");
        drop(enter(&folder, &plan("a", &["1"]), false).unwrap());
        drop(enter(&folder, &plan("a", &["1"]), false).unwrap());
        for name in ["results.csv", "plot_x.svg", "notes.txt", "members/0001.log", "members/mine.log"] {
            fs::write(folder.join(name), "rows").unwrap();
        }
        let error = enter(&folder, &plan("a", &["2"]), false).unwrap_err();
        assert!(
            error.exit_code() == 6 && error.to_string().contains("the varied values differ; use --overwrite"),
            "{error}"
        );
        drop(enter(&folder, &plan("a", &["2"]), true).unwrap());
        let left = ["results.csv", "plot_x.svg", "members/0001.log", "notes.txt", "members/mine.log"];
        assert_eq!(left.map(|name| folder.join(name).exists()), [false, false, false, true, true]);
    }

    #[test]
    fn foreign_files_are_left_alone() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("thesis.tex"), "years of work").unwrap();
        for overwrite in [false, true] {
            assert_eq!(enter(place.path(), &plan("a", &["1"]), overwrite).unwrap_err().exit_code(), 6);
        }
        assert_eq!(names(place.path()), ["thesis.tex"]);
    }
}
