//! A server that runs in its own folder, and how a client reaches it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

pub(crate) const GOOD: &str = "{\"tape\":1}\n{\"on_connect\":\"each\",\"after_frames\":0,\"text\":\"hi\"}\n{\"at_ms\":1,\"end\":true}\n";

pub(crate) fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wstape"));
    command.current_dir(dir).arg("serve");
    command
}

pub(crate) fn run(dir: &Path, args: &[&str]) -> Output {
    command(dir).args(args).output().unwrap()
}

/// Makes a folder with a good tape, and one with a misspelt key.
pub(crate) fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("good.jsonl"), GOOD).unwrap();
    std::fs::write(
        dir.path().join("bad.jsonl"),
        "{\"tape\":1}\n{\"at_ms\":1,\"dorp\":\"fin\"}\n",
    )
    .unwrap();
    std::fs::write(dir.path().join("old.jsonl"), "kept\n").unwrap();
    std::fs::write(dir.path().join("feed.ndjson"), "{\"p\":1}\n").unwrap();
    dir
}

/// A running server that is killed when a test fails.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) out: BufReader<ChildStdout>,
    pub(crate) addr: String,
}

impl Running {
    pub(crate) fn start(dir: &Path, args: &[&str]) -> Self {
        Self::of(command(dir).args(args))
    }

    /// Starts a command that is complete.
    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let addr = line
            .trim_end()
            .strip_prefix("listening on ws://")
            .and_then(|rest| rest.strip_suffix("/ws"));
        let addr = addr.unwrap_or_else(|| panic!("{line:?}")).to_owned();
        Self { child, out, addr }
    }

    /// Upgrades and reads the first frame.
    pub(crate) fn greet(&self, headers: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.addr).unwrap();
        stream.write_all(&upgrade_request(headers)).unwrap();
        let mut got = Vec::new();
        while !got.ends_with(b"\x81\x02hi") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            got.push(byte[0]);
        }
        stream
    }

    /// Tells it to end, as Ctrl-C does.
    #[cfg(unix)]
    pub(crate) fn interrupt(&self) {
        let pid = self.child.id().to_string();
        let told = Command::new("kill").args(["-s", "INT", &pid]).status();
        assert!(told.unwrap().success());
    }

    /// Waits for the end; returns what else was printed, and the status.
    pub(crate) fn end(mut self) -> (String, String, Option<i32>) {
        let (mut out, mut err) = (String::new(), String::new());
        self.out.read_to_string(&mut out).unwrap();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut err)
            .unwrap();
        let status = self.child.wait().unwrap();
        (out, err, status.code())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // If the test went well, it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How long something that must come may take.
pub(crate) const BOUND: Duration = Duration::from_secs(20);

/// Serves for an hour unless it is ended earlier, with this as its standard input.
pub(crate) fn lasting(dir: &Path, stdin: Stdio, args: &[&str]) -> Running {
    let hour = GOOD.replace("\"at_ms\":1,", "\"at_ms\":3600000,");
    std::fs::write(dir.join("hour.jsonl"), hour).unwrap();
    let mut command = command(dir);
    command.args(["hour.jsonl", "--listen", "127.0.0.1:0"]);
    Running::of(command.args(args).stdin(stdin))
}

/// Returns an upgrade request with further header lines, each ended by CR LF.
pub(crate) fn upgrade_request(headers: &str) -> Vec<u8> {
    format!(
        "GET /ws HTTP/1.1\r\nHost: mock-engine\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
    .into_bytes()
}
