//! What the report of an N-body run says besides the figures of every run.

use super::{Chapter, Figures, Verdict};
use crate::nbody::diagnostics::NBodyDiagnostics;
use crate::nbody::integrate::StepCounts;
use crate::nbody::problem::{Gravity, Integrator, Method, Substeps};
use crate::nbody::sampled_error::SampledError;
use crate::run_config::NBodyRun;
use crate::timing::Phase;
use crate::words::{counted, grouped};
use serde_json::{Map, Value, json};

/// Phases of an N-body run, in the order of reports.
pub const PHASES: [Phase; 11] = [
    Phase::Setup,
    Phase::Build,
    Phase::Upward,
    Phase::Exchange,
    Phase::Far,
    Phase::Near,
    Phase::Integration,
    Phase::Diagnostics,
    Phase::Output,
    Phase::Checkpoint,
    Phase::Digest,
];

/// Those that are parts of a step.
pub const LOOP_PHASES: [Phase; 6] =
    [Phase::Build, Phase::Upward, Phase::Exchange, Phase::Far, Phase::Near, Phase::Integration];

/// First forces that took less than these seconds are not worth a line.
const SHORTEST: f64 = 1e-3;

/// What the forces of the initial state took, on all ranks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FirstForces {
    /// Seconds of the slowest rank, tree and all.
    pub seconds: f64,
    /// Pairs of bodies and of cells.
    pub work: [u64; 2],
}

/// Figures of an N-body run, on rank 0.
#[derive(Clone, Debug)]
pub struct NBodyChapter<'a> {
    /// The deck.
    pub config: &'a NBodyRun,
    /// The law of force, and how it was summed.
    pub gravity: Gravity,
    /// Why the method was chosen, if the deck left it open.
    pub reason: Option<String>,
    /// Bodies of all ranks.
    pub count: u64,
    /// Pairs of bodies of all ranks, in the loop.
    pub pairs: u64,
    /// Pairs of cells of all ranks, in the loop.
    pub cell_pairs: u64,
    /// Forces of the initial state, which are outside of the loop.
    pub first: FirstForces,
    /// What the time integrator did.
    pub steps: StepCounts,
    /// True error of the first forces, if they were approximate.
    pub sampled: Option<SampledError>,
    /// What is known of the final state, and how far off it is.
    pub known: Vec<Verdict>,
    /// The final state.
    pub last: NBodyDiagnostics,
}

impl NBodyChapter<'_> {
    fn substeps(&self) -> &'static str {
        match self.config.problem.substeps {
            Substeps::None => "none",
            Substeps::Global { .. } => "global",
            Substeps::Block { .. } => "block",
        }
    }

    /// Pairs of bodies a second in the loop; in the first forces if there is no loop.
    fn pairs_per_s(&self, figures: &Figures<'_>) -> f64 {
        match figures.clock.steps {
            0 if self.first.seconds > 0.0 => self.first.work[0] as f64 / self.first.seconds,
            _ => self.per_loop_second(self.pairs as f64, figures),
        }
    }

    /// How steps were cut.
    fn cutting(&self) -> String {
        match (self.substeps(), self.config.problem.integrator) {
            ("none", Integrator::GaussRadau15) => format!(", cut to {} in all", grouped(self.steps.substeps)),
            ("none", _) => String::new(),
            (kind, _) => format!(" with {kind} substeps, {} in all", grouped(self.steps.substeps)),
        }
    }

    fn per_loop_second(&self, count: f64, figures: &Figures<'_>) -> f64 {
        if figures.loop_s > 0.0 { count / figures.loop_s } else { 0.0 }
    }

    /// A number with its unit, if that has a name.
    fn time_text(&self, time: f64) -> String {
        format!("{time:.6e} {}", self.config.problem.units.time()).trim_end().to_owned()
    }

    fn moved(&self, figures: &Figures<'_>) -> f64 {
        match self.steps.body_steps {
            0 => self.count as f64 * self.steps.substeps.max(figures.steps_done) as f64,
            individual => individual as f64,
        }
    }
}

impl Chapter for NBodyChapter<'_> {
    fn physics(&self) -> &'static str {
        "nbody"
    }

    fn keys(&self, figures: &Figures<'_>) -> Map<String, Value> {
        let sampled = self.sampled.map(|e| json!({ "rms": e.rms, "p99": e.p99, "max": e.max }));
        let keys = json!({
            "bodies": self.count,
            "unknowns": self.count,
            "process_grid": [figures.ranks.len()],
            "method": self.gravity.method.name(),
            "method_reason": self.reason,
            "accuracy": self.gravity.accuracy,
            "force_error": sampled,
            "integrator": self.config.problem.integrator.name(),
            "substeps": self.substeps(),
            "substeps_done": self.steps.substeps,
            "deepest_level": self.steps.deepest_level,
            "force_evaluations": self.steps.evaluations,
            "first_forces": {
                "seconds": self.first.seconds,
                "pairs": self.first.work[0],
                "cell_pairs": self.first.work[1],
            },
            "pairs": self.pairs,
            "cell_pairs": self.cell_pairs,
            "dt": figures.clock.dt,
            "updates_per_s": self.pairs_per_s(figures),
            "body_updates_per_s": self.per_loop_second(self.moved(figures), figures),
            "pairs_per_s": self.pairs_per_s(figures),
            "energy_drift": self.last.energy_drift,
        });
        keys.as_object().cloned().unwrap_or_default()
    }

    fn kernel(&self) -> String {
        let bits = if self.gravity.portable_bits { ", portable bits" } else { "" };
        format!("{}{bits}", self.gravity.method.name())
    }

    fn size(&self, figures: &Figures<'_>) -> Vec<String> {
        let clock = &figures.clock;
        let bodies = counted(self.count, "body");
        let mut lines = vec![match clock.steps {
            0 => format!("{bodies}, forces once"),
            steps => format!(
                "{bodies}, {} of {} to {}, {}{}",
                counted(steps, "step"),
                self.time_text(clock.dt),
                self.time_text(clock.end),
                self.config.problem.integrator.name(),
                self.cutting()
            ),
        }];
        let reason = self.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
        let summed = if self.gravity.method == Method::Fmm { "multipoles" } else { "direct sum" };
        lines.push(format!("forces by {summed}{reason}"));
        lines
    }

    fn state(&self, _: &Figures<'_>) -> Vec<String> {
        let last = &self.last;
        vec![
            format!(
                "energy         {:.9e}, relative change since the start {:.2e}",
                last.total_energy, last.energy_drift
            ),
            format!("virial ratio   {:.4}", last.virial_ratio),
        ]
    }

    fn speed(&self, figures: &Figures<'_>) -> Vec<String> {
        let mut lines = Vec::new();
        if figures.clock.steps == 0 || self.first.seconds >= SHORTEST {
            let rates = rates(self.first.work, self.first.seconds);
            lines.push(format!("first forces   {:.3} s, {rates}", self.first.seconds));
        }
        if figures.clock.steps > 0 {
            let rates = rates([self.pairs, self.cell_pairs], figures.loop_s);
            let moved = self.per_loop_second(self.moved(figures), figures);
            lines.push(format!("speed          {rates}, {moved:.3e} steps of bodies/s"));
        }
        lines
    }

    fn verdicts(&self) -> Vec<Verdict> {
        let verdict = |sampled: SampledError| Verdict {
            what: "force error",
            against: "direct sum for 1000 bodies (99th percentile, relative)",
            error: sampled.p99,
            tolerance: self.gravity.accuracy,
        };
        self.sampled.map(verdict).into_iter().chain(self.known.iter().cloned()).collect()
    }
}

/// Pairs of bodies, and of cells if there are any, a second.
fn rates([pairs, cell_pairs]: [u64; 2], seconds: f64) -> String {
    let giga = |count: u64| if seconds > 0.0 { count as f64 / seconds / 1e9 } else { 0.0 };
    let cells = if cell_pairs == 0 { String::new() } else { format!(", {:.4} G pairs of cells/s", giga(cell_pairs)) };
    format!("{:.4} G pairs of bodies/s{cells}", giga(pairs))
}
