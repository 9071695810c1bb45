//! Tapes damaged at random, from a seed: whatever a file contains, reading it ends in a step or in
//! a flaw that can be shown.
//!
//! `cargo test` damages 2,000. To damage more, or others, set the environment:
//!
//! ```text
//! WSTAPE_MUTATED_TAPES=20000 WSTAPE_MUTATED_SEED=7 cargo test -p wstape-tape --test mutated
//! ```
//!
//! `tests/examples/mutated_tapes.rs` plays such tapes too.

mod generator;

use std::env;
use std::panic::catch_unwind;

use generator::mutated;
use wstape_tape::{Tape, TapeErrorKind, TapeReader, check};

/// The tape that is damaged: all that the format has.
const TAPE: &[u8] = include_bytes!("../../format/full.jsonl");

/// How many `cargo test` damages.
const TAPES: u64 = 2_000;

/// Longest line that a report may have, in characters, its file's name not counted.
const MAX_REPORT_LINE_CHARS: usize = 320;

/// Reads a tape in every way there is, and checks the result.
fn read(bytes: &[u8]) {
    match TapeReader::new("mutated", bytes).and_then(check) {
        Ok(summary) => {
            let lines = bytes.split(|b| *b == b'\n').count() as u64 - 1;
            assert!(summary.steps <= lines, "a step is a line");
            let text = str::from_utf8(bytes).map(|text| Tape::parse("mutated", text));
            // Bytes that are not text can only be in a torn line.
            let Ok(tape) = text else {
                assert!(summary.torn.is_some());
                return;
            };
            let tape = tape.expect("it was checked");
            let again = Tape::parse("again", &tape.to_string()).expect("what was read is written");
            assert_eq!(again.steps, tape.steps);
            for step in &tape.steps {
                let line = format!("{}\n", step.to_canonical());
                let again = wstape_tape::Step::parse("canonical", step.line, &line);
                assert_eq!(&again.expect("what was read is a step"), step);
            }
        }
        Err(error) => {
            assert_ne!(error.kind(), TapeErrorKind::Io);
            assert!(error.line() >= 1 && error.column() >= 1);
            let report = error.report();
            let longest = report.lines().map(|line| line.chars().count()).max();
            assert!(longest <= Some(MAX_REPORT_LINE_CHARS), "{report}");
            let control = |c: char| c.is_control() && c != '\n';
            assert!(!report.contains(control), "{report:?}");
        }
    }
}

#[test]
fn no_damage_to_a_tape_makes_its_reader_panic_or_its_report_unreadable() {
    let number = |name: &str, default| {
        env::var(name).map_or(default, |text| text.parse().expect("a whole number"))
    };
    let first = number("WSTAPE_MUTATED_SEED", 1);
    let tapes = number("WSTAPE_MUTATED_TAPES", TAPES);
    let mut sound = 0;
    for seed in first..first + tapes {
        let tape = mutated(TAPE, seed);
        sound += u64::from(
            TapeReader::new("mutated", &tape[..])
                .and_then(check)
                .is_ok(),
        );
        if catch_unwind(|| read(&tape)).is_err() {
            let shown = String::from_utf8_lossy(&tape);
            panic!("WSTAPE_MUTATED_TAPES=1 WSTAPE_MUTATED_SEED={seed}\n{shown}");
        }
    }
    // Neither all sound nor all broken: else the damage would test nothing.
    let share = sound * 100 / tapes;
    assert!(
        tapes < 100 || (2..60).contains(&share),
        "{share} % of the tapes are sound"
    );
}
