//! The table: each row of a course's table with what it says of each model, and the figures that were measured for it.
//!
//! A note stands wherever word and figure disagree, with the rule that says so. Words for ranks of threads are those of their parts.

use super::blows::faults;
use super::model::Model;
use super::trial::Measured;
use super::{Column, Comparison, lines};
use crate::laboratory::efficiencies::Loss;
use crate::laboratory::mechanisms::tables::duration;
use crate::output::disk::in_words;

/// Shares of the ideal from which a course's "high" and "medium" are taken to hold.
const HIGH: f64 = 0.8;
const MEDIUM: f64 = 0.5;
/// Figures that differ by less are taken as equal: shared machines are no quieter.
const EQUAL: f64 = 0.05;

/// A row of the course's table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// What is said of threads, of processes, of processes across a network.
    pub said: [&'static str; 3],
    /// Name and values, one for each model that was run.
    pub figures: Vec<(&'static str, Vec<String>)>,
    /// Where word and figure disagree.
    pub notes: Vec<String>,
}

impl Row {
    /// What is said of a model.
    pub fn said_of(&self, model: Model) -> String {
        match model {
            Model::Hybrid => format!("{}; {}", self.said[0], self.said[1]),
            _ => self.said[model as usize].to_owned(),
        }
    }
}

/// All rows.
pub fn rows(found: &Comparison) -> Vec<Row> {
    vec![
        memory(found),
        communication(found),
        resources(found),
        concurrency(found),
        faults(found),
        complexity(found),
        scalability(found),
    ]
}

pub(super) fn each(found: &Comparison, value: impl Fn(&Column) -> String) -> Vec<String> {
    found.columns.iter().map(value).collect()
}

fn bytes(value: f64) -> String {
    in_words(value as u64)
}

fn memory(found: &Comparison) -> Row {
    let per = |value: fn(&Measured) -> f64| each(found, move |c| bytes(value(&c.measured) / c.measured.workers()));
    let all = |value: fn(&Measured) -> f64| each(found, move |c| bytes(value(&c.measured)));
    let notes = found.columns.iter().filter(|c| c.measured.shape[0] > 1).filter_map(|c| {
        let shared = 1.0 - c.measured.private_bytes / c.measured.proportional_bytes.max(1.0);
        (shared > 0.1).then(|| {
            format!("{}: {:.0} % of the memory is in pages that processes share: address spaces are separate, memory is not", c.model.letter(), 100.0 * shared)
        })
    });
    Row {
        name: "memory",
        said: ["one shared address space", "separate address spaces", "separate, on separate machines"],
        figures: vec![
            ("proportional, all", all(|m| m.proportional_bytes)),
            ("proportional, a worker", per(|m| m.proportional_bytes)),
            ("private, a worker", per(|m| m.private_bytes)),
            ("copies for others, a step", each(found, |c| bytes(c.measured.bytes / c.measured.steps.max(1.0)))),
        ],
        notes: notes.collect(),
    }
}

fn communication(found: &Comparison) -> Row {
    let path = |value: fn(&crate::laboratory::mechanisms::paths::Path) -> String| {
        each(found, move |c| c.path.as_ref().map_or("-".to_owned(), value))
    };
    Row {
        name: "communication",
        said: ["shared variables", "IPC: pipes, queues, sockets", "network protocols (TCP/IP, UDP)"],
        figures: vec![
            ("messages a step", each(found, |c| format!("{:.1}", c.measured.messages / c.measured.steps.max(1.0)))),
            ("share of the time", each(found, |c| format!("{:.1} %", 100.0 * message_share(&c.measured)))),
            ("latency", path(|p| duration(p.latency()))),
            ("bandwidth, GB/s", path(|p| format!("{:.1}", p.bandwidth() / 1e9))),
        ],
        notes: Vec::new(),
    }
}

/// Part of the ranks' time that goes into messages and waiting for them.
fn message_share(run: &Measured) -> f64 {
    run.messages_s / (run.loop_s * run.shape[0] as f64).max(f64::MIN_POSITIVE)
}

fn resources(found: &Comparison) -> Row {
    let mut notes = Vec::new();
    let mut compare = |what: &str, value: fn(&Measured) -> f64| {
        for pair in found.columns.windows(2).filter(|pair| pair[1].model != Model::Hybrid) {
            let [less, more] = [value(&pair[0].measured), value(&pair[1].measured)];
            if more <= less * (1.0 + EQUAL) {
                let [a, b] = [pair[0].model.letter(), pair[1].model.letter()];
                notes.push(format!(
                    "{b} is said to use more than {a}, but its {what} is {:.2} times that of {a}",
                    more / less
                ));
            }
        }
    };
    compare("memory", |m| m.proportional_bytes);
    compare("processor time", |m| m.processor_s);
    let count = |value: fn(&Measured) -> f64| each(found, move |c| format!("{:.0}", value(&c.measured)));
    Row {
        name: "resource usage",
        said: ["lower: memory is shared", "higher: each process has its own memory", "highest: network overhead"],
        figures: vec![
            ("processor time", each(found, |c| duration(c.measured.processor_s))),
            ("start to first step", each(found, |c| duration(c.measured.start_s))),
            ("page faults", count(|m| m.page_faults)),
            ("waiting, all ranks", each(found, |c| duration(c.measured.messages_s.max(1e-9)))),
        ],
        notes,
    }
}

/// Parallel efficiency against one worker.
fn efficiency(found: &Comparison, run: &Measured) -> f64 {
    found.base.loop_s / (run.loop_s * run.workers())
}

fn concurrency(found: &Comparison) -> Row {
    let rate =
        |value: fn(&Measured) -> f64| each(found, move |c| format!("{:.0}", value(&c.measured) / c.measured.loop_s));
    let low = |c: &Column| {
        let share = efficiency(found, &c.measured);
        let word = if share >= MEDIUM { "medium" } else { "low" };
        (share < HIGH).then(|| {
            format!(
                "{}: said to be high; an efficiency of {:.1} % is {word} (high from {:.0} %, medium from {:.0} %)",
                c.model.letter(),
                100.0 * share,
                100.0 * HIGH,
                100.0 * MEDIUM
            )
        })
    };
    Row {
        name: "concurrency",
        said: ["high: within one process", "high: many cores", "high: many machines"],
        figures: vec![
            ("time in steps", each(found, |c| duration(c.measured.loop_s))),
            ("efficiency", each(found, |c| format!("{:.1} %", 100.0 * efficiency(found, &c.measured)))),
            ("voluntary switches /s", rate(|m| m.voluntary)),
            ("involuntary switches /s", rate(|m| m.involuntary)),
        ],
        notes: found.columns.iter().filter_map(low).collect(),
    }
}

fn complexity(found: &Comparison) -> Row {
    let of = |model: Model| lines::of(model, &found.base.physics);
    let (threads, processes) = (of(Model::Threads), of(Model::Processes));
    let has_both = found.columns.iter().any(|c| c.model == Model::Processes);
    let far = has_both && processes > 2 * threads;
    let mut notes: Vec<String> = far
        .then(|| {
            format!(
                "A and B are both said to be moderate, but B takes {:.1} times as many lines",
                processes as f64 / threads as f64
            )
        })
        .into_iter()
        .collect();
    if found.columns.iter().any(|c| c.model == Model::Tcp) {
        notes
            .push("C is said to be higher than B; with MPI it takes no line more, for MPI chooses the path".to_owned());
    }
    Row {
        name: "complexity",
        said: ["moderate", "moderate", "high"],
        figures: vec![("lines of source", each(found, |c| of(c.model).to_string()))],
        notes,
    }
}

/// The serial share after Karp and Flatt: what Amdahl's law needs to explain this one speed-up. It is no limit: overheads are in it.
fn karp_flatt(found: &Comparison, run: &Measured) -> f64 {
    let (speedup, workers) = (found.base.loop_s / run.loop_s, run.workers());
    (1.0 / speedup - 1.0 / workers) / (1.0 - 1.0 / workers)
}

/// The largest loss of a run against one worker, as `scaling` tells them apart, and its share of the workers' time.
fn bound(found: &Comparison, run: &Measured) -> Option<(&'static str, f64)> {
    let loss = Loss::of(run.pop.as_ref()?, efficiency(found, run));
    let parts = [
        ("imbalance", loss.imbalance),
        ("messages", loss.messages),
        ("idle threads", loss.threads),
        ("computing", loss.computing),
    ];
    parts.into_iter().max_by(|a, b| a.1.total_cmp(&b.1))
}

/// What is said of the laws, with the models of which it is said.
fn law_words(found: &Comparison) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for column in &found.columns {
        let (words, letter) = (column.laws.words(), column.model.letter());
        match all.iter_mut().find(|(known, _)| *known == words) {
            Some((_, letters)) => *letters += &format!(", {letter}"),
            None => all.push((words, letter.to_owned())),
        }
    }
    all
}

fn scalability(found: &Comparison) -> Row {
    let value = |model: Model| {
        let column = found.columns.iter().find(|c| c.model == model)?;
        Some(karp_flatt(found, &column.measured))
    };
    let loss = |word: &dyn Fn((&'static str, f64)) -> String| {
        each(found, |c| bound(found, &c.measured).map_or("-".to_owned(), word))
    };
    let mut notes: Vec<String> = Vec::new();
    for (words, letters) in law_words(found) {
        notes.push(format!("{letters}: {words}"));
    }
    for (less, more) in [(Model::Threads, Model::Processes), (Model::Processes, Model::Tcp)] {
        if let (Some(a), Some(b)) = (value(less), value(more))
            && b > a + EQUAL
        {
            notes.push(format!(
                "{} is said to scale further than {}, but with {} workers on this machine it lost more of the speed-up",
                more.letter(),
                less.letter(),
                found.workers
            ));
        }
    }
    Row {
        name: "scalability",
        said: ["medium: bounded by one machine", "high on one machine", "very high"],
        figures: vec![
            ("Karp-Flatt serial share", each(found, |c| format!("{:.1} %", 100.0 * karp_flatt(found, &c.measured)))),
            ("fitted limit", each(found, |c| c.laws.limit())),
            ("largest loss", loss(&|(name, _)| name.to_owned())),
            ("its share", loss(&|(_, share)| format!("{:.1} %", 100.0 * share))),
        ],
        notes,
    }
}

/// Which model suits this deck on this machine, and why.
pub fn verdict(found: &Comparison) -> String {
    let time = |c: &&Column| c.measured.loop_s;
    let Some(fastest) = found.columns.iter().min_by(|a, b| time(a).total_cmp(&time(b))) else { return String::new() };
    let close = |c: &&Column| c.measured.loop_s <= fastest.measured.loop_s * (1.0 + EQUAL);
    let memory = |c: &&Column| c.measured.proportional_bytes;
    let least = found.columns.iter().filter(close).map(|c| memory(&c)).fold(f64::INFINITY, f64::min);
    // Of those that are equal in both, the one that is simplest to start comes first.
    let lean = |c: &&Column| memory(c) <= least * (1.0 + EQUAL);
    let best = found.columns.iter().find(|c| close(c) && lean(c)).unwrap_or(fastest);
    let others = found.columns.iter().filter(|c| c.model != best.model).map(|c| {
        format!(
            "{} takes {:.2} times the time and {:.2} times the memory",
            c.model.letter(),
            c.measured.loop_s / best.measured.loop_s,
            c.measured.proportional_bytes / best.measured.proportional_bytes.max(1.0)
        )
    });
    let others: Vec<String> = others.collect();
    let loss = bound(found, &best.measured)
        .map_or("not known".to_owned(), |(loss, share)| format!("{loss}, {:.1} % of the workers' time", 100.0 * share));
    let compared = if others.is_empty() { "no other model could be run".to_owned() } else { others.join("; ") };
    format!(
        "For {} with {} workers on this machine take {} ({}): of the models within {:.0} % of the fastest it needs the least memory. It is {:.2} \
         times as fast as one worker, {:.0} % of the ideal; its largest loss is {loss}. Beside it, {compared}.",
        found.deck,
        found.workers,
        best.model.letter(),
        best.model.words(),
        100.0 * EQUAL,
        found.base.loop_s / best.measured.loop_s,
        100.0 * efficiency(found, &best.measured)
    )
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::Cut;
    use super::super::kill::Struck;
    use super::super::laws::Laws;
    use super::*;
    use crate::laboratory::efficiencies::{self as formulas, RankTimes};
    use crate::laboratory::mechanisms::paths::{Path, Point};

    /// Each rank but the first spends a tenth of its time in messages.
    fn ranks(shape: [usize; 2], loop_s: f64) -> Vec<RankTimes> {
        let rank = |n: usize| {
            let communication_s = if n == 0 { 0.0 } else { 0.1 * loop_s };
            RankTimes { loop_s, communication_s, threads_s: vec![0.95 * loop_s; shape[1]] }
        };
        (0..shape[0]).map(rank).collect()
    }

    pub(in crate::laboratory::compare) fn comparison() -> Comparison {
        let run = |shape: [usize; 2], loop_s: f64, memory: f64| Measured {
            shape,
            physics: "heat".into(),
            steps: 10.0,
            loop_s,
            processor_s: 1.9 * loop_s,
            proportional_bytes: memory,
            private_bytes: 0.95 * memory,
            messages: 20.0 * (shape[0] - 1) as f64,
            bytes: 4096.0 * (shape[0] - 1) as f64,
            pop: formulas::pop(&ranks(shape, loop_s), None),
            ..Measured::default()
        };
        let column = |model: Model, measured: Measured| Column {
            model,
            measured,
            path: Ok(Path { name: "x".into(), between: "two".into(), points: vec![Point { bytes: 8, seconds: 1e-6 }] }),
            killed: Ok(Struck {
                ended_after_s: 0.5,
                lost_s: 0.1,
                from_step: 4,
                recovered_after_s: 0.2,
                same_digest: true,
            }),
            laws: Laws::none("1 and 2 workers are two points"),
        };
        Comparison {
            deck: "a.toml".into(),
            workers: 2,
            base: Measured { processor_s: 2.0, ..run([1, 1], 2.0, 1e8) },
            columns: vec![
                column(Model::Threads, run([1, 2], 1.04, 1e8)),
                column(Model::Processes, run([2, 1], 1.0, 3e8)),
                column(Model::Tcp, run([2, 1], 1.6, 3e8)),
            ],
            cut: Err("not tried: needs a way to cut a host (--cut-host)".into()),
            missing: vec!["D: needs more <workers>".into()],
        }
    }

    #[test]
    fn notes_stand_where_word_and_figure_disagree() {
        let found = rows(&comparison());
        let notes = |name: &str| found.iter().find(|row| row.name == name).unwrap().notes.join("\n");
        assert!(notes("resource usage").contains("C is said to use more than B, but its memory is 1.00 times"));
        assert!(!notes("resource usage").contains("B is said to use more than A, but its memory"));
        assert!(
            notes("concurrency").starts_with("C: said to be high; an efficiency of 62.5 % is medium"),
            "{found:#?}"
        );
        assert!(notes("fault tolerance").starts_with("B, C: ") && notes("memory").is_empty());
        assert!(notes("scalability").contains("C is said to scale further than B"));
        assert!(notes("scalability").contains("A, B, C: no law is fitted: 1 and 2 workers are two points"));
        let figures = &found.iter().find(|row| row.name == "scalability").unwrap().figures;
        let bound = figures.iter().find(|figure| figure.0 == "largest loss").unwrap();
        assert_eq!(bound.1, ["idle threads", "imbalance", "computing"]);
        assert!(found.iter().all(|row| row.figures.iter().all(|(_, cells)| cells.len() == 3)));
    }

    #[test]
    fn a_host_that_was_cut_off_is_told_of_and_so_is_one_that_was_not() {
        let mut found = comparison();
        let row = rows(&found).into_iter().find(|row| row.name == "fault tolerance").unwrap();
        assert_eq!(row.figures.last().unwrap().1, ["-", "-", "not tried"]);
        assert!(row.notes.join("\n").contains("C: host cut off: not tried: needs a way to cut a host (--cut-host)"));
        let struck = Struck { ended_after_s: 9.5, same_digest: false, ..found.columns[2].killed.clone().unwrap() };
        found.cut = Ok(Cut { host: "node3".into(), rest: vec!["node1".into(), "node2".into()], struck });
        let row = rows(&found).into_iter().find(|row| row.name == "fault tolerance").unwrap();
        let figure = |name: &str| row.figures.iter().find(|figure| figure.0 == name).unwrap().1.join(" ");
        assert_eq!(figure("host cut: job ends after"), "- - 9.50 s");
        assert_eq!(figure("cut: same digest"), "- - NO");
        assert!(row.notes.join("\n").contains("C: node3 was cut off; the job went on on node1, node2"));
    }

    #[test]
    fn the_verdict_weighs_time_and_memory() {
        let text = verdict(&comparison());
        assert!(text.contains("take A (threads in one process)"), "{text}");
        assert!(text.contains("B takes 0.96 times the time and 3.00 times the memory"), "{text}");
        let mut slow = comparison();
        slow.columns[0].measured.loop_s = 1.2;
        assert!(verdict(&slow).contains("take B (processes over shared memory)"));
        slow.columns[2].measured = Measured { proportional_bytes: 2.99e8, ..slow.columns[1].measured.clone() };
        assert!(
            verdict(&slow).contains("take B (processes over shared memory)"),
            "a hundredth of the memory is no reason"
        );
    }
}
