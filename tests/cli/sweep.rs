//! `sweep` on the real program: pools give the digests of `run`, members that fail stay alone, stopped sweeps go on, refusals.

use super::workshop::{Workshop, outcome};
use std::collections::BTreeMap;

type Row = BTreeMap<String, String>;

fn rows(workshop: &Workshop, folder: &str) -> Vec<Row> {
    let path = workshop.path(folder).join("results.csv");
    csv::Reader::from_path(path).unwrap().deserialize().map(|row| row.unwrap()).collect()
}

fn column(rows: &[Row], name: &str) -> Vec<String> {
    rows.iter().map(|row| row[name].clone()).collect()
}

#[test]
fn every_pool_gives_the_digests_of_run_and_records_what_is_invalid() {
    let workshop = Workshop::new();
    let alone = workshop.start(&["run", "plate.toml", "--set", "initial.value=50", "--output", "alone", "--quiet"]);
    for pool in ["processes:2", "threads:2"] {
        let arguments =
            ["sweep", "plate.toml", "--vary", "initial.value=0:50:2,cold", "--workers", pool, "--output", pool];
        let done = workshop.start(&[&arguments[..], &["--plot", "wall_s"]].concat());
        assert_eq!(done.code, Some(7), "{done:#?}");
        let found = rows(&workshop, pool);
        assert_eq!(column(&found, "status"), ["done", "done", "invalid"]);
        assert_eq!(found[1]["digest"], alone.digest());
        assert!(workshop.path(pool).join("plot_wall_s.png").exists());
        workshop.start(&arguments);
        assert_eq!(rows(&workshop, pool), found, "nothing runs again");
        workshop.start(&[&arguments[..], &["--set", "time.steps=9"]].concat()).assert_refused(6, &["--overwrite"]);
    }
}

#[test]
fn a_panic_ends_one_member_of_threads_and_the_same_command_runs_it_again() {
    let workshop = Workshop::new();
    let arguments =
        ["sweep", "plate.toml", "--vary", "initial.value=1,2,3", "--workers", "threads:1", "--output", "out"];
    let mut command = workshop.command(&arguments);
    command.env("PARHELION_FAULT", "panic,phase=step,rank=0,step=5");
    assert_eq!(outcome(command).code, Some(7));
    assert_eq!(column(&rows(&workshop, "out"), "status"), ["crashed", "done", "done"]);
    assert_eq!(workshop.start(&arguments).code, Some(0));
}

#[test]
fn a_signal_ends_one_process() {
    let workshop = Workshop::new();
    let mut command = workshop.command(&[
        "sweep",
        "plate.toml",
        "--vary",
        "initial.value=1,2",
        "--workers",
        "processes:2",
        "--output",
        "out",
    ]);
    command.env("PARHELION_FAULT", "kill,phase=step,rank=0,step=5");
    assert_eq!(outcome(command).code, Some(7));
    let found = rows(&workshop, "out");
    assert!(column(&found, "status") == ["killed", "killed"] && found[0]["message"].contains("SIGKILL"), "{found:?}");
}

#[test]
fn a_key_that_is_wrong_everywhere_is_refused_before_anything_is_written() {
    let workshop = Workshop::new();
    for (vary, words) in
        [("initial.valeu=1,2", "did you mean value?"), ("a=1,1", "given twice"), ("a\u{1b}=1", "--vary")]
    {
        workshop.refuses_command(&["sweep", "plate.toml", "--vary", vary], 2, &[words]);
    }
}
