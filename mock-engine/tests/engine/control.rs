//! The control port: what it takes and what it answers.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};
use wstape_mock_engine::{Engine, JournalKind};
use wstape_tape::Micros;

use crate::steered::{Steered, parse};
use crate::world::{masked, over_tcp, tape};

#[test]
fn steps_are_played_now_all_of_them_or_none() {
    over_tcp(async {
        let steered = Steered::build(Engine::builder()).await;
        let mut client = steered.connect().await;
        let wrong = "{\"at_ms\":0,\"drop\":\"reset\"}\n{\"at_ms\":0,\"dorp\":\"reset\"}\n";
        let (status, problem) = steered.json("POST", "/v1/steps", wrong).await;
        assert_eq!(
            (status, &problem["line"], &problem["column"]),
            (400, &json!(2), &json!(12))
        );
        let error = problem["error"].as_str().unwrap();
        assert!(
            error.starts_with("request:2:12: unknown key \"dorp\""),
            "{error}"
        );
        assert!(
            problem["report"].as_str().unwrap().contains("^^^^"),
            "{problem}"
        );
        let right = "{\"at_ms\":0,\"text\":\"a\"}\n{\"at_ms\":30,\"text\":\"b\"}\n{\"at_ms\":60,\"drop\":\"reset\"}";
        let (status, answer) = steered.json("POST", "/v1/steps", right).await;
        assert_eq!((status, answer), (200, json!({"steps":3})));
        let (bytes, end) = client.all().await;
        assert_eq!((&bytes[..], &*end), (&b"\x81\x01a\x81\x01b"[..], "reset"));
        let entries = steered.world.engine.journal().entries();
        let sent: Vec<Micros> = entries
            .iter()
            .filter(|entry| matches!(entry.kind, JournalKind::Sent { .. }))
            .map(|entry| entry.at)
            .collect();
        assert!(
            sent[1].0 - sent[0].0 >= 29_000,
            "{sent:?}: 30 ms after the request"
        );
    });
}

#[test]
fn faults_that_were_posted_are_listed_and_cleared_and_a_tapes_stay() {
    over_tcp(async {
        let lines = [
            r#"{"at_ms":0,"latency_ms":1,"direction":"to_client"}"#,
            r#"{"at_ms":0,"path":"/b*","pongs":"withheld"}"#,
        ];
        let steered = Steered::build(Engine::builder().layer(tape(&lines))).await;
        let _client = steered.connect().await;
        let steps = "{\"at_ms\":0,\"conn\":1,\"partition\":\"both\"}\n{\"at_ms\":0,\"refuse\":{\"status\":503},\"times\":2}\n";
        assert_eq!(steered.ask("POST", "/v1/steps", steps).await.0, 200);
        let states = async || {
            let (_, answer) = steered.json("GET", "/v1/faults", "").await;
            let faults = answer["faults"].as_array().unwrap().clone();
            let state = |fault: &Value| {
                format!(
                    "{} {} {} {} {}",
                    fault["of"], fault["path"], fault["conn"], fault["state"], fault["left"]
                )
            };
            faults.iter().map(state).collect::<Vec<String>>()
        };
        let of_tape = [
            r#""tape" null null "latency 1 ms" null"#,
            r#""tape" "/b*" null "pongs withheld" null"#,
        ];
        let posted = [
            r#""control" null null "refuse 503" 2"#,
            r#""control" null 1 "partition both" null"#,
        ];
        assert_eq!(states().await, [of_tape, posted].concat());
        assert_eq!(steered.ask("DELETE", "/v1/faults", "").await.0, 204);
        assert_eq!(states().await, of_tape);
    });
}

#[test]
fn a_wait_is_answered_once_it_is_so_and_what_came_before_counts() {
    over_tcp(async {
        let steered = Steered::build(Engine::builder()).await;
        let wait = steered.json("POST", "/v1/wait", r#"{"open":2,"messages":1}"#);
        let act = async {
            let mut first = steered.connect().await;
            first.send(&masked(1, b"sub")).await;
            let second = steered.connect().await;
            (first, second)
        };
        let ((status, answer), _clients) = tokio::join!(wait, act);
        assert_eq!(
            (status, &answer["open"], &answer["messages"]),
            (200, &json!(2), &json!(1))
        );
        let came = r#"{"received":{"kind":"text","text":"sub"}}"#;
        assert_eq!(steered.ask("POST", "/v1/wait", came).await.0, 200);
        let comes = steered.ask("POST", "/v1/wait", r#"{"received":{"kind":"ping"}}"#);
        let act = async {
            let mut third = steered.connect().await;
            // Only once somebody waits for it.
            while steered.json("GET", "/v1/engine", "").await.1["waiting"] == json!(0) {}
            third.send(&masked(9, b"")).await;
            third
        };
        let ((status, _), _third) = tokio::join!(comes, act);
        assert_eq!(status, 200);
        let not_so = r#"{"connections":9,"timeout_ms":1}"#;
        let (status, problem) = steered.json("POST", "/v1/wait", not_so).await;
        let error = problem["error"].as_str().unwrap();
        assert_eq!(
            (status, error),
            (
                408,
                "not reached within 1 ms: 3 connections, 3 open, 1 messages"
            )
        );
    });
}

#[test]
fn a_wait_for_what_is_no_object_is_refused_with_an_example() {
    over_tcp(async {
        let steered = Steered::build(Engine::builder()).await;
        let (status, answer) = steered.json("POST", "/v1/wait", "null").await;
        let error = answer["error"].as_str().unwrap();
        assert_eq!(status, 400, "{error}");
        assert!(
            error.contains(r#"an object, such as {"connections":1}"#),
            "{error}"
        );
    });
}

#[test]
fn another_tape_plays_from_its_beginning_to_those_who_are_connected() {
    over_tcp(async {
        let lines = [
            r#"{"on_connect":"each","after_received":1,"text":"old"}"#,
            r#"{"at_ms":0,"pongs":"withheld"}"#,
            r#"{"at_ms":600000,"text":"never"}"#,
        ];
        let steered = Steered::build(Engine::builder().layer(tape(&lines))).await;
        let mut client = steered.connect().await;
        let other = "{\"tape\":1,\"title\":\"other\"}\n{\"on_connect\":\"each\",\"after_frames\":0,\"text\":\"hi\"}\n{\"at_ms\":0,\"text\":\"new\"}\n{\"at_ms\":20,\"end\":true}\n";
        let (status, answer) = steered.json("PUT", "/v1/tape", other).await;
        assert_eq!((status, answer), (200, json!({"steps":3})));
        assert_eq!(client.exactly(5).await, b"\x81\x03new");
        client.send(&masked(9, b"p")).await;
        assert_eq!(
            client.exactly(3).await,
            b"\x8a\x01p",
            "Pongs are withheld no more"
        );
        let end = steered.world.engine.finished().await.unwrap();
        assert_eq!(end.last_step_at, Micros::from_ms(20));
        let mut next = steered.connect().await;
        assert_eq!(next.exactly(4).await, b"\x81\x02hi");
        let (_, engine) = steered.json("GET", "/v1/engine", "").await;
        assert_eq!(
            (&engine["tapes"], &engine["over"]),
            (&json!(["other"]), &json!(true))
        );
    });
}

#[test]
fn whoever_may_end_the_run_gets_the_verdict_with_it() {
    over_tcp(async {
        let steered = Steered::build(Engine::builder()).await;
        let expect = r#"{"at_ms":0,"expect":{"after_ms":1,"received":{"kind":"ping"}}}"#;
        assert_eq!(steered.ask("POST", "/v1/steps", expect).await.0, 200);
        let verdict = steered.world.engine.next_verdict().await.unwrap();
        assert_eq!(verdict.line, 1);
        let (status, answer) = steered.json("POST", "/v1/end", "").await;
        assert_eq!((status, &answer["unmet"]), (200, &json!(1)));
        steered.control.ended().await;
        assert_eq!(steered.world.engine.unmet(), 1);
    });
}

#[test]
fn it_answers_while_the_engines_own_thread_is_busy() {
    over_tcp(async {
        let steered = Steered::build(Engine::builder()).await;
        let addr = steered.control.addr();
        // This thread is the engine's: while it waits here, the engine does nothing.
        let mut stream = TcpStream::connect(addr).unwrap();
        let head = format!("GET /v1/engine HTTP/1.0\r\nHost: {addr}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert_eq!(parse(&answer).0, 200);
    });
}

#[test]
fn posted_triggers_hold_for_connections_that_are_open() {
    over_tcp(async {
        let steered = Steered::build(Engine::builder()).await;
        let mut client = steered.connect().await;
        let steps = [
            r#"{"on_message":{"json":{"op":"sub"}},"start":"feed"}"#,
            r#"{"scene":"feed","text":"first ${/op}"}"#,
            r#"{"on_silence_ms":1,"text":"still there?"}"#,
        ];
        let (status, body) = steered.ask("POST", "/v1/steps", &steps.join("\n")).await;
        assert_eq!(status, 200, "{body}");
        assert_eq!(client.exactly(14).await, b"\x81\x0cstill there?");
        client.send(&masked(1, br#"{"op":"sub"}"#)).await;
        assert_eq!(client.exactly(11).await, b"\x81\x09first sub");
    });
}

#[test]
fn posted_steps_hold_references_but_under_a_header_that_does_not_need_them() {
    over_tcp(async {
        let steered = Steered::build(Engine::builder()).await;
        let mut client = steered.connect().await;
        let step = r#"{"at_ms":0,"text":"on ${conn}"}"#;
        assert_eq!(steered.ask("POST", "/v1/steps", step).await.0, 200);
        assert_eq!(client.exactly(6).await, b"\x81\x04on 1");
        let plain = format!("{{\"tape\":1}}\n{step}\n");
        assert_eq!(steered.ask("POST", "/v1/steps", &plain).await.0, 200);
        assert_eq!(client.exactly(12).await, b"\x81\x0aon ${conn}");
        let needs = format!("{{\"tape\":1,\"needs\":[\"dialogue\"]}}\n{step}\n");
        assert_eq!(steered.ask("POST", "/v1/steps", &needs).await.0, 200);
        assert_eq!(client.exactly(6).await, b"\x81\x04on 1");
        let nowhere = r#"{"at_ms":0,"text":"${/id}"}"#;
        let (status, error) = steered.json("POST", "/v1/steps", nowhere).await;
        assert_eq!((status, &error["column"]), (400, &json!(20)), "{error}");
        steered.world.engine.text("${conn}");
        assert_eq!(client.exactly(9).await, b"\x81\x07${conn}");
    });
}

#[test]
fn a_wait_looks_for_a_message_by_what_is_in_it() {
    over_tcp(async {
        let steered = Steered::build(Engine::builder()).await;
        let mut client = steered.connect().await;
        let asked = r#"{"received":{"json":{"op":"sub"}},"timeout_ms":1}"#;
        client.send(&masked(1, br#"{"op":"unsub"}"#)).await;
        assert_eq!(
            steered.ask("POST", "/v1/wait", r#"{"messages":1}"#).await.0,
            200
        );
        assert_eq!(steered.ask("POST", "/v1/wait", asked).await.0, 408);
        client.send(&masked(1, br#"{"op":"sub","id":1}"#)).await;
        let patient = asked.replace(",\"timeout_ms\":1", "");
        for _ in 0..2 {
            assert_eq!(steered.ask("POST", "/v1/wait", &patient).await.0, 200);
        }
        let path = r#"{"received":{"kind":"text","jsonpath":"$[?@ == 1]"}}"#;
        assert_eq!(steered.ask("POST", "/v1/wait", path).await.0, 200);
        let nth = r#"{"received":{"contains":"x","nth":1}}"#;
        assert_eq!(steered.ask("POST", "/v1/wait", nth).await.0, 400);
    });
}
