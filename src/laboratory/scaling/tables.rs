//! The table of an experiment: CSV for programs, Markdown and LaTeX for reports, and a page for the terminal.

use super::analysis::{Analysis, Row, Timing};
use super::plan::Plan;
use super::record::Status;
use crate::error::Result;
use crate::output::atomic::write_file;
use crate::output::ticks::significant;
use std::fmt::Write;
use std::io::Error as IoError;
use std::path::Path;

/// What stands for a figure that there is not.
const NONE: &str = "-";

/// A column: name in CSV, heading in tables, value in CSV, text in tables.
struct Column {
    name: &'static str,
    heading: &'static str,
    value: fn(&Row) -> String,
    text: fn(&Row) -> String,
}

fn raw(row: &Row, value: impl Fn(&Timing) -> Option<f64>) -> String {
    row.timing.as_ref().and_then(value).map_or(String::new(), |value| value.to_string())
}

fn shown(row: &Row, value: impl Fn(&Timing) -> Option<f64>, form: impl Fn(f64) -> String) -> String {
    row.timing.as_ref().and_then(value).map_or(NONE.to_owned(), form)
}

fn percent(value: f64) -> String {
    format!("{:.1} %", 100.0 * value)
}

/// A column that is a number of the timing.
macro_rules! figure {
    ($name:literal, $heading:literal, $value:expr, $form:expr) => {
        Column { name: $name, heading: $heading, value: |row| raw(row, $value), text: |row| shown(row, $value, $form) }
    };
}

fn two(value: f64) -> String {
    format!("{value:.2}")
}

fn giga(value: f64) -> String {
    significant(value / 1e9)
}

/// Columns of the tables for people.
const MAIN: [Column; 11] = [
    Column { name: "", heading: "shape", value: |_| String::new(), text: |row| row.shape.words() },
    Column { name: "", heading: "workers", value: |_| String::new(), text: |row| row.workers().to_string() },
    figure!("", "time in s", |t| Some(t.median_s), |v| format!("{v:.4}")),
    Column {
        name: "",
        heading: "95 % interval",
        value: |_| String::new(),
        text: |row| {
            let text = |t: &Timing| format!("{:.4} to {:.4}", t.interval.low, t.interval.high);
            row.timing.as_ref().map_or_else(|| verdict(row).to_owned(), text)
        },
    },
    figure!("", "speed-up", |t| Some(t.speedup), two),
    figure!("", "efficiency", |t| Some(t.efficiency), percent),
    figure!("", "Karp-Flatt", |t| t.karp_flatt, |v| format!("{v:.3}")),
    figure!("", "load balance", |t| t.pop.map(|p| p.load_balance), percent),
    figure!("", "communication", |t| t.pop.map(|p| p.communication), percent),
    figure!("", "predicted in s", |t| t.predicted_s, |v| format!("{v:.4}")),
    figure!("", "error", Timing::prediction_error, |v| format!("{:+.1} %", 100.0 * v)),
];

/// Columns of `summary.csv` and of the long table.
const FIGURES: [Column; 25] = [
    figure!("median_s", "median in s", |t| Some(t.median_s), |v| format!("{v:.4}")),
    figure!("minimum_s", "minimum in s", |t| Some(t.minimum_s), |v| format!("{v:.4}")),
    figure!("low_s", "from", |t| Some(t.interval.low), |v| format!("{v:.4}")),
    figure!("high_s", "to", |t| Some(t.interval.high), |v| format!("{v:.4}")),
    figure!("runs", "runs", |t| Some(t.seconds.len() as f64), |v| format!("{v}")),
    figure!("work_ratio", "work", |t| Some(t.work_ratio), two),
    figure!("speedup", "speed-up", |t| Some(t.speedup), two),
    figure!("efficiency", "efficiency", |t| Some(t.efficiency), percent),
    figure!("karp_flatt", "Karp-Flatt", |t| t.karp_flatt, |v| format!("{v:.3}")),
    figure!("pop_parallel", "parallel", |t| t.pop.map(|p| p.parallel), percent),
    figure!("pop_load_balance", "load balance", |t| t.pop.map(|p| p.load_balance), percent),
    figure!("pop_communication", "communication", |t| t.pop.map(|p| p.communication), percent),
    figure!("pop_serialisation", "serialisation (est.)", |t| t.pop.and_then(|p| p.serialisation), percent),
    figure!("pop_transfer", "transfer (est.)", |t| t.pop.and_then(|p| p.transfer), percent),
    figure!("pop_ranks", "ranks", |t| t.pop.map(|p| p.ranks), percent),
    figure!("pop_threads", "threads", |t| t.pop.map(|p| p.threads), percent),
    figure!("computation_scaling", "computation scaling", |t| t.computation_scaling, percent),
    figure!("updates_per_s", "G updates/s", |t| Some(t.updates_per_s), giga),
    figure!("effective_bytes_per_s", "GB/s", |t| t.effective_bytes_per_s, giga),
    figure!("copy_bytes_per_s", "copy GB/s", |t| t.copy_bytes_per_s, giga),
    figure!("flops_per_s", "Gflop/s", |t| t.load.map(|load| load.flops_per_s), giga),
    figure!("flops_per_byte", "flops/byte", |t| t.load.map(|load| load.intensity()), significant),
    figure!("roofline_share", "of the roof", roofline_share, percent),
    figure!("predicted_s", "predicted in s", |t| t.predicted_s, |v| format!("{v:.4}")),
    figure!("prediction_error", "its error", Timing::prediction_error, |v| format!("{:+.1} %", 100.0 * v)),
];

fn roofline_share(timing: &Timing) -> Option<f64> {
    let (load, roof) = (timing.load?, timing.roof?);
    Some(load.flops_per_s / roof.at(load.intensity()))
}

/// What a shape without figures has instead.
pub fn verdict(row: &Row) -> &'static str {
    match row.status {
        Status::Ok if row.timing.is_none() => "not timed",
        Status::Ok => "ok",
        Status::WrongDigest => "WRONG RESULT",
        Status::TimedOut => "TIMED OUT",
        Status::Failed => "FAILED",
    }
}

/// Headings and rows.
pub type Table = (Vec<&'static str>, Vec<Vec<String>>);

/// Headings and rows of the table for people.
pub fn main_table(analysis: &Analysis) -> Table {
    table(analysis, &MAIN.iter().collect::<Vec<_>>())
}

/// A table of these columns; modes are named if there are several.
fn table(analysis: &Analysis, columns: &[&Column]) -> Table {
    let several = analysis.rows.iter().any(|row| row.mode != analysis.rows[0].mode);
    let mode = |row: &Row| several.then(|| row.mode.name().to_owned());
    let headings = several.then_some("mode").into_iter().chain(columns.iter().map(|column| column.heading)).collect();
    let rows =
        analysis.rows.iter().map(|row| mode(row).into_iter().chain(columns.iter().map(|c| (c.text)(row))).collect());
    (headings, rows.collect())
}

/// What a page shows in tables of their own: times, where the efficiency goes, and the prediction; names are headings of [`MAIN`], or
/// else of [`FIGURES`].
const TIMES: [&str; 7] = ["shape", "workers", "time in s", "95 % interval", "speed-up", "efficiency", "Karp-Flatt"];
const TREE: [&str; 7] = [
    "shape",
    "parallel",
    "load balance",
    "communication",
    "serialisation (est.)",
    "transfer (est.)",
    "computation scaling",
];
const PREDICTION: [&str; 4] = ["shape", "time in s", "predicted in s", "error"];
/// Of [`MAIN`], what [`TIMES`] has not: the second table on paper.
const CAUSES: [&str; 5] = ["shape", "load balance", "communication", "predicted in s", "error"];

/// Times, the tree of efficiencies, and the prediction of each shape: narrow enough for a page.
pub fn page_tables(analysis: &Analysis) -> [Table; 3] {
    [&TIMES[..], &TREE, &PREDICTION].map(|wanted| named(analysis, wanted))
}

/// The table of the columns with these headings.
fn named(analysis: &Analysis, wanted: &[&str]) -> Table {
    let column = |heading: &&str| MAIN.iter().chain(&FIGURES).find(|column| column.heading == *heading);
    table(analysis, &wanted.iter().filter_map(column).collect::<Vec<_>>())
}

/// Headings and rows of everything else that is known of each shape.
pub fn long_table(analysis: &Analysis) -> Table {
    let fixed = ["mode", "shape", "unknowns", "messages", "MB sent", "peak MB"];
    let headings = fixed.into_iter().chain(FIGURES.iter().map(|column| column.heading)).collect();
    let cells = |row: &Row| {
        let mega = |bytes: u64| significant(bytes as f64 / 1e6);
        let fixed = [
            row.mode.name().to_owned(),
            row.shape.words(),
            row.unknowns.to_string(),
            row.traffic.0.to_string(),
            mega(row.traffic.1),
            mega(row.peak_bytes),
        ];
        fixed.into_iter().chain(FIGURES.iter().map(|column| (column.text)(row))).collect()
    };
    (headings, analysis.rows.iter().map(cells).collect())
}

/// Writes `summary.csv`.
///
/// # Errors
/// Exit code 3.
pub fn write_summary(path: &Path, analysis: &Analysis) -> Result<()> {
    write_file(path, |file| {
        let mut csv = csv::Writer::from_writer(file);
        let fixed = ["mode", "ranks", "threads", "workers", "status", "unknowns", "messages", "bytes", "peak_bytes"];
        csv.write_record(fixed.into_iter().chain(FIGURES.iter().map(|column| column.name))).map_err(IoError::other)?;
        for row in &analysis.rows {
            csv.write_record(summary_cells(row)).map_err(IoError::other)?;
        }
        csv.flush()
    })
    .map(|_| ())
}

fn summary_cells(row: &Row) -> Vec<String> {
    let status = verdict(row).to_lowercase().replace(' ', "_");
    let (messages, bytes) = row.traffic;
    let numbers = [row.shape.ranks, row.shape.threads, row.workers()].map(|n| n.to_string());
    let counts = [row.unknowns, messages, bytes, row.peak_bytes].map(|n| n.to_string());
    let fixed = [row.mode.name().to_owned()].into_iter().chain(numbers).chain([status]).chain(counts);
    fixed.chain(FIGURES.iter().map(|column| (column.value)(row))).collect()
}

/// `table.md`.
pub fn markdown(plan: &Plan, analysis: &Analysis) -> String {
    let (headings, rows) = main_table(analysis);
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = format!("# {}\n\n", plan.title.replace('|', "/"));
    let worsened = plan.worsened();
    if !worsened.is_empty() {
        text += &format!("Lab switches: {}.\n\n", worsened.join("; "));
    }
    text += &line(headings.iter().map(|&heading| heading.to_owned()).collect());
    text += &line(headings.iter().enumerate().map(|(n, _)| if n == 0 { "---" } else { "---:" }.to_owned()).collect());
    rows.into_iter().for_each(|row| text += &line(row));
    text
}

/// `table.tex`: tabulars with the rules of the package booktabs. All columns in one are twice as wide as a page of the class article.
pub fn latex(plan: &Plan, analysis: &Analysis) -> String {
    let title = plan.title.replace(['\n', '\r'], " ");
    let mut text =
        format!("% {title}\n% \\usepackage{{booktabs}}\n{{\\footnotesize\\setlength{{\\tabcolsep}}{{4pt}}%\n");
    for (n, columns) in [&TIMES[..], &CAUSES].into_iter().enumerate() {
        text += if n == 0 { "\\noindent\n" } else { "\\par\\medskip\\noindent\n" };
        text += &tabular(&named(analysis, columns));
    }
    text + "\\par}\n"
}

fn tabular((headings, rows): &Table) -> String {
    let line =
        |cells: &[&str]| format!("{} \\\\\n", cells.iter().map(|cell| tex(cell)).collect::<Vec<_>>().join(" & "));
    let mut text = format!("\\begin{{tabular}}{{@{{}}l{}@{{}}}}\n\\toprule\n", "r".repeat(headings.len() - 1));
    text += &line(headings);
    text += "\\midrule\n";
    rows.iter().for_each(|row| text += &line(&row.iter().map(String::as_str).collect::<Vec<_>>()));
    text + "\\bottomrule\n\\end{tabular}\n"
}

/// A text as it may stand in LaTeX.
pub(crate) fn tex(text: &str) -> String {
    if text == NONE {
        return "--".to_owned();
    }
    let mut safe = String::new();
    for c in text.chars() {
        match c {
            '%' | '&' | '#' | '_' | '$' => {
                safe.push('\\');
                safe.push(c);
            }
            '-' if safe.is_empty() => safe.push_str("$-$"),
            c => safe.push(c),
        }
    }
    let safe = safe.replace(" x ", " $\\times$ ");
    safe.strip_suffix(" us").map_or(safe.clone(), |number| format!("{number} $\\mu$s"))
}

/// The table for the terminal; wrong rows are red if `colour` is set.
pub fn terminal(analysis: &Analysis, colour: bool) -> String {
    let (headings, rows) = main_table(analysis);
    let width = |n: usize| {
        rows.iter().map(|row| row[n].chars().count()).chain([headings[n].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |cells: &[String]| {
        let cells = cells.iter().zip(&widths).enumerate();
        let cells = cells.map(|(n, (cell, &w))| if n == 0 { format!("{cell:<w$}") } else { format!("{cell:>w$}") });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut text = line(&headings.iter().map(|&heading| heading.to_owned()).collect::<Vec<_>>()) + "\n";
    for (row, cells) in analysis.rows.iter().zip(&rows) {
        let wrong = row.status != Status::Ok && colour;
        let (on, off) = if wrong { ("\x1b[31m", "\x1b[0m") } else { ("", "") };
        let _ = writeln!(text, "{on}{}{off}", line(cells));
    }
    text
}

/// A plot for the terminal: a bar of the speed-up of each shape, against the ideal.
pub fn bars(analysis: &Analysis) -> String {
    const WIDTH: f64 = 44.0;
    let timed: Vec<(&Row, &Timing)> =
        analysis.rows.iter().filter_map(|row| row.timing.as_ref().map(|t| (row, t))).collect();
    let most = timed.iter().map(|(row, t)| t.speedup.max(row.workers() as f64)).fold(1.0, f64::max);
    let mut text = String::new();
    for (row, timing) in timed {
        let length = |value: f64| (WIDTH * value / most).round() as usize;
        let (own, ideal) = (length(timing.speedup), length(row.workers() as f64));
        let bar: String = (0..own.max(ideal)).map(|n| if n < own { '\u{2588}' } else { '\u{b7}' }).collect();
        let _ = writeln!(text, "{:<6} {:>7}  {bar} {:.2}", row.mode.name(), row.shape.words(), timing.speedup);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::analysis::analyse;
    use super::super::analysis::tests::experiment;
    use super::*;

    fn analysis() -> (Plan, Analysis) {
        let (plan, mut records, folder) = experiment(&[((1, 1), 8.0), ((1, 2), 5.0), ((2, 2), 4.0)]);
        records[9].status = Status::WrongDigest;
        let analysis = analyse(&plan, &records, folder.path());
        (plan, analysis)
    }

    #[test]
    fn the_summary_is_read_back() {
        let (_, analysis) = analysis();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary.csv");
        write_summary(&path, &analysis).unwrap();
        let mut csv = csv::Reader::from_path(&path).unwrap();
        let names = csv.headers().unwrap().clone();
        let rows: Vec<csv::StringRecord> = csv.records().map(|row| row.unwrap()).collect();
        let cell = |row: usize, name: &str| rows[row][names.iter().position(|n| n == name).unwrap()].to_owned();
        assert_eq!(cell(1, "median_s").parse::<f64>().unwrap(), 5.0);
        assert_eq!(cell(1, "efficiency").parse::<f64>().unwrap(), 0.8);
        assert_eq!((cell(2, "status").as_str(), cell(2, "speedup").as_str()), ("wrong_result", ""));
    }

    #[test]
    fn a_page_has_three_tables() {
        let (_, mut analysis) = analysis();
        let [times, tree, predicted] = page_tables(&analysis);
        assert_eq!((times.0, predicted.0), (TIMES.to_vec(), PREDICTION.to_vec()));
        assert_eq!((times.1[1][2].as_str(), predicted.1[1][1].as_str()), ("5.0000", "5.0000"));
        // Two ranks of this experiment were not recorded, so the communication of the last row is not split; one rank's is.
        assert_eq!(tree.0, TREE);
        assert_eq!(tree.1[1][1..4], ["80.0 %", "100.0 %", "80.0 %"].map(str::to_owned));
        assert_eq!(tree.1[1][4..6], ["80.0 %", "100.0 %"].map(str::to_owned));
        analysis.rows[2].mode = super::super::plan::Mode::Weak;
        assert_eq!(page_tables(&analysis)[2].0[..3], ["mode", "shape", "time in s"]);
    }

    #[test]
    fn markdown_says_what_was_done_worse_on_purpose() {
        let (mut plan, analysis) = analysis();
        (plan.imbalance, plan.switches.blocking) = (Some((1, 0.5)), true);
        let text = markdown(&plan, &analysis);
        let line = "\n\nLab switches: rank 1 was slowed down on purpose by 50 % (--imbalance); nothing is computed while messages fly \
                    (--blocking).\n\n| ";
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn markdown_and_latex_have_all_cells() {
        let (plan, analysis) = analysis();
        let text = markdown(&plan, &analysis);
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(lines.len(), 5);
        assert!(lines.iter().all(|line| line.matches('|').count() == MAIN.len() + 1), "{text}");
        assert!(
            text.contains("| 1 x 2 | 2 | 5.0000 |") && text.contains("80.0 %") && text.contains("WRONG RESULT"),
            "{text}"
        );
        assert!(!text.contains("Lab switches"), "{text}");
        let text = latex(&plan, &analysis);
        let lines: Vec<&str> = text.lines().filter(|line| line.ends_with("\\\\")).collect();
        assert_eq!(lines.len(), 8);
        // Shapes stand in both tables.
        for (first, second) in (0..4).zip(4..) {
            let cells = |n: usize| lines[n].matches(" & ").count() + 1;
            assert_eq!(cells(first) + cells(second), MAIN.len() + 1, "{text}");
        }
        assert!(
            MAIN.iter().all(|column| lines[0].contains(column.heading.trim_start_matches("95 % "))
                || lines[4].contains(column.heading)),
            "{text}"
        );
        assert_eq!([tex("-"), tex("-3.5 %"), tex("Karp-Flatt")], ["--", "$-$3.5 \\%", "Karp-Flatt"]);
        assert_eq!([tex("2 x $1"), tex("3.5 us")], ["2 $\\times$ \\$1", "3.5 $\\mu$s"]);
        assert!(
            text.contains("\\toprule") && text.contains("1 $\\times$ 2 & 2") && text.contains("80.0 \\%"),
            "{text}"
        );
    }

    #[test]
    fn wrong_rows_are_red_on_a_terminal() {
        let (_, analysis) = analysis();
        let text = terminal(&analysis, true);
        assert!(text.lines().nth(3).unwrap().starts_with("\x1b[31m2 x 2"), "{text}");
        assert!(!terminal(&analysis, false).contains('\x1b'));
        assert!(bars(&analysis).lines().nth(1).unwrap().ends_with("1.60"), "{}", bars(&analysis));
    }
}
