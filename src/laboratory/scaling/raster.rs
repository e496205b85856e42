//! A drawing as a PNG, on white paper.
//!
//! Lines and discs are drawn by their distance from each pixel, polygons by nine samples in it, so edges are smooth. Text is a bitmap
//! font of this program's pictures: at the scale of 1.5 its 20 pixels are the 13 of the SVG's font.

use super::drawing::{Anchor, Drawing, Mark, Tint};
use crate::output::canvas::{BLACK, Canvas, text_width};
use embedded_graphics::mono_font::MonoFont;
use embedded_graphics::mono_font::iso_8859_1::FONT_10X20;
use std::io;

/// Pixels of the picture in one of the drawing.
const SCALE: f64 = 1.5;
const FONT: &MonoFont = &FONT_10X20;
/// Samples of a pixel in each direction.
const SAMPLES: usize = 3;
/// Pixels of a dash and of the gap behind it.
const DASH: [f64; 2] = [9.0, 6.0];

/// Pixels in red, green and blue.
pub struct Raster {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Raster {
    /// Draws a picture.
    pub fn of(drawing: &Drawing) -> Raster {
        let [width, height] = drawing.size.map(|length| (length * SCALE).round() as usize);
        let mut raster = Raster { width, height, pixels: vec![255; 3 * width * height] };
        drawing.marks.iter().for_each(|mark| raster.draw(mark));
        raster
    }

    /// Writes it as a PNG.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let mut encoder = png::Encoder::new(out, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().map_err(io::Error::other)?;
        writer.write_image_data(&self.pixels).map_err(io::Error::other)?;
        writer.finish().map_err(io::Error::other)
    }

    fn draw(&mut self, mark: &Mark) {
        let scaled = |points: &[[f64; 2]]| points.iter().map(|at| at.map(|x| x * SCALE)).collect::<Vec<_>>();
        match mark {
            Mark::Line { points, tint, width, dashed } => self.line(&scaled(points), *tint, width * SCALE, *dashed),
            Mark::Area { points, tint, opacity, .. } => self.area(&scaled(points), *tint, *opacity),
            Mark::Dot { at, radius, tint } => {
                let (at, radius) = (at.map(|x| x * SCALE), radius * SCALE);
                self.cover(at, at, radius + 1.0, *tint, 1.0, &|p| radius + 0.5 - (p[0] - at[0]).hypot(p[1] - at[1]));
            }
            Mark::Text { at, text, tint, anchor, bold, upright } => {
                self.text(at.map(|x| x * SCALE), text, *tint, *anchor, *bold, *upright);
            }
        }
    }

    /// Blends a tint over the pixels of a box, as far as `coverage` of a pixel's centre says.
    fn cover(
        &mut self,
        a: [f64; 2],
        b: [f64; 2],
        margin: f64,
        tint: Tint,
        opacity: f64,
        coverage: &dyn Fn([f64; 2]) -> f64,
    ) {
        let range = |axis: usize, most: usize| {
            let (low, high) = (a[axis].min(b[axis]) - margin, a[axis].max(b[axis]) + margin);
            (low.max(0.0) as usize).min(most)..(high.max(0.0).ceil() as usize).min(most)
        };
        for y in range(1, self.height) {
            for x in range(0, self.width) {
                let share = coverage([x as f64 + 0.5, y as f64 + 0.5]).clamp(0.0, 1.0) * opacity;
                self.blend(x, y, tint.light(), share);
            }
        }
    }

    fn blend(&mut self, x: usize, y: usize, color: [u8; 3], share: f64) {
        let pixel = &mut self.pixels[3 * (x + self.width * y)..][..3];
        for (old, new) in pixel.iter_mut().zip(color) {
            *old = (f64::from(*old) * (1.0 - share) + f64::from(new) * share).round() as u8;
        }
    }

    fn line(&mut self, points: &[[f64; 2]], tint: Tint, width: f64, dashed: bool) {
        let mut run = 0.0;
        for pair in points.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            let length = (b[0] - a[0]).hypot(b[1] - a[1]);
            self.cover(a, b, 0.5 * width + 1.0, tint, 1.0, &|p| {
                let along = ((p[0] - a[0]) * (b[0] - a[0]) + (p[1] - a[1]) * (b[1] - a[1])) / length.max(1e-9);
                let near = along.clamp(0.0, length);
                let foot = [0, 1].map(|axis| a[axis] + (b[axis] - a[axis]) * near / length.max(1e-9));
                let is_gap = dashed && (run + near) % (DASH[0] + DASH[1]) > DASH[0];
                if is_gap { 0.0 } else { 0.5 * width + 0.5 - (p[0] - foot[0]).hypot(p[1] - foot[1]) }
            });
            run += length;
        }
    }

    fn area(&mut self, points: &[[f64; 2]], tint: Tint, opacity: f64) {
        let corner = |pick: &dyn Fn(f64, f64) -> f64, start: f64| {
            [0, 1].map(|axis| points.iter().fold(start, |m, p| pick(m, p[axis])))
        };
        let (low, high) = (corner(&f64::min, f64::INFINITY), corner(&f64::max, f64::NEG_INFINITY));
        self.cover(low, high, 1.0, tint, opacity, &|p| {
            let step = |n: usize| (n as f64 + 0.5) / SAMPLES as f64 - 0.5;
            let inside = (0..SAMPLES * SAMPLES)
                .filter(|n| is_inside(points, [p[0] + step(n % SAMPLES), p[1] + step(n / SAMPLES)]))
                .count();
            inside as f64 / (SAMPLES * SAMPLES) as f64
        });
    }

    fn text(&mut self, at: [f64; 2], text: &str, tint: Tint, anchor: Anchor, bold: bool, upright: bool) {
        let (width, height) = (text_width(text, FONT), FONT.character_size.height as i32);
        let mut level = Canvas::new(width.max(1) as usize, height as usize);
        level.text(text, [0, 0], FONT, BLACK);
        let before = [0, width / 2, width][anchor as usize];
        for (n, _) in level.pixels.iter().enumerate().filter(|(_, ink)| **ink == BLACK.0) {
            let (right, down) = ((n % level.width) as i32 - before, (n / level.width) as i32 - height / 2);
            for thick in 0..=i32::from(bold) {
                let (x, y) = if upright { (down, -right - thick) } else { (right + thick, down) };
                let [x, y] = [at[0].round() as i32 + x, at[1].round() as i32 + y];
                if (0..self.width as i32).contains(&x) && (0..self.height as i32).contains(&y) {
                    self.blend(x as usize, y as usize, tint.light(), 1.0);
                }
            }
        }
    }
}

/// Whether a point lies in a polygon (even-odd rule).
fn is_inside(points: &[[f64; 2]], [x, y]: [f64; 2]) -> bool {
    let mut inside = false;
    for n in 0..points.len() {
        let (a, b) = (points[n], points[(n + 1) % points.len()]);
        if (a[1] > y) != (b[1] > y) && x < a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]) {
            inside = !inside;
        }
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_where_they_belong() {
        let mut drawing = Drawing::new([40.0, 20.0], "test");
        drawing.rectangle([10.0, 4.0], [8.0, 8.0], Tint::Series(0));
        drawing.line(vec![[0.0, 18.0], [40.0, 18.0]], Tint::Ink, 2.0);
        drawing.dot([30.0, 8.0], 4.0, Tint::Series(1));
        let raster = Raster::of(&drawing);
        let pixel =
            |x: f64, y: f64| &raster.pixels[3 * ((x * SCALE) as usize + raster.width * (y * SCALE) as usize)..][..3];
        assert_eq!((raster.width, raster.height), (60, 30));
        assert_eq!(pixel(14.0, 8.0), Tint::Series(0).light());
        assert_eq!(pixel(20.0, 18.0), Tint::Ink.light());
        assert_eq!(pixel(30.0, 8.0), Tint::Series(1).light());
        assert_eq!(pixel(2.0, 2.0), [255; 3]);
        let mut file = Vec::new();
        raster.write(&mut file).unwrap();
        assert!(file.starts_with(b"\x89PNG"));
    }

    #[test]
    fn texts_leave_ink_and_stay_on_the_sheet() {
        let mut drawing = Drawing::new([60.0, 30.0], "test");
        drawing.text([58.0, 15.0], "far too long a text", Tint::Ink, Anchor::Start);
        drawing.marks.push(Mark::Text {
            at: [10.0, 15.0],
            text: "up".into(),
            tint: Tint::Ink,
            anchor: Anchor::Middle,
            bold: true,
            upright: true,
        });
        let raster = Raster::of(&drawing);
        assert!(raster.pixels.iter().any(|&value| value < 100));
    }
}
