//! A picture of a plane for people: the plane in its true proportions, axes with lengths, title, time, and a labelled colour bar.
//!
//! ```text
//!   title                                  t = 1.250 s
//!      +-----------------------+   +--+
//!  y   |                       |   |  |- 100   temperature
//! (cm) |        plane          |   |  |-  80   (degrees)
//!      +-----------------------+   +--+
//!               x (cm)
//! ```
//! A small grid is enlarged by whole factors, so that every cell has the same size. A plane more than six times as long as
//! wide is stretched to that, and its axis says so.

use super::canvas::{self, BLACK, Canvas, GREY, text_width};
use super::slice::{Slice, SlicePlan};
use super::ticks;
use crate::error::{Error, Result};
use crate::grid::UniformGrid;
use crate::run_config::Colormap;
use embedded_graphics::mono_font::MonoFont;
use embedded_graphics::mono_font::iso_8859_1::{FONT_9X15, FONT_10X20};
use std::io::Write;

const TITLE: &MonoFont = &FONT_10X20;
const LABEL: &MonoFont = &FONT_9X15;
/// Distance between things, in pixels.
const GAP: i32 = 12;
const TICK: i32 = 6;
const BAR: i32 = 20;
/// Longest edge over shortest before the plane is stretched.
const SLIMMEST: f64 = 6.0;

/// What a picture says and how it looks, the same for all times.
#[derive(Clone, Debug, PartialEq)]
pub struct Design {
    /// Size of the plane in pixels.
    pub plane: [usize; 2],
    /// To the right, and upwards.
    sides: [Side; 2],
    title: String,
    quantity: String,
    /// Unit of times; `None` for seconds, which are turned into one that suits.
    time_unit: Option<String>,
    /// Values are decimal logarithms of the quantity.
    logarithmic: bool,
}

/// One side of the plane.
#[derive(Clone, Debug, PartialEq)]
struct Side {
    /// Coordinates of the ends, in the unit that the label names.
    ends: [f64; 2],
    label: String,
}

/// What a picture of a square window of space says.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowText {
    /// Names of the axes to the right and upwards.
    pub names: [&'static str; 2],
    /// Unit of length; empty if it has no name.
    pub length: String,
    /// Unit of time; empty if it has no name.
    pub time: String,
    /// Title of the picture.
    pub title: String,
    /// What the colours mean, with its unit.
    pub quantity: String,
}

impl Design {
    /// A design for the plane of a plan, its longest edge at most `pixels` long. `unit` is that of the temperature; `degrees` if
    /// empty.
    pub fn new(
        grid: &UniformGrid,
        axis: usize,
        position: Option<f64>,
        pixels: usize,
        title: &str,
        unit: &str,
    ) -> Design {
        let plan = SlicePlan::new(grid, axis, position, [1, 1]);
        let lengths = plan.axes.map(|a| grid.length(a));
        let (plane, stretched) = plane_size(lengths, plan.axes.map(|a| grid.spacing[a]), pixels.max(8));
        let unit = if unit.is_empty() { "degrees" } else { unit };
        let title = match grid.dimensions {
            2 => title.to_owned(),
            _ => format!("{title}, {}", plane_name(grid, &plan)),
        };
        let (length_unit, metres) = ticks::length_unit(lengths[0].max(lengths[1]));
        let side = |side: usize| Side {
            ends: [0.0, lengths[side] / metres],
            label: format!("{} ({length_unit}){}", ["x", "y", "z"][plan.axes[side]], stretched[side]),
        };
        Design {
            plane,
            sides: [side(0), side(1)],
            title: latin(&title),
            quantity: latin(&format!("temperature ({unit})")),
            time_unit: None,
            logarithmic: false,
        }
    }

    /// A design for a square window of space, whose values are decimal logarithms.
    pub fn of_window(ends: [[f64; 2]; 2], pixels: usize, text: &WindowText) -> Design {
        let side = |side: usize| Side { ends: ends[side], label: latin(&with_unit(text.names[side], &text.length)) };
        Design {
            plane: [pixels; 2],
            sides: [side(0), side(1)],
            title: latin(&text.title),
            quantity: latin(&text.quantity),
            time_unit: Some(text.time.clone()),
            logarithmic: true,
        }
    }

    /// Draws a slice with the colours spread over `range`.
    pub fn draw(&self, slice: &Slice, time: f64, range: [f64; 2]) -> Canvas {
        let range = if range[1] > range[0] { range } else { [range[0] - 0.5, range[0] + 0.5] };
        let layout = Layout::new(self, range);
        let mut canvas = Canvas::new(layout.width as usize, layout.height as usize);
        self.draw_heading(&mut canvas, &layout, time);
        self.draw_plane(&mut canvas, &layout, slice, range);
        self.draw_axes(&mut canvas, &layout);
        self.draw_bar(&mut canvas, &layout, range);
        canvas
    }

    fn draw_heading(&self, canvas: &mut Canvas, layout: &Layout, time: f64) {
        // A snapshot of unknown time is shown without one.
        let time = if time.is_nan() { String::new() } else { format!("t = {}", self.time_text(time)) };
        let right = layout.width - GAP - text_width(&time, LABEL);
        let title = shortened(&self.title, layout.width - 2 * GAP, TITLE);
        canvas.text(&title, [GAP, GAP], TITLE, BLACK);
        let shared = text_width(&title, TITLE) + 2 * GAP <= right;
        canvas.text(&time, [right, if shared { GAP + 4 } else { GAP + 24 }], LABEL, GREY);
    }

    fn draw_plane(&self, canvas: &mut Canvas, layout: &Layout, slice: &Slice, range: [f64; 2]) {
        let [left, top] = layout.plane;
        for y in 0..self.plane[1] {
            for x in 0..self.plane[0] {
                let ink = canvas::ink_of(slice.at_pixel([x, y], self.plane), range);
                canvas.set(left + x as i32, top + y as i32, ink);
            }
        }
        canvas.outline(layout.plane, self.extent(), BLACK);
    }

    fn draw_axes(&self, canvas: &mut Canvas, layout: &Layout) {
        let ([left, top], [width, height]) = (layout.plane, self.extent());
        for (at, text) in self.axis_ticks(0) {
            let x = left + at.round() as i32;
            canvas.fill([x, top + height], [1, TICK], BLACK);
            canvas.text(&text, [x - text_width(&text, LABEL) / 2, top + height + TICK + 3], LABEL, BLACK);
        }
        for (at, text) in self.axis_ticks(1) {
            let y = top + height - 1 - at.round() as i32;
            canvas.fill([left - TICK, y], [TICK, 1], BLACK);
            canvas.text(&text, [left - TICK - 4 - text_width(&text, LABEL), y - 7], LABEL, BLACK);
        }
        let [right, up] = self.sides.each_ref().map(|side| side.label.as_str());
        let below = top + height + TICK + 3 + 15 + 4;
        canvas.text(right, [left + (width - text_width(right, LABEL)) / 2, below], LABEL, GREY);
        canvas.text_upwards(up, [GAP, top + (height - text_width(up, LABEL)) / 2], LABEL, GREY);
    }

    /// Positions in pixels from the origin of the plane, and texts, along one of its sides.
    fn axis_ticks(&self, side: usize) -> Vec<(f64, String)> {
        let room = if side == 0 { 60 } else { 40 };
        let [low, high] = self.sides[side].ends;
        let scale = (self.plane[side] as f64 - 1.0) / (high - low);
        let marks = ticks::ticks(low, high, (self.plane[side] / room).clamp(2, 8));
        let few = if self.plane[side] < 2 * 20 { 1 } else { usize::MAX };
        marks.into_iter().take(few).map(|(value, text)| ((value - low) * scale, text)).collect()
    }

    /// Positions on the colour bar as values, and texts.
    fn bar_ticks(&self, range: [f64; 2], most: usize) -> Vec<(f64, String)> {
        if self.logarithmic { ticks::decades(range[0], range[1], most) } else { ticks::ticks(range[0], range[1], most) }
    }

    fn time_text(&self, time: f64) -> String {
        match self.time_unit.as_deref() {
            None => ticks::time_text(time),
            Some(unit) => format!("{} {unit}", ticks::significant(time)).trim_end().to_owned(),
        }
    }

    fn draw_bar(&self, canvas: &mut Canvas, layout: &Layout, range: [f64; 2]) {
        let ([left, top], height) = (layout.bar, layout.bar_height);
        for y in 0..height {
            let value = range[0] + (range[1] - range[0]) * (f64::from(height - 1 - y) + 0.5) / f64::from(height);
            canvas.fill([left, top + y], [BAR, 1], canvas::ink_of(value, range));
        }
        canvas.outline(layout.bar, [BAR, height], BLACK);
        for (value, text) in &layout.bar_ticks {
            let at = (value - range[0]) / (range[1] - range[0]) * f64::from(height - 1);
            let y = top + height - 1 - at.round() as i32;
            canvas.fill([left + BAR, y], [TICK, 1], BLACK);
            canvas.text(text, [left + BAR + TICK + 4, y - 7], LABEL, BLACK);
        }
        let label_top = top + (height - text_width(&self.quantity, LABEL)) / 2;
        canvas.text_upwards(&self.quantity, [layout.width - GAP - 15, label_top.max(top - 30)], LABEL, GREY);
    }

    fn extent(&self) -> [i32; 2] {
        self.plane.map(|n| n as i32)
    }
}

/// Where things stand on the sheet.
struct Layout {
    width: i32,
    height: i32,
    /// Upper left corner of the plane.
    plane: [i32; 2],
    /// Upper left corner of the colour bar.
    bar: [i32; 2],
    bar_height: i32,
    bar_ticks: Vec<(f64, String)>,
}

impl Layout {
    fn new(design: &Design, range: [f64; 2]) -> Layout {
        let [width, height] = design.extent();
        let bar_height = height.max(180);
        let bar_ticks = design.bar_ticks(range, (bar_height as usize / 32).clamp(3, 10));
        let widest = |texts: &mut dyn Iterator<Item = i32>| texts.max().unwrap_or(0);
        let left_text = widest(&mut design.axis_ticks(1).iter().map(|(_, text)| text_width(text, LABEL)));
        let right_text = widest(&mut bar_ticks.iter().map(|(_, text)| text_width(text, LABEL)));
        let left = GAP + 15 + 8 + left_text + 4 + TICK;
        let top = GAP + 20 + GAP + 15;
        let bar = left + width + 2 * GAP;
        let right = bar + BAR + TICK + 4 + right_text + 8 + 15 + GAP;
        let plane_top = top + (bar_height - height) / 2;
        let bottom = (plane_top + height + TICK + 3 + 15 + 4 + 15).max(top + bar_height + 8) + GAP;
        Layout {
            width: right.max(320),
            height: bottom,
            plane: [left, plane_top],
            bar: [bar, top],
            bar_height,
            bar_ticks,
        }
    }
}

/// Size of the plane in pixels and notes on stretched axes.
fn plane_size(lengths: [f64; 2], spacing: [f64; 2], pixels: usize) -> ([usize; 2], [String; 2]) {
    let longest = lengths[0].max(lengths[1]);
    let drawn = lengths.map(|length| length.max(longest / SLIMMEST));
    let stretch: [f64; 2] = std::array::from_fn(|side| drawn[side] / lengths[side]);
    let cell = (spacing[0] * stretch[0]).min(spacing[1] * stretch[1]);
    let enlarged = (cell / longest * pixels as f64 + 1e-9).floor();
    let pitch = if enlarged >= 1.0 { cell / enlarged } else { longest / pixels as f64 };
    let size = drawn.map(|length| ((length / pitch).round() as usize).clamp(1, pixels));
    let note = |side: usize| if stretch[side] > 1.0 { format!(" x{:.1}", stretch[side]) } else { String::new() };
    (size, [note(0), note(1)])
}

/// `z = 1.25 cm`: the centre of the layer of cells that is shown.
fn plane_name(grid: &UniformGrid, plan: &SlicePlan) -> String {
    let center = (plan.layer as f64 + 0.5) * grid.spacing[plan.axis];
    let (unit, metres) = ticks::length_unit(grid.length(plan.axis));
    format!("{} = {} {unit}", ["x", "y", "z"][plan.axis], ticks::significant(center / metres))
}

/// `name (unit)`, or the name alone if the unit has none.
pub fn with_unit(name: &str, unit: &str) -> String {
    if unit.is_empty() { name.to_owned() } else { format!("{name} ({unit})") }
}

/// Text with the characters that the fonts have.
fn latin(text: &str) -> String {
    text.chars().map(|c| if (' '..='~').contains(&c) || ('\u{a0}'..='\u{ff}').contains(&c) { c } else { '?' }).collect()
}

fn shortened(text: &str, room: i32, font: &MonoFont) -> String {
    let most = (room / text_width("x", font)).max(4) as usize;
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most - 3).collect();
    format!("{}...", kept.trim_end())
}

/// Writes a canvas as an indexed PNG.
///
/// # Errors
/// What the writer reports.
pub fn write_png(canvas: &Canvas, map: Colormap, writer: &mut dyn Write) -> std::io::Result<()> {
    let mut encoder = png::Encoder::new(writer, canvas.width as u32, canvas.height as u32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_palette(canvas::palette(map));
    encoder.set_compression(png::Compression::Balanced);
    encoder.set_filter(png::Filter::NoFilter);
    let written = encoder.write_header().and_then(|mut png| {
        png.write_image_data(&canvas.pixels)?;
        png.finish()
    });
    written.map_err(std::io::Error::other)
}

/// The ends of the colour bar for some slices: the wanted ones, or the smallest and largest value of all of them.
///
/// # Errors
/// Exit code 4 if there is no finite value at all.
pub fn color_range<'a>(wanted: Option<[f64; 2]>, slices: impl Iterator<Item = &'a Slice>) -> Result<[f64; 2]> {
    if let Some(range) = wanted {
        return Ok(range);
    }
    let merged = slices.filter_map(Slice::range).reduce(|a, b| [a[0].min(b[0]), a[1].max(b[1])]);
    merged.ok_or_else(|| Error::Numerical("no finite value in the picture".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_grids_are_enlarged_by_whole_factors() {
        assert_eq!(plane_size([1.0, 1.0], [0.01, 0.01], 512).0, [500, 500]);
        assert_eq!(plane_size([1.0, 0.5], [0.001, 0.001], 512).0, [512, 256]);
        assert_eq!(plane_size([1.0, 0.5], [0.1, 0.025], 100).0, [80, 40]);
    }

    #[test]
    fn slim_planes_are_stretched_and_say_so() {
        let (size, notes) = plane_size([0.4, 0.01], [0.001, 0.001], 600);
        assert_eq!(size, [400, 67]);
        assert_eq!(notes, ["", " x6.7"]);
    }

    #[test]
    fn any_size_title_and_range_can_be_drawn() {
        let slice = Slice { samples: [2, 1], values: vec![1.0, f64::NAN] };
        for (cells, pixels) in [([2, 1], 8), ([3000, 1], 900), ([1, 3000], 64)] {
            let grid = UniformGrid::new(&cells, &[1e-6 * cells[0] as f64, 1e-6 * cells[1] as f64]);
            let design = Design::new(&grid, 2, None, pixels, &"long \u{1f525} title ".repeat(20), "");
            for range in [[0.0, 0.0], [-1e300, 1e300], [f64::NAN, 1.0]] {
                let canvas = design.draw(&slice, 1e9, range);
                assert!(canvas.width < 1400 && canvas.height < 1400);
                let mut png = Vec::new();
                write_png(&canvas, Colormap::Viridis, &mut png).unwrap();
                assert!(png.starts_with(b"\x89PNG"));
            }
        }
    }
}
