//! A few steps of a timeline as bars, one row a thread: whether messages hide behind computing is seen at a glance.
//!
//! The picture is a [`Drawing`] like all of the laboratory's, so `run --trace` writes it as SVG and `scaling` lays it into its page.

use super::scaling::drawing::{Anchor, Drawing, Tint, phase};
use super::timeline::{Bar, Lane, Timeline};

/// Width of the picture: not more, so that its text can be read where a phone shows all of it.
const WIDTH: f64 = 560.0;
/// Left and right end of the bars.
const ENDS: [f64; 2] = [112.0, 550.0];
/// Top of the first row, and height of a row.
const ROW: [f64; 2] = [40.0, 26.0];
/// Rows beyond this number are left out.
const ROWS: usize = 32;
/// Bars of less than this part of the width are left out.
const THINNEST: f64 = 0.05;
/// What is drawn, in the order of the legend; steps and walks contain other bars.
const SHOWN: [&str; 11] =
    ["interior", "near", "far", "rim", "halo", "exchange", "build", "upward", "integration", "diagnostics", "tiles"];

/// Draws `count` steps in the middle of the run. Without steps, or without the rows of their threads, it is an empty picture that says so.
pub fn gantt(timeline: &Timeline, count: usize, title: &str) -> Drawing {
    let lanes = &timeline.lanes[..timeline.lanes.len().min(ROWS)];
    let mut drawing = Drawing::new([WIDTH, ROW[0] + 2.0 * ROW[1]], title);
    drawing.heading([12.0, 20.0], title);
    let Some(window) = window(timeline, count) else {
        drawing.text([ENDS[0], ROW[0] + ROW[1]], "no step was recorded", Tint::Ink, Anchor::Start);
        return drawing;
    };
    for (row, lane) in lanes.iter().enumerate() {
        draw_lane(&mut drawing, lane, ROW[0] + ROW[1] * row as f64, window);
    }
    let base = ROW[0] + ROW[1] * lanes.len() as f64 + 4.0;
    axis(&mut drawing, base, window);
    let mut bottom = legend(&mut drawing, lanes, window, base + 42.0);
    if timeline.lanes.len() > ROWS {
        let left_out = format!("{} of {} threads are shown", ROWS, timeline.lanes.len());
        drawing.text([ENDS[0], bottom + 16.0], left_out, Tint::Muted, Anchor::Start);
        bottom += 20.0;
    }
    drawing.size[1] = bottom + 14.0;
    drawing
}

/// Begin and end, in microseconds, of `count` steps in the middle of those of the first rank.
fn window(timeline: &Timeline, count: usize) -> Option<[f64; 2]> {
    let bars = &timeline.lanes.first()?.bars;
    let steps: Vec<&Bar> = bars.iter().filter(|bar| bar.name == "step").collect();
    let first = (steps.len().saturating_sub(count)) / 2;
    let some = &steps[first..(first + count.max(1)).min(steps.len())];
    let (begin, last) = (some.first()?, some.last()?);
    Some([begin.begin, last.begin + last.length])
}

/// The bars of a thread: phases over the whole row, what a worker does in them as a thinner one.
fn draw_lane(drawing: &mut Drawing, lane: &Lane, top: f64, window: [f64; 2]) {
    let name = format!("rank {} thread {}", lane.rank, lane.thread);
    drawing.text([ENDS[0] - 6.0, top + 0.5 * ROW[1]], name, Tint::Ink, Anchor::End);
    for bar in lane.bars.iter().filter(|bar| SHOWN.contains(&bar.name.as_str())) {
        let [left, right] = [bar.begin, bar.begin + bar.length].map(|at| x_of(at, window));
        if right - left < THINNEST {
            continue;
        }
        let (inset, height) = if bar.name == "tiles" { (0.35, 0.3) } else { (0.1, 0.8) };
        let size = [right - left, height * ROW[1]];
        let note = format!("{}: {:.1} us", bar.name, bar.length);
        drawing.noted([left, top + inset * ROW[1]], size, phase(&bar.name), note);
    }
}

fn x_of(at: f64, [begin, end]: [f64; 2]) -> f64 {
    let share = (at - begin) / (end - begin).max(1e-9);
    ENDS[0] + share.clamp(0.0, 1.0) * (ENDS[1] - ENDS[0])
}

/// Milliseconds, to about a thousandth of a picture of `span` milliseconds.
fn milliseconds(value: f64, span: f64) -> String {
    let decimals = [1.0, 10.0, 100.0].iter().filter(|most| span < **most).count();
    format!("{value:.decimals$} ms")
}

fn axis(drawing: &mut Drawing, base: f64, window: [f64; 2]) {
    drawing.line(vec![[ENDS[0], base], [ENDS[1], base]], Tint::Ink, 1.2);
    for part in 0..=4 {
        let at = window[0] + f64::from(part) / 4.0 * (window[1] - window[0]);
        let x = x_of(at, window);
        drawing.line(vec![[x, base], [x, base + 4.0]], Tint::Ink, 1.2);
        let anchor = if part == 4 { Anchor::End } else { Anchor::Middle };
        let label = milliseconds((at - window[0]) / 1e3, (window[1] - window[0]) / 1e3);
        drawing.text([x, base + 15.0], label, Tint::Muted, anchor);
    }
}

/// The phases that can be seen, in as many lines as they need; returns the lowest.
fn legend(drawing: &mut Drawing, lanes: &[Lane], window: [f64; 2], top: f64) -> f64 {
    let is_seen = |bar: &&Bar| bar.begin < window[1] && bar.begin + bar.length > window[0];
    let seen = |name: &str| lanes.iter().flat_map(|lane| &lane.bars).filter(is_seen).any(|bar| bar.name == name);
    let [mut x, mut y] = [12.0, top];
    for name in SHOWN.into_iter().filter(|name| seen(name)) {
        let width = 36.0 + 7.0 * name.len() as f64;
        if x + width > WIDTH {
            (x, y) = (12.0, y + 20.0);
        }
        drawing.rectangle([x, y - 6.0], [12.0, 12.0], phase(name));
        drawing.text([x + 17.0, y], name, Tint::Ink, Anchor::Start);
        x += width;
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(name: &str, begin: f64, length: f64) -> Bar {
        Bar { name: name.to_owned(), begin, length, value: 0 }
    }

    fn sample(steps: usize) -> Timeline {
        let step = |n: usize| {
            let at = 100.0 * n as f64;
            [
                bar("step", at, 100.0),
                bar("halo", at, 10.0),
                bar("interior", at + 10.0, 80.0),
                bar("rim", at + 90.0, 10.0),
            ]
        };
        let bars = (0..steps).flat_map(step).collect();
        Timeline { lanes: vec![Lane { rank: 0, thread: 0, dropped: 0, bars }, Lane { rank: 1, ..Lane::default() }] }
    }

    #[test]
    fn bars_stand_where_their_time_is() {
        let svg = gantt(&sample(10), 2, "Steps").svg(true);
        // Steps 4 and 5, from 400 to 600 us, over 438 units from 112: a halo of 10 us is 21.9 wide.
        assert!(svg.contains("<polygon points=\"112.0,42.6 133.9,42.6 133.9,63.4 112.0,63.4\""), "{svg}");
        assert_eq!(svg.matches(">interior: 80.0 us<").count(), 2);
        assert!(svg.contains("rank 1 thread 0") && svg.contains("0.200 ms") && svg.contains(">rim<"), "{svg}");
        assert!(!svg.contains("near"), "only what is seen has a place in the legend");
    }

    #[test]
    fn labels_are_as_short_as_the_span_allows() {
        let found = [0.2, 7.5, 43.8, 748.8].map(|span| milliseconds(span, span));
        assert_eq!(found, ["0.200 ms", "7.50 ms", "43.8 ms", "749 ms"]);
    }

    #[test]
    fn without_steps_it_says_so() {
        for timeline in [Timeline::default(), sample(0)] {
            assert!(gantt(&timeline, 3, "Steps").svg(true).contains("no step was recorded"));
        }
    }
}
