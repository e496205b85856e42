//! Half-block pictures as bytes for a terminal: frames, their differences, colours.
//!
//! A frame stands where the first one was drawn: the cursor goes up to its first line, skips to characters that differ, and ends on the
//! line below the status line. Nothing is cleared, so the text above stays.

use super::canvas::{color_of, level_of};
use super::slice::Slice;
use crate::run_config::Colormap;
use std::fmt::Write as _;
use std::io::{self, Write};

/// Colours that are told apart. Few: neighbouring characters then often share them, and need not be sent with colours again.
const LEVELS: usize = 64;
/// Shades from cold to hot for terminals without colours.
const SHADES: &[u8] = b" .:-=+*#%@";

/// How colours are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Palette {
    /// Red, green and blue with 8 bits each.
    True(Colormap),
    /// The colour cube of 6 x 6 x 6.
    Cube(Colormap),
    /// Shades of characters.
    Plain,
}

impl Palette {
    /// What `NO_COLOR`, `TERM` and `COLORTERM` allow.
    pub fn of_environment(map: Colormap) -> Palette {
        let variable = |name: &str| std::env::var(name).unwrap_or_default();
        Palette::chosen(map, &variable("NO_COLOR"), &variable("TERM"), &variable("COLORTERM"))
    }

    fn chosen(map: Colormap, no_color: &str, term: &str, color_term: &str) -> Palette {
        match (no_color.is_empty() && term != "dumb", color_term) {
            (false, _) => Palette::Plain,
            (true, "truecolor" | "24bit") => Palette::True(map),
            (true, _) => Palette::Cube(map),
        }
    }

    /// The end of an escape sequence that selects the colour of a level.
    fn code(self, level: u8) -> String {
        match self {
            Palette::True(map) => {
                let [r, g, b] = color_of(map, level.into(), LEVELS);
                format!("2;{r};{g};{b}")
            }
            Palette::Cube(map) => {
                let [r, g, b] = color_of(map, level.into(), LEVELS).map(|c| (u32::from(c) * 5 + 127) / 255);
                format!("5;{}", 16 + 36 * r + 6 * g + b)
            }
            Palette::Plain => String::new(),
        }
    }
}

/// A picture in characters: two levels of colour each, and a line of text below.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    columns: usize,
    /// Upper and lower level of every character, line by line.
    characters: Vec<[u8; 2]>,
    status: String,
}

impl Frame {
    /// A slice drawn with so many samples (an even number upwards), its colours spread over `range`.
    pub fn new(slice: &Slice, samples: [usize; 2], range: [f64; 2], status: String) -> Frame {
        let level = |x, y| level_of(slice.at_pixel([x, y], samples), range, LEVELS).unwrap_or(0) as u8;
        let positions = (0..samples[1] / 2).flat_map(|line| (0..samples[0]).map(move |x| (x, 2 * line)));
        let characters = positions.map(|(x, y)| [level(x, y), level(x, y + 1)]).collect();
        Frame { columns: samples[0], characters, status }
    }

    /// The bytes that turn the terminal from the frame `shown` into this one; all of it if that has another shape or is absent.
    pub fn encode(&self, shown: Option<&Frame>, palette: &Palette) -> Vec<u8> {
        let mut text = String::from("\x1b[?25l");
        if let Some(shown) = shown {
            let _ = write!(text, "\x1b[{}A\r", shown.lines() + 1);
        }
        let same_shape = shown.filter(|s| (s.columns, s.lines()) == (self.columns, self.lines()));
        if shown.is_some() && same_shape.is_none() {
            text.push_str("\x1b[J");
        }
        for line in 0..self.lines() {
            self.encode_line(&mut text, line, same_shape, palette);
            text.push_str("\x1b[0m\r\n");
        }
        let _ = write!(text, "\x1b[K{}\r\n", self.status);
        text.into_bytes()
    }

    fn encode_line(&self, text: &mut String, line: usize, shown: Option<&Frame>, palette: &Palette) {
        let range = line * self.columns..(line + 1) * self.columns;
        let old = |n: usize| shown.map(|frame| frame.characters[n]);
        let mut pen: [Option<u8>; 2] = [None, None];
        let mut skipped = 0;
        for n in range {
            let character = self.characters[n];
            if old(n) == Some(character) {
                skipped += 1;
                continue;
            }
            if skipped > 0 {
                let _ = write!(text, "\x1b[{skipped}C");
                skipped = 0;
            }
            push_character(text, character, &mut pen, palette);
        }
    }

    fn lines(&self) -> usize {
        self.characters.len() / self.columns.max(1)
    }
}

/// Appends a character, and the colours that differ from those of the pen.
fn push_character(text: &mut String, levels: [u8; 2], pen: &mut [Option<u8>; 2], palette: &Palette) {
    if *palette == Palette::Plain {
        let mean = (usize::from(levels[0]) + usize::from(levels[1])) / 2;
        text.push(char::from(SHADES[mean * SHADES.len() / LEVELS]));
        return;
    }
    for (half, select) in [(0, 38), (1, 48)] {
        if pen[half].replace(levels[half]) != Some(levels[half]) {
            let _ = write!(text, "\x1b[{select};{}m", palette.code(levels[half]));
        }
    }
    text.push('\u{2580}');
}

/// Columns and lines of the terminal at standard error; 80 x 24 if unknown.
pub fn size() -> [usize; 2] {
    match rustix::termios::tcgetwinsize(io::stderr()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => [size.ws_col.into(), size.ws_row.into()],
        _ => [80, 24],
    }
}

/// Sends bytes to the terminal at standard error.
///
/// # Errors
/// If it has gone.
pub fn send(bytes: &[u8]) -> io::Result<()> {
    let mut terminal = io::stderr().lock();
    terminal.write_all(bytes)?;
    terminal.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUE: Palette = Palette::True(Colormap::Viridis);

    fn frame(values: [f64; 8]) -> Frame {
        Frame::new(&Slice { samples: [2, 4], values: values.to_vec() }, [2, 4], [0.0, 1.0], "status".into())
    }

    #[test]
    fn the_top_of_the_slice_is_the_first_line() {
        let frame = frame([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.5]);
        assert_eq!(frame.characters, [[63, 0], [32, 0], [0, 0], [0, 0]]);
    }

    #[test]
    fn only_what_changed_is_sent() {
        let (old, mut values) = (frame([0.1; 8]), [0.1; 8]);
        let whole = old.encode(None, &TRUE);
        assert_eq!(whole.windows(3).filter(|w| *w == "\u{2580}".as_bytes()).count(), 4);
        let same = old.encode(Some(&old), &TRUE);
        assert!(!same.windows(3).any(|w| w == "\u{2580}".as_bytes()));
        values[1] = 0.9;
        let change = String::from_utf8(frame(values).encode(Some(&old), &TRUE)).unwrap();
        assert_eq!(change.matches('\u{2580}').count(), 1);
        assert!(change.starts_with("\x1b[?25l\x1b[3A\r") && change.contains("\x1b[1C"), "{change:?}");
    }

    #[test]
    fn the_environment_decides_on_colours() {
        let map = Colormap::Magma;
        assert_eq!(Palette::chosen(map, "", "xterm", "truecolor"), Palette::True(map));
        assert_eq!(Palette::chosen(map, "", "xterm-256color", ""), Palette::Cube(map));
        assert_eq!(Palette::chosen(map, "1", "xterm", "truecolor"), Palette::Plain);
        assert_eq!(Palette::chosen(map, "", "dumb", ""), Palette::Plain);
        let plain = String::from_utf8(frame([1.0; 8]).encode(None, &Palette::Plain)).unwrap();
        assert!(plain.contains("@@") && !plain.contains("\x1b[38"));
        assert_eq!(Palette::Cube(Colormap::Inferno).code(0), "5;16");
    }
}
