//! The tap in memory and virtual time: what it records of an engine that is silent, or not there.

use std::io;
use std::sync::Arc;

use engine_client::{DialError, Dialer, Dialing, Target, Transport};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use wstape::ClientClock;
use wstape_mock_engine::{Clock, Engine, MemoryNet};
use wstape_recorder::{Output, Redactor, Rules, Summary, Tap};
use wstape_tape::{Micros, Tape};

use crate::page::{Page, in_memory};

const URL: &str = "ws://ada:passw0rdOfAda@engine.example/ws";

/// The most bytes in flight between a tap and a scripted engine.
const PIPE_BYTES: usize = 64 << 10;

/// A dialer to an engine in memory.
#[derive(Debug)]
struct Memory(MemoryNet);

impl Dialer for Memory {
    fn dial<'a>(&'a self, _target: &'a Target) -> Dialing<'a> {
        Box::pin(async {
            let stream = self.0.connect().await.map_err(DialError::Connect)?;
            Ok(Box::new(stream) as Box<dyn Transport>)
        })
    }
}

/// A dialer that fails with this error.
#[derive(Debug)]
struct Nowhere(io::ErrorKind, &'static str);

impl Dialer for Nowhere {
    fn dial<'a>(&'a self, _target: &'a Target) -> Dialing<'a> {
        Box::pin(async { Err(DialError::Connect(io::Error::new(self.0, self.1))) })
    }
}

async fn tapped(
    clock: &Clock,
    dialer: impl Dialer,
    end: Micros,
    dressed: impl FnOnce(Tap) -> Tap,
) -> (Summary, String) {
    let page = Page::default();
    let tap = Tap::new(URL, None, Redactor::new(Rules::default(), [7; 32]))
        .expect("a good url")
        .clock(Arc::new(ClientClock::new(clock.clone())))
        .dialer(Arc::new(dialer));
    let output = Output::sink("page", page.clone());
    let recording = dressed(tap).run(output, clock.sleep_until(end));
    let summary = recording.await.expect("a recording");
    (summary, page.text())
}

/// The lines, without header and end, that a tap records of an engine that plays these steps.
fn lines(steps: &[&str], end: Micros, dressed: impl FnOnce(Tap) -> Tap) -> Vec<String> {
    let text: String = [r#"{"tape":1}"#]
        .iter()
        .chain(steps)
        .flat_map(|line| [line, "\n"])
        .collect();
    let tape = Tape::parse("test", &text).expect("a good tape");
    let text = in_memory(async {
        let clock = Clock::virtual_at(tape.header.wall_at_zero());
        let built = Engine::builder()
            .clock(clock.clone())
            .layer(tape)
            .in_memory();
        let (engine, net) = built.expect("a good tape");
        engine.start();
        let (summary, text) = tapped(&clock, Memory(net), end, dressed).await;
        assert_eq!(summary.unreached, None);
        engine.shutdown().await;
        text
    });
    Tape::parse("tapped", &text).expect("a good tape");
    let mut lines: Vec<_> = text.lines().skip(1).map(str::to_owned).collect();
    lines.pop();
    lines
}

#[test]
fn pings_of_the_tap_that_are_answered_leave_nothing_on_the_tape() {
    let end = Micros::from_ms(100_000);
    let none: Vec<String> = Vec::new();
    assert_eq!(lines(&[], end, |tap| tap), none);
}

#[test]
fn pongs_are_withheld_from_where_the_tap_missed_one_to_the_end_of_that_connection() {
    // Pings are due at 15 s and at 30 s. After the Pong at 15 s none is answered: the connection is
    // lost at 45 s.
    let found = lines(
        &[
            r#"{"at_ms":20000,"pongs":"withheld"}"#,
            r#"{"at_ms":45100,"pongs":"auto"}"#,
        ],
        Micros::from_ms(80_000),
        |tap| tap,
    );
    assert_eq!(
        found,
        [
            r#"{"at_ms":29000,"pongs":"withheld"}"#,
            r#"{"at_ms":45000,"pongs":"auto"}"#
        ]
    );
}

#[test]
fn what_the_tap_sends_is_sent_on_each_connection_and_is_on_the_tape() {
    let found = lines(
        &[
            r#"{"on_connect":"each","after_received":1,"emit":{"event":"subscribed"}}"#,
            r#"{"at_ms":500,"drop":"fin"}"#,
        ],
        Micros::from_ms(3_000),
        |tap| tap.send(r#"{"op":"subscribe"}"#),
    );
    let sent = r#""received":{"kind":"text","text":"{\"op\":\"subscribe\"}"}}"#;
    let expected = [
        format!(r#"{{"at_ms":0,{sent}"#),
        r#"{"at_ms":0,"emit":{"event":"subscribed"}}"#.to_owned(),
        r#"{"at_ms":500,"drop":"fin"}"#.to_owned(),
        format!(r#"{{"at_ms":1000,{sent}"#),
        r#"{"at_ms":1000,"emit":{"event":"subscribed"}}"#.to_owned(),
    ];
    assert_eq!(found, expected);
}

/// An engine that upgrades each client with the first subprotocol that it offers, says whom it
/// takes it for, and leaves. It keeps the heads of all requests.
#[derive(Debug, Clone, Default)]
struct Leaving(Arc<Mutex<Vec<String>>>);

impl Leaving {
    async fn serve(self, mut stream: DuplexStream) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("a request"));
        }
        let head = String::from_utf8(head).expect("a head is text");
        let of = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            let found = lines.find(|(found, _)| found.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_owned())
        };
        let key = of("sec-websocket-key").expect("a handshake");
        let accept = derive_accept_key(key.as_bytes());
        let subprotocol = of("sec-websocket-protocol").unwrap_or_default();
        let first = subprotocol.split(", ").next().unwrap_or_default();
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: {first}\r\n\r\n"
        );
        let answer = [answer.as_bytes(), b"\x81\x05hello"].concat();
        self.0.lock().push(head.clone());
        stream.write_all(&answer).await.expect("a client");
    }
}

impl Dialer for Leaving {
    fn dial<'a>(&'a self, _target: &'a Target) -> Dialing<'a> {
        let (client, engine) = tokio::io::duplex(PIPE_BYTES);
        tokio::spawn(self.clone().serve(engine));
        Box::pin(async { Ok(Box::new(client) as Box<dyn Transport>) })
    }
}

#[test]
fn headers_and_subprotocols_are_in_each_handshake_and_a_secret_of_them_on_no_tape() {
    const SECRET: &str = "s3cret-of-ada-0123456789";
    let engine = Leaving::default();
    let (summary, text) = in_memory(async {
        let clock = Clock::virtual_at(Tape::default().header.wall_at_zero());
        let end = Micros::from_ms(700);
        tapped(&clock, engine.clone(), end, |tap| {
            tap.header("X-Api-Key", SECRET)
                .and_then(|tap| tap.header("User-Agent", "tap of ada"))
                .and_then(|tap| tap.subprotocol("v2.feed"))
                .expect("good headers")
        })
        .await
    });
    let heads = engine.0.lock().clone();
    assert_eq!(heads.len(), 2, "one at once, one 500 ms behind the end");
    for head in heads {
        for line in [
            format!("x-api-key: {SECRET}"),
            "user-agent: tap of ada".to_owned(),
            "sec-websocket-protocol: v2.feed".to_owned(),
        ] {
            let found = head
                .lines()
                .filter(|found| found.eq_ignore_ascii_case(&line));
            assert_eq!(found.count(), 1, "{line} in {head}");
        }
    }
    assert_eq!(summary.counts.connections, 2);
    assert!(text.contains(r#""text":"hello""#), "{text}");
    assert!(!text.contains(SECRET), "{text}");
}

#[test]
fn a_tap_that_never_reached_its_engine_says_why() {
    let end = Micros::from_ms(30_000);
    let unreached = |dialer: Nowhere| {
        in_memory(async {
            let clock = Clock::virtual_at(Tape::default().header.wall_at_zero());
            tapped(&clock, dialer, end, |tap| tap).await.0.unreached
        })
    };
    let sentence = |why: &str| {
        Some(format!(
            "ws://engine.example:80/ws was never reached: {why}"
        ))
    };
    let refused = Nowhere(io::ErrorKind::ConnectionRefused, "os error 111");
    assert_eq!(unreached(refused), sentence("connection refused"));
    let no_name = Nowhere(io::ErrorKind::Other, "no such name");
    assert_eq!(unreached(no_name), sentence("connect failed: no such name"));

    let refusing = r#"{"tape":1}
{"at_ms":0,"refuse":{"status":404}}
"#;
    let (summary, text) = in_memory(async {
        let tape = Tape::parse("test", refusing).expect("a good tape");
        let clock = Clock::virtual_at(tape.header.wall_at_zero());
        let built = Engine::builder()
            .clock(clock.clone())
            .layer(tape)
            .in_memory();
        let (engine, net) = built.expect("a good tape");
        engine.start();
        let tapped = tapped(&clock, Memory(net), end, |tap| tap).await;
        engine.shutdown().await;
        tapped
    });
    let why = "handshake refused with status 404";
    assert_eq!(summary.unreached, sentence(why));
    assert!(text.contains(r#""refuse":{"status":404"#), "{text}");
}
