//! A few steps of a timeline as bars, one row a thread: whether messages hide behind computing is seen at a glance.

use super::scaling::drawing::escaped;
use super::timeline::{Bar, Lane, Timeline};
use std::fmt::Write;

/// Width of the picture, of the names at its left, and height of a row.
const SIZES: [f64; 3] = [900.0, 110.0, 26.0];
/// Rows beyond this number are left out.
const ROWS: usize = 32;
/// Bars of less than this part of the width are left out.
const THINNEST: f64 = 0.05;

/// Colours of phases, from the palette of Okabe and Ito, which all readers can tell apart; others are grey.
const COLOURS: [(&str, &str); 11] = [
    ("interior", "#0072b2"),
    ("near", "#0072b2"),
    ("far", "#56b4e9"),
    ("rim", "#56b4e9"),
    ("halo", "#d55e00"),
    ("exchange", "#d55e00"),
    ("build", "#009e73"),
    ("upward", "#f0e442"),
    ("integration", "#cc79a7"),
    ("diagnostics", "#e69f00"),
    ("tiles", "#999999"),
];

/// Draws `count` steps in the middle of the run as SVG, for a page of its own or to be laid into one; colours follow the page's text.
/// Without steps, or without the rows of their threads, it is an empty picture that says so.
pub fn gantt(timeline: &Timeline, count: usize) -> String {
    let Some(window) = window(timeline, count) else { return empty() };
    let lanes = &timeline.lanes[..timeline.lanes.len().min(ROWS)];
    let height = SIZES[2] * (lanes.len() as f64 + 2.5);
    let mut svg = open(height);
    for (row, lane) in lanes.iter().enumerate() {
        draw_lane(&mut svg, lane, row, window);
    }
    axis(&mut svg, lanes.len(), window);
    legend(&mut svg, lanes, window, height);
    if timeline.lanes.len() > ROWS {
        text(&mut svg, [SIZES[0] - 4.0, 12.0], "end", &format!("{} of {} threads", ROWS, timeline.lanes.len()));
    }
    svg + "</svg>\n"
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

fn open(height: f64) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {height:.0}\" role=\"img\" font-family=\"sans-serif\" \
         font-size=\"11\" fill=\"currentColor\"><title>Timeline of some steps</title>\n",
        SIZES[0]
    )
}

fn empty() -> String {
    let mut svg = open(3.0 * SIZES[2]);
    text(&mut svg, [SIZES[1], 1.5 * SIZES[2]], "start", "no step was recorded");
    svg + "</svg>\n"
}

/// The bars of a thread: phases over the whole row, what a worker does in them as a thinner one.
fn draw_lane(svg: &mut String, lane: &Lane, row: usize, window: [f64; 2]) {
    let top = SIZES[2] * (row as f64 + 0.75);
    text(svg, [SIZES[1] - 6.0, top + 0.6 * SIZES[2]], "end", &format!("rank {} thread {}", lane.rank, lane.thread));
    for bar in lane.bars.iter().filter(|bar| !["step", "walk"].contains(&bar.name.as_str())) {
        let place = [bar.begin, bar.begin + bar.length].map(|at| x_of(at, window));
        let width = place[1] - place[0];
        if width < THINNEST {
            continue;
        }
        let (inset, height) = if bar.name == "tiles" { (0.3, 0.3) } else { (0.05, 0.8) };
        writeln!(
            svg,
            "<rect x=\"{:.2}\" y=\"{:.1}\" width=\"{width:.2}\" height=\"{:.1}\" fill=\"{}\"><title>{}: {:.1} us</title></rect>",
            place[0],
            top + inset * SIZES[2],
            height * SIZES[2],
            colour(&bar.name),
            escaped(&bar.name),
            bar.length
        )
        .expect("writing to a string");
    }
}

fn x_of(at: f64, [begin, end]: [f64; 2]) -> f64 {
    let share = (at - begin) / (end - begin).max(1e-9);
    SIZES[1] + share.clamp(0.0, 1.0) * (SIZES[0] - SIZES[1] - 10.0)
}

fn colour(name: &str) -> &'static str {
    COLOURS.iter().find(|(known, _)| *known == name).map_or("#999999", |(_, colour)| colour)
}

fn axis(svg: &mut String, rows: usize, window: [f64; 2]) {
    let base = SIZES[2] * (rows as f64 + 0.9);
    for part in 0..=4 {
        let at = window[0] + f64::from(part) / 4.0 * (window[1] - window[0]);
        let (x, label) = (x_of(at, window), format!("{:.3} ms", (at - window[0]) / 1e3));
        writeln!(
            svg,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{base:.1}\" y2=\"{:.1}\" stroke=\"currentColor\"/>",
            base + 4.0
        )
        .expect("writing to a string");
        text(svg, [x, base + 15.0], if part == 4 { "end" } else { "middle" }, &label);
    }
}

/// The phases that can be seen.
fn legend(svg: &mut String, lanes: &[Lane], window: [f64; 2], height: f64) {
    let is_seen = |bar: &&Bar| bar.begin < window[1] && bar.begin + bar.length > window[0];
    let seen = |name: &str| lanes.iter().flat_map(|lane| &lane.bars).filter(is_seen).any(|bar| bar.name == name);
    let mut x = SIZES[1];
    for (name, colour) in COLOURS.iter().filter(|(name, _)| seen(name)) {
        writeln!(svg, "<rect x=\"{x:.0}\" y=\"{:.0}\" width=\"11\" height=\"11\" fill=\"{colour}\"/>", height - 16.0)
            .expect("writing to a string");
        text(svg, [x + 15.0, height - 6.0], "start", name);
        x += 26.0 + 7.0 * name.len() as f64;
    }
}

fn text(svg: &mut String, [x, y]: [f64; 2], anchor: &str, words: &str) {
    writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>")
        .expect("writing to a string");
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
        let svg = gantt(&sample(10), 2);
        // Steps 4 and 5, from 400 to 600 us, over 780 units from 110: a halo of 10 us is 39 wide.
        assert!(svg.contains("<rect x=\"110.00\" y=\"20.8\" width=\"39.00\""), "{svg}");
        assert_eq!(svg.matches(">interior: 80.0 us<").count(), 2);
        assert!(svg.contains("rank 1 thread 0") && svg.contains("0.200 ms") && svg.contains(">rim<"), "{svg}");
        assert!(!svg.contains("near"), "only what is seen has a place in the legend");
    }

    #[test]
    fn without_steps_it_says_so() {
        for timeline in [Timeline::default(), sample(0)] {
            assert!(gantt(&timeline, 3).contains("no step was recorded"));
        }
    }
}
