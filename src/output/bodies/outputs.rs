//! All outputs of an N-body run behind one observer of the time loop.

use super::columns::columns;
use super::frames::DensityFrames;
use super::gadget;
use super::live::LiveDensity;
use super::snapshot::BodySnapshotWriter;
use super::units::Units;
use crate::comm::Communicator;
use crate::error::Result;
use crate::nbody::diagnostics::{BodyMeter, NBodyDiagnostics};
use crate::nbody::model::NBodyModel;
use crate::output::diagnostics::DiagnosticsWriter;
use crate::output::due::{Due, Intervals};
use crate::output::progress::Progress;
use crate::output::snapshot::SeriesEntry;
use crate::particles::Particles;
use crate::run_config::{NBodyOutputPlan, NBodyRun};
use crate::simulation::{Moment, Observer};
use crate::timing::Phase;
use std::path::Path;
use std::time::Instant;

/// A model of bodies, as outputs see it.
pub trait BodyState {
    /// The bodies of this rank, with the accelerations and potentials that belong to their positions.
    fn bodies(&mut self) -> &Particles;
    /// Seconds that this rank has spent on files and pictures.
    fn add_output_seconds(&mut self, seconds: f64);
    /// Seconds that this rank has spent on diagnostics.
    fn add_diagnostics_seconds(&mut self, seconds: f64);
}

impl BodyState for NBodyModel<'_> {
    fn bodies(&mut self) -> &Particles {
        NBodyModel::bodies(self)
    }

    fn add_output_seconds(&mut self, seconds: f64) {
        self.timers.add(Phase::Output, seconds);
    }

    fn add_diagnostics_seconds(&mut self, seconds: f64) {
        self.timers.add(Phase::Diagnostics, seconds);
    }
}

/// What a run writes and shows while it goes on.
pub struct NBodyOutputs<'c> {
    comm: &'c dyn Communicator,
    title: String,
    plan: NBodyOutputPlan,
    units: Units,
    meter: BodyMeter,
    log: DiagnosticsWriter,
    snapshots: BodySnapshotWriter,
    frames: DensityFrames,
    live: Option<LiveDensity>,
    progress: Progress,
    first: Option<NBodyDiagnostics>,
    latest: Option<NBodyDiagnostics>,
    /// When the initial state had been offered.
    first_step: Option<Instant>,
}

/// What a finished run leaves for its report.
pub struct NBodyFinished {
    /// Figures of the final state.
    pub last: Option<NBodyDiagnostics>,
    /// Figures of the initial state.
    pub first: Option<NBodyDiagnostics>,
    /// Bytes written by all ranks.
    pub bytes: u64,
    /// Seconds spent after the loop, in the animation.
    pub seconds: f64,
    /// When the loop began.
    pub first_step: Option<Instant>,
}

impl<'c> NBodyOutputs<'c> {
    /// Opens the log in a run directory. Collective.
    ///
    /// # Errors
    /// Exit code 2 if this build cannot write a format, before anything is written; 3 if the log cannot be made.
    pub fn new(
        comm: &'c dyn Communicator,
        run: &NBodyRun,
        directory: &Path,
        progress: Progress,
    ) -> Result<NBodyOutputs<'c>> {
        let (plan, units) = (run.output.clone(), run.problem.units);
        gadget::check_formats(&plan.snapshot_formats)?;
        Ok(NBodyOutputs {
            comm,
            title: run.title.clone(),
            units: Units::of(units),
            meter: BodyMeter::default(),
            log: DiagnosticsWriter::create(comm, directory)?,
            snapshots: BodySnapshotWriter::new(directory, &plan.snapshot_formats, units),
            frames: DensityFrames::new(&directory.join("frames"), &run.title, units, &plan.frames),
            plan,
            live: None,
            progress,
            first: None,
            latest: None,
            first_step: None,
        })
    }

    /// The same with pictures in the terminal of rank 0, if it has one. Collective.
    pub fn with_live_view(mut self) -> NBodyOutputs<'c> {
        self.live = LiveDensity::start(self.comm, &self.title, self.units, &self.plan.frames);
        self
    }

    /// Completes what is still open and returns the diagnostics of the first and the final state. Collective.
    ///
    /// # Errors
    /// Exit code 3 if writing fails.
    pub fn finish(mut self) -> Result<NBodyFinished> {
        let start = Instant::now();
        self.log.finish(self.comm)?;
        self.frames.finish(self.comm)?;
        Ok(NBodyFinished {
            last: self.latest,
            first: self.first,
            bytes: self.snapshots.bytes() + self.frames.bytes(),
            seconds: start.elapsed().as_secs_f64(),
            first_step: self.first_step,
        })
    }

    fn measure<M: BodyState>(&mut self, moment: &mut Moment<'_, M>) -> Result<()> {
        let start = Instant::now();
        let figures = self.meter.measure(moment.model.bodies(), moment.step, moment.time, self.comm)?;
        moment.model.add_diagnostics_seconds(start.elapsed().as_secs_f64());
        let start = Instant::now();
        let columns = columns(&figures, &self.units);
        let row: Vec<(&str, String)> = columns.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
        self.log.texts(self.comm, &row)?;
        moment.model.add_output_seconds(start.elapsed().as_secs_f64());
        self.first.get_or_insert_with(|| figures.clone());
        self.latest = Some(figures);
        Ok(())
    }

    fn write<M: BodyState>(&mut self, moment: &mut Moment<'_, M>, due: Due) -> Result<()> {
        let start = Instant::now();
        let entry = SeriesEntry { step: moment.step, time: moment.time };
        let bodies = moment.model.bodies();
        if due.snapshot {
            self.snapshots.write(bodies, entry, self.comm)?;
        }
        if due.frame {
            self.frames.write(bodies, entry, self.comm)?;
        }
        if let Some(live) = self.live.as_mut().filter(|_| due.live) {
            live.show(bodies, entry, self.comm);
        }
        moment.model.add_output_seconds(start.elapsed().as_secs_f64());
        Ok(())
    }

    fn due<M>(&self, moment: &Moment<'_, M>) -> Due {
        let live = self.live.as_ref().is_some_and(|live| live.is_due(moment.step) || moment.last);
        let every = Intervals {
            diagnostics: self.plan.diagnostics_every,
            snapshots: self.plan.snapshot_every,
            frames: self.plan.frames_every,
        };
        Due::after(moment.step, moment.last, every, live)
    }
}

impl<M: BodyState> Observer<M> for NBodyOutputs<'_> {
    fn observe(&mut self, moment: &mut Moment<'_, M>) -> Result<()> {
        let due = self.due(moment);
        if due.figures {
            self.measure(moment)?;
        }
        if due.shows() {
            self.write(moment, due)?;
        }
        self.progress.update(moment.step);
        if moment.step == 0 {
            self.first_step = Some(Instant::now());
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "outputs_tests.rs"]
mod tests;
