//! Rule 9 and the definition of an end: when a connection is over, how it is finished, and what
//! `ws_connected` says meanwhile.

use std::time::Duration;

use engine_client::{EndReason, EngineState, ReconnectConfig};
use wstape_tape::Micros;

use crate::transports::WatchedDialer;
use crate::world::{all_ms, ms, play, steady};

#[test]
fn connected_is_true_from_the_101_on_and_not_before() {
    play(
        [r#"{"on_connect":"each","latency_ms":500}"#],
        async |world| {
            let subscriber = world.spawn();
            let health = || subscriber.state().read().connection;
            world.until(Micros(999_999)).await;
            assert!(!health().ws_connected);
            world.until(ms(1000)).await;
            assert!(health().ws_connected);
            assert_eq!(health().connected_at, Some(world.clock.wall()));
        },
    );
}

#[test]
fn every_end_turns_connected_false_at_its_own_instant() {
    for (end, reason) in [
        (
            r#"{"at_ms":3000,"close":{"code":1001,"reason":"going away"}}"#,
            EndReason::Closed { code: Some(1001) },
        ),
        (r#"{"at_ms":3000,"drop":"fin"}"#, EndReason::Fin),
        (r#"{"at_ms":3000,"drop":"reset"}"#, EndReason::Reset),
        (
            r#"{"at_ms":3000,"frame":{"opcode":3}}"#,
            EndReason::Protocol,
        ),
    ] {
        play([end], async |world| {
            let subscriber = world.spawn();
            let health = || subscriber.state().read().connection;
            world.until(Micros(2_999_999)).await;
            assert!(health().ws_connected, "{end}");
            world.until(ms(3000)).await;
            assert!(!health().ws_connected, "{end}");
            assert_eq!(health().last_end, Some(reason));
            assert_eq!(health().last_end_at, Some(world.clock.wall()));
        });
    }
}

#[test]
fn what_came_before_a_fin_or_a_close_is_folded() {
    for end in [
        r#"{"at_ms":3000,"drop":"fin"}"#,
        r#"{"at_ms":3000,"close":{"code":1000}}"#,
    ] {
        let steps = [
            r#"{"on_connect":"each","latency_ms":100}"#,
            r#"{"at_ms":3000,"emit":{"event":"regime","data":{"regime":"RANGE"}}}"#,
            end,
        ];
        play(steps, async |world| {
            let subscriber = world.spawn();
            world.until(ms(3100)).await;
            let state = subscriber.state();
            assert!(state.read().regime.is_some(), "{end}");
            assert!(!state.read().connection.ws_connected, "{end}");
        });
    }
}

#[test]
fn a_close_is_answered_with_its_own_code() {
    for (close, answer) in [
        (r#"{"code":1000}"#, "3.000000 ← close 1000"),
        (
            r#"{"code":1012,"reason":"restart"}"#,
            "3.000000 ← close 1012",
        ),
        (
            r#"{"code":4001,"reason":"kicked"}"#,
            "3.000000 ← close 4001",
        ),
        ("{}", "3.000000 ← close"),
    ] {
        let step = format!(r#"{{"at_ms":3000,"close":{close}}}"#);
        play([step.as_str()], async |world| {
            let _subscriber = world.spawn();
            world.until(ms(3499)).await;
            let received = world.received();
            assert_eq!(received.len(), 1, "{received:?}");
            assert!(received[0].starts_with(answer), "{received:?}");
        });
    }
}

#[test]
fn an_error_of_the_peer_is_answered_with_the_close_that_names_it() {
    for (frame, answer) in [
        (r#"{"opcode":3}"#, "3.000000 ← close 1002"),
        (r#"{"rsv":4,"opcode":1}"#, "3.000000 ← close 1002"),
        (r#"{"opcode":0,"payload":"stray"}"#, "3.000000 ← close 1002"),
        (r#"{"opcode":1,"mask":"AAAAAA=="}"#, "3.000000 ← close 1002"),
        (
            r#"{"opcode":1,"payload_b64":"/w=="}"#,
            "3.000000 ← close 1007",
        ),
        (
            r#"{"opcode":2,"declared_len":16777217}"#,
            "3.000000 ← close 1009",
        ),
    ] {
        let step = format!(r#"{{"at_ms":3000,"frame":{frame}}}"#);
        play([step.as_str()], async |world| {
            let _subscriber = world.spawn();
            world.until(ms(3499)).await;
            assert_eq!(world.received(), [answer], "{frame}");
        });
    }
}

#[test]
fn a_peer_that_does_not_take_the_answer_does_not_postpone_the_dial() {
    let steps = [
        r#"{"at_ms":1000,"emit":{"event":"heartbeat"}}"#,
        r#"{"at_ms":2000,"partition":"from_client"}"#,
        r#"{"at_ms":3000,"close":{"code":1001}}"#,
    ];
    play(steps, async |world| {
        let subscriber = world.spawn();
        world.until(ms(3000)).await;
        assert!(!subscriber.state().read().connection.ws_connected);
        assert_eq!(world.received(), [""; 0], "the answer is held");
        world.until(ms(3500)).await;
        assert_eq!(world.dials(), all_ms([0, 3500]));
    });
}

#[test]
fn finishing_takes_the_delay_at_most_and_never_more_than_a_second() {
    for (delay, finished) in [(300, 3300), (1000, 4000), (5000, 4000)] {
        // The Close arrives; its answer and everything after it is held.
        let steps = [
            r#"{"at_ms":3000,"close":{"code":1001}}"#,
            r#"{"at_ms":3000.001,"partition":"both"}"#,
        ];
        let hold_the_answer = r#"{"on_connect":"each","latency_ms":100,"direction":"from_client"}"#;
        play([hold_the_answer, steps[0], steps[1]], async |world| {
            let (dialer, traffic) = WatchedDialer::new(&world);
            let backoff = ReconnectConfig {
                initial_backoff: Duration::from_millis(delay),
                ..steady()
            };
            let builder = world.builder().dialer(dialer).reconnect(backoff);
            let _subscriber = builder.spawn(EngineState::shared()).unwrap();
            world.until(Micros(ms(finished).0 - 1)).await;
            assert_eq!(traffic.lock().dropped, 0, "delay {delay} ms");
            world.until(ms(finished)).await;
            assert_eq!(traffic.lock().dropped, 1, "delay {delay} ms");
            world.until(ms(3000 + delay)).await;
            assert_eq!(world.dials(), all_ms([0, 3000 + delay]));
        });
    }
}
