//! Rule 5: Pings, idle connections, partitions.

use std::time::Duration;

use chrono::TimeDelta;
use engine_client::{EndReason, EngineState, decode};
use wstape_tape::Micros;

use crate::world::{all_ms, ms, play};

const WITHHELD: &str = r#"{"at_ms":0,"pongs":"withheld"}"#;

#[test]
fn a_silent_connection_is_pinged_after_15_s_and_lost_after_30_s() {
    play([WITHHELD], async |world| {
        let subscriber = world.spawn();
        world.until(Micros(29_999_999)).await;
        assert!(subscriber.state().read().connection.ws_connected);
        assert_eq!(world.received(), [r#"15.000000 ← ping "1""#]);
        world.until(ms(30_000)).await;
        assert!(!subscriber.state().read().connection.ws_connected);
        assert_eq!(world.ends(), [(ms(30_000), EndReason::Idle)]);
        world.until(ms(30_500)).await;
        assert_eq!(world.dials(), all_ms([0, 30_500]));
    });
}

#[test]
fn a_ping_goes_out_at_every_multiple_of_the_interval_below_the_idle_timeout() {
    play([WITHHELD], async |world| {
        let builder = world
            .builder()
            .ping_interval(Duration::from_secs(4))
            .idle_timeout(Duration::from_secs(20));
        let _subscriber = builder.spawn(EngineState::shared()).unwrap();
        world.until(ms(20_000)).await;
        let times = [4, 8, 12, 16];
        let pings: Vec<_> = (1..)
            .zip(times)
            .map(|(number, at)| format!("{at}.000000 ← ping \"{number}\""))
            .collect();
        assert_eq!(world.received(), pings);
        assert_eq!(world.ends(), [(ms(20_000), EndReason::Idle)]);
    });
}

#[test]
fn the_timers_start_at_the_101() {
    // Request and answer each take half a second.
    let latency = r#"{"on_connect":"each","latency_ms":500}"#;
    play([latency, WITHHELD], async |world| {
        let _subscriber = world.spawn();
        world.until(ms(31_000)).await;
        assert_eq!(world.received(), [r#"16.500000 ← ping "1""#]);
        assert_eq!(world.ends(), [(ms(31_000), EndReason::Idle)]);
    });
}

#[test]
fn each_frame_starts_the_silence_anew() {
    let frames = [
        WITHHELD,
        r#"{"at_ms":14000,"emit":{"event":"heartbeat"}}"#,
        r#"{"at_ms":28000,"ping":"x"}"#,
        r#"{"at_ms":42000,"text":"not JSON"}"#,
        r#"{"at_ms":56000,"pong":"x"}"#,
    ];
    play(frames, async |world| {
        let _subscriber = world.spawn();
        world.until(ms(86_000)).await;
        assert_eq!(
            world.received(),
            [r#"28.000000 ← pong "x""#, r#"71.000000 ← ping "1""#]
        );
        assert_eq!(world.ends(), [(ms(86_000), EndReason::Idle)]);
    });
}

#[test]
fn bytes_that_come_at_the_very_instant_of_the_idle_deadline_win() {
    let frame = r#"{"at_ms":30000,"emit":{"event":"heartbeat"}}"#;
    // It doesn't matter which of the two timers of that instant was set first.
    for earlier in [
        r#"{"at_ms":0,"mark":"engine first"}"#,
        r#"{"at_ms":29000,"mark":"client first"}"#,
    ] {
        play([WITHHELD, earlier, frame], async |world| {
            let subscriber = world.spawn();
            world.until(Micros(59_999_999)).await;
            assert!(subscriber.state().read().connection.ws_connected);
            assert_eq!(world.ends(), [], "{earlier}");
            world.until(ms(60_000)).await;
            assert_eq!(world.ends(), [(ms(60_000), EndReason::Idle)]);
        });
    }
}

#[test]
fn bytes_that_come_a_microsecond_after_the_idle_deadline_are_too_late() {
    let frame = r#"{"at_ms":30000.001,"emit":{"event":"heartbeat"}}"#;
    play([WITHHELD, frame], async |world| {
        let _subscriber = world.spawn();
        world.until(ms(40_000)).await;
        assert_eq!(world.ends(), [(ms(30_000), EndReason::Idle)]);
    });
}

#[test]
fn at_one_instant_a_frame_goes_before_the_ping() {
    let frame = r#"{"at_ms":15000,"emit":{"event":"heartbeat"}}"#;
    play([WITHHELD, frame], async |world| {
        let _subscriber = world.spawn();
        world.until(Micros(29_999_999)).await;
        assert_eq!(
            world.received(),
            [""; 0],
            "the Ping waits 15 s from the frame"
        );
        world.until(ms(30_000)).await;
        assert_eq!(world.received(), [r#"30.000000 ← ping "1""#]);
    });
}

#[test]
fn a_quiet_engine_that_answers_pings_stays_connected_and_its_feed_grows_old() {
    play(
        [r#"{"at_ms":1000,"emit":{"event":"heartbeat"}}"#],
        async |world| {
            let subscriber = world.spawn();
            world.until(ms(1000)).await;
            let heard = world.clock.wall();
            world.until(ms(3_600_000)).await;
            let state = subscriber.state();
            let state = state.read();
            assert!(state.connection.ws_connected);
            assert_eq!(world.dials(), [Micros::ZERO]);
            assert_eq!(state.last_heartbeat, Some(heard), "an answer is no news");
            // The answer to the latest of the Pings at 16, 31, … s.
            let pong = state.connection.last_pong_at.unwrap();
            assert_eq!((pong - heard).num_seconds(), 239 * 15);
            assert_eq!(state.feed_age_seconds(world.clock.wall()), Some(3599));
        },
    );
}

#[test]
fn a_pong_answers_a_ping_that_was_sent_and_none_answers_twice() {
    // Pings go out at 15 s and, after the frame at 17 s, at 32 s.
    let steps = [
        WITHHELD,
        r#"{"at_ms":16000,"pong":"1"}"#,
        r#"{"at_ms":17000,"pong":"1"}"#,
        r#"{"at_ms":33000,"pong":"2"}"#,
        r#"{"at_ms":34000,"pong":"1"}"#,
        r#"{"at_ms":35000,"pong":"3"}"#,
    ];
    play(steps, async |world| {
        let subscriber = world.spawn();
        for (at, answered) in [
            (16_000, 16_000),
            (17_000, 16_000),
            (33_000, 33_000),
            (34_000, 33_000),
            (35_000, 33_000),
        ] {
            world.until(ms(at)).await;
            let since = TimeDelta::milliseconds(at.cast_signed() - answered);
            let expected = world.clock.wall() - since;
            let state = subscriber.state();
            let state = state.read();
            assert_eq!(state.connection.last_pong_at, Some(expected), "at {at} ms");
            // A Pong that answers nothing was sent unasked, so it counts as a heartbeat.
            let heard = state.last_heartbeat == Some(world.clock.wall());
            assert_eq!(heard, at.cast_signed() != answered, "at {at} ms");
        }
    });
}

#[test]
fn a_ping_and_a_pong_nobody_asked_for_move_the_last_heartbeat() {
    for frame in [
        r#"{"at_ms":7000,"ping":"x"}"#,
        r#"{"at_ms":7000,"pong":"x"}"#,
    ] {
        play([frame], async |world| {
            let subscriber = world.spawn();
            world.until(ms(7000)).await;
            let state = subscriber.state();
            assert_eq!(
                state.read().last_heartbeat,
                Some(world.clock.wall()),
                "{frame}"
            );
            assert_eq!(state.read().connection.last_pong_at, None, "{frame}");
        });
    }
}

/// From 2 s on, one byte a second gets to the client.
const TRICKLE: [&str; 2] = [
    r#"{"at_ms":2000,"bytes_per_s":1,"direction":"to_client"}"#,
    r#"{"at_ms":2000,"slice_bytes":1,"direction":"to_client"}"#,
];

#[test]
fn a_message_that_takes_longer_than_the_idle_timeout_arrives() {
    let [rate, slices] = TRICKLE;
    // The frame has 66 bytes.
    let message = r#"{"at_ms":2000,"text":"{\"event\":\"regime\",\"data\":{\"regime\":\"TREND_LONG\",\"x\":[1,2,3]}}"}"#;
    play([rate, slices, message], async |world| {
        let subscriber = world.spawn();
        world.until(ms(100_000)).await;
        assert_eq!(world.ends(), []);
        let state = subscriber.state();
        let regime = state.read().regime.clone().expect("the message came");
        assert_eq!(regime.value.regime.as_deref(), Some("TREND_LONG"));
        let took = regime.as_of - state.read().connection.connected_at.unwrap();
        assert!(took.num_seconds() > 60, "{took}");
    });
}

#[test]
fn a_byte_a_second_for_ever_is_lost_at_the_message_timeout() {
    let [rate, slices] = TRICKLE;
    let pad = "x".repeat(400);
    let message = format!(r#"{{"at_ms":2000,"text":"{pad}"}}"#);
    play([rate, slices, &message], async |world| {
        let subscriber = world.spawn();
        world.until(ms(3_000)).await;
        let begun = world.clock.now();
        world.until(Micros(begun.0 + 119_999_999)).await;
        assert!(subscriber.state().read().connection.ws_connected);
        assert_eq!(world.received(), [""; 0], "no silence of 15 s, no Ping");
        let lost = Micros(begun.0 + 120_000_000);
        world.until(lost).await;
        assert_eq!(world.ends(), [(lost, EndReason::MessageTimeout)]);
        assert!(!subscriber.state().read().connection.ws_connected);
    });
}

#[test]
fn a_message_that_stops_half_way_is_a_silence_from_its_last_byte_on() {
    let steps = [
        WITHHELD,
        r#"{"at_ms":10000,"frame":{"fin":false,"opcode":1,"payload":"{"}}"#,
        r#"{"at_ms":22000,"frame":{"fin":false,"opcode":0,"payload":" "}}"#,
    ];
    play(steps, async |world| {
        let _subscriber = world.spawn();
        world.until(ms(52_000)).await;
        assert_eq!(world.received(), [r#"37.000000 ← ping "1""#]);
        assert_eq!(world.ends(), [(ms(52_000), EndReason::Idle)]);
    });
}

#[test]
fn control_frames_between_fragments_end_a_silence_and_not_the_message_s_clock() {
    let first = r#"{"at_ms":10000,"frame":{"fin":false,"opcode":1,"payload":"{"}}"#.to_owned();
    let pings = (1..20).map(|n| format!(r#"{{"at_ms":{},"ping":"x"}}"#, 10_000 + n * 10_000));
    let steps: Vec<_> = std::iter::once(first).chain(pings).collect();
    let steps: [&str; 20] = std::array::from_fn(|n| steps[n].as_str());
    play(steps, async |world| {
        let _subscriber = world.spawn();
        world.until(Micros(129_999_999)).await;
        assert_eq!(world.ends(), [], "silence never lasted 15 s");
        world.until(ms(130_000)).await;
        assert_eq!(world.ends(), [(ms(130_000), EndReason::MessageTimeout)]);
    });
}

#[test]
fn the_message_timeout_can_be_set_and_taken_away() {
    let fragment =
        |at: u64| format!(r#"{{"at_ms":{at},"frame":{{"fin":false,"opcode":0,"payload":" "}}}}"#);
    let first = r#"{"at_ms":1000,"frame":{"fin":false,"opcode":1,"payload":"{"}}"#.to_owned();
    let steps: Vec<_> = std::iter::once(first)
        .chain((1..20).map(|n| fragment(1000 + n * 10_000)))
        .collect();
    // The shortest timeout is due before the Ping that was next when the message began.
    for (timeout, end) in [(25, Some(26_000)), (5, Some(6_000)), (0, None)] {
        let steps: [&str; 20] = std::array::from_fn(|n| steps[n].as_str());
        play(steps, async |world| {
            let builder = world
                .builder()
                .message_timeout(Duration::from_secs(timeout));
            let _subscriber = builder.spawn(EngineState::shared()).unwrap();
            world.until(ms(191_000)).await;
            let first = world.ends().first().copied();
            assert_eq!(first, end.map(|at| (ms(at), EndReason::MessageTimeout)));
        });
    }
}

#[test]
fn a_feed_that_stalls_on_a_living_connection_ends_it_where_events_are_bounded() {
    let steps = [
        r#"{"at_ms":4000,"emit":{"event":"heartbeat"}}"#,
        // Neither is an event or counts as one: an undecodable message, and a Ping.
        r#"{"at_ms":20000,"text":"not JSON"}"#,
        r#"{"at_ms":30000,"ping":"x"}"#,
    ];
    for (timeout, ends) in [
        (60, vec![(ms(64_000), EndReason::EventTimeout)]),
        (0, vec![]),
    ] {
        play(steps, async |world| {
            let builder = world.builder().event_timeout(Duration::from_secs(timeout));
            let subscriber = builder.spawn(EngineState::shared()).unwrap();
            world.until(ms(70_000)).await;
            assert_eq!(world.ends(), ends);
            let connection = subscriber.state().read().connection;
            let zero = world.clock.wall() - chrono::TimeDelta::seconds(70);
            let seconds =
                |at: Option<chrono::DateTime<chrono::Utc>>| (at.unwrap() - zero).num_seconds();
            assert_eq!(seconds(connection.last_event_at), 4);
            assert!(seconds(connection.last_frame_at) >= 60, "Pongs flow");
        });
    }
}

#[test]
fn the_event_timeout_starts_at_the_101_and_anew_with_each_event() {
    let steps = [
        r#"{"on_connect":"each","latency_ms":500}"#,
        r#"{"at_ms":10000,"emit":{"event":"some other kind"}}"#,
        r#"{"at_ms":19000,"emit":{"event":"risk","data":{}}}"#,
    ];
    play(steps, async |world| {
        let builder = world.builder().event_timeout(Duration::from_secs(10));
        let _subscriber = builder.spawn(EngineState::shared()).unwrap();
        world.until(Micros(29_499_999)).await;
        assert_eq!(world.ends(), [], "events of any kind are events");
        world.until(ms(45_000)).await;
        let lost = EndReason::EventTimeout;
        // The delay of 500 ms, a second for the handshake, and 10 s without an event.
        assert_eq!(world.ends(), [(ms(29_500), lost), (ms(41_000), lost)]);
    });
}

#[test]
fn a_partition_that_nothing_announces_is_seen_within_the_idle_timeout() {
    let steps = [
        r#"{"at_ms":1000,"emit":{"event":"heartbeat"}}"#,
        r#"{"at_ms":1000.001,"partition":"both"}"#,
        r#"{"at_ms":120000,"partition":"none"}"#,
    ];
    play(steps, async |world| {
        let subscriber = world.spawn();
        world.until(ms(31_000)).await;
        assert!(!subscriber.state().read().connection.ws_connected);
        assert_eq!(world.ends(), [(ms(31_000), EndReason::Idle)]);
        world.until(ms(120_000)).await;
        assert!(subscriber.state().read().connection.ws_connected);
    });
}

#[test]
fn a_lost_connection_is_dropped_without_a_close() {
    play([WITHHELD], async |world| {
        let _subscriber = world.spawn();
        world.until(ms(30_500)).await;
        assert!(!world.journalled("← close"));
        assert!(
            world.journalled("#1 client"),
            "{:?}",
            world.engine.journal().lines()
        );
    });
}

#[test]
fn after_a_healed_partition_the_mirror_is_the_fold_of_all_that_was_delivered() {
    // Held at 5 s, healed at 20 s: nothing is lost. Held at 40 s, healed at 90 s: what was sent in
    // between is lost with its connection.
    let halts = [
        1000_u64, 6000, 7000, 8000, 19_000, 30_000, 45_000, 91_000, 92_000,
    ];
    let message = |at: u64| {
        format!(
            r#"{{"event":"risk","ts":"2026-01-01T00:00:{:02}Z","data":{{"halted":{},"open_count":{}}}}}"#,
            at / 1000 % 60,
            at.is_multiple_of(2000),
            at / 1000
        )
    };
    play([], async |world| {
        let mut builder = world.builder();
        let mut receiver = builder.events();
        let subscriber = builder.spawn(EngineState::shared()).unwrap();
        for (at, cut) in [
            (5000, true),
            (20_000, false),
            (40_000, true),
            (90_000, false),
        ] {
            let (clock, engine) = (world.clock.clone(), world.engine.clone());
            tokio::spawn(async move {
                clock.sleep_until(ms(at)).await;
                let hold = if cut {
                    wstape_tape::Partition::Both
                } else {
                    wstape_tape::Partition::None
                };
                engine.partition(hold);
            });
        }
        for at in halts {
            world.until(ms(at)).await;
            world.engine.emit_json(message(at));
        }
        world.until(ms(93_000)).await;
        let mut delivered = Vec::new();
        while let Ok(event) = receiver.try_recv() {
            delivered.push(event);
        }
        let expected: Vec<_> = halts.iter().filter(|at| **at != 45_000).collect();
        let mut fold = EngineState::new();
        for (at, event) in expected.iter().zip(&delivered) {
            let decoded = decode(&message(**at), world.clock.wall()).unwrap();
            assert_eq!(&decoded.event, event, "sent at {at} ms");
            fold.apply(decoded.event, decoded.ts);
        }
        assert_eq!(delivered.len(), expected.len());
        let state = subscriber.state();
        assert_eq!(state.read().risk, fold.risk);
        assert_eq!(state.read().last_heartbeat, fold.last_heartbeat);
        assert_eq!(fold.risk.unwrap().value.open_count, Some(92));
    });
}

#[test]
fn while_partitioned_the_mirror_shows_what_it_had_and_the_burst_is_folded_in_order() {
    let steps = [
        r#"{"at_ms":1000,"emit":{"event":"regime","data":{"regime":"RANGE"}}}"#,
        r#"{"at_ms":2000,"partition":"to_client"}"#,
        r#"{"at_ms":3000,"emit":{"event":"regime","data":{"regime":"TREND_LONG"}}}"#,
        r#"{"at_ms":4000,"emit":{"event":"regime","data":{"regime":"TREND_SHORT"}}}"#,
        r#"{"at_ms":5000,"partition":"none"}"#,
    ];
    play(steps, async |world| {
        let subscriber = world.spawn();
        let regime = || {
            let state = subscriber.state();
            let regime = state.read().regime.clone();
            regime.unwrap().value.regime.unwrap()
        };
        world.until(Micros(4_999_999)).await;
        assert_eq!(regime(), "RANGE");
        world.until(ms(5000)).await;
        assert_eq!(regime(), "TREND_SHORT");
        assert_eq!(world.dials(), [Micros::ZERO]);
    });
}

#[test]
fn without_an_idle_timeout_a_silent_peer_is_trusted_and_without_an_interval_not_pinged() {
    play([WITHHELD], async |world| {
        let builder = world
            .builder()
            .ping_interval(Duration::ZERO)
            .idle_timeout(Duration::ZERO);
        let subscriber = builder.spawn(EngineState::shared()).unwrap();
        world.until(ms(3_600_000)).await;
        assert!(subscriber.state().read().connection.ws_connected);
        assert_eq!(world.received(), [""; 0]);
    });
}
