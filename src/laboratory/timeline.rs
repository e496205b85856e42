//! A timeline of all ranks: gathered at the end of a run, as Chrome's trace format, which Perfetto and `chrome://tracing` open.
//!
//! A rank is a process there, a thread a thread. Times are microseconds from the start of rank 0's process; the clocks of ranks are
//! set against each other by a barrier at the start of recording, which is as exact as ranks leave a barrier together.

use crate::comm::Communicator;
use crate::timing::trace::{self, Recording};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt::Write;
use std::time::Instant;

/// Spans of all threads of a job, at most: about 100 bytes of file each.
const MOST: usize = 1 << 20;
/// Spans of a thread: most, and fewest whatever the job.
const OF_A_THREAD: [usize; 2] = [1 << 16, 256];

/// What all threads did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// Ranks in order, the threads of each in order.
    pub lanes: Vec<Lane>,
}

/// What one thread did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lane {
    /// Rank.
    pub rank: usize,
    /// Thread of the rank; 0 is the one that sends messages.
    pub thread: usize,
    /// Spans that were overwritten.
    pub dropped: u64,
    /// In order of their begins, parents before what lies in them.
    pub bars: Vec<Bar>,
}

/// A span with its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    /// Phase, `step`, `tiles` or `walk`.
    pub name: String,
    /// Microseconds from the start of the job.
    pub begin: f64,
    /// Microseconds.
    pub length: f64,
    /// Number of the step, for steps.
    pub value: u64,
}

/// Begins to record on all threads of all ranks. Collective. `started` is when the process was; returns what [`gather`] needs.
pub fn start(comm: &dyn Communicator, started: Instant) -> i64 {
    let threads = rayon::current_num_threads();
    let mut all = [threads as i64];
    comm.all_sum(&mut all);
    let capacity = (MOST / (all[0] as usize).max(1)).clamp(OF_A_THREAD[1], OF_A_THREAD[0]);
    comm.barrier();
    let origin = Instant::now();
    rayon::broadcast(|_| trace::start(origin, capacity));
    let mut offset = (origin - started).as_nanos().to_le_bytes()[..8].to_vec();
    comm.broadcast(0, &mut offset);
    i64::from_le_bytes(offset[..8].try_into().expect("eight bytes were sent"))
}

/// Ends recording, and brings everything to rank 0; empty elsewhere. Collective.
pub fn gather(comm: &dyn Communicator, offset: i64) -> Timeline {
    let recordings = rayon::broadcast(|_| trace::finish());
    let lane = |(thread, recording): (usize, Recording)| lane(comm.rank(), thread, recording, offset);
    let own: Vec<Lane> = recordings.into_iter().enumerate().map(lane).collect();
    let text = serde_json::to_vec(&own).expect("a timeline has a text form");
    let all = comm.gather(0, &text);
    let read =
        |bytes: &Vec<u8>| -> Vec<Lane> { serde_json::from_slice(bytes).expect("lanes are read as they were written") };
    Timeline { lanes: all.iter().flat_map(read).collect() }
}

fn lane(rank: usize, thread: usize, recording: Recording, offset: i64) -> Lane {
    let micros = |nanos: i64| (nanos as f64) / 1e3;
    let bar = |span: &trace::Span| Bar {
        name: span.kind.name().to_owned(),
        begin: micros(span.begin + offset),
        length: micros(span.end - span.begin),
        value: span.value,
    };
    let mut bars: Vec<Bar> = recording.spans.iter().map(bar).collect();
    // A parent ends after its children and so was recorded behind them.
    bars.sort_by(|a, b| a.begin.total_cmp(&b.begin).then(b.length.total_cmp(&a.length)));
    Lane { rank, thread, dropped: recording.dropped, bars }
}

impl Timeline {
    /// As Chrome's trace: complete events, with names of ranks and threads, one event a line.
    pub fn chrome(&self, title: &str) -> String {
        let dropped: u64 = self.lanes.iter().map(|lane| lane.dropped).sum();
        let mut text = format!(
            "{{\"displayTimeUnit\": \"ms\", \"otherData\": {},\n\"traceEvents\": [\n",
            json!({ "title": title, "program": "parhelion", "dropped_spans": dropped })
        );
        let names = self.lanes.iter().flat_map(names);
        let events = self.lanes.iter().flat_map(|lane| lane.bars.iter().map(move |bar| event(lane, bar)));
        for (at, event) in names.chain(events).enumerate() {
            let comma = if at == 0 { "" } else { ",\n" };
            write!(text, "{comma}{event}").expect("writing to a string");
        }
        text + "\n]}\n"
    }

    /// Reads what [`Timeline::chrome`] has written.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Timeline, String> {
        let file: File = serde_json::from_str(text).map_err(|cause| cause.to_string())?;
        let mut timeline = Timeline::default();
        for event in file.events {
            let lane = timeline.lane((event.pid, event.tid));
            if event.ph == "X" {
                lane.bars.push(Bar { name: event.name, begin: event.ts, length: event.dur, value: event.args.step });
            } else if let Some(dropped) = event.args.dropped_spans {
                lane.dropped = dropped;
            }
        }
        Ok(timeline)
    }

    fn lane(&mut self, (rank, thread): (usize, usize)) -> &mut Lane {
        let found = self.lanes.iter().position(|lane| (lane.rank, lane.thread) == (rank, thread));
        let at = found.unwrap_or_else(|| {
            self.lanes.push(Lane { rank, thread, ..Lane::default() });
            self.lanes.len() - 1
        });
        &mut self.lanes[at]
    }

    /// Seconds of all spans of this name on a rank's thread.
    pub fn seconds(&self, rank: usize, thread: usize, name: &str) -> f64 {
        let lanes = self.lanes.iter().filter(|lane| (lane.rank, lane.thread) == (rank, thread));
        lanes.flat_map(|lane| &lane.bars).filter(|bar| bar.name == name).map(|bar| bar.length * 1e-6).sum()
    }
}

fn names(lane: &Lane) -> [Value; 3] {
    let of = |name: &str, args: Value| json!({ "ph": "M", "pid": lane.rank, "tid": lane.thread, "name": name, "args": args });
    [
        of("process_name", json!({ "name": format!("rank {}", lane.rank) })),
        of("process_sort_index", json!({ "sort_index": lane.rank })),
        of("thread_name", json!({ "name": format!("thread {}", lane.thread), "dropped_spans": lane.dropped })),
    ]
}

fn event(lane: &Lane, bar: &Bar) -> Value {
    let args = if bar.value > 0 { json!({ "step": bar.value }) } else { json!({}) };
    json!({
        "ph": "X", "pid": lane.rank, "tid": lane.thread, "name": bar.name, "cat": "parhelion",
        "ts": bar.begin, "dur": bar.length, "args": args
    })
}

/// What is read back of a file; events are read as what they are, because a tree of values takes ten times their memory.
#[derive(Deserialize)]
struct File {
    #[serde(rename = "traceEvents")]
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    ph: String,
    pid: usize,
    tid: usize,
    name: String,
    #[serde(default)]
    ts: f64,
    #[serde(default)]
    dur: f64,
    args: Arguments,
}

#[derive(Deserialize)]
struct Arguments {
    #[serde(default)]
    step: u64,
    dropped_spans: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::threads;
    use crate::timing::trace::{Kind, record_since};

    #[test]
    fn all_ranks_and_threads_come_together_and_survive_the_file() {
        let started = Instant::now();
        let timelines = threads::run(2, |comm| {
            let _pool = rayon::ThreadPoolBuilder::new().num_threads(2).use_current_thread().build().unwrap();
            let offset = start(comm, started);
            let begin = Instant::now();
            rayon::broadcast(|_| record_since(Kind::Tiles, Instant::now(), 0));
            record_since(Kind::Step, begin, 7);
            gather(comm, offset)
        });
        let places: Vec<_> = timelines[0].lanes.iter().map(|lane| (lane.rank, lane.thread, lane.bars.len())).collect();
        assert_eq!(places, [(0, 0, 2), (0, 1, 1), (1, 0, 2), (1, 1, 1)]);
        assert!(timelines[1].lanes.is_empty(), "only rank 0 has all");
        let step = &timelines[0].lanes[0].bars[0];
        assert_eq!((step.name.as_str(), step.value), ("step", 7), "the parent comes first");
        assert!(step.begin > 0.0);
        assert_eq!(Timeline::parse(&timelines[0].chrome("a \"title\"")).unwrap(), timelines[0]);
    }
}
