//! `serve --exit` as a test of a client: what the client must have sent.

use std::io::Write as _;

use crate::serving::{Running, folder};

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
fn an_expected_message_is_looked_for_by_its_json_and_said_where_it_did_not_come() {
    let dir = folder();
    for (sent, within_ms, status) in [
        // Two fragments of {"op":"sub"}.
        (
            &b"\x01\x86\0\0\0\0{\"op\":\x80\x86\0\0\0\0\"sub\"}"[..],
            5_000,
            0,
        ),
        (b"\x81\x8c\0\0\0\0{\"op\":\"buy\"}", 300, 1),
    ] {
        let tape = format!(
            "{{\"tape\":1,\"needs\":[\"dialogue\"]}}\n\
             {{\"on_connect\":\"each\",\"after_frames\":0,\"text\":\"hi\"}}\n\
             {{\"at_ms\":0,\"expect\":{{\"after_ms\":{within_ms},\"received\":{{\"json\":{{\"op\":\"sub\"}}}}}}}}\n\
             {{\"at_ms\":1,\"end\":true}}\n"
        );
        std::fs::write(dir.path().join("sub.jsonl"), tape).unwrap();
        let args = ["sub.jsonl", "--listen", "127.0.0.1:0", "--exit"];
        let running = Running::start(dir.path(), &args);
        let mut stream = running.greet("");
        // On a slow machine the server may have given up by now, and the expectation is unmet too.
        let written = stream.write_all(sent);
        assert!(written.is_ok() || status == 1, "{written:?}");
        let (_, err, code) = running.end();
        assert_eq!(code, Some(status), "{err}");
        let unmet = "sub.jsonl:3: not met: a message with json {\"op\":\"sub\"} from the client";
        assert_eq!(err.contains(unmet), status == 1, "{err}");
    }
}

#[cfg(unix)]
#[test]
fn a_tape_that_never_began_has_not_met_what_it_expects() {
    let dir = folder();
    let tape = "{\"tape\":1}\n\
        {\"at_ms\":9000,\"expect\":{\"after_ms\":20,\"received\":{\"kind\":\"ping\"}}}\n";
    std::fs::write(dir.path().join("demand.jsonl"), tape).unwrap();
    let serve = ["demand.jsonl", "--listen", "127.0.0.1:0"];
    for (more, said, status) in [
        (
            &["--exit"][..],
            "demand.jsonl:2: not met: nobody connected, so the tape never started\n",
            1,
        ),
        (
            &["--exit", "--start", "connections:2"],
            "demand.jsonl:2: not met: the tape waits for 2 clients to connect, and never started\n",
            1,
        ),
        // Without `--exit` nobody asked for a verdict; a tape that had begun was stopped on
        // purpose.
        (&[], "", 0),
        (&["--exit", "--start", "now"], "", 0),
    ] {
        let running = Running::start(dir.path(), &[&serve, more].concat());
        running.interrupt();
        let (_, err, code) = running.end();
        assert_eq!((err.as_str(), code), (said, Some(status)), "{more:?}");
    }
}
