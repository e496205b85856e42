//! What a heat model puts into a checkpoint, and how it takes it up.

use super::header::Section;
use super::reader::Source;
use super::{Checkpointed, Visit};
use crate::comm::Communicator;
use crate::comm::agree;
use crate::error::Result;
use crate::heat::HeatModel;
use crate::heat::state::HeatScalars;
use crate::timing::Phase;
use serde_json::{Value, json};

const SOURCE_HEAT: &str = "source_heat";
const SOURCE_HEAT_LOST: &str = "source_heat_lost";
const INITIAL_HEAT: &str = "initial_heat";

impl Checkpointed for HeatModel<'_> {
    fn scalars(&self) -> Value {
        let HeatScalars { initial_heat, source_heat: [heat, lost], .. } = HeatModel::scalars(self);
        json!({
            SOURCE_HEAT: heat.to_bits(),
            SOURCE_HEAT_LOST: lost.to_bits(),
            INITIAL_HEAT: initial_heat.map(f64::to_bits),
        })
    }

    fn sections(&self) -> Vec<Section> {
        HeatModel::sections(self).into_iter().map(|(name, bytes)| Section::new(name, bytes)).collect()
    }

    fn export(&self, visit: &mut Visit<'_>) {
        HeatModel::export(self, visit);
    }

    fn check_finite(&mut self, step: u64, _: f64) -> Result<()> {
        HeatModel::check_finite(self, step)
    }

    fn add_checkpoint_seconds(&mut self, seconds: f64) {
        self.timers.add(Phase::Checkpoint, seconds);
    }
}

/// Takes the state of a checkpoint into a model of the same problem. Collective.
///
/// # Errors
/// The same on all ranks: exit code 2 if it is of another model, 3 if it cannot be read.
pub fn restore(model: &mut HeatModel<'_>, source: &Source, comm: &dyn Communicator) -> Result<()> {
    agree(comm, restore_own(model, source))
}

fn restore_own(model: &mut HeatModel<'_>, source: &Source) -> Result<()> {
    let sections = HeatModel::sections(model).into_iter();
    let numbers: Vec<usize> = sections
        .map(|(name, bytes)| source.section(&name, Some(bytes)).map(|(number, _)| number))
        .collect::<Result<_>>()?;
    let float = |name: &str| source.scalar(name).map(f64::from_bits);
    let scalars = HeatScalars {
        steps: source.header().step,
        initial_heat: float(INITIAL_HEAT).ok(),
        source_heat: [float(SOURCE_HEAT)?, float(SOURCE_HEAT_LOST)?],
    };
    model.restore(&scalars, &mut |section, offset, bytes| source.read(numbers[section], offset, bytes))
}
