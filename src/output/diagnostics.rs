//! `diagnostics.csv`: one row per interval, with named columns and units.
//!
//! This file is a log: it grows under its final name, each row by one write of a whole line, so that a killed run keeps its rows
//! and `tail -f` shows them. It is the one exception to the rule of [`super::atomic`]. Numbers are the shortest decimals that
//! read back to the same bits.
//!
//! Rank 0 writes; an error becomes everybody's at the next [`DiagnosticsWriter::row`].

use super::{atomic, plain_file};
use crate::comm::{Communicator, agree};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Writes the rows of a run.
pub struct DiagnosticsWriter {
    path: PathBuf,
    /// On rank 0 only.
    file: Option<File>,
    columns: Vec<String>,
    /// Bytes so far.
    bytes: u64,
}

/// How far the log was at a checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LogMark {
    /// Its bytes.
    pub bytes: u64,
    /// Names of its columns; none if it had no rows.
    pub columns: Vec<String>,
}

impl DiagnosticsWriter {
    /// Creates an empty `diagnostics.csv` in a run directory. Collective.
    ///
    /// # Errors
    /// Exit code 3, the same on all ranks.
    pub fn create(comm: &dyn Communicator, run_directory: &Path) -> Result<DiagnosticsWriter> {
        let path = run_directory.join("diagnostics.csv");
        let file = if comm.rank() == 0 { emptied(&path).map(Some) } else { Ok(None) };
        let file = agree(comm, file.map_err(|cause| Error::io("create", &path, cause)))?;
        Ok(DiagnosticsWriter { path, file, columns: Vec::new(), bytes: 0 })
    }

    /// Goes on in the `diagnostics.csv` of an earlier part of the run: rows after the mark are cut off, for they will be written
    /// again. Collective.
    ///
    /// # Errors
    /// Exit code 3 if the log is shorter than the mark or cannot be written, the same on all ranks.
    pub fn go_on(comm: &dyn Communicator, run_directory: &Path, mark: &LogMark) -> Result<DiagnosticsWriter> {
        let path = run_directory.join("diagnostics.csv");
        let file = if comm.rank() == 0 { cut(&path, mark.bytes).map(Some) } else { Ok(None) };
        let file = agree(comm, file)?;
        Ok(DiagnosticsWriter { path, file, columns: mark.columns.clone(), bytes: mark.bytes })
    }

    /// How far it is; its rows are on the disk when this returns. Collective.
    ///
    /// # Errors
    /// As [`DiagnosticsWriter::finish`].
    pub fn mark(&mut self, comm: &dyn Communicator) -> Result<LogMark> {
        self.finish(comm)?;
        Ok(LogMark { bytes: self.bytes, columns: self.columns.clone() })
    }

    /// Appends a row of `(name with unit, value)`. The first row decides on the columns. Collective.
    ///
    /// # Errors
    /// Exit code 3 if it cannot be written; a defect if the columns differ from those of the first row. The same on all ranks.
    pub fn row(&mut self, comm: &dyn Communicator, row: &[(&str, f64)]) -> Result<()> {
        let fields: Vec<(&str, String)> = row.iter().map(|(name, value)| (*name, number(*value))).collect();
        self.texts(comm, &fields)
    }

    /// As [`DiagnosticsWriter::row`], for values that are not all floating-point numbers.
    ///
    /// # Errors
    /// As there.
    pub fn texts(&mut self, comm: &dyn Communicator, row: &[(&str, String)]) -> Result<()> {
        let outcome = if self.file.is_some() { self.append(row) } else { Ok(()) };
        agree(comm, outcome)
    }

    /// Forces the rows to the disk, at the end of a run. Collective.
    ///
    /// # Errors
    /// Exit code 3, the same on all ranks.
    pub fn finish(&mut self, comm: &dyn Communicator) -> Result<()> {
        let synced = self.file.as_ref().map_or(Ok(()), File::sync_all);
        agree(comm, synced.map_err(|cause| Error::io("write", &self.path, cause)))
    }

    fn append(&mut self, row: &[(&str, String)]) -> Result<()> {
        let mut lines = Vec::new();
        if self.columns.is_empty() {
            self.columns = row.iter().map(|(name, _)| (*name).to_owned()).collect();
            push_line(&mut lines, self.columns.iter());
        } else if !row.iter().map(|(name, _)| *name).eq(self.columns.iter().map(String::as_str)) {
            return Err(Error::Defect(format!("the columns of {} changed during the run", self.path.display())));
        }
        push_line(&mut lines, row.iter().map(|(_, value)| value));
        let Some(file) = self.file.as_mut() else { return Ok(()) };
        self.bytes += lines.len() as u64;
        file.write_all(&lines).map_err(|cause| atomic::failure(&self.path, lines.len() as u64, &cause))
    }
}

fn emptied(path: &Path) -> io::Result<File> {
    let file = plain_file::open(path, OpenOptions::new().write(true).create(true).truncate(false))?;
    file.set_len(0).map(|()| file)
}

/// Opens a log and cuts it to this length.
fn cut(path: &Path, bytes: u64) -> Result<File> {
    let mut file =
        plain_file::open(path, OpenOptions::new().write(true)).map_err(|cause| Error::io("go on with", path, cause))?;
    let there = file.metadata().map_err(|cause| Error::io("read", path, cause))?.len();
    if there < bytes {
        return Err(Error::Io(format!(
            "cannot go on with {}: it has {there} bytes, but had {bytes} at the checkpoint; put it back, or start anew with --overwrite",
            path.display()
        )));
    }
    let positioned = file.set_len(bytes).and_then(|()| file.seek(SeekFrom::End(0)));
    positioned.map(|_| file).map_err(|cause| Error::io("write", path, cause))
}

fn push_line(lines: &mut Vec<u8>, fields: impl Iterator<Item = impl AsRef<[u8]>>) {
    let mut writer = csv::Writer::from_writer(lines);
    writer.write_record(fields).and_then(|()| Ok(writer.flush()?)).expect("memory takes every record");
}

/// The shortest decimal that reads back to the same bits: `100`, `0.1`, `1e-7`.
pub fn number(value: f64) -> String {
    let text = format!("{value:?}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::{solo::Solo, threads};

    #[test]
    fn rows_are_there_at_once_and_read_back_exactly() {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = DiagnosticsWriter::create(&Solo, directory.path()).unwrap();
        let values = [0.1 + 0.2, 1e-300, -1.7976931348623157e308, f64::NAN];
        for (step, value) in values.iter().enumerate() {
            writer.row(&Solo, &[("step", step as f64), ("total heat (J), relative", *value)]).unwrap();
        }
        let mut reader = csv::Reader::from_path(directory.path().join("diagnostics.csv")).unwrap();
        assert_eq!(reader.headers().unwrap(), vec!["step", "total heat (J), relative"]);
        for (step, row) in reader.records().map(|row| row.unwrap()).enumerate() {
            assert_eq!(&row[0], step.to_string());
            assert_eq!(row[1].parse::<f64>().unwrap().to_bits(), values[step].to_bits());
        }
    }

    #[test]
    fn rows_after_a_mark_are_written_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("diagnostics.csv");
        let mut writer = DiagnosticsWriter::create(&Solo, directory.path()).unwrap();
        writer.row(&Solo, &[("step", 0.0)]).unwrap();
        let mark = writer.mark(&Solo).unwrap();
        (1..4).for_each(|step| writer.row(&Solo, &[("step", f64::from(step))]).unwrap());
        let mut writer = DiagnosticsWriter::go_on(&Solo, directory.path(), &mark).unwrap();
        writer.row(&Solo, &[("step", 1.0)]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "step\n0\n1\n");
        std::fs::write(&path, "st").unwrap();
        assert_eq!(DiagnosticsWriter::go_on(&Solo, directory.path(), &mark).err().unwrap().exit_code(), 3);
    }

    #[test]
    fn changed_columns_are_a_defect_on_every_rank() {
        let directory = tempfile::tempdir().unwrap();
        let codes = threads::run(2, |comm: &dyn Communicator| {
            let mut writer = DiagnosticsWriter::create(comm, directory.path()).unwrap();
            writer.row(comm, &[("a", 1.0)]).unwrap();
            let error = writer.row(comm, &[("b", 1.0)]).unwrap_err();
            writer.finish(comm).unwrap();
            error.exit_code()
        });
        assert_eq!(codes, [1, 1]);
    }
}
