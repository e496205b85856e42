//! What another run has left in a directory: deck, report and times, divided by zero bytes; whose the directory is, and its pictures.
#![no_main]
use libfuzzer_sys::fuzz_target;
use parhelion::checkpoint::same_run::is_same_deck;
use parhelion::config;
use parhelion::error::Error;
use parhelion::output::render::{RenderOptions, render};
use parhelion::output::run_directory::{Earlier, earlier};
use parhelion_fuzz::{check, parts, scratch};
use std::fs;
use std::path::Path;

/// A header of numpy for a plate of 4 x 3 cells.
const ARRAY: &[u8] = b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }                                                          \n";

fuzz_target!(|data: &[u8]| {
    let [deck, report, times] = parts::<3>(data);
    let run = scratch().join("run");
    let snapshot = run.join("snapshots/00000007");
    fs::create_dir_all(&snapshot).expect("a directory");
    let array = [ARRAY, &[0; 96]].concat();
    for (name, bytes) in [
        ("deck.toml", deck),
        ("report.json", report),
        ("snapshots/times.csv", times),
        ("snapshots/00000007/temperature.npy", &array),
    ] {
        fs::write(run.join(name), bytes).expect("a small file");
    }
    match earlier(&run) {
        Ok(Earlier::Run { deck, .. }) => drop(is_same_deck(&deck, &deck)),
        Ok(Earlier::Nothing) => {}
        Err(error) => assert!([2, 6].contains(&error.exit_code()), "{error}"),
    }
    let no_mask = |_: &Path, _: [usize; 3]| Err(Error::Input("no mask here".into()));
    check(config::load(&run.join("deck.toml"), &[], &no_mask));
    let options = RenderOptions { pixels: 16, ..RenderOptions::default() };
    check(render(&run, &options));
});
