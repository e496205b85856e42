//! Laws that hold for every grid, every decomposition and every halo width, tried on random ones.

#[path = "heat/problems.rs"]
#[allow(dead_code)]
mod problems;

use parhelion::comm::{Communicator, threads};
use parhelion::decomposition::{CartesianDecomposition, IndexBox, block_range};
use parhelion::field::{Field, Layout};
use parhelion::halo::{HaloExchange, check_width, halo_sides};
use parhelion::heat::problem::{HeatProblem, Initial, Material};
use parhelion::heat::{HeatModel, HeatOptions};
use parhelion::region::Region;
use problems::{BRICK, COPPER, convection, fixed, insulated, plain};
use proptest::prelude::*;

/// Cells, ranks, and which axes are periodic.
fn decompositions(cells: usize, ranks: usize) -> impl Strategy<Value = CartesianDecomposition> {
    let shapes = ([1..=cells, 1..=cells, 1..=cells], any::<[bool; 3]>(), 1..=ranks);
    shapes.prop_filter_map("the ranks fit", |(cells, periodic, ranks)| {
        CartesianDecomposition::new(cells, periodic, ranks, None).ok()
    })
}

/// Process grids that nobody would choose, such as one cell for each rank along an axis.
fn forced_decompositions(most: usize) -> impl Strategy<Value = CartesianDecomposition> {
    let axis = || (1..=3usize, 0..=most);
    let shapes = ([axis(), axis(), axis()], any::<[bool; 3]>());
    shapes.prop_map(|(axes, periodic)| {
        let dims = axes.map(|(ranks, _)| ranks);
        let cells = axes.map(|(ranks, more)| ranks + more);
        CartesianDecomposition::new(cells, periodic, dims.iter().product(), Some(dims)).expect("they fit")
    })
}

fn directions() -> impl Iterator<Item = [isize; 3]> {
    (0..27isize).map(|code| [code % 3 - 1, code / 3 % 3 - 1, code / 9 - 1])
}

fn each_cell(cells: &IndexBox, mut visit: impl FnMut([isize; 3])) {
    for k in cells.lower[2]..cells.upper[2] {
        for j in cells.lower[1]..cells.upper[1] {
            (cells.lower[0]..cells.upper[0]).for_each(|i| visit([i, j, k]));
        }
    }
}

/// A number of its own for every cell of the grid.
fn number_of(cells: [usize; 3], at: [usize; 3]) -> f64 {
    (1 + at[0] + cells[0] * (at[1] + cells[1] * at[2])) as f64
}

proptest! {
    #[test]
    fn blocks_tile_exactly(length in 0usize..2000, parts in 1usize..300) {
        let blocks: Vec<_> = (0..parts).map(|part| block_range(length, parts, part)).collect();
        let mut next = 0;
        for &(start, size) in &blocks {
            prop_assert_eq!(start, next);
            next += size;
        }
        prop_assert_eq!(next, length);
        let sizes = blocks.iter().map(|block| block.1);
        prop_assert!(sizes.clone().max().unwrap() - sizes.min().unwrap() <= 1);
    }

    #[test]
    fn subdomains_tile_the_grid(d in decompositions(13, 40)) {
        let mut owner = vec![None; d.cells.iter().product()];
        for rank in 0..d.ranks() {
            let part = d.subdomain(rank).global_box();
            prop_assert!(!part.is_empty(), "rank {rank} owns nothing");
            each_cell(&part, |at| {
                let cell = at.map(|i| i as usize);
                let slot = &mut owner[number_of(d.cells, cell) as usize - 1];
                assert_eq!(slot.replace(rank), None, "{cell:?} has two owners");
            });
        }
        prop_assert!(owner.iter().all(Option::is_some), "a cell has no owner");
    }

    #[test]
    fn neighbours_are_mutual(d in prop_oneof![decompositions(13, 40), forced_decompositions(4)]) {
        for rank in 0..d.ranks() {
            prop_assert_eq!(d.rank_at(d.coordinates(rank)), rank);
            for direction in directions() {
                if let Some(neighbour) = d.neighbour(rank, direction) {
                    prop_assert_eq!(d.neighbour(neighbour, direction.map(|n| -n)), Some(rank), "{:?}", direction);
                }
            }
        }
    }

    #[test]
    fn neighbours_own_the_cells_next_door(d in decompositions(13, 40)) {
        for rank in 0..d.ranks() {
            let own = d.subdomain(rank).global_box();
            for (axis, step) in (0..3).flat_map(|axis| [(axis, -1isize), (axis, 1)]) {
                let mut direction = [0; 3];
                direction[axis] = step;
                let mut beyond = own.lower;
                beyond[axis] = if step < 0 { own.lower[axis] - 1 } else { own.upper[axis] };
                let n = d.cells[axis] as isize;
                let inside = d.periodic[axis] || (0..n).contains(&beyond[axis]);
                prop_assert_eq!(d.neighbour(rank, direction).is_some(), inside);
                let Some(neighbour) = d.neighbour(rank, direction) else { continue };
                beyond[axis] = beyond[axis].rem_euclid(n);
                let theirs = d.subdomain(neighbour).global_box();
                prop_assert!((0..3).all(|a| (theirs.lower[a]..theirs.upper[a]).contains(&beyond[a])));
            }
        }
    }

    #[test]
    fn a_refusal_names_a_number_of_ranks_that_fits(cells in [1usize..6, 1usize..6, 1usize..4], ranks in 1usize..300) {
        if let Err(error) = CartesianDecomposition::new(cells, [false; 3], ranks, None) {
            let message = error.to_string();
            let usable = message.split("at most ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
            let usable: usize = usable.parse().unwrap();
            prop_assert!(usable < ranks);
            prop_assert!(CartesianDecomposition::new(cells, [false; 3], usable, None).is_ok());
            prop_assert!(CartesianDecomposition::new(cells, [false; 3], usable + 1, None).is_err());
        }
    }

    #[test]
    fn pack_then_unpack_is_the_identity(
        cells in [1usize..9, 1usize..9, 1usize..9],
        halo in [[0usize..4, 0usize..4], [0usize..4, 0usize..4], [0usize..4, 0usize..4]],
        cut in [[0.0..1.0, 0.0..1.0], [0.0..1.0, 0.0..1.0], [0.0..1.0, 0.0..1.0f64]],
        thin in any::<[bool; 3]>(),
    ) {
        let layout = Layout::new(cells, halo);
        let mut field = Field::zeros(layout);
        field.values_mut().iter_mut().enumerate().for_each(|(n, value)| *value = 1.0 + n as f64);
        let slab = part_of(&layout.whole(), cut, thin);
        let mut buffer = vec![0.0; slab.cell_count()];
        field.pack(&slab, &mut buffer);
        let mut order = buffer.iter();
        each_cell(&slab, |at| assert_eq!(order.next(), Some(&field.at(at)), "x fastest, nothing left out"));
        let mut copy = Field::zeros_staggered(layout);
        copy.unpack(&slab, &buffer);
        each_cell(&slab, |at| assert_eq!(copy.at(at), field.at(at)));
        prop_assert_eq!(copy.values().iter().filter(|v| **v != 0.0).count(), slab.cell_count());
    }
}

/// A box inside `whole`, of one cell along the thin axes.
fn part_of(whole: &IndexBox, cut: [[f64; 2]; 3], thin: [bool; 3]) -> IndexBox {
    let mut part = *whole;
    for axis in 0..3 {
        let n = whole.extent(axis);
        let [a, b] = cut[axis].map(|share| (share * n as f64) as isize);
        part.lower[axis] = whole.lower[axis] + a.min(b);
        part.upper[axis] = if thin[axis] { part.lower[axis] + 1 } else { whole.lower[axis] + a.max(b) + 1 };
    }
    part
}

/// Halo cells are what their owners hold: faces always, edges and corners too for a halo of more than one cell.
fn check_halo(d: &CartesianDecomposition, comm: &dyn Communicator, width: usize) {
    let part = d.subdomain(comm.rank());
    let layout = Layout::new(part.cells, halo_sides(d, comm.rank(), width));
    let mut field = Field::zeros(layout);
    let mut halo = HaloExchange::new(d, comm.rank(), &layout, width);
    let global = |at: [isize; 3]| -> [usize; 3] {
        std::array::from_fn(|a| (at[a] + part.start[a] as isize).rem_euclid(d.cells[a] as isize) as usize)
    };
    for round in 1..=3 {
        let value = |at: [isize; 3]| number_of(d.cells, global(at)) * round as f64;
        each_cell(&layout.interior(), |at| {
            let place = layout.index(at);
            field.values_mut()[place] = value(at);
        });
        let mut worked = 0;
        halo.exchange_while(comm, &mut field, |_| worked += 1);
        assert_eq!(worked, 1);
        each_cell(&layout.whole(), |at| {
            let outside = (0..3).filter(|&a| !(0..part.cells[a] as isize).contains(&at[a])).count();
            if outside <= 1 || width > 1 {
                assert_eq!(field.at(at), value(at), "rank {} cell {at:?} of {d:?}", comm.rank());
            }
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn halos_are_what_their_owners_hold(
        d in prop_oneof![decompositions(11, 8), forced_decompositions(4)],
        width in 1usize..=4,
    ) {
        let widest = (0..3).filter(|&a| d.periodic[a] || d.dims[a] > 1).map(|a| d.thinnest(a)).min();
        let width = width.min(widest.unwrap_or(width));
        prop_assert!(check_width(&d, width).is_ok());
        threads::run(d.ranks(), |comm| check_halo(&d, comm, width));
    }

    #[test]
    fn a_halo_that_is_too_wide_is_refused(d in decompositions(11, 8)) {
        let widest = (0..3).filter(|&a| d.periodic[a] || d.dims[a] > 1).map(|a| d.thinnest(a)).min();
        if let Some(widest) = widest {
            let message = check_width(&d, widest + 1).unwrap_err().to_string();
            let advice = format!("use at most {widest}");
            prop_assert!(message.contains(&advice), "{}", message);
        }
    }
}

#[derive(Clone, Debug)]
struct Warm {
    problem: HeatProblem,
    coldest: f64,
    warmest: f64,
}

/// Problems without sources, of up to three materials, with walls and surroundings between two temperatures.
fn warm_problems() -> impl Strategy<Value = Warm> {
    let cells = prop_oneof![
        [2usize..12, 2usize..12].prop_map(|n| n.to_vec()),
        [2usize..9, 2usize..9, 2usize..9].prop_map(|n| n.to_vec())
    ];
    let walls = proptest::collection::vec((0usize..3, 0.0..100.0f64), 6);
    (cells, walls, 0.1..100.0f64, proptest::collection::vec(0.0..100.0f64, 3), any::<bool>())
        .prop_map(|(cells, walls, h, start, mixed)| warm_problem(&cells, &walls, h, &start, mixed))
}

fn warm_problem(cells: &[usize], walls: &[(usize, f64)], h: f64, start: &[f64], mixed: bool) -> Warm {
    let size = &[0.05, 0.08, 0.03][..cells.len()];
    let patch = |x: f64| Region::Sphere { center: [x, 0.03, 0.01], radius: 0.02 };
    let patches = vec![(patch(0.01), start[1]), (patch(0.04), start[2])];
    let mut problem = plain(cells, size, Initial::Regions { background: start[0], patches });
    let air = Material { conductivity: 0.026, density: 1.2, specific_heat: 1005.0 };
    if mixed {
        problem.regions = vec![(patch(0.02), BRICK), (patch(0.03), air)];
    }
    for (n, &(kind, value)) in walls[..2 * cells.len()].iter().enumerate() {
        problem.faces[n / 2][n % 2] = [insulated(), fixed(value), convection(h, value)][kind].clone();
    }
    let outer = walls[..2 * cells.len()].iter().filter(|wall| wall.0 > 0).map(|wall| wall.1);
    let all = || outer.clone().chain(start.iter().copied());
    let (coldest, warmest) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    Warm { problem, coldest, warmest }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Half the stability limit is never above the step at which a cell weighs its own temperature with a positive number
    /// (Gershgorin), and then no cell can become warmer or colder than all that surrounds it.
    #[test]
    fn nothing_becomes_warmer_than_its_surroundings(warm in warm_problems(), ranks in 1usize..=3) {
        threads::run(ranks, |comm| {
            let options = HeatOptions { halo_width: 1, ..HeatOptions::default() };
            let Ok(mut model) = HeatModel::new(warm.problem.clone(), comm, &options) else { return };
            let dt = 0.5 * model.spectral().max_stable_dt();
            for step in 0..60 {
                model.advance(step as f64 * dt, dt);
                // A few roundings of each step, of temperatures up to 100.
                let slack = 1e-12 * (step + 1) as f64;
                let inside = |t: &f64| (warm.coldest - slack..=warm.warmest + slack).contains(t);
                let outside = model.temperature().view().iter().copied().find(|t| !inside(t));
                assert_eq!(outside, None, "step {step}, {} to {}", warm.coldest, warm.warmest);
            }
        });
        prop_assert!(warm.coldest <= warm.warmest && COPPER.conductivity > 0.0);
    }
}
