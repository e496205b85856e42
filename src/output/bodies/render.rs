//! `parhelion render RUN_DIR` for an N-body run: pictures and an animation from the arrays of its snapshots.

use super::frames::DensityFrames;
use crate::bytes;
use crate::comm::solo::Solo;
use crate::error::{Error, Result};
use crate::input::npy;
use crate::nbody::problem::UnitSystem;
use crate::output::render::list_steps;
use crate::output::snapshot::SeriesEntry;
use crate::particles::Particles;
use crate::run_config::DensityPlan;
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes read at a time.
const PIECE: usize = 3 << 20;

/// What to draw, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct BodyRender {
    /// Title of the pictures.
    pub title: String,
    /// Units of the run.
    pub units: UnitSystem,
    /// How pictures look.
    pub plan: DensityPlan,
    /// Directory for the pictures; `frames/` of the run if absent.
    pub output: Option<PathBuf>,
}

/// Whether a directory is that of an N-body run, as far as its snapshots tell.
pub fn has_bodies(directory: &Path) -> bool {
    let snapshots = directory.join("snapshots");
    let holds = |step: u64, name: &str| snapshots.join(format!("{step:08}")).join(name).exists();
    list_steps(&snapshots).iter().any(|entry| ["masses.npy", "bodies.pvtp"].iter().any(|name| holds(entry.step, name)))
}

/// Draws one picture per snapshot, and the animation if there are several. Returns the files written. By one rank.
///
/// # Errors
/// Exit code 2 if the directory holds no snapshots of `.npy` arrays, or damaged ones; 3 if writing failed.
pub fn render(directory: &Path, options: &BodyRender) -> Result<Vec<PathBuf>> {
    let snapshots = directory.join("snapshots");
    let steps = list_steps(&snapshots);
    if steps.is_empty() {
        return Err(Error::Input(format!(
            "{} has no snapshots to render: run with output.snapshot_formats = [\"npy\"]",
            directory.display()
        )));
    }
    let output = options.output.clone().unwrap_or_else(|| directory.join("frames"));
    fs::create_dir_all(&output).map_err(|cause| Error::io("create", &output, cause))?;
    let mut frames = DensityFrames::new(&output, &options.title, options.units, &options.plan);
    let mut files = Vec::new();
    for SeriesEntry { step, time } in steps {
        let bodies = read(&snapshots.join(format!("{step:08}")))?;
        files.extend(frames.write(&bodies, SeriesEntry { step, time }, &Solo)?);
    }
    files.extend(frames.finish(&Solo)?);
    Ok(files)
}

/// Places and masses of a snapshot.
fn read(directory: &Path) -> Result<Particles> {
    let mass = directory.join("masses.npy");
    if !mass.exists() {
        return Err(Error::Input(format!(
            "{} holds no masses.npy: run with output.snapshot_formats = [\"npy\"]",
            directory.display()
        )));
    }
    let mut bodies = Particles::default();
    read_values(&mass, &[], &mut |mass| {
        let index = bodies.len() as u64;
        bodies.push(index, index, mass, [0.0; 3], [0.0; 3]);
    })?;
    let (mut at, count) = (0, bodies.len());
    read_values(&directory.join("positions.npy"), &[count, 3], &mut |x| {
        bodies.position[at % 3][at / 3] = x;
        at += 1;
    })?;
    Ok(bodies)
}

/// Visits the values of an array of 64-bit numbers. An empty shape stands for any list.
fn read_values(path: &Path, shape: &[usize], visit: &mut dyn FnMut(f64)) -> Result<()> {
    let cannot = |cause: std::io::Error| Error::io("read", path, cause);
    let claimed = npy::shape_of(path)?;
    if shape.is_empty() && claimed.len() != 1 {
        return Err(Error::Input(format!("{}: shape {claimed:?} but expected one mass a body", path.display())));
    }
    let shape = if shape.is_empty() { &claimed } else { shape };
    let (mut file, description) = npy::open(path, &[("<f8", bytes::F64)], shape)?;
    file.seek(SeekFrom::Start(description.data)).map_err(cannot)?;
    let mut left = shape.iter().product::<usize>() * bytes::F64;
    let mut piece = vec![0; PIECE.min(left)];
    while left > 0 {
        let part = &mut piece[..PIECE.min(left)];
        file.read_exact(part).map_err(cannot)?;
        bytes::decode(part).for_each(&mut *visit);
        left -= part.len();
    }
    Ok(())
}
