//! A checkpoint that has been verified, open for reading by every rank at its own offsets.

use super::header::Header;
use super::layout::VERSION;
use super::verify::{self, Refusal, Structure};
use crate::comm::{Communicator, agree};
use crate::error::{Error, Result};
use crate::fault;
use crate::output::plain_file;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A usable checkpoint.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    file: File,
    structure: Structure,
}

impl Source {
    /// Opens a checkpoint and verifies all of it; the ranks share the data. Collective.
    ///
    /// # Errors
    /// The same on all ranks: exit code 5 if it is torn, with the reason; 2 if a newer program wrote it.
    pub fn open(comm: &dyn Communicator, path: &Path) -> Result<Source> {
        let explain = |refusal: Refusal| explain(path, &refusal);
        let opened = open(path).and_then(|file| verify::structure(&file).map(|structure| (file, structure)));
        let (file, structure) = agree(comm, opened.map_err(explain))?;
        let checked = structure.check_data(&file, comm.rank(), comm.size());
        agree(comm, checked.map_err(explain))?;
        Ok(Source { path: path.to_owned(), file, structure })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it says about itself.
    pub fn header(&self) -> &Header {
        &self.structure.header
    }

    /// Number and bytes of a section.
    ///
    /// # Errors
    /// Exit code 2 if there is none of this name, or `bytes` is given and another length is found.
    pub fn section(&self, name: &str, bytes: Option<u64>) -> Result<(usize, u64)> {
        let found = self.header().sections.iter().enumerate().find(|(_, section)| section.name == name);
        match found {
            Some((number, section)) if bytes.is_none_or(|bytes| bytes == section.bytes) => Ok((number, section.bytes)),
            Some((_, section)) => Err(self.misfit(&format!("its {name} has {} bytes", section.bytes))),
            None => Err(self.misfit(&format!("it holds no {name}"))),
        }
    }

    /// Reads from a section at an offset. Local.
    ///
    /// # Errors
    /// Exit code 3 if the file cannot be read any more.
    pub fn read(&self, section: usize, offset: u64, bytes: &mut [u8]) -> Result<()> {
        let at = self.structure.data_start + self.structure.starts[section] + offset;
        self.file.read_exact_at(bytes, at).map_err(|cause| Error::io("read", &self.path, cause))
    }

    /// All bytes of a section. Local.
    ///
    /// # Errors
    /// As [`Source::section`] and [`Source::read`].
    pub fn read_all(&self, name: &str) -> Result<Vec<u8>> {
        let (section, bytes) = self.section(name, None)?;
        let mut all = vec![0; bytes as usize];
        self.read(section, 0, &mut all)?;
        Ok(all)
    }

    /// A scalar of the model.
    ///
    /// # Errors
    /// Exit code 2 if it is not there.
    pub fn scalar(&self, name: &str) -> Result<u64> {
        let value = self.header().model.get(name).and_then(serde_json::Value::as_u64);
        value.ok_or_else(|| self.misfit(&format!("it holds no {name}")))
    }

    /// The error for a checkpoint that is whole but not of this model.
    pub fn misfit(&self, what: &str) -> Error {
        Error::Input(format!(
            "{} is a checkpoint of another model: {what}; start anew with --overwrite, or choose another --output",
            self.path.display()
        ))
    }
}

fn open(path: &Path) -> std::result::Result<File, Refusal> {
    let file = fault::failure().and_then(|()| plain_file::open(path, OpenOptions::new().read(true)));
    file.map_err(|cause| Refusal::torn(format!("it cannot be opened: {cause}")))
}

fn explain(path: &Path, refusal: &Refusal) -> Error {
    let name = path.display();
    match refusal {
        Refusal::Torn(reason) => Error::Checkpoint(format!("{name} cannot be used: {reason}")),
        Refusal::Newer(version) => Error::Input(format!(
            "{name} has format version {version}, this program reads versions up to {VERSION}: go on with the newer program, or \
             start anew with --overwrite"
        )),
    }
}
