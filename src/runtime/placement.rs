//! Where ranks and their threads run, how they share cores, and what is wrong with that: pure functions over what all ranks
//! have told about themselves. "Cores" are CPUs as the operating system numbers them.

use crate::words::counted;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Where one rank runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// Name of the host.
    pub host: String,
    /// Cores on which the rank may run, ascending.
    pub cores: Vec<usize>,
    /// Threads that the host lets it run at once: the number of cores, or fewer under a CPU quota.
    pub parallelism: usize,
    /// Threads that compute, the rank's main thread among them.
    pub threads: usize,
}

/// Threads for a rank by default: its cores, divided by the ranks that have been given exactly the same ones (which is what
/// not being bound looks like). At least one.
pub fn default_threads(placements: &[Placement], rank: usize) -> usize {
    let own = &placements[rank];
    let sharers = placements.iter().filter(|other| other.host == own.host && other.cores == own.cores).count();
    (usable(own) / sharers.max(1)).max(1)
}

/// Names of the hosts in the order of their lowest rank, each once.
pub fn hosts(placements: &[Placement]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for placement in placements {
        if !names.contains(&placement.host) {
            names.push(placement.host.clone());
        }
    }
    names
}

/// Ranks beyond this number are not described one by one.
const DESCRIBED: usize = 64;

/// Where the ranks run, a line for each: `rank 0 on node1: 4 threads on cores 0-3`.
pub fn describe(placements: &[Placement]) -> Vec<String> {
    let line = |(rank, placement): (usize, &Placement)| {
        let (threads, cores) = (placement.threads, ranges(&placement.cores));
        format!("rank {rank} on {}: {} on cores {cores}", placement.host, counted(threads as u64, "thread"))
    };
    let more = placements.len().saturating_sub(DESCRIBED);
    let rest = (more > 0).then(|| format!("and {more} more ranks on {} hosts", hosts(placements).len()));
    placements.iter().enumerate().take(DESCRIBED).map(line).chain(rest).collect()
}

/// Ascending numbers as the system writes them: `0-3,8`.
fn ranges(cores: &[usize]) -> String {
    let runs = cores.chunk_by(|a, b| a + 1 == *b).map(|run| match run {
        [only] => only.to_string(),
        [first, .., last] => format!("{first}-{last}"),
        [] => String::new(),
    });
    runs.collect::<Vec<_>>().join(",")
}

/// What will make this placement slow, one line for each kind of mistake, with its first instance and the fix.
pub fn warnings(placements: &[Placement]) -> Vec<String> {
    let by_kind = [ranks_on_one_core(placements), threads_on_one_core(placements), crowded_hosts(placements)];
    by_kind.into_iter().filter_map(first_and_count).collect()
}

fn first_and_count(found: Vec<String>) -> Option<String> {
    let more = found.len().saturating_sub(1);
    let first = found.into_iter().next()?;
    Some(if more == 0 { first } else { format!("{first} (and {more} more like this)") })
}

fn ranks_on_one_core(placements: &[Placement]) -> Vec<String> {
    let mut ranks_of: BTreeMap<(&str, usize), Vec<usize>> = BTreeMap::new();
    for (rank, placement) in placements.iter().enumerate() {
        if let [core] = placement.cores[..] {
            ranks_of.entry((&placement.host, core)).or_default().push(rank);
        }
    }
    let shared = ranks_of.into_iter().filter(|(_, ranks)| ranks.len() > 1);
    let text = |((host, core), ranks): ((&str, usize), Vec<usize>)| {
        format!(
            "ranks {} and {} on {host} are bound to the same core {core}: start fewer ranks, or bind each to its own cores",
            ranks[0], ranks[1]
        )
    };
    let in_rank_order: BTreeMap<usize, _> = shared.map(|group| (group.1[0], group)).collect();
    in_rank_order.into_values().map(text).collect()
}

fn threads_on_one_core(placements: &[Placement]) -> Vec<String> {
    let bad =
        placements.iter().enumerate().filter(|(_, placement)| placement.threads > 1 && placement.cores.len() == 1);
    let text = |(rank, placement): (usize, &Placement)| {
        format!(
            "rank {rank} on {} has {} threads but is bound to the single core {}: use --threads 1, or bind ranks to \
             several cores (Open MPI: --map-by slot:PE={1}; MPICH: -bind-to core:{1})",
            placement.host, placement.threads, placement.cores[0]
        )
    };
    bad.map(text).collect()
}

fn crowded_hosts(placements: &[Placement]) -> Vec<String> {
    let crowd = |host: String| {
        let here: Vec<&Placement> = placements.iter().filter(|placement| placement.host == host).collect();
        let threads: usize = here.iter().map(|placement| placement.threads).sum();
        let cores = cores_of_host(&here);
        (threads > cores).then(|| {
            format!(
                "{} on {host} with {} on {}: use fewer ranks, or fewer --threads for each",
                counted(here.len() as u64, "rank"),
                counted(threads as u64, "thread"),
                counted(cores as u64, "core")
            )
        })
    };
    hosts(placements).into_iter().filter_map(crowd).collect()
}

/// Cores that the ranks of one host have together.
fn cores_of_host(here: &[&Placement]) -> usize {
    let all: BTreeSet<usize> = here.iter().flat_map(|placement| placement.cores.iter().copied()).collect();
    let masks: BTreeMap<&[usize], usize> =
        here.iter().map(|placement| (&placement.cores[..], usable(placement))).collect();
    all.len().min(masks.values().sum())
}

fn usable(placement: &Placement) -> usize {
    placement.parallelism.min(placement.cores.len()).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(host: &str, cores: &[usize], threads: usize) -> Placement {
        Placement { host: host.into(), cores: cores.to_vec(), parallelism: cores.len(), threads }
    }

    #[test]
    fn places_are_described_rank_by_rank_up_to_a_limit() {
        let placements = vec![place("a", &[0, 1, 2, 5, 7, 8], 6); 66];
        let lines = describe(&placements);
        assert_eq!(lines[1], "rank 1 on a: 6 threads on cores 0-2,5,7-8");
        assert_eq!((lines.len(), lines[64].as_str()), (65, "and 2 more ranks on 1 hosts"));
    }

    #[test]
    fn unbound_ranks_divide_the_cores_of_their_host() {
        let placements = [place("a", &[0, 1, 2, 3], 1), place("a", &[0, 1, 2, 3], 1), place("b", &[0, 1, 2, 3], 1)];
        assert_eq!([0, 1, 2].map(|rank| default_threads(&placements, rank)), [2, 2, 4]);
    }

    #[test]
    fn bound_ranks_use_all_that_they_are_bound_to() {
        let placements = [place("a", &[0, 1, 2], 1), place("a", &[3], 1)];
        assert_eq!([0, 1].map(|rank| default_threads(&placements, rank)), [3, 1]);
    }

    #[test]
    fn a_quota_counts_and_nobody_gets_nothing() {
        let quota = Placement { parallelism: 2, ..place("a", &[0, 1, 2, 3, 4, 5, 6, 7], 1) };
        assert_eq!(default_threads(std::slice::from_ref(&quota), 0), 2);
        assert_eq!(default_threads(&vec![quota; 5], 3), 1);
    }

    #[test]
    fn a_good_placement_is_silent() {
        assert!(warnings(&[place("a", &[0, 1], 2), place("a", &[2, 3], 2), place("b", &[0, 1], 2)]).is_empty());
        assert!(warnings(&[place("a", &[0, 1], 1), place("a", &[0, 1], 1)]).is_empty());
    }

    #[test]
    fn ranks_on_the_same_core_are_named() {
        let found = warnings(&[place("a", &[1], 1), place("b", &[0], 1), place("b", &[0], 1), place("b", &[0], 1)]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("ranks 1 and 2 on b are bound to the same core 0"), "{found:?}");
        assert!(found[1].starts_with("3 ranks on b with 3 threads on 1 core:"), "{found:?}");
    }

    #[test]
    fn several_threads_on_a_single_core_are_named_once_with_a_count() {
        let found = warnings(&[place("a", &[0], 1), place("a", &[1], 4), place("a", &[2], 4)]);
        assert!(found[0].starts_with("rank 1 on a has 4 threads but is bound to the single core 1"), "{found:?}");
        assert!(found[0].ends_with("(and 1 more like this)"), "{found:?}");
    }

    #[test]
    fn more_threads_than_the_host_has_cores() {
        let found = warnings(&[place("a", &[0, 1], 2), place("a", &[0, 1], 1)]);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("2 ranks on a with 3 threads on 2 cores:"), "{found:?}");
    }
}
