//! Rule 7: `shutdown()` interrupts whatever is going on, and returns within its bound whatever the
//! peer does.

use engine_client::{EndReason, EngineState, WsSubscriber};
use wstape_tape::{Direction, Distribution, Latency, Micros};

use crate::transports::LateDialer;
use crate::world::{World, all_ms, ms, play};

/// Shuts down, and returns how long that took. Nothing may connect for an hour after it.
async fn shut_down(world: &World, subscriber: WsSubscriber) -> Micros {
    let state = subscriber.state();
    let from = world.clock.now();
    subscriber.shutdown().await.unwrap();
    let took = Micros(world.clock.now().0 - from.0);
    assert!(!state.read().connection.ws_connected);
    let dials = world.dials();
    world
        .until(Micros(world.clock.now().0 + ms(3_600_000).0))
        .await;
    assert_eq!(world.dials(), dials, "nothing connects after a shutdown");
    assert!(!state.read().connection.ws_connected);
    took
}

/// Shuts the subscriber down at this time of a tape; returns how long that took, and the frames
/// that the engine got.
fn shut_down_at<const N: usize>(steps: [&str; N], at: Micros) -> (Micros, Vec<String>) {
    let mut outcome = None;
    play(steps, async |world| {
        let subscriber = world.spawn();
        world.until(at).await;
        let took = shut_down(&world, subscriber).await;
        outcome = Some((took, world.received()));
    });
    outcome.unwrap()
}

#[test]
fn before_the_first_dial_it_returns_at_once_and_counts_no_attempt() {
    play([], async |world| {
        let subscriber = world.spawn();
        let state = subscriber.state();
        assert_eq!(shut_down(&world, subscriber).await, Micros::ZERO);
        assert_eq!(world.dials(), []);
        let connection = state.read().connection;
        assert_eq!(connection.total_attempts, 0, "nobody was dialed");
        assert_eq!(connection.last_end, None, "so nothing has ended");
    });
}

#[test]
fn a_close_that_a_blocked_write_keeps_back_is_sent_once_that_goes_on() {
    // Empty Pings, whose answers are more than the link takes from a client.
    let pings = format!(r#"{{"at_ms":1000,"bytes":"{}"}}"#, "iQCJAIkA".repeat(4_000));
    let (took, received) = shut_down_at(
        [
            r#"{"at_ms":1000,"partition":"from_client","for_ms":1500}"#,
            &pings,
        ],
        ms(2000),
    );
    assert_eq!(took, ms(500));
    let last = received.last().expect("Pongs and a Close");
    assert!(last.contains("close 1000"), "{last}");
}

#[test]
fn while_a_dial_is_pending_it_returns_at_once() {
    play([], async |world| {
        let builder = world.builder().dialer(LateDialer::new(&world, None));
        let subscriber = builder.spawn(EngineState::shared()).unwrap();
        world.until(ms(3000)).await;
        assert_eq!(shut_down(&world, subscriber).await, Micros::ZERO);
        assert_eq!(world.ends(), [(ms(3000), EndReason::Shutdown)]);
    });
}

#[test]
fn while_a_handshake_hangs_or_drips_it_returns_at_once() {
    for slow in [
        r#"{"at_ms":0,"hang":true}"#,
        r#"{"on_connect":"each","bytes_per_s":8,"direction":"to_client"}"#,
        r#"{"at_ms":0,"partition":"both"}"#,
    ] {
        let (took, received) = shut_down_at([slow], ms(3000));
        assert_eq!(took, Micros::ZERO, "{slow}");
        assert_eq!(received, [""; 0], "{slow}");
    }
}

#[test]
fn while_connected_it_says_close_1000_and_returns_with_the_answer() {
    let (took, received) = shut_down_at([], ms(3000));
    assert_eq!(took, Micros::ZERO);
    assert_eq!(received, ["3.000000 ← close 1000"]);
}

#[test]
fn it_waits_for_the_answer_as_long_as_the_link_takes_up_to_a_second() {
    for (latency, expected) in [(200, 400), (499, 998), (500, 1000), (700, 1000)] {
        let step = format!(r#"{{"at_ms":0,"latency_ms":{latency}}}"#);
        let (took, received) = shut_down_at([step.as_str()], ms(5000));
        assert_eq!(took, ms(expected), "{latency} ms one way");
        let seen = ms(5000 + latency);
        assert_eq!(received, [format!("{seen} ← close 1000")]);
    }
}

#[test]
fn a_peer_that_never_answers_the_close_is_left_after_a_second() {
    let (took, received) = shut_down_at([r#"{"at_ms":2000,"partition":"to_client"}"#], ms(3000));
    assert_eq!(took, ms(1000));
    assert_eq!(received, ["3.000000 ← close 1000"]);
}

#[test]
fn a_peer_that_never_reads_is_left_after_a_second() {
    for cut in ["from_client", "both"] {
        let cut = format!(r#"{{"at_ms":2000,"partition":"{cut}"}}"#);
        let (took, received) = shut_down_at([cut.as_str()], ms(3000));
        assert_eq!(took, ms(1000), "{cut}");
        assert_eq!(received, [""; 0], "{cut}");
    }
}

#[test]
fn a_peer_whose_window_is_full_of_our_pongs_is_left_after_a_second() {
    play(
        [r#"{"at_ms":1000,"partition":"from_client"}"#],
        async |world| {
            let subscriber = world.spawn();
            world.until(ms(2000)).await;
            // More Pongs than fit into a link: from here on every write blocks.
            for _ in 0..1000 {
                world.engine.ping([b'x'; 125].as_slice());
            }
            world.until(ms(3000)).await;
            assert_eq!(shut_down(&world, subscriber).await, ms(1000));
        },
    );
}

#[test]
fn while_frames_flow_it_returns_with_the_answer() {
    play([], async |world| {
        let subscriber = world.spawn();
        let (clock, engine) = (world.clock.clone(), world.engine.clone());
        tokio::spawn(async move {
            for at in 0..10_000 {
                clock.sleep_until(Micros(at * 1000)).await;
                engine.emit_json(r#"{"event":"heartbeat"}"#);
            }
        });
        world.until(ms(3000)).await;
        assert_eq!(shut_down(&world, subscriber).await, Micros::ZERO);
        assert_eq!(world.received(), ["3.000000 ← close 1000"]);
    });
}

#[test]
fn a_peer_that_goes_on_sending_instead_of_answering_is_left_after_a_second() {
    play([], async |world| {
        let subscriber = world.spawn();
        world.until(ms(1000)).await;
        let ten_seconds = Latency {
            base: ms(10_000),
            jitter: Micros::ZERO,
            distribution: Distribution::Uniform,
        };
        world.engine.latency(ten_seconds, Direction::FromClient, 0);
        let (clock, engine) = (world.clock.clone(), world.engine.clone());
        tokio::spawn(async move {
            for at in 0..20_000 {
                clock.sleep_until(Micros(at * 1000 + 500)).await;
                engine.emit_json(r#"{"event":"heartbeat"}"#);
            }
        });
        world.until(ms(3000)).await;
        let mut events = subscriber.events();
        let from = world.clock.now();
        subscriber.shutdown().await.unwrap();
        assert_eq!(Micros(world.clock.now().0 - from.0), ms(1000));
        // Everything that came in that second was folded; the channel holds the last 128 events.
        let missed = match events.try_recv() {
            Err(tokio::sync::broadcast::error::TryRecvError::Lagged(missed)) => missed,
            other => panic!("{other:?}"),
        };
        assert_eq!(missed, 1000 - 128);
    });
}

#[test]
fn frames_that_come_before_the_answer_still_fold() {
    // 300 ms each way: the engine learns of the shutdown at 3.3 s.
    let steps = [
        r#"{"at_ms":0,"latency_ms":300}"#,
        r#"{"at_ms":3200,"emit":{"event":"regime","data":{"regime":"TREND_LONG"}}}"#,
    ];
    play(steps, async |world| {
        let subscriber = world.spawn();
        let state = subscriber.state();
        world.until(ms(3000)).await;
        assert_eq!(state.read().regime, None);
        assert_eq!(shut_down(&world, subscriber).await, ms(600));
        let regime = state.read().regime.clone().unwrap();
        assert_eq!(regime.value.regime.as_deref(), Some("TREND_LONG"));
    });
}

#[test]
fn the_peer_s_close_is_answer_enough_though_its_stream_stays_open() {
    // The engine does not see the Close, and had already sent one of its own.
    let steps = [
        r#"{"at_ms":2900,"partition":"from_client"}"#,
        r#"{"at_ms":3100,"bytes":"iAID6A=="}"#,
    ];
    let (took, _) = shut_down_at(steps, ms(3_000));
    assert_eq!(took, ms(100));
}

#[test]
fn during_a_backoff_sleep_it_returns_at_once() {
    let (took, _) = shut_down_at([r#"{"at_ms":0,"down":true}"#], ms(20_000));
    assert_eq!(took, Micros::ZERO);
}

#[test]
fn while_an_ended_connection_is_being_finished_it_returns_at_once() {
    // The answer to the Close never gets through, so finishing lasts until the dial at 3.5 s.
    let steps = [
        r#"{"at_ms":2000,"partition":"from_client"}"#,
        r#"{"at_ms":3000,"close":{"code":1001}}"#,
    ];
    let (took, _) = shut_down_at(steps, ms(3200));
    assert_eq!(took, Micros::ZERO);
}

#[test]
fn a_peer_that_resets_as_the_shutdown_begins_holds_up_nothing() {
    for end in [
        r#"{"at_ms":3000,"drop":"reset"}"#,
        r#"{"at_ms":3000,"drop":"fin"}"#,
        r#"{"at_ms":3000,"close":{"code":1001}}"#,
    ] {
        play([end], async |world| {
            let subscriber = world.spawn();
            world.clock.sleep_until(ms(3000)).await;
            assert_eq!(shut_down(&world, subscriber).await, Micros::ZERO, "{end}");
            assert_eq!(world.dials(), all_ms([0]));
        });
    }
}

#[test]
fn the_reason_of_the_end_is_the_shutdown() {
    play([], async |world| {
        let subscriber = world.spawn();
        let state = subscriber.state();
        world.until(ms(3000)).await;
        shut_down(&world, subscriber).await;
        assert_eq!(state.read().connection.last_end, Some(EndReason::Shutdown));
    });
}
