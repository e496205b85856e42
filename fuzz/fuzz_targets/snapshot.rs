//! The list of pieces of a snapshot and one of the pieces, divided by a zero byte, as `render` reads single values of them.
#![no_main]
use libfuzzer_sys::fuzz_target;
use parhelion::grid::UniformGrid;
use parhelion::output::volume::Volume;
use parhelion_fuzz::{check, file, parts, scratch};

fuzz_target!(|data: &[u8]| {
    let [list, piece] = parts::<2>(data);
    file("temperature.pvti", list);
    file("temperature_0.vti", piece);
    for cells in [vec![4, 3], vec![4, 3, 2]] {
        let grid = UniformGrid::new(&cells, &vec![1.0; cells.len()]);
        let Some(volume) = check(Volume::open(scratch(), &grid)) else { continue };
        for corner in [[0, 0, 0], grid.cells.map(|n| n - 1)] {
            check(volume.value(corner));
        }
    }
});
