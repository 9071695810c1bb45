//! The first wave of the fault catalogue: what a client sees of each, from a tape, in memory and
//! over TCP.

use crate::world::{Arm, World, in_memory, over_tcp, tape};
use wstape_mock_engine::{Engine, Speed, StartAt};
use wstape_tape::Micros;

/// A fault as a tape has it, and what one client sees of it. Times in seconds; what ends in
/// `silence` can only be seen in virtual time.
const TAPES: &[(&str, &[&str], &[&str])] = &[
    (
        "C1 refused",
        &[r#"{"at_ms":0,"down":true}"#],
        &["ConnectionRefused"],
    ),
    (
        "C3 accepted, then silence",
        &[r#"{"at_ms":0,"hang":true}"#],
        &["silence"],
    ),
    (
        "C4 accepted, then FIN",
        &[r#"{"on_connect":1,"drop":"fin"}"#],
        &["eof"],
    ),
    (
        "C4 accepted, then RST",
        &[r#"{"on_connect":1,"drop":"reset"}"#],
        &["reset"],
    ),
    (
        "H1 a status",
        &[r#"{"at_ms":0,"refuse":{"status":403}}"#],
        &["403"],
    ),
    (
        "H1 on the first connection",
        &[r#"{"on_connect":1,"refuse":{"status":500}}"#],
        &["500"],
    ),
    (
        "H2 Retry-After",
        &[r#"{"at_ms":0,"refuse":{"status":503,"headers":{"Retry-After":"7"}}}"#],
        &["503 retry-after: 7"],
    ),
    (
        "H2 Retry-After malformed",
        &[r#"{"at_ms":0,"refuse":{"status":429,"headers":{"Retry-After":"soon"}}}"#],
        &["429 retry-after: soon"],
    ),
    (
        "H6 garbage, then FIN",
        &[r#"{"at_ms":0,"garbage":{"text":"220 smtp ready\r\n","then":"fin"}}"#],
        &["220 smtp ready\\r\\n", "eof"],
    ),
    (
        "H6 garbage, then silence",
        &[r#"{"at_ms":0,"garbage":"SSH-2.0"}"#],
        &["SSH-2.0", "silence"],
    ),
    (
        "H6 a truncated head",
        &[r#"{"at_ms":0,"garbage":{"text":"HTTP/1.1 101 Swi","then":"fin"}}"#],
        &["HTTP/1.1 101 Swi", "eof"],
    ),
    (
        "H8 101, then close",
        &[r#"{"on_connect":1,"after_frames":0,"close":{"code":1000}}"#],
        &["101", "0.000000 \\x88\\x02\\x03\\xe8", "1.000000 eof"],
    ),
    (
        "H8 101, then FIN",
        &[r#"{"on_connect":1,"after_frames":0,"drop":"fin"}"#],
        &["101", "0.000000 eof"],
    ),
    (
        "H8 101, then RST",
        &[r#"{"on_connect":1,"after_bytes":0,"drop":"reset"}"#],
        &["101", "0.000000 reset"],
    ),
    (
        "H9 token missing",
        &[r#"{"at_ms":0,"accept":{"token":"hunter2"}}"#],
        &["401 www-authenticate: Bearer"],
    ),
    (
        "N1 RST in mid-frame",
        &[
            r#"{"on_connect":1,"after_frames":0,"bytes":"gQVoZQ=="}"#,
            r#"{"at_ms":20,"drop":"reset"}"#,
        ],
        &["101", "0.000000 \\x81\\x05he", "0.020000 reset"],
    ),
    (
        "N2 FIN in mid-frame",
        &[
            r#"{"on_connect":1,"after_bytes":4,"drop":"fin"}"#,
            r#"{"on_connect":1,"after_frames":0,"text":"hello"}"#,
        ],
        &["101", "0.000000 \\x81\\x05he", "0.000000 eof"],
    ),
    (
        "N2 FIN idle",
        &[r#"{"at_ms":20,"drop":"fin"}"#],
        &["101", "0.020000 eof"],
    ),
    (
        "N4 partition, healed: the held bytes burst",
        &[
            r#"{"at_ms":10,"partition":"both"}"#,
            r#"{"at_ms":20,"text":"a"}"#,
            r#"{"at_ms":30,"text":"b"}"#,
            r#"{"at_ms":50,"partition":"none"}"#,
            r#"{"at_ms":60,"drop":"fin"}"#,
        ],
        &["101", "0.050000 \\x81\\x01a\\x81\\x01b", "0.060000 eof"],
    ),
    (
        "N4 partition without end",
        &[
            r#"{"at_ms":10,"partition":"both"}"#,
            r#"{"at_ms":20,"text":"a"}"#,
            r#"{"at_ms":30,"drop":"reset"}"#,
        ],
        &["101", "silence"],
    ),
    (
        "N5 partition to the client",
        &[
            r#"{"at_ms":10,"partition":"to_client","for_ms":20}"#,
            r#"{"at_ms":20,"text":"a"}"#,
            r#"{"at_ms":40,"drop":"fin"}"#,
        ],
        &["101", "0.030000 \\x81\\x01a", "0.040000 eof"],
    ),
    (
        "N5 partition from the client",
        &[
            r#"{"at_ms":10,"partition":"from_client"}"#,
            r#"{"at_ms":20,"text":"a"}"#,
            r#"{"at_ms":40,"drop":"fin"}"#,
        ],
        &["101", "0.020000 \\x81\\x01a", "0.040000 eof"],
    ),
    (
        "N7 fail-fast",
        &[r#"{"at_ms":20,"down":true}"#],
        &["101", "0.020000 reset"],
    ),
    (
        "N8 latency",
        &[
            r#"{"at_ms":10,"latency_ms":25,"direction":"to_client"}"#,
            r#"{"at_ms":20,"text":"a"}"#,
            r#"{"at_ms":30,"drop":"fin"}"#,
        ],
        &["101", "0.045000 \\x81\\x01a", "0.055000 eof"],
    ),
    (
        "N8 bandwidth",
        &[
            r#"{"at_ms":10,"bytes_per_s":100}"#,
            r#"{"at_ms":20,"text":"a"}"#,
            r#"{"at_ms":20,"text":"b"}"#,
            r#"{"at_ms":20,"drop":"fin"}"#,
        ],
        &[
            "101",
            "0.050000 \\x81\\x01a",
            "0.080000 \\x81\\x01b",
            "0.080000 eof",
        ],
    ),
    (
        "N9 slicing",
        &[
            r#"{"at_ms":10,"slice_bytes":2}"#,
            r#"{"at_ms":20,"text":"abc"}"#,
            r#"{"at_ms":30,"drop":"fin"}"#,
        ],
        &[
            "101",
            "0.020000 \\x81\\x03",
            "0.020000 ab",
            "0.020000 c",
            "0.030000 eof",
        ],
    ),
    (
        "W1 Close without a code",
        &[r#"{"on_connect":1,"after_frames":0,"close":{}}"#],
        &["101", "0.000000 \\x88\\x00", "1.000000 eof"],
    ),
    (
        "W1 Close with a reason",
        &[r#"{"on_connect":1,"after_frames":0,"close":{"code":4001,"reason":"kicked"}}"#],
        &["101", "0.000000 \\x88\\x08\\x0f\\xa1kicked", "1.000000 eof"],
    ),
    (
        "W4 invalid UTF-8",
        &[
            r#"{"at_ms":20,"frame":{"opcode":1,"payload_b64":"/w=="}}"#,
            r#"{"at_ms":20,"drop":"fin"}"#,
        ],
        &["101", "0.020000 \\x81\\x01\\xff", "0.020000 eof"],
    ),
    (
        "W6 a Ping between fragments, one of them empty",
        &[
            r#"{"at_ms":20,"frame":{"fin":false,"opcode":1,"payload":"a"}}"#,
            r#"{"at_ms":20,"ping":"x"}"#,
            r#"{"at_ms":20,"frame":{"fin":false,"opcode":0,"payload":""}}"#,
            r#"{"at_ms":20,"frame":{"opcode":0,"payload":"b"}}"#,
            r#"{"at_ms":20,"drop":"fin"}"#,
        ],
        &[
            "101",
            "0.020000 \\x01\\x01a\\x89\\x01x\\x00\\x00\\x80\\x01b",
            "0.020000 eof",
        ],
    ),
    (
        "W9 a huge declared length",
        &[
            r#"{"at_ms":20,"frame":{"opcode":2,"payload":"","declared_len":1099511627776}}"#,
            r#"{"at_ms":20,"drop":"fin"}"#,
        ],
        &[
            "101",
            "0.020000 \\x82\\x7f\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00",
            "0.020000 eof",
        ],
    ),
    (
        "W11 Pings and a Pong nobody asked for",
        &[
            r#"{"at_ms":20,"ping":""}"#,
            r#"{"at_ms":20,"pong":"y"}"#,
            r#"{"at_ms":20,"drop":"fin"}"#,
        ],
        &["101", "0.020000 \\x89\\x00\\x8a\\x01y", "0.020000 eof"],
    ),
    (
        "W12 Binary, and an empty message",
        &[
            r#"{"at_ms":20,"binary":"e30="}"#,
            r#"{"at_ms":20,"text":""}"#,
            r#"{"at_ms":20,"drop":"fin"}"#,
        ],
        &["101", "0.020000 \\x82\\x02{}\\x81\\x00", "0.020000 eof"],
    ),
    (
        "A1 to A4 any text",
        &[
            r#"{"at_ms":20,"text":"{\"event\": NaN"}"#,
            r#"{"at_ms":20,"emit":{ "ts":1 , "event":"x"}}"#,
            r#"{"at_ms":20,"drop":"fin"}"#,
        ],
        &[
            "101",
            "0.020000 \\x81\\r{\\\"event\\\": NaN\\x81\\x17{ \\\"ts\\\":1 , \\\"event\\\":\\\"x\\\"}",
            "0.020000 eof",
        ],
    ),
    (
        "A6 a slow drip",
        &[
            r#"{"at_ms":10,"slice_bytes":1}"#,
            r#"{"at_ms":10,"bytes_per_s":100}"#,
            r#"{"at_ms":20,"text":"a"}"#,
            r#"{"at_ms":20,"drop":"fin"}"#,
        ],
        &[
            "101",
            "0.030000 \\x81",
            "0.040000 \\x01",
            "0.050000 a",
            "0.050000 eof",
        ],
    ),
];

/// The same, without times and with reads joined: how bytes are cut on TCP is the kernel's.
fn without_times(lines: &[impl AsRef<str>]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut bytes = String::new();
    for line in lines {
        let line = line.as_ref();
        match line.split_once(' ') {
            Some((at, rest)) if at.contains('.') && at.parse::<f64>().is_ok() => match rest {
                "eof" | "reset" => out.extend([std::mem::take(&mut bytes), rest.to_owned()]),
                rest => bytes.push_str(rest),
            },
            _ => out.push(line.to_owned()),
        }
    }
    out
}

#[test]
fn each_fault_of_the_first_wave_is_seen_from_a_tape_in_virtual_time() {
    for (name, lines, expected) in TAPES {
        let seen =
            in_memory(async { World::playing(Arm::Virtual, &[lines]).await.observe().await });
        assert_eq!(seen, *expected, "{name}");
    }
}

#[test]
fn each_fault_that_does_not_end_in_silence_is_seen_alike_over_tcp() {
    for (name, lines, expected) in TAPES
        .iter()
        .filter(|(_, _, expected)| expected.last() != Some(&"silence"))
    {
        // The tape begins with the 101 and its times are skipped: nothing depends on how fast
        // this machine is.
        let seen = over_tcp(async {
            let builder = Engine::builder().layer(tape(lines)).speed(Speed::Max);
            let world = World::build(Arm::Tcp, builder.start_at(StartAt::FirstConnection)).await;
            let seen = world.observe().await;
            world.engine.shutdown().await;
            seen
        });
        assert_eq!(without_times(&seen), without_times(expected), "{name}");
    }
}

/// L1, L2: scripts over several connections.
#[test]
fn attempts_meet_what_the_tape_has_for_each() {
    let lines: &[&str] = &[
        r#"{"on_connect":2,"refuse":{"status":503}}"#,
        r#"{"on_connect":3,"hang":true}"#,
        r#"{"on_connect":4,"after_frames":0,"drop":"reset"}"#,
        r#"{"on_connect":5,"after_frames":0,"drop":"fin"}"#,
        r#"{"at_ms":0,"refuse":{"status":502},"times":1}"#,
    ];
    let seen = in_memory(async {
        let world = World::playing(Arm::Virtual, &[lines]).await;
        let mut seen = Vec::new();
        for _ in 0..5 {
            seen.push(world.observe().await.join(", "));
        }
        seen
    });
    assert_eq!(
        seen,
        [
            "502",
            "503",
            "silence",
            "101, 600.000000 reset",
            "101, 600.000000 eof"
        ]
    );
}

#[test]
fn a_restart_refuses_until_the_port_is_back() {
    let lines: &[&str] = &[
        r#"{"at_ms":0,"down":true,"for_ms":1500}"#,
        r#"{"at_ms":2000,"drop":"fin"}"#,
    ];
    let seen = in_memory(async {
        let world = World::playing(Arm::Virtual, &[lines]).await;
        let clock = world.engine.clock();
        let mut seen = Vec::new();
        for at in [0, 1_499_999, 1_500_000] {
            clock.sleep_until(Micros(at)).await;
            seen.push(world.observe().await.join(", "));
        }
        seen.extend(world.lines());
        seen
    });
    let expected = [
        "ConnectionRefused",
        "ConnectionRefused",
        "101, 2.000000 eof",
        "0.000000 down",
        "0.000000 dial refused",
        "1.499999 dial refused",
        "1.500000 up",
        "1.500000 #1 accepted",
        "1.500000 #1 upgraded",
        "2.000000 #1 fin",
    ];
    assert_eq!(seen, expected);
}
