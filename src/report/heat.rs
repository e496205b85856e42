//! What the report of a heat run says besides the figures of every run.

use super::{Chapter, Figures, Verdict, summary::by};
use crate::heat::diagnostics::Diagnostics;
use crate::run_config::HeatRun;
use crate::timing::Phase;
use serde_json::{Map, Value, json};

/// Balance of heat that still counts as closed, relative: rounding of the sums of a million steps is below it.
pub const BALANCE_TOLERANCE: f64 = 1e-12;

/// Phases of a heat run, in the order of reports.
pub const PHASES: [Phase; 8] = [
    Phase::Setup,
    Phase::Interior,
    Phase::Halo,
    Phase::Rim,
    Phase::Diagnostics,
    Phase::Output,
    Phase::Checkpoint,
    Phase::Digest,
];

/// Those that are parts of a step.
pub const LOOP_PHASES: [Phase; 3] = [Phase::Interior, Phase::Halo, Phase::Rim];

/// Figures of a heat run, on rank 0.
#[derive(Clone, Debug)]
pub struct HeatChapter<'a> {
    /// The deck.
    pub config: &'a HeatRun,
    /// Ranks along x, y, z.
    pub process_grid: [usize; 3],
    /// Stability limit in seconds.
    pub max_stable_dt: f64,
    /// Whether the kernel with constant coefficients ran.
    pub constant_coefficients: bool,
    /// The final state.
    pub last: Diagnostics,
    /// What the error against the exact solution may be.
    pub error_bound: Option<f64>,
    /// Seconds of one copy of the state, the slowest rank.
    pub copy_s: f64,
}

impl HeatChapter<'_> {
    /// Cell updates in the loop per second.
    fn updates_per_s(&self, figures: &Figures<'_>) -> f64 {
        let updates = self.config.problem.grid.cell_count() as f64 * figures.steps_done as f64;
        if figures.loop_s > 0.0 { updates / figures.loop_s } else { 0.0 }
    }

    /// Bytes that a cell update moves at least.
    fn bytes_per_update(&self) -> f64 {
        match (self.constant_coefficients, self.config.problem.grid.dimensions) {
            (true, _) => 16.0,
            (false, 2) => 40.0,
            (false, _) => 48.0,
        }
    }

    /// Bytes a second of the copy.
    fn copy_bandwidth(&self) -> f64 {
        16.0 * self.config.problem.grid.cell_count() as f64 / self.copy_s.max(1e-12)
    }

    /// Effective bytes a second of the loop.
    fn effective_bandwidth(&self, figures: &Figures<'_>) -> f64 {
        self.updates_per_s(figures) * self.bytes_per_update()
    }
}

impl Chapter for HeatChapter<'_> {
    fn physics(&self) -> &'static str {
        "heat"
    }

    fn keys(&self, figures: &Figures<'_>) -> Map<String, Value> {
        let grid = &self.config.problem.grid;
        let effective = self.effective_bandwidth(figures);
        let keys = json!({
            "process_grid": self.process_grid,
            "halo_width": self.config.decomposition.halo_width,
            "cells": grid.cells[..grid.dimensions],
            "dt": figures.clock.dt,
            "max_stable_dt": self.max_stable_dt,
            "unknowns": grid.cell_count(),
            "updates_per_s": self.updates_per_s(figures),
            "effective_bytes_per_s": effective,
            "copy_bytes_per_s": self.copy_bandwidth(),
            "bandwidth_share": effective / self.copy_bandwidth(),
        });
        keys.as_object().cloned().unwrap_or_default()
    }

    fn kernel(&self) -> String {
        if self.constant_coefficients { "constant coefficients" } else { "variable coefficients" }.to_owned()
    }

    fn size(&self, figures: &Figures<'_>) -> Vec<String> {
        let (grid, clock) = (&self.config.problem.grid, &figures.clock);
        vec![format!(
            "{} cells on {} ranks, {} steps of {:.4e} s to {:.6e} s ({:.0} % of the stability limit)",
            by(&grid.cells[..grid.dimensions]),
            by(&self.process_grid[..grid.dimensions]),
            clock.steps,
            clock.dt,
            clock.end,
            100.0 * clock.dt / self.max_stable_dt
        )]
    }

    fn state(&self, _: &Figures<'_>) -> Vec<String> {
        let last = &self.last;
        vec![
            format!("temperature    min {:.6}  mean {:.6}  max {:.6}", last.min, last.mean, last.max),
            format!("heat           {:.6e} J", last.total_heat),
        ]
    }

    fn speed(&self, figures: &Figures<'_>) -> Vec<String> {
        let effective = self.effective_bandwidth(figures);
        vec![format!(
            "speed          {:.4} G cell updates/s, {:.1} GB/s effective, {:.0} % of a copy's {:.1} GB/s",
            self.updates_per_s(figures) / 1e9,
            effective / 1e9,
            100.0 * effective / self.copy_bandwidth(),
            self.copy_bandwidth() / 1e9
        )]
    }

    fn verdicts(&self) -> Vec<Verdict> {
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
