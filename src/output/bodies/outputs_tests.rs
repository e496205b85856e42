//! All files of a run read back, and the same bytes for every shape.

use super::*;
use crate::bytes;
use crate::comm::solo::Solo;
use crate::comm::threads;
use crate::nbody::problem::{Gravity, NBodyProblem, Softening, UnitSystem};
use crate::output::bodies::render::{BodyRender, render};
use crate::run_config::{BodyFormat, CheckpointPlan, DensityPlan, TimePlan, TimeStep, Until};
use std::fs;
use std::path::PathBuf;

const BODIES: u64 = 2500;

struct Sample {
    bodies: Particles,
    seconds: f64,
}

impl BodyState for Sample {
    fn bodies(&mut self) -> &Particles {
        &self.bodies
    }

    fn add_output_seconds(&mut self, seconds: f64) {
        self.seconds += seconds;
    }

    fn add_diagnostics_seconds(&mut self, seconds: f64) {
        self.seconds += seconds;
    }
}

fn run(formats: &[BodyFormat]) -> NBodyRun {
    let gravity = Gravity { softening: Softening::Plummer(0.01), ..Gravity::default() };
    NBodyRun {
        title: "two clouds".into(),
        case: "sample".into(),
        problem: NBodyProblem { units: UnitSystem::Galactic, gravity, ..NBodyProblem::default() },
        time: TimePlan { dt: TimeStep::Fixed(0.5), until: Until::Steps(2), allow_unstable: false },
        output: NBodyOutputPlan {
            diagnostics_every: 1,
            snapshot_every: 2,
            snapshot_formats: formats.to_vec(),
            frames_every: 1,
            frames: DensityPlan { pixels: 120, ..DensityPlan::default() },
        },
        checkpoint: CheckpointPlan::never(),
        resolved: String::new(),
        warnings: Vec::new(),
    }
}

/// Two clouds, `shift` further apart.
fn clouds(count: u64, shift: f64) -> Particles {
    let mut bodies = Particles::default();
    let wave = |n: u64, k: f64| (n as f64 * k).sin() * (n as f64 * 0.37).cos();
    for n in 0..count {
        let side = if n % 2 == 0 { 1.0 + shift } else { -1.0 - shift };
        let position = [side + wave(n, 1.3), wave(n, 2.7), wave(n, 0.41)];
        bodies.push(n, 5 * n + 3, 1.0 + (n % 4) as f64, position, [wave(n, 0.9), -side, 0.5]);
        bodies.potential[n as usize] = -1.0 - wave(n, 3.1);
        bodies.acceleration[2][n as usize] = wave(n, 4.3);
    }
    bodies
}

/// Runs two steps with `own` of the bodies on each rank, and returns the directory.
fn write(
    run: &NBodyRun,
    count: u64,
    size: usize,
    owner: impl Fn(u64) -> usize + Sync,
) -> (tempfile::TempDir, NBodyFinished) {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("frames")).unwrap();
    let mut finished = threads::run(size, |comm: &dyn Communicator| {
        let progress = Progress::new(2, (count as f64, "body"), false);
        let mut outputs = NBodyOutputs::new(comm, run, directory.path(), progress).unwrap();
        for step in 0..=2 {
            let all = clouds(count, 0.5 * step as f64);
            let scrambled = (0..count as u32).map(|n| (n * 7 + 3) % count as u32);
            let own: Vec<u32> = scrambled.filter(|n| owner(u64::from(*n)) == comm.rank()).collect();
            let mut model = Sample { bodies: all.reordered(&own), seconds: 0.0 };
            let time = 0.5 * step as f64;
            outputs.observe(&mut Moment { model: &mut model, step, time, last: step == 2 }).unwrap();
            assert!(model.seconds > 0.0);
        }
        outputs.finish().unwrap()
    });
    (directory, finished.swap_remove(0))
}

fn files(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        match entry.is_dir() {
            true => found.extend(files(&entry)),
            false => found.push((entry.clone(), fs::read(&entry).unwrap())),
        }
    }
    found.sort();
    found
}

/// Contents by the path in the directory.
fn contents(directory: &tempfile::TempDir) -> Vec<(PathBuf, Vec<u8>)> {
    let relative = |path: PathBuf| path.strip_prefix(directory.path()).unwrap().to_owned();
    files(directory.path()).into_iter().map(|(path, bytes)| (relative(path), bytes)).collect()
}

#[test]
fn every_distribution_writes_the_same_bytes() {
    let run = run(&[BodyFormat::Npy]);
    let (directory, _) = write(&run, BODIES, 1, |_| 0);
    let expected = contents(&directory);
    assert_eq!(expected.len(), 1 + 3 + 1 + 1 + 2 * 6, "log, frames, animation, times, arrays");
    for size in 2..=5 {
        // Dealt one by one; all on the last rank.
        let (dealt, _) = write(&run, BODIES, size, |n| n as usize % size);
        assert!(contents(&dealt) == expected, "dealt to {size} ranks");
    }
    let (last, _) = write(&run, BODIES, 3, |_| 2);
    assert!(contents(&last) == expected, "all on the last rank");
}

#[test]
fn arrays_are_in_the_order_of_ids() {
    let (directory, finished) = write(&run(&[BodyFormat::Npy]), BODIES, 3, |n| (n / 7) as usize % 3);
    let all = clouds(BODIES, 1.0);
    let path = |name: &str| directory.path().join("snapshots/00000002").join(name);
    let vectors = |name: &str| -> ndarray::Array2<f64> { ndarray_npy::read_npy(path(name)).unwrap() };
    let scalars = |name: &str| -> ndarray::Array1<f64> { ndarray_npy::read_npy(path(name)).unwrap() };
    let ids: ndarray::Array1<u64> = ndarray_npy::read_npy(path("ids.npy")).unwrap();
    assert_eq!(ids.to_vec(), all.id);
    for (name, expected) in
        [("positions.npy", &all.position), ("velocities.npy", &all.velocity), ("accelerations.npy", &all.acceleration)]
    {
        let values = vectors(name);
        (0..3).for_each(|axis| assert_eq!(values.column(axis).to_vec(), expected[axis], "{name}"));
    }
    assert_eq!(scalars("masses.npy").to_vec(), all.mass);
    assert_eq!(scalars("potentials.npy").to_vec(), all.potential);
    let times = fs::read_to_string(directory.path().join("snapshots/times.csv")).unwrap();
    assert_eq!(times, "step,time (kpc/(km/s))\n0,0.0\n2,1.0\n");
    let written: u64 = contents(&directory).iter().map(|(_, bytes)| bytes.len() as u64).sum();
    let small = fs::metadata(directory.path().join("diagnostics.csv")).unwrap().len() + times.len() as u64;
    assert_eq!(finished.bytes, written - small);
}

#[test]
fn the_log_has_the_figures_with_units() {
    let (directory, finished) = write(&run(&[]), BODIES, 2, |n| (n > 100).into());
    let mut reader = csv::Reader::from_path(directory.path().join("diagnostics.csv")).unwrap();
    let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(
        names[..4],
        ["step", "time [kpc/(km/s)]", "kinetic [1e10 Msun (km/s)^2]", "potential [1e10 Msun (km/s)^2]"]
    );
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.unwrap()).collect();
    assert_eq!(rows.len(), 3);
    let last = finished.last.unwrap();
    let value = |name: &str| rows[2][names.iter().position(|n| n.starts_with(name)).unwrap()].to_owned();
    assert_eq!(value("kinetic").parse::<f64>().unwrap(), last.kinetic);
    assert_eq!(value("radius_90 [kpc]").parse::<f64>().unwrap(), last.lagrangian_radii[2]);
    assert_eq!(value("closest_id_b"), last.closest.unwrap().ids[1].to_string());
    let start = BodyMeter::default().measure(&clouds(BODIES, 0.0), 0, 0.0, &Solo).unwrap();
    assert_eq!((finished.first.unwrap(), last.step), (StartFigures::from(&start), 2));
}

#[test]
fn frames_and_animation_decode() {
    let (directory, _) = write(&run(&[]), BODIES, 2, |n| (n % 3 == 0).into());
    for (name, frames) in [("frame_00000000.png", 1), ("frame_00000002.png", 1), ("animation.png", 3)] {
        let file = fs::File::open(directory.path().join("frames").join(name)).unwrap();
        let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().unwrap();
        assert_eq!(reader.info().animation_control().map_or(1, |control| control.num_frames), frames);
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        // The bottom of the colour map where nothing is, and the top where most is.
        assert!(pixels.contains(&16) && pixels.iter().any(|ink| *ink > 200), "{name}");
    }
}

#[test]
fn a_rendered_run_looks_as_it_did() {
    let run = run(&[BodyFormat::Npy]);
    let (directory, _) = write(&run, BODIES, 2, |n| (n % 3 == 0).into());
    let output = Some(directory.path().join("again"));
    let options = BodyRender { title: run.title, units: UnitSystem::Galactic, plan: run.output.frames, output };
    let written = render(directory.path(), &options).unwrap();
    assert_eq!(written.len(), 3);
    for step in [0, 2] {
        let name = format!("frame_{step:08}.png");
        let read = |place: &str| fs::read(directory.path().join(place).join(&name)).unwrap();
        assert!(read("again") == read("frames"), "{name}");
    }
    fs::write(directory.path().join("snapshots/00000002/positions.npy"), b"no array").unwrap();
    assert_eq!(render(directory.path(), &options).unwrap_err().exit_code(), 2);
}

/// Blocks of a piece: the data behind the offsets of its arrays, in the order of the file.
fn blocks(piece: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(piece);
    let offsets = text.split("offset=\"").skip(1).map(|rest| rest.split('"').next().unwrap().parse::<usize>().unwrap());
    let marker = b"encoding=\"raw\">\n   _";
    let start = piece.windows(marker.len()).position(|w| w == marker).unwrap() + marker.len();
    let block = |offset: usize| {
        let at = start + offset;
        let length = u64::from_le_bytes(*piece[at..].first_chunk().unwrap()) as usize;
        piece[at + 8..at + 8 + length].to_vec()
    };
    offsets.map(block).collect()
}

#[test]
fn pieces_for_paraview_join_to_all_bodies() {
    let all = clouds(BODIES, 1.0);
    for size in [1, 3] {
        let (directory, _) = write(&run(&[BodyFormat::Vtp]), BODIES, size, |n| (n / 900) as usize % size);
        let place = directory.path().join("snapshots/00000002");
        let pieces: Vec<Vec<Vec<u8>>> =
            (0..size).map(|rank| blocks(&fs::read(place.join(format!("bodies_{rank}.vtp"))).unwrap())).collect();
        let joined = |array: usize| pieces.iter().flat_map(|blocks| blocks[array].clone()).collect::<Vec<u8>>();
        let points: Vec<f64> = bytes::decode(&joined(0)).collect();
        assert_eq!(points.len(), 3 * BODIES as usize);
        assert!((0..BODIES as usize).all(|n| points[3 * n..3 * n + 3] == all.position_of(n)));
        for (array, expected) in [(1, &all.velocity), (2, &all.acceleration)] {
            let values: Vec<f64> = bytes::decode(&joined(array)).collect();
            let expected = (0..3 * BODIES as usize).map(|n| expected[n % 3][n / 3]);
            assert!(values.into_iter().eq(expected), "array {array}");
        }
        assert!(bytes::decode(&joined(3)).eq(all.mass.iter().copied()));
        assert!(bytes::decode(&joined(4)).eq(all.potential.iter().copied()));
        let ids = joined(5);
        assert!(ids.as_chunks().0.iter().map(|id| u64::from_le_bytes(*id)).eq(all.id.iter().copied()));
        for piece in &pieces {
            assert_eq!((piece.len(), piece[6].len() / 8, piece[5].len()), (8, piece[5].len() / 8, piece[4].len()));
        }
        let index = fs::read_to_string(place.join("bodies.pvtp")).unwrap();
        assert_eq!(index.matches("<Piece Source=").count(), size);
        assert!(
            fs::read_to_string(directory.path().join("snapshots/bodies.pvd"))
                .unwrap()
                .contains("00000002/bodies_0.vtp")
        );
    }
}

#[test]
fn one_body_on_five_ranks_has_all_files() {
    let (directory, finished) = write(&run(&[BodyFormat::Npy, BodyFormat::Vtp]), 1, 5, |_| 3);
    let positions: ndarray::Array2<f64> =
        ndarray_npy::read_npy(directory.path().join("snapshots/00000000/positions.npy")).unwrap();
    assert_eq!(positions.dim(), (1, 3));
    assert!(directory.path().join("snapshots/00000000/bodies_4.vtp").exists());
    assert!(finished.last.unwrap().closest.is_none());
}

#[cfg(not(feature = "hdf5"))]
#[test]
fn a_build_without_hdf5_says_so_before_it_writes() {
    let directory = tempfile::tempdir().unwrap();
    let progress = Progress::new(2, (1.0, "body"), false);
    let error = NBodyOutputs::new(&Solo, &run(&[BodyFormat::Gadget]), directory.path(), progress).err().unwrap();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("--features hdf5"), "{error}");
    assert!(files(directory.path()).is_empty());
}

#[cfg(feature = "hdf5")]
#[test]
fn hdf5_files_join_to_all_bodies() {
    use hdf5_metno::File;
    let all = clouds(BODIES, 1.0);
    let (directory, _) = write(&run(&[BodyFormat::Gadget]), BODIES, 3, |n| (n / 900) as usize % 3);
    let (mut ids, mut z, mut potential) = (Vec::new(), Vec::new(), Vec::new());
    for rank in 0..3 {
        let path = directory.path().join(format!("snapshots/00000002/snapshot_00000002.{rank}.hdf5"));
        let file = File::open(path).unwrap();
        let list = |name: &str| file.group("Header").unwrap().attr(name).unwrap().read_raw::<u32>().unwrap();
        assert_eq!(list("NumPart_Total"), [0, BODIES as u32, 0, 0, 0, 0]);
        let own: Vec<u64> = file.dataset("PartType1/ParticleIDs").unwrap().read_raw().unwrap();
        assert_eq!(list("NumPart_ThisFile")[1] as usize, own.len());
        ids.extend(own);
        let places: ndarray::Array2<f64> = file.dataset("PartType1/Coordinates").unwrap().read_2d().unwrap();
        z.extend(places.column(2).to_vec());
        potential.extend(file.dataset("PartType1/Potential").unwrap().read_raw::<f64>().unwrap());
        let unit = |name: &str| file.group("Units").unwrap().attr(name).unwrap().read_scalar::<f64>().unwrap();
        assert_eq!(unit("UnitLength_in_cm"), 3.085677581491367e21);
        assert_eq!(unit("UnitVelocity_in_cm_per_s"), 1e5);
    }
    assert_eq!((ids, z, potential), (all.id.clone(), all.position[2].clone(), all.potential.clone()));
}

#[cfg(feature = "hdf5")]
#[test]
fn ranks_without_bodies_write_empty_hdf5_files() {
    let _ = Solo;
    let (directory, _) = write(&run(&[BodyFormat::Gadget]), 1, 4, |_| 2);
    let file = hdf5_metno::File::open(directory.path().join("snapshots/00000002/snapshot_00000002.3.hdf5")).unwrap();
    assert_eq!(file.dataset("PartType1/Coordinates").unwrap().shape(), [0, 3]);
}
