//! The command that starts a shape: the program alone, with domains, or under `mpirun` or `srun`.
//!
//! The flags are those of `run_cluster.sh`, for the same reasons: ranks are bound to cores of their own while there are enough, and left
//! to the system when there are not.

use super::plan::{Ranks, Shape};
use crate::error::{Error, Result};
use crate::host;
use crate::runtime::launcher::Launcher;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What makes ranks of Open MPI talk TCP on one machine too, where they would share memory.
const TCP: [&str; 6] = ["--mca", "pml", "ob1", "--mca", "btl", "tcp,self"];

/// What the user asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Whatever is there.
    Auto,
    /// This.
    By(Ranks),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flavour {
    OpenMpi,
    Mpich,
}

/// Starts shapes on this machine or in this allocation.
#[derive(Clone, Debug)]
pub struct Starter {
    program: PathBuf,
    ranks_by: Ranks,
    flavour: Flavour,
    cores: usize,
    in_allocation: bool,
    /// What the user should know about the choice.
    pub note: Option<String>,
}

/// The program's own MPI launcher: `MPIRUN`, or `mpirun`.
fn mpirun() -> String {
    std::env::var("MPIRUN").ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "mpirun".to_owned())
}

fn in_allocation() -> bool {
    std::env::var_os("SLURM_JOB_ID").is_some()
}

fn answers(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    Some(String::from_utf8_lossy(&text).into_owned())
}

impl Starter {
    /// The way to start shapes, `several` of which have more than one rank.
    ///
    /// # Errors
    /// Exit code 2 if the wish cannot be met, or this process is itself a rank.
    pub fn new(wish: Wish, several: bool) -> Result<Starter> {
        if let Some(launcher) = Launcher::of_environment().filter(|launcher| launcher.tasks > 1) {
            return Err(Error::Input(format!(
                "this command starts its ranks itself, but {} started {} of it; start it once, without a launcher",
                launcher.name, launcher.tasks
            )));
        }
        let program =
            std::env::current_exe().map_err(|cause| Error::Io(format!("cannot find this program: {cause}")))?;
        let (ranks_by, note) =
            choose(wish, several, cfg!(feature = "mpi"), in_allocation(), &|name| answers(name).is_some())?;
        let flavour = match (ranks_by, answers(&mpirun())) {
            (Ranks::Mpirun, Some(text))
                if !["Open MPI", "OpenRTE", "Open RTE", "PRRTE", "prte"].iter().any(|n| text.contains(n)) =>
            {
                Flavour::Mpich
            }
            _ => Flavour::OpenMpi,
        };
        Ok(Starter { program, ranks_by, flavour, cores: host::parallelism(), in_allocation: in_allocation(), note })
    }

    /// How several ranks are started.
    pub fn ranks_by(&self) -> Ranks {
        self.ranks_by
    }

    /// The words of the command that runs `arguments` of `run` on a shape.
    pub fn words(&self, shape: Shape, deck: &Path, arguments: &[String]) -> Vec<String> {
        let own = [self.program.display().to_string(), "run".to_owned(), deck.display().to_string()];
        let mut words = self.launch(shape);
        words.extend(own);
        words.extend(["--threads".to_owned(), shape.threads.to_string()]);
        if shape.ranks > 1 && self.ranks_by == Ranks::Domains {
            words.extend(["--domains".to_owned(), shape.ranks.to_string()]);
        }
        words.extend_from_slice(arguments);
        words
    }

    /// The words before the program.
    fn launch(&self, shape: Shape) -> Vec<String> {
        let (ranks, threads) = (shape.ranks.to_string(), shape.threads.to_string());
        let words = |text: String| text.split(' ').map(str::to_owned).collect();
        match self.ranks_by {
            _ if shape.ranks == 1 => Vec::new(),
            Ranks::Domains => Vec::new(),
            Ranks::Srun => words(format!("srun -n {ranks} -c {threads} --cpu-bind=cores")),
            Ranks::Mpirun if self.flavour == Flavour::Mpich && self.is_crowded(shape) => {
                words(format!("{} -n {ranks}", mpirun()))
            }
            Ranks::Mpirun if self.flavour == Flavour::Mpich => {
                words(format!("{} -n {ranks} -bind-to core:{threads}", mpirun()))
            }
            Ranks::Mpirun if self.is_crowded(shape) => {
                words(format!("{} -n {ranks} --oversubscribe --bind-to none", mpirun()))
            }
            Ranks::Mpirun => {
                let hosts =
                    if self.in_allocation { String::new() } else { format!(" --host localhost:{}", self.cores) };
                words(format!("{} -n {ranks}{hosts} --map-by slot:PE={threads} --bind-to core", mpirun()))
            }
        }
    }

    /// The words of the command that runs this program on a shape, over TCP if that is asked for; none if the launcher has no flags for it.
    pub fn launch_program(&self, shape: Shape, over_tcp: bool) -> Option<Vec<String>> {
        if over_tcp && self.flavour != Flavour::OpenMpi {
            return None;
        }
        let mut words = self.launch(shape);
        if over_tcp && !words.is_empty() {
            words.splice(1..1, TCP.map(str::to_owned));
        }
        words.push(self.program.display().to_string());
        Some(words)
    }

    /// The words of the command that runs this program on ranks that are dealt to hosts in turn, over TCP alone where flags choose it.
    pub fn launch_on_hosts(&self, ranks: usize, hosts: &[String]) -> Vec<String> {
        let each = ranks.div_ceil(hosts.len().max(1));
        let list: Vec<String> = hosts.iter().map(|host| format!("{host}:{each}")).collect();
        let mut words = vec![mpirun(), "-n".to_owned(), ranks.to_string()];
        if self.flavour == Flavour::OpenMpi {
            words.extend(TCP.map(str::to_owned));
            words.extend(["--host".to_owned(), list.join(",")]);
            words.extend(["--map-by", "node", "--bind-to", "none"].map(str::to_owned));
        } else {
            words.extend(["-hosts".to_owned(), list.join(",")]);
        }
        words.push(self.program.display().to_string());
        words
    }

    /// Whether its daemons can be told to ask each other whether they are still there.
    pub fn asks_for_its_hosts(&self) -> bool {
        self.flavour == Flavour::OpenMpi
    }

    /// More workers than cores that are known.
    fn is_crowded(&self, shape: Shape) -> bool {
        !self.in_allocation && shape.workers() > self.cores
    }

    /// The command of these words, with what Open MPI wants to hear from root.
    pub fn command(&self, words: &[String]) -> Command {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        if self.ranks_by == Ranks::Mpirun && rustix::process::geteuid().is_root() {
            for name in ["OMPI_ALLOW_RUN_AS_ROOT", "PRTE_ALLOW_RUN_AS_ROOT"] {
                command.env(name, "1").env(format!("{name}_CONFIRM"), "1");
            }
        }
        command
    }
}

/// How several ranks are started, and what to say about it. Pure.
fn choose(
    wish: Wish,
    several: bool,
    has_mpi: bool,
    in_allocation: bool,
    is_there: &dyn Fn(&str) -> bool,
) -> Result<(Ranks, Option<String>)> {
    let missing = |what: &str| {
        Err(Error::Input(format!("--launcher {what}: it does not answer here; install it, or use --launcher none")))
    };
    if let Wish::By(by @ (Ranks::Mpirun | Ranks::Srun)) = wish {
        let (name, program) = if by == Ranks::Srun { ("srun", "srun".to_owned()) } else { ("mpirun", mpirun()) };
        if !has_mpi {
            return Err(Error::Input(format!(
                "--launcher {name}: this program was built without MPI; build it with --features mpi or ./run_cluster.sh, or \
                 use --launcher none, where ranks are threads of one process"
            )));
        }
        return if is_there(&program) { Ok((by, None)) } else { missing(name) };
    }
    if wish == Wish::By(Ranks::Domains) || !several {
        return Ok((Ranks::Domains, None));
    }
    if has_mpi && in_allocation && is_there("srun") {
        return Ok((Ranks::Srun, None));
    }
    if has_mpi && is_there(&mpirun()) {
        return Ok((Ranks::Mpirun, None));
    }
    let why = if has_mpi { "mpirun does not answer here" } else { "this program was built without MPI" };
    Ok((
        Ranks::Domains,
        Some(format!("{why}, so ranks are threads of one process (--domains): messages are copies in memory")),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starter(ranks_by: Ranks, flavour: Flavour, cores: usize, in_allocation: bool) -> Starter {
        Starter { program: "/bin/parhelion".into(), ranks_by, flavour, cores, in_allocation, note: None }
    }

    fn line(starter: &Starter, ranks: usize, threads: usize) -> String {
        starter.words(Shape { ranks, threads }, Path::new("deck.toml"), &["--quiet".to_owned()]).join(" ")
    }

    #[test]
    fn one_rank_needs_no_launcher() {
        for by in [Ranks::Domains, Ranks::Mpirun, Ranks::Srun] {
            let found = line(&starter(by, Flavour::OpenMpi, 4, false), 1, 3);
            assert_eq!(found, "/bin/parhelion run deck.toml --threads 3 --quiet");
        }
    }

    #[test]
    fn ranks_are_bound_while_there_are_cores() {
        let of = |flavour, ranks, threads| line(&starter(Ranks::Mpirun, flavour, 4, false), ranks, threads);
        assert!(of(Flavour::OpenMpi, 2, 2).contains("-n 2 --host localhost:4 --map-by slot:PE=2 --bind-to core /bin"));
        assert!(of(Flavour::OpenMpi, 8, 1).contains("-n 8 --oversubscribe --bind-to none /bin"));
        assert!(of(Flavour::Mpich, 2, 2).contains("-n 2 -bind-to core:2 /bin"));
        assert!(of(Flavour::Mpich, 4, 2).contains("-n 4 /bin"));
        let slurm = line(&starter(Ranks::Srun, Flavour::OpenMpi, 4, true), 16, 2);
        assert!(slurm.starts_with("srun -n 16 -c 2 --cpu-bind=cores /bin/parhelion run"), "{slurm}");
        let inside = line(&starter(Ranks::Mpirun, Flavour::OpenMpi, 4, true), 16, 2);
        assert!(inside.contains("-n 16 --map-by slot:PE=2"), "{inside}");
        assert!(line(&starter(Ranks::Domains, Flavour::OpenMpi, 4, false), 3, 1).contains("--threads 1 --domains 3"));
    }

    #[test]
    fn ranks_are_dealt_to_hosts() {
        let hosts = ["node1".to_owned(), "node2".to_owned()];
        let of = |flavour| starter(Ranks::Mpirun, flavour, 4, false).launch_on_hosts(3, &hosts).join(" ");
        let open = of(Flavour::OpenMpi);
        assert!(open.contains("-n 3 --mca pml ob1 --mca btl tcp,self --host node1:2,node2:2 --map-by node"), "{open}");
        assert!(of(Flavour::Mpich).ends_with("-n 3 -hosts node1:2,node2:2 /bin/parhelion"));
    }

    #[test]
    fn auto_takes_what_is_there_and_says_what_is_not() {
        let (all, none) = (|_: &str| true, |_: &str| false);
        assert_eq!(choose(Wish::Auto, true, true, false, &all).unwrap(), (Ranks::Mpirun, None));
        assert_eq!(choose(Wish::Auto, true, true, true, &all).unwrap(), (Ranks::Srun, None));
        assert_eq!(choose(Wish::Auto, false, true, false, &all).unwrap(), (Ranks::Domains, None));
        let (by, note) = choose(Wish::Auto, true, false, false, &all).unwrap();
        assert!(by == Ranks::Domains && note.unwrap().contains("built without MPI"));
        assert!(choose(Wish::Auto, true, true, false, &none).unwrap().1.unwrap().contains("mpirun does not answer"));
    }

    #[test]
    fn wishes_that_cannot_be_met_are_refused() {
        let refuse =
            |has_mpi, there: bool| choose(Wish::By(Ranks::Mpirun), true, has_mpi, false, &move |_| there).unwrap_err();
        assert!(refuse(false, true).to_string().contains("built without MPI"));
        assert!(refuse(true, false).to_string().contains("--launcher none"));
        assert_eq!(refuse(true, false).exit_code(), 2);
    }
}
