//! Lines of this program's own source that each model needs, counted when it is compiled.
//!
//! Counted are lines that are neither blank nor comments, up to the tests of a file. Threads need what shares the chunks of a loop and
//! starts the pool; processes need the communicator and its MPI, its cutting of the problem and the exchange of it, and what places
//! ranks and ends them together. TCP needs no line more than that: MPI chooses the path. Ranks of threads need both.

use super::model::Model;

/// Lines of program in a source text.
const fn lines(text: &[u8]) -> usize {
    let (mut count, mut at) = (0, 0);
    while at < text.len() {
        while at < text.len() && (text[at] == b' ' || text[at] == b'\t') {
            at += 1;
        }
        if begins(text, at, b"#[cfg(test)]") {
            return count;
        }
        if at < text.len() && text[at] != b'\n' && !begins(text, at, b"//") {
            count += 1;
        }
        while at < text.len() && text[at] != b'\n' {
            at += 1;
        }
        at += 1;
    }
    count
}

const fn begins(text: &[u8], at: usize, start: &[u8]) -> bool {
    let mut n = 0;
    while n < start.len() {
        if at + n >= text.len() || text[at + n] != start[n] {
            return false;
        }
        n += 1;
    }
    true
}

macro_rules! count {
    ($($file:literal),*) => { 0 $(+ { const LINES: usize = lines(include_bytes!(concat!("../../", $file))); LINES })* };
}

/// For threads.
const THREADS: usize = count!("parallel.rs");
/// For processes that share a grid.
const HEAT: usize = count!("halo.rs", "decomposition.rs", "rows.rs");
/// For processes that share bodies.
const NBODY: usize = count!(
    "nbody/fmm/domain.rs",
    "nbody/fmm/exchange.rs",
    "nbody/fmm/plant.rs",
    "nbody/fmm/record.rs",
    "index_order.rs"
);
/// For processes whatever they share.
const PROCESSES: usize = count!(
    "comm/mod.rs",
    "comm/mpi.rs",
    "comm/sum.rs",
    "comm/route.rs",
    "runtime.rs",
    "runtime/launcher.rs",
    "runtime/placement.rs",
    "runtime/ending.rs"
);

/// Lines for a model of a physics.
pub fn of(model: Model, physics: &str) -> usize {
    let processes = PROCESSES + if physics == "heat" { HEAT } else { NBODY };
    match model {
        Model::Threads => THREADS,
        Model::Processes | Model::Tcp => processes,
        Model::Hybrid => THREADS + processes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_blanks_and_tests_are_no_lines() {
        assert_eq!(lines(b"//! head\n\nfn a() {\n    // why\n    b();\n}\n#[cfg(test)]\nmod tests {}\n"), 3);
        assert_eq!((lines(b""), lines(b"x")), (0, 1));
        assert!(of(Model::Threads, "heat") > 20 && of(Model::Processes, "heat") > of(Model::Threads, "heat"));
        assert_eq!(of(Model::Hybrid, "nbody"), of(Model::Threads, "nbody") + of(Model::Tcp, "nbody"));
    }
}
