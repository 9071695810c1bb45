//! A mock engine, a proxy in front of it, and plain clients, all in memory and virtual time.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use engine_client::{DialError, Dialer, Dialing, Target, Transport};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::mpsc;
use wstape::ClientClock;
use wstape_mock_engine::link::{ClientEnd, EngineEnd, LinkHandle, pair};
use wstape_mock_engine::{Clock, Engine, MemoryNet};
use wstape_recorder::{Leg, Listen, Output, Proxy, Reach, RecordError, Redactor, Rules, Summary};
use wstape_tape::{Micros, Tape};

pub(crate) use crate::page::{Page, in_memory};

/// The URL of the engine that proxies are told; in memory nothing else about it matters.
pub(crate) const UPSTREAM: &str = "ws://adalovelace:passw0rdOfAda@engine.example/ws";
/// The bearer token of every plain client.
pub(crate) const TOKEN: &str = "t0k3n-that-nobody-may-see";

/// Returns a tape of these lines, after a header that names every feature.
pub(crate) fn tape(lines: &[&str]) -> Tape {
    let text: String = std::iter::once(r#"{"tape":1,"needs":["connections"]}"#)
        .chain(lines.iter().copied())
        .flat_map(|line| [line, "\n"])
        .collect();
    parsed(&text)
}

pub(crate) fn parsed(text: &str) -> Tape {
    Tape::parse("test", text).unwrap_or_else(|error| panic!("{}\n{text}", error.report()))
}

/// Starts an engine that plays `tape` from now on.
pub(crate) fn engine(tape: Tape, clock: &Clock) -> (Engine, MemoryNet) {
    let built = Engine::builder()
        .clock(clock.clone())
        .layer(tape)
        .in_memory();
    let (engine, net) = built.expect("a good tape");
    engine.start();
    (engine, net)
}

/// A client's stream as the proxy sees it.
pub(crate) struct ClientLeg {
    end: EngineEnd,
    link: LinkHandle,
}

/// The engine's stream as the proxy sees it.
pub(crate) struct EngineLeg(ClientEnd);

impl Leg for ClientLeg {
    fn reset(self) {
        self.link.reset();
    }
}

impl Leg for EngineLeg {
    fn reset(self) {
        self.0.reset();
    }
}

macro_rules! stream_of {
    ($leg:ty, $field:tt) => {
        impl AsyncRead for $leg {
            fn poll_read(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                Pin::new(&mut self.$field).poll_read(cx, buf)
            }
        }

        impl AsyncWrite for $leg {
            fn poll_write(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                Pin::new(&mut self.$field).poll_write(cx, buf)
            }

            fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Pin::new(&mut self.$field).poll_flush(cx)
            }

            fn poll_shutdown(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
            ) -> Poll<io::Result<()>> {
                Pin::new(&mut self.$field).poll_shutdown(cx)
            }
        }
    };
}

stream_of!(ClientLeg, end);
stream_of!(EngineLeg, 0);

/// What a client dials: the engine, or the proxy in front of it.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    Direct(MemoryNet),
    Proxied(Door),
}

/// Where clients of a proxy dial.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    clock: Clock,
    knocks: mpsc::UnboundedSender<ClientLeg>,
}

/// The proxy's end of the door.
pub(crate) struct Doorstep(mpsc::UnboundedReceiver<ClientLeg>);

pub(crate) fn door(clock: &Clock) -> (Door, Doorstep) {
    let (knocks, doorstep) = mpsc::unbounded_channel();
    let clock = clock.clone();
    (Door { clock, knocks }, Doorstep(doorstep))
}

impl std::fmt::Debug for ClientLeg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientLeg").finish_non_exhaustive()
    }
}

impl Listen for Doorstep {
    type Leg = ClientLeg;

    async fn accept(&mut self) -> io::Result<ClientLeg> {
        match self.0.recv().await {
            Some(leg) => Ok(leg),
            None => std::future::pending().await,
        }
    }
}

/// The proxy's way to the engine.
pub(crate) struct Net(pub(crate) MemoryNet);

impl Reach for Net {
    type Leg = EngineLeg;

    async fn dial(&self) -> Result<EngineLeg, DialError> {
        let end = self.0.connect().await.map_err(DialError::Connect)?;
        Ok(EngineLeg(end))
    }
}

impl Way {
    pub(crate) async fn dial(&self) -> io::Result<ClientEnd> {
        match self {
            Self::Direct(net) => net.connect().await,
            Self::Proxied(door) => {
                let (end, client, link) = pair(door.clock.clone());
                let gone = |_| io::Error::from(io::ErrorKind::ConnectionRefused);
                door.knocks.send(ClientLeg { end, link }).map_err(gone)?;
                Ok(client)
            }
        }
    }
}

impl Dialer for Way {
    fn dial<'a>(&'a self, _target: &'a Target) -> Dialing<'a> {
        Box::pin(async {
            let stream = Way::dial(self).await.map_err(DialError::Connect)?;
            Ok(Box::new(stream) as Box<dyn Transport>)
        })
    }
}

/// Records what passes in front of `net`; returns the tape's text.
pub(crate) async fn record(
    clock: &Clock,
    doorstep: Doorstep,
    net: MemoryNet,
    until: impl Future<Output = ()>,
) -> (Result<Summary, RecordError>, String) {
    let page = Page::default();
    let redactor = Redactor::new(Rules::default(), [7; 32]);
    let proxy = Proxy::new(UPSTREAM, redactor)
        .expect("a good url")
        .clock(Arc::new(ClientClock::new(clock.clone())));
    let output = Output::sink("page", page.clone());
    let recorded = proxy.run(doorstep, Net(net), output, until).await;
    (recorded, page.text())
}

/// What a plain client does.
#[derive(Debug, Clone, Default)]
pub(crate) struct Visit {
    /// When it dials.
    pub(crate) at: Micros,
    /// What it does after that, and when.
    pub(crate) says: Vec<(Micros, Say)>,
}

#[derive(Debug, Clone)]
pub(crate) enum Say {
    /// Sends these bytes.
    Bytes(Vec<u8>),
    Fin,
    Reset,
}

/// What a plain client saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Saw {
    /// The first line of the answer.
    pub(crate) answer: String,
    /// What came after the answer's head, with its times.
    pub(crate) bytes: Vec<(Micros, Vec<u8>)>,
    /// How it ended, and when.
    pub(crate) end: Option<(Micros, &'static str)>,
}

impl Saw {
    pub(crate) fn all_bytes(&self) -> Vec<u8> {
        self.bytes
            .iter()
            .flat_map(|(_, bytes)| bytes.clone())
            .collect()
    }
}

/// Returns a client's whole frame, masked.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    const KEY: [u8; 4] = [9, 8, 7, 6];
    let len = u8::try_from(payload.len()).ok().filter(|len| *len < 126);
    let head = [first, 0x80 | len.expect("a short payload")];
    let masked = payload.iter().zip(KEY.iter().cycle());
    let masked = masked.map(|(byte, key)| byte ^ key);
    head.into_iter().chain(KEY).chain(masked).collect()
}

pub(crate) fn upgrade_request() -> String {
    format!(
        "GET /ws HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Authorization: Bearer {TOKEN}\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// Makes a visit, up to its end or to `end`. A stream that is still open then stays open for as
/// long as the caller keeps it.
async fn visit(clock: Clock, way: Way, visit: Visit, end: Micros) -> (Saw, Option<ClientEnd>) {
    clock.sleep_until(visit.at).await;
    let mut saw = Saw::default();
    let Ok(mut stream) = way.dial().await else {
        saw.end = Some((clock.now(), "refused"));
        return (saw, None);
    };
    let mut head = Vec::new();
    let mut says = visit.says.into_iter().peekable();
    // If the peer is gone already, the reads show it.
    let _ = stream.write_all(upgrade_request().as_bytes()).await;
    loop {
        let mut buffer = vec![0; 1 << 16];
        let next = says.peek().map_or(end, |(at, _)| *at);
        tokio::select! {
            biased;
            read = stream.read(&mut buffer) => match read {
                Ok(0) => {
                    saw.end = Some((clock.now(), "fin"));
                    return (saw, None);
                }
                Err(_) => {
                    saw.end = Some((clock.now(), "reset"));
                    return (saw, None);
                }
                Ok(len) => {
                    let mut bytes = buffer[..len].to_vec();
                    if saw.answer.is_empty() {
                        head.append(&mut bytes);
                        let Some(at) = head.windows(4).position(|four| four == b"\r\n\r\n") else {
                            continue;
                        };
                        bytes = head.split_off(at + 4);
                        let text = String::from_utf8_lossy(&head);
                        saw.answer = text.lines().next().unwrap_or_default().to_owned();
                    }
                    if !bytes.is_empty() {
                        let now = clock.now();
                        match saw.bytes.last_mut() {
                            Some((at, before)) if *at == now => before.append(&mut bytes),
                            _ => saw.bytes.push((now, bytes)),
                        }
                    }
                }
            },
            () = clock.sleep_until(next) => match says.next() {
                None => return (saw, Some(stream)),
                Some((_, Say::Bytes(bytes))) => {
                    let _ = stream.write_all(&bytes).await;
                }
                Some((_, Say::Fin)) => {
                    let _ = stream.shutdown().await;
                }
                Some((_, Say::Reset)) => {
                    stream.reset();
                    return (saw, None);
                }
            },
        }
    }
}

/// Makes all visits at once; returns what each saw.
pub(crate) async fn visits(clock: &Clock, way: &Way, all: &[Visit], end: Micros) -> Vec<Saw> {
    let visits = all.iter().map(|one| {
        let visiting = visit(clock.clone(), way.clone(), one.clone(), end);
        tokio::spawn(visiting)
    });
    let visits: Vec<_> = visits.collect();
    let mut saw = Vec::new();
    let mut open = Vec::new();
    for visit in visits {
        let (seen, stream) = visit.await.expect("a visit does not panic");
        saw.push(seen);
        open.push(stream);
    }
    // Waits until whoever records them is done, too.
    clock.sleep_until(Micros(end.0 + 2)).await;
    saw
}

/// Plays `tape` behind a proxy to visitors; returns what they saw, and the proxy's tape.
pub(crate) fn recorded(tape: &Tape, all: &[Visit], end: Micros) -> (Vec<Saw>, String) {
    in_memory(async {
        let clock = Clock::virtual_at(tape.header.wall_at_zero());
        let (engine, net) = engine(tape.clone(), &clock);
        let (door, doorstep) = door(&clock);
        let way = Way::Proxied(door);
        let until = clock.sleep_until(Micros(end.0 + 1));
        let recording = record(&clock, doorstep, net, until);
        let (saw, (recorded, text)) = tokio::join!(visits(&clock, &way, all, end), recording);
        let summary = recorded.expect("a recording");
        assert_eq!(summary.counts.lost_bytes, 0);
        engine.shutdown().await;
        (saw, text)
    })
}

/// Plays `tape` to visitors; returns what they saw.
pub(crate) fn played(tape: &Tape, all: &[Visit], end: Micros) -> Vec<Saw> {
    in_memory(async {
        let clock = Clock::virtual_at(tape.header.wall_at_zero());
        let (engine, net) = engine(tape.clone(), &clock);
        let saw = visits(&clock, &Way::Direct(net), all, end).await;
        engine.shutdown().await;
        saw
    })
}
