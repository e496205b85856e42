//! Tests of [`super`]: who gets a directory, and what is left in it.

use super::*;
use crate::comm::{solo::Solo, threads};

fn entry(overwrite: bool) -> Entry {
    if overwrite { Entry::Replace } else { Entry::New }
}

fn open(path: &Path, overwrite: bool) -> Result<RunDirectory> {
    RunDirectory::open(&Solo, path, "title = \"x\"\n", entry(overwrite))
}

fn touch(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "content").unwrap();
}

#[test]
fn a_new_directory_is_made_with_its_parents_and_left_unlocked() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("outputs/case");
    let directory = open(&path, false).unwrap();
    assert!(path.join("snapshots").is_dir() && path.join("frames").is_dir() && path.join(LOCK).is_file());
    assert!(fs::read_to_string(path.join(DECK)).unwrap().ends_with("title = \"x\"\n"));
    drop(directory);
    assert!(!path.join(LOCK).exists());
}

#[test]
fn a_live_run_keeps_others_out_and_is_named() {
    let root = tempfile::tempdir().unwrap();
    let _live = open(root.path(), false).unwrap();
    for overwrite in [false, true] {
        let error = open(root.path(), overwrite).unwrap_err();
        assert_eq!(error.exit_code(), 6);
        let text = error.to_string();
        assert!(text.contains(&format!("process {}", std::process::id())) && text.contains("host "), "{text}");
    }
}

#[test]
fn a_stale_lock_of_a_dead_run_does_not_block() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join(LOCK), "host gone, process 1\n").unwrap();
    open(root.path(), false).unwrap();
}

#[test]
fn another_run_is_kept_unless_overwritten() {
    let root = tempfile::tempdir().unwrap();
    drop(open(root.path(), false).unwrap());
    fs::write(root.path().join("report.json"), r#"{"status": "done"}"#).unwrap();
    let error = open(root.path(), false).unwrap_err();
    assert_eq!(error.exit_code(), 6);
    assert!(error.to_string().contains("status: done") && error.to_string().contains("--overwrite"), "{error}");
    assert!(root.path().join("report.json").exists());
    open(root.path(), true).unwrap();
    assert!(!root.path().join("report.json").exists());
}

#[test]
fn overwriting_removes_our_files_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("case");
    drop(open(&path, false).unwrap());
    let ours = [
        "report.json",
        "diagnostics.csv",
        "snapshots/temperature.pvd",
        "snapshots/times.csv",
        "snapshots/00000010/temperature.npy",
        "snapshots/00000010/.temperature.npy.tmp",
        "snapshots/123456789/temperature_12.vti",
        "snapshots/bodies.pvd",
        "snapshots/00000020/positions.npy",
        "snapshots/00000020/.ids.npy.tmp",
        "snapshots/00000020/bodies.pvtp",
        "snapshots/00000020/bodies_3.vtp",
        "snapshots/00000020/snapshot_00000020.11.hdf5",
        "frames/frame_00000010.png",
        "frames/animation.png",
    ];
    let theirs = [
        "snapshots/00000010/energy.npy",
        "snapshots/00000010/snapshot_final.0.hdf5",
        "notes.md",
        "snapshots/00000010/analysis.py",
        "frames/frame_best.png",
        "frames/paper/a.png",
    ];
    ours.iter().chain(&theirs).for_each(|name| touch(&path.join(name)));
    open(&path, true).unwrap();
    assert!(ours.iter().all(|name| !path.join(name).exists()));
    assert!(theirs.iter().all(|name| path.join(name).exists()));
    assert!(!path.join("snapshots/123456789").exists() && path.join(DECK).exists());
}

#[test]
fn links_are_not_followed_when_removing() {
    let root = tempfile::tempdir().unwrap();
    let (path, elsewhere) = (root.path().join("case"), root.path().join("elsewhere/frame_00000001.png"));
    drop(open(&path, false).unwrap());
    touch(&elsewhere);
    fs::remove_dir(path.join("frames")).unwrap();
    std::os::unix::fs::symlink(root.path().join("elsewhere"), path.join("frames")).unwrap();
    assert_eq!(open(&path, true).unwrap_err().exit_code(), 6);
    assert!(elsewhere.exists());
}

#[test]
fn a_link_or_another_kind_of_file_under_a_name_of_ours_is_refused_before_anything_is_touched() {
    let root = tempfile::tempdir().unwrap();
    let victim = root.path().join("victim");
    let files = ["deck.toml", ".deck.toml.tmp", "report.json", ".report.json.tmp", "diagnostics.csv", "run.lock"];
    for name in files.iter().chain(&DIRECTORIES) {
        let path = root.path().join(format!("run of {name}"));
        drop(open(&path, true).unwrap());
        // What a link at deck.toml leads to may look like the deck of a run.
        fs::write(&victim, format!("{MARK}\n")).unwrap();
        let place = path.join(name);
        let _ = fs::remove_file(&place).or_else(|_| fs::remove_dir(&place));
        std::os::unix::fs::symlink(&victim, &place).unwrap();
        for overwrite in [false, true] {
            let error = open(&path, overwrite).unwrap_err();
            assert!(error.exit_code() == 6 && error.to_string().contains(name), "{name}: {error}");
        }
        assert_eq!(earlier(&path).unwrap_err().exit_code(), 6, "{name}");
        assert_eq!(fs::read_to_string(&victim).unwrap(), format!("{MARK}\n"), "{name}");
    }
    let path = root.path().join("with a pipe");
    drop(open(&path, true).unwrap());
    assert!(std::process::Command::new("mkfifo").arg(path.join("report.json")).status().unwrap().success());
    assert_eq!(open(&path, true).unwrap_err().exit_code(), 6);
}

#[test]
fn a_foreign_directory_is_refused_even_with_overwrite() {
    let root = tempfile::tempdir().unwrap();
    let deck = root.path().join(DECK);
    fs::write(&deck, "title = \"my own deck\"\n").unwrap();
    for overwrite in [false, true] {
        let error = open(root.path(), overwrite).unwrap_err();
        assert_eq!(error.exit_code(), 6);
        assert!(error.to_string().contains("deck.toml") && error.to_string().contains("--output"), "{error}");
    }
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(deck).unwrap(), "title = \"my own deck\"\n");
}

#[test]
fn a_file_in_the_way_is_an_input_error() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    touch(&file);
    for path in [file.clone(), file.join("below")] {
        let error = open(&path, false).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("is a file"), "{error}");
    }
    assert_eq!(open(Path::new("/proc/parhelion/x"), false).unwrap_err().exit_code(), 2);
}

#[test]
fn all_ranks_get_the_verdict_of_rank_0() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("case");
    let codes = |overwrite| {
        threads::run(3, |comm: &dyn Communicator| {
            let opened = RunDirectory::open(comm, &path, "", entry(overwrite));
            opened.map_or_else(|error| error.exit_code(), |_| 0)
        })
    };
    assert_eq!(codes(false), [0, 0, 0]);
    assert_eq!(codes(false), [6, 6, 6]);
    assert_eq!(codes(true), [0, 0, 0]);
}
