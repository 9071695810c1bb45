//! The binary: what it prints, what it refuses, how it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

const GOOD: &str = "{\"tape\":1}\n{\"on_connect\":\"each\",\"after_frames\":0,\"text\":\"hi\"}\n{\"at_ms\":1,\"end\":true}\n";

fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wstape"));
    command.current_dir(dir).arg("serve");
    command
}

fn run(dir: &Path, args: &[&str]) -> Output {
    command(dir).args(args).output().unwrap()
}

/// A folder with a good tape and one with a misspelt key.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("good.jsonl"), GOOD).unwrap();
    std::fs::write(
        dir.path().join("bad.jsonl"),
        "{\"tape\":1}\n{\"at_ms\":1,\"dorp\":\"fin\"}\n",
    )
    .unwrap();
    std::fs::write(dir.path().join("old.jsonl"), "kept\n").unwrap();
    dir
}

/// A running server that is killed when a test fails.
struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
    addr: String,
}

impl Running {
    fn start(dir: &Path, args: &[&str]) -> Self {
        Self::of(command(dir).args(args))
    }

    /// Of a command that is all set.
    fn of(command: &mut Command) -> Self {
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
    fn greet(&self, headers: &str) -> TcpStream {
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

    /// Waits for the end; returns what else was printed, and the status.
    fn end(mut self) -> (String, String, Option<i32>) {
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
        // Gone already where the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn bad_input_is_one_clear_sentence_and_status_2_and_writes_nothing() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let table: &[(&[&str], &str)] = &[
        (&["good.jsonl", "--listen", &taken], "the port is taken"),
        (
            &["good.jsonl", "--listen", "203.0.113.1:0"],
            "the address is not this machine's",
        ),
        (
            &["good.jsonl", "--listen", "nonsense"],
            "invalid value 'nonsense' for '--listen <ADDR>'",
        ),
        (
            &["good.jsonl", "--speed", "fast"],
            "a speed is `max` or a number",
        ),
        (
            &["good.jsonl", "--speed", "0"],
            "a speed is `max` or a number",
        ),
        (
            &["good.jsonl", "--time", "/T"],
            "--time says where the time stands that --ts shift moves; add --ts shift",
        ),
        (
            &["good.jsonl", "--ts", "keep", "--time", "/T", "--check"],
            "--time says where the time stands that --ts shift moves; add --ts shift",
        ),
        (
            &["good.jsonl", "--ts", "shift", "--time", "T"],
            "did you mean \"/T\"?",
        ),
        (&["missing.jsonl"], "missing.jsonl"),
        (&["bad.jsonl"], "bad.jsonl:2:"),
        (
            &["good.jsonl", "--overlay", "bad.jsonl"],
            "unknown key \"dorp\"",
        ),
        (
            &["good.jsonl", "--token-env", "MOCK_ENGINE_NO_SUCH_VARIABLE"],
            "MOCK_ENGINE_NO_SUCH_VARIABLE is not set",
        ),
        (
            &["good.jsonl", "--token", "two words"],
            "the token must be visible ASCII",
        ),
        (
            &["good.jsonl", "--journal", "old.jsonl"],
            "old.jsonl exists; --force overwrites it",
        ),
        (
            &["good.jsonl", "--journal", "no/such/dir.jsonl"],
            "cannot write the journal no/such/dir.jsonl",
        ),
        (
            &["good.jsonl", "--journal", "new.jsonl", "--listen", &taken],
            "the port is taken",
        ),
        (
            &[
                "good.jsonl",
                "--journal",
                "old.jsonl",
                "--force",
                "--listen",
                &taken,
            ],
            "the port is taken",
        ),
        (&["bad.jsonl", "--journal", "new.jsonl"], "dorp"),
        (&["good.jsonl", "--force"], "--journal"),
        (&["good.jsonl", "--loop", "--exit"], "--exit"),
    ];
    let dir = folder();
    for (args, expected) in table {
        let output = run(dir.path(), args);
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {err}");
        assert!(err.contains(expected), "{args:?}: {err}");
        assert!(output.stdout.is_empty(), "{args:?}");
        assert!(
            !dir.path().join("new.jsonl").exists(),
            "{args:?} wrote a journal"
        );
        assert_eq!(
            std::fs::read_to_string(dir.path().join("old.jsonl")).unwrap(),
            "kept\n",
            "{args:?}"
        );
    }
}

#[test]
fn it_serves_a_tape_and_ends_with_it_where_told_so() {
    let dir = folder();
    let args = [
        "good.jsonl",
        "--listen",
        "127.0.0.1:0",
        "--exit",
        "--journal",
        "old.jsonl",
        "--force",
        "--token",
        "t0k",
    ];
    let running = Running::start(dir.path(), &args);
    let _client = running.greet("Authorization: Bearer t0k\r\n");
    let (out, err, status) = running.end();
    assert_eq!((out.as_str(), err.as_str(), status), ("", "", Some(0)));
    let journal = std::fs::read_to_string(dir.path().join("old.jsonl")).unwrap();
    let kinds: Vec<&str> = journal
        .lines()
        .filter_map(|line| line.split(r#""kind":""#).nth(1)?.split('"').next())
        .collect();
    assert!(
        kinds.starts_with(&["began", "accepted", "request", "upgraded"]) && kinds.contains(&"end"),
        "{journal}"
    );
    assert!(!journal.contains("t0k"));
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_cleanly_with_a_fin_to_its_clients() {
    for signal in ["INT", "TERM"] {
        let dir = folder();
        std::fs::write(dir.path().join("good.jsonl"), "{\"tape\":1}\n{\"on_connect\":\"each\",\"after_frames\":0,\"text\":\"hi\"}\n{\"at_ms\":3600000,\"end\":true}\n").unwrap();
        let running = Running::start(dir.path(), &["good.jsonl", "--listen", "127.0.0.1:0"]);
        let mut client = running.greet("");
        let pid = running.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", signal, &pid])
                .status()
                .unwrap()
                .success()
        );
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"");
        drop(client);
        assert_eq!(running.end().2, Some(0), "{signal}");
    }
}

/// How long something may take that must come.
const BOUND: Duration = Duration::from_secs(20);

/// Serves for an hour unless it is ended, with this as its standard input.
fn lasting(dir: &Path, stdin: Stdio, args: &[&str]) -> Running {
    let hour = GOOD.replace("\"at_ms\":1,", "\"at_ms\":3600000,");
    std::fs::write(dir.join("hour.jsonl"), hour).unwrap();
    let mut command = command(dir);
    command.args(["hour.jsonl", "--listen", "127.0.0.1:0"]);
    Running::of(command.args(args).stdin(stdin))
}

#[test]
fn it_ends_with_standard_input_where_told_so_and_not_by_what_comes_there() {
    let dir = folder();
    let mut running = lasting(dir.path(), Stdio::piped(), &["--exit-with-stdin"]);
    let mut held = running.child.stdin.take().unwrap();
    held.write_all(b"no end\n").unwrap();
    held.flush().unwrap();
    let mut client = running.greet("");
    drop(held);
    client.set_read_timeout(Some(BOUND)).unwrap();
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).unwrap();
    drop(client);
    let (out, err, status) = running.end();
    assert_eq!((out.as_str(), err.as_str(), status), ("", "", Some(0)));
}

#[test]
fn an_end_of_standard_input_is_nothing_where_nobody_told_it_so() {
    let dir = folder();
    let mut running = lasting(dir.path(), Stdio::null(), &["--control", "127.0.0.1:0"]);
    let mut control = String::new();
    running.out.read_line(&mut control).unwrap();
    let control = control
        .trim_end()
        .strip_prefix("control on http://")
        .unwrap();
    drop(running.greet(""));
    // It still answers, and ends as it is told to.
    let mut stream = TcpStream::connect(control).unwrap();
    let end = format!("POST /v1/end HTTP/1.1\r\nHost: {control}\r\nConnection: close\r\n\r\n");
    stream.write_all(end.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(running.end().2, Some(0));
}

#[test]
fn a_torn_tape_is_reported_when_its_end_is_reached() {
    let dir = folder();
    std::fs::write(
        dir.path().join("torn.jsonl"),
        "{\"tape\":1}\n{\"at_ms\":1,\"mark\":\"a\"}\n{\"at_ms\":2,\"ma",
    )
    .unwrap();
    let running = Running::start(
        dir.path(),
        &[
            "torn.jsonl",
            "--listen",
            "127.0.0.1:0",
            "--start",
            "now",
            "--exit",
        ],
    );
    let (_, err, status) = running.end();
    assert_eq!(
        (err.as_str(), status),
        (
            "the tape is torn at line 3: what comes before it was played\n",
            Some(0)
        )
    );
}

#[test]
fn a_bad_step_further_on_is_told_with_its_place_before_anyone_can_connect() {
    let dir = folder();
    std::fs::write(dir.path().join("late.jsonl"), "{\"tape\":1}\n{\"at_ms\":1,\"mark\":\"a\"}\n{\"at_ms\":2,\"mark\":\"b\"}\n{\"at_ms\":3,\"dorp\":1}\n").unwrap();
    for args in [
        &["late.jsonl", "--listen", "127.0.0.1:0"][..],
        &[
            "good.jsonl",
            "--overlay",
            "late.jsonl",
            "--listen",
            "127.0.0.1:0",
        ],
    ] {
        let output = run(dir.path(), args);
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(err.contains("late.jsonl:4:"), "{err}");
        assert_eq!(output.status.code(), Some(2), "{err}");
        assert!(output.stdout.is_empty(), "it never listened");
    }
}

/// An upgrade request with further header lines, each ended by CR LF.
fn upgrade_request(headers: &str) -> Vec<u8> {
    format!(
        "GET /ws HTTP/1.1\r\nHost: mock-engine\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
    .into_bytes()
}

#[test]
fn an_expectation_that_nobody_met_is_said_as_a_person_writes_it_and_ends_it_with_status_1() {
    let dir = folder();
    let table = [
        (r#"{"kind":"ping"}"#, "a Ping"),
        (r#"{"kind":"text","text":"sub"}"#, "a Text \"sub\""),
        (
            r#"{"kind":"close","code":1000,"reason":"bye"}"#,
            "a Close 1000 \"bye\"",
        ),
        (
            r#"{"kind":"binary","binary":"AAEC"}"#,
            "a Binary of 3 bytes (base64 AAEC)",
        ),
    ];
    for (wanted, said) in table {
        let tape = format!(
            "{{\"tape\":1}}\n{{\"at_ms\":1,\"expect\":{{\"after_ms\":20,\"received\":{wanted}}}}}\n"
        );
        std::fs::write(dir.path().join("demand.jsonl"), tape).unwrap();
        let args = [
            "demand.jsonl",
            "--listen",
            "127.0.0.1:0",
            "--start",
            "now",
            "--exit",
        ];
        let (_, err, status) = Running::start(dir.path(), &args).end();
        let expected = format!("demand.jsonl:2: not met: {said} from the client within 20 ms\n");
        assert_eq!((err, status), (expected, Some(1)));
    }
}

#[test]
fn an_expectation_that_a_client_met_ends_it_with_status_0() {
    let dir = folder();
    let tape = "{\"tape\":1}\n{\"on_connect\":\"each\",\"after_frames\":0,\"text\":\"hi\"}\n\
        {\"on_connect\":1,\"after_ms\":0,\"expect\":{\"after_ms\":5000,\"received\":{\"kind\":\"text\",\"text\":\"sub\"}}}\n\
        {\"at_ms\":1,\"end\":true}\n";
    std::fs::write(dir.path().join("demand.jsonl"), tape).unwrap();
    let args = ["demand.jsonl", "--listen", "127.0.0.1:0", "--exit"];
    let running = Running::start(dir.path(), &args);
    let mut client = running.greet("");
    client.write_all(b"\x81\x83\0\0\0\0sub").unwrap();
    let (_, err, status) = running.end();
    assert_eq!((err.as_str(), status), ("", Some(0)));
}

#[test]
fn each_engine_that_a_tape_names_listens_on_a_port_of_its_own() {
    let dir = folder();
    std::fs::write(
        dir.path().join("two.jsonl"),
        "{\"tape\":1}\n{\"on_connect\":\"each\",\"engine\":\"left\",\"text\":\"hi\"}\n\
         {\"on_connect\":\"each\",\"engine\":\"right\",\"text\":\"ho\"}\n{\"at_ms\":60000,\"end\":true}\n",
    )
    .unwrap();
    let mut child = command(dir.path())
        .args(["two.jsonl", "--listen", "127.0.0.1:0", "--path", "/a"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let said = ["left", "right"].map(|name| {
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let addr = line
            .trim_end()
            .strip_prefix("listening on ws://")
            .and_then(|rest| rest.strip_suffix(&format!("/a for {name:?}")));
        let mut stream = TcpStream::connect(addr.unwrap_or_else(|| panic!("{line:?}"))).unwrap();
        let request = String::from_utf8(upgrade_request("")).unwrap();
        stream
            .write_all(request.replace("/ws", "/a").as_bytes())
            .unwrap();
        let mut got = Vec::new();
        while !got.ends_with(b"\x81\x02hi") && !got.ends_with(b"\x81\x02ho") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            got.push(byte[0]);
        }
        got.split_off(got.len() - 2)
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(said, [b"hi", b"ho"]);
}

#[test]
fn an_engine_that_no_step_is_for_is_bad_input_with_the_names_there_are() {
    let dir = folder();
    std::fs::write(
        dir.path().join("two.jsonl"),
        "{\"tape\":1}\n{\"at_ms\":1,\"engine\":\"left\",\"mark\":\"a\"}\n{\"at_ms\":2,\"engine\":\"right\",\"mark\":\"b\"}\n",
    )
    .unwrap();
    let table = [
        (
            "two.jsonl",
            "no step is for the engine \"middle\"; the tape names \"left\", \"right\"",
        ),
        (
            "good.jsonl",
            "no step is for the engine \"middle\"; the tape names no engine",
        ),
    ];
    for (tape, said) in table {
        let args = [
            tape,
            "--listen",
            "127.0.0.1:0",
            "--engine",
            "middle",
            "--start",
            "now",
            "--exit",
        ];
        let output = run(dir.path(), &args);
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            (output.status.code(), err.contains(said)),
            (Some(2), true),
            "{err}"
        );
    }
    let args = [
        "two.jsonl",
        "--listen",
        "127.0.0.1:0",
        "--engine",
        "right",
        "--start",
        "now",
        "--exit",
    ];
    assert_eq!(Running::start(dir.path(), &args).end().2, Some(0));
}

#[test]
fn it_listens_on_a_name() {
    let dir = folder();
    let args = ["good.jsonl", "--listen", "localhost:0", "--exit"];
    let running = Running::start(dir.path(), &args);
    let _client = running.greet("");
    let (_, err, status) = running.end();
    assert_eq!((err.as_str(), status), ("", Some(0)));
}

#[cfg(unix)]
#[test]
fn the_journal_goes_to_a_device_or_a_pipe_too() {
    let dir = folder();
    let pipe = dir.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let reading = std::thread::spawn(move || std::fs::read_to_string(pipe).unwrap());
    for journal in ["/dev/null", "pipe"] {
        let args = [
            "good.jsonl",
            "--listen",
            "127.0.0.1:0",
            "--start",
            "now",
            "--exit",
            "--journal",
            journal,
            "--force",
        ];
        let (_, err, status) = Running::start(dir.path(), &args).end();
        assert_eq!((err.as_str(), status), ("", Some(0)), "{journal}");
    }
    let journal = reading.join().unwrap();
    assert!(journal.contains(r#""kind":"end""#), "{journal}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_journal_that_takes_no_more_is_said_at_once_and_the_engine_goes_on() {
    let dir = folder();
    let args = ["--journal", "/dev/full", "--force"];
    let mut running = lasting(dir.path(), Stdio::null(), &args);
    let err = running.child.stderr.take().unwrap();
    let (said, line) = std::sync::mpsc::channel();
    let reading = std::thread::spawn(move || {
        let mut err = BufReader::new(err);
        let mut line = String::new();
        err.read_line(&mut line).unwrap();
        said.send(line).unwrap();
        let mut rest = String::new();
        err.read_to_string(&mut rest).unwrap();
        rest
    });
    let first = running.greet("");
    let line = line.recv_timeout(BOUND);
    let line = line.expect("it is said while the engine goes on");
    let expected = "wstape: the journal ends here, and the engine goes on: No space left on device";
    assert!(line.starts_with(expected), "{line}");
    let second = running.greet("");
    let pid = running.child.id().to_string();
    let killed = Command::new("kill").args(["-s", "TERM", &pid]).status();
    assert!(killed.unwrap().success());
    drop((first, second));
    assert_eq!(running.child.wait().unwrap().code(), Some(1));
    let rest = reading.join().unwrap();
    assert!(
        rest.contains("the journal could not be written to its end"),
        "{rest}"
    );
}

#[test]
fn check_looks_the_tapes_through_to_their_ends_and_opens_nothing() {
    let dir = folder();
    let late = format!(
        "{{\"tape\":1}}\n{}{{\"at_ms\":9,\"dorp\":1}}\n",
        "{\"at_ms\":1,\"mark\":\"x\"}\n".repeat(5_000)
    );
    std::fs::write(dir.path().join("late.jsonl"), late).unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let check = |tape: &str| {
        let args = [
            tape,
            "--check",
            "--listen",
            &taken,
            "--journal",
            "new.jsonl",
        ];
        let output = run(dir.path(), &args);
        let error = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), output.stdout, error)
    };
    assert_eq!(check("good.jsonl"), (Some(0), Vec::new(), String::new()));
    let (status, out, error) = check("late.jsonl");
    assert_eq!((status, out), (Some(2), Vec::new()));
    assert!(error.contains("late.jsonl:5002:"), "{error}");
    assert!(!dir.path().join("new.jsonl").exists());
}

/// Sends a request to the control port of a run and reads the whole answer.
fn ask(control: &str, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(control).unwrap();
    let request = format!(
        "{method} {path} HTTP/1.0\r\nHost: {control}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_run_is_steered_over_its_control_port_and_ended_with_its_verdict() {
    let dir = folder();
    let expecting = "{\"tape\":1}\n{\"on_connect\":\"each\",\"after_frames\":0,\"text\":\"hi\"}\n";
    std::fs::write(dir.path().join("open.jsonl"), expecting).unwrap();
    let args = [
        "open.jsonl",
        "--listen",
        "127.0.0.1:0",
        "--control",
        "127.0.0.1:0",
    ];
    let mut running = Running::start(dir.path(), &args);
    let mut line = String::new();
    running.out.read_line(&mut line).unwrap();
    let control = line.trim_end().strip_prefix("control on http://");
    let control = control.unwrap_or_else(|| panic!("{line:?}")).to_owned();
    let mut client = running.greet("");
    let so = ask(&control, "POST", "/v1/wait", "{\"connections\":1}");
    assert!(so.starts_with("HTTP/1.0 200"), "{so}");
    let steps = "{\"at_ms\":0,\"text\":\"ho\"}\n{\"at_ms\":0,\"expect\":{\"after_ms\":1,\"received\":{\"kind\":\"ping\"}}}\n";
    let taken = ask(&control, "POST", "/v1/steps", steps);
    assert!(taken.ends_with("{\"steps\":2}\n"), "{taken}");
    let mut got = [0; 4];
    client.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"\x81\x02ho");
    let judged =
        (0..10_000).any(|_| ask(&control, "GET", "/v1/verdict", "").contains("\"unmet\":1"));
    assert!(judged);
    let verdict = ask(&control, "POST", "/v1/end", "");
    assert!(verdict.contains("\"unmet\":1"), "{verdict}");
    let (_, err, status) = running.end();
    assert!(
        err.contains("not met: a Ping from the client within 1 ms"),
        "{err}"
    );
    assert_eq!(status, Some(1));
}

#[test]
fn a_control_port_that_others_could_reach_needs_a_token_and_nothing_is_left_behind() {
    let dir = folder();
    let table: &[(&[&str], &str)] = &[
        (&["--control", "0.0.0.0:0"], "needs a token"),
        (&["--control", "nowhere"], "an address is HOST:PORT"),
        (
            &[
                "--control",
                "127.0.0.1:0",
                "--control-token-env",
                "WSTAPE_NO_SUCH",
            ],
            "WSTAPE_NO_SUCH is not set",
        ),
    ];
    for &(args, says) in table {
        let mut all = vec![
            "good.jsonl",
            "--listen",
            "127.0.0.1:0",
            "--journal",
            "new.jsonl",
        ];
        all.extend(args);
        let output = run(dir.path(), &all);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(says), "{error}");
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(!dir.path().join("new.jsonl").exists(), "{args:?}");
    }
}

#[test]
fn it_speaks_tls_with_a_certificate_made_at_start_and_writes_its_authority() {
    let dir = folder();
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, "-----BEGIN CERTIFICATE-----\nan older one\n").unwrap();
    let mut child = command(dir.path())
        .args([
            "good.jsonl",
            "--listen",
            "127.0.0.1:0",
            "--tls",
            "--tls-ca",
            "ca.pem",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let addr = line.trim_end().strip_prefix("listening on wss://");
    let addr = addr
        .and_then(|rest| rest.strip_suffix("/ws"))
        .unwrap()
        .to_owned();
    let pem = std::fs::read_to_string(&ca).unwrap();
    assert!(
        pem.starts_with("-----BEGIN CERTIFICATE-----\n") && !pem.contains("older"),
        "{pem}"
    );
    // What is no TLS gets an alert (RFC 8446, 6) and no HTTP.
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.write_all(&upgrade_request("")).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{}", answer.escape_ascii());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_certificate_that_cannot_be_used_or_written_is_bad_input() {
    let dir = folder();
    std::fs::write(dir.path().join("notes.txt"), "mine\n").unwrap();
    let table: &[(&[&str], &str)] = &[
        (
            &["--tls", "--tls-ca", "notes.txt"],
            "something else than a certificate",
        ),
        (&["--tls-ca", "ca.pem"], "--tls"),
        (&["--cert", "notes.txt"], "--key"),
        (
            &["--cert", "notes.txt", "--key", "notes.txt"],
            "the certificate is not PEM",
        ),
        (&["--cert", "none.pem", "--key", "notes.txt"], "none.pem"),
    ];
    for &(args, says) in table {
        let mut all = vec!["good.jsonl", "--listen", "127.0.0.1:0"];
        all.extend(args);
        let output = run(dir.path(), &all);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(says), "{args:?}: {error}");
        assert_eq!(output.status.code(), Some(2), "{error}");
    }
    let notes = std::fs::read_to_string(dir.path().join("notes.txt")).unwrap();
    assert_eq!(notes, "mine\n");
}

#[test]
fn an_expected_message_is_looked_for_by_its_json_and_said_where_it_did_not_come() {
    let dir = folder();
    let tape = "{\"tape\":1,\"needs\":[\"dialogue\"]}\n\
        {\"on_connect\":\"each\",\"after_frames\":0,\"text\":\"hi\"}\n\
        {\"at_ms\":0,\"expect\":{\"after_ms\":2000,\"received\":{\"json\":{\"op\":\"sub\"}}}}\n\
        {\"at_ms\":2001,\"end\":true}\n";
    std::fs::write(dir.path().join("sub.jsonl"), tape).unwrap();
    for (sent, status) in [
        // Two fragments of {"op":"sub"}.
        (&b"\x01\x86\0\0\0\0{\"op\":\x80\x86\0\0\0\0\"sub\"}"[..], 0),
        (b"\x81\x8c\0\0\0\0{\"op\":\"buy\"}", 1),
    ] {
        let args = ["sub.jsonl", "--listen", "127.0.0.1:0", "--exit"];
        let running = Running::start(dir.path(), &args);
        let mut stream = running.greet("");
        stream.write_all(sent).unwrap();
        let (_, err, code) = running.end();
        assert_eq!(code, Some(status), "{err}");
        let unmet = "sub.jsonl:3: not met: a message with json {\"op\":\"sub\"} from the client";
        assert_eq!(err.contains(unmet), status == 1, "{err}");
    }
}
