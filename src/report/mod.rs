//! The report of a run: `report.json` for programs, a page of words for the terminal, from the same figures.

mod json;
mod summary;

pub use json::{failure, json};
pub use summary::summary;

use crate::comm::Communicator;
use crate::heat::HeatModel;
use crate::heat::diagnostics::Diagnostics;
use crate::host;
use crate::run_config::HeatRun;
use crate::runtime::RankSetup;
use crate::schedule::Clock;
use crate::timing::PHASES;

/// Balance of heat that still counts as closed, relative: rounding of the sums of a million steps is below it.
pub const BALANCE_TOLERANCE: f64 = 1e-12;

/// A figure that differs from rank to rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Over ranks.
    pub min: f64,
    /// Over ranks.
    pub mean: f64,
    /// Over ranks.
    pub max: f64,
}

/// Everything that a report says, on rank 0.
#[derive(Clone, Debug)]
pub struct Figures<'a> {
    /// The deck.
    pub config: &'a HeatRun,
    /// The job.
    pub setup: &'a RankSetup,
    /// Name of the CPU path.
    pub cpu_path: &'static str,
    /// Ranks along x, y, z.
    pub process_grid: [usize; 3],
    /// The time axis.
    pub clock: Clock,
    /// Stability limit in seconds.
    pub max_stable_dt: f64,
    /// Whether the kernel with constant coefficients ran.
    pub constant_coefficients: bool,
    /// The final state.
    pub last: Diagnostics,
    /// What the error against the exact solution may be.
    pub error_bound: Option<f64>,
    /// Of the final state.
    pub digest: String,
    /// Seconds from the start of the process to the report.
    pub wall_s: f64,
    /// Seconds from the start of the process to the first step.
    pub setup_s: f64,
    /// Seconds in steps, the slowest rank.
    pub loop_s: f64,
    /// Seconds of one copy of the state, the slowest rank.
    pub copy_s: f64,
    /// Seconds and bytes of all outputs.
    pub output: (f64, u64),
    /// Seconds of each phase, in the order of [`PHASES`].
    pub phases: Vec<Spread>,
    /// Peak resident bytes, messages and bytes sent, of each rank.
    pub ranks: Vec<RankFigures>,
}

/// What one rank has used and sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RankFigures {
    /// Peak resident bytes of its process.
    pub peak_bytes: u64,
    /// Halo messages sent.
    pub messages: u64,
    /// Bytes in them.
    pub bytes: u64,
}

impl Figures<'_> {
    /// Cell updates in the loop per second.
    pub fn updates_per_s(&self) -> f64 {
        let updates = self.config.problem.grid.cell_count() as f64 * self.clock.steps as f64;
        if self.loop_s > 0.0 { updates / self.loop_s } else { 0.0 }
    }

    /// Bytes that a cell update moves at least.
    pub fn bytes_per_update(&self) -> f64 {
        match (self.constant_coefficients, self.config.problem.grid.dimensions) {
            (true, _) => 16.0,
            (false, 2) => 40.0,
            (false, _) => 48.0,
        }
    }

    /// Bytes a second of the copy.
    pub fn copy_bandwidth(&self) -> f64 {
        16.0 * self.config.problem.grid.cell_count() as f64 / self.copy_s.max(1e-12)
    }

    /// Effective bytes a second of the loop.
    pub fn effective_bandwidth(&self) -> f64 {
        self.updates_per_s() * self.bytes_per_update()
    }
}

/// Phases and rank figures of all ranks, on rank 0. Collective.
pub fn gather(comm: &dyn Communicator, model: &HeatModel<'_>) -> (Vec<Spread>, Vec<RankFigures>) {
    let (messages, bytes) = model.traffic();
    let counts = [host::peak_resident_bytes(), messages, bytes];
    let seconds = model.timers.all().into_iter().flat_map(f64::to_le_bytes);
    let own: Vec<u8> = counts.into_iter().flat_map(u64::to_le_bytes).chain(seconds).collect();
    let all = comm.gather(0, &own);
    let word = |bytes: &[u8], n: usize| <[u8; 8]>::try_from(&bytes[8 * n..8 * n + 8]).expect("eight bytes");
    let count = |bytes: &[u8], n: usize| u64::from_le_bytes(word(bytes, n));
    let ranks = all.iter().map(|b| RankFigures { peak_bytes: count(b, 0), messages: count(b, 1), bytes: count(b, 2) });
    let phase = |p: usize| spread(all.iter().map(|b| f64::from_le_bytes(word(b, counts.len() + p))));
    ((0..PHASES.len()).map(phase).collect(), ranks.collect())
}

fn spread(values: impl Iterator<Item = f64> + Clone) -> Spread {
    let count = values.clone().count().max(1) as f64;
    Spread {
        min: values.clone().fold(f64::INFINITY, f64::min),
        mean: values.clone().sum::<f64>() / count,
        max: values.fold(0.0, f64::max),
    }
}

/// One line of the `validation` part.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What was compared.
    pub what: &'static str,
    /// With what.
    pub against: &'static str,
    /// Magnitude of the difference.
    pub error: f64,
    /// Largest magnitude that passes.
    pub tolerance: f64,
}

impl Verdict {
    /// Whether it passes.
    pub fn pass(&self) -> bool {
        self.error <= self.tolerance
    }

    /// `PASS` or `FAIL`.
    pub fn word(&self) -> &'static str {
        if self.pass() { "PASS" } else { "FAIL" }
    }
}

impl Figures<'_> {
    /// What this run has checked about itself.
    pub fn verdicts(&self) -> Vec<Verdict> {
        let mut verdicts = vec![Verdict {
            what: "heat balance",
            against: "heat at the start, through the faces and from the sources (relative)",
            error: self.last.balance.abs(),
            tolerance: BALANCE_TOLERANCE,
        }];
        if let (Some(error), Some(tolerance)) = (self.last.error, self.error_bound) {
            verdicts.push(Verdict {
                what: "temperature",
                against: "exact solution (largest difference)",
                error: error.max,
                tolerance,
            });
        }
        verdicts
    }
}
