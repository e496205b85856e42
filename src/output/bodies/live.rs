//! Surface density in the terminal while an N-body run goes on.

use super::density::Deposit;
use super::units::Units;
use super::view::View;
use crate::comm::Communicator;
use crate::output::live::{LiveView, fitted};
use crate::output::snapshot::SeriesEntry;
use crate::output::ticks;
use crate::particles::Particles;
use crate::run_config::DensityPlan;

/// Draws the deck's window while the run goes on.
pub struct LiveDensity {
    view: LiveView,
    plan: DensityPlan,
    units: Units,
    /// Chosen at the first picture.
    window: Option<View>,
    /// On rank 0: the ends of the colours, and the size of the picture that they were chosen for.
    range: Option<(usize, [f64; 2])>,
}

impl LiveDensity {
    /// A view of the deck's window; `None` everywhere if rank 0 has no terminal. Collective.
    pub fn start(comm: &dyn Communicator, title: &str, units: Units, plan: &DensityPlan) -> Option<LiveDensity> {
        let view = LiveView::start(comm, title, plan.colormap)?;
        Some(LiveDensity { view, plan: plan.clone(), units, window: None, range: None })
    }

    /// Whether a picture is due at this step; the same on all ranks without a message.
    pub fn is_due(&self, step: u64) -> bool {
        self.view.is_due(step)
    }

    /// Draws the state. Collective.
    pub fn show(&mut self, bodies: &Particles, entry: SeriesEntry, comm: &dyn Communicator) {
        let terminal = self.view.begin(entry.step, comm);
        let edge = fitted([1.0; 2], terminal).into_iter().min().unwrap_or(2);
        let window = *self.window.get_or_insert_with(|| View::new(&self.plan, bodies, comm));
        let window = View { pixels: edge.next_multiple_of(2), ..window };
        let deposit = Deposit::of(window, &self.plan.bodies, bodies, comm);
        if comm.rank() == 0 {
            self.draw(&deposit, entry, terminal[0]);
        }
    }

    fn draw(&mut self, deposit: &Deposit, entry: SeriesEntry, columns: usize) {
        let picture = deposit.logarithmic();
        let samples = picture.samples;
        let (_, range) = match (self.plan.range, self.range) {
            (Some(ends), _) => (samples[0], ends.map(f64::log10)),
            (None, Some(chosen)) if chosen.0 == samples[0] => chosen,
            (None, _) => *self.range.insert((samples[0], deposit.logarithmic_range(&picture))),
        };
        let [low, high] = range.map(|end| ticks::significant(10f64.powf(end)));
        let (unit, factor) = self.units.shown_time;
        let named = |text: String, unit: &str| format!("{text} {unit}").trim_end().to_owned();
        let time = named(ticks::significant(entry.time * factor), unit);
        let colours = named(format!("{low} .. {high}"), &self.units.surface_density());
        let state = format!("step {}  t = {time}  {colours}", entry.step);
        self.view.offer(&picture, samples, range, &state, columns);
    }
}
