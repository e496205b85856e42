//! `report.html`: one file with everything in it, for a browser that may be offline, dark, or a phone.
//!
//! The page is a template beside this file; every text is escaped by the template engine, figures are SVG in the page. There is no script.

use super::analysis::Analysis;
use super::drawing::STYLE;
use super::folder::Figure;
use super::forecast::Forecast;
use super::plan::{Plan, Ranks};
use super::record::Status;
use super::schedule::{FEWEST, PRECISION};
use super::tables::{Table, long_table, page_tables};
use crate::error::{Error, Result};
use minijinja::{AutoEscape, Environment};
use serde_json::{Value, json};

/// What the columns of the tree of efficiencies are.
const TREE: &str = "parallel = load balance x communication: how evenly threads are busy, and how much of the run the busiest one is. \
communication = serialisation x transfer, an estimate: waiting for what others compute, and for the network. Computation scaling \
is below 100 % where the same work takes more processor time.";

/// Everything that the page shows.
pub struct Page<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Its figures.
    pub analysis: &'a Analysis,
    /// What was predicted before the runs.
    pub forecast: Option<&'a Forecast>,
    /// Conclusions.
    pub sentences: &'a [String],
    /// Warnings.
    pub remarks: &'a [String],
    /// File name, caption and picture of each figure.
    pub figures: &'a [Figure],
    /// What is not drawn, and why.
    pub missing: &'a str,
    /// Commands that do it again.
    pub reproduce: &'a str,
    /// Rows of `runs.csv`.
    pub runs: usize,
}

impl Page<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    /// Exit code 1: the template is part of this program.
    pub fn html(&self) -> Result<String> {
        let broken = |cause: minijinja::Error| Error::Defect(format!("the template of report.html: {cause}"));
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment.add_template("page.html", include_str!("page.html")).map_err(broken)?;
        let figures: Vec<Value> = self
            .figures
            .iter()
            .map(|(name, caption, drawing)| json!({ "name": name, "caption": caption, "svg": drawing.svg(false) }))
            .collect();
        let [times, tree, predicted] = page_tables(self.analysis);
        let mut tables = vec![self.table("Shapes", "", times), self.table("Where the efficiency goes", TREE, tree)];
        if let Some(hindsight) = &self.analysis.hindsight {
            tables.push(self.table("Prediction", &hindsight.words(), predicted));
        }
        let template = environment.get_template("page.html").map_err(broken)?;
        let values = json!({
            "style": STYLE,
            "title": self.plan.title,
            "summary": self.summary(),
            "sentences": self.sentences,
            "remarks": self.remarks,
            "tables": tables,
            "long": self.table("All figures of each shape", "", long_table(self.analysis)),
            "figures": figures,
            "missing": self.missing,
            "method": self.method(),
            "reproduce": self.reproduce,
        });
        let page = template.render(minijinja::value::Serde(&values));
        page.map_err(broken)
    }

    fn table(&self, title: &str, words: &str, (headings, rows): Table) -> Value {
        let bad = self.analysis.rows.iter().map(|row| row.status != Status::Ok);
        let rows: Vec<Value> =
            rows.into_iter().zip(bad).map(|(cells, bad)| json!({ "cells": cells, "bad": bad })).collect();
        json!({ "title": title, "words": words, "headings": headings, "rows": rows })
    }

    fn any_report(&self) -> &Value {
        self.analysis.rows.iter().find_map(|row| row.timing.as_ref()).map_or(&Value::Null, |timing| &timing.report)
    }

    fn summary(&self) -> String {
        let report = self.any_report();
        let hosts: Vec<&str> = report["hosts"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let path = report["build"]["cpu_path"].as_str().unwrap_or("unknown");
        format!(
            "{} on {}, vector instructions {path}, parhelion {}; {} shapes, {} runs",
            self.plan.physics,
            if hosts.is_empty() { "no host".to_owned() } else { hosts.join(", ") },
            self.plan.program,
            self.plan.cases.len(),
            self.runs
        )
    }

    /// Where predicted times come from, how good they were, and what was not predicted.
    fn prediction(&self) -> String {
        let (Some(forecast), Some(hindsight)) = (self.forecast, &self.analysis.hindsight) else {
            return self.forecast.map_or_else(
                || "none was made before the runs".to_owned(),
                |forecast| format!("none: {}", forecast.reasons().join("; ")),
            );
        };
        let mut text = format!(
            "{}. Machine: {}. Measured: {}. Messages between hosts cost {}. The model knows of no --imbalance and no other lab switch. The band of the \
             extrapolation: largest error of the model with a core for each worker, once more for every doubling, and the interval of \
             Amdahl's fraction if that is fitted, as the root of their squares",
            hindsight.words(),
            forecast.machine,
            forecast.measured.join("; "),
            forecast.network
        );
        if !forecast.reasons().is_empty() {
            text += &format!(". Not predicted: {}", forecast.reasons().join("; "));
        }
        text
    }

    /// What a reader must know to judge the figures.
    fn method(&self) -> Vec<[String; 2]> {
        let ranks = match self.plan.ranks_by {
            Ranks::Domains => "threads of one process (--domains): messages are copies in memory",
            Ranks::Mpirun => "processes under mpirun",
            Ranks::Srun => "processes under srun",
        };
        let item = |name: &str, text: String| [name.to_owned(), text];
        vec![
            item("Time", "seconds in steps of the slowest rank (loop_s), without setup and outputs, which are switched off".into()),
            item("Repeats", format!(
                "one warm-up that does not count, then runs in shuffled order until the 95 % interval of the median is within {:.0} % of it; at least {}, at most {}",
                100.0 * PRECISION, FEWEST.min(self.plan.repeats), self.plan.repeats
            )),
            item("Interval", "percentile bootstrap of the median, seeded".into()),
            item("Ranks", ranks.into()),
            item("Same answer", "the digest of every run is compared with that of the base; a shape that differs is not timed".into()),
            item("Efficiencies", "after POP: parallel = load balance x communication = ranks x threads. Useful time of a thread is its processor time; the first thread of a rank has no more than the time outside of messages. Waiting that burns processor time inside a rank is counted as useful, so the threads' part is an upper bound; what other programs take from a core is missing in it. Serialisation x transfer = communication is an estimate: what was computed between messages, played again on a network that takes no time, against the run".into()),
            item("Prediction", self.prediction()),
            item("Fits", "weighted least squares over the fastest shape for each number of workers; 95 % intervals after Student".into()),
            item("Digest of the deck", self.plan.deck.chars().take(16).collect()),
        ]
    }
}
