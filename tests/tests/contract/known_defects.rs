//! What the known subscriber of this kind does wrong (SPEC, section 4), as far as no rule's own
//! test covers it literally. These tests cover the others:
//!
//! | defect | held by |
//! | --- | --- |
//! | clean Close: reconnects without a delay | `ladder` |
//! | FIN or RST after frames: the ladder climbs on | `resets` |
//! | half-open link, a byte a second: connected for ever | `liveness` |
//! | handshake, SYN, TLS unanswered: no timeout, shutdown hangs | `connect`, `shutdown`, `tls` |
//! | handle dropped: spins, or exits in backoff | `dropped` |
//! | bad token retried for ever, user info in the log | `secrets` |
//! | jitter never after a clean Close | `jitter` |

use std::time::Duration;

use chrono::{DateTime, Utc};
use engine_client::{EngineEvent, EngineState, ReconnectConfig, exp_backoff_cap};
use wstape_tape::Micros;

use crate::world::{ms, play, steady};

/// Looks at the mirror after a good event and then a bad one.
fn after(good: &str, bad: &str, look: impl FnOnce(&EngineState)) {
    let steps = [
        format!(
            r#"{{"at_ms":1000,"text":{}}}"#,
            serde_json::to_string(good).unwrap()
        ),
        format!(
            r#"{{"at_ms":2000,"text":{}}}"#,
            serde_json::to_string(bad).unwrap()
        ),
    ];
    play(steps.each_ref().map(String::as_str), async |world| {
        let subscriber = world.spawn();
        world.until(ms(2000)).await;
        let state = subscriber.state();
        look(&state.read());
    });
}

/// Payloads that are not readings of anything.
const NO_READINGS: [&str; 6] = [
    r#","data":{}"#,
    r#","data":{"error":"database is locked"}"#,
    r#","data":null"#,
    r#","data":"none""#,
    r#","data":[true,false]"#,
    "",
];

#[test]
fn an_empty_or_failed_risk_does_not_make_a_halted_engine_look_healthy() {
    for data in NO_READINGS {
        for event in ["risk", "risk_update"] {
            let good = r#"{"event":"risk","data":{"halted":true,"account_value":1}}"#;
            let bad = format!(r#"{{"event":"{event}"{data}}}"#);
            after(good, &bad, |state| {
                assert!(state.risk.as_ref().unwrap().value.is_halted(), "{bad}");
                assert_eq!(state.connection.failed_payloads, 1, "{bad}");
                assert!(state.connection.ws_connected);
            });
        }
    }
}

#[test]
fn empty_or_failed_positions_do_not_empty_the_list() {
    for data in NO_READINGS {
        let good = r#"{"event":"positions","data":{"positions":[{"symbol":"BTC","side":"long"}]}}"#;
        let bad = format!(r#"{{"event":"positions"{data}}}"#);
        after(good, &bad, |state| {
            assert_eq!(
                state.positions.as_ref().unwrap().value.items.len(),
                1,
                "{bad}"
            );
        });
    }
}

#[test]
fn a_list_of_no_positions_does_empty_it() {
    let good = r#"{"event":"positions","data":{"positions":[{"symbol":"BTC","side":"long"}]}}"#;
    let empty = r#"{"event":"positions","data":{"positions":[]}}"#;
    after(good, empty, |state| {
        assert_eq!(state.positions.as_ref().unwrap().value.items, []);
    });
}

#[test]
fn a_naive_time_is_utc_and_is_not_replaced_by_now() {
    let naive = r#"{"event":"regime","ts":"2026-04-21T19:05:36.821259","data":{"regime":"RANGE"}}"#;
    let expected: DateTime<Utc> = "2026-04-21T19:05:36.821259Z".parse().unwrap();
    after("", naive, |state| {
        assert_eq!(state.regime.as_ref().unwrap().as_of, expected);
        assert_eq!(state.last_heartbeat, Some(expected));
    });
}

#[test]
fn a_time_that_is_a_number_does_not_lose_the_event() {
    for ts in [
        "1776798336",
        "1776798336.5",
        "null",
        "true",
        "[]",
        r#""soon""#,
    ] {
        let message = format!(r#"{{"event":"regime","ts":{ts},"data":{{"regime":"RANGE"}}}}"#);
        // Virtual time begins at the start of the year.
        let now: DateTime<Utc> = "2026-01-01T00:00:02Z".parse().unwrap();
        after("", &message, |state| {
            assert_eq!(state.regime.as_ref().unwrap().as_of, now, "{ts}");
        });
    }
}

#[test]
fn the_delay_of_any_attempt_is_computed_in_a_few_steps() {
    let second = Duration::from_secs(1);
    let year = Duration::from_hours(8766);
    // Computed step by step, each of these would take four billion steps.
    assert_eq!(
        exp_backoff_cap(Duration::ZERO, year, 2, u32::MAX),
        Duration::ZERO
    );
    assert_eq!(exp_backoff_cap(second, year, 1, u32::MAX), second);
    assert_eq!(exp_backoff_cap(second, year, 0, u32::MAX), second);
    assert_eq!(exp_backoff_cap(second, year, 2, u32::MAX), year);
}

#[test]
fn an_initial_backoff_below_a_millisecond_is_not_none() {
    play([r#"{"at_ms":0,"down":true}"#], async |world| {
        let backoff = ReconnectConfig {
            initial_backoff: Duration::from_micros(999),
            multiplier: 1,
            ..steady()
        };
        let builder = world.builder().reconnect(backoff);
        let _subscriber = builder.spawn(EngineState::shared()).unwrap();
        world.until(ms(99)).await;
        assert_eq!(world.gaps(), [Micros(999); 99]);
    });
}

#[test]
fn after_a_shutdown_the_peer_has_its_close_before_the_fin() {
    play([], async |world| {
        let subscriber = world.spawn();
        let state = subscriber.state();
        world.until(ms(1000)).await;
        subscriber.shutdown().await.unwrap();
        world.settle().await;
        let lines = world.engine.journal().lines();
        let place = |what: &str| lines.iter().position(|line| line.contains(what));
        let (close, fin) = (place("← close 1000"), place("client fin"));
        assert!(
            close.is_some() && fin.is_none_or(|fin| close < Some(fin)),
            "{lines:?}"
        );
        assert!(!state.read().connection.ws_connected);
    });
}

#[test]
fn one_bad_position_among_good_ones_is_told_and_counted() {
    let bad = r#"{"event":"positions","ts":"2026-01-01T00:00:00Z","data":{"positions":[{"symbol":"BTC"},7]}}"#;
    play([], async |world| {
        let mut builder = world.builder();
        let mut events = builder.events();
        let subscriber = builder.spawn(EngineState::shared()).unwrap();
        world.until(ms(1)).await;
        world.engine.text(bad);
        match events.recv().await.unwrap() {
            EngineEvent::Unknown { event, data, .. } => {
                assert_eq!(event, "positions");
                assert_eq!(data["positions"][1], 7);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(subscriber.state().read().connection.failed_payloads, 1);
        assert_eq!(subscriber.state().read().positions, None);
    });
}
