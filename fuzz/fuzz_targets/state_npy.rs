//! An array as the initial state of a plate and of a solid, each cut into blocks.
#![no_main]
use libfuzzer_sys::fuzz_target;
use parhelion::comm::solo::Solo;
use parhelion::decomposition::CartesianDecomposition;
use parhelion::field::{Field, Layout};
use parhelion::grid::UniformGrid;
use parhelion::input::npy;
use parhelion_fuzz::{check, file};

fuzz_target!(|data: &[u8]| {
    let path = file("state.npy", data);
    check(npy::shape_of(&path));
    for cells in [vec![6, 5], vec![6, 5, 4]] {
        let grid = UniformGrid::new(&cells, &vec![1.0; cells.len()]);
        let decomposition = CartesianDecomposition::new(grid.cells, [false; 3], 1, None).expect("one block");
        let mut field = Field::zeros(Layout::new(decomposition.subdomain(0).cells, [[0; 2]; 3]));
        check(npy::read_part(&path, &grid, &decomposition, &Solo, &mut field));
    }
});
