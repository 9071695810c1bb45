//! What chaos does, on cases that people have written.

use std::path::{Path, PathBuf};

use fixtures::Tape;
use harness::OurSubscriber;
use harness::chaos::{Case, play};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

fn tapes(folder: &str) -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(fixtures().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "jsonl"))
        .collect();
    paths.sort();
    paths
}

#[test]
fn the_subscriber_holds_to_the_rules_on_every_canned_tape() {
    let mut broken = Vec::new();
    for path in tapes("tapes").into_iter().chain(tapes("recordings")) {
        let case = Case::from_tape(Tape::load(&path).unwrap()).unwrap();
        let played = play(&case, &OurSubscriber);
        if !played.verdict.holds() {
            let name = path.file_stem().unwrap().display();
            let violations = played.verdict.violations.iter();
            let lines: Vec<_> = violations.map(|v| format!("  {v}")).collect();
            broken.push(format!("{name}\n{}\n{}", lines.join("\n"), played.trace));
        }
    }
    assert!(
        broken.is_empty(),
        "{} broken\n{}",
        broken.len(),
        broken.join("\n")
    );
}
