//! What all outputs together leave in a run directory. The directories stay below the target directory's `tmp/`, where
//! `tests/interop.py` opens them with numpy and VTK.

use parhelion::comm::{Communicator, threads};
use parhelion::decomposition::CartesianDecomposition;
use parhelion::field::{Field, Layout};
use parhelion::grid::UniformGrid;
use parhelion::output::diagnostics::DiagnosticsWriter;
use parhelion::output::render::{RenderOptions, render};
use parhelion::output::run_directory::Entry;
use parhelion::output::{FrameWriter, RunDirectory, Snapshot, SnapshotWriter};
use parhelion::run_config::{Colormap, FramePlan, SnapshotFormat};
use std::fs;
use std::path::{Path, PathBuf};

const STEPS: [u64; 4] = [0, 10, 20, 30];

struct Case {
    name: &'static str,
    cells: Vec<usize>,
    size: Vec<f64>,
    dims: [usize; 3],
    colormap: Colormap,
}

impl Case {
    fn grid(&self) -> UniformGrid {
        UniformGrid::new(&self.cells, &self.size)
    }

    fn directory(&self) -> PathBuf {
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(self.name)
    }

    fn deck(&self) -> String {
        let (name, cells, size) = (self.name, &self.cells, &self.size);
        format!("title = \"{name}\"\nphysics = \"heat\"\n[grid]\ncells = {cells:?}\nsize = {size:?}\n")
    }
}

/// A hot spot that wanders, different along every axis.
fn temperature(grid: &UniformGrid, cell: [usize; 3], time: f64) -> f64 {
    let at = grid.center(cell);
    let relative: [f64; 3] = std::array::from_fn(|a| at[a] / grid.length(a));
    let center = [0.2 + 0.15 * time, 0.5 + 0.1 * time, 0.5];
    let distance: f64 = (0..grid.dimensions).map(|a| (relative[a] - center[a]).powi(2)).sum();
    20.0 + 80.0 * (-distance / 0.03).exp() + 5.0 * relative[0] + 3.0 * relative[2]
}

fn fill(field: &mut Field, grid: &UniformGrid, start: [usize; 3], time: f64) {
    for ((k, j, i), value) in field.view_mut().indexed_iter_mut() {
        *value = temperature(grid, [i + start[0], j + start[1], k + start[2]], time);
    }
}

fn run(case: &Case) -> PathBuf {
    let (grid, path) = (case.grid(), case.directory());
    let _ = fs::remove_dir_all(&path);
    let ranks = case.dims.iter().product();
    let decomposition = CartesianDecomposition::new(grid.cells, [false; 3], ranks, Some(case.dims)).unwrap();
    threads::run(ranks, |comm: &dyn Communicator| run_rank(case, &grid, &decomposition, comm));
    path
}

fn run_rank(case: &Case, grid: &UniformGrid, decomposition: &CartesianDecomposition, comm: &dyn Communicator) {
    let directory = RunDirectory::open(comm, &case.directory(), &case.deck(), Entry::New).unwrap();
    let plan = FramePlan { axis: 2, position: None, range: None, colormap: case.colormap, pixels: 480 };
    let mut frames = FrameWriter::new(directory.path(), case.name, "\u{b0}C", &plan);
    let mut snapshots = SnapshotWriter::new(directory.path(), &[SnapshotFormat::Npy, SnapshotFormat::Vti]);
    let mut diagnostics = DiagnosticsWriter::create(comm, directory.path()).unwrap();
    let part = decomposition.subdomain(comm.rank());
    let mut field = Field::zeros(Layout::new(part.cells, [[1, 2]; 3]));
    for step in STEPS {
        let time = step as f64 * 0.1;
        fill(&mut field, grid, part.start, time);
        let snapshot = Snapshot { grid, decomposition, field: &field, comm, step, time };
        assert!(snapshots.write(&snapshot).unwrap() > 16 * grid.cell_count() as u64);
        assert_eq!(snapshots.write(&snapshot).unwrap(), 0);
        frames.write(&snapshot).unwrap();
        diagnostics.row(comm, &[("step", step as f64), ("time (s)", time)]).unwrap();
    }
    assert_eq!(frames.finish(comm).unwrap().is_some(), comm.rank() == 0);
    diagnostics.finish(comm).unwrap();
}

fn names(path: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn assert_complete(path: &Path, ranks: usize) {
    assert_eq!(names(path), ["deck.toml", "diagnostics.csv", "frames", "snapshots"]);
    let snapshots = ["00000000", "00000010", "00000020", "00000030", "temperature.pvd", "times.csv"];
    assert_eq!(names(&path.join("snapshots")), snapshots);
    assert_eq!(names(&path.join("snapshots/00000010")).len(), ranks + 2);
    assert_eq!(names(&path.join("frames")).len(), STEPS.len() + 1);
    assert_eq!(fs::read_to_string(path.join("diagnostics.csv")).unwrap().lines().count(), STEPS.len() + 1);
}

#[test]
fn a_solid_on_eight_ranks() {
    let case = Case {
        name: "outputs_solid",
        cells: vec![22, 17, 13],
        size: vec![0.22, 0.34, 0.065],
        dims: [2, 2, 2],
        colormap: Colormap::Viridis,
    };
    let path = run(&case);
    assert_complete(&path, 8);
    assert_renders_alike(&path);
}

/// The pictures of a run are the same from `.npy` and from the pieces, whatever the axis.
fn assert_renders_alike(path: &Path) {
    let output = tempfile::tempdir().unwrap();
    let copy = output.path().join("without_npy");
    fs::create_dir_all(copy.join("snapshots/00000010")).unwrap();
    fs::copy(path.join("deck.toml"), copy.join("deck.toml")).unwrap();
    fs::copy(path.join("snapshots/times.csv"), copy.join("snapshots/times.csv")).unwrap();
    for name in names(&path.join("snapshots/00000010")).iter().filter(|name| !name.ends_with(".npy")) {
        let [from, to] = [path, &copy].map(|run| run.join("snapshots/00000010").join(name));
        fs::copy(from, to).unwrap();
    }
    for axis in 0..3 {
        let range = Some([20.0, 100.0]);
        let options = |name: &str| {
            let output = Some(output.path().join(format!("{name}{axis}")));
            RenderOptions { axis: Some(axis), range, pixels: 200, output, ..RenderOptions::default() }
        };
        let all = render(path, &options("all")).unwrap();
        let one = render(&copy, &options("one")).unwrap();
        assert_eq!((all.len(), one.len()), (STEPS.len() + 1, 1));
        assert!(fs::read(&all[1]).unwrap() == fs::read(&one[0]).unwrap(), "axis {axis}");
    }
}

#[test]
fn what_cannot_be_rendered_is_explained() {
    let empty = tempfile::tempdir().unwrap();
    let message = || {
        let error = render(empty.path(), &RenderOptions { axis: Some(1), ..RenderOptions::default() }).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        error.to_string()
    };
    assert!(message().contains("no deck.toml"));
    fs::write(empty.path().join("deck.toml"), "[grid]\ncells = [4, 4]\nsize = [1, -1]\n").unwrap();
    assert!(message().contains("positive numbers"));
    fs::write(empty.path().join("deck.toml"), "[grid]\ncells = [4, 4]\nsize = [1, 1]\n").unwrap();
    assert!(message().contains("no snapshots"));
    fs::create_dir_all(empty.path().join("snapshots/00000001")).unwrap();
    assert!(message().contains("only one slice"));
}

#[test]
fn a_plate_on_six_ranks() {
    let case = Case {
        name: "outputs_plate",
        cells: vec![150, 100],
        size: vec![0.03, 0.02],
        dims: [3, 2, 1],
        colormap: Colormap::Inferno,
    };
    assert_complete(&run(&case), 6);
}

#[test]
fn a_slim_bar_on_one_rank() {
    let case = Case {
        name: "outputs_bar",
        cells: vec![400, 4],
        size: vec![4.0, 0.04],
        dims: [1, 1, 1],
        colormap: Colormap::Magma,
    };
    assert_complete(&run(&case), 1);
}
