//! The machine under us: its name, cores, memory and caches. Everything in bytes.
//!
//! Linux tells through `/proc` and `/sys`, read here line by line (a crate for it would not build elsewhere). On other systems
//! what cannot be found out is absent or a cautious default; nothing here fails a run.

pub mod topology;
pub mod usage;

use std::path::Path;

/// The host's network name; `localhost` if it has none.
pub fn name() -> String {
    let mut buffer = [0u8; 256];
    // SAFETY: the pointer and length describe `buffer`; the last byte stays 0 in any case.
    let failed = unsafe { libc::gethostname(buffer.as_mut_ptr().cast(), buffer.len() - 1) } != 0;
    let length = buffer.iter().position(|&byte| byte == 0).unwrap_or(0);
    match std::str::from_utf8(&buffer[..length]) {
        Ok(name) if !failed && !name.is_empty() => name.to_owned(),
        _ => "localhost".to_owned(),
    }
}

/// The batch job that this process belongs to, if any.
pub fn batch_job() -> Option<String> {
    let variables = ["SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID"];
    variables.iter().find_map(|name| std::env::var(name).ok())
}

/// Numbers of the CPUs (as the operating system counts them) on which this process may run, ascending.
pub fn bound_cores() -> Vec<usize> {
    let fallback = || (0..parallelism()).collect();
    match core_affinity::get_core_ids() {
        Some(ids) if !ids.is_empty() => ids.into_iter().map(|core| core.id).collect(),
        _ => fallback(),
    }
}

/// Threads that can run at once: the bound cores, or fewer if a CPU quota says so.
pub fn parallelism() -> usize {
    std::thread::available_parallelism().map_or(1, |threads| threads.get())
}

/// Processor seconds of the calling thread.
pub fn thread_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + 1e-9 * time.tv_nsec as f64
}

/// Largest resident memory of this process so far, in bytes; 0 if unknown.
pub fn peak_resident_bytes() -> u64 {
    let status = read("/proc/self/status");
    kibibytes(&status, "VmHWM:").unwrap_or_else(peak_by_getrusage)
}

fn peak_by_getrusage() -> u64 {
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    // SAFETY: all-zero is a valid value of this plain struct.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live struct of the right type.
    let failed = unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) } != 0;
    if failed { 0 } else { usage.ru_maxrss as u64 * unit }
}

/// Freed memory stays with this process, to be used again, where the C library can be told so. Work whose arrays come and go in every step
/// is faster with it: pages are touched for the first time once, not in every step. (Measured: a step of the tree code 3 % on one
/// thread, 5 % on two ranks.) Memory that is in use is not more for it.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    for limit in [libc::M_MMAP_THRESHOLD, libc::M_TRIM_THRESHOLD] {
        // SAFETY: it takes two numbers, and sets one under the lock of the allocator. Where it refuses nothing changes.
        unsafe { libc::mallopt(limit, libc::c_int::MAX) };
    }
}

/// How much memory the processes of this job may use together on this host, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryLimit {
    /// Bytes.
    pub bytes: u64,
    /// In words for a message: `the machine`, `the cgroup`, ...
    pub set_by: &'static str,
}

/// The smallest of physical memory, the cgroup's limit, `ulimit -v` and Slurm's allocation; absent if nothing is known.
pub fn memory_limit() -> Option<MemoryLimit> {
    let slurm = std::env::var("SLURM_MEM_PER_NODE").ok().and_then(|mebibytes| mebibytes.parse::<u64>().ok());
    let limits = [
        (physical_memory(), "the machine"),
        (cgroup_limit(Path::new("/sys/fs/cgroup"), &read("/proc/self/cgroup")), "the cgroup"),
        (address_space_limit(), "the address space limit (ulimit -v)"),
        (slurm.filter(|&mebibytes| mebibytes > 0).map(|mebibytes| mebibytes << 20), "the Slurm allocation"),
    ];
    let known = limits.into_iter().filter_map(|(bytes, set_by)| Some(MemoryLimit { bytes: bytes?, set_by }));
    known.min_by_key(|limit| limit.bytes)
}

fn physical_memory() -> Option<u64> {
    kibibytes(&read("/proc/meminfo"), "MemTotal:").or_else(|| {
        // SAFETY: sysconf only reads its arguments.
        let (pages, page) = unsafe { (libc::sysconf(libc::_SC_PHYS_PAGES), libc::sysconf(libc::_SC_PAGESIZE)) };
        (pages > 0 && page > 0).then(|| pages as u64 * page as u64)
    })
}

fn address_space_limit() -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a live struct of the right type.
    let failed = unsafe { libc::getrlimit(libc::RLIMIT_AS, &mut limit) } != 0;
    (!failed && limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
}

/// The smallest limit from our cgroup up to the root, in version 1 and 2 of the hierarchy mounted below `mount`. Inside a
/// container the path may name directories that are not visible; those that are visible count.
fn cgroup_limit(mount: &Path, membership: &str) -> Option<u64> {
    let mut smallest = None;
    for line in membership.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let (roots, file): (&[&str], _) = match controllers {
            "" => (&["", "unified"], "memory.max"),
            list if list.split(',').any(|name| name == "memory") => (&["memory"], "memory.limit_in_bytes"),
            _ => continue,
        };
        for root in roots {
            let limits = Path::new(path).ancestors().map(|group| limit_in(&mount.join(root), group, file));
            smallest = limits.flatten().chain(smallest).min();
        }
    }
    smallest
}

/// The limit of one group; `max` and version 1's huge number for it (all pages that a signed count can hold) are none.
fn limit_in(root: &Path, group: &Path, file: &str) -> Option<u64> {
    let directory = root.join(group.strip_prefix("/").unwrap_or(group));
    let text = std::fs::read_to_string(directory.join(file)).ok()?;
    text.trim().parse().ok().filter(|&bytes: &u64| bytes < 1 << 62)
}

/// A data cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cache {
    /// 1, 2, 3, ...
    pub level: u8,
    /// Size in bytes.
    pub bytes: u64,
    /// CPUs that share it.
    pub shared_by: usize,
}

/// The cache of a level as the first CPU of this process sees it. Where the system does not tell: 1 MiB for each core on
/// level 2, and none on other levels.
pub fn cache(level: u8) -> Option<Cache> {
    let core = bound_cores().first().copied().unwrap_or(0);
    let told = caches_in(Path::new(&format!("/sys/devices/system/cpu/cpu{core}/cache")));
    let fallback = (level == 2 && told.is_empty()).then_some(Cache { level: 2, bytes: 1 << 20, shared_by: 1 });
    told.into_iter().find(|cache| cache.level == level).or(fallback)
}

fn caches_in(directory: &Path) -> Vec<Cache> {
    let entry = |index: usize| {
        let value = |file: &str| {
            std::fs::read_to_string(directory.join(format!("index{index}/{file}")))
                .map(|text| text.trim().to_owned())
                .ok()
        };
        let holds_data = value("type")? != "Instruction";
        let (level, bytes) = (value("level")?.parse().ok()?, size_with_suffix(&value("size")?)?);
        let shared_by = value("shared_cpu_list").map_or(1, |list| count_of_list(&list)).max(1);
        Some((holds_data, Cache { level, bytes, shared_by }))
    };
    (0..).map_while(entry).filter(|(holds_data, _)| *holds_data).map(|(_, cache)| cache).collect()
}

/// `32K`, `1024K`, `32M` or plain bytes.
fn size_with_suffix(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(['K', 'M', 'G']);
    let shift = match text.chars().last()? {
        'K' => 10,
        'M' => 20,
        'G' => 30,
        _ => 0,
    };
    digits.parse::<u64>().ok().map(|number| number << shift)
}

/// Members of a list like `0-3,8,10-11`.
fn count_of_list(list: &str) -> usize {
    let members = |range: &str| match range.split_once('-') {
        Some((first, last)) => Some(last.parse::<usize>().ok()?.checked_sub(first.parse().ok()?)? + 1),
        None => range.parse::<usize>().ok().map(|_| 1),
    };
    list.split(',').filter_map(members).sum()
}

/// The processor in its maker's words; the architecture where it does not say.
pub fn cpu_model() -> String {
    let information = read("/proc/cpuinfo");
    let model = information.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// The number behind `key` on its line, given in kB there, as bytes.
fn kibibytes(text: &str, key: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(key))?;
    rest.split_whitespace().next()?.parse::<u64>().ok().map(|number| number * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_answers() {
        assert!(!name().is_empty() && !cpu_model().is_empty());
        assert!(!bound_cores().is_empty() && parallelism() <= bound_cores().len());
        assert!(cache(2).is_some_and(|cache| cache.bytes > 0 && cache.shared_by > 0));
    }

    #[test]
    fn peak_follows_an_allocation_and_stays_below_the_limit() {
        let before = peak_resident_bytes();
        let block = std::hint::black_box(vec![1u8; 64 << 20]);
        let grown = peak_resident_bytes() - before;
        assert!(grown > 32 << 20, "64 MiB were touched, the peak grew by {grown} bytes");
        assert!(memory_limit().is_some_and(|limit| limit.bytes > block.len() as u64));
    }

    #[test]
    fn smallest_cgroup_limit_on_the_way_up_counts() {
        let mount = tempfile::tempdir().unwrap();
        let group = |path: &str, file: &str, text: &str| {
            let directory = mount.path().join(path);
            std::fs::create_dir_all(&directory).unwrap();
            std::fs::write(directory.join(file), text).unwrap();
        };
        group("job/step", "memory.max", "max\n");
        group("job", "memory.max", "4096\n");
        group("memory/a", "memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(cgroup_limit(mount.path(), "0::/job/step\n"), Some(4096));
        assert_eq!(cgroup_limit(mount.path(), "4:cpu,memory:/a/hidden\n1:cpu:/job\n"), None);
        group("memory", "memory.limit_in_bytes", "512");
        assert_eq!(cgroup_limit(mount.path(), "4:cpu,memory:/a/hidden\n0::/job/step\n"), Some(512));
    }

    #[test]
    fn sizes_and_lists_of_the_system_are_understood() {
        assert_eq!(["48K", "32M", "512", "x"].map(size_with_suffix), [Some(48 << 10), Some(32 << 20), Some(512), None]);
        assert_eq!(["0", "0-3", "0-1,4,6-7", ""].map(count_of_list), [1, 4, 5, 0]);
        assert_eq!(kibibytes("VmPeak: 9 kB\nVmHWM:\t  12 kB\n", "VmHWM:"), Some(12 * 1024));
    }
}
