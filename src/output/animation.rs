//! `frames/animation.png`: the frames of a run as one animated PNG.
//!
//! One range of colours holds throughout: the deck's, or else the smallest and largest value of all frames. That is known
//! only at the end, so the slices are kept until then, reduced to [`EDGE`] samples and single precision; those whose range is known can be kept
//! as drawn, one byte a sample. Memory and file are bounded: when more than [`MOST_FRAMES`] are kept, every second one is dropped and from then on only every second one is taken. The
//! last frame is always there.
//!
//! After the first frame only the rectangle that has changed is stored.

mod memory;

use super::atomic::{self, Durability};
use super::canvas::{self, Canvas, LEVELS};
use super::picture::{self, Design};
use super::slice::Slice;
use crate::error::Result;
use crate::run_config::Colormap;
use std::io::{self, Write};
use std::path::Path;

/// Most samples along an edge of a kept slice.
pub const EDGE: usize = 400;
/// Most samples along an edge of a slice that is kept as drawn.
pub const MOST_SAMPLES: usize = 1024;
/// Most frames of an animation.
pub const MOST_FRAMES: usize = 120;
/// Aim for the duration in milliseconds.
const DURATION: usize = 8000;
/// How long the last frame stands before the animation begins again, in milliseconds.
const LAST: u16 = 1500;

/// Collects frames and writes them as APNG. On one rank.
pub struct Animation {
    design: Design,
    range: Option<[f64; 2]>,
    /// Slices are kept as they are drawn.
    sharp: bool,
    map: Colormap,
    kept: Vec<Kept>,
    /// The newest frame, if it is not among the kept ones.
    newest: Option<Kept>,
    /// Every how many frames one is kept.
    stride: usize,
    seen: usize,
}

struct Kept {
    time: f64,
    samples: [usize; 2],
    values: Values,
}

enum Values {
    Exact(Vec<f32>),
    /// Levels of colour over a range, and [`NONE`] for what is not a number.
    Levels(Vec<u8>, [f64; 2]),
}

/// No level of colour.
const NONE: u8 = u8::MAX;

impl Kept {
    fn exact(slice: &Slice, time: f64) -> Kept {
        let small = slice.reduced(EDGE);
        let values = Values::Exact(small.values.iter().map(|v| *v as f32).collect());
        Kept { time, samples: small.samples, values }
    }

    fn as_drawn(slice: &Slice, time: f64, range: [f64; 2]) -> Kept {
        let level = |value: &f64| canvas::level_of(*value, range, LEVELS).map_or(NONE, |level| level as u8);
        Kept { time, samples: slice.samples, values: Values::Levels(slice.values.iter().map(level).collect(), range) }
    }

    fn slice(&self) -> Slice {
        let values = match &self.values {
            Values::Exact(values) => values.iter().map(|v| f64::from(*v)).collect(),
            Values::Levels(levels, range) => levels.iter().map(|level| middle_of(*level, *range)).collect(),
        };
        Slice { samples: self.samples, values }
    }
}

/// A value that is drawn with this level.
fn middle_of(level: u8, [low, high]: [f64; 2]) -> f64 {
    if level == NONE { f64::NAN } else { low + (high - low) * (f64::from(level) + 0.5) / LEVELS as f64 }
}

impl Animation {
    /// An animation of pictures of this design, with the colours over `range` if given.
    pub fn new(design: &Design, range: Option<[f64; 2]>, map: Colormap) -> Animation {
        let (design, sharp) = (design.clone(), false);
        Animation { design, range, sharp, map, kept: Vec::new(), newest: None, stride: 1, seen: 0 }
    }

    /// An animation that keeps slices of at most [`MOST_SAMPLES`] along an edge as they are drawn.
    pub fn sharp(design: &Design, range: [f64; 2], map: Colormap) -> Animation {
        Animation { sharp: range[1] > range[0], ..Animation::new(design, Some(range), map) }
    }

    /// Adds a frame.
    pub fn push(&mut self, slice: &Slice, time: f64) {
        let fits = self.sharp && slice.samples.iter().all(|n| *n <= MOST_SAMPLES);
        let frame = match self.range.filter(|_| fits) {
            Some(range) => Kept::as_drawn(slice, time, range),
            None => Kept::exact(slice, time),
        };
        if self.seen.is_multiple_of(self.stride) {
            self.kept.push(frame);
            self.newest = None;
        } else {
            self.newest = Some(frame);
        }
        self.seen += 1;
        if self.kept.len() > MOST_FRAMES {
            self.thin();
        }
    }

    /// Drops every second frame, but remembers the newest.
    fn thin(&mut self) {
        if self.kept.len().is_multiple_of(2) && self.newest.is_none() {
            self.newest = self.kept.pop();
        }
        let mut odd = false;
        self.kept.retain(|_| {
            odd = !odd;
            odd
        });
        self.stride *= 2;
    }

    /// Writes the file and returns its bytes; `None` if there are less than two frames.
    ///
    /// # Errors
    /// Exit code 3 if it cannot be written, 4 if there is no finite value.
    pub fn write(mut self, path: &Path) -> Result<Option<u64>> {
        self.kept.extend(self.newest.take());
        if self.kept.len() < 2 {
            return Ok(None);
        }
        let ends = |kept: &Kept| Slice { samples: [1, 1], values: kept.slice().range().unwrap_or_default().to_vec() };
        let extremes: Vec<Slice> = self.kept.iter().map(ends).collect();
        let range = picture::color_range(self.range, extremes.iter())?;
        atomic::write_sized(path, 0, Durability::Quick, |writer| self.encode(range, writer)).map(Some)
    }

    fn encode(&self, range: [f64; 2], writer: &mut dyn Write) -> io::Result<()> {
        let draw = |kept: &Kept| self.design.draw(&kept.slice(), kept.time, range);
        let mut previous = draw(&self.kept[0]);
        let mut png = self.start(&previous, writer)?;
        png.write_image_data(&previous.pixels).map_err(io::Error::other)?;
        for (n, kept) in self.kept.iter().enumerate().skip(1) {
            let next = draw(kept);
            let delay = if n + 1 == self.kept.len() { LAST } else { self.delay() };
            write_change(&mut png, &previous, &next, delay).map_err(io::Error::other)?;
            previous = next;
        }
        png.finish().map_err(io::Error::other)
    }

    fn start<'w>(&self, first: &Canvas, writer: &'w mut dyn Write) -> io::Result<png::Writer<&'w mut dyn Write>> {
        let mut encoder = png::Encoder::new(writer, first.width as u32, first.height as u32);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_palette(canvas::palette(self.map));
        encoder.set_compression(png::Compression::Balanced);
        encoder.set_filter(png::Filter::NoFilter);
        let animated = encoder.set_animated(self.kept.len() as u32, 0);
        let timed = animated.and_then(|()| encoder.set_frame_delay(self.delay(), 1000));
        timed.and_then(|()| encoder.write_header()).map_err(io::Error::other)
    }

    /// Milliseconds that a frame stands.
    fn delay(&self) -> u16 {
        (DURATION / self.kept.len()).clamp(40, 400) as u16
    }
}

/// Writes the rectangle in which two pictures differ; one pixel if they are equal.
fn write_change(
    png: &mut png::Writer<&mut dyn Write>,
    previous: &Canvas,
    next: &Canvas,
    delay: u16,
) -> std::result::Result<(), png::EncodingError> {
    let [left, top, right, bottom] = changed(previous, next);
    png.reset_frame_position()?;
    png.set_frame_dimension((right - left) as u32, (bottom - top) as u32)?;
    png.set_frame_position(left as u32, top as u32)?;
    png.set_frame_delay(delay, 1000)?;
    let lines = next.pixels.chunks_exact(next.width).skip(top).take(bottom - top);
    let pixels: Vec<u8> = lines.flat_map(|line| line[left..right].iter().copied()).collect();
    png.write_image_data(&pixels)
}

/// First column and line, and one past the last ones, in which two pictures differ.
fn changed(previous: &Canvas, next: &Canvas) -> [usize; 4] {
    let differ = previous.pixels.iter().zip(&next.pixels).enumerate().filter(|(_, (a, b))| a != b);
    let bounds = differ.fold([usize::MAX, usize::MAX, 0, 0], |[left, top, right, bottom], (n, _)| {
        let (x, y) = (n % next.width, n / next.width);
        [left.min(x), top.min(y), right.max(x + 1), bottom.max(y + 1)]
    });
    if bounds[2] == 0 { [0, 0, 1, 1] } else { bounds }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::UniformGrid;

    pub fn animation() -> Animation {
        let grid = UniformGrid::new(&[4, 3], &[0.4, 0.3]);
        Animation::new(&Design::new(&grid, 2, None, 40, "test", "K"), None, Colormap::Inferno)
    }

    pub fn slice(n: usize) -> Slice {
        Slice { samples: [4, 3], values: (0..12).map(|i| (i * n) as f64).collect() }
    }

    fn times(count: usize) -> Vec<f64> {
        let mut animation = animation();
        (0..count).for_each(|n| animation.push(&slice(n), n as f64));
        animation.kept.extend(animation.newest.take());
        animation.kept.iter().map(|kept| kept.time).collect()
    }

    #[test]
    fn long_runs_are_thinned_evenly_and_keep_first_and_last() {
        for count in [1, 2, 120, 121, 122, 500, 1001] {
            let times = times(count);
            assert!(times.len() <= MOST_FRAMES + 1);
            assert_eq!((times[0], times[times.len() - 1]), (0.0, (count - 1) as f64), "{count}");
            let strides: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert!(strides.iter().rev().skip(1).all(|s| *s == strides[0]), "{count}: {strides:?}");
        }
    }

    #[test]
    fn frames_decode_to_what_was_drawn() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("animation.png");
        let mut animation = animation();
        (1..5).for_each(|n| animation.push(&slice(n), n as f64));
        let last = animation.design.draw(&slice(4), 4.0, [0.0, 44.0]);
        animation.write(&path).unwrap().unwrap();
        let file = std::io::BufReader::new(std::fs::File::open(&path).unwrap());
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        assert_eq!(reader.info().animation_control().unwrap().num_frames, 4);
        let (width, mut sheet) = (last.width, vec![0; last.pixels.len()]);
        for _ in 0..4 {
            let mut pixels = vec![0; sheet.len()];
            reader.next_frame(&mut pixels).unwrap();
            let control = *reader.info().frame_control().unwrap();
            for (y, line) in pixels.chunks(control.width as usize).take(control.height as usize).enumerate() {
                let start = (y + control.y_offset as usize) * width + control.x_offset as usize;
                sheet[start..start + line.len()].copy_from_slice(line);
            }
        }
        assert_eq!(sheet, last.pixels);
    }

    #[test]
    fn a_known_range_keeps_slices_as_they_are_drawn() {
        let range = [0.0, 44.0];
        let mut slice = slice(3);
        slice.values[5] = f64::NAN;
        let (animation, kept) = (animation(), Kept::as_drawn(&slice, 1.0, range));
        assert_eq!(animation.design.draw(&kept.slice(), 1.0, range), animation.design.draw(&slice, 1.0, range));
    }

    #[test]
    fn one_frame_is_no_animation() {
        let mut animation = animation();
        animation.push(&slice(1), 0.0);
        assert_eq!(animation.write(Path::new("/nonexistent/never.png")).unwrap(), None);
    }
}
