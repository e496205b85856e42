//! The last lines of a run, in words: at most a screen.

use super::{Chapter, Figures};
use crate::output::disk::in_words;
use crate::words::counted;

/// The summary; its last line is the digest.
pub fn summary(figures: &Figures<'_>, chapter: &dyn Chapter, directory: &str) -> String {
    let mut lines = vec![figures.title.to_owned()];
    let body = [
        chapter.size(figures),
        vec![shape(figures)],
        chapter.state(figures),
        verdicts(chapter),
        chapter.speed(figures),
        costs(figures, directory),
    ];
    lines.extend(body.concat().into_iter().map(|line| format!("  {line}")));
    lines.push(format!("digest: {}\n", figures.digest));
    lines.join("\n")
}

fn shape(figures: &Figures<'_>) -> String {
    format!(
        "{} of {}, {} kernels, on {}",
        counted(figures.ranks.len() as u64, "rank"),
        counted(figures.setup.threads as u64, "thread"),
        figures.cpu_path,
        figures.setup.hosts.join(", ")
    )
}

fn verdicts(chapter: &dyn Chapter) -> Vec<String> {
    let line = |v: &super::Verdict| {
        format!("{:<14} {}  {:.2e} of {:.1e} allowed, against {}", v.what, v.word(), v.error, v.tolerance, v.against)
    };
    chapter.verdicts().iter().map(line).collect()
}

fn costs(figures: &Figures<'_>, directory: &str) -> Vec<String> {
    let lines = vec![
        format!("time           {:.3} s in all, {:.3} s in steps; {}", figures.wall_s, figures.loop_s, phases(figures)),
        format!("output         {} in {:.3} s, {directory}", in_words(figures.output.1), figures.output.0),
        kept(figures),
        format!("memory         {} peak on the largest rank", in_words(peak(figures))),
    ];
    lines.into_iter().filter(|line| !line.is_empty()).collect()
}

/// Restart and checkpoints; empty if there are none.
fn kept(figures: &Figures<'_>) -> String {
    let record = &figures.kept.record;
    let restart = figures.kept.restart.as_ref().map(|restart| format!("from step {}", restart.step));
    let written = (record.written > 0).then(|| {
        let bytes = in_words(record.bytes);
        format!("{}, {bytes} in {:.3} s", counted(record.written, "file"), record.seconds)
    });
    let failed = (record.failed > 0).then(|| format!("{} not written", record.failed));
    let parts: Vec<String> = restart.into_iter().chain(written).chain(failed).collect();
    if parts.is_empty() { String::new() } else { format!("checkpoints    {}", parts.join("; ")) }
}

/// `64 x 64`.
pub(super) fn by(values: &[usize]) -> String {
    values.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ")
}

fn peak(figures: &Figures<'_>) -> u64 {
    figures.ranks.iter().map(|rank| rank.peak_bytes).max().unwrap_or(0)
}

fn phases(figures: &Figures<'_>) -> String {
    let named = figures.phases.iter().filter(|(_, spread)| spread.max >= 5e-4);
    named.map(|(phase, spread)| format!("{} {:.3}", phase.name(), spread.max)).collect::<Vec<_>>().join(", ")
}
