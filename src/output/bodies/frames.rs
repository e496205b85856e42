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
    /// Frames of an earlier part of the run and the range of their colours, until the first one of this part.
    earlier: (Vec<u8>, Option<[f64; 2]>),
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
            earlier: (Vec::new(), None),
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
            let range = self.plan.range.map(|ends| ends.map(f64::log10)).or(self.earlier.1);
            let range = range.unwrap_or_else(|| deposit.logarithmic_range(picture));
            let mut animation = Animation::sharp(&design, range, self.plan.colormap);
            animation.take_up(&self.earlier.0);
            Film { design, range, animation }
        };
        let film = self.film.get_or_insert_with(fresh);
        self.bytes += write_picture(&path, &film.design, picture, time, film.range, self.plan.colormap)?;
        film.animation.push(picture, time);
        Ok(path)
    }

    /// Goes on after an earlier part of the run with the same plan: what [`DensityFrames::fixed`] and [`DensityFrames::frames`] gave.
    pub fn go_on(&mut self, view: &[f64], range: &[f64], frames: Vec<u8>) {
        if let &[right, up, half_width] = view {
            let (axes, pixels) = (View::axes_of(&self.plan), View::pixels_of(&self.plan));
            self.view = Some(View { axes, centre: [right, up], half_width, pixels });
        }
        self.earlier = (frames, range.try_into().ok());
    }

    /// Window and range of colours as the first picture has fixed them; empty before. The range is on rank 0.
    pub fn fixed(&self) -> (Vec<f64>, Vec<f64>) {
        let view = self.view.map_or(Vec::new(), |view| vec![view.centre[0], view.centre[1], view.half_width]);
        let range = self.film.as_ref().map(|film| film.range).or(self.earlier.1);
        (view, range.map_or(Vec::new(), Vec::from))
    }

    /// The frames so far. They are on rank 0.
    pub fn frames(&self) -> Vec<u8> {
        self.film.as_ref().map_or_else(|| self.earlier.0.clone(), |film| film.animation.to_bytes())
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
