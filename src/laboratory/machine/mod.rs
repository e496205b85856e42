//! The machine in figures: bandwidth, arithmetic, messages, files, cores. `parhelion machine` prints them; models of performance use them.
//!
//! Every figure says by its module how it was found: [`bandwidth`], [`flops`], [`links`], [`disk`]. All together take a few
//! seconds, and no measurement takes more than a quarter of the memory that is free.

pub mod bandwidth;
pub mod disk;
pub mod flops;
pub mod links;
pub mod page;

use crate::comm::Communicator;
use crate::comm::solo::Solo;
use crate::cpu::CpuPath;
use crate::error::{Error, Result};
use crate::host::{self, topology};
use crate::output::{atomic, plain_file};
use crate::runtime::placement::Placement;
use bandwidth::Bandwidth;
use disk::FileSystem;
use flops::Flops;
use links::Link;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Instant;

/// Version of the form of `machine.json`.
pub const VERSION: u32 = 1;
/// Longest file of a machine that is read, in bytes.
const LONGEST: u64 = 16 << 20;

/// A machine as it was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// [`VERSION`].
    pub version: u32,
    /// Network name.
    pub host: String,
    /// The processor in its maker's words.
    pub cpu_model: String,
    /// Physical cores that could be used.
    pub cores: usize,
    /// CPUs that could be used, as the operating system counts them.
    pub logical_cpus: usize,
    /// Memory nodes.
    pub numa_nodes: usize,
    /// Each memory node.
    #[serde(default)]
    pub nodes: Vec<Node>,
    /// Caches as the first usable CPU sees them.
    pub caches: Vec<Cache>,
    /// Instruction sets, the baseline first.
    pub cpu_paths: Vec<String>,
    /// Memory that the processes of a job may use, in bytes; 0 if unknown.
    pub memory_bytes: u64,
    /// Bytes of each of the three arrays of the bandwidth loops, all threads together.
    #[serde(default)]
    pub array_bytes: u64,
    /// Memory bandwidth for each number of threads, ascending.
    pub bandwidth: Vec<Bandwidth>,
    /// Peak arithmetic, for one thread and for all.
    pub flops: Vec<Flops>,
    /// Costs of messages.
    pub links: Vec<Link>,
    /// Speed of writing, if it could be measured.
    pub file_system: Option<FileSystem>,
    /// Where each rank ran.
    pub bindings: Vec<Binding>,
    /// How the figures were found.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Seconds that measuring took.
    #[serde(default)]
    pub seconds: f64,
}

/// A memory node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Its number.
    pub node: usize,
    /// Its CPUs as the system writes them.
    pub cpus: String,
    /// Bytes.
    pub memory_bytes: u64,
}

/// A cache.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cache {
    /// 1, 2, 3, ...
    pub level: u8,
    /// `data`, `instruction` or `unified`.
    pub kind: String,
    /// Bytes.
    pub bytes: u64,
    /// CPUs that share it.
    pub shared_by: usize,
}

/// Where a rank ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Binding {
    /// Its number.
    pub rank: usize,
    /// Its host.
    pub host: String,
    /// CPUs that it is bound to.
    pub cpus: Vec<usize>,
    /// Its threads; known of rank 0 only, of others their number.
    pub threads: Vec<ThreadBinding>,
}

/// Where a thread may run and did run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ThreadBinding {
    /// CPUs that it is bound to, as the system writes them; empty if unknown.
    pub bound_to: String,
    /// The CPU that it last ran on.
    pub last_cpu: Option<usize>,
}

impl Machine {
    /// Reads a file that [`Machine::write`] has written, or an edited one.
    ///
    /// # Errors
    /// Exit code 3 if it cannot be read, 2 if it is not of this form.
    pub fn read(path: &Path) -> Result<Machine> {
        let text = plain_file::read_text(path, LONGEST).map_err(|cause| Error::io("read", path, cause))?;
        let refused = |cause: String| {
            Error::Input(format!("{}: {cause}; make one by: parhelion machine --output FILE", path.display()))
        };
        let machine: Machine =
            serde_json::from_str(&text).map_err(|cause| refused(format!("not a machine: {cause}")))?;
        machine.check().map_err(refused)?;
        Ok(machine)
    }

    /// What a model cannot work with.
    fn check(&self) -> std::result::Result<(), String> {
        let rates = self
            .bandwidth
            .iter()
            .flat_map(|b| [b.copy_bytes_per_s, b.triad_bytes_per_s, b.nontemporal_copy_bytes_per_s]);
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let costs =
            self.links.iter().all(|l| positive(l.alpha_s) && l.beta_s_per_byte.is_finite() && l.beta_s_per_byte >= 0.0);
        match () {
            () if self.version != VERSION => Err(format!("version {} is not {VERSION}", self.version)),
            () if self.bandwidth.is_empty() || self.cores == 0 => {
                Err("there is no bandwidth or no core in it".to_owned())
            }
            () if self.bandwidth.iter().any(|b| b.threads == 0) => {
                Err("bandwidth.threads must be at least 1".to_owned())
            }
            () if !rates.chain(self.flops.iter().map(|f| f.f64_per_s)).all(positive) || !costs => {
                Err("bandwidths, flops and links must be finite and above 0".to_owned())
            }
            () => Ok(()),
        }
    }

    /// Writes it as JSON, whole or not at all.
    ///
    /// # Errors
    /// Exit code 3.
    pub fn write(&self, path: &Path) -> Result<()> {
        atomic::write_file(path, |file| writeln!(file, "{}", self.json())).map(|_| ())
    }

    /// As JSON.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a machine has a text form")
    }

    /// The link of this name.
    pub fn link(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.name == name)
    }
}

/// Measures the machine from this process alone.
pub fn measure_here(directory: &Path) -> Machine {
    let (cores, parallelism) = (host::bound_cores(), host::parallelism());
    let own = Placement { host: host::name(), cores, parallelism, threads: parallelism };
    measure(&Solo, &[own], directory)
}

/// Measures the machine: rank 0 alone, but for messages between ranks. Bandwidth and arithmetic are measured with as many threads as rank 0
/// has; files in `directory`, if they can be written there. The result counts on rank 0. Collective.
pub fn measure(comm: &dyn Communicator, placements: &[Placement], directory: &Path) -> Machine {
    let start = Instant::now();
    let between_ranks = links_of_ranks(comm, placements);
    if comm.rank() > 0 {
        return empty();
    }
    let file_system = disk::measure(directory).ok();
    let threads = placements.first().map_or(1, |placement| placement.threads).min(host::parallelism()).max(1);
    let array_bytes = bandwidth::array_bytes();
    let mut links: Vec<Link> = links::shared_memory().into_iter().chain(links::tcp()).collect();
    links.extend(between_ranks);
    let machine = Machine {
        array_bytes,
        bandwidth: bandwidth::thread_counts(threads).into_iter().map(|n| bandwidth::measure(n, array_bytes)).collect(),
        flops: all_flops(threads),
        links,
        file_system,
        bindings: bindings(placements),
        methods: METHODS.map(str::to_owned).to_vec(),
        ..empty()
    };
    Machine { seconds: start.elapsed().as_secs_f64(), ..machine }
}

const METHODS: [&str; 4] = [
    "bandwidth: STREAM's counting, best of up to 12 passes but the first; each thread its own arrays",
    "flops: chains of fused multiply-add in registers (portable: multiply, then add), best of 8 rounds",
    "links: ping-pong; alpha is the median half round trip of 8 bytes of 400, beta from 1 MiB, median of 30",
    "file system: write and fsync, median of 3",
];

/// What is known without measuring.
fn empty() -> Machine {
    let known = topology::topology();
    Machine {
        version: VERSION,
        host: host::name(),
        cpu_model: host::cpu_model(),
        cores: known.cores,
        logical_cpus: known.logical_cpus,
        numa_nodes: known.nodes.len().max(1),
        nodes: known
            .nodes
            .into_iter()
            .map(|n| Node { node: n.number, cpus: n.cpus, memory_bytes: n.memory_bytes })
            .collect(),
        caches: known
            .caches
            .into_iter()
            .map(|c| Cache { level: c.level, kind: c.kind, bytes: c.bytes, shared_by: c.shared_by })
            .collect(),
        cpu_paths: CpuPath::available().into_iter().map(|path| flops::name(path).to_owned()).collect(),
        memory_bytes: host::memory_limit().map_or(0, |limit| limit.bytes),
        array_bytes: 0,
        bandwidth: Vec::new(),
        flops: Vec::new(),
        links: Vec::new(),
        file_system: None,
        bindings: Vec::new(),
        methods: Vec::new(),
        seconds: 0.0,
    }
}

/// Every path on one thread and on all.
fn all_flops(threads: usize) -> Vec<Flops> {
    let counts = if threads > 1 { vec![1, threads] } else { vec![1] };
    let of_path = |path: CpuPath| counts.iter().map(move |&n| flops::measure(path, n)).collect::<Vec<_>>();
    CpuPath::available().into_iter().flat_map(of_path).collect()
}

/// Between rank 0 and each of its [`partners`]. Collective.
fn links_of_ranks(comm: &dyn Communicator, placements: &[Placement]) -> Vec<Link> {
    let here = host::name();
    let transport = std::env::var("OMPI_MCA_btl").map_or(String::new(), |btl| format!(" (Open MPI's btl {btl})"));
    let link_with = |(name, rank): (&'static str, usize)| {
        let there = placements.first().zip(placements.get(rank)).filter(|(first, other)| first.host != other.host);
        let hosts = there.map_or(here.clone(), |(first, other)| format!("{} and {}", first.host, other.host));
        links::ranks(comm, name, rank, format!("ranks 0 and {rank} on {hosts}{transport}"))
    };
    let partners = partners(comm.size(), placements);
    let mut links: Vec<Link> = partners.iter().copied().filter_map(link_with).collect();
    if partners.iter().any(|&(name, _)| name == links::FAR) {
        let beta = links::crossing(comm, &first_ranks(placements));
        let far = links.iter_mut().find(|link| link.name == links::FAR);
        far.into_iter().for_each(|link| link.beta_s_per_byte = link.beta_s_per_byte.max(beta));
    }
    // Nobody may go on to measure while others still talk.
    comm.barrier();
    links
}

/// Links of rank 0 that are measured, and the other end of each: the first rank on another host, or the next rank; and the first rank on the
/// host in the middle of the list, if that is further away.
fn partners(size: usize, placements: &[Placement]) -> Vec<(&'static str, usize)> {
    if size < 2 {
        return Vec::new();
    }
    let firsts = first_ranks(placements);
    let next = firsts.get(1).copied().unwrap_or(1);
    let middle = Some(firsts.len() / 2).filter(|&middle| middle > 1).map(|middle| (links::FAR, firsts[middle]));
    [("mpi", next)].into_iter().chain(middle).collect()
}

/// The first rank of each host.
fn first_ranks(placements: &[Placement]) -> Vec<usize> {
    let is_new = |&rank: &usize| placements[..rank].iter().all(|placement| placement.host != placements[rank].host);
    (0..placements.len()).filter(is_new).collect()
}

fn bindings(placements: &[Placement]) -> Vec<Binding> {
    let own_threads: Vec<ThreadBinding> = rayon::broadcast(|_| {
        let (bound_to, last_cpu) = topology::thread_place();
        ThreadBinding { bound_to, last_cpu }
    });
    let of_rank = |(rank, placement): (usize, &Placement)| Binding {
        rank,
        host: placement.host.clone(),
        cpus: placement.cores.clone(),
        threads: if rank == 0 { own_threads.clone() } else { vec![ThreadBinding::default(); placement.threads] },
    };
    placements.iter().enumerate().map(of_rank).collect()
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
