//! `runs.csv`: one row for every run that has ended. It is the memory of an experiment.
//!
//! The whole file is written anew after each run, under a temporary name, forced to the disk and renamed: a reader, or an experiment that
//! goes on after a kill, finds whole rows only.

use super::conditions::Conditions;
use super::plan::{Mode, Plan, Shape};
use crate::error::{Error, Result};
use crate::output::atomic::write_file;
use crate::output::plain_file;
use serde::{Deserialize, Serialize};
use std::io::Error as IoError;
use std::path::Path;

/// Name of the file.
pub const RUNS: &str = "runs.csv";
/// Most bytes of it that are read.
const LONGEST: u64 = 64 << 20;

/// Why a run was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The first of its shape: its digest counts, its time does not.
    Warmup,
    /// Another shape of the same problem, for its digest alone.
    Check,
    /// Its time counts.
    Timed,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Well, and with the right digest.
    Ok,
    /// With another digest than the problem has.
    WrongDigest,
    /// With another exit code than 0, or without a report.
    Failed,
    /// Not within its time limit.
    TimedOut,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Mode of its case.
    pub mode: Mode,
    /// Ranks.
    pub ranks: usize,
    /// Threads of each rank.
    pub threads: usize,
    /// Ranks times threads.
    pub workers: usize,
    /// Why it was made.
    pub kind: Kind,
    /// Number of the repeat, 0 for those that are not timed.
    pub round: usize,
    /// How it ended.
    pub status: Status,
    /// Exit code, empty if there is none.
    pub exit_code: Option<i32>,
    /// Digest of the final state.
    pub digest: String,
    /// Seconds in steps, the slowest rank.
    pub loop_s: Option<f64>,
    /// Seconds of the whole run, as it says itself.
    pub wall_s: Option<f64>,
    /// Seconds from the start of the process to its end, as its parent saw it.
    pub process_s: f64,
    /// Cells or bodies.
    pub unknowns: u64,
    /// Steps.
    pub steps: u64,
    /// Cell updates or pairs of bodies a second.
    pub updates_per_s: Option<f64>,
    /// Messages of all ranks.
    pub messages: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Resident bytes of all ranks at their peaks.
    pub peak_bytes: u64,
    /// Cores' worth of work of other programs meanwhile.
    pub foreign_cores: Option<f64>,
    /// Cores' worth of time that a hypervisor took meanwhile.
    pub stolen_cores: Option<f64>,
    /// Mean clock of the cores.
    pub mhz: Option<f64>,
    /// When it began, in seconds since 1970.
    pub started_unix: f64,
    /// Its run directory, below the folder of the experiment.
    pub directory: String,
    /// Lab switches that it ran under.
    #[serde(default)]
    pub switches: String,
    /// What it said when it failed.
    pub message: String,
}

impl Record {
    /// Its shape.
    pub fn shape(&self) -> Shape {
        Shape { ranks: self.ranks, threads: self.threads }
    }

    /// Whether it belongs to a case; checks have a shape of their own.
    pub fn is_of(&self, plan: &Plan, case: usize) -> bool {
        let case = &plan.cases[case];
        let shape = if self.kind == Kind::Check { case.check } else { Some(case.shape) };
        self.mode == case.mode
            && shape == Some(self.shape())
            && (self.kind != Kind::Check || self.workers == case.shape.workers())
    }

    /// Notes what the machine did meanwhile.
    pub fn note(&mut self, conditions: Conditions) {
        self.foreign_cores = conditions.foreign_cores;
        self.stolen_cores = conditions.stolen_cores;
        self.mhz = conditions.mhz;
    }
}

/// Writes all rows.
///
/// # Errors
/// Exit code 3.
pub fn write(path: &Path, records: &[Record]) -> Result<()> {
    write_file(path, |file| {
        let mut csv = csv::Writer::from_writer(file);
        records.iter().try_for_each(|record| csv.serialize(record)).map_err(IoError::other)?;
        csv.flush()
    })
    .map(|_| ())
}

/// Reads all rows; none if there is no file.
///
/// # Errors
/// Exit code 3 if it cannot be read, or holds something else.
pub fn read(path: &Path) -> Result<Vec<Record>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = plain_file::read_text(path, LONGEST).map_err(|cause| Error::io("read", path, cause))?;
    let rows: csv::Result<Vec<Record>> = csv::Reader::from_reader(text.as_bytes()).deserialize().collect();
    rows.map_err(|cause| Error::io("understand", path, format!("{cause}; remove it, or use --overwrite")))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A good timed run.
    pub fn record(shape: (usize, usize), kind: Kind, round: usize, loop_s: f64) -> Record {
        Record {
            mode: Mode::Strong,
            ranks: shape.0,
            threads: shape.1,
            workers: shape.0 * shape.1,
            kind,
            round,
            status: Status::Ok,
            exit_code: Some(0),
            digest: "ab".repeat(32),
            loop_s: Some(loop_s),
            wall_s: Some(loop_s + 0.1),
            process_s: loop_s + 0.2,
            unknowns: 1000,
            steps: 20,
            updates_per_s: Some(20_000.0 / loop_s),
            messages: 4,
            bytes: 640,
            peak_bytes: 1 << 20,
            foreign_cores: Some(0.01),
            stolen_cores: None,
            mhz: None,
            started_unix: 1.7e9,
            directory: "runs/0001".into(),
            switches: String::new(),
            message: String::new(),
        }
    }

    #[test]
    fn rows_come_back_as_they_were() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(RUNS);
        assert_eq!(read(&path).unwrap(), []);
        let mut bad = record((2, 1), Kind::Warmup, 0, 0.25);
        (bad.status, bad.exit_code, bad.loop_s) = (Status::TimedOut, None, None);
        bad.message = "error: \"a, b\"".into();
        let rows = vec![record((1, 1), Kind::Timed, 3, 0.5), bad];
        write(&path, &rows).unwrap();
        assert_eq!(read(&path).unwrap(), rows);
    }

    #[test]
    fn another_file_is_refused_with_the_way_out() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(RUNS);
        std::fs::write(&path, "a,b\n1,2\n").unwrap();
        let error = read(&path).unwrap_err();
        assert!(error.exit_code() == 3 && error.to_string().contains("--overwrite"), "{error}");
    }
}
