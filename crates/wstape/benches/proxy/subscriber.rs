//! The receiver, which takes the time.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::engine::Engine;
use crate::events::FRAME_BYTES;
use crate::latencies::Latencies;

/// The longest that a read may take.
const READ_TIMEOUT: Duration = Duration::from_mins(1);
/// The most bytes read at once.
const READ_BYTES: usize = 256 << 10;
/// The size of the engine's Close, in bytes.
const CLOSE_BYTES: usize = 4;

/// Dials and upgrades; returns the stream at the first frame, and what was read of the frames.
fn connect(addr: SocketAddr) -> (TcpStream, Vec<u8>) {
    let mut stream = TcpStream::connect(addr).expect("somebody listens");
    stream.set_nodelay(true).expect("a socket");
    let timeout = stream.set_read_timeout(Some(READ_TIMEOUT));
    timeout.expect("a socket");
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: {addr}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("an engine");
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        let len = stream.read(&mut buffer).expect("an answer");
        assert!(len > 0, "no answer: {}", head.escape_ascii());
        head.extend(&buffer[..len]);
        if let Some(at) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            let first = head.split_off(at + 4);
            assert!(
                head.starts_with(b"HTTP/1.1 101 "),
                "{}",
                head.escape_ascii()
            );
            return (stream, first);
        }
    }
}

/// Returns the time from the first byte of this many frames to the last.
pub(crate) fn throughput(addr: SocketAddr, frames: usize) -> Duration {
    let (mut stream, first) = connect(addr);
    let total = frames * FRAME_BYTES;
    let mut buffer = vec![0; READ_BYTES];
    let mut have = first.len();
    let mut start = None;
    while have < total {
        let len = stream.read(&mut buffer).expect("frames");
        assert!(len > 0, "{have} of {total} bytes");
        start.get_or_insert_with(Instant::now);
        have += len;
    }
    assert!(have <= total + CLOSE_BYTES, "more than was sent");
    start.map_or(Duration::ZERO, |start| start.elapsed())
}

/// Returns the time from when each frame was sent until its last byte arrived, in nanoseconds.
pub(crate) fn latency(addr: SocketAddr, frames: usize, engine: &Engine) -> Latencies {
    let (mut stream, mut have) = connect(addr);
    let mut buffer = vec![0; READ_BYTES];
    let mut seen = Latencies::default();
    for nth in 0..frames {
        while have.len() < FRAME_BYTES {
            let read = stream.read(&mut buffer).expect("frames");
            assert!(read > 0, "{nth} of {frames} frames");
            have.extend(&buffer[..read]);
        }
        have.drain(..FRAME_BYTES);
        let sent = engine.sent.recv().expect("it was sent");
        let took = u64::try_from(sent.elapsed().as_nanos()).unwrap_or(u64::MAX);
        seen.record(took);
    }
    seen
}
