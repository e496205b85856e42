//! The frame of a figure: scales, grid, labels, legend.

use super::drawing::{Anchor, Drawing, Mark, Tint};
use crate::output::ticks::{decades, ticks};

/// Size of every figure.
pub const SIZE: [f64; 2] = [720.0, 440.0];
/// Left, top, right and bottom margin.
const MARGINS: [f64; 4] = [74.0, 46.0, 18.0, 58.0];
/// Pixels of a character, for legends.
const CHARACTER: f64 = 7.0;

/// How values become places.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// Between two values.
    Linear(f64, f64),
    /// Between two values, by their logarithms.
    Log(f64, f64),
}

impl Scale {
    /// 0 at the lower end, 1 at the upper.
    pub fn place(self, value: f64) -> f64 {
        match self {
            Scale::Linear(low, high) => (value - low) / (high - low),
            Scale::Log(low, high) => (value / low).ln() / (high / low).ln(),
        }
    }

    /// The value at a share of the way.
    pub fn value(self, share: f64) -> f64 {
        match self {
            Scale::Linear(low, high) => low + share * (high - low),
            Scale::Log(low, high) => low * (high / low).powf(share),
        }
    }

    fn ticks(self, most: usize) -> Vec<(f64, String)> {
        match self {
            Scale::Linear(low, high) => ticks(low, high, most),
            Scale::Log(low, high) => decades(low.log10(), high.log10(), most)
                .into_iter()
                .map(|(power, text)| (10f64.powf(power), text))
                .collect(),
        }
    }
}

/// A figure with two axes.
pub struct Axes {
    /// The sheet.
    pub drawing: Drawing,
    x: Scale,
    y: Scale,
    right: f64,
    legend: f64,
}

impl Axes {
    /// An empty figure; `right` more pixels are kept free on the right.
    pub fn new(title: &str, x: Scale, y: Scale, right: f64) -> Axes {
        let mut drawing = Drawing::new(SIZE, title);
        drawing.heading([MARGINS[0], 20.0], title);
        Axes { drawing, x, y, right, legend: MARGINS[1] + 14.0 }
    }

    fn width(&self) -> f64 {
        SIZE[0] - MARGINS[0] - MARGINS[2] - self.right
    }

    fn height() -> f64 {
        SIZE[1] - MARGINS[1] - MARGINS[3]
    }

    /// The place of a point.
    pub fn at(&self, x: f64, y: f64) -> [f64; 2] {
        [MARGINS[0] + self.x.place(x) * self.width(), MARGINS[1] + (1.0 - self.y.place(y)) * Axes::height()]
    }

    /// As [`Axes::at`], at the nearest place inside the frame.
    pub fn near(&self, x: f64, y: f64) -> [f64; 2] {
        let [across, down] = self.at(x, y);
        [across, down.clamp(MARGINS[1], MARGINS[1] + Axes::height())]
    }

    /// The left end of the frame.
    pub fn left(&self) -> f64 {
        MARGINS[0]
    }

    /// The right end of the frame.
    pub fn edge(&self) -> f64 {
        MARGINS[0] + self.width()
    }

    /// The names of both axes.
    pub fn names(&mut self, x: &str, y: &str) {
        let bottom = SIZE[1] - 16.0;
        self.drawing.text([MARGINS[0] + 0.5 * self.width(), bottom], x, Tint::Ink, Anchor::Middle);
        let at = [16.0, MARGINS[1] + 0.5 * Axes::height()];
        self.drawing.marks.push(Mark::Text {
            at,
            text: y.to_owned(),
            tint: Tint::Ink,
            anchor: Anchor::Middle,
            bold: false,
            upright: true,
        });
    }

    /// Grid lines and numbers of the y axis.
    pub fn y_grid(&mut self, suffix: &str) {
        for (value, text) in self.y.ticks(6) {
            let [_, y] = self.at(self.x.value(0.0), value);
            let edge = self.edge();
            self.drawing.line(vec![[MARGINS[0], y], [edge, y]], Tint::Grid, 1.0);
            self.drawing.text([MARGINS[0] - 8.0, y], format!("{text}{suffix}"), Tint::Muted, Anchor::End);
        }
    }

    /// Grid lines and numbers of the x axis at the given values, or at round ones.
    pub fn x_grid(&mut self, values: Option<&[f64]>) {
        let marks = match values {
            Some(values) => values.iter().map(|&value| (value, format!("{value}"))).collect(),
            None => self.x.ticks(6),
        };
        let [top, bottom] = [MARGINS[1], MARGINS[1] + Axes::height()];
        let mut last = f64::NEG_INFINITY;
        for (value, text) in marks {
            let [x, _] = self.at(value, self.y.value(0.0));
            self.drawing.line(vec![[x, top], [x, bottom]], Tint::Grid, 1.0);
            if x - last > CHARACTER * (text.len() as f64 + 2.0) {
                self.drawing.text([x, bottom + 16.0], text, Tint::Muted, Anchor::Middle);
                last = x;
            }
        }
    }

    /// A text below the axis.
    pub fn below(&mut self, x: f64, text: &str) {
        self.drawing.text([x, MARGINS[1] + Axes::height() + 16.0], text, Tint::Muted, Anchor::Middle);
    }

    /// The two axes, over what has been drawn.
    pub fn frame(&mut self) {
        let [left, right, top, bottom] = [MARGINS[0], self.edge(), MARGINS[1], MARGINS[1] + Axes::height()];
        self.drawing.line(vec![[left, top], [left, bottom], [right, bottom]], Tint::Ink, 1.2);
    }

    /// The legend, of so many entries, goes to the lower end of the frame.
    pub fn legend_at_the_bottom(&mut self, entries: usize) {
        self.legend = MARGINS[1] + Axes::height() - 20.0 * entries as f64;
    }

    /// An entry of the legend, right of the frame if there is room, else inside it.
    pub fn legend(&mut self, text: &str, tint: Tint, is_line: bool, dashed: bool) {
        let x = if self.right > 0.0 { self.edge() + 14.0 } else { MARGINS[0] + 14.0 };
        let y = self.legend;
        self.legend += 20.0;
        if is_line {
            self.drawing.marks.push(Mark::Line { points: vec![[x, y], [x + 22.0, y]], tint, width: 2.0, dashed });
        } else {
            self.drawing.rectangle([x + 5.0, y - 6.0], [12.0, 12.0], tint);
        }
        self.drawing.text([x + 28.0, y], text, Tint::Ink, Anchor::Start);
    }

    /// A curve, cut at the frame.
    pub fn curve(&mut self, law: impl Fn(f64) -> f64, tint: Tint, dashed: bool) {
        let inside = |share: f64| {
            let x = self.x.value(share);
            let y = law(x);
            let place = self.y.place(y);
            (place.is_finite() && (-0.001..=1.001).contains(&place)).then(|| self.at(x, y))
        };
        let points: Vec<[f64; 2]> = (0..=120).filter_map(|n| inside(f64::from(n) / 120.0)).collect();
        if points.len() > 1 {
            self.drawing.marks.push(Mark::Line { points, tint, width: 2.0, dashed });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_go_there_and_back() {
        for scale in [Scale::Linear(2.0, 10.0), Scale::Log(1.0, 64.0)] {
            for share in [0.0, 0.25, 1.0] {
                assert!((scale.place(scale.value(share)) - share).abs() < 1e-12);
            }
        }
        assert!((Scale::Log(1.0, 64.0).place(8.0) - 0.5).abs() < 1e-12);
    }
}
