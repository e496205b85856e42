//! Bodies at time 0: from the groups of a problem to this rank's block of them.
//!
//! Ids count through the groups in their order; every rank makes the block of ids that [`block_range`] gives it, and no more: random
//! numbers are a function of (seed, group, body), so no body needs the ones before it. What must be known of all bodies, the centre
//! of mass of a group, is an exact sum over ranks. So the bodies are the same, to the bit, for every number of ranks and threads.
//! Elementary functions come from the crate `libm`, so that they are the same on every platform too; square roots are exact anyway.
//! Refused: making bodies on one rank and sending them, which needs the memory of all there.

mod bessel;
mod disc;
mod eddington;
mod files;
pub mod orbit;
mod placement;
mod profile;
mod random;
mod sphere;
mod table;

pub use files::{BodyFiles, BodyRows};

use crate::comm::{Communicator, agree};
use crate::decomposition::block_range;
use crate::error::{Error, Result};
use crate::nbody::groups::{BodyFile, Generated, Model};
use crate::nbody::problem::{Body, BodyGroup, Integrator, NBodyProblem};
use crate::particles::Particles;
use disc::GalaxySampler;
use orbit::{OrbitSampler, PolygonSampler};
use placement::{Turned, centre};
use random::Draws;
use rayon::prelude::*;
use sphere::{SphereSampler, UniformSampler};
use std::ops::Range;

/// Most bodies under the Gauss-Radau scheme, which keeps some hundred numbers of each and takes the shortest step of all.
pub const MOST_GAUSS_RADAU: u64 = 4096;

/// Bodies that are made at once before they go to their arrays.
const BATCH: u64 = 1 << 16;

/// Makes single bodies of a model in its own frame.
trait Sampler: Sync {
    /// The body of this number.
    fn body(&self, number: u64, draws: &mut Draws) -> Body;
}

/// The groups of a problem with their files open. Opening reads a text once, so it is done once for the count and for the bodies.
pub struct Source<'a> {
    problem: &'a NBodyProblem,
    /// The file of each group that has one.
    files: Vec<Option<Box<dyn BodyRows>>>,
}

/// Opens and checks the files of a problem. Local: every rank opens them.
///
/// # Errors
/// Exit code 2 if a file is not what it should be or there are more bodies than the integrator takes.
pub fn open<'a>(problem: &'a NBodyProblem, files: &dyn BodyFiles) -> Result<Source<'a>> {
    let opened = problem.groups.iter().map(|group| match group {
        BodyGroup::File(file) => files.open(&file.path, file.format).map(Some),
        _ => Ok(None),
    });
    let source = Source { problem, files: opened.collect::<Result<_>>()? };
    let total = source.count();
    if problem.integrator == Integrator::GaussRadau15 && total > MOST_GAUSS_RADAU {
        return Err(Error::Input(format!(
            "{total} bodies are too many for integrator = \"gauss_radau15\" (at most {MOST_GAUSS_RADAU}): \
             write \"leapfrog\" or \"hermite4\""
        )));
    }
    Ok(source)
}

/// [`open`] and [`Source::bodies`] in one. Collective.
///
/// # Errors
/// Those of both, the same on all ranks.
pub fn bodies(problem: &NBodyProblem, files: &dyn BodyFiles, comm: &dyn Communicator) -> Result<Particles> {
    agree(comm, open(problem, files))?.bodies(comm)
}

impl Source<'_> {
    /// Number of bodies of all groups.
    pub fn count(&self) -> u64 {
        self.counts().sum()
    }

    fn counts(&self) -> impl Iterator<Item = u64> {
        let count_of = |(group, file): (&BodyGroup, &Option<Box<dyn BodyRows>>)| match file {
            Some(rows) => rows.count(),
            None => group.count().unwrap_or(0),
        };
        self.problem.groups.iter().zip(&self.files).map(count_of)
    }

    /// This rank's block of all bodies, in the order of ids, without forces yet. Collective.
    ///
    /// Ids are 0 to N - 1; a file that is the only group and says ids keeps its own.
    ///
    /// # Errors
    /// Exit code 2 if there is something wrong in a file; the same on all ranks.
    pub fn bodies(&self, comm: &dyn Communicator) -> Result<Particles> {
        let (start, length) = block_range(self.count() as usize, comm.size(), comm.rank());
        let block = start as u64..(start + length) as u64;
        let mut bodies = Particles::with_capacity(length);
        let mut first = 0;
        for (group, count) in self.counts().enumerate() {
            self.append_group(group, own_rows(&block, first, count), first, comm, &mut bodies)?;
            first += count;
        }
        Ok(bodies)
    }

    /// Appends the own rows of a group whose first body has the index `first`. Collective.
    fn append_group(
        &self,
        number: usize,
        own: Range<u64>,
        first: u64,
        comm: &dyn Communicator,
        bodies: &mut Particles,
    ) -> Result<()> {
        match (&self.problem.groups[number], &self.files[number]) {
            (BodyGroup::File(file), Some(rows)) => {
                let keep_ids = self.problem.groups.len() == 1;
                agree(comm, read(file, rows.as_ref(), own, first, keep_ids, bodies))?;
            }
            (BodyGroup::Generated(generated), _) => {
                generate(generated, number, own, first, self.problem.gravity.constant, comm, bodies);
            }
            (BodyGroup::Listed(listed), _) => {
                own.for_each(|n| append(bodies, first + n, None, listed[n as usize]));
            }
            (BodyGroup::File(_), None) => {}
        }
        Ok(())
    }
}

/// The rows of a group that lie in a block.
fn own_rows(block: &Range<u64>, first: u64, count: u64) -> Range<u64> {
    let clamp = |bound: u64| bound.clamp(first, first + count) - first;
    clamp(block.start)..clamp(block.end)
}

fn append(bodies: &mut Particles, index: u64, id: Option<u64>, body: Body) {
    bodies.push(index, id.unwrap_or(index), body.mass, body.position, body.velocity);
}

fn read(
    file: &BodyFile,
    rows: &dyn BodyRows,
    own: Range<u64>,
    first: u64,
    keep_ids: bool,
    bodies: &mut Particles,
) -> Result<()> {
    let turned = Turned::new(&file.placement);
    let keep_ids = keep_ids && rows.has_ids();
    let mut index = first + own.start;
    rows.read(own, &mut |id, body| {
        append(bodies, index, keep_ids.then_some(id), turned.body(body));
        index += 1;
    })
}

/// Makes the own rows of a group; all ranks take part in finding its centre.
fn generate(
    generated: &Generated,
    group: usize,
    own: Range<u64>,
    first: u64,
    constant: f64,
    comm: &dyn Communicator,
    bodies: &mut Particles,
) {
    let sampler = sampler(&generated.model, constant);
    let start = bodies.len();
    for batch in own.clone().step_by(BATCH as usize) {
        let numbers = batch..(batch + BATCH).min(own.end);
        let make = |number: u64| sampler.body(number, &mut Draws::new(generated.seed, group as u32, number));
        let made: Vec<Body> = numbers.clone().into_par_iter().map(make).collect();
        numbers.zip(made).for_each(|(number, body)| append(bodies, first + number, None, body));
    }
    let mut part_first = 0;
    for (count, mass) in random_parts(&generated.model) {
        let part = own_rows(&own, part_first, count);
        let place = |row: u64| start + ((part_first + row).clamp(own.start, own.end) - own.start) as usize;
        centre(bodies, place(part.start)..place(part.end), mass, comm);
        part_first += count;
    }
    Turned::new(&generated.placement).all(bodies, start);
}

/// Bodies and mass of each part of a model that is drawn at random; each part is centred for itself, so that a disc does not slosh in
/// its halo.
fn random_parts(model: &Model) -> Vec<(u64, f64)> {
    match model {
        Model::Sphere(sphere) => vec![(sphere.count, sphere.mass)],
        Model::Uniform(sphere) => vec![(sphere.count, sphere.mass)],
        Model::Disc(galaxy) => {
            let spheres = [Some(galaxy.halo), galaxy.bulge].into_iter().flatten();
            let disc = (galaxy.count, galaxy.mass);
            [disc].into_iter().chain(spheres.map(|sphere| (sphere.count, sphere.mass))).collect()
        }
        Model::Orbit(_) | Model::Polygon(_) => Vec::new(),
    }
}

fn sampler(model: &Model, constant: f64) -> Box<dyn Sampler> {
    match model {
        Model::Sphere(sphere) => Box::new(SphereSampler::alone(*sphere, constant)),
        Model::Uniform(sphere) => Box::new(UniformSampler::new(*sphere, constant)),
        Model::Disc(galaxy) => Box::new(GalaxySampler::new(*galaxy, constant)),
        Model::Orbit(orbit) => Box::new(OrbitSampler::new(orbit, constant)),
        Model::Polygon(polygon) => Box::new(PolygonSampler::new(*polygon, constant)),
    }
}

#[cfg(test)]
#[path = "initial_tests.rs"]
mod initial_tests;
