//! A host file: the machines on which the processes of model C run.
//!
//! A line is a host, as `name`, `name slots=4` or `name:4`, the forms of Open MPI, MPICH and `run_cluster.sh`; `#` begins a comment. Slots are not
//! heeded: the models are compared with as many workers each, which are dealt to the hosts in turn.

use crate::error::{Error, Result};
use crate::output::plain_file;
use std::path::Path;

/// Most bytes of a host file.
const LONGEST: u64 = 1 << 20;

/// Names of the hosts in a file, each once, at most `workers` of them.
///
/// # Errors
/// Exit code 2 if it cannot be read, names something that is no host, or fewer than two of them.
pub fn read(path: &Path, workers: usize) -> Result<Vec<String>> {
    let refused = |why: String| Error::Input(format!("--hosts {}: {why}", path.display()));
    let text = plain_file::read_text(path, LONGEST).map_err(|cause| refused(format!("cannot be read: {cause}")))?;
    let mut names: Vec<String> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or_default();
        let Some(word) = line.split_whitespace().next() else { continue };
        let name = word.split(':').next().unwrap_or_default();
        // Launchers take names in a list with commas, and words with dashes in front as flags.
        let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
        if name.is_empty() || name.starts_with('-') || !is_name(name) {
            return Err(refused(format!(
                "line {number}: {word:?} is no name of a host; write one host a line, such as node1"
            )));
        }
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    if names.len() < 2 {
        return Err(refused(format!("a network needs two hosts, and {} is named; write one host a line", names.len())));
    }
    names.truncate(workers);
    Ok(names)
}

/// The host that is cut off: the last one that is not this machine, named `here`, where the launcher runs. None if all are.
pub fn to_cut<'a>(hosts: &'a [String], here: &str) -> Option<&'a String> {
    let short = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    hosts.iter().rfind(|host| *host != "localhost" && short(host) != short(here))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hosts");
        std::fs::write(&path, text).unwrap();
        read(&path, 3)
    }

    #[test]
    fn every_form_of_a_line_names_its_host() {
        let names = of("# mine\nnode1 slots=4\n\nnode2:8 # fast\nnode1\nnode-3.site\nnode4\n").unwrap();
        assert_eq!(names, ["node1", "node2", "node-3.site"]);
    }

    #[test]
    fn the_launcher_s_own_host_is_never_cut_off() {
        let hosts = ["node1", "node2.site", "node3"].map(str::to_owned);
        assert_eq!(to_cut(&hosts, "node1").unwrap(), "node3");
        assert_eq!(to_cut(&hosts, "node3.site").unwrap(), "node2.site");
        assert_eq!(to_cut(&hosts[1..2], "node2"), None);
    }

    #[test]
    fn what_is_no_host_file_is_refused_with_its_line() {
        for (text, words) in [
            ("", "two hosts, and 0 is"),
            ("a\na:2\n", "two hosts, and 1 is"),
            ("a\n--x\n", "line 2"),
            ("a,b\nc\n", "line 1"),
        ] {
            let error = of(text).unwrap_err();
            assert!(error.exit_code() == 2 && error.to_string().contains(words), "{text:?}: {error}");
        }
        assert_eq!(read(Path::new("/nowhere/hosts"), 2).unwrap_err().exit_code(), 2);
    }
}
