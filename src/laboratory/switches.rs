//! Lab switches: a run that is slower on purpose, one cause at a time, with the same bits.
//!
//! | switch | is done by |
//! |---|---|
//! | `--blocking`, `--net-delay` | [`crate::comm::impaired`], before any backend |
//! | `--decomposition` | [`CartesianDecomposition::dims_with_cuts`], before the run is planned |
//! | `--schedule` | [`crate::parallel`], handed to the models |
//!
//! Refused: keys of the deck, for a deck says what is simulated, and its checkpoints go on under any switch.

use crate::comm::impaired::Impairment;
use crate::decomposition::CartesianDecomposition;
use crate::error::{Error, Result};
use crate::heat::problem::FaceCondition;
use crate::parallel::Sharing;
use crate::run_config::{HeatRun, RunConfig};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

/// What is done worse, or otherwise, in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Switches {
    /// Work waits for the messages that it could hide.
    pub blocking: bool,
    /// How many axes of a grid are cut.
    pub cut_axes: Option<usize>,
    /// Tiles and bodies are dealt to threads in advance.
    pub fixed_parts: bool,
    /// Seconds that messages between ranks take longer.
    pub net_delay_s: f64,
}

impl Switches {
    /// The arguments of `run` that say the same.
    pub fn arguments(&self) -> Vec<String> {
        let mut words = Vec::new();
        if self.blocking {
            words.push("--blocking".to_owned());
        }
        if let Some(axes) = self.cut_axes {
            words.extend(["--decomposition".to_owned(), format!("{axes}d")]);
        }
        if self.fixed_parts {
            words.extend(["--schedule".to_owned(), "static".to_owned()]);
        }
        if self.net_delay_s > 0.0 {
            words.extend(["--net-delay".to_owned(), self.net_delay_s.to_string()]);
        }
        words
    }

    /// What messages suffer.
    pub fn impairment(&self) -> Impairment {
        Impairment { blocking: self.blocking, delay: Duration::from_secs_f64(self.net_delay_s) }
    }

    /// Who does which piece of the work of a rank.
    pub fn sharing(&self) -> Sharing {
        if self.fixed_parts { Sharing::Static } else { Sharing::Steal }
    }

    /// The run on so many ranks, cut along as many axes as the switch says.
    ///
    /// # Errors
    /// Exit code 2 if it cannot be: bodies, a process grid in the deck, ranks or cells that do not allow it.
    pub fn cut(&self, config: RunConfig, ranks: usize) -> Result<RunConfig> {
        let Some(axes) = self.cut_axes else { return Ok(config) };
        match config {
            RunConfig::Heat(run) => Ok(RunConfig::Heat(cut(run, ranks, axes)?)),
            RunConfig::NBody(_) => Err(Error::Input(
                "--decomposition cuts grids, and bodies have none: ranks own pieces of a curve through all of them; leave it away"
                    .to_owned(),
            )),
        }
    }

    /// Each as a sentence.
    pub fn remarks(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.blocking {
            found.push("nothing is computed while messages fly (--blocking)".to_owned());
        }
        if let Some(axes) = self.cut_axes {
            found.push(format!("the grid is cut along exactly {axes} axes (--decomposition {axes}d)"));
        }
        if self.fixed_parts {
            found.push("threads have equal parts, fixed in advance (--schedule static)".to_owned());
        }
        if self.net_delay_s > 0.0 {
            let micro = (1e9 * self.net_delay_s).round() / 1e3;
            found.push(format!("messages between ranks arrive {micro} us later (--net-delay)"));
        }
        found
    }

    /// For `report.json`; null if there is none.
    pub fn json(&self) -> Value {
        if *self == Switches::default() {
            return Value::Null;
        }
        json!({
            "blocking": self.blocking,
            "decomposition": self.cut_axes.map(|axes| format!("{axes}d")),
            "schedule": if self.fixed_parts { "static" } else { "steal" },
            "net_delay_s": self.net_delay_s,
        })
    }
}

fn cut(mut run: Box<HeatRun>, ranks: usize, axes: usize) -> Result<Box<HeatRun>> {
    let refused = |why: &str| Err(Error::Input(format!("--decomposition {axes}d: {why}")));
    if run.decomposition.dims.is_some() {
        return refused("the deck gives decomposition.dims itself; remove that key, or the switch");
    }
    let dimensions = run.problem.grid.dimensions;
    if axes > dimensions {
        return refused(&format!("the grid has {dimensions} dimensions; use at most {dimensions}d"));
    }
    let periodic = run.problem.faces.each_ref().map(|sides| sides[0] == FaceCondition::Periodic);
    match CartesianDecomposition::dims_with_cuts(run.problem.grid.cells, periodic, ranks, axes) {
        Ok(dims) => run.decomposition.dims = Some(dims),
        Err(why) => return refused(&why),
    }
    Ok(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_name_what_is_set_alone() {
        assert_eq!(Switches::default().arguments(), Vec::<String>::new());
        assert_eq!((Switches::default().json(), Switches::default().remarks().len()), (Value::Null, 0));
        let all = Switches { blocking: true, cut_axes: Some(2), fixed_parts: true, net_delay_s: 0.0002 };
        let words = "--blocking --decomposition 2d --schedule static --net-delay 0.0002";
        assert_eq!(all.arguments().join(" "), words);
        assert_eq!(all.json()["decomposition"], "2d");
        assert_eq!(all.remarks().len(), 4);
        assert!(all.remarks()[3].contains(" 200 us later"), "{:?}", all.remarks());
    }
}
