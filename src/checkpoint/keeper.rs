//! Looks after a run between its steps: writes checkpoints when they are due, and ends the run early when it is asked to.
//!
//! Signals and clocks differ from rank to rank, so they are compared over the ranks, at steps that all know: every step if steps are
//! long, about every hundredth of a second if they are short. The state is taken before the outputs of its step, which a restart
//! makes again: so it does not matter which of them were done, or whether the end of the run is another one now.

use super::Checkpointed;
use super::header::{Header, Section};
use super::interval::guessed_cost;
use super::same_run::deck_hash;
use super::shelf::Shelf;
use super::writer;
use crate::comm::{Communicator, ReduceOp};
use crate::console;
use crate::error::{Error, Result};
use crate::heartbeat::{self, Activity};
use crate::interrupt;
use crate::run_config::CheckpointPlan;
use crate::schedule::Clock;
use crate::simulation::{Guard, Memory, Moment, Observer};
use std::path::Path;
use std::time::{Duration, Instant};

/// Seconds between two comparisons over the ranks.
const ATTENTION: f64 = 0.01;
/// Name of the section with what pictures remember.
pub const FRAMES: &str = "frames";

/// What the run is, for the header.
#[derive(Clone, Debug)]
pub struct Identity {
    /// `heat` or `nbody`.
    pub physics: &'static str,
    /// Cells along x, y, z, or the number of bodies.
    pub size: Vec<u64>,
    /// The deck with every default written out.
    pub deck: String,
    /// Name of the CPU path.
    pub cpu_path: &'static str,
    /// The time axis.
    pub clock: Clock,
    /// Largest stable or sensible step from which the clock follows.
    pub limit: f64,
}

/// When the run must end.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// When the process began.
    pub started: Instant,
    /// How long it may take.
    pub most: Option<Duration>,
}

/// Why a run ends before its last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// This signal.
    Signal(i32),
    /// Its time is over.
    TimeLimit,
}

/// What has been kept, equal on all ranks but for the seconds.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Checkpoints written.
    pub written: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Bytes in those written.
    pub bytes: u64,
    /// Seconds that they took, on the slowest rank.
    pub seconds: f64,
    /// Step of the newest one, that of an earlier run included.
    pub newest: Option<u64>,
    /// Why the run was ended early.
    pub cause: Option<Cause>,
}

/// Keeps the checkpoints of a run.
pub struct Keeper<'c> {
    comm: &'c dyn Communicator,
    shelf: Shelf,
    plan: CheckpointPlan,
    identity: Identity,
    limit: Limit,
    /// Step at which this part of the run begins.
    from: u64,
    /// Step of the last attempt, and when it was over.
    last: (u64, Instant),
    /// Seconds of the last checkpoint; guessed before the first.
    cost: Option<f64>,
    /// Step of the next comparison; step and time of the last one.
    next_look: u64,
    looked: Option<(u64, Instant)>,
    record: Record,
}

/// What all ranks know at a comparison.
struct Look {
    signal: i32,
    out_of_time: bool,
    /// Since the last checkpoint, on the slowest rank.
    seconds: f64,
}

impl<'c> Keeper<'c> {
    /// For a run in this directory, which goes on from the checkpoint of step `from` if given.
    pub fn new(
        comm: &'c dyn Communicator,
        run_directory: &Path,
        plan: &CheckpointPlan,
        identity: Identity,
        limit: Limit,
        from: Option<u64>,
    ) -> Keeper<'c> {
        Keeper {
            comm,
            shelf: Shelf::of(run_directory),
            plan: plan.clone(),
            identity,
            limit,
            from: from.unwrap_or(0),
            last: (from.unwrap_or(0), Instant::now()),
            cost: None,
            next_look: 0,
            looked: None,
            record: Record { newest: from, ..Record::default() },
        }
    }

    /// What has been kept.
    pub fn into_record(self) -> Record {
        self.record
    }

    /// Compares signals and clocks of all ranks.
    fn look<M: Checkpointed>(&mut self, step: u64, model: &M) -> Look {
        let now = Instant::now();
        let per_step = self
            .looked
            .filter(|(before, _)| step > *before)
            .map_or(0.0, |(before, then)| now.duration_since(then).as_secs_f64() / (step - before) as f64);
        let cost = self.cost(model);
        let needed = per_step.max(ATTENTION) + cost;
        let out_of_time = self
            .limit
            .most
            .is_some_and(|most| self.limit.started.elapsed().as_secs_f64() + needed >= most.as_secs_f64());
        let signal = interrupt::requested().unwrap_or(0);
        let seconds = now.duration_since(self.last.1).as_secs_f64();
        let mut facts = [f64::from(signal), f64::from(u8::from(out_of_time)), seconds, per_step];
        self.comm.all_reduce(ReduceOp::Max, &mut facts);
        let [signal, out_of_time, seconds, per_step] = facts;
        // At most ten times as many steps as before: the first ones say little about the later ones.
        let most = self.looked.map_or(1, |(before, _)| 10 * (step - before).max(1));
        self.next_look = step + ((ATTENTION / per_step.max(1e-9)) as u64).clamp(1, most);
        self.looked = Some((step, now));
        Look { signal: signal as i32, out_of_time: out_of_time > 0.0, seconds }
    }

    fn cost<M: Checkpointed>(&self, model: &M) -> f64 {
        let bytes = || model.sections().iter().map(|section| section.bytes).sum();
        self.cost.unwrap_or_else(|| guessed_cost(bytes()))
    }

    /// Writes a checkpoint. What fails is told, and is an error only if the plan or `must` says so.
    fn keep<M: Checkpointed>(
        &mut self,
        moment: &mut Moment<'_, M>,
        observer: &mut dyn Observer<M>,
        must: bool,
    ) -> Result<()> {
        heartbeat::enter(Activity::Checkpoint);
        let start = Instant::now();
        moment.model.check_finite(moment.step, moment.time)?;
        let outcome = self.write(moment, observer);
        let mut seconds = [start.elapsed().as_secs_f64()];
        moment.model.add_checkpoint_seconds(seconds[0]);
        self.comm.all_reduce(ReduceOp::Max, &mut seconds);
        self.last = (moment.step, Instant::now());
        match outcome {
            Ok(bytes) => {
                self.cost = Some(seconds[0]);
                self.record.written += 1;
                self.record.bytes += bytes;
                self.record.seconds += seconds[0];
                self.record.newest = Some(moment.step);
                self.prune(moment.step);
                Ok(())
            }
            Err(error) if error.exit_code() == 3 && !must && !self.plan.stop_on_failure => {
                self.record.failed += 1;
                self.tell(&format!("warning: no checkpoint at step {}, the older ones stay: {error}", moment.step));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Bytes of the file.
    fn write<M: Checkpointed>(&self, moment: &mut Moment<'_, M>, observer: &mut dyn Observer<M>) -> Result<u64> {
        let memory = observer.memory()?;
        self.shelf.create(self.comm)?;
        let (bytes, header) = self.header(moment, &memory)?;
        let (model, frames) = (&*moment.model, header.sections.len() - 1);
        let path = self.shelf.path(moment.step);
        let length = writer::write(self.comm, &path, &bytes, &header, &mut |visit| {
            model.export(visit);
            if self.comm.rank() == 0 {
                visit(frames, 0, &memory.frames);
            }
        })?;
        Ok(length)
    }

    /// Removes what is not kept any more. The new checkpoint stands, so a file that stays costs room on the disk and nothing else.
    fn prune(&self, newest: u64) {
        if self.comm.rank() != 0 {
            return;
        }
        if let Err(error) = self.shelf.prune(newest, self.plan.keep) {
            self.tell(&format!("warning: an old checkpoint stays: {error}"));
        }
    }

    /// The header as rank 0 makes it, on every rank.
    fn header<M: Checkpointed>(&self, moment: &Moment<'_, M>, memory: &Memory) -> Result<(Vec<u8>, Header)> {
        let identity = &self.identity;
        let frames = Section::new(FRAMES, memory.frames.len() as u64);
        let header = Header {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            physics: identity.physics.to_owned(),
            size: identity.size.clone(),
            step: moment.step,
            time: moment.time.to_bits(),
            dt: identity.clock.dt.to_bits(),
            limit: identity.limit.to_bits(),
            cpu_path: identity.cpu_path.to_owned(),
            deck_hash: deck_hash(&identity.deck),
            deck: identity.deck.clone(),
            model: moment.model.scalars(),
            outputs: memory.notes.clone(),
            sections: moment.model.sections().into_iter().chain([frames]).collect(),
        };
        let mut bytes = if self.comm.rank() == 0 { header.encode() } else { Vec::new() };
        self.comm.broadcast(0, &mut bytes);
        let header = serde_json::from_slice(&bytes);
        let header = header.map_err(|cause| Error::Defect(format!("a header cannot be read back: {cause}")))?;
        Ok((bytes, header))
    }

    fn tell(&self, text: &str) {
        if self.comm.rank() == 0 {
            console::message(text);
        }
    }

    fn is_new(&self, step: u64) -> bool {
        self.record.newest != Some(step)
    }
}

impl<M: Checkpointed> Guard<M> for Keeper<'_> {
    fn attend(&mut self, moment: &mut Moment<'_, M>, observer: &mut dyn Observer<M>) -> Result<bool> {
        let step = moment.step;
        if moment.last {
            let wanted = self.plan.at_end && self.is_new(step);
            return if wanted { self.keep(moment, observer, false).map(|()| false) } else { Ok(false) };
        }
        let every = self.plan.every;
        let counted = !every.is_timed() && step > self.last.0 && every.is_due(step, 0.0, 0.0);
        if step < self.next_look && !counted {
            return Ok(false);
        }
        let look = self.look(step, &*moment.model);
        // However short the time, a part of a run takes a step: parts without end would follow each other otherwise.
        let moved = step > self.from;
        let cause = match look.signal {
            0 => (look.out_of_time && moved).then_some(Cause::TimeLimit),
            signal => Some(Cause::Signal(signal)),
        };
        let cost = self.cost(&*moment.model);
        let due = counted || (every.is_timed() && step > self.last.0 && every.is_due(step, look.seconds, cost));
        if (due || cause.is_some()) && self.is_new(step) {
            self.keep(moment, observer, cause.is_some())?;
        }
        self.record.cause = cause;
        Ok(cause.is_some())
    }
}
