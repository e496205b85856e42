//! Reads single values of a snapshot on disk: from one `.npy`, or from the `.vti` pieces that a `.pvti` names.
//!
//! Both are the same thing, boxes of little-endian f64 with x fastest that begin somewhere in a file: an `.npy` is one box. Only files as
//! this program writes them are understood: pieces lie beside their list, and their boxes in the grid.

use super::plain_file;
use crate::bytes::F64;
use crate::decomposition::IndexBox;
use crate::error::{Error, Result};
use crate::grid::UniformGrid;
use crate::input::npy;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Longest head of a `.vti` piece that is searched for its data.
const LONGEST_HEAD: u64 = 1 << 16;
/// Most bytes of a list of pieces; it has a line a rank.
const LONGEST_LIST: u64 = 64 << 20;

/// The temperatures of one snapshot.
pub struct Volume {
    pieces: Vec<Piece>,
}

/// A box of cells in a file.
struct Piece {
    file: File,
    path: PathBuf,
    /// Global indices.
    cells: IndexBox,
    /// Where the first value is.
    data: u64,
}

impl Volume {
    /// Opens the snapshot in a directory.
    ///
    /// # Errors
    /// Exit code 2 if there is none, or it does not suit the grid.
    pub fn open(directory: &Path, grid: &UniformGrid) -> Result<Volume> {
        let array = directory.join("temperature.npy");
        if array.exists() {
            let shape: Vec<usize> = grid.cells[..grid.dimensions].iter().rev().copied().collect();
            let (file, description) = npy::open(&array, &[("<f8", F64)], &shape)?;
            let cells = IndexBox::of_cells(grid.cells);
            return Ok(Volume { pieces: vec![Piece { file, path: array, cells, data: description.data }] });
        }
        Volume::open_pieces(directory, grid)
    }

    fn open_pieces(directory: &Path, grid: &UniformGrid) -> Result<Volume> {
        let index = directory.join("temperature.pvti");
        let text = plain_file::read_text(&index, LONGEST_LIST).map_err(|cause| {
            Error::Input(format!(
                "{} holds neither temperature.npy nor temperature.pvti ({cause})",
                directory.display()
            ))
        })?;
        let lines = text.lines().filter(|line| line.trim_start().starts_with("<Piece "));
        let pieces = lines.map(|line| Piece::open(directory, line, grid)).collect::<Result<Vec<Piece>>>()?;
        // In 128 bits: each box lies in the grid, but a list may name a thousand of them.
        let covered: u128 = pieces.iter().map(|piece| piece.cells.cell_count() as u128).sum();
        if covered != grid.cell_count() as u128 {
            return Err(damaged(&index, &format!("its pieces have {covered} cells, the grid {}", grid.cell_count())));
        }
        Ok(Volume { pieces })
    }

    /// The value of a cell.
    ///
    /// # Errors
    /// Exit code 3 if it cannot be read; 2 if no piece holds it.
    pub fn value(&self, cell: [usize; 3]) -> Result<f64> {
        let at = cell.map(|c| c as isize);
        let holds = |piece: &&Piece| (0..3).all(|a| (piece.cells.lower[a]..piece.cells.upper[a]).contains(&at[a]));
        let piece = self.pieces.iter().find(holds);
        piece.ok_or_else(|| Error::Input(format!("no piece of the snapshot holds cell {cell:?}")))?.value(at)
    }
}

impl Piece {
    /// Opens the piece that a line `<Piece Extent="..." Source="..."/>` of a `.pvti` names.
    fn open(directory: &Path, line: &str, grid: &UniformGrid) -> Result<Piece> {
        let name = attribute(line, "Source").unwrap_or_default();
        let path = directory.join(name);
        if Path::new(name).file_name().is_none_or(|last| last != name) {
            return Err(damaged(&path, "a piece must lie beside its .pvti"));
        }
        let bounds: Vec<isize> =
            attribute(line, "Extent").unwrap_or_default().split(' ').filter_map(|n| n.parse().ok()).collect();
        let &[x0, x1, y0, y1, z0, z1] = &bounds[..] else {
            return Err(damaged(&path, "its extent in the .pvti cannot be understood"));
        };
        // A plate has the extent 0 0 along z, and one layer of cells.
        let cells = IndexBox { lower: [x0, y0, z0], upper: [x1, y1, if z1 == z0 { z0.saturating_add(1) } else { z1 }] };
        if (0..3)
            .any(|a| cells.lower[a] < 0 || cells.lower[a] >= cells.upper[a] || cells.upper[a] > grid.cells[a] as isize)
        {
            return Err(damaged(&path, "its extent in the .pvti does not lie in the grid"));
        }
        let mut file = npy::open_regular(&path)?;
        let mut head = Vec::new();
        (&mut file).take(LONGEST_HEAD).read_to_end(&mut head).map_err(|cause| Error::io("read", &path, cause))?;
        let mark = b"<AppendedData encoding=\"raw\">\n   _";
        let start = head.windows(mark.len()).position(|window| window == mark);
        let data = start.ok_or_else(|| damaged(&path, "it has no raw appended data"))? + mark.len() + F64;
        Ok(Piece { file, path, cells, data: data as u64 })
    }

    fn value(&self, at: [isize; 3]) -> Result<f64> {
        let local: [usize; 3] = std::array::from_fn(|a| (at[a] - self.cells.lower[a]) as usize);
        let number = local[0] + self.cells.extent(0) * (local[1] + self.cells.extent(1) * local[2]);
        let mut bytes = [0; F64];
        let read = self.file.read_exact_at(&mut bytes, self.data + (number * F64) as u64);
        read.map(|()| f64::from_le_bytes(bytes)).map_err(|cause| Error::io("read", &self.path, cause))
    }
}

fn attribute<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!("{name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

fn damaged(path: &Path, what: &str) -> Error {
    Error::Input(format!("{} is damaged: {what}", path.display()))
}
