//! The communicator's promises over MPI. Started by `tests/run.sh` under `mpirun`; `PARHELION_TEST_RANKS` says with how many
//! ranks, so that a launcher of another MPI, which starts that many lone ranks, fails here.

mod common;

use parhelion::comm::Communicator;
use parhelion::runtime::{Launch, ending, launch};
use std::process::ExitCode;

fn main() -> ExitCode {
    let Ok(expected) = std::env::var("PARHELION_TEST_RANKS") else {
        println!(
            "mpi_contract is run by tests/run.sh under mpirun (PARHELION_TEST_RANKS is not set): nothing checked here"
        );
        return ExitCode::SUCCESS;
    };
    let request = Launch { domains: None, threads: Some(1) };
    ending::conclude(launch(&request, |comm, setup| {
        assert_eq!(comm.size().to_string(), expected, "the number of ranks");
        assert_eq!((setup.backend, setup.placements.len()), ("mpi", comm.size()));
        common::check_all(comm, |name| report(comm, name));
        report(comm, "all kept");
        Ok(0)
    }))
}

fn report(comm: &dyn Communicator, text: &str) {
    if comm.rank() == 0 {
        println!("{} ranks over MPI: {text}", comm.size());
    }
}
