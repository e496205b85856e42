//! What a deck will need and do on a given shape, before anything is allocated.

use super::plan_outputs::PlannedOutputs;
use crate::decomposition::CartesianDecomposition;
use crate::error::{Error, Result};
use crate::field::Layout;
use crate::halo::{HaloExchange, halo_sides};
use crate::heat::exact::ExactSolution;
use crate::heat::stability::{careful_bound, uniform_bound};
use crate::heat::{self, HeatOptions};
use crate::host;
use crate::output::disk::in_words;
use crate::output::snapshot::estimated_bytes;
use crate::run_config::{HeatRun, TimePlan, TimeStep, Until};
use crate::schedule::Clock;
use crate::words::{counted, grouped};
use std::fmt::Write;

/// The plan of a run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The process grid.
    pub decomposition: CartesianDecomposition,
    /// Bytes of arrays of each rank.
    pub memory: Vec<usize>,
    /// Stability limit in seconds; a lower bound of it if the material varies.
    pub max_stable_dt: f64,
    /// Whether the limit is exact and not just safe.
    pub exact_limit: bool,
    /// Messages and bytes of the busiest rank in one halo exchange.
    pub halo: (usize, usize),
}

impl Plan {
    /// The plan for so many ranks.
    ///
    /// # Errors
    /// If the ranks do not fit the grid or the halo does not fit the ranks.
    pub fn new(config: &HeatRun, ranks: usize) -> Result<Plan> {
        let (problem, width) = (&config.problem, config.decomposition.halo_width);
        let options = HeatOptions { dims: config.decomposition.dims, halo_width: width, ..HeatOptions::default() };
        let decomposition = heat::decompose(problem, ranks, &options)?;
        let uniform = problem.regions.iter().all(|(_, material)| *material == problem.background);
        let bound = if uniform { uniform_bound(problem).upper } else { careful_bound(problem) };
        Ok(Plan {
            memory: (0..ranks).map(|rank| heat::memory_bytes(problem, &decomposition, rank, width)).collect(),
            max_stable_dt: 2.0 / bound,
            exact_limit: uniform,
            halo: (0..ranks).map(|rank| halo_of(&decomposition, rank, width)).max_by_key(|h| h.1).unwrap_or((0, 0)),
            decomposition,
        })
    }

    /// What the run will write.
    pub fn outputs(&self, config: &HeatRun) -> PlannedOutputs {
        let permissive = TimePlan { allow_unstable: true, ..config.time.clone() };
        let known = self.exact_limit || matches!(config.time.until, Until::Steps(_));
        let clock = Clock::new(&permissive, self.max_stable_dt).ok().filter(|_| known);
        let bytes = estimated_bytes(&config.problem.grid, &config.output.snapshot_formats);
        PlannedOutputs::of_heat(&config.output, clock.map(|clock| clock.steps), bytes)
    }

    /// Refuses a plan that needs more memory than the ranks of one host may use.
    ///
    /// # Errors
    /// Exit code 2, with both figures and who sets the limit.
    pub fn check_memory(&self, ranks_here: &[usize]) -> Result<()> {
        let needed: u64 = ranks_here.iter().map(|&rank| self.memory[rank] as u64).sum();
        match host::memory_limit() {
            Some(limit) if needed > limit.bytes => Err(Error::key(
                "grid.cells",
                format!(
                    "{} of memory are needed on {} but {} allows {}",
                    in_words(needed),
                    host::name(),
                    limit.set_by,
                    in_words(limit.bytes)
                ),
                "use fewer cells or more hosts",
            )),
            _ => Ok(()),
        }
    }
}

fn halo_of(decomposition: &CartesianDecomposition, rank: usize, width: usize) -> (usize, usize) {
    let layout = Layout::new(decomposition.subdomain(rank).cells, halo_sides(decomposition, rank, width));
    let volume = HaloExchange::volume(decomposition, rank, &layout, width);
    (volume.0, volume.1)
}

/// The plan as a page for `parhelion check`.
pub fn page(config: &HeatRun, plan: &Plan, threads: Option<usize>) -> String {
    let grid = &config.problem.grid;
    let by = |values: &[usize]| values.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ");
    let mut text = String::new();
    let mut line = |name: &str, value: String| writeln!(text, "{name:<14}{value}").expect("writing to a string");
    line("title", config.title.clone());
    line("grid", format!("{} cells ({})", by(&grid.cells[..grid.dimensions]), grouped(grid.cell_count() as u64)));
    line("spacing", format!("{} m", spacings(grid.spacing, grid.dimensions)));
    let threads = threads.unwrap_or_else(host::parallelism);
    line(
        "shape",
        format!(
            "{} as {}, {} each",
            counted(plan.memory.len() as u64, "rank"),
            by(&plan.decomposition.dims),
            counted(threads as u64, "thread")
        ),
    );
    let largest = plan.memory.iter().max().copied().unwrap_or(0) as u64;
    line(
        "memory",
        format!(
            "{} per rank at most, {} in all",
            in_words(largest),
            in_words(plan.memory.iter().map(|&b| b as u64).sum())
        ),
    );
    line(
        "halo",
        format!(
            "width {}, {} and {} per exchange of the busiest rank, {} per step",
            config.decomposition.halo_width,
            counted(plan.halo.0 as u64, "message"),
            in_words(plan.halo.1 as u64),
            in_words((plan.halo.1 / config.decomposition.halo_width) as u64)
        ),
    );
    line("time step", time_step(config, plan));
    line("steps", steps(config, plan));
    line("output", plan.outputs(config).words());
    line(
        "exact",
        if ExactSolution::of(&config.problem).is_some() { "known: the error is reported" } else { "not known" }.into(),
    );
    text
}

/// The plan for programs.
pub fn json(config: &HeatRun, plan: &Plan) -> String {
    let grid = &config.problem.grid;
    let permissive = TimePlan { allow_unstable: true, ..config.time.clone() };
    let clock = Clock::new(&permissive, plan.max_stable_dt).ok();
    let value = serde_json::json!({
        "title": config.title,
        "cells": grid.cells[..grid.dimensions],
        "unknowns": grid.cell_count(),
        "ranks": plan.memory.len(),
        "process_grid": plan.decomposition.dims,
        "halo_width": config.decomposition.halo_width,
        "memory_bytes_per_rank": plan.memory,
        "halo_messages_per_exchange": plan.halo.0,
        "halo_bytes_per_exchange": plan.halo.1,
        "max_stable_dt": plan.max_stable_dt,
        "max_stable_dt_is_exact": plan.exact_limit,
        "dt": clock.map(|clock| clock.dt),
        "steps": clock.map(|clock| clock.steps),
        "time": clock.map(|clock| clock.end),
        "snapshots": plan.outputs(config).snapshots(),
        "snapshot_bytes": plan.outputs(config).snapshot_bytes,
    });
    format!("{value:#}")
}

fn spacings(spacing: [f64; 3], dimensions: usize) -> String {
    spacing[..dimensions].iter().map(|h| format!("{h:.4e}")).collect::<Vec<_>>().join(" x ")
}

fn time_step(config: &HeatRun, plan: &Plan) -> String {
    let limit = format!("{}{:.4e} s", if plan.exact_limit { "" } else { "at least " }, plan.max_stable_dt);
    match config.time.dt {
        TimeStep::Auto { safety } => {
            format!("{:.4e} s ({safety} of the stability limit, {limit})", safety * plan.max_stable_dt)
        }
        TimeStep::Fixed(dt) => {
            format!("{dt:.4e} s ({:.1} % of the stability limit, {limit})", 100.0 * dt / plan.max_stable_dt)
        }
    }
}

fn steps(config: &HeatRun, plan: &Plan) -> String {
    let permissive = TimePlan { allow_unstable: true, ..config.time.clone() };
    match Clock::new(&permissive, plan.max_stable_dt) {
        Ok(clock) => {
            let at_most =
                if plan.exact_limit || matches!(config.time.until, Until::Steps(_)) { "" } else { "at most " };
            format!(
                "{at_most}{} to {:.4e} s: {:.3e} cell updates",
                grouped(clock.steps),
                clock.end,
                clock.steps as f64 * config.problem.grid.cell_count() as f64
            )
        }
        Err(error) => error.to_string(),
    }
}
