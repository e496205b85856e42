//! Tests of [`super`] against files made by ndarray-npy, and of the round trip through [`crate::output::npy`].

use super::*;
use crate::comm::threads;
use crate::field::Layout;
use crate::output::{Snapshot, npy as writer};
use ndarray::{Array, Array2, Array3, ShapeBuilder};
use ndarray_npy::write_npy;
use std::path::PathBuf;

const SHAPES: [[usize; 3]; 7] = [[1, 1, 1], [2, 1, 1], [1, 2, 1], [1, 1, 3], [3, 2, 1], [2, 2, 2], [1, 3, 2]];

fn value(i: usize, j: usize, k: usize) -> f64 {
    i as f64 + 100.0 * j as f64 + 1e4 * k as f64 + 0.25
}

fn file(directory: &tempfile::TempDir, name: &str) -> PathBuf {
    directory.path().join(name)
}

/// Reads on every shape and compares all cells with [`value`].
fn assert_reads_back(path: &Path, grid: &UniformGrid) {
    for dims in SHAPES.into_iter().filter(|dims| (0..3).all(|a| dims[a] <= grid.cells[a])) {
        let ranks = dims.iter().product();
        let decomposition = CartesianDecomposition::new(grid.cells, [false; 3], ranks, Some(dims)).unwrap();
        threads::run(ranks, |comm: &dyn Communicator| {
            let part = decomposition.subdomain(comm.rank());
            let mut field = Field::zeros(Layout::new(part.cells, [[1, 2]; 3]));
            read_part(path, grid, &decomposition, comm, &mut field).unwrap();
            for ((k, j, i), found) in field.view().indexed_iter() {
                assert_eq!(*found, value(i + part.start[0], j + part.start[1], k + part.start[2]), "{dims:?}");
            }
        });
    }
}

#[test]
fn both_orders_and_both_widths_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(&directory, "state.npy");
    let solid = UniformGrid::new(&[5, 4, 3], &[1.0; 3]);
    let plate = UniformGrid::new(&[5, 4], &[1.0; 2]);
    for fortran in [false, true] {
        let cube: Array3<f64> = Array::from_shape_fn((3, 4, 5).set_f(fortran), |(k, j, i)| value(i, j, k));
        write_npy(&path, &cube).unwrap();
        assert_reads_back(&path, &solid);
        write_npy(&path, &cube.mapv(|v| v as f32)).unwrap();
        assert_reads_back(&path, &solid);
        let sheet: Array2<f64> = Array::from_shape_fn((4, 5).set_f(fortran), |(j, i)| value(i, j, 0));
        write_npy(&path, &sheet).unwrap();
        assert_reads_back(&path, &plate);
    }
}

#[test]
fn what_is_written_on_any_shape_is_one_file() {
    let directory = tempfile::tempdir().unwrap();
    for cells in [vec![5, 4, 3], vec![7, 9]] {
        let grid = UniformGrid::new(&cells, &vec![1.0; cells.len()]);
        let files: Vec<Vec<u8>> = (SHAPES.into_iter().filter(|dims| (0..3).all(|a| dims[a] <= grid.cells[a])))
            .map(|dims| {
                let path = file(&directory, &format!("{dims:?}.npy"));
                write_on(&grid, dims, &path);
                assert_reads_back(&path, &grid);
                fs::read(path).unwrap()
            })
            .collect();
        assert!(files.iter().all(|bytes| *bytes == files[0]));
        assert_eq!(files[0].len(), 128 + 8 * grid.cell_count());
    }
}

fn write_on(grid: &UniformGrid, dims: [usize; 3], path: &Path) {
    let ranks = dims.iter().product();
    let decomposition = &CartesianDecomposition::new(grid.cells, [false; 3], ranks, Some(dims)).unwrap();
    threads::run(ranks, |comm: &dyn Communicator| {
        let part = decomposition.subdomain(comm.rank());
        let mut field = Field::zeros(Layout::new(part.cells, [[2, 1]; 3]));
        for ((k, j, i), cell) in field.view_mut().indexed_iter_mut() {
            *cell = value(i + part.start[0], j + part.start[1], k + part.start[2]);
        }
        writer::write(&Snapshot { grid, decomposition, field: &field, comm, step: 1, time: 0.5 }, path).unwrap();
    });
}

fn message(path: &Path, cells: &[usize]) -> String {
    let grid = UniformGrid::new(cells, &vec![1.0; cells.len()]);
    let decomposition = CartesianDecomposition::new(grid.cells, [false; 3], 2, None).unwrap();
    let errors = threads::run(2, |comm: &dyn Communicator| {
        let mut field = Field::zeros(Layout::new(decomposition.subdomain(comm.rank()).cells, [[0; 2]; 3]));
        read_part(path, &grid, &decomposition, comm, &mut field).unwrap_err()
    });
    assert_eq!(errors[0].to_string(), errors[1].to_string());
    assert_eq!(errors[0].exit_code(), 2);
    errors[0].to_string()
}

#[test]
fn bad_files_are_named_with_the_fix() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(&directory, "bad.npy");
    assert!(message(&path, &[2, 3]).contains("No such file"));
    assert!(message(directory.path(), &[2, 3]).contains("not a regular file"));
    fs::write(&path, "hello, this is text").unwrap();
    assert!(message(&path, &[2, 3]).contains("numpy.save"));
    write_npy(&path, &Array2::<f64>::zeros((2, 3))).unwrap();
    assert!(message(&path, &[2, 3]).contains("shape (2, 3) but the grid needs (3, 2)"));
    assert!(message(&path, &[2, 3]).contains("array.T"));
    write_npy(&path, &Array2::<i64>::zeros((3, 2))).unwrap();
    assert!(message(&path, &[2, 3]).contains("'<i8' but expected <f8 or <f4"));
}

#[test]
fn truncated_and_hostile_headers_are_refused_without_allocation() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(&directory, "bad.npy");
    write_npy(&path, &Array2::<f64>::zeros((3, 2))).unwrap();
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert!(message(&path, &[2, 3]).contains("truncated: its header promises 176 bytes, it has 175"));
    fs::write(&path, &whole[..60]).unwrap();
    assert!(message(&path, &[2, 3]).contains("truncated inside its header"));
    fs::write(&path, b"\x93NUMPY\x02\x00\xff\xff\xff\xff{").unwrap();
    assert!(message(&path, &[2, 3]).contains("4294967295 bytes"));
    let nested = [b"\x93NUMPY\x01\x00\x80\x03".to_vec(), vec![b'('; 0x380]].concat();
    fs::write(&path, nested).unwrap();
    assert!(message(&path, &[2, 3]).contains("cannot be understood"));
}

/// Found by fuzzing: each of these kept the parser for longer than anybody waits.
#[test]
fn brackets_within_brackets_are_refused_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(&directory, "nested.npy");
    for (open, close) in [("[", ""), ("{", ""), ("(", ")"), ("{1:", ""), ("('a',", ""), ("((1,2),", ""), ("[", "]")] {
        let text = format!("{}{}\n", open.repeat(60), close.repeat(60));
        let header = [b"\x93NUMPY\x01\x00", (text.len() as u16).to_le_bytes().as_slice(), text.as_bytes()].concat();
        fs::write(&path, header).unwrap();
        assert!(message(&path, &[2, 3]).contains("brackets within brackets"), "{open}");
    }
}

#[test]
fn a_nan_is_named_by_its_cell() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(&directory, "nan.npy");
    let mut sheet = Array2::<f64>::zeros((3, 2));
    sheet[[2, 1]] = f64::NAN;
    write_npy(&path, &sheet).unwrap();
    assert!(message(&path, &[2, 3]).contains("cell x = 1, y = 2, z = 0 is NaN"));
}
