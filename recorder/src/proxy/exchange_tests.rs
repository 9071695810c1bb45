//! Tests which steps requests and answers make, whatever pieces their bytes come in.

use bytes::Bytes;
use wstape_tape::{End, Micros, Step};

use super::exchange::{Exchange, Upgraded};

const ASK: &str = "GET /ws?token=s HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n";

/// The steps for a dialogue, with `>` from the client and `<` from the engine, sent both at once
/// and byte by byte.
fn lines(said: &[(char, &str)], end: Option<End>) -> (Vec<String>, Option<Upgraded>) {
    let play = |size: usize| {
        let mut exchange = Exchange::new(7);
        let (mut out, mut upgraded) = (Vec::new(), None);
        let at = Micros::from_ms(1);
        for (who, text) in said {
            for part in text.as_bytes().chunks(size) {
                if *who == '>' {
                    exchange.client_sent(at, part, &mut out);
                } else if upgraded.is_none() {
                    let part = Bytes::copy_from_slice(part);
                    upgraded = exchange.engine_sent(at, &part, &mut out);
                }
            }
        }
        if let Some(end) = end {
            exchange.engine_ended(at, end, &mut out);
        }
        (out.iter().map(Step::to_canonical).collect(), upgraded)
    };
    let whole: (Vec<String>, _) = play(usize::MAX);
    let by_bytes = play(1);
    assert_eq!(whole.0, by_bytes.0, "however the bytes come");
    whole
}

#[test]
fn an_upgrade_keeps_what_a_replay_needs() {
    let answer = "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: x\r\nSec-WebSocket-Protocol: v1\r\n\
        Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n\r\nREST";
    let (lines, upgraded) = lines(&[('>', ASK), ('<', answer)], None);
    assert_eq!(
        lines,
        [
            r#"{"at_ms":1,"conn":7,"received":{"kind":"open","path":"/ws?token=s","headers":{"host":"h"}}}"#,
            r#"{"at_ms":1,"conn":7,"accept":{"headers":{"sec-websocket-protocol":"v1"}},"x-extensions":"permessage-deflate; server_no_context_takeover"}"#,
        ]
    );
    let upgraded = upgraded.expect("a 101");
    assert!(
        upgraded
            .agreement
            .is_some_and(|agreed| agreed.engine_forgets)
    );
    assert_eq!(&upgraded.from_engine[..], b"REST");
}

#[test]
fn an_extension_that_nobody_here_reads_stays_in_the_101() {
    let answer = "HTTP/1.1 101 Yes\r\nSec-WebSocket-Extensions: x-other\r\n\r\n";
    let (lines, upgraded) = lines(&[('>', ASK), ('<', answer)], None);
    assert!(lines[1].contains(r#""sec-websocket-extensions":"x-other""#));
    assert!(upgraded.expect("a 101").agreement.is_none());
}

#[test]
fn a_refusal_is_one_and_the_next_request_is_read() {
    let refusal = "HTTP/1.1 503 No\r\nRetry-After: 2\r\nContent-Length: 4\r\n\r\nbusy";
    let said = [('>', ASK), ('<', refusal), ('>', ASK)];
    let (lines, _) = lines(&said, Some(End::Fin));
    assert_eq!(
        lines[1],
        r#"{"at_ms":1,"conn":7,"refuse":{"status":503,"headers":{"retry-after":"2"},"body":"busy"}}"#
    );
    assert!(lines[2].contains(r#""kind":"open""#));
    assert_eq!(lines.len(), 3);
}

#[test]
fn a_refusal_whose_body_breaks_off_has_none_and_one_without_a_length_has_it() {
    let refused = |answer: &str| {
        let (lines, _) = lines(&[('>', ASK), ('<', answer)], Some(End::Fin));
        assert_eq!(lines.len(), 2, "{lines:?}");
        lines[1].clone()
    };
    assert_eq!(
        refused("HTTP/1.1 429 No\r\nContent-Length: 9\r\n\r\nbusy"),
        r#"{"at_ms":1,"conn":7,"refuse":{"status":429}}"#
    );
    assert_eq!(
        refused("HTTP/1.1 401 No\r\n\r\n{\"code\":-2015}"),
        r#"{"at_ms":1,"conn":7,"refuse":{"status":401,"body":{"code":-2015}}}"#
    );
}

#[test]
fn an_answer_with_a_status_that_no_class_has_makes_a_tape_that_can_be_read() {
    let refusal = "HTTP/1.1 666 No\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n";
    let get = "GET /risk HTTP/1.1\r\nHost: h\r\n\r\n";
    let said = [('>', ASK), ('<', refusal), ('>', get), ('<', refusal)];
    let (lines, _) = lines(&said, Some(End::Fin));
    let head = r#""garbage":"HTTP/1.1 666 \r\nretry-after: 2\r\n\r\n""#;
    assert_eq!(lines[1], format!(r#"{{"at_ms":1,"conn":7,{head}}}"#));
    assert!(
        lines[2].contains(r#""kind":"open""#),
        "the answer to a GET is none"
    );
    assert_eq!(lines.len(), 3);
    for line in &lines {
        Step::parse("recorded", 2, line).expect("a step");
    }
}

#[test]
fn a_plain_get_is_what_its_path_answers() {
    let get = "GET /risk?x=1 HTTP/1.1\r\nHost: h\r\n\r\n";
    let by_length = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{\"a\":1 }";
    let in_chunks =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{\"a\":1 }\r\n0\r\n\r\n";
    let to_the_end = "HTTP/1.1 200 OK\r\n\r\n{\"a\":1 }";
    let said = [
        ('>', get),
        ('<', by_length),
        ('>', get),
        ('<', in_chunks),
        ('>', get),
    ];
    let (lines, _) = lines(&[&said[..], &[('<', to_the_end)]].concat(), Some(End::Fin));
    let answers: Vec<_> = lines.iter().filter(|line| line.contains("http")).collect();
    assert_eq!(
        answers,
        [r#"{"at_ms":1,"http":{"path":"/risk","body":{"a":1 }}}"#; 3]
    );
}

#[test]
fn an_answer_that_is_no_http_is_garbage_and_so_is_a_torn_one() {
    let (found, _) = lines(&[('>', ASK), ('<', "S")], Some(End::Reset));
    assert_eq!(found[1], r#"{"at_ms":1,"conn":7,"garbage":"S"}"#);
    let torn = "HTTP/1.1 101 Yes\r\nSet-Cookie: s3cret\r\nX: ";
    let (found, _) = lines(&[('>', ASK), ('<', torn)], Some(End::Reset));
    assert_eq!(
        found[1],
        r#"{"at_ms":1,"conn":7,"garbage":{"text":"HTTP/1.1 101 Yes\r\nX: ","then":"reset"}}"#
    );
}

#[test]
fn what_the_client_sent_and_nobody_can_read_is_counted_and_not_kept() {
    let mut exchange = Exchange::new(1);
    let mut out = Vec::new();
    exchange.client_sent(Micros::ZERO, b"GET / HTTP/1.1\r\nAuthoriz", &mut out);
    exchange.client_ended(Micros::ZERO, &mut out);
    assert_eq!(
        out[0].to_canonical(),
        r#"{"at_ms":0,"conn":1,"received":{"kind":"bytes"},"x-bytes":24}"#
    );
}
