//! Where the time goes: seconds per phase of a run on this rank, and when, if that is recorded ([`trace`]).

pub mod trace;

use std::time::{Duration, Instant};
use trace::Kind;

/// What a rank can be busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Reading, building coefficients, filling the initial state.
    Setup,
    /// Cells that need no halo, and whole sweeps between two exchanges.
    Interior,
    /// Packing, unpacking and waiting for halos.
    Halo,
    /// Cells next to neighbours.
    Rim,
    /// Kicks and drifts of bodies, and whatever else a time integrator does without forces.
    Integration,
    /// Sorting and moving bodies, and building the tree.
    Build,
    /// Multipole moments.
    Upward,
    /// Waiting for cells and bodies of other ranks.
    Exchange,
    /// Cell interactions.
    Far,
    /// Pairs of bodies.
    Near,
    /// Sums and extrema.
    Diagnostics,
    /// Snapshots, pictures and the log.
    Output,
    /// Checkpoints.
    Checkpoint,
    /// The digest of the final state.
    Digest,
}

/// How many phases there are.
const PHASES: usize = Phase::Digest as usize + 1;

impl Phase {
    /// Name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Setup => "setup",
            Phase::Interior => "interior",
            Phase::Halo => "halo",
            Phase::Rim => "rim",
            Phase::Integration => "integration",
            Phase::Build => "build",
            Phase::Upward => "upward",
            Phase::Exchange => "exchange",
            Phase::Far => "far",
            Phase::Near => "near",
            Phase::Diagnostics => "diagnostics",
            Phase::Output => "output",
            Phase::Checkpoint => "checkpoint",
            Phase::Digest => "digest",
        }
    }
}

/// Seconds per phase. Reduced over ranks only by the report.
#[derive(Clone, Debug, Default)]
pub struct Timers {
    seconds: [f64; PHASES],
}

impl Timers {
    /// Runs `work` and adds its time to a phase.
    pub fn time<T>(&mut self, phase: Phase, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.add(phase, start.elapsed().as_secs_f64());
        result
    }

    /// Adds seconds to a phase that has just ended, in one piece.
    pub fn add(&mut self, phase: Phase, seconds: f64) {
        self.count(phase, seconds);
        if trace::is_on() {
            let end = Instant::now();
            let begin = end.checked_sub(Duration::from_secs_f64(seconds)).unwrap_or(end);
            trace::record(Kind::Phase(phase), begin, end, 0);
        }
    }

    /// Adds what lies between two moments to a phase.
    pub fn add_span(&mut self, phase: Phase, begin: Instant, end: Instant) {
        self.count(phase, (end - begin).as_secs_f64());
        trace::record(Kind::Phase(phase), begin, end, 0);
    }

    /// Adds seconds to a phase that was in several pieces, or on several threads: they are not recorded.
    pub fn count(&mut self, phase: Phase, seconds: f64) {
        self.seconds[phase as usize] += seconds;
    }

    /// What has been added since an earlier copy.
    pub fn since(&self, earlier: &Timers) -> Timers {
        Timers { seconds: std::array::from_fn(|phase| self.seconds[phase] - earlier.seconds[phase]) }
    }

    /// Seconds so far.
    pub fn seconds(&self, phase: Phase) -> f64 {
        self.seconds[phase as usize]
    }
}
