//! What sends: one connection, frames as fast as they go or one each so often.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::EVENT;

/// The header that a handshake's key stands in.
const KEY_HEADER: &str = "sec-websocket-key: ";
/// How long the subscriber has to be there before the first frame goes out.
const SETTLE: Duration = Duration::from_millis(20);

/// How fast frames are sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// As fast as they go, so many a write.
    Full { batch: usize },
    /// One each so often.
    Each(Duration),
    /// So many in one write, each so often.
    Batches {
        /// Frames a write.
        batch: usize,
        /// From one write to the next.
        pause: Duration,
    },
}

pub(crate) struct Engine {
    addr: SocketAddr,
    /// When each paced frame was sent.
    pub(crate) sent: Receiver<Instant>,
}

/// A server's frame around [`EVENT`].
pub(crate) fn frame() -> Vec<u8> {
    let len = u16::try_from(EVENT.len()).expect("a short event");
    let mut frame = vec![0x81, 126];
    frame.extend(len.to_be_bytes());
    frame.extend(EVENT.as_bytes());
    frame
}

impl Engine {
    /// Takes one connection, sends its frames, and closes.
    pub(crate) fn start(frames: usize, pace: Pace) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let addr = listener.local_addr().expect("it listens");
        let (times, sent) = channel();
        thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a client");
            serve(stream, frames, pace, &times);
        });
        Self { addr, sent }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }
}

fn serve(stream: TcpStream, frames: usize, pace: Pace, times: &Sender<Instant>) {
    stream.set_nodelay(true).expect("a socket");
    let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
    let mut key = String::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a request");
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if line.to_ascii_lowercase().starts_with(KEY_HEADER) {
            line[KEY_HEADER.len()..].trim().clone_into(&mut key);
        }
    }
    let mut stream = stream;
    let accept = derive_accept_key(key.as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).expect("a client");
    thread::sleep(SETTLE);
    let frame = frame();
    match pace {
        Pace::Full { batch } => send_batches(&mut stream, frames, batch, Duration::ZERO),
        Pace::Batches { batch, pause } => send_batches(&mut stream, frames, batch, pause),
        Pace::Each(pause) => {
            let start = Instant::now();
            for n in 0..u32::try_from(frames).expect("few frames") {
                let due = start + pause * n;
                thread::sleep(due.saturating_duration_since(Instant::now()));
                times.send(Instant::now()).expect("somebody compares");
                stream.write_all(&frame).expect("a client that reads");
            }
        }
    }
    stream
        .write_all(b"\x88\x02\x03\xe8")
        .expect("a client that reads");
    // The subscriber ends it.
    let mut rest = Vec::new();
    let _ = std::io::Read::read_to_end(&mut reader, &mut rest);
}

/// So many frames, so many a write, the writes that far apart.
fn send_batches(stream: &mut TcpStream, frames: usize, batch: usize, pause: Duration) {
    let frame = frame();
    let many = frame.repeat(batch);
    let mut left = frames;
    let mut due = Instant::now();
    while left > 0 {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        due += pause;
        let now = left.min(batch);
        let sent = stream.write_all(&many[..now * frame.len()]);
        sent.expect("a client that reads");
        left -= now;
    }
}
