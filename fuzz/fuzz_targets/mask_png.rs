//! A picture as the mask of a grid of 24 x 18 cells.
#![no_main]
use libfuzzer_sys::fuzz_target;
use parhelion::input::mask;
use parhelion_fuzz::{check, file};

fuzz_target!(|data: &[u8]| {
    if let Some(mask) = check(mask::read(&file("mask.png", data), [24, 18, 1])) {
        assert_eq!((mask.cells, mask.inside.len()), ([24, 18, 1], 24 * 18));
    }
});
