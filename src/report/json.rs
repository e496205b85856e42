//! `report.json`.

use super::{Figures, Spread};
use crate::error::Error;
use crate::run_config::HeatRun;
use crate::timing::PHASES;
use serde_json::{Map, Value, json};

/// The report of a run that has ended well.
pub fn json(figures: &Figures<'_>) -> String {
    let (config, setup) = (figures.config, figures.setup);
    let grid = &config.problem.grid;
    let report = json!({
        "status": "done",
        "exit_code": 0,
        "physics": "heat",
        "title": config.title,
        "version": env!("CARGO_PKG_VERSION"),
        "build": {
            "features": if cfg!(feature = "mpi") { vec!["mpi"] } else { vec![] },
            "cpu_path": figures.cpu_path,
            "kernel": if figures.constant_coefficients { "constant coefficients" } else { "variable coefficients" },
        },
        "backend": setup.backend,
        "mpi_library": setup.mpi_library,
        "hosts": setup.hosts,
        "ranks": figures.ranks.len(),
        "threads_per_rank": setup.threads,
        "process_grid": figures.process_grid,
        "halo_width": config.decomposition.halo_width,
        "cells": grid.cells[..grid.dimensions],
        "steps": figures.clock.steps,
        "time": figures.clock.end,
        "dt": figures.clock.dt,
        "max_stable_dt": figures.max_stable_dt,
        "unknowns": grid.cell_count(),
        "digest": figures.digest,
        "wall_s": figures.wall_s,
        "setup_s": figures.setup_s,
        "loop_s": figures.loop_s,
        "updates_per_s": figures.updates_per_s(),
        "effective_bytes_per_s": figures.effective_bandwidth(),
        "copy_bytes_per_s": figures.copy_bandwidth(),
        "bandwidth_share": figures.effective_bandwidth() / figures.copy_bandwidth(),
        "phases": phases(&figures.phases),
        "output": { "seconds": figures.output.0, "bytes": figures.output.1 },
        "memory": { "peak_bytes_per_rank": figures.ranks.iter().map(|r| r.peak_bytes).collect::<Vec<_>>() },
        "messages": {
            "count_per_rank": figures.ranks.iter().map(|r| r.messages).collect::<Vec<_>>(),
            "bytes_per_rank": figures.ranks.iter().map(|r| r.bytes).collect::<Vec<_>>(),
        },
        "diagnostics": figures.last.columns().into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        "validation": figures.verdicts().iter().map(|v| json!({
            "what": v.what, "against": v.against, "error": v.error, "tolerance": v.tolerance, "result": v.word(),
        })).collect::<Vec<_>>(),
    });
    format!("{report:#}\n")
}

/// The report of a run that has failed: what, and with which exit code.
pub fn failure(config: &HeatRun, error: &Error) -> String {
    let report = json!({
        "status": "failed",
        "exit_code": error.exit_code(),
        "error": error.to_string(),
        "physics": "heat",
        "title": config.title,
        "version": env!("CARGO_PKG_VERSION"),
    });
    format!("{report:#}\n")
}

fn phases(spreads: &[Spread]) -> Value {
    let entry = |spread: &Spread| json!({ "min": spread.min, "mean": spread.mean, "max": spread.max });
    Value::Object(PHASES.iter().zip(spreads).map(|(p, s)| (p.name().to_owned(), entry(s))).collect::<Map<_, _>>())
}
