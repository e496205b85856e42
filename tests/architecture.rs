//! The structure of the source: which module may import which, where MPI and `unsafe` may stand, and how long a file may be.
//!
//! The source is read as text. What stands below the first `#[cfg(test)]` of a file, and files of tests, may import anything.

use std::fs;
use std::path::{Path, PathBuf};

/// Layer of every module, by the longest path that fits. An import may point down or stay on its layer, never up. The layers are
/// L0 to L5 times ten; the last digit orders modules within a layer.
const LAYERS: &[(&str, u32)] = &[
    // L0, data and arithmetic: nothing here knows of ranks, physics or files.
    ("error", 0),
    ("grid", 1),
    ("signal", 1),
    ("bytes", 1),
    ("checkpoint::interval", 1),
    ("interrupt", 1),
    ("heartbeat", 1),
    ("fault", 1),
    ("console", 1),
    ("cpu", 1),
    ("host", 1),
    ("timing", 1),
    ("words", 1),
    ("reproducible", 1),
    ("decomposition", 2),
    ("region", 2),
    ("field", 3),
    ("parallel", 3),
    ("heat::problem", 4),
    ("heat::materials", 5),
    ("run_config", 5),
    ("particles", 3),
    ("nbody::problem", 4),
    ("nbody::groups", 3),
    ("nbody::units", 3),
    ("nbody::vector", 1),
    // L1, messages and kernels, which never see each other.
    ("comm", 10),
    ("comm::mpi", 11),
    ("comm::impaired", 11),
    ("comm::journal", 11),
    ("comm::meter", 11),
    ("comm::solo", 11),
    ("comm::threads", 11),
    ("comm::sum", 11),
    ("comm::route", 11),
    ("heat::lanes", 10),
    ("heat::stencil", 11),
    // L2, mechanisms over ranks.
    ("halo", 20),
    ("rows", 20),
    ("index_order", 20),
    ("nbody::tree_of_points", 20),
    ("nbody::sums", 20),
    ("nbody::lagrangian", 21),
    ("nbody::closest_pair", 21),
    ("heat::coefficients", 20),
    ("heat::walls", 20),
    ("heat::sources", 21),
    ("heat::exact", 20),
    // L3, physics.
    ("heat::sweep", 30),
    ("heat::stability", 31),
    ("heat", 32),
    ("heat::diagnostics", 33),
    ("nbody::pair_lanes", 10),
    ("nbody::pair_vectors", 11),
    ("nbody::pair_single", 11),
    ("nbody::pair_arithmetic", 11),
    ("nbody::spline", 11),
    ("nbody::pair_force", 11),
    ("nbody::pair_across", 11),
    ("nbody::gravity", 11),
    ("nbody::jerk_lanes", 10),
    ("nbody::jerk", 11),
    ("nbody::singular", 20),
    ("nbody::exact", 20),
    ("nbody::relay", 20),
    ("nbody::direct", 30),
    ("nbody::sampled_error", 30),
    ("nbody::force", 20),
    ("nbody::integrate", 30),
    ("nbody::initial", 30),
    // The expansions are kernels; the tree, its exchange and its walk are mechanisms over ranks.
    ("nbody::fmm::expansion", 10),
    ("nbody::fmm::lanes", 10),
    ("nbody::fmm::lanes_x86", 10),
    ("nbody::fmm::single_lanes", 10),
    ("nbody::fmm::single_lanes_x86", 10),
    ("nbody::fmm::interaction", 11),
    ("nbody::fmm::near", 11),
    ("nbody::fmm::multipole", 12),
    ("nbody::fmm::local", 12),
    ("nbody::fmm::key", 20),
    ("nbody::fmm::cell", 20),
    ("nbody::fmm::ball", 21),
    ("nbody::fmm::store", 21),
    ("nbody::fmm::octree", 22),
    ("nbody::fmm::crown", 23),
    ("nbody::fmm::record", 22),
    ("nbody::fmm::parts", 22),
    ("nbody::fmm::acceptance", 22),
    ("nbody::fmm::domain", 24),
    ("nbody::fmm::plant", 25),
    ("nbody::fmm::exchange", 25),
    ("nbody::fmm::lists", 25),
    ("nbody::fmm::traversal", 25),
    ("nbody::fmm::leaf", 25),
    ("nbody::fmm::survey", 26),
    ("nbody::fmm::field", 26),
    ("nbody::fmm::evaluation", 27),
    ("nbody::fmm::tuning", 28),
    ("nbody::fmm", 30),
    ("nbody", 32),
    ("nbody::diagnostics", 33),
    // L4, orchestration.
    ("schedule", 40),
    ("simulation", 41),
    ("digest", 40),
    ("digest_bodies", 40),
    ("input", 40),
    ("output", 42),
    ("checkpoint", 42),
    ("output::disk", 40),
    ("output::plain_file", 40),
    ("output::atomic", 41),
    ("output::progress", 41),
    ("output::outputs", 43),
    ("output::bodies::outputs", 43),
    // L5, assembly.
    ("cli", 50),
    ("config", 50),
    ("runtime", 51),
    ("runtime::launcher", 50),
    ("report", 52),
    ("laboratory", 53),
    ("laboratory::scaling", 53),
    ("laboratory::compare", 53),
    ("laboratory::mechanisms", 53),
    ("laboratory::switches", 50),
    ("laboratory::statistics", 51),
    ("laboratory::efficiencies", 51),
    ("laboratory::fits", 51),
    ("commands", 53),
    ("commands::plan", 52),
    ("commands::plan_outputs", 52),
    ("lib", 60),
    ("main", 60),
];

/// What is computed for every cell of every step.
const KERNELS: &[&str] = &[
    "heat::lanes",
    "heat::stencil",
    "nbody::fmm::expansion",
    "nbody::fmm::interaction",
    "nbody::fmm::lanes",
    "nbody::fmm::lanes_x86",
    "nbody::fmm::local",
    "nbody::fmm::multipole",
    "nbody::fmm::near",
    "nbody::fmm::single_lanes",
    "nbody::fmm::single_lanes_x86",
    "nbody::gravity",
    "nbody::jerk",
    "nbody::jerk_lanes",
    "nbody::pair_across",
    "nbody::pair_arithmetic",
    "nbody::pair_force",
    "nbody::pair_lanes",
    "nbody::pair_single",
    "nbody::pair_vectors",
    "nbody::spline",
];

/// The only files in which `unsafe` may stand; `parallel.rs` hands disjoint slices to threads.
const UNSAFE_FILES: &[&str] = &[
    "comm/mpi.rs",
    "field.rs",
    "heat/coefficients.rs",
    "heat/initial.rs",
    "heat/lanes.rs",
    "heat/stability.rs",
    "heat/stencil.rs",
    "heat/sweep.rs",
    "host.rs",
    "laboratory/machine/flops.rs",
    "nbody/fmm/interaction.rs",
    "nbody/fmm/lanes.rs",
    "nbody/fmm/lanes_x86.rs",
    "nbody/fmm/single_lanes.rs",
    "nbody/fmm/single_lanes_x86.rs",
    "nbody/gravity.rs",
    "nbody/jerk.rs",
    "nbody/jerk_lanes.rs",
    "nbody/pair_across.rs",
    "nbody/pair_arithmetic.rs",
    "nbody/pair_force.rs",
    "nbody/pair_lanes.rs",
    "nbody/pair_single.rs",
    "nbody/pair_vectors.rs",
    "nbody/spline.rs",
    "parallel.rs",
    "runtime/signals.rs",
];

const LONGEST_FILE: usize = 420;

struct Source {
    /// Below `src/`.
    name: String,
    lines: Vec<String>,
}

impl Source {
    /// `heat::stencil` for `heat/stencil.rs`, `heat` for `heat/mod.rs`.
    fn module(&self) -> String {
        let path = self.name.trim_end_matches(".rs").replace('/', "::");
        path.strip_suffix("::mod").unwrap_or(&path).to_owned()
    }

    fn is_test(&self) -> bool {
        self.name.ends_with("_tests.rs")
    }

    /// Lines of the program without comments and tests, with their numbers.
    fn program(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self.lines.iter().position(|line| line.trim() == "#[cfg(test)]").unwrap_or(self.lines.len());
        let lines = self.lines[..end].iter().enumerate().map(|(n, line)| (n + 1, line.as_str()));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    collect(&root, &root, &mut sources);
    assert!(sources.len() > 50, "the source has been found");
    sources
}

fn collect(root: &Path, directory: &Path, sources: &mut Vec<Source>) {
    let mut paths: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(root, &path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            let lines = fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
            sources.push(Source { name, lines });
        }
    }
}

/// The entry of the longest path in the table that `module` lies in.
fn layer(module: &str) -> (&'static str, u32) {
    let fits = |name: &str| module == name || module.strip_prefix(name).is_some_and(|rest| rest.starts_with("::"));
    let found = LAYERS.iter().filter(|(name, _)| fits(name)).max_by_key(|(name, _)| name.len());
    *found.unwrap_or_else(|| panic!("src module {module} has no layer: add it to the table in tests/architecture.rs"))
}

/// Paths that a module names, from the root of the crate: `crate::a::{b, c::D}` gives `a::b` and `a::c::D`. `super::` is resolved.
fn imports(source: &Source) -> Vec<(usize, String)> {
    let module = source.module();
    let parent = module.rsplit_once("::").map_or("", |(parent, _)| parent);
    let text: Vec<(usize, &str)> = source.program().collect();
    let mut found = Vec::new();
    for (at, (number, line)) in text.iter().enumerate() {
        for (prefix, base) in [("crate::", ""), ("super::", parent)] {
            for (start, _) in line.match_indices(prefix) {
                let rest: Vec<&str> = text[at..].iter().take(12).map(|(_, line)| line.trim()).collect();
                let skipped = start + prefix.len() - (line.len() - line.trim_start().len());
                let statement = rest.join("");
                let paths = expand(&statement[skipped..]);
                found.extend(paths.into_iter().map(|path| (*number, join(base, &path))));
            }
        }
    }
    found
}

fn join(base: &str, path: &str) -> String {
    if base.is_empty() { path.to_owned() } else { format!("{base}::{path}") }
}

/// `a::{b, c::D}; ...` to `a::b`, `a::c::D`.
fn expand(text: &str) -> Vec<String> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let end = text.find(|c: char| !is_name(c)).unwrap_or(text.len());
    let head = text[..end].trim_end_matches("::").to_owned();
    if !text[end..].starts_with('{') {
        return vec![head];
    }
    let mut depth = 0;
    let inner = &text[end + 1..];
    let close = inner.char_indices().find(|(_, c)| {
        depth += i32::from(*c == '{') - i32::from(*c == '}');
        depth < 0
    });
    let inner = &inner[..close.map_or(inner.len(), |(at, _)| at)];
    split(inner).iter().flat_map(|part| expand(part)).map(|path| join(&head, &path)).collect()
}

/// Splits at the commas that lie in no braces.
fn split(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts.into_iter().filter(|part| !part.is_empty() && *part != "self").collect()
}

#[test]
fn the_reader_of_imports_understands_braces_and_super() {
    let lines = "use crate::comm::{Communicator, solo::Solo};\nuse crate::{console,\n    host};\nuse super::npy;\n// use crate::main;\n\
                 fn f() { crate::comm::mpi::abort(); }\n#[cfg(test)]\nuse crate::cli;";
    let source = Source { name: "input/mask.rs".into(), lines: lines.lines().map(str::to_owned).collect() };
    let found: Vec<String> = imports(&source).into_iter().map(|(_, path)| path).collect();
    let expected = ["comm::Communicator", "comm::solo::Solo", "console", "host", "input::npy", "comm::mpi::abort"];
    assert_eq!(found, expected);
}

#[test]
fn every_entry_of_the_table_is_a_module() {
    let modules: Vec<String> = sources().iter().map(Source::module).collect();
    for (name, _) in LAYERS {
        assert!(modules.iter().any(|module| module == name), "{name} is in the table but not in the source");
    }
}

#[test]
fn no_import_points_up() {
    let mut upward = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        let module = source.module();
        let (own, height) = layer(&module);
        for (line, path) in imports(source) {
            let (target, target_height) = layer(&path);
            // A module may name what is below it in its own tree: it is their owner.
            let is_own = own == target || target.strip_prefix(&module).is_some_and(|rest| rest.starts_with("::"));
            if target_height > height && !is_own {
                upward.push(format!("src/{}:{line}: {own} ({height}) imports {path} ({target_height})", source.name));
            }
        }
    }
    assert!(upward.is_empty(), "imports that point up:\n{}", upward.join("\n"));
}

#[test]
fn kernels_know_neither_messages_nor_models() {
    for source in sources().iter().filter(|source| KERNELS.contains(&source.module().as_str())) {
        for (line, path) in imports(source) {
            let allowed = KERNELS.iter().any(|kernel| path.starts_with(kernel)) || layer(&path).1 < 10;
            assert!(allowed, "src/{}:{line}: a kernel imports {path}", source.name);
        }
    }
}

#[test]
fn mpi_is_named_in_one_file() {
    for source in sources().iter().filter(|source| source.name != "comm/mpi.rs") {
        for (line, text) in source.program() {
            let foreign = text.replace("comm::mpi::", "");
            let names = foreign.contains("mpi::") || foreign.contains("use mpi") || foreign.contains("mpi_sys");
            assert!(!names, "src/{}:{line}: the crate mpi is named outside comm/mpi.rs: {text}", source.name);
        }
    }
}

/// Whether a line holds the keyword, outside comments and texts.
fn has_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    code.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == "unsafe")
}

#[test]
fn unsafe_stands_in_few_files_and_says_why_it_is_sound() {
    for source in sources() {
        for (n, line) in source.lines.iter().enumerate().filter(|(_, line)| has_unsafe(line)) {
            let place = format!("src/{}:{}", source.name, n + 1);
            let listed = UNSAFE_FILES.contains(&source.name.as_str());
            assert!(listed, "{place}: unsafe outside the listed files");
            assert!(is_explained(&source.lines, n), "{place}: no SAFETY line (or # Safety) above: {}", line.trim());
        }
    }
}

/// A block or impl has `SAFETY:` within the three lines above it; a function has that, or a `# Safety` part in its documentation or
/// in that of its trait.
fn is_explained(lines: &[String], at: usize) -> bool {
    let says = |line: &String, word: &str| line.trim_start().starts_with("//") && line.contains(word);
    let documentation = lines[..at].iter().rev().take_while(|line| {
        let line = line.trim_start();
        line.starts_with("//") || line.starts_with("#[")
    });
    let documented = documentation.into_iter().any(|line| says(line, "# Safety") || says(line, "SAFETY:"));
    let is_function = lines[at].contains("unsafe fn");
    lines[at.saturating_sub(3)..at].iter().any(|line| says(line, "SAFETY:"))
        || (is_function && (documented || is_in_impl_of_trait(lines, at)))
}

fn is_in_impl_of_trait(lines: &[String], at: usize) -> bool {
    let depth = |line: &String| line.len() - line.trim_start().len();
    let is_outer = |line: &&String| !line.trim().is_empty() && depth(line) < depth(&lines[at]);
    lines[..at].iter().rev().find(is_outer).is_some_and(|line| line.contains("impl") && line.contains(" for "))
}

#[test]
fn files_are_short() {
    for source in sources() {
        assert!(source.lines.len() < LONGEST_FILE, "src/{} has {} lines", source.name, source.lines.len());
    }
}

#[test]
fn nothing_is_left_unfinished() {
    for source in sources() {
        for (line, text) in source.program() {
            let left = ["todo!", "unimplemented!", "dbg!", "FIXME", "TODO"].iter().find(|word| text.contains(**word));
            assert_eq!(left, None, "src/{}:{line}: {text}", source.name);
        }
    }
}

#[test]
fn every_file_says_what_it_is() {
    for source in sources() {
        assert!(source.lines.first().is_some_and(|line| line.starts_with("//!")), "src/{} has no head", source.name);
    }
}
