//! What an experiment shows, in sentences that cite their numbers.

use super::analysis::{Analysis, Row, Timing};
use super::plan::Mode;
use crate::laboratory::fits::Estimate;

/// Three sentences about each mode: the fastest shape, where efficiency goes, and the law.
pub fn sentences(analysis: &Analysis) -> Vec<String> {
    let mut found = Vec::new();
    for mode in [Mode::Strong, Mode::Weak] {
        let fastest = analysis.fastest(mode);
        let Some(base) = analysis.timed(mode).next() else { continue };
        found.extend(best(mode, base, &fastest));
        found.extend(efficiency(mode, analysis));
        found.push(law(mode, analysis));
    }
    if found.is_empty() {
        found.push("No shape was timed, so there is nothing to conclude.".to_owned());
    }
    found
}

fn best(mode: Mode, (base, base_timing): (&Row, &Timing), fastest: &[(&Row, &Timing)]) -> Option<String> {
    let (row, timing) = fastest.iter().max_by(|a, b| a.1.speedup.total_cmp(&b.1.speedup))?;
    if row.workers() == base.workers() {
        let (name, seconds) = (row.shape.words(), timing.median_s);
        return Some(match mode {
            Mode::Strong => format!("No shape is faster than {name} ({seconds:.4} s in the loop)."),
            Mode::Weak => format!(
                "With the problem grown along, no shape does its work at a higher rate than {name} ({seconds:.4} s in the loop)."
            ),
        });
    }
    let (name, times) = (row.shape.words(), timing.speedup);
    let against = format!("{:.4} s against {:.4} s of {}", timing.median_s, base_timing.median_s, base.shape.words());
    Some(match mode {
        Mode::Strong => format!(
            "The fastest shape, {name} (ranks x threads), is {times:.2} times as fast as one worker: {against}."
        ),
        Mode::Weak => format!(
            "With the problem grown along, {name} does {:.2} times the work at {times:.2} times the rate: {against}.",
            timing.work_ratio
        ),
    })
}

/// The row with the most workers, and the largest part of its loss.
fn efficiency(mode: Mode, analysis: &Analysis) -> Option<String> {
    let (row, timing) = analysis.fastest(mode).into_iter().next_back()?;
    let start = format!(
        "{} efficiency is {:.0} % at {} workers ({})",
        if mode == Mode::Strong { "Strong" } else { "Weak" },
        100.0 * timing.efficiency,
        row.workers(),
        row.shape.words()
    );
    let lost = 1.0 - timing.efficiency;
    Some(match &timing.loss {
        Some(loss) if lost >= 0.01 => {
            let (part, share) = loss.largest();
            format!("{start}: of the {:.0} % that are lost, {:.0} % are {part}.", 100.0 * lost, 100.0 * share.min(1.0))
        }
        _ => format!("{start}: nothing is lost that could be told from noise."),
    })
}

fn law(mode: Mode, analysis: &Analysis) -> String {
    let laws = &analysis.laws;
    match mode {
        Mode::Weak => match &laws.gustafson {
            Ok(fit) => format!("Gustafson's law fits with a serial fraction of {}.", percent(&fit.serial)),
            Err(why) => format!("Gustafson's law is not fitted: {why}."),
        },
        Mode::Strong => match &laws.amdahl {
            Ok(fit) => match fit.limit() {
                Some(limit) => format!(
                    "Amdahl's law fits with a serial fraction of {}: at most {limit:.1} times as fast on any number of workers.",
                    percent(&fit.serial)
                ),
                None => format!(
                    "Amdahl's law fits with a serial fraction of {}, which sets no limit.",
                    percent(&fit.serial)
                ),
            },
            Err(why) => format!("Amdahl's law is not fitted: {why}."),
        },
    }
}

/// `4.0 % (95 %: 3.1 to 4.9 %)`.
fn percent(estimate: &Estimate) -> String {
    let part = |value: f64| 100.0 * value;
    format!(
        "{:.1} % (95 %: {:.1} to {:.1} %)",
        part(estimate.value),
        part(estimate.interval.low),
        part(estimate.interval.high)
    )
}

#[cfg(test)]
mod tests {
    use super::super::analysis::analyse;
    use super::super::analysis::tests::experiment;
    use super::*;

    #[test]
    fn each_cites_its_numbers() {
        let (plan, records, folder) = experiment(&[((1, 1), 8.0), ((1, 2), 4.4), ((2, 2), 2.6)]);
        let found = sentences(&analyse(&plan, &records, folder.path()));
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(
            found[0]
                .contains("2 x 2 (ranks x threads), is 3.08 times as fast as one worker: 2.6000 s against 8.0000 s")
        );
        assert!(
            found[1].contains("Strong efficiency is 77 % at 4 workers (2 x 2): of the 23 % that are lost, 43 % are"),
            "{found:?}"
        );
        assert!(found[2].contains("Amdahl's law fits with a serial fraction of"), "{found:?}");
    }

    #[test]
    fn few_points_are_no_law() {
        let (plan, records, folder) = experiment(&[((1, 1), 8.0), ((1, 2), 9.0)]);
        let found = sentences(&analyse(&plan, &records, folder.path()));
        assert!(found[0].contains("No shape is faster than 1 x 1"), "{found:?}");
        assert!(
            found[2].contains("not fitted: the fit needs three different numbers of workers, and there are 2"),
            "{found:?}"
        );
    }
}
