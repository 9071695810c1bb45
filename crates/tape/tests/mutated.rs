//! Tapes damaged at random, from a seed: whatever stands in a file, reading it ends in a step or in
//! a flaw that can be shown.
//!
//! `cargo test` damages 2,000. More, or others, by the environment:
//!
//! ```text
//! WSTAPE_MUTATED_TAPES=20000 WSTAPE_MUTATED_SEED=7 cargo test -p wstape-tape --test mutated
//! ```

use std::env;
use std::panic::catch_unwind;

use wstape_tape::{Tape, TapeErrorKind, TapeReader, check};

/// What `cargo test` damages.
const TAPES: u64 = 2_000;

/// Most changes that one tape suffers.
const MAX_CHANGES: u64 = 8;

/// Longest line that a report may have, in characters, its file's name not counted.
const MAX_REPORT_LINE_CHARS: usize = 320;

/// Text that changes put into a tape: the format's own words, numbers at the edges of their types,
/// and pieces of JSON that does not end.
const PIECES: [&str; 30] = [
    "\"at_ms\":",
    "\"on_connect\":\"each\"",
    "\"emit\":{}",
    "\"end\":true",
    "\"b64\":",
    "\"x-\"",
    "null",
    "true",
    "-1",
    "0.0001",
    "1e308",
    "18446744073709551615",
    "18446744073709551616",
    "\\ud800",
    "\\u0000",
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\n",
    "\r",
    "\0",
    "\u{feff}",
    "\u{301}",
    "AP8=",
    "{\"tape\":2,\"needs\":[\"x\"]}",
];

/// `SplitMix64`: the same numbers from a seed on every machine.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `n`, which is not 0.
    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).expect("below a usize")
    }
}

/// The tape of that seed.
fn mutated(seed: u64) -> Vec<u8> {
    let mut numbers = Numbers(seed);
    let mut tape = include_bytes!("../format/full.jsonl").to_vec();
    for _ in 0..=numbers.next() % MAX_CHANGES {
        change(&mut tape, &mut numbers);
    }
    tape
}

fn change(tape: &mut Vec<u8>, numbers: &mut Numbers) {
    if tape.is_empty() {
        return;
    }
    let at = numbers.below(tape.len());
    let piece = PIECES[numbers.below(PIECES.len())].as_bytes();
    let until = |numbers: &mut Numbers, most| (at + 1 + numbers.below(most)).min(tape.len());
    match numbers.below(10) {
        0 => tape[at] = numbers.next().to_le_bytes()[0],
        1 => tape[at] ^= 1 << numbers.below(8),
        2 => {
            let until = until(numbers, 40);
            tape.drain(at..until);
        }
        3 => tape.truncate(at),
        4 => {
            let until = until(numbers, 40);
            tape.splice(at..until, piece.iter().copied());
        }
        5 => {
            let until = until(numbers, 400);
            let copied = tape[at..until].to_vec();
            let to = numbers.below(tape.len());
            tape.splice(to..to, copied);
        }
        6 => {
            let mut lines: Vec<&[u8]> = tape.split_inclusive(|b| *b == b'\n').collect();
            let (one, other) = (numbers.below(lines.len()), numbers.below(lines.len()));
            lines.swap(one, other);
            *tape = lines.concat();
        }
        7 => {
            let deep = piece.repeat(1 + numbers.below(2_000));
            tape.splice(at..at, deep);
        }
        _ => {
            tape.splice(at..at, piece.iter().copied());
        }
    }
}

/// Reads it in every way that there is, and looks at what comes of it.
fn read(bytes: &[u8]) {
    match TapeReader::new("mutated", bytes).and_then(check) {
        Ok(summary) => {
            let lines = bytes.split(|b| *b == b'\n').count() as u64 - 1;
            assert!(summary.steps <= lines, "a step is a line");
            let text = str::from_utf8(bytes).map(|text| Tape::parse("mutated", text));
            // Bytes that are no text can only be in a torn line.
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
        let tape = mutated(seed);
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
