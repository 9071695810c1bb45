//! Messages that came in fragments.

use crate::session::{Line, learnt, session};

const SAID: &[Line] = &[
    (
        1,
        '>',
        r#"{"id":7,"method":"subscribe","params":{"channel":"btc"}}"#,
    ),
    (2, '<', r#"{"id":7,"result":["btc"]}"#),
    (
        300,
        '<',
        r#"{"method":"update","params":{"channel":"btc","seq":1}}"#,
    ),
    (
        600,
        '<',
        r#"{"method":"update","params":{"channel":"btc","seq":2}}"#,
    ),
];

/// The session, each of its texts cut in two where `cut` says, with a Ping of the same side between.
fn in_fragments(cut: impl Fn(&str) -> usize) -> String {
    let mut lines = String::new();
    for line in session(&[("/", SAID), ("/", SAID)]).lines() {
        let mut step: serde_json::Value = serde_json::from_str(line).unwrap();
        let of_client = step["received"]["kind"] == "text";
        let text = match &step {
            step if of_client => step["received"]["text"].clone(),
            step => step["text"].clone(),
        };
        let Some(text) = text.as_str() else {
            lines.push_str(line);
            lines.push('\n');
            continue;
        };
        let (first, rest) = text.split_at(cut(text));
        let object = step.as_object_mut().unwrap();
        let parts = if of_client {
            let frame = |text, fin, opcode: u8| serde_json::json!({"kind": "frame", "text": text, "fin": fin, "rsv": 0, "opcode": opcode});
            let ping = serde_json::json!({"kind": "ping", "text": ""});
            ["received"; 3]
                .into_iter()
                .zip([frame(first, false, 1), ping, frame(rest, true, 0)])
        } else {
            object.remove("text");
            let frame = |payload, fin, opcode: u8| serde_json::json!({"fin": fin, "opcode": opcode, "payload": payload});
            ["frame", "pong", "frame"].into_iter().zip([
                frame(first, false, 1),
                "unasked".into(),
                frame(rest, true, 0),
            ])
        };
        for (key, part) in parts {
            let mut object = object.clone();
            object.insert(key.to_owned(), part);
            lines.push_str(&serde_json::Value::Object(object).to_string());
            lines.push('\n');
        }
    }
    lines
}

#[test]
fn what_came_in_fragments_is_learnt_like_what_came_whole() {
    let (whole, _) = learnt(&session(&[("/", SAID), ("/", SAID)]));
    assert!(whole.contains("${/id}"), "{whole}");
    for cut in [|_: &str| 0, |text: &str| text.len() / 2, str::len] {
        let (tape, said) = learnt(&in_fragments(cut));
        assert_eq!(tape, whole);
        assert_eq!(said.unlearnt, [""; 0]);
    }
}

#[test]
fn a_message_that_never_ended_or_was_none_is_named() {
    let odd = [
        r#"{"at_ms":300000,"conn":2,"received":{"kind":"frame","text":"{","fin":false,"rsv":0,"opcode":1}}"#,
        r#"{"at_ms":300000,"conn":2,"frame":{"opcode":0,"payload":"of none"}}"#,
        r#"{"at_ms":300000,"conn":2,"frame":{"opcode":1,"rsv":4,"payload":"reserved"}}"#,
        r#"{"at_ms":300000,"conn":2,"frame":{"fin":false,"opcode":2,"payload":""}}"#,
        r#"{"at_ms":300000,"conn":2,"frame":{"opcode":0,"payload":"bytes"}}"#,
    ];
    let odd = session(&[("/", SAID), ("/", SAID)]) + &odd.join("\n") + "\n";
    let (_, learnt) = learnt(&odd);
    let expected = [
        "binary messages of the engine (1)",
        "unfinished fragments and raw frames of clients (1)",
        "unfinished fragments and raw frames of the engine (2)",
    ];
    assert_eq!(learnt.unlearnt, expected);
}
