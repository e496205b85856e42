//! The program: parse, start the runtime, dispatch, map the result to an exit code.

use clap::Parser;
use parhelion::cli::{self, Cli, Command};
use parhelion::commands;
use parhelion::config;
use parhelion::console;
use parhelion::error::Result;
use parhelion::fault;
use parhelion::runtime::launcher::speaks_for_the_job;
use parhelion::runtime::{Launch, ending, launch, signals, watchdog};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long a silent task stays for the one that says what is wrong with the flags; jobs end within five seconds.
const SILENCE: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let started = Instant::now();
    ending::install_panic_hook();
    match Cli::try_parse() {
        Ok(cli) => ending::conclude(dispatch(cli.command, started)),
        Err(usage) => explain(&usage),
    }
}

/// Help, the version, or what is wrong with the flags: from one task of a job, with the same code from all.
fn explain(usage: &clap::Error) -> ExitCode {
    if speaks_for_the_job() {
        print_usage(usage);
    } else if usage.exit_code() != 0 {
        // A launcher ends the whole job at the first task that leaves with an error: the one that speaks must not be cut off.
        std::thread::sleep(SILENCE);
    }
    ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2))
}

/// As clap prints it, in colours; in a line of our own if arguments hold control characters, which it would repeat.
fn print_usage(usage: &clap::Error) {
    let arguments = std::env::args_os().map(|text| text.to_string_lossy().into_owned());
    let hostile: Vec<String> = arguments.filter(|text| console::one_line(text) != *text).collect();
    if hostile.is_empty() || usage.exit_code() == 0 {
        // A reader that has gone is no error.
        let _ = usage.print();
        return;
    }
    let kind = usage.kind().as_str().unwrap_or("wrong usage");
    console::message(&format!("error: {kind}: {}; see --help", hostile.join(" ")));
}

fn dispatch(command: Command, started: Instant) -> Result<u8> {
    match command {
        Command::Run(arguments) => {
            fault::check()?;
            signals::watch()?;
            watchdog::watch(arguments.watchdog)?;
            let request = Launch { domains: arguments.domains, threads: arguments.threads };
            launch(&request, |comm, setup| commands::run::run(comm, setup, &arguments, started))
        }
        Command::Check(arguments) => commands::check::check(&arguments),
        Command::Verify(arguments) => commands::verify::verify(&arguments),
        Command::Scaling(arguments) => commands::scaling::scaling(&arguments),
        Command::Compare(arguments) => commands::compare::compare(&arguments),
        Command::Mechanism(arguments) => commands::compare::mechanism(&arguments.what),
        Command::Sweep(arguments) => commands::sweep::sweep(&arguments, started),
        Command::Render(arguments) => commands::render::render(&arguments),
        Command::Machine(arguments) => {
            launch(&Launch::default(), |comm, setup| commands::machine::machine(comm, setup, &arguments))
        }
        Command::Predict(arguments) => commands::predict::predict(&arguments),
        Command::Completions { shell } => print(|out| cli::write_completions(shell, out)),
        Command::Man => print(|out| cli::write_man(out)),
        Command::Schema => print(|out| writeln!(out, "{}", config::schema())),
    }
}

/// Prints a text that is generated; a reader that has gone is no error.
fn print(write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> Result<u8> {
    let mut text = Vec::new();
    if write(&mut text).is_ok() {
        console::print(String::from_utf8_lossy(&text).trim_end());
    }
    Ok(0)
}
