//! Plain time and fine time agree.

use std::path::{Path, PathBuf};

use wstape::OurSubscriber;
use wstape_harness::{Running, Settings, Stage, Subject, Suite, Terms, Time};

/// Our subscriber, in the other time.
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

/// A line with a mark for each time in it, and the time that it begins with, in microseconds.
fn split(line: &str) -> (String, Option<u64>) {
    let is_time = |word: &str| {
        word.split_once('.').is_some_and(|(whole, part)| {
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            !whole.is_empty() && part.len() == 6 && digits(whole) && digits(part)
        })
    };
    let mut at = None;
    let words: Vec<&str> = line
        .split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .filter(|word| is_time(word))
        .collect();
    let mut skeleton = line.trim().to_owned();
    for word in words {
        if line.trim_start().starts_with(word) && at.is_none() {
            at = word.replace('.', "").parse().ok();
        }
        skeleton = skeleton.replacen(word, "T", 1);
    }
    (skeleton, at)
}

/// Whether every line begins at a whole millisecond.
fn is_whole_ms(text: &str) -> bool {
    text.lines()
        .filter_map(|line| split(line).1)
        .all(|at| at % 1_000 == 0)
}

/// Most lines of one connection, so most waits before any of its lines.
const MAX_LATENESS_MICROS: u64 = 1_000_000;

#[test]
fn plain_time_and_fine_time_agree_on_every_tape() {
    let fixtures: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    let suite = Suite::of_fixtures(&fixtures).expect("the fixtures");
    let (mut alike, mut late) = (0, 0);
    for trial in &suite.trials {
        let fine = trial.scenario.run(&OurSubscriber).expect("it plays");
        let plain = trial.scenario.run(&InPlainTime).expect("it plays");
        let (fine, plain) = (fine.to_string(), plain.to_string());
        if is_whole_ms(&fine) {
            assert_eq!(fine, plain, "{}", trial.name);
            alike += 1;
            continue;
        }
        late += 1;
        // Where waits are rounded up, each line of the timeline comes a little later, never sooner.
        let lines = |text: &str| {
            let timed = |line| match split(line) {
                (skeleton, Some(at)) => Some((skeleton, at)),
                _ => None,
            };
            let mut lines: Vec<(String, u64)> = text.lines().filter_map(timed).collect();
            lines.sort();
            lines
        };
        let (fine, plain) = (lines(&fine), lines(&plain));
        assert_eq!(fine.len(), plain.len(), "{}", trial.name);
        for ((what, at), (other, later)) in fine.iter().zip(&plain) {
            assert_eq!(what, other, "{}", trial.name);
            let lateness = later.checked_sub(*at).unwrap_or_else(|| {
                panic!(
                    "{}: {what} at {later} us, sooner than at {at} us",
                    trial.name
                )
            });
            assert!(
                lateness < MAX_LATENESS_MICROS,
                "{}: {what}: {lateness} us",
                trial.name
            );
        }
    }
    assert!(alike >= 80 && late >= 1, "{alike} alike, {late} later");
}
