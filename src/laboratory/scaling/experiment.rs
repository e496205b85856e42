//! The loop of an experiment: the next run, its digest against that of its problem, its row, and so on to the end.

use super::child::{self, Ended};
use super::conditions::Snapshot;
use super::overlap;
use super::plan::Plan;
use super::record::{self, Kind, Record, Status};
use super::schedule::{self, Task};
use super::starter::Starter;
use crate::console;
use crate::error::{Error, Result};
use crate::interrupt;
use crate::laboratory::switches::Switches;
use crate::output::plain_file;
use crate::output::run_directory::{REPORT, TRACE};
use serde_json::Value;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Directory of the run directories.
const DIRECTORY: &str = "runs";
/// Most run directories of an experiment: beyond it something goes round in a circle.
const MOST_RUNS: usize = 100_000;
/// Longest `report.json` that is read.
const LONGEST: u64 = 256 << 20;
/// A run that takes so many times as long as its warm-up, and some seconds more, hangs.
const PATIENCE: f64 = 20.0;
const PATIENCE_S: f64 = 60.0;

/// What silences everything that a run could write or keep beside its report, and itself.
pub(crate) const QUIET: [&str; 13] = [
    "--quiet",
    "--set",
    "output.diagnostics_every=0",
    "--set",
    "output.snapshot_every=0",
    "--set",
    "output.snapshot_formats=[]",
    "--set",
    "output.frames_every=0",
    "--set",
    "checkpoint.every=\"never\"",
    "--set",
    "checkpoint.at_end=false",
];
/// What lets a report tell how long the run would take if messages took no time.
const JOURNAL: &str = "--journal";

/// An experiment in its folder.
pub struct Experiment<'a> {
    /// What is run.
    pub plan: &'a Plan,
    /// How.
    pub starter: &'a Starter,
    /// Folder of the rows and run directories.
    pub folder: PathBuf,
    /// The deck.
    pub deck: PathBuf,
    /// The only case that is run; all if absent.
    pub only: Option<usize>,
}

impl Experiment<'_> {
    /// Runs what is left to run, until this process is asked to stop, and returns all rows.
    ///
    /// # Errors
    /// Exit code 3 if a row cannot be written or a process not be started. What goes wrong in a run is in its row.
    pub fn conduct(&self) -> Result<Vec<Record>> {
        let path = self.folder.join(record::RUNS);
        let mut records = record::read(&path)?;
        if !records.is_empty() {
            console::message(&format!("going on after {} runs in {}", records.len(), path.display()));
        }
        plain_file::make_directory(&self.folder.join(DIRECTORY))
            .map_err(|cause| Error::io("make", &self.folder, cause))?;
        let wanted = |case: usize| self.only.is_none_or(|only| only == case);
        while let Some(task) = schedule::next(self.plan, &records, &wanted) {
            let Some(done) = self.run(task, &records)? else { return Ok(records) };
            console::message(&progress(self.plan, task, &done));
            records.push(done);
            record::write(&path, &records)?;
            if interrupt::requested().is_some() {
                return Ok(records);
            }
        }
        if let Some(case) = overlap::largest(self.plan, &records).filter(|&case| wanted(case)) {
            self.trace(case, &records)?;
        }
        Ok(records)
    }

    /// Records one more run of a case, unless that has been done.
    fn trace(&self, case: usize, records: &[Record]) -> Result<()> {
        let directory = self.folder.join(overlap::DIRECTORY);
        if directory.join(TRACE).exists() {
            return Ok(());
        }
        let task = Task { case, kind: Kind::Timed, round: 0 };
        let mut words = self.words(task, &directory);
        words.extend(["--trace", "--overwrite"].map(str::to_owned));
        let ended = child::run(&mut self.starter.command(&words), self.limit(task, records))?;
        if ended.stopped {
            return Ok(());
        }
        let flaw = match finished(&directory, &ended) {
            Ok(_) => overlap::flaw(self.plan, records, case, &directory),
            Err(why) => Some(format!("its traced run failed: {why}")),
        };
        let name = self.plan.cases[case].words();
        console::message(&match flaw {
            None => format!("{name}, one run more for the timeline"),
            Some(flaw) => format!("warning: no timeline of {name}: {flaw}"),
        });
        Ok(())
    }

    /// The row of a run; none if it was stopped with this process.
    fn run(&self, task: Task, records: &[Record]) -> Result<Option<Record>> {
        let directory = self.new_directory()?;
        let words = self.words(task, &directory);
        let mut command = self.starter.command(&words);
        let begun = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let (before, start) = (Snapshot::take(), Instant::now());
        let ended = child::run(&mut command, self.limit(task, records))?;
        if ended.stopped {
            return Ok(None);
        }
        let process_s = start.elapsed().as_secs_f64();
        let conditions = Snapshot::take().since(&before);
        let mut record = self.record(task, &ended, finished(&directory, &ended));
        record.note(conditions);
        (record.process_s, record.started_unix) = (process_s, begun);
        record.directory = directory.strip_prefix(&self.folder).unwrap_or(&directory).display().to_string();
        if record.status == Status::Ok {
            self.compare(&mut record, task, records);
        }
        Ok(Some(record))
    }

    /// A run directory that nobody has used.
    fn new_directory(&self) -> Result<PathBuf> {
        for number in 1..MOST_RUNS {
            let path = self.folder.join(DIRECTORY).join(format!("{number:04}"));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(path),
                Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {}
                Err(cause) => return Err(Error::io("make", &path, cause)),
            }
        }
        Err(Error::Io(format!("{} holds {MOST_RUNS} runs; use another --output", self.folder.display())))
    }

    fn words(&self, task: Task, directory: &Path) -> Vec<String> {
        let shape = task.shape(self.plan);
        let mut arguments: Vec<String> = QUIET.map(str::to_owned).to_vec();
        arguments.extend([JOURNAL.to_owned(), "--output".to_owned(), directory.display().to_string()]);
        for value in &self.plan.cases[task.case].overrides {
            arguments.extend(["--set".to_owned(), value.clone()]);
        }
        if let Some((rank, extra)) = self.plan.imbalance.filter(|(rank, _)| *rank < shape.ranks) {
            arguments.extend(["--imbalance".to_owned(), format!("{rank},{extra}")]);
        }
        arguments.extend(self.switches(task).arguments());
        self.starter.words(shape, &self.deck, &arguments)
    }

    /// The lab switches of a run; the shape of a check need not allow the same cuts.
    fn switches(&self, task: Task) -> Switches {
        let cut_axes = self.plan.switches.cut_axes.filter(|_| task.kind != Kind::Check);
        Switches { cut_axes, ..self.plan.switches }
    }

    /// Seconds that a run may take: the user's, or far more than its warm-up took.
    fn limit(&self, task: Task, records: &[Record]) -> Duration {
        let warm_up = records.iter().find(|r| r.kind == Kind::Warmup && r.is_of(self.plan, task.case));
        let patience = warm_up.map_or(f64::INFINITY, |r| PATIENCE_S + PATIENCE * r.process_s);
        Duration::from_secs_f64(self.plan.time_limit_s.min(patience))
    }

    fn record(&self, task: Task, ended: &Ended, report: std::result::Result<Value, String>) -> Record {
        let shape = task.shape(self.plan);
        let (report, why) = report.map_or_else(|why| (Value::Null, why), |report| (report, String::new()));
        let sum = |values: &Value| values.as_array().map_or(0, |list| list.iter().filter_map(Value::as_u64).sum());
        let status = match report["digest"].as_str() {
            _ if ended.timed_out => Status::TimedOut,
            Some(_) => Status::Ok,
            None => Status::Failed,
        };
        Record {
            mode: self.plan.cases[task.case].mode,
            ranks: shape.ranks,
            threads: shape.threads,
            workers: shape.workers(),
            kind: task.kind,
            round: task.round,
            status,
            exit_code: ended.code,
            digest: report["digest"].as_str().unwrap_or_default().to_owned(),
            loop_s: report["loop_s"].as_f64(),
            wall_s: report["wall_s"].as_f64(),
            process_s: 0.0,
            unknowns: report["unknowns"].as_u64().unwrap_or(0),
            steps: report["steps"].as_u64().unwrap_or(0),
            updates_per_s: report["updates_per_s"].as_f64(),
            messages: sum(&report["messages"]["count_per_rank"]),
            bytes: sum(&report["messages"]["bytes_per_rank"]),
            peak_bytes: sum(&report["memory"]["peak_bytes_per_rank"]),
            foreign_cores: None,
            stolen_cores: None,
            mhz: None,
            started_unix: 0.0,
            directory: String::new(),
            switches: self.switches(task).arguments().join(" "),
            message: if status == Status::Ok { String::new() } else { why },
        }
    }

    /// The gate: a digest that is not that of the first good run of the same problem.
    fn compare(&self, record: &mut Record, task: Task, records: &[Record]) {
        let first = self.plan.first_of_problem(task.case);
        let reference = records
            .iter()
            .find(|r| r.status == Status::Ok && (r.is_of(self.plan, first) || r.is_of(self.plan, task.case)));
        if let Some(reference) = reference.filter(|reference| reference.digest != record.digest) {
            record.status = Status::WrongDigest;
            record.message = wrong(record, reference);
        }
    }
}

fn wrong(record: &Record, reference: &Record) -> String {
    let short = |digest: &str| digest.chars().take(12).collect::<String>();
    format!("digest {}, but {} gave {}", short(&record.digest), reference.shape().words(), short(&reference.digest))
}

/// Compares digests of rows that were made apart, as tasks of a batch job are: those that differ from the first good row of their
/// problem become wrong.
pub fn compare_all(plan: &Plan, records: &mut [Record]) {
    for case in 0..plan.cases.len() {
        let first = plan.first_of_problem(case);
        let good = |r: &&Record| r.status == Status::Ok && (r.is_of(plan, first) || r.is_of(plan, case));
        let Some(reference) = records.iter().find(good).cloned() else { continue };
        for record in records.iter_mut().filter(|r| r.status == Status::Ok && r.is_of(plan, case)) {
            if record.digest != reference.digest {
                record.status = Status::WrongDigest;
                record.message = wrong(record, &reference);
            }
        }
    }
}

/// The report of a child run that has come to its end, in a directory from which [`forget_report`] has taken any earlier one. An exit
/// code alone does not say so: `mpirun` of Open MPI 5 may end with 0 when it has lost a host's daemon.
///
/// # Errors
/// In words, what the run said last.
pub fn finished(directory: &Path, ended: &Ended) -> std::result::Result<Value, String> {
    if ended.code != Some(0) {
        return Err(if ended.message.is_empty() { ended.how() } else { ended.message.clone() });
    }
    let done = read_report(directory).filter(|report| report["status"] == "done");
    let lost = || {
        let said = if ended.message.is_empty() { String::new() } else { format!("; it said: {}", ended.message) };
        format!("ended with exit code 0, but without a report.json that says done: its launcher has lost ranks{said}")
    };
    done.ok_or_else(lost)
}

/// Takes the report of an earlier run away, so that it cannot be taken for that of a run that never began.
pub fn forget_report(directory: &Path) {
    let _ = fs::remove_file(directory.join(REPORT));
}

/// `report.json` of a run directory.
pub fn read_report(directory: &Path) -> Option<Value> {
    let text = plain_file::read_text(&directory.join(REPORT), LONGEST).ok()?;
    serde_json::from_str(&text).ok()
}

fn progress(plan: &Plan, task: Task, record: &Record) -> String {
    let name = format!("{} {}", record.mode.name(), record.shape().words());
    let what = match task.kind {
        Kind::Warmup => "warm-up".to_owned(),
        Kind::Check => "digest check".to_owned(),
        Kind::Timed => format!("run {} of at most {}", task.round, plan.repeats),
    };
    let result = match (record.status, record.loop_s) {
        (Status::Ok, Some(seconds)) => format!("{seconds:.4} s in the loop"),
        (Status::WrongDigest, _) => format!("WRONG DIGEST: {}", record.message),
        (Status::TimedOut, _) => format!("ended after {:.0} s: it is taken to hang", record.process_s),
        _ => format!("FAILED with {:?}: {}", record.exit_code, record.message),
    };
    format!("{name}, {what}: {result}")
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::record;
    use super::super::schedule::tests::plan;
    use super::*;

    #[test]
    fn an_exit_code_of_nought_needs_a_report_that_says_done() {
        let folder = tempfile::tempdir().unwrap();
        let ended = |code: i32| Ended { code: Some(code), message: "daemon lost".into(), ..Ended::default() };
        let report = |text: &str| fs::write(folder.path().join(REPORT), text).unwrap();
        assert!(finished(folder.path(), &ended(0)).unwrap_err().contains("without a report.json that says done"));
        report(r#"{"status": "failed", "digest": "ab"}"#);
        assert!(finished(folder.path(), &ended(0)).unwrap_err().contains("it said: daemon lost"));
        report(r#"{"status": "done", "digest": "ab"}"#);
        assert_eq!(finished(folder.path(), &ended(0)).unwrap()["digest"], "ab");
        assert_eq!(finished(folder.path(), &ended(137)), Err("daemon lost".into()));
        let silent = Ended { message: String::new(), ..ended(137) };
        assert_eq!(finished(folder.path(), &silent), Err("ended with exit code 137".into()));
        forget_report(folder.path());
        assert!(finished(folder.path(), &ended(0)).is_err());
    }

    #[test]
    fn rows_of_tasks_are_compared_afterwards() {
        let plan = plan(&[(1, 1), (2, 1)], 3);
        let mut records = vec![
            record((1, 1), Kind::Warmup, 0, 1.0),
            record((2, 1), Kind::Warmup, 0, 0.5),
            record((2, 1), Kind::Timed, 1, 0.5),
        ];
        records[2].digest = "cd".repeat(32);
        compare_all(&plan, &mut records);
        let wrong: Vec<bool> = records.iter().map(|r| r.status == Status::WrongDigest).collect();
        assert_eq!(wrong, [false, false, true]);
        assert!(
            records[2].message.contains("digest cdcdcdcdcdcd, but 1 x 1 gave abababababab"),
            "{}",
            records[2].message
        );
    }
}
