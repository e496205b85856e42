//! How far a sweep is, on standard error: on a terminal a line for each worker and a bar for all, elsewhere a line every few seconds. A member
//! that does not end well is told of at once.

use super::outcome::Status;
use super::plan::{Plan, name};
use crate::console;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Most workers with a line of their own.
const MOST_LINES: usize = 32;

/// Shows how far a sweep is.
pub struct Board {
    visible: bool,
    bars: Option<Bars>,
    all: usize,
    ended: usize,
    bad: usize,
    last: Instant,
}

struct Bars {
    sheet: MultiProgress,
    workers: Vec<ProgressBar>,
    total: ProgressBar,
}

impl Board {
    /// For so many workers and members, of which some have ended before.
    pub fn new(workers: usize, all: usize, ended: usize, quiet: bool) -> Board {
        let bars = (!quiet && std::io::stderr().is_terminal()).then(|| Bars::new(workers, all, ended));
        Board { visible: !quiet, bars, all, ended, bad: 0, last: Instant::now() }
    }

    /// A worker has begun with a member.
    pub fn began(&self, worker: usize, member: usize, plan: &Plan) {
        if let Some(bar) = self.bars.as_ref().and_then(|bars| bars.workers.get(worker)) {
            bar.reset_elapsed();
            bar.set_message(format!("{}  {}", name(member), console::one_line(&plan.words_of(member))));
        }
    }

    /// And has ended it.
    pub fn ended(&mut self, worker: usize, member: usize, status: Status, message: &str) {
        self.ended += usize::from(status != Status::Stopped);
        if let Some(bars) = &self.bars {
            bars.total.set_position(self.ended as u64);
            if let Some(bar) = bars.workers.get(worker) {
                bar.set_message("");
            }
        }
        if !matches!(status, Status::Done | Status::Stopped) {
            self.bad += 1;
            self.tell(&format!("member {}: {}: {message}", name(member), status.name()));
        }
        self.tick();
    }

    /// Time has passed.
    pub fn tick(&mut self) {
        if let Some(bars) = &self.bars {
            bars.workers.iter().for_each(ProgressBar::tick);
        } else if self.visible && self.last.elapsed() >= LINE_EVERY {
            self.last = Instant::now();
            let bad = if self.bad > 0 { format!(", {} of them not well", self.bad) } else { String::new() };
            console::message(&format!("{} of {} members have ended{bad}", self.ended, self.all));
        }
    }

    /// A line that stays.
    pub fn tell(&self, line: &str) {
        match &self.bars {
            Some(bars) => bars.sheet.suspend(|| console::message(line)),
            None if self.visible => console::message(line),
            None => {}
        }
    }
}

impl Bars {
    fn new(workers: usize, all: usize, ended: usize) -> Bars {
        let sheet = MultiProgress::new();
        let style =
            |template: &str| ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let line = |number: usize| {
            let bar = sheet.add(ProgressBar::new_spinner().with_style(style("{prefix:>4} {elapsed:>5}  {msg}")));
            bar.with_prefix(number.to_string())
        };
        let workers = (0..workers.min(MOST_LINES)).map(line).collect();
        let total = sheet.add(ProgressBar::new(all as u64).with_style(style("{bar:32} {pos}/{len} members")));
        total.set_position(ended as u64);
        Bars { sheet, workers, total }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        if let Some(bars) = &self.bars {
            let _ = bars.sheet.clear();
        }
    }
}
