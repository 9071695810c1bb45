//! Plain time and fine time agree.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use wstape::OurSubscriber;
use wstape_harness::{Line, Outcome, Running, Settings, Stage, Subject, Suite, Terms, Time};
use wstape_tape::Micros;

/// Our subscriber, played in plain time instead of fine time.
#[derive(Debug)]
struct InPlainTime;

impl Subject for InPlainTime {
    fn name(&self) -> String {
        OurSubscriber.name()
    }

    fn describe(&self, settings: &Settings) -> String {
        OurSubscriber.describe(settings)
    }

    fn time(&self) -> Time {
        Time::Plain
    }

    fn terms(&self) -> Terms {
        Terms::Settings
    }

    fn start(&self, stage: Stage) -> Result<Running, String> {
        OurSubscriber.start(stage)
    }
}

/// Replaces each time in a text by a mark.
fn skeleton(text: &str) -> String {
    let is_time = |word: &str| {
        word.split_once('.').is_some_and(|(whole, part)| {
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            !whole.is_empty() && part.len() == 6 && digits(whole) && digits(part)
        })
    };
    let words = text.split(|c: char| !(c.is_ascii_digit() || c == '.'));
    let times: Vec<&str> = words.filter(|word| is_time(word)).collect();
    times
        .iter()
        .fold(text.to_owned(), |text, time| text.replacen(time, "T", 1))
}

/// The owner of a line. Each owner's lines have one order: a connection's, the subscriber's own,
/// and those that the engine does by its tape.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Tape,
    Client,
    Conn(u64),
}

impl Whose {
    fn of(line: &Line) -> Self {
        let by_client = |word: &str| line.text.starts_with(word);
        match line.conn {
            Some(conn) => Self::Conn(conn),
            None if by_client("client ") || by_client("dial ") => Self::Client,
            None => Self::Tape,
        }
    }
}

/// A line, and how many waits may have made it late.
#[derive(Debug)]
struct Timed {
    at: Micros,
    what: String,
    waits: u64,
}

/// Returns the lines of each owner, in order. A step of the tape is due by the tape, so only its
/// own wait can make it late. Whatever the subscriber or a link does waits for what it did before:
/// at most one wait for each moment at which anything happened.
fn timed(outcome: &Outcome) -> BTreeMap<Whose, Vec<Timed>> {
    let mut all: BTreeMap<Whose, Vec<Timed>> = BTreeMap::new();
    let (mut moments, mut last) = (0, None);
    for line in outcome.timeline.lines() {
        let whose = Whose::of(line);
        let waits = if whose == Whose::Tape {
            1
        } else {
            moments += u64::from(last.replace(line.at) != Some(line.at));
            moments
        };
        let (at, what) = (line.at, skeleton(&line.text));
        all.entry(whose)
            .or_default()
            .push(Timed { at, what, waits });
    }
    all
}

/// Returns how much later one time is than the other, in microseconds; it may not be earlier, nor
/// later by more than a millisecond for each wait.
fn lateness(fine: Micros, plain: Micros, waits: u64, what: &str) -> u64 {
    let late = plain.0.checked_sub(fine.0);
    let late = late.unwrap_or_else(|| panic!("{what}: at {plain}, sooner than at {fine}"));
    let bound = waits * ROUNDING_MICROS;
    assert!(
        late <= bound,
        "{what}: at {plain} instead of {fine}, {late} us late after {waits} waits"
    );
    late
}

/// Checks that the outcome of plain time has the same lines of each owner in the same order as that
/// of fine time. Returns how late the latest of them is, in microseconds.
fn agree(name: &str, fine: &Outcome, plain: &Outcome) -> u64 {
    let (lines, others) = (timed(fine), timed(plain));
    assert!(
        lines.keys().eq(others.keys()),
        "{name}: the same connections"
    );
    let mut latest = 0;
    for ((whose, lines), others) in lines.iter().zip(others.values()) {
        let words = |lines: &[Timed]| -> Vec<String> {
            lines.iter().map(|line| line.what.clone()).collect()
        };
        assert_eq!(words(lines), words(others), "{name}, {whose:?}");
        for (line, other) in lines.iter().zip(others) {
            let what = format!("{name}, {whose:?}, {}", line.what);
            latest = latest.max(lateness(line.at, other.at, line.waits, &what));
        }
    }
    assert_eq!(fine.events, plain.events, "{name}");
    assert_eq!(fine.reconnects.len(), plain.reconnects.len(), "{name}");
    for (gap, other) in fine.reconnects.iter().zip(&plain.reconnects) {
        assert_eq!((&gap.why, gap.cap), (&other.why, other.cap), "{name}");
        if let (Some(gap), Some(other)) = (gap.gap(), other.gap()) {
            // There is one wait from an end to the dial after it.
            lateness(gap, other, 1, &format!("{name}, a gap"));
        }
    }
    latest
}

/// The most that one wait is rounded up by.
const ROUNDING_MICROS: u64 = 1_000;

#[test]
fn plain_time_and_fine_time_agree_on_every_tape() {
    let fixtures: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    let suite = Suite::of_fixtures(&fixtures).expect("the fixtures");
    let (mut alike, mut late, mut latest) = (0, 0, 0);
    for trial in &suite.trials {
        let fine = trial.scenario.run(&OurSubscriber).expect("it plays");
        let plain = trial.scenario.run(&InPlainTime).expect("it plays");
        let is_whole = |line: &Line| line.at.0.is_multiple_of(ROUNDING_MICROS);
        if fine.timeline.lines().iter().all(is_whole) {
            assert_eq!(fine.to_string(), plain.to_string(), "{}", trial.name);
            alike += 1;
        } else {
            latest = latest.max(agree(&trial.name, &fine, &plain));
            late += 1;
        }
    }
    assert!(alike >= 80 && late >= 10, "{alike} alike, {late} later");
    assert!(latest > 0, "what is rounded up comes later");
}
