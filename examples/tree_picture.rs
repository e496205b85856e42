//! Writes what the multipole method does with the bodies of a deck, as tables from which `docs/figures.py` draws.
//!
//! ```sh
//! cargo run --release --example tree_picture -- DECK DIRECTORY [KEY=VALUE]...
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `bodies.csv` | place of every body, and the rank of [`RANKS`] that owns it |
//! | `leaves.csv` | the leaves of the octree: level, cube, bodies, owner |
//! | `sources.csv` | what one leaf takes: cube and order of every source cell, -1 for leaves whose bodies act one by one |
//! | `errors.csv` | true relative errors of all forces at several accuracies, as quantiles |
//!
//! Owners are those after two evaluations, the second one with borders by the measured cost of the first, so they differ from run to
//! run. Nothing else does.

use parhelion::comm::{Communicator, solo::Solo, threads};
use parhelion::cpu::CpuPath;
use parhelion::error::{Error, Result};
use parhelion::input::bodies::Files;
use parhelion::nbody::direct::DirectSum;
use parhelion::nbody::fmm::acceptance::Acceptance;
use parhelion::nbody::fmm::cell::Content;
use parhelion::nbody::fmm::lanes::Instructions;
use parhelion::nbody::fmm::lists::{Judge, Lists};
use parhelion::nbody::fmm::octree::Measure;
use parhelion::nbody::fmm::parts;
use parhelion::nbody::fmm::store::Store;
use parhelion::nbody::fmm::tuning::Tuning;
use parhelion::nbody::fmm::{Fmm, domain, field, key, plant};
use parhelion::nbody::force::Forces;
use parhelion::nbody::initial;
use parhelion::nbody::problem::{Gravity, NBodyProblem};
use parhelion::particles::Particles;
use parhelion::run_config::RunConfig;
use std::fmt::Write as _;
use std::path::Path;

/// Ranks between which the tree is shared out.
const RANKS: usize = 4;
/// At which errors are measured.
const ACCURACIES: [f64; 6] = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7];
/// Quantiles that are written.
const QUANTILES: usize = 400;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [deck, directory, overrides @ ..] = arguments.as_slice() else {
        eprintln!("usage: tree_picture DECK DIRECTORY [KEY=VALUE]...");
        std::process::exit(2);
    };
    if let Err(error) = write_tables(Path::new(deck), Path::new(directory), overrides) {
        eprintln!("error: {error}");
        std::process::exit(error.exit_code().into());
    }
}

fn write_tables(deck: &Path, directory: &Path, overrides: &[String]) -> Result<()> {
    let no_mask = |_: &Path, _: [usize; 3]| Err(Error::Input("an N-body deck has no masks".to_owned()));
    let RunConfig::NBody(run) = parhelion::config::load(deck, overrides, &no_mask)? else {
        return Err(Error::Input("not an N-body deck".to_owned()));
    };
    let problem = &run.problem;
    let owners = owners(problem)?;
    let mut bodies = evaluated(problem, problem.gravity, &Solo)?;
    let tree = Tree::over(&mut bodies, problem.gravity)?;
    let write = |name: &str, text: String| {
        let path = directory.join(name);
        std::fs::write(&path, text).map_err(|error| Error::Input(format!("{}: {error}", path.display())))
    };
    std::fs::create_dir_all(directory).map_err(|error| Error::Input(format!("{}: {error}", directory.display())))?;
    write("bodies.csv", bodies_table(&bodies, &owners))?;
    write("leaves.csv", tree.leaves(&bodies, &owners))?;
    write("sources.csv", tree.sources(&bodies))?;
    write("errors.csv", errors(problem)?)
}

/// The bodies after two evaluations, on this rank.
fn evaluated(problem: &NBodyProblem, gravity: Gravity, comm: &dyn Communicator) -> Result<Particles> {
    let mut bodies = initial::bodies(problem, &Files, comm)?;
    let mut forces = Fmm::new(&gravity, CpuPath::best());
    forces.evaluate(&mut bodies, 0, comm)?;
    forces.evaluate(&mut bodies, 0, comm)?;
    Ok(bodies)
}

/// The rank of every body, in the order of indices.
fn owners(problem: &NBodyProblem) -> Result<Vec<usize>> {
    let found = threads::run(RANKS, |comm| evaluated(problem, problem.gravity, comm).map(|bodies| bodies.index));
    let indices: Vec<Vec<u64>> = found.into_iter().collect::<Result<_>>()?;
    let mut owners = vec![0; indices.iter().map(Vec::len).sum()];
    for (rank, indices) in indices.iter().enumerate() {
        indices.iter().for_each(|&index| owners[index as usize] = rank);
    }
    Ok(owners)
}

fn bodies_table(bodies: &Particles, owners: &[usize]) -> String {
    let mut table = "x,y,z,owner\n".to_owned();
    for n in 0..bodies.len() {
        let [x, y, z] = bodies.position_of(n);
        let _ = writeln!(table, "{x},{y},{z},{}", owners[bodies.index[n] as usize]);
    }
    table
}

/// Level of a place in the store that no cell of the tree has.
const UNUSED: u32 = u32::MAX;

/// The tree, as the next evaluation would use it.
struct Tree {
    store: Store,
    acceptance: Acceptance,
    most_left: u64,
    instructions: Instructions,
    /// Lowest corner of the root and its edge.
    corner: [f64; 3],
    edge: f64,
    /// Of every cell.
    levels: Vec<u32>,
}

impl Tree {
    fn over(bodies: &mut Particles, gravity: Gravity) -> Result<Tree> {
        let tuning = Tuning::of(gravity.accuracy);
        let [lowest, highest] = tuning.orders;
        let acceptance = Acceptance::new(&gravity, tuning.limit, lowest, highest);
        let instructions = Instructions::of(CpuPath::best(), gravity.portable_bits);
        let measure =
            Measure { order: acceptance.highest(), softening_squared: acceptance.softening_squared(), instructions };
        let no_bodies = || Error::Input("the deck has no bodies".to_owned());
        let domain = domain::distribute(bodies, &[], tuning.leaf_capacity, &Solo)?.ok_or_else(no_bodies)?;
        let mut store = plant::plant(&domain, bodies, 0, measure, &Solo).store;
        let fields = store.cells.iter().filter(|cell| cell.is_leaf()).map(|cell| cell.field);
        let floor = field::floor(fields.fold(0.0, f64::max));
        store.spread_fields((0..store.cells.len()).rev(), floor);
        let [low, high] = store.cells[0].bounds;
        let extent = (0..3).map(|axis| high[axis] - low[axis]).fold(0.0, f64::max);
        let edge = 2f64.powi(extent.log2().floor() as i32 + 1);
        let mut levels = vec![UNUSED; store.cells.len()];
        levels[0] = 0;
        for place in 0..store.cells.len() {
            if levels[place] != UNUSED {
                store.cells[place].children().for_each(|child| levels[child] = levels[place] + 1);
            }
        }
        Ok(Tree { store, acceptance, most_left: tuning.most_left, instructions, corner: low, edge, levels })
    }

    /// Lowest corner and edge of the cube of a cell.
    fn cube(&self, place: usize) -> ([f64; 3], f64) {
        let key = self.store.cells[place].first_key;
        let unit = self.edge / f64::from(1u32 << key::LEVELS);
        let digits = |axis: u32| (0..key::LEVELS).fold(0, |sum, bit| sum | (key >> (3 * bit + 2 - axis) & 1) << bit);
        let corner = [0, 1, 2].map(|axis: u32| self.corner[axis as usize] + unit * digits(axis) as f64);
        let edge = self.edge / f64::from(1u32 << self.levels[place]);
        let [low, high] = self.store.cells[place].bounds;
        let slack = 1e-9 * self.edge;
        assert!((0..3).all(|n| corner[n] <= low[n] + slack && high[n] <= corner[n] + edge + slack), "cell {place}");
        (corner, edge)
    }

    fn leaves(&self, bodies: &Particles, owners: &[usize]) -> String {
        let mut table = "level,x,y,z,edge,bodies,owner\n".to_owned();
        for (place, cell) in self.store.cells.iter().enumerate() {
            let Content::Bodies { first } = cell.content else { continue };
            if self.levels[place] == UNUSED {
                continue;
            }
            let owner = |n: u32| owners[bodies.index[n as usize] as usize];
            assert!((first..first + cell.bodies).all(|n| owner(n) == owner(first)), "a leaf on two ranks");
            let ([x, y, z], edge) = self.cube(place);
            let level = self.levels[place];
            let _ = writeln!(table, "{level},{x},{y},{z},{edge},{},{}", cell.bodies, owner(first));
        }
        table
    }

    /// The cells from the root to the leaf of the body in the middle of the curve, which lies where bodies are many.
    fn target(&self, bodies: &Particles) -> Vec<usize> {
        let wanted = bodies.len() / 2;
        let mut path = vec![0];
        let mut first = 0;
        loop {
            let children = self.store.cells[path[path.len() - 1]].children();
            let Some(next) = children.into_iter().find(|&child| {
                let holds = wanted < first + self.store.cells[child].bodies as usize;
                first += if holds { 0 } else { self.store.cells[child].bodies as usize };
                holds
            }) else {
                return path;
            };
            path.push(next);
        }
    }

    /// What the leaf of one body takes, itself or by one of the cells above it.
    fn sources(&self, bodies: &Particles) -> String {
        let path = self.target(bodies);
        let mut table = "x,y,z,edge,order,taken_at,bodies\n".to_owned();
        let mut add = |place: u32, order: i64, level: usize| {
            let ([x, y, z], edge) = self.cube(place as usize);
            let count = self.store.cells[place as usize].bodies;
            let _ = writeln!(table, "{x},{y},{z},{edge},{order},{level},{count}");
        };
        let (mut lists, mut candidates, mut rest) = (Lists::default(), vec![0u32], Vec::new());
        let judge = Judge {
            store: &self.store,
            acceptance: &self.acceptance,
            instructions: self.instructions,
            passes_over_complete: false,
        };
        let mut seen = 0;
        for (level, &target) in path.iter().enumerate() {
            let target = &self.store.cells[target];
            lists.settle(judge, target, &candidates, &mut rest);
            if target.is_leaf() {
                assert!(
                    !parts::is_divided(target, lists.rest_bodies, self.most_left),
                    "a leaf in the midst is walked as a whole"
                );
                lists.settle_rest(judge, target, &rest);
            }
            for (order, list) in lists.far.iter().enumerate() {
                list.iter().for_each(|&place| add(place, order as i64, level));
                seen += list.iter().map(|&place| self.store.cells[place as usize].bodies as usize).sum::<usize>();
            }
            lists.near.iter().for_each(|&place| add(place, -1, level));
            seen += lists.near.iter().map(|&place| self.store.cells[place as usize].bodies as usize).sum::<usize>();
            std::mem::swap(&mut candidates, &mut rest);
        }
        assert_eq!(seen, bodies.len(), "every body acts once");
        add(path[path.len() - 1] as u32, -2, path.len() - 1);
        table
    }
}

/// Quantiles of the relative errors of all forces, and their summary on standard output.
fn errors(problem: &NBodyProblem) -> Result<String> {
    let mut exact = initial::bodies(problem, &Files, &Solo)?;
    DirectSum::new(&problem.gravity, CpuPath::best()).evaluate(&mut exact, 0, &Solo)?;
    let mut table = "accuracy,share,error\n".to_owned();
    for accuracy in ACCURACIES {
        let bodies = evaluated(problem, Gravity { accuracy, ..problem.gravity }, &Solo)?;
        let error = |n: usize| {
            let (found, truth) = (bodies.acceleration_of(n), exact.acceleration_of(bodies.index[n] as usize));
            length([0, 1, 2].map(|axis| found[axis] - truth[axis])) / length(truth)
        };
        let mut errors: Vec<f64> = (0..bodies.len()).map(error).collect();
        errors.sort_by(f64::total_cmp);
        let at = |share: f64| errors[(share * (errors.len() - 1) as f64) as usize];
        for n in 0..=QUANTILES {
            // From the median up by shares of what is left, so that the tail is resolved.
            let share = if n < QUANTILES / 2 {
                n as f64 / QUANTILES as f64
            } else {
                1.0 - 0.5 * (errors.len() as f64).powf(1.0 - 2.0 * n as f64 / QUANTILES as f64)
            };
            let _ = writeln!(table, "{accuracy:e},{share},{:e}", at(share));
        }
        let rms = (errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64).sqrt();
        println!("accuracy {accuracy:e}: rms {rms:.2e}, p99 {:.2e}, max {:.2e}", at(0.99), at(1.0));
    }
    Ok(table)
}

fn length(x: [f64; 3]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}
