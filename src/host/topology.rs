//! How the CPUs that this process may use hang together: cores, caches, memory nodes. Read from `/sys`, as [`super`] says.

use super::{bound_cores, count_of_list, kibibytes, parallelism, read, size_with_suffix};
use std::collections::BTreeSet;
use std::path::Path;

/// Where Linux tells about its CPUs and memory nodes.
const DEVICES: &str = "/sys/devices/system";

/// Cores, caches and memory nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// Physical cores that this process may use at once.
    pub cores: usize,
    /// CPUs as the operating system counts them that this process may use.
    pub logical_cpus: usize,
    /// Caches as the first of these CPUs sees them, instruction caches too.
    pub caches: Vec<NamedCache>,
    /// Memory nodes with their CPUs; empty if the system does not tell.
    pub nodes: Vec<Node>,
}

/// A cache with what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedCache {
    /// 1, 2, 3, ...
    pub level: u8,
    /// `data`, `instruction` or `unified`.
    pub kind: String,
    /// Size in bytes.
    pub bytes: u64,
    /// CPUs that share it.
    pub shared_by: usize,
}

/// A memory node (NUMA).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its number.
    pub number: usize,
    /// Its CPUs as the system writes them: `0-3,8`.
    pub cpus: String,
    /// Its memory in bytes.
    pub memory_bytes: u64,
}

/// The machine as this process may use it.
pub fn topology() -> Topology {
    read_topology(Path::new(DEVICES), &bound_cores(), parallelism())
}

fn read_topology(devices: &Path, cpus: &[usize], parallelism: usize) -> Topology {
    Topology {
        cores: physical_cores(devices, cpus).min(parallelism).max(1),
        logical_cpus: cpus.len(),
        caches: cpus.first().map_or(Vec::new(), |cpu| caches(&devices.join(format!("cpu/cpu{cpu}/cache")))),
        nodes: nodes(&devices.join("node")),
    }
}

/// Package and core of a CPU; one of which nothing is known counts as a core.
fn core_of(devices: &Path, cpu: usize) -> (i64, i64) {
    let directory = devices.join(format!("cpu/cpu{cpu}/topology"));
    let number = |file: &str| line(&directory.join(file))?.parse::<i64>().ok();
    number("physical_package_id").zip(number("core_id")).unwrap_or((-1, cpu as i64))
}

fn physical_cores(devices: &Path, cpus: &[usize]) -> usize {
    cpus.iter().map(|&cpu| core_of(devices, cpu)).collect::<BTreeSet<_>>().len()
}

/// One CPU of each core, then the others.
fn spread(devices: &Path, cpus: &[usize]) -> Vec<usize> {
    let mut seen = BTreeSet::new();
    let (mut first, others): (Vec<usize>, Vec<usize>) =
        cpus.iter().partition(|&&cpu| seen.insert(core_of(devices, cpu)));
    first.extend(others);
    first
}

/// Binds the calling thread to a CPU of its own, one core after the other, for as long as it lives: threads of short measurements are
/// otherwise left on one core for longer than these take. Only for threads that end with their measurement.
pub fn bind_thread(number: usize) {
    let cpus = spread(Path::new(DEVICES), &bound_cores());
    if let Some(&id) = cpus.get(number % cpus.len().max(1)) {
        core_affinity::set_for_current(core_affinity::CoreId { id });
    }
}

fn caches(directory: &Path) -> Vec<NamedCache> {
    let entry = |index: usize| {
        let value = |file: &str| line(&directory.join(format!("index{index}/{file}")));
        Some(NamedCache {
            level: value("level")?.parse().ok()?,
            kind: value("type")?.to_lowercase(),
            bytes: size_with_suffix(&value("size")?)?,
            shared_by: value("shared_cpu_list").map_or(1, |list| count_of_list(&list)).max(1),
        })
    };
    (0..).map_while(entry).collect()
}

fn nodes(directory: &Path) -> Vec<Node> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let number = |entry: std::fs::DirEntry| entry.file_name().to_str()?.strip_prefix("node")?.parse::<usize>().ok();
    let numbers: BTreeSet<usize> = entries.flatten().filter_map(number).collect();
    let node = |number: usize| {
        let own = directory.join(format!("node{number}"));
        let memory = std::fs::read_to_string(own.join("meminfo")).unwrap_or_default();
        let cpus = line(&own.join("cpulist")).unwrap_or_default();
        Node { number, cpus, memory_bytes: kibibytes(&memory, &format!("Node {number} MemTotal:")).unwrap_or(0) }
    };
    numbers.into_iter().map(node).collect()
}

/// What the calling thread is bound to (`0-3,8`) and the CPU that it last ran on; empty and absent where that is not told.
pub fn thread_place() -> (String, Option<usize>) {
    let status = read("/proc/thread-self/status");
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    // Behind the name, which may hold anything and ends at the last bracket: the CPU is field 39 of all, 37 of the rest.
    let stat = read("/proc/thread-self/stat");
    let last = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(36)?.parse().ok());
    (allowed.unwrap_or_default().trim().to_owned(), last)
}

/// Bytes of memory that can be taken without pushing others out, by the system's own estimate.
pub fn available_memory() -> Option<u64> {
    kibibytes(&read("/proc/meminfo"), "MemAvailable:")
}

fn line(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).map(|text| text.trim().to_owned()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_answers() {
        let found = topology();
        assert!(found.cores >= 1 && found.cores <= found.logical_cpus, "{found:?}");
        assert!(available_memory().is_none_or(|bytes| bytes > 0));
        let (allowed, last) = thread_place();
        assert_eq!(count_of_list(&allowed), found.logical_cpus, "{allowed}");
        assert!(last.is_some_and(|cpu| bound_cores().contains(&cpu)), "{last:?}");
    }

    #[test]
    fn a_bound_thread_stays_where_it_is_put() {
        let cpus = spread(Path::new(DEVICES), &bound_cores());
        let seen = std::thread::spawn(|| {
            bind_thread(1);
            thread_place()
        });
        let (allowed, last) = seen.join().unwrap();
        let own = cpus[1 % cpus.len()];
        assert_eq!((allowed, last), (own.to_string(), Some(own)));
    }

    /// Two cores of two threads each, on two nodes.
    #[test]
    fn siblings_are_one_core_and_nodes_have_their_memory() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: String, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        for cpu in 0..4 {
            put(format!("cpu/cpu{cpu}/topology/core_id"), &format!("{}\n", cpu % 2));
            put(format!("cpu/cpu{cpu}/topology/physical_package_id"), "0\n");
        }
        for (index, (level, kind, size)) in [("1", "Instruction", "32K"), ("3", "Unified", "32M")].iter().enumerate() {
            put(format!("cpu/cpu0/cache/index{index}/level"), level);
            put(format!("cpu/cpu0/cache/index{index}/type"), kind);
            put(format!("cpu/cpu0/cache/index{index}/size"), size);
            put(format!("cpu/cpu0/cache/index{index}/shared_cpu_list"), "0-3");
        }
        put("node/node1/cpulist".into(), "2-3\n");
        put("node/node1/meminfo".into(), "Node 1 MemTotal:       1024 kB\n");
        put("node/possible".into(), "0-1");
        let found = read_topology(root.path(), &[0, 1, 2, 3], 4);
        assert_eq!((found.cores, found.logical_cpus), (2, 4));
        assert_eq!(found.caches[1], NamedCache { level: 3, kind: "unified".into(), bytes: 32 << 20, shared_by: 4 });
        assert_eq!(found.nodes, [Node { number: 1, cpus: "2-3".into(), memory_bytes: 1 << 20 }]);
        assert_eq!(read_topology(root.path(), &[0, 1, 2, 3], 1).cores, 1, "a quota counts");
        assert_eq!(spread(root.path(), &[0, 2, 1, 3]), [0, 1, 2, 3]);
        assert_eq!(read_topology(Path::new("/nowhere"), &[5, 9], 2).cores, 2);
    }
}
