//! `parhelion scaling`: a scaling experiment from its plan to its report.
//!
//! ```text
//! deck --planning--> Plan --experiment--> runs.csv (one row as soon as a run has ended) --analysis--> Analysis --report--> folder
//! ```
//! Every shape is a child process of this very binary and an ordinary `run`, so what is timed is what users start. What comes next is
//! decided from the plan and the rows alone ([`schedule`]): an experiment that was killed goes on where it stopped.
//!
//! | file | is |
//! |---|---|
//! | [`plan`], [`planning`], [`growth`] | what is run, as plain data; made from a deck; how problems grow with the workers |
//! | [`starter`], [`child`], [`conditions`] | the command of a shape; a process under a time limit; what the machine did meanwhile |
//! | [`record`], [`schedule`], [`experiment`] | a row of `runs.csv`; what comes next; the loop |
//! | [`overlap`] | a few steps of one more run, drawn as bars of time |
//! | [`forecast`], [`hindsight`] | what the model of [`super::predict`] says before the runs; what it was off by |
//! | [`analysis`], [`remarks`], [`sentences`] | figures of each shape; warnings; conclusions that cite their numbers |
//! | [`drawing`], [`raster`], [`axes`], [`curves`], [`bars`], [`roofline`] | a picture as shapes; as pixels; its frame; the figures |
//! | [`tables`], [`page`], [`folder`] | CSV, Markdown, LaTeX, terminal; the HTML page; everything into the folder |
//! | [`batch`] | the Slurm array for the same plan |
//!
//! Refused: timing inside this process (the second run would find warm caches, a started pool and grown heaps); `rm -r` of anything.

pub mod analysis;
pub mod axes;
pub mod bars;
pub mod batch;
pub mod child;
pub mod conditions;
pub mod curves;
pub mod drawing;
pub mod experiment;
pub mod folder;
pub mod forecast;
pub mod growth;
pub mod hindsight;
pub mod overlap;
pub mod page;
pub mod plan;
pub mod planning;
pub mod raster;
pub mod record;
pub mod remarks;
pub mod roofline;
pub mod schedule;
pub mod sentences;
pub mod starter;
pub mod tables;
