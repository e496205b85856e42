//! Who owns which cells: block ranges, balanced process grids, neighbours. Pure arithmetic, no communication.
//!
//! Ranks form a Cartesian grid of `dims[0] x dims[1] x dims[2]`; rank numbers run fastest along x. Along each axis the cells
//! are dealt in contiguous blocks whose lengths differ by one at most, the longer ones first. A graph partitioner was refused:
//! on a uniform grid it finds the same boxes and needs a dependency.

use crate::error::{Error, Result};

/// A half-open box of cell indices in x, y, z order. Signed: a box may reach into the halo below index 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexBox {
    /// First index along each axis.
    pub lower: [isize; 3],
    /// One past the last index along each axis.
    pub upper: [isize; 3],
}

impl IndexBox {
    /// The box from the origin with the given cell counts.
    pub fn of_cells(cells: [usize; 3]) -> IndexBox {
        IndexBox { lower: [0; 3], upper: cells.map(|n| n as isize) }
    }

    /// Cells along an axis; 0 if the box is empty there.
    pub fn extent(&self, axis: usize) -> usize {
        (self.upper[axis] - self.lower[axis]).max(0) as usize
    }

    /// Number of cells.
    pub fn cell_count(&self) -> usize {
        (0..3).map(|axis| self.extent(axis)).product()
    }

    /// True if there is no cell in it.
    pub fn is_empty(&self) -> bool {
        self.cell_count() == 0
    }

    /// The cells common to both.
    pub fn intersection(&self, other: &IndexBox) -> IndexBox {
        IndexBox {
            lower: std::array::from_fn(|a| self.lower[a].max(other.lower[a])),
            upper: std::array::from_fn(|a| self.upper[a].min(other.upper[a])),
        }
    }

    /// The same box with the indices counted from `-offset`.
    pub fn shifted(&self, offset: [isize; 3]) -> IndexBox {
        IndexBox {
            lower: std::array::from_fn(|a| self.lower[a] + offset[a]),
            upper: std::array::from_fn(|a| self.upper[a] + offset[a]),
        }
    }
}

/// The block of `length` items that is number `part` of `parts`: `(start, length)`. The first `length % parts` are longer by one.
pub fn block_range(length: usize, parts: usize, part: usize) -> (usize, usize) {
    let (base, rest) = (length / parts, length % parts);
    (part * base + part.min(rest), base + usize::from(part < rest))
}

/// One of the two sides along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Towards smaller indices.
    Lower = 0,
    /// Towards larger indices.
    Upper = 1,
}

/// Both sides, for loops.
pub const SIDES: [Side; 2] = [Side::Lower, Side::Upper];

/// A Cartesian grid of ranks over a grid of cells.
#[derive(Clone, Debug, PartialEq)]
pub struct CartesianDecomposition {
    /// Global number of cells along x, y, z.
    pub cells: [usize; 3],
    /// Number of ranks along x, y, z.
    pub dims: [usize; 3],
    /// Axes whose two ends are the same place.
    pub periodic: [bool; 3],
}

impl CartesianDecomposition {
    /// The process grid with the smallest halo surface for `ranks` ranks, or the given `dims`.
    ///
    /// Ties go to the grid with fewer cuts along x, then y: rows stay whole, which is faster and needs no strided copies.
    ///
    /// # Errors
    /// If the ranks do not fit: the product of `dims` differs, or an axis has fewer cells than ranks. The message names the
    /// largest rank count that can be used.
    pub fn new(
        cells: [usize; 3],
        periodic: [bool; 3],
        ranks: usize,
        dims: Option<[usize; 3]>,
    ) -> Result<CartesianDecomposition> {
        let dims = match dims {
            Some(dims) => checked_dims(cells, ranks, dims)?,
            None => balanced_dims(cells, periodic, ranks).ok_or_else(|| too_many_ranks(cells, periodic, ranks))?,
        };
        Ok(CartesianDecomposition { cells, dims, periodic })
    }

    /// The process grid with the smallest halo surface of those that cut exactly `cuts` axes; one rank has nothing to cut.
    ///
    /// # Errors
    /// In words, if there is none.
    pub fn dims_with_cuts(
        cells: [usize; 3],
        periodic: [bool; 3],
        ranks: usize,
        cuts: usize,
    ) -> std::result::Result<[usize; 3], String> {
        let axes = cells.iter().filter(|&&cells| cells > 1).count();
        if cuts > axes {
            let verb = if axes == 1 { "axis" } else { "axes" };
            return Err(format!("this grid has {axes} {verb} of more than one cell, so {cuts} cannot be cut"));
        }
        let cut = |dims: &[usize; 3]| dims.iter().filter(|&&parts| parts > 1).count();
        let found = best_dims(cells, periodic, ranks, |dims| ranks == 1 || cut(dims) == cuts);
        found.ok_or_else(|| {
            format!(
                "{ranks} ranks on {} x {} x {} cells cannot be cut along exactly {cuts} axes: that takes a product of {cuts} numbers \
                 of 2 or more, none larger than the cells of its axis, such as {}",
                cells[0],
                cells[1],
                cells[2],
                1usize << cuts
            )
        })
    }

    /// Number of ranks.
    pub fn ranks(&self) -> usize {
        self.dims.iter().product()
    }

    /// Position of a rank in the process grid.
    pub fn coordinates(&self, rank: usize) -> [usize; 3] {
        let [px, py, _] = self.dims;
        [rank % px, rank / px % py, rank / (px * py)]
    }

    /// The rank at a position in the process grid.
    pub fn rank_at(&self, coordinates: [usize; 3]) -> usize {
        let [px, py, _] = self.dims;
        coordinates[0] + px * (coordinates[1] + py * coordinates[2])
    }

    /// The part of a rank.
    pub fn subdomain(&self, rank: usize) -> Subdomain {
        let coordinates = self.coordinates(rank);
        let blocks: [(usize, usize); 3] =
            std::array::from_fn(|a| block_range(self.cells[a], self.dims[a], coordinates[a]));
        Subdomain { start: blocks.map(|b| b.0), cells: blocks.map(|b| b.1) }
    }

    /// The rank one step in `direction` (each component -1, 0 or 1), round the corner on periodic axes; `None` past a wall.
    /// On a periodic axis with one rank that rank is its own neighbour.
    pub fn neighbour(&self, rank: usize, direction: [isize; 3]) -> Option<usize> {
        let mut coordinates = self.coordinates(rank);
        for axis in 0..3 {
            let (count, at) = (self.dims[axis] as isize, coordinates[axis] as isize + direction[axis]);
            if !self.periodic[axis] && !(0..count).contains(&at) {
                return None;
            }
            coordinates[axis] = at.rem_euclid(count) as usize;
        }
        Some(self.rank_at(coordinates))
    }

    /// Fewest cells that any rank owns along an axis: the upper limit of the halo width there.
    pub fn thinnest(&self, axis: usize) -> usize {
        self.cells[axis] / self.dims[axis]
    }
}

/// The cells of one rank: global index of its first cell, and cell counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subdomain {
    /// Global index of the first cell.
    pub start: [usize; 3],
    /// Number of cells along each axis.
    pub cells: [usize; 3],
}

impl Subdomain {
    /// The box in global indices.
    pub fn global_box(&self) -> IndexBox {
        IndexBox::of_cells(self.cells).shifted(self.start.map(|s| s as isize))
    }
}

fn checked_dims(cells: [usize; 3], ranks: usize, dims: [usize; 3]) -> Result<[usize; 3]> {
    let product = dims.iter().try_fold(1usize, |product, &d| product.checked_mul(d));
    if product != Some(ranks) {
        let [x, y, z] = dims;
        let needed = product.map_or("too many".into(), |p| p.to_string());
        return Err(Error::key(
            "decomposition.dims",
            format!("[{x}, {y}, {z}] needs {needed} ranks but there are {ranks}"),
            "change dims or the number of ranks",
        ));
    }
    match (0..3).find(|&axis| dims[axis] > cells[axis]) {
        Some(axis) => Err(Error::key(
            format!("decomposition.dims.{axis}"),
            format!("{} ranks along {} but there are only {} cells", dims[axis], ["x", "y", "z"][axis], cells[axis]),
            format!("use at most {} there", cells[axis]),
        )),
        None => Ok(dims),
    }
}

/// The process grid of `ranks` with the smallest total surface between ranks, or `None` if no grid fits.
fn balanced_dims(cells: [usize; 3], periodic: [bool; 3], ranks: usize) -> Option<[usize; 3]> {
    best_dims(cells, periodic, ranks, |_| true)
}

/// The same, of those grids alone that are allowed.
fn best_dims(
    cells: [usize; 3],
    periodic: [bool; 3],
    ranks: usize,
    allowed: impl Fn(&[usize; 3]) -> bool,
) -> Option<[usize; 3]> {
    let divisors = |n: usize| (1..=n).filter(move |d| n.is_multiple_of(*d));
    divisors(ranks)
        .flat_map(|px| divisors(ranks / px).map(move |py| [px, py, ranks / px / py]))
        .filter(|dims| (0..3).all(|a| dims[a] <= cells[a]) && allowed(dims))
        .min_by_key(|dims| (halo_surface(cells, periodic, *dims), dims[0], dims[1]))
}

/// Cells in the cut planes of the whole process grid: what all ranks together send in one exchange of width 1, halved.
fn halo_surface(cells: [usize; 3], periodic: [bool; 3], dims: [usize; 3]) -> u128 {
    let plane = |axis: usize| (0..3).filter(|&a| a != axis).map(|a| cells[a] as u128).product::<u128>();
    let cuts = |axis: usize| if periodic[axis] && dims[axis] > 1 { dims[axis] } else { dims[axis] - 1 };
    (0..3).map(|axis| cuts(axis) as u128 * plane(axis)).sum()
}

fn too_many_ranks(cells: [usize; 3], periodic: [bool; 3], ranks: usize) -> Error {
    let usable = (1..ranks).rev().find(|&r| balanced_dims(cells, periodic, r).is_some()).unwrap_or(1);
    let [x, y, z] = cells;
    Error::key(
        "grid.cells",
        format!(
            "{ranks} ranks do not fit a grid of {x} x {y} x {z} cells (each rank needs at least one cell along every axis)"
        ),
        format!("use at most {usable} ranks"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cube_on_eight_ranks_is_cut_along_all_axes() {
        let d = CartesianDecomposition::new([64, 64, 64], [false; 3], 8, None).unwrap();
        assert_eq!(d.dims, [2, 2, 2]);
    }

    #[test]
    fn two_ranks_cut_the_slowest_axis() {
        let d = CartesianDecomposition::new([64, 64, 64], [false; 3], 2, None).unwrap();
        assert_eq!(d.dims, [1, 1, 2]);
    }

    #[test]
    fn as_many_axes_are_cut_as_are_asked_for() {
        let of = |ranks, cuts| CartesianDecomposition::dims_with_cuts([64, 32, 64], [false; 3], ranks, cuts);
        assert_eq!([1, 2, 3].map(|cuts| of(8, cuts).unwrap()), [[1, 1, 8], [2, 1, 4], [2, 2, 2]]);
        assert_eq!([1, 2, 3].map(|cuts| of(1, cuts).unwrap()), [[1; 3]; 3]);
        let error = of(4, 3).unwrap_err();
        assert!(
            error.contains("4 ranks") && error.contains("exactly 3 axes") && error.contains("such as 8"),
            "{error}"
        );
        let error = CartesianDecomposition::dims_with_cuts([8, 8, 1], [false; 3], 8, 3).unwrap_err();
        assert!(error.contains("2 axes of more than one cell"), "{error}");
        let error = CartesianDecomposition::dims_with_cuts([3, 3, 3], [false; 3], 4, 1).unwrap_err();
        assert!(error.contains("none larger than the cells"), "{error}");
    }

    #[test]
    fn long_axis_is_cut_first() {
        let d = CartesianDecomposition::new([100, 7, 1], [false; 3], 4, None).unwrap();
        assert_eq!(d.dims, [4, 1, 1]);
    }

    #[test]
    fn too_many_ranks_name_the_largest_usable_count() {
        let error = CartesianDecomposition::new([2, 3, 1], [false; 3], 7, None).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("at most 6 ranks"), "{error}");
    }

    #[test]
    fn wrong_product_is_refused() {
        let error = CartesianDecomposition::new([8, 8, 8], [false; 3], 4, Some([2, 1, 1])).unwrap_err();
        assert!(error.to_string().contains("needs 2 ranks but there are 4"), "{error}");
    }

    #[test]
    fn periodic_axis_with_one_rank_is_its_own_neighbour() {
        let d = CartesianDecomposition::new([8, 8, 1], [true, false, false], 1, None).unwrap();
        assert_eq!(d.neighbour(0, [1, 0, 0]), Some(0));
        assert_eq!(d.neighbour(0, [0, 1, 0]), None);
    }
}
