//! `parhelion machine`: what this machine can do, as a page and as JSON.

use crate::cli::laboratory::MachineArgs;
use crate::comm::{Communicator, agree};
use crate::console;
use crate::error::{Error, Result};
use crate::laboratory::machine::{self, Machine, disk, page};
use crate::output::plain_file;
use crate::runtime::RankSetup;
use std::path::Path;

/// Measures, prints, and writes the file that is asked for. Collective.
///
/// # Errors
/// Exit code 3 if the file cannot be written.
pub fn machine(comm: &dyn Communicator, setup: &RankSetup, arguments: &MachineArgs) -> Result<u8> {
    let directory = arguments.output.as_deref().map_or(Path::new("."), parent);
    let asked = arguments.output.as_deref().filter(|_| comm.rank() == 0);
    agree(comm, asked.map_or(Ok(()), |file| can_write(file, directory)))?;
    let measured = machine::measure(comm, &setup.placements, directory);
    let shown = if comm.rank() == 0 { publish(setup, arguments, &measured) } else { Ok(()) };
    agree(comm, shown)?;
    Ok(0)
}

fn publish(setup: &RankSetup, arguments: &MachineArgs, measured: &Machine) -> Result<()> {
    for warning in &setup.warnings {
        console::message(&format!("warning: {warning}"));
    }
    if let Some(path) = &arguments.output {
        measured.write(path)?;
    }
    let text = if arguments.json { measured.json() } else { page::page(measured) };
    console::print(text.trim_end());
    Ok(())
}

/// The directory of a file.
fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Passes if the file may be written, before anything is measured.
fn can_write(file: &Path, directory: &Path) -> Result<()> {
    plain_file::refuse_others(file).map_err(|cause| Error::io("write", file, cause))?;
    disk::can_write(directory, file)
}
