//! A picture in memory: one palette index per pixel, drawn on with embedded-graphics, saved as an indexed PNG.
//!
//! The palette holds a few greys for text and lines and 240 colours of the colour map. One byte a pixel instead of three makes files and
//! encoding three times as small, and an animation can share one palette. Glyphs of bitmap fonts have no grey edges, so nothing
//! is lost.

use crate::run_config::Colormap;
use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::{PixelColor, raw::RawU8};
use embedded_graphics::text::{Baseline, Text};
use std::convert::Infallible;

/// Index into the palette.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ink(pub u8);

impl PixelColor for Ink {
    type Raw = RawU8;
}

/// Background.
pub const PAPER: Ink = Ink(0);
/// Text and frames.
pub const BLACK: Ink = Ink(1);
/// Lesser text.
pub const GREY: Ink = Ink(2);
/// A value that is not a number.
pub const MISSING: Ink = Ink(3);
/// Where the colour map begins.
const MAP: usize = 16;
/// Colours of the colour map.
pub const LEVELS: usize = 240;

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Canvas {
    /// Pixels to the right.
    pub width: usize,
    /// Pixels downwards.
    pub height: usize,
    /// Palette indices, the top line first.
    pub pixels: Vec<u8>,
}

impl Canvas {
    /// An empty sheet.
    pub fn new(width: usize, height: usize) -> Canvas {
        Canvas { width, height, pixels: vec![PAPER.0; width * height] }
    }

    /// Colours a pixel; outside the sheet nothing happens.
    pub fn set(&mut self, x: i32, y: i32, ink: Ink) {
        if (0..self.width as i32).contains(&x) && (0..self.height as i32).contains(&y) {
            self.pixels[x as usize + self.width * y as usize] = ink.0;
        }
    }

    /// Fills a rectangle with its upper left corner at `(x, y)`.
    pub fn fill(&mut self, [x, y]: [i32; 2], [width, height]: [i32; 2], ink: Ink) {
        for line in y..y + height {
            (x..x + width).for_each(|column| self.set(column, line, ink));
        }
    }

    /// The outline, one pixel wide, just outside a rectangle.
    pub fn outline(&mut self, [x, y]: [i32; 2], [width, height]: [i32; 2], ink: Ink) {
        self.fill([x - 1, y - 1], [width + 2, 1], ink);
        self.fill([x - 1, y + height], [width + 2, 1], ink);
        self.fill([x - 1, y - 1], [1, height + 2], ink);
        self.fill([x + width, y - 1], [1, height + 2], ink);
    }

    /// Writes a line of text with its upper left corner at `(x, y)`.
    pub fn text(&mut self, text: &str, [x, y]: [i32; 2], font: &MonoFont, ink: Ink) {
        let style = MonoTextStyle::new(font, ink);
        let text = Text::with_baseline(text, Point::new(x, y), style, Baseline::Top);
        let Ok(_) = embedded_graphics::Drawable::draw(&text, self);
    }

    /// Writes a line of text from bottom to top, with the upper left corner of the turned text at `(x, y)`.
    pub fn text_upwards(&mut self, text: &str, [x, y]: [i32; 2], font: &MonoFont, ink: Ink) {
        let mut level = Canvas::new(text_width(text, font) as usize, font.character_size.height as usize);
        level.text(text, [0, 0], font, ink);
        for (n, index) in level.pixels.iter().enumerate().filter(|(_, index)| **index != PAPER.0) {
            let (right, down) = ((n % level.width) as i32, (n / level.width) as i32);
            self.set(x + down, y + level.width as i32 - 1 - right, Ink(*index));
        }
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.width as u32, self.height as u32)
    }
}

impl DrawTarget for Canvas {
    type Color = Ink;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Ink>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        pixels.into_iter().for_each(|Pixel(at, ink)| self.set(at.x, at.y, ink));
        Ok(())
    }
}

/// Pixels that a line of text takes to the right.
pub fn text_width(text: &str, font: &MonoFont) -> i32 {
    text.chars().count() as i32 * (font.character_size.width + font.character_spacing) as i32
}

/// The ink for a value on a scale from `low` to `high`.
pub fn ink_of(value: f64, [low, high]: [f64; 2]) -> Ink {
    match level_of(value, [low, high], LEVELS) {
        Some(level) => Ink((MAP + level) as u8),
        None => MISSING,
    }
}

/// Number of the level, of `levels` equal ones, that a value falls in; values outside take the first or last. `None` for NaN.
pub fn level_of(value: f64, [low, high]: [f64; 2], levels: usize) -> Option<usize> {
    let fraction = if high > low { (value - low) / (high - low) } else { value - low + 0.5 };
    (!fraction.is_nan()).then(|| ((fraction.clamp(0.0, 1.0) * levels as f64) as usize).min(levels - 1))
}

/// Red, green and blue of a level of a colour map.
pub fn color_of(map: Colormap, level: usize, levels: usize) -> [u8; 3] {
    let gradient = match map {
        Colormap::Inferno => colorous::INFERNO,
        Colormap::Viridis => colorous::VIRIDIS,
        Colormap::Magma => colorous::MAGMA,
        Colormap::Cividis => colorous::CIVIDIS,
    };
    gradient.eval_rational(level, levels).as_array()
}

/// The palette of all pictures with this colour map: red, green, blue of every index.
pub fn palette(map: Colormap) -> Vec<u8> {
    let mut colors = vec![[255; 3]; MAP];
    colors[BLACK.0 as usize] = [32, 33, 36];
    colors[GREY.0 as usize] = [74, 78, 84];
    colors[MISSING.0 as usize] = [0, 200, 220];
    colors.extend((0..LEVELS).map(|level| color_of(map, level, LEVELS)));
    colors.concat()
}
