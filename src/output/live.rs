//! `--live`: pictures in the terminal while the run goes on. What they show is for [`super::live_slice`] and [`super::bodies::live`].
//!
//! A character cell shows two samples, one above the other, as an upper half block in two colours. The picture is fitted to the
//! terminal; only characters that have changed are sent again.
//!
//! # The run never waits for the terminal
//! * All ranks know the step of the next picture, so between pictures nothing is asked and nothing is sent. With each picture rank 0
//!   tells the next one, from the measured time of a step: about [`INTERVAL`] later, and later still while the terminal is behind.
//! * A thread of its own writes. It takes the newest picture when it is ready; older ones are dropped. It sends at most
//!   [`BYTES_PER_SECOND`], so a slow line is not filled with pictures of the past.
//!
//! Nothing is drawn if standard error is not a terminal. Colours: 24 bits if `COLORTERM` says so, else 256; with `NO_COLOR` shades of
//! characters. The cursor comes back when the run ends, also by an error or a panic ([`restore_terminal`]).

use super::slice::Slice;
use super::terminal::{self, Frame, Palette};
use crate::comm::Communicator;
use crate::run_config::Colormap;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Time between pictures.
pub const INTERVAL: Duration = Duration::from_millis(100);
/// Most bytes sent to the terminal in a second.
pub const BYTES_PER_SECOND: f64 = 300e3;
/// How long the end of a run waits for the terminal to take the last picture.
const PATIENCE: Duration = Duration::from_millis(500);

/// Whether the cursor is hidden.
static DRAWING: AtomicBool = AtomicBool::new(false);

/// Draws pictures in the terminal of rank 0, whatever they show.
pub struct LiveView {
    title: String,
    next_step: u64,
    last: Option<(u64, Instant)>,
    /// On rank 0, if its standard error is a terminal.
    screen: Option<Screen>,
}

impl LiveView {
    /// A view of a run; `None` everywhere if rank 0 has no terminal. Collective.
    pub fn start(comm: &dyn Communicator, title: &str, colormap: Colormap) -> Option<LiveView> {
        let palette = (comm.rank() == 0 && std::io::stderr().is_terminal()).then(|| Palette::of_environment(colormap));
        let mut usable = vec![u8::from(palette.is_some())];
        comm.broadcast(0, &mut usable);
        let screen = palette.map(Screen::open);
        let title = title.to_owned();
        (usable == [1]).then_some(LiveView { title, next_step: 0, last: None, screen })
    }

    /// Whether a picture is due at this step; the same on all ranks without a message.
    pub fn is_due(&self, step: u64) -> bool {
        step >= self.next_step
    }

    /// Begins the picture of a step: all ranks learn when the next one is due. Returns columns and lines of the terminal. Collective.
    pub fn begin(&mut self, step: u64, comm: &dyn Communicator) -> [usize; 2] {
        let mut message = Vec::new();
        if comm.rank() == 0 {
            let [columns, lines] = terminal::size();
            let next = step + self.steps_to_next(step);
            message = [columns as u64, lines as u64, next].map(u64::to_le_bytes).concat();
        }
        comm.broadcast(0, &mut message);
        let numbers: Vec<u64> = message.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
        self.next_step = numbers[2];
        [numbers[0] as usize, numbers[1] as usize]
    }

    /// Shows a picture on rank 0, `samples` large in a terminal of so many columns. `state` stands below it, after the title.
    pub fn offer(&self, slice: &Slice, samples: [usize; 2], range: [f64; 2], state: &str, columns: usize) {
        if let Some(screen) = &self.screen {
            let status = format!("{}  {state}", self.title);
            let status = status.chars().take(columns.saturating_sub(1)).collect();
            screen.offer(Frame::new(slice, samples, range, status));
        }
    }

    /// Steps until the next picture, from the time that the last ones took and from how far the terminal is behind.
    fn steps_to_next(&mut self, step: u64) -> u64 {
        let now = Instant::now();
        let behind = self.screen.as_ref().is_some_and(Screen::is_behind);
        let wait = INTERVAL.as_secs_f64() * if behind { 5.0 } else { 1.0 };
        match self.last.replace((step, now)) {
            Some((before, then)) if step > before => {
                let per_step = now.duration_since(then).as_secs_f64() / (step - before) as f64;
                // At most ten times as many as before: the first steps say little about the later ones.
                ((wait / per_step.max(1e-9)) as u64).clamp(1, 10 * (step - before))
            }
            _ => 1,
        }
    }
}

/// Samples to the right and upwards that fit a plane of these edges to a terminal; a sample is a square of half a character's height.
pub fn fitted(lengths: [f64; 2], [columns, lines]: [usize; 2]) -> [usize; 2] {
    let room = [columns.saturating_sub(1).max(2) as f64, (2 * lines.saturating_sub(3)).max(2) as f64];
    let scale = (room[0] / lengths[0]).min(room[1] / lengths[1]);
    let size: [usize; 2] = std::array::from_fn(|side| (lengths[side] * scale).round().clamp(1.0, room[side]) as usize);
    [size[0], size[1].next_multiple_of(2)]
}

/// The thread that writes.
struct Screen {
    newest: Arc<Mutex<Option<Frame>>>,
    wake: Option<SyncSender<()>>,
    done: Receiver<()>,
    _thread: JoinHandle<()>,
}

impl Screen {
    fn open(palette: Palette) -> Screen {
        let newest = Arc::new(Mutex::new(None));
        let (wake, awake) = sync_channel(1);
        let (tell, done) = sync_channel(1);
        let shared = Arc::clone(&newest);
        DRAWING.store(true, Ordering::SeqCst);
        let thread = std::thread::spawn(move || {
            write_frames(&shared, &awake, palette);
            let _ = tell.send(());
        });
        Screen { newest, wake: Some(wake), done, _thread: thread }
    }

    fn offer(&self, frame: Frame) {
        *lock(&self.newest) = Some(frame);
        // A full channel means that the thread will come anyway; a closed one that the terminal has gone.
        let _ = self.wake.as_ref().map(|wake| wake.try_send(()));
    }

    fn is_behind(&self) -> bool {
        lock(&self.newest).is_some()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        drop(self.wake.take());
        if self.done.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
            restore_terminal();
        }
    }
}

/// Gives the cursor and the colours back, if a picture is being drawn. For the end of a run, and for panic hooks.
pub fn restore_terminal() {
    if DRAWING.swap(false, Ordering::SeqCst) {
        let _ = terminal::send(b"\x1b[0m\x1b[?25h");
    }
}

fn lock(newest: &Mutex<Option<Frame>>) -> std::sync::MutexGuard<'_, Option<Frame>> {
    newest.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Writes the newest frame again and again, until the run ends or the terminal fails.
fn write_frames(newest: &Mutex<Option<Frame>>, awake: &Receiver<()>, palette: Palette) {
    let mut shown = None;
    let mut running = true;
    while running {
        running = awake.recv().is_ok();
        let Some(frame) = lock(newest).take() else { continue };
        let bytes = frame.encode(shown.as_ref(), &palette);
        let begin = Instant::now();
        if terminal::send(&bytes).is_err() {
            return;
        }
        shown = Some(frame);
        let pause = Duration::from_secs_f64(bytes.len() as f64 / BYTES_PER_SECOND).max(INTERVAL);
        if running {
            std::thread::sleep(pause.saturating_sub(begin.elapsed()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_fits_and_keeps_its_proportions() {
        assert_eq!(fitted([2.0, 1.0], [81, 24]), [80, 40]);
        assert_eq!(fitted([2.0, 1.0], [200, 13]), [40, 20]);
        assert_eq!(fitted([2.0, 1.0], [0, 0]), [2, 2]);
    }

    #[test]
    fn without_a_terminal_there_is_no_view() {
        if !std::io::stderr().is_terminal() {
            assert!(LiveView::start(&crate::comm::solo::Solo, "x", Colormap::Inferno).is_none());
        }
    }

    #[test]
    fn pictures_come_by_time_and_not_by_step() {
        let mut view = LiveView { title: String::new(), next_step: 0, last: None, screen: None };
        assert_eq!(view.steps_to_next(0), 1);
        assert_eq!(view.steps_to_next(1), 10);
        assert_eq!(view.steps_to_next(11), 100);
        std::thread::sleep(Duration::from_millis(60));
        assert!((1..=2).contains(&view.steps_to_next(12)));
    }
}
