//! What is due after a step of a run, in the same way for both physics.

use crate::schedule::Schedule;

/// Intervals in steps, 0 for never.
#[derive(Clone, Copy, Debug)]
pub struct Intervals {
    /// Rows of the log.
    pub diagnostics: u64,
    /// Snapshots.
    pub snapshots: u64,
    /// Pictures.
    pub frames: u64,
}

/// What is due.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    /// The figures of a row of the log.
    pub figures: bool,
    /// A snapshot.
    pub snapshot: bool,
    /// A picture.
    pub frame: bool,
    /// A picture in the terminal.
    pub live: bool,
}

impl Due {
    /// What is due after a step, which may be the last one; `live` tells whether the terminal is. Nothing is written of a state that is
    /// not finite, so every file needs the figures first.
    pub fn after(step: u64, last: bool, every: Intervals, live: bool) -> Due {
        let due = |every: u64| Schedule { every }.due(step);
        let snapshot = due(every.snapshots) || last;
        let frame = due(every.frames) || (last && every.frames != 0);
        // The initial state is what diagnostics are compared with; the final one is always known.
        let row = due(every.diagnostics) || step == 0 || last;
        Due { figures: row || snapshot || frame, snapshot, frame, live }
    }

    /// Whether there is anything to write or to show besides the log.
    pub fn shows(self) -> bool {
        self.snapshot || self.frame || self.live
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(step: u64, last: bool, [diagnostics, snapshots, frames]: [u64; 3]) -> [bool; 3] {
        let due = Due::after(step, last, Intervals { diagnostics, snapshots, frames }, false);
        [due.figures, due.snapshot, due.frame]
    }

    #[test]
    fn start_and_end_are_known_and_the_end_is_kept() {
        assert_eq!(due(0, false, [0, 0, 0]), [true, false, false]);
        assert_eq!(due(7, true, [0, 0, 0]), [true, true, false]);
        assert_eq!(due(7, true, [0, 0, 5]), [true, true, true]);
    }

    #[test]
    fn whatever_is_written_has_its_figures() {
        assert_eq!(due(3, false, [4, 4, 4]), [false, false, false]);
        assert_eq!(due(4, false, [3, 4, 3]), [true, true, false]);
        assert_eq!(due(4, false, [3, 3, 4]), [true, false, true]);
        assert_eq!(due(3, false, [3, 4, 4]), [true, false, false]);
    }
}
