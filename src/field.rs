//! One value per cell of a subdomain, with a rim of halo cells towards the neighbours.
//!
//! # Data layout
//! C order (z, y, x), x fastest. Cell (0, 0, 0) and so the interior of every row starts on a cache line of 64 bytes, because
//! rows are padded to a multiple of 8 values and the halo left of x = 0 lies at the end of the padding. There are halo cells
//! only where there is a neighbour: a wall needs none, since the kernels take its ghost values from a row buffer. A field
//! without neighbours therefore holds little more than its cells, which is what "two fields of memory" means.
//!
//! Indices are local: (0, 0, 0) is the first cell of this rank, negative ones are halo.
//!
//! # Refused
//! `Array3` as the owner: it cannot align its rows. The storage is a plain vector, and ndarray views look at it.

use crate::decomposition::IndexBox;
use ndarray::{ArrayView3, ArrayViewMut3, ShapeBuilder};

/// Values of a cache line: rows start at multiples of this.
const LINE: usize = 8;
/// Values of a page of 4 KiB.
const PAGE: usize = 512;

/// Where the cells of a field lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Cells of the interior along x, y, z.
    pub cells: [usize; 3],
    /// Halo cells: `halo[axis] = [lower, upper]`.
    pub halo: [[usize; 2]; 3],
    /// Distance in memory between neighbours along x, y, z; `strides[0]` is 1.
    pub strides: [usize; 3],
    /// Distance from the first (aligned) value to cell (0, 0, 0).
    origin: usize,
    /// Values in all.
    len: usize,
}

impl Layout {
    /// A layout for so many cells and halo cells per side.
    pub fn new(cells: [usize; 3], halo: [[usize; 2]; 3]) -> Layout {
        let left = halo[0][0].next_multiple_of(LINE);
        let row = (left + cells[0] + halo[0][1]).next_multiple_of(LINE);
        let plane = row * (halo[1][0] + cells[1] + halo[1][1]);
        let planes = halo[2][0] + cells[2] + halo[2][1];
        let origin = left + row * halo[1][0] + plane * halo[2][0];
        Layout { cells, halo, strides: [1, row, plane], origin, len: plane * planes }
    }

    /// Bytes that a field of this layout takes.
    pub fn bytes(&self) -> usize {
        (self.len + 2 * PAGE) * size_of::<f64>()
    }

    /// Position in memory of a cell of the interior or the halo.
    #[inline]
    pub fn index(&self, [i, j, k]: [isize; 3]) -> usize {
        let offset = i + j * self.strides[1] as isize + k * self.strides[2] as isize;
        (self.origin as isize + offset) as usize
    }

    /// The interior as a box of local indices.
    pub fn interior(&self) -> IndexBox {
        IndexBox::of_cells(self.cells)
    }

    /// Interior and halo as a box of local indices.
    pub fn whole(&self) -> IndexBox {
        IndexBox {
            lower: std::array::from_fn(|a| -(self.halo[a][0] as isize)),
            upper: std::array::from_fn(|a| (self.cells[a] + self.halo[a][1]) as isize),
        }
    }
}

/// Values of one quantity on the cells of a subdomain.
#[derive(Debug)]
pub struct Field {
    storage: Vec<f64>,
    aligned: usize,
    layout: Layout,
}

impl Field {
    /// A field of zeros. The memory is not touched yet: the thread that writes a page first decides its NUMA node.
    pub fn zeros(layout: Layout) -> Field {
        Field::at_page_offset(layout, 0)
    }

    /// As [`Field::zeros`], but half a page off. Two fields that are read and written at the same index should differ in the
    /// lowest 12 bits of their addresses: many CPUs compare only these to see whether a load depends on an earlier store, and
    /// then wait for a streaming store that has nothing to do with the load (a sweep is three times slower).
    pub fn zeros_staggered(layout: Layout) -> Field {
        Field::at_page_offset(layout, PAGE / 2)
    }

    fn at_page_offset(layout: Layout, offset: usize) -> Field {
        let storage = vec![0.0; layout.len + 2 * PAGE];
        advise_huge_pages(&storage);
        let aligned = storage.as_ptr().align_offset(PAGE * size_of::<f64>()) + offset;
        Field { storage, aligned, layout }
    }

    /// Where the cells lie.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// All values, padding included; [`Layout::index`] points into it.
    pub fn values(&self) -> &[f64] {
        &self.storage[self.aligned..self.aligned + self.layout.len]
    }

    /// As [`Field::values`], to write.
    pub fn values_mut(&mut self) -> &mut [f64] {
        &mut self.storage[self.aligned..self.aligned + self.layout.len]
    }

    /// The value of a cell of the interior or the halo.
    pub fn at(&self, cell: [isize; 3]) -> f64 {
        self.values()[self.layout.index(cell)]
    }

    /// The cells of a row that lie in `x0..x1`.
    #[inline]
    pub fn row(&self, j: isize, k: isize, x0: isize, x1: isize) -> &[f64] {
        let start = self.layout.index([x0, j, k]);
        &self.values()[start..start + (x1 - x0) as usize]
    }

    /// The interior as an ndarray view (z, y, x).
    pub fn view(&self) -> ArrayView3<'_, f64> {
        let (shape, start) = (self.strided_shape(), self.layout.index([0; 3]));
        ArrayView3::from_shape(shape, &self.values()[start..]).expect("the interior lies inside the storage")
    }

    /// As [`Field::view`], to write.
    pub fn view_mut(&mut self) -> ArrayViewMut3<'_, f64> {
        let (shape, start) = (self.strided_shape(), self.layout.index([0; 3]));
        ArrayViewMut3::from_shape(shape, &mut self.values_mut()[start..]).expect("the interior lies inside the storage")
    }

    fn strided_shape(&self) -> ndarray::StrideShape<ndarray::Ix3> {
        let ([nx, ny, nz], [sx, sy, sz]) = (self.layout.cells, self.layout.strides);
        (nz, ny, nx).strides((sz, sy, sx))
    }

    /// Copies the cells of a box into a buffer of equal size, x fastest.
    pub fn pack(&self, cells: &IndexBox, buffer: &mut [f64]) {
        let mut rows = buffer.chunks_exact_mut(cells.extent(0).max(1));
        for_each_row(cells, |j, k| {
            let target = rows.next().expect("the buffer has room for the box");
            target.copy_from_slice(self.row(j, k, cells.lower[0], cells.upper[0]));
        });
    }

    /// Copies a buffer into the cells of a box, x fastest.
    pub fn unpack(&mut self, cells: &IndexBox, buffer: &[f64]) {
        let width = cells.extent(0);
        let mut rows = buffer.chunks_exact(width.max(1));
        let layout = self.layout;
        let values = self.values_mut();
        for_each_row(cells, |j, k| {
            let start = layout.index([cells.lower[0], j, k]);
            values[start..start + width].copy_from_slice(rows.next().expect("the buffer holds the box"));
        });
    }
}

fn for_each_row(cells: &IndexBox, mut row: impl FnMut(isize, isize)) {
    if cells.is_empty() {
        return;
    }
    for k in cells.lower[2]..cells.upper[2] {
        for j in cells.lower[1]..cells.upper[1] {
            row(j, k);
        }
    }
}

/// Asks for pages of 2 MiB: a sweep over gigabytes otherwise spends its time in the page tables. A wish, not a need.
fn advise_huge_pages(storage: &[f64]) {
    const HUGE: usize = 2 << 20;
    let start = (storage.as_ptr() as usize).next_multiple_of(4096);
    let end = storage.as_ptr_range().end as usize & !4095;
    if end.saturating_sub(start) < HUGE {
        return;
    }
    #[cfg(target_os = "linux")]
    // SAFETY: the pages lie wholly inside the vector's own allocation, and this advice never changes their contents.
    unsafe {
        libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_HUGEPAGE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Field {
        let mut field = Field::zeros(Layout::new([5, 4, 3], [[2, 2], [1, 0], [0, 3]]));
        for (n, value) in field.values_mut().iter_mut().enumerate() {
            *value = n as f64;
        }
        field
    }

    #[test]
    fn interior_rows_start_on_cache_lines() {
        let field = sample();
        for (j, k) in [(0, 0), (-1, 0), (3, 2), (2, 5)] {
            let address = field.row(j, k, 0, 1).as_ptr() as usize;
            assert_eq!(address % 64, 0);
        }
    }

    #[test]
    fn view_and_index_agree() {
        let field = sample();
        assert_eq!(field.view()[[2, 3, 4]], field.at([4, 3, 2]));
        assert_eq!(field.view().dim(), (3, 4, 5));
    }

    #[test]
    fn pack_then_unpack_is_the_identity() {
        let field = sample();
        let slab = IndexBox { lower: [-2, -1, 0], upper: [1, 4, 6] };
        let mut buffer = vec![0.0; slab.cell_count()];
        field.pack(&slab, &mut buffer);
        let mut copy = Field::zeros(*field.layout());
        copy.unpack(&slab, &buffer);
        assert_eq!(copy.at([-2, -1, 5]), field.at([-2, -1, 5]));
        assert_eq!(copy.at([0, 3, 0]), field.at([0, 3, 0]));
        assert_eq!(copy.at([1, 0, 0]), 0.0);
    }

    #[test]
    fn a_field_without_neighbours_holds_little_more_than_its_cells() {
        let layout = Layout::new([512, 512, 16], [[0; 2]; 3]);
        assert!(layout.bytes() <= 512 * 512 * 16 * 8 + 8192);
    }
}
