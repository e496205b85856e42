//! `scaling` on the real program: the folder, the gate, going on after a kill, refusals, batch tasks.

use super::workshop::{NO_OUTPUTS, Outcome, Workshop, outcome};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const BODIES: &str = r#"title = "Bodies"
physics = "nbody"
[gravity]
method = "fmm"
softening = 0.05
[bodies]
generator = "plummer"
count = 400
mass = 1.0
scale_radius = 1.0
[time]
dt = 0.01
steps = 3
"#;

/// Every file of a folder with several ranks in it.
const FILES: [&str; 22] = [
    "experiment.json",
    "machine.json",
    "prediction.json",
    "deck.toml",
    "runs.csv",
    "summary.csv",
    "table.md",
    "table.tex",
    "speedup.svg",
    "speedup.png",
    "efficiency.svg",
    "efficiency.png",
    "breakdown.svg",
    "breakdown.png",
    "roofline.svg",
    "roofline.png",
    "communication_matrix.svg",
    "communication_matrix.png",
    "timeline.svg",
    "timeline.png",
    "report.html",
    "REPRODUCE.sh",
];

pub(super) type Row = BTreeMap<String, String>;

pub(super) fn rows(path: &Path) -> Vec<Row> {
    csv::Reader::from_path(path).unwrap().deserialize().map(|row| row.unwrap()).collect()
}

/// This machine, measured once for all experiments of these tests.
fn machine() -> &'static str {
    static FILE: OnceLock<(Workshop, String)> = OnceLock::new();
    let (_, path) = FILE.get_or_init(|| {
        let workshop = Workshop::new();
        assert_eq!(workshop.start(&["machine", "--output", "m.json"]).code, Some(0));
        let path = workshop.path("m.json").display().to_string();
        (workshop, path)
    });
    path
}

pub(super) fn scaling(workshop: &Workshop, arguments: &[&str]) -> Outcome {
    let fixed = ["--launcher", "none", "--time-limit", "30", "--machine", machine()];
    workshop.start(&[&["scaling"], arguments, &fixed].concat())
}

fn count(rows: &[Row], wanted: &[(&str, &str)]) -> usize {
    rows.iter().filter(|row| wanted.iter().all(|(name, value)| row[*name] == *value)).count()
}

#[test]
fn an_experiment_from_plan_to_page() {
    let workshop = Workshop::new();
    let done =
        scaling(&workshop, &["plate.toml", "--ranks", "1,2", "--threads", "1,2", "--repeats", "3", "--output", "out"]);
    assert_eq!(done.code, Some(0), "{done:#?}");
    let folder = workshop.path("out");
    for file in FILES {
        assert!(folder.join(file).metadata().is_ok_and(|data| data.len() > 0), "{file} is missing: {done:#?}");
    }
    let runs = rows(&folder.join("runs.csv"));
    assert_eq!((runs.len(), count(&runs, &[("status", "ok")]), count(&runs, &[("kind", "warmup")])), (16, 16, 4));
    assert!(runs.iter().all(|row| row["digest"] == runs[0]["digest"] && row["digest"].len() == 64));
    let last = &runs[15];
    let report: Value =
        serde_json::from_str(&fs::read_to_string(folder.join(&last["directory"]).join("report.json")).unwrap())
            .unwrap();
    assert_eq!(report["loop_s"].as_f64().unwrap(), last["loop_s"].parse::<f64>().unwrap());
    check_tables(&folder);
    check_page(&folder);
    assert!(done.stdout.starts_with("plan: Plate (heat)") && done.stdout.contains("speed-up"), "{}", done.stdout);
    check_prediction(&folder);
    assert!(done.stdout.contains("predicted from measurements of this machine"), "{}", done.stdout);
    assert!(done.stdout.lines().any(|line| line.starts_with("predicted before the runs: off by ")), "{}", done.stdout);
    let page = fs::read_to_string(folder.join("report.html")).unwrap().replace("&#x27;", "'");
    let cited = done.stdout.lines().filter(|line| line.ends_with('.') && page.contains(line)).count();
    assert_eq!(cited, 3, "three sentences: {}", done.stdout);
}

/// Markdown, LaTeX and CSV say the same of every shape.
fn check_tables(folder: &Path) {
    let summary = rows(&folder.join("summary.csv"));
    let shapes: Vec<String> = summary.iter().map(|row| format!("{} x {}", row["ranks"], row["threads"])).collect();
    assert_eq!(shapes, ["1 x 1", "1 x 2", "2 x 1", "2 x 2"]);
    let markdown = fs::read_to_string(folder.join("table.md")).unwrap();
    let latex = fs::read_to_string(folder.join("table.tex")).unwrap();
    for (row, shape) in summary.iter().zip(&shapes) {
        let number = |name: &str| row[name].parse::<f64>().unwrap();
        let (time, speedup) = (format!("{:.4}", number("median_s")), format!("{:.2}", number("speedup")));
        let line = markdown.lines().find(|line| line.starts_with(&format!("| {shape} "))).unwrap();
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        assert_eq!((cells[3], cells[5]), (time.as_str(), speedup.as_str()), "{line}");
        let line = latex.lines().find(|line| line.starts_with(&shape.replace(" x ", " $\\times$ "))).unwrap();
        let cells: Vec<&str> = line.trim_end_matches(" \\\\").split(" & ").collect();
        assert_eq!((cells[2], cells[4]), (time.as_str(), speedup.as_str()), "{line}");
        let tree = ["pop_parallel", "pop_load_balance", "pop_communication", "pop_ranks", "pop_threads"].map(number);
        assert!((tree[0] - tree[1] * tree[2]).abs() < 1e-12 && (tree[0] - tree[3] * tree[4]).abs() < 1e-12, "{tree:?}");
        let split = number("pop_serialisation") * number("pop_transfer");
        assert!((tree[2] - split).abs() < 1e-12, "communication {} is split into {split}", tree[2]);
    }
}

/// It costs memory, and nobody would look at it.
#[test]
fn an_ordinary_run_keeps_no_journal() {
    let workshop = Workshop::new();
    for (name, flags, is_told) in [("plain", &[][..], false), ("noted", &["--journal"], true)] {
        let run = ["run", "plate.toml", "--domains", "2", "--threads", "1", "--output", name];
        let done = workshop.start(&[&run[..], flags].concat());
        let report = fs::read_to_string(workshop.path(name).join("report.json")).unwrap();
        let report: Value = serde_json::from_str(&report).unwrap();
        assert_eq!((done.code, report["loop"]["ideal_s"].is_f64()), (Some(0), is_told), "{name}: {report}");
    }
}

/// The prediction is older than every run; tables, figures and page have it and its error.
fn check_prediction(folder: &Path) {
    let forecast: Value = serde_json::from_str(&fs::read_to_string(folder.join("prediction.json")).unwrap()).unwrap();
    let made = fs::metadata(folder.join("prediction.json")).unwrap().modified().unwrap();
    let made = made.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    assert!(
        rows(&folder.join("runs.csv")).iter().all(|run| run["started_unix"].parse::<f64>().unwrap() >= made - 0.02)
    );
    let markdown = fs::read_to_string(folder.join("table.md")).unwrap();
    for (n, row) in rows(&folder.join("summary.csv")).iter().enumerate() {
        let number = |name: &str| row[name].parse::<f64>().unwrap();
        let foreseen = &forecast["shapes"][n];
        assert_eq!(
            (&foreseen["steps"], foreseen["shape"]["ranks"].to_string()),
            (&Value::from(20), row["ranks"].clone())
        );
        let predicted_s = 20.0 * foreseen["step_s"].as_f64().unwrap();
        assert!((number("predicted_s") / predicted_s - 1.0).abs() < 1e-9, "{row:?}");
        let error = number("predicted_s") / number("median_s") - 1.0;
        assert!((number("prediction_error") - error).abs() < 1e-9, "{row:?}");
        assert!(markdown.contains(&format!("| {predicted_s:.4} | {:+.1} % |", 100.0 * error)), "{markdown}");
    }
    assert_eq!(forecast["beyond"].as_array().unwrap().len(), 3);
    for name in ["speedup", "efficiency"] {
        let svg = fs::read_to_string(folder.join(format!("{name}.svg"))).unwrap();
        assert!(svg.contains("predicted before the runs") && svg.contains("extrapolated"), "{name}");
        assert!(svg.contains("fill-opacity=\"0.18\"") && svg.contains("stroke-dasharray"), "{name} has no band");
    }
    assert!(fs::read_to_string(folder.join("report.html")).unwrap().contains("predicted before the runs: off by "));
}

/// Whole, alone, with every figure, and without anything from outside.
fn check_page(folder: &Path) {
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    for id in ["speedup", "efficiency", "breakdown", "roofline", "communication_matrix", "timeline"] {
        assert!(page.contains(&format!("<figure id=\"{id}\"><div class=\"wide\"><svg")), "{id}");
        assert!(fs::read(folder.join(format!("{id}.png"))).unwrap().starts_with(b"\x89PNG"));
    }
    for foreign in ["<script", "<link", "src=", "url(", "@import", "{{", "{%"] {
        assert!(!page.contains(foreign), "{foreign} in the page");
    }
    assert!(
        page.matches("http").count() == page.matches("http://www.w3.org/2000/svg").count(),
        "an address in the page"
    );
    assert!(
        page.contains("prefers-color-scheme")
            && page.contains("name=\"viewport\"")
            && page.trim_end().ends_with("</html>")
    );
}

#[test]
fn a_wrong_digest_is_caught_and_not_timed() {
    let workshop = Workshop::new();
    let arguments = ["scaling", "plate.toml", "--ranks", "1,2", "--threads", "1", "--repeats", "2", "--output", "out"];
    let mut command = workshop.command(&[&arguments[..], &["--launcher", "none", "--machine", machine()]].concat());
    command.env("PARHELION_FAULT", "flip,phase=step,rank=1,step=7");
    let done = outcome(command);
    assert_eq!(done.code, Some(1), "{done:#?}");
    let runs = rows(&workshop.path("out/runs.csv"));
    assert_eq!(count(&runs, &[("ranks", "2"), ("status", "wrong_digest"), ("kind", "warmup")]), 1);
    assert_eq!((count(&runs, &[("ranks", "2")]), count(&runs, &[("ranks", "1"), ("kind", "timed")])), (1, 2));
    assert!(fs::read_to_string(workshop.path("out/table.md")).unwrap().contains("WRONG RESULT"));
    assert!(fs::read_to_string(workshop.path("out/report.html")).unwrap().contains("<tr class=\"bad\">"));
    assert!(done.stderr.contains("warning: strong 2 x 1 gave a WRONG RESULT and was not timed"), "{done:#?}");
}

#[test]
fn a_run_that_hangs_is_ended() {
    let workshop = Workshop::new();
    let arguments = ["scaling", "plate.toml", "--ranks", "1,2", "--threads", "1", "--repeats", "1", "--output", "out"];
    let mut command = workshop
        .command(&[&arguments[..], &["--launcher", "none", "--time-limit", "2", "--machine", machine()]].concat());
    command.env("PARHELION_FAULT", "sleep,phase=step,rank=1,step=2");
    let done = outcome(command);
    assert_eq!(done.code, Some(1), "{done:#?}");
    assert_eq!(count(&rows(&workshop.path("out/runs.csv")), &[("ranks", "2"), ("status", "timed_out")]), 1);
}

#[test]
fn a_killed_experiment_goes_on() {
    let workshop = Workshop::new();
    let fixed = ["--repeats", "4", "--output", "out", "--launcher", "none", "--machine", machine()];
    let arguments = [&["scaling", "solid.toml", "--threads", "1,2"][..], &fixed].concat();
    let path = workshop.path("out/runs.csv");
    // The program itself and not `timeout`, so that the kill hits it; it ends by itself should this test fail.
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_parhelion"));
    program.args(&arguments).current_dir(workshop.path(".")).stderr(std::process::Stdio::null());
    let mut child = program.stdout(std::process::Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while !(path.exists() && rows(&path).len() >= 2) && start.elapsed() < Duration::from_secs(50) {
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let before = rows(&path);
    assert!(before.len() >= 2);
    let foreseen = fs::read(workshop.path("out/prediction.json")).unwrap();
    let done = workshop.start(&arguments);
    assert_eq!(done.code, Some(0), "{done:#?}");
    assert!(done.stderr.contains(&format!("going on after {} runs", before.len())), "{done:#?}");
    let after = rows(&path);
    assert!(after.len() > before.len() && after[..before.len()] == before[..]);
    workshop.start(&arguments);
    assert_eq!(rows(&path), after, "a complete experiment runs nothing");
    assert_eq!(fs::read(workshop.path("out/prediction.json")).unwrap(), foreseen, "a prediction is made once");
    workshop
        .start(&[&arguments[..], &["--set", "time.steps=9"]].concat())
        .assert_refused(6, &["the deck or its --set values differ", "--overwrite"]);
    let anew = workshop.start(&[&arguments[..], &["--set", "time.steps=9", "--overwrite"]].concat());
    assert_eq!(anew.code, Some(0), "{anew:#?}");
    assert!(rows(&path).iter().all(|row| row["steps"] == "9"));
}

#[test]
fn a_stopped_experiment_ends_its_child_and_goes_on() {
    let workshop = Workshop::new();
    let fixed = ["--repeats", "2", "--output", "out", "--launcher", "none", "--machine", machine()];
    let steps = ["--set", "time.steps=15000", "--threads", "1,2"];
    let arguments = [&["scaling", "solid.toml"][..], &steps, &fixed].concat();
    let path = workshop.path("out/runs.csv");
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_parhelion"));
    program.args(&arguments).current_dir(workshop.path(".")).stdout(std::process::Stdio::null());
    let child = program.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    // In the middle of a run: its directory is there, and its row is not.
    let runs = || fs::read_dir(workshop.path("out/runs")).map_or(0, Iterator::count);
    while !(path.exists() && runs() > rows(&path).len()) && start.elapsed() < Duration::from_secs(50) {
        std::thread::sleep(Duration::from_millis(2));
    }
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(processes_in(&workshop), Vec::<String>::new());
    let (before, words) = (rows(&path), String::from_utf8_lossy(&ended.stderr));
    let kept = if before.len() == 1 { "1 run".to_owned() } else { format!("{} runs", before.len()) };
    let line = format!("stopped by SIGTERM after {kept}; the same command goes on from there");
    assert_eq!((ended.status.code(), words.lines().next_back()), (Some(75), Some(line.as_str())), "{words}");
    assert!(before.len() < 6 && count(&before, &[("status", "ok")]) == before.len(), "{before:?}");
    let done = workshop.start(&arguments);
    assert_eq!(done.code, Some(0), "{done:#?}");
    let after = rows(&path);
    assert!(done.stderr.contains(&format!("going on after {} runs", before.len())), "{done:#?}");
    assert!(after.len() == 6 && after[..before.len()] == before[..], "{after:?}");
}

#[test]
fn a_killed_experiment_takes_its_child_along() {
    let workshop = Workshop::new();
    let fixed = ["--repeats", "2", "--output", "out", "--launcher", "none", "--machine", machine()];
    // Minutes, if nobody ends it.
    let long = ["--set", "time.steps=10000000", "--threads", "1"];
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_parhelion"));
    program.args([&["scaling", "solid.toml"][..], &long, &fixed].concat()).current_dir(workshop.path("."));
    program.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut child = program.spawn().unwrap();
    let begun = |lines: &[String]| lines.iter().any(|line| line.contains(" run "));
    wait_until(|| begun(&processes_in(&workshop)));
    // In its loop, where it listens to nobody but signals.
    std::thread::sleep(Duration::from_millis(200));
    assert!(begun(&processes_in(&workshop)), "it runs for minutes");
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until(|| processes_in(&workshop).is_empty());
    assert_eq!(processes_in(&workshop), Vec::<String>::new());
}

fn wait_until(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() && start.elapsed() < Duration::from_secs(50) {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Command lines of processes that work in a workshop.
fn processes_in(workshop: &Workshop) -> Vec<String> {
    let place = workshop.path("out/").display().to_string();
    let lines = fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = lines.filter_map(|entry| fs::read_to_string(entry.path().join("cmdline")).ok());
    lines.map(|line| line.replace('\0', " ")).filter(|line| line.contains(&place)).collect()
}

#[test]
fn weak_problems_grow_and_their_results_are_compared() {
    let workshop = Workshop::new();
    let done = scaling(
        &workshop,
        &["plate.toml", "--ranks", "1,2", "--threads", "1", "--mode", "weak", "--repeats", "1", "--output", "out"],
    );
    assert_eq!(done.code, Some(0), "{done:#?}");
    let runs = rows(&workshop.path("out/runs.csv"));
    assert_eq!(count(&runs, &[("ranks", "1"), ("threads", "1"), ("unknowns", "432")]), 2);
    assert_eq!(count(&runs, &[("ranks", "2"), ("unknowns", "864")]), 2);
    let check: Vec<&Row> = runs.iter().filter(|row| row["kind"] == "check").collect();
    assert_eq!((check.len(), check[0]["ranks"].as_str(), check[0]["threads"].as_str()), (1, "1", "2"));
    let summary = rows(&workshop.path("out/summary.csv"));
    assert_eq!(summary[1]["work_ratio"].parse::<f64>().unwrap(), 2.0);
}

#[test]
fn bodies_scale_too() {
    let workshop = Workshop::new();
    workshop.write("bodies.toml", BODIES);
    let done = scaling(
        &workshop,
        &["bodies.toml", "--ranks", "1,2", "--threads", "1", "--mode", "both", "--repeats", "1", "--output", "out"],
    );
    assert_eq!(done.code, Some(0), "{done:#?}");
    let summary = rows(&workshop.path("out/summary.csv"));
    assert_eq!(summary.iter().map(|row| row["status"].as_str()).collect::<Vec<_>>(), ["ok"; 4]);
    let grown: u64 = summary[3]["unknowns"].parse().unwrap();
    assert!((600..800).contains(&grown), "N log N: {grown}");
    assert!(workshop.path("out/roofline.svg").exists() && workshop.path("out/communication_matrix.svg").exists());
}

/// Rank 1 takes four times as long for its own work: with two ranks the balance is (1 + 4) / (2 * 4).
#[test]
fn a_planted_imbalance_shows_in_its_size_and_changes_no_bit() {
    let workshop = Workshop::new();
    let cells = ["--set", "grid.cells=[60,60,60]", "--set", "time.steps=60"];
    let flags = ["run", "solid.toml", "--domains", "2", "--threads", "1", "--quiet", "--journal"];
    let run = [&flags[..], &cells, &NO_OUTPUTS].concat();
    let plain = workshop.start(&[&run[..], &["--output", "plain"]].concat()).digest();
    // Who takes a core from a rank adds to its time, so the best of a few runs counts. Three times and five times as long would be
    // 0.667 and 0.6: the tolerance tells them from four times. What two equal halves differ by is below it.
    let (expected, tolerance, tries) = (0.625, 0.02, 8);
    let balances = (0..tries).map(|n| {
        let name = format!("slow{n}");
        let done = workshop.start(&[&run[..], &["--output", &name, "--imbalance", "1,3"]].concat());
        assert_eq!(plain, done.digest());
        (balance_of_slowed(&workshop.path(&name)), ideal_of_slowed(&workshop.path(&name)))
    });
    let mut seen = Vec::new();
    // Without a network the run would take what the slow rank computes: nothing of the other one's waiting is the network's.
    let found = balances
        .inspect(|both| seen.push(*both))
        .any(|(balance, ideal)| (balance - expected).abs() < tolerance && (ideal - 1.0).abs() < 0.05);
    assert!(found, "a balance of {expected} and an ideal time of 1, but {seen:?}");
    workshop.refuses_command(&["run", "plate.toml", "--imbalance", "1,2"], 2, &["names rank 1", "0 to 0"]);
}

/// Time of the loop without a network over the time of the slow rank outside of messages.
fn ideal_of_slowed(directory: &Path) -> f64 {
    let report: Value = serde_json::from_str(&fs::read_to_string(directory.join("report.json")).unwrap()).unwrap();
    let part = &report["loop"];
    let of_slow = |name: &str| part[name][1].as_f64().unwrap();
    let found = part["ideal_s"].as_f64().unwrap() / (of_slow("seconds_per_rank") - of_slow("communication_s_per_rank"));
    assert!(found > 0.99, "{found}: less than what a rank computes");
    found
}

/// Mean over largest time outside of messages of the two ranks of a run with `--imbalance 1,3`.
fn balance_of_slowed(directory: &Path) -> f64 {
    let report: Value = serde_json::from_str(&fs::read_to_string(directory.join("report.json")).unwrap()).unwrap();
    let part = &report["loop"];
    assert_eq!(part["imbalance"], serde_json::json!({ "rank": 1, "extra": 3.0 }));
    let number = |value: &Value| value.as_f64().unwrap();
    let outside =
        [0, 1].map(|rank| number(&part["seconds_per_rank"][rank]) - number(&part["communication_s_per_rank"][rank]));
    // Three times its own work is a clock's time and no guess: nothing can make it shorter.
    let work: f64 = ["interior", "rim"].iter().map(|phase| number(&part["phases_per_rank"][phase][1])).sum();
    assert!(outside[1] >= 4.0 * work, "{outside:?}, of it {work} s of work");
    assert!(part["sent"].as_array().unwrap().len() >= 2 && part["busy_s_per_thread"][1].as_array().unwrap().len() == 1);
    (outside[0] + outside[1]) / (2.0 * outside[0].max(outside[1]))
}

#[test]
fn what_cannot_be_run_is_refused_before_anything_is_written() {
    let workshop = Workshop::new();
    workshop.write("listed.toml", BODIES.replace("generator = \"plummer\"\ncount = 400\nmass = 1.0\nscale_radius = 1.0", 
        "list = [{ mass = 1.0, position = [0.0, 0.0, 0.0], velocity = [0.0, 0.0, 0.0] }, { mass = 1.0, position = [1.0, 0.0, 0.0], velocity = [0.0, 0.0, 0.0] }]"));
    workshop.refuses_command(&["scaling", "nowhere.toml"], 2, &["nowhere.toml"]);
    workshop.refuses_command(&["scaling", "plate.toml", "--set", "time.step=3"], 2, &["time.step", "steps"]);
    workshop.refuses_command(
        &["scaling", "plate.toml", "--ranks", "1,5000", "--threads", "1", "--launcher", "none"],
        2,
        &["strong 5000 x 1"],
    );
    workshop.refuses_command(
        &["scaling", "listed.toml", "--mode", "weak", "--threads", "1,2"],
        2,
        &["cannot grow", "--mode strong"],
    );
    workshop.refuses_command(&["scaling", "--collect", "."], 2, &["holds no experiment"]);
    workshop.write("bodies.toml", BODIES);
    let nothing = ["scaling", "bodies.toml", "--launcher", "none", "--set", "time.steps=0"];
    workshop.refuses_command(
        &nothing,
        2,
        &["strong 1 x 1", "time.steps = 0 leaves nothing to time", "--set time.steps=5"],
    );
    if !cfg!(feature = "mpi") {
        let arguments = ["scaling", "plate.toml", "--ranks", "2", "--launcher", "mpirun"];
        workshop.refuses_command(&arguments, 2, &["built without MPI", "--launcher none"]);
    }
    let mut command = workshop.command(&["scaling", "plate.toml"]);
    command.env("OMPI_COMM_WORLD_SIZE", "2").env("OMPI_COMM_WORLD_RANK", "0");
    outcome(command).assert_refused(2, &["start it once, without a launcher"]);
}

#[test]
fn a_plan_alone_writes_nothing() {
    let workshop = Workshop::new();
    let before = workshop.tree();
    let done = scaling(&workshop, &["plate.toml", "--ranks", "1,2", "--threads", "1", "--mode", "both", "--dry-run"]);
    assert_eq!((done.code, done.stdout.lines().count() >= 6), (Some(0), true), "{done:#?}");
    assert!(
        done.stdout.contains("864 cells") && done.stdout.contains("once on 1 x 2 to compare results"),
        "{}",
        done.stdout
    );
    assert_eq!(workshop.tree(), before);
}

#[test]
fn a_batch_array_is_written_run_and_collected() {
    let workshop = Workshop::new();
    fs::create_dir(workshop.path("bin")).unwrap();
    let sbatch = workshop.path("bin/sbatch");
    fs::write(&sbatch, "#!/bin/sh\necho Submitted batch job 7\n").unwrap();
    fs::set_permissions(&sbatch, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let arguments = ["scaling", "plate.toml", "--ranks", "1,2", "--threads", "1", "--repeats", "2", "--output", "out"];
    let mut command = workshop.command(&[&arguments[..], &["--launcher", "none", "--submit"]].concat());
    command.env("PATH", format!("{}:{}", workshop.path("bin").display(), std::env::var("PATH").unwrap()));
    let done = outcome(command);
    assert!(done.code == Some(0) && done.stdout.contains("Submitted batch job 7"), "{done:#?}");
    let script = fs::read_to_string(workshop.path("out/submit.sbatch")).unwrap();
    assert!(script.contains("#SBATCH --array=0-1\n") && script.contains("#SBATCH --ntasks=2\n"), "{script}");
    let early = workshop.start(&["scaling", "--collect", "out"]);
    assert!(early.code == Some(1) && early.stderr.contains("strong 1 x 1 has not been run yet"), "{early:#?}");
    for task in ["0", "1"] {
        let done = workshop.start(&["scaling", "--collect", "out", "--task", task]);
        assert_eq!(done.code, Some(0), "{done:#?}");
    }
    let done = workshop.start(&["scaling", "--collect", "out"]);
    assert_eq!(done.code, Some(0), "{done:#?}");
    assert_eq!(rows(&workshop.path("out/runs.csv")).len(), 6);
    assert!(workshop.path("out/report.html").exists());
    workshop.start(&["scaling", "--collect", "out", "--task", "2"]).assert_refused(2, &["tasks 0 to 1"]);
}
