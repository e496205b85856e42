//! What making bodies asks of whoever reads their files. Readers stand above this module, so they come in as a trait.

use crate::error::Result;
use crate::nbody::groups::{Body, FileFormat};
use std::ops::Range;
use std::path::Path;

/// Opens files of bodies.
pub trait BodyFiles {
    /// Opens and checks a file. Not collective: every rank opens it.
    ///
    /// # Errors
    /// Exit code 2, naming file, place and fix; 3 if reading fails.
    fn open(&self, path: &Path, format: FileFormat) -> Result<Box<dyn BodyRows>>;
}

/// An open file of bodies.
pub trait BodyRows {
    /// Number of bodies.
    fn count(&self) -> u64;

    /// Whether it says ids. The rows are in their order then, and in the order of the file otherwise.
    fn has_ids(&self) -> bool;

    /// Hands over some of the rows, in order, with the id or the number of the row.
    ///
    /// # Errors
    /// As [`BodyFiles::open`].
    fn read(&self, rows: Range<u64>, take: &mut dyn FnMut(u64, Body)) -> Result<()>;
}
