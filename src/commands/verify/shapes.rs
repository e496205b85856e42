//! Shapes on the ladder of bodies: one digest, whatever the number of ranks, and with portable bits on every CPU path.

use super::Rung;
use super::trial::Trial;
use crate::comm::solo::Solo;
use crate::comm::{Communicator, threads};
use crate::commands::reference_decks::problem;
use crate::cpu::CpuPath;
use crate::digest_bodies::digest_bodies;
use crate::error::Result;
use crate::input::bodies::Files;
use crate::nbody::initial;
use crate::nbody::problem::NBodyProblem;

/// A cluster with a close pair in it and a straggler far away, so that trees are deep and steps differ.
const CLUSTER: &str = concat!(include_str!("cluster.toml"), "[time]\ndt = 0.05\nsteps = 2\n");

const RANKS: [usize; 5] = [2, 3, 4, 5, 8];

/// What differs from the deck.
const VARIANTS: [(&str, &[&str]); 6] = [
    ("direct", &[]),
    ("fmm", &["gravity.method=fmm"]),
    ("fmm, block steps", &["gravity.method=fmm", "time.substeps=block"]),
    ("yoshida4, global steps", &["time.integrator=yoshida4", "time.substeps=global"]),
    ("hermite4, block steps", &["time.integrator=hermite4", "time.substeps=block"]),
    ("gauss_radau15", &["time.integrator=gauss_radau15", "bodies.0.count=20"]),
];

/// All rungs; they are quick.
///
/// # Errors
/// If a run fails, which would be a defect.
pub fn rungs(_quick: bool) -> Result<Vec<Rung>> {
    let mut rungs = Vec::new();
    for (name, overrides) in VARIANTS {
        rungs.push(ranks_rung(name, &problem(CLUSTER, overrides)?)?);
    }
    rungs.push(paths_rung()?);
    Ok(rungs)
}

fn final_digest(problem: &NBodyProblem, comm: &dyn Communicator, path: CpuPath) -> Result<String> {
    let mut trial = Trial::of(problem, initial::bodies(problem, &Files, comm)?, comm, path)?;
    trial.steps(2, 0.05)?;
    Ok(digest_bodies(trial.model.bodies(), comm))
}

fn ranks_rung(name: &str, problem: &NBodyProblem) -> Result<Rung> {
    let alone = final_digest(problem, &Solo, CpuPath::best())?;
    let differs = |ranks: usize| {
        let digests = threads::run(ranks, |comm| final_digest(problem, comm, CpuPath::best()));
        digests.iter().any(|digest| digest.as_ref() != Ok(&alone))
    };
    let different = RANKS.into_iter().filter(|&ranks| differs(ranks)).count();
    Ok(Rung::none(format!("ranks (2 to 8) with another digest: {name}"), different))
}

/// With portable bits, for both methods.
fn paths_rung() -> Result<Rung> {
    let mut different = 0;
    for method in ["direct", "fmm"] {
        let method = format!("gravity.method={method}");
        let problem = problem(CLUSTER, &[&method, "gravity.portable_bits=true"])?;
        let plain = final_digest(&problem, &Solo, CpuPath::Portable)?;
        for path in CpuPath::available() {
            different += usize::from(final_digest(&problem, &Solo, path)? != plain);
        }
    }
    Ok(Rung::none("CPU paths with another digest under portable_bits", different))
}
