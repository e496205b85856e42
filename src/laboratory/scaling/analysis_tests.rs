//! Analyses of experiments whose times are given: a table by hand, wrong shapes, work of multipoles.

use super::super::record::tests::record;
use super::super::schedule::tests::plan;
use super::*;
use serde_json::json;
use std::fs;

/// An experiment of these shapes and seconds, its reports in a folder.
pub fn experiment(shapes: &[((usize, usize), f64)]) -> (Plan, Vec<Record>, tempfile::TempDir) {
    let plan = plan(&shapes.iter().map(|(shape, _)| *shape).collect::<Vec<_>>(), 3);
    let folder = tempfile::tempdir().unwrap();
    let mut records = Vec::new();
    for (n, &(shape, seconds)) in shapes.iter().enumerate() {
        records.push(record(shape, Kind::Warmup, 0, 1.3 * seconds));
        for round in 1..=3 {
            let mut timed = record(shape, Kind::Timed, round, seconds * (1.0 + 0.01 * (round as f64 - 2.0)));
            timed.directory = format!("{n}-{round}");
            let directory = folder.path().join(&timed.directory);
            fs::create_dir(&directory).unwrap();
            fs::write(directory.join("report.json"), report(shape, timed.loop_s.unwrap()).to_string()).unwrap();
            records.push(timed);
        }
    }
    (plan, records, folder)
}

fn report((ranks, threads): (usize, usize), loop_s: f64) -> Value {
    let all = |value: f64| vec![value; ranks];
    json!({
        "physics": "heat", "unknowns": 1000, "steps": 20, "updates_per_s": 20_000.0 / loop_s, "copy_bytes_per_s": 1e6,
        "loop": {
            "seconds_per_rank": all(loop_s), "communication_s_per_rank": all(0.1 * loop_s),
            "busy_s_per_thread": vec![vec![0.8 * loop_s; threads]; ranks],
            "phases_per_rank": { "interior": all(0.7 * loop_s), "halo": all(0.1 * loop_s) },
            "sent": (1..ranks).map(|r| [r - 1, r, 20, 640]).collect::<Vec<_>>(),
        },
    })
}

#[test]
fn a_table_by_hand() {
    let (plan, records, folder) = experiment(&[((1, 1), 8.0), ((1, 2), 5.0), ((2, 1), 4.5), ((2, 2), 3.5)]);
    let found = analyse(&plan, &records, folder.path());
    let table: Vec<_> = found.timed(Mode::Strong).map(|(_, t)| (t.median_s, t.speedup, t.efficiency)).collect();
    let expected = [(8.0, 1.0, 1.0), (5.0, 1.6, 0.8), (4.5, 8.0 / 4.5, 4.0 / 4.5), (3.5, 8.0 / 3.5, 2.0 / 3.5)];
    for (found, expected) in table.iter().zip(expected) {
        let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(close(found.0, expected.0) && close(found.1, expected.1) && close(found.2, expected.2), "{table:?}");
    }
    let fastest: Vec<_> = found.fastest(Mode::Strong).iter().map(|(row, _)| row.shape.words()).collect();
    assert_eq!(fastest, ["1 x 1", "2 x 1", "2 x 2"]);
    let last = found.rows[3].timing.as_ref().unwrap();
    assert!((last.pop.unwrap().parallel - 0.8).abs() < 1e-9);
    assert!((last.loss.unwrap().total() - (1.0 - last.efficiency)).abs() < 1e-9);
    let vague = found.laws.amdahl.as_ref().unwrap_err();
    assert!(vague.contains("too noisy or too few"), "one point more than parameters, and off the law: {vague}");
    assert!(found.laws.usl.is_err() && found.laws.gustafson.is_err());
    assert!(found.is_clean());
}

#[test]
fn a_wrong_shape_has_no_figures() {
    let (plan, mut records, folder) = experiment(&[((1, 1), 8.0), ((2, 1), 4.0)]);
    records[4].status = Status::WrongDigest;
    let found = analyse(&plan, &records, folder.path());
    assert!(!found.is_clean() && found.rows[1].timing.is_none() && found.rows[0].timing.is_some());
}

#[test]
fn work_of_multipoles_is_weighted_by_its_seconds() {
    let of = |pairs: f64, cells: f64| {
        json!({ "physics": "nbody", "pairs": pairs, "cell_pairs": cells,
                "loop": { "phases_per_rank": { "near": [3.0], "far": [1.0] } } })
    };
    let base = of(100.0, 10.0);
    let work = amounts(&base).into_iter().zip(weights(&base)).collect();
    let base = Base { workers: 1, median_s: 1.0, pop: None, work };
    assert!((base.work_ratio(&of(200.0, 40.0)) - (0.75 * 2.0 + 0.25 * 4.0)).abs() < 1e-12);
}
