//! A machine as a page for people.

use super::{Binding, Machine};
use crate::words::counted;
use std::fmt::Write;

/// Ranks beyond this number are not described one by one.
const DESCRIBED: usize = 16;

/// The page.
pub fn page(machine: &Machine) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| writeln!(text, "{name:<14}{value}").expect("writing to a string");
    line("host", format!("{}, {}", machine.host, machine.cpu_model));
    line("cores", cores(machine));
    for node in &machine.nodes {
        line("", format!("node {}: CPUs {}, {}", node.node, node.cpus, gib(node.memory_bytes)));
    }
    line("caches", caches(machine));
    line("memory", gib(machine.memory_bytes));
    line("instructions", machine.cpu_paths.join(", "));
    line(
        "bandwidth",
        format!("GB/s      copy   triad   streaming copy   (arrays of {} MiB)", machine.array_bytes >> 20),
    );
    for b in &machine.bandwidth {
        let rates = [b.copy_bytes_per_s, b.triad_bytes_per_s, b.nontemporal_copy_bytes_per_s].map(|rate| rate / 1e9);
        line(
            "",
            format!("{:<9}{:6.1}  {:6.1}   {:14.1}", counted(b.threads as u64, "thread"), rates[0], rates[1], rates[2]),
        );
    }
    for (at, f) in machine.flops.iter().enumerate() {
        let name = if at == 0 { "arithmetic" } else { "" };
        line(
            name,
            format!("{:<9} {:<9} {:8.1} Gflop/s (f64)", f.path, counted(f.threads as u64, "thread"), f.f64_per_s / 1e9),
        );
    }
    for (at, link) in machine.links.iter().enumerate() {
        let (alpha, rate) = (link.alpha_s * 1e6, 1e-9 / link.beta_s_per_byte.max(1e-18));
        let name = if at == 0 { "messages" } else { "" };
        line(name, format!("{:<14}{alpha:8.3} us + bytes / {rate:.2} GB/s   {}", link.name, link.between));
    }
    let write =
        |fs: &super::FileSystem| format!("{:.3} GB/s written with fsync in {}", fs.write_bytes_per_s / 1e9, fs.path);
    line("files", machine.file_system.as_ref().map_or("not measured".to_owned(), write));
    for binding in machine.bindings.iter().take(DESCRIBED) {
        line("binding", bound(binding));
    }
    for method in &machine.methods {
        line("method", method.clone());
    }
    line("took", format!("{:.1} s", machine.seconds));
    text
}

fn cores(machine: &Machine) -> String {
    let (cores, cpus) = (counted(machine.cores as u64, "core"), counted(machine.logical_cpus as u64, "CPU"));
    format!("{cores}, {cpus}, {}", counted(machine.numa_nodes as u64, "memory node"))
}

fn caches(machine: &Machine) -> String {
    let one = |c: &super::Cache| {
        format!("L{} {} {} KiB for {}", c.level, c.kind, c.bytes >> 10, counted(c.shared_by as u64, "CPU"))
    };
    let all: Vec<String> = machine.caches.iter().map(one).collect();
    if all.is_empty() { "unknown".to_owned() } else { all.join(", ") }
}

fn bound(binding: &Binding) -> String {
    let threads =
        binding.threads.iter().enumerate().map(|(n, thread)| match (thread.bound_to.as_str(), thread.last_cpu) {
            ("", _) => format!("thread {n}"),
            (list, Some(cpu)) => format!("thread {n} to {list}, ran on {cpu}"),
            (list, None) => format!("thread {n} to {list}"),
        });
    let cpus: Vec<String> = binding.cpus.iter().map(usize::to_string).collect();
    let threads: Vec<String> = threads.collect();
    format!("rank {} on {} to CPUs {}: {}", binding.rank, binding.host, cpus.join(","), threads.join("; "))
}

fn gib(bytes: u64) -> String {
    if bytes == 0 { "unknown".to_owned() } else { format!("{:.1} GiB", bytes as f64 / (1u64 << 30) as f64) }
}
