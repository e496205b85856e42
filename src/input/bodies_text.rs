//! Bodies of text files: CSV with named columns, or seven numbers a line.
//!
//! A CSV has a first line that names the columns `mass` (or `m`), `x`, `y`, `z`, `vx`, `vy`, `vz` and perhaps `id`, in any order; other
//! columns are not read. Plain text has `m x y z vx vy vz` in every line, parted by blanks. Empty lines and lines that begin with # are skipped.
//!
//! Opening reads the file once: every line is checked, bodies are counted, ids are collected and sorted (16 bytes each). Reading
//! goes through it a second time and keeps the rows asked for, so a rank holds no bodies but its own. Lines are read with a limit on
//! their length, since a file without line breaks would fill the memory; for that, and since numbers are never quoted, a line is
//! split here and not by the CSV library. Refused: one rank that reads and sends, which is no faster than the disk either.

use super::bodies::{COLUMNS, body_of, no_bodies};
use super::npy::open_regular;
use crate::error::{Error, Result};
use crate::nbody::groups::Body;
use crate::nbody::initial::BodyRows;
use std::io::{BufRead, BufReader, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Longest line in bytes.
const LONGEST_LINE: u64 = 1 << 16;

/// How lines are split into numbers.
#[derive(Clone, Debug, PartialEq)]
enum Layout {
    /// By commas: the place of each of [`COLUMNS`], of the id, and the number of columns.
    Named { places: [usize; 7], id: Option<usize>, width: usize },
    /// By blanks.
    Plain,
}

/// An open text of bodies.
#[derive(Debug)]
pub struct TextBodies {
    path: PathBuf,
    layout: Layout,
    count: u64,
    /// Ids in their order, if the file has them.
    ids: Option<Vec<u64>>,
}

impl TextBodies {
    /// Opens and checks a CSV.
    ///
    /// # Errors
    /// Exit code 2, naming file, line and fix; 3 if reading fails.
    pub fn open_csv(path: &Path) -> Result<TextBodies> {
        let mut lines = Lines::open(path)?;
        let Some((number, header)) = lines.next_line()? else { return Err(no_bodies(path)) };
        let layout = named(header).map_err(|what| at_line(path, number, &what))?;
        TextBodies::checked(path, layout)
    }

    /// Opens and checks a text of seven numbers a line.
    ///
    /// # Errors
    /// As [`TextBodies::open_csv`].
    pub fn open_ascii(path: &Path) -> Result<TextBodies> {
        TextBodies::checked(path, Layout::Plain)
    }

    fn checked(path: &Path, layout: Layout) -> Result<TextBodies> {
        let mut file = TextBodies { path: path.to_owned(), layout, count: 0, ids: None };
        let (mut count, mut ids) = (0, Vec::new());
        file.for_each(&mut |line, id, _| {
            count += 1;
            ids.extend(id.map(|id| (id, line)));
        })?;
        if count == 0 {
            return Err(no_bodies(path));
        }
        ids.sort_unstable();
        if let Some(pair) = ids.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let what = format!("id {} is also that of line {}; give every body its own", pair[1].0, pair[0].1);
            return Err(at_line(path, pair[1].1, &what));
        }
        file.count = count;
        file.ids = (!ids.is_empty()).then(|| ids.into_iter().map(|(id, _)| id).collect());
        Ok(file)
    }

    /// Visits all bodies in the order of the file: line, id, body.
    fn for_each(&self, visit: &mut dyn FnMut(u64, Option<u64>, Body)) -> Result<()> {
        let mut lines = Lines::open(&self.path)?;
        if matches!(self.layout, Layout::Named { .. }) {
            lines.next_line()?;
        }
        while let Some((number, line)) = lines.next_line()? {
            let (id, body) = self.layout.body(line).map_err(|what| at_line(&self.path, number, &what))?;
            visit(number, id, body);
        }
        Ok(())
    }
}

impl BodyRows for TextBodies {
    fn count(&self) -> u64 {
        self.count
    }

    fn has_ids(&self) -> bool {
        self.ids.is_some()
    }

    fn read(&self, rows: Range<u64>, take: &mut dyn FnMut(u64, Body)) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let names = match &self.ids {
            Some(ids) => ids[rows.start as usize]..=ids[rows.end as usize - 1],
            None => rows.start..=rows.end - 1,
        };
        let (mut kept, mut row) = (Vec::new(), 0);
        self.for_each(&mut |_, id, body| {
            let name = id.unwrap_or(row);
            row += 1;
            if names.contains(&name) {
                kept.push((name, body));
            }
        })?;
        if kept.len() as u64 != rows.end - rows.start {
            return Err(Error::io("read", &self.path, "the file has changed meanwhile"));
        }
        kept.sort_by_key(|(name, _)| *name);
        kept.into_iter().for_each(|(name, body)| take(name, body));
        Ok(())
    }
}

impl Layout {
    fn body(&self, line: &str) -> std::result::Result<(Option<u64>, Body), String> {
        let Layout::Named { places, id, width } = self else {
            let numbers: Vec<&str> = line.split_ascii_whitespace().collect();
            check_width(numbers.len(), COLUMNS.len(), "m x y z vx vy vz")?;
            return Ok((None, body(|column| numbers[column])?));
        };
        let fields: Vec<&str> = line.split(',').map(unquoted).collect();
        check_width(fields.len(), *width, "one for every column of the first line")?;
        let id = id.map(|place| whole(fields[place])).transpose()?;
        Ok((id, body(|column| fields[places[column]])?))
    }
}

fn body<'a>(field: impl Fn(usize) -> &'a str) -> std::result::Result<Body, String> {
    let mut values = [0.0; 7];
    for (column, value) in values.iter_mut().enumerate() {
        let text = field(column);
        *value = text.parse().map_err(|_| {
            format!("{} is {}, which is no number; write one like 1.5e-3", COLUMNS[column], quoted(text))
        })?;
    }
    body_of(&values)
}

fn whole(text: &str) -> std::result::Result<u64, String> {
    text.parse().map_err(|_| format!("id is {}; write a whole number from 0 to 2^64 - 1", quoted(text)))
}

fn check_width(found: usize, expected: usize, what: &str) -> std::result::Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{found} values, not {expected}; write {what}")) }
}

/// The columns that a first line names.
fn named(header: &str) -> std::result::Result<Layout, String> {
    let names: Vec<String> = header.split(',').map(|name| unquoted(name).to_lowercase()).collect();
    let place = |wanted: &str| {
        let fits = |name: &String| name == wanted || (wanted == "mass" && name == "m");
        match names.iter().filter(|name| fits(name)).count() {
            2.. => Err(format!("column {wanted} is named twice; name it once")),
            _ => Ok(names.iter().position(fits)),
        }
    };
    let mut places = [0; 7];
    for (n, name) in COLUMNS.iter().enumerate() {
        let fix = "begin with a line that names the columns: id,mass,x,y,z,vx,vy,vz (id may be missing)";
        places[n] = place(name)?.ok_or_else(|| format!("there is no column {name}; {fix}"))?;
    }
    Ok(Layout::Named { places, id: place("id")?, width: names.len() })
}

fn unquoted(field: &str) -> &str {
    field.trim().trim_matches('"').trim()
}

/// Input as it may be printed.
fn quoted(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    format!("{short:?}")
}

fn at_line(path: &Path, line: u64, what: &str) -> Error {
    Error::Input(format!("{}:{line}: {what}", path.display()))
}

/// The lines of a file that say something, with their numbers from 1.
struct Lines {
    path: PathBuf,
    reader: BufReader<std::fs::File>,
    line: Vec<u8>,
    number: u64,
}

impl Lines {
    fn open(path: &Path) -> Result<Lines> {
        let reader = BufReader::with_capacity(1 << 20, open_regular(path)?);
        Ok(Lines { path: path.to_owned(), reader, line: Vec::new(), number: 0 })
    }

    fn next_line(&mut self) -> Result<Option<(u64, &str)>> {
        loop {
            self.line.clear();
            let limited = &mut (&mut self.reader).take(LONGEST_LINE);
            let read = limited.read_until(b'\n', &mut self.line).map_err(|e| Error::io("read", &self.path, e))?;
            self.number += 1;
            if read == 0 {
                return Ok(None);
            }
            if read as u64 == LONGEST_LINE {
                return Err(at_line(&self.path, self.number, "the line is longer than 64 KiB; write one body a line"));
            }
            let blank = self.line.trim_ascii().is_empty() || self.line.trim_ascii_start().starts_with(b"#");
            if !blank {
                break;
            }
        }
        match std::str::from_utf8(&self.line) {
            Ok(line) => Ok(Some((self.number, line.trim_start_matches('\u{feff}').trim()))),
            Err(_) => Err(at_line(&self.path, self.number, "this is no text; write a CSV, or a .npy as such")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "id,mass,x,y,z,vx,vy,vz\n";

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bodies.csv");
        std::fs::write(&path, text).unwrap();
        (directory, path)
    }

    fn read(file: &TextBodies, rows: Range<u64>) -> Vec<(u64, f64)> {
        let mut found = Vec::new();
        file.read(rows, &mut |id, body| found.push((id, body.mass + body.velocity[2]))).unwrap();
        found
    }

    #[test]
    fn columns_may_stand_in_any_order_and_rows_too() {
        let text = "# made by hand\nvz, \"Mass\",x,y,z,vx,vy,note,id\r\n1,10,0,0,0,0,0,a,7\n\n2,20,0,0,0,0,0,b,3\n3,30,0,0,0,0,0,c,5";
        let (_directory, path) = file(text);
        let file = TextBodies::open_csv(&path).unwrap();
        assert!(file.has_ids() && file.count() == 3);
        assert_eq!(read(&file, 0..3), [(3, 22.0), (5, 33.0), (7, 11.0)]);
        assert_eq!(read(&file, 1..2), [(5, 33.0)]);
        assert_eq!(read(&file, 3..3), []);
    }

    #[test]
    fn plain_lines_are_read() {
        let (_directory, path) = file("#m x y z vx vy vz\n1 0 0 0 0 0 0.5\n  2\t0 0 0 0 0 1e-1\n");
        let file = TextBodies::open_ascii(&path).unwrap();
        assert!(!file.has_ids());
        assert_eq!(read(&file, 0..2), [(0, 1.5), (1, 2.1)]);
        assert_eq!(read(&file, 1..2), [(1, 2.1)]);
    }

    #[test]
    fn bad_text_is_refused_with_line_and_fix() {
        let row = |text: &str| format!("{HEADER}1,1,0,0,0,0,0,0\n{text}\n");
        for (text, words) in [
            (String::new(), vec!["no bodies", "one row for each"]),
            (HEADER.to_owned(), vec!["no bodies"]),
            ("1,2,3,4,5,6,7\n".to_owned(), vec![":1:", "no column mass", "names the columns"]),
            ("mass,x,y,z,vx,vy,vz,x\n".to_owned(), vec![":1:", "x is named twice"]),
            (row("2,1,0,0,0,0,0"), vec![":3:", "7 values, not 8"]),
            (row("2,1,0,0,0,0,0,0,0"), vec![":3:", "9 values, not 8"]),
            (row("1,1,0,0,0,0,0,0"), vec![":3:", "id 1 is also that of line 2"]),
            (row("2,-1,0,0,0,0,0,0"), vec![":3:", "mass is -1", "0 or a greater"]),
            (row("2,1,nan,0,0,0,0,0"), vec![":3:", "x is NaN", "finite"]),
            (row("2,1,0,0,0,0,-inf,0"), vec![":3:", "vy is -inf"]),
            (row("2,1,0,0,1e999,0,0,0"), vec![":3:", "z is inf"]),
            (row("2,1,0,0,one,0,0,0"), vec![":3:", "z is \"one\"", "1.5e-3"]),
            (row("2.5,1,0,0,0,0,0,0"), vec![":3:", "id is \"2.5\"", "whole number"]),
            (row("2,1,0,0"), vec![":3:", "4 values"]),
            (row(&"1,".repeat(40_000)), vec![":3:", "longer than 64 KiB"]),
        ] {
            let (_directory, path) = file(&text);
            let error = TextBodies::open_csv(&path).unwrap_err();
            let message = error.to_string();
            assert_eq!(error.exit_code(), 2, "{message}");
            assert!(words.iter().all(|word| message.contains(word)), "{message} does not say {words:?}");
            assert!(message.contains("bodies.csv") && !message.contains('\n'), "{message}");
        }
        let (_directory, path) = file("1 2 3\n");
        let message = TextBodies::open_ascii(&path).unwrap_err().to_string();
        assert!(message.contains(":1: 3 values, not 7; write m x y z vx vy vz"), "{message}");
        std::fs::write(&path, [0xff, 0xfe, 0x00]).unwrap();
        assert!(TextBodies::open_ascii(&path).unwrap_err().to_string().contains("no text"));
    }
}
