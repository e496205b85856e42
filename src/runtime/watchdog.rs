//! Ends a job that hangs: a rank that was stopped, a host that went away, a disk that does not answer, a deadlock.
//!
//! A thread of its own looks at the [`heartbeat`] of its process a few times within the patience, and once a second at most. Each process
//! watches itself only: one that is stopped watches nothing, but the ranks that wait for it come to a standstill too, and
//! their watchdogs bark. No message is sent for it, for the main thread alone may speak to MPI, and it is what hangs.
//!
//! # Who speaks
//! One line for the job. A rank that hangs while it is *not* waiting for others is the cause, and speaks at once. Those that wait leave
//! it some seconds, and speak one after the other by their rank: the job has gone by then.
//!
//! # Patience
//! With `--watchdog SECONDS` just that. By default, under a batch system, `FIRST_PATIENCE` until the first step has been begun, for nothing is
//! known of the machine before; then `SLOWNESS` times the longest silence so far, but never less than `LEAST_PATIENCE`.
//!
//! # What is no hang
//! A job that is suspended as a whole (a batch system, Ctrl-Z, a laptop's lid) and goes on later: silence is counted in looks
//! of this thread, which sleeps too then.
//!
//! Refused: finding out by messages which rank hangs: needs MPI in a second thread. A file by which processes agree who speaks: the disk
//! may be what hangs. Measuring the mean time of a step: a checkpoint takes thousands of them.

use super::ending::end_job_with;
use super::launcher::Launcher;
use crate::error::{Error, Result};
use crate::heartbeat::{self, Activity, Pulse};
use crate::host;
use crate::output::live::restore_terminal;
use std::time::{Duration, Instant};

/// Least patience where it is measured.
const LEAST_PATIENCE: Duration = Duration::from_secs(600);
/// Patience before the first step.
const FIRST_PATIENCE: Duration = Duration::from_secs(3600);
/// Silence is a hang from so many times the longest one before.
const SLOWNESS: u32 = 20;
/// Seconds that ranks which wait leave to one that does not.
const PRECEDENCE: Duration = Duration::from_secs(2);
/// Seconds between the words of two ranks: a job has ended by then.
const TURN: Duration = Duration::from_secs(2);
/// Most turns: behind so many ranks that hang all speak together.
const MOST_TURNS: u32 = 30;
/// Longest time between two looks.
const LONGEST_LOOK: Duration = Duration::from_secs(1);
/// Shortest time between two looks.
const SHORTEST_LOOK: Duration = Duration::from_millis(10);
/// Looks within the patience.
const LOOKS: u32 = 20;

/// How long a silence may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    /// So long.
    Fixed(Duration),
    /// As the run itself has shown.
    Measured,
}

/// The patience that was asked for in seconds, or the default; none to go without.
fn patience(wish: Option<f64>, in_batch: bool) -> Option<Patience> {
    match wish {
        None => in_batch.then_some(Patience::Measured),
        Some(seconds) => (seconds > 0.0).then(|| Patience::Fixed(Duration::from_secs_f64(seconds))),
    }
}

/// Starts to watch this process, if `wish` (in seconds, 0 for never) or a batch system asks for it. Once, before MPI is initialised.
///
/// # Errors
/// Exit code 1 if there can be no thread for it.
pub fn watch(wish: Option<f64>) -> Result<()> {
    let Some(patience) = patience(wish, host::batch_job().is_some()) else { return Ok(()) };
    let turn = Launcher::of_environment().map_or(0, |launcher| launcher.rank);
    let thread = std::thread::Builder::new().name("watchdog".to_owned()).spawn(move || {
        let silence = wait_for_a_hang(Vigil::new(patience, turn));
        restore_terminal();
        end_job_with(&Error::Io(complaint(&heartbeat::pulse(), silence)))
    });
    thread.map(|_| ()).map_err(|cause| Error::Defect(format!("cannot start the watchdog: {cause}")))
}

/// Returns when this process should speak: the silence so far.
fn wait_for_a_hang(mut vigil: Vigil) -> Duration {
    let interval = vigil.interval();
    loop {
        let before = Instant::now();
        std::thread::sleep(interval);
        // A look that came late was not taken by a process that ran.
        vigil.look(heartbeat::pulse(), before.elapsed().min(2 * interval));
        if vigil.is_over() {
            return vigil.silence;
        }
    }
}

/// What the watchdog has seen.
#[derive(Debug)]
struct Vigil {
    patience: Patience,
    turn: u32,
    last: Option<Pulse>,
    /// Since the last beat.
    silence: Duration,
    /// The longest one that a beat has ended.
    longest: Duration,
    has_stepped: bool,
}

impl Vigil {
    fn new(patience: Patience, rank: usize) -> Vigil {
        let turn = u32::try_from(rank).unwrap_or(u32::MAX).min(MOST_TURNS);
        Vigil { patience, turn, last: None, silence: Duration::ZERO, longest: Duration::ZERO, has_stepped: false }
    }

    fn interval(&self) -> Duration {
        match self.patience {
            Patience::Fixed(patience) => (patience / LOOKS).clamp(SHORTEST_LOOK, LONGEST_LOOK),
            Patience::Measured => LONGEST_LOOK,
        }
    }

    fn look(&mut self, pulse: Pulse, elapsed: Duration) {
        self.silence += elapsed;
        if self.last.is_none_or(|last| !pulse.stands_still(last)) {
            self.longest = self.longest.max(self.silence);
            self.silence = Duration::ZERO;
        }
        self.has_stepped |= pulse.activity == Activity::Step;
        self.last = Some(pulse);
    }

    /// The silence that is allowed.
    fn allowed(&self) -> Duration {
        match self.patience {
            Patience::Fixed(patience) => patience,
            Patience::Measured if self.has_stepped => LEAST_PATIENCE.max(SLOWNESS * self.longest),
            Patience::Measured => FIRST_PATIENCE.max(SLOWNESS * self.longest),
        }
    }

    fn is_over(&self) -> bool {
        let waits = self.last.is_some_and(|pulse| pulse.waiting);
        let courtesy = if waits { PRECEDENCE + TURN * self.turn } else { Duration::ZERO };
        self.silence >= self.allowed() + courtesy
    }
}

fn complaint(pulse: &Pulse, silence: Duration) -> String {
    let place = pulse.activity.words(pulse.step);
    let speaker = Launcher::of_environment().map_or_else(
        || "the run".to_owned(),
        |launcher| format!("rank {} of {} on {}", launcher.rank, launcher.tasks, host::name()),
    );
    let state = if pulse.waiting { "waits for a rank that hangs in" } else { "hangs in" };
    format!(
        "no progress for {:.0} s: {speaker} {state} {place}; the same command goes on from the last checkpoint, and --watchdog \
         SECONDS gives it more time (0: any time)",
        silence.as_secs_f64()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulse(beats: u64, activity: Activity, waiting: bool) -> Pulse {
        Pulse { beats, activity, step: 7, waiting }
    }

    fn second() -> Duration {
        Duration::from_secs(1)
    }

    /// Seconds of silence after which a vigil speaks, if it sees this pulse from now on.
    fn spoken_after(vigil: &mut Vigil, pulse: Pulse) -> u64 {
        vigil.look(pulse, second());
        let looks = (1..100_000).find(|_| {
            vigil.look(pulse, second());
            vigil.is_over()
        });
        looks.expect("it speaks at last")
    }

    #[test]
    fn it_watches_in_batch_jobs_or_where_it_is_asked_to() {
        assert_eq!(patience(None, false), None);
        assert_eq!(patience(None, true), Some(Patience::Measured));
        assert_eq!(patience(Some(0.0), true), None);
        assert_eq!(patience(Some(2.5), false), Some(Patience::Fixed(Duration::from_millis(2500))));
    }

    #[test]
    fn a_rank_that_waits_leaves_the_word_to_those_before_it() {
        let spoken = |rank: usize, waiting: bool| {
            let mut vigil = Vigil::new(Patience::Fixed(Duration::from_secs(30)), rank);
            spoken_after(&mut vigil, pulse(1, Activity::Step, waiting))
        };
        assert_eq!([spoken(0, false), spoken(5, false)], [30, 30]);
        assert_eq!([spoken(0, true), spoken(1, true), spoken(5, true)], [32, 34, 42]);
        assert_eq!(spoken(1_000_000, true), 32 + 60);
    }

    #[test]
    fn patience_follows_the_longest_silence() {
        let mut vigil = Vigil::new(Patience::Measured, 0);
        vigil.look(pulse(1, Activity::Setup, false), second());
        assert_eq!(vigil.allowed(), FIRST_PATIENCE);
        vigil.look(pulse(2, Activity::Step, false), second());
        assert_eq!(vigil.allowed(), LEAST_PATIENCE);
        for _ in 0..90 {
            vigil.look(pulse(2, Activity::Step, false), second());
        }
        assert_eq!(spoken_after(&mut vigil, pulse(3, Activity::Checkpoint, false)), 20 * 91);
    }

    #[test]
    fn beats_and_beats_alone_keep_it_quiet() {
        let mut vigil = Vigil::new(Patience::Fixed(Duration::from_secs(3)), 0);
        for beat in 0..20 {
            vigil.look(pulse(beat / 2, Activity::Step, false), second());
            assert!(!vigil.is_over());
        }
    }

    #[test]
    fn the_complaint_names_the_phase() {
        let text = complaint(&pulse(1, Activity::Checkpoint, true), Duration::from_secs(600));
        assert!(
            text.starts_with(
                "no progress for 600 s: the run waits for a rank that hangs in the checkpoint after step 7;"
            )
        );
        assert!(complaint(&pulse(1, Activity::Step, false), second()).contains("the run hangs in step 7;"));
    }
}
