//! Checkpoints: the whole state of a run in one file, from which any number of ranks, threads or domains goes on with the same bits.
//!
//! `checkpoints/<step, 8 digits>.checkpoint` holds all values in *global* order (cells in C order, bodies in the order of ids), so
//! nothing in it tells how many ranks wrote it. All numbers are little-endian.
//!
//! ```text
//! prefix   64 bytes   magic | version | byte order | bytes of header | bytes of data | BLAKE3 of these
//! header   JSON       step, time, deck, sections, scalars of the model, what outputs remember; floats as their bits
//! data                the sections, one after the other
//! table    40 a chunk length | BLAKE3 of a run of the data; the chunks tile it
//! footer   56 bytes   number of chunks | length of the file | BLAKE3 of prefix, header, table and these two | magic
//! ```
//! Every byte lies under a hash or is compared, so a flipped bit, a lost page or a cut file is always seen. The prefix can be judged
//! alone and stays as it is in later versions: a newer file is told from a damaged one.
//!
//! | module | is |
//! |---|---|
//! | [`layout`] | prefix, table and footer as bytes |
//! | [`header`] | the header |
//! | [`verify`] | what a file must be before anything is read from it |
//! | [`writer`], [`reader`] | the same over ranks |
//! | [`shelf`] | the directory: names, the newest usable one, removal |
//! | [`same_run`] | whether a checkpoint is of the run that a deck asks for |
//! | [`interval`] | when the next one is due: Young and Daly |
//! | [`keeper`] | all of it in the time loop |
//! | [`heat`], [`nbody`] | what the models put in |
//!
//! # Refused
//! HDF5 for it: not in the default build, and a torn file cannot be told from a whole one. A file per rank: another shape could not read
//! it. A hash of the file as a whole: one rank would have to read it. Hashes of what is read back after writing: they would bless
//! what was damaged on its way to the disk.

pub mod header;
pub mod heat;
pub mod interval;
pub mod keeper;
pub mod layout;
pub mod nbody;
pub mod reader;
pub mod same_run;
pub mod shelf;
pub mod verify;
pub mod writer;

use crate::error::Result;

/// Bytes of a section on their way out: number of the section, offset in it, bytes.
pub type Visit<'a> = dyn FnMut(usize, u64, &[u8]) + 'a;

/// A state that a checkpoint can hold.
pub trait Checkpointed {
    /// Scalars of the state that are no section, as JSON; floats as their bits. Equal on all ranks.
    fn scalars(&self) -> serde_json::Value;
    /// Names and bytes of the sections, equal on all ranks.
    fn sections(&self) -> Vec<header::Section>;
    /// Hands out the bytes of all sections in runs of the global order, every byte once over all ranks. Collective.
    fn export(&self, visit: &mut Visit<'_>);
    /// That all values are finite. Collective.
    ///
    /// # Errors
    /// Exit code 4, the same on all ranks.
    fn check_finite(&mut self, step: u64, time: f64) -> Result<()>;
    /// Seconds that this rank has spent on checkpoints.
    fn add_checkpoint_seconds(&mut self, seconds: f64);
}
