//! The control port: what it takes, what it answers, whom it lets in.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wstape_mock_engine::{
    Control, ControlError, Engine, EngineBuilder, Entry, JournalKind, MAX_FOLLOWERS, Retention,
};
use wstape_tape::Micros;

use crate::world::{Arm, Client, World, masked, over_tcp, tape};

/// An engine with a control port.
struct Steered {
    world: World,
    control: Control,
}

impl Steered {
    async fn build(builder: EngineBuilder) -> Self {
        let builder = builder.followed(true).judging(true);
        let world = World::build(Arm::Tcp, builder).await;
        world.engine.start();
        let control = world.engine.control(loopback(), None, None).unwrap();
        Self { world, control }
    }

    /// A request and its answer: status and body.
    async fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let addr = self.control.addr();
        let host = format!("Host: {addr}\r\n");
        ask(addr, &host, method, path, body).await
    }

    /// As `ask`, of an answer that is JSON.
    async fn json(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let (status, body) = self.ask(method, path, body).await;
        let value = serde_json::from_str(&body);
        (
            status,
            value.unwrap_or_else(|error| panic!("{path}: {error}: {body:?}")),
        )
    }

    async fn connect(&self) -> Client {
        self.world.connect().await
    }
}

fn loopback() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

/// Sends a request of HTTP/1.0, whose answer ends with the connection, and reads it whole.
pub(crate) async fn ask(
    addr: SocketAddr,
    headers: &str,
    method: &str,
    path: &str,
    body: &str,
) -> (u16, String) {
    let mut stream = tokio::net::TcpStream::connect(addr).await.unwrap();
    let head = format!(
        "{method} {path} HTTP/1.0\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // One that is refused for its length is not read to its end.
    let _ = stream.write_all(body.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    parse(&answer)
}

fn parse(answer: &[u8]) -> (u16, String) {
    let text = String::from_utf8(answer.to_vec()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    (status.unwrap_or(0), body.to_owned())
}

/// What the document says of one path and method.
fn documented(document: &Value, method: &str, path: &str) -> BTreeSet<String> {
    let path = path.split('?').next().unwrap();
    let responses = &document["paths"][path][method.to_lowercase()]["responses"];
    let responses = responses
        .as_object()
        .unwrap_or_else(|| panic!("{method} {path} is not documented"));
    responses.keys().cloned().collect()
}

/// The members that the document wants of an answer, and no others.
fn assert_members(document: &Value, schema: &str, value: &Value) {
    let schema = &document["components"]["schemas"][schema];
    let known: BTreeSet<&String> = schema["properties"].as_object().unwrap().keys().collect();
    let found: BTreeSet<&String> = value.as_object().unwrap().keys().collect();
    assert_eq!(found, known, "{value}");
}

/// That each documented path was asked with each of its methods, and takes no other.
async fn assert_all_are_asked_and_no_others_answer(
    steered: &Steered,
    document: &Value,
    asked: &BTreeSet<(String, String)>,
) {
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            assert!(
                asked.contains(&(path.clone(), method.clone())),
                "{method} {path} is not asked"
            );
        }
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            if methods.get(method.to_lowercase()).is_none() {
                assert_eq!(
                    steered.ask(method, path, "").await.0,
                    405,
                    "{method} {path}"
                );
            }
        }
    }
}

#[test]
fn every_documented_path_answers_as_the_document_says_and_no_other_does() {
    over_tcp(async {
        let steered =
            Steered::build(Engine::builder().layer(tape(&[r#"{"at_ms":0,"mark":"x"}"#]))).await;
        let _client = steered.connect().await;
        let (_, document) = steered.json("GET", "/v1/openapi.json", "").await;
        let long = "x".repeat((1 << 20) + 1);
        let longest = "x".repeat((64 << 20) + 1);
        let posted = "{\"at_ms\":600000,\"mark\":\"late\"}\n".repeat(4_096);
        let table: &[(&str, &str, &str, u16)] = &[
            ("GET", "/", "", 200),
            ("GET", "/v1/openapi.json", "", 200),
            ("GET", "/v1/engine", "", 200),
            ("GET", "/v1/connections", "", 200),
            ("GET", "/v1/connections?from=2", "", 200),
            ("GET", "/v1/connections?from=x", "", 400),
            ("GET", "/v1/connections?form=2", "", 400),
            (
                "POST",
                "/v1/steps",
                r#"{"at_ms":0,"partition":"both"}"#,
                200,
            ),
            ("POST", "/v1/steps", "", 400),
            ("POST", "/v1/steps", r#"{"at_ms":0,"end":true}"#, 400),
            ("POST", "/v1/steps", &long, 413),
            ("GET", "/v1/faults", "", 200),
            ("DELETE", "/v1/faults", "", 204),
            ("GET", "/v1/verdict", "", 200),
            ("GET", "/v1/journal", "", 200),
            ("GET", "/v1/journal?since=1", "", 200),
            ("GET", "/v1/journal?since=one", "", 400),
            ("GET", "/v1/journal?sinse=1", "", 400),
            ("POST", "/v1/wait", r#"{"connections":1}"#, 200),
            (
                "POST",
                "/v1/wait",
                r#"{"connections":9,"timeout_ms":1}"#,
                408,
            ),
            ("POST", "/v1/wait", "{}", 400),
            ("POST", "/v1/wait", r#"{"conections":1}"#, 400),
            (
                "POST",
                "/v1/wait",
                r#"{"connections":1,"timeout_ms":999999999}"#,
                400,
            ),
            ("POST", "/v1/wait", r#"{"received":{"kind":"txt"}}"#, 400),
            ("POST", "/v1/wait", &long, 413),
            (
                "PUT",
                "/v1/tape",
                "{\"tape\":1}\n{\"at_ms\":0,\"mark\":\"other\"}\n",
                200,
            ),
            ("PUT", "/v1/tape", "no tape", 400),
            ("PUT", "/v1/tape", &longest, 413),
            ("POST", "/v1/steps", &posted, 200),
            ("POST", "/v1/steps", &posted, 200),
            ("POST", "/v1/steps", &posted, 200),
            ("POST", "/v1/steps", &posted, 200),
            ("POST", "/v1/steps", &posted, 503),
            ("POST", "/v1/end", "", 200),
        ];
        let mut asked = BTreeSet::new();
        for &(method, path, body, expected) in table {
            let (status, answer) = steered.ask(method, path, body).await;
            assert_eq!(status, expected, "{method} {path}: {answer}");
            let known = documented(&document, method, path);
            assert!(
                known.contains(&status.to_string()),
                "{method} {path} {status} is not documented"
            );
            if status >= 400 {
                let problem: Value = serde_json::from_str(&answer).unwrap();
                assert!(
                    problem["error"]
                        .as_str()
                        .is_some_and(|error| !error.is_empty()),
                    "{answer}"
                );
            }
            asked.insert((
                path.split('?').next().unwrap().to_owned(),
                method.to_lowercase(),
            ));
        }
        assert_all_are_asked_and_no_others_answer(&steered, &document, &asked).await;
        assert_eq!(steered.ask("GET", "/v2/engine", "").await.0, 404);
    });
}

#[test]
fn answers_have_the_members_that_the_document_names_and_no_others() {
    over_tcp(async {
        let lines = [
            r#"{"at_ms":0,"pongs":"withheld"}"#,
            r#"{"at_ms":0,"expect":{"after_ms":1,"received":{"kind":"ping"}}}"#,
        ];
        let steered = Steered::build(Engine::builder().layer(tape(&lines))).await;
        let _client = steered.connect().await;
        let (_, document) = steered.json("GET", "/v1/openapi.json", "").await;
        let unmet = |entries: &[Entry]| {
            entries
                .iter()
                .any(|entry| matches!(entry.kind, JournalKind::Note(_)))
        };
        steered.world.engine.journal().wait_for(unmet).await;
        for (path, schema) in [
            ("/v1/engine", "Engine"),
            ("/v1/connections", "Connections"),
            ("/v1/faults", "Faults"),
            ("/v1/verdict", "Verdict"),
        ] {
            let (_, answer) = steered.json("GET", path, "").await;
            assert_members(&document, schema, &answer);
        }
        let (_, engine) = steered.json("GET", "/v1/engine", "").await;
        assert_eq!(engine["url"], json!(steered.world.engine.url()));
        assert_eq!(
            (&engine["open"], &engine["began"]),
            (&json!(1), &json!(true))
        );
        let (_, connections) = steered.json("GET", "/v1/connections", "").await;
        assert_eq!(connections["live"], json!(1));
        let first = &connections["connections"][0];
        assert_eq!((&first["conn"], &first["path"]), (&json!(1), &json!("/ws")));
        let (_, faults) = steered.json("GET", "/v1/faults", "").await;
        let withheld =
            json!({"of":"tape","conn":null,"state":"pongs withheld","direction":null,"left":null});
        assert_eq!(faults["faults"], json!([withheld]));
        let (_, verdict) = steered.json("GET", "/v1/verdict", "").await;
        assert_eq!(
            (&verdict["unmet"], &verdict["not_met"][0]["line"]),
            (&json!(1), &json!(3))
        );
    });
}

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
        let lines = [r#"{"at_ms":0,"latency_ms":1,"direction":"to_client"}"#];
        let steered = Steered::build(Engine::builder().layer(tape(&lines))).await;
        let _client = steered.connect().await;
        let steps = "{\"at_ms\":0,\"conn\":1,\"partition\":\"both\"}\n{\"at_ms\":0,\"refuse\":{\"status\":503},\"times\":2}\n";
        assert_eq!(steered.ask("POST", "/v1/steps", steps).await.0, 200);
        let states = async || {
            let (_, answer) = steered.json("GET", "/v1/faults", "").await;
            let faults = answer["faults"].as_array().unwrap().clone();
            let state = |fault: &Value| {
                format!(
                    "{} {} {} {}",
                    fault["of"], fault["conn"], fault["state"], fault["left"]
                )
            };
            faults.iter().map(state).collect::<Vec<String>>()
        };
        let latency = r#""tape" null "latency 1 ms" null"#;
        let expected = [
            latency,
            r#""control" null "refuse 503" 2"#,
            r#""control" 1 "partition both" null"#,
        ];
        assert_eq!(states().await, expected);
        assert_eq!(steered.ask("DELETE", "/v1/faults", "").await.0, 204);
        assert_eq!(states().await, [latency]);
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
            // Only once it is looked out for.
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
            (408, "not so within 1 ms: 3 connections, 3 open, 1 messages")
        );
    });
}

/// What a follower reads until `until` stands in it.
async fn follow(addr: SocketAddr, query: &str, until: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(addr).await.unwrap();
    let head = format!("GET /v1/journal?follow{query} HTTP/1.0\r\nHost: {addr}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut text, mut chunk) = (Vec::new(), vec![0; 1 << 16]);
    loop {
        let read = stream.read(&mut chunk).await.unwrap();
        assert!(read > 0, "ended: {}", String::from_utf8_lossy(&text));
        text.extend_from_slice(&chunk[..read]);
        let new = text.len().saturating_sub(read + until.len());
        if String::from_utf8_lossy(&text[new..]).contains(until) {
            return String::from_utf8(text).unwrap();
        }
    }
}

#[test]
fn a_follower_gets_each_line_with_its_number_and_misses_nothing_when_it_comes_back() {
    over_tcp(async {
        let steered = Steered::build(Engine::builder()).await;
        let engine = &steered.world.engine;
        engine.note(None, "one");
        let addr = steered.control.addr();
        let seen = follow(addr, "", "\"one\"").await;
        assert!(seen.contains("text/event-stream"), "{seen}");
        assert!(
            seen.contains("event: header\ndata: {\"journal\":1,"),
            "{seen}"
        );
        assert!(seen.contains("id: 1\ndata: {\"at_ms\":0,"), "{seen}");
        assert!(seen.contains("id: 2\ndata: "), "{seen}");
        engine.note(None, "two");
        engine.note(None, "three");
        let again = follow(addr, "&since=2", "\"three\"").await;
        assert!(
            again.contains("id: 3\n") && again.contains("id: 4\n"),
            "{again}"
        );
        assert!(
            !again.contains("id: 2\n") && !again.contains("header"),
            "{again}"
        );
        let (_, whole) = steered.ask("GET", "/v1/journal", "").await;
        let lines: Vec<&str> = whole.lines().collect();
        assert!(lines[0].starts_with("{\"journal\":1"), "{whole}");
        assert_eq!(lines.len(), 5, "{whole}");
        let (_, rest) = steered.ask("GET", "/v1/journal?since=3", "").await;
        assert!(
            rest.contains("three") && rest.lines().count() == 1,
            "{rest}"
        );
    });
}

#[test]
fn a_reader_that_fell_behind_is_told_how_much_it_missed() {
    over_tcp(async {
        let builder = Engine::builder().retention(Retention::Last(8));
        let steered = Steered::build(builder).await;
        let long = "x".repeat(1 << 20);
        for n in 0..40 {
            steered.world.engine.note(None, format!("{n} {long}"));
        }
        steered.world.engine.note(None, "the last");
        let seen = follow(steered.control.addr(), "&since=1", "\"the last\"").await;
        let missed = seen.split("event: missed\ndata: ").nth(1).unwrap();
        let missed: Value = serde_json::from_str(missed.lines().next().unwrap()).unwrap();
        let ids = seen.lines().filter(|line| line.starts_with("id: ")).count() as u64;
        let had_and_missed = 1 + missed["entries"].as_u64().unwrap() + ids;
        assert_eq!(
            had_and_missed, 42,
            "began, 40 notes and the last: none is unaccounted for"
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
        let verdict = steered.world.engine.next_verdict().await;
        assert_eq!(verdict.line, 1);
        let (status, answer) = steered.json("POST", "/v1/end", "").await;
        assert_eq!((status, &answer["unmet"]), (200, &json!(1)));
        steered.control.ended().await;
        assert_eq!(steered.world.engine.unmet(), 1);
    });
}

#[test]
fn a_follower_that_does_not_read_holds_up_nobody_and_is_told_what_it_missed() {
    over_tcp(async {
        let steered = Steered::build(Engine::builder().retention(Retention::Last(8))).await;
        let addr = steered.control.addr();
        let mut slow = tokio::net::TcpStream::connect(addr).await.unwrap();
        let head = format!("GET /v1/journal?follow HTTP/1.0\r\nHost: {addr}\r\n\r\n");
        slow.write_all(head.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        slow.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.0 200");
        let long = "x".repeat(1 << 20);
        for n in 0..60 {
            steered.world.engine.note(None, format!("{n} {long}"));
            assert_eq!(steered.ask("GET", "/v1/engine", "").await.0, 200);
        }
        steered.world.engine.note(None, "the last");
        let (mut text, mut chunk) = (Vec::new(), vec![0; 1 << 16]);
        while !text.ends_with(b"\"the last\"}\n\n") {
            let read = slow.read(&mut chunk).await.unwrap();
            assert!(read > 0, "it ended");
            text.extend_from_slice(&chunk[..read]);
        }
        let text = String::from_utf8(text).unwrap();
        let ids = text.lines().filter(|line| line.starts_with("id: ")).count() as u64;
        let missed = text.split("event: missed\ndata: ").skip(1).map(|event| {
            let missed: Value = serde_json::from_str(event.lines().next().unwrap()).unwrap();
            missed["entries"].as_u64().unwrap()
        });
        let missed: u64 = missed.sum();
        assert!(missed > 0, "it had all {ids} of them");
        assert_eq!(ids + missed, 62, "began, 60 notes and the last");
    });
}

#[test]
fn no_other_sites_page_and_nobody_without_the_token_gets_in() {
    over_tcp(async {
        let steered = Steered::build(Engine::builder()).await;
        let addr = steered.control.addr();
        let drop = r#"{"at_ms":0,"drop":"reset"}"#;
        let evil = format!("Host: {addr}\r\nOrigin: http://evil.example\r\n");
        let rebound = "Host: evil.example\r\n";
        for headers in [&*evil, rebound] {
            let (status, answer) = ask(addr, headers, "POST", "/v1/steps", drop).await;
            assert_eq!(status, 403, "{answer}");
        }
        let engine = &steered.world.engine;
        let all = SocketAddr::from(([0, 0, 0, 0], 0));
        let open = engine.control(all, None, None);
        assert!(matches!(open, Err(ControlError::NeedsToken(_))), "{open:?}");
        let guarded = engine.control(all, Some("t0k".to_owned()), None).unwrap();
        let addr = SocketAddr::from(([127, 0, 0, 1], guarded.addr().port()));
        let host = "Host: engine.example\r\n";
        for (token, expected) in [
            ("", 401),
            ("Authorization: Bearer t0l\r\n", 401),
            ("Authorization: Bearer t0k\r\n", 200),
        ] {
            let headers = format!("{host}{token}");
            assert_eq!(
                ask(addr, &headers, "GET", "/v1/engine", "").await.0,
                expected
            );
        }
        let sent = engine.journal().entries();
        assert!(
            !sent
                .iter()
                .any(|entry| matches!(entry.kind, JournalKind::Dropped(_)))
        );
    });
}

#[test]
fn the_page_is_had_without_the_token_and_its_headers_let_it_do_no_more_than_it_must() {
    over_tcp(async {
        let steered = Steered::build(Engine::builder()).await;
        let engine = &steered.world.engine;
        let guarded = engine
            .control(loopback(), Some("t0k".to_owned()), None)
            .unwrap();
        let addr = guarded.addr();
        let mut stream = tokio::net::TcpStream::connect(addr).await.unwrap();
        let head = format!("GET / HTTP/1.0\r\nHost: {addr}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, page) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.0 200"), "{head}");
        for says in [
            "content-type: text/html; charset=utf-8",
            "content-security-policy: default-src 'none'; script-src 'sha256-",
            "; style-src 'sha256-",
            "; connect-src 'self'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; frame-ancestors 'none'",
            "x-frame-options: DENY",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "cache-control: no-store",
        ] {
            assert!(head.contains(says), "{says:?} in {head}");
        }
        assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
        assert!(
            !page.contains("t0k") && !page.contains(&engine.url()),
            "nothing of the run"
        );
        for (headers, expected) in [
            (
                format!("Host: {addr}\r\nOrigin: http://evil.example\r\n"),
                403,
            ),
            (String::new(), 400),
        ] {
            assert_eq!(ask(addr, &headers, "GET", "/", "").await.0, expected);
        }
        let rebound = ask(
            steered.control.addr(),
            "Host: evil.example\r\n",
            "GET",
            "/",
            "",
        )
        .await;
        assert_eq!(
            rebound.0, 403,
            "without a token the name must be this machine's"
        );
    });
}

#[test]
fn a_body_without_end_and_a_thousand_followers_are_bounded_and_the_engine_goes_on() {
    over_tcp(async {
        let steered = Steered::build(Engine::builder()).await;
        let addr = steered.control.addr();
        let mut endless = tokio::net::TcpStream::connect(addr).await.unwrap();
        let head = format!(
            "POST /v1/steps HTTP/1.1\r\nHost: {addr}\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        endless.write_all(head.as_bytes()).await.unwrap();
        let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
        let (mut read, mut write) = endless.split();
        let mut answer = Vec::new();
        tokio::select! {
            _ = read.read_to_end(&mut answer) => {}
            () = async { while write.write_all(chunk.as_bytes()).await.is_ok() {} } => {}
        }
        let _ = read.read_to_end(&mut answer).await;
        if !answer.is_empty() {
            // A reset may overtake the answer where the body still comes.
            assert_eq!(parse(&answer).0, 413);
        }
        let mut followers = Vec::new();
        let mut statuses = Vec::new();
        for _ in 0..1_000 {
            let Ok(mut stream) = tokio::net::TcpStream::connect(addr).await else {
                continue;
            };
            let head = format!("GET /v1/journal?follow HTTP/1.0\r\nHost: {addr}\r\n\r\n");
            if stream.write_all(head.as_bytes()).await.is_err() {
                continue;
            }
            let mut first = [0; 12];
            if stream.read_exact(&mut first).await.is_ok() {
                statuses.push(String::from_utf8(first[9..].to_vec()).unwrap());
            }
            followers.push(stream);
        }
        let served = statuses.iter().filter(|status| *status == "200").count();
        assert_eq!(served, MAX_FOLLOWERS);
        assert!(
            statuses
                .iter()
                .all(|status| status == "200" || status == "503")
        );
        drop(followers);
        let mut client = steered.connect().await;
        let (status, _) = steered
            .ask("POST", "/v1/steps", r#"{"at_ms":0,"text":"on"}"#)
            .await;
        assert_eq!(status, 200);
        assert_eq!(client.exactly(4).await, b"\x81\x02on");
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
