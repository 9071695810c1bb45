//! Feeds whose time is not called `ts`.

use wstape_mock_engine::{Clock, Engine, StartAt, Timestamps};

use crate::world::{Arm, World, in_memory, masked, tape};

const TEXT: u8 = 1;

/// What a client gets of this tape of 2026, whose times are at `/T`, on a clock of 2030. It says
/// "go" once it is connected.
fn shifted(pointer: Option<&str>, lines: &[&str]) -> String {
    in_memory(async {
        let mut tape = tape(lines);
        tape.header.epoch = Some("2026-01-01T00:00:00Z".parse().unwrap());
        let builder = Engine::builder()
            .layer(tape)
            .clock(Clock::virtual_at("2030-01-01T00:00:00Z".parse().unwrap()))
            .start_at(StartAt::FirstConnection)
            .timestamps(Timestamps::Shift);
        let builder = match pointer {
            Some(pointer) => builder.time_at(pointer),
            None => builder,
        };
        let world = World::build(Arm::Virtual, builder).await;
        let mut client = world.connect().await;
        client.send(&masked(TEXT, b"go")).await;
        String::from_utf8_lossy(&client.all().await.0).into_owned()
    })
}

const LINES: [&str; 6] = [
    r#"{"on_connect":"each","after_ms":500,"text":"[1] {\"T\":1767225600000}"}"#,
    r#"{"on_message":{"text":"go"},"after_ms":250,"json":{"e":"ack","T":1767225600000}}"#,
    r#"{"at_ms":1000,"json":{"e":"a","T":1767225601000,"ts":"2026-01-01T00:00:01Z"}}"#,
    r#"{"at_ms":2000,"text":"{\"e\":\"b\",\"T\":\"2026-01-01T00:00:01.50Z\"}"}"#,
    r#"{"at_ms":3000,"emit":{"event":"c","T":"1767225602.75"}}"#,
    r#"{"at_ms":4000,"drop":"fin"}"#,
];

#[test]
fn the_time_that_a_pointer_names_moves_in_every_message_of_json_whatever_sent_it() {
    let got = shifted(Some("/T"), &LINES);
    for expected in [
        // What an answer says is said now.
        r#"{"e":"ack","T":1893456000250}"#,
        // No JSON: it stays.
        r#"[1] {"T":1767225600000}"#,
        // As long after its step as in the tape; what else looks like a time stays.
        r#"{"e":"a","T":1893456001000,"ts":"2026-01-01T00:00:01Z"}"#,
        r#"{"e":"b","T":"2030-01-01T00:00:01.50Z"}"#,
        r#"{"event":"c","T":"1893456002.75"}"#,
    ] {
        assert!(got.contains(expected), "{expected} in {got}");
    }
}

#[test]
fn without_a_pointer_messages_of_other_vocabularies_stay_byte_for_byte() {
    let got = shifted(None, &LINES);
    for expected in [
        r#"{"e":"ack","T":1767225600000}"#,
        r#"{"e":"a","T":1767225601000,"ts":"2026-01-01T00:00:01Z"}"#,
        r#"{"e":"b","T":"2026-01-01T00:00:01.50Z"}"#,
        r#"{"event":"c","T":"1767225602.75"}"#,
    ] {
        assert!(got.contains(expected), "{expected} in {got}");
    }
}
