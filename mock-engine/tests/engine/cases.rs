//! What people wanted of a tape but did not get, or did not find: refusals that say why, answers
//! that depend on what the client said, data only after somebody asked.

use wstape_tape::Tape;

use crate::world::{Arm, World, in_memory, masked, upgrade_request};

const TEXT: u8 = 1;
const PING: u8 = 9;

#[test]
fn a_refusals_json_body_arrives_whole_behind_its_headers() {
    let body = r#"{"code":-1003,"msg":"Too many requests","retryAfter":1767225780000}"#;
    let refuse = format!(
        r#"{{"at_ms":0,"refuse":{{"status":429,"headers":{{"content-type":"application/json"}},"body":{body}}}}}"#
    );
    in_memory(async {
        let world = World::playing(Arm::Virtual, &[&[&refuse]]).await;
        let mut client = world.dial().await.unwrap();
        client.send(&upgrade_request("")).await;
        let head = client.head().await.unwrap();
        assert!(head.starts_with("HTTP/1.1 429 "), "{head}");
        assert!(
            head.contains("content-type: application/json\r\n"),
            "{head}"
        );
        assert_eq!(client.exactly(body.len()).await, body.as_bytes());
    });
}

#[test]
fn a_text_ping_is_answered_by_a_text_pong_and_nothing_else_is() {
    let lines: &[&str] = &[
        r#"{"on_message":{"json":{"method":"ping"}},"json":{"channel":"pong"}}"#,
        r#"{"at_ms":10,"drop":"fin"}"#,
    ];
    let seen = in_memory(async {
        let world = World::playing(Arm::Virtual, &[lines]).await;
        let mut client = world.connect().await;
        let said = [
            masked(TEXT, br#"{"method":"pong"}"#),
            masked(TEXT, br#"{"method": "ping"}"#),
        ];
        client.send(&said.concat()).await;
        client.reads().await
    });
    assert_eq!(
        seen,
        [
            "0.000000 \\x81\\x12{\\\"channel\\\":\\\"pong\\\"}",
            "0.010000 eof"
        ]
    );
}

#[test]
fn an_answer_by_content_is_sent_where_it_stands_at_what_is_received_in_a_tape_without_needs() {
    let tape = "{\"tape\":1,\"title\":\"Hyperliquid: a text ping is answered by a text pong\"}\n\
                {\"on_connect\":\"each\",\"after_received\":{\"text\":\"{\\\"method\\\":\\\"ping\\\"}\"},\
                \"text\":\"{\\\"channel\\\":\\\"pong\\\"}\"}\n{\"at_ms\":10,\"drop\":\"fin\"}\n";
    let read = Tape::parse("t", tape).unwrap();
    let lines: Vec<String> = read.steps.iter().map(wstape_tape::Step::to_line).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let seen = in_memory(async {
        let builder = wstape_mock_engine::Engine::builder().layer(read);
        let world = World::build(Arm::Virtual, builder).await;
        world.engine.start();
        let mut client = world.connect().await;
        let said = [
            masked(TEXT, br#"{"method":"pong"}"#),
            masked(TEXT, br#"{"method":"ping"}"#),
        ];
        client.send(&said.concat()).await;
        client.reads().await
    });
    let expected = [
        "0.000000 \\x81\\x12{\\\"channel\\\":\\\"pong\\\"}",
        "0.010000 eof",
    ];
    assert_eq!(seen, expected);
    assert_eq!(
        lines,
        tape.lines().skip(1).collect::<Vec<_>>(),
        "written as it was read"
    );
}

#[test]
fn data_comes_once_a_client_has_said_something_and_not_for_its_pings() {
    let heartbeat = r#""emit":{"event":"heartbeat"}"#;
    let counted = format!(r#"{{"on_connect":"each","after_received":1,{heartbeat}}}"#);
    let asked = format!(r#"{{"on_message":{{"nth":1}},{heartbeat}}}"#);
    let (counted, asked) = (counted.as_str(), asked.as_str());
    // What comes before the subscription, and behind it: a Ping counts as a frame, and is no message.
    for (step, pinged, subscribed) in [(counted, 23 + 2, 0), (asked, 2, 23)] {
        in_memory(async {
            let world = World::playing(Arm::Virtual, &[&[step]]).await;
            let mut client = world.connect().await;
            client.send(&masked(PING, b"")).await;
            let first = client.exactly(pinged).await;
            assert!(
                first.ends_with(b"\x8a\0"),
                "{step}: {}",
                first.escape_ascii()
            );
            client.send(&masked(TEXT, br#"{"op":"subscribe"}"#)).await;
            let rest = client.exactly(subscribed).await;
            assert_eq!(
                rest.starts_with(b"\x81\x15{\"event\""),
                subscribed > 0,
                "{step}"
            );
        });
    }
}
