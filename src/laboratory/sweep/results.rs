//! `results.csv`: one row for each member that has ended, in the order of members. It is there from the first result on, and is the memory of
//! a sweep that goes on.
//!
//! A row is appended when its member ends, and forced to the disk: a whole file for each of ten thousand members would be 20 GB of writing.
//! Rows then stand in the order in which they came, a later one of a member counts, and a last line without its end, as a kill may leave it, is
//! none. The whole file is written, in the order of members, under a temporary name and renamed, at the end of a session and where
//! a row has new columns: they are the varied keys, what every run has, and the diagnostics of the final state, which are known only
//! when members have ended, and may differ between them.

use super::outcome::{Outcome, Status};
use super::plan::{Plan, relative};
use crate::error::{Error, Result};
use crate::fault;
use crate::output::atomic::write_file;
use crate::output::diagnostics::number;
use crate::output::plain_file;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Error as IoError, Write};
use std::path::Path;

/// Name of the file.
pub const RESULTS: &str = "results.csv";
/// Most bytes of it that are read.
const LONGEST: u64 = 256 << 20;
/// Columns before the varied keys, between them and the diagnostics, and behind those.
const FIRST: [&str; 3] = ["member", "status", "exit_code"];
const MIDDLE: [&str; 9] = ["digest", "steps", "wall_s", "setup_s", "loop_s", "pool", "worker", "began_s", "ended_s"];
const LAST: [&str; 2] = ["directory", "message"];

/// How a member ended, and its figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its number, from 0.
    pub member: usize,
    /// How it ended.
    pub status: Status,
    /// Exit code; none if a signal ended it.
    pub exit_code: Option<i32>,
    /// Of its final state.
    pub digest: String,
    /// Steps that are done.
    pub steps: Option<u64>,
    /// Seconds of the run, of its start to the first step, and of its steps, as it says itself.
    pub seconds: [Option<f64>; 3],
    /// `processes`, `threads` or `mpi`; empty if it was found to be done.
    pub pool: String,
    /// Number of the worker, from 0.
    pub worker: Option<usize>,
    /// When it was handed out and when its result was there, in seconds since the start of the pool.
    pub span: Option<[f64; 2]>,
    /// Columns of its diagnostics.
    pub diagnostics: Vec<(String, String)>,
    /// Its error in one line.
    pub message: String,
}

impl Row {
    /// Of a member that has ended, and the report that it has left.
    pub fn new(member: usize, outcome: &Outcome, report: Option<&Value>) -> Row {
        let status = outcome.status();
        let null = Value::Null;
        let report = report.filter(|_| matches!(status, Status::Done | Status::Stopped)).unwrap_or(&null);
        let seconds = ["wall_s", "setup_s", "loop_s"].map(|key| report[key].as_f64());
        let columns = report["diagnostics"].as_object().into_iter().flatten();
        Row {
            member,
            status,
            exit_code: outcome.exit_code,
            digest: report["digest"].as_str().unwrap_or_default().to_owned(),
            steps: if status == Status::Stopped { report["step"].as_u64() } else { report["steps"].as_u64() },
            seconds,
            pool: String::new(),
            worker: None,
            span: None,
            diagnostics: columns.map(|(name, value)| (name.clone(), text(value))).collect(),
            message: outcome.message.clone(),
        }
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(figure) if figure.is_f64() => figure.as_f64().map(number).unwrap_or_default(),
        other => other.to_string(),
    }
}

/// All rows so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    rows: BTreeMap<usize, Row>,
    /// Names of diagnostics in the order in which they came.
    columns: Vec<String>,
}

impl Table {
    /// Adds a row, or replaces that of an earlier attempt.
    pub fn insert(&mut self, row: Row) {
        for (name, _) in &row.diagnostics {
            if !self.columns.contains(name) {
                self.columns.push(name.clone());
            }
        }
        self.rows.insert(row.member, row);
    }

    /// The rows in the order of members.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }

    /// The row of a member.
    pub fn row(&self, member: usize) -> Option<&Row> {
        self.rows.get(&member)
    }

    /// How many have this status.
    pub fn count(&self, status: Status) -> usize {
        self.rows().filter(|row| row.status == status).count()
    }

    /// Names of the columns that hold numbers to draw.
    pub fn drawable(&self) -> Vec<String> {
        MIDDLE[1..5].iter().map(|name| (*name).to_owned()).chain(self.columns.iter().cloned()).collect()
    }

    /// A value of a row, as it stands in the file.
    pub fn value(&self, row: &Row, column: &str) -> String {
        let seconds = |n: usize| row.seconds[n].map(number).unwrap_or_default();
        match column {
            "steps" => row.steps.map(|steps| steps.to_string()).unwrap_or_default(),
            "wall_s" => seconds(0),
            "setup_s" => seconds(1),
            "loop_s" => seconds(2),
            other => row.diagnostics.iter().find(|(name, _)| name == other).map(|(_, v)| v.clone()).unwrap_or_default(),
        }
    }

    /// Names of the columns.
    pub fn header(&self, plan: &Plan) -> Vec<String> {
        let fixed = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        [fixed(&FIRST), plan.keys.clone(), fixed(&MIDDLE), self.columns.clone(), fixed(&LAST)].concat()
    }

    fn record(&self, plan: &Plan, row: &Row) -> Vec<String> {
        let shown = |figure: Option<String>| figure.unwrap_or_default();
        let moment = |n: usize| shown(row.span.map(|span| number(span[n])));
        let first =
            [super::plan::name(row.member), row.status.name().to_owned(), shown(row.exit_code.map(|c| c.to_string()))];
        let mut record = first.to_vec();
        record.extend(plan.members[row.member].iter().cloned());
        record.push(row.digest.clone());
        record.extend(MIDDLE[1..5].iter().map(|column| self.value(row, column)));
        record.extend([row.pool.clone(), shown(row.worker.map(|worker| worker.to_string())), moment(0), moment(1)]);
        record.extend(self.columns.iter().map(|column| self.value(row, column)));
        record.extend([relative(row.member), row.message.clone()]);
        record
    }

    /// Writes all rows.
    ///
    /// # Errors
    /// Exit code 3.
    pub fn write(&self, path: &Path, plan: &Plan) -> Result<()> {
        write_file(path, |file| file.write_all(&self.text(plan)?)).map(|_| ())
    }

    fn text(&self, plan: &Plan) -> io::Result<Vec<u8>> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(self.header(plan)).map_err(IoError::other)?;
        self.rows().try_for_each(|row| csv.write_record(self.record(plan, row))).map_err(IoError::other)?;
        csv.into_inner().map_err(|cause| IoError::other(cause.to_string()))
    }

    /// Adds the row of a member to a file that has the columns of this table.
    ///
    /// # Errors
    /// Exit code 3.
    pub fn append(&self, path: &Path, plan: &Plan, row: &Row) -> Result<()> {
        let added = (|| {
            let mut csv = csv::Writer::from_writer(Vec::new());
            csv.write_record(self.record(plan, row)).map_err(IoError::other)?;
            let line = csv.into_inner().map_err(|cause| IoError::other(cause.to_string()))?;
            let mut file = plain_file::open(path, OpenOptions::new().append(true))?;
            file.write_all(&line)?;
            fault::failure()?;
            file.sync_data()
        })();
        added.map_err(|cause| Error::io("write", path, cause))
    }

    /// Writes all rows in order, unless they are there just so.
    ///
    /// # Errors
    /// Exit code 3.
    pub fn put_in_order(&self, path: &Path, plan: &Plan) -> Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let text = self.text(plan).map_err(|cause| Error::io("write", path, cause))?;
        if plain_file::read(path, LONGEST).is_ok_and(|found| found == text) { Ok(()) } else { self.write(path, plan) }
    }

    /// Reads the rows of a plan; none if there is no file.
    ///
    /// # Errors
    /// Exit code 3 if it cannot be read, or holds something else.
    pub fn read(path: &Path, plan: &Plan) -> Result<Table> {
        let mut table = Table::default();
        if std::fs::symlink_metadata(path).is_err() {
            return Ok(table);
        }
        let text = plain_file::read_text(path, LONGEST).map_err(|cause| Error::io("read", path, cause))?;
        let broken = |cause: String| Error::io("understand", path, format!("{cause}; remove it, or use --overwrite"));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header: Vec<String> =
            reader.headers().map_err(|cause| broken(cause.to_string()))?.iter().map(str::to_owned).collect();
        let mut records: Vec<_> = reader.records().collect();
        if !text.ends_with('\n') {
            // The end of the file is the middle of a row.
            records.pop();
        }
        for record in records {
            let record = record.map_err(|cause| broken(cause.to_string()))?;
            let row = parse(plan, &header, &record).ok_or_else(|| broken("a row is not of this sweep".to_owned()))?;
            table.insert(row);
        }
        Ok(table)
    }
}

/// A row that has been written before; none if it cannot be.
fn parse(plan: &Plan, header: &[String], record: &csv::StringRecord) -> Option<Row> {
    let get = |name: &str| header.iter().position(|column| column == name).and_then(|at| record.get(at));
    let figure = |name: &str| get(name).and_then(|text| text.parse::<f64>().ok());
    let member = get("member")?.parse::<usize>().ok()?.checked_sub(1).filter(|member| *member < plan.members.len())?;
    let own = plan.keys.iter().zip(&plan.members[member]).all(|(key, value)| get(key) == Some(value));
    let status = Status::ALL.into_iter().find(|status| Some(status.name()) == get("status")).filter(|_| own)?;
    let begin = header.iter().position(|column| column == MIDDLE[8])? + 1;
    let end = header.len().checked_sub(LAST.len())?;
    let named = (begin..end).filter_map(|at| Some((header[at].clone(), record.get(at)?.to_owned())));
    Some(Row {
        member,
        status,
        exit_code: get("exit_code")?.parse().ok(),
        digest: get("digest")?.to_owned(),
        steps: get("steps")?.parse().ok(),
        seconds: ["wall_s", "setup_s", "loop_s"].map(figure),
        pool: get("pool")?.to_owned(),
        worker: get("worker")?.parse().ok(),
        span: figure("began_s").zip(figure("ended_s")).map(|(begin, end)| [begin, end]),
        diagnostics: named.filter(|(_, value)| !value.is_empty()).collect(),
        message: get("message")?.to_owned(),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::plan::tests::plan;
    use super::*;

    /// A member that is done, with one diagnostic.
    pub fn done(member: usize, wall_s: f64, name: &str, value: f64) -> Row {
        let report = serde_json::json!({ "digest": "ab".repeat(32), "steps": 5, "wall_s": wall_s, "setup_s": 0.25 * wall_s,
            "loop_s": 0.5 * wall_s, "diagnostics": { name: value } });
        let outcome = Outcome { exit_code: Some(0), signal: None, message: String::new(), stopping: false };
        Row {
            pool: "threads".into(),
            worker: Some(1),
            span: Some([0.0, wall_s]),
            ..Row::new(member, &outcome, Some(&report))
        }
    }

    #[test]
    fn rows_come_back_as_they_were_and_later_ones_replace_earlier_ones() {
        let (plan, place) = (plan("a.b", &["1", "x, \"y\"", "3"]), tempfile::tempdir().unwrap());
        let path = place.path().join(RESULTS);
        assert_eq!(Table::read(&path, &plan).unwrap(), Table::default());
        let mut table = Table::default();
        let killed = Outcome { exit_code: None, signal: Some(9), message: "killed by SIGKILL".into(), stopping: false };
        table.insert(Row::new(1, &killed, None));
        table.insert(done(2, 0.125, "peak (K)", 1e-7));
        table.insert(done(0, 0.5, "sum, all (J)", 0.1));
        table.write(&path, &plan).unwrap();
        let read = Table::read(&path, &plan).unwrap();
        assert!(read.rows().eq(table.rows()), "{read:?}");
        assert_eq!((read.count(Status::Killed), read.rows().count()), (1, 3));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("member,status,exit_code,a.b,digest,steps,"), "{text}");
        table.insert(done(1, 1.0, "peak (K)", 2.0));
        assert_eq!(table.count(Status::Killed), 0);
    }

    #[test]
    fn rows_are_added_in_any_order_and_a_torn_one_is_none() {
        let (plan, place) = (plan("a", &["1", "2", "3"]), tempfile::tempdir().unwrap());
        let path = place.path().join(RESULTS);
        let mut table = Table::default();
        table.insert(done(2, 0.5, "peak (K)", 1.0));
        table.write(&path, &plan).unwrap();
        let stopped = Outcome { exit_code: Some(75), signal: None, message: String::new(), stopping: true };
        for row in [Row::new(0, &stopped, None), done(1, 0.25, "peak (K)", 2.0), done(0, 0.75, "peak (K)", 3.0)] {
            table.insert(row.clone());
            table.append(&path, &plan, &row).unwrap();
        }
        let added = std::fs::read_to_string(&path).unwrap();
        assert!(added.lines().count() == 5 && added.lines().nth(1).unwrap().starts_with("0003,"), "{added}");
        assert!(Table::read(&path, &plan).unwrap().rows().eq(table.rows()), "the later row of a member counts");
        let last = added.lines().next_back().unwrap().len() + 1;
        for lost in 1..=last {
            std::fs::write(&path, &added[..added.len() - lost]).unwrap();
            let read = Table::read(&path, &plan).unwrap();
            assert_eq!((read.rows().count(), read.row(0).unwrap().status), (3, Status::Stopped), "{lost} bytes lost");
        }
        table.put_in_order(&path, &plan).unwrap();
        let ordered = std::fs::read_to_string(&path).unwrap();
        let members: Vec<&str> = ordered.lines().skip(1).map(|line| &line[..4]).collect();
        assert_eq!(members, ["0001", "0002", "0003"], "{ordered}");
    }

    #[test]
    fn a_table_of_something_else_is_refused() {
        let (plan, place) = (plan("a", &["1"]), tempfile::tempdir().unwrap());
        let path = place.path().join(RESULTS);
        for text in
            ["a,b\n1,2\n", "member,status\n0001,done\n", "member,status,exit_code,a\n0007,done,0,1\n", "\"", "a\n1,2\n"]
        {
            std::fs::write(&path, text).unwrap();
            match Table::read(&path, &plan) {
                Ok(table) => assert_eq!(table, Table::default(), "{text}"),
                Err(error) => assert!(error.exit_code() == 3 && error.to_string().contains("--overwrite"), "{error}"),
            }
        }
    }
}
