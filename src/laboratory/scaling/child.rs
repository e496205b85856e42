//! A child process that can neither hang nor be forgotten: it runs under a time limit, ends when this process is asked to stop or is killed,
//! and what it says on standard error is kept.
//!
//! A run that is a child reads its standard input, of which this process holds the other end. When this process has gone, that ends, and so
//! does the run ([`crate::runtime::signals`]). Refused: a signal at the death of the parent alone, since the parent of ranks is their launcher.

use crate::error::{Error, Result};
use crate::interrupt;
use crate::runtime::signals::{HOLDER, PARENT};
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Time between two looks at the child: long enough not to disturb it.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Time that a child has to end after it was asked to: launchers must end their ranks.
const GRACE: Duration = Duration::from_secs(10);
/// Bytes of standard error that are kept.
const KEPT: u64 = 64 << 10;

/// How a child ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code; none if it had to be ended, or a signal did it.
    pub code: Option<i32>,
    /// The signal that ended it, where it was not this process that had it ended.
    pub signal: Option<i32>,
    /// The time limit ended it.
    pub timed_out: bool,
    /// This process was asked to stop before the child had ended well: what it left tells nothing of the child. From a terminal the signal goes
    /// to both, and the child may leave first.
    pub stopped: bool,
    /// The last line that begins with `error:`, or the last line at all.
    pub message: String,
}

impl Ended {
    /// How it ended, in words.
    pub fn how(&self) -> String {
        match (self.signal, self.code) {
            _ if self.timed_out => "had not ended within its time limit".to_owned(),
            (Some(signal), _) => format!("was ended by {}", interrupt::name(signal)),
            (_, Some(code)) => format!("ended with exit code {code}"),
            _ => "was asked to stop".to_owned(),
        }
    }
}

/// Runs a command to its end, for at most `limit`.
///
/// # Errors
/// Exit code 3 if it cannot be started.
pub fn run(command: &mut Command, limit: Duration) -> Result<Ended> {
    let name = command.get_program().to_string_lossy().into_owned();
    let spawned =
        command.env(PARENT, HOLDER).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.map_err(|cause| Error::Io(format!("cannot start {name}: {cause}; check the launcher")))?;
    let words = listen(&mut child);
    let status = wait(&mut child, limit);
    // Grandchildren may hold the pipe open after the child has gone, so this wait has an end too.
    let text = words.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
    let code = status.and_then(|status| status.code());
    let stopped = interrupt::requested().is_some() && code != Some(0);
    Ok(Ended {
        code,
        signal: status.and_then(|status| status.signal()),
        timed_out: status.is_none() && !stopped,
        stopped,
        message: last_words(&text),
    })
}

/// Reads standard error in a thread, to its end.
fn listen(child: &mut Child) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    if let Some(mut pipe) = child.stderr.take() {
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            let _ = pipe.by_ref().take(KEPT).read_to_end(&mut kept);
            let _ = std::io::copy(&mut pipe, &mut std::io::sink());
            let _ = sender.send(String::from_utf8_lossy(&kept).into_owned());
        });
    }
    receiver
}

/// How the child ended, none if it had to be ended.
fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let ended_within = |child: &mut Child, limit: Duration, is_asked_to_stop: &dyn Fn() -> bool| {
        let start = Instant::now();
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Err(_) => return None,
                Ok(None) if start.elapsed() >= limit || is_asked_to_stop() => return None,
                Ok(None) => std::thread::sleep(LOOK_EVERY),
            }
        }
    };
    if let Some(status) = ended_within(child, limit, &|| interrupt::requested().is_some()) {
        return Some(status);
    }
    if let Some(process) = rustix::process::Pid::from_raw(child.id() as i32) {
        let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
    }
    if ended_within(child, GRACE, &|| false).is_none() {
        let _ = child.kill();
        let _ = child.wait();
    }
    None
}

fn last_words(text: &str) -> String {
    // Launchers frame what they say with lines of dashes.
    let lines = || text.lines().map(str::trim).filter(|line| line.contains(char::is_alphanumeric));
    let error = lines().rfind(|line| line.starts_with("error:"));
    error.or_else(|| lines().next_back()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Ended {
        run(Command::new("sh").args(["-c", script]), limit).unwrap()
    }

    #[test]
    fn codes_and_errors_come_back() {
        let ended =
            shell("echo before >&2; echo 'error: no such deck' >&2; echo after >&2; exit 3", Duration::from_secs(20));
        assert_eq!(ended, Ended { code: Some(3), message: "error: no such deck".into(), ..Ended::default() });
        assert_eq!(shell("exit 0", Duration::from_secs(20)).code, Some(0));
        let framed = shell("echo 'no slots' >&2; echo ------- >&2; exit 9", Duration::from_secs(20));
        assert_eq!((framed.how().as_str(), framed.message.as_str()), ("ended with exit code 9", "no slots"));
        let killed = shell("kill -KILL $$", Duration::from_secs(20));
        assert_eq!((killed.how().as_str(), killed.code, killed.signal), ("was ended by SIGKILL", None, Some(9)));
    }

    #[test]
    fn a_child_that_hangs_is_ended() {
        let start = Instant::now();
        let ended = shell("echo waiting >&2; exec sleep 600", Duration::from_millis(100));
        assert!(ended.timed_out && ended.code.is_none() && ended.message == "waiting", "{ended:?}");
        assert!(start.elapsed() < Duration::from_secs(60), "it would have slept for minutes");
    }

    #[test]
    fn standard_input_has_no_end_while_this_process_lives() {
        let ended = shell("cat >&2", Duration::from_millis(100));
        assert!(ended.timed_out && ended.message.is_empty(), "{ended:?}");
    }

    #[test]
    fn a_launcher_that_is_not_there_is_an_error_in_words() {
        let error = run(&mut Command::new("/no/such/launcher"), GRACE).unwrap_err();
        assert!(error.exit_code() == 3 && error.to_string().contains("/no/such/launcher"), "{error}");
    }
}
