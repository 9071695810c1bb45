//! What the binary does with bad input.

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

use crate::terminal::interrupt;

/// A token that no header can hold.
const BAD_TOKEN: &str = "s3cret\r\nX: y";

fn recorder(folder: &tempfile::TempDir, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wstape"))
        .args(arguments)
        .env("BAD_TOKEN", BAD_TOKEN)
        .current_dir(folder.path())
        .output()
        .expect("the binary runs")
}

/// A URL with secrets in it, where nobody listens.
const URL: &str = "ws://ada:pw@127.0.0.1:1/ws?key=s3cret";
/// The same kind of URL for `poll`.
const BASE_URL: &str = "http://ada:pw@127.0.0.1:1/?key=s3cret";

/// Checks that each of these commands prints its sentence, ends with 2 and writes nothing.
fn demand(table: &[(&[&str], &str)]) {
    for (arguments, sentence) in table {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("there"), "kept").expect("a file");
        let output = recorder(&folder, arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(sentence), "{arguments:?}: {said}");
        assert!(!said.contains("s3cret") && !said.contains("pw"), "{said}");
        assert!(output.stdout.is_empty());
        assert!(
            !folder.path().join("t").exists(),
            "{arguments:?} wrote something"
        );
        assert_eq!(
            fs::read(folder.path().join("there")).expect("still there"),
            b"kept"
        );
    }
}

#[test]
fn a_bad_tap_is_one_clear_sentence_with_status_2_and_nothing_written() {
    demand(&[
        (
            &["tap", "http://x/", "--out", "t"],
            "expected scheme ws or wss, found http",
        ),
        (
            &["tap", "nonsense", "--out", "t"],
            "invalid websocket url: relative URL without a base; expected one such as ws://127.0.0.1:8765/ws",
        ),
        (
            &["tap", URL, "--out", "no/t"],
            "no/t: No such file or directory",
        ),
        (
            &["tap", URL, "--out", "there", "--for", "1s"],
            "there exists; --force overwrites it",
        ),
        (
            &["tap", URL, "--out", "t", "--for", "soon"],
            "invalid value 'soon' for '--for",
        ),
        (
            &["tap", URL, "--out", "t", "--token-env", "NO_SUCH"],
            "this environment variable is not set",
        ),
        (
            &["tap", URL, "--out", "t", "--token-env", "BAD_TOKEN"],
            "invalid token: byte 7",
        ),
        (&["tap", URL], "--out <FILE>"),
        (&["tape"], "unrecognized subcommand 'tape'"),
    ]);
}

#[test]
fn a_bad_poll_is_one_clear_sentence_with_status_2_and_nothing_written() {
    demand(&[
        (
            &["poll", URL, "--out", "t"],
            "expected scheme http or https, found ws; record a WebSocket with",
        ),
        (
            &["poll", "nonsense", "--out", "t"],
            "invalid base URL: relative URL without a base; expected one such as \
             http://127.0.0.1:8765",
        ),
        (
            &["poll", BASE_URL, "--out", "t", "--every", "1ms"],
            "1ms: expected 10ms or longer between polls",
        ),
        (
            &["poll", BASE_URL, "--out", "t", "--token-env", "BAD_TOKEN"],
            "invalid token",
        ),
        (
            &["poll", BASE_URL, "--out", "there", "--for", "1s"],
            "there exists; --force overwrites it",
        ),
    ]);
}

#[test]
fn a_proxy_that_is_its_own_upstream_is_said_and_never_starts() {
    // A port that was free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    let addr = free.expect("a free port").to_string();
    let url = format!("ws://{addr}/ws");
    let arguments = ["proxy", "--listen", &addr, "--upstream", &url, "--out", "t"];
    demand(&[(&arguments, "that is this proxy itself")]);
}

#[test]
fn a_bad_proxy_is_one_clear_sentence_with_status_2_and_nothing_written() {
    demand(&[
        (
            &[
                "proxy",
                "--listen",
                "127.0.0.1:0",
                "--upstream",
                "http://x/",
                "--out",
                "t",
            ],
            "expected scheme ws or wss, found http",
        ),
        (
            &["proxy", "--listen", "here", "--upstream", URL, "--out", "t"],
            "invalid value 'here' for '--listen",
        ),
        (
            &[
                "proxy",
                "--listen",
                "192.0.2.1:1",
                "--upstream",
                URL,
                "--out",
                "t",
            ],
            "--listen 192.0.2.1:1: Cannot assign requested address",
        ),
        (
            &[
                "proxy",
                "--listen",
                "127.0.0.1:0",
                "--upstream",
                URL,
                "--out",
                "there",
            ],
            "there exists; --force overwrites it",
        ),
    ]);
}

#[test]
fn a_full_disk_is_said_with_status_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = recorder(
        &folder,
        &[
            "tap",
            "ws://127.0.0.1:1/ws",
            "--out",
            "/dev/full",
            "--force",
            "--for",
            "1s",
        ],
    );
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said.contains("/dev/full: No space left on device"),
        "{said}"
    );
}

#[test]
fn an_engine_that_is_not_there_is_polled_into_a_tape_that_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_wstape"));
    command.args(["poll", "http://127.0.0.1:1/base", "--every", "10ms"]);
    command.args(["--for", "10m", "--out", "t"]);
    command.current_dir(folder.path()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    // However slow the machine is: it is ended once the tape shows that it could not connect.
    let tape = folder.path().join("t");
    while !fs::read_to_string(&tape).is_ok_and(|text| text.contains("\"down\"")) {
        let ended = child.try_wait().expect("its state");
        assert_eq!(ended, None, "it ended before it recorded anything");
        std::thread::yield_now();
    }
    interrupt(&child);
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.starts_with("recorded 0 answers, 0 of them new, 1 outage in "),
        "{said}"
    );
    let sentence = "wstape: nothing could be read from http://127.0.0.1:1/base: ";
    assert!(said.contains(sentence), "{said}");
    let text = fs::read_to_string(tape).expect("a file");
    let tape = wstape_tape::Tape::parse("t", &text).expect("a tape");
    assert_eq!(
        tape.header.source.as_deref(),
        Some("http://127.0.0.1:1/base")
    );
    let keys: Vec<&str> = tape.steps.iter().map(wstape_tape::Step::key).collect();
    assert_eq!(keys, ["mark", "down", "end"], "{text}");
}

#[test]
fn a_tap_that_never_reached_its_engine_ends_with_1_and_a_whole_tape() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = recorder(&folder, &["tap", URL, "--for", "1ms", "--out", "t"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let sentence = "wstape: ws://127.0.0.1:1/ws was never reached: ";
    assert!(
        said.contains(sentence) && !said.contains("s3cret"),
        "{said}"
    );
    let tape = wstape_tape::Tape::load(folder.path().join("t")).expect("a tape");
    assert_eq!(tape.steps.last().map(wstape_tape::Step::key), Some("end"));
}

#[test]
fn a_bad_header_or_text_to_send_is_one_clear_sentence_with_status_2_and_nothing_written() {
    let tap = |name: &'static str, value: &'static str| ["tap", URL, "--out", "t", name, value];
    let table = [
        (tap("--header", "s3cret"), "--header: expected NAME: VALUE"),
        (
            tap("--header", "a b: c"),
            "header a b: this is not a valid header name",
        ),
        (
            tap("--header", "Upgrade: x"),
            "header Upgrade: the handshake sets this header itself",
        ),
        (
            tap("--subprotocol", "a b"),
            "a subprotocol's name is one word",
        ),
        (
            tap("--send", "@no-such-file"),
            "--send @no-such-file: No such file",
        ),
    ];
    for (arguments, sentence) in &table {
        demand(&[(arguments, sentence)]);
    }
}
