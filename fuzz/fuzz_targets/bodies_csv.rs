//! A CSV of bodies, read as a whole and in part.
#![no_main]
use libfuzzer_sys::fuzz_target;
use parhelion::nbody::groups::FileFormat;
use parhelion_fuzz::{file, read_bodies};

fuzz_target!(|data: &[u8]| read_bodies(&file("bodies.csv", data), FileFormat::Csv));
