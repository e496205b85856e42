//! Faults of builds with debug assertions. The rank, its phase and its step are known to its main thread alone, so whatever a worker
//! does never strikes by itself.

use crate::console;
use crate::error::{Error, Result};
use crate::heartbeat::Activity;
use signal_hook::consts::{SIGKILL, SIGSTOP};
use signal_hook::low_level::raise;
use std::cell::Cell;
use std::io;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const VARIABLE: &str = "PARHELION_FAULT";
/// Longer than any test waits.
const FOR_EVER: Duration = Duration::from_secs(3600);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Panic,
    Worker,
    Error,
    Nan,
    Flip,
    Abort,
    Kill,
    Sleep,
    Stop,
}

const KINDS: [(&str, Kind); 9] = [
    ("panic", Kind::Panic),
    ("worker", Kind::Worker),
    ("error", Kind::Error),
    ("nan", Kind::Nan),
    ("flip", Kind::Flip),
    ("abort", Kind::Abort),
    ("kill", Kind::Kill),
    ("sleep", Kind::Sleep),
    ("stop", Kind::Stop),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fault {
    kind: Kind,
    phase: Activity,
    rank: usize,
    /// The earliest step at which it strikes.
    step: u64,
}

static PLAN: LazyLock<Option<Result<Fault>>> = LazyLock::new(|| std::env::var(VARIABLE).ok().map(|text| parse(&text)));
static STRUCK: AtomicBool = AtomicBool::new(false);

thread_local! {
    static RANK: Cell<Option<usize>> = const { Cell::new(None) };
    static PHASE: Cell<Activity> = const { Cell::new(Activity::Start) };
    static STEP: Cell<u64> = const { Cell::new(0) };
}

/// That the plan of faults can be understood.
///
/// # Errors
/// Exit code 2.
pub fn check() -> Result<()> {
    PLAN.clone().map_or(Ok(()), |plan| plan.map(|_| ()))
}

/// The calling thread is the main thread of this rank.
pub fn on_rank(rank: usize) {
    RANK.set(Some(rank));
    enter(Activity::Start, None);
}

/// The rank enters a phase, and a step if one is given.
pub fn enter(activity: Activity, step: Option<u64>) {
    PHASE.set(activity);
    if let Some(step) = step {
        STEP.set(step);
    }
    if let Some(kind) = due(&|kind| !matches!(kind, Kind::Error | Kind::Nan | Kind::Flip)) {
        strike(kind);
    }
}

/// Whether an operation of this rank that can fail does so.
///
/// # Errors
/// The one of a broken disk.
pub fn failure() -> io::Result<()> {
    match due(&|kind| kind == Kind::Error) {
        Some(_) => Err(io::Error::from_raw_os_error(libc::EIO)),
        None => Ok(()),
    }
}

/// Whether the state of this rank becomes wrong after this step.
pub fn spoils() -> bool {
    due(&|kind| kind == Kind::Nan).is_some()
}

/// Whether a bit of the state of this rank flips after this step.
pub fn flips() -> bool {
    due(&|kind| kind == Kind::Flip).is_some()
}

/// The planned fault if it is one of these, and here and now. Once.
fn due(wanted: &dyn Fn(Kind) -> bool) -> Option<Kind> {
    let Some(Ok(fault)) = PLAN.as_ref() else { return None };
    let here = RANK.get() == Some(fault.rank) && PHASE.get() == fault.phase && STEP.get() >= fault.step;
    if !here || !wanted(fault.kind) || STRUCK.swap(true, Ordering::SeqCst) {
        return None;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    console::message(&format!("fault: {:?} on rank {}, {}, at {now:.3}", fault.kind, fault.rank, fault.phase.key()));
    Some(fault.kind)
}

fn strike(kind: Kind) {
    match kind {
        Kind::Panic => panic!("an injected fault"),
        Kind::Worker => panic_in_a_worker(),
        Kind::Abort => std::process::abort(),
        Kind::Kill => send(SIGKILL),
        Kind::Stop => send(SIGSTOP),
        Kind::Sleep => std::thread::sleep(FOR_EVER),
        Kind::Error | Kind::Nan | Kind::Flip => {}
    }
}

fn send(signal: i32) {
    raise(signal).expect("a process may send signals to itself");
}

/// A worker panics while the main thread is busy; with one thread the main thread is the worker.
fn panic_in_a_worker() {
    let main = std::thread::current().id();
    let alone = rayon::current_num_threads() == 1;
    rayon::broadcast(|_| {
        assert!(!alone && std::thread::current().id() == main, "an injected fault in a worker");
        std::thread::sleep(FOR_EVER);
    });
}

fn parse(text: &str) -> Result<Fault> {
    let bad = |what: &str| {
        Error::Input(format!("{VARIABLE} is {text:?}: {what}; write it as in panic,phase=step,rank=1,step=5"))
    };
    let mut words = text.split(',');
    let kind = words.next().and_then(|word| KINDS.iter().find(|(name, _)| *name == word));
    let (mut phase, mut rank, mut step) = (None, None, 0);
    for word in words {
        match word.split_once('=') {
            Some(("phase", key)) => phase = Activity::ALL.into_iter().find(|activity| activity.key() == key),
            Some(("rank", number)) => rank = number.parse().ok(),
            Some(("step", number)) => step = number.parse().map_err(|_| bad("the step is no number"))?,
            _ => return Err(bad("a word is not known")),
        }
    }
    Ok(Fault {
        kind: kind.ok_or_else(|| bad("the kind is not known"))?.1,
        phase: phase.ok_or_else(|| bad("the phase is not known"))?,
        rank: rank.ok_or_else(|| bad("it names no rank"))?,
        step,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_or_refused() {
        let fault = Fault { kind: Kind::Worker, phase: Activity::Checkpoint, rank: 3, step: 0 };
        assert_eq!(parse("worker,phase=checkpoint,rank=3"), Ok(fault));
        assert_eq!(parse("stop,step=7,rank=0,phase=step").map(|fault| fault.step), Ok(7));
        for text in
            ["", "boom,phase=step,rank=1", "panic,rank=1", "panic,phase=lunch,rank=1", "panic,phase=step,rank=x"]
        {
            assert_eq!(parse(text).map_err(|error| error.exit_code()), Err(2), "{text}");
        }
    }
}
