//! Figures with boxes: where the time of each shape goes, and who sends how much to whom.

use super::analysis::{Analysis, Row, Timing};
use super::axes::{Axes, Scale};
use super::drawing::{Anchor, Drawing, Tint, phase};
use super::plan::Mode;
use serde_json::Value;

/// Most ranks whose matrix has numbers in its boxes.
const MOST_NUMBERS: usize = 8;
/// Most bars.
const MOST_BARS: usize = 16;

/// Mean seconds of each phase over ranks, and what no phase accounts for.
fn parts(timing: &Timing) -> Vec<(String, f64)> {
    let part = &timing.report["loop"];
    let mean = |value: &Value| {
        let values: Vec<f64> = value.as_array().map_or(Vec::new(), |l| l.iter().filter_map(Value::as_f64).collect());
        values.iter().sum::<f64>() / values.len().max(1) as f64
    };
    let run_s = part["seconds_per_rank"].as_array().into_iter().flatten().filter_map(Value::as_f64).fold(0.0, f64::max);
    let phases = part["phases_per_rank"].as_object().into_iter().flatten();
    let mut found: Vec<(String, f64)> = phases.map(|(name, seconds)| (name.clone(), mean(seconds))).collect();
    let known: f64 = found.iter().map(|(_, seconds)| seconds).sum();
    found.push(("other, idle".to_owned(), (run_s - known).max(0.0)));
    found
}

/// Seconds of the loop by phase, one bar a shape.
pub fn breakdown(analysis: &Analysis) -> Option<Drawing> {
    let all = || analysis.timed(Mode::Strong).chain(analysis.timed(Mode::Weak));
    let rows: Vec<(&Row, Vec<(String, f64)>)> =
        all().map(|(row, timing)| (row, parts(timing))).take(MOST_BARS).collect();
    let total = |parts: &[(String, f64)]| parts.iter().map(|(_, seconds)| seconds).sum::<f64>();
    let most = rows.iter().map(|(_, parts)| total(parts)).fold(0.0, f64::max);
    if rows.is_empty() || most <= 0.0 {
        return None;
    }
    let mut axes =
        Axes::new("Where the time goes", Scale::Linear(0.0, rows.len() as f64), Scale::Linear(0.0, 1.08 * most), 128.0);
    axes.y_grid("");
    for (n, (row, parts)) in rows.iter().enumerate() {
        bar(&mut axes, n, parts);
        let [x, _] = axes.at(n as f64 + 0.5, 0.0);
        let letter = if row.mode == Mode::Weak { "w " } else { "" };
        axes.below(x, &format!("{letter}{}", row.shape.words()));
    }
    for (name, _) in &rows[0].1 {
        axes.legend(name, phase(name), false, false);
    }
    axes.names("ranks x threads (w: weak)", "seconds in the loop, mean over ranks");
    axes.frame();
    Some(axes.drawing)
}

fn bar(axes: &mut Axes, n: usize, parts: &[(String, f64)]) {
    let mut bottom = 0.0;
    for (name, seconds) in parts.iter().filter(|(_, seconds)| *seconds > 0.0) {
        let [left, top] = axes.at(n as f64 + 0.2, bottom + seconds);
        let [right, floor] = axes.at(n as f64 + 0.8, bottom);
        axes.drawing.rectangle([left, top], [right - left, floor - top], phase(name));
        bottom += seconds;
    }
}

/// Bytes between ranks of the timed shape with the most ranks.
pub fn matrix(analysis: &Analysis) -> Option<Drawing> {
    let all = analysis.timed(Mode::Strong).chain(analysis.timed(Mode::Weak));
    let (row, timing) = all.filter(|(row, _)| row.shape.ranks > 1).max_by_key(|(row, _)| row.shape.ranks)?;
    let ranks = row.shape.ranks;
    let sent: Vec<[f64; 4]> = timing.report["loop"]["sent"].as_array()?.iter().filter_map(numbers).collect();
    let most = sent.iter().map(|row| row[3]).fold(0.0, f64::max);
    if most <= 0.0 {
        return None;
    }
    let (unit, name) = unit(most);
    let title = format!("Bytes sent in the loop, {} {}", row.mode.name(), row.shape.words());
    let mut drawing = Drawing::new([560.0, 500.0], title.clone());
    drawing.heading([70.0, 20.0], title);
    let (left, top, edge) = (70.0, 46.0, 380.0);
    let cell = edge / ranks as f64;
    drawing.rectangle([left, top], [edge, edge], Tint::Grid);
    for [from, to, _, bytes] in sent {
        let at = [left + to * cell, top + from * cell];
        drawing.rectangle([at[0] + 0.5, at[1] + 0.5], [cell - 1.0, cell - 1.0], Tint::Level(bytes / most));
        if ranks <= MOST_NUMBERS {
            let tint = if bytes > 0.6 * most { Tint::Level(0.0) } else { Tint::Level(1.0) };
            drawing.text(
                [at[0] + 0.5 * cell, at[1] + 0.5 * cell],
                format!("{:.1}", bytes / unit),
                tint,
                Anchor::Middle,
            );
        }
    }
    labels(&mut drawing, ranks, [left, top], edge);
    bar_of_colours(&mut drawing, [left + edge + 24.0, top], edge, most / unit, name);
    Some(drawing)
}

fn numbers(row: &Value) -> Option<[f64; 4]> {
    let values: Vec<f64> = row.as_array()?.iter().filter_map(Value::as_f64).collect();
    values.try_into().ok()
}

fn unit(most: f64) -> (f64, &'static str) {
    [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")].into_iter().find(|(size, _)| most >= *size).unwrap_or((1.0, "B"))
}

fn labels(drawing: &mut Drawing, ranks: usize, [left, top]: [f64; 2], edge: f64) {
    let cell = edge / ranks as f64;
    let every = ranks.div_ceil(16);
    for rank in (0..ranks).step_by(every) {
        let middle = (rank as f64 + 0.5) * cell;
        drawing.text([left + middle, top + edge + 14.0], rank.to_string(), Tint::Muted, Anchor::Middle);
        drawing.text([left - 8.0, top + middle], rank.to_string(), Tint::Muted, Anchor::End);
    }
    drawing.text([left + 0.5 * edge, top + edge + 38.0], "receiving rank", Tint::Ink, Anchor::Middle);
    let at = [24.0, top + 0.5 * edge];
    drawing.marks.push(super::drawing::Mark::Text {
        at,
        text: "sending rank".into(),
        tint: Tint::Ink,
        anchor: Anchor::Middle,
        bold: false,
        upright: true,
    });
}

fn bar_of_colours(drawing: &mut Drawing, [x, top]: [f64; 2], edge: f64, most: f64, unit: &str) {
    let steps = 64;
    for n in 0..steps {
        let share = n as f64 / steps as f64;
        let height = edge / steps as f64;
        drawing.rectangle([x, top + edge - (n as f64 + 1.0) * height], [16.0, height + 0.5], Tint::Level(share));
    }
    for share in [0.0, 0.5, 1.0] {
        drawing.text(
            [x + 22.0, top + edge * (1.0 - share)],
            format!("{:.1} {unit}", share * most),
            Tint::Muted,
            Anchor::Start,
        );
    }
}
