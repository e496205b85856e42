//! A deck and one `--set`, divided by a zero byte. No mask is read: `mask_png` and `mask_npy` do that.
#![no_main]
use libfuzzer_sys::fuzz_target;
use parhelion::config;
use parhelion::error::Error;
use parhelion_fuzz::{check, parts};
use std::path::Path;

fuzz_target!(|data: &[u8]| {
    let [deck, set] = parts::<2>(data).map(String::from_utf8_lossy);
    let sets: Vec<String> = (!set.is_empty()).then(|| set.into_owned()).into_iter().collect();
    let no_mask = |_: &Path, _: [usize; 3]| Err(Error::Input("no mask here".into()));
    check(config::parse("inputs/fuzz.toml", &deck, &sets, Path::new("/nowhere"), &no_mask));
});
