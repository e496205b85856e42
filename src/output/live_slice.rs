//! The slice of a heat run in the terminal.

use super::live::{LiveView, fitted};
use super::slice::{SlicePlan, picture_axes};
use super::snapshot::Snapshot;
use super::ticks;
use crate::comm::Communicator;
use crate::run_config::FramePlan;

/// Draws the deck's slice while the run goes on.
pub struct LiveSlice {
    view: LiveView,
    plan: FramePlan,
}

impl LiveSlice {
    /// A view of the deck's slice; `None` everywhere if rank 0 has no terminal. Collective.
    pub fn start(comm: &dyn Communicator, title: &str, plan: &FramePlan) -> Option<LiveSlice> {
        let view = LiveView::start(comm, title, plan.colormap)?;
        Some(LiveSlice { view, plan: plan.clone() })
    }

    /// Whether a picture is due at this step; the same on all ranks without a message.
    pub fn is_due(&self, step: u64) -> bool {
        self.view.is_due(step)
    }

    /// Draws the state. Collective.
    pub fn show(&mut self, snapshot: &Snapshot) {
        let terminal = self.view.begin(snapshot.step, snapshot.comm);
        let axes = picture_axes(self.plan.axis);
        let samples = fitted(axes.map(|axis| snapshot.grid.length(axis)), terminal);
        let plan = SlicePlan::new(snapshot.grid, self.plan.axis, self.plan.position, samples);
        let Some(slice) = plan.collect(snapshot) else { return };
        let range = self.plan.range.or(slice.range()).unwrap_or([0.0, 1.0]);
        let [low, high] = range.map(ticks::significant);
        let time = ticks::time_text(snapshot.time);
        let state = format!("step {}  t = {time}  {low} .. {high}", snapshot.step);
        self.view.offer(&slice, samples, range, &state, terminal[0]);
    }
}
