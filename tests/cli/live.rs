//! `--live`: pictures in a terminal, here one of util-linux's `script`, while the run goes on as without it.

use super::nbody::CLUSTER;
use super::workshop::{Workshop, outcome};
use std::process::{Command, Stdio};

/// What the program sends to a terminal of 80 columns and 24 lines before it leaves with `code`; `None` if there is no `script` here.
/// `wrapper` are words that the program is started by.
fn in_terminal(workshop: &Workshop, wrapper: &str, arguments: &[&str], code: i32) -> Option<String> {
    let is_there = Command::new("timeout").args(["10", "script", "--version"]).stdout(Stdio::null()).status();
    if !is_there.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED live: there is no `script` (util-linux) on this machine");
        return None;
    }
    let program = env!("CARGO_BIN_EXE_parhelion");
    let line = format!("stty cols 80 rows 24; exec {wrapper} {program} {}", arguments.join(" "));
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", "60", "script", "-qec", &line, "/dev/null"]);
    command.current_dir(workshop.path("")).stdin(Stdio::null()).env("COLORTERM", "truecolor").env_remove("NO_COLOR");
    let outcome = outcome(command);
    assert_eq!(outcome.code, Some(code), "{outcome:#?}");
    Some(outcome.stdout)
}

#[test]
fn bodies_and_plates_are_drawn_and_nothing_else_changes() {
    let workshop = Workshop::new();
    workshop.write("cluster.toml", CLUSTER);
    for (deck, domains) in [("cluster.toml", "1"), ("cluster.toml", "3"), ("plate.toml", "2")] {
        let shape = ["--domains", domains, "--threads", "1", "--overwrite"];
        let arguments = [&["run", deck, "--live"], shape.as_slice()].concat();
        let Some(text) = in_terminal(&workshop, "", &arguments, 0) else { return };
        // Half blocks in colours of 24 bits, the state below them, and the cursor back at the end.
        for word in ["\u{2580}", "\x1b[38;2;", "step ", "t = ", "\x1b[?25h"] {
            assert!(text.contains(word), "{deck} on {domains}: no {word:?} in {text:?}");
        }
        let plain = workshop.start(&[&["run", deck], shape.as_slice()].concat()).digest();
        assert!(text.contains(&format!("digest: {plain}")), "{deck} on {domains}: another digest");
    }
}

#[test]
fn a_run_that_is_stopped_gives_the_cursor_back() {
    let workshop = Workshop::new();
    workshop.write("cluster.toml", CLUSTER);
    let interrupt = "timeout --foreground --preserve-status --signal=INT 1";
    for (wrapper, more) in [("", ["--max-time", "0.4"].as_slice()), (interrupt, &["--domains", "2"])] {
        let arguments =
            [&["run", "cluster.toml", "--live", "--threads", "1", "--set", "time.steps=1000000"], more].concat();
        let Some(text) = in_terminal(&workshop, wrapper, &arguments, 75) else { return };
        assert!(text.contains("stopped by ") && text.contains("the same command goes on"), "{text:?}");
        let (hidden, shown) = (text.rfind("\x1b[?25l"), text.rfind("\x1b[?25h"));
        assert!(hidden.is_some() && shown > hidden, "the cursor stays hidden: {text:?}");
    }
}
