//! A study from its flags to its summary: the plan with its folder, and a session of it, which takes the results of one pool.

use super::chart::{self, Request};
use super::costs::{Costs, isolation};
use super::folder;
use super::inspection::Inspection;
use super::outcome::{Outcome, Status};
use super::plan::{Plan, name};
use super::results::{RESULTS, Row, Table};
use super::variation::{Variation, members};
use crate::checkpoint::same_run::is_same_deck;
use crate::cli::SweepArgs;
use crate::config;
use crate::console;
use crate::error::{Error, Result};
use crate::laboratory::scaling::experiment::read_report;
use crate::laboratory::scaling::folder::write_text;
use crate::laboratory::scaling::raster::Raster;
use crate::output::atomic::write_file;
use crate::output::run_directory::{Earlier, earlier};
use crate::output::run_lock::Lock;
use crate::words::counted;
use std::path::{Path, PathBuf};

/// Version of `sweep.json`.
const VERSION: u32 = 1;
/// Most members that are listed in words.
const MOST_LINES: usize = 24;
/// Longest text of a cell in the summary.
const WIDEST: usize = 32;

/// A study.
pub struct Study {
    /// Its plan.
    pub plan: Plan,
    /// What is known of its members.
    pub inspection: Inspection,
    /// Its folder, an absolute path.
    pub folder: PathBuf,
}

impl Study {
    /// What the flags ask for, all members looked at. Writes nothing.
    ///
    /// # Errors
    /// Exit code 2.
    pub fn plan(arguments: &SweepArgs) -> Result<Study> {
        let variations = arguments.vary.iter().map(|raw| Variation::parse(raw)).collect::<Result<Vec<_>>>()?;
        let (keys, members) = members(&variations, &arguments.deck.overrides)?;
        let deck = arguments.deck.deck.clone();
        let text = config::read_deck_text(&deck)?;
        let stem = deck.file_stem().unwrap_or_default().to_string_lossy();
        let folder = arguments.output.clone().unwrap_or_else(|| PathBuf::from(format!("outputs/{stem}_sweep")));
        let folder = std::path::absolute(&folder).map_err(|cause| Error::io("find", &folder, cause))?;
        let overrides = arguments.deck.overrides.clone();
        let program = env!("CARGO_PKG_VERSION").to_owned();
        let plan = Plan { version: VERSION, program, deck, text, overrides, keys, members };
        Ok(Study { inspection: Inspection::of(&plan)?, plan, folder })
    }

    /// Enters the folder: the lock, and the rows that are there.
    ///
    /// # Errors
    /// Exit codes 2, 3 and 6.
    pub fn enter(&self, overwrite: bool) -> Result<(Lock, Table)> {
        let lock = folder::enter(&self.folder, &self.plan, overwrite)?;
        let table = Table::read(&self.folder.join(RESULTS), &self.plan)?;
        Ok((lock, table))
    }

    /// The plan in words, before anything runs.
    pub fn announcement(&self, pool: &str, workers: usize, threads: usize) -> String {
        let Inspection { title, physics, .. } = &self.inspection;
        let count = self.plan.members.len();
        let mut lines = vec![format!(
            "sweep: {title} ({physics}), {} on {} of {pool}, {} each",
            counted(count as u64, "member"),
            counted(workers as u64, "worker"),
            counted(threads as u64, "thread")
        )];
        for (key, values) in self.plan.keys.iter().zip(self.values()) {
            lines.push(format!("  {key} = {}", shortened(&values.join(", "), 100)));
        }
        if self.inspection.invalid() > 0 {
            lines.push(format!("  {} of them cannot be run: their rows will say why", self.inspection.invalid()));
        }
        lines.join("\n")
    }

    /// The values of each key, once each.
    fn values(&self) -> Vec<Vec<&str>> {
        let of = |key: usize| {
            self.plan.members.iter().fold(Vec::new(), |mut values, member| {
                if !values.contains(&member[key].as_str()) {
                    values.push(member[key].as_str());
                }
                values
            })
        };
        (0..self.plan.keys.len()).map(of).collect()
    }
}

/// The results of a study, and those that one pool adds to them.
pub struct Session {
    plan: Plan,
    resolved: Vec<Option<String>>,
    folder: PathBuf,
    table: Table,
    pool: &'static str,
    /// Columns of the file, once this session has written it.
    columns: Option<Vec<String>>,
    /// Members that this pool has to run, and those that it has ended.
    todo: Vec<usize>,
    ran: Vec<usize>,
}

impl Session {
    /// After the rows of earlier sessions. Members whose run is done but has no row, as after a kill, get theirs.
    ///
    /// # Errors
    /// Exit code 3 if rows cannot be written, 6 if a member of a sweep that was killed does not end.
    pub fn new(study: &Study, table: Table, pool: &'static str, retry: bool) -> Result<Session> {
        let members = 0..study.plan.members.len();
        let resolved = members.clone().map(|member| study.inspection.resolved(member).map(str::to_owned)).collect();
        let (plan, folder) = (study.plan.clone(), study.folder.clone());
        let (todo, ran) = (Vec::new(), Vec::new());
        let mut session = Session { plan, resolved, folder, table, pool, columns: None, todo, ran };
        let before = session.table.clone();
        for member in members {
            let status = session.table.row(member).map(|row| row.status);
            let is_over = status.is_some_and(|status| status == Status::Done || (status.is_final() && !retry));
            if !is_over && !session.found_done(member)? {
                session.todo.push(member);
            }
        }
        if session.table != before {
            session.write()?;
        }
        if session.ended() > 0 && !session.todo.is_empty() {
            console::message(&format!(
                "going on: {} of {} members have ended before, in {}",
                session.plan.members.len() - session.todo.len(),
                session.plan.members.len(),
                session.folder.display()
            ));
        }
        Ok(session)
    }

    fn directory(&self, member: usize) -> PathBuf {
        self.folder.join(super::plan::relative(member))
    }

    /// Whether a member is done without a row; it gets one then.
    fn found_done(&mut self, member: usize) -> Result<bool> {
        let directory = self.directory(member);
        if !directory.is_dir() {
            return Ok(false);
        }
        folder::wait_for_the_living(&directory)?;
        let report = read_report(&directory).filter(|report| report["status"] == "done");
        let Some(report) = report.filter(|_| self.has_planned_deck(member)) else { return Ok(false) };
        let done = Outcome { exit_code: Some(0), signal: None, message: String::new(), stopping: false };
        self.table.insert(Row::new(member, &done, Some(&report)));
        Ok(true)
    }

    /// Whether a run has the deck that was planned: it may have been edited since.
    fn has_planned_deck(&self, member: usize) -> bool {
        let Some(planned) = &self.resolved[member] else { return false };
        match earlier(&self.directory(member)) {
            Ok(Earlier::Run { deck, .. }) => is_same_deck(&deck, planned),
            _ => false,
        }
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Members that are to be run.
    pub fn todo(&self) -> Vec<usize> {
        self.todo.clone()
    }

    /// Members that need not be run any more.
    pub fn ended(&self) -> usize {
        let waiting = self.todo.iter().filter(|member| !self.ran.contains(member)).count();
        self.plan.members.len() - waiting - self.count(Status::Stopped).min(self.ran.len())
    }

    /// Members with this status.
    pub fn count(&self, status: Status) -> usize {
        match status {
            // Rows of an earlier session say that, too, until their members run again.
            Status::Stopped => {
                self.table.rows().filter(|row| row.status == status && self.ran.contains(&row.member)).count()
            }
            _ => self.table.count(status),
        }
    }

    /// Takes the outcome of a member and writes its row. Its status and error.
    ///
    /// # Errors
    /// Exit code 3.
    pub fn record(
        &mut self,
        worker: usize,
        member: usize,
        span: [f64; 2],
        outcome: &Outcome,
    ) -> Result<(Status, String)> {
        let report = read_report(&self.directory(member));
        let mut row = Row::new(member, outcome, report.as_ref());
        if row.status == Status::Done && (report.is_none() || !self.has_planned_deck(member)) {
            row = Row { status: Status::Failed, message: lost(report.is_some()), ..row };
        }
        (row.pool, row.worker, row.span) = (self.pool.to_owned(), Some(worker), Some(span));
        let told = (row.status, row.message.clone());
        self.table.insert(row.clone());
        self.ran.push(member);
        if self.columns.as_ref() == Some(&self.table.header(&self.plan)) {
            self.table.append(&self.folder.join(RESULTS), &self.plan, &row)?;
        } else {
            self.write()?;
        }
        Ok(told)
    }

    fn write(&mut self) -> Result<()> {
        self.columns = Some(self.table.header(&self.plan));
        self.table.write(&self.folder.join(RESULTS), &self.plan)
    }

    /// Puts the rows in the order of members.
    ///
    /// # Errors
    /// Exit code 3.
    pub fn put_in_order(&self) -> Result<()> {
        self.table.put_in_order(&self.folder.join(RESULTS), &self.plan)
    }

    /// Draws columns; paths of the pictures, or what could not be drawn, in words.
    ///
    /// # Errors
    /// Exit code 3 if a picture cannot be written.
    pub fn draw(&self, study: &Study, columns: &[String], against: Option<&str>) -> Result<Vec<String>> {
        let mut drawn = Vec::new();
        for column in columns {
            let request = Request { column: column.clone(), against: against.map(str::to_owned) };
            match chart::draw(&self.plan, &self.table, &request, &study.inspection.title) {
                Ok((name, Some(drawing))) => {
                    let stem = self.folder.join(format!("plot_{}", chart::slug(&name)));
                    write_text(&stem.with_extension("svg"), &drawing.svg(true))?;
                    write_file(&stem.with_extension("png"), |file| Raster::of(&drawing).write(file))?;
                    drawn.push(shown(&stem.with_extension("svg")));
                }
                Ok((name, None)) => console::message(&format!("warning: --plot {name}: no member has a number there")),
                Err(error) => {
                    console::message(&format!("warning: {error}; the same command draws without running anything"))
                }
            }
        }
        Ok(drawn)
    }

    /// What came of it, in words.
    pub fn summary(&self, study: &Study, workers: usize, threads: usize, drawn: &[String]) -> String {
        let mut lines = self.list();
        let counts = Status::ALL.map(|status| (status, self.table.count(status)));
        let counts: Vec<String> =
            counts.iter().filter(|(_, n)| *n > 0).map(|(status, n)| format!("{n} {}", status.name())).collect();
        lines.push(format!("members   {} of {}: {}", self.ended(), study.plan.members.len(), counts.join(", ")));
        let own = self.table.rows().filter(|row| self.ran.contains(&row.member));
        if let Some(costs) = Costs::of(own, workers) {
            lines.extend(costs.lines(self.pool, threads));
            lines.push(isolation(self.pool).to_owned());
        }
        lines.push(format!("results   {}", shown(&self.folder.join(RESULTS))));
        lines.extend(drawn.iter().map(|path| format!("plot      {path} and .png")));
        lines.join("\n")
    }

    /// A line a member: values, status, seconds, digest or error.
    fn list(&self) -> Vec<String> {
        let cells: Vec<[String; 5]> = self.table.rows().take(MOST_LINES).map(|row| self.cells(row)).collect();
        let width = |n: usize| cells.iter().map(|row| row[n].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..4).map(width).collect();
        let line = |row: &[String; 5]| {
            let cell = |n: usize| format!("{:<1$}", row[n], widths[n]);
            let text = format!("{}  {}  {}  {:>5$}  {}", cell(0), cell(1), cell(2), row[3], row[4], widths[3]);
            text.trim_end().to_owned()
        };
        let mut lines: Vec<String> = cells.iter().map(line).collect();
        let more = self.table.rows().count().saturating_sub(MOST_LINES);
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        lines
    }

    fn cells(&self, row: &Row) -> [String; 5] {
        let seconds = row.seconds[0].map_or_else(String::new, |seconds| format!("{seconds:.3} s"));
        let end: String =
            if row.digest.is_empty() { row.message.clone() } else { row.digest.chars().take(12).collect() };
        let values = shortened(&self.plan.members[row.member].join(", "), WIDEST);
        [name(row.member), values, row.status.name().to_owned(), seconds, shortened(&end, 90)]
    }
}

fn lost(has_report: bool) -> String {
    let why = if has_report {
        "it ran with another deck than was planned: the deck was changed during the sweep; put it back, or use --overwrite"
    } else {
        "it left no report where the sweep looks for it: all hosts must share the file system of --output"
    };
    why.to_owned()
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn shortened(text: &str, most: usize) -> String {
    let text = console::one_line(text);
    if text.chars().count() <= most {
        text.into_owned()
    } else {
        format!("{}...", text.chars().take(most - 3).collect::<String>())
    }
}
