//! `wstape proxy` on real sockets: how connections end, what it reports, and its exit status.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use wstape_tape::{Action, End, ReceivedKind, Step, Tape};

/// The longest that a read or an accept may take; one that takes longer has failed.
const BOUND: Duration = Duration::from_secs(20);
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// A running `wstape proxy`.
struct Proxy {
    child: Child,
    addr: SocketAddr,
    tape: PathBuf,
    _folder: TempDir,
    _out: BufReader<ChildStdout>,
}

/// How a proxy ended.
struct Ended {
    status: Option<i32>,
    said: String,
    steps: Vec<Step>,
}

impl Proxy {
    fn before(upstream: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let tape = folder.path().join("t.jsonl");
        let mut child = Command::new(env!("CARGO_BIN_EXE_wstape"))
            .args([
                "proxy",
                "--listen",
                "127.0.0.1:0",
                "--upstream",
                upstream,
                "--out",
            ])
            .arg(&tape)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        out.read_line(&mut line).expect("a line");
        let addr = line.trim_end().strip_prefix("listening on ws://");
        Self {
            addr: addr.expect("the first line").parse().expect("an address"),
            child,
            tape,
            _folder: folder,
            _out: out,
        }
    }

    fn dial(&self) -> TcpStream {
        let stream = TcpStream::connect(self.addr).expect("it listens");
        stream.set_read_timeout(Some(BOUND)).expect("a socket");
        stream
    }

    /// Waits until the tape has a step of that kind.
    fn has(&self, wanted: impl Fn(&Action) -> bool) {
        let start = std::time::Instant::now();
        while start.elapsed() < BOUND {
            let text = fs::read_to_string(&self.tape).expect("a tape");
            if let Ok(tape) = Tape::parse("t", &text)
                && tape.steps.iter().any(|step| wanted(&step.action))
            {
                return;
            }
            std::thread::yield_now();
        }
        panic!("{}", fs::read_to_string(&self.tape).expect("a tape"));
    }

    fn end(mut self) -> Ended {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("it runs");
        let mut said = String::new();
        let mut err = self.child.stderr.take().expect("a pipe");
        err.read_to_string(&mut said).expect("text");
        let status = self.child.wait().expect("it ends").code();
        let tape = Tape::load(&self.tape).expect("a good tape");
        assert_eq!(tape.steps.last().map(Step::key), Some("end"));
        Ended {
            status,
            said,
            steps: tape.steps,
        }
    }
}

fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("ws://{}/ws", listener.local_addr().expect("it listens"));
    (listener, url)
}

fn ask(stream: &mut TcpStream) {
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\
         Sec-WebSocket-Protocol: v2.engine\r\nAuthorization: Bearer t0k3nOfAda-0123\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("it is taken");
}

fn head(stream: &mut TcpStream) -> String {
    stream.set_read_timeout(Some(BOUND)).expect("a socket");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a head");
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("text")
}

/// Returns a client and an engine with an upgraded connection between them, through a proxy.
fn upgraded() -> (Proxy, TcpStream, TcpStream) {
    let (listener, url) = listener();
    let proxy = Proxy::before(&url);
    let mut client = proxy.dial();
    ask(&mut client);
    let (mut engine, _) = listener.accept().expect("the proxy dials");
    let asked = head(&mut engine);
    assert!(
        asked.contains("Authorization: Bearer t0k3nOfAda-0123\r\n"),
        "as it came: {asked}"
    );
    assert!(asked.contains("Host: engine\r\n"));
    let accept = derive_accept_key(KEY.as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: v2.engine\r\n\r\n"
    );
    engine.write_all(answer.as_bytes()).expect("it is taken");
    assert_eq!(head(&mut client), answer, "as it came");
    (proxy, client, engine)
}

/// Returns what is read until the end, and whether that was a reset.
fn to_the_end(stream: &mut TcpStream) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    let reset = match stream.read_to_end(&mut bytes) {
        Ok(_) => false,
        Err(error) => {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
            true
        }
    };
    (bytes, reset)
}

fn reset(stream: TcpStream) {
    let socket = rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO));
    socket.expect("a socket");
    drop(stream);
}

#[test]
fn a_fin_of_the_engine_is_one_to_the_client_and_half_of_the_stream_stays() {
    let (proxy, mut client, mut engine) = upgraded();
    engine.write_all(b"\x81\x02hi").expect("it is taken");
    engine
        .shutdown(std::net::Shutdown::Write)
        .expect("a socket");
    assert_eq!(to_the_end(&mut client), (b"\x81\x02hi".to_vec(), false));
    // The other direction goes on.
    client.write_all(b"\x81\x81\0\0\0\0x").expect("it is taken");
    client
        .shutdown(std::net::Shutdown::Write)
        .expect("a socket");
    assert_eq!(
        to_the_end(&mut engine),
        (b"\x81\x81\0\0\0\0x".to_vec(), false)
    );
    let ended = proxy.end();
    let keys: Vec<_> = ended.steps.iter().map(Step::key).collect();
    let expected = [
        "answers", "received", "accept", "text", "drop", "received", "received", "end",
    ];
    assert_eq!(
        (ended.status, &keys[..]),
        (Some(0), &expected[..]),
        "{}",
        ended.said
    );
    assert!(
        ended
            .steps
            .iter()
            .any(|step| step.action == Action::Drop(End::Fin))
    );
}

#[test]
fn a_reset_of_the_engine_is_one_to_the_client() {
    let (proxy, mut client, engine) = upgraded();
    reset(engine);
    assert!(to_the_end(&mut client).1);
    let ended = proxy.end();
    assert!(
        ended
            .steps
            .iter()
            .any(|step| step.action == Action::Drop(End::Reset))
    );
}

#[test]
fn a_reset_of_the_client_is_one_to_the_engine() {
    let (proxy, client, mut engine) = upgraded();
    reset(client);
    assert!(to_the_end(&mut engine).1);
    let ended = proxy.end();
    let is_reset = |step: &Step| matches!(&step.action, Action::Received(what) if what.kind == ReceivedKind::Reset);
    assert!(ended.steps.iter().any(is_reset));
}

#[test]
fn an_engine_that_is_not_there_is_a_reset_and_a_sentence() {
    let (listener, url) = listener();
    drop(listener);
    let proxy = Proxy::before(&url.replace("ws://", "ws://ada:not-for-eyes@"));
    let mut client = proxy.dial();
    assert!(to_the_end(&mut client).1);
    proxy.has(|action| matches!(action, Action::Mark(_)));
    let ended = proxy.end();
    let sentence = "connection 1: reset, because the engine could not be reached: connection \
                    refused";
    assert!(ended.said.contains(sentence), "{}", ended.said);
    assert!(!ended.said.contains("not-for-eyes"));
    assert_eq!(ended.status, Some(0));
}

#[test]
fn an_upstream_that_is_no_websocket_is_said_with_status_2() {
    let (listener, url) = listener();
    let proxy = Proxy::before(&url);
    let mut client = proxy.dial();
    ask(&mut client);
    let (mut engine, _) = listener.accept().expect("the proxy dials");
    head(&mut engine);
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    engine.write_all(answer.as_bytes()).expect("it is taken");
    drop(engine);
    assert_eq!(to_the_end(&mut client).0, answer.as_bytes());
    let ended = proxy.end();
    assert_eq!(ended.status, Some(2));
    assert!(
        ended
            .said
            .contains("does not speak WebSocket: it answered 1 handshakes"),
        "{}",
        ended.said
    );
}

#[test]
fn an_upstream_whose_tls_fails_is_said_before_anybody_can_dial() {
    let (listener, url) = listener();
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the proxy looks");
        stream
            .write_all(b"HTTP/1.1 400 No\r\n\r\n")
            .expect("it is taken");
        to_the_end(&mut stream)
    });
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_wstape"))
        .args([
            "proxy",
            "--listen",
            "127.0.0.1:0",
            "--out",
            "t",
            "--upstream",
        ])
        .arg(url.replace("ws://", "wss://ada:pw@"))
        .current_dir(folder.path())
        .output()
        .expect("it runs");
    answering.join().expect("it answers");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.starts_with("wstape: wss://127.0.0.1:") && said.contains("tls failed"),
        "{said}"
    );
    assert!(!said.contains("pw") && output.stdout.is_empty());
    assert!(!folder.path().join("t").exists());
}

#[test]
fn a_stuck_client_holds_up_nobody_else() {
    let (listener, url) = listener();
    let proxy = Proxy::before(&url);
    let accept = || {
        let mut client = proxy.dial();
        ask(&mut client);
        let (mut engine, _) = listener.accept().expect("the proxy dials");
        head(&mut engine);
        let answer = "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\n\r\n";
        engine.write_all(answer.as_bytes()).expect("it is taken");
        (client, engine)
    };
    let (_stuck, mut flooding) = accept();
    // As much as the sockets in between take.
    flooding.set_nonblocking(true).expect("a socket");
    let mut flood = vec![0x82, 126, 0xff, 0xff];
    flood.resize(flood.len() + 65_535, 0);
    while flooding.write(&flood).is_ok() {}
    let (mut client, mut engine) = accept();
    head(&mut client);
    engine.write_all(b"\x81\x02hi").expect("it is taken");
    let mut got = [0; 4];
    client.read_exact(&mut got).expect("it comes through");
    assert_eq!(&got, b"\x81\x02hi");
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It has usually ended by now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
