//! What networks and hosts do: half-closed and forgotten streams, peers that don't read, flipped
//! bits, wrong clocks.

use tokio::io::AsyncWriteExt;
use wstape_tape::{Micros, Reading};

use crate::world::{Arm, World, in_memory, masked, over_tcp};

const PING: u8 = 9;

/// What a client sees of this tape.
fn seen(arm: Arm, lines: &[&str]) -> Vec<String> {
    let test = async { World::playing(arm, &[lines]).await.observe().await };
    match arm {
        Arm::Virtual => in_memory(test),
        Arm::Tcp => over_tcp(test),
    }
}

#[test]
fn a_half_closed_stream_ends_for_the_client_whose_frames_are_still_taken() {
    let lines: &[&str] = &[
        r#"{"at_ms":10,"text":"a"}"#,
        r#"{"at_ms":10,"half_close":true}"#,
        r#"{"at_ms":20,"text":"b"}"#,
    ];
    for arm in [Arm::Virtual, Arm::Tcp] {
        let test = async {
            let world = World::playing(arm, &[lines]).await;
            let mut client = world.connect().await;
            let (bytes, end) = client.all().await;
            world.engine.finished().await.unwrap();
            client.send(&masked(PING, b"still there?")).await;
            client.stream.shutdown().await.unwrap();
            let closed = |line: &String| line.contains("client fin");
            while !world.lines().iter().any(closed) {
                tokio::task::yield_now().await;
            }
            let lines = world.lines();
            let lines: Vec<_> = lines
                .iter()
                .filter_map(|line| line.split_once("#1 "))
                .collect();
            let lines: Vec<_> = lines.into_iter().map(|(_, what)| what.to_owned()).collect();
            (bytes, end, lines, world.lines())
        };
        let (bytes, end, lines, all) = match arm {
            Arm::Virtual => in_memory(test),
            Arm::Tcp => over_tcp(test),
        };
        assert_eq!(
            (&bytes[..], end.as_str()),
            (&b"\x81\x01a"[..], "eof"),
            "{arm:?}"
        );
        let expected = [
            "accepted",
            "upgraded",
            "fin, still reading",
            "← ping \"still there?\"",
            "client fin",
        ];
        assert_eq!(lines, expected, "{arm:?}");
        assert!(
            all.iter().any(|line| line.ends_with("lost text")),
            "{all:?}"
        );
    }
}

#[test]
fn a_half_closed_connection_can_still_be_dropped() {
    let lines: &[&str] = &[
        r#"{"at_ms":10,"half_close":true}"#,
        r#"{"at_ms":30,"drop":"fin"}"#,
    ];
    let lines = in_memory(async {
        let world = World::playing(Arm::Virtual, &[lines]).await;
        let _client = world.connect().await;
        world.engine.finished().await.unwrap();
        world.lines()
    });
    let ends = ["0.010000 #1 fin, still reading", "0.030000 #1 fin"];
    assert_eq!(lines[lines.len() - 2..], ends);
}

#[test]
fn a_forgotten_connection_says_nothing_until_the_client_writes_and_meets_a_reset() {
    let lines: &[&str] = &[
        r#"{"at_ms":0,"idle_drop":50}"#,
        r#"{"at_ms":10,"text":"a"}"#,
        r#"{"at_ms":40,"text":"b"}"#,
        r#"{"at_ms":100,"text":"lost"}"#,
    ];
    for arm in [Arm::Virtual, Arm::Tcp] {
        let test = async {
            let world = World::playing(arm, &[lines]).await;
            let mut client = world.connect().await;
            let got = client.exactly(6).await;
            world.engine.finished().await.unwrap();
            client.send(&masked(PING, b"")).await;
            let end = client.read().await;
            (got, end, world.lines())
        };
        let (got, end, lines) = match arm {
            Arm::Virtual => in_memory(test),
            Arm::Tcp => over_tcp(test),
        };
        assert_eq!(
            (&got[..], end),
            (&b"\x81\x01a\x81\x01b"[..], Err("reset".into())),
            "{arm:?}"
        );
        let forgotten = lines
            .iter()
            .find(|line| line.contains("forgotten on the way"));
        let forgotten = forgotten.expect("it is journalled");
        if arm == Arm::Virtual {
            assert_eq!(forgotten, "0.090000 #1 forgotten on the way");
        }
    }
}

#[test]
fn a_connection_that_carries_something_in_time_is_never_forgotten() {
    let lines = in_memory(async {
        let lines: &[&str] = &[
            r#"{"at_ms":0,"idle_drop":50}"#,
            r#"{"at_ms":240,"text":"a"}"#,
            r#"{"at_ms":250,"drop":"fin"}"#,
        ];
        let world = World::playing(Arm::Virtual, &[lines]).await;
        let mut client = world.connect().await;
        for _ in 0..5 {
            let later = Micros(world.engine.clock().now().0 + 49_000);
            world.engine.clock().sleep_until(later).await;
            client.send(&masked(PING, b"")).await;
        }
        client.reads().await
    });
    assert_eq!(lines.last().map(String::as_str), Some("0.250000 eof"));
    assert!(
        lines.iter().any(|line| line.ends_with("\\x81\\x01a")),
        "{lines:?}"
    );
}

#[test]
fn a_clients_writes_block_while_nobody_reads_and_go_on_where_somebody_does() {
    in_memory(async {
        let lines: &[&str] = &[r#"{"at_ms":10,"reading":{"room_bytes":20},"for_ms":90}"#];
        let world = World::playing(Arm::Virtual, &[lines]).await;
        let clock = world.engine.clock();
        let mut client = world.connect().await;
        clock.sleep_until(Micros(20_000)).await;
        // Two of the three fit whole, and two bytes more.
        let pings = [
            masked(PING, b"abc"),
            masked(PING, b"def"),
            masked(PING, b"ghi"),
        ]
        .concat();
        client.stream.write_all(&pings[..20]).await.unwrap();
        assert_eq!(clock.now(), Micros(20_000));
        client.stream.write_all(&pings[20..]).await.unwrap();
        assert_eq!(clock.now(), Micros(100_000));
        let answers = client.exactly(15).await;
        assert_eq!(&answers[..], b"\x8a\x03abc\x8a\x03def\x8a\x03ghi");
    });
}

#[test]
fn a_client_that_waits_for_room_before_anything_was_read_is_woken() {
    in_memory(async {
        let world = World::playing(Arm::Virtual, &[&[]]).await;
        let mut client = world.connect().await;
        world.engine.reading(Reading::Room { bytes: 0 });
        let ping = masked(PING, b"a");
        let mut write = std::pin::pin!(client.stream.write_all(&ping));
        tokio::select! {
            biased;
            _ = &mut write => panic!("there was no room"),
            () = tokio::task::yield_now() => {}
        }
        world.engine.reading(Reading::On);
        write.await.unwrap();
        assert_eq!(&client.exactly(3).await[..], b"\x8a\x01a");
    });
}

#[test]
fn bits_flip_where_the_tape_says_and_nowhere_else() {
    let lines: &[&str] = &[
        r#"{"at_ms":10,"text":"unharmed"}"#,
        r#"{"at_ms":20,"corrupt":{"skip_bytes":3,"every_bytes":4,"flip":1},"direction":"to_client","for_ms":5}"#,
        r#"{"at_ms":21,"text":"bbbbbb"}"#,
        r#"{"at_ms":22,"text":"bb"}"#,
        r#"{"at_ms":30,"text":"b"}"#,
        r#"{"at_ms":40,"drop":"fin"}"#,
    ];
    let expected = [
        "101",
        "0.010000 \\x81\\x08unharmed",
        "0.021000 \\x81\\x06bcbbbc",
        "0.022000 \\x81\\x02bc",
        "0.030000 \\x81\\x01b",
        "0.040000 eof",
    ];
    assert_eq!(seen(Arm::Virtual, lines), expected);
}

#[test]
fn a_corrupt_head_of_a_clients_frame_is_a_breach_of_the_protocol() {
    let lines = in_memory(async {
        let lines: &[&str] = &[r#"{"at_ms":10,"corrupt":{"flip":64},"direction":"from_client"}"#];
        let world = World::playing(Arm::Virtual, &[lines]).await;
        let mut client = world.connect().await;
        world.engine.finished().await.unwrap();
        client.send(&masked(PING, b"a")).await;
        client.reads().await
    });
    assert_eq!(lines, ["0.010000 \\x88\\x02\\x03\\xea", "0.010000 eof"]);
}

#[test]
fn the_corruptions_of_layers_add_up() {
    let base: &[&str] = &[
        r#"{"at_ms":10,"corrupt":{"skip_bytes":2,"flip":1},"direction":"to_client"}"#,
        r#"{"at_ms":20,"text":"bb"}"#,
        r#"{"at_ms":30,"drop":"fin"}"#,
    ];
    let overlay: &[&str] = &[r#"{"at_ms":10,"corrupt":{"skip_bytes":3,"flip":1}}"#];
    let seen = in_memory(async {
        let world = World::playing(Arm::Virtual, &[base, overlay]).await;
        world.observe().await
    });
    assert_eq!(seen[1], "0.020000 \\x81\\x02cc");
}

#[test]
fn a_clock_that_jumps_and_drifts_shows_in_what_is_written_as_the_time() {
    let lines: &[&str] = &[
        r#"{"at_ms":1000,"text":"${now}"}"#,
        r#"{"at_ms":1000,"clock":{"ahead_ms":3600000},"for_ms":1000}"#,
        r#"{"at_ms":1500,"text":"${now}"}"#,
        r#"{"at_ms":2000,"text":"${now}"}"#,
        r#"{"at_ms":2000,"clock":{"behind_ms":1000,"drift_ppm":500000}}"#,
        r#"{"at_ms":4000,"text":"${now}"}"#,
        r#"{"at_ms":4000,"clock":null}"#,
        r#"{"at_ms":5000,"text":"${now}"}"#,
        r#"{"at_ms":6000,"drop":"fin"}"#,
    ];
    let seen = seen(Arm::Virtual, lines);
    let times: Vec<&str> = seen
        .iter()
        .filter_map(|line| line.split_once('T'))
        .map(|t| t.1)
        .collect();
    let expected = [
        "00:00:01.000000Z",
        "01:00:01.500000Z",
        "00:00:02.000000Z",
        "00:00:02.000000Z",
        "00:00:05.000000Z",
    ];
    assert_eq!(times, expected, "{seen:?}");
}

#[test]
fn a_clock_far_behind_1970_or_beyond_the_year_9999_answers_all_the_same() {
    for (clock, date) in [
        (
            r#"{"behind_ms":9007199254740991}"#,
            "Thu, 01 Jan 1970 00:00:00 GMT",
        ),
        (
            r#"{"ahead_ms":9007199254740991}"#,
            "Fri, 31 Dec 9999 23:59:59 GMT",
        ),
    ] {
        let clock = format!(r#"{{"at_ms":0,"clock":{clock}}}"#);
        let lines = [
            clock.as_str(),
            r#"{"at_ms":10,"text":"${date}"}"#,
            r#"{"at_ms":10,"text":"${date:99999999}"}"#,
            r#"{"at_ms":20,"drop":"fin"}"#,
        ];
        let seen = seen(Arm::Virtual, &lines);
        assert!(seen[1].contains(date), "{seen:?}");
    }
}

#[test]
fn a_port_that_drains_refuses_dials_while_what_is_open_lives_on() {
    let lines: &[&str] = &[
        r#"{"at_ms":10,"down":{"open":"kept"}}"#,
        r#"{"at_ms":20,"text":"a"}"#,
        r#"{"at_ms":50,"down":true}"#,
    ];
    for arm in [Arm::Virtual, Arm::Tcp] {
        let test = async {
            let world = World::playing(arm, &[lines]).await;
            let mut client = world.connect().await;
            let got = client.exactly(3).await;
            let refused = world.dial().await.map(|_| ()).unwrap_err().kind();
            let end = client.read().await;
            (got, refused, end)
        };
        let (got, refused, end) = match arm {
            Arm::Virtual => in_memory(test),
            Arm::Tcp => over_tcp(test),
        };
        assert_eq!(got, b"\x81\x01a", "{arm:?}");
        assert_eq!(refused, std::io::ErrorKind::ConnectionRefused, "{arm:?}");
        assert_eq!(end, Err("reset".to_owned()), "{arm:?}");
    }
}
