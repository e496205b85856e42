//! Figures with curves: speed-up and efficiency.

use super::analysis::{Analysis, Row, Timing};
use super::axes::{Axes, Scale};
use super::drawing::{Anchor, Drawing, Tint};
use super::hindsight::{Curve, Point};
use super::plan::Mode;

/// Series of the two modes and of the laws.
const MODES: [(Mode, usize, &str); 2] = [(Mode::Strong, 0, "strong"), (Mode::Weak, 1, "weak, scaled by the work done")];
const AMDAHL: Tint = Tint::Series(2);
const USL: Tint = Tint::Series(3);
const GUSTAFSON: Tint = Tint::Series(4);
const PREDICTED: Tint = Tint::Series(7);
/// How far before the first and behind the last point an axis goes.
const ROOM: f64 = 1.15;
/// Opacity of a band.
const BAND: f64 = 0.18;

/// Numbers of workers of all timed shapes.
fn workers(analysis: &Analysis) -> Vec<f64> {
    let all = MODES.iter().flat_map(|(mode, _, _)| analysis.timed(*mode));
    let mut found: Vec<f64> = all.map(|(row, _)| row.workers() as f64).collect();
    found.sort_by(f64::total_cmp);
    found.dedup();
    found
}

/// Speed-up over workers, with the prediction, the laws that were fitted and the ideal.
pub fn speedup(analysis: &Analysis) -> Option<Drawing> {
    let timed = workers(analysis);
    let (first, last) = (*timed.first()?, *timed.last()?);
    let workers = with_predicted(&timed, analysis);
    let end = *workers.last()?;
    let values = MODES.iter().flat_map(|(mode, _, _)| analysis.timed(*mode)).map(|(_, timing)| timing.speedup);
    let values = values.chain(predicted_points(analysis).flat_map(|point| point.band));
    let (low, high) = values.fold((first, end), |(low, high), s| (low.min(s), high.max(s)));
    let mut axes = Axes::new(
        "Speed-up",
        Scale::Log(first / ROOM, end * ROOM),
        Scale::Log(low / ROOM.powi(2), high * ROOM.powi(2)),
        0.0,
    );
    axes.x_grid(Some(&workers));
    axes.y_grid("");
    axes.curve(|n| n, Tint::Muted, true);
    axes.legend("ideal", Tint::Muted, true, true);
    predicted(&mut axes, analysis, &|_, speedup| speedup);
    laws(&mut axes, analysis, last * ROOM);
    points(&mut axes, analysis, &|timing| timing.speedup);
    axes.names("workers (ranks x threads)", "speed-up");
    axes.frame();
    Some(axes.drawing)
}

/// The laws that were fitted, up to the last number of workers that was measured.
fn laws(axes: &mut Axes, analysis: &Analysis, end: f64) {
    let up_to = |n: f64, speedup: f64| if n <= end { speedup } else { f64::NAN };
    let laws = &analysis.laws;
    let base = analysis.timed(Mode::Strong).next().map(|(row, timing)| timing.median_s * row.workers() as f64);
    if let (Ok(fit), Some(one_s)) = (&laws.amdahl, base) {
        axes.curve(|n| up_to(n, one_s / fit.seconds(n)), AMDAHL, false);
        axes.legend(&format!("Amdahl, serial {:.1} %", 100.0 * fit.serial.value), AMDAHL, true, false);
    }
    if let Ok(fit) = &laws.usl {
        axes.curve(|n| up_to(n, fit.speedup(n)), USL, true);
        let text = format!("USL, sigma {:.3}, kappa {:.1e}", fit.sigma.value, fit.kappa.value);
        axes.legend(&text, USL, true, true);
    }
    if let Ok(fit) = &laws.gustafson {
        axes.curve(|n| up_to(n, fit.speedup(n)), GUSTAFSON, false);
        axes.legend(&format!("Gustafson, serial {:.1} %", 100.0 * fit.serial.value), GUSTAFSON, true, false);
    }
}

/// The predicted curves of all modes.
fn predictions(analysis: &Analysis) -> impl Iterator<Item = &Curve> {
    analysis.hindsight.iter().flat_map(|hindsight| &hindsight.curves)
}

fn predicted_points(analysis: &Analysis) -> impl Iterator<Item = &Point> {
    predictions(analysis).flat_map(|curve| curve.timed.iter().chain(&curve.beyond))
}

/// Numbers of workers, and those of the prediction.
fn with_predicted(workers: &[f64], analysis: &Analysis) -> Vec<f64> {
    let mut found: Vec<f64> = workers.iter().copied().chain(predicted_points(analysis).map(|p| p.workers)).collect();
    found.sort_by(f64::total_cmp);
    found.dedup();
    found
}

/// What was predicted: a line over the measured shapes, and dashed with its band beyond them. `value` makes the figure's quantity from
/// workers and speed-up.
fn predicted(axes: &mut Axes, analysis: &Analysis, value: &dyn Fn(f64, f64) -> f64) {
    for curve in predictions(analysis) {
        let at = |axes: &Axes, point: &Point, speedup: f64| axes.near(point.workers, value(point.workers, speedup));
        let edge = |axes: &Axes, end: usize| curve.beyond.iter().map(|p| at(axes, p, p.band[end])).collect::<Vec<_>>();
        let (upper, mut lower) = (edge(axes, 1), edge(axes, 0));
        lower.reverse();
        axes.drawing.area([upper, lower].concat(), PREDICTED, BAND);
        let line = |axes: &Axes, points: &[Point]| points.iter().map(|p| at(axes, p, p.speedup)).collect::<Vec<_>>();
        let (timed, beyond) = (line(axes, &curve.timed), line(axes, &curve.beyond));
        axes.drawing.line(timed, PREDICTED, 2.0);
        axes.drawing.dashes(beyond, PREDICTED, 2.0);
    }
    if predictions(analysis).next().is_some() {
        axes.legend("predicted before the runs", PREDICTED, true, false);
    }
    if predictions(analysis).any(|curve| !curve.beyond.is_empty()) {
        axes.legend("extrapolated: more hosts like this one", PREDICTED, true, true);
    }
}

/// The points of both modes with the intervals of their medians and the names of their shapes.
fn points(axes: &mut Axes, analysis: &Analysis, value: &dyn Fn(&Timing) -> f64) {
    let end = |(row, _): &(&Row, &Timing)| row.workers() as f64;
    for (mode, series, name) in MODES {
        let timed: Vec<(&Row, &Timing)> = analysis.timed(mode).collect();
        let (first, last) = (timed.first().map_or(0.0, end), timed.last().map_or(0.0, end));
        if timed.is_empty() {
            continue;
        }
        axes.legend(name, Tint::Series(series), false, false);
        for (place, &(row, timing)) in timed.iter().enumerate() {
            let (n, y) = (row.workers() as f64, value(timing));
            let ends =
                [timing.interval.high, timing.interval.low].map(|seconds| axes.near(n, y * timing.median_s / seconds));
            axes.drawing.line(ends.to_vec(), Tint::Series(series), 2.0);
            let at = axes.at(n, y);
            axes.drawing.dot(at, 4.5, Tint::Series(series));
            // Names of strong shapes stand on the right of their points, those of weak ones on the left, but for the ends.
            let to_the_right = (mode == Mode::Strong || n <= first) && n < last;
            let (anchor, shift) = if to_the_right { (Anchor::Start, 9.0) } else { (Anchor::End, -9.0) };
            // Shapes of equally many workers are often equally fast: their names must not lie on each other.
            let earlier = timed[..place].iter().filter(|(other, _)| other.workers() == row.workers()).count();
            let side = if (mode == Mode::Weak) == (earlier % 2 == 0) { -1.0 } else { 1.0 };
            let below = side * (10.0 + 16.0 * (earlier / 2) as f64);
            axes.drawing.text([at[0] + shift, at[1] + below], row.shape.words(), Tint::Muted, anchor);
        }
    }
}

/// Efficiency over workers, with the prediction.
pub fn efficiency(analysis: &Analysis) -> Option<Drawing> {
    let workers = with_predicted(&workers(analysis), analysis);
    let (first, last) = (*workers.first()?, *workers.last()?);
    let values = MODES.iter().flat_map(|(mode, _, _)| analysis.timed(*mode)).map(|(_, timing)| timing.efficiency);
    let high = values.fold(1.0, f64::max);
    let mut axes =
        Axes::new("Efficiency", Scale::Log(first / ROOM, last * ROOM), Scale::Linear(0.0, 110.0 * high), 0.0);
    axes.x_grid(Some(&workers));
    axes.y_grid(" %");
    axes.curve(|_| 100.0, Tint::Muted, true);
    // The legend stands inside, where efficiencies are seldom: at the lower left.
    axes.legend_at_the_bottom(if analysis.hindsight.is_some() { 5 } else { 3 });
    axes.legend("ideal", Tint::Muted, true, true);
    predicted(&mut axes, analysis, &|workers, speedup| 100.0 * speedup / workers);
    points(&mut axes, analysis, &|timing| 100.0 * timing.efficiency);
    axes.names("workers (ranks x threads)", "efficiency");
    axes.frame();
    Some(axes.drawing)
}
