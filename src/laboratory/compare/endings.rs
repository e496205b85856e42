//! What is said when a run of a comparison does not end well, and the exit code of it.
//!
//! A run that fails has an `error:` line and an exit code of its own, and both are handed on. Without such a line something around the run
//! ended it: its launcher was killed, or never started a rank; or somebody killed the run itself. That is no defect of this program, and has the
//! exit code of a host that is lost, 3.

use crate::error::{Error, Result};
use crate::laboratory::scaling::child::Ended;
use crate::laboratory::scaling::experiment::{finished, read_report};
use serde_json::Value;
use std::path::Path;

/// What a run says last before it ends with a code of its own.
const ERROR: &str = "error: ";
/// The codes of failures of this program.
const OWN: std::ops::RangeInclusive<i32> = 1..=6;

/// The report of a run that has ended well. `what` names the run, `command` is the word that started it: a launcher or this program.
///
/// # Errors
/// That of the run; exit code 3 if it was ended from outside.
pub fn report(directory: &Path, what: &str, command: &str, ended: &Ended) -> Result<Value> {
    finished(directory, ended).map_err(|why| match ended.message.strip_prefix(ERROR).zip(own_code(directory, ended)) {
        Some((message, exit_code)) => Error::Remote { exit_code, message: format!("{what}: {message}") },
        None => Error::Io(format!("{what}: {}", lost(command, ended, &why))),
    })
}

/// The exit code of a run that has failed. What a launcher makes of it is not always the same number, so its report comes first.
fn own_code(directory: &Path, ended: &Ended) -> Option<u8> {
    let reported = read_report(directory).and_then(|report| report["exit_code"].as_i64());
    let code = reported.and_then(|code| i32::try_from(code).ok()).or(ended.code).filter(|code| OWN.contains(code));
    code.and_then(|code| u8::try_from(code).ok())
}

/// A run that was ended from outside, and the way out.
fn lost(command: &str, ended: &Ended, why: &str) -> String {
    let is_launcher = std::env::current_exe().ok().as_deref() != Some(Path::new(command));
    let how = if ended.code == Some(0) { why.to_owned() } else { ended.how() + &said(&ended.message) };
    if is_launcher {
        format!(
            "{command} {how}; see that nobody ends it and that `{command} -n 2 hostname` works here, then start the same command again"
        )
    } else {
        format!(
            "its process {how}; see that nobody ends it and that memory suffices, then start the same command again"
        )
    }
}

fn said(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(", and said: {message}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::run_directory::REPORT;

    fn error(folder: &Path, ended: Ended) -> (u8, String) {
        let error = report(folder, "processes", "mpirun", &ended).unwrap_err();
        (error.exit_code(), error.to_string())
    }

    fn ended(code: i32, message: &str) -> Ended {
        Ended { code: Some(code), message: message.to_owned(), ..Ended::default() }
    }

    #[test]
    fn a_launcher_that_is_lost_is_no_defect() {
        let folder = tempfile::tempdir().unwrap();
        let (code, text) = error(folder.path(), ended(213, "no slots"));
        assert!(
            code == 3 && text.starts_with("processes: mpirun ended with exit code 213, and said: no slots; "),
            "{text}"
        );
        assert!(text.contains("`mpirun -n 2 hostname`") && !text.contains("defect"), "{text}");
        let (code, text) = error(folder.path(), Ended { signal: Some(9), ..Ended::default() });
        assert!(code == 3 && text.starts_with("processes: mpirun was ended by SIGKILL; see"), "{text}");
        let (code, text) = error(folder.path(), ended(0, ""));
        assert!(code == 3 && text.contains("mpirun ended with exit code 0, but without a report.json"), "{text}");
        let own = std::env::current_exe().unwrap();
        let killed = Ended { signal: Some(9), ..Ended::default() };
        let error = report(folder.path(), "threads", &own.display().to_string(), &killed).unwrap_err();
        assert!(error.to_string().starts_with("threads: its process was ended by SIGKILL; see"), "{error}");
    }

    #[test]
    fn a_run_that_fails_has_the_last_word() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(error(folder.path(), ended(4, "error: not finite")), (4, "processes: not finite".to_owned()));
        // A neighbour's abort is what Open MPI 5 may end with.
        std::fs::write(folder.path().join(REPORT), r#"{"status": "failed", "exit_code": 4}"#).unwrap();
        assert_eq!(error(folder.path(), ended(14, "error: not finite")).0, 4);
    }
}
