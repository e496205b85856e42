//! What every way to compute forces has in common.

use crate::comm::Communicator;
use crate::error::Result;
use crate::parallel::Sharing;
use crate::particles::Particles;

/// A way to compute forces. It owns its work space, which is kept from one evaluation to the next.
pub trait Forces {
    /// Sets acceleration and potential of every body with `level >= from_level` (0: of all bodies) from the positions and masses of
    /// all. Collective. May reorder the bodies and move them between ranks, so that nothing that belongs to a body may be kept
    /// outside of [`Particles`] across a call. The same bits for every shape of ranks and threads.
    ///
    /// # Errors
    /// Exit code 4 if a force is not finite, naming ids; the same on all ranks.
    fn evaluate(&mut self, bodies: &mut Particles, from_level: u8, comm: &dyn Communicator) -> Result<()>;

    /// What the evaluations so far have cost on this rank.
    fn costs(&self) -> ForceCosts;

    /// Who does which piece of the work, from here on. No bit depends on it.
    fn set_sharing(&mut self, _sharing: Sharing) {}
}

impl ForceCosts {
    /// Seconds of all parts together.
    pub fn seconds(&self) -> f64 {
        self.build_s + self.upward_s + self.exchange_s + self.far_s + self.near_s
    }
}

/// What force evaluations have cost on one rank.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ForceCosts {
    /// Calls of [`Forces::evaluate`].
    pub evaluations: u64,
    /// Pairs of a target and a source body.
    pub pairs: u64,
    /// Pairs of a target cell and a source cell.
    pub cell_pairs: u64,
    /// Seconds to sort bodies and build the tree, redistribution included.
    pub build_s: f64,
    /// Seconds for multipole moments of leaves and cells.
    pub upward_s: f64,
    /// Seconds that messages took beyond the computing that hid them.
    pub exchange_s: f64,
    /// Seconds of cell interactions (sums over threads divided by their number).
    pub far_s: f64,
    /// Seconds of pairs of bodies (likewise).
    pub near_s: f64,
    /// Messages sent.
    pub messages: u64,
    /// Bytes in them.
    pub bytes: u64,
}
