//! How a job ends: together, with one exit code, one line, and within seconds.
//!
//! A simulation agrees on its errors at the end of each phase ([`crate::comm::agree`]), so normally all ranks arrive here with
//! the same verdict. This is the net below that. [`settle`] compares verdicts once more, by messages that cannot be taken for
//! any other, and if the others do not come (they still wait for the rank that left) it ends the job for them. A panic does
//! not come here at all: its hook ends the job from the thread that failed.

use super::fence;
use super::launcher::speaks_for_the_job;
use crate::comm::{Communicator, Incoming, Outgoing};
use crate::console;
use crate::error::{Error, Result};
use std::panic::PanicHookInfo;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Once, mpsc};
use std::time::Duration;

/// How long a rank that has failed waits for the others before it ends the job.
const PATIENCE: Duration = Duration::from_secs(3);

/// The tag of verdicts; no other exchange uses it.
const TAG: u16 = 32_767;

/// A verdict on its way: exit code, length of the message (two bytes, little-endian), message.
const VERDICT_BYTES: usize = 1024;
type Verdict = [u8; VERDICT_BYTES];

/// Makes a panic on any thread of any rank end the whole job with one line and exit code 1.
pub fn install_panic_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| std::panic::set_hook(Box::new(end_job_by_panic)));
}

fn end_job_by_panic(info: &PanicHookInfo<'_>) {
    let line = panic_line(info.payload_as_str().unwrap_or("panic"), info.location());
    if fence::holds(line.strip_prefix("error: ").unwrap_or(&line)) {
        return;
    }
    claim_the_last_word(1);
    console::message(&line);
    end_job(1)
}

/// Returns on the first thread that ends the process. Others wait until the process has gone, for one message is enough, and end it
/// without one if that takes too long.
fn claim_the_last_word(exit_code: u8) {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if TAKEN.swap(true, Ordering::SeqCst) {
        std::thread::sleep(PATIENCE);
        std::process::exit(i32::from(exit_code));
    }
}

fn panic_line(message: &str, location: Option<&std::panic::Location<'_>>) -> String {
    let place = location.map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("error: internal: {message}{place} (this is a defect of parhelion: please report it)")
}

/// Ends all ranks at once, from any thread.
pub fn end_job(exit_code: u8) -> ! {
    #[cfg(feature = "mpi")]
    crate::comm::mpi::abort_job(exit_code);
    #[cfg(not(feature = "mpi"))]
    std::process::exit(i32::from(exit_code))
}

/// Prints an error and ends all ranks at once, from any thread: for what cannot be agreed upon.
pub fn end_job_with(error: &Error) -> ! {
    claim_the_last_word(error.exit_code());
    console::lines(&error_lines(error));
    end_job(error.exit_code())
}

/// One verdict for all ranks: that of the lowest rank that failed. A rank that has failed waits for the others for three
/// seconds, then prints its error and ends the job.
///
/// # Errors
/// If any rank has failed: its error, on its own rank as it is and as [`Error::Remote`] elsewhere.
pub fn settle<T>(comm: &dyn Communicator, result: Result<T>) -> Result<T> {
    if comm.size() == 1 {
        return result;
    }
    let watch = result.as_ref().err().map(|error| Watch::over(error.clone()));
    let own = result.as_ref().err();
    let verdict = lowest_failure(comm, encode(own), |verdict| {
        if let Some(agreed) = decode(verdict) {
            tell(own.filter(|own| same(own, &agreed)).unwrap_or(&agreed));
        }
    });
    drop(watch);
    match (result, decode(&verdict)) {
        (Err(error), Some(agreed)) if same(&error, &agreed) => Err(error),
        (_, Some(agreed)) => Err(agreed),
        (result, None) => result,
    }
}

fn same(own: &Error, agreed: &Error) -> bool {
    own.exit_code() == agreed.exit_code() && own.to_string() == agreed.to_string()
}

/// The verdict of the lowest failing rank, everywhere: all send to rank 0, and rank 0 answers, after it has told the user: a
/// launcher may kill rank 0 as soon as the first of the others has left with an error.
fn lowest_failure(comm: &dyn Communicator, own: Verdict, tell_user: impl FnOnce(&Verdict)) -> Verdict {
    let mut verdicts = vec![own; comm.size()];
    let mut answer = own;
    if comm.rank() == 0 {
        let others = verdicts.iter_mut().enumerate().skip(1);
        let mut incoming: Vec<_> = others.map(|(from, data)| Incoming { from, tag: TAG, data }).collect();
        comm.exchange(&[], &mut incoming, &mut || ());
        answer = verdicts.iter().find(|verdict| verdict[0] != 0).copied().unwrap_or(own);
        tell_user(&answer);
        let outgoing: Vec<_> = (1..comm.size()).map(|to| Outgoing { to, tag: TAG, data: &answer }).collect();
        comm.exchange(&outgoing, &mut [], &mut || ());
    } else {
        comm.exchange(&[Outgoing { to: 0, tag: TAG, data: &own }], &mut [], &mut || ());
        comm.exchange(&[], &mut [Incoming { from: 0, tag: TAG, data: &mut answer }], &mut || ());
    }
    answer
}

fn encode(error: Option<&Error>) -> Verdict {
    let mut verdict = [0; VERDICT_BYTES];
    if let Some(error) = error {
        let text = error.to_string();
        let length = text.floor_char_boundary(VERDICT_BYTES - 3);
        verdict[0] = error.exit_code();
        verdict[1..3].copy_from_slice(&(length as u16).to_le_bytes());
        verdict[3..3 + length].copy_from_slice(&text.as_bytes()[..length]);
    }
    verdict
}

fn decode(verdict: &Verdict) -> Option<Error> {
    let length = usize::from(u16::from_le_bytes([verdict[1], verdict[2]]));
    let message = String::from_utf8_lossy(&verdict[3..3 + length]).into_owned();
    (verdict[0] != 0).then_some(Error::Remote { exit_code: verdict[0], message })
}

/// A thread that ends the job unless it is dropped in time.
struct Watch {
    /// Closing it calls the watch off.
    _called_off: mpsc::Sender<()>,
}

impl Watch {
    fn over(error: Error) -> Watch {
        let (sender, receiver) = mpsc::channel::<()>();
        std::thread::spawn(move || {
            if receiver.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                end_job_with(&error);
            }
        });
        Watch { _called_off: sender }
    }
}

/// The last call of `main`: prints the error, if it is one and this task speaks for the job, and returns the exit code: that
/// of the error, or the one of the result (0, or 75 for a run that was stopped after a checkpoint).
pub fn conclude(result: Result<u8>) -> ExitCode {
    match result {
        Ok(exit_code) => ExitCode::from(exit_code),
        Err(error) => {
            tell(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

/// Prints the error of the job, once in this process, if this task speaks for the job.
fn tell(error: &Error) {
    static TOLD: AtomicBool = AtomicBool::new(false);
    if speaks_for_the_job() && !TOLD.swap(true, Ordering::SeqCst) {
        console::lines(&error_lines(error));
    }
}

/// What is printed of an error.
pub fn error_lines(error: &Error) -> String {
    match error {
        Error::Deck { message, snippet } => format!("error: {}\n{snippet}", console::one_line(message)),
        other => format!("error: {}", console::one_line(&other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::threads;

    #[test]
    fn all_ranks_leave_with_the_error_of_the_lowest_that_failed() {
        let results = threads::run(4, |comm| {
            let own = match comm.rank() {
                0 | 1 => Ok(()),
                rank => Err(Error::Io(format!("rank {rank} cannot write"))),
            };
            settle(comm, own)
        });
        let remote = Error::Remote { exit_code: 3, message: "rank 2 cannot write".into() };
        let expected = [remote.clone(), remote.clone(), Error::Io("rank 2 cannot write".into()), remote];
        assert_eq!(results, expected.map(Err));
    }

    #[test]
    fn good_results_pass() {
        assert_eq!(threads::run(3, |comm| settle(comm, Ok(comm.rank()))), [Ok(0), Ok(1), Ok(2)]);
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        let error = Error::Input("é".repeat(2000));
        let cut = decode(&encode(Some(&error))).unwrap();
        assert_eq!((cut.exit_code(), cut.to_string()), (2, "é".repeat(510)));
    }

    #[test]
    fn an_error_is_one_line_whatever_it_names() {
        let error = Error::Input("a\nerror: b\u{1b}[2J".into());
        assert_eq!(error_lines(&error), "error: a\\nerror: b\\u001b[2J");
        let drawn = Error::Deck { message: "a\nb".into(), snippet: "1 | x\n  | ^".into() };
        assert_eq!(error_lines(&drawn), "error: a\\nb\n1 | x\n  | ^");
    }

    #[test]
    fn a_panic_is_one_line() {
        assert_eq!(
            panic_line("left\n  right", None),
            "error: internal: left right (this is a defect of parhelion: please report it)"
        );
    }
}
