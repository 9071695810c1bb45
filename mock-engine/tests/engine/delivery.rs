//! When bytes arrive, and where they are cut.

use std::sync::Arc;

use wstape_tape::{Conn, Micros, Step};

use crate::world::{Arm, World, in_memory, masked, over_tcp};

/// `hello` and `worlds` as Text frames.
const STREAM: &[u8] = b"\x81\x05hello\x81\x06worlds";

#[test]
fn a_stream_is_cut_after_exactly_as_many_bytes_as_told() {
    for arm in [Arm::Virtual, Arm::Tcp] {
        for cut in 0..=STREAM.len() {
            for (end, word) in [("fin", "eof"), ("reset", "reset")] {
                let drop = format!(r#"{{"on_connect":1,"after_bytes":{cut},"drop":"{end}"}}"#);
                let lines: &[&str] = &[
                    &drop,
                    r#"{"on_connect":1,"after_frames":0,"text":"hello"}"#,
                    r#"{"on_connect":1,"after_frames":1,"text":"worlds"}"#,
                ];
                let test = async {
                    let world = World::playing(arm, &[lines]).await;
                    let mut client = world.connect().await;
                    let got = client.all().await;
                    // Real RSTs may overtake bytes that the peer has not read yet.
                    if arm == Arm::Virtual || end == "fin" {
                        assert_eq!(
                            got,
                            (STREAM[..cut].to_vec(), word.to_owned()),
                            "cut at {cut}, {end}"
                        );
                    } else {
                        assert!(
                            STREAM[..cut].starts_with(&got.0) && got.1 == word,
                            "cut at {cut}: {got:?}"
                        );
                    }
                };
                match arm {
                    Arm::Virtual => in_memory(test),
                    Arm::Tcp => over_tcp(test),
                }
            }
        }
    }
}

#[test]
fn a_frame_that_crosses_the_mark_goes_on_behind_the_action() {
    let lines: &[&str] = &[
        r#"{"on_connect":1,"after_bytes":3,"ping":"!"}"#,
        r#"{"on_connect":1,"after_frames":0,"text":"hello"}"#,
        r#"{"on_connect":1,"after_frames":2,"drop":"fin"}"#,
    ];
    let got = in_memory(async {
        World::playing(Arm::Virtual, &[lines])
            .await
            .connect()
            .await
            .all()
            .await
    });
    assert_eq!(got.0, b"\x81\x05h\x89\x01!ello");
}

#[test]
fn a_partition_at_a_byte_holds_the_rest_until_it_heals() {
    let lines: &[&str] = &[
        r#"{"on_connect":1,"after_bytes":3,"partition":"both","for_ms":500}"#,
        r#"{"on_connect":1,"after_frames":0,"text":"hello"}"#,
        r#"{"on_connect":1,"after_frames":1,"text":"x"}"#,
        r#"{"at_ms":1000,"drop":"fin"}"#,
    ];
    let seen = in_memory(async { World::playing(Arm::Virtual, &[lines]).await.observe().await });
    let expected = [
        "101",
        "0.000000 \\x81\\x05h",
        "0.500000 ello\\x81\\x01x",
        "1.000000 eof",
    ];
    assert_eq!(
        seen, expected,
        "what had arrived is read, the frame stalls there"
    );
}

#[test]
fn an_answer_drips_where_the_tape_slices_and_slows_it() {
    let lines: &[&str] = &[
        r#"{"at_ms":0,"slice_bytes":1,"direction":"to_client"}"#,
        r#"{"at_ms":0,"bytes_per_s":1000}"#,
    ];
    in_memory(async {
        let world = World::playing(Arm::Virtual, &[lines]).await;
        let mut client = world.dial().await.unwrap();
        let request = crate::world::upgrade_request("");
        client.send(&request).await;
        let asked = Micros(request.len() as u64 * 1_000);
        for (nth, byte) in (1..).zip(b"HTTP/1.1 101") {
            assert_eq!(client.read().await.unwrap(), [*byte], "a byte a read");
            assert_eq!(
                world.engine.clock().now(),
                Micros(asked.0 + nth * 1_000),
                "a byte a millisecond"
            );
        }
    });
}

#[test]
fn marks_that_set_each_other_off_do_not_pile_up() {
    let mut lines: Vec<String> = (1..=20_000)
        .map(|mark| format!(r#"{{"on_connect":1,"after_bytes":{mark},"text":""}}"#))
        .collect();
    lines.push(r#"{"on_connect":1,"after_frames":0,"text":"x"}"#.to_owned());
    lines.push(r#"{"on_connect":1,"after_frames":20001,"drop":"fin"}"#.to_owned());
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let got = in_memory(async {
        World::playing(Arm::Virtual, &[&lines])
            .await
            .connect()
            .await
            .all()
            .await
    });
    assert_eq!((got.0.len(), got.1.as_str()), (2 * 20_000 + 3, "eof"));
}

#[test]
fn a_fin_queues_behind_bytes_in_flight_and_a_reset_discards_them() {
    for (end, expected) in [
        ("fin", &["101", "0.500000 \\x81\\x01a", "0.500000 eof"][..]),
        ("reset", &["101", "0.020000 reset"]),
    ] {
        let drop = format!(r#"{{"at_ms":20,"drop":"{end}"}}"#);
        let lines: &[&str] = &[
            r#"{"at_ms":10,"latency_ms":490,"direction":"to_client"}"#,
            r#"{"at_ms":10,"text":"a"}"#,
            r#"{"at_ms":15,"latency_ms":0}"#,
            &drop,
        ];
        let seen =
            in_memory(async { World::playing(Arm::Virtual, &[lines]).await.observe().await });
        assert_eq!(seen, expected);
    }
}

#[test]
fn an_end_behind_a_partition_arrives_when_that_heals() {
    for (end, expected) in [
        ("fin", &["101", "0.040000 \\x81\\x01a", "0.040000 eof"][..]),
        ("reset", &["101", "0.040000 reset"]),
    ] {
        let drop = format!(r#"{{"at_ms":30,"drop":"{end}"}}"#);
        let lines: &[&str] = &[
            r#"{"at_ms":10,"partition":"both","for_ms":30}"#,
            r#"{"at_ms":20,"text":"a"}"#,
            &drop,
        ];
        let seen =
            in_memory(async { World::playing(Arm::Virtual, &[lines]).await.observe().await });
        assert_eq!(seen, expected);
    }
}

#[test]
fn latency_holds_for_what_the_client_sends_too() {
    let lines: &[&str] = &[
        r#"{"at_ms":0,"latency_ms":30}"#,
        r#"{"at_ms":1000,"drop":"fin"}"#,
    ];
    let seen = in_memory(async {
        let world = World::playing(Arm::Virtual, &[lines]).await;
        let mut client = world.connect().await;
        assert_eq!(
            world.engine.clock().now(),
            Micros(60_000),
            "a dial costs nothing, request and answer 30 ms each"
        );
        client.send(&masked(9, b"p")).await;
        let mut seen = client.reads().await;
        seen.extend(world.lines());
        seen
    });
    let expected = [
        "0.120000 \\x8a\\x01p",
        "1.030000 eof",
        "0.000000 latency 30 ms",
        "0.000000 #1 accepted",
        "0.030000 #1 upgraded",
        "0.090000 #1 ← ping \"p\"",
        "0.090000 #1 → pong",
        "1.000000 #1 fin",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_client_that_writes_faster_than_the_engine_reads_is_held_back() {
    in_memory(async {
        let world = World::bare().await;
        let mut client = world.connect().await;
        world.engine.partition(wstape_tape::Partition::FromClient);
        let frame = masked(2, &[0; 100]);
        let mut written = 0;
        loop {
            use tokio::io::AsyncWriteExt;
            tokio::select! {
                biased;
                done = client.stream.write(&frame) => written += done.unwrap(),
                () = std::future::ready(()) => break,
            }
        }
        assert_eq!(
            written,
            wstape_mock_engine::link::FROM_CLIENT_CAPACITY_BYTES
        );
    });
}

#[test]
fn a_client_that_never_reads_is_reset_before_the_engine_grows_without_bound() {
    in_memory(async {
        let world = World::bare().await;
        let mut client = world.connect().await;
        let megabyte: Arc<str> = "x".repeat(1 << 20).into();
        for _ in 0..64 {
            world.engine.text(&*megabyte);
        }
        assert_eq!(world.lines().last().unwrap(), "0.000000 #1 overrun: reset");
        let (bytes, end) = client.all().await;
        assert_eq!(end, "reset");
        assert!(bytes.len() < wstape_mock_engine::link::TO_CLIENT_CAPACITY_BYTES);
    });
}

#[test]
fn each_connection_gets_what_is_sent_to_it_and_to_all() {
    in_memory(async {
        let world = World::bare().await;
        let mut clients = [world.connect().await, world.connect().await];
        let mut step = Step::at(Micros::ZERO, wstape_tape::Action::Text("two".into()));
        step.conn = Conn::Nth(2);
        world.engine.apply(step);
        world.engine.text("both");
        world.engine.drop_connections(wstape_tape::End::Fin);
        assert_eq!(clients[0].all().await.0, b"\x81\x04both");
        assert_eq!(clients[1].all().await.0, b"\x81\x03two\x81\x04both");
    });
}

#[test]
fn a_client_that_never_reads_empty_messages_is_reset_by_the_memory_they_take() {
    in_memory(async {
        let world = World::bare().await;
        let _client = world.connect().await;
        // A megabyte and a half of payload, but each message takes its place in the queue.
        for _ in 0..750_000 {
            world.engine.text("");
        }
        let lines = world.lines();
        assert!(lines.contains(&"0.000000 #1 overrun: reset".to_owned()));
    });
}

#[test]
fn clients_that_never_read_are_reset_before_all_of_them_take_too_much_and_others_are_not() {
    in_memory(async {
        let world = World::bare().await;
        let mut reading = world.connect().await;
        let mut stuck = Vec::new();
        for _ in 0..17 {
            stuck.push(world.connect().await);
        }
        let megabyte: Arc<str> = "x".repeat(1 << 20).into();
        for _ in 0..62 {
            world.engine.text(&*megabyte);
            reading.exactly((1 << 20) + 10).await;
        }
        let overrun: Vec<String> = world
            .lines()
            .into_iter()
            .filter(|line| line.ends_with("overrun: reset"))
            .collect();
        assert!(!overrun.is_empty());
        assert!(
            !overrun.iter().any(|line| line.contains(" #1 ")),
            "{overrun:?}"
        );
    });
}

/// Counts how often a task was woken.
#[derive(Default)]
struct Wakes(std::sync::atomic::AtomicUsize);

impl std::task::Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn a_state_of_one_connection_does_not_touch_the_links_of_others() {
    in_memory(async {
        let world = World::playing(
            Arm::Virtual,
            &[&[r#"{"on_connect":"each","after_ms":0,"latency_ms":60000,"for_ms":1000}"#]],
        )
        .await;
        let mut first = world.dial().await.unwrap();
        let count = Arc::new(Wakes::default());
        let waker = std::task::Waker::from(Arc::clone(&count));
        let mut read = std::pin::pin!(first.read());
        let mut poll = || {
            let mut cx = std::task::Context::from_waker(&waker);
            assert!(read.as_mut().poll(&mut cx).is_pending());
        };
        poll();
        for _ in 0..100 {
            drop(world.dial().await.unwrap());
        }
        assert_eq!(count.0.load(std::sync::atomic::Ordering::Relaxed), 0);
    });
}
