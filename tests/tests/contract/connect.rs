//! Rule 4: dial, TLS and handshake together are bounded by the connect timeout.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use engine_client::{DialError, Dialer, Dialing, EndReason, EngineState, Target};

use crate::transports::LateDialer;
use crate::world::{all_ms, ms, play};

#[test]
fn a_dial_that_never_completes_ends_at_the_connect_timeout_and_is_retried() {
    play([], async |world| {
        let builder = world.builder().dialer(LateDialer::new(&world, None));
        let subscriber = builder.spawn(EngineState::shared()).unwrap();
        world.until(ms(32_000)).await;
        // The dials are at 0, 10.5 and 21.5 s, and each gets ten seconds.
        let timeout = EndReason::ConnectTimeout;
        assert_eq!(
            world.ends(),
            [
                (ms(10_000), timeout),
                (ms(20_500), timeout),
                (ms(31_500), timeout)
            ]
        );
        let health = subscriber.state().read().connection;
        assert!(!health.ws_connected);
        assert_eq!(health.last_end, Some(timeout));
    });
}

#[test]
fn a_handshake_that_is_never_answered_ends_at_the_connect_timeout_and_is_retried() {
    play([r#"{"at_ms":0,"hang":true}"#], async |world| {
        let _subscriber = world.spawn();
        world.until(ms(33_500)).await;
        assert_eq!(world.dials(), all_ms([0, 10_500, 21_500, 33_500]));
        assert_eq!(world.ends()[0], (ms(10_000), EndReason::ConnectTimeout));
    });
}

#[test]
fn an_answer_that_drips_past_the_connect_timeout_is_not_waited_for() {
    let drip = r#"{"on_connect":"each","bytes_per_s":8,"direction":"to_client"}"#;
    let single = r#"{"on_connect":"each","slice_bytes":1,"direction":"to_client"}"#;
    play([drip, single], async |world| {
        let subscriber = world.spawn();
        world.until(ms(10_000)).await;
        assert_eq!(world.ends(), [(ms(10_000), EndReason::ConnectTimeout)]);
        assert!(!subscriber.state().read().connection.ws_connected);
        world.until(ms(10_500)).await;
        assert_eq!(world.dials(), all_ms([0, 10_500]));
    });
}

#[test]
fn an_answer_that_drips_in_within_the_connect_timeout_connects() {
    let drip = r#"{"on_connect":"each","bytes_per_s":50,"direction":"to_client"}"#;
    let single = r#"{"on_connect":"each","slice_bytes":1,"direction":"to_client"}"#;
    play([drip, single], async |world| {
        let subscriber = world.spawn();
        world.until(ms(1000)).await;
        assert!(!subscriber.state().read().connection.ws_connected);
        world.until(ms(9999)).await;
        assert!(subscriber.state().read().connection.ws_connected);
        assert_eq!(world.ends(), []);
    });
}

#[test]
fn one_timeout_covers_a_slow_dial_and_the_silence_after_it() {
    play([r#"{"at_ms":0,"hang":true}"#], async |world| {
        let dialer = LateDialer::new(&world, Some(ms(6000)));
        let builder = world.builder().dialer(dialer);
        let _subscriber = builder.spawn(EngineState::shared()).unwrap();
        world.until(ms(12_000)).await;
        assert_eq!(world.dials(), all_ms([6000]));
        assert_eq!(world.ends(), [(ms(10_000), EndReason::ConnectTimeout)]);
    });
}

#[test]
fn a_dial_that_completes_at_the_last_microsecond_still_counts() {
    play([], async |world| {
        let dialer = LateDialer::new(&world, Some(wstape_tape::Micros(9_999_999)));
        let builder = world.builder().dialer(dialer);
        let subscriber = builder.spawn(EngineState::shared()).unwrap();
        world.until(ms(10_000)).await;
        assert!(subscriber.state().read().connection.ws_connected);
    });
}

#[test]
fn the_connect_timeout_is_what_it_was_set_to() {
    play([r#"{"at_ms":0,"hang":true}"#], async |world| {
        let builder = world.builder().connect_timeout(Duration::from_millis(250));
        let _subscriber = builder.spawn(EngineState::shared()).unwrap();
        world.until(ms(2000)).await;
        assert_eq!(world.dials(), all_ms([0, 750, 2000]));
    });
}

#[test]
fn answers_that_are_no_handshake_are_retried_by_the_ladder() {
    for garbage in [
        r#"{"at_ms":0,"garbage":{"text":"SSH-2.0-OpenSSH_9.9\r\n","then":"fin"}}"#,
        r#"{"at_ms":0,"garbage":{"text":"HTTP/1.1 101 Switching","then":"fin"}}"#,
        r#"{"at_ms":0,"garbage":{"text":"","then":"reset"}}"#,
        r#"{"at_ms":0,"accept":{"headers":{"sec-websocket-accept":"d3Jvbmc="}}}"#,
        r#"{"at_ms":0,"accept":{"headers":{"upgrade":""}}}"#,
        r#"{"at_ms":0,"accept":{"headers":{"sec-websocket-protocol":"chat"}}}"#,
        r#"{"at_ms":0,"accept":{"headers":{"sec-websocket-extensions":"permessage-deflate"}}}"#,
        r#"{"at_ms":0,"accept":{"status":200}}"#,
    ] {
        play([garbage], async |world| {
            let subscriber = world.spawn();
            world.until(ms(3500)).await;
            assert_eq!(world.dials(), all_ms([0, 500, 1500, 3500]), "{garbage}");
            let health = subscriber.state().read().connection;
            assert!(
                !health.ws_connected && health.connected_at.is_none(),
                "{garbage}"
            );
        });
    }
}

/// A dialer whose dials all fail with this error.
#[derive(Debug)]
struct FailingDialer(fn() -> DialError);

impl Dialer for FailingDialer {
    fn dial<'a>(&'a self, _target: &'a Target) -> Dialing<'a> {
        let error = (self.0)();
        Box::pin(async { Err(error) })
    }
}

#[test]
fn a_dial_that_fails_ends_for_the_reason_that_it_failed_for() {
    let failed: [(fn() -> DialError, EndReason); 3] = [
        (
            || DialError::Connect(io::ErrorKind::ConnectionRefused.into()),
            EndReason::ConnectRefused,
        ),
        (
            || DialError::Connect(io::ErrorKind::HostUnreachable.into()),
            EndReason::ConnectFailed,
        ),
        (
            || DialError::Tls(io::ErrorKind::InvalidData.into()),
            EndReason::Tls,
        ),
    ];
    for (error, reason) in failed {
        play([], async |world| {
            let builder = world.builder().dialer(Arc::new(FailingDialer(error)));
            let _subscriber = builder.spawn(EngineState::shared()).unwrap();
            world.until(ms(400)).await;
            assert_eq!(world.ends(), [(ms(0), reason)]);
        });
    }
}
