//! `report.json`.

use super::{Chapter, Figures, Kept, Restart, Spread, Stopped};
use crate::error::Error;
use crate::timing::Phase;
use serde_json::{Map, Value, json};

/// The report of a run that has ended well.
pub fn json(figures: &Figures<'_>, chapter: &dyn Chapter) -> String {
    let mut report = head(figures, chapter);
    report.extend(chapter.keys(figures));
    report.extend(tail(figures, chapter));
    format!("{:#}\n", Value::Object(report))
}

fn head(figures: &Figures<'_>, chapter: &dyn Chapter) -> Map<String, Value> {
    let setup = figures.setup;
    object(json!({
        "status": "done",
        "exit_code": 0,
        "physics": chapter.physics(),
        "title": figures.title,
        "version": env!("CARGO_PKG_VERSION"),
        "build": { "features": features(), "cpu_path": figures.cpu_path, "kernel": chapter.kernel() },
        "backend": setup.backend,
        "mpi_library": setup.mpi_library,
        "hosts": setup.hosts,
        "ranks": figures.ranks.len(),
        "threads_per_rank": setup.threads,
        "placement_warnings": setup.warnings,
        "steps": figures.clock.steps,
        "time": figures.clock.end,
    }))
}

fn features() -> Vec<&'static str> {
    let built = [("mpi", cfg!(feature = "mpi")), ("hdf5", cfg!(feature = "hdf5"))];
    built.iter().filter(|(_, there)| *there).map(|(name, _)| *name).collect()
}

fn tail(figures: &Figures<'_>, chapter: &dyn Chapter) -> Map<String, Value> {
    object(json!({
        "digest": figures.digest,
        "wall_s": figures.wall_s,
        "setup_s": figures.setup_s,
        "loop_s": figures.loop_s,
        "phases": phases(&figures.phases),
        "loop": figures.loops.json(),
        "output": { "seconds": figures.output.0, "bytes": figures.output.1 },
        "restart": restart(&figures.kept),
        "checkpoints": checkpoints(&figures.kept),
        "memory": { "peak_bytes_per_rank": figures.ranks.iter().map(|r| r.peak_bytes).collect::<Vec<_>>() },
        "messages": {
            "count_per_rank": figures.ranks.iter().map(|r| r.messages).collect::<Vec<_>>(),
            "bytes_per_rank": figures.ranks.iter().map(|r| r.bytes).collect::<Vec<_>>(),
        },
        "diagnostics": figures.diagnostics,
        "validation": chapter.verdicts().iter().map(|v| json!({
            "what": v.what, "against": v.against, "error": v.error, "tolerance": v.tolerance, "result": v.word(),
        })).collect::<Vec<_>>(),
    }))
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn restart(kept: &Kept) -> Value {
    let entry = |r: &Restart| json!({ "from": r.from, "step": r.step, "skipped": r.skipped });
    kept.restart.as_ref().map_or(Value::Null, entry)
}

fn checkpoints(kept: &Kept) -> Value {
    let record = &kept.record;
    let bandwidth = if record.seconds > 0.0 { record.bytes as f64 / record.seconds } else { 0.0 };
    json!({
        "written": record.written,
        "failed": record.failed,
        "bytes": record.bytes,
        "seconds": record.seconds,
        "bytes_per_s": bandwidth,
        "newest_step": record.newest,
    })
}

/// The report of a run that was stopped after a checkpoint.
pub fn stopped(run: &Stopped<'_>) -> String {
    let report = json!({
        "status": "stopped",
        "exit_code": 75,
        "cause": run.cause(),
        "physics": run.physics,
        "title": run.title,
        "version": env!("CARGO_PKG_VERSION"),
        "step": run.step,
        "steps": run.steps,
        "time": run.time,
        "restart": restart(run.kept),
        "checkpoints": checkpoints(run.kept),
    });
    format!("{report:#}\n")
}

/// The report of a run that has failed: what, and with which exit code.
pub fn failure(physics: &str, title: &str, error: &Error) -> String {
    let report = json!({
        "status": "failed",
        "exit_code": error.exit_code(),
        "error": error.to_string(),
        "physics": physics,
        "title": title,
        "version": env!("CARGO_PKG_VERSION"),
    });
    format!("{report:#}\n")
}

fn phases(spreads: &[(Phase, Spread)]) -> Value {
    let entry = |spread: &Spread| json!({ "min": spread.min, "mean": spread.mean, "max": spread.max });
    Value::Object(spreads.iter().map(|(p, s)| (p.name().to_owned(), entry(s))).collect::<Map<_, _>>())
}
