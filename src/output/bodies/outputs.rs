//! All outputs of an N-body run behind one observer of the time loop.

use super::columns::columns;
use super::frames::DensityFrames;
use super::gadget;
use super::live::LiveDensity;
use super::snapshot::BodySnapshotWriter;
use super::units::Units;
use crate::comm::Communicator;
use crate::error::Result;
use crate::nbody::diagnostics::{BodyMeter, NBodyDiagnostics, StartFigures};
use crate::nbody::model::NBodyModel;
use crate::output::diagnostics::DiagnosticsWriter;
use crate::output::due::{Due, Intervals};
use crate::output::memory::{Notes, bits, open_log};
use crate::output::progress::Progress;
use crate::output::snapshot::SeriesEntry;
use crate::particles::Particles;
use crate::run_config::{NBodyOutputPlan, NBodyRun};
use crate::simulation::{Memory, Moment, Observer};
use crate::timing::Phase;
use serde_json::json;
use std::path::Path;
use std::time::Instant;

/// Names of notes in a checkpoint.
const ENERGIES: &str = "energies";
const START: &str = "start";
const VIEW: &str = "view";
const RANGE: &str = "range";

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
    first: Option<StartFigures>,
    latest: Option<NBodyDiagnostics>,
    /// When the initial state had been offered.
    first_step: Option<Instant>,
}

/// What a finished run leaves for its report.
pub struct NBodyFinished {
    /// Figures of the final state.
    pub last: Option<NBodyDiagnostics>,
    /// Figures of the initial state.
    pub first: Option<StartFigures>,
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
        NBodyOutputs::after(comm, run, directory, progress, None)
    }

    /// As [`NBodyOutputs::new`], going on after an earlier part of the run, whose [`Memory`] is given.
    ///
    /// # Errors
    /// As there.
    pub fn after(
        comm: &'c dyn Communicator,
        run: &NBodyRun,
        directory: &Path,
        progress: Progress,
        earlier: Option<&Memory>,
    ) -> Result<NBodyOutputs<'c>> {
        let (plan, units) = (run.output.clone(), run.problem.units);
        gadget::check_formats(&plan.snapshot_formats)?;
        let notes = earlier.map(|memory| Notes::of(&memory.notes));
        let mut outputs = NBodyOutputs {
            comm,
            title: run.title.clone(),
            units: Units::of(units),
            meter: BodyMeter::default(),
            log: open_log(comm, directory, notes.as_ref())?,
            snapshots: BodySnapshotWriter::new(directory, &plan.snapshot_formats, units),
            frames: DensityFrames::new(&directory.join("frames"), &run.title, units, &plan.frames),
            plan,
            live: None,
            progress,
            first: None,
            latest: None,
            first_step: None,
        };
        if let (Some(notes), Some(memory)) = (notes, earlier) {
            outputs.take_up(&notes, memory);
        }
        Ok(outputs)
    }

    fn take_up(&mut self, notes: &Notes, memory: &Memory) {
        self.meter = BodyMeter::since(notes.floats(ENERGIES).try_into().ok());
        self.first = StartFigures::of(&notes.floats(START));
        self.snapshots.go_on(notes.series());
        // Pictures of another plan do not go together.
        if notes.frames == self.picture_plan() {
            self.frames.go_on(&notes.floats(VIEW), &notes.floats(RANGE), memory.frames.clone());
        }
    }

    /// How pictures look, in words that differ where they do.
    fn picture_plan(&self) -> String {
        format!("{:?}", self.plan.frames)
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
        self.first.get_or_insert_with(|| StartFigures::from(&figures));
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
        self.first_step.get_or_insert_with(Instant::now);
        Ok(())
    }

    fn memory(&mut self) -> Result<Memory> {
        let mut notes = Notes::new(self.log.mark(self.comm)?, self.snapshots.series(), self.picture_plan());
        let energies = self.meter.initial().map(Vec::from).unwrap_or_default();
        let start = self.first.map(StartFigures::numbers).map(Vec::from).unwrap_or_default();
        let (view, range) = self.frames.fixed();
        notes.more = json!({ ENERGIES: bits(&energies), START: bits(&start), VIEW: bits(&view), RANGE: bits(&range) });
        let draws = self.plan.frames_every != 0;
        Ok(Memory { notes: notes.json(), frames: if draws { self.frames.frames() } else { Vec::new() } })
    }
}

#[cfg(test)]
#[path = "outputs_tests.rs"]
mod tests;
