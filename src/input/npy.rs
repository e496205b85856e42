//! Reads a user's `.npy`: the initial state of the grid, by every rank its own part.
//!
//! Accepted: `<f8` and `<f4`, C or Fortran order, shape (nz, ny, nx) or (ny, nx). Rank 0 checks the header, the length of the file
//! and so the claimed size; then each rank reads the stretches of the file that its part lies in, a few mebibytes at a time.

use crate::comm::{Communicator, agree};
use crate::decomposition::{CartesianDecomposition, Subdomain};
use crate::error::{Error, Result};
use crate::fault;
use crate::field::Field;
use crate::grid::UniformGrid;
use ndarray_npy::npy::header::Header;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Longest header that is read. numpy's have 128 bytes; a longer one is not a plain array, and parsing it could exhaust the stack.
const LONGEST_HEADER: usize = 1024;

/// Aim for the size of one read in bytes.
const STRETCH: usize = 4 << 20;

/// What the header of a `.npy` file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Type of the values as numpy writes it, such as `<f8`.
    pub kind: String,
    /// Whether the first axis runs fastest.
    pub fortran: bool,
    /// Slowest axis first, as numpy says it.
    pub shape: Vec<usize>,
    /// Where the values begin.
    pub data: u64,
}

/// Opens a `.npy` file, and checks that its values have one of `kinds`, the `expected` shape, and fill the file exactly.
///
/// # Errors
/// Exit code 2, naming the file, what was found, what was expected and the fix.
pub fn open(path: &Path, kinds: &[(&str, usize)], expected: &[usize]) -> Result<(File, Description)> {
    open_shaped(path, kinds, &|shape| if shape == expected { Ok(()) } else { Err(wrong_shape(shape, expected)) })
}

/// As [`open`], with a check of the shape that says what is wrong.
///
/// # Errors
/// As [`open`].
pub fn open_shaped(
    path: &Path,
    kinds: &[(&str, usize)],
    check_shape: &dyn Fn(&[usize]) -> std::result::Result<(), String>,
) -> Result<(File, Description)> {
    let bad = |what: String| Error::Input(format!("{}: {what}", path.display()));
    let mut file = open_regular(path)?;
    let description = describe(&mut file).map_err(bad)?;
    let width = value_width(&description.kind, kinds).map_err(bad)?;
    check_shape(&description.shape).map_err(bad)?;
    let length = file.metadata().map_err(|cause| bad(cause.to_string()))?.len();
    let values: u128 = description.shape.iter().map(|&n| n as u128).product();
    let claimed = description.data as u128 + values * width as u128;
    if u128::from(length) != claimed {
        let what = if u128::from(length) < claimed { "truncated" } else { "damaged" };
        return Err(bad(format!(
            "the file is {what}: its header promises {claimed} bytes, it has {length}; save it again"
        )));
    }
    Ok((file, description))
}

/// The shape that the header of a `.npy` file claims; whether the file holds that much is for [`open`] to say.
///
/// # Errors
/// Exit code 2, naming the file.
pub fn shape_of(path: &Path) -> Result<Vec<usize>> {
    let description = describe(&mut open_regular(path)?);
    description.map(|d| d.shape).map_err(|what| Error::Input(format!("{}: {what}", path.display())))
}

/// Opens a file, if it is one: a pipe or a device could keep a run waiting for ever.
///
/// # Errors
/// Exit code 2.
pub fn open_regular(path: &Path) -> Result<File> {
    let cannot = |cause: std::io::Error| Error::Input(format!("cannot read {}: {cause}", path.display()));
    if !fs::metadata(path).map_err(cannot)?.is_file() {
        return Err(Error::Input(format!("cannot read {}: it is not a regular file", path.display())));
    }
    fault::failure().and_then(|()| File::open(path)).map_err(cannot)
}

fn describe(file: &mut File) -> std::result::Result<Description, String> {
    const NOT_NPY: &str = "this is not an .npy file; write it with numpy.save";
    let mut start = Vec::new();
    file.take(LONGEST_HEADER as u64).read_to_end(&mut start).map_err(|cause| cause.to_string())?;
    if start.len() < 12 || !start.starts_with(b"\x93NUMPY") {
        return Err(NOT_NPY.into());
    }
    let (prefix, header) = match start[6] {
        1 => (10, usize::from(u16::from_le_bytes([start[8], start[9]]))),
        _ => (12, u32::from_le_bytes([start[8], start[9], start[10], start[11]]) as usize),
    };
    if header > LONGEST_HEADER - prefix {
        return Err(format!(
            "its header of {header} bytes is not that of a plain array; save a plain array of numbers"
        ));
    }
    let header = start.get(..prefix + header).ok_or("the file is truncated inside its header; save it again")?;
    parse(header)
}

/// Whether brackets stand within brackets. The reader of Python's literals tries every meaning of each at every depth, so that a header of
/// twenty of them would keep it for hours; that of a plain array has one dictionary with one tuple in it.
fn is_nested(header: &[u8]) -> bool {
    let count = |bracket: u8| header.iter().filter(|&&byte| byte == bracket).count();
    count(b'{') > 1 || count(b'(') > 1 || count(b'[') > 0
}

fn parse(header: &[u8]) -> std::result::Result<Description, String> {
    if is_nested(header) {
        return Err(
            "its .npy header cannot be understood (brackets within brackets); save a plain array of numbers".into()
        );
    }
    let parsed = Header::from_reader(&mut &header[..])
        .map_err(|cause| format!("its .npy header cannot be understood ({cause}); write it with numpy.save"))?;
    let kind = parsed.type_descriptor.to_string().trim_matches('\'').to_owned();
    let (fortran, shape) = (parsed.layout.is_fortran(), parsed.shape);
    Ok(Description { kind, fortran, shape, data: header.len() as u64 })
}

fn value_width(kind: &str, kinds: &[(&str, usize)]) -> std::result::Result<usize, String> {
    kinds.iter().find(|(name, _)| *name == kind).map(|(_, width)| *width).ok_or_else(|| {
        let names: Vec<&str> = kinds.iter().map(|(name, _)| *name).collect();
        format!(
            "values of type '{kind}' but expected {}; convert with array.astype('{}')",
            names.join(" or "),
            names[0]
        )
    })
}

fn wrong_shape(found: &[usize], expected: &[usize]) -> String {
    let advice = if found.iter().rev().eq(expected) {
        "save array.T (the order is z, y, x)"
    } else {
        "change grid.cells or the array"
    };
    format!("shape {} but the grid needs {} (z, y, x order); {advice}", tuple(found), tuple(expected))
}

/// A shape as numpy writes it.
pub fn tuple(shape: &[usize]) -> String {
    let numbers: Vec<String> = shape.iter().map(usize::to_string).collect();
    format!("({}{})", numbers.join(", "), if shape.len() == 1 { "," } else { "" })
}

/// Checks the file on rank 0 and agrees on the verdict. Collective; for use before anything is written.
///
/// # Errors
/// Exit code 2, the same on all ranks.
pub fn check(path: &Path, grid: &UniformGrid, comm: &dyn Communicator) -> Result<()> {
    let verdict = if comm.rank() == 0 { open_state(path, grid).map(|_| ()) } else { Ok(()) };
    agree(comm, verdict)
}

/// Fills a field with this rank's part of a global array. Collective.
///
/// # Errors
/// Exit code 2 if the file is not such an array or holds a NaN or an infinity, the same on all ranks.
pub fn read_part(
    path: &Path,
    grid: &UniformGrid,
    decomposition: &CartesianDecomposition,
    comm: &dyn Communicator,
    field: &mut Field,
) -> Result<()> {
    check(path, grid, comm)?;
    let part = decomposition.subdomain(comm.rank());
    let outcome = open_state(path, grid).and_then(|(file, description)| {
        let cannot = |cause| Error::io("read", path, cause);
        read_stretches(&file, &description, grid.cells, &part, field).map_err(cannot)?;
        check_finite(path, &part, field)
    });
    agree(comm, outcome)
}

fn open_state(path: &Path, grid: &UniformGrid) -> Result<(File, Description)> {
    let expected: Vec<usize> = grid.cells[..grid.dimensions].iter().rev().copied().collect();
    open(path, &[("<f8", 8), ("<f4", 4)], &expected)
}

/// Reads by lines along the file's fastest axis; lines that follow each other in the file are read together.
fn read_stretches(
    file: &File,
    description: &Description,
    cells: [usize; 3],
    part: &Subdomain,
    field: &mut Field,
) -> std::io::Result<()> {
    let [fast, middle, slow] = file_axes(description.fortran, cells);
    let width = if description.kind == "<f4" { 4 } else { 8 };
    let (line, lines) = (cells[fast], (STRETCH / width / cells[fast]).max(1));
    let mut buffer = Vec::new();
    for s in 0..part.cells[slow] {
        for m in (0..part.cells[middle]).step_by(lines) {
            let count = lines.min(part.cells[middle] - m);
            let first = part.start[fast] + line * (part.start[middle] + m + cells[middle] * (part.start[slow] + s));
            buffer.resize(((count - 1) * line + part.cells[fast]) * width, 0);
            file.read_exact_at(&mut buffer, description.data + (first * width) as u64)?;
            for n in 0..count {
                let values = &buffer[n * line * width..][..part.cells[fast] * width];
                let mut cell = [0; 3];
                (cell[middle], cell[slow]) = ((m + n) as isize, s as isize);
                store(field, cell, fast, values, width);
            }
        }
    }
    Ok(())
}

/// Axes of the grid from the file's fastest to its slowest. An axis of one cell (z of a plate) may stand anywhere.
fn file_axes(fortran: bool, cells: [usize; 3]) -> [usize; 3] {
    match (fortran, cells[2]) {
        (false, _) => [0, 1, 2],
        (true, 1) => [1, 0, 2],
        (true, _) => [2, 1, 0],
    }
}

fn store(field: &mut Field, first: [isize; 3], axis: usize, bytes: &[u8], width: usize) {
    let (start, stride) = (field.layout().index(first), field.layout().strides[axis]);
    let cells = field.values_mut()[start..].iter_mut().step_by(stride);
    match width {
        4 => cells.zip(bytes.as_chunks().0).for_each(|(cell, b)| *cell = f64::from(f32::from_le_bytes(*b))),
        _ => cells.zip(bytes.as_chunks().0).for_each(|(cell, b)| *cell = f64::from_le_bytes(*b)),
    }
}

fn check_finite(path: &Path, part: &Subdomain, field: &Field) -> Result<()> {
    let found = field.view().indexed_iter().find(|(_, value)| !value.is_finite()).map(|(at, value)| (at, *value));
    let Some(((k, j, i), value)) = found else { return Ok(()) };
    let [x, y, z] = [i + part.start[0], j + part.start[1], k + part.start[2]];
    let name = path.display();
    Err(Error::Input(format!(
        "{name}: the value of cell x = {x}, y = {y}, z = {z} is {value}; temperatures must be finite"
    )))
}

#[cfg(test)]
#[path = "npy_tests.rs"]
mod tests;
