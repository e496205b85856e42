//! The communicator's promises on the two backends that need no MPI, for 1 to 7 ranks. `mpi_contract` checks the same promises
//! under the real `mpirun`.

mod common;

use parhelion::comm::{solo::Solo, threads};
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

/// Runs `test` on a thread of its own and fails if it takes longer than a minute: a broken communicator hangs.
fn within_a_minute(test: impl FnOnce() + Send + 'static) {
    let (done, finished) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        test();
        let _ = done.send(());
    });
    if finished.recv_timeout(Duration::from_secs(60)) == Err(mpsc::RecvTimeoutError::Timeout) {
        panic!("the ranks hang");
    }
    thread.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload));
}

#[test]
fn solo_keeps_the_contract() {
    within_a_minute(|| common::check_all(&Solo, |_| ()));
}

#[test]
fn thread_ranks_keep_the_contract() {
    within_a_minute(|| {
        for ranks in 1..=7 {
            threads::run(ranks, |comm| {
                common::check_all(comm, |name| {
                    if comm.rank() == 0 {
                        println!("{ranks} ranks: {name}");
                    }
                });
            });
        }
    });
}

#[test]
fn counting_sees_an_allocation() {
    assert_eq!(common::counting::on_this_thread(|| drop(std::hint::black_box(Box::new(1)))), 1);
}

#[test]
fn abort_ends_the_process_with_its_code() {
    if std::env::var_os("PARHELION_TEST_ABORT").is_some() {
        threads::run(3, |comm| if comm.rank() == 1 { comm.abort(4) } else { comm.barrier() });
    }
    let program = std::env::current_exe().expect("a test has a path");
    let name = "abort_ends_the_process_with_its_code";
    let mut child = Command::new("timeout");
    let status = child.arg("20").arg(program).args(["--exact", name]).env("PARHELION_TEST_ABORT", "1").status();
    assert_eq!(status.expect("timeout starts").code(), Some(4));
}
