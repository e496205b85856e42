//! A directory of its own for each test, with two decks in it, and the program run there under a time limit.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A plate with constant coefficients that writes every kind of output.
pub const PLATE: &str = r#"title = "Plate"
physics = "heat"
[grid]
cells = [24, 18]
size = [0.24, 0.18]
[material]
name = "copper"
[boundary]
all = { kind = "fixed", value = 20.0 }
[initial]
kind = "uniform"
value = 100.0
[time]
dt = "auto"
steps = 20
[output]
diagnostics_every = 5
snapshot_every = 10
snapshot_formats = ["vti", "npy"]
frames_every = 10
[output.frames]
pixels = 64
"#;

/// A solid with another number of cells, spacing and boundary along every axis, two materials, and a source that is switched.
pub const SOLID: &str = r#"title = "Solid"
physics = "heat"
[grid]
cells = [17, 14, 13]
size = [0.17, 0.28, 0.104]
[material]
name = "brick"
[[regions]]
shape = "sphere"
center = [0.05, 0.1, 0.05]
radius = 0.06
material = "glass"
[[sources]]
shape = "box"
lower = [0.1, 0.1, 0.0]
upper = [0.15, 0.2, 0.05]
power = 40.0
on = 30.0
off = 900.0
[boundary]
x_lower = { kind = "fixed", value = { mean = 20.0, amplitude = 15.0, period = 600.0 } }
x_upper = { kind = "convection", coefficient = 25.0, ambient = 5.0 }
y_lower = { kind = "flux", value = 800.0 }
y_upper = { kind = "insulated" }
z_lower = { kind = "periodic" }
z_upper = { kind = "periodic" }
[initial]
kind = "gaussian"
background = 20.0
amplitude = 50.0
center = [0.06, 0.2, 0.02]
width = 0.03
[time]
dt = "auto"
steps = 23
[output]
diagnostics_every = 4
snapshot_every = 9
snapshot_formats = ["vti", "npy"]
frames_every = 6
[output.frames]
pixels = 64
"#;

/// What silences every output that can be silenced.
pub const NO_OUTPUTS: [&str; 8] = [
    "--set",
    "output.diagnostics_every=0",
    "--set",
    "output.snapshot_every=0",
    "--set",
    "output.snapshot_formats=[]",
    "--set",
    "output.frames_every=0",
];

/// Variables by which launchers make themselves known; the machine that tests may itself run under one.
const LAUNCHER_VARIABLES: [&str; 7] = [
    "OMPI_COMM_WORLD_SIZE",
    "MV2_COMM_WORLD_SIZE",
    "PMI_SIZE",
    "FLUX_JOB_SIZE",
    "SLURM_STEP_NUM_TASKS",
    "SLURM_JOB_END_TIME",
    "PARHELION_COMM",
];

/// How a start of the program ended.
#[derive(Debug)]
pub struct Outcome {
    /// Shown when a test fails.
    #[allow(dead_code)]
    pub command: String,
    /// 124 if the time limit ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// The hexadecimal digits of the last line of standard output, which must be `digest: HEX`.
    pub fn digest(&self) -> String {
        assert_eq!(self.code, Some(0), "{self:#?}");
        let last = self.stdout.lines().next_back().unwrap_or_default();
        let digest = last.strip_prefix("digest: ").unwrap_or_else(|| panic!("no digest at the end: {self:#?}"));
        assert!(digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit()), "{digest}");
        digest.to_owned()
    }

    /// Checks that it failed with this exit code and one `error:` line that contains all `words`.
    pub fn assert_refused(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:#?}");
        let errors: Vec<&str> = self.stderr.lines().filter(|line| line.starts_with("error:")).collect();
        assert_eq!(errors.len(), 1, "{self:#?}");
        for word in words {
            assert!(errors[0].contains(word), "no {word:?} in the error line: {self:#?}");
        }
        assert!(!self.stdout.contains("digest:") && !self.stderr.contains("panicked"), "{self:#?}");
    }
}

/// A directory with the decks `plate.toml` and `solid.toml`.
pub struct Workshop {
    directory: TempDir,
}

impl Workshop {
    pub fn new() -> Workshop {
        let workshop = Workshop { directory: tempfile::tempdir().expect("a temporary directory") };
        workshop.write("plate.toml", PLATE);
        workshop.write("solid.toml", SOLID);
        workshop
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).expect("writable");
    }

    /// A file of zeros that takes no room.
    pub fn sparse(&self, name: &str, bytes: u64) {
        File::create(self.path(name)).and_then(|file| file.set_len(bytes)).expect("a sparse file");
    }

    /// The program with these arguments, to be started in this directory by `timeout`.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=5", "60", env!("CARGO_BIN_EXE_parhelion")]).args(arguments);
        command.current_dir(self.directory.path()).stdin(Stdio::null());
        for name in LAUNCHER_VARIABLES {
            command.env_remove(name);
        }
        command
    }

    pub fn start(&self, arguments: &[&str]) -> Outcome {
        outcome(self.command(arguments))
    }

    /// Starts `run` and checks that it is refused, alone and as three domains, and that nothing is written.
    pub fn refuses(&self, arguments: &[&str], code: i32, words: &[&str]) {
        for shape in [&["run"] as &[&str], &["run", "--domains", "3", "--threads", "1"]] {
            self.refuses_command(&[shape, arguments].concat(), code, words);
        }
    }

    /// As [`Workshop::refuses`], for one command line.
    pub fn refuses_command(&self, arguments: &[&str], code: i32, words: &[&str]) {
        let before = self.tree();
        self.start(arguments).assert_refused(code, words);
        assert_eq!(self.tree(), before, "{arguments:?} has written or removed something");
    }

    /// Paths, lengths and modification times of all files and directories.
    pub fn tree(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        list(self.directory.path(), &mut found);
        found
    }
}

/// Runs a command to its end.
pub fn outcome(mut command: Command) -> Outcome {
    let text = format!("{command:?}");
    let output = command.output().expect("timeout is there");
    let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Outcome { command: text, code: output.status.code(), stdout, stderr }
}

fn list(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).expect("readable").map(|entry| entry.expect("readable")) {
        let data = entry.metadata().expect("there");
        // The time of a directory changes when a lock in it comes and goes.
        let detail = if data.is_dir() { String::new() } else { format!("{} {:?}", data.len(), data.modified().ok()) };
        found.insert(format!("{} {detail}", entry.path().display()));
        if data.is_dir() {
            list(&entry.path(), found);
        }
    }
}
