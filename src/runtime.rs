//! Starts a job: chooses the backend, starts rayon on every rank, runs the program, and ends all ranks together.
//!
//! # Threads
//! The thread that talks to other ranks is itself one of rayon's workers (`use_current_thread`), so N threads are N busy
//! threads and not N + 1, and all calls into MPI come from the main thread. With `--domains` every domain is a thread with a
//! pool of its own; plain `par_iter` calls from that thread use that pool.
//!
//! # Which backend
//! | started | backend |
//! |---|---|
//! | by hand | solo; threads with `--domains N` |
//! | by a launcher, built with MPI | MPI |
//! | by a launcher with several tasks, built without MPI | none: refused, for N equal runs are not what was meant |
//!
//! MPI is not initialised without a launcher: that takes a second, and fails where its daemons may not run. The environment
//! variable `PARHELION_COMM` (`solo` or `mpi`) overrides the choice for launchers that are not recognised.

pub mod ending;
pub mod fence;
pub mod launcher;
pub mod placement;
pub mod signals;
pub mod watchdog;

use crate::comm::solo::Solo;
use crate::comm::{Communicator, threads};
use crate::error::{Error, Result};
use crate::heartbeat::{self, Activity};
use crate::{console, fault, host};
use launcher::Launcher;
use placement::Placement;
use rayon::ThreadPoolBuilder;

/// What the command line asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Launch {
    /// `--domains`: ranks as threads of this process.
    pub domains: Option<usize>,
    /// `--threads`: for each rank; the cores that it may use if absent.
    pub threads: Option<usize>,
}

/// What a rank should know about the job besides its communicator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RankSetup {
    /// Threads of this rank that compute.
    pub threads: usize,
    /// Cores on which this rank may run.
    pub bound_cores: Vec<usize>,
    /// Names of the hosts of the job, in the order of their lowest rank.
    pub hosts: Vec<String>,
    /// Where each rank runs, in rank order.
    pub placements: Vec<Placement>,
    /// What makes this placement slow: for rank 0 to print.
    pub warnings: Vec<String>,
    /// `solo`, `threads` or `mpi`.
    pub backend: &'static str,
    /// Name and version of the MPI library, if it is in use.
    pub mpi_library: Option<String>,
}

/// How the ranks of a job are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Backend {
    Solo,
    Threads(usize),
    Mpi,
}

impl Backend {
    fn name(self) -> &'static str {
        match self {
            Backend::Solo => "solo",
            Backend::Threads(_) => "threads",
            Backend::Mpi => "mpi",
        }
    }
}

/// Runs `main` on every rank of the job that `request` and the environment describe, with rayon started, and returns what it
/// returned: for MPI on this rank, for domains on rank 0. Call it once, from the main thread, and end with
/// [`ending::conclude`].
///
/// # Errors
/// Those of `main`, the same on all ranks; and requests that cannot be met.
pub fn launch<T: Send>(
    request: &Launch,
    main: impl Fn(&dyn Communicator, &RankSetup) -> Result<T> + Sync,
) -> Result<T> {
    ending::install_panic_hook();
    let launcher = Launcher::of_environment();
    let backend =
        choose(request, launcher.as_ref(), std::env::var("PARHELION_COMM").ok().as_deref(), cfg!(feature = "mpi"))?;
    match backend {
        Backend::Solo => run_rank(&Solo, request, backend, &main),
        Backend::Threads(domains) => launch_domains(domains, request, main),
        Backend::Mpi => launch_mpi(launcher.as_ref(), request, main),
    }
}

/// The backend for a request. Pure, so that all of its refusals can be tested.
fn choose(request: &Launch, launcher: Option<&Launcher>, wish: Option<&str>, has_mpi: bool) -> Result<Backend> {
    check_counts(request)?;
    let tasks = launcher.map_or(1, |launcher| launcher.tasks);
    let started_by = launcher.map_or("PARHELION_COMM=mpi", |launcher| launcher.name);
    let wants_mpi = match wish.filter(|wish| !wish.is_empty()) {
        None => launcher.is_some() && (has_mpi || tasks > 1),
        Some("mpi") => true,
        Some("solo") => false,
        Some(other) => return Err(Error::Input(format!("PARHELION_COMM is {other:?}; it can be \"mpi\" or \"solo\""))),
    };
    match (wants_mpi, request.domains) {
        (false, None) => Ok(Backend::Solo),
        (true, Some(domains)) if tasks > 1 => Err(Error::Input(format!(
            "--domains {domains} makes ranks of one process, but {started_by} started {tasks} processes; leave out --domains, \
             or start one process"
        ))),
        (_, Some(domains)) => Ok(Backend::Threads(domains)),
        (true, None) if has_mpi => Ok(Backend::Mpi),
        (true, None) => Err(Error::Input(format!(
            "started by {started_by} with {tasks} tasks, but this program was built without MPI; build with --features mpi, \
             or use ./run_cluster.sh"
        ))),
    }
}

fn check_counts(request: &Launch) -> Result<()> {
    for (flag, count) in [("--domains", request.domains), ("--threads", request.threads)] {
        if count == Some(0) {
            return Err(Error::Input(format!("{flag} is 0; it must be at least 1")));
        }
    }
    Ok(())
}

fn launch_domains<T: Send>(
    domains: usize,
    request: &Launch,
    main: impl Fn(&dyn Communicator, &RankSetup) -> Result<T> + Sync,
) -> Result<T> {
    let results = threads::try_run(domains, |comm| run_rank(comm, request, Backend::Threads(domains), &main))?;
    results.into_iter().next().unwrap_or_else(|| Err(Error::Defect("a job without ranks".into())))
}

#[cfg(feature = "mpi")]
fn launch_mpi<T: Send>(
    launcher: Option<&Launcher>,
    request: &Launch,
    main: impl Fn(&dyn Communicator, &RankSetup) -> Result<T> + Sync,
) -> Result<T> {
    let rank = crate::comm::mpi::MpiRank::start(launcher.map(|launcher| launcher.tasks))?;
    let result = run_rank(&rank, request, Backend::Mpi, &main);
    rank.finish();
    result
}

#[cfg(not(feature = "mpi"))]
fn launch_mpi<T: Send>(
    _launcher: Option<&Launcher>,
    _request: &Launch,
    _main: impl Fn(&dyn Communicator, &RankSetup) -> Result<T> + Sync,
) -> Result<T> {
    Err(Error::Defect("MPI was chosen in a build without it".into()))
}

/// The life of one rank. All ranks return the same verdict.
fn run_rank<T>(
    comm: &dyn Communicator,
    request: &Launch,
    backend: Backend,
    main: &impl Fn(&dyn Communicator, &RankSetup) -> Result<T>,
) -> Result<T> {
    fault::on_rank(comm.rank());
    let setup = set_up(comm, request, backend);
    if comm.rank() == 0 {
        announce(&setup);
    }
    // The pool of a domain lives as long as its rank.
    let result = start_workers(setup.threads, backend).and_then(|_pool| main(comm, &setup));
    heartbeat::enter(Activity::End);
    ending::settle(comm, result)
}

/// The place of each rank if `PARHELION_SHOW_PLACEMENT` is set, as `run_cluster.sh` does.
fn announce(setup: &RankSetup) {
    if std::env::var_os("PARHELION_SHOW_PLACEMENT").is_some() {
        placement::describe(&setup.placements).iter().for_each(|line| console::message(line));
    }
}

fn set_up(comm: &dyn Communicator, request: &Launch, backend: Backend) -> RankSetup {
    let mut own = Placement {
        host: host::name(),
        cores: host::bound_cores(),
        parallelism: host::parallelism(),
        threads: request.threads.unwrap_or(1),
    };
    let mut placements = all_placements(comm, &own);
    if request.threads.is_none() {
        own.threads = placement::default_threads(&placements, comm.rank());
        placements = all_placements(comm, &own);
    }
    RankSetup {
        threads: own.threads,
        bound_cores: own.cores,
        hosts: placement::hosts(&placements),
        warnings: placement::warnings(&placements),
        placements,
        backend: backend.name(),
        mpi_library: mpi_library(backend),
    }
}

/// What all ranks say of themselves, in rank order, on every rank.
fn all_placements(comm: &dyn Communicator, own: &Placement) -> Vec<Placement> {
    let text = serde_json::to_vec(own).expect("a placement has a text form");
    let texts = comm.gather(0, &text);
    let mut joined = texts.join(&b',');
    comm.broadcast(0, &mut joined);
    let list = [b"[".as_slice(), &joined, b"]"].concat();
    serde_json::from_slice(&list).expect("placements are read back as they were written")
}

#[cfg(feature = "mpi")]
fn mpi_library(backend: Backend) -> Option<String> {
    (backend == Backend::Mpi).then(crate::comm::mpi::library)
}

#[cfg(not(feature = "mpi"))]
fn mpi_library(_backend: Backend) -> Option<String> {
    None
}

/// Makes the calling thread and `threads - 1` new ones the workers of its rayon calls.
fn start_workers(threads: usize, backend: Backend) -> Result<Option<rayon::ThreadPool>> {
    let builder = ThreadPoolBuilder::new()
        .num_threads(threads)
        .use_current_thread()
        .thread_name(|index| format!("worker-{index}"));
    let started = match backend {
        Backend::Threads(_) => builder.build().map(Some),
        Backend::Solo | Backend::Mpi => builder.build_global().map(|()| None),
    };
    started.map_err(|cause| Error::Input(format!("cannot start {threads} threads ({cause}); use fewer --threads")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launcher(tasks: usize) -> Launcher {
        Launcher { name: "mpirun", tasks, rank: 0 }
    }

    fn refusal(request: Launch, launcher: Option<&Launcher>, wish: Option<&str>, has_mpi: bool) -> String {
        let error = choose(&request, launcher, wish, has_mpi).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        error.to_string()
    }

    #[test]
    fn the_launcher_and_the_build_choose_the_backend() {
        let (plain, four) = (Launch::default(), Launch { domains: Some(4), threads: None });
        for has_mpi in [false, true] {
            assert_eq!(choose(&plain, None, None, has_mpi), Ok(Backend::Solo));
            assert_eq!(choose(&four, Some(&launcher(1)), None, has_mpi), Ok(Backend::Threads(4)));
            assert_eq!(choose(&plain, Some(&launcher(3)), Some("solo"), has_mpi), Ok(Backend::Solo));
        }
        assert_eq!(choose(&plain, Some(&launcher(1)), None, false), Ok(Backend::Solo));
        assert_eq!(choose(&plain, Some(&launcher(1)), None, true), Ok(Backend::Mpi));
        assert_eq!(choose(&plain, Some(&launcher(3)), None, true), Ok(Backend::Mpi));
        assert_eq!(choose(&plain, None, Some("mpi"), true), Ok(Backend::Mpi));
    }

    #[test]
    fn what_cannot_be_met_is_refused_with_the_way_out() {
        let (plain, four) = (Launch::default(), Launch { domains: Some(4), threads: None });
        assert!(
            refusal(plain, Some(&launcher(2)), None, false)
                .contains("build with --features mpi, or use ./run_cluster.sh")
        );
        assert!(refusal(plain, None, Some("mpi"), false).contains("built without MPI"));
        assert!(refusal(four, Some(&launcher(2)), None, true).contains("--domains 4"));
        assert!(refusal(plain, None, Some("tcp"), true).contains("PARHELION_COMM"));
        assert!(refusal(Launch { domains: Some(0), threads: None }, None, None, false).contains("--domains is 0"));
        assert!(refusal(Launch { domains: None, threads: Some(0) }, None, None, false).contains("--threads is 0"));
    }

    #[test]
    fn plain_rayon_calls_of_a_domain_use_its_own_pool() {
        let request = Launch { domains: Some(3), threads: Some(2) };
        let seen = threads::run(3, |comm| {
            run_rank(comm, &request, Backend::Threads(3), &|_: &dyn Communicator, setup: &RankSetup| {
                assert_eq!((setup.threads, setup.backend, setup.hosts.len()), (2, "threads", 1));
                let names = rayon::broadcast(|_| std::thread::current().name().unwrap_or_default().to_owned());
                Ok((rayon::current_thread_index(), names))
            })
        });
        for (rank, result) in seen.into_iter().enumerate() {
            let expected = vec![format!("rank-{rank}"), "worker-1".to_owned()];
            assert_eq!(result, Ok((Some(0), expected)));
        }
    }
}
