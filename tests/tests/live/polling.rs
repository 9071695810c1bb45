//! What `wstape poll` records from an engine that offers only HTTP, in memory and virtual time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use engine_client::{DialError, Dialer, Dialing, Target};
use parking_lot::Mutex;
use wstape::OurSubscriber;
use wstape::{ClientClock, ClientDialer};
use wstape_harness::{MemoryDialer, Scenario};
use wstape_mock_engine::{Clock, Engine, Layer};
use wstape_recorder::{Output, Poll, PollError, RecordError, Redactor, Rules};
use wstape_tape::{Micros, Tape};

use crate::page::{Page, in_memory};
use crate::script::{CHUNKED, MOVED, OK, OLD, Reply, Script, ScriptDialer, dialer};

/// What an engine answers: values that change, one that does not, and one that is not a reading.
const TAPE: &str = r#"{"tape":1,"epoch":"2026-01-01T00:00:00Z"}
{"at_ms":0,"http":{"path":"/v2/status","body":{"ts": "2026-01-01T00:00:00.5Z", "market": {"regime": "TREND_LONG"}}}}
{"at_ms":0,"http":{"path":"/positions","body":{ "positions":[] ,"account_value":5.0e3 }}}
{"at_ms":0,"http":{"path":"/risk","body":{"halted":false,"updated_at":"01"}}}
{"at_ms":0,"http":{"path":"/regime","status":500,"body":"no regime yet"}}
{"at_ms":1500,"http":{"path":"/risk","body":{"halted":false,"updated_at":"02"}}}
{"at_ms":1500,"http":{"path":"/positions","status":503,"headers":{"retry-after":"7","x-trace":"one"},"body":{"error":"busy"}}}
{"at_ms":2500,"http":{"path":"/positions","body":[{"coin":"BTC","direction":"LONG","size_coins":1,"entry_price":2}]}}
{"at_ms":2500,"http":{"path":"/risk","body":{"halted":true,"updated_at":"03"}}}
{"at_ms":2500,"http":{"path":"/regime","body":"{\n\"regime\":\n\"RANGE\"}\n"}}
{"at_ms":3500,"down":true,"for_ms":2000}
{"at_ms":9000,"end":true}
"#;

fn poll(every_ms: u64, clock: &Clock, dialer: Arc<dyn Dialer>) -> Poll {
    let redactor = Redactor::new(Rules::default(), [7; 32]);
    let every = Duration::from_millis(every_ms);
    let url = "http://engine.example:1234/?key=s3cret-0123456789abcdef";
    Poll::new(url, every, Some("t0ken-0123456789abcdef"), redactor)
        .expect("a good url")
        .clock(Arc::new(ClientClock::new(clock.clone())))
        .dialer(dialer)
}

/// Returns the tape that a poll of `ms` virtual milliseconds writes: its header, and its steps, a
/// line each.
async fn polled(poll: Poll, clock: &Clock, ms: u64) -> (String, Vec<String>) {
    let page = Page::default();
    let output = Output::sink("a page", page.clone());
    let until = clock.sleep_until(Micros::from_ms(ms));
    let polled = poll.run(output, until).await.expect("a recording");
    let text = page.text();
    let tape = Tape::parse("polled", &text).unwrap_or_else(|error| panic!("{}", error.report()));
    let heads = tape.steps.iter().filter(|step| step.key() == "http");
    assert_eq!(polled.changes, heads.count() as u64, "{polled}");
    let mut lines = text.lines().map(ToOwned::to_owned);
    let header = lines.next().expect("a header");
    (header, lines.collect())
}

/// Polls an engine that plays `tape`, every second.
async fn polled_from(tape: &str, ignored: &[&str], ms: u64) -> (String, Vec<String>) {
    let tape = Tape::parse("surface", tape).unwrap_or_else(|error| panic!("{}", error.report()));
    let clock = Clock::virtual_at(tape.header.wall_at_zero());
    let (engine, net) = Engine::builder()
        .clock(clock.clone())
        .layer(Layer::from(tape))
        .in_memory()
        .expect("an engine");
    engine.start();
    let poll = poll(
        1_000,
        &clock,
        Arc::new(ClientDialer::new(MemoryDialer::new(net, clock.clone()))),
    );
    let poll = ignored.iter().copied().fold(poll, Poll::ignoring);
    let polled = polled(poll, &clock, ms).await;
    engine.shutdown().await;
    polled
}

#[test]
fn each_new_answer_is_an_http_step_and_an_event_of_its_kind() {
    let (header, lines) = in_memory(polled_from(TAPE, &[], 8_000));
    assert!(
        header.starts_with(concat!(
            r#"{"tape":1,"title":"Polled from http://engine.example:1234","#,
            r#""recorded_at":"2026-01-01T00:00:00Z","source":"http://engine.example:1234","#
        )),
        "{header}"
    );
    let expected = [
        r#"{"at_ms":0,"http":{"path":"/v2/status","body":{"ts": "2026-01-01T00:00:00.5Z", "market": {"regime": "TREND_LONG"}}}}"#,
        r#"{"at_ms":0,"emit":{"event":"v2_status","ts":"2026-01-01T00:00:00.5Z","data":{"ts": "2026-01-01T00:00:00.5Z", "market": {"regime": "TREND_LONG"}}}}"#,
        r#"{"at_ms":0,"http":{"path":"/positions","body":{ "positions":[] ,"account_value":5.0e3 }}}"#,
        r#"{"at_ms":0,"emit":{"event":"positions","ts":"2026-01-01T00:00:00.000000Z","data":{ "positions":[] ,"account_value":5.0e3 }}}"#,
        r#"{"at_ms":0,"http":{"path":"/risk","body":{"halted":false,"updated_at":"01"}}}"#,
        r#"{"at_ms":0,"emit":{"event":"risk","ts":"2026-01-01T00:00:00.000000Z","data":{"halted":false,"updated_at":"01"}}}"#,
        r#"{"at_ms":0,"http":{"path":"/regime","status":500,"body":"no regime yet"}}"#,
        r#"{"at_ms":2000,"http":{"path":"/positions","status":503,"headers":{"retry-after":"7"},"body":{"error":"busy"}}}"#,
        r#"{"at_ms":2000,"http":{"path":"/risk","body":{"halted":false,"updated_at":"02"}}}"#,
        r#"{"at_ms":2000,"emit":{"event":"risk","ts":"2026-01-01T00:00:02.000000Z","data":{"halted":false,"updated_at":"02"}}}"#,
        r#"{"at_ms":3000,"http":{"path":"/positions","body":[{"coin":"BTC","direction":"LONG","size_coins":1,"entry_price":2}]}}"#,
        r#"{"at_ms":3000,"emit":{"event":"positions","ts":"2026-01-01T00:00:03.000000Z","data":[{"coin":"BTC","direction":"LONG","size_coins":1,"entry_price":2}]}}"#,
        r#"{"at_ms":3000,"http":{"path":"/risk","body":{"halted":true,"updated_at":"03"}}}"#,
        r#"{"at_ms":3000,"emit":{"event":"risk","ts":"2026-01-01T00:00:03.000000Z","data":{"halted":true,"updated_at":"03"}}}"#,
        r#"{"at_ms":3000,"http":{"path":"/regime","body":"{\n\"regime\":\n\"RANGE\"}\n"}}"#,
        r#"{"at_ms":3000,"emit":{"event":"regime","ts":"2026-01-01T00:00:03.000000Z","data":{ "regime": "RANGE"}}}"#,
        r#"{"at_ms":4000,"mark":"unreachable: connection refused"}"#,
        r#"{"at_ms":4000,"down":true}"#,
        r#"{"at_ms":6000,"down":false}"#,
        r#"{"at_ms":6000,"mark":"reachable again"}"#,
        r#"{"at_ms":8000,"end":true}"#,
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_change_of_an_ignored_key_alone_is_none() {
    let (_, lines) = in_memory(polled_from(TAPE, &["updated_at"], 3_200));
    let risks: Vec<&String> = lines
        .iter()
        .filter(|line| line.contains(r#""event":"risk""#))
        .collect();
    assert_eq!(risks.len(), 2, "{risks:?}");
    assert!(risks[1].contains(r#""halted":true,"updated_at":"03""#));
}

#[test]
fn a_polled_tape_polls_the_same_and_gives_its_mirror() {
    let (header, lines) = in_memory(polled_from(TAPE, &[], 8_000));
    let text = [&[header], &lines[..]].concat().join("\n") + "\n";
    let surface = |lines: &[String]| {
        let is = |line: &&String| line.contains(r#""http""#) || line.contains(r#""down""#);
        lines.iter().filter(is).cloned().collect::<Vec<_>>()
    };
    // What the tape plays at an instant has happened by the time of a poll at that instant.
    let (_, again) = in_memory(polled_from(&text, &[], 8_000));
    assert_eq!(surface(&again), surface(&lines));

    let tape = Tape::parse("polled", &text).expect("a tape");
    let outcome = Scenario::new(tape).run(&OurSubscriber).expect("it plays");
    let mirror = outcome.mirror.expect("a mirror");
    assert_eq!(mirror["risk"]["value"]["halted"], true);
    assert_eq!(mirror["risk"]["as_of"], "2026-01-01T00:00:03Z");
    assert_eq!(mirror["regime"]["value"]["regime"], "RANGE");
    assert!(mirror["positions"].is_object(), "{mirror}");
    // It was pushed at 0, before anybody could have connected.
    assert!(mirror["status"].is_null());
    let why: Vec<&str> = outcome.reconnects.iter().map(|r| r.why.as_str()).collect();
    assert!(
        why.iter().any(|why| why.contains("refused")),
        "the outage is replayed: {why:?}"
    );
}

/// Polls a scripted server for two rounds or more. Returns what that writes, without the answers
/// and their events, and what the server saw.
fn scripted(replies: &[Reply], ms: u64) -> (Vec<String>, Vec<String>) {
    in_memory(async {
        let clock = Clock::virtual_at(chrono::DateTime::UNIX_EPOCH);
        let script = Script::new(&clock, replies);
        let poll = poll(1_000, &clock, dialer(&script));
        let (_, lines) = polled(poll.timeout(Duration::from_millis(300)), &clock, ms).await;
        let lines = lines
            .into_iter()
            .filter(|line| !line.contains(r#""emit""#) && !line.contains(r#""body":{"count":1}"#))
            .collect();
        let seen = script.seen.lock().clone();
        (lines, seen)
    })
}

#[test]
fn a_path_that_alone_is_not_answered_is_a_mark_and_the_others_are_asked_on() {
    let ok = Reply::Write(OK);
    let (lines, seen) = scripted(&[ok, Reply::Silence, ok, ok, ok, ok], 1_900);
    assert_eq!(
        lines,
        [
            r#"{"at_ms":300,"mark":"GET /positions: not answered: no answer within 300ms"}"#,
            r#"{"at_ms":1000,"mark":"GET /positions: answered again"}"#,
            r#"{"at_ms":1900,"end":true}"#,
        ]
    );
    assert_eq!(
        seen[1],
        "0.000000 #1 /positions?key=s3cret-0123456789abcdef"
    );
    assert_eq!(seen[2], "0.300000 #2 /risk?key=s3cret-0123456789abcdef");
}

#[test]
fn an_engine_that_answers_nothing_is_down_from_the_first_silence_of_that_round() {
    let (ok, silence) = (Reply::Write(OK), Reply::Silence);
    let round = [silence, silence, silence, silence];
    let (lines, seen) = scripted(&[&[ok; 4][..], &round, &[ok; 4]].concat(), 3_900);
    assert_eq!(
        lines,
        [
            r#"{"at_ms":1300,"mark":"unreachable: no answer within 300ms"}"#,
            r#"{"at_ms":1300,"down":true}"#,
            r#"{"at_ms":3000,"down":false}"#,
            r#"{"at_ms":3000,"mark":"reachable again"}"#,
            r#"{"at_ms":3900,"end":true}"#,
        ]
    );
    // A round that takes longer than a second is not cut short; the next is at a whole second.
    assert!(seen[8].starts_with("3.000000 "), "{seen:?}");
}

#[test]
fn an_engine_that_goes_while_it_is_asked_is_down_once() {
    let lines = in_memory(async {
        let clock = Clock::virtual_at(chrono::DateTime::UNIX_EPOCH);
        let dialer = ScriptDialer {
            script: Script::new(&clock, &[Reply::Silence]),
            dials: Mutex::default(),
            most: 1,
        };
        let poll = poll(1_000, &clock, Arc::new(dialer)).timeout(Duration::from_millis(300));
        polled(poll, &clock, 2_500).await.1
    });
    assert_eq!(
        lines,
        [
            r#"{"at_ms":300,"mark":"unreachable: connection refused"}"#,
            r#"{"at_ms":300,"down":true}"#,
            r#"{"at_ms":2500,"end":true}"#,
        ]
    );
}

#[test]
fn answers_come_however_their_ends_are_marked_and_are_not_asked_for_anew() {
    for (reply, connections) in [
        (Reply::Write(OK), 1),
        (Reply::Write(CHUNKED), 1),
        (Reply::Last(OLD), 4),
        (Reply::Last(OK), 4),
    ] {
        let (lines, seen) = scripted(&[reply; 4], 900);
        assert_eq!(lines, [r#"{"at_ms":900,"end":true}"#], "{reply:?}");
        assert_eq!(seen.len(), 4, "{reply:?}: {seen:?}");
        let last = format!("0.000000 #{connections} /regime");
        assert!(seen[3].starts_with(&last), "{reply:?}: {seen:?}");
    }
}

#[test]
fn a_kept_connection_that_ends_under_a_request_is_no_missing_answer() {
    let ok = Reply::Write(OK);
    let (lines, seen) = scripted(&[ok, Reply::End, ok, ok, ok], 900);
    assert_eq!(lines, [r#"{"at_ms":900,"end":true}"#]);
    let asked: Vec<&str> = seen
        .iter()
        .filter_map(|line| line.split('?').next())
        .collect();
    assert_eq!(
        asked,
        [
            "0.000000 #1 /v2/status",
            "0.000000 #1 /positions",
            "0.000000 #2 /positions",
            "0.000000 #2 /risk",
            "0.000000 #2 /regime"
        ]
    );
}

#[test]
fn what_is_no_answer_is_said_in_a_mark() {
    let ok = Reply::Write(OK);
    for (reply, why) in [
        (Reply::End, "the connection ended before the answer"),
        (
            Reply::Last("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"),
            "the connection ended before the answer",
        ),
        (
            Reply::Last("220 smtp ready\r\n"),
            "the answer is not HTTP: invalid HTTP version parsed",
        ),
        (
            Reply::Long((16 << 20) + 1),
            "the answer's body has more than 16 MiB",
        ),
    ] {
        // Twice, because a request whose connection ends is made again.
        let (lines, _) = scripted(&[ok, reply, reply, ok, ok, ok], 900);
        let mark = format!(r#"{{"at_ms":0,"mark":"GET /positions: not answered: {why}"}}"#);
        assert_eq!(lines[0], mark, "{reply:?}");
    }
}

#[test]
fn a_redirect_is_an_answer_and_the_token_goes_to_no_other_host() {
    let (lines, seen) = scripted(&[Reply::Write(MOVED)], 900);
    assert_eq!(
        lines[0],
        r#"{"at_ms":0,"http":{"path":"/v2/status","status":302,"body":""}}"#
    );
    assert_eq!(seen.len(), 4);
}

#[test]
fn a_body_of_the_most_bytes_is_taken() {
    let page = in_memory(async {
        let clock = Clock::virtual_at(chrono::DateTime::UNIX_EPOCH);
        let script = Script::new(&clock, &[Reply::Long(16 << 20)]);
        polled(poll(1_000, &clock, dialer(&script)), &clock, 900)
            .await
            .1
    });
    assert!(page[0].len() > 16 << 20);
}

#[test]
fn nothing_secret_reaches_the_tape() {
    let (header, lines) = in_memory(polled_from(TAPE, &[], 5_000));
    for line in std::iter::once(&header).chain(&lines) {
        assert!(
            !line.contains("s3cret") && !line.contains("t0ken"),
            "{line}"
        );
    }
}

#[test]
fn a_peer_that_cannot_be_polled_is_told_before_anything_is_written() {
    let checked = |reply| {
        in_memory(async {
            let clock = Clock::virtual_at(chrono::DateTime::UNIX_EPOCH);
            let script = Script::new(&clock, &[reply]);
            poll(1_000, &clock, dialer(&script)).check().await
        })
    };
    for reply in [
        Reply::Write(OK),
        Reply::End,
        Reply::Silence,
        Reply::Write(MOVED),
    ] {
        assert!(checked(reply).is_ok(), "{reply:?}");
    }
    let error = checked(Reply::Last("SSH-2.0-x\r\n\r\n")).unwrap_err();
    let said = error.to_string();
    assert!(
        matches!(error, RecordError::Poll(PollError::Peer { .. })),
        "{said}"
    );
    assert!(
        said.starts_with("http://engine.example:1234 can't be polled: the answer is not HTTP"),
        "{said}"
    );
}

/// A dialer that fails each dial like a bad certificate.
#[derive(Debug)]
struct Distrust;

impl Dialer for Distrust {
    fn dial<'a>(&'a self, _target: &'a Target) -> Dialing<'a> {
        let error = io::Error::new(io::ErrorKind::InvalidData, "certificate has expired");
        Box::pin(std::future::ready(Err(DialError::Tls(error))))
    }
}

#[test]
fn a_certificate_that_fails_is_told_before_anything_is_written_and_later_is_an_outage() {
    let (checked, lines) = in_memory(async {
        let clock = Clock::virtual_at(chrono::DateTime::UNIX_EPOCH);
        let checked = poll(1_000, &clock, Arc::new(Distrust)).check().await;
        let poll = poll(1_000, &clock, Arc::new(Distrust));
        (checked, polled(poll, &clock, 2_500).await.1)
    });
    assert_eq!(
        checked.unwrap_err().to_string(),
        "http://engine.example:1234 can't be polled: tls failed: certificate has expired"
    );
    assert_eq!(
        lines,
        [
            r#"{"at_ms":0,"mark":"unreachable: tls failed: certificate has expired"}"#,
            r#"{"at_ms":0,"down":true}"#,
            r#"{"at_ms":2500,"end":true}"#,
        ]
    );
}

#[test]
fn twenty_minutes_of_polling_stay_on_the_second() {
    let tape = r#"{"tape":1}
{"at_ms":0,"http":{"path":"/risk","body":{"halted":false}}}
{"at_ms":1199999,"http":{"path":"/risk","body":{"halted":true}}}
"#;
    let (_, lines) = in_memory(polled_from(tape, &[], 1_200_500));
    let events: Vec<&String> = lines.iter().filter(|line| line.contains("emit")).collect();
    assert_eq!(events.len(), 2, "{events:?}");
    assert!(events[1].starts_with(r#"{"at_ms":1200000,"#), "{events:?}");
}
