//! Clients that follow the journal over the control port, and how much of a bad one is tolerated.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use wstape_mock_engine::{Engine, MAX_FOLLOWERS, Retention};

use crate::steered::{Steered, parse};
use crate::world::over_tcp;

/// What a follower reads until it contains `until`.
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
