//! Rule 11: memory is bounded whatever the peer does.

use engine_client::{EndReason, EngineState};
use wstape_tape::{Micros, RawFrame};

use crate::transports::WatchedDialer;
use crate::world::{all_ms, ms, play};

/// The most bytes that may wait to be written.
const MOST_WAITING_BYTES: usize = 4 * 1024;

#[test]
fn pings_at_a_client_whose_peer_never_reads_end_in_a_stalled_write() {
    play(
        [r#"{"at_ms":1000,"partition":"from_client"}"#],
        async |world| {
            let (dialer, traffic) = WatchedDialer::new(&world);
            let builder = world.builder().dialer(dialer);
            let subscriber = builder.spawn(EngineState::shared()).unwrap();
            // A Pong of 125 bytes is a frame of 131: a link's 64 KiB take 500 of them, and the
            // 501st blocks, at 2.5 s.
            let (clock, engine) = (world.clock.clone(), world.engine.clone());
            tokio::spawn(async move {
                for at in 0..40_000 {
                    clock.sleep_until(Micros(ms(2000).0 + at * 1000)).await;
                    engine.ping([b'x'; 125].as_slice());
                }
            });
            world.until(Micros(32_499_999)).await;
            assert!(subscriber.state().read().connection.ws_connected);
            world.until(ms(32_500)).await;
            assert_eq!(world.ends(), [(ms(32_500), EndReason::WriteStalled)]);
            assert!(!subscriber.state().read().connection.ws_connected);
            let waiting = traffic.lock().longest_offer;
            assert!(
                waiting <= MOST_WAITING_BYTES,
                "{waiting} bytes waited to be written"
            );
            world.until(ms(33_000)).await;
            assert_eq!(world.dials(), all_ms([0, 33_000]));
        },
    );
}

#[test]
fn a_peer_that_reads_slowly_but_reads_is_not_lost() {
    // Sixteen Pongs a second fit through, and ten Pings a second come in.
    let steps = [r#"{"at_ms":1000,"bytes_per_s":2096,"direction":"from_client"}"#];
    play(steps, async |world| {
        let subscriber = world.spawn();
        for at in 20..1000 {
            world.until(ms(at * 100)).await;
            world.engine.ping([b'x'; 125].as_slice());
        }
        assert!(subscriber.state().read().connection.ws_connected);
        assert_eq!(world.dials(), [Micros::ZERO]);
    });
}

#[test]
fn a_message_over_the_limit_is_refused_at_its_header() {
    let steps = [
        r#"{"at_ms":1000,"frame":{"opcode":1,"payload":"{","declared_len":4097}}"#,
        r#"{"at_ms":2000,"frame":{"opcode":2,"declared_len":9223372036854775807}}"#,
    ];
    play(steps, async |world| {
        let builder = world.builder().max_message_bytes(4096);
        let _subscriber = builder.spawn(EngineState::shared()).unwrap();
        world.until(ms(2000)).await;
        assert_eq!(
            world.ends(),
            [
                (ms(1000), EndReason::TooLarge),
                (ms(2000), EndReason::TooLarge)
            ]
        );
        assert_eq!(
            world.received(),
            ["1.000000 ← close 1009", "2.000000 ← close 1009"]
        );
    });
}

#[test]
fn endless_fragments_are_refused_once_they_pass_the_limit() {
    play([], async |world| {
        let builder = world.builder().max_message_bytes(4096);
        let _subscriber = builder.spawn(EngineState::shared()).unwrap();
        for second in 1..=5 {
            world.until(ms(second * 1000)).await;
            assert_eq!(world.ends(), []);
            world.engine.frame(RawFrame {
                fin: false,
                rsv: 0,
                opcode: u8::from(second == 1),
                mask: None,
                payload: vec![b' '; 1024].into(),
                declared_len: None,
            });
        }
        // Four of these fragments are 4096 bytes; the fifth is too much.
        world.settle().await;
        assert_eq!(world.ends(), [(ms(5000), EndReason::TooLarge)]);
    });
}

#[test]
fn a_message_of_exactly_the_limit_is_taken() {
    play([], async |world| {
        let builder = world.builder().max_message_bytes(4096);
        let subscriber = builder.spawn(EngineState::shared()).unwrap();
        world.until(ms(1000)).await;
        let message = format!("{:4096}", r#"{"event":"regime","data":{"regime":"RANGE"}}"#);
        assert_eq!(message.len(), 4096);
        world.engine.text(message);
        world.until(ms(1001)).await;
        assert!(subscriber.state().read().regime.is_some());
        assert_eq!(world.ends(), []);
    });
}

#[test]
fn the_limit_of_messages_is_not_one_of_control_frames() {
    play([], async |world| {
        let builder = world.builder().max_message_bytes(64);
        let _subscriber = builder.spawn(EngineState::shared()).unwrap();
        world.until(ms(1000)).await;
        world.engine.ping([b'x'; 125].as_slice());
        world.until(ms(2000)).await;
        assert_eq!(world.ends(), []);
        world.engine.text(" ".repeat(65));
        world.settle().await;
        assert_eq!(world.ends(), [(ms(2000), EndReason::TooLarge)]);
    });
}

#[test]
fn a_head_without_end_is_given_up() {
    let endless = r#"{"at_ms":0,"garbage":{"text":"HTTP/1.1 101 Switching Protocols\r\nx: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy","repeat":10000}}"#;
    play([endless], async |world| {
        let subscriber = world.spawn();
        world.until(ms(1)).await;
        let health = subscriber.state().read().connection;
        assert_eq!(health.last_end, Some(EndReason::HandshakeFailed));
    });
}

#[test]
fn a_reader_that_holds_its_guard_over_the_shutdown_hangs_nobody() {
    let (done, finished) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        play([], async |world| {
            let subscriber = world.spawn();
            world.until(ms(1_000)).await;
            let state = subscriber.state();
            let mut shutdown = std::pin::pin!(subscriber.shutdown());
            let guard = state.read();
            // A reader that holds its guard across an await, as long as the shutdown takes.
            let held = std::future::poll_fn(move |cx| {
                assert!(guard.connection.ws_connected);
                shutdown.as_mut().poll(cx)
            });
            held.await.unwrap();
            while state.read().connection.ws_connected {
                std::thread::yield_now();
            }
        });
        done.send(()).expect("the test waits");
    });
    finished
        .recv_timeout(std::time::Duration::from_secs(20))
        .expect("a runtime whose thread was blocked by its own reader");
}
