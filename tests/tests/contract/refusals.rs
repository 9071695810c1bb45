//! Rule 6: refused handshakes, `Retry-After`, redirects.

use engine_client::{EndReason, EngineState, JitterMode, ReconnectConfig};
use wstape_tape::Micros;

use crate::transports::WatchedDialer;
use crate::world::{all_ms, ms, play};

/// Returns a step that refuses the dial with this number.
fn refuse(dial: u64, status: u16, retry_after: &str) -> String {
    let headers = if retry_after.is_empty() {
        "{}".to_owned()
    } else {
        format!(r#"{{"retry-after":"{retry_after}"}}"#)
    };
    format!(r#"{{"on_connect":{dial},"refuse":{{"status":{status},"headers":{headers}}}}}"#)
}

#[test]
fn a_refusal_of_any_status_is_retried_by_the_ladder_and_shown() {
    for status in [200, 400, 401, 403, 404, 426, 429, 500, 502, 503] {
        let step = format!(r#"{{"at_ms":0,"refuse":{{"status":{status}}}}}"#);
        play([step.as_str()], async |world| {
            let subscriber = world.spawn();
            world.until(ms(3500)).await;
            assert_eq!(world.dials(), all_ms([0, 500, 1500, 3500]), "{status}");
            let health = subscriber.state().read().connection;
            assert_eq!(health.refused_status, Some(status));
            assert_eq!(health.last_end, Some(EndReason::Refused { status }));
        });
    }
}

#[test]
fn once_connected_the_refusals_status_is_gone() {
    play([refuse(1, 503, "").as_str()], async |world| {
        let subscriber = world.spawn();
        let status = || subscriber.state().read().connection.refused_status;
        world.until(Micros(499_999)).await;
        assert_eq!(status(), Some(503));
        world.until(ms(500)).await;
        assert!(subscriber.state().read().connection.ws_connected);
        assert_eq!(status(), None);
    });
}

#[test]
fn without_jitter_the_wait_is_the_longer_of_delay_and_retry_after() {
    let steps = [
        refuse(1, 503, "3"),
        refuse(2, 429, "1"),
        refuse(3, 503, "1"),
        refuse(4, 503, "4"),
    ];
    play(steps.each_ref().map(String::as_str), async |world| {
        let _subscriber = world.spawn();
        world.until(ms(60_000)).await;
        // The ladder's own delays would be 0.5, 1, 2 and 4 s: it keeps rising meanwhile.
        assert_eq!(world.gaps(), all_ms([3000, 1000, 2000, 4000]));
    });
}

#[test]
fn retry_after_is_capped_at_the_maximal_delay() {
    for absurd in ["31", "86400", "99999999999999999999999"] {
        play([refuse(1, 503, absurd).as_str()], async |world| {
            let _subscriber = world.spawn();
            world.until(ms(30_000)).await;
            assert_eq!(world.gaps(), all_ms([30_000]), "{absurd}");
        });
    }
}

#[test]
fn retry_after_as_a_date_is_read_against_the_supplied_clock() {
    // The tape begins at midnight; a date counts from when its answer came.
    let steps = [
        refuse(1, 503, "Thu, 01 Jan 2026 00:00:07 GMT"),
        refuse(2, 503, "Thu, 01 Jan 2026 00:00:10 GMT"),
        refuse(3, 503, "Mon, 01 Dec 2025 00:00:00 GMT"),
    ];
    play(steps.each_ref().map(String::as_str), async |world| {
        let _subscriber = world.spawn();
        world.until(ms(60_000)).await;
        assert_eq!(world.dials(), all_ms([0, 7000, 10_000, 12_000]));
    });
}

#[test]
fn retry_after_is_ignored_where_it_is_malformed_or_not_on_429_or_503() {
    for (status, text) in [
        (503, "soon"),
        (503, "-5"),
        (503, "7.5"),
        (503, "Thu, 99 Jan 2026 00:00:07 GMT"),
        (500, "7"),
        (401, "7"),
        (302, "7"),
    ] {
        play([refuse(1, status, text).as_str()], async |world| {
            let _subscriber = world.spawn();
            world.until(ms(500)).await;
            assert_eq!(world.gaps(), all_ms([500]), "{status} {text:?}");
        });
    }
}

#[test]
fn with_full_jitter_the_wait_is_retry_after_and_a_draw_up_to_the_cap() {
    let mut waits = Vec::new();
    for seed in 0..40 {
        play([refuse(1, 503, "3").as_str()], async |world| {
            let builder = world
                .builder()
                .reconnect(ReconnectConfig::default())
                .jitter_seed(seed);
            let _subscriber = builder.spawn(EngineState::shared()).unwrap();
            world.until(ms(4000)).await;
            waits.push(world.gaps()[0]);
        });
    }
    assert!(
        waits
            .iter()
            .all(|wait| (ms(3000)..=ms(3500)).contains(wait)),
        "{waits:?}"
    );
    // The draws use all of the 500 ms, not just one end.
    assert!(waits.iter().any(|wait| *wait < ms(3100)), "{waits:?}");
    assert!(waits.iter().any(|wait| *wait > ms(3400)), "{waits:?}");
}

#[test]
fn with_full_jitter_retry_after_is_capped_before_the_draw() {
    play([refuse(1, 503, "86400").as_str()], async |world| {
        let builder = world
            .builder()
            .reconnect(ReconnectConfig {
                jitter: JitterMode::Full,
                ..ReconnectConfig::default()
            })
            .jitter_seed(7);
        let _subscriber = builder.spawn(EngineState::shared()).unwrap();
        world.until(ms(31_000)).await;
        let wait = world.gaps()[0];
        assert!((ms(30_000)..=ms(30_500)).contains(&wait), "{wait}");
    });
}

#[test]
fn a_redirect_is_refused_and_the_token_goes_nowhere_else() {
    for status in [301, 302, 303, 307, 308] {
        for location in [
            "http://elsewhere.example/ws",
            "ws://mock-engine/other",
            "/other",
        ] {
            let step = format!(
                r#"{{"at_ms":0,"refuse":{{"status":{status},"headers":{{"location":"{location}"}}}}}}"#
            );
            play([step.as_str()], async |world| {
                let (dialer, traffic) = WatchedDialer::new(&world);
                let builder = world.builder().dialer(dialer).token("t0ken");
                let subscriber = builder.spawn(EngineState::shared()).unwrap();
                world.until(Micros(1_499_999)).await;
                assert_eq!(world.dials(), all_ms([0, 500]), "{status} to {location}");
                let traffic = traffic.lock();
                assert_eq!(traffic.targets, ["ws://mock-engine:80/ws"; 2]);
                let requests = String::from_utf8(traffic.written.clone()).unwrap();
                // Each dial makes one request, to the original path.
                assert_eq!(requests.matches("GET ").count(), 2);
                assert_eq!(requests.matches("GET /ws HTTP/1.1").count(), 2);
                assert_eq!(requests.matches("Bearer t0ken").count(), 2);
                let health = subscriber.state().read().connection;
                assert_eq!(health.refused_status, Some(status));
            });
        }
    }
}
