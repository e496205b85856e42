//! Heat diffusion on uniform grids and gravitational N-body dynamics, over threads, processes and machines, with the same bits in every shape.
//!
//! A deck (TOML) becomes a problem, a problem becomes a model, a simulation advances the model and offers its state to
//! outputs. One code path serves 1 and N ranks; how ranks talk is a small trait with three backends. `ARCHITECTURE.md`
//! beside the sources is the long form of this page.
//!
//! # Where is the hot loop
//! Two clicks: [`heat`] holds [`heat::HeatModel::advance`], one time step; [`heat::stencil`] holds the loop over the cells of
//! a row. Between them [`heat::sweep`] cuts a box of cells into tiles and hands them to threads. Everything else in the crate
//! runs once, or once a step at most.
//!
//! Of bodies: [`nbody::model::NBodyModel::advance`] moves them; [`nbody::gravity`] holds the loop over pairs of bodies, reached through
//! [`nbody::direct`] or [`nbody::fmm`], and [`nbody::fmm::interaction`] the loop over pairs of cells.
//!
//! # Layers
//! An import points down or sideways, never up.
//! ```text
//! main, cli, commands, config, runtime, report, laboratory   assembly: what was asked for, how the job starts and ends
//! simulation, schedule, output, input, digest            orchestration: the only time loop; files in and out
//! heat (model, sweep, stability, diagnostics), nbody     physics
//! halo, rows, heat::{coefficients, walls, sources, ..}   mechanisms: messages made of cells, numbers per cell and face
//! comm            |  heat::{stencil, lanes}              messages | kernels (they never see each other)
//! decomposition, grid, field, region, signal, parallel,  data and arithmetic
//! reproducible, bytes, timing, error, console, host, words,
//! heat::{problem, materials}, run_config
//! ```
//!
//! # Modules
//! | module | is |
//! |---|---|
//! | [`cli`], [`commands`] | flags as they are written; what each command does |
//! | [`config`], [`run_config`] | from a deck to a checked run; the run as plain data |
//! | [`runtime`], [`report`] | start and end of a job; its figures for programs and for people |
//! | [`laboratory`] | experiments with the program: speed-up, efficiency, fits |
//! | [`simulation`], [`schedule`] | the only time loop; counted time |
//! | [`output`], [`input`] | everything that a run writes; what a user hands to it |
//! | [`heat`] | the model, its kernels, walls, sources, stability, exact solutions |
//! | [`nbody`], [`particles`] | the model of bodies, forces, time integrators, initial conditions; bodies as arrays |
//! | [`index_order`], [`digest_bodies`] | bodies in the order of ids, whatever rank holds them; the hash of their state |
//! | [`halo`], [`rows`], [`digest`] | halos; complete rows as bytes; the hash of the state |
//! | [`comm`] | messages between ranks |
//! | [`parallel`] | how the threads of a rank share work |
//! | [`decomposition`], [`grid`], [`field`] | who owns which cells; the cells; their values in memory |
//! | [`region`], [`signal`] | pieces of space; numbers that change with time |
//! | [`reproducible`], [`bytes`](mod@bytes) | sums without an order; floats as bytes |
//! | [`error`], [`console`], [`timing`], [`host`], [`words`] | failures with exit codes; lines that survive a closed pipe; seconds per phase; the machine; numbers in words |
//!
//! # Three backends
//! [`comm::Communicator`] is what a simulation needs of other ranks: exchange of messages with work to do meanwhile, exact
//! reductions, broadcast, gather.
//!
//! | backend | a rank is | started by |
//! |---|---|---|
//! | [`comm::solo::Solo`] | the whole program | `parhelion run DECK` |
//! | [`comm::threads::ThreadRank`] | a thread of this process | `parhelion run DECK --domains N` |
//! | `comm::mpi::MpiRank` (feature `mpi`) | a process | `mpirun`, `srun`, `run_cluster.sh` |
//!
//! Each rank computes with a rayon pool of its own, whatever the backend.
//!
//! # The same bits
//! The new value of a cell is one expression tree of old values, written once over vectors of 1, 4 or 8 values with every
//! operation rounded alike, so neither cuts nor tiles nor the instruction set can show. Sums are taken in integers ([`reproducible`]) and
//! the time step comes from exact maxima, so no reduction depends on its order. The [`digest`] is a hash tree fixed by the
//! grid alone, and two runs of one deck with different digests are a defect.
//!
//! # Example
//! ```
//! use parhelion::comm::solo::Solo;
//! use parhelion::grid::UniformGrid;
//! use parhelion::heat::problem::{FaceCondition, HeatProblem, Initial};
//! use parhelion::heat::{HeatModel, HeatOptions, materials};
//! use parhelion::signal::Signal;
//!
//! let fixed = |temperature| FaceCondition::Fixed(Signal::Constant(temperature));
//! let insulated = || FaceCondition::Flux(Signal::Constant(0.0));
//! let problem = HeatProblem {
//!     grid: UniformGrid::new(&[32, 24], &[0.20, 0.15]), // cells, metres
//!     background: materials::find("copper").expect("built in"),
//!     regions: Vec::new(),
//!     faces: [[fixed(100.0), fixed(20.0)], [insulated(), insulated()], [insulated(), insulated()]],
//!     sources: Vec::new(),
//!     initial: Initial::Regions { background: 20.0, patches: Vec::new() },
//! };
//! let mut model = HeatModel::new(problem, &Solo, &HeatOptions::default())?;
//! let dt = 0.9 * model.spectral().max_stable_dt();
//! model.diagnostics(0, 0.0)?; // the heat that the balance starts from
//! for step in 0..200 {
//!     model.advance(step as f64 * dt, dt);
//! }
//! let figures = model.diagnostics(200, 200.0 * dt)?;
//! assert!(figures.face_heat[0][0] > 0.0, "heat comes in at x = 0");
//! assert!(figures.balance.abs() < 1e-12, "and all of it is accounted for");
//! # Ok::<(), parhelion::error::Error>(())
//! ```
#![warn(missing_docs)]
pub mod bytes;
pub mod checkpoint;
pub mod cli;
pub mod comm;
pub mod commands;
pub mod config;
pub mod console;
pub mod cpu;
pub mod decomposition;
pub mod digest;
pub mod digest_bodies;
pub mod error;
pub mod fault;
pub mod field;
pub mod grid;
pub mod halo;
pub mod heartbeat;
pub mod heat;
pub mod host;
pub mod index_order;
pub mod input;
pub mod interrupt;
pub mod laboratory;
pub mod nbody;
pub mod output;
pub mod parallel;
pub mod particles;
pub mod region;
pub mod report;
pub mod reproducible;
pub mod rows;
pub mod run_config;
pub mod runtime;
pub mod schedule;
pub mod signal;
pub mod simulation;
pub mod timing;
pub mod words;
