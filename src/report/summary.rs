//! The last lines of a run, in words: at most a screen.

use super::Figures;
use crate::output::disk::in_words;
use crate::timing::PHASES;
use std::fmt::Write;

/// The summary; its last line is the digest.
pub fn summary(figures: &Figures<'_>, directory: &str) -> String {
    let mut text = String::new();
    for line in lines(figures, directory) {
        writeln!(text, "{line}").expect("writing to a string");
    }
    text
}

fn lines(figures: &Figures<'_>, directory: &str) -> Vec<String> {
    let (grid, clock, last) = (&figures.config.problem.grid, &figures.clock, &figures.last);
    let by = |values: &[usize]| values.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ");
    let mut lines = vec![
        figures.config.title.clone(),
        format!(
            "  {} cells on {} ranks, {} steps of {:.4e} s to {:.6e} s ({:.0} % of the stability limit)",
            by(&grid.cells[..grid.dimensions]),
            by(&figures.process_grid[..grid.dimensions]),
            clock.steps,
            clock.dt,
            clock.end,
            100.0 * clock.dt / figures.max_stable_dt
        ),
        format!(
            "  {} of {}, {} kernels, on {}",
            count(figures.ranks.len(), "rank"),
            count(figures.setup.threads, "thread"),
            figures.cpu_path,
            figures.setup.hosts.join(", ")
        ),
        format!("  temperature    min {:.6}  mean {:.6}  max {:.6}", last.min, last.mean, last.max),
        format!("  heat           {:.6e} J", last.total_heat),
    ];
    lines.extend(figures.verdicts().iter().map(|v| {
        format!("  {:<14} {}  {:.2e} of {:.1e} allowed, against {}", v.what, v.word(), v.error, v.tolerance, v.against)
    }));
    lines.extend([
        format!(
            "  speed          {:.4} G cell updates/s, {:.1} GB/s effective, {:.0} % of a copy's {:.1} GB/s",
            figures.updates_per_s() / 1e9,
            figures.effective_bandwidth() / 1e9,
            100.0 * figures.effective_bandwidth() / figures.copy_bandwidth(),
            figures.copy_bandwidth() / 1e9
        ),
        format!(
            "  time           {:.3} s in all, {:.3} s in steps; {}",
            figures.wall_s,
            figures.loop_s,
            phases(figures)
        ),
        format!("  output         {} in {:.3} s, {directory}", in_words(figures.output.1), figures.output.0),
        format!("  memory         {} peak on the largest rank", in_words(peak(figures))),
        format!("digest: {}", figures.digest),
    ]);
    lines
}

/// `1 rank`, `4 ranks`.
fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

fn peak(figures: &Figures<'_>) -> u64 {
    figures.ranks.iter().map(|rank| rank.peak_bytes).max().unwrap_or(0)
}

fn phases(figures: &Figures<'_>) -> String {
    let named = PHASES.iter().zip(&figures.phases).filter(|(_, spread)| spread.max >= 5e-4);
    named.map(|(phase, spread)| format!("{} {:.3}", phase.name(), spread.max)).collect::<Vec<_>>().join(", ")
}
