//! `frames/frame_<step, 8 digits>.png`: surface density on a logarithmic scale during a run, and at its end the animation made of
//! these pictures.
//!
//! Window and colours are fixed by the first picture, where the deck leaves them open, so that pictures can be compared.

use super::density::Deposit;
use super::units::Units;
use super::view::View;
use crate::comm::{Communicator, agree};
use crate::error::Result;
use crate::nbody::problem::UnitSystem;
use crate::output::animation::Animation;
use crate::output::frames::{frame_name, write_picture};
use crate::output::picture::{Design, WindowText, with_unit};
use crate::output::snapshot::SeriesEntry;
use crate::particles::Particles;
use crate::run_config::DensityPlan;
use std::path::{Path, PathBuf};

/// Writes the pictures of a run.
pub struct DensityFrames {
    directory: PathBuf,
    plan: DensityPlan,
    title: String,
    units: Units,
    /// Chosen at the first picture.
    view: Option<View>,
    /// Made at the first picture, on rank 0.
    film: Option<Film>,
    last: Option<u64>,
    bytes: u64,
}

/// What all pictures share, and their animation.
struct Film {
    design: Design,
    range: [f64; 2],
    animation: Animation,
}

impl DensityFrames {
    /// A writer into `directory`.
    pub fn new(directory: &Path, title: &str, units: UnitSystem, plan: &DensityPlan) -> DensityFrames {
        DensityFrames {
            directory: directory.to_owned(),
            plan: plan.clone(),
            title: title.to_owned(),
            units: Units::of(units),
            view: None,
            film: None,
            last: None,
            bytes: 0,
        }
    }

    /// Writes the picture of this step, unless it has been written already; returns its path on rank 0. Collective.
    ///
    /// # Errors
    /// Exit code 3, the same on all ranks.
    pub fn write(
        &mut self,
        bodies: &Particles,
        entry: SeriesEntry,
        comm: &dyn Communicator,
    ) -> Result<Option<PathBuf>> {
        if self.last.replace(entry.step) == Some(entry.step) {
            return Ok(None);
        }
        let view = self.view(bodies, comm);
        let deposit = Deposit::of(view, &self.plan.bodies, bodies, comm);
        let drawn = match comm.rank() {
            0 => self.draw(&view, &deposit, entry).map(Some),
            _ => Ok(None),
        };
        agree(comm, drawn)
    }

    fn view(&mut self, bodies: &Particles, comm: &dyn Communicator) -> View {
        *self.view.get_or_insert_with(|| View::new(&self.plan, bodies, comm))
    }

    fn draw(&mut self, view: &View, deposit: &Deposit, entry: SeriesEntry) -> Result<PathBuf> {
        let picture = &deposit.logarithmic();
        let path = self.directory.join(frame_name(entry.step));
        let time = entry.time * self.units.shown_time.1;
        let fresh = || {
            let design = Design::of_window(view.ends(), view.pixels, &text(&self.title, &self.units, view));
            let range = self.plan.range.map_or_else(|| deposit.logarithmic_range(picture), |ends| ends.map(f64::log10));
            let animation = Animation::sharp(&design, range, self.plan.colormap);
            Film { design, range, animation }
        };
        let film = self.film.get_or_insert_with(fresh);
        self.bytes += write_picture(&path, &film.design, picture, time, film.range, self.plan.colormap)?;
        film.animation.push(picture, time);
        Ok(path)
    }

    /// Writes `animation.png` if there are at least two pictures. Returns its path on rank 0. Collective.
    ///
    /// # Errors
    /// Exit code 3, the same on all ranks.
    pub fn finish(&mut self, comm: &dyn Communicator) -> Result<Option<PathBuf>> {
        let path = self.directory.join("animation.png");
        let written = self.film.take().map_or(Ok(None), |film| film.animation.write(&path));
        let bytes = agree(comm, written)?;
        self.bytes += bytes.unwrap_or(0);
        Ok(bytes.map(|_| path))
    }

    /// Bytes that this rank has written; all are written by rank 0.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

fn text(title: &str, units: &Units, view: &View) -> WindowText {
    WindowText {
        names: view.axes.map(|axis| ["x", "y", "z"][axis]),
        length: units.length.to_owned(),
        time: units.shown_time.0.to_owned(),
        title: title.to_owned(),
        quantity: with_unit("surface density", &units.surface_density()),
    }
}
