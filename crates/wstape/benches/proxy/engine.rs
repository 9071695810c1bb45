//! The sender: one connection, with frames as fast as possible or at intervals.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::events::{FRAME_BYTES, frames as frames_of};

/// The header that holds a handshake's key.
const KEY_HEADER: &str = "sec-websocket-key: ";
/// How long the subscriber has to be connected before the first frame is sent.
const SETTLE: Duration = Duration::from_millis(20);

/// The fewest different frames that are sent in rotation.
const MIN_DISTINCT_FRAMES: usize = 1 << 10;

/// How fast frames are sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// As fast as possible, this many per write.
    Full { batch: usize },
    /// One frame per interval.
    Each(Duration),
    /// Several frames in one write, at intervals.
    Batches {
        /// Frames per write.
        batch: usize,
        /// The time from one write to the next.
        pause: Duration,
    },
}

pub(crate) struct Engine {
    addr: SocketAddr,
    /// When each paced frame was sent.
    pub(crate) sent: Receiver<Instant>,
}

impl Engine {
    /// Accepts one connection, sends its frames, and closes.
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
    match pace {
        Pace::Full { batch } => send_batches(&mut stream, frames, batch, Duration::ZERO),
        Pace::Batches { batch, pause } => send_batches(&mut stream, frames, batch, pause),
        Pace::Each(pause) => {
            let bytes = frames_of(frames);
            let start = Instant::now();
            for (n, frame) in (0..).zip(bytes.chunks(FRAME_BYTES)) {
                let due = start + pause * n;
                thread::sleep(due.saturating_duration_since(Instant::now()));
                times.send(Instant::now()).expect("somebody compares");
                stream.write_all(frame).expect("a client that reads");
            }
        }
    }
    stream
        .write_all(b"\x88\x02\x03\xe8")
        .expect("a client that reads");
    // The subscriber ends the connection.
    let mut rest = Vec::new();
    let _ = std::io::Read::read_to_end(&mut reader, &mut rest);
}

/// Sends this many frames in writes of `batch` frames, `pause` apart.
fn send_batches(stream: &mut TcpStream, frames: usize, batch: usize, pause: Duration) {
    // Even with one frame per write, no two in a row are alike.
    let many = frames_of(batch.max(MIN_DISTINCT_FRAMES));
    let mut writes = many.chunks(batch * FRAME_BYTES).cycle();
    let mut left = frames;
    let mut due = Instant::now();
    while left > 0 {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        due += pause;
        let write = writes.next().expect("it goes on for ever");
        let now = left.min(write.len() / FRAME_BYTES);
        let sent = stream.write_all(&write[..now * FRAME_BYTES]);
        sent.expect("a client that reads");
        left -= now;
    }
}
