//! What a run will write, in words for `parhelion check`.

use crate::output::disk::in_words;
use crate::run_config::{BodyFormat, NBodyOutputPlan, OutputPlan, SnapshotFormat};
use crate::words::counted;

/// The outputs of a run of either physics.
#[derive(Clone, Debug)]
pub struct PlannedOutputs {
    /// Steps of the run, if they are known before it.
    pub steps: Option<u64>,
    /// Bytes of one snapshot in all formats, headers left aside.
    pub snapshot_bytes: u64,
    formats: Vec<&'static str>,
    diagnostics_every: u64,
    snapshot_every: u64,
    frames_every: u64,
}

impl PlannedOutputs {
    /// Those of a heat run.
    pub fn of_heat(plan: &OutputPlan, steps: Option<u64>, snapshot_bytes: u64) -> PlannedOutputs {
        let name = |format: &SnapshotFormat| match format {
            SnapshotFormat::Vti => "vti",
            SnapshotFormat::Npy => "npy",
        };
        PlannedOutputs {
            steps,
            snapshot_bytes,
            formats: plan.snapshot_formats.iter().map(name).collect(),
            diagnostics_every: plan.diagnostics_every,
            snapshot_every: plan.snapshot_every,
            frames_every: plan.frames_every,
        }
    }

    /// Those of a run of bodies.
    pub fn of_bodies(plan: &NBodyOutputPlan, steps: Option<u64>, snapshot_bytes: u64) -> PlannedOutputs {
        let name = |format: &BodyFormat| match format {
            BodyFormat::Vtp => "vtp",
            BodyFormat::Npy => "npy",
            BodyFormat::Gadget => "hdf5",
        };
        PlannedOutputs {
            steps,
            snapshot_bytes,
            formats: plan.snapshot_formats.iter().map(name).collect(),
            diagnostics_every: plan.diagnostics_every,
            snapshot_every: plan.snapshot_every,
            frames_every: plan.frames_every,
        }
    }

    /// Snapshots of the whole run, the final one among them.
    pub fn snapshots(&self) -> Option<u64> {
        if self.formats.is_empty() { Some(0) } else { firings(self.snapshot_every, self.steps) }
    }

    /// One line.
    pub fn words(&self) -> String {
        let parts = [self.diagnostics(), self.states(), self.pictures()];
        parts.join(", ")
    }

    fn diagnostics(&self) -> String {
        match self.diagnostics_every {
            0 => "diagnostics at start and end".to_owned(),
            every => format!("diagnostics every {}", interval(every)),
        }
    }

    fn states(&self) -> String {
        if self.formats.is_empty() {
            return "no snapshots".to_owned();
        }
        let of_size = format!("({}) of {}", self.formats.join(", "), in_words(self.snapshot_bytes));
        match (self.snapshot_every, self.snapshots()) {
            (0, _) => format!("the final snapshot {of_size}"),
            (_, Some(count)) => format!("{} {of_size} each", counted(count, "snapshot")),
            (every, None) => format!("snapshots {of_size} each every {}", interval(every)),
        }
    }

    fn pictures(&self) -> String {
        match (self.frames_every, firings(self.frames_every, self.steps)) {
            (0, _) => "no pictures".to_owned(),
            (_, Some(count)) => counted(count, "picture"),
            (every, None) => format!("pictures every {}", interval(every)),
        }
    }
}

fn interval(every: u64) -> String {
    if every == 1 { "step".to_owned() } else { counted(every, "step") }
}

/// How often something happens that is due at every multiple of `every` steps and at the end; at the end only if 0.
fn firings(every: u64, steps: Option<u64>) -> Option<u64> {
    match every {
        0 => Some(1),
        _ => steps.map(|steps| steps / every + 1 + u64::from(!steps.is_multiple_of(every))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(steps: Option<u64>, every: [u64; 3]) -> PlannedOutputs {
        let [diagnostics_every, snapshot_every, frames_every] = every;
        let formats = vec!["vtp", "npy"];
        PlannedOutputs { steps, snapshot_bytes: 2048, formats, diagnostics_every, snapshot_every, frames_every }
    }

    #[test]
    fn the_end_counts_once() {
        for (every, steps, count) in [(10, 20, 3), (10, 23, 4), (10, 9, 2), (10, 0, 1), (0, 20, 1), (1, 2, 3)] {
            assert_eq!(firings(every, Some(steps)), Some(count), "{every} {steps}");
        }
        assert_eq!(firings(10, None), None);
    }

    #[test]
    fn words_say_what_is_known() {
        let all = planned(Some(20), [1, 10, 5]).words();
        assert_eq!(all, "diagnostics every step, 3 snapshots (vtp, npy) of 2.0 KiB each, 5 pictures");
        let open = planned(None, [4, 10, 5]).words();
        assert_eq!(
            open,
            "diagnostics every 4 steps, snapshots (vtp, npy) of 2.0 KiB each every 10 steps, pictures every 5 steps"
        );
        let least = planned(None, [0, 0, 0]).words();
        assert_eq!(least, "diagnostics at start and end, the final snapshot (vtp, npy) of 2.0 KiB, no pictures");
        let none = PlannedOutputs { formats: Vec::new(), ..planned(Some(3), [0, 1, 0]) };
        assert!(none.words().contains("no snapshots") && none.snapshots() == Some(0));
    }
}
