//! The subscriber that flaws are planted in keeps every rule without one.

use std::path::{Path, PathBuf};

use fixtures::Tape;
use harness::OurSubscriber;
use harness::chaos::planted::Planted;
use harness::chaos::{Case, Judged, play};

fn tapes(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fixtures")
        .join(folder);
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "jsonl"))
        .collect();
    paths.sort();
    paths
}

/// What of it does not hold, in words.
fn broken(case: &Case, subject: &dyn Judged, name: &str) -> Option<String> {
    let played = play(case, subject);
    let violation = played.verdict.violations.first()?;
    let subject = subject.name();
    Some(format!(
        "{subject} on {name}: {violation}\nmirror {}\nmodel  {}",
        played.mirror, played.model
    ))
}

#[test]
fn without_a_flaw_it_keeps_every_rule_on_every_tape_of_the_fixtures() {
    let mut all = Vec::new();
    for path in [tapes("tapes"), tapes("recordings")].concat() {
        let name = path.file_name().unwrap_or_default().display().to_string();
        let tape = Tape::load(&path).unwrap_or_else(|error| panic!("{error}"));
        let case = Case::from_tape(tape).unwrap_or_else(|error| panic!("{name}: {error}"));
        all.extend(broken(&case, &OurSubscriber, &name));
        all.extend(broken(&case, &Planted::flawless(), &name));
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}
