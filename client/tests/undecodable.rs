//! Messages that aren't events, and why.

use chrono::{DateTime, TimeZone as _, Utc};
use engine_client::{Undecodable, decode, decode_binary};

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2030, 1, 2, 3, 4, 5)
        .single()
        .expect("a time that exists once")
}

#[test]
fn a_message_that_is_no_event_says_why() {
    use Undecodable::{Malformed, NotAnEvent, Payload};

    let deep = format!(
        r#"{{"event":"risk","data":{}1{}}}"#,
        r#"{"a":"#.repeat(10_000),
        "}".repeat(10_000)
    );
    let deep_message = "[".repeat(10_000);
    let deep_extra = deep.replacen(r#"{"a":"#, r#"{"halted":true,"a":"#, 1);
    let cases = [
        // A1: not JSON, or not one value.
        ("", Malformed),
        (" ", Malformed),
        ("{", Malformed),
        ("nonsense", Malformed),
        (r#"{"event":"risk","data":{"halted":tr"#, Malformed),
        (r#"{"event":"risk","data":{"halted":true}"#, Malformed),
        (r#"{"event":"risk","data":{"halted":true}}}"#, Malformed),
        (r#"{"event":"heartbeat"}{"event":"heartbeat"}"#, Malformed),
        (r#"{"event":"heartbeat"} x"#, Malformed),
        ("\u{feff}{\"event\":\"heartbeat\"}", Malformed),
        (r#"{"event":"risk","data":{"drawdown_pct":NaN}}"#, Malformed),
        (
            r#"{"event":"risk","data":{"drawdown_pct":Infinity}}"#,
            Malformed,
        ),
        (r#"{"event":"risk","data":{"halted":true,}}"#, Malformed),
        (r"{'event':'risk'}", Malformed),
        ("{\"event\":\"a\u{1}b\"}", Malformed),
        // A1: duplicate keys.
        (r#"{"event":"heartbeat","event":"heartbeat"}"#, NotAnEvent),
        (r#"{"event":"heartbeat","ts":null,"ts":null}"#, NotAnEvent),
        (r#"{"event":"heartbeat","data":{},"data":{}}"#, NotAnEvent),
        (
            r#"{"event":"risk","data":{"halted":true},"data":{}}"#,
            NotAnEvent,
        ),
        // A2: no object, or none with a string `event`.
        ("[]", NotAnEvent),
        (
            r#"["risk","2026-04-21T19:05:36Z",{"halted":true}]"#,
            NotAnEvent,
        ),
        ("null", NotAnEvent),
        (r#""heartbeat""#, NotAnEvent),
        ("{}", NotAnEvent),
        (r#"{"Event":"heartbeat"}"#, NotAnEvent),
        (r#"{"event":null}"#, NotAnEvent),
        (r#"{"event":7}"#, NotAnEvent),
        (r#"{"event":["heartbeat"]}"#, NotAnEvent),
        // A1: ten thousand levels, huge numbers, half a surrogate pair.
        (&deep, Payload),
        (&deep_extra, Payload),
        (&deep_message, NotAnEvent),
        (r#"{"event":"risk","data":{"drawdown_pct":1e999}}"#, Payload),
        (r#"{"event":"pulse","data":"\ud800"}"#, Payload),
    ];
    for (message, why) in cases {
        let shown = &message[..message.len().min(80)];
        assert_eq!(decode(message, now()), Err(why), "{shown}");
        assert_eq!(
            decode_binary(message.as_bytes(), now()),
            Err(why),
            "{shown}"
        );
    }
}

#[test]
fn a_binary_message_is_text_or_nothing() {
    let message = br#"{"event":"regime","data":{"coin":"BTC"}}"#;
    let decoded = decode_binary(message, now()).expect("JSON in a binary message");
    assert_eq!(decoded.event.kind(), "regime");
    assert_eq!(decode_binary(&[], now()), Err(Undecodable::Malformed));
    assert_eq!(
        decode_binary(&[0x82, 0xff], now()),
        Err(Undecodable::NotUtf8)
    );
    assert_eq!(
        decode_binary(b"{\"event\":\"heartbeat\",\"x\":\"\xff\"}", now()),
        Err(Undecodable::NotUtf8)
    );
}

#[test]
fn a_reason_does_not_repeat_the_message() {
    let secret = "hunter2";
    for message in [
        secret.to_owned(),
        format!(r#"{{"event":["{secret}"]}}"#),
        format!(r#"{{"{secret}":1,"event":"{secret}","event":"{secret}"}}"#),
        format!(r#"{{"event":"{secret}","data":["{secret}",1e999]}}"#),
    ] {
        let why = decode(&message, now()).expect_err("no event");
        assert!(!format!("{why} {why:?}").contains(secret), "{why}");
    }
}
