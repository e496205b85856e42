//! The upper part of the global tree, which every rank has: from the root down to the branches.
//!
//! A branch is a cell with so few bodies that one rank holds all of them; ranks own runs of branches. The crown is found from counts
//! alone: the keys of each rank are sorted, so a cell's bodies are a range, and the counts of a level are added up over ranks as
//! integers. Since a branch is a cell of the global tree (a leaf, or the root of many leaves), a border between branches is one
//! between leaves, and where branches lie can never show in a force.

use super::key::Prefix;
use super::octree::LeafLimit;
use crate::comm::Communicator;
use std::ops::Range;

/// A cell of the crown.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its keys.
    pub prefix: Prefix,
    /// Bodies of all ranks in it.
    pub bodies: u64,
    /// What its bodies have cost, in units of the caller.
    pub work: u64,
    /// Its children in the crown; empty for branches.
    pub children: Range<usize>,
}

/// The upper tree, the root first, children side by side behind their parent.
#[derive(Clone, Debug, PartialEq)]
pub struct Crown {
    /// All cells.
    pub nodes: Vec<Node>,
    /// The branches in order of keys.
    pub branches: Vec<usize>,
}

/// Sorted keys of a rank, and the sums of what the bodies before each have cost (one more than keys).
#[derive(Clone, Copy, Debug)]
pub struct LocalKeys<'a> {
    /// In ascending order.
    pub keys: &'a [u64],
    /// Starts at 0.
    pub work_before: &'a [u64],
}

impl LocalKeys<'_> {
    /// Count and work of a cell.
    fn content(&self, cell: Prefix) -> [i64; 2] {
        let start = self.keys.partition_point(|&key| key < cell.first);
        let end = start + self.keys[start..].partition_point(|&key| key < cell.end());
        [(end - start) as i64, (self.work_before[end] - self.work_before[start]) as i64]
    }
}

impl Crown {
    /// Divides until no branch has more than `grain` bodies. Collective.
    pub fn find(local: LocalKeys<'_>, grain: u64, limit: LeafLimit, comm: &dyn Communicator) -> Crown {
        let mut nodes = Vec::new();
        let mut frontier = vec![Prefix::ROOT];
        let mut parents: Vec<usize> = Vec::new();
        while !frontier.is_empty() {
            let mut sums: Vec<i64> = frontier.iter().flat_map(|&cell| local.content(cell)).collect();
            comm.all_sum(&mut sums);
            let (mut next, mut next_parents) = (Vec::new(), Vec::new());
            for (n, &prefix) in frontier.iter().enumerate() {
                let [bodies, work] = [sums[2 * n] as u64, sums[2 * n + 1] as u64];
                if bodies == 0 {
                    continue;
                }
                adopt(&mut nodes, parents.get(n).copied());
                if bodies > grain && limit.splits(prefix, bodies) {
                    next.extend(prefix.children());
                    next_parents.extend([nodes.len(); 8]);
                }
                nodes.push(Node { prefix, bodies, work, children: 0..0 });
            }
            (frontier, parents) = (next, next_parents);
        }
        let branches = branches(&nodes);
        Crown { nodes, branches }
    }

    /// The first branch of every rank, and the number of branches at the end: equal shares of work, as far as branches allow.
    pub fn borders(&self, ranks: usize) -> Vec<usize> {
        let total: u128 = self.branches.iter().map(|&node| u128::from(self.nodes[node].work)).sum();
        let mut borders = vec![0];
        let mut before = 0;
        for (n, &node) in self.branches.iter().enumerate() {
            // A branch goes where its middle falls.
            let middle = 2 * before + u128::from(self.nodes[node].work);
            while borders.len() < ranks && middle * ranks as u128 > 2 * total * borders.len() as u128 {
                borders.push(n);
            }
            before += u128::from(self.nodes[node].work);
        }
        borders.resize(ranks + 1, self.branches.len());
        borders
    }

    /// Which bodies each branch of a run has, counted from the first of the run in order of keys.
    pub fn body_ranges(&self, run: Range<usize>) -> Vec<Range<usize>> {
        let mut start = 0;
        let next = |&node: &usize| {
            let range = start..start + self.nodes[node].bodies as usize;
            start = range.end;
            range
        };
        self.branches[run].iter().map(next).collect()
    }

    /// The cells from the root to a branch, both included.
    pub fn path(&self, branch: usize) -> Vec<u32> {
        let first = self.nodes[self.branches[branch]].prefix.first;
        let mut path = vec![0u32];
        loop {
            let children = self.nodes[path[path.len() - 1] as usize].children.clone();
            let holds =
                |&child: &usize| (self.nodes[child].prefix.first..self.nodes[child].prefix.end()).contains(&first);
            match children.into_iter().find(holds) {
                Some(child) => path.push(child as u32),
                None => return path,
            }
        }
    }
}

/// Makes the next node a child.
fn adopt(nodes: &mut [Node], parent: Option<usize>) {
    let child = nodes.len();
    if let Some(parent) = parent {
        let children = &mut nodes[parent].children;
        *children = if Range::is_empty(children) { child..child + 1 } else { children.start..child + 1 };
    }
}

fn branches(nodes: &[Node]) -> Vec<usize> {
    let mut branches: Vec<usize> = (0..nodes.len()).filter(|&n| nodes[n].children.is_empty()).collect();
    branches.sort_by_key(|&n| nodes[n].prefix.first);
    branches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::{solo::Solo, threads};
    use crate::nbody::fmm::key::END;

    fn keys(count: u64) -> Vec<u64> {
        let mut keys: Vec<u64> =
            (0..count).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % END / (1 + n % 3)).collect();
        keys.sort_unstable();
        keys
    }

    fn find(keys: &[u64], comm: &dyn Communicator) -> Crown {
        let work: Vec<u64> = (0..=keys.len() as u64).collect();
        Crown::find(LocalKeys { keys, work_before: &work }, 50, LeafLimit::new(8, 0), comm)
    }

    #[test]
    fn branches_hold_all_bodies_and_few_each() {
        let crown = find(&keys(3000), &Solo);
        assert!(crown.branches.iter().all(|&n| crown.nodes[n].bodies <= 50));
        assert_eq!(crown.branches.iter().map(|&n| crown.nodes[n].bodies).sum::<u64>(), 3000);
        for node in crown.nodes.iter().filter(|node| !node.children.is_empty()) {
            assert!(node.bodies > 50);
            assert_eq!(crown.nodes[node.children.clone()].iter().map(|child| child.bodies).sum::<u64>(), node.bodies);
        }
    }

    #[test]
    fn the_crown_does_not_depend_on_who_holds_the_bodies() {
        let alone = find(&keys(1000), &Solo);
        for size in [2, 3, 5] {
            let all = threads::run(size, |comm: &dyn Communicator| {
                let own: Vec<u64> = keys(1000).into_iter().skip(comm.rank()).step_by(size).collect();
                find(&own, comm)
            });
            assert!(all.iter().all(|crown| *crown == alone));
        }
    }

    #[test]
    fn borders_share_the_work() {
        let crown = find(&keys(3000), &Solo);
        for ranks in [1, 2, 7] {
            let borders = crown.borders(ranks);
            assert_eq!((borders[0], borders[ranks]), (0, crown.branches.len()));
            for pair in borders.windows(2) {
                let work: u64 = crown.branches[pair[0]..pair[1]].iter().map(|&n| crown.nodes[n].work).sum();
                // Half a branch at either end.
                assert!(work.abs_diff(3000 / ranks as u64) <= 50, "{work} of {ranks}");
            }
        }
        assert_eq!(find(&keys(1), &Solo).borders(3).len(), 4);
    }

    #[test]
    fn a_path_leads_from_the_root_to_its_branch() {
        let crown = find(&keys(3000), &Solo);
        for (n, &branch) in crown.branches.iter().enumerate() {
            let path = crown.path(n);
            assert_eq!((path[0], path[path.len() - 1] as usize), (0, branch));
            assert!(path.windows(2).all(|pair| crown.nodes[pair[0] as usize].children.contains(&(pair[1] as usize))));
        }
    }
}
