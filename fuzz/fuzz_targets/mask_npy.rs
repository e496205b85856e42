//! An array as the mask of a plate and of a solid.
#![no_main]
use libfuzzer_sys::fuzz_target;
use parhelion::input::mask;
use parhelion_fuzz::{check, file};

fuzz_target!(|data: &[u8]| {
    let path = file("mask.npy", data);
    for cells in [[6, 5, 1], [6, 5, 4]] {
        if let Some(mask) = check(mask::read(&path, cells)) {
            assert_eq!(mask.inside.len(), mask.cells.iter().product::<usize>());
        }
    }
});
