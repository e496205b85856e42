//! Every way in which a job can end leaves no rank behind, prints at most one `error:` line, and gives the promised exit code.
//!
//! This program starts itself once for each scenario: three domains by default, or three MPI ranks if `PARHELION_TEST_LAUNCHER`
//! holds the words of an `mpirun` command (that is what `tests/run.sh` does).

use parhelion::comm::{Communicator, agree};
use parhelion::console;
use parhelion::error::{Error, Result};
use parhelion::runtime::{Launch, ending, launch};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use std::process::{Command, ExitCode, Output, Stdio};
use std::time::{Duration, Instant};

struct Scenario {
    name: &'static str,
    rank_main: fn(&dyn Communicator) -> Result<u8>,
    exit_code: i32,
    error_line: Option<&'static str>,
}

const SCENARIOS: [Scenario; 6] = [
    Scenario { name: "good_run", rank_main: |_| Ok(0), exit_code: 0, error_line: None },
    Scenario { name: "stopped_run", rank_main: |_| Ok(75), exit_code: 75, error_line: None },
    Scenario {
        name: "agreed_error",
        rank_main: agreed_error,
        exit_code: 3,
        error_line: Some("error: disk of rank 1 is full"),
    },
    Scenario {
        name: "lone_error",
        rank_main: lone_error,
        exit_code: 4,
        error_line: Some("error: not finite on rank 1"),
    },
    Scenario {
        name: "panic",
        rank_main: panic_of_a_rank,
        exit_code: 1,
        error_line: Some("error: internal: rank 1 broke at "),
    },
    Scenario {
        name: "panic_in_worker",
        rank_main: panic_in_worker,
        exit_code: 1,
        error_line: Some("error: internal: a worker of rank 2 broke at "),
    },
];

fn agreed_error(comm: &dyn Communicator) -> Result<u8> {
    let own = if comm.rank() == 1 { Err(Error::Io("disk of rank 1 is full".into())) } else { Ok(0) };
    agree(comm, own)
}

/// A defect: the error is not agreed upon, and the others wait for the rank that left.
fn lone_error(comm: &dyn Communicator) -> Result<u8> {
    if comm.rank() == 1 {
        return Err(Error::Numerical("not finite on rank 1".into()));
    }
    comm.all_sum(&mut [1; 100]);
    Ok(0)
}

fn panic_of_a_rank(comm: &dyn Communicator) -> Result<u8> {
    assert!(comm.rank() != 1, "rank 1\nbroke");
    comm.barrier();
    Ok(0)
}

fn panic_in_worker(comm: &dyn Communicator) -> Result<u8> {
    let rank = comm.rank();
    if rank == 2 {
        let on_main = std::thread::current().id();
        // The worker breaks while the main thread is still busy.
        (0..2).into_par_iter().for_each(|_| {
            assert!(std::thread::current().id() == on_main, "a worker of rank {rank} broke");
            std::thread::sleep(Duration::from_secs(30));
        });
    }
    comm.barrier();
    Ok(0)
}

fn main() -> ExitCode {
    if let Ok(name) = std::env::var("PARHELION_TEST_SCENARIO") {
        return play(&name);
    }
    let launcher = std::env::var("PARHELION_TEST_LAUNCHER").unwrap_or_default();
    let failures = SCENARIOS.iter().filter(|scenario| !passes(scenario, &launcher)).count() + closed_output_failures();
    let failures = failures + if launcher.is_empty() { launched_without_mpi_failures() } else { 0 };
    println!("endings: {failures} failed");
    ExitCode::from(u8::from(failures > 0))
}

fn play(name: &str) -> ExitCode {
    if name == "closed_output" {
        // Long enough for the reader to be gone.
        (0..200_000).for_each(|line| console::print(&format!("line {line}")));
        return ExitCode::SUCCESS;
    }
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name).expect("a known scenario");
    let under_mpi = std::env::var_os("PARHELION_TEST_LAUNCHER").is_some();
    let request = Launch { domains: (!under_mpi).then_some(3), threads: Some(2) };
    ending::conclude(launch(&request, |comm, _| {
        assert_eq!(comm.size(), 3);
        (scenario.rank_main)(comm)
    }))
}

/// Words of a launcher, under a time limit, followed by this program playing `scenario`.
fn command(launcher: &str, scenario: &str) -> Command {
    let mut command = Command::new("timeout");
    command.arg("30").args(launcher.split_whitespace()).arg(std::env::current_exe().expect("a program has a path"));
    command.env("PARHELION_TEST_SCENARIO", scenario).stdin(Stdio::null());
    command
}

fn passes(scenario: &Scenario, launcher: &str) -> bool {
    let start = Instant::now();
    let output = command(launcher, scenario.name).output().expect("timeout starts");
    let seconds = start.elapsed().as_secs_f64();
    // Three seconds of patience, and the launcher's own time on a loaded machine.
    let in_time = seconds < 8.0;
    let good = in_time && output.status.code() == Some(scenario.exit_code) && errors_are(&output, scenario.error_line);
    report(scenario.name, good, &output);
    good
}

fn errors_are(output: &Output, expected: Option<&str>) -> bool {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("error:")).collect();
    match expected {
        None => lines.is_empty(),
        Some(start) => lines.len() == 1 && lines[0].starts_with(start),
    }
}

fn report(name: &str, good: bool, output: &Output) {
    println!("ending {name} ... {}", if good { "ok" } else { "FAILED" });
    if !good {
        println!("{:?}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
}

/// The reader of standard output leaves after one line.
fn closed_output_failures() -> usize {
    let mut child =
        command("", "closed_output").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    let good = output.status.code() == Some(0) && output.stderr.is_empty();
    report("closed_output", good, &output);
    usize::from(!good)
}

/// What a launcher's four tasks do in a build without MPI (and in one with it, where MPI finds itself alone): all leave with 2,
/// and the first one says why.
fn launched_without_mpi_failures() -> usize {
    let fails = |rank: &str| {
        let mut task = command("", "good_run");
        task.env("OMPI_COMM_WORLD_SIZE", "4").env("OMPI_COMM_WORLD_RANK", rank);
        let output = task.output().expect("it starts");
        let text = "error: --domains 3 makes ranks of one process, but mpirun (Open MPI) started 4 processes";
        let good = output.status.code() == Some(2) && errors_are(&output, (rank == "0").then_some(text));
        report("domains_under_a_launcher", good, &output);
        !good
    };
    ["0", "3"].into_iter().filter(|rank| fails(rank)).count()
}
