//! The figures of the mechanisms as text: for a terminal of 80 columns, as Markdown, CSV and JSON.

use super::Mechanisms;
use super::paths::Path;
use crate::words::grouped;

/// A table: its title, its headings, its rows.
struct Table {
    title: &'static str,
    headings: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// `12.3 us`, with the unit that suits.
pub fn duration(seconds: f64) -> String {
    let units = [(1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns")];
    let (unit, name) = units.into_iter().find(|(unit, _)| seconds >= *unit).unwrap_or(units[3]);
    let value = seconds / unit;
    let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.digits$} {name}")
}

/// `4 KiB`.
pub fn size(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

fn tables(found: &Mechanisms) -> Vec<Table> {
    vec![
        creation(found),
        switching(found),
        messages(found, false),
        messages(found, true),
        counter(found),
        ledger(found),
    ]
}

fn words(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn creation(found: &Mechanisms) -> Table {
    let row = |made: &super::creation::Created| {
        let faults = made.page_faults.map_or("unknown".to_owned(), |faults| format!("{faults:.1}"));
        vec![made.what.to_owned(), duration(made.seconds), faults, made.count.to_string()]
    };
    Table {
        title: "Making one and waiting for its end",
        headings: words(&["what", "median", "page faults", "made"]),
        rows: found.creation.iter().map(row).collect(),
    }
}

fn switching(found: &Mechanisms) -> Table {
    let row = |one: &super::switching::Switched| {
        let counted = one.counted_per_trip.map_or("unknown".to_owned(), |count| format!("{count:.2}"));
        vec![one.between.to_owned(), duration(one.seconds), duration(one.half_trip_s), duration(one.calls_s), counted]
    };
    Table {
        title: "Switching on one core",
        headings: words(&["between", "switch", "half trip", "calls alone", "counted a trip"]),
        rows: found.switching.iter().map(row).collect(),
    }
}

/// Half round trips or bandwidths: a row for each size, a column for each path.
fn messages(found: &Mechanisms, as_bandwidth: bool) -> Table {
    let sizes: Vec<usize> =
        found.paths.first().map_or(Vec::new(), |path| path.points.iter().map(|p| p.bytes).collect());
    let cell = |path: &Path, row: usize| {
        path.points.get(row).map_or("-".to_owned(), |point| match as_bandwidth {
            true => format!("{:.3}", point.bandwidth() / 1e9),
            false => duration(point.seconds),
        })
    };
    let row = |(n, &bytes): (usize, &usize)| {
        let mut cells = vec![size(bytes)];
        cells.extend(found.paths.iter().map(|path| cell(path, n)));
        cells
    };
    let mut headings = words(&["message"]);
    headings.extend(found.paths.iter().map(|path| path.name.clone()));
    Table {
        title: if as_bandwidth { "Bandwidth in one direction, GB/s" } else { "Half a round trip of a message" },
        headings,
        rows: sizes.iter().enumerate().map(row).collect(),
    }
}

fn share(lost: u64, all: u64) -> String {
    format!("{:.1} %", 100.0 * lost as f64 / all.max(1) as f64)
}

/// What was lost of updates, by how they were guarded: (how, updates, lost, seconds of each).
fn losses(title: &'static str, what: &str, ways: impl Iterator<Item = (&'static str, u64, u64, f64)>) -> Table {
    let row = |(how, all, lost, each): (&str, u64, u64, f64)| {
        vec![how.to_owned(), grouped(all), grouped(lost), share(lost, all), duration(each)]
    };
    Table { title, headings: words(&["guarded by", what, "lost", "of all", "each"]), rows: ways.map(row).collect() }
}

fn counter(found: &Mechanisms) -> Table {
    let ways = found.counter.iter().map(|way| (way.how, way.increments, way.lost, way.seconds_each));
    losses("A number that threads share", "increments", ways)
}

fn ledger(found: &Mechanisms) -> Table {
    let ways = found.ledger.iter().map(|way| (way.how, way.updates, way.lost, way.seconds_each));
    losses("A file that processes share", "updates", ways)
}

/// For a terminal.
pub fn terminal(found: &Mechanisms) -> String {
    let mut text = format!("{}, {}, {} CPUs\n", found.host, found.cpu_model, found.cpus);
    for table in tables(found) {
        text += &format!("\n{}\n{}", table.title, table.aligned());
    }
    notes(found).iter().for_each(|note| text += &format!("\n{note}"));
    text
}

/// What a reader must know beside the figures.
fn notes(found: &Mechanisms) -> Vec<String> {
    found.missing.iter().map(|what| format!("not measured: {what}")).collect()
}

impl Table {
    /// Columns of equal width, the first to the left and all others to the right.
    fn aligned(&self) -> String {
        let all = || std::iter::once(&self.headings).chain(&self.rows);
        let width = |n: usize| all().map(|row| row[n].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.headings.len()).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).enumerate().map(|(n, (cell, &width))| match n {
                0 => format!("  {cell:<width$}"),
                _ => format!("  {cell:>width$}"),
            });
            cells.collect::<String>() + "\n"
        };
        all().map(line).collect()
    }

    fn markdown(&self) -> String {
        let line = |row: &Vec<String>| format!("| {} |\n", row.join(" | "));
        let rule = format!("|---|{}\n", "---:|".repeat(self.headings.len() - 1));
        format!(
            "### {}\n\n{}{rule}{}",
            self.title,
            line(&self.headings),
            self.rows.iter().map(line).collect::<String>()
        )
    }
}

/// As Markdown.
pub fn markdown(found: &Mechanisms) -> String {
    let mut text = format!("## Mechanisms of {}\n\n{}, {} CPUs\n", found.host, found.cpu_model, found.cpus);
    tables(found).iter().for_each(|table| text += &format!("\n{}", table.markdown()));
    notes(found).iter().for_each(|note| text += &format!("\n- {note}\n"));
    text
}

/// As CSV: one figure a row.
pub fn csv(found: &Mechanisms) -> String {
    let mut text = "group,name,size_bytes,quantity,value,unit\n".to_owned();
    let mut row = |group: &str, name: &str, bytes: usize, quantity: &str, value: f64, unit: &str| {
        let bytes = if bytes > 0 { bytes.to_string() } else { String::new() };
        text += &format!("{group},{name},{bytes},{quantity},{value},{unit}\n");
    };
    for one in &found.creation {
        row("creation", one.what, 0, "median", one.seconds, "s");
        one.page_faults.iter().for_each(|&faults| row("creation", one.what, 0, "page_faults", faults, "1"));
    }
    for one in &found.switching {
        row("switching", one.between, 0, "switch", one.seconds, "s");
        row("switching", one.between, 0, "half_trip", one.half_trip_s, "s");
        row("switching", one.between, 0, "calls", one.calls_s, "s");
    }
    for path in &found.paths {
        for point in &path.points {
            row("message", &path.name, point.bytes, "half_trip", point.seconds, "s");
            row("message", &path.name, point.bytes, "bandwidth", point.bandwidth(), "B/s");
        }
    }
    for one in &found.counter {
        row("counter", one.how, 0, "increments", one.increments as f64, "1");
        row("counter", one.how, 0, "lost", one.lost as f64, "1");
        row("counter", one.how, 0, "each", one.seconds_each, "s");
    }
    for one in &found.ledger {
        row("file", one.how, 0, "updates", one.updates as f64, "1");
        row("file", one.how, 0, "lost", one.lost as f64, "1");
        row("file", one.how, 0, "each", one.seconds_each, "s");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_units_that_suit() {
        assert_eq!([2.5e-8, 1.234e-6, 4.56e-3, 12.0].map(duration), ["25.0 ns", "1.23 us", "4.56 ms", "12.0 s"]);
        assert_eq!([8, 4096, 4 << 20].map(size), ["8 B", "4 KiB", "4 MiB"]);
    }
}
