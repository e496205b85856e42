//! Whole files: written by several ranks, read by others, and damaged in every place.

use super::super::header::Section;
use super::super::reader::Source;
use super::super::shelf::Shelf;
use super::super::writer::write;
use super::Header;
use crate::comm::{Communicator, solo::Solo, threads};
use std::fs;
use std::path::Path;

fn header() -> Header {
    Header {
        program: "0".into(),
        physics: "heat".into(),
        size: vec![5, 4, 3],
        step: 7,
        time: 0.5f64.to_bits(),
        dt: 0.25f64.to_bits(),
        limit: f64::INFINITY.to_bits(),
        cpu_path: "avx2".into(),
        deck_hash: "0".into(),
        deck: "physics = \"heat\"".into(),
        model: serde_json::Value::Null,
        outputs: serde_json::Value::Null,
        sections: vec![Section::new("a", 60), Section::new("b", 0), Section::new("c", 17)],
    }
}

/// Every rank writes the runs of ten bytes whose number is its own modulo the ranks.
fn write_by(comm: &dyn Communicator, path: &Path) -> u64 {
    let header = header();
    write(comm, path, &header.encode(), &header, &mut |visit| {
        for run in (0..6).filter(|run| run % comm.size() == comm.rank()) {
            let bytes: Vec<u8> = (0..10).map(|n| (10 * run + n) as u8).collect();
            visit(0, 10 * run as u64, &bytes);
        }
        if comm.rank() == comm.size() - 1 {
            visit(2, 0, &[9; 17]);
        }
    })
    .unwrap()
}

#[test]
fn any_ranks_write_and_any_ranks_read() {
    let directory = tempfile::tempdir().unwrap();
    for writers in 1..=4 {
        let path = directory.path().join(format!("{writers}"));
        let lengths = threads::run(writers, |comm: &dyn Communicator| write_by(comm, &path));
        assert!(lengths.iter().all(|length| *length == fs::metadata(&path).unwrap().len()));
        for readers in [1, 3] {
            threads::run(readers, |comm: &dyn Communicator| {
                let source = Source::open(comm, &path).unwrap();
                assert_eq!(source.header(), &header());
                assert_eq!(source.read_all("a").unwrap(), (0..60).collect::<Vec<u8>>());
                assert_eq!(source.read_all("c").unwrap(), [9; 17]);
                assert_eq!(source.section("a", Some(61)).unwrap_err().exit_code(), 2);
                assert_eq!(source.read_all("d").unwrap_err().exit_code(), 2);
            });
        }
    }
}

#[test]
fn a_part_that_no_rank_wrote_is_an_error_and_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x");
    let header = header();
    let codes = threads::run(2, |comm: &dyn Communicator| {
        let export = &mut |visit: &mut super::super::Visit<'_>| visit(0, 30 * comm.rank() as u64, &[1; 30]);
        write(comm, &path, &header.encode(), &header, export).unwrap_err().exit_code()
    });
    assert_eq!(codes, [3, 3]);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn every_cut_and_every_flipped_bit_is_seen_and_the_older_one_is_taken() {
    let directory = tempfile::tempdir().unwrap();
    let shelf = Shelf::of(directory.path());
    shelf.create(&Solo).unwrap();
    let (older, newest) = (shelf.path(7), shelf.path(8));
    write_by(&Solo, &older);
    let whole = fs::read(&older).unwrap();
    let taken_with = |bytes: &[u8]| {
        fs::write(&newest, bytes).unwrap();
        let found = shelf.newest(&Solo).unwrap().unwrap();
        (found.source.path().to_owned(), found.skipped.len())
    };
    assert_eq!(taken_with(&whole), (newest.clone(), 0));
    for length in 0..whole.len() {
        assert_eq!(taken_with(&whole[..length]), (older.clone(), 1), "cut to {length}");
    }
    for bit in 0..8 * whole.len() {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(taken_with(&bytes), (older.clone(), 1), "bit {bit}");
    }
    assert_eq!(taken_with(&[whole.as_slice(), &[0]].concat()), (older, 1), "a byte too many");
}
