//! A picture as a list of shapes, written as SVG here and as pixels in [`super::raster`].
//!
//! Colours are roles and not values, so that one picture suits a light and a dark page: an SVG file brings a style sheet with both, a
//! page brings its own ([`STYLE`]). Coordinates run to the right and down, in pixels.
//!
//! Refused: a crate for plots. A few figures need lines, bars and text; `plotters` brings its own fonts or none for PNG, and `kuva` more
//! crates than this program has.

use std::fmt::Write;

/// A role of colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tint {
    /// Text and axes.
    Ink,
    /// Lesser text, and what is only a reference.
    Muted,
    /// Grid lines.
    Grid,
    /// The background.
    Paper,
    /// A series of data.
    Series(usize),
    /// A level of the colour map, 0 to 1.
    Level(f64),
}

/// Colours of series, legible on both backgrounds.
pub const SERIES: [[u8; 3]; 8] = [
    [46, 117, 214],
    [221, 125, 32],
    [33, 158, 112],
    [200, 70, 150],
    [135, 98, 210],
    [160, 145, 20],
    [120, 130, 145],
    [210, 70, 80],
];

/// The colour of a phase in all figures: of those that are seen together no two have the same. What no phase has is grey.
pub fn phase(name: &str) -> Tint {
    Tint::Series(match name {
        "interior" | "near" => 0,
        "halo" | "exchange" => 1,
        "rim" | "far" => 2,
        "build" => 3,
        "upward" => 4,
        "integration" => 5,
        "diagnostics" => 7,
        _ => 6,
    })
}

/// Where a text is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// At its left end.
    Start,
    /// At its middle.
    Middle,
    /// At its right end.
    End,
}

/// A shape.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Mark {
    /// A line through points.
    Line { points: Vec<[f64; 2]>, tint: Tint, width: f64, dashed: bool },
    /// A filled polygon, with what is told of it when it is pointed at.
    Area { points: Vec<[f64; 2]>, tint: Tint, opacity: f64, note: String },
    /// A disc.
    Dot { at: [f64; 2], radius: f64, tint: Tint },
    /// A line of text; `at` is its anchor on the middle of the line.
    Text { at: [f64; 2], text: String, tint: Tint, anchor: Anchor, bold: bool, upright: bool },
}

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// Pixels to the right and down.
    pub size: [f64; 2],
    /// What it shows, for readers who do not see it.
    pub title: String,
    /// Shapes, the hindmost first.
    pub(super) marks: Vec<Mark>,
}

/// Style sheet of all drawings.
pub const STYLE: &str = "svg.plot{--ink:#1f2328;--muted:#6a727d;--grid:#dfe3e8;--paper:#ffffff;font-family:system-ui,'DejaVu Sans',\
sans-serif;font-size:13px}\n@media(prefers-color-scheme:dark){svg.plot{--ink:#e6e9ee;--muted:#9aa4b1;--grid:#363c45;--paper:#16191e}}";

impl Tint {
    /// Red, green and blue on a light page.
    pub fn light(self) -> [u8; 3] {
        match self {
            Tint::Ink => [31, 35, 40],
            Tint::Muted => [106, 114, 125],
            Tint::Grid => [223, 227, 232],
            Tint::Paper => [255, 255, 255],
            Tint::Series(n) => SERIES[n % SERIES.len()],
            Tint::Level(value) => colorous::VIRIDIS.eval_continuous(value.clamp(0.0, 1.0)).as_array(),
        }
    }

    fn css(self) -> String {
        match self {
            Tint::Ink => "var(--ink)".to_owned(),
            Tint::Muted => "var(--muted)".to_owned(),
            Tint::Grid => "var(--grid)".to_owned(),
            Tint::Paper => "var(--paper)".to_owned(),
            _ => {
                let [r, g, b] = self.light();
                format!("#{r:02x}{g:02x}{b:02x}")
            }
        }
    }
}

impl Drawing {
    /// An empty sheet.
    pub fn new(size: [f64; 2], title: impl Into<String>) -> Drawing {
        Drawing { size, title: title.into(), marks: Vec::new() }
    }

    /// A line.
    pub fn line(&mut self, points: Vec<[f64; 2]>, tint: Tint, width: f64) {
        self.marks.push(Mark::Line { points, tint, width, dashed: false });
    }

    /// A dashed line.
    pub fn dashes(&mut self, points: Vec<[f64; 2]>, tint: Tint, width: f64) {
        self.marks.push(Mark::Line { points, tint, width, dashed: true });
    }

    /// A filled rectangle.
    pub fn rectangle(&mut self, at: [f64; 2], size: [f64; 2], tint: Tint) {
        self.noted(at, size, tint, String::new());
    }

    /// A filled rectangle that tells something when it is pointed at.
    pub fn noted(&mut self, [x, y]: [f64; 2], [width, height]: [f64; 2], tint: Tint, note: String) {
        let points = vec![[x, y], [x + width, y], [x + width, y + height], [x, y + height]];
        self.marks.push(Mark::Area { points, tint, opacity: 1.0, note });
    }

    /// A filled polygon; nothing without an inside.
    pub fn area(&mut self, points: Vec<[f64; 2]>, tint: Tint, opacity: f64) {
        if points.len() > 2 {
            self.marks.push(Mark::Area { points, tint, opacity, note: String::new() });
        }
    }

    /// A disc.
    pub fn dot(&mut self, at: [f64; 2], radius: f64, tint: Tint) {
        self.marks.push(Mark::Dot { at, radius, tint });
    }

    /// A line of text.
    pub fn text(&mut self, at: [f64; 2], text: impl Into<String>, tint: Tint, anchor: Anchor) {
        self.marks.push(Mark::Text { at, text: text.into(), tint, anchor, bold: false, upright: false });
    }

    /// The title of the picture.
    pub fn heading(&mut self, at: [f64; 2], text: impl Into<String>) {
        let (text, anchor) = (text.into(), Anchor::Start);
        self.marks.push(Mark::Text { at, text, tint: Tint::Ink, anchor, bold: true, upright: false });
    }

    /// As SVG: a file of its own with its style sheet, or a part of a page that has it.
    pub fn svg(&self, alone: bool) -> String {
        let [width, height] = self.size;
        let mut svg = format!(
            "<svg class=\"plot\" style=\"--drawn:{width}px\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">",
            escaped(&self.title)
        );
        if alone {
            let _ = write!(
                svg,
                "<style>{STYLE}</style><rect width=\"{width}\" height=\"{height}\" fill=\"var(--paper)\"/>"
            );
        }
        let _ = write!(svg, "<title>{}</title>", escaped(&self.title));
        self.marks.iter().for_each(|mark| svg.push_str(&mark.svg()));
        svg.push_str("</svg>\n");
        svg
    }
}

impl Mark {
    fn svg(&self) -> String {
        let places =
            |points: &[[f64; 2]]| points.iter().map(|[x, y]| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ");
        match self {
            Mark::Line { points, tint, width, dashed } => format!(
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{width}\"{}/>",
                places(points),
                tint.css(),
                if *dashed { " stroke-dasharray=\"6 4\"" } else { "" }
            ),
            Mark::Area { points, tint, opacity, note } => format!(
                "<polygon points=\"{}\" fill=\"{}\" fill-opacity=\"{opacity}\"{}",
                places(points),
                tint.css(),
                if note.is_empty() { "/>".to_owned() } else { format!("><title>{}</title></polygon>", escaped(note)) }
            ),
            Mark::Dot { at: [x, y], radius, tint } => {
                format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{}\"/>", tint.css())
            }
            Mark::Text { at: [x, y], text, tint, anchor, bold, upright } => {
                let anchor = ["start", "middle", "end"][*anchor as usize];
                let weight = if *bold { " font-weight=\"600\"" } else { "" };
                let turned = if *upright { format!(" transform=\"rotate(-90 {x:.1} {y:.1})\"") } else { String::new() };
                format!(
                    "<text x=\"{x:.1}\" y=\"{y:.1}\" dy=\"0.35em\" text-anchor=\"{anchor}\" fill=\"{}\"{weight}{turned}>{}</text>",
                    tint.css(),
                    escaped(text)
                )
            }
        }
    }
}

/// A text as it may stand in XML and HTML.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_cannot_break_out() {
        let mut drawing = Drawing::new([100.0, 50.0], "a \"b\" <script>");
        drawing.text([1.0, 2.0], "<&>\n", Tint::Ink, Anchor::End);
        let svg = drawing.svg(true);
        assert!(
            !svg.contains("<script>") && svg.contains("&lt;&amp;&gt; </text>") && svg.contains("text-anchor=\"end\""),
            "{svg}"
        );
        assert!(svg.contains("prefers-color-scheme:dark") && !drawing.svg(false).contains("<style>"));
    }
}
