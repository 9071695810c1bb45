//! `serve --control`: steering a run.

use std::io::{BufRead as _, Read as _, Write as _};
use std::net::TcpStream;

use crate::serving::{Running, folder, run};

/// Sends a request to the control port of a run, and returns the whole answer.
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
        (&["--control", "nowhere"], "expected HOST:PORT"),
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
