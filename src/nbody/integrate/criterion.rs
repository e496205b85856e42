//! How short a step must be, and the powers of two that steps are cut by.
//!
//! A step is that of the run divided by 2^level, so levels are small integers that ranks can agree on exactly. Inside a step of
//! the run time is counted in ticks of 2^-[`DEEPEST`] of it: steps begin and end at the same tick for all bodies, without
//! rounding.

use crate::comm::{Communicator, ReduceOp, agree};
use crate::error::{Error, Result};
use crate::particles::Particles;

/// Largest level. A billionth of the run's step: below it round-off of positions outweighs what the step resolves.
pub const DEEPEST: u8 = 30;

/// Ticks in a step of the run.
pub const TICKS: u64 = 1 << DEEPEST;

/// Ticks in a step of this level.
pub fn ticks(level: u8) -> u64 {
    TICKS >> level
}

/// The smallest level of which a step ends at this tick.
pub fn smallest_level_at(tick: u64) -> u8 {
    DEEPEST - tick.trailing_zeros().min(u32::from(DEEPEST)) as u8
}

/// The smallest level whose step is at most `wanted`; above [`DEEPEST`] if there is none, or if `wanted` is not a number.
pub fn level_for(dt: f64, wanted: f64) -> u8 {
    let fits = |level: u8| dt / (1u64 << level) as f64 <= wanted;
    (0..=DEEPEST).find(|&level| fits(level)).unwrap_or(DEEPEST + 1)
}

/// The level after a step that ended at `tick`: as deep as wanted at once, but higher by one at a time and only where a step of
/// the larger size may begin, so that steps stay aligned.
pub fn next_level(level: u8, wanted: u8, tick: u64) -> u8 {
    if wanted < level && tick.is_multiple_of(ticks(level - 1)) { level - 1 } else { wanted.max(level) }
}

/// The error of a body that needs a level above [`DEEPEST`].
pub fn too_deep(id: u64, dt: f64) -> Error {
    Error::Numerical(format!(
        "body {id} needs a time step shorter than {:e}, the run's step divided by 2^{DEEPEST}: \
         give a shorter dt, a larger eta, or more softening",
        dt / TICKS as f64
    ))
}

/// The criterion eta sqrt(eps / |a|): the time in which a body that starts at rest falls through the softening length, but for a
/// factor of sqrt(2) (Power et al. 2003).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FallCriterion {
    /// Factor.
    pub eta: f64,
    /// Softening length.
    pub eps: f64,
}

impl FallCriterion {
    /// Level that a body needs; above [`DEEPEST`] if it cannot be served.
    pub fn level(&self, bodies: &Particles, body: usize, dt: f64) -> u8 {
        let [x, y, z] = bodies.acceleration_of(body);
        let strength = (x * x + y * y + z * z).sqrt();
        level_for(dt.abs(), self.eta * (self.eps / strength).sqrt())
    }

    /// The largest level that any body of any rank needs. Collective.
    ///
    /// # Errors
    /// Exit code 4 if that is above [`DEEPEST`].
    pub fn deepest(&self, bodies: &Particles, dt: f64, comm: &dyn Communicator) -> Result<u8> {
        let levels = (0..bodies.len()).map(|body| self.level(bodies, body, dt));
        agreed_deepest(bodies, levels, dt, comm)
    }
}

/// The largest of the levels, one for each body, over all ranks. Collective.
///
/// # Errors
/// Exit code 4 if it is above [`DEEPEST`].
pub fn agreed_deepest(
    bodies: &Particles,
    levels: impl Iterator<Item = u8>,
    dt: f64,
    comm: &dyn Communicator,
) -> Result<u8> {
    let deepest = levels.zip(&bodies.id).map(|(level, &id)| (level, id)).max_by_key(|&(level, id)| (level, !id));
    let own = deepest.map_or(0, |(level, _)| level);
    let mut values = [f64::from(own)];
    comm.all_reduce(ReduceOp::Max, &mut values);
    let deepest_of_all = values[0] as u8;
    if deepest_of_all <= DEEPEST {
        return Ok(deepest_of_all);
    }
    let failed = deepest.filter(|&(level, _)| level > DEEPEST);
    agree(comm, failed.map_or(Ok(deepest_of_all), |(_, id)| Err(too_deep(id, dt))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::threads;

    #[test]
    fn levels_are_the_smallest_that_fit() {
        let levels = [3.0, 1.0, 0.99, 0.5, 0.26, 0.25, 2f64.powi(-30)].map(|wanted| level_for(1.0, wanted));
        assert_eq!(levels, [0, 0, 1, 1, 2, 2, 30]);
        assert_eq!([0.0, 0.9e-9, f64::NAN].map(|wanted| level_for(1.0, wanted)), [31; 3]);
        assert_eq!(level_for(1e9, f64::INFINITY), 0);
    }

    #[test]
    fn levels_fall_by_one_and_only_where_steps_meet() {
        let quarter = ticks(2);
        assert_eq!(next_level(2, 5, quarter), 5);
        assert_eq!(next_level(2, 0, quarter), 2);
        assert_eq!(next_level(2, 0, 2 * quarter), 1);
        assert_eq!(next_level(2, 2, 2 * quarter), 2);
        assert_eq!(next_level(0, 0, TICKS), 0);
    }

    #[test]
    fn a_tick_ends_the_steps_that_divide_it() {
        assert_eq!([TICKS, TICKS / 2, TICKS / 4 * 3, 1].map(smallest_level_at), [0, 1, 2, 30]);
        assert_eq!(smallest_level_at(2 * TICKS), 0);
    }

    #[test]
    fn ranks_agree_on_the_deepest_level_and_on_the_body_that_is_too_deep() {
        let criterion = FallCriterion { eta: 1.0, eps: 1.0 };
        let strengths = [0.0, 4.0, 17.0, 1e30];
        for size in [1, 3, 6] {
            let levels = |count: usize| {
                threads::run(size, |comm: &dyn Communicator| {
                    let mut bodies = Particles::default();
                    for n in (0..count).filter(|n| n % size == comm.rank()) {
                        bodies.push(n as u64, 70 + n as u64, 1.0, [0.0; 3], [0.0; 3]);
                        *bodies.acceleration[1].last_mut().unwrap() = strengths[n];
                    }
                    criterion.deepest(&bodies, 1.0, comm)
                })
            };
            assert!(levels(3).into_iter().all(|level| level == Ok(3)));
            for level in levels(4) {
                let error = level.unwrap_err();
                assert_eq!(error.exit_code(), 4);
                assert!(error.to_string().contains("body 73"), "{error}");
            }
        }
    }
}
