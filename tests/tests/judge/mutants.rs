//! Mutants: the control keeps every rule, and a flaw is found.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wstape::OurSubscriber;
use wstape_chaos::mutants::{CANARIES, Flaw, Mutant, missed_canary};
use wstape_chaos::{Case, Draw, draw, play};
use wstape_harness::Subject;
use wstape_harness::Terms;
use wstape_tape::Tape;

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

/// Returns the first rule that the subject breaks in the case, in words.
fn broken(case: &Case, subject: &dyn Subject, name: &str) -> Option<String> {
    let played = play(case, subject);
    let violation = played.verdict.violations.first()?;
    let moment = played.moments.first()?;
    let subject = subject.name();
    Some(format!(
        "{subject} on {name}: {violation}\nmirror {}\nmodel  {}",
        moment.mirror, moment.model
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
        all.extend(broken(&case, &Mutant::flawless(), &name));
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn without_a_flaw_it_keeps_every_rule_whatever_is_drawn() {
    let first = Mutant::flawless().first_seed();
    let broken: Vec<_> = (first..first + 60)
        .filter_map(|seed| {
            broken(
                &draw(seed, &[], &Terms::Settings),
                &Mutant::flawless(),
                &seed.to_string(),
            )
        })
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn a_flaw_is_found_by_one_of_its_rules_within_a_few_seeds() {
    // One flaw for most of the rules; `wstape chaos --mutants` looks for all flaws.
    for flaw in [
        Flaw::TwoReconnects,
        Flaw::HotLoop,
        Flaw::CounterNeverReset,
        Flaw::ShutdownWithoutClose,
        Flaw::HalfOpenNeverSeen,
        Flaw::PongEmpty,
        Flaw::UnknownLost,
        Flaw::MirrorTorn,
        Flaw::HeartbeatMovedByPong,
        Flaw::AttemptsNotReset,
        Flaw::UndecodableUncounted,
        Flaw::SizeUnbounded,
        Flaw::TokenLogged,
    ] {
        let first = Mutant::with(flaw).first_seed();
        let found = (first..first + 60).any(|seed| {
            let played = play(&draw(seed, &[], &Terms::Settings), &Mutant::with(flaw));
            let mut violations = played.verdict.violations.iter();
            violations.any(|violation| flaw.breaks().contains(&violation.rule))
        });
        assert!(found, "{flaw}");
    }
}

#[test]
fn canaries_die_wherever_a_run_starts_and_live_where_no_case_has_a_fault() {
    for first in [0, 40_000, u64::MAX - 20] {
        let draw: Draw = Arc::new(|seed| draw(seed, &[], &Terms::Settings));
        assert_eq!(missed_canary(first, &draw), None, "from {first} on");
    }
    let calm: Draw = Arc::new(|_| {
        let text = "{\"tape\":1}\n{\"at_ms\":1000,\"end\":true}\n";
        let tape = Tape::parse("calm", text).expect("a tape");
        Case::from_tape(tape).expect("a case")
    });
    assert_eq!(missed_canary(0, &calm), Some(CANARIES[0]));
}
