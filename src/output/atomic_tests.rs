//! Tests of [`super`]: what is on the disk after success and after each kind of failure.

use super::*;
use crate::comm::threads;
use std::os::unix::fs::{FileExt, symlink};

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(directory).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_appears_under_its_name_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.txt");
    let length = write_file(&path, |w| w.write_all(b"hello")).unwrap();
    assert_eq!((length, fs::read(&path).unwrap()), (5, b"hello".to_vec()));
    assert_eq!(names(directory.path()), ["a.txt"]);
}

#[test]
fn a_failure_keeps_the_old_file_and_removes_the_temporary() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.txt");
    fs::write(&path, "old").unwrap();
    let error = write_file(&path, |w| w.write_all(b"new").and(Err(io::Error::other("pulled the plug")))).unwrap_err();
    assert_eq!(error.exit_code(), 3);
    assert!(error.to_string().contains("a.txt: pulled the plug"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(directory.path()), ["a.txt"]);
}

#[test]
fn reserved_room_that_was_not_used_is_given_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.bin");
    write_sized(&path, 1 << 20, Durability::Quick, |w| w.write_all(b"short")).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), 5);
}

#[test]
fn a_full_disk_names_bytes_needed_and_available() {
    let full = io::Error::from_raw_os_error(libc::ENOSPC);
    let error = failure(Path::new("/tmp/x.npy"), 3 << 30, &full);
    let text = error.to_string();
    assert!(text.contains("3.0 GiB (3221225472 bytes) needed") && text.contains("available"), "{text}");
    assert!(text.contains("/tmp/x.npy") && error.exit_code() == 3);
}

#[test]
fn more_than_the_disk_holds_fails_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.bin");
    let result = write_sized(&path, 1 << 45, Durability::Synced, |_| Ok(()));
    // File systems differ: no room, too large a file, or (without reservation) success with nothing in it.
    if let Err(error) = result {
        assert_eq!(error.exit_code(), 3);
        assert!(names(directory.path()).is_empty());
    }
}

#[test]
fn a_stale_temporary_is_replaced_and_a_link_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (path, victim) = (directory.path().join("a"), directory.path().join("victim"));
    fs::write(temporary_name(&path), "of a dead run").unwrap();
    write_file(&path, |w| w.write_all(b"1")).unwrap();
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, temporary_name(&path)).unwrap();
    let error = write_file(&path, |w| w.write_all(b"2")).unwrap_err();
    assert!(error.to_string().contains(".a.tmp is in the way"), "{error}");
    assert_eq!((fs::read(&victim).unwrap(), fs::read(&path).unwrap()), (b"precious".to_vec(), b"1".to_vec()));
}

#[test]
fn a_link_at_the_final_name_is_refused_whenever_it_comes() {
    let directory = tempfile::tempdir().unwrap();
    let (path, victim) = (directory.path().join("a"), directory.path().join("victim"));
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, &path).unwrap();
    let error = write_file(&path, |w| w.write_all(b"1")).unwrap_err();
    assert!(error.exit_code() == 3 && error.to_string().contains("a is in the way"), "{error}");
    fs::remove_file(&path).unwrap();
    let laid_meanwhile = |w: &mut dyn Write| symlink(&victim, &path).and_then(|()| w.write_all(b"2"));
    assert!(write_file(&path, laid_meanwhile).unwrap_err().to_string().contains("a is in the way"));
    assert_eq!(
        (names(directory.path()), fs::read(&victim).unwrap()),
        (vec!["a".into(), "victim".into()], b"precious".to_vec())
    );
}

#[test]
fn all_ranks_fill_one_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("shared");
    threads::run(4, |comm: &dyn Communicator| {
        let part = [b'a' + comm.rank() as u8; 3];
        write_shared(comm, &path, 12, |file| file.write_all_at(&part, 3 * comm.rank() as u64)).unwrap();
    });
    assert_eq!(fs::read(&path).unwrap(), b"aaabbbcccddd");
    assert_eq!(names(directory.path()), ["shared"]);
}

#[test]
fn one_failing_rank_fails_all_and_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("shared");
    let errors = threads::run(3, |comm: &dyn Communicator| {
        let broken = |_: &File| if comm.rank() == 2 { Err(io::Error::other("bad sector")) } else { Ok(()) };
        write_shared(comm, &path, 12, broken).unwrap_err()
    });
    assert!(errors.iter().all(|e| e.exit_code() == 3 && e.to_string().contains("bad sector")), "{errors:?}");
    assert!(names(directory.path()).is_empty());
}
