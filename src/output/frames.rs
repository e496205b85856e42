//! `frames/frame_<step, 8 digits>.png`: pictures of a slice during a run, and at its end the animation made of them.
//!
//! The colours of a frame span the deck's range, or else the values of that frame, so that every single picture shows all that
//! it can. The animation uses one range throughout (see [`super::animation`]).

use super::animation::Animation;
use super::atomic::{self, Durability};
use super::picture::{self, Design};
use super::slice::{Slice, SlicePlan};
use super::snapshot::Snapshot;
use crate::comm::{Communicator, agree};
use crate::error::Result;
use crate::run_config::FramePlan;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Writes the frames of a run.
pub struct FrameWriter {
    directory: PathBuf,
    plan: FramePlan,
    title: String,
    unit: String,
    /// Made at the first frame, on rank 0.
    animation: Option<Animation>,
    /// Frames of an earlier part of the run, until the first one of this part.
    earlier: Vec<u8>,
    last: Option<u64>,
    seconds: f64,
    bytes: u64,
}

impl FrameWriter {
    /// A writer into `frames/` of a run directory. `unit` is that of the temperatures; `degrees` if empty.
    pub fn new(run_directory: &Path, title: &str, unit: &str, plan: &FramePlan) -> FrameWriter {
        FrameWriter {
            directory: run_directory.join("frames"),
            plan: plan.clone(),
            title: title.to_owned(),
            unit: unit.to_owned(),
            animation: None,
            earlier: Vec::new(),
            last: None,
            seconds: 0.0,
            bytes: 0,
        }
    }

    /// Writes the frame of this step, unless it has been written already. Collective.
    ///
    /// # Errors
    /// Exit code 3, or 4 if the slice has no finite value; the same on all ranks.
    pub fn write(&mut self, snapshot: &Snapshot) -> Result<()> {
        if self.last.replace(snapshot.step) == Some(snapshot.step) {
            return Ok(());
        }
        let begin = Instant::now();
        let FramePlan { axis, position, pixels, .. } = self.plan;
        let design = Design::new(snapshot.grid, axis, position, pixels, &self.title, &self.unit);
        let slice = SlicePlan::new(snapshot.grid, axis, position, design.plane).collect(snapshot);
        let drawn = slice.map_or(Ok(()), |slice| self.draw(design, slice, snapshot.step, snapshot.time));
        self.seconds += begin.elapsed().as_secs_f64();
        agree(snapshot.comm, drawn)
    }

    fn draw(&mut self, design: Design, slice: Slice, step: u64, time: f64) -> Result<()> {
        let range = picture::color_range(self.plan.range, std::iter::once(&slice))?;
        let path = self.directory.join(frame_name(step));
        self.bytes += write_picture(&path, &design, &slice, time, range, self.plan.colormap)?;
        let fresh = || {
            let mut animation = Animation::new(&design, self.plan.range, self.plan.colormap);
            animation.take_up(&self.earlier);
            animation
        };
        self.animation.get_or_insert_with(fresh).push(&slice, time);
        Ok(())
    }

    /// Goes on after the frames of an earlier part of the run with the same plan.
    pub fn go_on(&mut self, earlier: Vec<u8>) {
        self.earlier = earlier;
    }

    /// The frames so far, as [`FrameWriter::go_on`] takes them. They are on rank 0.
    pub fn frames(&self) -> Vec<u8> {
        self.animation.as_ref().map_or_else(|| self.earlier.clone(), Animation::to_bytes)
    }

    /// Writes `frames/animation.png` if there are at least two frames. Returns its path on rank 0. Collective.
    ///
    /// # Errors
    /// Exit code 3, the same on all ranks.
    pub fn finish(&mut self, comm: &dyn Communicator) -> Result<Option<PathBuf>> {
        let begin = Instant::now();
        let path = self.directory.join("animation.png");
        let written = self.animation.take().map_or(Ok(None), |animation| animation.write(&path));
        let bytes = agree(comm, written)?;
        self.bytes += bytes.unwrap_or(0);
        self.seconds += begin.elapsed().as_secs_f64();
        Ok(bytes.map(|_| path))
    }

    /// Seconds that this rank has spent here.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Bytes that this rank has written; all are written by rank 0.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// `frame_<step, 8 digits>.png`
pub fn frame_name(step: u64) -> String {
    format!("frame_{step:08}.png")
}

/// Draws a slice and writes it as PNG; returns the bytes. By one rank.
///
/// # Errors
/// Exit code 3.
pub fn write_picture(
    path: &Path,
    design: &Design,
    slice: &Slice,
    time: f64,
    range: [f64; 2],
    map: crate::run_config::Colormap,
) -> Result<u64> {
    let canvas = design.draw(slice, time, range);
    atomic::write_sized(path, 0, Durability::Quick, |writer| picture::write_png(&canvas, map, writer))
}
