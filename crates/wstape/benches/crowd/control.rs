//! Requests to the control port.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// The longest that an answer is awaited.
const MAX_ANSWER: Duration = Duration::from_secs(30);

/// Returns how long an answer to `GET /v1/engine` takes, including the dial.
pub(crate) fn ask(addr: SocketAddr) -> io::Result<Duration> {
    let began = Instant::now();
    let mut stream = TcpStream::connect_timeout(&addr, MAX_ANSWER)?;
    stream.set_read_timeout(Some(MAX_ANSWER))?;
    write!(
        stream,
        "GET /v1/engine HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if !answer.starts_with("HTTP/1.1 200") {
        return Err(io::Error::other(answer));
    }
    Ok(began.elapsed())
}
