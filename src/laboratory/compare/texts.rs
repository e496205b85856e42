//! The table as text for a terminal of 80 columns, Markdown, LaTeX and CSV, and a page of one file.

use super::kill::Struck;
use super::model::Model;
use super::rows::{Row, rows, verdict};
use super::{Column, Comparison};
use crate::error::Result;
use crate::laboratory::mechanisms::paths::Path as MessagePath;
use crate::laboratory::mechanisms::plots;
use crate::laboratory::scaling::axes::{Axes, Scale};
use crate::laboratory::scaling::drawing::{Drawing, STYLE, Tint, escaped};
use crate::laboratory::scaling::folder::write_text;
use crate::laboratory::scaling::raster::Raster;
use crate::laboratory::scaling::tables::tex;
use crate::output::atomic::write_file;
use std::path::Path;

/// Columns of a terminal, of the names of figures, and of values.
const WIDTH: usize = 80;
const NAME: usize = 27;
const VALUE: usize = 13;

/// Writes all files.
///
/// # Errors
/// Exit code 3.
pub fn write(folder: &Path, found: &Comparison) -> Result<()> {
    write_text(&folder.join("compare.md"), &markdown(found))?;
    write_text(&folder.join("compare.tex"), &latex(found))?;
    write_text(&folder.join("compare.csv"), &csv(found))?;
    for (name, _, drawing) in figures(found) {
        write_text(&folder.join(format!("{name}.svg")), &drawing.svg(true))?;
        write_file(&folder.join(format!("{name}.png")), |file| Raster::of(&drawing).write(file))?;
    }
    write_text(&folder.join("report.html"), &page(found))
}

/// Models and their shapes, a line each.
fn legend(found: &Comparison) -> Vec<String> {
    let line = |c: &Column| {
        let [ranks, threads] = c.measured.shape;
        let hosts = match &c.measured.hosts[..] {
            [] | [_] => String::new(),
            several => format!(" on {}", several.join(", ")),
        };
        format!("{}  {}: {ranks} x {threads} ranks x threads{hosts}", c.model.letter(), c.model.words())
    };
    let missing = found.missing.iter().map(|why| format!("not run: {why}"));
    found.columns.iter().map(line).chain(missing).collect()
}

/// What is said of each model in a row.
fn said(row: &Row, found: &Comparison) -> String {
    found
        .columns
        .iter()
        .map(|c| format!("{} {}", c.model.letter(), row.said_of(c.model)))
        .collect::<Vec<_>>()
        .join(" | ")
}

pub(super) fn wrapped(text: &str, first: &str, rest: &str) -> String {
    let (mut lines, mut line) = (String::new(), first.to_owned());
    for word in text.split(' ') {
        if line.len() > rest.len().max(first.len()) && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines += &format!("{}\n", line.trim_end());
            line = rest.to_owned();
        }
        line += &format!("{word} ");
    }
    lines + line.trim_end() + "\n"
}

/// For a terminal.
pub fn terminal(found: &Comparison) -> String {
    let mut text = format!("{} with {} workers, the same digest in every run\n", found.deck, found.workers);
    legend(found).iter().for_each(|line| text += &wrapped(line, "  ", "     "));
    let head: String = found.columns.iter().map(|c| format!("{:>VALUE$}", c.model.letter())).collect();
    text += &format!("\n{:NAME$}{head}\n", "");
    for row in rows(found) {
        text += &format!("{}\n{}", row.name, wrapped(&said(&row, found), "  said: ", "    "));
        for (name, cells) in &row.figures {
            let cells: String = cells.iter().map(|cell| format!("{cell:>VALUE$}")).collect();
            text += &format!("  {name:<25}{cells}\n");
        }
        row.notes.iter().for_each(|note| text += &wrapped(note, "  * ", "    "));
    }
    text + "\n" + &wrapped(&verdict(found), "", "")
}

/// As Markdown.
pub fn markdown(found: &Comparison) -> String {
    let mut text = format!(
        "# Models of parallelism: {}\n\n{} workers; the digest is the same in every run.\n\n",
        found.deck, found.workers
    );
    legend(found).iter().for_each(|line| text += &format!("- {line}\n"));
    let letters: Vec<&str> = found.columns.iter().map(|c| c.model.letter()).collect();
    text += &format!("\n| | {} |\n|---|{}\n", letters.join(" | "), "---:|".repeat(letters.len()));
    let mut notes = Vec::new();
    for row in rows(found) {
        let marks: String = row.notes.iter().enumerate().map(|(n, _)| format!("[^{}]", notes.len() + n + 1)).collect();
        let words: Vec<String> = found.columns.iter().map(|c| format!("*{}*", row.said_of(c.model))).collect();
        text += &format!("| **{}**{marks} | {} |\n", row.name, words.join(" | "));
        for (name, cells) in &row.figures {
            text += &format!("| {name} | {} |\n", cells.join(" | "));
        }
        notes.extend(row.notes);
    }
    notes.iter().enumerate().for_each(|(n, note)| text += &format!("\n[^{}]: {note}\n", n + 1));
    text + "\n" + &verdict(found) + "\n"
}

/// As a LaTeX table with the rules of the package booktabs, and paragraphs below it.
pub fn latex(found: &Comparison) -> String {
    let letters: Vec<&str> = found.columns.iter().map(|c| c.model.letter()).collect();
    let mut text = format!(
        "% {}\n% \\usepackage{{booktabs}}\n{{\\small\n\\noindent\n\\begin{{tabular}}{{@{{}}l{}@{{}}}}\n\\toprule\n & {} \\\\\n",
        tex(&found.deck),
        "r".repeat(letters.len()),
        letters.join(" & ")
    );
    let mut notes = String::new();
    legend(found).iter().for_each(|line| notes += &format!("\n\\noindent {}\n", tex(line)));
    for row in rows(found) {
        text +=
            &format!("\\midrule\n\\multicolumn{{{}}}{{@{{}}l}}{{\\textbf{{{}}}}} \\\\\n", letters.len() + 1, row.name);
        for (name, cells) in &row.figures {
            let cells: Vec<String> = cells.iter().map(|cell| tex(cell)).collect();
            text += &format!("{} & {} \\\\\n", tex(name), cells.join(" & "));
        }
        row.notes.iter().for_each(|note| notes += &format!("\n\\noindent {}: {}\n", row.name, tex(note)));
    }
    text + "\\bottomrule\n\\end{tabular}\n\n\\medskip\n" + &notes + "\\par}\n"
}

fn numbers(of: &Struck) -> String {
    format!("{},{},{},{}", of.ended_after_s, of.lost_s, of.from_step, of.recovered_after_s)
}

/// As CSV: plain numbers in SI units, one model a row; the first row is one worker.
pub fn csv(found: &Comparison) -> String {
    let mut text = "model,ranks,threads,digest,steps,loop_s,start_s,processor_s,messages_s,messages,bytes,proportional_bytes,private_bytes,\
                    page_faults,voluntary_switches,involuntary_switches,latency_s,bandwidth_bytes_per_s,ended_after_s,lost_s,from_step,\
                    recovered_after_s,cut_host,cut_ended_after_s,cut_lost_s,cut_from_step,cut_recovered_after_s\n"
        .to_owned();
    let mut row = |name: &str, m: &super::Measured, rest: String| {
        text += &format!(
            "{name},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{rest}\n",
            m.shape[0],
            m.shape[1],
            m.digest,
            m.steps,
            m.loop_s,
            m.start_s,
            m.processor_s,
            m.messages_s,
            m.messages,
            m.bytes,
            m.proportional_bytes,
            m.private_bytes,
            m.page_faults,
            m.voluntary,
            m.involuntary
        );
    };
    row("one worker", &found.base, ",".repeat(10));
    for c in &found.columns {
        let path = c.path.as_ref().map_or(",".to_owned(), |p| format!("{},{}", p.latency(), p.bandwidth()));
        let killed = c.killed.as_ref().map_or(",,,".to_owned(), numbers);
        let cut = found.cut.as_ref().ok().filter(|_| c.model == Model::Tcp);
        let cut = cut.map_or(",,,,".to_owned(), |cut| format!("{},{}", cut.host, numbers(&cut.struck)));
        row(c.model.letter(), &c.measured, format!("{path},{killed},{cut}"));
    }
    text
}

/// A bar for each model.
fn bars(title: &str, unit: &str, found: &Comparison, value: impl Fn(&Column) -> f64) -> Drawing {
    let values: Vec<f64> = found.columns.iter().map(value).collect();
    let high = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let count = values.len() as f64;
    let mut axes = Axes::new(title, Scale::Linear(0.0, count), Scale::Linear(0.0, 1.1 * high), 0.0);
    axes.y_grid("");
    for (n, (column, value)) in found.columns.iter().zip(&values).enumerate() {
        let [left, bottom] = axes.at(n as f64 + 0.25, 0.0);
        let [right, top] = axes.at(n as f64 + 0.75, *value);
        axes.drawing.rectangle([left, top], [right - left, bottom - top], Tint::Series(n));
        axes.below(0.5 * (left + right), &format!("{} {}", column.model.letter(), column.model.words()));
    }
    axes.names("", unit);
    axes.frame();
    axes.drawing
}

/// File name, caption, picture.
fn figures(found: &Comparison) -> Vec<(&'static str, &'static str, Drawing)> {
    let mut drawn = vec![
        ("time", "Seconds in steps.", bars("Time in steps", "s", found, |c| c.measured.loop_s)),
        (
            "memory",
            "Memory of all workers, pages of several processes in parts.",
            bars("Memory", "MB", found, |c| c.measured.proportional_bytes / 1e6),
        ),
    ];
    let named = |c: &Column| {
        let path = c.path.as_ref().ok()?;
        Some(MessagePath { name: format!("{} {}", c.model.letter(), path.name), ..path.clone() })
    };
    let paths: Vec<MessagePath> = found.columns.iter().filter_map(named).collect();
    drawn.extend(plots::figures(&paths));
    drawn
}

/// One file with everything in it, without scripts and without anything from elsewhere.
pub fn page(found: &Comparison) -> String {
    let mut body = format!(
        "<h1>Models of parallelism: {}</h1>\n<p class=\"found\">{}</p>\n<ul>",
        escaped(&found.deck),
        escaped(&verdict(found))
    );
    legend(found).iter().for_each(|line| body += &format!("<li>{}</li>", escaped(line)));
    body += "</ul>\n<div class=\"wide\"><table><tr><th></th>";
    found.columns.iter().for_each(|c| body += &format!("<th>{}</th>", c.model.letter()));
    body += "</tr>\n";
    for row in rows(found) {
        body += &format!("<tr class=\"row\"><td>{}</td>", row.name);
        found.columns.iter().for_each(|c| body += &format!("<td>{}</td>", escaped(&row.said_of(c.model))));
        body += "</tr>\n";
        for (name, cells) in &row.figures {
            body += &format!("<tr><td>{}</td>", escaped(name));
            cells.iter().for_each(|cell| body += &format!("<td>{}</td>", escaped(cell)));
            body += "</tr>\n";
        }
        for note in &row.notes {
            body += &format!(
                "<tr class=\"note\"><td colspan=\"{}\">{}</td></tr>\n",
                found.columns.len() + 1,
                escaped(note)
            );
        }
    }
    body += "</table></div>\n<div class=\"figures\">";
    for (_, caption, drawing) in figures(found) {
        body += &format!(
            "<figure><div class=\"wide\">{}</div><figcaption>{}</figcaption></figure>\n",
            drawing.svg(false),
            escaped(caption)
        );
    }
    include_str!("page.html").replace("STYLE", STYLE).replace("BODY", &(body + "</div>"))
}

#[cfg(test)]
mod tests {
    use super::super::rows::tests::comparison;
    use super::*;

    #[test]
    fn every_form_has_every_row_and_model() {
        let found = comparison();
        let forms = [terminal(&found), markdown(&found), latex(&found), page(&found)];
        for name in
            ["memory", "communication", "resource usage", "concurrency", "fault tolerance", "complexity", "scalability"]
        {
            assert!(forms.iter().all(|form| form.contains(name)), "{name}");
        }
        assert!(forms[0].lines().all(|line| line.chars().count() <= WIDTH), "{}", forms[0]);
        let fields: Vec<usize> = csv(&found).lines().map(|line| line.matches(',').count()).collect();
        // A header, one worker, and three models.
        assert_eq!(fields, [26; 5]);
        assert!(forms[2].contains("62.5 \\%") && forms[3].contains("&lt;workers&gt;") && !forms[3].contains("NaN"));
        assert!(!forms[3].contains("<script") && forms[3].matches("<figure>").count() == 4);
    }
}
