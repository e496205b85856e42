//! What every rank did in the time loop: seconds by phase and in communication, busy seconds of its threads, and what went to whom.
//!
//! Spreads over ranks (min, mean, max) cannot tell which rank was slow, nor who talks to whom; efficiencies and communication matrices
//! need each rank. Ranks send their part to rank 0 once, as JSON, after the loop.
//!
//! Refused: the pairs of jobs of more than `MOST_RANKS` ranks. Bodies of all ranks talk to all, and a table with the square of
//! thousands of entries would be larger than the snapshots.

use crate::comm::Communicator;
use crate::comm::meter::Meter;
use crate::host::usage::Usage;
use crate::timing::Phase;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Most ranks of a job whose pairs are listed.
const MOST_RANKS: usize = 256;

/// What one rank did in the loop.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RankLoop {
    /// Seconds in steps.
    pub loop_s: f64,
    /// Of these, in messages and waiting for them.
    pub communication_s: f64,
    /// Processor seconds of each thread.
    pub threads_s: Vec<f64>,
    /// Seconds of each phase of a step.
    pub phases_s: Vec<f64>,
    /// Receiving rank, messages, bytes; only those that got any.
    pub sent: Vec<[u64; 3]>,
    /// What its process has used, switches in the loop alone; thread ranks have one process.
    #[serde(default)]
    pub usage: Usage,
}

/// What all ranks did in the loop, on rank 0; empty elsewhere.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loops {
    phases: Vec<Phase>,
    ranks: Vec<RankLoop>,
    imbalance: Option<(usize, f64)>,
    ideal_s: Option<f64>,
    switches: Value,
}

/// What a meter has counted, for [`RankLoop::sent`]; nothing for very large jobs.
pub fn sent(meter: &Meter<'_>) -> Vec<[u64; 3]> {
    if meter.size() > MOST_RANKS {
        return Vec::new();
    }
    let counted = meter.sent().into_iter().enumerate().filter(|(_, sent)| sent.messages > 0);
    counted.map(|(to, sent)| [to as u64, sent.messages, sent.bytes]).collect()
}

impl Loops {
    /// Gathers the parts of all ranks on rank 0. `imbalance` is the rank that was slowed down on purpose, and by how much; `ideal_s` what
    /// [`super::replay`] tells. Collective.
    pub fn gather(
        comm: &dyn Communicator,
        own: &RankLoop,
        phases: &[Phase],
        imbalance: Option<(usize, f64)>,
        ideal_s: Option<f64>,
    ) -> Loops {
        let text = serde_json::to_vec(own).unwrap_or_default();
        let parts = comm.gather(0, &text);
        let ranks = parts.iter().map(|part| serde_json::from_slice(part).unwrap_or_default()).collect();
        Loops { phases: phases.to_vec(), ranks, imbalance, ideal_s, switches: Value::Null }
    }

    /// The same under these lab switches; null if there are none.
    pub fn under(self, switches: Value) -> Loops {
        Loops { switches, ..self }
    }

    /// The `loop` part of `report.json`.
    pub fn json(&self) -> Value {
        let per_rank = |of: &dyn Fn(&RankLoop) -> f64| self.ranks.iter().map(of).collect::<Vec<f64>>();
        let phase = |n: usize| json!(per_rank(&|rank| rank.phases_s.get(n).copied().unwrap_or(0.0)));
        let phases: Map<String, Value> =
            self.phases.iter().enumerate().map(|(n, name)| (name.name().to_owned(), phase(n))).collect();
        json!({
            "seconds_per_rank": per_rank(&|rank| rank.loop_s),
            "communication_s_per_rank": per_rank(&|rank| rank.communication_s),
            "busy_s_per_thread": self.ranks.iter().map(|rank| &rank.threads_s).collect::<Vec<_>>(),
            "phases_per_rank": phases,
            "sent": self.sent(),
            "usage_per_rank": self.ranks.iter().map(|rank| rank.usage).collect::<Vec<_>>(),
            "ideal_s": self.ideal_s,
            "imbalance": self.imbalance.map(|(rank, extra)| json!({ "rank": rank, "extra": extra })),
            "switches": self.switches,
        })
    }

    /// Rows of sender, receiver, messages, bytes; null for very large jobs.
    fn sent(&self) -> Value {
        if self.ranks.len() > MOST_RANKS {
            return Value::Null;
        }
        let rows = self.ranks.iter().enumerate();
        let rows = rows.flat_map(|(from, rank)| rank.sent.iter().map(move |[to, m, b]| [from as u64, *to, *m, *b]));
        json!(rows.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::threads;

    #[test]
    fn every_rank_is_in_the_report() {
        let of = |rank: usize| RankLoop {
            loop_s: 1.0 + rank as f64,
            communication_s: 0.25,
            threads_s: vec![0.5, rank as f64],
            phases_s: vec![0.125, 0.75],
            sent: vec![[(1 - rank) as u64, 3, 80]],
            usage: Usage::default(),
        };
        let found = threads::run(2, |comm| {
            Loops::gather(comm, &of(comm.rank()), &[Phase::Interior, Phase::Halo], Some((1, 0.5)), Some(1.5)).json()
        });
        let report = &found[0];
        assert_eq!(report["seconds_per_rank"], json!([1.0, 2.0]));
        assert_eq!(report["busy_s_per_thread"], json!([[0.5, 0.0], [0.5, 1.0]]));
        assert_eq!(report["phases_per_rank"]["halo"], json!([0.75, 0.75]));
        assert_eq!(report["sent"], json!([[0, 1, 3, 80], [1, 0, 3, 80]]));
        assert_eq!(report["ideal_s"], json!(1.5));
        assert_eq!(report["imbalance"], json!({ "rank": 1, "extra": 0.5 }));
    }
}
