//! All outputs of a run behind one observer of the time loop.

use super::diagnostics::DiagnosticsWriter;
use super::due::{Due, Intervals};
use super::live_slice::LiveSlice;
use super::memory::{Notes, open_log};
use super::progress::Progress;
use super::{FrameWriter, Snapshot, SnapshotWriter};
use crate::comm::Communicator;
use crate::error::Result;
use crate::heat::HeatModel;
use crate::heat::diagnostics::Diagnostics;
use crate::run_config::OutputPlan;
use crate::simulation::{Memory, Moment, Observer};
use crate::timing::Phase;
use std::path::Path;
use std::time::Instant;

/// What a run writes and shows while it goes on.
pub struct Outputs<'c> {
    comm: &'c dyn Communicator,
    plan: OutputPlan,
    log: DiagnosticsWriter,
    snapshots: SnapshotWriter,
    frames: FrameWriter,
    live: Option<LiveSlice>,
    progress: Progress,
    latest: Option<Diagnostics>,
    /// When the initial state had been offered.
    first_step: Option<Instant>,
}

impl<'c> Outputs<'c> {
    /// Opens the log in a run directory, and the live view if asked for. Collective.
    ///
    /// # Errors
    /// Exit code 3 if that fails.
    pub fn new(
        comm: &'c dyn Communicator,
        title: &str,
        plan: &OutputPlan,
        directory: &Path,
        progress: Progress,
        live: bool,
    ) -> Result<Outputs<'c>> {
        Outputs::after(comm, title, plan, directory, progress, live, None)
    }

    /// As [`Outputs::new`], going on after an earlier part of the run, whose [`Memory`] is given.
    ///
    /// # Errors
    /// Exit code 3 if that fails.
    pub fn after(
        comm: &'c dyn Communicator,
        title: &str,
        plan: &OutputPlan,
        directory: &Path,
        progress: Progress,
        live: bool,
        earlier: Option<&Memory>,
    ) -> Result<Outputs<'c>> {
        let notes = earlier.map(|memory| Notes::of(&memory.notes));
        let mut outputs = Outputs {
            comm,
            plan: plan.clone(),
            log: open_log(comm, directory, notes.as_ref())?,
            snapshots: SnapshotWriter::new(directory, &plan.snapshot_formats),
            frames: FrameWriter::new(directory, title, "", &plan.frames),
            live: live.then(|| LiveSlice::start(comm, title, &plan.frames)).flatten(),
            progress,
            latest: None,
            first_step: None,
        };
        if let (Some(notes), Some(memory)) = (notes, earlier) {
            outputs.snapshots.go_on(notes.series());
            // Pictures of another plan do not go together.
            if notes.frames == picture_plan(plan) {
                outputs.frames.go_on(memory.frames.clone());
            }
        }
        Ok(outputs)
    }

    /// Completes what is still open and returns the diagnostics of the final state. Collective.
    ///
    /// # Errors
    /// Exit code 3 if writing fails.
    pub fn finish(mut self) -> Result<Finished> {
        let start = Instant::now();
        self.log.finish(self.comm)?;
        self.frames.finish(self.comm)?;
        Ok(Finished {
            last: self.latest,
            bytes: self.snapshots.bytes() + self.frames.bytes(),
            seconds: start.elapsed().as_secs_f64(),
            first_step: self.first_step,
        })
    }

    fn measure(&mut self, moment: &mut Moment<'_, HeatModel<'_>>) -> Result<()> {
        let figures = moment.model.diagnostics(moment.step, moment.time)?;
        let start = Instant::now();
        self.log.row(self.comm, &figures.columns())?;
        moment.model.timers.add(Phase::Output, start.elapsed().as_secs_f64());
        self.latest = Some(figures);
        Ok(())
    }

    fn write(&mut self, moment: &mut Moment<'_, HeatModel<'_>>, due: Due) -> Result<()> {
        let start = Instant::now();
        let snapshot = snapshot(moment.model, self.comm, moment.step, moment.time);
        if due.snapshot {
            self.snapshots.write(&snapshot)?;
        }
        if due.frame {
            self.frames.write(&snapshot)?;
        }
        if let Some(live) = self.live.as_mut().filter(|_| due.live) {
            live.show(&snapshot);
        }
        moment.model.timers.add(Phase::Output, start.elapsed().as_secs_f64());
        Ok(())
    }

    fn due(&self, moment: &Moment<'_, HeatModel<'_>>) -> Due {
        let live = self.live.as_ref().is_some_and(|live| live.is_due(moment.step) || moment.last);
        let every = Intervals {
            diagnostics: self.plan.diagnostics_every,
            snapshots: self.plan.snapshot_every,
            frames: self.plan.frames_every,
        };
        Due::after(moment.step, moment.last, every, live)
    }
}

/// What a finished run leaves for its report.
pub struct Finished {
    /// Figures of the final state.
    pub last: Option<Diagnostics>,
    /// Bytes written by all ranks.
    pub bytes: u64,
    /// Seconds spent after the loop, in the animation.
    pub seconds: f64,
    /// When the loop began.
    pub first_step: Option<Instant>,
}

impl<'m> Observer<HeatModel<'m>> for Outputs<'_> {
    fn observe(&mut self, moment: &mut Moment<'_, HeatModel<'m>>) -> Result<()> {
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
        let notes = Notes::new(self.log.mark(self.comm)?, self.snapshots.series(), picture_plan(&self.plan));
        let draws = self.plan.frames_every != 0;
        Ok(Memory { notes: notes.json(), frames: if draws { self.frames.frames() } else { Vec::new() } })
    }
}

/// How pictures look, in words that differ where they do.
fn picture_plan(plan: &OutputPlan) -> String {
    format!("{:?}", plan.frames)
}

/// The state of a model as outputs take it.
pub fn snapshot<'a>(model: &'a HeatModel<'_>, comm: &'a dyn Communicator, step: u64, time: f64) -> Snapshot<'a> {
    Snapshot {
        grid: &model.problem().grid,
        decomposition: model.decomposition(),
        field: model.temperature(),
        comm,
        step,
        time,
    }
}
