//! An engine and a plain client, in memory and virtual time or over TCP.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use wstape_mock_engine::{Clock, Engine, EngineBuilder, Entry, MemoryNet};
use wstape_tape::Tape;

/// Longest that anything may take on TCP; a test that needs it has failed.
const TCP_BOUND: Duration = Duration::from_secs(10);

/// How long a virtual client listens before it calls a connection silent, in virtual time.
const PATIENCE: wstape_tape::Micros = wstape_tape::Micros::from_ms(600_000);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arm {
    Virtual,
    Tcp,
}

/// Runs a test in memory with paused time.
pub(crate) fn in_memory<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(test)
}

/// Runs a test with real sockets, bounded.
pub(crate) fn over_tcp<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::time::timeout(TCP_BOUND, test)
            .await
            .expect("within the bound")
    })
}

/// A tape of these lines, after a header that names every feature.
pub(crate) fn tape(lines: &[&str]) -> Tape {
    let text: String = std::iter::once(r#"{"tape":1,"needs":["connections","dialogue"]}"#)
        .chain(lines.iter().copied())
        .flat_map(|line| [line, "\n"])
        .collect();
    Tape::parse("test", &text).unwrap_or_else(|error| panic!("{}", error.report()))
}

pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

pub(crate) struct World {
    pub(crate) engine: Engine,
    net: Option<MemoryNet>,
}

impl World {
    pub(crate) async fn build(arm: Arm, builder: EngineBuilder) -> Self {
        match arm {
            Arm::Virtual => {
                let (engine, net) = builder.in_memory().unwrap();
                Self {
                    engine,
                    net: Some(net),
                }
            }
            Arm::Tcp => {
                let engine = builder
                    .clock(Clock::real_now())
                    .listen(([127, 0, 0, 1], 0).into())
                    .await
                    .unwrap();
                Self { engine, net: None }
            }
        }
    }

    /// An engine that plays these tapes from now on, base first.
    pub(crate) async fn playing(arm: Arm, tapes: &[&[&str]]) -> Self {
        let builder = tapes.iter().fold(Engine::builder(), |builder, lines| {
            builder.layer(tape(lines))
        });
        let world = Self::build(arm, builder).await;
        world.engine.start();
        world
    }

    /// An engine in memory without a tape.
    pub(crate) async fn bare() -> Self {
        Self::playing(Arm::Virtual, &[]).await
    }

    /// The way to an engine in memory.
    pub(crate) fn net(&self) -> &MemoryNet {
        self.net.as_ref().expect("an engine in memory")
    }

    pub(crate) async fn dial(&self) -> io::Result<Client> {
        let stream: Box<dyn Stream> = match (&self.net, self.engine.local_addr()) {
            (Some(net), _) => Box::new(net.connect().await?),
            (None, Some(addr)) => Box::new(TcpStream::connect(addr).await?),
            (None, None) => unreachable!("an engine is in memory or on TCP"),
        };
        Ok(Client {
            stream,
            clock: self.engine.clock(),
            buffer: Vec::new(),
        })
    }

    /// Dials and upgrades.
    pub(crate) async fn connect(&self) -> Client {
        let mut client = self.dial().await.unwrap();
        client.send(&upgrade_request("")).await;
        let head = client.head().await.unwrap();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        client
    }

    /// The journal's lines without those of the frames that clients were sent.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.engine
            .journal()
            .lines()
            .iter()
            .map(|line| line.trim().to_owned())
            .collect()
    }

    /// What a client that dials, upgrades and listens sees: a line for the answer, then one for
    /// each read with its time in seconds, then how it ended.
    pub(crate) async fn observe(&self) -> Vec<String> {
        let mut client = match self.dial().await {
            Ok(client) => client,
            Err(error) => return vec![format!("{:?}", error.kind())],
        };
        client.send(&upgrade_request("")).await;
        let mut seen = match client.head().await {
            Ok(head) => vec![answer(&head)],
            Err(lines) => return lines,
        };
        if seen[0] == "101" {
            seen.extend(client.reads().await);
        }
        seen
    }
}

/// Status and the headers worth a look.
fn answer(head: &str) -> String {
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .unwrap_or_default()
        .to_owned();
    let shown: Vec<&str> = lines
        .filter(|line| line.starts_with("retry-after") || line.starts_with("www-"))
        .collect();
    std::iter::once(status.as_str())
        .chain(shown)
        .collect::<Vec<_>>()
        .join(" ")
}

/// How many of these entries a timeline shows.
pub(crate) fn told(entries: &[Entry]) -> usize {
    let told = entries.iter().filter(|entry| entry.kind.is_told());
    told.count()
}

/// An upgrade request with further header lines, each ended by CR LF.
pub(crate) fn upgrade_request(headers: &str) -> Vec<u8> {
    format!(
        "GET /ws HTTP/1.1\r\nHost: mock-engine\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
    .into_bytes()
}

/// A client's whole frame, masked with zeros.
pub(crate) fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let len = u8::try_from(payload.len())
        .ok()
        .filter(|len| *len < 126)
        .expect("a short payload");
    [&[0x80 | opcode, 0x80 | len, 0, 0, 0, 0][..], payload].concat()
}

pub(crate) struct Client {
    pub(crate) stream: Box<dyn Stream>,
    clock: Clock,
    /// Read behind the head.
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        // A peer that is gone already shows in the reads.
        let _ = self.stream.write_all(bytes).await;
    }

    /// The answer's head, a megabyte at most; without one, what came instead.
    pub(crate) async fn head(&mut self) -> Result<String, Vec<String>> {
        let mut lines = Vec::new();
        while self.buffer.len() < 1 << 20 {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                let rest = self.buffer.split_off(end + 4);
                let head = std::mem::replace(&mut self.buffer, rest);
                return Ok(String::from_utf8(head).unwrap());
            }
            match self.read().await {
                Ok(bytes) => {
                    lines.push(bytes.escape_ascii().to_string());
                    self.buffer.extend_from_slice(&bytes);
                }
                Err(end) => {
                    lines.push(end);
                    return Err(lines);
                }
            }
        }
        Err(vec!["oversize head".to_owned()])
    }

    /// One read, or a word that says why there is none.
    pub(crate) async fn read(&mut self) -> Result<Vec<u8>, String> {
        let mut buf = vec![0; 1 << 16];
        let deadline = wstape_tape::Micros(self.clock.now().0 + PATIENCE.0);
        tokio::select! {
            biased;
            read = self.stream.read(&mut buf) => match read {
                Ok(0) => Err("eof".to_owned()),
                Ok(len) => {
                    buf.truncate(len);
                    Ok(buf)
                }
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Err("reset".to_owned()),
                Err(error) => Err(error.to_string()),
            },
            () = self.clock.sleep_until(deadline) => Err("silence".to_owned()),
        }
    }

    /// Every read to the end, with its time, and how it ended.
    pub(crate) async fn reads(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        let first = std::mem::take(&mut self.buffer);
        if !first.is_empty() {
            lines.push(format!("{} {}", self.clock.now(), first.escape_ascii()));
        }
        loop {
            match self.read().await {
                Ok(bytes) => lines.push(format!("{} {}", self.clock.now(), bytes.escape_ascii())),
                Err(end) if end == "silence" => {
                    lines.push(end);
                    return lines;
                }
                Err(end) => {
                    lines.push(format!("{} {end}", self.clock.now()));
                    return lines;
                }
            }
        }
    }

    /// All bytes to the end, and how it ended.
    pub(crate) async fn all(&mut self) -> (Vec<u8>, String) {
        let mut bytes = std::mem::take(&mut self.buffer);
        loop {
            match self.read().await {
                Ok(more) => bytes.extend_from_slice(&more),
                Err(end) => return (bytes, end),
            }
        }
    }

    /// Exactly `len` bytes.
    pub(crate) async fn exactly(&mut self, len: usize) -> Vec<u8> {
        while self.buffer.len() < len {
            let more = self
                .read()
                .await
                .unwrap_or_else(|end| panic!("{end} after {:?}", self.buffer));
            self.buffer.extend_from_slice(&more);
        }
        let rest = self.buffer.split_off(len);
        std::mem::replace(&mut self.buffer, rest)
    }
}
