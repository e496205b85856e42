//! `parhelion sweep`: a parameter study as a pool of workers.
//!
//! ```text
//! deck, --vary --variation--> Plan --inspection--> members --pool--> Event --results--> results.csv --chart, costs--> pictures, summary
//! ```
//! A member is an ordinary run with some values of its own, in a run directory of its own; its digest is that of `parhelion run` with the same
//! values. Three pools hand members out, and differ in what a worker is: a thread that starts a process and waits for it, a
//! thread that runs the member itself, a rank of an MPI job. All of them are asynchronous: a worker that is free gets the next member, and
//! results come in the order in which members end.
//!
//! | file | is |
//! |---|---|
//! | [`variation`], [`plan`], [`inspection`] | what is varied; the members as plain data; which of them can be run, and in how much memory |
//! | [`outcome`] | how a member ended; what a pool tells |
//! | [`crew`] | a fixed set of threads that take members from a list and hand results back through a queue |
//! | [`processes`], [`inside`], [`ranks`] | a member as a process; in this process; handed to another rank |
//! | [`results`], [`folder`] | the table; the folder and whose it is |
//! | [`board`], [`costs`], [`chart`] | progress; what a pool has cost; pictures |
//! | [`study`] | from flags to a summary |
//!
//! Refused: a scheduler with priorities or dependencies (that is Snakemake's and Slurm's trade); a time limit for members in threads, since
//! a thread cannot be ended from outside.

pub mod board;
pub mod chart;
pub mod costs;
pub mod crew;
pub mod folder;
pub mod inside;
pub mod inspection;
pub mod outcome;
pub mod plan;
pub mod processes;
pub mod ranks;
pub mod results;
pub mod study;
pub mod variation;
