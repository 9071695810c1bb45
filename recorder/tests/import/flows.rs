//! mitmproxy's flows in other shapes than the genuine ones, and files that aren't flows.

use std::fs;

use wstape_recorder::ImportFormat::Mitmproxy;

use crate::{import_bytes, input, steps};

/// A value as a typed netstring.
#[derive(Clone)]
enum Value {
    Bytes(&'static [u8]),
    Text(&'static str),
    Int(i64),
    Float(&'static str),
    Bool(bool),
    Null,
    List(Vec<Value>),
    Dict(Vec<(&'static str, Value)>),
}

use Value::{Bool, Bytes, Dict, Float, Int, List, Null, Text};

impl Value {
    fn encode(&self) -> Vec<u8> {
        let (payload, tag) = match self {
            Bytes(bytes) => (bytes.to_vec(), ','),
            Text(text) => (text.as_bytes().to_vec(), ';'),
            Int(number) => (number.to_string().into_bytes(), '#'),
            Float(text) => (text.as_bytes().to_vec(), '^'),
            Bool(bool) => (bool.to_string().into_bytes(), '!'),
            Null => (Vec::new(), '~'),
            List(values) => (values.iter().flat_map(Value::encode).collect(), ']'),
            Dict(members) => {
                let pair = |(key, value): &(&'static str, Value)| {
                    [Text(key).encode(), value.encode()].concat()
                };
                (members.iter().flat_map(pair).collect(), '}')
            }
        };
        let mut text = format!("{}:", payload.len()).into_bytes();
        text.extend(payload);
        text.push(u8::try_from(tag).unwrap());
        text
    }

    /// With a member set, below the ones on the way to it; removed where there is no value.
    fn set(mut self, path: &[&'static str], value: Option<Value>) -> Self {
        let Dict(members) = &mut self else {
            panic!("a dict on the way to {path:?}");
        };
        let at = members.iter().position(|(key, _)| *key == path[0]);
        match (at, path) {
            (Some(at), [_]) => match value {
                Some(value) => members[at].1 = value,
                None => drop(members.remove(at)),
            },
            (None, [key]) => members.extend(value.map(|value| (*key, value))),
            (Some(at), [_, rest @ ..]) => {
                members[at].1 = members[at].1.clone().set(rest, value);
            }
            _ => panic!("no {path:?}"),
        }
        self
    }
}

fn message(from_client: bool, content: Value, time: &'static str) -> Value {
    List(vec![
        Int(1),
        Bool(from_client),
        content,
        Float(time),
        Bool(false),
        Bool(false),
    ])
}

/// A flow that begins at 1000 s.
fn flow() -> Value {
    let message = message(false, Bytes(b"hi"), "1001.5");
    Dict(vec![
        ("version", Int(21)),
        ("type", Text("http")),
        (
            "request",
            Dict(vec![
                ("headers", List(Vec::new())),
                ("scheme", Bytes(b"https")),
                ("host", Text("engine")),
                ("port", Int(443)),
                ("path", Bytes(b"/ws")),
                ("timestamp_start", Float("1000.0")),
            ]),
        ),
        (
            "response",
            Dict(vec![
                ("headers", List(Vec::new())),
                ("status_code", Int(101)),
                ("timestamp_start", Float("1000.25")),
            ]),
        ),
        (
            "websocket",
            Dict(vec![
                ("messages", List(vec![message])),
                ("closed_by_client", Bool(false)),
                ("close_code", Int(1001)),
                ("close_reason", Text("bye")),
                ("timestamp_end", Float("1002.0000005")),
            ]),
        ),
        ("error", Null),
    ])
}

fn tape(flow: &Value) -> String {
    import_bytes(Mitmproxy, &flow.encode()).unwrap()
}

#[test]
fn a_flow_is_a_handshake_messages_and_an_end() {
    let tape = tape(&flow());
    assert_eq!(
        steps(&tape),
        [
            r#"{"at_ms":0,"conn":1,"received":{"kind":"open","path":"/ws"}}"#,
            r#"{"at_ms":250,"conn":1,"accept":{}}"#,
            r#"{"at_ms":1500,"conn":1,"text":"hi"}"#,
            r#"{"at_ms":2000.001,"conn":1,"close":{"code":1001,"reason":"bye"}}"#,
        ]
    );
    assert!(tape.contains(r#""source":"wss://engine:443/ws""#), "{tape}");
}

#[test]
fn versions_12_to_21_are_read_and_others_named() {
    let old = List(vec![
        Int(1),
        Bool(false),
        Bytes(b"x"),
        Float("1001.5"),
        Bool(false),
    ]);
    for version in [12, 14, 15, 20, 21] {
        let mut flow = flow().set(&["version"], Some(Int(version)));
        if version < 15 {
            // A message did not say yet whether it was made up.
            flow = flow.set(&["websocket", "messages"], Some(List(vec![old.clone()])));
        }
        assert_eq!(steps(&tape(&flow)).len(), 4, "{version}");
    }
    for (version, sentence) in [
        (Int(11), "found \"11\"; convert it with a current mitmproxy"),
        (Int(22), "found \"22\"; this recorder does not know it yet"),
        (
            List(vec![Int(0), Int(18)]),
            "found one of mitmproxy 3 or before",
        ),
    ] {
        let flow = flow().set(&["version"], Some(version));
        let said = import_bytes(Mitmproxy, &flow.encode()).unwrap_err();
        let expected = "expected version 12 to 21 of the flow format";
        assert!(said.contains(expected) && said.contains(sentence), "{said}");
    }
}

#[test]
fn ends_and_failed_handshakes_are_told_apart() {
    let upgrade = List(vec![List(vec![Bytes(b"Upgrade"), Bytes(b"WebSocket")])]);
    let asked = flow()
        .set(&["request", "headers"], Some(upgrade))
        .set(&["websocket"], Some(Null));
    let error = Dict(vec![
        ("msg", Text("connection refused")),
        ("timestamp", Float("1003.5")),
    ]);
    for (flow, last) in [
        (
            flow().set(&["websocket", "close_code"], Some(Int(1006))),
            r#""drop":"fin"}"#,
        ),
        (
            flow().set(&["websocket", "close_code"], Some(Null)),
            r#""close":{}}"#,
        ),
        (
            flow().set(&["websocket", "closed_by_client"], Some(Bool(true))),
            r#""close":{"code":1001}}"#,
        ),
        (
            flow().set(&["websocket", "timestamp_end"], Some(Null)),
            r#""text":"hi"}"#,
        ),
        (
            flow().set(&["response"], Some(Null)),
            r#""close":{"code":1001,"reason":"bye"}}"#,
        ),
        (
            asked
                .clone()
                .set(&["response", "status_code"], Some(Int(502))),
            r#""refuse":{"status":502}}"#,
        ),
        (
            asked
                .clone()
                .set(&["response", "status_code"], Some(Int(429)))
                .set(&["response", "content"], Some(Bytes(b"{\"code\":7}"))),
            r#""refuse":{"status":429,"body":{"code":7}}}"#,
        ),
        (
            asked.clone().set(&["response"], Some(Null)),
            r#"{"at_ms":0,"conn":1,"drop":"reset"}"#,
        ),
        (
            asked
                .set(&["response"], Some(Null))
                .set(&["error"], Some(error)),
            r#"{"at_ms":3500,"conn":1,"mark":"mitmproxy: connection refused"}"#,
        ),
    ] {
        let tape = tape(&flow);
        assert!(
            steps(&tape).last().unwrap().ends_with(last),
            "{last}: {tape}"
        );
    }
}

#[test]
fn what_is_no_flow_is_named_by_its_place() {
    let with = |path: &[&'static str], value| flow().set(path, Some(value));
    let messages = |value| with(&["websocket", "messages"], List(vec![value]));
    for (flow, sentence) in [
        (
            Int(7),
            "in: flow 1, at byte 2: expected a dict, found an integer",
        ),
        (Dict(vec![]), "expected a member \"version\", found none"),
        (
            with(&["type"], Int(7)),
            "in: expected a flow with a WebSocket, found 1 flow without",
        ),
        (with(&["type"], Text("tcp")), "found 1 flow without"),
        (with(&["websocket"], Null), "found 1 flow without"),
        (
            flow().set(&["request"], None),
            "expected a member \"request\", found none",
        ),
        (
            flow().set(&["request", "path"], None),
            "expected a member \"path\", found none",
        ),
        (
            with(&["request"], Int(7)),
            "expected a dict, found an integer",
        ),
        (
            with(&["request", "timestamp_start"], Float("nan")),
            "expected seconds since 1970, found \"nan\"",
        ),
        (
            with(&["request", "headers"], Dict(vec![])),
            "expected a list, found a dict",
        ),
        (
            with(&["request", "headers"], List(vec![List(vec![Bytes(b"a")])])),
            "expected a value, found a value that is longer than the one around it",
        ),
        (
            with(&["websocket", "messages"], Null),
            "expected a list, found null",
        ),
        (
            with(&["websocket", "close_code"], Int(70_000)),
            "expected a close code, found \"70000\"",
        ),
        (
            with(&["websocket", "closed_by_client"], Text("x")),
            "expected a bool, found a text",
        ),
        (messages(Int(1)), "expected a list, found an integer"),
        (
            messages(List(vec![Int(1), Bool(true)])),
            "expected a message of opcode, from_client, content, timestamp, dropped (and injected), found 2 values",
        ),
        (
            messages(message(true, Int(7), "1000.0")),
            "expected bytes or a text, found an integer",
        ),
        (
            messages(message(true, Bytes(b""), "soon")),
            "expected seconds since 1970, found \"soon\"",
        ),
    ] {
        let said = import_bytes(Mitmproxy, &flow.encode()).unwrap_err();
        assert!(said.contains(sentence), "{sentence}: {said}");
    }
    for (bytes, sentence) in [
        (
            &b""[..],
            "in: the file is empty; expected flows as `mitmdump -w FILE` writes them",
        ),
        (
            b"{\"log\":{}}",
            "in: expected flows as `mitmdump -w FILE` writes them, found a HAR; import it with wstape import har",
        ),
        (b"GIF89a", "found something else"),
        (b"3:abc?", "found something else"),
    ] {
        let said = import_bytes(Mitmproxy, bytes).unwrap_err();
        assert!(said.contains(sentence), "{}: {said}", bytes.escape_ascii());
    }
    let two = [flow().encode(), b"junk".to_vec()].concat();
    let said = import_bytes(Mitmproxy, &two).unwrap_err();
    assert!(said.contains("in: flow 2, at byte "), "{said}");
}

#[test]
fn a_file_that_breaks_off_anywhere_gives_no_tape() {
    let whole = fs::read(input("mitmproxy.flows")).unwrap();
    let mut ends = vec![0];
    let mut at = 0;
    while at < whole.len() {
        let colon = whole[at..].iter().position(|byte| *byte == b':').unwrap();
        let length: usize = std::str::from_utf8(&whole[at..at + colon])
            .unwrap()
            .parse()
            .unwrap();
        at += colon + 1 + length + 1;
        ends.push(at);
    }
    // Every byte around the ends of flows, and some of all others.
    let near =
        |cut: &usize| ends.iter().any(|end| end.abs_diff(*cut) < 20) || cut.is_multiple_of(97);
    for cut in (1..whole.len()).filter(near) {
        let result = import_bytes(Mitmproxy, &whole[..cut]);
        if ends.contains(&cut) {
            // The first flow is no WebSocket's.
            assert_eq!(result.is_ok(), cut > ends[1], "{cut}");
            continue;
        }
        let said = result.unwrap_err();
        assert!(
            said.contains("the file is cut off inside the value"),
            "{cut}: {said}"
        );
    }
}
