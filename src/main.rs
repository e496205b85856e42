//! The program: parse, start the runtime, dispatch, map the result to an exit code.

use clap::Parser;
use parhelion::cli::{Cli, Command};
use parhelion::commands;
use parhelion::runtime::{Launch, ending, launch};
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let started = Instant::now();
    let result = match Cli::parse().command {
        Command::Run(arguments) => {
            let request = Launch { domains: arguments.domains, threads: arguments.threads };
            launch(&request, |comm, setup| commands::run::run(comm, setup, &arguments, started))
        }
        Command::Check(arguments) => commands::check::check(&arguments),
    };
    ending::conclude(result)
}
