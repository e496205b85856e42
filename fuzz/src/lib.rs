//! What the fuzz targets share: a directory for the files that readers are handed, and inputs of several parts.
//!
//! A target hands arbitrary bytes to a reader and asks one thing: it returns. Whatever it refuses must be a mistake of the file (exit codes
//! 2, 3 or 5), in one line once it is printed; a panic, an overflow, more memory than `-rss_limit_mb` or more time than `-timeout` is a finding.

use parhelion::checkpoint::keeper::FRAMES;
use parhelion::checkpoint::reader::Source;
use parhelion::checkpoint::{self, same_run};
use parhelion::comm::solo::Solo;
use parhelion::config;
use parhelion::cpu::CpuPath;
use parhelion::error::Error;
use parhelion::grid::UniformGrid;
use parhelion::heat::{HeatModel, HeatOptions};
use parhelion::input::bodies::Files;
use parhelion::nbody::groups::FileFormat;
use parhelion::nbody::initial::BodyFiles;
use parhelion::output::animation::Animation;
use parhelion::output::memory::Notes;
use parhelion::output::picture::Design;
use parhelion::output::slice::Slice;
use parhelion::run_config::{Colormap, RunConfig};
use parhelion::schedule::Clock;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A directory of this process. It stays behind: `tests/fuzz.sh` sets TMPDIR to one that it removes.
pub fn scratch() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| tempfile::Builder::new().prefix("fuzz").tempdir().expect("a temporary directory").keep())
}

/// Writes a file into [`scratch`].
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = scratch().join(name);
    fs::write(&path, bytes).expect("room for a small file");
    path
}

/// The parts of an input, which zero bytes divide; those that are not there are empty. The last one may hold zero bytes.
pub fn parts<const N: usize>(data: &[u8]) -> [&[u8]; N] {
    let mut pieces = data.splitn(N, |byte| *byte == 0);
    std::array::from_fn(|_| pieces.next().unwrap_or_default())
}

/// A refusal must blame the file and not the program.
pub fn check<T>(outcome: Result<T, Error>) -> Option<T> {
    match outcome {
        Ok(value) => Some(value),
        Err(error) => {
            assert!([2, 3, 5].contains(&error.exit_code()), "exit code {}: {error}", error.exit_code());
            assert!(error.to_string().len() < 100_000, "a message of {} bytes", error.to_string().len());
            None
        }
    }
}

/// Opens a file of bodies and reads all of it, then a part.
pub fn read_bodies(path: &Path, format: FileFormat) {
    let Some(rows) = check(Files.open(path, format)) else { return };
    let count = rows.count();
    for range in [0..count, count / 2..count, count..count] {
        let mut seen = 0;
        let length = range.end - range.start;
        if check(rows.read(range, &mut |_, _| seen += 1)).is_some() {
            assert_eq!(seen, length);
        }
    }
}

/// Opens a checkpoint and takes it up as runs of either physics do.
pub fn read_checkpoint(path: &Path) {
    let Some(source) = check(Source::open(&Solo, path)) else { return };
    let header = source.header();
    for section in header.sections.iter().take(8) {
        check(source.read_all(&section.name));
    }
    check(same_run::check_deck(header, path, "heat", &header.deck));
    check(same_run::check_deck(header, path, "heat", HEAT));
    check(same_run::check_clock(header, path, &Clock { dt: 0.5, steps: 9, end: 4.5 }));
    let notes = Notes::of(&header.outputs);
    (notes.series(), notes.floats("energies"));
    let frames = check(source.read_all(FRAMES)).unwrap_or_default();
    take_up_frames(&frames);
    for problem in problems() {
        match problem {
            RunConfig::Heat(run) => {
                let mut model = HeatModel::new(run.problem.clone(), &Solo, &HeatOptions::default()).expect("a plate");
                if check(checkpoint::heat::restore(&mut model, &source, &Solo)).is_some() {
                    model.advance(4.5, 0.5);
                }
            }
            RunConfig::NBody(run) => {
                let restored = checkpoint::nbody::restore(&run.problem, &source, &Solo, CpuPath::Portable);
                if let Some(mut model) = check(restored).filter(|model| model.total_bodies() <= 16) {
                    // Whatever the numbers are, it ends: the state may be refused as one that is not finite, or as of another scheme.
                    let stepped = model.advance(0.5);
                    assert!(stepped.is_ok() || stepped.is_err_and(|error| [2, 4].contains(&error.exit_code())));
                }
            }
        }
    }
}

/// The film of an earlier part of a run goes on and is written.
fn take_up_frames(frames: &[u8]) {
    let grid = UniformGrid::new(&[4, 3], &[0.4, 0.3]);
    let design = Design::new(&grid, 2, None, 16, "fuzz", "K");
    let mut film = Animation::new(&design, None, Colormap::Inferno);
    if film.take_up(frames) {
        (0..3).for_each(|n| film.push(&Slice { samples: [4, 3], values: vec![f64::from(n); 12] }, f64::from(n)));
        let written = film.write(&scratch().join("animation.png"));
        assert!(written.is_ok() || written.is_err_and(|error| error.exit_code() == 4));
    }
}

const HEAT: &str = "physics = \"heat\"\n[grid]\ncells = [4, 3]\nsize = [0.4, 0.3]\n[material]\nname = \"copper\"\n[initial]\nkind = \"uniform\"\nvalue = 20.0\n[time]\ndt = 0.5\nsteps = 9\n";
const BODIES: &str = "physics = \"nbody\"\n[gravity]\nmethod = \"direct\"\n[[bodies]]\nkind = \"listed\"\nlist = [{ mass = 1.0, position = [0.0, 0.0, 0.0], velocity = [0.0, 0.0, 0.0] }, { mass = 1.0, position = [1.0, 0.0, 0.0], velocity = [0.0, 0.0, 0.0] }]\n[time]\ndt = 0.5\nsteps = 9\nintegrator = ";

/// A plate of 4 x 3 cells, and two bodies for every integrator that remembers something.
fn problems() -> &'static [RunConfig] {
    static PROBLEMS: OnceLock<Vec<RunConfig>> = OnceLock::new();
    PROBLEMS.get_or_init(|| {
        let schemes = ["leapfrog", "hermite4", "gauss_radau15"];
        let decks = schemes.map(|scheme| format!("{BODIES}\"{scheme}\"\n"));
        let no_mask = |_: &Path, _: [usize; 3]| Err(Error::Input("no mask here".into()));
        let parse =
            |text: &str| config::parse("fuzz.toml", text, &[], Path::new("/nowhere"), &no_mask).expect("a deck");
        std::iter::once(HEAT).chain(decks.iter().map(String::as_str)).map(parse).collect()
    })
}
