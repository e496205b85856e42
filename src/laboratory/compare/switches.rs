//! `parhelion compare DECK --switches`: what each lab switch costs on a deck.
//!
//! Runs with and without a switch have the same shape and follow each other in every round, so that what else the machine does falls on both.
//! A cost is the median over rounds of the ratio of their seconds in steps, with its 95 % bootstrap interval. Switches of messages
//! and of the process grid are run as ranks of one thread, the schedule as one rank of threads. Any other digest than that of the first run
//! ends the command.
//!
//! Refused: the ratio of two medians, which have met other moments of the machine; prices of pairs of switches, but for the one that
//! teaches: a delay with and without overlap.

use super::endings;
use super::texts::wrapped;
use super::{Request, starter};
use crate::console;
use crate::error::{Error, Result};
use crate::laboratory::scaling::child;
use crate::laboratory::scaling::drawing::{STYLE, escaped};
use crate::laboratory::scaling::experiment::{QUIET, forget_report};
use crate::laboratory::scaling::folder::{DECK, write_text};
use crate::laboratory::scaling::plan::Shape;
use crate::laboratory::scaling::planning::Deck;
use crate::laboratory::scaling::starter::Starter;
use crate::laboratory::statistics::{Interval, interval_of_median, median};
use crate::laboratory::switches::Switches;
use crate::output::plain_file;
use crate::output::run_lock::Lock;
use std::path::PathBuf;
use std::time::Duration;

/// How long a run may take.
const LIMIT: Duration = Duration::from_secs(600);
/// The delay of messages whose cost is measured: that of a slow network.
const DELAY_S: f64 = 200e-6;
/// Of the intervals.
const SEED: u64 = 1;

/// A switch on a shape.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Trial {
    shape: Shape,
    switches: Switches,
}

/// What a switch costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// Ranks and threads of each.
    pub shape: Shape,
    /// The switch; none of them for the run that others are compared with.
    pub switches: Switches,
    /// Median seconds in steps.
    pub seconds: f64,
    /// Median of the ratio to the run without, and its interval.
    pub ratio: f64,
    /// 95 % of it.
    pub interval: Interval,
}

/// Measures, writes all files and returns the table for a terminal.
///
/// # Errors
/// Exit code 2 for a deck that `run` refuses, 1 if a run gives another result, its own if one fails, 3 if something cannot be written or
/// started or a launcher is lost.
pub fn compare(request: &Request) -> Result<String> {
    let deck = Deck::read(&request.deck, &request.overrides)?;
    let (starter, _) = starter()?;
    plain_file::make_directory(&request.folder).map_err(|cause| Error::io("make", &request.folder, cause))?;
    let _lock = Lock::acquire(&request.folder)?;
    write_text(&request.folder.join(DECK), deck.text())?;
    let runs = Runs { starter: &starter, deck: request.folder.join(DECK), folder: request.folder.join("runs") };
    plain_file::make_directory(&runs.folder).map_err(|cause| Error::io("make", &runs.folder, cause))?;
    let (trials, left_out) = trials(&deck, request.workers)?;
    let costs = conduct(&runs, &trials, request.repeats)?;
    let name = request.deck.file_name().unwrap_or_default().to_string_lossy();
    let head = format!("Lab switches on {name}: median of {} runs, each beside one without", request.repeats);
    write_text(&request.folder.join("switches.csv"), &csv(&costs))?;
    write_text(&request.folder.join("switches.md"), &markdown(&head, &costs, &left_out))?;
    write_text(&request.folder.join("report.html"), &page(&head, &costs, &left_out))?;
    Ok(terminal(&head, &costs, &left_out))
}

/// What is run, the run without any switch of each shape before those with; and what cannot be, with the reason.
fn trials(deck: &Deck, workers: usize) -> Result<(Vec<Trial>, Vec<String>)> {
    let (ranks, threads) = (Shape { ranks: workers, threads: 1 }, Shape { ranks: 1, threads: workers });
    let off = Switches::default();
    let mut found: Vec<Switches> = vec![
        off,
        Switches { blocking: true, ..off },
        Switches { net_delay_s: DELAY_S, ..off },
        Switches { net_delay_s: DELAY_S, blocking: true, ..off },
    ];
    let (config, mut left_out) = (deck.config(&[])?, Vec::new());
    for axes in 1..=3 {
        let switches = Switches { cut_axes: Some(axes), ..off };
        match switches.cut(config.clone(), workers) {
            Ok(_) => found.push(switches),
            Err(why) => left_out.push(why.to_string()),
        }
    }
    left_out.dedup();
    let mut all: Vec<Trial> = found.into_iter().map(|switches| Trial { shape: ranks, switches }).collect();
    let shared = [off, Switches { fixed_parts: true, ..off }];
    all.extend(shared.map(|switches| Trial { shape: threads, switches }));
    Ok((all, left_out))
}

fn conduct(runs: &Runs<'_>, trials: &[Trial], repeats: usize) -> Result<Vec<Cost>> {
    let (mut seconds, mut digest) = (vec![Vec::new(); trials.len()], None);
    for round in 1..=repeats {
        for (n, trial) in trials.iter().enumerate() {
            let run = runs.run(trial, &format!("{}_{round}", n + 1))?;
            console::message(&format!("{}, {}, run {round}: {:.4} s", trial.shape.words(), words(trial), run.loop_s));
            if *digest.get_or_insert_with(|| run.digest.clone()) != run.digest {
                let (words, shape) = (words(trial), trial.shape.words());
                return Err(Error::Defect(format!(
                    "{words} on {shape} ranks x threads changes the result, which no switch may"
                )));
            }
            seconds[n].push(run.loop_s);
        }
    }
    Ok(costs(trials, &seconds))
}

/// What each trial costs against the one of its shape without switches.
fn costs(trials: &[Trial], seconds: &[Vec<f64>]) -> Vec<Cost> {
    let base = |shape: Shape| trials.iter().position(|t| t.shape == shape && t.switches == Switches::default());
    let cost = |(n, trial): (usize, &Trial)| {
        let without = &seconds[base(trial.shape).unwrap_or(n)];
        let ratios: Vec<f64> = seconds[n].iter().zip(without).map(|(with, without)| with / without).collect();
        Cost {
            shape: trial.shape,
            switches: trial.switches,
            seconds: median(&seconds[n]),
            ratio: median(&ratios),
            interval: interval_of_median(&ratios, SEED),
        }
    };
    trials.iter().enumerate().map(cost).collect()
}

fn words(trial: &Trial) -> String {
    named(&trial.switches)
}

fn named(switches: &Switches) -> String {
    let words = switches.arguments().join(" ");
    if words.is_empty() { "no switch".to_owned() } else { words }
}

/// What a run says.
struct Run {
    loop_s: f64,
    digest: String,
}

/// Starts runs of one deck.
struct Runs<'a> {
    starter: &'a Starter,
    deck: PathBuf,
    folder: PathBuf,
}

impl Runs<'_> {
    fn run(&self, trial: &Trial, name: &str) -> Result<Run> {
        let directory = self.folder.join(name);
        let mut arguments: Vec<String> = QUIET.map(str::to_owned).to_vec();
        arguments.extend(["--overwrite".to_owned(), "--output".to_owned(), directory.display().to_string()]);
        arguments.extend(trial.switches.arguments());
        let words = self.starter.words(trial.shape, &self.deck, &arguments);
        forget_report(&directory);
        let ended = child::run(&mut self.starter.command(&words), LIMIT)?;
        let name = named(&trial.switches);
        let report = endings::report(&directory, &name, &words[0], &ended)?;
        let missing = || Error::Defect(format!("{name}: its report has no loop_s"));
        let loop_s = report["loop_s"].as_f64().ok_or_else(missing)?;
        Ok(Run { loop_s, digest: report["digest"].as_str().unwrap_or_default().to_owned() })
    }
}

/// Headings and rows.
fn table(costs: &[Cost]) -> ([&'static str; 5], Vec<[String; 5]>) {
    let row = |cost: &Cost| {
        let is_base = cost.switches == Switches::default();
        let unless_base = |text: String| if is_base { "-".to_owned() } else { text };
        [
            named(&cost.switches),
            cost.shape.words(),
            format!("{:.4}", cost.seconds),
            unless_base(format!("{:.3}", cost.ratio)),
            unless_base(format!("{:.3} to {:.3}", cost.interval.low, cost.interval.high)),
        ]
    };
    (["switch", "shape", "time in s", "ratio", "95 % interval"], costs.iter().map(row).collect())
}

fn terminal(head: &str, costs: &[Cost], left_out: &[String]) -> String {
    let (headings, rows) = table(costs);
    let line = |cells: &[String; 5]| {
        format!("  {:<32} {:>7} {:>10} {:>7} {:>16}\n", cells[0], cells[1], cells[2], cells[3], cells[4])
    };
    let mut text = format!("{head}\n{}", line(&headings.map(str::to_owned)));
    rows.iter().for_each(|row| text += &line(row));
    left_out.iter().for_each(|why| text += &wrapped(&format!("left out: {why}"), "  ", "    "));
    text
}

fn markdown(head: &str, costs: &[Cost], left_out: &[String]) -> String {
    let (headings, rows) = table(costs);
    let mut text = format!("{head}.\n\n| {} |\n|---|---|---:|---:|---:|\n", headings.join(" | "));
    rows.iter().for_each(|row| text += &format!("| {} |\n", row.join(" | ")));
    left_out.iter().for_each(|why| text += &format!("\nLeft out: {why}\n"));
    text
}

fn csv(costs: &[Cost]) -> String {
    let mut text = "switches,ranks,threads,median_s,ratio,ratio_low,ratio_high\n".to_owned();
    for Cost { shape, switches, seconds, ratio, interval } in costs {
        let (words, Interval { low, high }) = (switches.arguments().join(" "), interval);
        text += &format!("{words},{},{},{seconds},{ratio},{low},{high}\n", shape.ranks, shape.threads);
    }
    text
}

fn page(head: &str, costs: &[Cost], left_out: &[String]) -> String {
    let (headings, rows) = table(costs);
    let cells = |cells: &[String; 5], tag: &str| -> String {
        let cells: String = cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escaped(cell))).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let mut body =
        format!("<h1>{}</h1>\n<div class=\"wide\"><table>{}", escaped(head), cells(&headings.map(str::to_owned), "th"));
    rows.iter().for_each(|row| body += &cells(row, "td"));
    body += "</table></div>\n";
    left_out.iter().for_each(|why| body += &format!("<p>Left out: {}</p>\n", escaped(why)));
    include_str!("page.html").replace("STYLE", STYLE).replace("BODY", &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_against_the_run_of_its_shape_and_round() {
        let (ranks, threads) = (Shape { ranks: 2, threads: 1 }, Shape { ranks: 1, threads: 2 });
        let off = Switches::default();
        let slow = Switches { blocking: true, ..off };
        let fixed = Switches { fixed_parts: true, ..off };
        let trials = [(ranks, off), (ranks, slow), (threads, off), (threads, fixed)];
        let trials = trials.map(|(shape, switches)| Trial { shape, switches });
        // The second round met a machine that was busy with something else.
        let seconds = [vec![1.0, 3.0, 1.0], vec![1.5, 4.5, 1.5], vec![2.0, 4.0, 2.0], vec![2.2, 4.0, 2.0]];
        let found = costs(&trials, &seconds);
        let ratios: Vec<f64> = found.iter().map(|cost| cost.ratio).collect();
        assert_eq!(ratios, [1.0, 1.5, 1.0, 1.0]);
        assert_eq!((found[1].interval.low, found[1].interval.high), (1.5, 1.5));
        assert_eq!(found[3].interval.high, 1.1);
        let text = terminal("head", &found, &["3d: no".to_owned()]);
        assert!(
            text.contains("--blocking") && text.contains("1.500 to 1.500") && text.contains("left out: 3d"),
            "{text}"
        );
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert_eq!(csv(&found).lines().nth(2).unwrap(), "--blocking,2,1,1.5,1.5,1.5,1.5");
        assert!(
            page("<", &found, &[]).contains("&lt;") && markdown("head", &found, &[]).contains("| --blocking | 2 x 1 |")
        );
    }
}
