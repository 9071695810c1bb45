//! What a subscriber declares about itself is judged; what it does not declare is left out.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{sleep, timeout};
use wstape_chaos::{Case, Determinism, Draw, Job, Options, Play, Run, Tally, draw, play};
use wstape_harness::{Stage, Subject, Terms, subject};
use wstape_oracle::{Backoff, Reset, Rule};
use wstape_tape::Tape;

/// Half a minute without an engine, a connection that ends, and one that just goes silent.
const BAD_DAY: &str = r#"{"tape":1}
{"at_ms":0,"down":true}
{"at_ms":30000,"down":false}
{"at_ms":70000,"text":"hello"}
{"at_ms":71000,"drop":"reset"}
{"at_ms":75000,"text":"hello"}
{"at_ms":76000,"partition":"both","for_ms":600000}
{"at_ms":700000,"end":true}
"#;

fn broken(subject: &dyn Subject) -> Vec<Rule> {
    let tape = Tape::parse("a bad day", BAD_DAY).expect("a tape");
    let case = Case::from_tape(tape).expect("a case");
    let violations = play(&case, subject).verdict.violations;
    violations.iter().map(|violation| violation.rule).collect()
}

/// Returns a subscriber with delays that double from a second to eight, start anew after a message
/// if `resets`, and that waits at most `patience` seconds for a message.
fn backing_off(resets: bool, growth: u32, patience: Option<u64>) -> impl Subject + Clone {
    let patience = Duration::from_secs(patience.unwrap_or(1_000_000));
    let start = move |stage: Stage| async move {
        let mut delay = Duration::from_secs(1);
        loop {
            let mut heard = false;
            if let Ok(stream) = wstape_dial::dial("127.0.0.1", 1).await
                && let Ok(Ok((mut socket, _))) = timeout(
                    Duration::from_secs(10),
                    tokio_tungstenite::client_async(stage.url.as_str(), stream),
                )
                .await
            {
                while let Ok(Some(Ok(_))) = timeout(patience, socket.next()).await {
                    heard = true;
                }
            }
            if heard && resets {
                delay = Duration::from_secs(1);
            }
            sleep(delay).await;
            delay = (delay * growth).min(Duration::from_secs(8));
        }
    };
    let second = Duration::from_secs(1);
    let declared = Backoff::new(second, second * 8).reset(Reset::FirstMessage);
    subject(start)
        .backoff(declared)
        .lost_within(second * 60)
        .deterministic()
}

#[test]
fn a_subscriber_that_keeps_what_it_declares_breaks_nothing() {
    assert_eq!(broken(&backing_off(true, 2, Some(45))), []);
}

#[test]
fn growth_reset_and_liveness_that_are_declared_and_not_kept_are_found() {
    assert_eq!(broken(&backing_off(true, 3, Some(45)))[..1], [Rule::R3]);
    assert_eq!(broken(&backing_off(false, 2, Some(45)))[..1], [Rule::R4]);
    assert_eq!(broken(&backing_off(true, 2, None)), [Rule::R6]);
}

/// Returns a subscriber that waits for a share of 1.5 s, drawn by `share`, before it dials again.
fn crowd(share: fn() -> f64) -> impl Subject + Clone {
    let (delay, patience) = (Duration::from_millis(1_500), Duration::from_secs(20));
    let start = move |stage: Stage| async move {
        loop {
            if let Ok(stream) = wstape_dial::dial("127.0.0.1", 1).await
                && let Ok(Ok((mut socket, _))) = timeout(
                    patience,
                    tokio_tungstenite::client_async(stage.url.as_str(), stream),
                )
                .await
            {
                while let Ok(Some(Ok(_))) = timeout(patience, socket.next()).await {}
            }
            sleep(delay.mul_f64(share())).await;
        }
    };
    let declared = Backoff::new(delay, delay).growth(1.0).jitter(0.0, 1.0);
    subject(start).backoff(declared)
}

/// Returns shares that lie evenly between 0 and 1, whoever draws.
fn spread() -> f64 {
    /// 2^64 divided by the golden ratio (Knuth, TAOCP 3, 6.4).
    const SCATTER: u64 = 0x9e37_79b9_7f4a_7c15;
    static DRAWN: AtomicU64 = AtomicU64::new(1);
    let drawn = DRAWN.fetch_add(SCATTER, Ordering::Relaxed);
    f64::from(u32::try_from(drawn >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX)
}

#[test]
fn a_crowd_that_declares_jitter_comes_back_spread_out_or_is_found() {
    let terms = crowd(spread).terms();
    let of_a_crowd = |seed: &u64| draw(*seed, &[], &terms).about.crowd > 1;
    let seed = (0..10_000).find(of_a_crowd).expect("a crowd is drawn");
    let case = draw(seed, &[], &terms);
    let broken = |subject: &dyn Subject| {
        let violations = play(&case, subject).verdict.violations;
        violations.into_iter().map(|v| v.rule).collect::<Vec<_>>()
    };
    assert_eq!(broken(&crowd(spread)), []);
    assert_eq!(broken(&crowd(|| 0.5)), [Rule::R15]);
    assert_eq!(
        draw(seed, &[], &Terms::default()).about.crowd,
        0,
        "nothing is declared"
    );
}

/// Returns what a run of these seeds finds about a subscriber that never does the same thing twice.
fn found_of_chance(determinism: Determinism) -> Vec<Rule> {
    let subject = crowd(spread);
    let terms = Terms::default();
    let play: Play = Arc::new(move |case| play(case, &subject).verdict);
    let draw: Draw = Arc::new(move |seed| draw(seed, &[], &terms));
    let options = Options {
        workers: NonZeroUsize::MIN,
        check_determinism: false,
        determinism,
        finds_hanging: true,
        keep_going: true,
    };
    let jobs = (0..192).map(Job::Seed);
    let ran = Run::start(play, draw, jobs, Tally::default(), options).finish();
    let rules = ran.broken.into_iter().map(|broken| broken.violation.rule);
    rules.filter(|rule| *rule == Rule::R16).collect()
}

#[test]
fn chance_is_a_finding_where_determinism_is_declared_and_only_there() {
    assert_eq!(found_of_chance(Determinism::Declared), [Rule::R16]);
    assert_eq!(found_of_chance(Determinism::Undeclared), []);
}
