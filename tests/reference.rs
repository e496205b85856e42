//! `docs/decks.md` is what the schema says. To renew it: `PARHELION_BLESS=1 cargo test --test reference`.

use std::path::Path;

#[test]
fn deck_reference_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/decks.md");
    let reference = parhelion::config::reference();
    if std::env::var_os("PARHELION_BLESS").is_some() {
        std::fs::write(&path, &reference).expect("docs/decks.md can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == reference, "docs/decks.md is out of date: run PARHELION_BLESS=1 cargo test --test reference");
}

#[test]
fn every_key_is_explained() {
    for line in parhelion::config::reference().lines().filter(|line| line.starts_with("| `")) {
        let meaning = line.trim_end_matches(" |").rsplit(" | ").next().unwrap_or("");
        assert!(meaning.len() > 5, "a key without explanation: {line}");
    }
}
