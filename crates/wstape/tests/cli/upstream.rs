//! `wstape serve --upstream`: a real engine behind the port, played by another `wstape serve`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use wstape_tape::{Action, End, ReceivedKind, Tape};

/// The longest that a read may take; one that takes longer has failed.
const BOUND: Duration = Duration::from_secs(20);

const REAL: &str = r#"{"tape":1}
{"on_connect":"each","after_frames":0,"text":"hi"}
"#;

/// The request, and the head that must result from it.
const REQUEST: &str = "GET /stream?token=s3cr3t HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

fn serve(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wstape"));
    command.current_dir(dir).arg("serve");
    command
}

/// A running server, killed when a test fails.
struct Running {
    child: Child,
    url: String,
}

impl Running {
    fn start(dir: &Path, args: &[&str]) -> Self {
        let mut command = serve(dir);
        command.args(args).args(["--listen", "127.0.0.1:0"]);
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().expect("it starts");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        out.read_line(&mut line).expect("a line");
        let url = line.trim_end().strip_prefix("listening on ");
        let url = url.unwrap_or_else(|| panic!("{line:?}")).to_owned();
        Self { child, url }
    }

    fn addr(&self) -> &str {
        let (_, rest) = self.url.split_once("://").expect("a URL");
        rest.split('/').next().expect("an address")
    }

    fn dial(&self) -> TcpStream {
        let mut stream = TcpStream::connect(self.addr()).expect("it listens");
        stream.set_read_timeout(Some(BOUND)).expect("a socket");
        stream.write_all(REQUEST.as_bytes()).expect("it takes it");
        stream
    }

    /// Ends it as Ctrl-C does; returns what it said, and its status.
    fn end(mut self) -> (String, Option<i32>) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process"), Signal::INT).expect("it runs");
        let mut said = String::new();
        let mut err = self.child.stderr.take().expect("a pipe");
        err.read_to_string(&mut said).expect("text");
        (said, self.child.wait().expect("a status").code())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // If the test went well, it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads until the bytes end with `end`.
fn reads(stream: &mut TcpStream, end: &[u8]) -> Vec<u8> {
    let mut got = Vec::new();
    while !got.ends_with(end) {
        let mut byte = [0];
        stream
            .read_exact(&mut byte)
            .unwrap_or_else(|error| panic!("{error} behind {got:?}"));
        got.push(byte[0]);
    }
    got
}

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, text) in [
        ("real.jsonl", REAL),
        (
            "drop.jsonl",
            "{\"tape\":1}\n{\"on_connect\":1,\"after_received\":1,\"drop\":\"reset\"}\n",
        ),
        (
            "accept.jsonl",
            "{\"tape\":1}\n{\"on_connect\":\"each\",\"accept\":{\"token\":\"t\"}}\n",
        ),
        (
            "two.jsonl",
            "{\"tape\":1}\n{\"at_ms\":1,\"engine\":\"a\",\"drop\":\"fin\"}\n\
             {\"at_ms\":1,\"engine\":\"b\",\"drop\":\"fin\"}\n",
        ),
        ("old.jsonl", "kept\n"),
    ] {
        std::fs::write(dir.path().join(name), text).expect("a file");
    }
    dir
}

#[test]
fn a_real_engine_over_tls_is_reached_by_the_authority_that_is_named_and_by_no_other() {
    let dir = folder();
    let tls = ["real.jsonl", "--tls", "--tls-ca", "ca.pem"];
    let real = Running::start(dir.path(), &tls);
    let url = format!("wss://{}/", real.addr());
    let between = Running::start(dir.path(), &["--upstream", &url, "--upstream-ca", "ca.pem"]);
    let mut client = between.dial();
    reads(&mut client, b"\x81\x02hi");
    drop(client);
    let (said, status) = between.end();
    assert_eq!(status, Some(0), "{said}");

    let refused = |ca: &[&str]| {
        let mut command = serve(dir.path());
        command.args(["--listen", "127.0.0.1:0", "--upstream", &url]);
        let done = command.args(ca).output().expect("it starts");
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(2), "{said}");
        said
    };
    let said = refused(&[]);
    assert!(
        said.contains("--upstream-ca FILE names the CA to trust"),
        "{said}"
    );
    let said = refused(&["--upstream-ca", "old.jsonl"]);
    assert!(said.contains("old.jsonl: no certificate in it"), "{said}");
    let said = refused(&["--upstream-ca", "none.pem"]);
    assert!(said.contains("none.pem: "), "{said}");
}

#[test]
fn a_real_engines_traffic_passes_under_an_overlay_and_is_recorded_without_it() {
    let dir = folder();
    let real = Running::start(dir.path(), &["real.jsonl"]);
    let upstream = format!("ws://{}/stream", real.addr());
    let args = [
        "--upstream",
        &upstream,
        "--overlay",
        "drop.jsonl",
        "--record",
        "tape.jsonl",
    ];
    let between = Running::start(dir.path(), &args);
    assert!(between.url.ends_with("/stream"), "{}", between.url);

    let mut first = between.dial();
    reads(&mut first, b"\x81\x02hi");
    first.write_all(b"\x81\x82\0\0\0\0yo").expect("it takes it");
    let reset = first.read(&mut [0]).expect_err("the overlay's drop");
    assert_eq!(reset.kind(), std::io::ErrorKind::ConnectionReset);
    let mut second = between.dial();
    reads(&mut second, b"\x81\x02hi");
    // The answer shows that the client's end was seen, so Ctrl-C can't come before it.
    second.shutdown(Shutdown::Write).expect("it can end");
    assert_eq!(second.read(&mut [0]).expect("the answer"), 0);

    let (said, status) = between.end();
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("recorded "), "{said}");
    let text = std::fs::read_to_string(dir.path().join("tape.jsonl")).expect("a tape");
    assert!(!text.contains("s3cr3t"), "{text}");
    let tape = Tape::parse("tape", &text).expect("a tape");
    let has = |wanted: &dyn Fn(&Action) -> bool| {
        tape.steps
            .iter()
            .filter(|step| wanted(&step.action))
            .count()
    };
    assert_eq!(
        has(&|action| matches!(action, Action::Accept(Some(_)))),
        2,
        "{text}"
    );
    assert_eq!(
        has(&|action| *action == Action::Text("hi".into())),
        2,
        "{text}"
    );
    assert_eq!(
        has(&|action| *action == Action::Drop(End::Reset)),
        1,
        "{text}"
    );
    let fin =
        |action: &Action| matches!(action, Action::Received(r) if r.kind == ReceivedKind::Fin);
    assert_eq!(has(&fin), 1, "{text}");
}

#[test]
fn what_a_real_engine_cannot_be_served_with_is_one_sentence_and_status_2() {
    let dir = folder();
    let upstream = ["--upstream", "ws://127.0.0.1:9"];
    let table: &[(&[&str], &str)] = &[
        (
            &["--overlay", "accept.jsonl"],
            "accept.jsonl:2: this step can't be laid over a real engine: `accept`",
        ),
        (&["--overlay", "accept.jsonl", "--check"], "accept.jsonl:2:"),
        (&["--overlay", "two.jsonl"], "the overlays name 2 engines"),
        (&["--overlay", "missing.jsonl"], "missing.jsonl"),
        (&["--speed", "2"], "--speed"),
        (&["--ts", "shift"], "--ts"),
        (&["--token", "t"], "--token"),
        (&["real.jsonl"], "cannot be used with"),
        (&["--record", "old.jsonl"], "old.jsonl"),
    ];
    for (args, expected) in table {
        refused(dir.path(), &[&upstream[..], args].concat(), expected);
    }
    refused(
        dir.path(),
        &["--upstream", "http://127.0.0.1:9"],
        "--upstream http://127.0.0.1:9: ",
    );
    refused(
        dir.path(),
        &["--record", "new.jsonl", "real.jsonl"],
        "cannot be used with",
    );
    refused(dir.path(), &[], "<TAPE>");
    refused(
        dir.path(),
        &[],
        "\n       wstape serve [OPTIONS] --upstream <URL>",
    );
    // Options that only suit a real engine ask for one, and not for a tape.
    for option in [
        &["--record", "new.jsonl"] as &[&str],
        &["--toxiproxy", "127.0.0.1:0"],
        &["--rewrite-host"],
        &["--upstream-ca", "ca.pem"],
    ] {
        refused(dir.path(), option, "not provided:\n  --upstream <URL>\n\n");
    }
    assert_eq!(
        std::fs::read_to_string(dir.path().join("old.jsonl")).expect("a file"),
        "kept\n"
    );
}

#[test]
fn an_upstream_that_is_the_port_itself_is_refused() {
    let dir = folder();
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = free.local_addr().expect("an address").to_string();
    drop(free);
    let upstream = format!("ws://{addr}");
    refused(
        dir.path(),
        &["--listen", &addr, "--upstream", &upstream],
        "that is this port itself",
    );
}

/// Runs it to its end, which must be status 2 after this message.
fn refused(dir: &Path, args: &[&str], expected: &str) {
    let Output { status, stderr, .. } = serve(dir).args(args).output().expect("it runs");
    let err = String::from_utf8(stderr).expect("text");
    assert_eq!(status.code(), Some(2), "{args:?}: {err}");
    assert!(err.contains(expected), "{args:?}: {err}");
}
