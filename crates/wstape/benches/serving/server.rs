//! A server under measurement: a process that prints where it listens.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What a server prints first.
const LISTENING: &str = "listening on ws://";

/// A handshake with a fixed key, and what ends its answer.
const HANDSHAKE: &str = "GET / HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const HEAD_END: &[u8] = b"\r\n\r\n";

/// The longest that a server may leave a client without a byte.
const SILENCE: Duration = Duration::from_secs(30);

/// Returns the command for a program on one core, if there is a `taskset` to pin it.
pub(crate) fn on_core(core: &str, program: OsString) -> Command {
    let has_taskset = Command::new("taskset")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if has_taskset.is_err() {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", core]).arg(program);
    command
}

/// A process that listens; dropping this value ends it.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    addr: String,
}

/// What a server did, and how long it took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Did {
    pub(crate) count: usize,
    pub(crate) took: Duration,
    /// The server's processor time, in seconds.
    pub(crate) processor: f64,
}

impl Server {
    /// Starts a server; `None` if it does not start.
    pub(crate) fn start(mut command: Command) -> Option<Self> {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut first = String::new();
        let stdout = child.stdout.take()?;
        BufReader::new(stdout).read_line(&mut first).ok()?;
        let addr = first.trim().strip_prefix(LISTENING);
        let addr = addr.map(|addr| addr.split('/').next().unwrap_or_default().to_owned());
        let Some(addr) = addr else {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        };
        Some(Self { child, addr })
    }

    /// Opens a WebSocket to it; everything that it sends after its answer is still to be read.
    pub(crate) fn dial(&self) -> TcpStream {
        let mut stream = TcpStream::connect(&self.addr).expect("it listens");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(SILENCE)).expect("a socket");
        stream.write_all(HANDSHAKE.as_bytes()).expect("it reads");
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(HEAD_END) {
            stream.read_exact(&mut byte).expect("an answer");
            head.extend(byte);
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "an upgrade");
        stream
    }

    /// Measures the server while `work` runs, which returns how much was done.
    pub(crate) fn measure(&self, work: impl FnOnce() -> usize) -> Did {
        let before = self.processor();
        let start = Instant::now();
        let count = work();
        Did {
            count,
            took: start.elapsed(),
            processor: self.processor() - before,
        }
    }

    /// Returns its processor time so far, in seconds (`proc_pid_stat(5)`, fields 14 and 15).
    fn processor(&self) -> f64 {
        /// The ticks per second in which Linux reports times.
        const TICKS: f64 = 100.0;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        let stat = stat.unwrap_or_default();
        let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
        let mut fields = fields
            .split(' ')
            .skip(11)
            .map(|field| field.parse().unwrap_or(0.0));
        let mut next = || -> f64 { fields.next().unwrap_or_default() };
        (next() + next()) / TICKS
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Did {
    #[expect(clippy::cast_precision_loss, reason = "a rate to show")]
    pub(crate) fn rate(&self) -> f64 {
        self.count as f64 / self.took.as_secs_f64()
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate to show")]
    pub(crate) fn per_processor(&self) -> f64 {
        self.count as f64 / self.processor
    }
}
