//! The crowd: a process of clients that listen, and note when each event comes.

use std::cell::RefCell;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore};
use tokio::task::LocalSet;

use crate::latencies::Latencies;
use crate::plan::{Plan, read_event};

/// Dials in progress at a time.
const MAX_DIALS: usize = 256;

/// The most bytes read at once.
const BUFFER_BYTES: usize = 64 << 10;

/// How long after the last turn an event counts as lost.
const PATIENCE: Duration = Duration::from_mins(1);

/// A handshake with a fixed key, and what ends its answer.
pub(crate) const HANDSHAKE: &[u8] = b"GET / HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const HEAD_END: &[u8] = b"\r\n\r\n";

/// What a crowd prints when all clients are connected, and when all have the steady part.
pub(crate) const CONNECTED: &str = "connected";
pub(crate) const SERVED: &str = "served";

/// What a crowd heard.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Heard {
    /// Events that a client did not get, summed over all clients.
    pub(crate) lost: u64,
    /// Latency of the steady part in microseconds: from when an event says that it was sent until a
    /// client has it.
    pub(crate) p50_us: u64,
    pub(crate) p99_us: u64,
    pub(crate) max_us: u64,
    /// The duration of each burst: from when its first event says that it was sent until the last
    /// client has its last event.
    pub(crate) bursts_us: Vec<u64>,
}

/// What all clients share.
struct Crowd {
    plan: Plan,
    tally: RefCell<Tally>,
    connected: Notify,
    served: Notify,
}

struct Tally {
    latencies: Latencies,
    /// First and last instants of each burst.
    bursts: Vec<(DateTime<Utc>, DateTime<Utc>)>,
    connected: usize,
    /// Clients that have the steady part.
    served: usize,
    received: u64,
    /// The time that was read last, as text and parsed: all events of a broadcast have the same.
    last: (Vec<u8>, DateTime<Utc>),
    scratch: Vec<u8>,
}

/// Dials, listens to everything in the plan, prints both steps on standard output, and keeps all
/// connections until standard input ends.
pub(crate) fn run(addr: SocketAddr, plan: Plan) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let crowd = Rc::new(Crowd::new(plan)?);
    let local = LocalSet::new();
    // Nobody leaves before the server's memory was measured.
    let (heard, _open) = local.block_on(&runtime, listen(addr, crowd));
    println!("{}", serde_json::to_string(&heard)?);
    io::copy(&mut io::stdin().lock(), &mut io::sink())?;
    Ok(())
}

async fn listen(addr: SocketAddr, crowd: Rc<Crowd>) -> (Heard, Vec<Client>) {
    let places = Arc::new(Semaphore::new(MAX_DIALS));
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..crowd.plan.clients {
        let place = Arc::clone(&places).acquire_owned().await;
        let crowd = Rc::clone(&crowd);
        clients.spawn_local(async move {
            let client = Client::dial(addr).await;
            drop(place);
            let mut client = client.unwrap_or_else(|error| panic!("a client's dial: {error}"));
            crowd.is_connected();
            client.listen(&crowd).await.map(|()| client)
        });
    }
    crowd.connected.notified().await;
    say(CONNECTED);
    let longest = Duration::from_millis(crowd.plan.lasts_ms()) + PATIENCE;
    let all = async {
        if crowd.plan.steady > 0 {
            crowd.served.notified().await;
            say(SERVED);
        }
        let mut open = Vec::new();
        while let Some(client) = clients.join_next().await {
            // A client that broke off lacks its events.
            open.extend(client.ok().and_then(Result::ok));
        }
        open
    };
    let open = tokio::time::timeout(longest, all).await;
    (crowd.heard(), open.unwrap_or_default())
}

fn say(what: &str) {
    println!("{what}");
    let _ = io::stdout().flush();
}

impl Crowd {
    fn new(plan: Plan) -> io::Result<Self> {
        let bursts = usize::try_from(plan.bursts).map_err(io::Error::other)?;
        Ok(Self {
            tally: RefCell::new(Tally {
                latencies: Latencies::default(),
                bursts: vec![(DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC); bursts],
                connected: 0,
                served: 0,
                received: 0,
                last: (Vec::new(), DateTime::UNIX_EPOCH),
                scratch: vec![0; BUFFER_BYTES],
            }),
            plan,
            connected: Notify::new(),
            served: Notify::new(),
        })
    }

    fn is_connected(&self) {
        let mut tally = self.tally.borrow_mut();
        tally.connected += 1;
        if tally.connected == self.plan.clients {
            self.connected.notify_one();
        }
    }

    /// Takes in an event that came to a client which waited for this number.
    fn heard_event(&self, event: &[u8], number: u64) {
        let now = Utc::now();
        let mut tally = self.tally.borrow_mut();
        let (then, found) = read_event(event).expect("an event of the plan's");
        if tally.last.0 != then {
            let text = std::str::from_utf8(then).expect("an event's time");
            tally.last = (then.to_owned(), text.parse().expect("an event's time"));
        }
        let then = tally.last.1;
        assert!(found == number, "event {found} where {number} is the next");
        tally.received += 1;
        let Some(burst) = self.plan.burst_of(number) else {
            let took = (now - then).num_microseconds().unwrap_or(i64::MAX);
            let took = u64::try_from(took).unwrap_or(0);
            tally.latencies.record(took);
            if number == self.plan.steady {
                tally.served += 1;
                if tally.served == self.plan.clients {
                    self.served.notify_one();
                }
            }
            return;
        };
        let (first, last) = &mut tally.bursts[burst];
        *first = then.min(*first);
        *last = now.max(*last);
    }

    fn heard(&self) -> Heard {
        let mut tally = self.tally.borrow_mut();
        let [p50_us, p99_us, max_us] = tally.latencies.of_a_hundred([50, 99, 100]);
        let took = |&(first, last): &(DateTime<Utc>, DateTime<Utc>)| {
            let took = last.signed_duration_since(first).num_microseconds();
            took.and_then(|took| u64::try_from(took).ok())
                .unwrap_or(u64::MAX)
        };
        let due = self.plan.events() * self.plan.clients as u64;
        Heard {
            lost: due - tally.received,
            p50_us,
            p99_us,
            max_us,
            bursts_us: tally.bursts.iter().map(took).collect(),
        }
    }
}

/// A client that listens.
struct Client {
    stream: TcpStream,
    /// What was read but is not yet a whole frame.
    read: Vec<u8>,
}

impl Client {
    async fn dial(addr: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        let mut left = HANDSHAKE;
        while !left.is_empty() {
            stream.writable().await?;
            left = match stream.try_write(left) {
                Ok(written) => &left[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => left,
                Err(error) => return Err(error),
            };
        }
        let read = Vec::new();
        let mut client = Self { stream, read };
        let mut scratch = [0; 1024];
        loop {
            client.read_more(&mut scratch).await?;
            let end = client.read.windows(HEAD_END.len());
            if let Some(end) = end.clone().position(|bytes| bytes == HEAD_END) {
                if !client.read.starts_with(b"HTTP/1.1 101") {
                    return Err(io::Error::other("no upgrade"));
                }
                client.read.drain(..end + HEAD_END.len());
                return Ok(client);
            }
        }
    }

    async fn read_more(&mut self, scratch: &mut [u8]) -> io::Result<()> {
        loop {
            self.stream.readable().await?;
            match self.stream.try_read(scratch) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    self.read.extend_from_slice(&scratch[..read]);
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Listens until it has all events, each of which must be the next one.
    async fn listen(&mut self, crowd: &Crowd) -> io::Result<()> {
        let mut next = 1;
        loop {
            self.take_frames(crowd, &mut next)?;
            if next > crowd.plan.events() {
                return Ok(());
            }
            self.stream.readable().await?;
            let mut tally = crowd.tally.borrow_mut();
            match self.stream.try_read(&mut tally.scratch) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => self.read.extend_from_slice(&tally.scratch[..read]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn take_frames(&mut self, crowd: &Crowd, next: &mut u64) -> io::Result<()> {
        let mut at = 0;
        while let Some((kind, payload, behind)) = frame(&self.read[at..]) {
            match kind {
                0x81 => {
                    crowd.heard_event(payload, *next);
                    *next += 1;
                }
                0x89 => pong(&self.stream, payload)?,
                kind => return Err(io::Error::other(format!("a frame {kind:#x}"))),
            }
            at += behind;
        }
        self.read.drain(..at);
        if self.read.is_empty() {
            // The crowd's memory is not measured, but it runs on the same machine as the server.
            self.read.shrink_to(1 << 10);
        }
        Ok(())
    }
}

/// Returns the first frame: first byte, payload, and length; `None` if it is incomplete.
fn frame(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let (&kind, &length) = (bytes.first()?, bytes.get(1)?);
    let (head, length) = match length {
        126 => {
            let length = [*bytes.get(2)?, *bytes.get(3)?];
            (4, usize::from(u16::from_be_bytes(length)))
        }
        127 => panic!("an event longer than any here"),
        length => (2, usize::from(length)),
    };
    let payload = bytes.get(head..head + length)?;
    Some((kind, payload, head + length))
}

/// Answers a Ping; if the socket has no room, the answer is dropped.
fn pong(stream: &TcpStream, payload: &[u8]) -> io::Result<()> {
    let length = u8::try_from(payload.len()).map_err(io::Error::other)?;
    let frame = [&[0x8a, 0x80 | length, 0, 0, 0, 0], payload].concat();
    match stream.try_write(&frame) {
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        _ => Ok(()),
    }
}
