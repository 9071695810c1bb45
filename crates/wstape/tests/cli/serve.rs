//! `serve`: what it prints, what it refuses, how it ends.

use std::io::{BufRead as _, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use crate::serving::{BOUND, Running, folder, lasting, run};

/// Checks that these arguments end with one sentence that contains `expected`, and leave the folder
/// as it was.
fn refused(args: &[&str], expected: &str) {
    let dir = folder();
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

#[test]
fn bad_input_is_one_clear_sentence_and_status_2_and_writes_nothing() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let table: &[(&[&str], &str)] = &[
        (
            &["good.jsonl", "--listen", &taken],
            "the port is taken; choose another, or 0 for any free port (--listen ADDR)",
        ),
        (
            &["good.jsonl", "--listen", "127.0.0.1:0", "--control", &taken],
            "the port is taken",
        ),
        (
            &["good.jsonl", "--listen", "203.0.113.1:0"],
            "this machine does not have that address",
        ),
        (
            &["good.jsonl", "--listen", "no-such-host.invalid:0"],
            "; give an address of this machine, such as 127.0.0.1:8765",
        ),
        (
            &["good.jsonl", "--overlay", "field/no-such"],
            "field/ws-8-server-closed\n",
        ),
        (
            &["feed.ndjson"],
            "such as {\"tape\":1}; wstape import makes a tape of what another tool wrote\n",
        ),
        (
            &["good.jsonl", "--listen", "nonsense"],
            "invalid value 'nonsense' for '--listen <ADDR>'",
        ),
        (
            &["good.jsonl", "--speed", "fast"],
            "expected `max` or a number",
        ),
        (
            &["good.jsonl", "--speed", "0"],
            "expected `max` or a number",
        ),
        (
            &["good.jsonl", "--time", "/T"],
            "--time has no effect without --ts shift; add --ts shift",
        ),
        (
            &["good.jsonl", "--ts", "keep", "--time", "/T", "--check"],
            "--time has no effect without --ts shift; add --ts shift",
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
    for (args, expected) in table {
        refused(args, expected);
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
    // It still answers, and ends when told to.
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
            "the tape is torn at line 3; everything before it was played\n",
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
        let mut err = std::io::BufReader::new(err);
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
    let expected = "wstape: the journal ends here, but the engine goes on: No space left on device";
    assert!(line.starts_with(expected), "{line}");
    let second = running.greet("");
    let pid = running.child.id().to_string();
    let killed = Command::new("kill").args(["-s", "TERM", &pid]).status();
    assert!(killed.unwrap().success());
    drop((first, second));
    assert_eq!(running.child.wait().unwrap().code(), Some(1));
    let rest = reading.join().unwrap();
    assert!(
        rest.contains("the journal could not be completely written"),
        "{rest}"
    );
}

#[test]
fn a_journal_is_written_over_no_tape_and_over_no_other_engines_journal() {
    let dir = folder();
    let good = ["good.jsonl", "--listen", "127.0.0.1:0"];
    let over = [&good[..], &["--journal", "./good.jsonl", "--force"]].concat();
    let output = run(dir.path(), &over);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("./good.jsonl is an input and would be overwritten"),
        "{said}"
    );
    let tape = std::fs::read_to_string(dir.path().join("good.jsonl")).unwrap();
    assert_eq!(tape, crate::serving::GOOD);

    let journal = [&good[..], &["--journal", "run.jsonl", "--force"]].concat();
    let first = Running::start(dir.path(), &journal);
    let second = run(dir.path(), &journal);
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(2), "{said}");
    assert!(said.contains("run.jsonl: another engine writes"), "{said}");
    drop(first);
    let third = Running::start(dir.path(), &journal);
    assert!(third.addr.starts_with("127.0.0.1:"));
}

#[test]
fn a_tape_may_come_by_standard_input() {
    let dir = folder();
    for (tape, status, sentence) in [
        ("good.jsonl", 0, ""),
        ("bad.jsonl", 2, "/dev/stdin:2:12: unknown key \"dorp\""),
    ] {
        for (pipe, more) in [
            ("cat TAPE | PROGRAM", "-"),
            ("PROGRAM < TAPE", "-"),
            ("cat TAPE | PROGRAM", "good.jsonl --overlay -"),
        ] {
            let program = format!("{} serve {more} --check", env!("CARGO_BIN_EXE_wstape"));
            let command = pipe.replace("PROGRAM", &program).replace("TAPE", tape);
            let output = Command::new("sh")
                .args(["-c", &command])
                .current_dir(dir.path())
                .output()
                .unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(status), "{command}: {said}");
            assert!(said.contains(sentence), "{command}: {said}");
        }
    }
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
