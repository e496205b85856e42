//! An array of bodies; also as the positions of a snapshot, beside velocities and masses that are in order, and as its ids.
#![no_main]
use libfuzzer_sys::fuzz_target;
use parhelion::nbody::groups::FileFormat;
use parhelion_fuzz::{file, read_bodies};

/// An array as numpy writes it, of zeros.
fn zeros(kind: &str, shape: &str, bytes: usize) -> Vec<u8> {
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    let mut array = b"\x93NUMPY\x01\x00v\x00".to_vec();
    array.extend(format!("{header:<117}\n").bytes());
    array.resize(array.len() + bytes, 0);
    array
}

fuzz_target!(|data: &[u8]| {
    read_bodies(&file("bodies.npy", data), FileFormat::Npy);
    file("velocities.npy", &zeros("<f8", "(2, 3)", 48));
    file("masses.npy", &zeros("<f8", "(2,)", 16));
    let ids = file("ids.npy", &[]);
    std::fs::remove_file(&ids).expect("it was there");
    let positions = file("positions.npy", data);
    read_bodies(&positions, FileFormat::Npy);
    file("positions.npy", &zeros("<f8", "(2, 3)", 48));
    file("ids.npy", data);
    read_bodies(&positions, FileFormat::Npy);
});
