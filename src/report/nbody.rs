//! What the report of an N-body run says besides the figures of every run.

use super::{Chapter, Figures, Verdict};
use crate::nbody::diagnostics::NBodyDiagnostics;
use crate::nbody::integrate::StepCounts;
use crate::nbody::problem::{Gravity, Integrator, Method, Substeps};
use crate::nbody::sampled_error::SampledError;
use crate::run_config::NBodyRun;
use crate::timing::Phase;
use serde_json::{Map, Value, json};

/// Phases of an N-body run, in the order of reports.
pub const PHASES: [Phase; 10] = [
    Phase::Setup,
    Phase::Build,
    Phase::Upward,
    Phase::Exchange,
    Phase::Far,
    Phase::Near,
    Phase::Integration,
    Phase::Diagnostics,
    Phase::Output,
    Phase::Digest,
];

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
    /// What the time integrator did.
    pub steps: StepCounts,
    /// True error of the first forces, if they were approximate.
    pub sampled: Option<SampledError>,
    /// The final state.
    pub last: NBodyDiagnostics,
}

impl NBodyChapter<'_> {
    fn method(&self) -> &'static str {
        match self.gravity.method {
            Method::Direct => "direct",
            Method::Fmm => "fmm",
        }
    }

    fn integrator(&self) -> &'static str {
        match self.config.problem.integrator {
            Integrator::Leapfrog => "leapfrog",
            Integrator::Yoshida4 => "yoshida4",
            Integrator::Hermite4 => "hermite4",
            Integrator::GaussRadau15 => "gauss_radau15",
        }
    }

    fn substeps(&self) -> &'static str {
        match self.config.problem.substeps {
            Substeps::None => "none",
            Substeps::Global { .. } => "global",
            Substeps::Block { .. } => "block",
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
            0 => self.count as f64 * self.steps.substeps.max(figures.clock.steps) as f64,
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
            "unknowns": 6 * self.count,
            "method": self.method(),
            "method_reason": self.reason,
            "accuracy": self.gravity.accuracy,
            "force_error": sampled,
            "integrator": self.integrator(),
            "substeps": self.substeps(),
            "substeps_done": self.steps.substeps,
            "deepest_level": self.steps.deepest_level,
            "force_evaluations": self.steps.evaluations,
            "pairs": self.pairs,
            "cell_pairs": self.cell_pairs,
            "dt": figures.clock.dt,
            "updates_per_s": self.per_loop_second(self.moved(figures), figures),
            "pairs_per_s": self.per_loop_second(self.pairs as f64, figures),
            "energy_drift": self.last.energy_drift,
        });
        keys.as_object().cloned().unwrap_or_default()
    }

    fn kernel(&self) -> String {
        let bits = if self.gravity.portable_bits { ", portable bits" } else { "" };
        format!("{}{bits}", self.method())
    }

    fn size(&self, figures: &Figures<'_>) -> Vec<String> {
        let clock = &figures.clock;
        let mut lines = vec![format!(
            "{} bodies, {} steps of {} to {}, {}{}",
            self.count,
            clock.steps,
            self.time_text(clock.dt),
            self.time_text(clock.end),
            self.integrator(),
            match self.substeps() {
                "none" => String::new(),
                kind => format!(" with {kind} substeps, {} in all", self.steps.substeps),
            }
        )];
        let reason = self.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
        lines.push(format!("forces by {}{reason}", if self.method() == "fmm" { "multipoles" } else { "direct sum" }));
        lines
    }

    fn state(&self, _: &Figures<'_>) -> Vec<String> {
        let last = &self.last;
        vec![
            format!("energy         {:.9e}, drift {:.2e} since the start", last.total_energy, last.energy_drift),
            format!("virial ratio   {:.4}", last.virial_ratio),
        ]
    }

    fn speed(&self, figures: &Figures<'_>) -> Vec<String> {
        let giga = |count: f64| self.per_loop_second(count, figures) / 1e9;
        let cells = match self.cell_pairs {
            0 => String::new(),
            count => format!(", {:.4} G pairs of cells/s", giga(count as f64)),
        };
        vec![format!(
            "speed          {:.4} G pairs of bodies/s{cells}, {:.3e} steps of bodies/s",
            giga(self.pairs as f64),
            self.per_loop_second(self.moved(figures), figures)
        )]
    }

    fn verdicts(&self) -> Vec<Verdict> {
        let verdict = |sampled: SampledError| Verdict {
            what: "force error",
            against: "direct sum for 1000 bodies (99th percentile, relative)",
            error: sampled.p99,
            tolerance: self.gravity.accuracy,
        };
        self.sampled.map(verdict).into_iter().collect()
    }
}
