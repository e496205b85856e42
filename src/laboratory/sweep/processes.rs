//! A member as a process of its own: this very binary, started for one run. What goes wrong in it, a full stack or the out-of-memory killer
//! included, ends this one process, and the member's row says how.
//!
//! Children are in process groups of their own, so that Ctrl-C reaches the sweep alone, which then asks each child to stop, once: a second
//! signal would end a run without its checkpoint. Standard error of a child goes straight into its log, so nobody has to read a pipe.
//!
//! A child is waited for without being reaped, and reaped under the lock of the list of live children: a process id that is in the list
//! is never another's.

use super::crew::Worker;
use super::outcome::Outcome;
use super::plan::Job;
use crate::error::Error;
use crate::output::plain_file;
use crate::runtime::signals::PARENT;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Longest log that is looked through for an error.
const LONGEST: u64 = 1 << 20;

/// All children of a sweep.
pub struct Processes<'a> {
    job: &'a Job,
    program: PathBuf,
    /// Seconds until all members must stop, from `started`.
    limit: Option<f64>,
    started: Instant,
    live: Mutex<Live>,
}

#[derive(Default)]
struct Live {
    children: Vec<Pid>,
    stopping: bool,
}

impl<'a> Processes<'a> {
    /// Of the members of a job.
    ///
    /// # Errors
    /// Exit code 3 if this program cannot find itself.
    pub fn new(job: &'a Job, limit: Option<f64>, started: Instant) -> crate::error::Result<Processes<'a>> {
        let program =
            std::env::current_exe().map_err(|cause| Error::Io(format!("cannot find this program: {cause}")))?;
        Ok(Processes { job, program, limit, started, live: Mutex::default() })
    }

    /// Asks all children to stop, and those that are still to come. Once, however often it is called.
    pub fn stop(&self) {
        let mut live = self.live();
        if !std::mem::replace(&mut live.stopping, true) {
            live.children.iter().for_each(|&child| ask_to_stop(child));
        }
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn command(&self, member: usize, log: File) -> Command {
        let left = self.limit.map(|limit| (limit - self.started.elapsed().as_secs_f64()).max(0.0));
        let mut command = Command::new(&self.program);
        command.args(self.job.run_words(member, left));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).process_group(0);
        // Whoever has started the sweep, a member is alone.
        command.env("PARHELION_COMM", "solo").env_remove("PARHELION_SHOW_PLACEMENT");
        command.env(PARENT, std::process::id().to_string());
        command
    }

    fn start(&self, member: usize) -> io::Result<Child> {
        let log = plain_file::open(
            &self.job.log(member),
            OpenOptions::new().read(true).write(true).create(true).truncate(false),
        )?;
        log.set_len(0)?;
        let child = self.command(member, log).spawn()?;
        if let Some(id) = id(&child) {
            let mut live = self.live();
            live.children.push(id);
            if live.stopping {
                ask_to_stop(id);
            }
        }
        Ok(child)
    }

    /// Waits for a child and takes it off the list.
    fn end(&self, mut child: Child) -> io::Result<(ExitStatus, bool)> {
        let Some(id) = id(&child) else { return child.wait().map(|status| (status, false)) };
        while waitid(WaitId::Pid(id), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
            .is_err_and(|cause| cause == Errno::INTR)
        {}
        let mut live = self.live();
        live.children.retain(|other| *other != id);
        child.wait().map(|status| (status, live.stopping))
    }
}

fn id(child: &Child) -> Option<Pid> {
    Pid::from_raw(i32::try_from(child.id()).ok()?)
}

fn ask_to_stop(child: Pid) {
    let _ = kill_process(child, Signal::TERM);
}

/// Starts the members that it gets, one after the other.
pub struct Supervisor<'a>(pub &'a Processes<'a>);

impl Worker for Supervisor<'_> {
    fn run(&mut self, member: usize) -> Outcome {
        let log = self.0.job.log(member);
        match self.0.start(member).and_then(|child| self.0.end(child)) {
            Ok((status, stopping)) => {
                let signal = status.signal();
                let words = signal.map_or_else(|| last_error(&log), killed);
                let message = if status.success() { String::new() } else { words };
                remove_if_empty(&log);
                Outcome { exit_code: status.code(), signal, message, stopping }
            }
            Err(cause) => Outcome {
                exit_code: Some(3),
                signal: None,
                message: format!("cannot start a process for member {}: {cause}", super::plan::name(member)),
                stopping: false,
            },
        }
    }
}

fn killed(signal: i32) -> String {
    let name = signal_hook::low_level::signal_name(signal).map_or_else(|| format!("signal {signal}"), str::to_owned);
    let hint = if signal == libc::SIGKILL { ", as the system does when memory is short" } else { "" };
    format!("killed by {name}{hint}")
}

/// The last line of a log that begins with `error:`, without that word.
fn last_error(log: &Path) -> String {
    let text = plain_file::read_text(log, LONGEST).unwrap_or_default();
    let line = text.lines().rev().find_map(|line| line.strip_prefix("error: "));
    line.unwrap_or_default().to_owned()
}

fn remove_if_empty(log: &Path) {
    if std::fs::symlink_metadata(log).is_ok_and(|found| found.is_file() && found.len() == 0) {
        let _ = std::fs::remove_file(log);
    }
}
