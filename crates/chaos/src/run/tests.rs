//! Workers, budget, determinism, cases that hang.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::mpsc;

use wstape_tape::{Header, Tape};

use super::work::is_sampled;
use super::*;
use crate::case::{About, Case};
use crate::origin::Origin;
use crate::verdict::Verdict;
use wstape_oracle::{Rule, Settings, Violation};

fn draw() -> Draw {
    Arc::new(|seed| {
        let about = About {
            seed: Some(seed),
            ..About::default()
        };
        let tape = || Tape::new(Header::default(), Vec::new());
        Case::new(tape(), tape(), Settings::default(), about)
    })
}

fn broken(rule: Rule) -> Verdict {
    Verdict {
        violations: vec![Violation {
            rule,
            at_us: 1,
            dial: None,
            what: "expected 1, found 2".to_owned(),
        }],
        ..Verdict::default()
    }
}

fn options(workers: usize) -> Options {
    Options {
        workers: NonZeroUsize::new(workers).unwrap(),
        check_determinism: false,
        determinism: Determinism::Declared,
        finds_hanging: true,
        keep_going: true,
    }
}

fn seed(case: &Case) -> u64 {
    case.about.seed.unwrap()
}

/// Runs these seeds to their end.
fn run(play: Play, seeds: std::ops::Range<u64>, options: Options) -> Ran {
    let jobs = seeds.map(Job::Seed);
    Run::start(play, draw(), jobs, Tally::default(), options).finish()
}

#[test]
fn each_seed_is_played_once_whatever_the_number_of_workers() {
    for workers in [1, 2, 5] {
        let played = Arc::new(Mutex::new(Vec::new()));
        let play: Play = {
            let played = Arc::clone(&played);
            Arc::new(move |case| {
                lock(&played).push(seed(case));
                Verdict::default()
            })
        };
        let ran = run(play, 0..1_000, options(workers));
        let played: BTreeSet<u64> = lock(&played).iter().copied().collect();
        assert!(played.into_iter().eq(0..1_000));
        assert_eq!(ran.tally.cases, 1_000);
        assert!(ran.broken.is_empty());
    }
}

#[test]
fn of_the_cases_that_break_a_rule_the_first_is_kept_and_all_are_counted() {
    let play: Play = Arc::new(|case| match seed(case) {
        n if n % 100 == 99 => broken(Rule::R3),
        500 => broken(Rule::R9),
        _ => Verdict::default(),
    });
    let ran = run(play, 0..1_000, options(3));
    let found: Vec<_> = ran
        .broken
        .iter()
        .map(|b| (b.violation.rule, b.origin.clone(), b.times))
        .collect();
    assert_eq!(
        found,
        [
            (Rule::R3, Origin::Seed(99), 10),
            (Rule::R9, Origin::Seed(500), 1)
        ]
    );
    assert_eq!(ran.broken[0].case.as_ref().map(seed), Some(99));
}

#[test]
fn unless_told_to_go_on_a_run_ends_with_the_first_rule_that_breaks() {
    let play: Play = Arc::new(|case| match seed(case) {
        40 => broken(Rule::R3),
        _ => Verdict::default(),
    });
    let options = Options {
        keep_going: false,
        ..options(1)
    };
    let ran = run(play, 0..u64::MAX, options);
    assert_eq!((ran.tally.cases, ran.broken.len()), (41, 1));
}

#[test]
fn a_trace_that_differs_on_the_second_run_breaks_r16() {
    let n = AtomicU64::new(0);
    let play: Play = Arc::new(move |case| Verdict {
        hash: match seed(case) {
            3 => n.fetch_add(1, Ordering::Relaxed),
            same => same,
        },
        ..Verdict::default()
    });
    let options = Options {
        check_determinism: true,
        ..options(2)
    };
    let ran = run(play, 0..10, options);
    assert_eq!(ran.broken.len(), 1);
    assert_eq!(ran.broken[0].origin, Origin::Seed(3));
    assert_eq!(ran.broken[0].violation.rule, Rule::R16);
    assert_eq!(ran.tally.coverage.rules[&Rule::R16], 10);
}

#[test]
fn a_case_that_hangs_is_a_failure_with_its_seed_and_does_not_hold_up_the_others() {
    let (begun, begins) = mpsc::channel();
    let (_held, hold) = mpsc::channel::<()>();
    let hold = Mutex::new(hold);
    let play: Play = Arc::new(move |case| {
        if seed(case) == 5 {
            begun.send(()).unwrap();
            // Hangs until the test is over.
            let _ = lock(&hold).recv();
        }
        Verdict::default()
    });
    let jobs = (0..100).map(Job::Seed);
    let mut run = Run::start(play, draw(), jobs, Tally::default(), options(2));
    begins.recv().unwrap();
    assert!(!run.watch(Duration::ZERO), "a case is under way");
    while !run
        .workers
        .iter()
        .any(|w| w.state.done.load(Ordering::Acquire))
    {
        thread::yield_now();
    }
    assert!(!run.watch(HANG_AFTER.saturating_sub(Duration::from_millis(1))));
    assert_eq!(run.broken(), 0);
    run.watch(HANG_AFTER);
    assert!(run.watch(HANG_AFTER), "nobody else is at work");
    let ran = run.finish();
    assert_eq!(ran.broken.len(), 1);
    assert_eq!(ran.broken[0].origin, Origin::Seed(5));
    assert!(ran.broken[0].hangs);
    let what =
        "expected the case to end within 20 s of wall time, found it still running: it blocks";
    assert!(ran.broken[0].violation.what.starts_with(what));
}

#[test]
fn a_panic_while_a_case_is_drawn_is_a_finding_with_its_seed_and_the_others_are_played() {
    let drawn = draw();
    let draw: Draw = Arc::new(move |seed| {
        assert_ne!(seed, 7, "no die has so many sides");
        drawn(seed)
    });
    let play: Play = Arc::new(|_| Verdict::default());
    let jobs = (0..100).map(Job::Seed);
    // Nobody watches it: it must end by itself.
    let ran = Run::start(play, draw, jobs, Tally::default(), options(2)).finish();
    assert_eq!((ran.tally.cases, ran.broken.len()), (99, 1));
    assert_eq!(ran.broken[0].origin, Origin::Seed(7));
    let what = &ran.broken[0].violation.what;
    let expected = "expected no panic, found a panic while the case was drawn: ";
    assert!(what.starts_with(expected), "{what}");
    assert!(what.contains("no die has so many sides"), "{what}");
}

#[test]
fn a_panic_while_a_case_is_judged_is_a_finding_too() {
    let play: Play = Arc::new(|case| {
        assert_ne!(seed(case), 7, "what a judge");
        Verdict::default()
    });
    let ran = run(play, 0..100, options(2));
    assert_eq!((ran.tally.cases, ran.broken.len()), (100, 1));
    assert_eq!(ran.broken[0].origin, Origin::Seed(7));
}

#[test]
fn a_run_that_is_left_in_mid_case_knows_of_the_cases_before_and_waits_for_none() {
    let (begun, begins) = mpsc::channel();
    let (lets_go, waits) = mpsc::channel::<()>();
    let (begun, waits) = (Mutex::new(begun), Mutex::new(waits));
    let play: Play = Arc::new(move |case| {
        if seed(case) == 0 {
            return broken(Rule::R3);
        }
        let _ = lock(&begun).send(());
        let _: Result<(), _> = lock(&waits).recv();
        broken(Rule::R4)
    });
    let options = Options {
        determinism: Determinism::NotJudged,
        finds_hanging: false,
        ..options(1)
    };
    let jobs = (0..3).map(Job::Seed);
    let run = Run::start(play, draw(), jobs, Tally::default(), options);
    begins.recv().unwrap();
    run.stop();
    let (ran, left) = run.leave();
    drop(lets_go);
    assert_eq!((ran.tally.cases, left), (1, 1));
    let rules: Vec<Rule> = ran.broken.iter().map(|it| it.violation.rule).collect();
    assert_eq!(rules, [Rule::R3]);
}

#[test]
fn undeclared_a_schedule_of_the_engines_that_differs_is_a_finding_and_nothing_else_is() {
    let differs = |hash: bool, engine_hash: bool| -> Play {
        let plays = AtomicU64::new(0);
        Arc::new(move |_| {
            let nth = plays.fetch_add(1, Ordering::Relaxed);
            Verdict {
                hash: nth * u64::from(hash),
                engine_hash: nth * u64::from(engine_hash),
                ..Verdict::default()
            }
        })
    };
    let case = draw()(0);
    let broken = |play: &Play, compare| judge(&case, play, Some(compare)).broken();
    let subjects_own = differs(true, false);
    assert_eq!(broken(&subjects_own, Compare::EngineSide), None);
    assert_eq!(broken(&subjects_own, Compare::Trace), Some(Rule::R16));
    let engines = differs(true, true);
    assert_eq!(broken(&engines, Compare::EngineSide), Some(Rule::R16));
}

#[test]
fn each_shard_has_its_share_of_the_seeds_that_are_played_twice() {
    for count in [1, 2, 4, 8, 64] {
        for index in 0..count {
            let part = (index..)
                .step_by(usize::try_from(count).unwrap())
                .take(6_400);
            let twice = part.filter(|seed| is_sampled(*seed)).count();
            assert!(
                (60..140).contains(&twice),
                "{twice} of 6,400 in {index}/{count}"
            );
        }
    }
}

#[test]
fn a_run_that_is_stopped_ends_with_what_it_has() {
    let play: Play = Arc::new(|_| Verdict::default());
    let jobs = (0..).map(Job::Seed);
    let run = Run::start(play, draw(), jobs, Tally::default(), options(2));
    while run.cases() < 100 {
        thread::yield_now();
    }
    run.stop();
    assert!(run.finish().tally.cases >= 100);
}
