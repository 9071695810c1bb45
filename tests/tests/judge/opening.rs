//! The judge's reading of the opening handshake.

use std::time::Duration;

use chrono::DateTime;
use wstape_oracle::wire::{Answer, Opening, retry_after};

/// The request and the accept key of RFC 6455, 1.3.
const REQUEST: &str = "GET /ws?a=b HTTP/1.1\r\nHost: engine\r\nAuthorization: Bearer t\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const ACCEPT: &str = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
const SWITCH: &str =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n";

/// Reads an answer as a whole and cut at every byte; what follows it must be returned.
fn answer_to(request: &str, answer: &[u8], after: &[u8]) -> Option<Answer> {
    let bytes = [answer, after].concat();
    let mut answers = Vec::new();
    for at in 0..=bytes.len() {
        let mut opening = Opening::new();
        assert_eq!(opening.push_client(request.as_bytes()), b"");
        let mut rest = opening.push_server(&bytes[..at]).to_vec();
        rest.extend(opening.push_server(&bytes[at..]));
        if matches!(opening.answer(), Some(Answer::Upgraded { .. })) {
            assert_eq!(rest, after, "cut at {at}");
        }
        answers.push(opening.answer().cloned());
    }
    assert!(
        answers
            .iter()
            .all(|answer| answer.is_some() == answers[0].is_some())
    );
    answers.pop().expect("at least one")
}

#[test]
fn a_request_is_read_wherever_it_is_cut() {
    for at in 0..=REQUEST.len() {
        let mut opening = Opening::new();
        assert_eq!(opening.push_client(&REQUEST.as_bytes()[..at]), b"");
        let rest = [&REQUEST.as_bytes()[at..], b"\x88\x80"].concat();
        assert_eq!(opening.push_client(&rest), b"\x88\x80");
        let request = opening.request().expect("it is whole");
        assert_eq!((&*request.method, &*request.target), ("GET", "/ws?a=b"));
        let field = ("authorization".to_owned(), "Bearer t".to_owned());
        assert!(request.fields.contains(&field));
        assert_eq!(request.end, REQUEST.len() as u64);
    }
}

#[test]
fn a_101_as_it_must_be_upgrades_and_frames_may_follow_at_once() {
    let head = format!("{SWITCH}{ACCEPT}\r\n");
    let end = head.len() as u64;
    let answer = answer_to(REQUEST, head.as_bytes(), b"\x81\x00");
    assert_eq!(answer, Some(Answer::Upgraded { end }));
    let interim = format!("HTTP/1.1 103 Early Hints\r\n\r\n{head}");
    let end = interim.len() as u64;
    let answer = answer_to(REQUEST, interim.as_bytes(), b"\n");
    assert_eq!(answer, Some(Answer::Upgraded { end }));
}

#[test]
fn a_101_that_a_client_must_not_take_fails() {
    for (head, expected) in [
        (
            format!("HTTP/1.1 101 S\r\nConnection: Upgrade\r\n{ACCEPT}\r\n"),
            "upgrade to",
        ),
        (
            format!("HTTP/1.1 101 S\r\nUpgrade: websocket\r\n{ACCEPT}\r\n"),
            "Connection",
        ),
        (format!("{SWITCH}\r\n"), "Accept"),
        (format!("{SWITCH}Sec-WebSocket-Accept: x\r\n\r\n"), "Accept"),
        (
            format!("{SWITCH}{ACCEPT}Sec-WebSocket-Extensions: x\r\n\r\n"),
            "extension",
        ),
        (
            format!("{SWITCH}{ACCEPT}Sec-WebSocket-Protocol: x\r\n\r\n"),
            "subprotocol",
        ),
    ] {
        let answer = answer_to(REQUEST, head.as_bytes(), b"");
        let Some(Answer::Failed {
            what,
            end,
            whole: true,
        }) = answer
        else {
            panic!("{head}: {answer:?}");
        };
        assert!(what.contains(expected), "{head}: {what}");
        assert_eq!(end, head.len() as u64);
    }
}

#[test]
fn any_other_status_is_a_refusal_with_what_it_asks_for() {
    for (head, status, asked) in [
        (
            "HTTP/1.1 503 Busy\r\nRETRY-AFTER:  7 \r\n\r\n",
            503,
            Some("7"),
        ),
        ("HTTP/1.0 200\r\n\r\n", 200, None),
        ("HTTP/1.1 302 Found\nLocation: /x\n\n", 302, None),
    ] {
        let answer = answer_to(REQUEST, head.as_bytes(), b"body");
        let expected = Answer::Refused {
            status,
            retry_after: asked.map(ToOwned::to_owned),
            end: head.len() as u64,
        };
        assert_eq!(answer, Some(expected));
    }
}

#[test]
fn what_is_not_http_is_no_answer_as_soon_as_that_is_clear() {
    for head in [
        "SSH-2.0",
        "HTTP/2 200\r\n\r\n",
        "HTTP/1.1 20 x\r\n\r\n",
        "HTTP/1.1 200 x\r\nno field\r\n\r\n",
    ] {
        let answer = answer_to(REQUEST, head.as_bytes(), b"");
        assert!(
            matches!(answer, Some(Answer::Failed { .. })),
            "{head}: {answer:?}"
        );
    }
    assert_eq!(
        answer_to(REQUEST, b"HTTP/1.1 101 Switch", b""),
        None,
        "more may come"
    );
    let mut opening = Opening::new();
    opening.push_server(b"HTTP/1.1 200 OK\r\n");
    for _ in 0..70 {
        opening.push_server(&[b'a'; 1024]);
    }
    assert!(
        matches!(opening.answer(), Some(Answer::Failed { .. })),
        "a head without an end"
    );
}

#[test]
fn retry_after_is_read_as_seconds_or_a_date_on_429_and_503_alone() {
    let wall = DateTime::from_timestamp(1_767_225_600, 0).expect("2026-01-01");
    let seconds = |n| Some(Duration::from_secs(n));
    for (status, text, expected) in [
        (503, "7", seconds(7)),
        (429, " 0 ", seconds(0)),
        (503, "99999999999999999999999", seconds(u64::MAX)),
        (503, "Thu, 01 Jan 2026 00:01:30 GMT", seconds(90)),
        (503, "Thursday, 01-Jan-26 00:01:30 GMT", seconds(90)),
        (503, "Thu Jan  1 00:01:30 2026", seconds(90)),
        (503, "Wed, 31 Dec 2025 00:00:00 GMT", seconds(0)),
        (500, "7", None),
        (503, "-7", None),
        (503, "7.5", None),
        (503, "soon", None),
        (503, "", None),
    ] {
        assert_eq!(
            retry_after(status, Some(text), wall),
            expected,
            "{status} {text:?}"
        );
    }
    assert_eq!(retry_after(503, None, wall), None);
}
